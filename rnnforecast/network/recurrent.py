"""A recurrent layer: a cell run over the steps of a sequence."""

from __future__ import annotations

from typing import Any

import numpy as np

from rnnforecast.kernels.cells import Cell
from rnnforecast.kernels.recurrence import recurrence
from rnnforecast.network.layer import Views
from rnnforecast.network.layout import Blocks, Fixed, Parameter, glorot, orthogonal, zeros


class Work:
    """Buffers of a recurrent layer.

    Attributes
    ----------
    state : (1 + M, H, B) or None
        Before the first step; None is zero. The caller may set it.
    last : (1 + M, H, B)
        After the last step of the last forward pass.
    d_last : (1 + M, H, B) or None
        Derivative in `last` beside that in the output; None is zero. The caller may set it.
    d_state : (1 + M, H, B) or None
        Set by the caller to receive the derivative in `state`.
    """

    def __init__(self, layer: Recurrent, n_steps: int, n_sequences: int, dtype: Any, training: bool):
        states = (1 + layer.cell.n_memory, layer.n_outputs, n_sequences)
        self.kernel = layer.recurrence.work(n_steps, n_sequences, gradient=training)
        self.out = np.empty((layer.steps_out(n_steps), layer.n_outputs, n_sequences), dtype)
        self.last = np.empty(states, dtype)
        self.d_x = np.empty((n_steps, layer.n_inputs, n_sequences), dtype) if training else None
        self.state: np.ndarray | None = None
        self.d_last: np.ndarray | None = None
        self.d_state: np.ndarray | None = None


class Recurrent:
    """A cell over every step.

    Parameters
    ----------
    cell : Cell
    n_inputs, n_units : int
    dtype : numpy floating type
    every : bool
        Whether the output is the hidden state of every step, (T, H, B), or of the last, (1, H, B).

    Notes
    -----
    Recurrent weights start orthogonal and input weights after Glorot, gate by gate; biases start as the cell says.
    """

    def __init__(self, cell: Cell, n_inputs: int, n_units: int, dtype: Any, every: bool = True):
        self.cell, self.n_inputs, self.n_outputs, self.every = cell, n_inputs, n_units, every
        self.dtype = np.dtype(dtype)
        self.recurrence = recurrence(cell, n_inputs, n_units, dtype)

    def __reduce__(self) -> Any:
        # Compiled code is not pickled but found again.
        return Recurrent, (self.cell, self.n_inputs, self.n_outputs, self.dtype, self.every)

    def parameters(self) -> list[Parameter]:
        """`weight_input` (G_x H, D), `weight_hidden` (G_h H, H), `bias` (G H,), in the order of the cell's gates."""
        H, cell = self.n_outputs, self.cell
        n_x, n_h = len(cell.rows("x")), len(cell.rows("h"))
        starts = np.repeat([gate.bias for gate in cell.gates], H)
        return [
            Parameter("weight_input", (n_x * H, self.n_inputs), Blocks(glorot, n_x) if n_x else zeros),
            Parameter("weight_hidden", (n_h * H, H), Blocks(orthogonal, n_h) if n_h else zeros),
            Parameter("bias", starts.shape, Fixed(starts), decays=False),
        ]

    def prepare(self, views: Views) -> Any:
        """Weights packed for the kernel."""
        return self.recurrence.pack(views["weight_input"], views["weight_hidden"], views["bias"])

    def steps_out(self, n_steps: int) -> int:
        """All or one."""
        return n_steps if self.every else 1

    def work(self, n_steps: int, n_sequences: int, dtype: Any, training: bool) -> Work:
        """Buffers for (n_steps, n_inputs, n_sequences)."""
        return Work(self, n_steps, n_sequences, dtype, training)

    def forward(self, prepared: Any, x: np.ndarray, work: Work) -> np.ndarray:
        """Hidden states, (T, H, B) or (1, H, B)."""
        self.recurrence.forward(prepared, x, work.state, work.kernel, work.out, work.last)
        return work.out

    def backward(
        self, prepared: Any, d_y: np.ndarray, work: Work, d_views: Views, wants_d_x: bool
    ) -> np.ndarray | None:
        """Backpropagation through time over the whole sequence."""
        d_x = work.d_x if wants_d_x else None
        self.recurrence.backward(
            prepared,
            work.kernel,
            d_y,
            work.d_last,
            d_views["weight_input"],
            d_views["weight_hidden"],
            d_views["bias"],
            d_x,
            work.d_state,
        )
        return d_x
