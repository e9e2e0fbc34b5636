"""What is known of covariates, in the history and of the steps ahead, once the rows of an X are placed.

S series of N rows each, F known covariates, P past covariates, n rows of X. Rows N, N+1, ... of a series are its steps
ahead.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rnnforecast.estimators._placement import Placement, axis, reaching
from rnnforecast.series import Series, calendar_features
from rnnforecast.series.gaps import mark
from rnnforecast.series.labels import label_text
from rnnforecast.series.placement import panel_index
from rnnforecast.series.tables import read_table


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
    before = int(series.n_before[0])
    if len(placement.rows) != before + series.n_rows:
        return False
    if series.target_is_x:
        return _same_where_given(mark(read_table(X, "X"), series.missing_values).values[before:], series.target)
    width = series.known.shape[1] - _n_calendar_columns(series)
    same_past = placement.past is None or _same_where_given(placement.past[before:], series.past)
    return same_past and np.array_equal(placement.known[before:, :width], series.known[:, :width])


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
    before = int(series.n_before[0])
    rows, known = np.arange(-before, series.n_rows), np.vstack([placement.known[:before], series.known])
    return replace(placement, owner=np.zeros_like(rows), rows=rows, ahead=placement.ahead[:0], known=known)


def laid_over(series: Series, placement: Placement, steps: int, before: int, room: int) -> Series:
    """Return the history with the covariates of X in its rows, and known covariates of the steps ahead.

    Of steps that X leaves out, the calendar is computed and the other known covariates are carried forward.

    Parameters
    ----------
    series : Series
        The history.
    placement : Placement
        Rows of X; those before the history are ignored.
    steps : int
        Steps ahead of every series.
    before : int
        Rows that a forecast reads before its origin.
    room : int
        Further rows after each series, which repeat the last step: whole horizons are forecast at once.

    Returns
    -------
    Series
        Spaced; ``known`` has so many rows after every series.
    """
    spans, n_dates = series.spans, _n_calendar_columns(series)
    placement = placement.of(placement.rows >= 0)
    ahead = placement.steps(series)
    inside, later = ahead < 0, (ahead >= 0) & (ahead < steps)
    places = spans.starts[placement.owner] + placement.rows
    known, past = series.known, series.past
    if inside.any() and known.shape[1]:
        known = known.copy()
        known[places[inside]] = placement.known[inside]
    if placement.past is not None and inside.any():
        past, values = past.copy(), placement.past[inside]
        past[places[inside]] = np.where(np.isnan(values), past[places[inside]], values)
    future = np.repeat(known[spans.stops - 1][:, None], steps + room, axis=1)
    width = future.shape[2] - n_dates
    future[placement.owner[later], ahead[later]] = placement.known[later]
    given = np.zeros((len(spans), steps + room), dtype=bool)
    given[placement.owner[later], ahead[later]] = True
    latest = np.maximum.accumulate(np.where(given, np.arange(steps + room), -1), axis=1)
    carried = np.take_along_axis(future, np.maximum(latest, 0)[:, :, None], axis=1)
    future[:, :, :width] = np.where(latest[:, :, None] >= 0, carried, future)[:, :, :width]
    if n_dates and steps:
        first = int(spans.ends.min())
        dates = calendar_features(axis(series, placement, first, int(spans.ends.max()) + steps), series.calendar)[0]
        future[:, :steps, width:] = dates[spans.ends[:, None] - first + np.arange(steps)]
        future[:, steps:, width:] = future[:, steps - 1 : steps, width:]
    return replace(series, known=known, past=past).spaced(before, steps + room, future)


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
    missing = np.argwhere(~_given(series, placement, np.full(len(series.spans), steps)))
    if names and len(missing):
        each = "all" if series.ids is None else "each series in all"
        raise ValueError(
            f"X must hold {', '.join(names)} of {each} {steps} steps to be forecast, but {len(missing)} of them are "
            f"missing ({_step_text(series, placement, missing)}); pass X with these rows, or name columns "
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
    asked = np.zeros(len(series.spans), np.int64)
    np.maximum.at(asked, placement.owner, placement.steps(series) + 1)
    gap = np.argwhere(~_given(series, placement, asked))
    if not len(gap):
        return []
    names = _given_names(series)
    carried = f", with the last known values of {', '.join(names)} carried forward" if names else ""
    last = label_text(series.clock.labels, series.spans.ends[gap[:1, 0]] - 1)
    return [
        f"X leaves out {len(gap)} steps after {last} ({_step_text(series, placement, gap)}), which are forecast on "
        f"the way{carried}; give X the rows between"
    ]


def _same_where_given(values: NDArray[np.float64], filled: NDArray[np.float64]) -> bool:
    """Tell whether values (n, C) are those of a table in which the missing ones have been filled in."""
    return values.shape == filled.shape and bool(((values == filled) | np.isnan(values)).all())


def _n_calendar_columns(series: Series) -> int:
    """Return how many of the last known covariates are made from the labels: a sine and a cosine for each field."""
    return 2 * len(series.calendar)


def _given(series: Series, placement: Placement, steps: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Tell which of the first `steps` (S,) steps ahead of each series X has, (S, most steps); others count as given."""
    given = np.arange(steps.max(initial=0)) >= steps[:, None]
    ahead = placement.steps(series)
    rows = (ahead >= 0) & (ahead < given.shape[1])
    given[placement.owner[rows], ahead[rows]] = True
    return given


def _step_text(series: Series, placement: Placement, steps: NDArray[np.int64]) -> str:
    """Write steps (m, 2), series and step each, for a message."""
    rows = series.spans.ends[steps[:, 0]] + steps[:, 1]
    first, stop = int(rows.min()), int(rows.max()) + 1
    labels = axis(series, reaching(series, placement, stop - len(series.clock)), first, stop)
    if series.ids is None:
        return label_text(labels, rows - first)
    return label_text(panel_index(series.ids, steps[:, 0], labels, rows - first), np.arange(len(rows)))


def _given_names(series: Series) -> list[str]:
    """Return the names of the known covariates that are not made from the labels."""
    return [str(name) for name in series.known_names[: len(series.known_names) - _n_calendar_columns(series)]]
