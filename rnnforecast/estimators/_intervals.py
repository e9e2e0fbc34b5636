"""Intervals, quantiles and sample paths around the forecasts of any forecaster, calibrated on rows it had not seen.

N rows, S series, n origins, H steps, K target columns, Q probabilities. An origin is the first row forecast.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn.utils import check_random_state

from rnnforecast.estimators._asked import Asked
from rnnforecast.estimators._calibration import Calibration, calibration_of
from rnnforecast.estimators._placement import Placement
from rnnforecast.estimators._rows import values_at
from rnnforecast.estimators._scales import by_length
from rnnforecast.estimators._scores import Scores
from rnnforecast.series import Series

if TYPE_CHECKING:
    from rnnforecast.estimators._base import BaseForecaster

_Array = NDArray[np.float64]


def with_quantiles(
    forecaster: BaseForecaster,
    series: Series,
    origins: NDArray[np.int64],
    horizon: int,
    calibration: Calibration,
    probabilities: _Array,
) -> tuple[_Array, _Array]:
    """Forecast, and say how far off the truth may be by what was known at each origin.

    Parameters
    ----------
    forecaster, series, origins, horizon : as for `BaseForecaster._forecast`
    calibration : Calibration
        Of the forecaster.
    probabilities : ndarray of shape (Q,)

    Returns
    -------
    point : ndarray of shape (n, H, K)
    quantiles : ndarray of shape (Q, n, H, K)
        Ascending with the probability.
    """
    predictive = forecaster._predictive(series, origins, horizon)
    scores = calibration.quantiles(probabilities, series.spans.times(origins), horizon)
    return predictive.point, predictive.values(scores)


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
    steps = max(int(placement.steps(series).max()) + 1, 1)
    scores = _scores_now(forecaster, steps).quantiles(probabilities, steps)[:, None]

    def forecast(series: Series, origins: NDArray[np.int64], horizon: int) -> _Array:
        predictive = forecaster._predictive(series, origins, horizon)
        return np.moveaxis(predictive.values(scores[:, :, :horizon]), 0, -1)

    history = forecaster._history.head(forecaster._n_learnt)
    outset = np.empty((len(history.spans), history.target.shape[1], len(probabilities)))
    for members, block in by_length(history.target, history.spans):
        outset[members] = np.quantile(block, probabilities, axis=0).T.reshape(len(members), -1, len(probabilities))
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
    scores = _scores_now(forecaster, steps)
    predictive = forecaster._predictive(series, series.spans.stops, steps)
    blocks = [predictive.point[None]] if wanted.levels else []
    if len(wanted.probabilities):
        blocks.append(predictive.values(scores.quantiles(wanted.probabilities, steps)[:, None]))
    if wanted.n_samples:
        n_series, rng = len(series.spans), check_random_state(getattr(forecaster, "random_state", None))
        drawn = scores.quantiles(scores.draw(wanted.n_samples * n_series, steps, rng), steps)
        blocks.append(predictive.values(drawn.reshape(wanted.n_samples, n_series, *drawn.shape[1:])))
    values = np.concatenate(blocks).reshape(-1, len(labels), series.target.shape[1])
    names = ["forecast" if name is None else name for name in series.target_names]
    columns = {
        column: values[k, :, j] for j, name in enumerate(names) for k, column in enumerate(wanted.names(str(name)))
    }
    return pd.DataFrame(columns, index=labels)


def _scores_now(forecaster: BaseForecaster, steps: int) -> Scores:
    """Return the scores of all that a fitted forecaster knows, of so many steps where there are rows to tell."""
    return calibration_of(forecaster, steps).at(int(forecaster._history.spans.ends.max()))
