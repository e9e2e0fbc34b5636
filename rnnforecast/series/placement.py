"""From row labels to a clock and row numbers."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import pandas as pd
from pandas.tseries.offsets import BaseOffset

from rnnforecast.series.clock import Clock
from rnnforecast.series.frequency import infer_frequency, is_session
from rnnforecast.series.labels import checked_index, label_text, require_sorted, step_text

_SPARSEST = 10  # rows of grid per row of data; beyond it the labels are not a series with holes


class Placement(NamedTuple):
    """Where the rows of a table go: `order` (n,) sorts them, `rows` (n,) are their rows on `clock`."""

    clock: Clock
    order: np.ndarray
    rows: np.ndarray


def read_clock(
    index: pd.Index | None, n_rows: int, *, freq: object = None, sort: bool = False, name: str = "y"
) -> Placement:
    """Make the clock of `n_rows` rows labelled by `index`."""
    order = np.arange(n_rows)
    if index is None:
        if freq is not None:
            raise ValueError(f"freq={freq!r} needs dates, but {name} has no index; pass a Series with a DatetimeIndex")
        return Placement(Clock(pd.RangeIndex(n_rows), 1, positional=True), order, order)
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
        return Placement(Clock(index, step), order, np.arange(n_rows))
    length = int(rows[-1]) + 1
    if length > _SPARSEST * n_rows:
        raise ValueError(
            f"{name} has only {n_rows} of the {length} rows that a step of {step_text(step)} makes of its span; "
            "resample it to a coarser frequency, or number the rows with reset_index(drop=True)"
        )
    dense = length == n_rows and not isinstance(step, int)
    clock = Clock(index if dense else Clock(first, step).future(0, length), step)
    return Placement(clock, order, rows)


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
