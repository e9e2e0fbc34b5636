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

from rnnforecast.detection import RollingTail, Smoother
from rnnforecast.detection.adaptive import AdaptiveThreshold, FixedThreshold
from rnnforecast.estimators._echo import EchoModel, EchoRun

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
    whitening : ndarray of shape (K, S, S) or None
        Makes errors uncorrelated: their size is then Mahalanobis' distance. None: the mean of their absolute values.
    power, cap : float
        To which a target's number is raised, and what it is cut at before.
    shares : ndarray of shape (K,)
        Weight of each target in the score.
    """

    whitening: Array | None
    shares: Array
    power: float = POWER
    cap: float = CAP

    def sizes(self, errors: Array) -> Array:
        """Return a number for each target, (..., K), from errors (..., K, S); NaN where none of a target is known."""
        if self.whitening is not None:
            white = np.matmul(errors[..., None, :], self.whitening)[..., 0, :]
            size = np.sqrt(np.square(white).mean(axis=-1))
        else:
            size = np.abs(errors)
            total = size.sum(axis=-1)
            size = total / errors.shape[-1] if not np.isnan(total).any() else mean_of_known(size)
        return np.minimum(size, self.cap) ** self.power

    def combine(self, smoothed: Array) -> tuple[Array, Array]:
        """Return the score of each row, (...,), and the share of each target in it, (..., K), from (..., K)."""
        parts = smoothed * self.shares
        total = parts.sum(axis=-1)
        if np.isnan(total).any():
            weights = np.where(np.isnan(parts), 0.0, self.shares).sum(axis=-1)
            parts = np.nan_to_num(parts)
            with np.errstate(invalid="ignore"):
                total = np.where(weights > 0.0, parts.sum(axis=-1), np.nan)
        else:
            weights = self.shares.sum()
        with np.errstate(divide="ignore", invalid="ignore"):
            shares = np.where(total[..., None] > 0.0, parts / total[..., None], self.shares / self.shares.sum())
            score = total / weights
        return score, np.where(np.isnan(score)[..., None], np.nan, shares)


def mean_of_known(values: Array, axis: int = -1) -> Array:
    """Return means without the values that are NaN; NaN where all are."""
    known = ~np.isnan(values)
    with np.errstate(invalid="ignore"):  # 0 / 0 where none is known
        return np.where(known, values, 0.0).sum(axis=axis) / known.sum(axis=axis)


def whitening_of(errors: Array) -> Array:
    """Return matrices (K, S, S) that make errors (N, K, S) uncorrelated and of unit variance."""
    K, S = errors.shape[1:]
    out = np.empty((K, S, S))
    for k in range(K):
        known = errors[:, k][~np.isnan(errors[:, k]).any(axis=1)]
        covariance = np.cov(known, rowvar=False).reshape(S, S) if len(known) > 1 else np.eye(S)
        covariance = (1.0 - SHRINKAGE) * covariance + SHRINKAGE * np.eye(S)
        out[k] = np.linalg.inv(np.linalg.cholesky(covariance)).T
    return out


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
    threshold : FixedThreshold or AdaptiveThreshold
    """

    def __init__(self, reference: Array, threshold: FixedThreshold | AdaptiveThreshold):
        self.rolling = RollingTail(reference, n_kept=max(N_KEPT, len(reference)))
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
    model : EchoModel
    weighing : Weighing
    spans : sequence of int
        Of the smoothing.
    decision : Decision
        Moved on by the rows that are read.
    """

    def __init__(self, model: EchoModel, weighing: Weighing, spans: Sequence[int], decision: Decision):
        self.run, self.weighing, self.decision = EchoRun(model), weighing, decision
        self.smoother = Smoother(spans, n_columns=len(model.weights))

    def extend(self, table: Array, learn: bool = False) -> Scored:
        """Judge rows (N, C), scaled; with `learn` the calibration follows those that do not alarm."""
        errors, expected = self.run.extend(table)
        score, shares = self.weighing.combine(self.smoother.extend(self.weighing.sizes(errors)))
        return Scored(*self.decision.extend(score, learn), shares, expected)

    def step(self, row: Array, learn: bool = False) -> tuple[float, float, Array, Array]:
        """Judge one row (C,): the fields of `Scored` for it."""
        errors, expected = self.run.step(row)
        score, shares = self.weighing.combine(self.smoother.update(self.weighing.sizes(errors)))
        return *self.decision.update(float(score), learn), shares, expected

    @property
    def state(self) -> dict[str, Any]:
        """All that was carried from the rows read; can be assigned to another scorer of the same parts."""
        return {"run": self.run.state, "smoother": self.smoother.state, "decision": self.decision.state}

    @state.setter
    def state(self, state: dict[str, Any]) -> None:
        """Go on from where another one was."""
        self.run.state, self.smoother.state = state["run"], state["smoother"]
        self.decision.state = state["decision"]
