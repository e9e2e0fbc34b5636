"""Long short-term memory (Hochreiter and Schmidhuber, 1997; forget gate of Gers et al., 2000); PyTorch's gate order."""

from __future__ import annotations

from typing import Any

from rnnforecast.kernels.activations import sigmoid, tanh
from rnnforecast.kernels.cells import Cell, Gate


def forward(gates: Any, hidden: Any, memory: Any) -> tuple[Any, Any]:
    """C = f c + i g;  h = o tanh(c)."""
    input_, forget, candidate, output = gates
    (c,) = memory
    c = forget * c + input_ * candidate
    return output * tanh(c), (c,)


# A forget bias of 1 lets the error through at the start (Jozefowicz et al., 2015).
CELL = Cell(
    "lstm",
    (Gate("input", sigmoid), Gate("forget", sigmoid, bias=1.0), Gate("candidate", tanh), Gate("output", sigmoid)),
    forward,
    n_memory=1,
)
