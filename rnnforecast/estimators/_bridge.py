"""Guesses for missing values that lie before an origin: a line, or the season before.

N rows, K target columns. A guess reads only what was observed before the origin of a forecast that begins where its
column was observed: earlier seasons, and the values at both ends of the hole.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from rnnforecast.series import Series

_CLEARLY = 0.5  # of a line's error; guesses by season also agree with a seasonal base, and weaken what corrects it

_Array = NDArray[np.float64]
_Mask = NDArray[np.bool_]


@dataclass(frozen=True)
class Bridge:
    """How holes are bridged.

    Parameters
    ----------
    season : int
        A hole is filled with the newest values observed whole seasons before, moved for each season that went by so
        that the hole's ends meet; 0 where there is no season.
    shortest : int
        Shorter holes are filled with a line between their ends.
    """

    season: int = 0
    shortest: int = 0

    def over(self, series: Series) -> _Array:
        """Return the target of a series, (N, K), for models of single columns: with a mask, holes are bridged."""
        return series.target if series.masked is None else self.fill(series.target, series.seen)

    def fill(self, target: _Array, seen: _Mask | None) -> _Array:
        """Return the target (N, K) with guesses where `seen` (N, K) is False; None is all seen."""
        if seen is None or seen.all():
            return target
        return np.stack([self._column(*pair) for pair in zip(target.T, seen.T, strict=True)], axis=1)

    def carried(self, series: Series) -> _Array:
        """Return the target of a series, (N, K), for models of all columns: a guess reads nothing after it.

        Others of their columns may be missing at an origin, so that it lies inside a hole.
        """
        if series.masked is None or series.seen is None or not self.season:
            return series.target
        rows = np.arange(len(series.target))[:, None]
        age = rows - np.maximum.accumulate(np.where(series.seen, rows, 0), axis=0)
        return np.where(age >= self.shortest, newest_of_season(series.target, series.seen, self.season), series.target)

    def _column(self, values: _Array, seen: _Mask) -> _Array:
        row = np.arange(len(values))
        if not seen.any():
            return values
        filled = np.where(seen, values, np.interp(row, row[seen], values[seen]))
        if not self.season:
            return filled
        before, elapsed = season_before(values, seen, self.season)
        drift = np.nan_to_num((values - before) / np.maximum(elapsed, 1))[seen]  # none without a season before
        by_season = before + elapsed * np.interp(row, row[seen], drift)
        return np.where((hole_lengths(seen) >= self.shortest) & (elapsed > 0), by_season, filled)


LINE = Bridge()


def observed_targets(series: Series) -> _Mask | None:
    """Return which targets models may learn from, (N, K); None for all."""
    return None if series.masked is None else series.seen


def fit_bridge(target: _Array, seen: _Mask | None, seasons: Sequence[int]) -> Bridge:
    """Choose from which length on a season bridges holes better than a line, by hiding values that are known.

    Parameters
    ----------
    target : ndarray of shape (N, K)
        Training values.
    seen : ndarray of shape (N, K), bool, or None
        False where a value is a guess; None where holes are no subject.
    seasons : sequence of int
        Ascending; the longest is tried.
    """
    if seen is None or not seasons:
        return LINE
    season = seasons[-1]
    before = np.stack([season_before(*pair, season)[0] for pair in zip(target.T, seen.T, strict=True)], axis=1)
    level, moved = np.where(seen, target, np.nan), np.where(seen, target - before, np.nan)
    reach = 1
    while reach < season and 2 * np.mean(_missed(moved, reach) < _CLEARLY * _missed(level, reach)) <= 1:
        reach *= 2
    return Bridge(season, 2 * reach - 1)


def season_before(values: _Array, seen: _Mask, season: int) -> tuple[_Array, NDArray[np.int64]]:
    """Return for each row (N,) the newest value observed whole seasons before, NaN if none, and how many, 0 if none.

    Parameters
    ----------
    values : ndarray of shape (N,)
    seen : ndarray of shape (N,), bool
        False where a value is a guess.
    season : int
    """
    newest = np.concatenate([np.full(season, -1), _newest_rows(seen[:, None], season)[:, 0]])[: len(values)]
    found = newest >= 0
    before = np.where(found, values[np.maximum(newest, 0)], np.nan)
    return before, np.where(found, (np.arange(len(values)) - newest) // season, 0)


def newest_of_season(target: _Array, seen: _Mask, season: int) -> _Array:
    """Fill guesses with the newest observation whole seasons before, (N, K); what has none stays.

    Parameters
    ----------
    target : ndarray of shape (N, K)
    seen : ndarray of shape (N, K), bool
        False where a value is a guess.
    season : int
    """
    newest = _newest_rows(seen, season)
    return np.where(newest >= 0, np.take_along_axis(target, np.maximum(newest, 0), axis=0), target)


def _newest_rows(seen: _Mask, season: int) -> NDArray[np.int64]:
    """Return the newest row that was observed, this one or whole seasons before, (N, K); -1 if none."""
    n_rows, n_columns = seen.shape
    n_seasons = -(-n_rows // season)
    rows = np.full((n_seasons * season, n_columns), -1)
    rows[:n_rows] = np.where(seen, np.arange(n_rows)[:, None], -1)
    return np.maximum.accumulate(rows.reshape(n_seasons, season, n_columns), axis=0).reshape(rows.shape)[:n_rows]


def _missed(values: _Array, reach: int) -> _Array:
    """Return how far the middle between values (N, K) `reach` rows before and after is from the truth, (K,).

    NaN does not count; infinite where nothing can be compared.
    """
    errors = np.abs(values[reach:-reach] - 0.5 * (values[: -2 * reach] + values[2 * reach :]))
    count = (~np.isnan(errors)).sum(axis=0)
    return np.where(count > 0, np.nansum(errors, axis=0) / np.maximum(count, 1), np.inf)


def hole_lengths(seen: _Mask) -> NDArray[np.int64]:
    """Return for every row (N,) the length of the hole it lies in, 0 where it was observed."""
    edges = np.flatnonzero(np.diff(np.concatenate([[True], seen, [True]]).astype(np.int8)))
    sizes = edges[1::2] - edges[::2]
    lengths = np.zeros(len(seen), np.int64)
    lengths[~seen] = np.repeat(sizes, sizes)
    return lengths
