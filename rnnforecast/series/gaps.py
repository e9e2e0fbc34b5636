"""Values that are not there: found, named by place, and filled only when asked.

Arrays are (N, K), rows in time order on a regular clock, NaN where nothing was observed.
"""

from __future__ import annotations

from collections.abc import Hashable, Sequence

import numpy as np
import pandas as pd

from rnnforecast.series.labels import label_text, names_text

POLICIES = ("error", "interpolate")
_LARGEST = 1e300  # squares and sums of larger numbers leave float64


def require_policy(missing: str) -> None:
    """Raise unless `missing` is a known policy."""
    if missing not in POLICIES:
        raise ValueError(f"missing must be one of {', '.join(map(repr, POLICIES))}, got {missing!r}")


def require_finite(values: np.ndarray, index: pd.Index | None, columns: Sequence[Hashable], name: str) -> None:
    """Raise on infinite values and on magnitudes that overflow when squared; NaN passes."""
    # Not by magnitudes, which would be another copy of the values.
    if max(np.nanmax(values, initial=0.0), -np.nanmin(values, initial=0.0)) <= _LARGEST:
        return
    infinite = np.isinf(values)
    bad = infinite if infinite.any() else np.abs(values) > _LARGEST
    what = "infinity or a value" if infinite.any() else f"a value beyond {_LARGEST:g},"
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
    remedy = f"trim it to rows {begin}:{end}" if trimmed else "fill them or pass missing='interpolate'"
    where = (
        " only at the start and end"
        if begin and end < len(inner)
        else " only at the start"
        if begin
        else " only at the end"
    )
    raise ValueError(f"Input {name} contains NaN{where if trimmed else ''}: {places}; {remedy}")


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
    remedy = f"pass missing='interpolate', or fill them after {name}.asfreq"
    if len(absent) > 1 and absent[-1] - absent[0] == len(absent) - 1:  # one block, as a shuffled or K-fold split leaves
        remedy += "; splits for cross-validation must not cut pieces out: use TimeSeriesSplit"
    elif 5 * len(absent) > len(labels):  # nights, weekends: the axis is another one
        remedy += f"; to step over them, number the rows with {name}.reset_index(drop=True)"
    raise ValueError(
        f"the index of {name} has holes: {len(absent)} of {len(labels)} labels are missing "
        f"(first: {label_text(labels, absent)}); {remedy}"
    )


def spread(values: np.ndarray, rows: np.ndarray, n_rows: int) -> np.ndarray:
    """Put values (n, K) on their rows of a grid (n_rows, K); NaN elsewhere."""
    if len(values) == n_rows:
        return values
    grid = np.full((n_rows, values.shape[1]), np.nan)
    grid[rows] = values
    return grid


def first_complete(target: np.ndarray, index: pd.Index | None, columns: Sequence[Hashable], name: str) -> int:
    """Return the first row by which every column has begun; a column that ends early is an error.

    The forecast starts after the last row, so a missing end cannot be filled without moving the origin.
    """
    absent = np.isnan(target)
    require_some(absent, columns, name)
    ends = len(target) - (~absent)[::-1].argmax(axis=0)
    if (ends < len(target)).any():
        tail = absent & (np.arange(len(target))[:, None] >= ends)
        raise ValueError(
            f"Input {name} contains NaN at its end: {_places(tail, index, columns)}; "
            f"trim it to its first {ends.min()} rows, where the forecast is to start"
        )
    return int((~absent).argmax(axis=0).max())


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
    require_some(absent, columns, name)
    filled, row = values.copy(), np.arange(len(values))
    for column in np.flatnonzero(absent.any(axis=0)):
        gap = absent[:, column]
        there = row[~gap]
        filled[gap, column] = np.interp(row[gap], there, values[~gap, column])
        if starts is not None and len(starts) > 1:
            edges = np.append(starts, len(values))
            owner = np.repeat(np.arange(len(starts)), np.diff(edges))
            before, after = np.searchsorted(there, edges[:-1]), np.searchsorted(there, edges[1:]) - 1
            if (after < before).any():
                empty = "" if ids is None else f" {names_text(ids[after < before])}"
                raise ValueError(
                    f"Input {name} contains NaN: every value in column {columns[int(column)]!r} is missing in the "
                    f"series{empty}; fill them in, drop these series, or the column"
                )
            nearest = np.clip(row, there[before][owner], there[after][owner])
            edge = gap & (nearest != row)
            filled[edge, column] = values[nearest[edge], column]
    return filled


def _places(bad: np.ndarray, index: pd.Index | None, columns: Sequence[Hashable]) -> str:
    """Describe the marked entries of a mask (N, K): how many, the first rows, the first column."""
    rows = np.flatnonzero(bad.any(axis=1))
    text = f"{int(bad.sum())} of {bad.size} values, first at row {label_text(index, rows)}"
    return text if bad.shape[1] == 1 else f"{text} in column {columns[int(bad[rows[0]].argmax())]!r}"
