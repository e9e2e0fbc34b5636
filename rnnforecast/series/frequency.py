"""The step between rows: given, carried by the index, or found from its labels, never guessed from months."""

from __future__ import annotations

import datetime
import re
from typing import cast

import numpy as np
import pandas as pd
from pandas.tseries.frequencies import to_offset
from pandas.tseries.offsets import BaseOffset, BusinessDay, CustomBusinessDay, Day, Hour, Tick, Week

from rnnforecast.series.labels import label_text
from rnnforecast.series.wall import wall_time

# What pandas called its offsets before 2.2; it now refuses them with a parser's message.
_RENAMED = {
    "M": "ME", "BM": "BME", "CBM": "CBME", "SM": "SME", "Q": "QE", "BQ": "BQE",
    "Y": "YE", "A": "YE", "BY": "BYE", "BA": "BYE", "AS": "YS", "BAS": "BYS",
    "H": "h", "BH": "bh", "CBH": "cbh", "T": "min", "S": "s", "L": "ms", "U": "us", "N": "ns",
}  # fmt: skip
_MONTHS = ("JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC")  # in every locale
_TO_PERIODS = 'pass freq= (such as "MS") or number the months with .to_period("M")'


def is_absolute(step: BaseOffset) -> bool:
    """Tell whether `step` is a fixed span of physical time (hours and finer) rather than of the calendar."""
    return isinstance(step, Tick) and not isinstance(step, Day)  # Day is a Tick before pandas 3


def span_of(step: BaseOffset) -> pd.Timedelta:
    """Return the span of an absolute step."""
    return pd.Timedelta(cast("Tick", step))


def is_session(step: BaseOffset | int | None) -> bool:
    """Tell whether rows are trading days, of which the calendar knows some that do not take place."""
    return isinstance(step, BusinessDay | CustomBusinessDay)


def common_step(differences: np.ndarray) -> int | None:
    """Return the difference at least half of the rows (n,) have, if all others are multiples of it."""
    steps, counts = np.unique(differences, return_counts=True)
    step = int(steps[counts.argmax()])
    return None if step < 1 or 2 * counts.max() < len(differences) or (steps % step).any() else step


def infer_frequency(index: pd.Index, freq: object = None, *, name: str = "y") -> BaseOffset | int:
    """Find the step of a sorted index without duplicates.

    Parameters
    ----------
    index : DatetimeIndex, PeriodIndex or integer Index of N labels
        The labels of the observed rows; holes are allowed.
    freq : str, offset or timedelta, optional
        What the user knows.
    name : str
        The argument's name in messages.

    Returns
    -------
    step : offset or int
        The offset between rows; an int for an integer index.

    Raises
    ------
    ValueError
        No step explains the labels, or too few of them are there to say.
    """
    if isinstance(index, pd.PeriodIndex):
        return _step_of_periods(index, freq, name)
    if not isinstance(index, pd.DatetimeIndex):
        return _step_of_integers(index, freq, name)
    if freq is not None:
        return _given(freq, index)
    if index.freq is not None:
        return index.freq
    if len(index) < 3:
        raise ValueError(
            f'{name} has {len(index)} time stamps, too few to find their frequency; pass freq=, for instance freq="D"'
        )
    step = _grid_step(index)
    if step is None:
        raise ValueError(_irregular(index, name))
    if isinstance(step, Day) and step.n >= 28 and step.n % 7:
        raise ValueError(
            f"the time stamps of {name} are {step.n} days apart, which looks like months or years; {_TO_PERIODS}"
        )
    return step


def _step_of_periods(index: pd.PeriodIndex, freq: object, name: str) -> BaseOffset:
    step = cast("BaseOffset", index.freq)
    if step.rule_code == "B":
        raise ValueError(f"{name} has business-day periods, which pandas has deprecated; pass {name}.to_timestamp()")
    if freq is not None and pd.PeriodDtype(freq) != index.dtype:  # type: ignore[arg-type]
        raise ValueError(f"freq={freq!r} disagrees with the periods of {name}, whose frequency is {index.freqstr!r}")
    return step


def _step_of_integers(index: pd.Index, freq: object, name: str) -> int:
    if freq is not None:
        raise ValueError(f"freq={freq!r} needs dates, but the index of {name} holds integers; pass a DatetimeIndex")
    if isinstance(index, pd.RangeIndex):
        return index.step
    if len(index) == 1:
        return 1
    step = common_step(np.diff(index.to_numpy()))
    if step is None:
        raise ValueError(f"the integer index of {name} has no common step; number the rows with reset_index(drop=True)")
    return step


