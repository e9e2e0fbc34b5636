"""The loops over blocks of sequences, steps and units; the kernel `k` comes first: its type selects the cell's code.

N sequences, one vector, are a block; forward, two blocks go through the steps together, so that a weight is read once
for both, and backward each goes alone. The numbers of a block lie in rows of N:

panels
    For each block and step: h (padded units), M memories (padded units), x (D, padded if wide), 1. The state is the one
    before the step. Without gradient two panels are used in turn, by every block of a pair its own.
gates
    For each block and step: (unit, gate), activated; the backward pass overwrites them by the derivatives in their
    sums. Without gradient the rows of one tile for every block of a pair.
carry
    Derivative in the state after the step at hand: h (padded units), M memories.

Weights are packed in the order the tiles read them (`rnnforecast.kernels.packing`). The columns of a ragged last block
repeat the last sequence, with no derivative coming in: whatever the cell does, they add nothing to the gradient.
"""

from __future__ import annotations

from rnnforecast.kernels._jit import kernel
from rnnforecast.kernels.tiles import (
    backward_sums,
    backward_units,
    dot_sums,
    forward_sums,
    forward_units,
    load_columns,
    outer_sums,
    store_columns,
    transpose_rows,
)

STEPS = 8  # of a chunk of the weight gradient: its rows of one tile and the transposed columns stay in the first cache


