"""A threshold that follows the share of rows that alarm, whatever the series does.

Scores of new rows never have quite the distribution of the training rows, and smoothed ones come in runs; a fixed
threshold meets its false-alarm rate on few series. Adaptive conformal inference (Gibbs and Candès, 2021) does on all:
every alarm raises the threshold, every quiet row lowers it, in the proportion of the rate. What anomalies do to it is
bounded: an event raises no threshold, and an alarm that does not end gets a threshold of its own for as long.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import ArrayLike, NDArray

_STEP = 0.0022  # decades that a quiet row lowers the threshold
_LARGEST = 12.0  # decades
_ORDINARY = 2.0  # decades; after a change, the steps of higher thresholds are larger by as much as these are
_LASTING, _BACK = 300, 0.5  # alarms after which the series has changed; each quiet row between makes up for half a one
_QUIET = 100  # rows without an alarm after which the alarms before are over, and so is a change
_STATE = ("usual", "before", "is_event", "n_alarms", "n_quiet", "highest", "changed")


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
    before it is taken back, and those after it are not learnt from.

    Where alarms go on for 300 rows, the series has changed: a trend has left the range of the training rows, or a level
    has shifted. A second threshold then begins at the highest of these scores and learns from every row, so that what
    stays as it is alarms no more. The first one comes back when scores have been below it for 100 rows, or for two of
    three rows long enough.

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
        self._rise = _STEP * (1.0 - false_alarm_rate) / false_alarm_rate
        self._usual = -math.log10(false_alarm_rate)
        self._before = math.nan  # the usual level before the alarm that lasts
        self._is_event = False  # whether a row of it was extreme
        self._n_alarms, self._n_quiet = 0.0, 0.0  # rows beyond the usual level, see `_BACK`; those below it since
        self._highest = 0.0  # score of these alarms
        self._changed = math.nan  # the level in place of the usual one, if the series has changed

    @property
    def level(self) -> float:
        """Threshold of the next row."""
        return self._usual if math.isnan(self._changed) else self._changed

    def update(self, score: float) -> float:
        """Take the calibrated score of a row, NaN if it has none; return the threshold that it is compared with."""
        if self._n_alarms == 0.0 and score <= self._usual:  # as nearly always, there is nothing but to come down
            level, self._usual = self._usual, max(self._usual - _STEP, 0.0)
            return level
        level = self.level
        if math.isnan(score):
            return level
        usual = self._usual if math.isnan(self._before) else self._before
        goes_on = not (math.isnan(self._before) and math.isnan(self._changed))
        # What stays within a step of the level is where the series rests; the level has come down to it.
        alarms = score > usual + _STEP * goes_on
        self._count(score, alarms)
        if not math.isnan(self._changed):
            step = self._rise if score > level else -_STEP
            self._changed += step * max(level / _ORDINARY, 1.0)
        elif self._n_alarms >= _LASTING:
            self._changed, self._usual, self._before, self._is_event = self._highest, usual, math.nan, False
        else:
            self._follow(score, usual, alarms and self._n_alarms > 0.0)
        return level

    def _count(self, score: float, alarms: bool) -> None:
        """Tell how long alarms have gone on."""
        if alarms:
            self._n_alarms, self._highest = min(self._n_alarms + 1.0, _LASTING), max(self._highest, score)
        else:
            self._n_alarms = max(self._n_alarms - _BACK, 0.0)
        self._n_quiet = 0.0 if alarms and score > self._usual else self._n_quiet + 1.0
        if self._n_alarms == 0.0 or self._n_quiet >= _QUIET:
            self._before = self._changed = math.nan
            self._n_alarms, self._highest, self._is_event = 0.0, 0.0, False

    def _follow(self, score: float, usual: float, alarms: bool) -> None:
        """Learn from a row, unless it is part of an event; `usual` is the level before the alarm that goes on."""
        if not alarms:
            self._before, self._is_event = math.nan, False
        else:
            self._before = usual
            if score >= usual + self._extreme:
                self._usual, self._is_event = usual, True
            if self._is_event:
                return
        step = self._rise if score > self._usual else -_STEP
        self._usual = min(max(self._usual + step, 0.0), _LARGEST)

    @property
    def state(self) -> dict[str, float]:
        """What was learnt so far."""
        return {name: float(getattr(self, f"_{name}")) for name in _STATE}

    @state.setter
    def state(self, state: dict[str, float]) -> None:
        """Go on from where another one was."""
        for name in _STATE:
            setattr(self, f"_{name}", float(state[name]))
        self._is_event = bool(self._is_event)

    def extend(self, scores: ArrayLike) -> NDArray[np.float64]:
        """Take the scores of many rows (n,) and return their thresholds (n,)."""
        return np.array([self.update(score) for score in np.asarray(scores, np.float64).tolist()])
