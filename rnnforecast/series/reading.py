"""From the user's tables to arrays on a clock.

Axes: N rows, K targets, F covariates known in the future, P covariates known up to the forecast origin, S series.
"""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from numbers import Real
from typing import Any

import numpy as np
import pandas as pd

from rnnforecast.series import gaps
from rnnforecast.series.calendar import calendar_features
from rnnforecast.series.clock import Clock
from rnnforecast.series.columns import (
    column_names,
    feature_names,
    require_two_dimensions,
    split_past,
)
from rnnforecast.series.labels import label_text
from rnnforecast.series.panels import begin_of_each, place_panel
from rnnforecast.series.placement import Placement, read_clock, row_labels
from rnnforecast.series.record import Series
from rnnforecast.series.spans import Spans
from rnnforecast.series.statics import split_static, value_of_each
from rnnforecast.series.tables import Table, read_table


def read(
    X: Any,
    y: Any = None,
    *,
    past_covariates: str | Sequence[Hashable] = (),
    static_covariates: str | Sequence[Hashable] = (),
    freq: object = None,
    missing: str = "error",
    missing_values: float | Sequence[float] | None = None,
    calendar: str | Sequence[str] = (),
    sort: bool = False,
) -> Series:
    """Read covariates and target of a series, or of a panel: rows under a MultiIndex (series, time).

    Parameters
    ----------
    X : frame, Series or array of N rows
        One row per time step (and series); the target itself when `y` is None.
    y : Series, frame, sequence or array of N rows, optional
        The target.
    past_covariates : sequence of column labels
        Columns of `X` that are known up to the forecast origin only.
    static_covariates : sequence of column labels
        Columns of `X` with one value for each series of a panel, numbers or categories.
    freq : str or offset, optional
        The step of the index, when its labels do not show it.
    missing : {"error", "mask", "interpolate"}
        What to do about NaN and about holes in a regular index. With "mask" the last value is carried on and marked as
        not observed, and known covariates must be there; with "interpolate" it is a line to the next value.
    missing_values : float, sequence of float or None
        Numbers that stand for a missing value as NaN does, such as -999.
    calendar : sequence of str
        Fields of `calendar_features` to add to the known covariates.
    sort : bool
        Accept rows out of time order and sort them.

    Returns
    -------
    series : Series
        Fresh arrays; the input is neither changed nor referred to.

    Raises
    ------
    TypeError, ValueError
        In one sentence: what was expected, what came, where, and the remedy.
    """
    gaps.require_policy(missing)
    calendar = (calendar,) if isinstance(calendar, str) else tuple(calendar)
    statics = (static_covariates,) if isinstance(static_covariates, str) else tuple(static_covariates)
    X, static = split_static(X, statics)
    sentinels = as_sentinels(missing_values)
    features, target, name = _read_tables(X, y)
    for table in (target,) if features is None else (features, target):
        gaps.mark(table, sentinels)
    index = common_index(features, target, "X", "y")
    if isinstance(index, pd.MultiIndex):
        placement = place_panel(index, freq=freq, sort=sort, holes=missing != "error", name=name)
    else:
        placement = read_clock(index, len(target.values), freq=freq, sort=sort, name=name)
        if missing == "error":
            gaps.require_no_holes(placement.rows, placement.clock.labels, name)
    positions = split_past(features, past_covariates)
    values = _on_clock(target, placement, missing, name)
    covariates = _on_clock(features, placement, missing, "X")
    clock, spans, begin = placement.clock, placement.spans, np.zeros(len(placement.spans), np.int64)
    observed = None
    names = [] if features is None else column_names(features)
    future = [position for position in range(len(names)) if position not in positions]
    if missing != "error":
        if placement.ids is None:
            begin = np.array([gaps.first_row(values, target.columns, name, missing)])
            clock = Clock(clock.labels[begin[0] :], clock.step, clock.positional)
        else:
            begin = begin_of_each(values, placement, target.columns, name, missing)
            gaps.require_some_of_each(np.isnan(covariates), names, "X", spans.starts, placement.ids)
        rows = spans.tail(begin).inside()
        spans = spans.tail(begin).packed() if placement.ids is not None else Spans.one(len(clock))
        values, covariates = values[rows], covariates[rows]
        observed = ~np.isnan(np.hstack([values, covariates[:, list(positions)]]))
        if missing == "mask":
            known_names = [names[position] for position in future]
            gaps.require_known(covariates[:, future], row_labels(clock, spans, placement.ids), known_names, "X")
        values = gaps.filled(values, missing, target.columns, name, spans.starts, placement.ids)
        covariates = gaps.filled(covariates, missing, names, "X", spans.starts, placement.ids)
    dates, date_names = calendar_features(clock.labels, calendar)
    dates = dates if placement.ids is None else dates[spans.clock_rows()]
    return Series(
        clock=clock,
        target=values,
        known=np.hstack([covariates[:, future], dates]),
        past=np.ascontiguousarray(covariates[:, list(positions)]),
        target_names=list(target.columns),
        known_names=[names[position] for position in future] + date_names,
        past_names=[names[position] for position in positions],
        one_dimensional=target.one_dimensional,
        feature_names=feature_names(target if features is None else features),
        n_features=len(target.columns) if features is None else len(names),
        target_is_x=features is None,
        past_positions=positions,
        calendar=calendar,
        missing=missing,
        missing_values=sentinels,
        observed=observed,
        n_before=begin,
        spans=spans,
        ids=placement.ids,
        static=None if static is None else value_of_each(static, placement),
    )


