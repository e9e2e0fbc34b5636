"""What trained networks look at: how far back gradients reach, and where attention goes."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd

from rnnforecast.estimators._ensemble import Ensemble, laid_out
from rnnforecast.estimators._samples import Samples
from rnnforecast.estimators._threads import one_blas_thread
from rnnforecast.network import attention as looking_back
from rnnforecast.network import beside
from rnnforecast.network.beside import Beside
from rnnforecast.network.bidirectional import Bidirectional
from rnnforecast.network.compose import Chain
from rnnforecast.network.gradient_flow import gradient_flow as norms_by_lag
from rnnforecast.network.layer import Layer
from rnnforecast.network.recurrent import Recurrent
from rnnforecast.network.residual import Residual
from rnnforecast.network.seq2seq import Seq2Seq
from rnnforecast.network.windows import Windows
from rnnforecast.series import Series

WINDOWS = 64  # a mean over more of them changes a curve by less than its line's width


def attention(ensemble: Ensemble, series: Series, origins: np.ndarray, horizon: int) -> np.ndarray:
    """Weights of the encoder's T steps in each step of the forecast, (n K / J, h, T), columns outermost.

    With `Seq2Seq`, h is the `horizon`; a direct decoder looks back once for all its steps, and h is 1.
    """
    network, windows = ensemble.network, ensemble.windows
    frame = ensemble.scales.frame_of(series, network.dtype)
    if isinstance(network.decoder, Seq2Seq):
        windows = replace(windows, horizon=horizon)
        network = network.over(windows)
    samples = Samples.all(frame, origins, windows.n_columns // windows.n_targets)
    read = windows.read(frame, samples.origins, samples.columns)
    each = []
    for weights in ensemble.weights:
        work = network.work(windows.lookback, len(samples.origins))
        network.forward(network.prepare(weights), read.past, read.context, work)
        if isinstance(network.decoder, Seq2Seq):
            each.append(np.stack(work.decoder.weights))
        else:
            each.append(np.stack([own.weights for own in _flat(work.encoder) if isinstance(own, looking_back.Work)]))
    return np.mean(each, axis=0).transpose(2, 0, 1)


def gradient_flow(ensemble: Ensemble, series: Series) -> pd.DataFrame:
    """Norms of the gradient of the newest state in the states before it, by lag and layer.

    Parameters
    ----------
    ensemble : Ensemble
        Or one that learnt from every step.
    series : Series
        The norms are root mean squares over windows of it, and over the networks.

    Returns
    -------
    DataFrame
        Index "lag" in steps of the series, a column for each recurrent layer. The gradient starts at the last layer's
        newest state with a norm of 1, in a random direction.

    Raises
    ------
    ValueError
        If the network cannot be followed one step at a time.
    """
    network, windows = ensemble.network, ensemble.windows
    frame, spans = laid_out(series, ensemble.scales, windows, network.dtype)
    origins = spans.origins_from(np.minimum(windows.lookback, spans.lengths), 0)
    samples = Samples.all(frame, origins.at(np.arange(len(origins))), windows.n_columns // windows.n_targets).thinned(
        WINDOWS
    )
    if isinstance(windows, Windows):
        x = windows.read(frame, samples.origins, samples.columns, windows.lookback).past
    else:
        x = windows.inputs(frame, samples.origins - windows.lookback, samples.columns, windows.lookback)
    squares: list[np.ndarray] = []
    recurrent: list[Recurrent] = []
    with one_blas_thread():
        for weights in ensemble.weights:
            chain, prepared = _recurrent_part(network.encoder, network.prepare(weights)[0])
            recurrent = [layer for layer in chain.layers if isinstance(layer, Recurrent)]
            direction = np.random.default_rng(0).standard_normal((chain.n_outputs, x.shape[2]))
            direction /= np.sqrt(np.mean(np.square(direction)))
            squares.append(norms_by_lag(chain, prepared, x, direction.astype(network.dtype)) ** 2)
    norms = np.sqrt(np.mean(squares, axis=0))
    step = windows.lookback // (norms.shape[1] - 1)  # of a segment
    return pd.DataFrame(
        norms.T,
        index=pd.RangeIndex(0, step * norms.shape[1], step, name="lag"),
        columns=[f"{layer.cell.name} {k}" for k, layer in enumerate(recurrent, start=1)],
    )


def _recurrent_part(encoder: Chain, prepared: list[Any]) -> tuple[Chain, list[Any]]:
    """Layers up to the last recurrent one, what lies beside them left out, and their prepared weights."""
    layers, ready = list(encoder.layers), list(prepared)
    if isinstance(layers[-1], Beside):
        main = layers[-1].parts[0]
        assert isinstance(main, Chain)
        layers, ready = [*layers[:-1], *main.layers], [*ready[:-1], *ready[-1][0]]
    for kind, parameter in ((Bidirectional, "bidirectional"), (Residual, "residual")):
        if any(isinstance(layer, kind) for layer in layers):
            raise ValueError(
                f"gradient_flow carries the state of each layer from step to step and cannot see into those of "
                f"{parameter}=True: fit with {parameter}=False to see how far gradients reach"
            )
    n = 1 + max(k for k, layer in enumerate(layers) if isinstance(layer, Recurrent))
    kept: list[Layer] = layers[:n]
    return Chain(kept), ready[:n]


def _flat(works: list[Any]) -> Iterator[Any]:
    """Buffers of all layers, those beside each other included."""
    for own in works:
        if isinstance(own, beside.Work):
            for part in own.parts:
                yield from _flat(part if isinstance(part, list) else [part])
        else:
            yield own
