"""Rolling-origin evaluation: what a forecaster would have said in the past, knowing what was known then.

N rows, K target columns, P past covariates, n origins, H steps. An origin is the first row forecast.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn.base import clone
from sklearn.utils.parallel import Parallel, delayed

from rnnforecast.estimators._backtest import Backtest
from rnnforecast.estimators._intervals import Asked, calibrate, quantile_forecasts
from rnnforecast.estimators._parameters import checked_number
from rnnforecast.seasonality import find_seasons
from rnnforecast.series import Series, season_candidates
from rnnforecast.series.tables import read_table

if TYPE_CHECKING:
    from rnnforecast.estimators._base import BaseForecaster


def run_backtest(
    estimator: BaseForecaster,
    series: Series,
    observed: NDArray[np.bool_],
    origins: NDArray[np.int64],
    *,
    refit: bool,
    wanted: Asked,
) -> Backtest:
    """Forecast from every origin with what was known there.

    Parameters
    ----------
    estimator : BaseForecaster
        Only its parameters are used.
    series : Series
        The whole data.
    observed : ndarray of shape (N, K + P), bool
        False where a target or past covariate was missing and has been filled in.
    origins : ndarray of shape (n,), int64
        First row of every window, ascending; all H rows of every window exist.
    refit : bool
        Learn anew before every window, rather than once before the first.
    wanted : Asked
        Intervals, or nothing.

    Returns
    -------
    Backtest
        The forecasts beside the truth.
    """
    horizon = estimator.horizon
    season = _season(as_of(series, observed, origins[0]))
    if refit:
        parallel = Parallel(n_jobs=getattr(estimator, "n_jobs", None))
        results = parallel(
            delayed(_learn_and_forecast)(estimator, series, observed, origins[i : i + 1], wanted)
            for i in range(len(origins))
        )
    else:
        results = [_learn_and_forecast(estimator, series, observed, origins, wanted)]
    naive = [seasonal_naive(as_of(series, observed, origin).target, horizon, season) for origin in origins]
    forecast, ends = (np.concatenate([result[k] for result in results], axis=k) for k in (0, 1))
    frame = _frame(series, observed, origins, forecast, np.stack(naive))
    if wanted:
        frame[wanted.ends] = ends.reshape(len(ends), -1).T
    return Backtest(
        forecasts=frame,
        model=type(estimator).__name__,
        season_length=season,
        scales=pd.Series(
            _seasonal_differences(as_of(series, observed, origins[0]), season), index=list(series.target_names)
        ),
        horizon=horizon,
        n_windows=len(origins),
        no_skill=all(no_skill for *_, no_skill in results),
        levels=wanted.levels,
    )


def origins_of_windows(estimator: BaseForecaster, series: Series, n_windows: Any, step: Any) -> NDArray[np.int64]:
    """Return the first rows of windows of which the last ends with the data.

    Parameters
    ----------
    estimator : BaseForecaster
        Its horizon is the length of a window.
    series : Series
        The whole data.
    n_windows, step : int
        Number of windows and rows from one to the next; a step of None is the horizon.

    Returns
    -------
    ndarray of shape (n_windows,), int64
        Ascending.

    Raises
    ------
    ValueError
        `n_windows` or `step` is no positive integer; or too few rows are left to learn from.
    """
    horizon = estimator.horizon
    n_windows = checked_number(n_windows, "n_windows")
    step = checked_number(horizon if step is None else step, "step")
    origins = series.n_rows - horizon - step * np.arange(n_windows, dtype=np.int64)[::-1]
    first = max(int(origins[0]), 0)
    needed = max(estimator._minimum_rows(series.head(first)), 1)
    if first < needed:
        raise ValueError(
            f"{type(estimator).__name__} needs at least {needed} rows before the first window, got {first} of "
            f"{series.n_rows} with horizon={horizon} and n_windows={n_windows}; "
            "ask for fewer windows, a smaller step or horizon, or give a longer series"
        )
    return origins


def observed_values(series: Series, X: Any, y: Any) -> NDArray[np.bool_]:
    """Tell which values of the target and of past covariates were in the data and which have been filled in.

    Parameters
    ----------
    series : Series
        What was read from X and y.
    X, y : as in fit
        The data.

    Returns
    -------
    ndarray of shape (N, K + P), bool
        False where there was a hole; the targets come first.
    """
    observed = np.ones((series.n_rows, series.target.shape[1] + series.past.shape[1]), dtype=bool)
    if series.missing == "error":
        return observed
    table = read_table(X if y is None else y, "y")
    values, index = table.values, table.index
    if y is not None:
        features = read_table(X, "X")
        values = np.hstack([values, features.values[:, list(series.past_positions)]])
        index = features.index if index is None else index
    # The first rows may have been left out of the series; without labels it ends where the data end.
    rows = np.arange(len(values)) - len(values) + series.n_rows if index is None else series.clock.rows(index)
    observed[:] = False
    observed[rows[rows >= 0]] = ~np.isnan(values[rows >= 0])
    return observed


def as_of(series: Series, observed: NDArray[np.bool_], origin: int) -> Series:
    """Return the rows before an origin as they would have been read then.

    A hole that reaches the origin was filled from later rows too; there the last known value is carried forward.

    Parameters
    ----------
    series : Series
        The whole data.
    observed : ndarray of shape (N, K + P), bool
        False where a target or past covariate was filled in.
    origin : int
        First row that is not known yet.

    Returns
    -------
    Series
        The first `origin` rows.
    """
    head = series.head(origin)
    if observed[origin - 1].all():
        return head
    values = np.hstack([head.target, head.past])
    for column, known in zip(values.T, observed[:origin].T, strict=True):
        seen = np.flatnonzero(known)
        if len(seen):  # a past covariate may begin later than the target
            column[seen[-1] + 1 :] = column[seen[-1]]
    n_targets = head.target.shape[1]
    return replace(head, target=values[:, :n_targets], past=values[:, n_targets:])


def seasonal_naive(target: NDArray[np.float64], horizon: int, season: int) -> NDArray[np.float64]:
    """Repeat the last season.

    Parameters
    ----------
    target : ndarray of shape (N, K)
        The known rows.
    horizon, season : int
        Steps and period; `season` is at most N.

    Returns
    -------
    ndarray of shape (horizon, K)
        The forecast.
    """
    return target[len(target) - season + np.arange(horizon) % season]


def _learn_and_forecast(
    estimator: BaseForecaster,
    series: Series,
    observed: NDArray[np.bool_],
    origins: NDArray[np.int64],
    wanted: Asked,
) -> tuple[NDArray[np.float64], NDArray[np.float64], bool]:
    """Learn before the first origin.

    Returns
    -------
    values : ndarray of shape (n, H, K)
        Forecasts.
    ends : ndarray of shape (Q, n, H, K)
        Of the intervals; Q is 0 where none are wanted.
    no_skill : bool
        Whether the model reports none.
    """
    horizon, shape = estimator.horizon, (len(origins), estimator.horizon, series.target.shape[1])
    model = clone(estimator)._fit_series(as_of(series, observed, origins[0]))
    probabilities = wanted.probabilities
    calibration = calibrate(model, series, horizon) if wanted else None
    values, ends = np.empty(shape), np.empty((len(probabilities), *shape))
    whole = observed[origins - 1].all(axis=1)
    parts = [(np.flatnonzero(whole), series)] if whole.any() else []
    for i in np.flatnonzero(~whole):
        known_then = replace(as_of(series, observed, origins[i]), known=series.known[: origins[i] + horizon])
        parts.append((np.array([i]), known_then))
    for which, data in parts:
        if calibration is None:
            values[which] = model._forecast(data, origins[which], horizon)
            continue
        predictive = model._predictive(data, origins[which], horizon)
        scores = [calibration.at(int(origin)) for origin in origins[which[: None if calibration.adaptive else 1]]]
        values[which] = predictive.point
        ends[:, which] = quantile_forecasts(predictive, scores, probabilities)
    return values, ends, bool(getattr(model, "no_skill_", False))


def _season(training: Series) -> int:
    """Return the season that repeats best in the training rows, 1 if none was found."""
    seasons = find_seasons(training.target, season_candidates(training.clock))
    unit = _seasonal_differences(training, 1) + np.finfo(np.float64).tiny  # columns may be in different units
    return min(seasons, key=lambda season: float((_seasonal_differences(training, season) / unit).sum()), default=1)


def _seasonal_differences(training: Series, season: int) -> NDArray[np.float64]:
    """Return the (K,) mean absolute differences between rows a season apart; 0 where there are no two such rows."""
    target = training.target
    if len(target) <= season:
        return np.zeros(target.shape[1])
    return np.abs(target[season:] - target[:-season]).mean(axis=0)


def _frame(
    series: Series,
    observed: NDArray[np.bool_],
    origins: NDArray[np.int64],
    forecast: NDArray[np.float64],
    naive: NDArray[np.float64],
) -> pd.DataFrame:
    n_origins, horizon, n_targets = forecast.shape
    rows = origins[:, None] + np.arange(horizon)
    actual = np.where(observed[:, :n_targets], series.target, np.nan)[rows]
    columns: dict[str, Any] = {
        "cutoff": series.clock.labels[origins - 1].repeat(horizon * n_targets),
        "step": np.tile(np.arange(1, horizon + 1).repeat(n_targets), n_origins),
    }
    if n_targets > 1:
        columns["target"] = list(series.target_names) * (n_origins * horizon)
    columns |= {"actual": actual.ravel(), "forecast": forecast.ravel(), "seasonal_naive": naive.ravel()}
    return pd.DataFrame(columns, index=series.clock.labels[rows.ravel()].repeat(n_targets))
