"""Arguments of measures: checked arrays from lists, Series and frames that must agree in their labels."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

Array = NDArray[np.float64]


def table(name: str, values: Any) -> Array:
    """Return finite values as (n, K)."""
    array = finite(name, values)
    if array.ndim == 1:
        array = array[:, None]
    if array.ndim != 2 or array.size == 0:
        raise ValueError(f"{name} must have shape (n,) or (n, columns) and not be empty, got shape {np.shape(values)}")
    return array


def finite(name: str, values: Any) -> Array:
    """Return finite values in their own shape."""
    array = numbers(name, values)
    if not np.isfinite(array).all():
        n_bad = int((~np.isfinite(array)).sum())
        raise ValueError(f"{name} contains NaN or infinity in {n_bad} of {array.size} values; drop those rows first")
    return array


def numbers(name: str, values: Any) -> Array:
    """Convert to float64 what NumPy would read as numbers without a word, or refuse it."""
    if isinstance(values, np.ma.MaskedArray):
        values = np.ma.filled(values.astype(np.float64), np.nan)
    try:
        array = np.asarray(values)
    except ValueError:
        raise ValueError(f"{name} must have rows of one length, got several; score the series one by one") from None
    text = array.dtype.kind in "OT" and any(isinstance(item, str) for item in array.flat)
    if text or array.dtype.kind in "SUcmM":
        raise TypeError(f"{name} must hold real numbers, got {'text' if text else array.dtype}; convert it first")
    return np.asarray(values, dtype=np.float64)


def check_labels(y_true: Any, other: Any, name: str, first: str = "y_true") -> None:
    """Refuse pandas arguments that arithmetic by position would pair wrongly."""
    if not (isinstance(y_true, pd.Series | pd.DataFrame) and isinstance(other, pd.Series | pd.DataFrame)):
        return
    if len(y_true) == len(other) and not y_true.index.equals(other.index):
        raise ValueError(f"{first} and {name} have different indexes; align one to the other first")
    check_columns(y_true, other, name)


def check_columns(y_true: Any, other: Any, name: str) -> None:
    """Refuse frames whose columns differ or stand in another order."""
    both_frames = isinstance(y_true, pd.DataFrame) and isinstance(other, pd.DataFrame)
    if both_frames and y_true.shape[1] == other.shape[1] and not y_true.columns.equals(other.columns):
        raise ValueError(
            f"y_true and {name} have different columns: {list(y_true.columns)} and {list(other.columns)}; "
            "select those of one from the other"
        )


def same_shape(y_true: Any, other: Any, name: str) -> tuple[Array, Array]:
    """Return truth and values as (n, K) each, labels checked."""
    truth, values = table("y_true", y_true), table(name, other)
    if truth.shape != values.shape:
        raise ValueError(f"y_true and {name} must have the same shape, got {np.shape(y_true)} and {np.shape(other)}")
    check_labels(y_true, other, name)
    return truth, values


def pair(y_true: Any, y_pred: Any) -> tuple[Array, Array]:
    """Return truth and forecast as (n, K) each."""
    return same_shape(y_true, y_pred, "y_pred")


def interval(y_true: Any, y_lower: Any, y_upper: Any) -> tuple[Array, Array, Array]:
    """Return truth, lower and upper ends as (n, K) each, the upper nowhere below the lower."""
    truth, lower = same_shape(y_true, y_lower, "y_lower")
    _, upper = same_shape(y_true, y_upper, "y_upper")
    if (upper < lower).any():
        row = int(np.argmax((upper < lower).any(axis=1)))
        raise ValueError(f"y_upper is below y_lower (first at row {row}); swap the two or sort the quantiles")
    return truth, lower, upper


def members(y_true: Any, members: Any, name: str) -> tuple[Array, Array]:
    """Return the truth as it is and members with one more axis."""
    truth, values = finite("y_true", y_true), finite(name, members)
    if truth.ndim not in (1, 2) or truth.size == 0 or values.shape[:-1] != truth.shape or values.shape[-1] == 0:
        raise ValueError(f"{name} needs y_true's shape {truth.shape} and one more axis, got {values.shape}")
    if isinstance(y_true, pd.Series):
        check_labels(y_true, members, name)
    return truth, values