def as_sentinels(missing_values: Any) -> tuple[float, ...]:
    """Return the numbers that stand for a missing value as a tuple."""
    given = () if missing_values is None else np.atleast_1d(np.asarray(missing_values, dtype=object)).tolist()
    if not all(isinstance(number, Real) and not isinstance(number, bool) for number in given):
        raise TypeError(f"missing_values must be a number such as -999, or several, got {missing_values!r}")
    return tuple(float(number) for number in given)


def common_index(features: Table | None, target: Table, features_name: str, target_name: str) -> pd.Index | None:
    """Return the labels of the rows; where both tables have some, they must agree."""
    if features is None:
        return target.index
    lengths = [len(features.values), len(target.values)]
    if lengths[0] != lengths[1]:
        raise ValueError(
            f"Found input variables with inconsistent numbers of samples: {lengths}; "
            f"{features_name} and {target_name} must have one row per time step each"
        )
    if features.index is None or target.index is None:
        return target.index if features.index is None else features.index
    if not features.index.equals(target.index):
        raise ValueError(_difference(features.index, target.index, features_name, target_name))
    return target.index


def _read_tables(X: Any, y: Any) -> tuple[Table | None, Table, str]:
    """Return features (None without y), target, and the argument the target came as."""
    if y is None:
        return None, _read_lone_target(X), "X"
    features = read_table(X, "X")
    require_two_dimensions(features, X)
    target = read_table(y, "y")
    if not target.columns:
        raise ValueError("y must have at least one column, got a frame without columns")
    return features, target, "y"


def _read_lone_target(X: Any) -> Table:
    """Read X as the target: pandas, or a flat sequence. A table of numbers without names could as well be features."""
    target = read_table(X, "X")
    if target.index is None and not target.labelled and not target.one_dimensional:
        raise ValueError(
            "a 2-D array is read as features, which requires y to be passed, but the target y is None; "
            "pass y, or a pandas Series or DataFrame to forecast its columns"
        )
    if not target.columns:
        raise ValueError(
            "a frame without columns has no target and requires y to be passed, but the target y is None; pass y"
        )
    return target


def _on_clock(table: Table | None, placement: Placement, missing: str, name: str) -> np.ndarray:
    """Return the checked values of a table on the rows of the series (N, columns), NaN in their holes."""
    n_rows = int(placement.spans.lengths.sum())
    if table is None:
        return np.empty((n_rows, 0))
    values = table.values[placement.order]
    index = placement.labels()
    gaps.require_finite(values, index, table.columns, name)
    if missing == "error":
        gaps.require_present(values, index, table.columns, name)
    return gaps.spread(values, placement.rows, n_rows)


def _difference(ours: pd.Index, theirs: pd.Index, name: str, other: str) -> str:
    unequal = [position for position, pair in enumerate(zip(ours, theirs, strict=True)) if pair[0] != pair[1]]
    place = np.array(unequal[:1] or [0])
    return (
        f"{name} and {other} must have the same index, but row {place[0]} is {label_text(ours, place)} in {name} "
        f"and {label_text(theirs, place)} in {other}; align them with {name}.reindex({other}.index)"
    )
