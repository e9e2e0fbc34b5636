"""From errors of forecasts to calibrated scores and thresholds: of many rows, or of one after the other.

N rows, K targets, S forecasts of each row. Scores are in decades: -log10 of the probability that an ordinary row scores
as high. NaN is a row that is not scored.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from rnnforecast.detection import RollingTail, Smoother, Tail
from rnnforecast.detection.adaptive import AdaptiveThreshold, FixedThreshold
from rnnforecast.estimators._echo import EchoRun
from rnnforecast.estimators._reconstruction import ReconstructionRun
from rnnforecast.kernels.echo import combine_targets, error_sizes

Array = NDArray[np.float64]

CAP = 30.0  # deviations: a larger error is no more of an anomaly, and would rule the averages for long
POWER = 1.5  # large errors count for more: a spike of one row is seen beside many small errors
SHRINKAGE = 0.05  # of a covariance of errors towards its diagonal
N_KEPT = 5000  # newest ordinary scores that the calibration follows


@dataclass(frozen=True)
class Weighing:
    """How the errors of a row's forecasts become one number for each target, and those one for the row.

    Parameters
    ----------
    whitening : ndarray of shape (K, S, S) or (0, S, S)
        Makes errors uncorrelated: their size is then Mahalanobis' distance. Empty: the mean of their absolute values.
    power, cap : float
        To which a target's number is raised, and what it is cut at before.
    shares : ndarray of shape (K,)
        Weight of each target in the score.
    """

    whitening: Array
    shares: Array
    power: float = POWER
    cap: float = CAP

    def sizes(self, errors: Array) -> Array:
        """Return a number for each target, (N, K), from errors (N, K, S); NaN where none of a target is known."""
        out = np.empty(errors.shape[:2])
        error_sizes(np.ascontiguousarray(errors), self.whitening, self.cap, self.power, out)
        return out

    def combine(self, smoothed: Array) -> tuple[Array, Array]:
        """Return the score of each row, (N,), and the share of each target in it, (N, K), from (N, K)."""
        score, shares = np.empty(len(smoothed)), np.empty(smoothed.shape)
        combine_targets(smoothed, self.shares, score, shares)
        return score, shares


def mean_of_known(values: Array, axis: int) -> Array:
    """Return means without the values that are NaN; NaN where all are."""
    known = ~np.isnan(values)
    with np.errstate(invalid="ignore"):  # 0 / 0 where none is known
        return np.where(known, values, 0.0).sum(axis=axis) / known.sum(axis=axis)


def whitening_of(errors: Array, wanted: bool) -> Array:
    """Return matrices (K, S, S) that make errors (N, K, S) uncorrelated and of unit variance; none if not `wanted`."""
    K, S = errors.shape[1:]
    if not wanted:
        return np.empty((0, S, S))
    out = np.empty((K, S, S))
    for k in range(K):
        known = errors[:, k][~np.isnan(errors[:, k]).any(axis=1)]
        covariance = np.cov(known, rowvar=False).reshape(S, S) if len(known) > 1 else np.eye(S)
        covariance = (1.0 - SHRINKAGE) * covariance + SHRINKAGE * np.eye(S)
        out[k] = np.linalg.inv(np.linalg.cholesky(covariance)).T
    return out


def begun(spans: Sequence[int], usual: Array) -> Smoother:
    """Return a smoother whose averages begin at the usual sizes (K,): without them the first rows would rule them."""
    smoother = Smoother(spans, n_columns=len(usual))
    averages = np.tile(usual, (len(spans), 1))
    smoother.state = {"counts": np.full(len(usual), float(max(spans))), "averages": averages}
    return smoother


class Scored(NamedTuple):
    """Rows that were judged.

    score, threshold : ndarray of shape (N,)
        In decades.
    shares : ndarray of shape (N, K)
        Of the targets in the score; they add up to 1.
    expected : ndarray of shape (N, K)
        What was forecast one step ahead, scaled.
    """

    score: Array
    threshold: Array
    shares: Array
    expected: Array


class Decision:
    """What a score means: its calibration, and the threshold of each row.

    Parameters
    ----------
    reference : ndarray of shape (n,)
        Scores of ordinary rows.
    trained : bool
        False: these say nothing, and any score is surprising: log10(1 + 1e6 score).
    threshold : FixedThreshold or AdaptiveThreshold
    """

    def __init__(self, reference: Array, trained: bool, threshold: FixedThreshold | AdaptiveThreshold):
        self.rolling = RollingTail(reference, n_kept=max(N_KEPT, len(reference)))
        if not trained:
            self.rolling.tail = Tail(np.zeros(1), np.zeros(1), 1.0, 1e-6, 0)
        self.threshold = threshold

    def extend(self, scores: Array, learn: bool) -> tuple[Array, Array]:
        """Return calibrated scores (N,) and thresholds (N,); with `learn` as one row after the other."""
        if learn:
            pairs = np.array([self.update(score, learn) for score in scores.tolist()]).reshape(-1, 2)
            return pairs[:, 0], pairs[:, 1]
        calibrated = self.rolling.extend(scores, learn=False)
        return calibrated, self.threshold.extend(calibrated)

    def update(self, score: float, learn: bool) -> tuple[float, float]:
        """Return calibrated score and threshold of the next row; with `learn` it is learnt from unless it alarms."""
        calibrated = self.rolling.update(score, learn=False)
        threshold = self.threshold.update(calibrated)
        if learn and calibrated <= threshold:
            self.rolling.update(score)
        return calibrated, threshold

    @property
    def state(self) -> dict[str, Any]:
        """What was learnt so far; can be assigned to another decision of the same parameters."""
        return {**self.rolling.state, "level": self.threshold.level}

    @state.setter
    def state(self, state: dict[str, Any]) -> None:
        """Go on from where another one was."""
        self.rolling.state = state
        self.threshold.level = state["level"]


class Scorer:
    """Judges rows by what came before them, many at a time or one: both give the same, within rounding.

    Parameters
    ----------
    run : EchoRun or ReconstructionRun
    weighing : Weighing
    smoother : Smoother
    decision : Decision
        All but the weighing are moved on by the rows that are read.
    """

    def __init__(self, run: EchoRun | ReconstructionRun, weighing: Weighing, smoother: Smoother, decision: Decision):
        self.run, self.weighing, self.smoother, self.decision = run, weighing, smoother, decision

    def extend(self, table: Array, learn: bool = False) -> Scored:
        """Judge rows (N, C), scaled; with `learn` the calibration follows those that do not alarm."""
        errors, expected = self.run.extend(table)
        score, shares = self.weighing.combine(self.smoother.extend(self.weighing.sizes(errors)))
        return Scored(*self.decision.extend(score, learn), shares, expected)

    def step(self, row: Array, learn: bool = False) -> tuple[float, float, Array, Array]:
        """Judge one row (C,): the fields of `Scored` for it."""
        errors, expected = self.run.step(row)
        smoothed = self.smoother.update(self.weighing.sizes(errors[None])[0])
        score, shares = self.weighing.combine(smoothed[None])
        return *self.decision.update(float(score[0]), learn), shares[0], expected

    @property
    def state(self) -> dict[str, Any]:
        """All that was carried from the rows read; can be assigned to another scorer of the same parts."""
        return {"run": self.run.state, "smoother": self.smoother.state, "decision": self.decision.state}

    @state.setter
    def state(self, state: dict[str, Any]) -> None:
        """Go on from where another one was."""
        self.run.state, self.smoother.state = state["run"], state["smoother"]
        self.decision.state = state["decision"]
