"""The score of the Numenta Anomaly Benchmark: early alarms earn, false ones cost, by profiles.

n rows, W windows. A window is given by its first and last row, both inside.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from numbers import Real
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from pandas.api.types import is_numeric_dtype

from rnnforecast.metrics._arguments import Array
from rnnforecast.metrics._labels import Labels, Rows, labels

_PROBATION_ENDS = 5000  # rows of a longer series beyond these do not lengthen its probation
_FAR = 3.0  # window lengths after which a false alarm costs in full


class _Profile(NamedTuple):
    """What a window found, a false alarm and a window missed count."""

    found: float
    false_alarm: float
    missed: float


_PROFILES = {
    "standard": _Profile(1.0, 0.11, 1.0),
    "reward_low_FP": _Profile(1.0, 0.22, 1.0),
    "reward_low_FN": _Profile(1.0, 0.11, 2.0),
}


def nab_score(y_pred: Any, windows: Any, *, profile: str = "standard", probation: float = 0.15) -> float:
    """Score of alarms by the Numenta Anomaly Benchmark (Lavin and Ahmad, 2015), 100 for perfect and 0 for no alarms.

    Of each window the first alarm counts, the more the earlier it is: with y the position relative to the window's
    length, -1 at its first row and nearly 0 at its last, ``2 / (1 + exp(5 y)) - 1`` in units of what y = -1 gives.
    Every flagged row outside of the windows counts as negative by the same curve, y being its distance to the end of
    the window before; in full beyond three lengths or where there was no window. Positions are those of the
    benchmark's own program.

    Parameters
    ----------
    y_pred : array-like of shape (n,), or mapping of names to such
        Labels in order of time; several series are scored as one collection.
    windows : list of (first, last), or mapping of the same names to such
        Windows in which an alarm is right, ends included: labels of the index where `y_pred` is a Series (also as text
        where they are times, as in the benchmark's files), row numbers where it is not.
    profile : {"standard", "reward_low_FP", "reward_low_FN"}, default="standard"
        A false alarm costs .11, .22 or .11, a missed window 1, 1 or 2, where a window found at once earns 1.
    probation : float in [0, 1), default=0.15
        Share of the first 5000 rows, or of all if they are fewer, that is learnt from: alarms there do not count, nor
        does a window that ends there.

    Returns
    -------
    float
        At most 100; negative where false alarms outweigh what was found.

    Raises
    ------
    ValueError
        If the profile or the probation is out of range, or no window ends after the probation.

    Examples
    --------
    >>> from rnnforecast.metrics import nab_score
    >>> alarms = [0] * 100
    >>> alarms[52] = alarms[90] = 1
    >>> round(nab_score(alarms, [(50, 59)]), 1)
    93.4
    """
    if profile not in _PROFILES:
        raise ValueError(f"profile must be one of {', '.join(_PROFILES)}, got {profile!r}")
    if isinstance(probation, bool | np.bool_) or not isinstance(probation, Real) or not 0 <= probation < 1:
        raise ValueError(f"probation must be a share of at least 0 and below 1, got {probation!r}")
    weights = _PROFILES[profile]
    earned, n_windows = 0.0, 0
    for name, predicted, intervals in _series(y_pred, windows):
        flags, first, last = _read(name, predicted, intervals)
        begin = min(int(probation * len(flags)), probation * _PROBATION_ENDS)
        flags[np.arange(len(flags)) < begin] = False
        gains = _gains(flags, first, last)[last >= begin]
        earned += (weights.found * gains - weights.missed * (gains == 0)).sum()
        earned += weights.false_alarm * _costs(flags, first, last).sum()
        n_windows += len(gains)
    if n_windows == 0:
        raise ValueError("windows has no window that ends after the probation, so there is nothing to be found")
    return float(100 * (earned + weights.missed * n_windows) / ((weights.found + weights.missed) * n_windows))


def _series(y_pred: Any, windows: Any) -> Iterable[tuple[str, Any, Any]]:
    """Yield name for messages, labels and windows of each series."""
    if not isinstance(y_pred, Mapping):
        return [("y_pred", y_pred, windows)]
    if not isinstance(windows, Mapping) or (missing := [name for name in y_pred if name not in windows]):
        wrong = type(windows).__name__ if not isinstance(windows, Mapping) else f"none of {missing[0]!r}"
        raise ValueError(
            f"windows must be a mapping with every name of y_pred (an empty list for no window), got {wrong}"
        )
    return [(f"y_pred[{name!r}]", predicted, windows[name]) for name, predicted in y_pred.items()]


def _read(name: str, predicted: Any, windows: Any) -> tuple[Labels, Rows, Rows]:
    """Return labels (n,), and first and last rows of the windows (W,) each, ascending."""
    flags = labels(name, predicted).copy()
    index = predicted.index if isinstance(predicted, pd.Series | pd.DataFrame) else pd.RangeIndex(len(flags))
    if not index.is_monotonic_increasing:
        raise ValueError(f"{name} must have an ascending index; sort it by time")
    if not isinstance(windows, Iterable):
        raise ValueError(f"windows of {name} must be a list of pairs (first, last), got {windows!r}")
    rows = np.array([_rows(name, index, window) for window in windows], dtype=np.intp).reshape(-1, 2)
    rows = rows[np.argsort(rows[:, 0], kind="stable")]
    first, last = rows[:, 0], rows[:, 1]
    if (first[1:] <= last[:-1]).any():
        k = int(np.argmax(first[1:] <= last[:-1]))
        raise ValueError(
            f"windows of {name} must not overlap, but one begins at {index[first[k + 1]]} and the one before "
            f"ends at {index[last[k]]}; join them"
        )
    return flags, first, last


def _rows(name: str, index: pd.Index, window: Any) -> tuple[int, int]:
    """Return first and last row of a window."""
    try:
        ends = (pd.DatetimeIndex if isinstance(index, pd.DatetimeIndex) else pd.Index)(list(window))
        if isinstance(index, pd.DatetimeIndex) and ends.tz is None:
            ends = ends.tz_localize(index.tz)
        if is_numeric_dtype(ends.dtype) != is_numeric_dtype(index.dtype):
            raise TypeError  # NumPy would compare numbers with text, as text
        start, stop = ends
        first, last = index.searchsorted(start, side="left"), index.searchsorted(stop, side="right") - 1
    except (TypeError, ValueError):
        raise ValueError(
            f"windows of {name} must be pairs (first, last) of labels like {index[0]!r}, got {window}"
        ) from None
    if last < first:
        raise ValueError(f"window {start} to {stop} holds no row of {name}, whose rows are {index[0]} to {index[-1]}")
    return int(first), int(last)


def _curve(position: Array) -> Array:
    """Return the value of an alarm at a position in window lengths, relative to the window's end."""
    return np.where(position <= _FAR, 2 / (1 + np.exp(5 * np.minimum(position, _FAR))) - 1, -1.0)


def _gains(flags: Labels, first: Rows, last: Rows) -> Array:
    """Return the value of the first alarm in each window, (W,), 1 at its first row; 0 without an alarm."""
    alarms = np.append(np.flatnonzero(flags), len(flags))
    earliest = alarms[np.searchsorted(alarms, first)]
    position = -(last - earliest + 1) / (last - first + 1)
    return np.where(earliest <= last, _curve(position) / _curve(np.array(-1.0)), 0.0)


def _costs(flags: Labels, first: Rows, last: Rows) -> Array:
    """Return the (negative) value of each flagged row outside of the windows."""
    alarms = np.flatnonzero(flags)
    n_begun, n_over = np.searchsorted(first, alarms, side="right"), np.searchsorted(last, alarms, side="left")
    alarms, before = alarms[n_begun == n_over], n_over[n_begun == n_over]
    if len(first) == 0:
        return np.full(len(alarms), -1.0)
    length = np.maximum(last - first, 1)[before - 1]
    return _curve(np.where(before > 0, (alarms - last[before - 1]) / length, np.inf))
