"""Row labels: which indexes can be a time axis, in what order, and how messages name them."""

from __future__ import annotations

import numpy as np
import pandas as pd
from pandas.tseries.offsets import BaseOffset


def label_text(index: pd.Index | None, positions: np.ndarray, limit: int = 3) -> str:
    """Write the labels at `positions` for a message, at most `limit` of them."""
    shown = positions[:limit]
    if index is None:
        words = [str(row) for row in shown]
    elif isinstance(index, pd.MultiIndex):
        words = [f"{time} of series {', '.join(map(repr, names))}" for *names, time in index[shown]]
    else:
        words = [str(label) for label in index[shown].astype(str).fillna("NaT")]
    return ", ".join(words) + (", ..." if len(positions) > limit else "")


def checked_index(index: pd.Index, name: str) -> pd.Index:
    """Return an index of a kind a clock can have, or say how to make one."""
    if isinstance(index, pd.MultiIndex):
        raise ValueError(
            f"{name} has a MultiIndex where one series is expected; pass the rows of one, such as {name}.xs(key)"
        )
    if isinstance(index, pd.DatetimeIndex | pd.PeriodIndex):
        if index.hasnans:
            rows = np.flatnonzero(index.isna())
            raise ValueError(f"the index of {name} holds NaT at row {', '.join(map(str, rows[:3]))}; drop these rows")
        return index
    if pd.api.types.is_integer_dtype(index.dtype) and not index.hasnans:
        return index if isinstance(index, pd.RangeIndex) else index.astype(np.int64)
    kind = index.inferred_type
    if kind in ("string", "date", "datetime", "datetime64", "mixed"):
        raise ValueError(
            f"the index of {name} holds {kind_text(index)}, not time stamps; convert it with "
            f"{name}.index = pd.to_datetime({name}.index), adding utc=True for mixed time zones"
        )
    raise ValueError(
        f"the index of {name} must hold dates, periods or integers, got {kind_text(index)}; "
        "convert it with pd.to_datetime, or number the rows with reset_index(drop=True)"
    )


def require_sorted(index: pd.Index, name: str) -> None:
    """Raise on repeated labels and on labels out of order."""
    if not index.is_unique:
        repeated = np.flatnonzero(index.duplicated())
        message = f"the index of {name} repeats {len(repeated)} labels (first: {label_text(index, repeated)}); "
        if is_wall_time(index):
            message += "if a local clock was set back, localise it with tz_localize(zone, ambiguous='infer'), else "
        raise ValueError(f"{message}keep one row per label, for instance with {name}.groupby(level=0).mean()")
    if not index.is_monotonic_increasing:
        # Compared as pandas objects: the first label smaller than the one before it.
        place = np.flatnonzero(np.asarray(index[1:] < index[:-1]))[:1] + 1
        raise ValueError(
            f"the index of {name} must be sorted, but {label_text(index, place)} comes after "
            f"{label_text(index, place - 1)}; use {name}.sort_index()"
        )


def is_wall_time(index: pd.Index) -> bool:
    """Tell whether labels show hours of no time zone, which a local clock that is set back repeats."""
    return isinstance(index, pd.DatetimeIndex) and index.tz is None and bool((index != index.normalize()).any())


def kind_text(index: pd.Index) -> str:
    """Name the kind of labels for a message."""
    if isinstance(index, pd.DatetimeIndex):
        return "dates"
    if isinstance(index, pd.PeriodIndex):
        return "periods"
    words = {"string": "strings", "floating": "floats", "integer": "integers", "date": "date objects"}
    words |= dict.fromkeys(("datetime", "datetime64"), "datetime objects")
    return words.get(index.inferred_type, index.inferred_type)


def step_text(step: BaseOffset | int) -> str:
    """Name a step for a message."""
    return str(step) if isinstance(step, int) else step.freqstr


def names_text(names: pd.Index, limit: int = 5) -> str:
    """Write the names of series for a message, at most `limit` of them."""
    return ", ".join(map(repr, names[:limit].tolist())) + (", ..." if len(names) > limit else "")
