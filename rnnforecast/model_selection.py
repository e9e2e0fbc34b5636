"""Cross-validation that never looks into the future."""

from __future__ import annotations

from collections.abc import Iterator
from numbers import Integral
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn.model_selection import BaseCrossValidator

from rnnforecast.series.panels import split_levels

__all__ = ["RollingOriginSplit"]


class RollingOriginSplit(BaseCrossValidator):
    """Train up to an origin, test on the steps after it, move the origin on.

    The last test block ends at the last row; earlier ones lie ``step`` rows before each other. Rows must be in time
    order; with a MultiIndex of (series, time) the cuts are made in time, and every block holds the rows of all series
    at its times, but for test rows of series that have no row to train on yet. Works as ``cv=`` of
    `sklearn.model_selection.GridSearchCV` and `sklearn.model_selection.cross_val_score`.

    Parameters
    ----------
    horizon : int, default=1
        Time steps of a test block.
    n_windows : int, default=5
        Number of splits.
    step : int or None, default=None
        Time steps from one origin to the next; None is ``horizon``, so that test blocks touch without overlapping.
    gap : int, default=0
        Time steps left out between training and test.
    window : int or None, default=None
        Training steps, the newest before the gap; None takes all of them (an expanding window).

    Examples
    --------
    >>> from rnnforecast.model_selection import RollingOriginSplit
    >>> for train, test in RollingOriginSplit(horizon=2, n_windows=2).split(range(7)):
    ...     print(train, test)
    [0 1 2] [3 4]
    [0 1 2 3 4] [5 6]
    """

    def __init__(
        self, horizon: int = 1, n_windows: int = 5, step: int | None = None, gap: int = 0, window: int | None = None
    ) -> None:
        self.horizon = horizon
        self.n_windows = n_windows
        self.step = step
        self.gap = gap
        self.window = window

    def get_n_splits(self, X: Any = None, y: Any = None, groups: Any = None) -> int:
        """Return the number of splits; the arguments are ignored.

        Parameters
        ----------
        X, y, groups : object
            Ignored.

        Returns
        -------
        int
        """
        return self.n_windows

    def split(self, X: Any, y: Any = None, groups: Any = None) -> Iterator[tuple[NDArray[np.int64], NDArray[np.int64]]]:
        """Yield the row numbers of each split, oldest origin first.

        Parameters
        ----------
        X : object with a length
            One row per time step, or pandas rows under a MultiIndex (series, time).
        y : object, default=None
            Its index is used when X is None or has no MultiIndex.
        groups : object
            Ignored.

        Yields
        ------
        train, test : ndarray of int

        Raises
        ------
        ValueError
            If a parameter is out of range, or there are too few time steps for the first split.
        """
        step = self._checked_step()
        owner, times = _numbered(X, y)
        n_times = int(times.max()) + 1 if len(times) else 0
        first = n_times - self.horizon - (self.n_windows - 1) * step
        needed = self.gap + (self.window if self.window is not None else 1)
        if first < needed:
            raise ValueError(
                f"{self!r} needs at least {n_times - first + needed} time steps, got {n_times}; "
                "lower n_windows, horizon, step, gap or window"
            )
        for origin in range(first, n_times - self.horizon + 1, step):
            stop = origin - self.gap
            start = stop - self.window if self.window is not None else 0
            train = np.flatnonzero((times >= start) & (times < stop))
            test = np.flatnonzero((times >= origin) & (times < origin + self.horizon))
            yield train, test if owner is None else test[np.isin(owner[test], owner[train])]

    def _checked_step(self) -> int:
        step = self.horizon if self.step is None else self.step
        window = 1 if self.window is None else self.window
        for name, value, smallest in (
            ("horizon", self.horizon, 1),
            ("n_windows", self.n_windows, 1),
            ("step", step, 1),
            ("gap", self.gap, 0),
            ("window", window, 1),
        ):
            if isinstance(value, bool | np.bool_) or not isinstance(value, Integral) or value < smallest:
                raise ValueError(f"{name} must be an integer of at least {smallest}, got {value!r}")
        return int(step)


def _numbered(X: Any, y: Any) -> tuple[NDArray[np.int64] | None, NDArray[np.int64]]:
    """Return series and time step of every row (n,): under a MultiIndex the rank of its time, else its row number."""
    for data in (X, y):
        index = getattr(data, "index", None)
        if isinstance(index, pd.MultiIndex):
            owner, _, times, _ = split_levels(index, "X" if data is X else "y")
            return owner, times
        if isinstance(index, pd.DatetimeIndex | pd.PeriodIndex) and not index.is_monotonic_increasing:
            raise ValueError("rows must be in time order, got an unsorted index; sort them with sort_index()")
    data = X if X is not None else y
    if not hasattr(data, "shape") and not hasattr(data, "__len__"):
        raise TypeError(f"split needs X or y with one row per time step, got {data!r}; pass the data to be split")
    n_rows = data.shape[0] if hasattr(data, "shape") else len(data)
    return None, np.arange(n_rows, dtype=np.int64)
