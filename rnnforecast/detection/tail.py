"""From a score to how rare it is: -log10 of the probability that an ordinary row scores as high.

The body is the share of reference scores at or above a score; beyond the 98 % quantile a generalised Pareto
distribution continues it, as exceedances over a high threshold follow one (Pickands, 1975; Siffer et al., 2017).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

Array = NDArray[np.float64]

_LN10 = math.log(10.0)
_SHARE, _SHARE_OF_FEW, _FEW = 0.02, 0.05, 1000  # share of the rows beyond the joint
_FEWEST_BEYOND = 10  # rows; a tail fitted to one or two would make the next higher score a miracle
_SHAPES = (1e-9, 0.5)  # next to 0 the formulas of the exponential distribution come out without a case of their own
_FAR = 1e12  # scales beyond the joint: more is as far
_MOST = 300.0  # -log10 of about the smallest probability that float64 holds
_COMMON = 1e-2
_EXCESSES = 10


def rows_needed(false_alarm_rate: float) -> int:
    """Return how many reference rows a false-alarm rate asks for.

    A rate of one in a hundred or more is read off the rows and needs one expected excess. A smaller one is extrapolated
    from scores that come in runs, some ten rows for one independent value, and needs ten: 10,000 rows for one in a
    thousand, 100,000 for one in ten thousand.
    """
    return math.ceil((1 if false_alarm_rate >= _COMMON else _EXCESSES) / false_alarm_rate - 1e-9)


def check_rate(false_alarm_rate: float, n_rows: int) -> None:
    """Refuse a false-alarm rate that so many reference rows cannot support.

    Raises
    ------
    ValueError
        If the rate is not between 0 and 1, or needs more rows.
    """
    if not 0.0 < false_alarm_rate < 1.0:
        raise ValueError(f"false_alarm_rate must lie between 0 and 1, got {false_alarm_rate!r}")
    if n_rows < rows_needed(false_alarm_rate):
        raise ValueError(
            f"false_alarm_rate={false_alarm_rate:g} needs {rows_needed(false_alarm_rate):,} scored training rows to be"
            f" kept, got {n_rows:,}: give more rows or a higher rate"
        )


@dataclass(frozen=True)
class Tail:
    """The distribution of ordinary scores; made by `fit_tail`.

    Parameters
    ----------
    values : ndarray of shape (J,)
        Different reference scores up to the joint with the Pareto distribution, which is the last, ascending.
    decades : ndarray of shape (J,)
        -log10 of the share of reference rows at or above each, ascending.
    shape, scale : float
        Of the Pareto distribution of what lies beyond the joint.
    n_rows : int
        Reference rows.
    """

    values: Array
    decades: Array
    shape: float
    scale: float
    n_rows: int

    def surprise(self, scores: Any) -> Any:
        """Return -log10 of the probability that an ordinary row scores as high.

        Parameters
        ----------
        scores : float or array-like of any shape

        Returns
        -------
        float or ndarray
            Between 0 and 300, rising with the score; NaN where the score is NaN.
        """
        joint = self.values[-1]
        reached = np.minimum(np.maximum(scores, joint), joint + _FAR * self.scale)
        beyond = (reached - joint) / self.scale
        within = np.interp(scores, self.values, self.decades)
        return np.minimum(within + np.log1p(self.shape * beyond) / (self.shape * _LN10), _MOST)


def fit_tail(scores: ArrayLike, *, floor: float = 1e-6) -> Tail:
    """Learn how scores of ordinary rows are distributed.

    Parameters
    ----------
    scores : array-like of shape (n,)
        Scores of rows without anomalies; NaN is left out.
    floor : float, default=1e-6
        Smallest scale of what lies beyond the joint, in units of the score: scores of a series that is forecast without
        error differ by less, and mean nothing.

    Returns
    -------
    Tail

    Raises
    ------
    ValueError
        If there is no score, or one is infinite.
    """
    reference = np.asarray(scores, dtype=np.float64).ravel()
    reference = reference[~np.isnan(reference)]
    n = len(reference)
    if n == 0 or np.isinf(reference).any():
        raise ValueError(f"a tail is fitted to finite scores, got {n}, of which {np.isinf(reference).sum()} infinite")
    values, counts = np.unique(reference, return_counts=True)
    # Expected probability above the order statistics; with ties, of a score at least as high.
    above = np.cumsum(counts[::-1])[::-1] / (n + 1)
    share = max(_SHARE if n >= _FEW else _SHARE_OF_FEW, _FEWEST_BEYOND / n)
    joint = min(int(np.searchsorted(-above, -share)), len(values) - 1)
    shape, scale = _pareto(np.repeat(values[joint + 1 :] - values[joint], counts[joint + 1 :]))
    return Tail(values[: joint + 1], -np.log10(above[: joint + 1]), shape, max(scale, floor), n)


def _pareto(excesses: Array) -> tuple[float, float]:
    """Return shape and scale from mean and variance (Hosking and Wallis, 1987), the shape kept in range."""
    if len(excesses) == 0:
        return _SHAPES[0], 0.0
    mean = float(excesses.mean())
    variance = float((excesses / mean).var())  # in means: no square leaves the range
    shape = 0.5 * (1.0 - 1.0 / variance) if variance > 0.0 else 0.0
    shape = min(max(shape, _SHAPES[0]), _SHAPES[1])
    return shape, mean * (1.0 - shape)  # whatever the shape, the mean is kept


class RollingTail:
    """The tail of the newest ordinary scores: what is rare follows the series when it drifts.

    A row that scores far beyond all others is not learnt from. Rows that are merely above a threshold of one in a
    hundred are: without them the tail would shrink with every alarm, and alarms would become more frequent.

    Parameters
    ----------
    scores : array-like of shape (n,)
        Scores of ordinary rows to begin with, oldest first.
    n_kept : int, default=5000
        Scores the tail is fitted to.
    refit_every : int, default=250
        Scored rows after which it is fitted again.
    ceiling : float, default=4.0
        Rows with a higher -log10 probability are not learnt from.
    floor : float, default=1e-6
        See `fit_tail`.

    Attributes
    ----------
    tail : Tail
        The one in use.
    state : dict
        What was learnt so far; can be assigned to another rolling tail of the same parameters.
    """

    def __init__(
        self,
        scores: ArrayLike,
        *,
        n_kept: int = 5000,
        refit_every: int = 250,
        ceiling: float = 4.0,
        floor: float = 1e-6,
    ) -> None:
        self.refit_every, self.ceiling, self.floor = refit_every, ceiling, floor
        reference = np.asarray(scores, dtype=np.float64).ravel()
        reference = reference[~np.isnan(reference)][-n_kept:]
        self.tail = fit_tail(reference, floor=floor)
        self._kept = np.full(n_kept, np.nan)
        self._kept[: len(reference)] = reference
        self._oldest = len(reference) % n_kept  # the place to write next
        self._n_since = 0

    def update(self, score: float, *, learn: bool = True) -> float:
        """Return -log10 of the probability of the next row's score, and learn from it.

        Parameters
        ----------
        score : float
            NaN is not scored.
        learn : bool, default=True

        Returns
        -------
        float
        """
        surprise = float(self.tail.surprise(score))
        if learn and not math.isnan(surprise):
            if surprise <= self.ceiling:
                self._kept[self._oldest] = score
                self._oldest = (self._oldest + 1) % len(self._kept)
            self._count(1)
        return surprise

    def extend(self, scores: ArrayLike, *, learn: bool = True) -> Array:
        """Take many rows, with the same result as one by one.

        Parameters
        ----------
        scores : array-like of shape (n,)
            NaN is not scored.
        learn : bool, default=True

        Returns
        -------
        ndarray of shape (n,)
        """
        rows = np.asarray(scores, dtype=np.float64)
        if not learn:
            return self.tail.surprise(rows)
        known = np.flatnonzero(~np.isnan(rows))
        out = np.full(len(rows), np.nan)
        while len(known):
            block, known = np.split(known, [self.refit_every - self._n_since])
            out[block] = self.tail.surprise(rows[block])
            ordinary = rows[block][out[block] <= self.ceiling][-len(self._kept) :]
            self._kept[(self._oldest + np.arange(len(ordinary))) % len(self._kept)] = ordinary
            self._oldest = (self._oldest + len(ordinary)) % len(self._kept)
            self._count(len(block))
        return out

    def _count(self, n_rows: int) -> None:
        self._n_since += n_rows
        if self._n_since == self.refit_every:
            self._n_since = 0
            self.tail = fit_tail(self._kept, floor=self.floor)

    @property
    def state(self) -> dict[str, Any]:
        """What was learnt so far."""
        return {"kept": self._kept.copy(), "oldest": self._oldest, "n_since": self._n_since, "tail": self.tail}

    @state.setter
    def state(self, state: dict[str, Any]) -> None:
        """Go on from where another one was."""
        self._kept = np.array(state["kept"])
        self._oldest, self._n_since, self.tail = state["oldest"], state["n_since"], state["tail"]