def _given(freq: object, index: pd.DatetimeIndex) -> BaseOffset:
    if not isinstance(freq, str | BaseOffset | datetime.timedelta):
        raise TypeError(f"freq must be a frequency such as 'h' or 'MS', got {freq!r}")
    if isinstance(freq, str):
        parts = re.fullmatch(r"(\d*)([A-Z]+)(-[A-Z]+)?", freq)
        if parts and parts[2] in _RENAMED:
            new = f"{parts[1]}{_RENAMED[parts[2]]}{parts[3] or ''}"
            raise ValueError(f"freq={freq!r} is an alias pandas has given up; write freq={new!r}")
    try:
        step = to_offset(freq)
    except ValueError as error:
        raise ValueError(f"freq must be a frequency such as 'h' or 'MS', got {freq!r}") from error
    if step.n < 1:
        raise ValueError(f"freq must be positive, got {freq!r}")
    if is_absolute(step) and (span_of(step) % pd.Timedelta(1, unit=index.unit)) != pd.Timedelta(0):
        raise ValueError(
            f"freq={freq!r} is finer than the resolution of the index, {index.unit!r}; use index.as_unit('ns')"
        )
    return step


def _grid_step(index: pd.DatetimeIndex) -> BaseOffset | None:
    """Find the grid of regular labels, holes or not: months, then days of the wall clock, then physical time."""
    wall = wall_time(index)
    step = _months(wall)
    if step is not None:
        return step
    common = _most_common(wall)
    day = pd.Timedelta(days=1)
    if common is not None and common % day == pd.Timedelta(0):
        days = common // day
        if days == 1 and _skips_weekends(wall):
            return BusinessDay()
        return Day(days) if days % 7 else Week(days // 7, weekday=int(wall[0].weekday()))
    common = _most_common(index)
    if common is None:
        return None
    # A whole number of days in physical time only: 24-hour steps, whatever the wall clock shows.
    return Hour(24 * (common // day)) if common % day == pd.Timedelta(0) else to_offset(common)


def _months(wall: pd.DatetimeIndex) -> BaseOffset | None:
    """Return the step of labels that are all first or all last (business) days of months, at one time of day."""
    if (wall[1:] - wall[:-1] < pd.Timedelta(days=25)).any() or (wall - wall.normalize()).nunique() > 1:
        return None
    edge = next((edge for edge in ("MS", "ME", "BMS", "BME") if all(map(to_offset(edge).is_on_offset, wall))), None)
    if edge is None:
        return None
    step = common_step(np.diff(wall.year * 12 + wall.month))
    if step is None:
        return None
    name = _MONTHS[wall[0].month - 1]
    if step % 12 == 0:
        return to_offset(f"{step // 12}{edge.replace('M', 'Y')}-{name}")
    return to_offset(f"{step // 3}{edge.replace('M', 'Q')}-{name}" if step % 3 == 0 else f"{step}{edge}")


def _most_common(index: pd.DatetimeIndex) -> pd.Timedelta | None:
    """Return the difference most rows have, if all others are multiples of it."""
    gaps = index[1:] - index[:-1]
    counts = pd.Series(gaps).value_counts()
    common = counts.index[counts == counts.max()].min()
    if common <= pd.Timedelta(0) or 2 * counts.max() < len(gaps):
        return None
    return None if (gaps % common != pd.Timedelta(0)).any() else common


def _skips_weekends(wall: pd.DatetimeIndex) -> bool:
    """Tell whether daily labels avoid Saturdays and Sundays although a weekend lies between them."""
    weekday = wall.day_of_week
    return bool((weekday < 5).all()) and (wall[-1] - wall[0] >= pd.Timedelta(days=6) or weekday[-1] < weekday[0])


def _irregular(index: pd.DatetimeIndex, name: str) -> str:
    gaps = index[1:] - index[:-1]
    if (gaps >= pd.Timedelta(days=28)).all() and (gaps <= pd.Timedelta(days=31)).mean() >= 0.5:
        return f"the time stamps of {name} look monthly, but are neither first nor last days of months; {_TO_PERIODS}"
    common = pd.Series(gaps).mode().iloc[0]
    odd = np.flatnonzero(gaps != common) + 1
    if 2 * len(odd) > len(gaps):
        steps = f"steps lie between {gaps.min()} and {gaps.max()}"
    else:
        steps = f"{common} is the usual step, {len(odd)} have another (first {label_text(index, odd)})"
    return (
        f"the time stamps of {name} are not regular: {steps}; resample, for instance with {name}.resample(...).mean(), "
        "or pass freq="
    )
