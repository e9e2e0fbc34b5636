"""The Elman network's cell (Elman, 1990, Cognitive Science 14, 179-211): h = f(Wx x + Wh h + b)."""

from __future__ import annotations

from typing import Any

from rnnforecast.kernels.activations import relu, sigmoid, tanh
from rnnforecast.kernels.cells import Cell, Gate


def forward(gates: Any, hidden: Any, memory: Any) -> tuple[Any, Any]:
    """One gate, which is the new state."""
    (state,) = gates
    return state, ()


CELLS = {f.name: Cell(f"rnn_{f.name}", (Gate("state", f),), forward) for f in (tanh, relu, sigmoid)}
