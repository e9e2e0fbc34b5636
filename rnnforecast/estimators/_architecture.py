"""The network that a forecaster's parameters and its series ask for."""

from __future__ import annotations

from dataclasses import dataclass
from numbers import Integral, Real
from typing import Any

import numpy as np
from sklearn.utils._param_validation import Interval, InvalidParameterError, StrOptions

from rnnforecast.estimators._recipe import Recipe
from rnnforecast.estimators._statics import StaticEncoder
from rnnforecast.kernels.activations import relu
from rnnforecast.kernels.cells import NAMES, Cell, named
from rnnforecast.network.attention import Attention
from rnnforecast.network.beside import Beside
from rnnforecast.network.bidirectional import Bidirectional
from rnnforecast.network.compose import Chain, Segments
from rnnforecast.network.convolution import CausalConvolution
from rnnforecast.network.decoders import Decoder, Direct, Recursive
from rnnforecast.network.dense import Dense
from rnnforecast.network.dropout import Dropout, VariationalDropout
from rnnforecast.network.ends import Ends
from rnnforecast.network.heads import Head, head_of
from rnnforecast.network.layer import Layer
from rnnforecast.network.lookup import Lookup
from rnnforecast.network.network import Network
from rnnforecast.network.normalization import LayerNorm
from rnnforecast.network.parallel import Parallel
from rnnforecast.network.recurrent import Recurrent
from rnnforecast.network.residual import Residual
from rnnforecast.network.seq2seq import Seq2Seq
from rnnforecast.network.skip import SkipRecurrent
from rnnforecast.network.windows import Windows
from rnnforecast.network.zoneout import BidirectionalZoneout, Zoneout
from rnnforecast.series import Series

CONSTRAINTS: dict[str, list[Any]] = {
    "cell": [StrOptions(set(NAMES)), Cell, tuple, list],
    "hidden_layer_sizes": [tuple, list, Interval(Integral, 1, None, closed="left")],
    "activation": [StrOptions({"tanh", "relu", "sigmoid"})],
    "bidirectional": ["boolean"],
    "layer_norm": ["boolean"],
    "residual": ["boolean"],
    "lookback": [StrOptions({"auto"}), Interval(Integral, 1, None, closed="left")],
    "segment_length": [StrOptions({"auto"}), Interval(Integral, 1, None, closed="left"), None],
    "conv_filters": [Interval(Integral, 0, None, closed="left")],
    "conv_kernel_size": [Interval(Integral, 1, None, closed="left")],
    "conv_dilation": [Interval(Integral, 1, None, closed="left")],
    "skip_period": [Interval(Integral, 2, None, closed="left"), None],
    "decoder": [StrOptions({"direct", "recursive", "seq2seq", "parallel"})],
    "attention": [StrOptions({"additive", "dot"}), None],
    "teacher_forcing": [Interval(Real, 0, 1, closed="both")],
    "head_layer_sizes": [tuple, list],
    "highway": [Interval(Integral, 0, None, closed="left")],
    "dropout": [Interval(Real, 0, 1, closed="left")],
    "variational_dropout": ["boolean"],
    "zoneout": [Interval(Real, 0, 1, closed="left")],
    "channels": [StrOptions({"independent", "joint"})],
}
BELONGS = {  # parameters that act with some decoders only
    "highway": ("direct",),
    "attention": ("seq2seq", "direct"),
    "bidirectional": ("direct", "seq2seq", "parallel"),  # what is read backward cannot go on forward
    "conv_filters": ("direct", "seq2seq", "parallel"),
    "skip_period": ("direct",),
}
OFF = {"highway": 0, "attention": None, "bidirectional": False, "conv_filters": 0, "skip_period": None}
HANDS_ON = ("seq2seq", "parallel")  # decoders that start from the last layer's state itself
SKIP_UNITS = 5  # of the recurrence that skips, for each step of its period (Lai et al., 2018)
LOOKBACK_SEASONS = 7  # of the shortest season; the closed-form model reads twice as many


