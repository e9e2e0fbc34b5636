"""A recurrent layer in plain NumPy: the reference, and the path taken where vectors cannot be built.

The same cell functions as in the compiled path run here on arrays, so the two differ by rounding only.
"""

from __future__ import annotations

from operator import methodcaller
from typing import Any

import numpy as np

from rnnforecast.kernels.cells import Cell, tape

Array = np.ndarray


class Packed:
    """Weights of a layer while a batch is computed: one matrix for each gate, None where it takes no product."""

    def __init__(self, layer: PortableRecurrence, weight_input: Array, weight_hidden: Array, bias: Array):
        self._layer, self._weights = layer, (weight_input, weight_hidden, bias)
        self.weight_input = self._blocks(weight_input, "x")
        self.weight_hidden = self._blocks(weight_hidden, "h")
        self.bias = bias.reshape(-1, layer.n_units, 1)

    def __reduce__(self) -> Any:
        # Packed anew where it is read: vectors may exist there.
        return methodcaller("pack", *self._weights), (self._layer,)

    def _blocks(self, matrix: Array, part: str) -> list[Array | None]:
        found = iter(matrix.reshape(-1, self._layer.n_units, matrix.shape[-1]))
        return [next(found) if part in gate.takes else None for gate in self._layer.cell.gates]


class Work:
    """What a forward pass keeps for the backward pass of the same sequences; belongs to one call at a time."""

    def __init__(self, layer: PortableRecurrence, n_steps: int, n_sequences: int, gradient: bool):
        self._layer = layer
        self.n_steps, self.n_sequences, self.gradient = n_steps, n_sequences, gradient
        self.inputs: Array | None = None
        self.steps: list[tuple[Any, Any, Any]] = []

    def __reduce__(self) -> Any:
        return methodcaller("work", self.n_steps, self.n_sequences, self.gradient), (self._layer,)


class PortableRecurrence:
    """Forward pass and backpropagation through time of one recurrent layer.

    Parameters
    ----------
    cell : Cell
    n_inputs, n_units : int
        D and H.
    dtype : numpy floating type

    Notes
    -----
    `state` arrays have shape (1 + M, H, B): the hidden state, then the cell's M memories. Weight matrices hold one
    block of H rows for each gate that takes the product, in the order of ``cell.gates``: `weight_input` (G_x H, D),
    `weight_hidden` (G_h H, H), `bias` (G H,).
    """

    def __init__(self, cell: Cell, n_inputs: int, n_units: int, dtype: Any = np.float32):
        self.cell, self.n_inputs, self.n_units, self.dtype = cell, n_inputs, n_units, np.dtype(dtype)

    def __reduce__(self) -> Any:
        from rnnforecast.kernels.recurrence import recurrence  # which imports this module

        return recurrence, (self.cell, self.n_inputs, self.n_units, self.dtype)

    def pack(self, weight_input: Array, weight_hidden: Array, bias: Array) -> Packed:
        """Lay the weights out for the passes; the result may be shared by threads."""
        return Packed(self, weight_input, weight_hidden, bias)

    def work(self, n_steps: int, n_sequences: int, gradient: bool = True) -> Work:
        """Buffers for sequences of that size; with `gradient` a backward pass may follow the forward pass."""
        return Work(self, n_steps, n_sequences, gradient)

    def forward(self, packed: Packed, x: Array, state: Array | None, work: Work, out: Array, last: Array) -> None:
        """Run the layer over whole sequences.

        Parameters
        ----------
        packed : Packed
        x : (T, D, B)
        state : (1 + M, H, B) or None
            Before the first step; None is zero.
        work : Work
        out : (T, H, B) or (1, H, B), filled
            Hidden state after every step, or after the last.
        last : (1 + M, H, B), filled
            State after the last step.
        """
        cell = self.cell
        if state is None:
            state = np.zeros((1 + cell.n_memory, self.n_units, x.shape[2]), self.dtype)
        hidden, memory = state[0], list(state[1:])
        work.steps.clear()
        work.inputs = x
        every = len(out) == len(x)
        for t, x_t in enumerate(x):
            gates = []
            for gate, w_x, w_h, b in zip(
                cell.gates, packed.weight_input, packed.weight_hidden, packed.bias, strict=True
            ):
                total = np.broadcast_to(b, hidden.shape)
                if w_x is not None:
                    total = total + w_x @ x_t
                if w_h is not None:
                    total = total + w_h @ hidden
                gates.append(gate.activation(total).astype(self.dtype, copy=False))
            if work.gradient:
                work.steps.append((gates, hidden, memory))
            hidden, memory = cell.forward(gates, hidden, memory)
            memory = list(memory)
            if every:
                out[t] = hidden
        if not every:
            out[0] = hidden
        last[0] = hidden
        for row, m in zip(last[1:], memory, strict=True):
            row[...] = m

    def backward(
        self,
        packed: Packed,
        work: Work,
        d_out: Array,
        d_last: Array | None,
        d_weight_input: Array,
        d_weight_hidden: Array,
        d_bias: Array,
        d_x: Array | None,
        d_state: Array | None,
    ) -> None:
        """Backpropagate through the sequences of the last `forward` with the same `work`; may be called once after it.

        Parameters
        ----------
        packed : Packed
        work : Work
        d_out : (T, H, B) or (1, H, B)
            Derivative of the loss in the hidden state after every step, or after the last.
        d_last : (1 + M, H, B) or None
            Derivative in the state after the last step, beside `d_out`; None is zero.
        d_weight_input, d_weight_hidden, d_bias : shaped like the weights, added to
        d_x : (T, D, B) or None, filled
        d_state : (1 + M, H, B) or None, filled
            Derivative in the state before the first step.
        """
        cell, H = self.cell, self.n_units
        x = work.inputs
        assert x is not None, "backward needs a forward pass with gradient=True before it"
        T, every = len(x), len(d_out) == len(x)
        d_bias_rows = d_bias.reshape(-1, H)
        d_input_rows = d_weight_input.reshape(-1, H, x.shape[1])
        d_hidden_rows = d_weight_hidden.reshape(-1, H, H)
        shape = (1 + cell.n_memory, H, x.shape[2])
        later = np.zeros(shape, self.dtype) if d_last is None else d_last
        d_h, d_memory = later[0], list(later[1:])
        if d_x is not None:
            d_x[...] = 0.0
        for t in range(T - 1, -1, -1):
            gates, hidden, memory = work.steps[t]
            if every:
                d_h = d_h + d_out[t]
            elif t == T - 1:
                d_h = d_h + d_out[0]
            d_gates, beside, d_memory = tape.backward(cell, gates, hidden, memory, d_h, d_memory)
            d_h = np.zeros(shape[1:], self.dtype) if beside is None else beside
            row_x = row_h = 0
            for k, d in enumerate(d_gates):
                d_bias_rows[k] += d.sum(1)
                if (w_x := packed.weight_input[k]) is not None:
                    d_input_rows[row_x] += d @ x[t].T
                    if d_x is not None:
                        d_x[t] += w_x.T @ d
                    row_x += 1
                if (w_h := packed.weight_hidden[k]) is not None:
                    d_hidden_rows[row_h] += d @ hidden.T
                    d_h = d_h + w_h.T @ d
                    row_h += 1
        work.steps.clear()
        if d_state is not None:
            d_state[0] = d_h
            for row, d in zip(d_state[1:], d_memory, strict=True):
                row[...] = d
