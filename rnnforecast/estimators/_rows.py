"""The rows that `predict` is asked for: where they stand, and what is said of each."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rnnforecast.estimators import _placement
from rnnforecast.series import Series

_ORIGINS_AT_ONCE = (
    4096  # fitted values of a long series are computed in blocks, so that memory does not grow with the series
)


class DataWarning(UserWarning):
    """A forecaster had to decide how the rows it was given continue the series."""


def placed(series: Series, X: Any, *, estimator: str) -> tuple[Series, NDArray[np.int64]]:
    """Find the rows of X, and warn of what had to be decided.

    Parameters
    ----------
    series : Series
        The history.
    X : frame, Series or array of n rows
    estimator : str
        Name for messages.

    Returns
    -------
    series : Series
        The history with the covariates of X in its rows, and known ones up to the last step ahead.
    rows : ndarray of shape (n,), int64
        0..N-1 within the history, N and more ahead of it, negative before it.

    Raises
    ------
    ValueError
        Rows before the training data.
    """
    placement = _placement.place(series, X, estimator=estimator)
    remarks = []
    if placement.counted and _placement.is_training_data(series, X, placement):
        placement = _placement.whole_history(series, placement)
    elif placement.counted:
        remarks.append(
            f"X has no time labels that continue the data, so its rows are taken as the {len(placement.rows)} "
            f"steps after {series.clock.labels[-1]}; "
            'keep the index of a frame, in a Pipeline with set_output(transform="pandas")'
        )
    _placement.require_not_before(series, placement, estimator=estimator)
    remarks += _placement.remarks_on_gaps(series, placement)
    if remarks:
        warnings.warn(". ".join(remarks), DataWarning, stacklevel=3)
    return _placement.laid_over(series, placement), placement.rows


def values_at(
    series: Series,
    rows: NDArray[np.int64],
    forecast: Callable[[Series, NDArray[np.int64], int], NDArray[np.float64]],
    outset: NDArray[np.float64],
) -> NDArray[np.float64]:
    """Return fitted values of rows within the history, one step ahead each, and forecasts from its end of the others.

    Parameters
    ----------
    series : Series
        Its known covariates reach the last row.
    rows : ndarray of shape (n,), int64
        Ascending.
    forecast : callable
        ``forecast(series, origins, horizon) -> (n, horizon, ...)``.
    outset : ndarray of shape (...)
        What is said of rows without a past.

    Returns
    -------
    ndarray of shape (n, ...)
    """
    n = series.n_rows
    values = np.empty((len(rows), *outset.shape))
    values[rows <= 0] = outset
    inside = np.flatnonzero((rows > 0) & (rows < n))
    for start in range(0, len(inside), _ORIGINS_AT_ONCE):
        block = inside[start : start + _ORIGINS_AT_ONCE]
        values[block] = forecast(series, rows[block], 1)[:, 0]
    ahead = rows >= n
    if ahead.any():
        values[ahead] = forecast(series, np.array([n]), int(rows[-1]) - n + 1)[0, rows[ahead] - n]
    return values