@dataclass(frozen=True)
class Architecture:
    """A network and how its windows are cut."""

    network: Any
    windows: Any


def sizes(name: str, value: Any, at_least: int = 1) -> tuple[int, ...]:
    """Check a parameter that is a positive integer or a tuple of them."""
    values = (value,) if isinstance(value, (int, np.integer)) else tuple(value)
    for size in values:
        if isinstance(size, bool) or not isinstance(size, (int, np.integer)) or size < 1:
            raise InvalidParameterError(f"{name} must hold positive integers, got {size!r}")
    if len(values) < at_least:
        raise InvalidParameterError(f"{name} must hold at least one positive integer, got {value!r}")
    return tuple(int(size) for size in values)


def cells(cell: Any, activation: str, n_layers: int) -> list[Cell]:
    """Cell of each layer from one for all, or one for each."""
    each = list(cell) if isinstance(cell, (tuple, list)) else [cell] * n_layers
    for one in each:
        if not isinstance(one, Cell) and one not in NAMES:
            raise InvalidParameterError(f"cell must be one of {NAMES}, a Cell, or a tuple of these, got {one!r}")
    if len(each) != n_layers:
        raise InvalidParameterError(
            f"cell names {len(each)} layers but hidden_layer_sizes has {n_layers}: give one cell, or one for each layer"
        )
    return [named(one, activation) for one in each]


def check(forecaster: Any) -> None:
    """Refuse what cannot be built, before any work."""
    hidden = sizes("hidden_layer_sizes", forecaster.hidden_layer_sizes)
    sizes("head_layer_sizes", forecaster.head_layer_sizes, at_least=0)
    cells(forecaster.cell, forecaster.activation, len(hidden))
    decoder, lookback, skip = forecaster.decoder, forecaster.lookback, forecaster.skip_period
    for parameter, homes in BELONGS.items():
        value = getattr(forecaster, parameter)
        if value and decoder not in homes:
            allowed = " or ".join(f'"{home}"' for home in homes)
            raise InvalidParameterError(
                f"{parameter} belongs to decoder={allowed}, got {parameter}={value!r} "
                f'with decoder="{decoder}": leave it at {OFF[parameter]!r}'
            )
    if skip and lookback != "auto" and skip > lookback:
        raise InvalidParameterError(
            f"skip_period must lie within lookback, got skip_period={skip!r} with lookback={lookback!r}: "
            "read further back, or skip a shorter period"
        )
    if decoder == "recursive":
        _check_recursive(forecaster)
    _check_layers(forecaster, hidden)


def _check_recursive(forecaster: Any) -> None:
    """Refuse what does not go one step at a time."""
    if forecaster.past_covariates:
        raise InvalidParameterError(
            'decoder="recursive" needs every input of the steps ahead, but past_covariates are not known there: '
            'use decoder="direct"'
        )
    if forecaster.segment_length not in ("auto", None, 1):
        raise InvalidParameterError(
            'decoder="recursive" goes one step at a time and cannot join steps: '
            f'use segment_length=None or decoder="direct", got segment_length={forecaster.segment_length!r}'
        )


def _check_layers(forecaster: Any, hidden: tuple[int, ...]) -> None:
    """Refuse options that would find no layer to act on, or none that they fit."""
    decoder = forecaster.decoder
    hands_on = decoder in HANDS_ON
    if hands_on and len(hidden) == 1:
        for parameter in ("bidirectional", "layer_norm"):
            if getattr(forecaster, parameter):
                raise InvalidParameterError(
                    f'{parameter}=True cannot act on the last layer of decoder="{decoder}", which hands on the state '
                    f"it has after reading forward: give hidden_layer_sizes at least two layers, got {hidden}"
                )
    if forecaster.layer_norm and 1 in hidden[: len(hidden) - hands_on] and not forecaster.bidirectional:
        raise InvalidParameterError(
            f"layer_norm=True compares the units of a layer and needs two at least, got hidden_layer_sizes={hidden}"
        )
    if forecaster.residual:
        reached = hidden[: len(hidden) - hands_on]
        if len(reached) < 2:
            but = f', but not on the last of decoder="{decoder}"' if hands_on else ""
            raise InvalidParameterError(
                f"residual=True acts on every layer from the second on{but}: "
                f"give hidden_layer_sizes at least {2 + hands_on} layers, got {hidden}"
            )
        if len(set(reached)) > 1:
            raise InvalidParameterError(
                "residual=True adds the states of one layer to those of the next, so hidden_layer_sizes must be alike, "
                f"got {hidden}"
            )


