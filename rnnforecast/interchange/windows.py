"""What a forecaster's network sees of windows, and its forecasts, as ONNX nodes: `rnnforecast.network.windows`.

S samples, L rows of a window (the lookback), H steps of the horizon, J targets of a sample, F known and P past
covariates, K columns in all. Rows that are longer than a window end where it does.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import singledispatch
from typing import Any

import numpy as np

from rnnforecast.interchange.graph import Graph, Value
from rnnforecast.interchange.layers import Run, lay
from rnnforecast.interchange.recurrences import recurrent
from rnnforecast.kernels.likelihoods import LARGEST_LOG_MEAN
from rnnforecast.network.decoders import Direct, under
from rnnforecast.network.layer import Views
from rnnforecast.network.network import Network
from rnnforecast.network.parallel import Parallel
from rnnforecast.network.windows import SMALLEST_DEVIATION, STEPS_OF_SCALE, Windows


@dataclass(frozen=True)
class Rows:
    """Scaled rows that windows are read from, of the network's dtype.

    Parameters
    ----------
    target : Value
        (S, R, J), with R at least L and the length of the base.
    known : Value or None
        (S, L + H, F).
    past : Value or None
        (S, L, P).
    column : Value or None
        (S, K), 1 for the column that each sample forecasts; None where there is no choice.
    static : Value or None
        (S, 1, E), the same at each row.
    """

    target: Value
    known: Value | None
    past: Value | None
    column: Value | None
    static: Value | None = None


@dataclass(frozen=True)
class Read:
    """Windows as the network takes them.

    Parameters
    ----------
    past : Value
        (L, S, D).
    known, base : Value or None
        Of the horizon, (S, H, F) and (S, H, J).
    column : Value or None
        (S, K).
    center, factor : Value or None
        (S, 1, J); forecasts are ``out / factor + center``.
    """

    past: Value
    known: Value | None
    base: Value | None
    column: Value | None
    center: Value | None
    factor: Value | None

    def context(self, windows: Windows) -> list[Value]:
        """Return what is known of the horizon, (S, ...) each, in the order of the decoders."""
        sizes = (self.known, windows.horizon * windows.n_known), (self.base, windows.horizon * windows.n_targets)
        steps = [value.reshape(-1, size) for value, size in sizes if value is not None]
        return steps if self.column is None else [*steps, self.column]


def read(windows: Windows, rows: Rows) -> Read:
    """Cut and normalise windows, as `Windows.read` does."""
    target, graph, L, H = rows.target, rows.target.graph, windows.lookback, windows.horizon
    window = target.cut(1, -L, None)
    center, factor = _center_and_factor(windows, window)

    def normal(value: Value) -> Value:
        value = value if center is None else value - center
        return value if factor is None else value * factor

    inputs, known = [normal(window)], None
    if rows.known is not None:
        inputs.append(rows.known.cut(1, 0, L))
        known = rows.known.cut(1, L, None)
    if rows.past is not None:
        inputs.append(rows.past)
    if rows.static is not None:
        inputs.append(rows.static.expand(1, L, 1))
    base = None
    if windows.base:
        base = normal(target.cut(1, -windows.base, None).take(1, np.arange(H) % windows.base))
    return Read(graph.concatenate(inputs, 2).transpose(1, 0, 2), known, base, rows.column, center, factor)


def _center_and_factor(windows: Windows, window: Value) -> tuple[Value | None, Value | None]:
    """Return what windows (S, L, J) are freed of, (S, 1, J) each; None where that is nothing."""
    last = window.cut(1, -1, None)
    if windows.norm is None:
        return None, None
    if windows.norm == "last":
        return last, None
    if windows.norm == "difference":
        graph = window.graph
        steps = graph.apply("Abs", window.cut(1, 1, None) - window.cut(1, 0, -1))
        total = graph.apply("ReduceSum", steps, np.array([1], np.int64)) / max(windows.lookback - 1, 1)
        return last, 1.0 / (total * STEPS_OF_SCALE).at_least(SMALLEST_DEVIATION)
    mean = window.mean(1)
    if windows.norm == "count":
        return None, 1.0 / (mean + 1.0)
    deviation = window.graph.apply("Sqrt", ((window - mean) * (window - mean)).mean(1))
    return mean, 1.0 / deviation.at_least(SMALLEST_DEVIATION)


def forecast(network: Network, flat: np.ndarray, windows: Windows, rows: Rows, run: Run) -> Value:
    """Return the forecasts (S, H, J) of a network in the units of its rows; of a distribution, its point.

    Parameters
    ----------
    network : Network
    flat : ndarray of shape (n_parameters,)
    windows : Windows
    rows : Rows
    run : Run
    """
    views, seen = network.layout.views(flat), read(windows, rows)
    hidden = lay(network.encoder, under("encoder", views), seen.past, run)
    out = decode(network.decoder, under("decoder", views), hidden, seen, windows, run)
    H, J, head = windows.horizon, windows.n_targets, windows.head
    out = out.reshape(-1, H, J) if head is None else out.reshape(-1, H, J, head.n_parameters).take(3, head.point)
    if head is not None and head.counts:  # the scale enters the link
        assert seen.factor is not None
        log_mean = out - out.graph.apply("Log", seen.factor)
        return out.graph.apply("Exp", log_mean.at_least(-LARGEST_LOG_MEAN).at_most(LARGEST_LOG_MEAN))
    out = out if seen.base is None else out + seen.base
    out = out if seen.factor is None else out / seen.factor
    return out if seen.center is None else out + seen.center


@singledispatch
def decode(decoder: Any, views: Views, hidden: Value, seen: Read, windows: Windows, run: Run) -> Value:
    """Return the outputs (S, H J P) of a decoder with the weights `views`, after the encoder's `hidden` (T, S, H)."""
    raise ValueError(f"{type(decoder).__name__} is not written as ONNX operators yet")


