"""What displays of series share: which one is drawn, and where its rows lie on the axis of time."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from rnnforecast.plotting._canvas import letters

if TYPE_CHECKING:
    from matplotlib.axes import Axes

TICK, NARROW = 0.6, 4.0  # inches that a label takes, and below which an axis' name would run into the year
YEAR = 8  # letters of the year, and of room before it


class TimeAxis:
    """Index labels as places on an x axis: dates for time indexes, in their own zone, numbers for the rest."""

    def __init__(self, ax: Axes, index: pd.Index) -> None:
        self._ax = ax
        self._dates = isinstance(index, (pd.DatetimeIndex, pd.PeriodIndex))
        self._zone = index.tz if isinstance(index, pd.DatetimeIndex) else None
        self._name = index.name

    def __call__(self, index: pd.Index) -> np.ndarray:
        if isinstance(index, pd.PeriodIndex):
            index = index.to_timestamp()
        if not isinstance(index, pd.DatetimeIndex):
            return index.to_numpy()
        from matplotlib.dates import date2num

        instants = index if index.tz is None else index.tz_convert("UTC").tz_localize(None)
        return np.asarray(date2num(instants.to_numpy()))

    def label(self) -> None:
        """Put readable ticks and the axis' name."""
        width = self._ax.bbox.width / self._ax.figure.dpi  # inches
        narrow = width < NARROW
        name = "time" if self._name is None else self._name
        full = f"{name}" if self._zone is None else f"{name} ({self._zone})"
        if narrow and len(full) > letters(self._ax, self._ax.bbox.width) - YEAR:
            full = full.replace(" (", "\n(")
        self._ax.set_xlabel(full, loc="left" if narrow else "center")
        if self._dates:
            from matplotlib.dates import AutoDateLocator, ConciseDateFormatter

            self._ax.xaxis_date(tz=self._zone)
            n_ticks = int(np.clip(np.ceil(width / TICK), 3, 9))
            # Every second or fourth day of the month would put the 31st, or 29th, beside the 1st.
            n_days = float(np.diff(self._ax.get_xlim())[0])
            multiples = not n_ticks - 1 < n_days <= 5 * (n_ticks - 1)
            locator = AutoDateLocator(self._zone, minticks=2, maxticks=n_ticks, interval_multiples=multiples)
            self._ax.xaxis.set_major_locator(locator)
            days = "%d %b"  # a bare day number needs its month looked up elsewhere
            self._ax.xaxis.set_major_formatter(
                ConciseDateFormatter(
                    locator,
                    tz=self._zone,
                    formats=["%Y", "%b", days, "%H:%M", "%H:%M", "%S.%f"],
                    zero_formats=["", "%Y", days, days, "%H:%M", "%H:%M"],
                    offset_formats=["", "%Y", "%Y", "%d %b %Y", "%d %b %Y", "%d %b %Y %H:%M"],
                )
            )


def one_series(data: pd.Series | pd.DataFrame, column: str | None, role: str) -> pd.Series:
    """Return the one series to draw of what was given, or say which columns there are."""
    if isinstance(data, pd.Series | pd.DataFrame):
        require_one_series(data, role)
    if isinstance(data, pd.Series):
        chosen = data
    elif isinstance(data, pd.DataFrame):
        targets = [name for name in data.columns if not re.search(r"-((lo|hi)-|q)[\d.]+$", str(name))]
        if column is None and len(targets) != 1:
            raise ValueError(f"{role} has {len(targets)} columns {targets[:5]}: name the one to draw with column=")
        if column is not None and column not in targets:
            raise ValueError(f"column must be one of {role}'s columns {targets[:5]}, got {column!r}")
        chosen = data[targets[0] if column is None else column]
    else:
        raise TypeError(f"{role} must be a pandas Series or DataFrame, whose index is drawn, got {type(data).__name__}")
    if chosen.empty:
        raise ValueError(f"{role} has no rows: there is nothing to draw")
    return chosen


def require_one_series(data: pd.Series | pd.DataFrame, role: str) -> None:
    """Refuse a panel."""
    if isinstance(data.index, pd.MultiIndex):
        raise ValueError(
            f"{role} is a panel, but a picture shows one series: forecast, then take the rows of one with .xs(name)"
        )
