"""Where each of several series lies in rows that hold them one after the other.

S series, N rows in all. A single series is a panel of one: it begins at row 0 and has all the rows.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

_Rows = NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Spans:
    """The rows of every series, and its place on the clock they share.

    Attributes
    ----------
    starts : (S,) int64 array
        First row of each series.
    lengths : (S,) int64 array
        Rows of each series.
    first : (S,) int64 array
        The clock's row of the first row of each series.
    members : (S,) int64 array
        Which of the series that a model has learnt from each one is; -1 where it is none of them.
    before : int
        Rows that lie before every series but the first, all like its first row.
    """

    starts: _Rows
    lengths: _Rows
    first: _Rows
    members: _Rows
    before: int = 0

    @classmethod
    def one(cls, n_rows: int) -> Spans:
        """Return the span of a single series."""
        return cls.of(np.array([n_rows]), np.zeros(1, np.int64))

    @classmethod
    def of(cls, lengths: _Rows, first: _Rows) -> Spans:
        """Return series that follow each other directly; each is its own member.

        Parameters
        ----------
        lengths, first : (S,) int64 array
            See the attributes.
        """
        lengths = np.asarray(lengths, np.int64)
        return cls(np.cumsum(lengths) - lengths, lengths, np.asarray(first, np.int64), np.arange(len(lengths)))

    def __len__(self) -> int:
        """Return how many series there are, S."""
        return len(self.starts)

    @property
    def stops(self) -> _Rows:
        """Row after the last one of each series, (S,): the origin of a forecast from its end."""
        return self.starts + self.lengths

    @property
    def ends(self) -> _Rows:
        """The clock's row after the last one of each series, (S,)."""
        return self.first + self.lengths

    def packed(self) -> Spans:
        """Return the same series, following each other directly."""
        return replace(self.of(self.lengths, self.first), members=self.members)

    def spaced(self, before: int, ahead: int) -> Spans:
        """Return the same series with `before` rows before every one but the first and `ahead` rows after each."""
        starts = np.cumsum(self.lengths) - self.lengths + (before + ahead) * np.arange(len(self))
        return replace(self, starts=starts, before=before)

    def owners(self, origins: _Rows) -> _Rows:
        """Return the series (n,) of rows to be forecast, of which each follows a row of its series."""
        return np.searchsorted(self.starts - self.before, origins - 1, side="right") - 1

    def times(self, origins: _Rows) -> _Rows:
        """Return the clock's row (n,) of rows to be forecast, of which each follows a row of its series."""
        owner = self.owners(origins)
        return self.first[owner] + origins - self.starts[owner]

    def of_rows(self, n_rows: int) -> _Rows:
        """Return the series (n_rows,) of every row, those between series included."""
        edges = np.append(self.starts - self.before, n_rows)
        edges[0] = 0
        return np.repeat(np.arange(len(self)), np.diff(edges))

    def begins(self, n_rows: int) -> _Rows:
        """Return the first row of the series (n_rows,) that every row belongs to."""
        return self.starts[self.of_rows(n_rows)]

    def inside(self) -> Any:
        """Return what picks the rows (N,) of all series, one series after the other: of a single one, a slice."""
        if len(self) == 1:
            return slice(int(self.starts[0]), int(self.stops[0]))
        return np.repeat(self.starts, self.lengths) + self.within()

    def within(self) -> _Rows:
        """Return how many rows of its series lie before each row (N,)."""
        return np.arange(self.lengths.sum()) - np.repeat(np.cumsum(self.lengths) - self.lengths, self.lengths)

    def clock_rows(self) -> _Rows:
        """Return the clock's row of each row (N,)."""
        return np.repeat(self.first, self.lengths) + self.within()

    def tail(self, begin: _Rows) -> Spans:
        """Return the same rows without the first `begin` (S,) of every series."""
        starts, lengths, first = self.starts + begin, self.lengths - begin, self.first + begin
        return replace(self, starts=starts, lengths=lengths, first=first)

    def origins(self, lookback: int, horizon: int) -> Origins:
        """Return the origins after which a horizon is known.

        The first `lookback` rows of a series are only looked back on. Of several series those that are too short for
        that still have a window each, which begins before its series does.
        """
        first = np.full(len(self), lookback) if len(self) == 1 else np.clip(self.lengths - horizon, 1, lookback)
        return self.origins_from(first, horizon)

    def origins_from(self, first: _Rows, horizon: int) -> Origins:
        """Return the origins from the row `first` (S,) of each series on after which a horizon is known."""
        return Origins(self.starts + first, np.maximum(self.lengths - horizon - first + 1, 0))


@dataclass(frozen=True, eq=False)
class Origins:
    """Consecutive origins of every series, numbered through.

    Attributes
    ----------
    first : (S,) int64 array
        First origin of each series.
    counts : (S,) int64 array
        Origins of each series; 0 for none.
    """

    first: _Rows
    counts: _Rows

    def __len__(self) -> int:
        """Return how many origins there are."""
        return int(self.counts.sum())

    def at(self, numbers: _Rows) -> _Rows:
        """Return the origins (n,) with these numbers (n,)."""
        if len(self.first) == 1:
            return self.first[0] + numbers
        stops = np.cumsum(self.counts)
        owner = np.searchsorted(stops, numbers, side="right")
        return self.first[owner] + numbers - (stops - self.counts)[owner]
