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
from rnnforecast.estimators._bridge import LINE, newest_of_season, observed_targets
from rnnforecast.estimators._holes import forecast_through
from rnnforecast.estimators._parameters import checked_number
from rnnforecast.estimators._recipe import resolve_seasons
from rnnforecast.series import Series, season_candidates

if TYPE_CHECKING:
    from rnnforecast.estimators._base import BaseForecaster


def run_backtest(estimator: BaseForecaster, series: Series, origins: NDArray[np.int64], *, refit: bool) -> Backtest:
    """Forecast from every origin with what was known there.

    Parameters
    ----------
    estimator : BaseForecaster
        Only its parameters are used.
    series : Series
        The whole data.
    origins : ndarray of shape (n,), int64
        First row of every window, ascending; all H rows of every window exist.
    refit : bool
        Learn anew before every window, rather than once before the first.

    Returns
    -------
    Backtest
        The forecasts beside the truth.
    """
    horizon = estimator.horizon
    season = _season(as_of(series, origins[0]))
    if refit:
        parallel = Parallel(n_jobs=getattr(estimator, "n_jobs", None))
        results = parallel(
            delayed(_learn_and_forecast)(estimator, series, origins[i : i + 1]) for i in range(len(origins))
        )
    else:
        results = [_learn_and_forecast(estimator, series, origins)]
    naive = [seasonal_naive(_by_season(as_of(series, origin), season), horizon, season) for origin in origins]
    return Backtest(
        forecasts=_frame(series, origins, np.concatenate([values for values, _ in results]), np.stack(naive)),
        model=type(estimator).__name__,
        season_length=season,
        scales=pd.Series(_seasonal_differences(as_of(series, origins[0]), season), index=list(series.target_names)),
        horizon=horizon,
        n_windows=len(origins),
        no_skill=all(no_skill for _, no_skill in results),
    )


def origins_of_windows(n_rows: int, horizon: int, n_windows: Any, step: Any) -> NDArray[np.int64]:
    """Return the first rows of windows of which the last ends with the data.

    Parameters
    ----------
    n_rows, horizon : int
        Rows of the data and of a window.
    n_windows, step : int
        Number of windows and rows from one to the next; a step of None is the horizon.

    Returns
    -------
    ndarray of shape (n_windows,), int64
        Ascending; the first may be negative when the data are too short.

    Raises
    ------
    ValueError
        `n_windows` or `step` is no positive integer.
    """
    n_windows = checked_number(n_windows, "n_windows")
    step = checked_number(horizon if step is None else step, "step")
    return n_rows - horizon - step * np.arange(n_windows, dtype=np.int64)[::-1]


def as_of(series: Series, origin: int) -> Series:
    """Return the rows before an origin as they would have been read then.

    A hole that reaches the origin was interpolated to later rows; there the last known value is carried forward.

    Parameters
    ----------
    series : Series
        The whole data.
    origin : int
        First row that is not known yet.

    Returns
    -------
    Series
        The first `origin` rows.
    """
    head = series.head(origin)
    if not _shows_later(series, origin):
        return head
    assert head.observed is not None
    values = np.hstack([head.target, head.past])
    for column, known in zip(values.T, head.observed.T, strict=True):
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
    estimator: BaseForecaster, series: Series, origins: NDArray[np.int64]
) -> tuple[NDArray[np.float64], bool]:
    """Learn before the first origin; return (n, H, K) forecasts and whether the model reports no skill."""
    horizon = estimator.horizon
    model = clone(estimator)._fit_series(as_of(series, origins[0]))
    whole = np.array([not _shows_later(series, origin) for origin in origins])
    values = np.empty((len(origins), horizon, series.target.shape[1]))
    if whole.any():
        values[whole] = forecast_through(model._forecast, series, origins[whole], horizon)
    for i in np.flatnonzero(~whole):
        known_then = replace(as_of(series, origins[i]), known=series.known[: origins[i] + horizon])
        values[i] = forecast_through(model._forecast, known_then, origins[i : i + 1], horizon)[0]
    return values, bool(getattr(model, "no_skill_", False))


def _by_season(series: Series, season: int) -> NDArray[np.float64]:
    """Return the target (N, K), what was missing filled from the season before if the forecaster may not see a line."""
    observed = observed_targets(series)
    return series.target if observed is None else newest_of_season(series.target, observed, season)


def _shows_later(series: Series, origin: int) -> bool:
    """Tell whether a hole that reaches an origin was filled from later rows too."""
    return series.missing == "interpolate" and series.observed is not None and not series.observed[origin - 1].all()


def _season(training: Series) -> int:
    """Return the season that repeats best in the training rows, 1 if none was found."""
    observed = observed_targets(training)
    target = LINE.fill(training.target, observed)
    seasons = resolve_seasons(target, season_candidates(training.clock), "auto", observed)
    unit = _seasonal_differences(training, 1) + np.finfo(np.float64).tiny  # columns may be in different units
    return min(seasons, key=lambda season: float((_seasonal_differences(training, season) / unit).sum()), default=1)


def _seasonal_differences(training: Series, season: int) -> NDArray[np.float64]:
    """Return the (K,) mean absolute differences between rows a season apart; 0 where there are no two such rows."""
    target = training.target
    if len(target) <= season:
        return np.zeros(target.shape[1])
    differences, observed = np.abs(target[season:] - target[:-season]), observed_targets(training)
    if observed is None:
        return differences.mean(axis=0)
    both = observed[season:] & observed[:-season]
    return differences.sum(axis=0, where=both) / np.maximum(both.sum(axis=0), 1)


def _frame(
    series: Series,
    origins: NDArray[np.int64],
    forecast: NDArray[np.float64],
    naive: NDArray[np.float64],
) -> pd.DataFrame:
    n_origins, horizon, n_targets = forecast.shape
    rows = origins[:, None] + np.arange(horizon)
    actual = (series.target if series.seen is None else np.where(series.seen, series.target, np.nan))[rows]
    columns: dict[str, Any] = {
        "cutoff": series.clock.labels[origins - 1].repeat(horizon * n_targets),
        "step": np.tile(np.arange(1, horizon + 1).repeat(n_targets), n_origins),
    }
    if n_targets > 1:
        columns["target"] = list(series.target_names) * (n_origins * horizon)
    columns |= {"actual": actual.ravel(), "forecast": forecast.ravel(), "seasonal_naive": naive.ravel()}
    return pd.DataFrame(columns, index=series.clock.labels[rows.ravel()].repeat(n_targets))
