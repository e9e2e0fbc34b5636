"""A recurrent cell is a record and its forward arithmetic, written once.

``forward(gates, hidden, memory) -> hidden, memory`` speaks about one unit at one step: `gates` are the activated gates,
`hidden` and `memory` (a sequence) the state before the step. Its values are NumPy arrays in the slow twin and vectors
whose operators emit machine code in the kernel, so it uses only ``+ - * /`` and the functions of
`rnnforecast.kernels.activations`. The backward pass is derived from it (`rnnforecast.kernels.cells.tape`); nothing
else needs to be written for a new cell.
"""

from __future__ import annotations

import hashlib
import inspect
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from rnnforecast.kernels.activations import Activation


@dataclass(frozen=True)
class Gate:
    """One gate of a cell.

    Parameters
    ----------
    name : str
    activation : Activation
        Applied to the gate's sum before `forward` sees it.
    takes : {"xh", "x", "h", ""}
        What the sum holds beside the bias: a product with the input, with the hidden state, both, or neither (then the
        gate is a learnt number per unit).
    bias : float
        Initial value of the bias.
    """

    name: str
    activation: Activation
    takes: str = "xh"
    bias: float = 0.0


@dataclass(frozen=True)
class Cell:
    """A recurrent cell.

    Parameters
    ----------
    name : str
    gates : tuple of Gate
        In the order of the weight matrices.
    forward : callable
        ``forward(gates, hidden, memory) -> hidden, memory``.
    n_memory : int
        States beside the hidden state (1 for the LSTM's cell state).
    """

    name: str
    gates: tuple[Gate, ...]
    forward: Callable[[Any, Any, Any], tuple[Any, Any]]
    n_memory: int = 0
    fingerprint: str = field(init=False, repr=False, compare=True)

    def __post_init__(self) -> None:
        try:
            source = inspect.getsource(inspect.getmodule(self.forward) or self.forward)
        except (OSError, TypeError):  # typed at a prompt: the bytecode stands for the text
            code = self.forward.__code__
            source = f"{code.co_code!r}{code.co_consts!r}{code.co_names!r}"
        object.__setattr__(self, "fingerprint", hashlib.sha256(source.encode()).hexdigest()[:16])

    def rows(self, part: str) -> list[int]:
        """Indices of the gates whose sum takes `part` ("x" or "h")."""
        return [k for k, gate in enumerate(self.gates) if part in gate.takes]


def named(cell: str | Cell, activation: str = "tanh") -> Cell:
    """Return the cell called `cell` (one of `NAMES`), or `cell` itself if it is a record already."""
    from rnnforecast.kernels.cells import elman, gru, leaky, lstm, mgu, minimal, peephole, slstm

    if isinstance(cell, Cell):
        return cell
    if cell == "rnn":
        return elman.CELLS[activation]
    plain = tuple(module.CELL for module in (lstm, gru, mgu, peephole, slstm, leaky))
    cells = (*plain, minimal.MINGRU, minimal.MINLSTM)
    return {one.name: one for one in cells}[cell]


NAMES = ("rnn", "lstm", "gru", "mgu", "peephole", "mingru", "minlstm", "slstm", "leaky")
