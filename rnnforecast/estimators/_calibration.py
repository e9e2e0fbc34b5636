"""How far off a forecaster is on rows it had not seen: what its intervals are calibrated on.

n origins, H steps, S of them seen, K target columns, Q probabilities. An origin is the first row forecast.
"""

from __future__ import annotations

import warnings
from copy import copy
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from rnnforecast.estimators._scores import Scores
from rnnforecast.series import Series
from rnnforecast.series.spans import Origins
from rnnforecast.transforms import steps_of

if TYPE_CHECKING:
    from rnnforecast.estimators._base import BaseForecaster

_Array = NDArray[np.float64]

INTERVALS = ("adaptive", "conformal")

_HELD_OUT = 0.25  # of the rows learnt from, by forecasters that hold none out for other ends
_MOST_ORIGINS = 500  # as many scores make the same quantiles as more ...
_MORE_OF_PANELS = 4  # ... but those of several series differ: up to so many times as many
_MOST_SCORES = 20_000_000  # of very long horizons; fewer origins then
_GOLDEN_RATIO = 0.6180339887498949  # its multiples are the most evenly spread within a unit


@dataclass(frozen=True)
class Calibration:
    """Scores of the forecasts that a forecaster made, or would have made, for rows it had not learnt from.

    Those of all series of a panel are pooled: they are in units of each series.

    Parameters
    ----------
    times : ndarray of shape (n,), int64
        The clock's row of each origin.
    known : ndarray of shape (n, S), int64
        The clock's row of each score's truth; -1 where it was learnt from, and is known since the fit.
    values : ndarray of shape (n, S, K)
        Scores of the steps that any row can tell of, at most H; NaN beyond the last row, of values that were not
        observed, and of forecasts that begin in a hole.
    stride : int
        Rows from one origin of a series to the next.
    adaptive : bool
        Whether scores count as soon as they are known, old ones less.
    """

    times: NDArray[np.int64]
    known: NDArray[np.int64]
    values: _Array
    stride: int
    adaptive: bool

    def at(self, time: int) -> Scores:
        """Return the scores that are known at a time; those that do not adapt are known since the fit."""
        if not self.adaptive:
            return Scores(self.values, self.stride)
        known = self.known < time
        before = known[:, 0]
        values = np.where(known[before, :, None], self.values[before], np.nan)
        n_steps = int(np.flatnonzero((~np.isnan(values)).any(axis=(0, 2)))[-1]) + 1
        return Scores(values[:, :n_steps], self.stride, adaptive=True, times=self.times[before])

    def quantiles(self, probabilities: _Array, times: NDArray[np.int64], horizon: int) -> _Array:
        """Return scores (Q, 1 or n, H, K) that are not exceeded with `probabilities` (Q,), as known at `times` (n,)."""
        if not self.adaptive:
            return self.at(0).quantiles(probabilities, horizon)[:, None]
        distinct, which = np.unique(times, return_inverse=True)
        return np.stack([self.at(int(time)).quantiles(probabilities, horizon) for time in distinct], axis=1)[:, which]


