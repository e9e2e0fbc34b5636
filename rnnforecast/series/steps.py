"""Rows as steps in time: for models that go from row to row and need no regular clock.

Every row is one step, whatever its label: labels may be irregular or repeated, as clocks that are set back repeat them,
but not go back. NaN is a step at which nothing was observed. C columns.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from rnnforecast.series.columns import require_two_dimensions
from rnnforecast.series.gaps import LARGEST, require_finite
from rnnforecast.series.labels import checked_index, label_text
from rnnforecast.series.tables import Table, read_table


@dataclass(frozen=True, eq=False)
class Steps:
    """Rows of a table in the order of time.

    Attributes
    ----------
    table : Table
        Values, NaN where nothing was observed, and columns.
    index : Index of N labels
        The caller's own, or row numbers.
    """

    table: Table
    index: pd.Index

    def follow(self, last: Any) -> bool:
        """Tell whether all rows have labels of the same kind as the label `last`, and come after it."""
        if self.table.index is None or last is None:
            return False
        try:
            return bool(self.index[0] > last)
        except TypeError:  # dates after integers, or with and without a time zone
            return False


def read_steps(X: Any, name: str = "X") -> Steps:
    """Read a table whose rows are steps in time.

    Parameters
    ----------
    X : Series, frame or array of N rows
    name : str
        The argument's name in messages.

    Raises
    ------
    TypeError, ValueError
        In one sentence: what was expected, what came, where, and the remedy.
    """
    table = read_table(X, name)
    require_two_dimensions(table, X)
    if not table.columns:
        raise ValueError(f"{name} must have at least one column, got 0 feature(s) (shape={table.values.shape})")
    require_finite(table.values, table.index, table.columns, name)
    if table.index is None:
        index: pd.Index = pd.RangeIndex(len(table.values))
    else:
        index = checked_index(table.index, name)
        if not index.is_monotonic_increasing:
            place = np.flatnonzero(np.asarray(index[1:] < index[:-1]))[:1] + 1
            raise ValueError(
                f"the rows of {name} must be in the order of time, but {label_text(index, place)} comes after "
                f"{label_text(index, place - 1)}; use {name}.sort_index()"
            )
        index = table.index
    return Steps(table, index)


def read_row(row: Any, n_columns: int, name: str, *, missing: bool) -> NDArray[np.float64]:
    """Read the values of one row, at the price of a look at them where they are a number or an array of numbers.

    Parameters
    ----------
    row : number, array-like of shape (C,), Series, or frame of one row
    n_columns : int
        C.
    name : str
        What it is called in messages.
    missing : bool
        Whether NaN may be among them.

    Returns
    -------
    ndarray of shape (C,)

    Raises
    ------
    ValueError
        Anything but so many numbers, none of them infinite.
    """
    try:
        values = np.asarray(row) if isinstance(row, float | int) or type(row) is np.ndarray else _row_of(row)
    except (TypeError, ValueError):
        values = np.empty(0)
    wrong = values.dtype.kind not in "fiub" or values.size != n_columns or max(values.shape, default=1) != n_columns
    if wrong or (np.abs(values) > LARGEST).any() or not (missing or np.isfinite(values).all()):
        kind = "numbers, NaN where one is missing" if missing else "finite numbers"
        raise ValueError(f"{name} must be {n_columns} {kind}, got {row!r}")
    return values.reshape(-1).astype(np.float64)


def _row_of(row: Any) -> NDArray[np.float64]:
    """Return the values (C,) of a row in any container."""
    alone = not hasattr(row, "__len__") or getattr(row, "ndim", 1) == 0
    return read_table([row] if alone else row, "row").values.reshape(-1)
