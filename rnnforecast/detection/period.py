"""The period a detector works with: one lag, found in the training rows alone."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from rnnforecast.seasonality import lagged_products

_SHORTEST, _LONGEST = 3, 300
_HEIGHT = 0.2
_FEWEST_ROWS = 30


def dominant_period(train: ArrayLike) -> int | None:
    """Return the lag of the highest local maximum of the autocorrelation, if it is above 0.2.

    Unlike a season, which a forecast must repeat exactly, this is the length at which a detector looks.

    Parameters
    ----------
    train : array-like of shape (n,)
        NaN counts as the mean.

    Returns
    -------
    int or None
        Between 3 and 300, and at most a third of the rows.
    """
    values = np.asarray(train, dtype=np.float64)
    n = len(values)
    known = ~np.isnan(values)
    if n < _FEWEST_ROWS or not known.any():
        return None
    centred = np.where(known, values - values[known].mean(), 0.0)
    size = np.abs(centred).max()
    if size <= 1e-12 * np.abs(values[known]).max():  # nothing but rounding
        return None
    centred /= size  # squares of huge values stay in range
    longest = min(_LONGEST, n // 3)
    products = lagged_products(centred, longest + 1)  # a maximum at the longest lag needs a neighbour
    correlation = products / products[0]
    lags = np.arange(_SHORTEST, longest + 1)
    heights = correlation[lags]
    is_peak = (heights > correlation[lags - 1]) & (heights > correlation[lags + 1])
    if not is_peak.any():
        return None
    best = lags[is_peak][heights[is_peak].argmax()]
    return int(best) if correlation[best] > _HEIGHT else None
