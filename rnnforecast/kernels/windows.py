"""Windows read from series by index, so that memory grows with the series and not with series times lookback."""

from __future__ import annotations

from rnnforecast.kernels._jit import kernel


@kernel
def gather(values, first, column, center, factor, row, out):
    """Fill ``out[t, row + j, b] = (values[first[b] + t, column[b] + j] - center[j, b]) * factor[j, b]``.

    values : (N, C)
    first, column : (B,) int64
        First row of each window and its first column; rows outside of `values` are its first or last row.
    center, factor : (J, B)
    out : (T, D, B), rows `row` to `row + J - 1` filled
    """
    last = values.shape[0] - 1
    for b in range(out.shape[2]):
        for j in range(center.shape[0]):
            c, f, k = center[j, b], factor[j, b], column[b] + j
            for t in range(out.shape[0]):
                out[t, row + j, b] = (values[min(max(first[b] + t, 0), last), k] - c) * f


@kernel
def gather_ahead(values, first, column, shifts, width, row, out):
    """Fill ``out[t, row + h width + j, b] = values[first[b] + t + shifts[h], column[b] + j]``, j below `width`.

    values : (N, C)
    first, column : (B,) int64
    shifts : (H,) int64
        Rows outside of `values` are its first or last row.
    out : (T, D, B), rows `row` to ``row + H width - 1`` filled
    """
    last = values.shape[0] - 1
    for b in range(out.shape[2]):
        for h in range(shifts.size):
            for t in range(out.shape[0]):
                source = min(max(first[b] + t + shifts[h], 0), last)
                for j in range(width):
                    out[t, row + h * width + j, b] = values[source, column[b] + j]
