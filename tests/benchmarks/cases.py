"""The public series on which defaults are developed, by one rule; from the folder in ``RNNFORECAST_DATA``.

The first 80 % of the rows are learnt from, fewer where that leaves less than ten origins, and every later origin is
forecast with the parameters fixed; short monthly series have several such cutoffs. Of the M4 weekly series every
fifteenth is taken. Horizons are a day of hours, a year of months, a week of trading days, and thirteen weeks.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache, partial
from pathlib import Path

import numpy as np
import pandas as pd

WEATHER = ("temp", "dewp", "humid", "wind_speed", "pressure")
ETT_COLUMNS = ("HUFL", "HULL", "MUFL", "MULL", "LUFL", "LULL", "OT")
FEWEST_ORIGINS = 10
M4_EVERY = 15
M4_SERIES = 359


@dataclass(frozen=True)
class Case:
    """A series, the steps to forecast, and pairs of the rows learnt from and the rows up to which is forecast."""

    series: pd.Series
    horizon: int
    cutoffs: tuple[tuple[int, int], ...]


def folder() -> Path:
    """Return the data folder."""
    return Path(os.environ.get("RNNFORECAST_DATA", "."))


def four_fifths(series: pd.Series, horizon: int) -> Case:
    """Learn from 80 % of the rows, forecast from the origins in the rest."""
    n_rows = len(series)
    return Case(series, horizon, ((min(int(0.8 * n_rows), n_rows - horizon + 1 - FEWEST_ORIGINS), n_rows),))


def monthly(values: np.ndarray, start: str, horizon: int, firsts: tuple[int, ...]) -> Case:
    """Learn from several beginnings of a short series; forecast from the twelve origins after each."""
    series = pd.Series(values.astype(float), index=pd.date_range(start, periods=len(values), freq="MS"))
    return Case(series, horizon, tuple((first, min(len(values), first + horizon + 11)) for first in firsts))


def observations(station: str, column: str = "temp") -> pd.Series:
    """Hourly weather at a New York airport, with the holes it has."""
    frame = _weather()
    frame = frame[frame["origin"] == station]
    index = pd.DatetimeIndex(pd.to_datetime(frame["time_hour"], utc=True))
    series = pd.Series(frame[column].to_numpy(float), index=index, name=column)
    return series[~index.duplicated()].asfreq("h")


def weather(station: str, column: str = "temp") -> Case:
    """Hourly weather at a New York airport; holes filled in time."""
    return four_fifths(observations(station, column).interpolate(limit_direction="both"), 24)


def demand() -> Case:
    """Half-hourly electricity demand (Taylor, 2003)."""
    values = pd.read_csv(folder() / "electricity/taylor.csv")["x"].to_numpy(float)
    return four_fifths(pd.Series(values, index=pd.date_range("2000-06-05", periods=len(values), freq="30min")), 48)


def transformer(column: str = "OT") -> Case:
    """Hourly load or oil temperature of a transformer, rows as in the protocol of ETTh1."""
    return Case(_transformer()[column], 24, ((11520, 14400),))


def taxi() -> Case:
    """Half-hourly taxi passengers in New York."""
    frame = pd.read_csv(folder() / "anomaly/nyc_taxi.csv", parse_dates=["timestamp"], index_col="timestamp")
    return four_fifths(frame["value"].astype(float).asfreq("30min"), 48)


def airline(horizon: int) -> Case:
    """Monthly airline passengers (Box and Jenkins, 1976)."""
    frame = pd.read_csv(folder() / "classic/monthly-airline-passengers.csv")
    firsts = (84, 96, 108, 120) if horizon == 12 else (84, 96, 108)
    return monthly(frame["Passengers"].to_numpy(), "1949-01-01", horizon, firsts)


def shampoo() -> Case:
    """Monthly shampoo sales, 36 of them (Makridakis et al., 1998)."""
    frame = pd.read_csv(folder() / "classic/monthly-shampoo-sales.csv")
    return monthly(frame["Sales"].to_numpy(), "2001-01-01", 3, (24,))


def stock(symbol: str, column: str = "Adj Close") -> Case:
    """Daily price or volume."""
    frame = pd.read_csv(folder() / f"stock/{symbol}.csv", parse_dates=["Date"], index_col="Date")
    return four_fifths(frame[column].sort_index().astype(float).rename(symbol), 5)


def weekly(number: int) -> Case:
    """A weekly series of the M4 competition, training and test rows together."""
    values = np.concatenate([table[number][~np.isnan(table[number])] for table in _weekly()])
    return four_fifths(pd.Series(values, index=pd.date_range("2000-01-02", periods=len(values), freq="W")), 13)


@cache
def _weather() -> pd.DataFrame:
    return pd.read_csv(folder() / "weather/nyc_hourly_2013.csv")


@cache
def _transformer() -> pd.DataFrame:
    frame = pd.read_csv(folder() / "electricity/ETTh1.csv", parse_dates=["date"], index_col="date")
    return frame.iloc[:14400].asfreq("h")


@cache
def _weekly() -> tuple[np.ndarray, np.ndarray]:
    first, second = (
        pd.read_csv(folder() / f"m4/Weekly-{part}.csv", index_col=0).to_numpy(float) for part in ("train", "test")
    )
    return first, second


CASES: dict[str, Callable[[], Case]] = {
    **{
        f"{column} {station}": partial(weather, station, column)
        for column in WEATHER
        for station in ("JFK", "EWR", "LGA")
    },
    **{f"ETTh1 {column}": partial(transformer, column) for column in ETT_COLUMNS},
    "demand": demand,
    "taxi": taxi,
    "airline 12": partial(airline, 12),
    "airline 24": partial(airline, 24),
    "shampoo": shampoo,
    **{f"{symbol} {c}": partial(stock, symbol, c) for symbol in ("AAPL", "MSFT") for c in ("Adj Close", "Volume")},
    **{f"M4 weekly {n + 1}": partial(weekly, n) for n in range(0, M4_SERIES, M4_EVERY)},
}
