"""The time axis: which row carries which label, within the data and beyond it.

Hours and finer are physical time and counted in UTC: a change of the clocks makes neither a hole nor a duplicate. Days
and coarser are calendar time: labels keep their time on the wall. Dates are only ever compared and divided as pandas
objects; their integer views change meaning with the resolution (ns before pandas 3, us after).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, cast

import numpy as np
import pandas as pd
from pandas.tseries.offsets import BaseOffset

from rnnforecast.series.frequency import is_absolute, is_session, span_of
from rnnforecast.series.labels import checked_index, kind_text, label_text, require_sorted, step_text
from rnnforecast.series.wall import localised, wall_time


@dataclass(frozen=True, eq=False)
class Clock:
    """The time axis of a series: rows 0..N-1 are observed, and the axis continues on both sides.

    Attributes
    ----------
    labels : DatetimeIndex, PeriodIndex or RangeIndex of N labels
        The labels of the observed rows, holes of a regular frequency filled.
    step : offset or int
        The step between rows. On business days rows are the observed sessions, and the axis goes on with all weekdays.
    positional : bool
        The data came without labels; rows are numbered.
    """

    labels: pd.Index
    step: BaseOffset | int
    positional: bool = False

    def __len__(self) -> int:
        return len(self.labels)

    def future(self, first: int, count: int) -> pd.Index:
        """Return the labels of rows ``first .. first + count - 1``, observed or beyond the end."""
        if first < 0 or count < 0:
            raise ValueError(f"rows are counted from 0, got first={first}, count={count}")
        labels, stop = self.labels, first + count
        if isinstance(labels, pd.RangeIndex):
            start, step = labels.start, labels.step
            return pd.RangeIndex(start + step * first, start + step * stop, step, name=labels.name)
        if isinstance(labels, pd.PeriodIndex):
            numbers = _ordinals(labels[:1])[0] + _width(labels) * np.arange(first, stop, dtype=np.int64)
            return cast("Any", pd.PeriodIndex).from_ordinals(numbers, freq=labels.freq, name=labels.name)
        dates, offset, n = cast("pd.DatetimeIndex", labels), cast("BaseOffset", self.step), len(labels)
        tail = _dates(dates, offset, max(stop - n, 0))
        joined = dates[min(first, n) : min(stop, n)].append(tail[max(first - n, 0) :]).rename(dates.name)
        try:
            return pd.DatetimeIndex(joined, freq=offset)
        except Exception:  # holidays; a time the zone skips or repeats, for which pandas 2 raises pytz's own errors
            return joined

    def rows(self, index: pd.Index, *, name: str = "X") -> np.ndarray:
        """Return the row number of every label.

        Parameters
        ----------
        index : Index of n labels
            Sorted labels of the clock's kind.
        name : str
            The argument's name in messages.

        Returns
        -------
        rows : (n,) int64 array
            0..N-1 for observed labels, N and more beyond the end, negative before the start.

        Raises
        ------
        ValueError
            Another kind, another time zone, unsorted or repeated labels, labels between the rows.
        """
        index = checked_index(index, name)
        require_sorted(index, name)
        self._require_same_kind(index)
        if len(index) == 0:
            return np.empty(0, dtype=np.int64)
        try:
            rows, off = self._located(index)
        except pd.errors.OutOfBoundsDatetime:
            raise ValueError(
                f"the labels of {name} reach beyond the dates that the resolution of the series' index can hold; "
                "fit with the coarser index.as_unit('us')"
            ) from None
        if off.any():
            start = label_text(self.labels, np.array([0]))
            raise ValueError(
                f"{label_text(index, np.flatnonzero(off), 1)} is not on the time axis of the series, which begins at "
                f"{start} and has the step {step_text(self.step)}; align the labels with it"
            )
        return rows

    def extended(self, index: pd.Index, *, name: str = "y_new") -> Clock:
        """Return the clock with the labels of `index` observed as well; they must continue it without a hole."""
        n = len(self)
        rows = self.rows(index, name=name)
        follows = np.array_equal(rows, np.arange(n, n + len(rows)))
        if is_session(self.step) and (rows >= n).all():
            dates = cast("pd.DatetimeIndex", self.labels)
            new = cast("pd.DatetimeIndex", index).as_unit(dates.unit)
            return Clock(dates.append(new).rename(dates.name), self.step)
        if not follows:
            raise ValueError(
                f"new rows must continue the series at {label_text(self.future(n, 1), np.array([0]))}, "
                f"got {label_text(index, np.arange(len(index)))}; pass the rows after its end, all of them and once"
            )
        if isinstance(self.labels, pd.RangeIndex):
            return Clock(self.future(0, n + len(rows)), self.step, self.positional)
        return Clock(self.labels.append(self.future(n, len(rows))), self.step)

    def restarts(self, index: pd.Index | None) -> bool:
        """Tell whether labels only count rows and say nothing of this axis.

        True without an index, on a positional clock, and for integers 0, 1, 2, ... unless this clock counts from
        somewhere else, so that they lie before its start: what ``reset_index`` leaves.
        """
        if index is None or self.positional:
            return True
        if not pd.api.types.is_integer_dtype(index.dtype) or not np.array_equal(index, np.arange(len(index))):
            return False
        return not isinstance(self.labels, pd.RangeIndex) or self.labels.start == 0

    def head(self, n: int) -> Clock:
        """Return the clock of the first `n` rows."""
        return Clock(self.labels[:n], self.step, self.positional)

    def _require_same_kind(self, index: pd.Index) -> None:
        mine = self.labels
        if kind_text(index) != kind_text(mine):
            kinds = f"{kind_text(mine)}, got {kind_text(index)}"
            raise ValueError(f"the series is labelled by {kinds}; give all rows the same kind of index")
        if isinstance(mine, pd.PeriodIndex) and isinstance(index, pd.PeriodIndex) and index.dtype != mine.dtype:
            frequencies = f"{mine.freqstr!r}, got {index.freqstr!r}"
            raise ValueError(f"the series has periods of frequency {frequencies}; convert them with asfreq")
        if isinstance(mine, pd.DatetimeIndex) and isinstance(index, pd.DatetimeIndex) and str(index.tz) != str(mine.tz):
            remedy = "tz_localize" if index.tz is None or mine.tz is None else "tz_convert"
            zones = f"{mine.tz}, got {index.tz}"
            raise ValueError(f"the series has time zone {zones}; convert the labels with {remedy}")

    def _located(self, index: pd.Index) -> tuple[np.ndarray, np.ndarray]:
        """Return row numbers (n,) int64 and a mask (n,) of the labels that lie between rows."""
        labels = self.labels
        if isinstance(labels, pd.RangeIndex):
            rows, rest = np.divmod(index.to_numpy(np.int64) - labels.start, labels.step)
            return rows, rest != 0
        if isinstance(labels, pd.PeriodIndex):
            rows, rest = np.divmod(_ordinals(index) - _ordinals(labels[:1])[0], _width(labels))
            return rows, rest != 0
        dates, asked = cast("pd.DatetimeIndex", labels), cast("pd.DatetimeIndex", index)
        step = cast("BaseOffset", self.step)
        if is_absolute(step):
            since = asked - dates[0]
            # As arrays: the remainder of pandas takes several copies of a series of millions of rows.
            rows, rest = np.divmod(since.to_numpy(), span_of(step).as_unit(since.unit).to_timedelta64())
            return rows, rest != np.timedelta64(0)
        return _looked_up(asked, dates, step)


def _looked_up(index: pd.DatetimeIndex, labels: pd.DatetimeIndex, step: BaseOffset) -> tuple[np.ndarray, np.ndarray]:
    """Locate calendar labels by writing out the axis as far as they reach, in the time of the clock on the wall."""
    asked, wall, unit = index.tz_localize(None), wall_time(labels), labels.unit
    head, tail = wall[:0], wall[:0]
    if asked[0] < wall[0]:
        # Counted back from the first label: a step of several days must keep its phase.
        count = len(pd.date_range(asked[0], wall[0], freq=step, unit=unit))
        head = pd.date_range(end=wall[0], periods=count + 1, freq=step, unit=unit)
        head = head[head < wall[0]]
    if asked[-1] > wall[-1]:
        tail = pd.date_range(wall[-1], asked[-1], freq=step, unit=unit)[1:]
    axis = cast("pd.DatetimeIndex", head.append(wall).append(tail))
    places = localised(axis, labels.tz).tz_localize(None).get_indexer(asked)
    return places.astype(np.int64) - len(head), places < 0


def _dates(labels: pd.DatetimeIndex, step: BaseOffset, count: int) -> pd.DatetimeIndex:
    """Return `count` labels after the last one."""
    span: dict[str, Any] = {"periods": count + 1, "freq": step, "unit": labels.unit}
    if not is_absolute(step):
        return localised(pd.date_range(wall_time(labels)[-1], **span)[1:], labels.tz)
    if labels.tz is None:
        return pd.date_range(labels[-1], **span)[1:]
    return pd.date_range(labels[-1].tz_convert("UTC"), **span)[1:].tz_convert(labels.tz)


def _ordinals(periods: pd.Index) -> np.ndarray:
    """Return the numbers of periods, (n,) int64, in units of their base frequency."""
    return periods.astype(np.int64).to_numpy()


def _width(periods: pd.PeriodIndex) -> int:
    """Return how many base periods lie between two rows: 2 for "2M"."""
    return cast("BaseOffset", periods.freq).n
