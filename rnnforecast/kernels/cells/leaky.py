"""Leaky-integrator unit (Jaeger et al., 2007, Neural Networks 20, 335-352): the unit of echo state networks."""

from __future__ import annotations

from typing import Any

from rnnforecast.kernels.activations import sigmoid, tanh
from rnnforecast.kernels.cells import Cell, Gate


def forward(gates: Any, hidden: Any, memory: Any) -> tuple[Any, Any]:
    """H = h + a (tanh(Wx x + Wh h + b) - h)."""
    candidate, leak = gates
    return hidden + leak * (candidate - hidden), ()


# The leak a of each unit is a sigmoid of a bias, so that training keeps it between 0 and 1.
CELL = Cell("leaky", (Gate("candidate", tanh), Gate("leak", sigmoid, takes="")), forward)
