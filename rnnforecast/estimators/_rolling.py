"""Rolling-origin evaluation: what a forecaster would have said in the past, knowing what was known then.

N rows, K target columns, P past covariates, S series, n origins of each, H steps. An origin is the first row forecast,
counted from the first row of its series.
"""

from __future__ import annotations

import time
from dataclasses import replace
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn.base import clone

from rnnforecast.estimators._asked import Asked
from rnnforecast.estimators._backtest import Backtest
from rnnforecast.estimators._bridge import newest_of_season, observed_targets
from rnnforecast.estimators._calibration import calibrate
from rnnforecast.estimators._holes import forecast_through, longest_wait
from rnnforecast.estimators._inputs import require_rows_before
from rnnforecast.estimators._intervals import with_quantiles
from rnnforecast.estimators._parameters import checked_number
from rnnforecast.estimators._pooling import find_panel_seasons
from rnnforecast.estimators._scales import by_length
from rnnforecast.estimators._workers import in_parallel
from rnnforecast.series import Series
from rnnforecast.series.placement import panel_index

if TYPE_CHECKING:
    from rnnforecast.estimators._base import BaseForecaster

_CLOCK_TICK = 1e-9  # seconds; a coarse clock may see none pass


def run_backtest(
    estimator: BaseForecaster, series: Series, origins: NDArray[np.int64], *, refit: bool, wanted: Asked
) -> Backtest:
    """Forecast from every origin with what was known there.

    Parameters
    ----------
    estimator : BaseForecaster
        Only its parameters are used.
    series : Series
        The whole data.
    origins : ndarray of shape (S, n), int64
        First row of every window of every series, ascending; all H rows of every window exist.
    refit : bool
        Learn anew before every window, rather than once before the first.
    wanted : Asked
        Intervals, or nothing.

    Returns
    -------
    Backtest
        The forecasts beside the truth.
    """
    horizon, ids = estimator.horizon, series.ids
    training = as_of(series, origins[:, 0])
    season = _season(training)
    if refit:
        each = ((estimator, series, at, wanted) for at in np.split(origins, origins.shape[1], axis=1))
        results = in_parallel(_learn_and_forecast, each, getattr(estimator, "n_jobs", None))
    else:
        results = [_learn_and_forecast(estimator, series, origins, wanted)]
    forecasts = np.concatenate([run.values for run in results], axis=1)
    naive = np.stack([seasonal_naive(as_of(series, at), horizon, season) for at in origins.T], axis=1)
    frame = _frame(series, origins, forecasts[..., 0], naive)
    frame[wanted.ends] = forecasts[..., 1:].reshape(len(frame), len(wanted.ends))
    scales = pd.DataFrame(_seasonal_differences(training, season), index=ids, columns=list(series.target_names))
    return Backtest(
        forecasts=frame,
        model=type(estimator).__name__,
        season_length=season,
        scales=scales.iloc[0] if ids is None else scales,
        horizon=horizon,
        n_windows=origins.shape[1],
        no_skill=all(run.no_skill for run in results),
        n_parameters=results[-1].n_parameters,
        fit_seconds=sum(run.fit_seconds for run in results),
        windows_per_second=origins.size / max(sum(run.forecast_seconds for run in results), _CLOCK_TICK),
        levels=wanted.levels,
    )


def origins_of_windows(estimator: BaseForecaster, series: Series, n_windows: Any, step: Any) -> NDArray[np.int64]:
    """Return the first rows of windows of which the last ends with its series.

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
    ndarray of shape (S, n_windows), int64
        Rows of each series, counted from 0, ascending.

    Raises
    ------
    ValueError
        `n_windows` or `step` is no positive integer; or too few rows are left to learn from.
    """
    horizon = estimator.horizon
    n_windows = checked_number(n_windows, "n_windows")
    step = checked_number(horizon if step is None else step, "step")
    origins = series.spans.lengths[:, None] - horizon - step * np.arange(n_windows, dtype=np.int64)[::-1]
    before = series.head(np.maximum(origins[:, 0], 0))
    require_rows_before(series, before.spans.lengths, estimator, n_windows, max(estimator._minimum_rows(before), 1))
    return origins


def as_of(series: Series, origins: NDArray[np.int64]) -> Series:
    """Return the rows before an origin of each series as they would have been read then.

    A hole that reaches the origin was interpolated to later rows; there the last known value is carried forward.

    Parameters
    ----------
    series : Series
        The whole data.
    origins : ndarray of shape (S,), int64
        First row of each series that is not known yet.

    Returns
    -------
    Series
        The first rows of each series.
    """
    head = series.head(origins)
    if head.observed is None or not _shows_later(series, series.spans.starts + origins).any():
        return head
    rows, begin = np.arange(head.n_rows), head.spans.begins(head.n_rows)[:, None]
    last = np.maximum.reduceat(np.where(head.observed, rows[:, None], -1), head.spans.starts)
    last = last[head.spans.of_rows(head.n_rows)]
    # A past covariate may begin later.
    source = np.where(last >= begin, np.minimum(rows[:, None], last), rows[:, None])
    values = np.take_along_axis(np.hstack([head.target, head.past]), source, axis=0)
    n_targets = head.target.shape[1]
    return replace(head, target=values[:, :n_targets], past=values[:, n_targets:])


def seasonal_naive(series: Series, horizon: int, season: int) -> NDArray[np.float64]:
    """Repeat the last season of each series; of one that is shorter, its first value stands for what was before.

    With ``missing="mask"`` what was missing is taken from the season before it.

    Parameters
    ----------
    series : Series
        The known rows.
    horizon, season : int
        Steps and period.

    Returns
    -------
    ndarray of shape (S, horizon, K)
        The forecast.
    """
    rows = series.spans.stops[:, None] - season + np.arange(horizon) % season
    return _by_season(series, season)[np.maximum(rows, series.spans.starts[:, None])]