def calibrate(forecaster: BaseForecaster, series: Series, horizon: int) -> Calibration:
    """Forecast rows that were held out of learning, and the rows after them if the intervals adapt.

    Parameters
    ----------
    forecaster : BaseForecaster
        Fitted on the first rows of every series of `series`.
    series : Series
        The rows learnt from, and perhaps later ones.
    horizon : int
        Steps, at least the forecaster's own; those that no row can tell of are left out.

    Returns
    -------
    Calibration
        At most some hundreds of origins, evenly spread over time and series.

    Raises
    ------
    ValueError
        No value that was held out of a target is observed and forecast from an observed one.
    """
    adaptive = getattr(forecaster, "intervals", "adaptive") == "adaptive"
    early, first = forecaster._held_out()
    first, learnt = np.broadcast_to(first, len(series.spans)), forecaster._n_learnt
    ends = series.spans.lengths if adaptive else learnt
    horizon = min(horizon, int((ends - first).max()))
    most = _MOST_ORIGINS * int(np.clip(len(series.spans), 1, _MORE_OF_PANELS))
    most = min(most, max(_MOST_SCORES // (horizon * series.target.shape[1]), 1))
    # Of steps whose truth is not known yet the covariates stay as they are; whole horizons are read at once.
    ahead = horizon + forecaster.horizon
    last = series.known[series.spans.stops - 1][:, None].repeat(ahead, axis=1)
    spaced = series.spaced(max(forecaster._rows_read(), early._rows_read()), ahead, last)
    spans, seen = spaced.spans, spaced.seen
    origins, stride = _chosen(spaced, first, ends, int((learnt - first).sum()), most)
    if not len(origins):
        _refuse(forecaster, series, 0)
    owner = spans.owners(origins)
    stops, fitted = (spans.starts + ends)[owner, None], (spans.starts + learnt)[owner, None]
    horizon = min(horizon, int((stops[:, 0] - origins).max()))
    rows = origins[:, None] + np.arange(horizon)
    told, rows_there = (rows < stops)[..., None], np.minimum(rows, stops - 1)
    if seen is not None:
        told = told & seen[rows_there] & seen[origins - 1][:, None]
    actual = np.where(told, spaced.target[rows_there], np.nan)
    values, held_back = np.empty(actual.shape), origins < fitted[:, 0]
    for model, part in ((early, held_back), (forecaster, ~held_back)):
        if part.any():
            values[part] = model._predictive(spaced, origins[part], horizon).scores(actual[part])
    times = spans.times(origins)
    known = np.where(rows < fitted, -1, times[:, None] + np.arange(horizon))
    silent = np.atleast_1d(np.isnan(values[known < 0]).all(axis=0))
    if silent.any():
        _refuse(forecaster, series, int(silent.argmax()))
    return Calibration(times, known, values, stride, adaptive)


def _chosen(
    series: Series, first: NDArray[np.int64], ends: NDArray[np.int64], n_held_out: int, most: int
) -> tuple[NDArray[np.int64], int]:
    """Return origins (n,) between the rows `first` and `ends` (S,) of each series, and from how many one was taken.

    They follow an observation, and `most` of them are about as many as the rows that were held out of learning.
    """
    spans, seen = series.spans, series.seen
    held_out = Origins(spans.starts + first, ends - first)
    count, after = len(held_out), None
    if seen is not None:
        after = np.flatnonzero(seen[held_out.at(np.arange(count)) - 1].any(axis=1))
    n_left = count if after is None else len(after)
    stride = max(1, n_held_out * n_left // count // most)
    numbers = np.arange(0, n_left, stride)
    if len(spans) > 1 or after is not None:
        # Steps of one length would meet the same rows of series of one length, and of holes that come every week.
        jitter = stride * (_GOLDEN_RATIO * np.arange(len(numbers)) % 1.0)
        numbers = np.minimum(numbers + jitter.astype(np.int64), n_left - 1)
    return held_out.at(numbers if after is None else after[numbers]), stride


def _refuse(forecaster: BaseForecaster, series: Series, column: int) -> None:
    """Say that nothing is known of a target column where intervals are to be calibrated."""
    of = "" if len(series.target_names) == 1 else f" of the target column {series.target_names[column]!r}"
    raise ValueError(
        f"{type(forecaster).__name__} holds the last rows learnt from out to calibrate intervals and needs observed "
        f"values{of} there, got none that follows another one within the horizon; give a longer series"
    )


def calibration_of(forecaster: BaseForecaster, horizon: int) -> Calibration:
    """Return the calibration of a fitted forecaster on its own history, made when first asked for."""
    steps, kept = max(horizon, forecaster.horizon), forecaster._calibrations
    key = (steps, forecaster._history.n_rows)
    found = kept.get(key)
    if found is None:
        found = calibrate(forecaster, forecaster._history, steps)
        kept.clear()  # a long series of updates must not fill the memory
        kept[key] = found
    return found


def learn_on_head(forecaster: BaseForecaster) -> tuple[BaseForecaster, Any]:
    """Let a copy of a fitted forecaster learn from all but the last quarter of the rows of each series.

    Parameters
    ----------
    forecaster : BaseForecaster
        It is left as it is.

    Returns
    -------
    early : BaseForecaster
        The copy.
    first : int or ndarray of int64
        First row of each series that it has not seen; of a panel's short series there may be none.

    Raises
    ------
    ValueError
        The rows are too few to be divided.
    """
    series = forecaster._history.head(forecaster._n_learnt)
    n = series.spans.lengths
    needed = max(forecaster._minimum_rows(series), 1)
    held_out = np.maximum((_HELD_OUT * n).astype(np.int64), 3 * forecaster.horizon // 2)
    first = np.minimum(np.maximum(needed, n - held_out), n)
    if series.seen is not None:  # what is learnt from ends with an observation
        whole, starts = np.flatnonzero(series.seen.any(axis=1)), series.spans.starts
        first = whole[np.searchsorted(whole, starts + first - 1)] + 1 - starts
    if (first == n).all():
        raise ValueError(
            f"{type(forecaster).__name__} needs at least {needed + 1} rows to hold some out, on which intervals are "
            f"calibrated, got {n.max()} with horizon={forecaster.horizon}; give a longer series or ask for a smaller "
            "horizon"
        )
    early = copy(forecaster)
    if "seasonal_difference" in steps_of(getattr(forecaster, "target_transform", None)):
        early.season_length = forecaster.season_length_  # of fewer rows it may not be found
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the fit has said it all
        learned = early._learn(series.head(first))
    # Errors are measured on the scale on which they are laid around later forecasts.
    early.__dict__ = vars(forecaster) | learned | {"_error_scale": forecaster._error_scale}
    return early, np.squeeze(first)[()]
