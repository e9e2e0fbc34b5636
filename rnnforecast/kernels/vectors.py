"""Values that are vectors of the processor: Python operators on them emit LLVM. The only file that names instructions.

A `Value` is what a cell's arithmetic sees in the compiled path; `Lanes` is the vector's type. Everything is emitted as
LLVM's own vectors and generic operations, so any target it knows will do; AVX-512 only shortens the exponential.
"""

from __future__ import annotations

import os
import platform
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import llvmlite.binding as binding
import numpy as np
from llvmlite import ir
from numba import config
from numba.core import cgutils

I32, I64 = ir.IntType(32), ir.IntType(64)
CONTRACT = ("contract",)

# (2**r - 1) / r on [-1/2, 1/2], ascending powers of r. Minimax in the relative error, by Remez's exchange in 60 digits;
# relative error of 2**r - 1: 1.1e-8 (float32), 1.8e-17 (float64).
EXPONENTIAL = {
    32: (
        0.6931471879266856,
        0.2402264979496441,
        0.05550357433648187,
        0.009618237494183314,
        0.0013390735475399872,
        0.00015403512618661003,
    ),
    64: (
        0.6931471805599453,
        0.24022650695910097,
        0.055504108664821236,
        0.009618129107607065,
        0.0013333558146531644,
        0.00015403530441481284,
        1.5252733701200714e-05,
        1.3215442723878389e-06,
        1.0178121305806717e-07,
        7.072561768398301e-09,
        4.445536131848176e-10,
    ),
}


def host_features() -> dict[str, bool]:
    """Return the features that code is made for, as LLVM names them; empty where it cannot tell."""
    if config.CPU_NAME or config.CPU_FEATURES:  # the user asks Numba for another processor than this
        return {name[1:]: name[0] == "+" for name in (config.CPU_FEATURES or "").split(",") if name}
    try:
        return dict(binding.get_host_cpu_features())
    except RuntimeError:
        return {}


def host_name() -> str:
    """Return the processor that code is made for, as LLVM names it."""
    return str(config.CPU_NAME or binding.get_host_cpu_name())


def host_bytes() -> int:
    """Return the vectors' width: the environment variable RNNFORECAST_VECTOR_BYTES, else the host's widest."""
    chosen = os.environ.get("RNNFORECAST_VECTOR_BYTES")
    if chosen is None:
        features = host_features()
        return 64 if features.get("avx512dq") else 32 if features.get("avx2") else 16
    if chosen not in ("16", "32", "64"):
        raise ValueError(
            f"RNNFORECAST_VECTOR_BYTES must be 16, 32 or 64, got {chosen!r}; unset it to use the host's width"
        )
    return int(chosen)


