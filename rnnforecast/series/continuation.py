"""Rows that come after a series was read: covariates of the rows to forecast, and further observations.

Axes: N rows so far, n later rows, K targets, F covariates known in the future, P covariates known up to the forecast
origin.
"""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd

from rnnforecast.series import gaps
from rnnforecast.series.calendar import calendar_features
from rnnforecast.series.clock import Clock
from rnnforecast.series.columns import matched, require_count, require_two_dimensions
from rnnforecast.series.frequency import is_session
from rnnforecast.series.placement import require_step
from rnnforecast.series.reading import Series, common_index
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
    estimator : str
        Its name in messages.

    Returns
    -------
    rows : (n,) int64 array
        Row numbers on the clock; rows without labels of this clock (`Clock.restarts`) are the next n.
    known : (n, F) float64 array
        Covariates, the calendar's columns last.
    past : (n, P) float64 array or None
        Past covariates as they came, NaN included; None if X has none of them.

    Raises
    ------
    TypeError, ValueError
        Missing or extra columns, missing values, labels that are not on the clock.
    """
    table = gaps.mark(read_table(X, "X"), series.missing_values)
    n, first = len(table.values), series.n_rows
    index = None if series.clock.restarts(table.index) else table.index
    rows = first + np.arange(n, dtype=np.int64) if index is None else series.clock.rows(index)
    if series.target_is_x:
        if table.columns:
            require_count(table, series.n_features, estimator)
        covariates, past = np.empty((n, 0)), None
    else:
        require_two_dimensions(table, X)
        covariates, past = _covariates(series, table, estimator)
        names = series.known_names[: covariates.shape[1]]
        _check(covariates, table.index, names, "X", series.missing)
        if series.missing == "mask":
            gaps.require_known(covariates, table.index, names, "X")
        covariates = gaps.interpolate(covariates, names, "X")
    if not series.calendar:
        return rows, covariates, past
    dates, _ = calendar_features(series.clock.future(first, n) if index is None else index, series.calendar)
    return rows, np.hstack([covariates, dates]), past


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
    target = gaps.mark(read_table(y_new, "y_new"), series.missing_values)
    features = None
    if X_new is not None:
        if series.target_is_x:
            raise ValueError("X_new must be None for a series that was read without covariates, pass y_new alone")
        features = gaps.mark(read_table(X_new, "X_new"), series.missing_values)
        require_two_dimensions(features, X_new)
    elif series.n_features and not series.target_is_x:
        raise ValueError(f"X_new must hold the covariates of y_new ({', '.join(_feature_names(series))}), got None")
    index = common_index(features, target, "X_new", "y_new")
    clock, rows = _continued(series, index, len(target.values))
    grid = (rows - series.n_rows, len(clock) - series.n_rows)

    values = target.values[:, _target_columns(series, target)]
    _check(values, index, series.target_names, "y_new", series.missing)
    values = gaps.spread(values, *grid)
    dates, date_names = calendar_features(clock.labels[series.n_rows :], series.calendar)
    known_names = series.known_names[: len(series.known_names) - len(date_names)]
    known, past = np.empty((grid[1], 0)), np.empty((grid[1], 0))
    if features is not None:
        read_known, read_past = _covariates(series, features, "Forecaster")
        if read_past is None and series.past_names:
            raise ValueError(f"X_new must hold the past covariates {', '.join(series.past_names)}, some are missing")
        _check(read_known, index, known_names, "X_new", series.missing)
        known = gaps.spread(read_known, *grid)
        if series.missing == "mask":
            gaps.require_known(known, clock.labels[series.n_rows :], known_names, "X_new")
        before = series.known[-1:, : len(known_names)]  # the near side of a gap
        known = gaps.interpolate(np.vstack([before, known]), known_names, "X_new")[1:]
        if read_past is not None:
            _check(read_past, index, series.past_names, "X_new", series.missing)
            past = gaps.spread(read_past, *grid)
    targets, pasts, observed = _joined(series, values, past)
    return replace(
        series,
        clock=clock,
        target=targets,
        known=np.vstack([series.known, np.hstack([known, dates])]),
        past=pasts,
        observed=observed,
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


def like(series: Series, other: Series, argument: str) -> Series:
    """Return other data with the targets in the order of a series, having checked that its columns are the same.

    Parameters
    ----------
    series, other : Series
    argument : str
        Where the other data came from, in messages.

    Raises
    ------
    ValueError
        Other columns.
    """
    for what, got, expected in (
        ("target columns", other.target.shape[1], series.target.shape[1]),
        ("known covariates", other.known_names, series.known_names),
        ("past covariates", other.past_names, series.past_names),
    ):
        if got != expected:
            raise ValueError(
                f"{argument} must have the {what} of the training data, {_words(expected)}, got {_words(got)}; "
                "give it as X and y were given to fit, covariates as a tuple (X, y)"
            )
    columns = columns_of_targets(series, other.target_names, argument)
    observed = other.observed
    if observed is not None:
        observed = np.hstack([observed[:, columns], observed[:, len(columns) :]])
    names = [other.target_names[column] for column in columns]
    return replace(other, target=other.target[:, columns], observed=observed, target_names=names)


def _words(value: Any) -> str:
    return ", ".join(map(str, value)) or "none" if isinstance(value, list) else str(value)


def _check(values: np.ndarray, index: pd.Index | None, names: Sequence[Hashable], argument: str, missing: str) -> None:
    """Raise on infinite values (n, K), and on missing ones if they are errors."""
    gaps.require_finite(values, index, names, argument)
    if missing == "error":
        gaps.require_present(values, index, names, argument)


def _joined(series: Series, target: np.ndarray, past: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray | None]:
    """Return targets (N + n, K) and past covariates (N + n, P), NaN of new rows filled, and which were observed.

    What was filled at the end of the series is filled again, for now it is known how the hole ends.
    """
    if series.observed is None:
        return np.vstack([series.target, target]), np.vstack([series.past, past]), None
    whole = np.flatnonzero(series.observed.all(axis=1))
    begin = int(whole[-1]) if len(whole) else 0
    observed = np.vstack([series.observed, ~np.isnan(np.hstack([target, past]))])
    tail = np.hstack([np.vstack([series.target[begin:], target]), np.vstack([series.past[begin:], past])])
    names = [*series.target_names, *series.past_names]
    tail = gaps.filled(np.where(observed[begin:], tail, np.nan), series.missing, names, "y_new")
    new_target, new_past = np.hsplit(tail, [target.shape[1]])
    return np.vstack([series.target[:begin], new_target]), np.vstack([series.past[:begin], new_past]), observed


def _covariates(series: Series, table: Table, estimator: str) -> tuple[np.ndarray, np.ndarray | None]:
    """Return the known covariates (n, F without calendar) and the past ones (n, P), None unless all are there."""
    positions = matched(table, series.feature_names, series.n_features, series.past_positions, estimator)
    future = [place for at, place in enumerate(positions) if at not in series.past_positions and place is not None]
    taken = [place for place in (positions[at] for at in series.past_positions) if place is not None]
    complete = bool(taken) and len(taken) == len(series.past_positions)
    return table.values[:, future], table.values[:, taken] if complete else None


def _continued(series: Series, index: pd.Index | None, n: int) -> tuple[Clock, np.ndarray]:
    """Return the longer clock and the rows (n,) of the new observations on it."""
    clock, first = series.clock, series.n_rows
    if index is None or clock.positional:
        return clock.extended(clock.future(first, n)), first + np.arange(n)
    rows = clock.rows(index, name="y_new")
    require_step(rows, clock, "y_new")
    if series.missing != "error" and rows[0] >= first and not is_session(clock.step):
        if rows[0] - first > first:
            raise ValueError(
                f"y_new begins {rows[0] - first} rows after the series ends, which has only {first} rows itself; "
                "pass the rows between, or fit again on the new ones"
            )
        return clock.extended(clock.future(first, int(rows[-1]) + 1 - first)), rows
    return clock.extended(index), first + np.arange(n)


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
