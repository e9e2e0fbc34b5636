"""Put values on the scale a model learns on, and back.

Arrays are (N, K), one column per target; statistics are float64. Only numpy is used.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

SCALES = ("standard", "minmax", "robust", None)


@dataclass(frozen=True)
class Scaler:
    """Map every column to ``(value - origin - offset) / scale`` and back.

    The centre is kept in two parts: ``origin`` is a value of the column itself, so the first subtraction is exact
    (Sterbenz) and fluctuations of 1e-6 on a level of 1e9 keep all their digits.

    Parameters
    ----------
    origin, offset, scale : ndarray of shape (K,)
        ``scale`` is positive; it is 1 for a constant column.
    """

    origin: NDArray[np.float64]
    offset: NDArray[np.float64]
    scale: NDArray[np.float64]

    def transform(self, values: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return scaled values; ``values`` has shape (..., K)."""
        scaled = values - self.origin
        scaled -= self.offset  # in place: a series of millions of rows is copied once
        scaled /= self.scale
        return scaled

    def inverse(self, scaled: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return values in original units; ``scaled`` has shape (..., K)."""
        return scaled * self.scale + self.offset + self.origin


def fit_scaler(values: ArrayLike, kind: str | None = "standard", observed: NDArray[np.bool_] | None = None) -> Scaler:
    """Learn one scaler per column.

    Parameters
    ----------
    values : array-like of shape (N, K)
        Finite values.
    kind : {"standard", "minmax", "robust", None}
        Mean and population standard deviation; minimum and range; median and the interquartile range, divided by that
        of a standard normal (the range where the quartiles coincide); or no scaling.
    observed : ndarray of shape (N, K), bool, optional
        Values that count; all of a column in which none does.

    Returns
    -------
    Scaler

    Raises
    ------
    ValueError
        If ``kind`` is unknown or ``values`` is not a table with rows.
    """
    values = np.asarray(values, dtype=np.float64)
    if values.ndim != 2 or len(values) == 0:
        raise ValueError(f"values must have shape (rows, columns) with at least one row, got shape {values.shape}")
    if kind not in SCALES:
        raise ValueError(f"scale must be one of {SCALES}, got {kind!r}")
    n_columns = values.shape[1]
    if observed is not None and not observed.all():
        return _fit_observed(values, kind, observed)
    if kind is None:
        return Scaler(np.zeros(n_columns), np.zeros(n_columns), np.ones(n_columns))
    origin = values[0].copy()
    shifted = values - origin
    reach = np.abs(shifted).max(axis=0)
    reach[reach == 0] = 1.0
    shifted /= reach  # squares of 1e200 would overflow
    offset, scale = _centre_and_scale(shifted, kind)
    scale = scale * reach
    scale[scale == 0] = 1.0
    return Scaler(origin, offset * reach, scale)


def _fit_observed(values: NDArray[np.float64], kind: str | None, observed: NDArray[np.bool_]) -> Scaler:
    """Learn from the values that count: columns with equally many side by side, for there may be thousands."""
    parts, counts = np.empty((3, values.shape[1])), observed.sum(axis=0)
    first_observed = np.argsort(~observed, axis=0, kind="stable")
    for count in np.unique(counts):
        columns = np.flatnonzero(counts == count)
        rows = first_observed[: count or len(values), columns]
        # Column by column in memory: sums then do not depend on the company of a column.
        own = fit_scaler(np.asfortranarray(values[rows, columns]), kind)
        parts[:, columns] = own.origin, own.offset, own.scale
    return Scaler(*parts)


def _centre_and_scale(values: NDArray[np.float64], kind: str) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    low, high = values.min(axis=0), values.max(axis=0)
    if kind == "standard":
        return values.mean(axis=0), np.where(high > low, values.std(axis=0), 0.0)
    if kind == "minmax":
        return low, high - low
    quartile, median, upper_quartile = np.quantile(values, (0.25, 0.5, 0.75), axis=0)
    spread = (upper_quartile - quartile) / 1.3489795003921634  # the interquartile range of a standard normal
    return median, np.where(spread > 0, spread, high - low)
