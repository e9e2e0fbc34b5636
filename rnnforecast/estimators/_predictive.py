"""What a forecaster expects, as a distribution that can be calibrated: a score for every value, and the way back.

n origins, H steps, K target columns, Q scores of each. Scores ascend with the value, and 0 is the median.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

_Array = NDArray[np.float64]


class Predictive(Protocol):
    """Forecasts from several origins with their distribution.

    Attributes
    ----------
    point : ndarray of shape (n, H, K)
        The forecast itself, in original units.
    """

    @property
    def point(self) -> _Array:
        """Return the forecast itself, (n, H, K)."""

    def scores(self, actual: _Array) -> _Array:
        """Return how far true values (n, H, K) are from what was expected, (n, H, K); NaN where they are NaN."""

    def values(self, scores: _Array) -> _Array:
        """Return the values (Q, n, H, K) that have given scores (Q, 1 or n, H, K)."""


@dataclass(frozen=True)
class Around:
    """A point forecast; scores are errors on the scale on which their size does not depend on the level.

    Parameters
    ----------
    point : ndarray of shape (n, H, K)
    scale : Pointwise
        `forward` to that scale and `inverse` back, value by value.
    unit : ndarray of shape (n or 1, 1, K)
        In what the errors are counted there: those of a large series are as large as those of a small one.
    """

    point: _Array
    scale: Any
    unit: _Array

    def scores(self, actual: _Array) -> _Array:
        """Return forward(actual) - forward(point), (n, H, K), in units."""
        known = ~np.isnan(actual)
        filled = np.where(known, actual, self.point)
        return np.where(known, (self.scale.forward(filled) - self.scale.forward(self.point)) / self.unit, np.nan)

    def values(self, scores: _Array) -> _Array:
        """Return values (Q, n, H, K); the score 0 is the forecast to the last bit."""
        center = self.scale.forward(self.point)
        return self.point + (self.scale.inverse(center + self.unit * scores) - self.scale.inverse(center))