def design(forecaster: Any, series: Series, recipe: Recipe) -> Architecture:
    """Build the network of a forecaster's parameters for `series`."""
    decoder, dtype = forecaster.decoder, np.dtype(forecaster.dtype)
    recursive = decoder == "recursive"
    lookback, segment = _reach(forecaster, typical_rows(series) - forecaster.horizon, recipe, recursive)
    if forecaster.skip_period and forecaster.skip_period > lookback:
        raise ValueError(
            f"skip_period={forecaster.skip_period} must lie within the lookback, which is {lookback} for "
            f"{typical_rows(series)} rows: give a longer lookback, a longer series or a shorter period"
        )
    K, horizon = series.target.shape[1], forecaster.horizon
    static = None if series.static is None else StaticEncoder.fit(series.static)
    distribution = head_of(forecaster.loss, forecaster.quantiles)
    windows = Windows(
        lookback=lookback,
        horizon=horizon,
        n_targets=K if forecaster.channels == "joint" else 1,
        n_columns=K,
        n_known=series.known.shape[1],
        n_past=series.past.shape[1] * (1 if series.masked is None else 3),
        base=0 if recursive or recipe.base is None or recipe.base > lookback else recipe.base,
        norm=_norm(forecaster.window_norm, recipe, distribution),
        recursive=recursive,
        marked=series.masked is not None,
        n_static=0 if static is None else static.n_columns,
        head=distribution,
    )
    encoder = _encoder(forecaster, windows.n_inputs, () if static is None else static.n_symbols, segment, dtype)
    width = encoder.n_outputs
    head = sizes("head_layer_sizes", forecaster.head_layer_sizes, at_least=0)
    each = cells(
        forecaster.cell, forecaster.activation, len(sizes("hidden_layer_sizes", forecaster.hidden_layer_sizes))
    )
    end: Decoder
    if recursive:
        end = Recursive(width, windows.n_targets, horizon, head, from_present=recipe.base is not None)
    elif decoder == "seq2seq":
        end = Seq2Seq(each[-1], width, windows, dtype, head, forecaster.dropout, forecaster.attention)
    elif decoder == "parallel":
        end = Parallel(each[-1], width, windows, min(segment, horizon), dtype, head, forecaster.dropout)
    else:
        highway = min(forecaster.highway, lookback)
        n_parameters = windows.n_outputs // windows.n_targets
        end = Direct(width, windows.n_context, windows.n_targets, horizon, head, highway, n_parameters)
    return Architecture(Network(encoder, end, dtype), windows)


def _norm(window_norm: str | None, recipe: Recipe, distribution: Head | None) -> str | None:
    """Return what each window is freed of, decided by the data where it was left open; counts are only scaled."""
    if distribution is not None and distribution.counts:
        return "count"
    if recipe.base is None and window_norm in ("auto", "last"):
        return None  # differences keep their level
    if window_norm != "auto":
        return window_norm
    return "difference" if recipe.local else "last"


def typical_rows(series: Series) -> int:
    """Return the number of rows, of a panel the median over its series."""
    return int(np.median(series.spans.lengths))


