"""Rows that come after a series was read: covariates of the rows to forecast, and further observations.

Axes: N rows so far, n later rows, K targets, F covariates known in the future, P covariates known up to the forecast
origin, S series.
"""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import replace
from typing import Any, cast

import numpy as np
import pandas as pd

from rnnforecast.series import gaps
from rnnforecast.series.calendar import calendar_features
from rnnforecast.series.clock import Clock
from rnnforecast.series.columns import matched, require_count, require_two_dimensions
from rnnforecast.series.frequency import is_session
from rnnforecast.series.labels import label_text, names_text
from rnnforecast.series.panels import require_increasing, split_levels
from rnnforecast.series.reading import common_index
from rnnforecast.series.record import Series
from rnnforecast.series.spans import Spans
from rnnforecast.series.statics import without_static
from rnnforecast.series.tables import Table, read_table


def read_future(
    series: Series, X: Any, *, estimator: str = "Forecaster"
) -> tuple[np.ndarray, np.ndarray, np.ndarray | None]:
    """Read rows to be forecast, within the series or after it.

    Parameters
    ----------
    series : Series
        What the forecaster was fitted on.
    X : frame, Series or array of n rows
        The columns of fit; those of past covariates may be absent. For a series read without y only the labels count.
        The rows of a panel need a MultiIndex (series, time).
    estimator : str
        Its name in messages.

    Returns
    -------
    rows : (n,) int64 array
        Row numbers on the clock; rows without labels of this clock (`Clock.restarts`) are the next n. Which series
        they belong to tells `owners_of`.
    known : (n, F) float64 array
        Covariates, the calendar's columns last.
    past : (n, P) float64 array or None
        Past covariates as they came, NaN included; None if X has none of them.

    Raises
    ------
    TypeError, ValueError
        Missing or extra columns, missing values, labels that are not on the clock.
    """
    table = read_table(without_static(X, series.static), "X")
    rows, times = _located(series, table)
    if series.target_is_x:
        if table.columns:
            require_count(table, series.n_features, estimator)
        covariates, past = np.empty((len(table.values), 0)), None
    else:
        require_two_dimensions(table, X)
        covariates, past = _covariates(series, table, estimator)
        names = series.known_names[: covariates.shape[1]]
        _check(covariates, table.index, names, "X", series.missing)
        covariates = gaps.interpolate(covariates, names, "X")
    if not series.calendar:
        return rows, covariates, past
    dates, _ = calendar_features(times, series.calendar)
    return rows, np.hstack([covariates, dates]), past


def owners_of(series: Series, index: pd.Index | None, name: str = "X") -> np.ndarray:
    """Return which series (n,) each row belongs to.

    Raises
    ------
    ValueError
        Rows of a panel without a MultiIndex (series, time), or of series that it does not have.
    """
    if series.ids is None:
        return np.zeros(0 if index is None else len(index), np.int64)
    if not isinstance(index, pd.MultiIndex) or index.nlevels != 2:
        raise ValueError(
            f"{name} must have a MultiIndex (series, time), as the panel had that was fitted; in a Pipeline keep it "
            'with set_output(transform="pandas")'
        )
    places = series.ids.get_indexer(index.levels[0])
    owner = places[index.codes[0]]
    if (owner < 0).any():
        strange = index.levels[0][np.unique(index.codes[0][owner < 0])]
        raise ValueError(
            f"{name} has series that were not in the data of fit: {names_text(strange)}; give their past as history= "
            "to forecast, or fit again"
        )
    return owner


def read_more(series: Series, y_new: Any, X_new: Any = None) -> Series:
    """Append observations that follow the series directly.

    Parameters
    ----------
    series : Series of N rows
        What is known so far.
    y_new : Series, frame, sequence or array of n rows
        The next observations; without an index they are the next n rows.
    X_new : frame, Series or array of n rows, optional
        Their covariates, all columns of fit.

    Returns
    -------
    series : Series of N + n rows
        More, if holes were filled. The given series is left as it is.

    Raises
    ------
    TypeError, ValueError
        The rows do not follow, or their columns are not those of the series.
    """
    target = read_table(y_new, "y_new")
    features = None
    if X_new is not None:
        if series.target_is_x:
            raise ValueError("X_new must be None for a series that was read without covariates, pass y_new alone")
        features = read_table(without_static(X_new, series.static), "X_new")
        require_two_dimensions(features, X_new)
    elif series.n_features and not series.target_is_x:
        raise ValueError(f"X_new must hold the covariates of y_new ({', '.join(_feature_names(series))}), got None")
    index = common_index(features, target, "X_new", "y_new")
    clock, owner, rows = _continued(series, index, len(target.values))
    spans, old, new = _longer(series, owner, rows)

    def joined(before: np.ndarray, values: np.ndarray, names: Sequence[Hashable], argument: str) -> np.ndarray:
        """Return rows so far and new ones (n, C) together, holes filled."""
        _check(values, index, names, argument, series.missing)
        table = np.full((int(spans.lengths.sum()), values.shape[1]), np.nan)
        table[old], table[new] = before, values
        return table if series.missing == "error" else gaps.interpolate(table, names, argument, spans.starts)

    values = target.values[:, _target_columns(series, target)]
    if series.missing == "interpolate":
        _require_ends(values, owner, rows, series, clock, index)
    n_known = len(series.known_names) - 2 * len(series.calendar)
    read_known, read_past = np.empty((len(values), 0)), None
    if features is not None:
        read_known, read_past = _covariates(series, features, "Forecaster")
    if read_past is None and series.past_names:
        raise ValueError(f"X_new must hold the past covariates {', '.join(series.past_names)}, some are missing")
    known = joined(series.known[:, :n_known], read_known, series.known_names[:n_known], "X_new")
    past = np.empty((len(values), 0)) if read_past is None else read_past
    return replace(
        series,
        clock=clock,
        target=joined(series.target, values, series.target_names, "y_new"),
        known=np.hstack([known, _longer_dates(series, clock, spans, old)]),
        past=joined(series.past, past, series.past_names, "X_new"),
        spans=replace(spans, members=series.spans.members),
    )


