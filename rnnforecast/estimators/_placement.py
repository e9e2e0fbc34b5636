"""Where the rows of an X stand on the time axis of a history.

S series of N rows each, F known covariates, P past covariates, n rows of X. Rows N, N+1, ... of a series are its steps
ahead.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from rnnforecast.estimators._parameters import MAX_STEPS
from rnnforecast.series import Series, index_of, read_future
from rnnforecast.series.clock import Clock
from rnnforecast.series.continuation import owners_of
from rnnforecast.series.frequency import is_session
from rnnforecast.series.labels import label_text
from rnnforecast.series.placement import panel_index


@dataclass(frozen=True, eq=False)
class Placement:
    """Rows of X on the axis of a history.

    Attributes
    ----------
    owner : ndarray of shape (n,), int64
        Which series each row belongs to.
    rows : ndarray of shape (n,), int64
        0..N-1 within the series, N and more ahead of it, negative before it.
    ahead : Index of labels
        Labels of the time axis behind the clock, to the last row of X.
    known : ndarray of shape (n, F)
        Covariates of the rows.
    past : ndarray of shape (n, P) or None
        Past covariates of the rows; None if X has none of them.
    counted : bool
        X had no labels of this axis: its rows were counted from row N.
    """

    owner: NDArray[np.int64]
    rows: NDArray[np.int64]
    ahead: pd.Index
    known: NDArray[np.float64]
    past: NDArray[np.float64] | None
    counted: bool

    def of(self, chosen: NDArray[np.bool_]) -> Placement:
        """Return the placement of the rows of X that are `chosen` (n,)."""
        return replace(
            self,
            owner=self.owner[chosen],
            rows=self.rows[chosen],
            known=self.known[chosen],
            past=None if self.past is None else self.past[chosen],
        )

    def steps(self, series: Series) -> NDArray[np.int64]:
        """Return how many steps ahead of its series each row is, (n,), from 0; negative within the series."""
        return self.rows - series.spans.lengths[self.owner]


def nowhere(series: Series) -> Placement:
    """Return the placement of no rows.

    Parameters
    ----------
    series : Series
        The history.

    Returns
    -------
    Placement
        With no steps ahead.
    """
    ahead, none = series.clock.future(len(series.clock), 0), np.empty(0, dtype=np.int64)
    return Placement(none, none, ahead, np.empty((0, series.known.shape[1])), None, counted=True)


def place(series: Series, X: Any, *, estimator: str) -> Placement:
    """Find the rows of X on the axis of a history.

    Parameters
    ----------
    series : Series
        The history.
    X : frame, Series or array of n rows
        The columns of fit.
    estimator : str
        Name for messages.

    Returns
    -------
    Placement
        Rows before the history have negative numbers.

    Raises
    ------
    TypeError, ValueError
        Whatever `rnnforecast.series.read_future` refuses.
    """
    on_calendar, known, past = read_future(series, X, estimator=estimator)
    index = index_of(X)
    owner = np.zeros(len(on_calendar), np.int64) if series.ids is None else owners_of(series, index)
    n = len(series.clock)
    steps = _steps_ahead(series.clock, np.unique(on_calendar[on_calendar >= n]))
    on_axis = np.where(on_calendar < n, on_calendar, n + np.searchsorted(steps, on_calendar))
    ahead = series.clock.future(n, int(steps[-1]) + 1 - n if len(steps) else 0)
    if len(ahead) > len(steps):
        ahead = ahead[steps - n]
    rows = on_axis - series.spans.first[owner]
    return Placement(owner, rows, ahead, known, past, counted=series.ids is None and series.clock.restarts(index))


def reaching(series: Series, placement: Placement, steps: int) -> Placement:
    """Return the placement with at least so many steps ahead.

    Parameters
    ----------
    series : Series
        The history.
    placement : Placement
        Its place.
    steps : int
        Steps ahead that are needed.

    Returns
    -------
    Placement
        Holidays of trading days stay left out where X left them out.
    """
    lacking = steps - len(placement.ahead)
    if lacking <= 0:
        return placement
    n = len(series.clock)
    if not len(placement.ahead) or not is_session(series.clock.step):
        return replace(placement, ahead=series.clock.future(n, steps))
    last = int(series.clock.rows(placement.ahead[-1:])[0])
    return replace(placement, ahead=placement.ahead.append(series.clock.future(last + 1, lacking)))


def axis(series: Series, placement: Placement, first: int, stop: int) -> pd.Index:
    """Return the labels of rows `first` to ``stop - 1`` of the time axis that all series share.

    Parameters
    ----------
    series : Series
        The history.
    placement : Placement
        Which labels the axis has behind the clock.
    first, stop : int
        Rows, within the clock or as far behind it as the placement reaches.
    """
    n = len(series.clock)
    behind = placement.ahead[max(first - n, 0) : max(stop - n, 0)]
    if first >= n:
        return behind
    observed = series.clock.labels[first:stop]
    return observed.append(behind) if len(behind) else observed


def labels_ahead(series: Series, placement: Placement, steps: int) -> pd.Index:
    """Return the labels of the steps ahead: of a panel, those of its first series, then of the second, and so on.

    Parameters
    ----------
    series : Series
        The history.
    placement : Placement
        Which labels the axis has behind the clock.
    steps : int
        Steps ahead of every series.
    """
    ends = series.spans.ends
    if series.ids is None:
        return placement.ahead if len(placement.ahead) == steps else placement.ahead[:steps]
    first = int(ends.min())
    labels = axis(series, placement, first, int(ends.max()) + steps)
    rows = (ends[:, None] - first + np.arange(steps)).ravel()
    return panel_index(series.ids, np.arange(len(ends)).repeat(steps), labels, rows)


def require_not_before(series: Series, placement: Placement, *, estimator: str) -> None:
    """Refuse rows before the history, but for those left out because the target had not begun.

    Parameters
    ----------
    series : Series
        The history.
    placement : Placement
        Rows of X.
    estimator : str
        Name for messages.

    Raises
    ------
    ValueError
        There are such rows.
    """
    wrong = placement.rows < -series.n_before[placement.owner]
    if wrong.any():
        first = np.flatnonzero(wrong)[0]
        begin = label_text(series.clock.labels, series.spans.first[placement.owner[first : first + 1]])
        of = "" if series.ids is None else f" for the series {series.ids[placement.owner[first]]!r}"
        raise ValueError(
            f"{estimator} cannot forecast rows before its training data, which begin at {begin}{of}, but X has "
            f"{int(wrong.sum())} of them; "
            "cross-validate with TimeSeriesSplit or RollingOriginSplit, which never test on the past"
        )


def _steps_ahead(clock: Clock, rows: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return the calendar's rows that are steps ahead, given the ones X has.

    On trading days the calendar ahead knows no holidays: where X leaves out no more weekdays in a row than the history
    once did (at least one), they are holidays and no steps.
    """
    n = len(clock)
    if len(rows) == 0:
        return np.empty(0, dtype=np.int64)
    if rows[-1] - n >= MAX_STEPS:
        raise ValueError(
            f"X must not reach further than {MAX_STEPS} steps ahead, but its last row is {rows[-1] - n + 1} steps ahead"
        )
    steps = np.arange(n, rows[-1] + 1)
    if not is_session(clock.step):
        return steps
    closure = max(1, longest_closure(clock.labels)[0])
    before = np.concatenate([[n - 1], rows[:-1]])
    is_step = np.ones(len(steps), dtype=bool)
    for last, following in zip(before, rows, strict=True):
        if following - last - 1 <= closure:
            is_step[last + 1 - n : following - n] = False
    return steps[is_step]


def longest_closure(labels: pd.Index) -> tuple[int, int]:
    """Return the most weekdays in a row that are not among the labels of trading days, and the row before them."""
    days = pd.DatetimeIndex(labels).tz_localize(None).to_numpy().astype("datetime64[D]")
    between = np.busday_count(days[:-1], days[1:]) - 1
    return (int(between.max()), int(between.argmax())) if len(between) else (0, 0)
