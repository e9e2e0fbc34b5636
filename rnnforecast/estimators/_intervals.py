"""Intervals, quantiles and sample paths around the forecasts of any forecaster, calibrated on rows it had not seen.

N rows, S series, n origins, H steps, K target columns, Q probabilities. An origin is the first row forecast.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn.utils import check_random_state

from rnnforecast.estimators._asked import Asked
from rnnforecast.estimators._calibration import Calibration, calibration_of
from rnnforecast.estimators._holes import forecast_through, longest_wait
from rnnforecast.estimators._placement import Placement
from rnnforecast.estimators._rows import values_at
from rnnforecast.estimators._scales import quantiles
from rnnforecast.estimators._scores import Scores
from rnnforecast.series import Series

if TYPE_CHECKING:
    from rnnforecast.estimators._base import BaseForecaster

_Array = NDArray[np.float64]
_Forecast = Callable[[Series, NDArray[np.int64], int], _Array]


def with_quantiles(forecaster: BaseForecaster, calibration: Calibration, probabilities: _Array) -> _Forecast:
    """Make what forecasts, and says how far off the truth may be by what was known at each origin.

    Parameters
    ----------
    forecaster : BaseForecaster
        Fitted.
    calibration : Calibration
        Of the forecaster.
    probabilities : ndarray of shape (Q,)

    Returns
    -------
    callable
        As `BaseForecaster._forecast`, but (n, H, K, 1 + Q): the forecast, then its quantiles, ascending with the
        probability.
    """

    def forecast(series: Series, origins: NDArray[np.int64], horizon: int) -> _Array:
        predictive = forecaster._predictive(series, origins, horizon)
        scores = calibration.quantiles(probabilities, series.spans.times(origins), horizon)
        return np.moveaxis(np.concatenate([predictive.point[None], predictive.values(scores)]), 0, -1)

    return forecast


def quantiles_at(forecaster: BaseForecaster, series: Series, placement: Placement, probabilities: _Array) -> _Array:
    """Return quantiles of rows within the history, one step ahead each, and of rows ahead from its end.

    Parameters
    ----------
    forecaster : BaseForecaster
        Fitted.
    series : Series
        Its history, spaced, and known covariates of the rows ahead.
    placement : Placement
        n rows.
    probabilities : ndarray of shape (Q,)

    Returns
    -------
    ndarray of shape (n, K, Q)
    """
    spans, ahead = series.spans, placement.steps(series)
    origins = spans.starts[placement.owner] + np.minimum(placement.rows, spans.lengths[placement.owner])
    steps = max(int(ahead.max()) + 1, 1) + longest_wait(series, origins)
    scores = _scores_now(forecaster, steps).quantiles(probabilities, steps)[:, None]

    def forecast(series: Series, origins: NDArray[np.int64], horizon: int) -> _Array:
        predictive = forecaster._predictive(series, origins, horizon)
        return np.moveaxis(predictive.values(scores[:, :, :horizon]), 0, -1)

    history = forecaster._history.head(forecaster._n_learnt)
    outset = quantiles(history.target, history.spans, probabilities, history.seen)
    return values_at(series, placement, forecast, outset)


def forecast_frame(
    forecaster: BaseForecaster, series: Series, steps: int, labels: pd.Index, wanted: Asked
) -> pd.DataFrame:
    """Forecast the steps after the last row of every series, with all that is wanted beside.

    Sample paths of several series are independent of each other.

    Parameters
    ----------
    forecaster : BaseForecaster
        Fitted.
    series : Series
        History, spaced, and known covariates of the steps.
    steps : int
        H.
    labels : Index of S H labels
        Series by series.
    wanted : Asked
        What else is to be known.

    Returns
    -------
    DataFrame of S H rows
    """
    n_series, stops = len(series.spans), series.spans.stops
    reach = steps + longest_wait(series, stops)  # a forecast through a hole is as uncertain as its steps are many
    scores = _scores_now(forecaster, reach)
    ends = scores.quantiles(wanted.probabilities, reach)[:, None]
    if wanted.n_samples:
        rng = check_random_state(getattr(forecaster, "random_state", None))
        drawn = scores.quantiles(scores.draw(wanted.n_samples * n_series, reach, rng), reach)
        drawn = drawn.reshape(wanted.n_samples, n_series, *drawn.shape[1:])

    def forecast(series: Series, origins: NDArray[np.int64], horizon: int) -> _Array:
        predictive = forecaster._predictive(series, origins, horizon)
        blocks = [predictive.point[None]] if wanted.levels else []
        if len(wanted.probabilities):
            blocks.append(predictive.values(ends[:, :, :horizon]))
        if wanted.n_samples:
            blocks.append(predictive.values(drawn[:, series.spans.owners(origins), :horizon]))
        return np.moveaxis(np.concatenate(blocks), 0, -1)

    values = forecast_through(forecast, series, stops, steps).reshape(len(labels), series.target.shape[1], -1)
    names = ["forecast" if name is None else name for name in series.target_names]
    columns = {
        column: values[:, j, k] for j, name in enumerate(names) for k, column in enumerate(wanted.names(str(name)))
    }
    return pd.DataFrame(columns, index=labels)


def _scores_now(forecaster: BaseForecaster, steps: int) -> Scores:
    """Return the scores of all that a fitted forecaster knows, of so many steps where there are rows to tell."""
    return calibration_of(forecaster, steps).at(int(forecaster._history.spans.ends.max()))
