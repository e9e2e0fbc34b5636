"""Guesses for missing values that lie before an origin: a line, or the season before.

N rows, K target columns. A guess reads only what was observed before the origin of a forecast that begins where its
column was observed: earlier seasons, and the values at both ends of the hole. Where there are several series, `begin`
(N,) tells the first row of the one that each row belongs to, and a guess reads no other one; rows before that one are
like it, and are read by none.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from rnnforecast.series import Series
from rnnforecast.series.gaps import line

_CLEARLY = 0.5  # of a line's error; guesses by season also agree with a seasonal base, and weaken what corrects it

_Array = NDArray[np.float64]
_Mask = NDArray[np.bool_]
_Rows = NDArray[np.int64]


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
        if series.masked is None:
            return series.target
        return self.fill(series.target, series.seen, series.spans.begins(len(series.target)))

    def fill(self, target: _Array, seen: _Mask | None, begin: _Rows | None = None) -> _Array:
        """Return the target (N, K) with guesses where `seen` (N, K) is False; None is all seen."""
        if seen is None or seen.all():
            return target
        begin = np.zeros(len(target), np.int64) if begin is None else begin
        return np.stack([self._column(*pair, begin) for pair in zip(target.T, seen.T, strict=True)], axis=1)

    def carried(self, series: Series) -> _Array:
        """Return the target of a series, (N, K), for models of all columns: a guess reads nothing after it.

        Others of their columns may be missing at an origin, so that it lies inside a hole.
        """
        if series.masked is None or series.seen is None or not self.season:
            return series.target
        rows, begin = np.arange(len(series.target))[:, None], series.spans.begins(len(series.target))
        age = rows - np.maximum.accumulate(np.where(series.seen, rows, begin[:, None]), axis=0)
        by_season = newest_of_season(series.target, series.seen, self.season, begin)
        return np.where(age >= self.shortest, by_season, series.target)

    def _column(self, values: _Array, seen: _Mask, begin: _Rows) -> _Array:
        starts = np.flatnonzero(np.diff(begin, prepend=-1))
        filled = line(values, seen, starts)
        if not self.season:
            return filled
        before, elapsed = season_before(values, seen, self.season, begin)
        drift = np.nan_to_num((values - before) / np.maximum(elapsed, 1))  # none without a season before
        by_season = before + elapsed * line(drift, seen, starts)
        taken = (
            (hole_lengths(seen, starts) >= self.shortest) & (elapsed > 0) & _possible(by_season, values, seen, begin)
        )
        return np.where(taken, by_season, filled)


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


def _possible(guesses: _Array, values: _Array, seen: _Mask, begin: _Rows) -> _Mask:
    """Tell which guesses (N,) are not below zero, or zero, where nothing that was observed before is.

    A logarithm could not be taken of them; a line between values keeps their sign.
    """
    rows = np.arange(len(values))
    negative, other = (
        np.maximum.accumulate(np.where(seen & where, rows, -1)) >= begin for where in (values < 0, values <= 0)
    )
    return negative | (guesses > 0) | (other & (guesses == 0))


def season_before(values: _Array, seen: _Mask, season: int, begin: _Rows | None = None) -> tuple[_Array, _Rows]:
    """Return for each row (N,) the newest value observed whole seasons before, NaN if none, and how many, 0 if none.

    Parameters
    ----------
    values : ndarray of shape (N,)
    seen : ndarray of shape (N,), bool
        False where a value is a guess.
    season : int
    begin : ndarray of shape (N,), int, optional
    """
    newest = np.concatenate([np.full(season, -1), _newest_rows(seen[:, None], season)[:, 0]])[: len(values)]
    found = newest >= (0 if begin is None else begin)
    before = np.where(found, values[np.maximum(newest, 0)], np.nan)
    return before, np.where(found, (np.arange(len(values)) - newest) // season, 0)


def newest_of_season(target: _Array, seen: _Mask, season: int, begin: _Rows | None = None) -> _Array:
    """Fill guesses with the newest observation whole seasons before, (N, K); what has none stays.

    Parameters
    ----------
    target : ndarray of shape (N, K)
    seen : ndarray of shape (N, K), bool
        False where a value is a guess.
    season : int
    begin : ndarray of shape (N,), int, optional
    """
    newest = _newest_rows(seen, season)
    found = newest >= (0 if begin is None else begin[:, None])
    return np.where(found, np.take_along_axis(target, np.maximum(newest, 0), axis=0), target)


def _newest_rows(seen: _Mask, season: int) -> _Rows:
    """Return the newest row that was observed, this one or whole seasons before, (N, K), of any series; -1 if none."""
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


def hole_lengths(seen: _Mask, starts: _Rows | None = None) -> _Rows:
    """Return for every row (N,) the length of the hole it lies in, 0 where it was observed.

    Parameters
    ----------
    seen : ndarray of shape (N,), bool
    starts : ndarray of int, optional
        Rows at which a series begins, and a hole of the one before ends.
    """
    begins = ~seen & np.concatenate([[True], seen[:-1]])
    if starts is not None:
        begins[starts] = ~seen[starts]
    holes = np.cumsum(begins)[~seen] - 1
    lengths = np.zeros(len(seen), np.int64)
    lengths[~seen] = np.bincount(holes)[holes]
    return lengths
