"""Rows as steps in time: for models that go from row to row and need no regular clock.

Every row is one step, whatever its label: labels may be irregular or repeated, as clocks that are set back repeat them,
but not go back. NaN is a step at which nothing was observed.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from rnnforecast.series.columns import require_two_dimensions
from rnnforecast.series.gaps import require_finite
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
