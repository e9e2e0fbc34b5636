"""In what the errors of each series of a panel are counted, so that a large one does not speak for a small one.

N rows, S series, n origins, K targets.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from rnnforecast.estimators._scales import spreads
from rnnforecast.series import Series

if TYPE_CHECKING:
    from rnnforecast.estimators._base import BaseForecaster

_Array = NDArray[np.float64]


def error_units(series: Series, scale: Any) -> _Array | None:
    """Return in what the errors of each series of a panel are counted, (S, K): its deviation on their scale.

    Parameters
    ----------
    series : Series
        The rows learnt from.
    scale : Pointwise
        On which the size of errors does not depend on the level.

    Returns
    -------
    ndarray of shape (S, K) or None
        A constant series shows no deviation and has the median one. None for a series alone, which needs no unit.
    """
    if series.ids is None:
        return None
    found = spreads(scale.forward(series.target), series.spans, series.seen)
    return np.where(np.isnan(found), _median(found), found)


def units_at(forecaster: BaseForecaster, series: Series, origins: NDArray[np.int64]) -> _Array:
    """Return the units of errors at origins, (n or 1, 1, K); a series never seen has its own.

    Parameters
    ----------
    forecaster : BaseForecaster
        Fitted.
    series : Series
        What is forecast.
    origins : ndarray of shape (n,), int64
        First rows of the forecasts.
    """
    learnt, members = forecaster._error_units, series.spans.members
    if learnt is None:
        return np.ones((1, 1, series.target.shape[1]))
    units = learnt[members]
    if (members < 0).any():
        own = spreads(forecaster._error_scale.forward(series.target), series.spans, series.seen)
        own = np.where(np.isnan(own), _median(learnt), own)
        units = np.where(members[:, None] < 0, own, units)
    return units[series.spans.owners(origins)][:, None]


def _median(units: _Array) -> _Array:
    """Return the median unit of each column, (K,), of the series that show one; 1 where none does."""
    columns = (column[~np.isnan(column)] for column in units.T)
    return np.array([np.median(column) if len(column) else 1.0 for column in columns])
