"""The layers of a network as ONNX nodes: one function for each kind, as each has one file in `rnnforecast.network`.

T steps, D inputs, B sequences, H units. Values are (T, B, D): what a layer calls rows is the last axis here.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import singledispatch
from typing import Any

import numpy as np

from rnnforecast.interchange.graph import Value
from rnnforecast.interchange.recurrences import real_steps, recurrent
from rnnforecast.network.attention import Attention
from rnnforecast.network.bidirectional import DIRECTIONS, Bidirectional
from rnnforecast.network.compose import Chain, Segments
from rnnforecast.network.convolution import CausalConvolution
from rnnforecast.network.decoders import under
from rnnforecast.network.dense import Dense
from rnnforecast.network.dropout import Dropout
from rnnforecast.network.ends import Ends
from rnnforecast.network.layer import Views
from rnnforecast.network.lookup import Lookup
from rnnforecast.network.normalization import LayerNorm
from rnnforecast.network.recurrent import Recurrent
from rnnforecast.network.residual import Residual
from rnnforecast.network.sequences import LastState


@dataclass
class Run:
    """What the layers of one network share while they are laid out.

    Parameters
    ----------
    lengths : Value or None
        Real steps of each sequence, (B,) int64; None is all.
    before : list of list of Value or None
        States of each recurrent layer before the first step; None is zeros.
    after : list of list of Value
        Those after the last step, filled layer by layer.
    """

    lengths: Value | None = None
    before: Sequence[Sequence[Value]] | None = None
    after: list[list[Value]] = field(default_factory=list)

    def through(self, layer: Recurrent, directions: Sequence[Views], x: Value) -> tuple[Value, list[Value]]:
        """Run a recurrent layer from the states it has, and keep those it ends with."""
        before = None if self.before is None else self.before[len(self.after)]
        hidden, last = recurrent(layer, directions, x, before, self.lengths)
        self.after.append(last)
        return hidden, last


@singledispatch
def lay(layer: Any, views: Views, x: Value, run: Run) -> Value:
    """Return the output (T', B, n_outputs) of a layer with the weights `views` for an input (T, B, n_inputs)."""
    raise ValueError(f"{type(layer).__name__} is not written as ONNX operators yet")


@lay.register
def _(layer: Chain, views: Views, x: Value, run: Run) -> Value:
    for own, part in zip(layer.layers, layer.split(views), strict=True):
        x = lay(own, part, x, run)
    return x


@lay.register
def _(layer: Dense, views: Views, x: Value, run: Run) -> Value:
    return (x @ views["weight"].T + views["bias"]).activate(layer.activation)


@lay.register
def _(layer: Dropout, views: Views, x: Value, run: Run) -> Value:
    return x


@lay.register
def _(layer: LayerNorm, views: Views, x: Value, run: Run) -> Value:
    return x.graph.apply("LayerNormalization", x, views["weight"], views["bias"], axis=-1, epsilon=layer.epsilon)


@lay.register
def _(layer: Residual, views: Views, x: Value, run: Run) -> Value:
    return x + lay(layer.inner, views, x, run)


@lay.register
def _(layer: Segments, views: Views, x: Value, run: Run) -> Value:
    n_batch = x.size(1)
    steps = x.reshape(-1, layer.length, n_batch, layer.n_inputs)
    return steps.transpose(0, 2, 1, 3).reshape(0, 0, layer.n_outputs)


@lay.register
def _(layer: CausalConvolution, views: Views, x: Value, run: Run) -> Value:
    graph, n_before = x.graph, (layer.kernel_size - 1) * layer.dilation
    pads = np.array([n_before, 0, 0, 0, 0, 0], np.int64)
    padded = graph.apply("Pad", x, pads) if n_before else x  # with zeros
    taps = []
    for k in range(layer.kernel_size):
        first = k * layer.dilation
        taps.append(padded.cut(0, first, first - n_before or None))
    return lay(layer.dense, views, graph.concatenate(taps, 2), run)


@lay.register
def _(layer: Recurrent, views: Views, x: Value, run: Run) -> Value:
    hidden, last = run.through(layer, [views], x)
    return hidden if layer.every else last[0]  # (1, B, H): of one direction


@lay.register
def _(layer: LastState, views: Views, x: Value, run: Run) -> Value:
    return run.through(layer.recurrent, [views], x)[1][0]


@lay.register
def _(layer: Bidirectional, views: Views, x: Value, run: Run) -> Value:
    directions = [under(direction, views) for direction in DIRECTIONS]
    hidden, last = run.through(layer.recurrent, directions, x)
    return hidden if layer.every else last[0].transpose(1, 0, 2).reshape(1, -1, layer.n_outputs)


@lay.register
def _(layer: Ends, views: Views, x: Value, run: Run) -> Value:
    n_forward = layer.n_inputs - layer.n_backward
    last = x.cut(0, -1, None).cut(2, 0, n_forward)
    return x.graph.concatenate([last, x.cut(0, 0, 1).cut(2, n_forward, None)], 2) if layer.n_backward else last


@lay.register
def _(layer: Attention, views: Views, x: Value, run: Run) -> Value:
    graph = x.graph
    last = x.cut(0, -1, None)
    if run.lengths is not None:
        rows = (run.lengths - 1).reshape(1, -1, 1).expand(1, 1, layer.n_units)
        last = graph.apply("GatherElements", x, rows, axis=0)
    query, keys = last @ views["weight_query"].T, x @ views["weight_key"].T
    if layer.kind == "additive":
        scores = graph.apply("Tanh", keys + query) @ views["vector"].T
    else:
        scores = (keys * query) @ np.full((len(views["weight_key"]), 1), len(views["weight_key"]) ** -0.5)
    if run.lengths is not None:
        scores = graph.where(real_steps(x, run.lengths), scores, -np.inf)
    weights = graph.apply("Softmax", scores, axis=0)
    context = graph.apply("ReduceSum", weights * x, np.array([0], np.int64))
    return graph.concatenate([last, context], 2)


@lay.register
def _(layer: Lookup, views: Views, x: Value, run: Run) -> Value:
    graph, first = x.graph, layer.n_inputs - len(layer.n_symbols)
    parts = [x.cut(2, 0, first)]
    for k, width in enumerate(layer.widths):
        number = x.cut(0, 0, 1).cut(2, first + k, first + k + 1).astype(np.int64).reshape(-1)
        row = graph.apply("Gather", graph.constant(views[f"table{k}"]), number, axis=0)
        parts.append(row.reshape(1, -1, width).expand(x.size(0), 1, 1))
    return graph.concatenate(parts, 2)
