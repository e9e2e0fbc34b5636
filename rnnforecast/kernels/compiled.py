"""A recurrent layer on the processor's vectors; its interface and its reference are `rnnforecast.kernels.portable`."""

from __future__ import annotations

from functools import cached_property
from operator import methodcaller
from typing import Any

import numpy as np

from rnnforecast.kernels import drivers
from rnnforecast.kernels.cells import Cell
from rnnforecast.kernels.kernel import kernel_of
from rnnforecast.kernels.packing import Orders, up
from rnnforecast.kernels.recurrence import recurrence

Array = np.ndarray


def aligned(n: int, dtype: Any) -> Array:
    """Return n zeros that begin at a multiple of 64 bytes, a vector's and a cache line's size."""
    size = np.dtype(dtype).itemsize
    raw = np.zeros(n * size + 64, np.uint8)
    start = -raw.ctypes.data % 64
    return raw[start : start + n * size].view(dtype)


class Packed:
    """A layer's weights in the orders of the passes; read-only while a batch is computed, may be shared by threads."""

    def __init__(self, layer: VectorRecurrence, *weights: Array):
        self._layer, self._orders = layer, layer.orders
        # A copy: the weights may be updated before the backward pass asks for its order.
        self._source = np.concatenate((*weights, self._orders.zero), axis=None)
        self._shapes = [one.shape for one in weights]
        self.forward = self._take(self._source * self._orders.scale, self._orders.forward)

    def __reduce__(self) -> Any:
        # Packed anew where it is read: the orders are those of the vectors here.
        parts = np.split(self._source[:-1], np.cumsum(self._orders.sizes)[:-1])
        weights = [part.reshape(shape) for part, shape in zip(parts, self._shapes, strict=True)]
        return methodcaller("pack", *weights), (self._layer,)

    @cached_property
    def backward(self) -> Array:
        """The hidden part, transposed."""
        return self._take(self._source, self._orders.backward)

    @cached_property
    def inputs(self) -> Array:
        """The inputs' part, transposed."""
        return self._take(self._source, self._orders.inputs)

    @staticmethod
    def _take(source: Array, order: Array) -> Array:
        return source.take(order, mode="clip")  # "clip" leaves out a check; the indices are right by construction


class Work:
    """Numbers of the sequences of one call: see the table in `rnnforecast.kernels.drivers`."""

    def __init__(self, layer: VectorRecurrence, n_steps: int, n_sequences: int, gradient: bool):
        k, orders = layer.kernel, layer.orders
        self._layer = layer
        self.n_steps, self.n_sequences, self.gradient, self.ready = n_steps, n_sequences, gradient, False
        units = up(layer.n_units, k.P)
        n_blocks = up(n_sequences, k.N) // k.N
        self.n_rows = (1 + k.M) * units + orders.n_input_rows
        n_panels = n_blocks * (n_steps + 1) if gradient else 2 * k.S
        self.panels = aligned(n_panels * self.n_rows * k.N, k.dtype)
        self.panels.reshape(n_panels, self.n_rows, k.N)[:, -1] = 1.0
        self.gates = aligned((n_blocks * n_steps * units if gradient else k.S * k.U) * k.G * k.N, k.dtype)
        self.no_state = np.zeros((1 + k.M, layer.n_units, n_sequences), k.dtype)
        if gradient:
            self.carry = aligned((1 + k.M) * units * k.N, k.dtype)
            self.columns = aligned(drivers.STEPS * k.N * k.N, k.dtype)
            self.rows = aligned(k.R * k.N, k.dtype)
            self.d_weights = aligned(orders.n_gradient, k.dtype)
            self.d_source = np.empty(orders.gradient.size, k.dtype)

    def __reduce__(self) -> Any:
        # Made anew where it is read, as `Packed`; what the last pass left is of use to a backward pass only.
        return methodcaller("work", self.n_steps, self.n_sequences, self.gradient), (self._layer,)


