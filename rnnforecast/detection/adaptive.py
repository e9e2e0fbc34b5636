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
_LONGEST = 150  # rows that an event raises no threshold for


class FixedThreshold:
    """The same threshold for every row, with the methods of `AdaptiveThreshold`.

    Parameters
    ----------
    level : float
        In decades; infinity never alarms.
    """

    def __init__(self, level: float) -> None:
        self.level = level

    @property
    def state(self) -> dict[str, float]:
        """The level."""
        return {"level": self.level}

    @state.setter
    def state(self, state: dict[str, float]) -> None:
        """Take the level of another one."""
        self.level = state["level"]

    def update(self, score: float) -> float:
        """Return the threshold."""
        return self.level

    def extend(self, scores: ArrayLike) -> NDArray[np.float64]:
        """Return the threshold of each row, (n,)."""
        return np.full(len(np.asarray(scores)), self.level)


class AdaptiveThreshold:
    """A threshold in decades of probability, from row to row.

    A row far above the threshold is no false alarm, nor are the alarming rows around it: what was learnt from those
    before it is taken back, and those after it are not learnt from. If they go on for long, the series has changed.

    Parameters
    ----------
    false_alarm_rate : float in (0, 1)
        Share of the rows, apart from extreme ones and those around them, that come to exceed the threshold.
    extreme : float, default=2.0
        Decades above the threshold from which on a row is no false alarm, and nothing is learnt from it.

    Attributes
    ----------
    level : float
        Threshold of the next row.
    state : dict
        What was learnt so far; can be assigned to another threshold of the same parameters.
    """

    def __init__(self, false_alarm_rate: float, *, extreme: float = 2.0) -> None:
        self._extreme = extreme
        self.level = -math.log10(false_alarm_rate)
        self._fall = _STEP
        self._rise = _STEP * (1.0 - false_alarm_rate) / false_alarm_rate
        self._before = math.nan  # the level before the alarm that lasts
        self._n_rows, self._is_event = 0, False  # of that alarm; whether a row of it was extreme

    def update(self, score: float) -> float:
        """Take the calibrated score of a row, NaN if it has none; return the threshold that it is compared with."""
        level = self.level
        if math.isnan(score):
            return level
        begun = level if math.isnan(self._before) else self._before
        if score <= begun:
            self._before, self._n_rows, self._is_event = math.nan, 0, False
        else:
            self._before, self._n_rows = begun, self._n_rows + 1
            if self._n_rows > _LONGEST:
                if score >= level + self._extreme:
                    return level
            elif score >= begun + self._extreme:
                self.level, self._is_event = begun, True
                return level
            elif self._is_event:
                return level
        step = -self._fall if score <= level else self._rise
        self.level = min(max(level + step, 0.0), _LARGEST)
        return level

    @property
    def state(self) -> dict[str, float]:
        """What was learnt so far."""
        return {
            "level": self.level,
            "before": self._before,
            "n_rows": self._n_rows,
            "is_event": self._is_event,
        }

    @state.setter
    def state(self, state: dict[str, float]) -> None:
        """Go on from where another one was."""
        self.level, self._before = state["level"], state["before"]
        self._n_rows, self._is_event = int(state["n_rows"]), bool(state["is_event"])

    def extend(self, scores: ArrayLike) -> NDArray[np.float64]:
        """Take the scores of many rows (n,) and return their thresholds (n,)."""
        return np.array([self.update(score) for score in np.asarray(scores, np.float64).tolist()])
