"""Series of every kind that the tests share; all drawn from one seeded generator."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

collect_ignore_glob = ["golden/*", "benchmarks/*"]  # scripts, some of which need PyTorch

HOLIDAYS = pd.to_datetime(["2023-12-25", "2023-12-26", "2024-01-01", "2024-03-29", "2024-05-27", "2024-07-04"])


def wave(rng: np.random.Generator, n_rows: int, season: int) -> np.ndarray:
    """(n_rows,) a level of 50, a season of amplitude 5 and noise of deviation 1."""
    return 50.0 + 5.0 * np.sin(2.0 * np.pi * np.arange(n_rows) / season) + rng.normal(size=n_rows)


@pytest.fixture
def rng() -> np.random.Generator:
    return np.random.default_rng(0)


@pytest.fixture
def hourly(rng: np.random.Generator) -> pd.Series:
    """28 days of hours in Berlin; the night of 31 March 2024 has no 02:00."""
    index = pd.date_range("2024-03-08", periods=28 * 24, freq="h", tz="Europe/Berlin", name="time")
    return pd.Series(wave(rng, len(index), 24), index=index, name="load")


@pytest.fixture
def daily(rng: np.random.Generator) -> pd.Series:
    index = pd.date_range("2023-10-01", periods=150, freq="D", name="day")
    return pd.Series(wave(rng, len(index), 7), index=index, name="visits")


@pytest.fixture
def business(rng: np.random.Generator) -> pd.Series:
    """Trading days: weekdays without six holidays; ends on Thursday 5 September 2024."""
    index = pd.bdate_range("2023-10-02", "2024-09-05").difference(HOLIDAYS)
    return pd.Series(100.0 + rng.normal(size=len(index)).cumsum(), index=index, name="close")


@pytest.fixture
def monthly(rng: np.random.Generator) -> pd.Series:
    """Ten years of month ends; the last is 31 January 2020, before the leap day."""
    index = pd.date_range("2010-02-28", periods=120, freq="ME")
    return pd.Series(wave(rng, len(index), 12), index=index, name="passengers")
