"""A cell at a width and precision is a Numba type: compiled drivers take it as an argument and are specialised by it.

Numba's disk cache finds a function again by the types of its arguments, so the type's name says all that the machine
code depends on: what the cell computes, the vectors, and the sources that emit them.
"""

from __future__ import annotations

import functools
import hashlib
from typing import Any

import numpy as np
from numba import types
from numba.core.typing.templates import AttributeTemplate
from numba.extending import NativeValue, infer_getattr, lower_getattr_generic, models, register_model, unbox

from rnnforecast.kernels._jit import source_digest
from rnnforecast.kernels.cells import Cell, tape
from rnnforecast.kernels.vectors import Lanes


class Kernel:
    """The constants of a cell's compiled form; integers among them are attributes in compiled code.

    Attributes
    ----------
    N : int
        Elements of a vector: the sequences of a block.
    G, M : int
        Gates and memories of the cell.
    U : int
        Units of a tile: all their gates are summed together.
    R : int
        Rows of a tile with one row for each unit or input.
    F : int
        Units whose forward arithmetic is interleaved.
    S : int
        Blocks that go forward together.
    P : int
        Units and inputs are padded to a multiple of this.
    """

    def __init__(self, cell: Cell, dtype: Any):
        self.cell, self.lanes, self.dtype = cell, Lanes.of(dtype), np.dtype(dtype)
        self.N, self.G, self.M = self.lanes.n, len(cell.gates), cell.n_memory
        # Two products begin per cycle and take four cycles: eight sums hide that, sixteen also save loads of the row.
        self.R = self.lanes.registers // 2
        self.U = 2 ** max(0, (self.R // self.G).bit_length() - 1)
        self.S = 2 if self.U > 1 else 1  # one unit's sums of two blocks may be more than there are registers
        self.F = min(self.U, 4 if self.G == 1 else 2)
        self.P = max(self.R, self.N, self.U)
        self.parts = {part: cell.rows(part) for part in "xh"}
        self.GX, self.GH = len(self.parts["x"]), len(self.parts["h"])
        vectors = f"{self.dtype.name}x{self.N}{'e' * self.lanes.avx512}"
        self.name = f"{cell.name}:{vectors}:{arithmetic(cell)}:{source_digest()}"
        KERNELS[self.name] = self
        self._numba_type_ = KernelType(self.name)


KERNELS: dict[str, Kernel] = {}


@functools.cache
def kernel_of(cell: Cell, dtype: np.dtype) -> Kernel:
    """Return the kernel of a cell; equal cells share one."""
    return Kernel(cell, dtype)


class Trace:
    """A value that writes down what is done to it; its text is its history."""

    __array_ufunc__ = None

    def __init__(self, lines: list[str], line: str):
        self.lines, self.text = lines, f"v{len(lines)}"
        lines.append(line)

    def _note(self, operation: str, *operands: Any) -> Trace:
        texts = [o.text if isinstance(o, Trace) else repr(float(o)) for o in operands]
        return Trace(self.lines, f"{operation} {self.text} {' '.join(texts)}")

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_"):
            raise AttributeError(name)
        return functools.partial(self._note, name)

    def activate(self, f: Any) -> Trace:
        """Note the activation by its arithmetic."""
        return f.scaled(self * f.scale)

    def __add__(self, other: Any) -> Trace:
        return self._note("+", other)

    def __sub__(self, other: Any) -> Trace:
        return self._note("-", other)

    def __rsub__(self, other: Any) -> Trace:
        return self._note("r-", other)

    def __mul__(self, other: Any) -> Trace:
        return self._note("*", other)

    def __truediv__(self, other: Any) -> Trace:
        return self._note("/", other)

    def __rtruediv__(self, other: Any) -> Trace:
        return self._note("r/", other)

    def __neg__(self) -> Trace:
        return self._note("neg")

    __radd__, __rmul__ = __add__, __mul__


def arithmetic(cell: Cell) -> str:
    """Digest of what a cell computes, forward and backward, whatever files and closures its functions come from."""
    lines = [f"{gate.takes} {gate.activation.scale!r}" for gate in cell.gates]
    n = len(cell.gates)
    leaves = [Trace(lines, f"leaf {k}") for k in range(n + 2 + 2 * cell.n_memory)]
    gates = [gate.activation.scaled(leaf) for gate, leaf in zip(cell.gates, leaves[:n], strict=True)]
    hidden, d_hidden, *memories = leaves[n:]
    memory, d_memory = memories[: cell.n_memory], memories[cell.n_memory :]
    new_hidden, new_memory = cell.forward(gates, hidden, memory)
    if len(new_memory) != cell.n_memory:
        raise ValueError(
            f"forward of cell {cell.name!r} must return n_memory={cell.n_memory} memories beside the hidden state, "
            f"got {len(new_memory)}"
        )
    derivative = tape.backward(cell, gates, hidden, memory, d_hidden, d_memory)
    for value in (new_hidden, *new_memory, *derivative[0], derivative[1], *derivative[2]):
        lines.append(value.text if isinstance(value, Trace) else repr(value))
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()[:16]


class KernelType(types.Type):
    """The type of a `Kernel`, known by its name alone."""

    def __init__(self, kernel_name: str):
        self.kernel_name = kernel_name
        super().__init__(name=f"Kernel({kernel_name})")

    def __reduce__(self) -> Any:
        return KernelType, (self.kernel_name,)  # what an old cache holds never equals a changed kernel

    @property
    def kernel(self) -> Kernel:
        """The constants."""
        return KERNELS[self.kernel_name]


register_model(KernelType)(models.OpaqueModel)


@unbox(KernelType)
def _unbox(typ: KernelType, obj: Any, c: Any) -> NativeValue:
    return NativeValue(c.context.get_dummy_value())


@infer_getattr
class _Attributes(AttributeTemplate):
    key = KernelType

    def generic_resolve(self, typ: KernelType, name: str) -> Any:
        return types.intp if isinstance(getattr(typ.kernel, name, None), int) else None


@lower_getattr_generic(KernelType)
def _lower(context: Any, builder: Any, typ: KernelType, value: Any, name: str) -> Any:
    return context.get_constant(types.intp, getattr(typ.kernel, name))
