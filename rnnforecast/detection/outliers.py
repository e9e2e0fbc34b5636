"""Rows that stand out among training rows: what is learnt as ordinary must not hold them.

Where extreme rows begin is told by the median and a quantile that a fifth of the rows lie beyond: the extreme tail
itself is what anomalies make of it. Where none are, next to nothing stands out, unless tails are heavy. What recurs
with every period, as the edges of a square wave that are not quite foreseen, is no anomaly either.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.ndimage import maximum_filter1d

from rnnforecast.detection.smoothing import smooth_offline

_SPANS = (3, 10, 30, 100)
_QUANTILES = (0.5, 0.8)
_LIMIT = 12.0  # distances of the two quantiles beyond the median; 10,000 normal or Laplace errors reach nine
_SMALLEST_DISTANCE = 0.1  # deviations: errors that hardly differ are no measure for others
_RECURRING = 3.0  # times the errors of the other periods
_NEAR = 0.02  # periods: so far apart, moments of two of them are the same


def standing_out(errors: ArrayLike, most: float = 1.0, period: int | None = None) -> NDArray[np.bool_]:
    """Tell which rows have errors, smoothed from both sides, far beyond those of most rows.

    Parameters
    ----------
    errors : array-like of shape (n,)
        Absolute, in units of their deviation; NaN is not known and does not stand out.
    most : float, default=1.0
        Share of the known rows that may stand out; of more, those with the highest errors do.
    period : int or None, default=None
        Rows after which the series is alike, if there is such a number: errors that are usual for their place in a
        period do not stand out.

    Returns
    -------
    ndarray of bool, shape (n,)
    """
    smoothed = smooth_offline(errors, _SPANS)
    known = smoothed[~np.isnan(smoothed)]
    if len(known) == 0:
        return np.zeros(len(smoothed), bool)
    middle, high, highest = np.quantile(known, [*_QUANTILES, 1.0 - most])
    limit = middle + _LIMIT * max(high - middle, _SMALLEST_DISTANCE)
    odd = smoothed > max(limit, highest)
    if period is not None and odd.any():
        odd &= smoothed > _RECURRING * _usual_in_period(smoothed, period)
    return odd


def _usual_in_period(errors: NDArray[np.float64], period: int) -> NDArray[np.float64]:
    """Return the median over the periods of the highest error about each row's place in it, (n,)."""
    n_periods = -(-len(errors) // period)
    nearby = maximum_filter1d(np.nan_to_num(errors), 1 + 2 * (1 + int(_NEAR * period)))
    by_period = np.pad(nearby, (0, n_periods * period - len(errors)), constant_values=np.nan)
    usual = np.nanmedian(by_period.reshape(n_periods, period), axis=0)
    return np.tile(usual, n_periods)[: len(errors)]
