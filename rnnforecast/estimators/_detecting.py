"""What a detector learns from its training rows, and how it judges others: causally or with hindsight.

N rows, C columns of which the first K are targets, the rest inputs.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rnnforecast.detection import (
    ShapeReference,
    dominant_period,
    rows_of_windows,
    window_length,
)
from rnnforecast.detection.adaptive import AdaptiveThreshold, FixedThreshold
from rnnforecast.estimators._echo import EchoModel, Readouts, fit_echo
from rnnforecast.estimators._ordinary import Ordinary, fit_to_ordinary
from rnnforecast.estimators._reconstruction import ReconstructionModel
from rnnforecast.estimators._scoring import Decision, Scored, Scorer, Weighing, begun, mean_of_known, whitening_of
from rnnforecast.network.reservoir import Reservoir
from rnnforecast.scaling import Scaler, fit_scaler

Array = NDArray[np.float64]
Threshold = FixedThreshold | AdaptiveThreshold

# The newest row alone keeps alarms short, and their rate right; with hindsight they are as long as what caused them.
SPANS = {"causal": (1, 10, 30, 100, 300), "offline": (10, 30, 100, 300)}
FEW = 1500  # training rows; where all averages are long, so few say too little of the tail to extrapolate it
VALUE_RANGE = 20.0  # standard deviations: values beyond are as far
FEWEST_LAGS, MOST_LAGS, LAGS_PER_PERIOD = 96, 300, 1.25
ALIKE = (0.0005, 0.9995)  # quantiles between which a column must vary to be learnt from
EVEN, SMALLEST_UNIT = 0.99, 1e-2  # quantile of a training score that is made 1, and what it is at least


@dataclass(frozen=True)
class Plan:
    """The choices of a detector that its parameters and the training rows make together.

    Parameters
    ----------
    steps : tuple of int
        How far ahead is forecast.
    n_lags : int
        Or rows of a window.
    back : ndarray of int, shape (C,)
        See `EchoModel`.
    periods : list of (int or None), length K
        Of the targets.
    spans : tuple of int
        Of the smoothing.
    mahalanobis : bool
        How errors of several steps are joined.
    shares : ndarray of shape (K,)
        Weight of each target in the score.
    trained : bool
        Whether any target varies in the training rows.
    """

    steps: tuple[int, ...]
    n_lags: int
    back: NDArray[np.int64]
    periods: list[int | None]
    spans: tuple[int, ...]
    mahalanobis: bool
    shares: Array
    trained: bool

    @property
    def period(self) -> int | None:
        """Of the first target that has one."""
        return next((period for period in self.periods if period is not None), None)


def scaler_of(values: Array) -> Scaler:
    """Learn mean and standard deviation of every column (N, C) from what is known of it."""
    each = [fit_scaler(column[~np.isnan(column)][:, None]) for column in values.T]
    return Scaler(*(np.concatenate([getattr(one, name) for one in each]) for name in ("origin", "offset", "scale")))


def scaled(values: Array, scaler: Scaler) -> Array:
    """Return values (..., C) in standard deviations, cut at twenty; NaN stays."""
    with np.errstate(over="ignore"):  # what is farther away than float64 reaches is cut, too
        return np.minimum(np.maximum(scaler.transform(values), -VALUE_RANGE), VALUE_RANGE)


def hardly_varies(column: Array) -> bool:
    """Tell whether the middle 99.9 % of a column's known values are the same but for rounding."""
    low, high = np.quantile(column[~np.isnan(column)], ALIKE)
    return bool(high - low <= 4.0 * np.finfo(np.float64).eps * max(abs(low), abs(high)))


