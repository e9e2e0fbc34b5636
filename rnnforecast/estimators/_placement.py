"""Where the rows of an X stand on the time axis of a history, and what is known about the rows between.

N rows of history, F known covariates, P past covariates, n rows of X. Rows N, N+1, ... are the steps ahead.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from rnnforecast.estimators._parameters import MAX_STEPS
from rnnforecast.series import Series, calendar_features, index_of, read_future
from rnnforecast.series.clock import Clock
from rnnforecast.series.frequency import is_session
from rnnforecast.series.gaps import mark
from rnnforecast.series.tables import label_text, read_table


@dataclass(frozen=True, eq=False)
class Placement:
    """Rows of X on the axis of a history.

    Attributes
    ----------
    rows : ndarray of shape (n,), int64
        0..N-1 within the history, N and more ahead of it, negative before it.
    ahead : Index of S labels
        Labels of the steps ahead, from row N to the last row of X.
    known : ndarray of shape (n, F)
        Covariates of the rows.
    past : ndarray of shape (n, P) or None
        Past covariates of the rows; None if X has none of them.
    counted : bool
        X had no labels of this axis: its rows were counted from row N.
    """

    rows: NDArray[np.int64]
    ahead: pd.Index
    known: NDArray[np.float64]
    past: NDArray[np.float64] | None
    counted: bool

    def after(self, n_rows: int) -> Placement:
        """Return the placement of the rows of X from row `n_rows` on."""
        late = self.rows >= n_rows
        return replace(
            self, rows=self.rows[late], known=self.known[late], past=None if self.past is None else self.past[late]
        )


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
    ahead = series.clock.future(series.n_rows, 0)
    return Placement(np.empty(0, dtype=np.int64), ahead, np.empty((0, series.known.shape[1])), None, counted=True)


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
    n = series.n_rows
    steps = _steps_ahead(series.clock, on_calendar[on_calendar >= n])
    rows = np.where(on_calendar < n, on_calendar, n + np.searchsorted(steps, on_calendar))
    ahead = series.clock.future(n, int(steps[-1]) + 1 - n if len(steps) else 0)
    if len(ahead) > len(steps):
        ahead = ahead[steps - n]
    return Placement(rows, ahead, known, past, counted=series.clock.restarts(index_of(X)))


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
    n = series.n_rows
    if not len(placement.ahead) or not is_session(series.clock.step):
        return replace(placement, ahead=series.clock.future(n, steps))
    last = int(series.clock.rows(placement.ahead[-1:])[0])
    return replace(placement, ahead=placement.ahead.append(series.clock.future(last + 1, lacking)))


def is_training_data(series: Series, X: Any, placement: Placement) -> bool:
    """Tell whether X holds the very values of the history, row by row.

    Parameters
    ----------
    series : Series
        The history.
    X : frame, Series or array of n rows
        What was placed.
    placement : Placement
        Its place.

    Returns
    -------
    bool
        False when the numbers of rows differ.
    """
    before = series.n_before
    if len(placement.rows) != before + series.n_rows:
        return False
    if series.target_is_x:
        return _same_where_given(mark(read_table(X, "X"), series.missing_values).values[before:], series.target)
    width = series.known.shape[1] - _n_calendar_columns(series)
    same_past = placement.past is None or _same_where_given(placement.past[before:], series.past)
    return same_past and np.array_equal(placement.known[before:, :width], series.known[:, :width])


def laid_over(series: Series, placement: Placement) -> Series:
    """Return the history with the covariates of X in its rows, and known covariates up to the last step ahead.

    Of steps that X leaves out, the calendar is computed and the other known covariates are carried forward.

    Parameters
    ----------
    series : Series
        The history.
    placement : Placement
        Rows of X; those before the history are ignored.

    Returns
    -------
    Series
        Same target; ``known`` has N + S rows.
    """
    n, n_dates = series.n_rows, _n_calendar_columns(series)
    placement = placement.after(0)
    rows = placement.rows
    known = np.zeros((n + len(placement.ahead), series.known.shape[1]))
    width = known.shape[1] - n_dates
    known[:n] = series.known
    if n_dates:
        known[n:, width:] = calendar_features(placement.ahead, series.calendar)[0]
    known[rows] = placement.known
    given = np.arange(len(known)) < n
    given[rows] = True
    latest = np.maximum.accumulate(np.where(given, np.arange(len(known)), 0))
    known[:, :width] = known[latest, :width]
    past = series.past
    inside = rows < n
    if placement.past is not None and inside.any():
        past, values = past.copy(), placement.past[inside]
        past[rows[inside]] = np.where(np.isnan(values), past[rows[inside]], values)
    return replace(series, known=known, past=past)


def whole_history(series: Series, placement: Placement) -> Placement:
    """Return the placement of the same rows on the rows of the history and those left out before it, one to one.

    Parameters
    ----------
    series : Series
        The history, N rows.
    placement : Placement
        Of as many rows.

    Returns
    -------
    Placement
        With no steps ahead.
    """
    before = series.n_before
    rows, known = np.arange(-before, series.n_rows), np.vstack([placement.known[:before], series.known])
    return replace(placement, rows=rows, ahead=placement.ahead[:0], known=known)


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
    n_before = int((placement.rows < -series.n_before).sum())
    if n_before:
        raise ValueError(
            f"{estimator} cannot forecast rows before its training data, which begin at "
            f"{label_text(series.clock.labels, np.array([0]))}, but X has {n_before} of them; "
            "cross-validate with TimeSeriesSplit or RollingOriginSplit, which never test on the past"
        )


def require_covariates(series: Series, placement: Placement, steps: int) -> None:
    """Refuse to forecast steps whose known covariates nobody gave.

    Parameters
    ----------
    series : Series
        The history.
    placement : Placement
        Rows of X.
    steps : int
        Steps to be forecast.

    Raises
    ------
    ValueError
        With the labels of the steps and the names of the columns.
    """
    names = _given_names(series)
    missing = _left_out(series, placement)
    missing = missing[missing < steps]
    if names and len(missing):
        raise ValueError(
            f"X must hold {', '.join(names)} of all {steps} steps to be forecast, but {len(missing)} of them are "
            f"missing ({label_text(placement.ahead, missing)}); pass X with these rows, or name columns "
            "that are not known in advance in past_covariates"
        )


def remarks_on_gaps(series: Series, placement: Placement) -> list[str]:
    """Say which steps ahead X leaves out, and what is assumed of them.

    Parameters
    ----------
    series : Series
        The history.
    placement : Placement
        Rows of X.

    Returns
    -------
    list of str
        One sentence, or none if no step is left out.
    """
    gap = _left_out(series, placement)
    if not len(gap):
        return []
    names = _given_names(series)
    carried = f", with the last known values of {', '.join(names)} carried forward" if names else ""
    return [
        f"X leaves out {len(gap)} steps after {label_text(series.clock.labels, np.array([series.n_rows - 1]))} "
        f"({label_text(placement.ahead, gap)}), which are forecast on the way{carried}; give X the rows between"
    ]


def _same_where_given(values: NDArray[np.float64], filled: NDArray[np.float64]) -> bool:
    """Tell whether values (n, C) are those of a table in which the missing ones have been filled in."""
    return values.shape == filled.shape and bool(((values == filled) | np.isnan(values)).all())


def _n_calendar_columns(series: Series) -> int:
    """Return how many of the last known covariates are made from the labels: a sine and a cosine for each field."""
    return 2 * len(series.calendar)


def _left_out(series: Series, placement: Placement) -> NDArray[np.int64]:
    """Return the (m,) steps ahead that X does not have, counted from 0."""
    return np.setdiff1d(np.arange(len(placement.ahead)), placement.rows - series.n_rows)


def _given_names(series: Series) -> list[str]:
    """Return the names of the known covariates that are not made from the labels."""
    return [str(name) for name in series.known_names[: len(series.known_names) - _n_calendar_columns(series)]]


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
