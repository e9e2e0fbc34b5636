"""The steps of the drivers' inner loops as intrinsics: products of one tile, a cell's arithmetic, moves of one row.

All take the kernel first, arrays each followed by the offset in it, and give nothing. A row is N elements.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.core.errors import TypingError
from numba.extending import intrinsic

from rnnforecast.kernels import product
from rnnforecast.kernels.cells import tape
from rnnforecast.kernels.product import accumulate, number, registers
from rnnforecast.kernels.vectors import I64, Lanes, Value


def emitter(emit: Callable[..., None], k: Any, *signature: Any) -> tuple[Any, Any]:
    """Return an intrinsic's signature and its code generator: ``emit(builder, *arguments)``, arrays as pointers."""
    for kind in signature:
        if isinstance(kind, types.Array) and (kind.layout, kind.dtype.name) != ("C", k.kernel.dtype.name):
            raise TypingError(f"arrays must be C-contiguous {k.kernel.dtype.name}, got {kind}")

    def generate(context: Any, b: ir.IRBuilder, sig: Any, arguments: Any) -> Any:
        values = [
            context.make_array(kind)(context, b, value).data if isinstance(kind, types.Array) else value
            for kind, value in zip(sig.args, arguments, strict=True)
        ]
        emit(b, *values[1:])
        return context.get_dummy_value()

    return types.void(k, *signature), generate


class Rows:
    """Rows of one vector for each unit at a pointer; gives and takes values of a group of units."""

    def __init__(self, b: ir.IRBuilder, lanes: Lanes, array: Any, offset: Any, per_unit: int = 1):
        self.b, self.lanes, self.pointer, self.per_unit = b, lanes, b.gep(array, [offset]), per_unit

    def _offset(self, unit: int, row: int) -> ir.Constant:
        return number((unit * self.per_unit + row) * self.lanes.n)

    def get(self, units: int, row: int = 0) -> Value:
        """Emit the loads of a row of the first units."""
        vectors = (self.lanes.load(self.b, self.pointer, self._offset(u, row)) for u in range(units))
        return Value(self.b, self.lanes, *vectors)

    def put(self, value: Value, row: int = 0) -> None:
        """Emit the stores of a row of the first units."""
        for u, vector in enumerate(value.vectors):
            self.lanes.store(self.b, vector, self.pointer, self._offset(u, row))


INT = types.intp


