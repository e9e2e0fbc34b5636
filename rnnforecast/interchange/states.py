"""States of recurrent layers as inputs and outputs of a graph, so that a sequence can be read piece by piece.

M networks of one architecture (members), R directions, B sequences, H units. There is one input and one output for each
layer and kind of state, (M R, B, H): ``initial_h_l0`` and ``last_h_l0`` are the hidden states of the first layer,
``c`` is the memory of an LSTM, ``c2`` and so on are further memories of other cells.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from rnnforecast.interchange.graph import Graph, Value
from rnnforecast.network.bidirectional import Bidirectional
from rnnforecast.network.compose import Chain
from rnnforecast.network.recurrent import Recurrent
from rnnforecast.network.residual import Residual
from rnnforecast.network.sequences import LastState

States = list[list[list[Value]]]  # of each member, layer and kind


def recurrent_layers(encoder: Chain) -> list[tuple[Recurrent, int]]:
    """Return the recurrent layers, in their order, and how many directions each has."""
    found = []
    for layer in encoder.layers:
        inner: Any = layer.inner if isinstance(layer, Residual) else layer
        if isinstance(inner, Recurrent):
            found.append((inner, 1))
        elif isinstance(inner, LastState | Bidirectional):
            found.append((inner.recurrent, 1 + isinstance(inner, Bidirectional)))
    return found


def given_states(graph: Graph, encoder: Chain, n_members: int, n_batch: Value) -> States:
    """Declare the states before the first step as inputs, which are zero where they are not given.

    Parameters
    ----------
    graph : Graph
    encoder : Chain
    n_members : int
        M.
    n_batch : Value
        B, (1,) int64.
    """
    before: States = [[] for _ in range(n_members)]
    for k, (layer, n_directions) in enumerate(recurrent_layers(encoder)):
        shape = n_members * n_directions, 1, layer.n_outputs
        for member in before:
            member.append([])
        for letter in _letters(layer):
            zeros = np.zeros(shape, layer.dtype)
            given = graph.input(
                f"initial_{letter}_l{k}",
                layer.dtype,
                (shape[0], "states", shape[2]),
                "before the first step; may be left out, and a single one stands for the whole batch",
                zeros,
            )
            filled = given.expand(1, n_batch, 1)
            for m, member in enumerate(before):
                member[k].append(filled.cut(0, m * n_directions, (m + 1) * n_directions))
    return before


def return_states(graph: Graph, encoder: Chain, after: Sequence[Sequence[Sequence[Value]]], n_batch: str) -> None:
    """Declare the states after the last step, of each member, layer and kind, as outputs.

    Parameters
    ----------
    graph : Graph
    encoder : Chain
    after : sequence of M sequences
    n_batch : str
        Name of their number.
    """
    for k, (layer, n_directions) in enumerate(recurrent_layers(encoder)):
        for j, letter in enumerate(_letters(layer)):
            joined = graph.concatenate([member[k][j] for member in after], 0)
            shape = (len(after) * n_directions, n_batch, layer.n_outputs)
            graph.output(joined, f"last_{letter}_l{k}", shape, "after the last step")


def _letters(layer: Recurrent) -> list[str]:
    """Return a name for the hidden state and each memory."""
    return ["h", *(f"c{j + 1}" if j else "c" for j in range(layer.cell.n_memory))]
