"""Rows that stand out among training rows: what is learnt as ordinary must not hold them.

Where extreme rows begin is told by the median and a quantile that a fifth of the rows lie beyond: the extreme tail
itself is what anomalies make of it. Where none are, next to nothing stands out, unless tails are heavy.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from rnnforecast.detection.smoothing import smooth_offline

_SPANS = (3, 10, 30, 100)
_QUANTILES = (0.5, 0.8)
_LIMIT = 12.0  # distances of the two quantiles beyond the median; 10,000 normal or Laplace errors reach nine
_SMALLEST_DISTANCE = 0.1  # deviations: errors that hardly differ are no measure for others


def standing_out(errors: ArrayLike, most: float = 1.0) -> NDArray[np.bool_]:
    """Tell which rows have errors, smoothed from both sides, far beyond those of most rows.

    Parameters
    ----------
    errors : array-like of shape (n,)
        Absolute, in units of their deviation; NaN is not known and does not stand out.
    most : float, default=1.0
        Share of the known rows that may stand out; of more, those with the highest errors do.

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
    return smoothed > max(limit, highest)
