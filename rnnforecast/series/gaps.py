"""Values that are not there: found, named by place, and filled only when asked.

Arrays are (N, K), rows in time order on a regular clock, NaN where nothing was observed.
"""

from __future__ import annotations

from collections.abc import Hashable, Sequence

import numpy as np
import pandas as pd

from rnnforecast.series.labels import label_text, names_text
from rnnforecast.series.tables import Table

POLICIES = ("error", "mask", "interpolate")
LARGEST = 1e300  # squares and sums of larger numbers leave float64


def require_policy(missing: str) -> None:
    """Raise unless `missing` is a known policy."""
    if missing not in POLICIES:
        raise ValueError(f"missing must be one of {', '.join(map(repr, POLICIES))}, got {missing!r}")


def require_finite(values: np.ndarray, index: pd.Index | None, columns: Sequence[Hashable], name: str) -> None:
    """Raise on infinite values and on magnitudes that overflow when squared; NaN passes."""
    # Not by magnitudes, which would be another copy of the values.
    if max(np.nanmax(values, initial=0.0), -np.nanmin(values, initial=0.0)) <= LARGEST:
        return
    infinite = np.isinf(values)
    bad = infinite if infinite.any() else np.abs(values) > LARGEST
    what = "infinity or a value" if infinite.any() else f"a value beyond {LARGEST:g},"
    raise ValueError(
        f"Input {name} contains {what} too large for dtype('float64'): {_places(bad, index, columns)}; "
        "replace such values with NaN, or rescale them"
    )


def require_present(values: np.ndarray, index: pd.Index | None, columns: Sequence[Hashable], name: str) -> None:
    """Raise on NaN, with the place and the remedy that fits it."""
    absent = np.isnan(values)
    if not absent.any():
        return
    places = _places(absent, index, columns)
    require_some(absent, columns, name)
    inner = ~absent.any(axis=1)
    begin, end = int(inner.argmax()), len(inner) - int(inner[::-1].argmax())
    trimmed = inner.any() and inner[begin:end].all() and not isinstance(index, pd.MultiIndex)
    remedy = f"trim it to rows {begin}:{end}" if trimmed else "fill them or pass missing='interpolate' or 'mask'"
    where = (
        " only at the start and end"
        if begin and end < len(inner)
        else " only at the start"
        if begin
        else " only at the end"
    )
    raise ValueError(f"Input {name} contains NaN{where if trimmed else ''}: {places}; {remedy}")


def require_known(values: np.ndarray, labels: pd.Index | None, columns: Sequence[Hashable], name: str) -> None:
    """Raise on NaN in covariates (N, F) that are known in advance: to mask them would be to know them no more."""
    absent = np.isnan(values)
    if absent.any():
        raise ValueError(
            f"{name} must hold every value of the covariates that are known in advance, but it lacks "
            f"{_places(absent, labels, columns)}; fill them, or name the columns in past_covariates"
        )


def require_some(absent: np.ndarray, columns: Sequence[Hashable], name: str) -> None:
    """Raise when a column of the mask `absent` (N, K) leaves no value at all."""
    empty = np.flatnonzero(absent.all(axis=0))
    if len(empty):
        column = "" if absent.shape[1] == 1 else f" in column {columns[empty[0]]!r}"
        raise ValueError(
            f"Input {name} contains NaN: every value{column} is missing; drop the column or check how it was read"
        )


def require_no_holes(rows: np.ndarray, labels: pd.Index, name: str) -> None:
    """Raise when the rows (n,) do not cover the clock's labels (N,)."""
    if len(rows) == len(labels):
        return
    absent = np.setdiff1d(np.arange(len(labels)), rows)
    remedy = f"pass missing='interpolate' or 'mask', or fill them after {name}.asfreq"
    if len(absent) > 1 and absent[-1] - absent[0] == len(absent) - 1:  # one block, as a shuffled or K-fold split leaves
        remedy += "; splits for cross-validation must not cut pieces out: use TimeSeriesSplit"
    elif 5 * len(absent) > len(labels):  # nights, weekends: the axis is another one
        remedy += f"; to step over them, number the rows with {name}.reset_index(drop=True)"
    raise ValueError(
        f"the index of {name} has holes: {len(absent)} of {len(labels)} labels are missing "
        f"(first: {label_text(labels, absent)}); {remedy}"
    )


def mark(table: Table, missing_values: Sequence[float]) -> Table:
    """Return the table with NaN in place of the numbers that stand for a missing value."""
    if len(missing_values):
        table.values[np.isin(table.values, missing_values)] = np.nan  # a table's values are its own
    return table


def spread(values: np.ndarray, rows: np.ndarray, n_rows: int) -> np.ndarray:
    """Put values (n, K) on their rows of a grid (n_rows, K); NaN elsewhere."""
    if len(values) == n_rows:
        return values
    grid = np.full((n_rows, values.shape[1]), np.nan)
    grid[rows] = values
    return grid


