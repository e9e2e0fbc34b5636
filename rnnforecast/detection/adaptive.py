"""A threshold that follows the share of rows that alarm, whatever the series does.

Scores of new rows never have quite the distribution of the training rows, and smoothed ones come in runs; a fixed
threshold meets its false-alarm rate on few series. Adaptive conformal inference (Gibbs and Candès, 2021) does on all:
every alarm raises the threshold, every quiet row lowers it, in the proportion of the rate.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import ArrayLike, NDArray

_STEP = 0.0022  # decades that a quiet row lowers the threshold
_LARGEST = 12.0  # decades


class FixedThreshold:
    """The same threshold for every row, with the methods of `AdaptiveThreshold`.

    Parameters
    ----------
    level : float
        In decades; infinity never alarms.
    """

    def __init__(self, level: float) -> None:
        self.level = level

    def update(self, score: float) -> float:
        """Return the threshold."""
        return self.level

    def extend(self, scores: ArrayLike) -> NDArray[np.float64]:
        """Return the threshold of each row, (n,)."""
        return np.full(len(np.asarray(scores)), self.level)


class AdaptiveThreshold:
    """A threshold in decades of probability, from row to row.

    Parameters
    ----------
    false_alarm_rate : float in (0, 1)
        Share of the rows, apart from extreme ones, that come to exceed the threshold.
    extreme : float, default=2.0
        Decades above the threshold from which on a row is no false alarm, and nothing is learnt from it.

    Attributes
    ----------
    level : float
        Threshold of the next row.
    """

    def __init__(self, false_alarm_rate: float, *, extreme: float = 2.0) -> None:
        self._extreme = extreme
        self.level = -math.log10(false_alarm_rate)
        self._fall = _STEP
        self._rise = _STEP * (1.0 - false_alarm_rate) / false_alarm_rate

    def update(self, score: float) -> float:
        """Take the calibrated score of a row, NaN if it has none; return the threshold that it is compared with."""
        level = self.level
        if score <= level:
            self.level = max(level - self._fall, 0.0)
        elif score < level + self._extreme:
            self.level = min(level + self._rise, _LARGEST)
        return level

    def extend(self, scores: ArrayLike) -> NDArray[np.float64]:
        """Take the scores of many rows (n,) and return their thresholds (n,)."""
        return np.array([self.update(score) for score in np.asarray(scores, np.float64).tolist()])
