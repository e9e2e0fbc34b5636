"""Scalar LSTM with exponential gates (Beck et al., 2024, "xLSTM", section 2.2), one head for all units."""

from __future__ import annotations

from typing import Any

from rnnforecast.kernels.activations import exponential, linear, relu, sigmoid, tanh
from rnnforecast.kernels.cells import Cell, Gate

SMALLEST = 1e-30  # of the sum of weights: it is 0 where the first input is shut against the zero it starts from


def forward(gates: Any, hidden: Any, memory: Any) -> tuple[Any, Any]:
    """C = f c + i g;  n = f n + i;  h = o c / n, with i = exp(i - m), f = exp(f + m_before - m), m the larger exponent.

    The state is a weighted mean of the candidates, and m, by which both weights are scaled, keeps it in range.
    """
    input_, forget, candidate, output = gates
    c, n, m = memory
    lead = forget + m - input_
    excess = relu(lead)
    old, new = exponential(lead - excess), exponential(-excess)
    c, n = old * c + new * candidate, old * n + new
    return output * c / (n + SMALLEST), (c, n, input_ + excess)


CELL = Cell(
    "slstm",
    (Gate("input", linear), Gate("forget", linear), Gate("candidate", tanh), Gate("output", sigmoid)),
    forward,
    n_memory=3,
)
