"""Recurrent layers as ONNX operators: LSTM-14, GRU-14 and RNN-14, and Scan-16 for every other cell.

T steps, D inputs, H units, B sequences, G gates, R directions. Values are (T, B, D) here, as ONNX has them, and states
(R, B, H). The operators are float32 only in ONNX Runtime, so that a float64 network is scanned too.

References
----------
https://onnx.ai/onnx/operators/onnx__LSTM.html : gates in the order i o f c, biases of both products.
https://onnx.ai/onnx/operators/onnx__GRU.html : gates z r h; ``linear_before_reset=1`` resets after the product.
https://onnx.ai/onnx/operators/onnx__RNN.html
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from rnnforecast.interchange.graph import Graph, Value
from rnnforecast.kernels.cells import Cell
from rnnforecast.kernels.cells.elman import CELLS as ELMAN
from rnnforecast.kernels.cells.gru import CELL as GRU
from rnnforecast.kernels.cells.lstm import CELL as LSTM
from rnnforecast.network.layer import Views
from rnnforecast.network.recurrent import Recurrent
from rnnforecast.network.zoneout import Zoneout


@dataclass(frozen=True)
class Operator:
    """The ONNX operator of a cell.

    Parameters
    ----------
    name : str
    gates : tuple of int
        Which gate here is each one there.
    attributes : dict
    """

    name: str
    gates: tuple[int, ...]
    attributes: dict[str, Any]


def operator_of(cell: Cell, n_directions: int) -> Operator | None:
    """Return the operator of a cell; None where there is none."""
    if cell == LSTM:
        return Operator("LSTM", (0, 3, 1, 2), {})
    if cell == GRU:
        return Operator("GRU", (1, 0, 2), {"linear_before_reset": 1})
    for activation, elman in ELMAN.items():
        if cell == elman:
            return Operator("RNN", (0,), {"activations": [activation.capitalize()] * n_directions})
    return None


def recurrent(
    layer: Recurrent,
    directions: Sequence[Views],
    x: Value,
    before: Sequence[Value] | None = None,
    lengths: Value | None = None,
) -> tuple[Value, list[Value]]:
    """Run a recurrent layer, forward and perhaps backward too.

    Parameters
    ----------
    layer : Recurrent
    directions : sequence of R dict
        Its weights, of each direction.
    x : Value
        (T, B, D).
    before : sequence of 1 + M Value, optional
        Hidden state and memories before the first step, (R, B, H) each; zeros by default.
    lengths : Value, optional
        Real steps of each sequence, (B,) int64; all by default.

    Returns
    -------
    hidden : Value
        Of every step, (T, B, R H). What follows the end of a sequence means nothing.
    last : list of 1 + M Value
        The states with which each direction ends, (R, B, H) each.
    """
    operator = operator_of(layer.cell, len(directions))
    if operator is None or isinstance(layer, Zoneout) or x.dtype != np.float32:
        return _scanned(layer, directions, x, before, lengths)
    arranged = [_arranged(operator, layer, views) for views in directions]
    weight_input, weight_hidden, bias = (np.stack(each) for each in zip(*arranged, strict=True))
    graph = x.graph
    out, *last = graph.apply(
        operator.name,
        x,
        weight_input,
        weight_hidden,
        bias,
        None if lengths is None else lengths.astype(np.int32),
        *(before or ()),
        n_outputs=2 + layer.cell.n_memory,
        hidden_size=layer.n_outputs,
        direction="bidirectional" if len(directions) == 2 else "forward",
        **operator.attributes,
    )
    return out.transpose(0, 2, 1, 3).reshape(0, 0, -1), last


def _arranged(operator: Operator, layer: Recurrent, views: Views) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return W (G H, D), R (G H, H) and both biases (2 G H,) with the gates in the operator's order."""
    H, gates = layer.n_outputs, list(operator.gates)

    def ordered(array: np.ndarray) -> np.ndarray:
        return array.reshape(len(gates), H, *array.shape[1:])[gates].reshape(array.shape)

    bias = views["bias"]
    bias_input, bias_hidden = bias[: len(gates) * H], np.zeros(len(gates) * H, bias.dtype)
    if len(bias) > len(bias_input):  # the GRU's candidate has one on either side of the reset gate
        bias_hidden[-H:] = bias[len(bias_input) :]
    biases = np.concatenate([ordered(bias_input), ordered(bias_hidden)])
    return ordered(views["weight_input"]), ordered(views["weight_hidden"]), biases


def _scanned(
    layer: Recurrent, directions: Sequence[Views], x: Value, before: Sequence[Value] | None, lengths: Value | None
) -> tuple[Value, list[Value]]:
    """Run the cell's own arithmetic step by step."""
    graph, n_batch = x.graph, x.size(1)
    real = None if lengths is None else real_steps(x, lengths)
    hidden, last = [], []
    for k, views in enumerate(directions):
        own = [x] if real is None else [x, real]
        own = [_reversed(value) if k else value for value in own]
        own[0] = own[0] @ views["weight_input"].T
        if before is None:
            zeros = graph.constant(np.zeros((1, layer.n_outputs), x.dtype)).expand(n_batch, 1)
            states = [zeros] * (1 + layer.cell.n_memory)
        else:
            states = [state.take(0, k) for state in before]

        def step(inner: Graph, states: Sequence[Value], given: Sequence[Value], views: Views = views) -> Any:
            new = _step(layer, views, states, given[0])
            if real is not None:  # after its end a sequence stays as it is
                new = [inner.where(given[1], value, old) for value, old in zip(new, states, strict=True)]
            return new, new[0]

        states, outputs = graph.scan(step, states, own)
        hidden.append(_reversed(outputs) if k else outputs)
        last.append(states)
    each = [
        graph.concatenate([s.reshape(1, -1, layer.n_outputs) for s in states], 0) for states in zip(*last, strict=True)
    ]
    return graph.concatenate(hidden, 2), each


def _step(layer: Recurrent, views: Views, states: Sequence[Value], x: Value) -> list[Value]:
    """One step of a cell: its states (B, H) after an input that was multiplied by its weights, (B, G_x H)."""
    cell, H = layer.cell, layer.n_outputs
    bias = views["bias"].reshape(len(cell.gates), H)
    state, *memory = states
    products = state @ views["weight_hidden"].T if cell.rows("h") else None
    gates = []
    for k, gate in enumerate(cell.gates):
        total: Any = bias[k]
        for part, value in (("x", x), ("h", products)):
            if part in gate.takes and value is not None:
                place = cell.rows(part).index(k)
                total = value.cut(1, place * H, (place + 1) * H) + total
        gates.append(gate.activation(total))
    new, new_memory = cell.forward(gates, state, tuple(memory))
    if isinstance(layer, Zoneout):
        new = layer.rate * state + (1.0 - layer.rate) * new
    return [new, *new_memory]


def real_steps(x: Value, lengths: Value) -> Value:
    """Mask (T, B, 1) of the steps of `x` (T, B, D) that are no padding; `lengths` (B,) count them."""
    graph = x.graph
    steps = graph.apply("Range", np.int64(0), x.size(0).reshape(), np.int64(1), dtype=np.int64)
    return graph.apply("Less", steps.reshape(-1, 1, 1), lengths.reshape(1, -1, 1), dtype=bool)


def _reversed(value: Value) -> Value:
    """Turn the first axis round."""
    ends = [np.array([end], np.int64) for end in (-1, np.iinfo(np.int64).min, 0, -1)]
    return value.graph.apply("Slice", value, *ends)
