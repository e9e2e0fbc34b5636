"""What a regressor and a classifier of sequences share: parameters, learning, prediction.

n sequences of T_i steps and F features, N steps in all. An answer of K numbers is given on each of their steps, or S of
them on each sequence.
"""

from __future__ import annotations

import warnings
from abc import abstractmethod
from copy import copy, deepcopy
from typing import Any, ClassVar

import numpy as np
from sklearn.base import BaseEstimator
from sklearn.exceptions import ConvergenceWarning
from sklearn.utils import check_random_state
from sklearn.utils._param_validation import StrOptions
from sklearn.utils.validation import _check_sample_weight, check_is_fitted

from rnnforecast.estimators import _sequence_network as design
from rnnforecast.estimators import _sequence_ridge as ridge
from rnnforecast.estimators._interchange import SequenceInterchange
from rnnforecast.estimators._reservoir import CONSTRAINTS as RESERVOIR
from rnnforecast.estimators._reservoir import check_reservoir
from rnnforecast.estimators._sequence_reading import Given, read_sequences
from rnnforecast.estimators._threads import n_threads, one_blas_thread
from rnnforecast.estimators._watching import CallbackSupportMixin, Watch, watched
from rnnforecast.network.compose import at_once
from rnnforecast.network.sequence_objective import Labels, Numbers, SequenceObjective
from rnnforecast.network.sequences import SequenceNetwork, Sequences
from rnnforecast.scaling import Scaler, fit_scaler
from rnnforecast.training.loop import History, Report, train
from rnnforecast.training.optimizers import Optimizer
from rnnforecast.training.schedules import schedule


