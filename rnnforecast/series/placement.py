"""From row labels to a clock and row numbers."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from pandas.tseries.offsets import BaseOffset

from rnnforecast.series.clock import Clock
from rnnforecast.series.frequency import infer_frequency, is_session
from rnnforecast.series.labels import checked_index, label_text, require_sorted, step_text
from rnnforecast.series.spans import Spans

_SPARSEST = 10  # rows of grid per row of data; beyond it the labels are not a series with holes


class Placement(NamedTuple):
    """Where the rows of a table go: `order`, (n,) or all as they are, sorts them, `rows` (n,) are those of the series.

    The rows of a single series are those of the clock; `spans` tells where those of a panel are, `ids` what its series
    are called.
    """

    clock: Clock
    order: np.ndarray | slice
    rows: np.ndarray
    spans: Spans
    ids: pd.Index | None = None

    def labels(self) -> pd.Index:
        """Return the labels (n,) of the rows, in order; of a panel with the series' name."""
        if self.ids is None:
            return self.clock.labels if len(self.rows) == len(self.clock) else self.clock.labels[self.rows]
        owner = np.searchsorted(self.spans.starts, self.rows, side="right") - 1
        on_clock = self.rows - self.spans.starts[owner] + self.spans.first[owner]
        return panel_index(self.ids, owner, self.clock.labels, on_clock)


def panel_index(ids: pd.Index, owner: np.ndarray, labels: pd.Index, rows: np.ndarray) -> pd.MultiIndex:
    """Return the labels (n,) of rows that belong to series ``ids[owner]`` and stand at ``labels[rows]``."""
    levels: Any = [ids, labels]
    codes: Any = [owner, rows]
    return pd.MultiIndex(levels=levels, codes=codes, names=[ids.name, labels.name], verify_integrity=False)


def row_labels(clock: Clock, spans: Spans, ids: pd.Index | None) -> pd.Index:
    """Return the labels (N,) of all rows of a series, or of the series `ids` of a panel."""
    if ids is None:
        return clock.labels
    return panel_index(ids, np.repeat(np.arange(len(spans)), spans.lengths), clock.labels, spans.clock_rows())


def read_clock(
    index: pd.Index | None,
    n_rows: int,
    *,
    freq: object = None,
    sort: bool = False,
    longest: int = 0,
    name: str = "y",
) -> Placement:
    """Make the clock of `n_rows` rows labelled by `index`, which may have `longest` rows however few are there."""
    order: np.ndarray | slice = slice(None)
    if index is None:
        if freq is not None:
            raise ValueError(f"freq={freq!r} needs dates, but {name} has no index; pass a Series with a DatetimeIndex")
        return Placement(Clock(pd.RangeIndex(n_rows), 1, positional=True), order, np.arange(n_rows), Spans.one(n_rows))
    index = checked_index(index, name)
    if sort and not index.is_monotonic_increasing:
        order = np.asarray(index.argsort(kind="stable"))
        index = index[order]
    require_sorted(index, name)
    step = infer_frequency(index, freq, name=name)
    if (
        isinstance(index, pd.DatetimeIndex)
        and isinstance(step, BaseOffset)
        and not step.is_on_offset(index[0].tz_localize(None))
    ):
        raise ValueError(
            f"{label_text(index, np.array([0]))} is not on freq={step.freqstr!r}; align the labels of {name} with it"
        )
    first = index[:1] if not isinstance(step, int) else pd.RangeIndex(index[0], index[0] + step, step, name=index.name)
    rows = Clock(first, step).rows(index, name=name)
    require_step(rows, Clock(first, step), name)
    if is_session(step):
        return Placement(Clock(index, step), order, np.arange(n_rows), Spans.one(n_rows))
    length = int(rows[-1]) + 1
    if length > max(_SPARSEST * n_rows, longest):
        raise ValueError(
            f"{name} has only {n_rows} of the {length} rows that a step of {step_text(step)} makes of its span; "
            "resample it to a coarser frequency, or number the rows with reset_index(drop=True)"
        )
    dense = length == n_rows and not isinstance(step, int)
    clock = Clock(index if dense else Clock(first, step).future(0, length), step)
    return Placement(clock, order, rows, Spans.one(length))


def require_step(rows: np.ndarray, clock: Clock, name: str) -> None:
    """Raise when rows (n,) on a clock of given step have a coarser one: what is between them is no holes."""
    if len(rows) < 3 or is_session(clock.step):
        return
    apart = int(np.diff(rows).min())
    if apart > 1:
        raise ValueError(
            f"the rows of {name} are {apart} or more steps of {step_text(clock.step)} apart; "
            "give data of this frequency, or upsample them first and say how to fill what is between"
        )
