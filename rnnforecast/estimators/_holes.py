"""What a forecaster does about holes in its data: it says so, and forecasts through those that reach an origin.

N rows, K target columns, S series, n origins, H steps. An origin is the first row forecast.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from rnnforecast.estimators._placement import longest_closure
from rnnforecast.series import Series
from rnnforecast.series.frequency import is_session
from rnnforecast.series.labels import label_text
from rnnforecast.series.placement import row_labels

_LONGEST_HOLIDAY = 10  # weekdays in a row; national holidays close exchanges for up to eight


def forecast_through(
    forecast: Callable[[Series, NDArray[np.int64], int], NDArray[np.float64]],
    series: Series,
    origins: NDArray[np.int64],
    horizon: int,
) -> NDArray[np.float64]:
    """Forecast each column from its newest observation, through the missing values between it and the origin.

    Parameters
    ----------
    forecast : callable
        ``forecast(series, origins, horizon) -> (n, H, K, ...)``; there may be several numbers for each value.
    series : Series
        Its ``known`` reaches the last row forecast.
    origins : ndarray of shape (n,), int64
        In 1..N, each after a row of its series.
    horizon : int
        Steps from the origins.

    Returns
    -------
    ndarray of shape (n, H, K, ...)
        In the target's own units.
    """
    if series.seen is None:
        return forecast(series, origins, horizon)
    begins = newest_observation(series.seen, series.spans.begins(len(series.target)))[origins] + 1
    ages = origins[:, None] - begins
    if not ages.any():
        return forecast(series, origins, horizon)
    values = np.empty(0)
    # Ages up to the next power of two together: few calls, and no forecast twice as long as it must be.
    sizes = np.ceil(np.log2(np.maximum(ages, 0.5)))
    for size in np.unique(sizes):
        which, column = np.nonzero(sizes == size)
        starts, place = np.unique(begins[which, column], return_inverse=True)
        age = ages[which, column]
        steps = int(age.max()) + horizon
        found = forecast(_reaching(series, int(starts[-1]) + steps), starts, steps)
        if not values.size:
            values = np.empty((len(origins), horizon, *found.shape[2:]))
        values[which, :, column] = found[place[:, None], age[:, None] + np.arange(horizon), column[:, None]]
    return values


def newest_observation(seen: NDArray[np.bool_], begin: NDArray[np.int64] | None = None) -> NDArray[np.int64]:
    """Return for every origin 0..N the newest row before it that was observed, (N + 1, K); the row before it if none.

    Parameters
    ----------
    seen : ndarray of shape (N, K), bool
        False where a value is missing.
    begin : ndarray of shape (N,), int, optional
        First row of the series that each row belongs to, where there are several.
    """
    rows = np.arange(len(seen) + 1)[:, None]
    marked = np.vstack([np.zeros((1, seen.shape[1]), dtype=bool), seen])
    newest = np.maximum.accumulate(np.where(marked, rows, 0), axis=0)
    first = np.zeros_like(rows) if begin is None else np.concatenate([[0], begin])[:, None]
    return np.where(newest > first, newest, rows) - 1


def longest_wait(series: Series, origins: NDArray[np.int64] | None = None) -> int:
    """Return the most rows between an origin, of `origins` (n,) or any, and the newest observation before it."""
    if series.seen is None:
        return 0
    newest = newest_observation(series.seen, series.spans.begins(len(series.target)))
    waits = np.arange(len(newest))[:, None] - 1 - newest
    return int((waits if origins is None else waits[origins]).max())


def until_observed(series: Series) -> Series:
    """Return the rows up to the last one of which any target was observed: from those that follow nothing is learnt."""
    if series.seen is None:
        return series
    rows = np.where(series.seen.any(axis=1), np.arange(len(series.seen)), -1)
    lengths = np.maximum.reduceat(rows, series.spans.starts) + 1 - series.spans.starts
    return series if (lengths == series.spans.lengths).all() else series.head(lengths)


def remarks_on_closures(series: Series) -> list[str]:
    """Say where trading days lack more weekdays than a holiday explains.

    Returns
    -------
    list of str
        One sentence or none.
    """
    if not is_session(series.clock.step):
        return []
    n_days, last = longest_closure(series.clock.labels)
    if n_days <= _LONGEST_HOLIDAY:
        return []
    return [
        f"the index leaves out {n_days} weekdays after {series.clock.labels[last]}, more than a holiday, and its rows "
        "are read as if there had been no trading; where there was, add rows of NaN and pass missing='mask'"
    ]


def remarks_on_update(before: Series, after: Series) -> list[str]:
    """Say where new rows leave a hole that is longer than any before.

    Parameters
    ----------
    before, after : Series
        Without and with the new rows.

    Returns
    -------
    list of str
        One sentence or none.
    """
    if is_session(before.clock.step):
        usual, (n_days, last) = longest_closure(before.clock.labels)[0], longest_closure(after.clock.labels)
        if n_days <= max(usual, 1):
            return []
        return [
            f"y_new leaves out {n_days} weekdays after {after.clock.labels[last]}, more than the data ever did, and is "
            "read as if there had been no trading; pass the rows between"
        ]
    if after.missing != "interpolate":
        return []
    length, last = _longest_hole(after)
    if length <= max(_longest_hole(before)[0], 1):
        return []
    place = label_text(row_labels(after.clock, after.spans, after.ids), np.array([last]))
    return [
        f"y_new leaves a hole of {length} rows before {place}, longer than any before, which "
        "missing='interpolate' fills with a line; missing='mask' would leave it open"
    ]


def _longest_hole(series: Series) -> tuple[int, int]:
    """Return the length of the longest run of rows without any observed target, and the row after it."""
    assert series.seen is not None
    whole = np.flatnonzero(series.seen.any(axis=1))
    # A row before the first of a series counts as one with observations.
    earlier = np.maximum(np.append(-1, whole[:-1]), series.spans.begins(len(series.seen))[whole] - 1)
    lengths = whole - earlier - 1
    longest = int(lengths.argmax())
    return int(lengths[longest]), int(whole[longest])


def _reaching(series: Series, stop: int) -> Series:
    """Return the series with its known covariates up to row ``stop - 1``, the last ones repeated."""
    known = series.known
    if stop <= len(known):
        return series
    return replace(series, known=known[np.minimum(np.arange(stop), len(known) - 1)])