def first_row(target: np.ndarray, columns: Sequence[Hashable], name: str, missing: str) -> int:
    """Return the row from which a target (N, K) is read: where every column has begun, with a mask where any has."""
    absent = np.isnan(target)
    require_some(absent, columns, name)
    begins = (~absent).argmax(axis=0)
    return int(begins.min() if missing == "mask" else begins.max())


def filled(
    values: np.ndarray,
    missing: str,
    columns: Sequence[Hashable],
    name: str,
    starts: np.ndarray | None = None,
    ids: pd.Index | None = None,
) -> np.ndarray:
    """Return values (N, K) without NaN, as the policy `missing` has it; `starts` and `ids` as in `interpolate`."""
    fill = interpolate if missing == "interpolate" else carried
    return fill(values, columns, name, starts, ids)


def carried(
    values: np.ndarray,
    columns: Sequence[Hashable],
    name: str,
    starts: np.ndarray | None = None,
    ids: pd.Index | None = None,
) -> np.ndarray:
    """Fill NaN with the last value before, at the start with the first one; the input is left alone.

    Unlike an interpolation, a row then shows nothing of later ones. `starts` and `ids` as in `interpolate`.
    """
    absent = np.isnan(values)
    if not absent.any():
        return values
    starts = np.zeros(1, np.int64) if starts is None else starts
    require_some_of_each(absent, columns, name, starts, ids)
    row = np.arange(len(values))[:, None]
    owner = np.searchsorted(starts, row[:, 0], side="right") - 1
    first = np.minimum.reduceat(np.where(absent, len(values), row), starts)[owner]
    # Rows of a series are larger than those of the ones before it: the latest of these never gets past its start.
    latest = np.maximum.accumulate(np.where(absent, starts[owner][:, None], row), axis=0)
    return np.take_along_axis(values, np.maximum(latest, first), axis=0)


def interpolate(
    values: np.ndarray,
    columns: Sequence[Hashable],
    name: str,
    starts: np.ndarray | None = None,
    ids: pd.Index | None = None,
) -> np.ndarray:
    """Fill NaN linearly between rows, and with the nearest value at the ends; the input is left alone.

    `starts` (S,) are the first rows of series that follow each other, called `ids`; none is filled from another one.
    """
    absent = np.isnan(values)
    if not absent.any():
        return values
    starts = np.zeros(1, np.int64) if starts is None else starts
    require_some_of_each(absent, columns, name, starts, ids)
    filled = values.copy()
    for column in np.flatnonzero(absent.any(axis=0)):
        filled[:, column] = line(values[:, column], ~absent[:, column], starts)
    return filled


def line(values: np.ndarray, known: np.ndarray, starts: np.ndarray) -> np.ndarray:
    """Return values (N,) with lines through holes, the nearest value at the ends; a series of none keeps what it has.

    Parameters
    ----------
    values : (N,) array
    known : (N,) bool array
        False in holes.
    starts : (S,) int array
        First rows of series that follow each other; the first one is 0.
    """
    row, there = np.arange(len(values)), np.flatnonzero(known)
    if not len(there):
        return values
    filled = np.where(known, values, np.interp(row, there, values[there]))
    if len(starts) == 1:
        return filled
    edges = np.append(starts, len(values))
    before, after = np.searchsorted(there, edges[:-1]), np.searchsorted(there, edges[1:]) - 1
    empty = after < before
    lowest, highest = np.where(empty, 0, there[before * ~empty]), np.where(empty, len(values), there[after * ~empty])
    owner = np.repeat(np.arange(len(starts)), np.diff(edges))
    nearest = np.clip(row, lowest[owner], highest[owner])
    return np.where(known | ((nearest == row) & ~empty[owner]), filled, values[nearest])


def require_some_of_each(
    absent: np.ndarray, columns: Sequence[Hashable], name: str, starts: np.ndarray, ids: pd.Index | None = None
) -> None:
    """Raise when a column of the mask `absent` (N, K) leaves no value of a series, whose first rows are `starts`."""
    require_some(absent, columns, name)
    empty = np.logical_and.reduceat(absent, starts)
    if empty.any():
        column = int(empty.any(axis=0).argmax())
        which = "a series" if ids is None else f"the series {names_text(ids[empty[:, column]])}"
        raise ValueError(
            f"Input {name} contains NaN: every value in column {columns[column]!r} is missing in {which}; "
            "fill them in, drop these series, or the column"
        )


def _places(bad: np.ndarray, index: pd.Index | None, columns: Sequence[Hashable]) -> str:
    """Describe the marked entries of a mask (N, K): how many, the first rows, the first column."""
    rows = np.flatnonzero(bad.any(axis=1))
    text = f"{int(bad.sum())} of {bad.size} values, first at row {label_text(index, rows)}"
    return text if bad.shape[1] == 1 else f"{text} in column {columns[int(bad[rows[0]].argmax())]!r}"
