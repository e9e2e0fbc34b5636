"""Put values on the scale a model learns on, and back: column scalers and value transforms.

Arrays are (N, K), one column per target; statistics are float64. Only numpy is used.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

SCALES = ("standard", "minmax", "robust", None)

_LARGEST_LOG = 700.0  # exp(709.8) is the largest float64; an extrapolated logarithm stays finite
_LOG_SLOPE = 0.5  # halfway between additive (0) and proportional (1) fluctuations
_LEVEL_SPREAD = 0.05  # below 5 % of variation in the level its effect on the spread cannot be seen
_FEWEST_BLOCKS = 4
_BLOCK_WITHOUT_SEASON = 10


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


def fit_scaler(values: ArrayLike, kind: str | None = "standard") -> Scaler:
    """Learn one scaler per column.

    Parameters
    ----------
    values : array-like of shape (N, K)
        Finite values.
    kind : {"standard", "minmax", "robust", None}
        Mean and population standard deviation; minimum and range; median and the interquartile range, divided by that
        of a standard normal (the range where the quartiles coincide); or no scaling.

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


def _centre_and_scale(values: NDArray[np.float64], kind: str) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    low, high = values.min(axis=0), values.max(axis=0)
    if kind == "standard":
        return values.mean(axis=0), np.where(high > low, values.std(axis=0), 0.0)
    if kind == "minmax":
        return low, high - low
    quartile, median, upper_quartile = np.quantile(values, (0.25, 0.5, 0.75), axis=0)
    spread = (upper_quartile - quartile) / 1.3489795003921634  # the interquartile range of a standard normal
    return median, np.where(spread > 0, spread, high - low)


@dataclass(frozen=True)
class Identity:
    """The transform that changes nothing."""

    def forward(self, values: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return ``values``."""
        return values

    def inverse(self, values: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return ``values``."""
        return values

    def sensitivity(self, target: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return ones."""
        return np.ones_like(target)


@dataclass(frozen=True)
class Log:
    """The natural logarithm, for series whose fluctuations grow with their level.

    Parameters
    ----------
    floor : float or None
        Values below are taken as this one: where the logarithm was chosen from training data, and not asked for, a
        later zero must not stop a forecast. None refuses zero and negative values.
    """

    floor: float | None = None

    def forward(self, values: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the logarithm of positive values.

        Raises
        ------
        ValueError
            If a value is zero or negative, and there is no floor.
        """
        if self.floor is not None:
            return np.log(np.maximum(values, self.floor))
        if not np.all(values > 0):
            row = int(np.argmax(~np.atleast_1d(values > 0).reshape(len(np.atleast_1d(values)), -1).all(axis=1)))
            raise ValueError(
                f"the log transform needs positive values, got {np.min(values):g} (first at row {row}); "
                "fit with target_transform=None"
            )
        return np.log(values)

    def inverse(self, values: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the exponential, finite for every finite input."""
        return np.exp(np.clip(values, -_LARGEST_LOG, _LARGEST_LOG))

    def sensitivity(self, target: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return by how much values in original units, ``target``, change per unit of the transformed ones."""
        return target if self.floor is None else np.maximum(target, self.floor)


def guerrero_slope(y: ArrayLike, block: int) -> float:
    """Slope of log standard deviation on log mean over consecutive blocks (Guerrero, 1993).

    0 means fluctuations of constant size, 1 fluctuations in proportion to the level (where the logarithm makes them
    constant).

    Parameters
    ----------
    y : array-like of shape (N,)
        One series.
    block : int
        Points per block, at least 2; blocks are cut from the end.

    Returns
    -------
    float
        0 where nothing can be said: values that are not all positive, fewer than four blocks that vary, or levels that
        hardly differ.
    """
    y = np.asarray(y, dtype=np.float64)
    n_blocks = len(y) // block
    if n_blocks < _FEWEST_BLOCKS or y.min() <= 0:
        return 0.0
    blocks = y[len(y) - n_blocks * block :].reshape(n_blocks, block) / y.max()  # squares of 1e300 would overflow
    blocks = blocks[np.ptp(blocks, axis=1) > 0]  # a constant block has no logarithm of its spread
    if len(blocks) < _FEWEST_BLOCKS:
        return 0.0
    level = np.log(blocks.mean(axis=1))
    spread = np.log(blocks.std(axis=1))
    if level.std() < _LEVEL_SPREAD:
        return 0.0
    level -= level.mean()
    return float(level @ spread / (level @ level))


def wants_log(y: ArrayLike, season: int = 0) -> bool:
    """Whether a series should be forecast as its logarithm.

    Parameters
    ----------
    y : array-like of shape (N,)
        One series.
    season : int
        Its smallest season, the block length; 0 or 1 when it has none.

    Returns
    -------
    bool
        True for positive series whose Guerrero slope is above one half.
    """
    return guerrero_slope(y, season if season > 1 else _BLOCK_WITHOUT_SEASON) > _LOG_SLOPE
