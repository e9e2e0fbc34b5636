"""How a detector learns, judges and goes on: the pieces of `RNNAnomalyDetector` put together.

N rows, C columns of X, K targets. The tables that are judged have the targets first, then the inputs.
"""

from __future__ import annotations

import warnings
from collections.abc import Hashable, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn.utils import check_random_state

from rnnforecast.detection import check_rate, contamination_threshold, dynamic_thresholds, rows_needed
from rnnforecast.detection.adaptive import AdaptiveThreshold, FixedThreshold
from rnnforecast.estimators._base import DataWarning
from rnnforecast.estimators._detecting import Causal, Offline, Plan, fitted, hardly_varies, plan, scaled, scaler_of
from rnnforecast.estimators._detector_parameters import recipe_of
from rnnforecast.estimators._echo import Readouts
from rnnforecast.estimators._ordinary import Ordinary, fit_to_ordinary
from rnnforecast.estimators._reconstruction import fit_reconstruction
from rnnforecast.estimators._scoring import Scored, Scorer
from rnnforecast.estimators._trained import trained_reservoir
from rnnforecast.estimators._watching import Watch
from rnnforecast.network.reservoir import Reservoir
from rnnforecast.scaling import Scaler
from rnnforecast.series import Steps, read_steps
from rnnforecast.series.columns import feature_names, matched
from rnnforecast.series.gaps import require_some

Array = NDArray[np.float64]

RATE = 1e-2
EXTREME = 2.0  # decades above the threshold
CLEAR = 1.0  # decades above the threshold of a row: where it has risen, scores are no news


class Judgement(NamedTuple):
    """What `RNNAnomalyDetector.update` says of a row.

    Attributes
    ----------
    score : float
        Calibrated; NaN for a row without a score.
    is_anomaly : bool
    expected, lower, upper : float or ndarray of shape (K,)
        Forecast of the row, and where it usually lies.
    contributions : float or ndarray of shape (K,)
        Of each target to the score.
    """

    score: float
    is_anomaly: bool
    expected: Any
    lower: Any
    upper: Any
    contributions: Any


@dataclass(frozen=True, eq=False)
class Learned:
    """What a fit leaves.

    Parameters
    ----------
    judge : Causal or Offline
    scaler : Scaler
        Of the table's columns.
    order : list of int
        Columns of X, targets first.
    names, untrainable : list
        Labels of the targets, and of those that hardly vary.
    feature_names : list of str or None
    one_dimensional : bool
        X was a Series.
    last : label or None
        Of the last training row, if it had one of its own.
    level : float
        Threshold to start with.
    rate : float
        False-alarm rate.
    adaptive : bool
        Whether the threshold follows the rate.
    n_iter : int
        Updates of a gradient solver, and one for the readouts.
    """

    judge: Causal | Offline
    scaler: Scaler
    order: list[int]
    names: list[Hashable]
    untrainable: list[Hashable]
    feature_names: list[str] | None
    one_dimensional: bool
    last: Any
    level: float
    rate: float
    adaptive: bool
    n_iter: int

    @property
    def start(self) -> FixedThreshold | AdaptiveThreshold:
        """A threshold that has seen no row."""
        if not self.adaptive:
            return FixedThreshold(self.level)
        # Of a series that hardly varied, nothing is too extreme to be got used to.
        return AdaptiveThreshold(self.rate, extreme=EXTREME if self.judge.plan.trained else np.inf)

    def highest_false_alarm(self, scored: Scored) -> Array:
        """Return the scores (N,) above which a row is worth reporting unless others are asked for."""
        if not self.adaptive:
            return np.zeros(len(scored.score))
        beyond = np.full(len(scored.score), self.level + self.judge.event)
        return beyond if self.judge.plan.trained else np.maximum(beyond, scored.threshold + CLEAR)

    def table(self, steps: Steps) -> Array:
        """Return values (N, C) with the targets first, in original units."""
        if not (self.one_dimensional and steps.table.one_dimensional):
            found = matched(steps.table, self.feature_names, len(self.order), (), "RNNAnomalyDetector")
            return steps.table.values[:, np.array(found, np.intp)[self.order]]
        return steps.table.values

    def unscaled(self, target: Array) -> Array:
        """Return scaled values of the targets, (..., K), in original units."""
        K, scaler = len(self.names), self.scaler
        return target * scaler.scale[:K] + scaler.offset[:K] + scaler.origin[:K]