class _Run(NamedTuple):
    """Forecasts of one fitted model and ends of their intervals, (S, n, H, K, 1 + Q), and what is told of the model."""

    values: NDArray[np.float64]
    no_skill: bool
    n_parameters: int | None
    fit_seconds: float
    forecast_seconds: float


def _learn_and_forecast(estimator: BaseForecaster, series: Series, origins: NDArray[np.int64], wanted: Asked) -> _Run:
    """Learn before the first origins and forecast from all."""
    horizon, starts, start = estimator.horizon, series.spans.starts[:, None], time.perf_counter()
    model = clone(estimator)._fit_series(as_of(series, origins[:, 0]))
    wait, forecast, probabilities = longest_wait(series), model._forecast, wanted.probabilities
    if wanted:
        reach = horizon + longest_wait(series, (starts + origins).ravel())
        forecast = with_quantiles(model, calibrate(model, series, reach), probabilities)
    learnt = time.perf_counter()
    whole = ~_shows_later(series, starts + origins)
    room = horizon + wait if wait else 0  # forecasts through holes end later, and read whole horizons
    shape = (*origins.shape, horizon, series.target.shape[1])
    values = np.empty((*shape, 1 + len(probabilities)) if wanted else shape)
    if whole.any():
        spaced = series.spaced(model._rows_read(), room)
        at = (spaced.spans.starts[:, None] + origins)[whole]
        values[whole] = forecast_through(forecast, spaced, at, horizon)
    for i in np.flatnonzero(~whole.all(axis=0)):
        steps = np.minimum(np.arange(horizon + room), horizon - 1)
        future = series.known[starts + origins[:, i, None] + steps]
        known_then = as_of(series, origins[:, i]).spaced(model._rows_read(), horizon + room, future)
        at = known_then.spans.stops[~whole[:, i]]
        values[~whole[:, i], i] = forecast_through(forecast, known_then, at, horizon)
    about = bool(getattr(model, "no_skill_", False)), getattr(model, "n_parameters_", None)
    return _Run(values.reshape(*shape, -1), *about, learnt - start, time.perf_counter() - learnt)


def _by_season(series: Series, season: int) -> NDArray[np.float64]:
    """Return the target (N, K), what was missing filled from the season before if the forecaster may not see a line."""
    observed = observed_targets(series)
    if observed is None:
        return series.target
    return newest_of_season(series.target, observed, season, series.spans.begins(len(series.target)))


def _shows_later(series: Series, rows: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Tell of origins at `rows` (...) whether a hole that reaches them was filled from later rows too."""
    if series.missing != "interpolate" or series.observed is None:
        return np.zeros(rows.shape, dtype=bool)
    return np.logical_not(series.observed[rows - 1].all(axis=-1))


def _season(training: Series) -> int:
    """Return the season that repeats best in the training rows, 1 if none was found."""
    steps = _seasonal_differences(training, 1)  # columns may be in different units
    unit = np.where(steps > 0, steps, 1.0)  # constant, or observed every other row
    seasons = find_panel_seasons(training, "auto")
    return min(seasons, key=lambda season: float((_seasonal_differences(training, season) / unit).sum()), default=1)


def _seasonal_differences(training: Series, season: int) -> NDArray[np.float64]:
    """Return the (S, K) mean absolute differences between rows a season apart; 0 where there are no two such rows."""
    result, observed = np.zeros((len(training.spans), training.target.shape[1])), observed_targets(training)
    seen = None if observed is None else by_length(observed, training.spans)
    for members, block in by_length(training.target, training.spans):
        both = None if seen is None else next(seen)[1]
        if len(block) <= season:
            continue
        differences = np.abs(block[season:] - block[:-season])
        if both is None:
            found = differences.mean(axis=0)
        else:
            both = both[season:] & both[:-season]
            found = differences.sum(axis=0, where=both) / np.maximum(both.sum(axis=0), 1)
        result[members] = found.reshape(len(members), -1)
    return result


def _frame(
    series: Series,
    origins: NDArray[np.int64],
    forecast: NDArray[np.float64],
    naive: NDArray[np.float64],
) -> pd.DataFrame:
    """Lay forecasts (S, n, H, K) out, series by series, window by window, step by step."""
    n_series, n_origins, horizon, n_targets = forecast.shape
    spans = series.spans
    rows = origins[:, :, None] + np.arange(horizon)
    truth = series.target if series.seen is None else np.where(series.seen, series.target, np.nan)
    actual = truth[spans.starts[:, None, None] + rows]
    on_clock = (spans.first[:, None, None] + rows).ravel().repeat(n_targets)
    cutoffs = (spans.first[:, None] + origins - 1).ravel().repeat(horizon * n_targets)
    columns: dict[str, Any] = {
        "cutoff": series.clock.labels[cutoffs],
        "step": np.tile(np.arange(1, horizon + 1).repeat(n_targets), n_series * n_origins),
    }
    if n_targets > 1:
        columns["target"] = list(series.target_names) * (n_series * n_origins * horizon)
    columns |= {"actual": actual.ravel(), "forecast": forecast.ravel(), "seasonal_naive": naive.ravel()}
    labels = series.clock.labels
    if series.ids is None:
        return pd.DataFrame(columns, index=labels[on_clock])
    owner = np.arange(n_series).repeat(n_origins * horizon * n_targets)
    return pd.DataFrame(columns, index=panel_index(series.ids, owner, labels, on_clock))