def plan(
    table: Array,
    n_targets: int,
    *,
    steps: tuple[int, ...],
    n_lags: int | str,
    smooth: int | str | None,
    mode: str,
    windowed: bool,
    mahalanobis: bool,
    varies: NDArray[np.bool_],
) -> Plan:
    """Choose lags, or a window's rows, and spans by the periods of the scaled training rows (N, C)."""
    periods = [dominant_period(column) for column in table[:, :n_targets].T]
    found = [period for period in periods if period is not None]
    if n_lags != "auto":
        lags = int(n_lags)
    elif windowed:
        lags = min(window_length(next(iter(found), None)), max(len(table) // 4, 2))
    else:
        lags = int(np.clip(LAGS_PER_PERIOD * max(found, default=0), FEWEST_LAGS, MOST_LAGS))
        lags = min(lags, max(len(table) // 4, 2))
    back = np.ones(table.shape[1], np.int64)
    for k, own in enumerate(periods):
        if own is not None and own < lags:
            back[k] = own
    spans = SPANS[mode] if smooth == "auto" else (1 if smooth is None else int(smooth),)
    trained = bool(varies.any())
    shares = varies.astype(np.float64) if trained else np.ones(n_targets)
    return Plan(steps, lags, back, periods, spans, mahalanobis, shares, trained)


class Causal:
    """Judges rows by those before them.

    Parameters
    ----------
    table : ndarray of shape (N, C)
        Scaled training rows.
    plan : Plan
    model : EchoModel or ReconstructionModel
    ordinary : Ordinary
        Errors of training rows that the model, or one like it, has not learnt from.
    drift : bool
        Whether the calibration follows rows that do not alarm.
    """

    def __init__(
        self,
        table: Array,
        plan: Plan,
        model: EchoModel | ReconstructionModel,
        ordinary: Ordinary,
        drift: bool,
    ):
        self.plan, self.drift, self.train, self.model = plan, drift, table, model
        self.left_out = ordinary.left_out
        self.weighing = Weighing(whitening_of(ordinary.errors, plan.mahalanobis), plan.shares)
        sizes, self.usual = ordinary.sizes(self.weighing)
        score = self.weighing.combine(begun(plan.spans, self.usual).extend(sizes))[0]
        self.reference = score[~np.isnan(score)]
        self.spread = spread_of(self.model, ordinary.errors)
        self.context: dict[str, Any] | None = None

    def scorer(self, threshold: Threshold, follows: bool) -> Scorer:
        """Return one that begins anew, or goes on after the training rows."""
        decision = Decision(self.reference, self.plan.trained, threshold)
        scorer = Scorer(self.model.start(), self.weighing, begun(self.plan.spans, self.usual), decision)
        if follows and self.context is not None:
            scorer.state = self.context
        return scorer

    @property
    def n_warm_up(self) -> int:
        """First rows of a series that are not judged."""
        return self.model.n_warm_up

    @property
    def caution(self) -> float:
        """How many times as far above the threshold as usual a row must lie to be no false alarm."""
        return 1.0

    def remember(self, threshold: Threshold) -> None:
        """Read the training rows, so that later ones can follow."""
        scorer = self.scorer(threshold, False)
        scorer.extend(self.train, self.drift)
        self.context = scorer.state

    def judge(self, table: Array, threshold: Threshold, follows: bool = False) -> Scored:
        """Judge scaled rows (N, C)."""
        return self.scorer(threshold, follows).extend(table, self.drift)


class Offline:
    """Judges rows with hindsight: by forecasts from both sides, of reservoir and lags apart, smoothed to both sides.

    Parameters
    ----------
    table : ndarray of shape (N, C)
        Scaled training rows.
    plan : Plan
    reservoir : Reservoir
    alpha : float
        Penalty of the states' weights, per row.
    shape : bool
        Whether windows are compared with the training rows' windows, too.
    """

    def __init__(self, table: Array, plan: Plan, reservoir: Reservoir, alpha: float, shape: bool):
        self.plan, self.train, K = plan, table, len(plan.shares)
        readouts = Readouts(("states", "lags"), alpha)

        def fit(rows: Array) -> tuple[tuple[EchoModel, EchoModel], Array]:
            forward, ahead = fitted(rows, plan, reservoir, readouts)
            backward, behind = fitted(rows[::-1], plan, reservoir, readouts)
            return (forward, backward), np.concatenate([ahead, behind[::-1]], axis=2)

        (self.forward, self.backward), ordinary = fit_to_ordinary(table, plan.periods, fit)
        self.left_out = ordinary.left_out
        self.weighing = Weighing(whitening_of(ordinary.errors, plan.mahalanobis), plan.shares, 1.0, np.inf)
        sizes, self.usual = ordinary.sizes(self.weighing)
        smoothed = self._smoothed(sizes)
        self.shapes = Shapes(table[:, :K], plan.period, smoothed) if shape else None
        if self.shapes is not None:
            smoothed = self.shapes.join(smoothed, table[:, :K], 0)
        score = self.weighing.combine(smoothed)[0]
        self.reference = score[~np.isnan(score)]
        self.spread = spread_of(self.forward, ordinary.errors[:, :, : len(self.forward.ahead)])
        self.context: dict[str, Any] | None = None

    @property
    def n_warm_up(self) -> int:
        """First rows of a series that are not judged: none, for they are forecast backward."""
        return 0

    @property
    def caution(self) -> float:
        """How many times as far above the threshold as usual a row must lie to be no false alarm."""
        return 1.0 + FEW / len(self.reference)

    def remember(self, threshold: Threshold) -> None:
        """Read the training rows, so that later ones can follow."""
        run = self.forward.start()
        run.extend(self.train)
        self.context = run.state

    def judge(self, table: Array, threshold: Threshold, follows: bool = False) -> Scored:
        """Judge scaled rows (N, C)."""
        run = self.forward.start()
        if follows and self.context is not None:
            run.state = self.context
        ahead, expected = run.extend(table)
        behind, expected_behind = self.backward.start().extend(table[::-1])
        errors = np.concatenate([ahead, behind[::-1]], axis=2)
        smoothed = self._smoothed(self.weighing.sizes(errors))
        if self.shapes is not None:
            target = table[:, : smoothed.shape[1]]
            smoothed = self.shapes.join(smoothed, target, self.shapes.place(target, follows))
        score, shares = self.weighing.combine(smoothed)
        decided = Decision(self.reference, self.plan.trained, threshold).extend(score, learn=False)
        both = np.stack([expected, expected_behind[::-1]])
        return Scored(*decided, shares, mean_of_known(both, axis=0))

    def _smoothed(self, sizes: Array) -> Array:
        """Return the mean of averages forward and backward in time, (N, K)."""
        after, before = (begun(self.plan.spans, self.usual).extend(rows) for rows in (sizes, sizes[::-1]))
        return 0.5 * (after + before[::-1])


class Shapes:
    """Distances to the nearest training windows, beside the errors of forecasts: the largest of the three counts.

    Each is in units of its own 99 % quantile over the training rows; windows of training rows are compared with those
    that do not overlap them.

    Parameters
    ----------
    train : ndarray of shape (N, K)
        Scaled training rows.
    period : int or None
        From which the length of a window follows.
    smoothed : ndarray of shape (N, K)
        Errors of the training rows.
    """

    def __init__(self, train: Array, period: int | None, smoothed: Array):
        self.length, self.train = min(window_length(period), len(train) // 3), train
        self.references = [ShapeReference(column, self.length) for column in train.T]
        every = np.stack([smoothed, *self._distances(train, 0)])
        self.units = np.full((3, 1, train.shape[1]), SMALLEST_UNIT)
        for kind, k in np.ndindex(3, train.shape[1]):
            known = every[kind, :, k][~np.isnan(every[kind, :, k])]
            if len(known):
                self.units[kind, 0, k] = max(np.quantile(known, EVEN), SMALLEST_UNIT)

    def place(self, target: Array, follows: bool) -> int | None:
        """Return where rows begin in the time of the training rows: after them, with them, or nowhere (None)."""
        n = min(len(target), len(self.train))
        same = np.array_equal(target[:n], self.train[:n], equal_nan=True)
        return len(self.train) if follows else 0 if same else None

    def join(self, smoothed: Array, target: Array, first: int | None) -> Array:
        """Return the largest of the three scores, (N, K), of rows that begin at row `first` of the training rows."""
        every = np.stack([smoothed, *self._distances(target, first)]) / self.units
        return np.fmax.reduce(every)

    def _distances(self, target: Array, first: int | None) -> Array:
        """Return both distances by row, (2, N, K); NaN where rows are fewer than a window."""
        out = np.full((2, *target.shape), np.nan)
        if len(target) >= self.length:
            for k, reference in enumerate(self.references):
                for kind, distances in enumerate(reference.distances(target[:, k], first)):
                    out[kind, :, k] = rows_of_windows(distances, self.length)
        return out


def fitted(table: Array, plan: Plan, reservoir: Reservoir, readouts: Readouts) -> tuple[EchoModel, Array]:
    """Fit a model to training rows as planned; see `fit_echo`."""
    K = len(plan.shares)
    return fit_echo(table, K, reservoir, readouts, steps=plan.steps, n_lags=plan.n_lags, back=plan.back)


def spread_of(model: EchoModel | ReconstructionModel, errors: Array) -> list[Array]:
    """Return the absolute errors of forecasts of the nearest step on training rows, by target."""
    nearest = int(np.argmin(model.ahead))
    sizes = np.abs(errors[:, :, nearest]) * model.deviation[:, nearest]
    return [np.sort(column[~np.isnan(column)]) for column in sizes.T]