@dataclass(frozen=True)
class Lanes:
    """A vector type.

    Parameters
    ----------
    bits : {32, 64}
        Of an element.
    n : int
        Elements.
    avx512 : bool
        Whether the exponent instructions of AVX-512 exist for it.
    registers : int
        Vector registers of the host.
    """

    bits: int
    n: int
    avx512: bool
    registers: int

    @classmethod
    def of(cls, dtype: Any) -> Lanes:
        """Return the vectors of float32 or float64 on this host."""
        if np.dtype(dtype) not in (np.float32, np.float64):
            raise ValueError(f"dtype must be float32 or float64, got {np.dtype(dtype)}")
        size, n_bytes = np.dtype(dtype).itemsize, host_bytes()
        avx512 = n_bytes == 64 and bool(host_features().get("avx512dq"))
        many = avx512 or platform.machine().lower() in ("arm64", "aarch64")
        return cls(8 * size, n_bytes // size, avx512, 32 if many else 16)

    @property
    def scalar(self) -> ir.Type:
        """Type of one element."""
        return ir.FloatType() if self.bits == 32 else ir.DoubleType()

    @property
    def vector(self) -> ir.Type:
        """Type of the vector."""
        return ir.VectorType(self.scalar, self.n)

    @property
    def integers(self) -> ir.Type:
        """Type of a vector of integers as wide as the elements."""
        return ir.VectorType(ir.IntType(self.bits), self.n)

    def constant(self, x: float) -> ir.Constant:
        """Emit a vector of equal elements known now."""
        return ir.Constant(self.vector, [float(x)] * self.n)

    def call(self, b: ir.IRBuilder, name: str, result: ir.Type, *arguments: Any) -> Any:
        """Emit a call of an LLVM intrinsic."""
        signature = ir.FunctionType(result, [a.type for a in arguments])
        return b.call(cgutils.get_or_insert_function(b.module, signature, name), arguments)

    @property
    def suffix(self) -> str:
        """How LLVM's intrinsics name the type."""
        return f"v{self.n}f{self.bits}"

    def multiply_add(self, b: ir.IRBuilder, x: Any, y: Any, z: Any) -> Any:
        """Emit x y + z, fused where the processor can."""
        return self.call(b, f"llvm.fmuladd.{self.suffix}", self.vector, x, y, z)

    def splat(self, b: ir.IRBuilder, x: Any) -> Any:
        """Emit a vector of equal elements."""
        nothing = ir.Constant(self.vector, ir.Undefined)
        first = ir.Constant(ir.VectorType(I32, self.n), [0] * self.n)
        return b.shuffle_vector(b.insert_element(nothing, x, I32(0)), nothing, first)

    def at(self, b: ir.IRBuilder, pointer: Any, offset: Any) -> Any:
        """Emit the address of the vector that begins `offset` elements behind `pointer`."""
        return b.bitcast(b.gep(pointer, [offset]), self.vector.as_pointer())

    def load(self, b: ir.IRBuilder, pointer: Any, offset: Any) -> Any:
        """Emit a load; only the elements need be aligned."""
        return b.load(self.at(b, pointer, offset), align=self.bits // 8)

    def store(self, b: ir.IRBuilder, x: Any, pointer: Any, offset: Any) -> None:
        """Emit a store; only the elements need be aligned."""
        b.store(x, self.at(b, pointer, offset), align=self.bits // 8)

    def first(self, b: ir.IRBuilder, width: Any) -> Any:
        """Emit the mask of the first `width` elements."""
        index = ir.Constant(ir.VectorType(I32, self.n), list(range(self.n)))
        width = b.insert_element(ir.Constant(index.type, ir.Undefined), b.trunc(width, I32), I32(0))
        return b.icmp_signed("<", index, b.shuffle_vector(width, width, ir.Constant(index.type, [0] * self.n)))

    def load_first(self, b: ir.IRBuilder, pointer: Any, offset: Any, width: Any, other: Any) -> Any:
        """Emit a load of the first `width` elements, the rest taken from `other`; no more is read."""
        name, address = f"llvm.masked.load.{self.suffix}.p0", self.at(b, pointer, offset)
        return self.call(b, name, self.vector, address, I32(self.bits // 8), self.first(b, width), other)

    def store_first(self, b: ir.IRBuilder, x: Any, pointer: Any, offset: Any, width: Any) -> None:
        """Emit a store of the first `width` elements; no more is written."""
        name = f"llvm.masked.store.{self.suffix}.p0"
        self.call(b, name, ir.VoidType(), x, self.at(b, pointer, offset), I32(self.bits // 8), self.first(b, width))


class Value:
    """Some vectors of independent units: every operator emits one instruction for each.

    Several units in one value interleave their chains of dependent instructions in program order.
    """

    __array_ufunc__ = None  # NumPy's own operators defer to the ones below

    def __init__(self, builder: ir.IRBuilder, lanes: Lanes, *vectors: Any):
        self.builder, self.lanes, self.vectors = builder, lanes, vectors

    def each(self, emit: Callable[..., Any], *others: Any) -> Value:
        """Emit for every vector and those of the other values; numbers among `others` become constant vectors."""
        columns = [
            other.vectors if isinstance(other, Value) else [self.lanes.constant(other)] * len(self.vectors)
            for other in others
        ]
        return Value(self.builder, self.lanes, *(emit(*row) for row in zip(self.vectors, *columns, strict=True)))

    def _binary(self, name: str, other: Any, swapped: bool = False) -> Value:
        emit = getattr(self.builder, name)
        return self.each(lambda x, y: emit(y, x, flags=CONTRACT) if swapped else emit(x, y, flags=CONTRACT), other)

    def __add__(self, other: Any) -> Value:
        return self._binary("fadd", other)

    def __sub__(self, other: Any) -> Value:
        return self._binary("fsub", other)

    def __rsub__(self, other: Any) -> Value:
        return self._binary("fsub", other, swapped=True)

    def __mul__(self, other: Any) -> Value:
        return self._binary("fmul", other)

    def __truediv__(self, other: Any) -> Value:
        return self._binary("fdiv", other)

    def __rtruediv__(self, other: Any) -> Value:
        return self._binary("fdiv", other, swapped=True)

    def __neg__(self) -> Value:
        return self.each(self.builder.fneg)

    __radd__, __rmul__ = __add__, __mul__

    def activate(self, f: Any) -> Value:
        """Emit an activation."""
        return f.scaled(self if f.scale == 1.0 else self * f.scale)

    def _choose(self, sign: str, bound: float) -> Value:
        b = self.builder
        return self.each(lambda x, y: b.select(b.fcmp_ordered(sign, x, y), y, x), bound)  # keeps NaN

    def maximum(self, bound: float) -> Value:
        """Emit max(x, bound); NaN stays."""
        return self._choose("<", bound)

    def minimum(self, bound: float) -> Value:
        """Emit min(x, bound); NaN stays."""
        return self._choose(">", bound)

    def positive(self) -> Value:
        """Emit 1 where x > 0, else 0."""
        b = self.builder
        return self.each(lambda x, one, zero: b.select(b.fcmp_ordered(">", x, zero), one, zero), 1.0, 0.0)

    def _power(self) -> tuple[Value, Value]:
        """Emit 2**n and 2**r - 1, where x = n + r and n is the nearest integer."""
        lanes, b = self.lanes, self.builder
        if lanes.avx512:
            r = self.each(lambda x: self._avx512("reduce", x, I32(0)))
            whole = self - r
            power = whole.each(lambda n, one: self._avx512("scalef", one, n), 1.0)
        else:
            mantissa, limit = (23, 126.0) if lanes.bits == 32 else (52, 1022.0)
            magic = 1.5 * 2.0**mantissa  # added to a small number, it leaves the nearest integer in the low bits
            x = self.minimum(limit).maximum(-limit)
            shifted = x + magic
            r = x - (shifted - magic)
            shift = ir.Constant(lanes.integers, [mantissa] * lanes.n)
            one = b.bitcast(lanes.constant(1.0), lanes.integers)
            power = shifted.each(
                lambda n: b.bitcast(b.add(b.shl(b.bitcast(n, lanes.integers), shift), one), lanes.vector)
            )
        *lower, highest = EXPONENTIAL[lanes.bits]
        polynomial = r * highest + lower[-1]
        for coefficient in lower[-2::-1]:
            polynomial = r * polynomial + coefficient
        return power, r * polynomial

    def exp2(self) -> Value:
        """Emit 2**x: relative error 1e-7 (float32) or 3e-16; 0, infinity and NaN where they belong.

        Without AVX-512 the exponent stops at 126 or 1022 either way.
        """
        power, fraction = self._power()
        return (fraction + 1.0) * power

    def exp2m1(self) -> Value:
        """Emit 2**x - 1 for x up to 100, with the same relative error also near 0."""
        power, fraction = self._power()
        return power * fraction + (power - 1.0)

    def _avx512(self, name: str, *arguments: Any) -> Any:
        lanes = self.lanes
        every = ir.IntType(lanes.n)(-1) if lanes.n == 16 else ir.IntType(8)(-1)
        kind = "ps" if lanes.bits == 32 else "pd"
        current_rounding = I32(4)
        return lanes.call(
            self.builder,
            f"llvm.x86.avx512.mask.{name}.{kind}.512",
            lanes.vector,
            *arguments,
            arguments[0],
            every,
            current_rounding,
        )
