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
from sklearn.utils.parallel import Parallel, delayed

from rnnforecast.estimators._asked import Asked
from rnnforecast.estimators._backtest import Backtest
from rnnforecast.estimators._calibration import calibrate
from rnnforecast.estimators._intervals import with_quantiles
from rnnforecast.estimators._parameters import checked_number
from rnnforecast.estimators._pooling import find_panel_seasons
from rnnforecast.estimators._scales import by_length
from rnnforecast.series import Series
from rnnforecast.series.continuation import locate
from rnnforecast.series.labels import names_text
from rnnforecast.series.placement import panel_index
from rnnforecast.series.tables import read_table

if TYPE_CHECKING:
    from rnnforecast.estimators._base import BaseForecaster

_CLOCK_TICK = 1e-9  # seconds; a coarse clock may see none pass


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
    training = as_of(series, observed, origins[:, 0])
    season = _season(training)
    if refit:
        parallel = Parallel(n_jobs=getattr(estimator, "n_jobs", None))
        results = parallel(
            delayed(_learn_and_forecast)(estimator, series, observed, origins[:, i : i + 1], wanted)
            for i in range(origins.shape[1])
        )
    else:
        results = [_learn_and_forecast(estimator, series, observed, origins, wanted)]
    forecasts = np.concatenate([run.values for run in results], axis=1)
    naive = np.stack([seasonal_naive(as_of(series, observed, at), horizon, season) for at in origins.T], axis=1)
    frame = _frame(series, observed, origins, forecasts, naive)
    if wanted:
        ends = np.concatenate([run.ends for run in results], axis=2)
        frame[wanted.ends] = ends.reshape(len(ends), -1).T
    scales = pd.DataFrame(_seasonal_differences(training, season), index=ids, columns=list(series.target_names))
    return Backtest(
        forecasts=frame,
        model=type(estimator).__name__,
        season_length=season,
        scales=scales.iloc[0] if ids is None else scales,
        horizon=horizon,
        n_windows=origins.shape[1],
        no_skill=all(getattr(run.model, "no_skill_", False) for run in results),
        n_parameters=getattr(results[-1].model, "n_parameters_", None),
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
    name, horizon, lengths = type(estimator).__name__, estimator.horizon, series.spans.lengths
    n_windows = checked_number(n_windows, "n_windows")
    step = checked_number(horizon if step is None else step, "step")
    origins = lengths[:, None] - horizon - step * np.arange(n_windows, dtype=np.int64)[::-1]
    first = np.maximum(origins[:, 0], 0)
    needed = max(estimator._minimum_rows(series.head(first)), 1)
    if (first < needed).any():
        short = int(np.argmin(first))
        of = "" if series.ids is None else f" of the series {names_text(series.ids[first < needed])}"
        raise ValueError(
            f"{name} needs at least {needed} rows before the first window{of}, got {first[short]} of {lengths[short]} "
            f"with horizon={horizon} and n_windows={n_windows}; "
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
    if index is None:  # the first rows may have been left out of the series; without labels it ends where the data end
        owner, rows = np.zeros(len(values), np.int64), np.arange(len(values)) - len(values) + series.n_rows
    else:
        owner, rows = locate(series, index)
    observed[:] = False
    there = rows >= 0
    observed[(series.spans.starts[owner] + rows)[there]] = ~np.isnan(values[there])
    return observed


def as_of(series: Series, observed: NDArray[np.bool_], origins: NDArray[np.int64]) -> Series:
    """Return the rows before an origin of each series as they would have been read then.

    A hole that reaches the origin was filled from later rows too; there the last known value is carried forward.

    Parameters
    ----------
    series : Series
        The whole data.
    observed : ndarray of shape (N, K + P), bool
        False where a target or past covariate was filled in.
    origins : ndarray of shape (S,), int64
        First row of each series that is not known yet.

    Returns
    -------
    Series
        The first rows of each series.
    """
    head = series.head(origins)
    if observed[series.spans.starts + origins - 1].all():
        return head
    seen = observed[replace(series.spans, lengths=origins).inside()]
    rows = np.where(seen, np.arange(len(seen))[:, None], -1)
    last = np.maximum.reduceat(rows, head.spans.starts)[head.spans.of_rows(len(seen))]
    began = last >= head.spans.starts[head.spans.of_rows(len(seen))][:, None]  # a past covariate may begin later
    source = np.where(began, np.minimum(np.arange(len(seen))[:, None], last), np.arange(len(seen))[:, None])
    values = np.take_along_axis(np.hstack([head.target, head.past]), source, axis=0)
    n_targets = head.target.shape[1]
    return replace(head, target=values[:, :n_targets], past=values[:, n_targets:])


def seasonal_naive(series: Series, horizon: int, season: int) -> NDArray[np.float64]:
    """Repeat the last season of each series; of one that is shorter, its first value stands for what was before.

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
    return series.target[np.maximum(rows, series.spans.starts[:, None])]


class _Run(NamedTuple):
    """Forecasts (S, n, H, K) of one fitted model, ends (Q, S, n, H, K) of intervals, and what they took."""

    values: NDArray[np.float64]
    ends: NDArray[np.float64]
    model: BaseForecaster
    fit_seconds: float
    forecast_seconds: float


def _learn_and_forecast(
    estimator: BaseForecaster,
    series: Series,
    observed: NDArray[np.bool_],
    origins: NDArray[np.int64],
    wanted: Asked,
) -> _Run:
    """Learn before the first origins and forecast from all."""
    horizon, starts, start = estimator.horizon, series.spans.starts[:, None], time.perf_counter()
    model = clone(estimator)._fit_series(as_of(series, observed, origins[:, 0]))
    calibration = calibrate(model, series, horizon) if wanted else None
    learnt = time.perf_counter()
    whole, spaced = observed[starts + origins - 1].all(axis=2), series.spaced(model._rows_read())
    parts = [(whole, spaced, (spaced.spans.starts[:, None] + origins)[whole])] if whole.any() else []
    for i in np.flatnonzero(~whole.all(axis=0)):
        future = series.known[starts + origins[:, i, None] + np.arange(horizon)]
        known_then = as_of(series, observed, origins[:, i]).spaced(model._rows_read(), horizon, future)
        lacking = ~whole & (np.arange(origins.shape[1]) == i)
        parts.append((lacking, known_then, known_then.spans.stops[~whole[:, i]]))
    shape, probabilities = (*origins.shape, horizon, series.target.shape[1]), wanted.probabilities
    values, ends = np.empty(shape), np.empty((len(probabilities), *shape))
    for which, data, rows in parts:
        if calibration is None:
            values[which] = model._forecast(data, rows, horizon)
        else:
            values[which], ends[:, which] = with_quantiles(model, data, rows, horizon, calibration, probabilities)
    return _Run(values, ends, model, learnt - start, time.perf_counter() - learnt)


def _season(training: Series) -> int:
    """Return the season that repeats best in the training rows, 1 if none was found."""
    unit = _seasonal_differences(training, 1) + np.finfo(np.float64).tiny  # columns may be in different units
    seasons = find_panel_seasons(training, "auto")
    return min(seasons, key=lambda season: float((_seasonal_differences(training, season) / unit).sum()), default=1)


def _seasonal_differences(training: Series, season: int) -> NDArray[np.float64]:
    """Return the (S, K) mean absolute differences between rows a season apart; 0 where there are no two such rows."""
    result = np.zeros((len(training.spans), training.target.shape[1]))
    for members, block in by_length(training.target, training.spans):
        if len(block) > season:
            result[members] = np.abs(block[season:] - block[:-season]).mean(axis=0).reshape(len(members), -1)
    return result


def _frame(
    series: Series,
    observed: NDArray[np.bool_],
    origins: NDArray[np.int64],
    forecast: NDArray[np.float64],
    naive: NDArray[np.float64],
) -> pd.DataFrame:
    """Lay forecasts (S, n, H, K) out, series by series, window by window, step by step."""
    n_series, n_origins, horizon, n_targets = forecast.shape
    spans = series.spans
    rows = origins[:, :, None] + np.arange(horizon)
    actual = np.where(observed[:, :n_targets], series.target, np.nan)[spans.starts[:, None, None] + rows]
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