def columns_of_targets(series: Series, names: Sequence[Hashable], argument: str) -> list[int]:
    """Find the targets of a series among the columns of other data: by name where the names are the same.

    Parameters
    ----------
    series : Series
        K targets.
    names : sequence of labels
        The columns of the other data.
    argument : str
        What holds them, in messages.

    Returns
    -------
    columns : list of K int
        Columns with other names are taken in their order.

    Raises
    ------
    ValueError
        More or fewer columns than targets, or some of the names at other places beside names that are unknown.
    """
    mine, names = series.target_names, list(names)
    if len(names) != len(mine):
        raise ValueError(f"{argument} must have {len(mine)} columns, one per target, got {len(names)}")
    if len(names) > 1 and set(names) == set(mine):
        return [names.index(name) for name in mine]
    moved = [name for place, name in enumerate(names) if name in mine and mine[place] != name]
    if moved:
        raise ValueError(
            f"{argument} must have the columns {mine}, got {names}, where {moved[0]!r} is at another place; "
            "give it the same columns, or rename them"
        )
    return list(range(len(names)))


def _check(values: np.ndarray, index: pd.Index | None, names: Sequence[Hashable], argument: str, missing: str) -> None:
    """Raise on infinite values (n, K), and on missing ones if they are errors."""
    gaps.require_finite(values, index, names, argument)
    if missing == "error":
        gaps.require_present(values, index, names, argument)


def _covariates(series: Series, table: Table, estimator: str) -> tuple[np.ndarray, np.ndarray | None]:
    """Return the known covariates (n, F without calendar) and the past ones (n, P), None unless all are there."""
    positions = matched(table, series.feature_names, series.n_features, series.past_positions, estimator)
    future = [place for at, place in enumerate(positions) if at not in series.past_positions and place is not None]
    taken = [place for place in (positions[at] for at in series.past_positions) if place is not None]
    complete = bool(taken) and len(taken) == len(series.past_positions)
    return table.values[:, future], table.values[:, taken] if complete else None


def locate(series: Series, index: pd.Index, name: str = "X") -> tuple[np.ndarray, np.ndarray]:
    """Return series (n,) and row of it (n,) of labels; rows after its end are counted on, those before it negative.

    Parameters
    ----------
    series : Series
        What has been read.
    index : Index of n labels
        Of a panel, a MultiIndex (series, time).
    name : str
        The argument's name in messages.

    Raises
    ------
    ValueError
        Labels that are not on the clock, series that are not in the panel.
    """
    owner = owners_of(series, index, name)
    if series.ids is None:
        return owner, series.clock.rows(index, name=name)
    _, _, stamps, times = split_levels(cast("pd.MultiIndex", index), name)
    return owner, series.clock.rows(times, name=name)[stamps] - series.spans.first[owner]


def _located(series: Series, table: Table) -> tuple[np.ndarray, pd.Index]:
    """Return rows of the clock and labels (n,) of the rows of X, in the order in which they came."""
    clock, n, first = series.clock, len(table.values), series.n_rows
    if series.ids is not None:
        owner = owners_of(series, table.index)
        _, _, stamps, times = split_levels(cast("pd.MultiIndex", table.index), "X")
        rows = clock.rows(times)[stamps]
        order = np.argsort(owner, kind="stable")
        require_increasing(owner[order], rows[order], cast("pd.Index", table.index)[order], "X")
        return rows, times[stamps]
    if table.index is None or clock.restarts(table.index):
        return first + np.arange(n, dtype=np.int64), clock.future(first, n)
    return clock.rows(table.index), table.index


def _continued(series: Series, index: pd.Index | None, n: int) -> tuple[Clock, np.ndarray, np.ndarray]:
    """Return the longer clock, and series and row on it (n,) of the new observations."""
    clock, first = series.clock, series.n_rows
    if series.ids is not None:
        return _panel_continued(series, index)
    owner = np.zeros(n, np.int64)
    if index is None or clock.positional:
        return clock.extended(clock.future(first, n)), owner, first + np.arange(n)
    rows = clock.rows(index, name="y_new")
    if series.missing == "interpolate" and rows[0] >= first and not is_session(clock.step):
        return clock.extended(clock.future(first, int(rows[-1]) + 1 - first)), owner, rows
    return clock.extended(index), owner, first + np.arange(n)


