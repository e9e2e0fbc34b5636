"""The rows that `predict` is asked for: where they stand, what is said of each, and what is true.

S series, n rows, K targets.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rnnforecast.estimators import _covering, _placement
from rnnforecast.estimators._holes import forecast_through
from rnnforecast.estimators._parameters import checked_number
from rnnforecast.estimators._placement import Placement
from rnnforecast.series import Series
from rnnforecast.series.continuation import columns_of_targets
from rnnforecast.series.gaps import mark, require_finite, require_present
from rnnforecast.series.reading import common_index
from rnnforecast.series.statics import without_static
from rnnforecast.series.tables import read_table

_ORIGINS_AT_ONCE = 2**18  # fitted values are computed in blocks, each of which puts the history on the model's scale


class DataWarning(UserWarning):
    """A forecaster had to decide how the rows it was given continue the series."""


def tell(remarks: list[str], *, stacklevel: int = 3) -> None:
    """Warn the caller of a public method of what had to be decided; nothing is said of nothing.

    Parameters
    ----------
    remarks : list of str
        Sentences without a full stop.
    stacklevel : int, default=3
        Calls up to that caller, for `warnings.warn`: 3 within the method itself.
    """
    if remarks:
        warnings.warn(". ".join(remarks), DataWarning, stacklevel=stacklevel)


def placed(series: Series, X: Any, *, estimator: str) -> tuple[Placement, list[str]]:
    """Find the rows of X.

    Parameters
    ----------
    series : Series
        The history.
    X : frame, Series or array of n rows
        The columns of fit.
    estimator : str
        Name for messages.

    Returns
    -------
    placement : Placement
        Where they stand.
    remarks : list of str
        What had to be decided.

    Raises
    ------
    ValueError
        Rows before the training data.
    """
    placement = _placement.place(series, X, estimator=estimator)
    remarks = []
    if placement.counted and _covering.is_training_data(series, X, placement):
        placement = _covering.whole_history(series, placement)
    elif placement.counted:
        remarks.append(
            f"X has no time labels that continue the data, so its rows are taken as the {len(placement.rows)} "
            f"steps after {series.clock.labels[-1]}; "
            'keep the index of a frame, in a Pipeline with set_output(transform="pandas")'
        )
    _placement.require_not_before(series, placement, estimator=estimator)
    return placement, remarks + _covering.remarks_on_gaps(series, placement)


def ahead(series: Series, X: Any, h: int | None, horizon: int, *, estimator: str) -> tuple[Placement, int]:
    """Find the steps ahead that are to be forecast.

    Parameters
    ----------
    series : Series
        The history.
    X : frame, Series, array or None
        Covariates of the steps; rows before them are ignored.
    h : int or None
        Number of steps; as many as X has, or `horizon` without X.
    horizon : int
        Of the forecaster.
    estimator : str
        Name for messages.

    Returns
    -------
    placement : Placement
        Of the rows of X, reaching to the last step.
    steps : int
        Their number.

    Raises
    ------
    ValueError
        X has no rows after the history, or not those whose covariates are needed.
    """
    if X is None:
        steps = checked_number(horizon if h is None else h, "h")
        placement = _placement.nowhere(series)
    else:
        placement = _placement.place(series, X, estimator=estimator)
        placement = placement.of(placement.steps(series) >= 0)
        if len(placement.rows) == 0:
            raise ValueError(
                f"X must have rows after {series.clock.labels[-1]}, the last known label; "
                "give the covariates of the steps to be forecast"
            )
        steps = checked_number(int(placement.steps(series).max()) + 1 if h is None else h, "h")
    placement = _placement.reaching(series, placement, steps)
    _covering.require_covariates(series, placement, steps)
    return placement, steps


def values_at(
    series: Series,
    placement: Placement,
    forecast: Callable[[Series, NDArray[np.int64], int], NDArray[np.float64]],
    outset: NDArray[np.float64],
) -> NDArray[np.float64]:
    """Return fitted values of rows within the history, one step ahead each, and forecasts from its end of the others.

    Parameters
    ----------
    series : Series
        The history, spaced, with known covariates up to the last row ahead.
    placement : Placement
        n rows.
    forecast : callable
        ``forecast(series, origins, horizon) -> (n, horizon, ...)``.
    outset : ndarray of shape (S, ...)
        What is said of rows without a past, for each series that was learnt from.

    Returns
    -------
    ndarray of shape (n, ...)
    """
    owner, rows, spans = placement.owner, placement.rows, series.spans
    steps = placement.steps(series)
    values = outset[spans.members[owner]]
    inside = np.flatnonzero((rows > 0) & (steps < 0))
    for start in range(0, len(inside), _ORIGINS_AT_ONCE):
        block = inside[start : start + _ORIGINS_AT_ONCE]
        at = spans.starts[owner[block]] + rows[block]
        values[block] = forecast_through(forecast, series, at, 1)[:, 0]
    later = np.flatnonzero(steps >= 0)
    if len(later):
        asked, which = np.unique(owner[later], return_inverse=True)
        forecasts = forecast_through(forecast, series, spans.stops[asked], int(steps[later].max()) + 1)
        values[later] = forecasts[which, steps[later]]
    return values


def truth_of(series: Series, X: Any, y: Any) -> NDArray[np.float64]:
    """Return the true values (n, K) of rows, with NaN where they are missing.

    Parameters
    ----------
    series : Series
        The history.
    X, y : as in `fit`
        The rows; y is None where X is the target.

    Raises
    ------
    ValueError
        X and y are not labelled alike; other columns than in `fit`; infinite values, and missing ones where these are
        errors.
    """
    features, name = without_static(X, series.static), "X" if y is None else "y"
    table = mark(read_table(features if y is None else y, name), series.missing_values)
    if y is not None:
        common_index(read_table(features, "X"), table, "X", "y")
    values = table.values[:, columns_of_targets(series, table.columns, name)]
    require_finite(values, table.index, series.target_names, name)
    if series.missing == "error":
        require_present(values, table.index, series.target_names, name)
    return values
