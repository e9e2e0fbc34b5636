"""Increasing functions of single values, and their inverses: identity, logarithm, Box-Cox.

K target columns. Everything is float64.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray
from scipy.special import boxcox, inv_boxcox

_Array = NDArray[np.float64]

LARGEST_LOG = 700.0  # exp(709.8) is the largest float64; an extrapolated logarithm stays finite


class Pointwise(Protocol):
    """An increasing function of single values."""

    def forward(self, values: _Array) -> _Array:
        """Return transformed values; ``values`` has shape (..., K).

        Raises
        ------
        ValueError
            If a value is outside the function's domain.
        """

    def inverse(self, values: _Array) -> _Array:
        """Return values in original units, finite for every finite input; ``values`` has shape (..., K)."""

    def sensitivity(self, target: _Array) -> _Array:
        """Return by how much original values (..., K) change per unit of the transformed ones."""


@dataclass(frozen=True)
class Identity:
    """The function that changes nothing."""

    def forward(self, values: _Array) -> _Array:
        """Return ``values``."""
        return values

    def inverse(self, values: _Array) -> _Array:
        """Return ``values``."""
        return values

    def sensitivity(self, target: _Array) -> _Array:
        """Return ones, in the memory of a single one."""
        return np.broadcast_to(1.0, target.shape)


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

    def forward(self, values: _Array) -> _Array:
        """Return the logarithm of positive values.

        Raises
        ------
        ValueError
            If a value is zero or negative, and there is no floor.
        """
        if self.floor is not None:
            return np.log(np.maximum(values, self.floor))
        require(values > 0, values, "the log transform needs positive values")
        return np.log(values)

    def inverse(self, values: _Array) -> _Array:
        """Return the exponential, finite for every finite input."""
        return np.exp(np.clip(values, -LARGEST_LOG, LARGEST_LOG))

    def sensitivity(self, target: _Array) -> _Array:
        """Return the values themselves."""
        return target if self.floor is None else np.maximum(target, self.floor)


@dataclass(frozen=True, eq=False)
class BoxCox:
    """The power transform ``((y / unit) ** power - 1) / power``, the logarithm at power 0 (Box and Cox, 1964).

    Parameters
    ----------
    power : ndarray of shape (K,)
        In [0, 1]; larger powers would lose the digits of small values.
    unit : ndarray of shape (K,)
        Positive; the size of the values, so that those of any size keep their digits.
    """

    power: _Array
    unit: _Array

    def forward(self, values: _Array) -> _Array:
        """Return powers of values that are positive, or zero where the power is.

        Raises
        ------
        ValueError
            If a value is negative, or zero where the power is zero too.
        """
        require(values >= 0, values, "the boxcox transform needs values that are not negative")
        require((values > 0) | (self.power > 0), values, "the boxcox transform with power 0 needs positive values")
        return boxcox(values / self.unit, self.power)

    def inverse(self, values: _Array) -> _Array:
        """Return roots; what lies below the transform of zero is zero."""
        with np.errstate(over="ignore", divide="ignore"):
            grown = inv_boxcox(np.maximum(values, -1.0 / self.power), self.power)
            return np.minimum(grown, np.exp(LARGEST_LOG) / self.unit) * self.unit

    def sensitivity(self, target: _Array) -> _Array:
        """Return the derivative of `inverse`."""
        return (target / self.unit) ** (1.0 - self.power) * self.unit


def require(valid: NDArray[np.bool_], values: _Array, needs: str) -> None:
    """Raise unless all values (..., K) are valid."""
    if np.all(valid):
        return
    rows = np.flatnonzero(~valid.reshape(-1, valid.shape[-1]).all(axis=1))
    raise ValueError(f"{needs}, got {np.min(values):g} (first at row {rows[0]}); fit with target_transform=None")