@decode.register
def _(decoder: Direct, views: Views, hidden: Value, seen: Read, windows: Windows, run: Run) -> Value:
    graph = hidden.graph
    state = hidden.cut(0, -1, None).reshape(-1, decoder.n_units)
    out = lay(decoder.head, under("head", views), graph.concatenate([state, *seen.context(windows)], 1), run)
    if decoder.path is None:
        return out
    newest = seen.past.cut(0, -decoder.highway, None).cut(2, 0, decoder.n_targets)
    newest = newest.transpose(1, 0, 2).reshape(-1, decoder.highway * decoder.n_targets)
    return out + lay(decoder.path, under("highway", views), newest, run)


@decode.register
def _(decoder: Parallel, views: Views, hidden: Value, seen: Read, windows: Windows, run: Run) -> Value:
    m, n_units, n_samples = decoder.n_segments, decoder.cell.n_outputs, hidden.size(1)
    x: Value = hidden.graph.constant(views["position"][None])
    joined = _of_segments(decoder, seen, windows, hidden.graph)
    x = x.expand(n_samples, 1, 1) if joined is None else joined @ views["context"].T + x
    # Segments do not see each other: they are further sequences.
    before = [state.reshape(-1, 1, n_units).expand(1, m, 1).reshape(1, -1, n_units) for state in run.after[-1]]
    hidden, _ = recurrent(decoder.cell, [under("cell", views)], x.reshape(1, -1, n_units), before)
    out = lay(decoder.head, under("head", views), hidden, run)
    return out.reshape(-1, m * decoder.segment * windows.n_outputs).cut(1, 0, windows.horizon * windows.n_outputs)


def _of_segments(decoder: Parallel, seen: Read, windows: Windows, graph: Graph) -> Value | None:
    """Return what is known of each of m segments, (S, m, R); None where that is nothing."""
    m, n_more = decoder.n_segments, decoder.n_segments * decoder.segment - windows.horizon
    parts = []
    for steps, width in zip((seen.known, seen.base), decoder.widths[:2], strict=True):
        if steps is not None:  # those behind the horizon in the last segment are zero
            filled = graph.apply("Pad", steps, np.array([0, 0, 0, 0, n_more, 0], np.int64)) if n_more else steps
            parts.append(filled.reshape(-1, m, width))
    if seen.column is not None:
        parts.append(seen.column.reshape(-1, 1, windows.n_columns).expand(1, m, 1))
    return graph.concatenate(parts, 2) if parts else None
