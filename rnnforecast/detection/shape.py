"""Whether a stretch of a series looks like any stretch of the training rows: distances to the nearest training window.

Two distances are taken: between windows less their means, which shows changes of size, and between windows divided by
their deviations as well, which shows changes of form. Neither is good everywhere; the larger one, each in units of its
own training values, is.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.ndimage import uniform_filter1d

from rnnforecast.kernels.nearest import covariances, nearest, window_steps, window_sums

Array = NDArray[np.float64]

_UNIT, _LONGEST, _WITHOUT_PERIOD = 40, 300, 100  # rows
_FLOOR = 0.1  # of the median deviation: a flat window divided by its own would be noise made large
_CHUNK = 1024  # query windows at a time, at most: what belongs to them stays in the nearest cache
_PAIRS = 2**26  # of windows in one compiled call, some 100 ms: an interrupt is answered between two


class Distances(NamedTuple):
    """Distances of windows by their first row, root mean squares over the window: arrays of shape (n - m + 1,).

    NaN where a row of the window is missing, or no training window lies far enough away.
    """

    centred: Array
    normalised: Array


def window_length(period: int | None = None) -> int:
    """Return how many rows to compare: the period rounded up to a multiple that is 40 at least, and 300 at most."""
    if period is None:
        return _WITHOUT_PERIOD
    return min(period * -(-_UNIT // period), _LONGEST)


class ShapeReference:
    """Windows of training rows, to which those of any rows can be compared.

    Parameters
    ----------
    train : array-like of shape (r,)
        NaN is missing: windows that hold one are no reference.
    length : int
        Rows of a window, m; at least 2, at most r. See `window_length`.

    Raises
    ------
    ValueError
        If the training rows are shorter than a window.
    """

    def __init__(self, train: ArrayLike, length: int) -> None:
        values = np.asarray(train, dtype=np.float64)
        if not 2 <= length <= len(values):
            raise ValueError(f"length must lie between 2 and the {len(values)} training rows, got {length!r}")
        self.length, self.n_rows = length, len(values)
        self._values, whole = _filled(values, length)
        self._mean, square = _sums(self._values, length)
        deviations = np.sqrt(square / length)
        median = float(np.median(deviations[whole])) if whole.any() else 0.0
        self._floor = _FLOOR * median if median > 0.0 else 1.0
        self._windows = self._described(self._values, self._mean, square)
        self._windows[2, ~whole] = np.inf

    def distances(self, values: ArrayLike, first: int | None = None) -> Distances:
        """Compare every window of a series with the training window nearest to it.

        Parameters
        ----------
        values : array-like of shape (n,)
        first : int or None, default=None
            Row of `values[0]`, counted from the first training row; windows that start less than a window's length
            apart are not compared. 0 for the training rows themselves, alone or with what follows. None: `values` share
            no time with the training rows, and are compared with all of them.

        Returns
        -------
        Distances
        """
        m = self.length
        rows = np.asarray(values, dtype=np.float64)
        if len(rows) < m:
            return Distances(np.zeros(0), np.zeros(0))
        filled, whole = _filled(rows, m)
        mean, square = _sums(filled, m)
        windows = self._described(filled, mean, square)
        place = self.n_rows + m if first is None else first
        squared = np.full((2, len(mean)), np.inf)
        start = np.empty(len(self._mean))
        size = min(_CHUNK, 1 + _PAIRS // len(start))
        for low in range(0, len(mean), size):
            high = min(low + size, len(mean))
            # Every chunk begins anew, which also keeps rounding errors from adding up.
            covariances(self._values, self._mean, filled[low : low + m], mean[low], start)
            covariance = np.empty(high - low)
            covariances(filled[low : high + m - 1], mean[low:high], self._values[:m], self._mean[0], covariance)
            chunk = np.ascontiguousarray(windows[:, low:high])
            nearest(chunk, self._windows, place + low, m, start, covariance, *squared[:, low:high])
        squared[:, ~whole] = np.nan
        squared[np.isinf(squared)] = np.nan
        return Distances(*np.sqrt(np.maximum(squared, 0.0) / m))  # below 0 by rounding

    def _described(self, values: Array, mean: Array, square: Array) -> Array:
        """Return what the kernel knows of each window, (4, w)."""
        out = np.empty((4, len(mean)))
        window_steps(values, self.length, mean, out[0], out[1])
        out[2] = square
        out[3] = 1.0 / np.maximum(np.sqrt(square / self.length), self._floor)
        return out


def rows_of_windows(distances: ArrayLike, length: int) -> Array:
    """Give every row the mean distance of the windows whose middle is near: centred, then averaged over `length` rows.

    Parameters
    ----------
    distances : array-like of shape (w,)
        By first row of the window; NaN is left out of the means.
    length : int
        Rows of a window, m.

    Returns
    -------
    ndarray of shape (w + m - 1,)
        Rows before the first and after the last middle have its value; NaN where no window near is known.
    """
    at_middle = np.pad(np.asarray(distances, dtype=np.float64), (length // 2, length - 1 - length // 2), mode="edge")
    known = ~np.isnan(at_middle)
    means = uniform_filter1d(np.where(known, at_middle, 0.0), length, mode="nearest")
    shares = uniform_filter1d(known.astype(np.float64), length, mode="nearest")
    return np.divide(means, shares, out=np.full(len(means), np.nan), where=shares > 0.5 / length)


def _filled(values: Array, length: int) -> tuple[Array, NDArray[np.bool_]]:
    """Return values (n,) without NaN, any will do, and which windows (n - m + 1,) held none."""
    missing = np.isnan(values)
    if not missing.any():
        return np.ascontiguousarray(values), np.ones(len(values) - length + 1, dtype=bool)
    n_missing = np.concatenate([[0], np.cumsum(missing)])
    known = values[~missing]
    filled = np.where(missing, known[0] if len(known) else 0.0, values)
    return filled, n_missing[length:] == n_missing[:-length]


def _sums(values: Array, length: int) -> tuple[Array, Array]:
    """Return the mean of every window and the sum of squares about it, (n - m + 1,) each."""
    mean, square = np.empty(len(values) - length + 1), np.empty(len(values) - length + 1)
    window_sums(values, length, mean, square)
    return mean, square