class VectorRecurrence:
    """Forward pass and backpropagation through time of one recurrent layer, compiled.

    Parameters
    ----------
    cell : Cell
    n_inputs, n_units : int
        D and H.
    dtype : {float32, float64}
    """

    def __init__(self, cell: Cell, n_inputs: int, n_units: int, dtype: Any = np.float32):
        self.cell, self.n_inputs, self.n_units, self.dtype = cell, n_inputs, n_units, np.dtype(dtype)
        self.kernel = kernel_of(cell, self.dtype)
        self.orders = Orders(self.kernel, n_inputs, n_units)

    def __reduce__(self) -> Any:
        # Where it is read again, vectors may have another width or not exist.
        return recurrence, (self.cell, self.n_inputs, self.n_units, self.dtype)

    def pack(self, weight_input: Array, weight_hidden: Array, bias: Array) -> Packed:
        """Lay the weights out for the passes; the result may be shared by threads."""
        return Packed(self, weight_input, weight_hidden, bias)

    def work(self, n_steps: int, n_sequences: int, gradient: bool = True) -> Work:
        """Buffers for sequences of that size; with `gradient` a backward pass may follow the forward pass."""
        return Work(self, n_steps, n_sequences, gradient)

    def forward(self, packed: Packed, x: Array, state: Array | None, work: Work, out: Array, last: Array) -> None:
        """Run the layer over whole sequences; see `PortableRecurrence.forward`."""
        fits("x", x, (work.n_steps, self.n_inputs, work.n_sequences))
        fits("out", out, (len(out), self.n_units, work.n_sequences))
        fits("last", last, work.no_state.shape)
        drivers.forward(
            self.kernel,
            packed.forward,
            readable(x, self.dtype),
            self._state("state", state, work),
            int(state is not None),
            int(work.gradient),
            work.n_rows,
            work.panels,
            work.gates,
            out,
            last,
        )
        work.ready = work.gradient

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
        """Backpropagate through the sequences of the last `forward`; see `PortableRecurrence.backward`."""
        assert work.ready, "backward needs a forward pass with gradient=True before it"
        work.ready = False
        fits("d_out", d_out, (len(d_out), self.n_units, work.n_sequences))
        work.d_weights.fill(0.0)
        drivers.backward(
            self.kernel,
            packed.backward,
            readable(d_out, self.dtype),
            self._state("d_last", d_last, work),
            0 if d_state is None else -1,
            self.orders.n_wide,
            work.n_rows,
            work.panels,
            work.gates,
            work.carry,
            work.columns,
            work.d_weights,
            self._state("d_state", d_state, work, filled=True),
        )
        if d_x is not None:
            fits("d_x", d_x, (work.n_steps, self.n_inputs, work.n_sequences))
            drivers.input_gradient(self.kernel, packed.inputs, work.gates, work.rows, self.n_units, d_x)
        work.d_weights.take(self.orders.gradient, mode="clip", out=work.d_source)
        start = 0
        for gradient, size in zip((d_weight_input, d_weight_hidden, d_bias), self.orders.sizes, strict=True):
            gradient += work.d_source[start : start + size].reshape(gradient.shape)
            start += size

    def _state(self, name: str, state: Array | None, work: Work, filled: bool = False) -> Array:
        if state is None:
            return work.no_state
        fits(name, state, work.no_state.shape)
        return state if filled else readable(state, self.dtype)


def fits(name: str, array: Array, shape: tuple[int, ...]) -> None:
    """Raise where an array's shape is not the one compiled code will assume."""
    if array.shape != shape:
        raise ValueError(f"{name} must have shape {shape}, got {array.shape}")


def readable(array: Array, dtype: Any) -> Array:
    """Return an array that compiled code reads as it lies in memory: itself, or a copy of a view or another type."""
    return array if array.flags.carray and array.dtype == dtype else np.array(array, dtype, order="C")