def _encoder(forecaster: Any, width: int, n_symbols: tuple[int, ...], segment: int, dtype: np.dtype) -> Chain:
    """Tables of categories, convolution, segments, recurrent layers; beside these a recurrence that skips periods."""
    first: list[Layer] = []
    if n_symbols:
        first.append(Lookup(width, n_symbols))
        width = first[-1].n_outputs
    if forecaster.conv_filters:
        kernel, dilation = forecaster.conv_kernel_size, forecaster.conv_dilation
        first.append(CausalConvolution(width, forecaster.conv_filters, kernel, dilation))
        width = forecaster.conv_filters
    hidden = sizes("hidden_layer_sizes", forecaster.hidden_layer_sizes)
    each = cells(forecaster.cell, forecaster.activation, len(hidden))
    layers, n_inputs = list[Layer](), width
    if segment > 1:
        layers += [Segments(width, segment), Dense(width * segment, hidden[0], relu)]
        n_inputs = hidden[0]
    for k in range(len(hidden)):
        layers += _level(forecaster, each, hidden, k, n_inputs, dtype)
        n_inputs = layers[-1].n_outputs
    if not forecaster.skip_period:
        return Chain([*first, *layers])
    skipping = SkipRecurrent(each[-1], width, SKIP_UNITS, dtype, forecaster.skip_period)
    return Chain([*first, Beside([Chain(layers), skipping])])


def _level(
    forecaster: Any, each: list[Cell], hidden: tuple[int, ...], k: int, n_inputs: int, dtype: np.dtype
) -> list[Layer]:
    """Recurrent layer k with all that belongs to it: residual, attention, normalisation, dropout."""
    last, attention = k == len(hidden) - 1, forecaster.attention
    direct = forecaster.decoder == "direct"
    hands_on = last and forecaster.decoder in HANDS_ON
    residual = forecaster.residual and k > 0 and not hands_on
    sums_up = last and direct and attention is not None
    every = not last or forecaster.decoder == "recursive" or attention is not None or residual
    both = forecaster.bidirectional and not hands_on
    size = (each[k], n_inputs, hidden[k], dtype)
    rate = forecaster.zoneout
    recurrent: Layer
    if both:
        recurrent = BidirectionalZoneout(*size, rate, every) if rate else Bidirectional(*size, every)
    else:
        recurrent = Zoneout(*size, rate, every) if rate else Recurrent(*size, every)
    if hands_on:
        return [recurrent]  # its very state is the decoder's first, and dropout comes after the decoder's cell
    layers: list[Layer] = [Residual(recurrent) if residual else recurrent]
    width = recurrent.n_outputs
    if sums_up:
        layers.append(Attention(width, attention))
        width = layers[-1].n_outputs
    elif last and direct and residual:
        layers.append(Ends(width, hidden[k] if both else 0))
    if forecaster.layer_norm:
        layers.append(LayerNorm(width))
    if forecaster.dropout:
        kind = VariationalDropout if forecaster.variational_dropout else Dropout
        layers.append(kind(width, forecaster.dropout))
    return layers


def _reach(forecaster: Any, available: int, recipe: Recipe, recursive: bool) -> tuple[int, int]:
    """Lookback and segment length, a whole number of segments; an automatic lookback is cut, a given one filled up."""
    lookback, segment = forecaster.lookback, forecaster.segment_length
    automatic = lookback == "auto"
    if automatic:
        lookback = min(recipe.lookback, available)
        if recipe.seasons:
            lookback = min(lookback, max(LOOKBACK_SEASONS * recipe.seasons[0], recipe.seasons[-1]))
    if recursive or segment is None:
        return lookback, 1
    if segment == "auto":
        segment = recipe.seasons[0] if recipe.seasons else forecaster.horizon
        segment = min(segment, lookback // 2)
    segment = min(max(segment, 1), available, lookback if automatic else available)
    filled = -(-lookback // segment) * segment
    if filled > available:
        segment = min(segment, lookback)
    return (lookback // segment * segment if automatic or filled > available else filled), segment
