"""Register-blocked products, emitted as LLVM; they know no cell.

Pointers point at elements, offsets and strides count elements; `lanes` is a `rnnforecast.kernels.vectors.Lanes`, and n
its number of elements.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from llvmlite import ir
from numba.core import cgutils

from rnnforecast.kernels.vectors import I32, I64, Lanes


def number(n: int) -> ir.Constant:
    """Return an offset known now."""
    return ir.Constant(I64, n)


def registers(b: ir.IRBuilder, lanes: Lanes, initial: Sequence[Any]) -> list[Any]:
    """Emit variables that LLVM keeps in registers, one for each initial vector."""
    variables = []
    for x in initial:
        variable = cgutils.alloca_once(b, lanes.vector)
        b.store(x, variable)
        variables.append(variable)
    return variables


def accumulate(
    b: ir.IRBuilder,
    lanes: Lanes,
    count: Any,
    factors: Any,
    factor_stride: int,
    rows: Any,
    row_stride: int,
    terms: Sequence[tuple[Any, Sequence[int], Sequence[Any]]],
) -> None:
    """Emit sums[m] += factor * row over k < count and over `terms`.

    Parameters
    ----------
    count : run-time integer
    factors, rows : pointers
        The factor is one element, the row one vector.
    terms : sequence of (row offset, factor offsets, sums)
        Of one k: the row at ``rows + k * row_stride + offset``, where the offset is a run-time integer, times, for each
        m, the factor at ``factors + k * factor_stride + offsets[m]``. The sums are variables of `registers`.
    """
    with cgutils.for_range(b, count, intp=I64) as loop:
        factor_at = b.gep(factors, [b.mul(loop.index, number(factor_stride))])
        row_at = b.mul(loop.index, number(row_stride))
        for row_offset, factor_offsets, sums in terms:
            row = lanes.load(b, rows, b.add(row_at, row_offset))
            for variable, offset in zip(sums, factor_offsets, strict=True):
                factor = lanes.splat(b, b.load(b.gep(factor_at, [number(offset)])))
                b.store(lanes.multiply_add(b, factor, row, b.load(variable)), variable)


def row_sums(b: ir.IRBuilder, lanes: Lanes, rows: Sequence[Any]) -> Any:
    """Emit one vector whose element i is the sum over the elements of rows[i], for at most n rows.

    It is the transposition below with an addition after every exchange, which halves the rows: n - 1 additions in all.
    """
    sums = [*rows, *[lanes.constant(0.0)] * (lanes.n - len(rows))]
    for distance in _powers(lanes.n):
        for i in range(0, lanes.n, 2 * distance):
            sums[i] = b.fadd(*_exchange(b, lanes, sums[i], sums[i + distance], distance))
    return sums[0]


def transpose(b: ir.IRBuilder, lanes: Lanes, source: Any, target: Any) -> None:
    """Emit the transposition of n contiguous rows of n elements."""
    rows = [lanes.load(b, source, number(i * lanes.n)) for i in range(lanes.n)]
    for distance in _powers(lanes.n):
        for i in range(lanes.n):
            if not i & distance:
                rows[i], rows[i + distance] = _exchange(b, lanes, rows[i], rows[i + distance], distance)
    for i, row in enumerate(rows):
        lanes.store(b, row, target, number(i * lanes.n))


def _powers(n: int) -> list[int]:
    return [2**k for k in range(n.bit_length() - 1)]


def _exchange(b: ir.IRBuilder, lanes: Lanes, x: Any, y: Any, distance: int) -> tuple[Any, Any]:
    """Exchange the elements of x whose index has the bit `distance` for those of y that lack it."""
    n = lanes.n
    low = [n + k - distance if k & distance else k for k in range(n)]
    high = [n + k if k & distance else k + distance for k in range(n)]
    kind = ir.VectorType(I32, n)
    return b.shuffle_vector(x, y, ir.Constant(kind, low)), b.shuffle_vector(x, y, ir.Constant(kind, high))
