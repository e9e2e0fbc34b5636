"""LSTM whose gates see the cell state (Gers and Schmidhuber, 2000), each through one weight per unit."""

from __future__ import annotations

from typing import Any

from rnnforecast.kernels.activations import linear, sigmoid, tanh
from rnnforecast.kernels.cells import Cell, Gate


def forward(gates: Any, hidden: Any, memory: Any) -> tuple[Any, Any]:
    """I = s(i + p c);  f = s(f + q c);  c = f c + i g;  o = s(o + r c) with the new c;  h = o tanh(c)."""
    input_, forget, candidate, output, to_input, to_forget, to_output = gates
    (c,) = memory
    c = sigmoid(forget + to_forget * c) * c + sigmoid(input_ + to_input * c) * candidate
    return sigmoid(output + to_output * c) * tanh(c), (c,)


# Starts as the LSTM: the weights of the cell state are biases of gates that take nothing else, and zero.
CELL = Cell(
    "peephole",
    (
        Gate("input", linear),
        Gate("forget", linear, bias=1.0),
        Gate("candidate", tanh),
        Gate("output", linear),
        Gate("to_input", linear, takes=""),
        Gate("to_forget", linear, takes=""),
        Gate("to_output", linear, takes=""),
    ),
    forward,
    n_memory=1,
)