class SequenceEstimator(CallbackSupportMixin, SequenceInterchange, BaseEstimator):
    """Base of `RNNRegressor` and `RNNClassifier`, whose documentation says what the parameters are."""

    _parameter_constraints: ClassVar[dict[str, Any]] = {
        "output": [StrOptions({"last", "steps"})],
        "scale": [StrOptions({"standard"}), None],
        **design.CONSTRAINTS,
        **RESERVOIR,
    }

    network_: SequenceNetwork
    coefs_: list[np.ndarray]
    loss_curve_: list[float]
    n_iter_: int
    _by_steps: bool
    _rng: np.random.Generator
    _solver: Optimizer

    @abstractmethod
    def _read_truth(self, y: Any, given: Given, *, reset: bool, classes: Any = None) -> np.ndarray:
        """Return y as numbers, (answers, columns); learn its form (and `classes`, if declared), or require it."""

    @abstractmethod
    def _form(self) -> tuple[Any, ...]:
        """What was learnt of y's form; weights are of use for another training only if it is the same."""

    @abstractmethod
    def _size(self) -> tuple[int, int]:
        """S and K."""

    @abstractmethod
    def _targets(self, truth: Sequences, weight: np.ndarray | None, rows: np.ndarray) -> Numbers | Labels:
        """Return the loss, in which the answers on the sequences `rows` have a mean weight of one."""

    def _learn_scales(self, given: Given, truth: Sequences, weight: np.ndarray | None, rows: np.ndarray) -> None:
        """Learn from the sequences `rows` what puts features, and answers, on the network's scale."""
        self._scaler = weighted_scaler(given.values, given.lengths, rows, weight, self.scale)

    def _held_out(self, rows: np.ndarray, truth: Sequences) -> np.ndarray:
        """Choose among `rows` those on which weights are chosen: the last."""
        return rows[len(rows) - round(self.validation_fraction * len(rows)) :]

    def _fit(self, X: Any, y: Any, sample_weight: Any, *, partial: bool, classes: Any = None) -> Any:
        """Learn, and take over in one step what was learnt: after a failure or Ctrl-C all is as before."""
        design.check(self)
        check_reservoir(self)
        ridge.check_ridge(self)
        with watched(self, X, y), one_blas_thread():
            watch = Watch(self, X=X, y=y)
            learner = copy(self)
            learner._learn(X, y, sample_weight, watch, partial=partial, classes=classes)
            self.__dict__ = learner.__dict__
        return self

    def _learn(self, X: Any, y: Any, sample_weight: Any, watch: Watch, *, partial: bool, classes: Any) -> None:
        """Learn from the beginning, or (`partial`) go once through the sequences from where the last call stopped."""
        before = (self._form(), self.network_.layout.slices, self.coefs_[0]) if hasattr(self, "coefs_") else None
        first = before is None or not partial
        if first:
            self._by_steps = self.output == "steps"  # as learnt, whatever set_params says later
        given = read_sequences(self, X, reset=first)
        truth = self._as_answers(self._read_truth(y, given, reset=first, classes=classes), given)
        weight, rows = _weights(sample_weight, given)
        held_out = rows[:0] if partial or not self.early_stopping else self._validation_rows(rows, truth)
        rows = np.setdiff1d(rows, held_out)
        if first:
            self._learn_scales(given, truth, weight, rows)
            coefs = self._begin(given.values.shape[1], before)
        else:
            self._rng, self._solver = deepcopy(self._rng), deepcopy(self._solver)
            coefs = self.coefs_[0].copy()
        inputs, targets = self._inputs(given), self._targets(truth, weight, rows)
        if self.solver == "ridge":
            history = ridge.solve(self, self.network_, coefs, inputs, targets, rows)
        else:
            objective = SequenceObjective(self.network_, inputs, targets)
            report = watch.report(attributes=lambda: vars(self) | {"coefs_": [coefs.copy()]})
            history = self._descend(objective, coefs, rows, held_out, partial, report)
        self.coefs_ = [coefs]
        self.loss_curve_ = history.loss_curve if first else [*self.loss_curve_, *history.loss_curve]
        self.n_iter_ = history.n_epochs if first else self.n_iter_ + history.n_epochs
        self.validation_scores_, self.best_loss_ = history.validation_scores, history.best_loss

    def _begin(self, n_features: int, before: tuple[Any, ...] | None) -> np.ndarray:
        """Make generator, network and solver; return starting weights, those of `before` if they are wanted and fit."""
        self._rng = np.random.default_rng(check_random_state(self.random_state).randint(2**31))
        self.network_ = design.build(self, n_features, *self._size())
        self.n_parameters_ = self.network_.layout.size
        if self.solver == "ridge":
            return ridge.draw(self, self.network_, self._rng)
        self._solver = design.solver(self, self.network_)
        start = self.network_.initial(self._rng)
        if self.warm_start and before is not None and before[:2] == (self._form(), self.network_.layout.slices):
            start[...] = before[2]
        return start

    def _descend(
        self,
        objective: SequenceObjective,
        coefs: np.ndarray,
        rows: np.ndarray,
        held_out: np.ndarray,
        partial: bool,
        report: Report | None,
    ) -> History:
        """Train `coefs` in place."""
        batch_size, n_steps = design.pace(self, len(rows))
        if partial:
            n_steps = -(-len(rows) // batch_size)
            rates = schedule("constant", self.learning_rate_init, n_steps)
        else:
            rates = schedule(self.learning_rate, self.learning_rate_init, n_steps, warmup=min(20, n_steps // 5))
        history = train(
            objective,
            coefs,
            rows,
            optimizer=self._solver,
            schedule=rates,
            batch_size=batch_size,
            n_steps=n_steps,
            rng=self._rng,
            shuffle=self.shuffle,
            clip_norm=self.clip_norm,
            clip_value=self.clip_value,
            validate=(lambda: objective.mean_loss(held_out)) if len(held_out) else None,
            patience=self.n_iter_no_change,
            tol=self.tol,
            n_threads=n_threads(self.n_jobs),
            shard_size=at_once(self.network_.encoder.products(objective.inputs.longest), batch_size),
            report=report,
        )
        if history.diverged:
            warnings.warn(
                "Training diverged and was rolled back to the best finite weights: lower learning_rate_init, or clip.",
                ConvergenceWarning,
                stacklevel=5,
            )
        return history

    def _answers(self, X: Any) -> tuple[Given, np.ndarray]:
        """Read X and answer, (answers, K), in the network's units."""
        check_is_fitted(self)
        given = read_sequences(self, X, reset=False)
        with one_blas_thread():
            prepared = self.network_.prepare(self.coefs_[0])
            answers = self.network_.answers(prepared, self._inputs(given))
        return given, answers.astype(np.float64)

    def _as_answers(self, truth: np.ndarray, given: Given) -> Sequences:
        """Say which answers belong to which sequence."""
        each = given.lengths if self._by_steps else np.full(len(given), len(truth) // len(given))
        return Sequences(truth, each)

    def _inputs(self, given: Given) -> Sequences:
        """Scale the features for the network."""
        return Sequences(scaled(given.values, self._scaler, self.network_.dtype, "X"), given.lengths)

    def _validation_rows(self, rows: np.ndarray, truth: Sequences) -> np.ndarray:
        """Sequences to choose the weights on; none, with a warning, where there are too few."""
        held_out = self._held_out(rows, truth)
        if 0 < len(held_out) < len(rows):
            return held_out
        warnings.warn(
            f"{len(rows)} sequences are too few to hold out validation_fraction={self.validation_fraction} of them: "
            "trained without early stopping.",
            UserWarning,
            stacklevel=5,
        )
        return rows[:0]

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.three_d_array = True
        return tags


def scaled(values: np.ndarray, scaler: Scaler, dtype: Any, name: str) -> np.ndarray:
    """Return values (N, F) on the network's scale and of its dtype.

    Raises
    ------
    ValueError
        If a value is too large for the dtype.
    """
    with np.errstate(over="ignore"):
        result = np.ascontiguousarray(scaler.transform(values), dtype)
    if not np.isfinite(result).all():
        raise ValueError(
            f"{name} holds a value of size {np.abs(values).max():.3g}, too large for {np.dtype(dtype)} on the scale of "
            f"the training data; check it, or divide {name} by a constant before fit and predict"
        )
    return result


def weighted_scaler(
    values: np.ndarray, lengths: np.ndarray, rows: np.ndarray, weight: np.ndarray | None, kind: str | None
) -> Scaler:
    """Learn mean and deviation of every column from some sequences, a weight of two counting as two sequences.

    Parameters
    ----------
    values : (N, F)
    lengths : (n,)
    rows : (m,) int
        Sequences that count.
    weight : (n,) or None
    kind : {"standard", None}
    """
    counts = np.zeros(len(lengths))
    counts[rows] = 1.0 if weight is None else weight[rows]
    counts = np.repeat(counts, lengths)
    values = values[counts > 0]
    scaler = fit_scaler(values, kind)
    if kind is None or weight is None:
        return scaler
    # Of values that have mean 0 and deviation 1 already, so that nothing overflows or cancels.
    counts = counts[counts > 0]
    normal = scaler.transform(values)
    mean = np.average(normal, axis=0, weights=counts)
    deviation = np.sqrt(np.average((normal - mean) ** 2, axis=0, weights=counts))
    deviation[deviation == 0] = 1.0
    return Scaler(scaler.origin, scaler.offset + mean * scaler.scale, scaler.scale * deviation)


def _weights(sample_weight: Any, given: Given) -> tuple[np.ndarray | None, np.ndarray]:
    """Weights (n,), and the sequences that have one: a weight of zero is a sequence that is not there."""
    if sample_weight is None:
        return None, np.arange(len(given))
    weight = _check_sample_weight(sample_weight, given.lengths, dtype=np.float64)
    if (weight < 0).any():
        k = int(np.argmax(weight < 0))
        raise ValueError(f"sample_weight must hold no negative values, got {weight[k]:g} for sequence {k}")
    if not weight.any():
        raise ValueError("sample_weight must have a positive entry, got zeros only")
    return weight, np.flatnonzero(weight)
