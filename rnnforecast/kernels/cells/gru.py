"""Gated recurrent unit (Cho et al., 2014) with the reset gate after the product; gate order of PyTorch."""

from __future__ import annotations

from typing import Any

from rnnforecast.kernels.activations import linear, sigmoid, tanh
from rnnforecast.kernels.cells import Cell, Gate


def forward(gates: Any, hidden: Any, memory: Any) -> tuple[Any, Any]:
    """N = tanh(n_x + r n_h);  h = (1 - z) n + z h."""
    reset, update, new_input, new_hidden = gates
    new = tanh(new_input + reset * new_hidden)
    return new + update * (hidden - new), ()


CELL = Cell(
    "gru",
    (
        Gate("reset", sigmoid),
        Gate("update", sigmoid),
        Gate("new_input", linear, takes="x"),
        Gate("new_hidden", linear, takes="h"),
    ),
    forward,
)
