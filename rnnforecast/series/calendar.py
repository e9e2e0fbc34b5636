"""Where a label stands in the hour, the day, the week and the year, as points on a circle."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import pandas as pd


def _minutes(index: pd.DatetimeIndex) -> pd.Index:
    return index.minute + index.second / 60


# Each function returns the turns made since the cycle began, in [0, 1); fields are those of the local wall clock.
_TURNS: dict[str, Callable[[pd.DatetimeIndex], pd.Index]] = {
    "minute_of_hour": lambda index: _minutes(index) / 60,
    "hour": lambda index: (index.hour + _minutes(index) / 60) / 24,
    "weekday": lambda index: index.day_of_week / 7,
    "month": lambda index: (index.month - 1) / 12,
    "day_of_year": lambda index: (index.day_of_year - 1) / (365 + index.is_leap_year),
}


def calendar_features(index: pd.Index, names: str | Sequence[str]) -> tuple[np.ndarray, list[str]]:
    """Encode calendar fields as sines and cosines, so that the end of a cycle is next to its start.

    Parameters
    ----------
    index : DatetimeIndex or PeriodIndex of n labels
        A period counts by its start.
    names : sequence of str
        From ``"minute_of_hour"``, ``"hour"`` (the time of day), ``"weekday"``, ``"month"``, ``"day_of_year"``.

    Returns
    -------
    features : (n, 2 * len(names)) float64 array
        A sine and a cosine column per name.
    columns : list of str
        Their names: ``"hour_sin"``, ``"hour_cos"``, ...

    Raises
    ------
    ValueError
        An unknown name, or labels without dates.
    """
    names = (names,) if isinstance(names, str) else tuple(names)
    unknown = [name for name in names if name not in _TURNS]
    if unknown:
        raise ValueError(f"calendar must name fields among {', '.join(_TURNS)}, got {unknown[0]!r}")
    columns = [f"{name}_{wave}" for name in names for wave in ("sin", "cos")]
    features = np.empty((len(index), len(columns)))
    if not names:
        return features, columns
    if isinstance(index, pd.PeriodIndex):
        index = index.to_timestamp()
    if not isinstance(index, pd.DatetimeIndex):
        raise ValueError(
            f"calendar={list(names)} needs dates, but the rows are labelled by integers; pass a DatetimeIndex"
        )
    for position, name in enumerate(names):
        angle = 2 * np.pi * np.asarray(_TURNS[name](index), dtype=np.float64)
        features[:, 2 * position] = np.sin(angle)
        features[:, 2 * position + 1] = np.cos(angle)
    return features, columns
