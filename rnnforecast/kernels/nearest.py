"""Distances of windows to the nearest of the reference windows, by running covariances.

The covariance of two windows follows from that of the windows one row before by two products (Zimmerman et al., 2019,
"Matrix Profile XIV", after Mueen), so that a pair costs the same whatever the windows' length; and both distances are
functions of it. Legend: **N** query windows, **R** reference windows, **m** rows of a window.
"""

from __future__ import annotations

from rnnforecast.kernels._jit import FASTMATH, kernel

_REORDERED = FASTMATH | {"reassoc"}  # sums over a window are vectors' work


@kernel(fastmath=_REORDERED)
def window_sums(values, length, mean, square):
    """Compute the mean of every window and the sum of squares about it.

    values : (N + m - 1,)
    length : int
        m, rows of a window.
    mean, square : (N,)
    """
    for i in range(mean.size):
        window = values[i : i + length]
        total = 0.0
        for t in range(length):
            total += window[t]
        center, around = total / length, 0.0
        for t in range(length):
            around += (window[t] - center) * (window[t] - center)
        mean[i], square[i] = center, around


@kernel
def window_steps(values, length, mean, half, around):
    """Compute what a window's covariances need to move one row on, to the window of the same place.

    values : (N + m - 1,)
    length : int
        m, rows of a window.
    mean : (N,)
    half, around : (N,)
        Half of (row that enters - row that leaves), and the sum of both less the means with and without them. The
        first is 0: nothing moved there.
    """
    half[0] = around[0] = 0.0
    for i in range(1, mean.size):
        leaves, enters = values[i - 1], values[i + length - 1]
        half[i] = 0.5 * (enters - leaves)
        around[i] = (enters - mean[i]) + (leaves - mean[i - 1])


@kernel(fastmath=_REORDERED)
def covariances(values, mean, window, center, out):
    """Compute the covariances, as sums, of every window of a series with one window.

    values : (N + m - 1,)
    mean : (N,)
    window : (m,)
    center : float
        The mean of `window`.
    out : (N,)
    """
    length = window.size
    for i in range(out.size):
        here, c, total = values[i : i + length], mean[i], 0.0
        for t in range(length):
            total += (here[t] - c) * (window[t] - center)
        out[i] = total


@kernel
def nearest(query, reference, first, exclude, start, covariance, centred, normalised):
    """Lower the squared distances of query windows to those of the nearest reference window.

    query : (4, N)
        Rows: half, around (see `window_steps`), sum of squares, 1 / scale of each window.
    reference : (4, R)
        Likewise; a window whose sum of squares is infinite is nobody's neighbour.
    first : int
        Number of the first query window on the time axis on which the first reference window has number 0.
    exclude : int
        Windows whose numbers differ by less are not compared.
    start : (R,)
        Covariance, as a sum, of the first query window with each reference window.
    covariance : (N,), overwritten
        On entry, the covariances of all query windows with the first reference window.
    centred, normalised : (N,), lowered
        Squared distances between windows less their means, and between those divided by their scales as well.
    """
    n_query = covariance.size
    half, around, square, weight = query[0], query[1], query[2], query[3]
    for j in range(reference.shape[1]):
        half_j, around_j, square_j, weight_j = reference[0, j], reference[1, j], reference[2, j], reference[3, j]
        if j > 0:
            for i in range(n_query - 1, 0, -1):
                covariance[i] = covariance[i - 1] + (half[i] * around_j + half_j * around[i])
            covariance[0] = start[j]
        before = min(max(j - exclude + 1 - first, 0), n_query)
        after = min(max(j + exclude - first, 0), n_query)
        for part in range(2):
            low, high = (0, before) if part == 0 else (after, n_query)
            for i in range(low, high):
                distance = square[i] + square_j - 2.0 * covariance[i]
                if distance < centred[i]:
                    centred[i] = distance
                p, q = weight[i], weight_j
                distance = square[i] * p * p + square_j * q * q - 2.0 * covariance[i] * p * q
                if distance < normalised[i]:
                    normalised[i] = distance
