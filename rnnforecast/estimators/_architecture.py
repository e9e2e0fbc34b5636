"""The network that a forecaster's parameters and its series ask for."""

from __future__ import annotations

from dataclasses import dataclass
from numbers import Integral, Real
from typing import Any

import numpy as np
from sklearn.utils._param_validation import Interval, InvalidParameterError, StrOptions

from rnnforecast.estimators._recipe import Recipe
from rnnforecast.kernels.activations import relu
from rnnforecast.kernels.cells import NAMES, Cell, named
from rnnforecast.network.compose import Chain, Segments
from rnnforecast.network.decoders import Decoder, Direct, Recursive
from rnnforecast.network.dense import Dense
from rnnforecast.network.dropout import Dropout
from rnnforecast.network.layer import Layer
from rnnforecast.network.network import Network
from rnnforecast.network.parallel import Parallel
from rnnforecast.network.recurrent import Recurrent
from rnnforecast.network.seq2seq import Seq2Seq
from rnnforecast.network.windows import Windows
from rnnforecast.series import Series

CONSTRAINTS: dict[str, list[Any]] = {
    "cell": [StrOptions(set(NAMES)), Cell, tuple, list],
    "hidden_layer_sizes": [tuple, list, Interval(Integral, 1, None, closed="left")],
    "activation": [StrOptions({"tanh", "relu", "sigmoid"})],
    "lookback": [StrOptions({"auto"}), Interval(Integral, 1, None, closed="left")],
    "segment_length": [StrOptions({"auto"}), Interval(Integral, 1, None, closed="left"), None],
    "decoder": [StrOptions({"direct", "recursive", "seq2seq", "parallel"})],
    "attention": [StrOptions({"additive", "dot"}), None],
    "teacher_forcing": [Interval(Real, 0, 1, closed="both")],
    "head_layer_sizes": [tuple, list],
    "highway": [Interval(Integral, 0, None, closed="left")],
    "dropout": [Interval(Real, 0, 1, closed="left")],
    "channels": [StrOptions({"independent", "joint"})],
}
LOOKBACK_SEASONS = 7  # of the shortest season; the closed-form model reads twice as many


@dataclass(frozen=True)
class Architecture:
    """A network and how its windows are cut."""

    network: Network
    windows: Windows


def sizes(name: str, value: Any, at_least: int = 1) -> tuple[int, ...]:
    """Check a parameter that is a positive integer or a tuple of them."""
    values = (value,) if isinstance(value, (int, np.integer)) and not isinstance(value, bool) else tuple(value)
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
    if forecaster.highway and forecaster.decoder != "direct":
        raise InvalidParameterError(
            f'highway belongs to decoder="direct", got highway={forecaster.highway!r} '
            f'with decoder="{forecaster.decoder}": leave it at 0'
        )
    if forecaster.attention and forecaster.decoder != "seq2seq":
        raise InvalidParameterError(
            f'attention belongs to decoder="seq2seq", got attention={forecaster.attention!r} '
            f'with decoder="{forecaster.decoder}": leave it at None'
        )
    if forecaster.decoder == "recursive":
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


def design(forecaster: Any, series: Series, recipe: Recipe) -> Architecture:
    """Build the network of a forecaster's parameters for `series`."""
    recursive, dtype = forecaster.decoder == "recursive", np.dtype(forecaster.dtype)
    goes_on = forecaster.decoder in ("seq2seq", "parallel")  # from the last state itself, dropout coming after it
    lookback, segment = _reach(forecaster, series.n_rows - forecaster.horizon, recipe, recursive)
    K, horizon = series.target.shape[1], forecaster.horizon
    windows = Windows(
        lookback=lookback,
        horizon=horizon,
        n_targets=K if forecaster.channels == "joint" else 1,
        n_columns=K,
        n_known=series.known.shape[1],
        n_past=series.past.shape[1],
        base=0 if recursive or recipe.base > lookback else recipe.base,
        norm=forecaster.window_norm,
        recursive=recursive,
    )
    hidden = sizes("hidden_layer_sizes", forecaster.hidden_layer_sizes)
    head = sizes("head_layer_sizes", forecaster.head_layer_sizes, at_least=0)
    layers: list[Layer] = []
    width = windows.n_inputs
    if segment > 1:
        layers += [Segments(width, segment), Dense(width * segment, hidden[0], relu)]
        width = hidden[0]
    each = cells(forecaster.cell, forecaster.activation, len(hidden))
    for k, (cell, n_units) in enumerate(zip(each, hidden, strict=True)):
        inner = k < len(hidden) - 1
        every = inner or recursive or forecaster.attention is not None
        layers.append(Recurrent(cell, width, n_units, dtype, every))
        if forecaster.dropout and (inner or not goes_on):
            layers.append(Dropout(n_units, forecaster.dropout))
        width = n_units
    decoder: Decoder
    if recursive:
        decoder = Recursive(width, windows.n_targets, horizon, head)
    elif forecaster.decoder == "seq2seq":
        decoder = Seq2Seq(each[-1], width, windows, dtype, head, forecaster.dropout, forecaster.attention)
    elif forecaster.decoder == "parallel":
        decoder = Parallel(each[-1], width, windows, min(segment, horizon), dtype, head, forecaster.dropout)
    else:
        highway = min(forecaster.highway, lookback)
        decoder = Direct(width, windows.n_context, windows.n_targets, horizon, head, highway)
    return Architecture(Network(Chain(layers), decoder, dtype), windows)


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
    segment = min(max(segment, 1), available)
    filled = -(-lookback // segment) * segment
    return (lookback // segment * segment if automatic or filled > available else filled), segment
