"""Values that are not there: found, named by place, and filled only when asked.

Arrays are (N, K), rows in time order on a regular clock, NaN where nothing was observed.
"""

from __future__ import annotations

from collections.abc import Hashable, Sequence

import numpy as np
import pandas as pd

from rnnforecast.series.labels import label_text
from rnnforecast.series.tables import Table

POLICIES = ("error", "mask", "interpolate")
_LARGEST = 1e300  # squares and sums of larger numbers leave float64


def require_policy(missing: str) -> None:
    """Raise unless `missing` is a known policy."""
    if missing not in POLICIES:
        raise ValueError(f"missing must be one of {', '.join(map(repr, POLICIES))}, got {missing!r}")


def require_finite(values: np.ndarray, index: pd.Index | None, columns: Sequence[Hashable], name: str) -> None:
    """Raise on infinite values and on magnitudes that overflow when squared; NaN passes."""
    if values.size == 0 or (np.nanmax(np.abs(values), initial=0.0) <= _LARGEST):
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
    trimmed = inner.any() and inner[begin:end].all()
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


def filled(values: np.ndarray, missing: str, columns: Sequence[Hashable], name: str) -> np.ndarray:
    """Return values (N, K) without NaN, as the policy `missing` has it."""
    return interpolate(values, columns, name) if missing == "interpolate" else carried(values, columns, name)


def carried(values: np.ndarray, columns: Sequence[Hashable], name: str) -> np.ndarray:
    """Fill NaN with the last value before, at the start with the first one; the input is left alone.

    Unlike an interpolation, a row then shows nothing of later ones.
    """
    absent = np.isnan(values)
    if not absent.any():
        return values
    require_some(absent, columns, name)
    latest = np.maximum.accumulate(np.where(absent, 0, np.arange(len(values))[:, None]), axis=0)
    return np.take_along_axis(values, np.maximum(latest, (~absent).argmax(axis=0)), axis=0)


def interpolate(values: np.ndarray, columns: Sequence[Hashable], name: str) -> np.ndarray:
    """Fill NaN linearly between rows, and with the nearest value at the ends; the input is left alone."""
    absent = np.isnan(values)
    if not absent.any():
        return values
    require_some(absent, columns, name)
    filled, row = values.copy(), np.arange(len(values))
    for column in np.flatnonzero(absent.any(axis=0)):
        gap = absent[:, column]
        filled[gap, column] = np.interp(row[gap], row[~gap], values[~gap, column])
    return filled


def _places(bad: np.ndarray, index: pd.Index | None, columns: Sequence[Hashable]) -> str:
    """Describe the marked entries of a mask (N, K): how many, the first rows, the first column."""
    rows = np.flatnonzero(bad.any(axis=1))
    text = f"{int(bad.sum())} of {bad.size} values, first at row {label_text(index, rows)}"
    return text if bad.shape[1] == 1 else f"{text} in column {columns[int(bad[rows[0]].argmax())]!r}"