@kernel
def forward(k, weights, x, state, started, keep, n_rows, panels, gates, out, last):
    """Run over all sequences; fills `panels` and `gates` (where `keep` is 1), `out` and `last`.

    Parameters
    ----------
    k : Kernel
    weights : (n,)
    x : (T, D, B)
    state : (1 + M, H, B)
    started : 0 or 1
        Whether the hidden state is other than zero.
    keep : 0 or 1
        Whether a backward pass may follow.
    n_rows : int
        Rows of a panel.
    panels, gates : (n,)
    out : (T, H, B) or (1, H, B)
    last : (1 + M, H, B)
    """
    T, D, B = x.shape
    H, every = out.shape[1], out.shape[0] == T
    units = -(-H // k.P) * k.P
    per_unit = k.G + D * k.GX + H * k.GH
    n_blocks, n_tiles = -(-B // k.N), units // k.U
    # Blocks, panels of each and tiles of each that have a place of their own.
    kept, n_panels, n_kept_tiles = (n_blocks, T + 1, T * n_tiles) if keep else (k.S, 2, 1)
    panel, tile, first_input = n_rows * k.N, k.U * k.G * k.N, (1 + k.M) * units * k.N
    of_panels, of_gates = n_panels * panel, n_kept_tiles * tile
    for first in range(0, n_blocks, k.S):
        stop = min(first + k.S, n_blocks)
        for block in range(first, stop):
            j, start = block * k.N, block % kept * of_panels
            for m in range(1 + k.M):
                for u in range(H):
                    row = start + (m * units + u) * k.N
                    load_columns(k, state, (m * H + u) * B + j, min(k.N, B - j), 1, panels, row)
        for t in range(T):
            now, then = t % n_panels * panel, (t + 1) % n_panels * panel
            for block in range(first, stop):
                j, inputs = block * k.N, block % kept * of_panels + now + first_input
                for d in range(D):
                    load_columns(k, x, (t * D + d) * B + j, min(k.N, B - j), 1, panels, inputs + d * k.N)
            before = first % kept * of_panels + now
            inputs, n_hidden = before + first_input, H if t > 0 or started else 0
            for u in range(0, H, k.U):
                w, g = u * per_unit, first % kept * of_gates + (t * n_tiles + u // k.U) % n_kept_tiles * tile
                if stop - first == 2:
                    forward_sums(k, 2, weights, w, panels, inputs, D, before, n_hidden, of_panels, gates, g, of_gates)
                else:
                    forward_sums(k, 1, weights, w, panels, inputs, D, before, n_hidden, of_panels, gates, g, of_gates)
                for block in range(first, stop):
                    start, own = block % kept * of_panels, g + (block - first) * of_gates
                    for v in range(u, min(u + k.U, H), k.F):
                        row = start + v * k.N
                        forward_units(k, gates, own + (v - u) * k.G * k.N, panels, row + now, row + then, units * k.N)
            if every or t == T - 1:
                for block in range(first, stop):
                    j, after = block * k.N, block % kept * of_panels + then
                    for u in range(H):
                        place = ((t if every else 0) * H + u) * B + j
                        store_columns(k, panels, after + u * k.N, out, place, min(k.N, B - j))
        for block in range(first, stop):
            j, end = block * k.N, block % kept * of_panels + T % n_panels * panel
            for m in range(1 + k.M):
                for u in range(H):
                    row = end + (m * units + u) * k.N
                    store_columns(k, panels, row, last, (m * H + u) * B + j, min(k.N, B - j))


@kernel
def backward(k, weights, d_out, d_last, stop, n_wide, n_rows, panels, gates, carry, columns, d_weights, d_state):
    """Run back through all steps: `gates` become the derivatives in their sums, and the weights' gradient is added to.

    Parameters
    ----------
    k : Kernel
    weights : (n,)
        Transposed.
    d_out : (T, H, B) or (1, H, B)
    d_last : (1 + M, H, B)
    stop : int
        -1 fills `d_state`, 0 does not.
    n_wide : int
        D where the inputs' weights are differentiated like the hidden part's, 0 where column by column.
    n_rows : int
        Rows of a panel.
    panels, gates, carry : (n,)
    columns : (STEPS * N * N,)
        Holds transposed rows.
    d_weights : (n,)
        Hidden part, inputs' part if wide: (N columns, tile, unit, gate of the part, column). Then (tile, column, row),
        where the columns are the inputs if not wide, and 1.
    d_state : (1 + M, H, B)
    """
    H, B = d_last.shape[1], d_last.shape[2]
    units = -(-H // k.P) * k.P
    panel, step, first_input = n_rows * k.N, units * k.G * k.N, (1 + k.M) * units
    first_dot = n_rows - 1 if n_wide > 0 else first_input
    dots = -(-k.U * k.G // k.N) * k.N
    T = gates.size // (-(-B // k.N) * step)
    every = d_out.shape[0] == T
    # The block and the steps that the forward pass wrote last are still in a cache.
    for block in range((B - 1) // k.N, -1, -1):
        j = block * k.N
        width = min(k.N, B - j)
        for m in range(1 + k.M):
            for u in range(H):
                load_columns(k, d_last, (m * H + u) * B + j, width, 0, carry, (m * units + u) * k.N)
        n = 0
        for t in range(T - 1, stop - 1, -1):
            here, before = (block * T + t) * step, (block * (T + 1) + t) * panel
            if t < T - 1:
                for u in range(0, H, k.R):
                    backward_sums(k, "h", weights, u * H * k.GH, gates, here + step, H, carry, u * k.N)
            if t < 0:
                break
            row, given = (t * H, width) if every else (0, width if t == T - 1 else 0)
            for u in range(H):
                own, at = here + u * k.G * k.N, (row + u) * B + j
                backward_units(k, gates, own, panels, before + u * k.N, carry, u * k.N, units * k.N, d_out, at, given)
            n += 1
            if n < STEPS and t > 0:
                continue
            # The weights' gradient of the n steps from t on, while their derivatives are in a cache.
            o = 0
            for part in range(2):
                n_columns, first, n_gates = (n_wide, first_input, k.GX) if part else (H, 0, k.GH)
                for c in range(first, first + n_columns, k.N):
                    for s in range(n):
                        transpose_rows(k, panels, before + s * panel + c * k.N, columns, s * k.N * k.N)
                    for u in range(0, H, k.U):
                        outer_sums(k, part, n, gates, here + u * k.G * k.N, step, columns, d_weights, o)
                        o += k.U * n_gates * k.N
            for u in range(0, H, k.U):
                for c in range(first_dot, n_rows):
                    dot_sums(k, n, gates, here + u * k.G * k.N, step, panels, before + c * k.N, panel, d_weights, o)
                    o += dots
            n = 0
        if stop < 0:
            for m in range(1 + k.M):
                for u in range(H):
                    store_columns(k, carry, (m * units + u) * k.N, d_state, (m * H + u) * B + j, width)


@kernel
def input_gradient(k, weights, gates, scratch, H, d_x):
    """Fill the derivative in the inputs, after `backward`.

    Parameters
    ----------
    k : Kernel
    weights : (n,)
        Transposed.
    gates : (n,)
    scratch : (R * N,)
    H : int
    d_x : (T, D, B)
    """
    T, D, B = d_x.shape
    step = -(-H // k.P) * k.P * k.G * k.N
    for j in range(0, B, k.N):
        width = min(k.N, B - j)
        for t in range(T):
            g = (j // k.N * T + t) * step
            for d in range(0, D, k.R):
                for i in range(k.R * k.N):
                    scratch[i] = 0.0
                backward_sums(k, "x", weights, d * H * k.GX, gates, g, H, scratch, 0)
                for i in range(min(k.R, D - d)):
                    store_columns(k, scratch, i * k.N, d_x, (t * D + d + i) * B + j, width)