@intrinsic(prefer_literal=True)
def forward_sums(typing, k, n_blocks, weights, w, panels, inputs, n_inputs, hidden, n_hidden, panel, gates, g, gate):
    """gates[g:] = bias + Wx x + Wh h for the gates of the U units of a tile, packed at weights[w:].

    The same for `n_blocks` blocks, `panel` apart in panels and `gate` in gates: a weight is read once for all.
    """
    if not isinstance(n_blocks, types.IntegerLiteral):
        return None
    q, n = k.kernel, n_blocks.literal_value
    lanes = q.lanes
    n_units = max(1, q.U // n)  # of which n blocks fill the registers

    def emit(b, _, weights, w, panels, inputs, n_inputs, hidden, n_hidden, panel, gates, g, gate):
        for first in range(0, q.U, n_units):
            packed = b.gep(weights, [w])
            rows_of_tile = range(first * q.G, (first + n_units) * q.G)
            biases = [lanes.splat(b, b.load(b.gep(packed, [number(m)]))) for m in rows_of_tile]
            sums = [registers(b, lanes, biases) for _ in range(n)]
            packed = b.gep(packed, [number(q.U * q.G)])
            for part, row, count in (("x", inputs, n_inputs), ("h", hidden, n_hidden)):
                rows = q.parts[part]
                if not rows:
                    continue
                stride = q.U * len(rows)
                offsets = range(first * len(rows), (first + n_units) * len(rows))
                taking = [u * q.G + r for u in range(n_units) for r in rows]
                terms = [(b.mul(panel, number(i)), offsets, [own[m] for m in taking]) for i, own in enumerate(sums)]
                accumulate(b, lanes, count, packed, stride, b.gep(panels, [row]), lanes.n, terms)
                packed = b.gep(packed, [b.mul(count, number(stride))])
            for i, own in enumerate(sums):
                into = b.gep(gates, [b.add(g, b.mul(gate, number(i)))])
                for m, variable in zip(rows_of_tile, own, strict=True):
                    lanes.store(b, b.load(variable), into, number(m * lanes.n))

    return emitter(emit, k, n_blocks, weights, INT, panels, INT, INT, INT, INT, INT, gates, INT, INT)


@intrinsic
def forward_units(typing, k, gates, g, panels, before, after, stride):
    """Activate the gates of F units and store their state; `stride` leads from a state to the next."""
    q = k.kernel
    cell = q.cell

    def emit(b, gates, g, panels, before, after, stride):
        rows = Rows(b, q.lanes, gates, g, q.G)
        old, new = (
            [Rows(b, q.lanes, panels, b.add(o, b.mul(stride, number(m)))) for m in range(1 + q.M)]
            for o in (before, after)
        )
        values = [gate.activation.scaled(rows.get(q.F, r)) for r, gate in enumerate(cell.gates)]
        for r, value in enumerate(values):
            rows.put(value, r)
        hidden, memory = cell.forward(values, old[0].get(q.F), [m.get(q.F) for m in old[1:]])
        for target, value in zip(new, (hidden, *memory), strict=True):
            target.put(value)

    return emitter(emit, k, gates, INT, panels, INT, INT, INT)


@intrinsic(prefer_literal=True)
def backward_sums(typing, k, part, weights, w, gates, g, n_units, target, o):
    """target[o:] += W' d for R rows, d the derivatives in all units' gates that take `part`."""
    if not isinstance(part, types.StringLiteral):
        return None
    q = k.kernel
    lanes, rows = q.lanes, q.parts[part.literal_value]

    def emit(b, part, weights, w, gates, g, n_units, target, o):
        into = b.gep(target, [o])
        sums = registers(b, lanes, [lanes.load(b, into, number(m * lanes.n)) for m in range(q.R)])
        terms = [(number(r * lanes.n), range(i * q.R, (i + 1) * q.R), sums) for i, r in enumerate(rows)]
        accumulate(b, lanes, n_units, b.gep(weights, [w]), len(rows) * q.R, b.gep(gates, [g]), q.G * lanes.n, terms)
        for m, variable in enumerate(sums):
            lanes.store(b, b.load(variable), into, number(m * lanes.n))

    return emitter(emit, k, part, weights, INT, gates, INT, INT, target, INT)


@intrinsic
def backward_units(typing, k, gates, g, panels, before, carry, c, stride, d_out, o, width):
    """Replace a unit's gates by the derivatives in their sums, and the carried derivatives by those a step earlier.

    d_out[o : o + width] is added to the derivative in h first.
    """
    q = k.kernel
    lanes = q.lanes

    def emit(b, gates, g, panels, before, carry, c, stride, d_out, o, width):
        rows = Rows(b, lanes, gates, g, q.G)
        old, carried = (
            [Rows(b, lanes, array, b.add(offset, b.mul(stride, number(m)))) for m in range(1 + q.M)]
            for array, offset in ((panels, before), (carry, c))
        )
        given = Value(b, lanes, lanes.load_first(b, d_out, o, width, lanes.constant(0.0)))
        d_gates, beside, d_memory = tape.backward(
            q.cell,
            [rows.get(1, r) for r in range(q.G)],
            old[0].get(1),
            [m.get(1) for m in old[1:]],
            carried[0].get(1) + given,
            [d.get(1) for d in carried[1:]],
        )
        for r, value in enumerate(d_gates):
            rows.put(value, r)
        nothing = Value(b, lanes, lanes.constant(0.0))
        for target, value in zip(carried, (nothing if beside is None else beside, *d_memory), strict=True):
            target.put(value)

    return emitter(emit, k, gates, INT, panels, INT, carry, INT, INT, d_out, INT, INT)


@intrinsic
def outer_sums(typing, k, part, n_steps, gates, g, step, columns, d_weights, o):
    """d_weights[o:] += products of a tile's derivatives, `step` apart, and transposed rows of part 0 (h) or 1 (x)."""
    q = k.kernel
    lanes = q.lanes

    def product_of(rows, b, n_steps, gates, g, step, columns, d_weights, o):
        places = [u * q.G + r for u in range(q.U) for r in rows]
        into = b.gep(d_weights, [o])
        sums = registers(b, lanes, [lanes.load(b, into, number(m * lanes.n)) for m in range(len(places))])
        with cgutils.for_range(b, n_steps, intp=I64) as loop:
            factors = b.gep(gates, [b.add(g, b.mul(loop.index, step))])
            block = b.gep(columns, [b.mul(loop.index, number(lanes.n**2))])
            terms = [(number(0), [p * lanes.n for p in places], sums)]
            accumulate(b, lanes, number(lanes.n), factors, 1, block, lanes.n, terms)
        for m, variable in enumerate(sums):
            lanes.store(b, b.load(variable), into, number(m * lanes.n))

    def emit(b, part, *arguments):
        if q.parts["x"] == q.parts["h"]:
            product_of(q.parts["h"], b, *arguments)
            return
        with b.if_else(b.icmp_signed("==", part, number(0))) as (hidden, inputs):
            with hidden:
                product_of(q.parts["h"], b, *arguments)
            with inputs:
                product_of(q.parts["x"], b, *arguments)

    return emitter(emit, k, INT, INT, gates, INT, INT, columns, d_weights, INT)


@intrinsic
def dot_sums(typing, k, n_steps, gates, g, step, panels, z, panel, d_weights, o):
    """d_weights[o:] += dot products of a tile's derivatives, `step` apart, and one row of panels, `panel` apart."""
    q = k.kernel
    lanes, n_rows = q.lanes, q.U * q.G

    def emit(b, n_steps, gates, g, step, panels, z, panel, d_weights, o):
        sums = registers(b, lanes, [lanes.constant(0.0)] * n_rows)
        with cgutils.for_range(b, n_steps, intp=I64) as loop:
            row = lanes.load(b, panels, b.add(z, b.mul(loop.index, panel)))
            factors = b.gep(gates, [b.add(g, b.mul(loop.index, step))])
            for m, variable in enumerate(sums):
                factor = lanes.load(b, factors, number(m * lanes.n))
                b.store(lanes.multiply_add(b, factor, row, b.load(variable)), variable)
        into = b.gep(d_weights, [o])
        for m in range(0, n_rows, lanes.n):
            total = product.row_sums(b, lanes, [b.load(variable) for variable in sums[m : m + lanes.n]])
            lanes.store(b, b.fadd(lanes.load(b, into, number(m)), total), into, number(m))

    return emitter(emit, k, INT, gates, INT, INT, panels, INT, INT, d_weights, INT)


@intrinsic
def transpose_rows(typing, k, panels, z, target, o):
    """target[o:] = the transposed N rows at panels[z:]."""
    lanes = k.kernel.lanes

    def emit(b, panels, z, target, o):
        product.transpose(b, lanes, b.gep(panels, [z]), b.gep(target, [o]))

    return emitter(emit, k, panels, INT, target, INT)


@intrinsic
def load_columns(typing, k, source, s, width, repeat, target, o):
    """target[o : o + N] = source[s : s + width], then the last of these again (`repeat` is 1) or zeros."""
    lanes = k.kernel.lanes

    def emit(b, source, s, width, repeat, target, o):
        last = lanes.splat(b, b.load(b.gep(source, [b.add(s, b.sub(width, number(1)))])))
        other = b.select(b.icmp_signed("==", repeat, number(1)), last, lanes.constant(0.0))
        lanes.store(b, lanes.load_first(b, source, s, width, other), target, o)

    return emitter(emit, k, source, INT, INT, INT, target, INT)


@intrinsic
def store_columns(typing, k, source, s, target, o, width):
    """target[o : o + width] = source[s : s + width]."""
    lanes = k.kernel.lanes

    def emit(b, source, s, target, o, width):
        lanes.store_first(b, lanes.load(b, source, s), target, o, width)

    return emitter(emit, k, source, INT, target, INT, INT)
