"""Panels: many series under a MultiIndex (series, time), placed on one clock without a loop over them.

S series, n rows as they came, N rows of the series with their holes.
"""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from typing import Any, cast

import numpy as np
import pandas as pd

from rnnforecast.series import gaps
from rnnforecast.series.labels import is_wall_time, kind_text, label_text, names_text
from rnnforecast.series.placement import Placement, panel_index, read_clock
from rnnforecast.series.spans import Spans

_LONGEST_CLOCK = 1_000_000  # rows between the first and the last of all series, of which none need be in between


def from_long(data: pd.DataFrame, id: Hashable, time: Hashable, target: Any = None) -> tuple[pd.DataFrame, Any]:
    """Turn a long table, a row for each series and time, into what forecasters are fitted on.

    Parameters
    ----------
    data : DataFrame
        Rows in any order of the series; those of a series in time order.
    id, time : column labels
        Which column names the series, and which holds its time stamps, periods or numbers.
    target : column label or list of them, optional
        What is forecast; by default all columns that are left.

    Returns
    -------
    X : DataFrame
        The other columns, under a MultiIndex (series, time); perhaps none.
    y : Series or DataFrame
        The target under the same index; a frame if `target` is a list or left out.

    Raises
    ------
    TypeError
        `data` is no DataFrame.
    ValueError
        A column that is not there, or is asked for twice.

    Examples
    --------
    >>> import pandas as pd
    >>> from rnnforecast import from_long
    >>> sales = pd.DataFrame({"shop": ["a", "a", "b"], "day": [1, 2, 1], "sold": [3.0, 4.0, 9.0]})
    >>> X, y = from_long(sales, id="shop", time="day", target="sold")
    >>> y.loc["a"].to_list()
    [3.0, 4.0]
    """
    if not isinstance(data, pd.DataFrame):
        raise TypeError(
            f"from_long needs a DataFrame with a column of names and one of times, got {type(data).__name__}"
        )
    keys = [id, time]
    targets = [column for column in data.columns if column not in keys] if target is None else target
    listed = list(targets) if isinstance(targets, list | tuple | pd.Index) else [targets]
    for column in [*keys, *listed]:
        if column not in data.columns:
            raise ValueError(f"from_long needs a column {column!r}, got {list(data.columns)}; name one of these")
    if len({*keys, *listed}) < len(keys) + len(listed):
        raise ValueError(f"id, time and target must be different columns, got {keys + listed}")
    table = data.set_index(keys)
    y = table[listed] if isinstance(targets, list | tuple | pd.Index) else table[targets]
    return table.drop(columns=listed), y


def place_panel(index: pd.MultiIndex, *, freq: object, sort: bool, holes: bool, name: str) -> Placement:
    """Place the rows of a panel: series by series in the order of their names, on the clock of all times.

    Parameters
    ----------
    index : MultiIndex of n labels
        Series and time; the rows of the series may be mixed, those of each must be in time order unless `sort`.
    freq : str, offset or None
        As for a single series.
    sort : bool
        Put the rows of each series in time order.
    holes : bool
        Whether rows may be missing between others of a series.
    name : str
        The argument's name in messages.

    Raises
    ------
    ValueError
        Names or times that are missing, repeated, of mixed kinds or out of order; holes.
    """
    owner, ids, stamps, times = split_levels(index, name)
    try:
        on_clock = read_clock(times, len(times), freq=freq, longest=_LONGEST_CLOCK, name=name)
    except ValueError as error:
        raise ValueError(f"the series of {name} must share a time axis: {error}") from error
    rows = on_clock.rows[stamps]
    order = np.lexsort((rows, owner)) if sort else np.argsort(owner, kind="stable")
    owner, rows = owner[order], rows[order]
    begin = np.flatnonzero(np.diff(owner, prepend=-1))
    require_increasing(owner, rows, panel_index(ids, owner, on_clock.clock.labels, rows), name)
    first, last = rows[begin], rows[np.append(begin[1:], len(rows)) - 1]
    spans = Spans.of(last - first + 1, first)
    placed = Placement(on_clock.clock, order, spans.starts[owner] + rows - first[owner], spans, ids)
    if not holes and len(rows) < spans.lengths.sum():
        raise ValueError(_holes(placed, name))
    return placed


