"""Between the clock on the wall and physical time."""

from __future__ import annotations

import datetime

import numpy as np
import pandas as pd


def localised(wall: pd.DatetimeIndex, zone: datetime.tzinfo | None) -> pd.DatetimeIndex:
    """Give naive labels their time zone.

    A time that happens twice is taken the first time; one that is skipped, at the moment after the skip.
    """
    if zone is None:
        return wall
    return wall.tz_localize(zone, ambiguous=np.ones(len(wall), dtype=bool), nonexistent="shift_forward")


def wall_time(index: pd.DatetimeIndex) -> pd.DatetimeIndex:
    """Return what the clock on the wall shows, as naive labels.

    Where clocks are set forward at midnight (Cairo, Beirut), the label of that day is 01:00; if all other labels say
    00:00, it is returned as 00:00.
    """
    if index.tz is None:
        return index
    wall = index.tz_localize(None)
    time_of_day = wall - wall.normalize()
    if len(wall) == 0 or (time_of_day == time_of_day[0]).all():
        return wall
    nominal = wall.normalize() + time_of_day.value_counts().index[0]
    return nominal if (localised(nominal, index.tz).tz_localize(None) == wall).all() else wall