def learn(detector: Any, steps: Steps) -> Learned:
    """Learn from training rows; the detector itself is not touched."""
    columns, values = steps.table.columns, steps.table.values
    targets = target_positions(detector.target, columns)
    order = targets + [k for k in range(len(columns)) if k not in targets]
    ahead = tuple(int(h) for h in detector.n_steps_ahead)
    needed = max(ahead) + 3
    if len(values) < needed:
        raise ValueError(
            f"RNNAnomalyDetector needs at least {needed} rows to learn from, got {len(values)} (n_samples = "
            f"{len(values)}) with n_steps_ahead={detector.n_steps_ahead!r}: give a longer series or look less far ahead"
        )
    names = [columns[k] for k in targets]
    require_some(np.isnan(values), columns, "X")
    flat = [hardly_varies(values[:, k]) for k in targets]
    if any(flat):
        warn_of_flat([name for name, one in zip(names, flat, strict=True) if one], all(flat))
    scaler = scaler_of(values[:, order])
    table = scaled(values[:, order], scaler)
    rng = np.random.default_rng(check_random_state(detector.random_state).randint(np.iinfo(np.int32).max))
    chosen = plan(
        table,
        len(targets),
        steps=ahead,
        n_lags=detector.n_lags,
        smooth=detector.smooth,
        mode=detector.mode,
        windowed=detector.method == "reconstruction",
        mahalanobis=detector.error_norm == "mahalanobis",
        varies=~np.array(flat),
    )
    if len(table) < chosen.n_lags + max(ahead) + 1:
        raise ValueError(
            f"n_lags={chosen.n_lags} and n_steps_ahead={detector.n_steps_ahead!r} need at least "
            f"{chosen.n_lags + max(ahead) + 1} rows to learn from, got {len(table)}: give more rows or fewer lags"
        )
    judge, n_iter = judge_of(detector, table, chosen, rng)
    rate, level, adaptive = thresholds(detector, judge)
    learned = Learned(
        judge=judge,
        scaler=scaler,
        order=order,
        names=names,
        untrainable=[name for name, one in zip(names, flat, strict=True) if one],
        feature_names=feature_names(steps.table),
        one_dimensional=steps.table.one_dimensional,
        last=None if steps.table.index is None else steps.index[-1],
        level=level,
        rate=rate,
        adaptive=adaptive,
        n_iter=n_iter,
    )
    judge.remember(learned.start)
    return learned


def judge_of(detector: Any, table: Array, chosen: Plan, rng: np.random.Generator) -> tuple[Causal | Offline, int]:
    """Return what judges rows, and how many updates it took; closed-form readouts are one."""
    recipe, n_targets = recipe_of(detector), len(chosen.shares)
    training: dict[str, Any] = {
        "cell": recipe.cell,
        "n_units": recipe.n_units,
        "back": chosen.back,
        "solver": recipe.solver,
        "max_iter": detector.max_iter,
        "dtype": detector.dtype,
        "rng": rng,
        "report": Watch(detector).report(),
    }
    if detector.method == "reconstruction":
        rebuilding, errors, n_updates = fit_reconstruction(table, n_targets, n_rows=chosen.n_lags, **training)
        return Causal(table, chosen, rebuilding, Ordinary.of(errors), detector.drift), n_updates
    n_updates = 0
    if recipe.solver == "ridge":
        scales = {"spectral_radius": detector.spectral_radius, "input_scale": detector.input_scale}
        n_inputs = 1 + table.shape[1] - n_targets
        reservoir = Reservoir.random(recipe.cell, n_inputs, recipe.n_units, detector.dtype, rng, **scales)
    else:
        reservoir, n_updates = trained_reservoir(table, n_targets, steps=chosen.steps, **training)
    if detector.mode == "offline":
        return Offline(table, chosen, reservoir, detector.alpha, detector.shape), 1 + n_updates
    readouts = Readouts(("joint",), detector.alpha)
    model, ordinary = fit_to_ordinary(table, n_targets, lambda rows: fitted(rows, chosen, reservoir, readouts))
    return Causal(table, chosen, model, ordinary, detector.drift), 1 + n_updates


def target_positions(target: Any, columns: list[Hashable]) -> list[int]:
    """Return which columns are scored."""
    if target is None:
        return list(range(len(columns)))
    asked = list(target) if isinstance(target, (list, tuple, np.ndarray)) and target not in columns else [target]
    unknown = [name for name in asked if name not in columns]
    if unknown or not asked or len(set(asked)) < len(asked):
        raise ValueError(
            f"target must name different columns of X ({', '.join(map(str, columns))}), got {target!r}: "
            "give one label or a list of labels"
        )
    return [columns.index(name) for name in asked]


def warn_of_flat(names: list[Hashable], every: bool) -> None:
    """Say which targets cannot be learnt from."""
    outcome = "only the first departures will alarm" if every else "these columns do not count in the score"
    warnings.warn(
        f"more than 99.9 % of the training values of {', '.join(map(str, names))} are the same, so what is unusual "
        f"cannot be learnt: {outcome}; "
        "give training rows in which they vary",
        DataWarning,
        stacklevel=4,
    )