def split_levels(index: pd.MultiIndex, name: str) -> tuple[np.ndarray, pd.Index, np.ndarray, pd.Index]:
    """Return series numbers (n,), their names (S,), positions in time (n,), and the times (T,), names and times sorted.

    Raises
    ------
    ValueError
        Not two levels, missing labels, names of mixed kinds, times that are no time axis.
    """
    if index.nlevels != 2:
        raise ValueError(
            f"the MultiIndex of {name} must have two levels, series and time, got {index.nlevels} "
            f"({', '.join(map(repr, index.names))}); join the levels that name the series into one"
        )
    numbers, stamps = (np.asarray(codes) for codes in index.codes)
    for codes, labels, what in (
        (numbers, index.levels[0], "the name of the series"),
        (stamps, index.levels[1], "the time"),
    ):
        absent = codes < 0
        if labels.hasnans:  # as pd.concat leaves them
            absent |= labels.isna()[codes]
        if absent.any():
            rows = np.flatnonzero(absent)
            raise ValueError(
                f"the MultiIndex of {name} has NaN for {what} in {len(rows)} rows (first: row {rows[0]}); drop them"
            )
    ids, owner = _used(index.levels[0], numbers)
    kind = ids.inferred_type
    if kind.startswith("mixed"):
        kinds = sorted({type(label).__name__ for label in ids})
        raise ValueError(
            f"the series of {name} must have names that are all strings, or all numbers, or all dates, got "
            f"{' and '.join(kinds)}; convert them, for instance with {name}.rename(index=str, level=0)"
        )
    times, stamps = _used(index.levels[1], stamps)
    if _dated(ids) and not _dated(times):
        raise ValueError(
            f"the MultiIndex of {name} must have the levels series and time, got {kind_text(ids)} and "
            f"{kind_text(times)}; if they are the other way round, use {name}.swaplevel(), and if the series are "
            f"called by dates, {name}.rename(index=str, level=0)"
        )
    if not isinstance(times, pd.DatetimeIndex | pd.PeriodIndex) and not pd.api.types.is_integer_dtype(times.dtype):
        raise ValueError(
            f"the second level of the MultiIndex of {name} must hold dates, periods or integers, got "
            f"{kind_text(times)}; convert it with pd.to_datetime"
        )
    return owner, ids, stamps, times


def require_increasing(owner: np.ndarray, rows: np.ndarray, labels: pd.Index, name: str) -> None:
    """Raise where a series repeats a row, or has one after a later one; `owner`, sorted, and `rows` are (n,)."""
    wrong = np.flatnonzero((np.diff(owner) == 0) & (np.diff(rows) <= 0)) + 1
    if not len(wrong):
        return
    order = np.lexsort((rows, owner))
    repeated = np.sort(order[1:][(np.diff(owner[order]) == 0) & (np.diff(rows[order]) == 0)])
    if len(repeated):
        local = ""
        if is_wall_time(labels.get_level_values(1)):
            local = (
                "if a local clock was set back, localise each series with tz_localize(zone, ambiguous='infer'), else "
            )
        raise ValueError(
            f"the index of {name} repeats {len(repeated)} labels of series and time (first: "
            f"{label_text(labels, repeated)}); {local}keep one row for each, for instance with "
            f"{name}.groupby(level=[0, 1]).mean()"
        )
    raise ValueError(
        f"the rows of each series of {name} must be in time order, but {label_text(labels, wrong[:1])} comes after "
        f"{label_text(labels, wrong[:1] - 1)}; use {name}.sort_index()"
    )


def begin_of_each(
    values: np.ndarray, placement: Placement, columns: Sequence[Hashable], name: str, missing: str
) -> np.ndarray:
    """Return by how many rows (S,) each series has to be cut at its start, as `rnnforecast.series.gaps.first_row` does.

    Raises
    ------
    ValueError
        Series without any value in a column.
    """
    spans, ids = placement.spans, cast("pd.Index", placement.ids)
    present, rows = ~np.isnan(values), np.arange(len(values))[:, None]
    first = np.minimum.reduceat(np.where(present, rows, len(values)), spans.starts)
    gaps.require_some_of_each(~present, columns, name, spans.starts, ids)
    return (first.min(axis=1) if missing == "mask" else first.max(axis=1)) - spans.starts


def _used(level: pd.Index, codes: np.ndarray) -> tuple[pd.Index, np.ndarray]:
    """Return the labels of a level that occur, sorted, and which of them each row (n,) has."""
    present = np.bincount(codes, minlength=len(level)) > 0
    labels = level[present]
    number = np.cumsum(present) - 1
    if not labels.is_monotonic_increasing:
        try:
            ranks = np.asarray(labels.argsort())
        except TypeError:  # labels of several kinds have no order; the caller says so
            return labels, number[codes]
        labels = labels[ranks]
        place = np.empty(len(ranks), np.int64)
        place[ranks] = np.arange(len(ranks))
        return labels, place[number[codes]]
    return labels, number[codes]


def _dated(labels: pd.Index) -> bool:
    return isinstance(labels, pd.DatetimeIndex | pd.PeriodIndex)


def _holes(placed: Placement, name: str) -> str:
    """Say which series have holes, and where the first ones are."""
    spans, ids = placed.spans, cast("pd.Index", placed.ids)
    absent = np.setdiff1d(np.arange(spans.lengths.sum()), placed.rows)
    owner = np.searchsorted(spans.starts, absent, side="right") - 1
    labels = placed._replace(rows=absent[:3]).labels()
    return (
        f"{len(absent)} rows are missing within the series {names_text(ids[np.unique(owner)])} of {name} "
        f"(first: {label_text(labels, np.arange(len(labels)))}), which share a step of "
        f"{placed.clock.step if isinstance(placed.clock.step, int) else placed.clock.step.freqstr!r}; "
        "pass missing='interpolate' or 'mask', or fill them"
    )
