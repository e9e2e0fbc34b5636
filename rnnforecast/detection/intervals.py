"""From rows that alarm to intervals that a person looks at."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

Rows = NDArray[np.intp]
Array = NDArray[np.float64]


class Intervals(NamedTuple):
    """Intervals in order of time, disjoint; each field is an array of shape (m,).

    start, end : int
        First and last row.
    peak : int
        The first row with the highest score.
    severity : float
        How far the peak's score is above its threshold: decades of probability, where scores are calibrated.
    area : float
        Sum over the alarming rows of what their scores are above their thresholds: long and high.
    n_points : int
        Alarming rows; others lie in gaps and padding.
    """

    start: Rows
    end: Rows
    peak: Rows
    severity: Array
    area: Array
    n_points: Rows


def find_intervals(
    scores: ArrayLike,
    thresholds: ArrayLike,
    *,
    min_gap: int = 0,
    padding: int = 0,
    min_length: int = 1,
    refractory: int = 0,
) -> Intervals:
    """Join rows whose score is above their threshold to intervals.

    In this order: runs with few quiet rows between them become one, short ones are dropped, then those that come soon
    after one that was kept; what is left is padded, and joined where padding makes it touch.

    Parameters
    ----------
    scores : array-like of shape (n,)
        NaN is not scored: it neither alarms nor counts as quiet, so it does not cut an interval in two.
    thresholds : float or array-like of shape (n,)
    min_gap : int, default=0
        Runs with at most so many quiet rows between them are one.
    padding : int, default=0
        Rows added on both sides.
    min_length : int, default=1
        Fewest alarming rows of an interval.
    refractory : int, default=0
        Rows after the end of an interval in which no other may start.

    Returns
    -------
    Intervals
    """
    values = np.asarray(scores, dtype=np.float64)
    excess = values - np.broadcast_to(np.asarray(thresholds, dtype=np.float64), values.shape)
    alarms = np.flatnonzero(excess > 0.0)
    scored = np.cumsum(~np.isnan(values))
    group = np.cumsum(np.diff(scored[alarms], prepend=scored[alarms[:1]]) > min_gap + 1)
    first = np.flatnonzero(np.diff(group, prepend=-1))
    n_points = np.diff(first, append=len(alarms))
    keep = n_points >= min_length
    if refractory > 0:
        keep[keep] = _rested(alarms[first[keep]], alarms[(first + n_points - 1)[keep]], refractory)
    alarms, group = alarms[keep[group]], group[keep[group]]
    begins = np.diff(group, prepend=-1) > 0
    if padding > 0:
        begins &= np.diff(alarms, prepend=-2 * padding - 2) > 2 * padding + 1
    return _measured(values, excess, alarms, np.flatnonzero(begins), padding)


def _rested(start: Rows, end: Rows, refractory: int) -> NDArray[np.bool_]:
    """Return which intervals (m,) start more than `refractory` rows after the end of the one kept before."""
    keep = np.zeros(len(start), dtype=bool)
    k = 0
    while k < len(start):
        keep[k] = True
        k = int(np.searchsorted(start, end[k] + refractory, side="right"))
    return keep


def _measured(values: Array, excess: Array, alarms: Rows, first: Rows, padding: int) -> Intervals:
    """Return the intervals whose alarming rows begin at the places `first` (m,) in `alarms`."""
    if len(first) == 0:
        rows, numbers = np.zeros(0, dtype=np.intp), np.zeros(0)
        return Intervals(rows, rows, rows, numbers, numbers, rows)
    n_points = np.diff(first, append=len(alarms))
    heights = values[alarms]
    highest = np.flatnonzero(heights == np.repeat(np.maximum.reduceat(heights, first), n_points))
    peak = alarms[highest[np.searchsorted(highest, first)]]
    start = np.maximum(alarms[first] - padding, 0)
    end = np.minimum(alarms[first + n_points - 1] + padding, len(values) - 1)
    return Intervals(start, end, peak, excess[peak], np.add.reduceat(excess[alarms], first), n_points)