def thresholds(detector: Any, judge: Causal | Offline) -> tuple[float, float, bool]:
    """Return false-alarm rate, threshold to start with, and whether it follows the rate."""
    n, rated = len(judge.reference), detector.threshold is None and detector.contamination is None
    if n == 0:
        raise ValueError(
            "no training row could be judged: give more rows, or fewer missing values, target columns or steps ahead"
        )
    rate = detector.false_alarm_rate
    if rate == "auto":
        rate = RATE if n >= rows_needed(RATE) else min(1.0 / max(n, 1), 0.5)
    elif rated:
        check_rate(rate, n)
    if detector.threshold == "dynamic" or not (judge.plan.trained or rated):
        return rate, np.inf, False
    if detector.threshold is not None:
        return rate, float(detector.threshold), False
    if detector.contamination is not None:
        score = judge.judge(judge.train, FixedThreshold(np.inf)).score
        return rate, contamination_threshold(score, detector.contamination), False
    return rate, -float(np.log10(rate)), True


def judge(detector: Any, learned: Learned, steps: Steps) -> Scored:
    """Judge rows as the detector's parameters and its training rows say."""
    table = scaled(learned.table(steps), learned.scaler)
    scored = learned.judge.judge(table, learned.start, steps.follow(learned.last))
    if detector.threshold == "dynamic" and not np.isnan(scored.score).all():
        return scored._replace(threshold=dynamic_thresholds(scored.score))
    return scored


class Stream:
    """Judges one row after the other; see `RNNAnomalyDetector.update`.

    Parameters
    ----------
    learned : Learned
        Of a causal detector.
    """

    def __init__(self, learned: Learned):
        assert isinstance(learned.judge, Causal)
        self.learned = learned
        self.scorer: Scorer = learned.judge.scorer(learned.start, follows=True)
        self._order = np.array(learned.order)
        scale = learned.scaler.scale[: len(learned.names)]
        quantiles = [np.quantile(own, 1.0 - learned.rate) if len(own) else np.nan for own in learned.judge.spread]
        self._width = np.array(quantiles) * scale

    def update(self, row: Any, learn: bool) -> Judgement:
        """Judge the next row."""
        learned = self.learned
        score, threshold, shares, expected = self.scorer.step(scaled(self._values(row), learned.scaler), learn)
        expected = learned.unscaled(expected)
        fields: list[Any] = [expected, expected - self._width, expected + self._width, score * shares]
        if learned.one_dimensional:
            fields = [float(field[0]) for field in fields]
        return Judgement(score, score > threshold, *fields)

    def _values(self, row: Any) -> Array:
        """Return the values (C,) of a row, targets first; those with labels are found by them."""
        learned = self.learned
        labelled = (Mapping, pd.DataFrame) if learned.one_dimensional else (Mapping, pd.DataFrame, pd.Series)
        if isinstance(row, labelled) and learned.feature_names is not None:
            frame = row if isinstance(row, pd.DataFrame) else pd.DataFrame([row])
            if len(frame) != 1:
                raise ValueError(f"update takes one row at a time, got {len(frame)}: use anomaly_score(X) for many")
            return learned.table(read_steps(frame.reset_index(drop=True)))[0]
        values = np.asarray(row)
        if values.dtype.kind not in "fiub":
            values = np.array([np.nan if pd.isna(one) else one for one in values.reshape(-1).tolist()])
        values = values.reshape(-1)
        if len(values) != len(self._order) or values.dtype.kind not in "fiub" or np.isinf(values).any():
            raise ValueError(f"a row must be {len(self._order)} numbers, NaN where one is missing, got {row!r}")
        return values[self._order].astype(np.float64)


def alike(state: Any, own: Any) -> bool:
    """Tell whether a state has the parts of one's own, in their shapes."""
    if isinstance(own, dict):
        return (
            isinstance(state, dict)
            and state.keys() == own.keys()
            and all(alike(part, own[name]) for name, part in state.items())
        )
    return np.shape(state) == np.shape(own)


def stream(detector: Any, learned: Learned) -> Stream:
    """Begin to judge the rows after the training rows one by one.

    Raises
    ------
    ValueError
        If the detector needs the rows that come after.
    """
    if detector.mode == "offline" or detector.threshold == "dynamic":
        what = 'mode="offline"' if detector.mode == "offline" else 'threshold="dynamic"'
        raise ValueError(f"update judges a row by those before it, but {what} needs later ones: use anomaly_score(X)")
    return Stream(learned)