def _panel_continued(series: Series, index: pd.Index | None) -> tuple[Clock, np.ndarray, np.ndarray]:
    """Return the longer clock, and series and row on it (n,) of new rows that follow each its own series."""
    clock, ids = series.clock, cast("pd.Index", series.ids)
    owner = owners_of(series, index, "y_new")
    _, _, stamps, times = split_levels(cast("pd.MultiIndex", index), "y_new")
    places, n = clock.rows(times, name="y_new"), len(clock)
    later = places >= n
    if later.any() and is_session(clock.step):  # the calendar ahead knows no holidays: what is there took place
        places[later] = n + np.arange(later.sum())
        clock = clock.extended(times[later], name="y_new")
    elif later.any():
        clock = clock.extended(clock.future(n, int(places[-1]) + 1 - n))
    rows = places[stamps]
    order = np.argsort(owner, kind="stable")
    require_increasing(owner[order], rows[order], cast("pd.Index", index)[order], "y_new")
    given = np.unique(owner)
    firsts, lasts, counts = np.full(len(ids), np.iinfo(np.int64).max), np.zeros(len(ids), np.int64), np.bincount(owner)
    np.minimum.at(firsts, owner, rows)
    np.maximum.at(lasts, owner, rows)
    ends, firsts, lasts, counts = series.spans.ends[given], firsts[given], lasts[given], counts[given]
    wrong = firsts < ends
    if series.missing == "error" or is_session(clock.step):
        wrong |= lasts + 1 - ends != counts
    if wrong.any():
        one = given[wrong][0]
        expected = label_text(clock.future(int(series.spans.ends[one]), 1), np.array([0]))
        raise ValueError(
            f"new rows must continue each series, but those of {names_text(ids[given[wrong]])} do not: {ids[one]!r} "
            f"goes on at {expected}, got {label_text(index, np.flatnonzero(owner == one)[:1])}; pass the rows after "
            "the end of each series, all of them and once"
        )
    return clock, owner, rows


def _longer(series: Series, owner: np.ndarray, rows: np.ndarray) -> tuple[Spans, Any, np.ndarray]:
    """Return spans with the new rows (n,) of the clock, and what picks the old and the new rows in them."""
    before = series.spans
    ends = before.ends.copy()
    np.maximum.at(ends, owner, rows + 1)
    spans = Spans.of(ends - before.first, before.first)
    old = replace(spans, lengths=before.lengths).inside()
    return spans, old, spans.starts[owner] + rows - spans.first[owner]


def _longer_dates(series: Series, clock: Clock, spans: Spans, old: Any) -> np.ndarray:
    """Return the calendar's columns of all rows; those of the `old` rows are there, and are the last of `known`."""
    n_rows, n_dates = int(spans.lengths.sum()), 2 * len(series.calendar)
    if not n_dates:
        return np.empty((n_rows, 0))
    dates, added = np.empty((n_rows, n_dates)), np.ones(n_rows, dtype=bool)
    dates[old], added[old] = series.known[:, series.known.shape[1] - n_dates :], False
    rows = spans.clock_rows()[added]
    first = int(rows.min())
    dates[added] = calendar_features(clock.labels[first : int(rows.max()) + 1], series.calendar)[0][rows - first]
    return dates


def _require_ends(
    values: np.ndarray, owner: np.ndarray, rows: np.ndarray, series: Series, clock: Clock, index: pd.Index | None
) -> None:
    """Raise where the last new row of a series, from which forecasts start, has no value."""
    if series.ids is None:
        n = series.n_rows
        grid = gaps.spread(values, rows - n, len(clock) - n)
        gaps.first_complete(grid, clock.labels[n:], series.target_names, "y_new")
        return
    order = np.lexsort((rows, owner))
    last = order[np.flatnonzero(np.diff(owner[order], append=-1))]
    gaps.require_present(values[last], cast("pd.Index", index)[last], series.target_names, "y_new")


def _target_columns(series: Series, table: Table) -> list[int]:
    """Find the target's columns in a table of new observations: by name if it has the names, else by position."""
    if len(table.columns) != len(series.target_names):
        raise ValueError(
            f"y_new must have {len(series.target_names)} columns, one per target, got {len(table.columns)}"
        )
    if table.one_dimensional or not table.labelled:
        return list(range(len(table.columns)))
    if set(table.columns) != set(series.target_names):
        raise ValueError(f"y_new must have the columns {series.target_names}, got {table.columns}; rename them")
    return [table.columns.index(name) for name in series.target_names]


def _feature_names(series: Series) -> list[str]:
    """Return the columns of X, for a message."""
    return series.feature_names or [f"x{position}" for position in range(series.n_features)]
