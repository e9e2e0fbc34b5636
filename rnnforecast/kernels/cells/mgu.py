"""Minimal gated unit (Zhou et al., 2016), with the gate after the product, as in the GRU here."""

from __future__ import annotations

from typing import Any

from rnnforecast.kernels.activations import linear, sigmoid, tanh
from rnnforecast.kernels.cells import Cell, Gate


def forward(gates: Any, hidden: Any, memory: Any) -> tuple[Any, Any]:
    """N = tanh(n_x + f n_h);  h = (1 - f) h + f n: one gate is reset and update."""
    forget, new_input, new_hidden = gates
    new = tanh(new_input + forget * new_hidden)
    return hidden + forget * (new - hidden), ()


CELL = Cell(
    "mgu",
    (Gate("forget", sigmoid), Gate("new_input", linear, takes="x"), Gate("new_hidden", linear, takes="h")),
    forward,
)
