"""How a network is trained from one seed: the estimators' training parameters, and the descent they ask for."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from numbers import Integral, Real
from typing import Any

import numpy as np
from sklearn.utils._param_validation import Interval, InvalidParameterError, StrOptions

from rnnforecast.estimators._threads import n_threads
from rnnforecast.estimators._watching import CONSTRAINTS as WATCHING
from rnnforecast.estimators._watching import Watch
from rnnforecast.estimators._workers import spread
from rnnforecast.kernels.losses import LOSSES
from rnnforecast.network.layout import Layout
from rnnforecast.training.batches import Objective
from rnnforecast.training.loop import History, Report, train
from rnnforecast.training.optimizers import Optimizer, optimizer
from rnnforecast.training.schedules import Schedule, schedule

VALIDATIONS = 15  # times that the validation loss is looked at in a training
Trained = tuple[np.ndarray, History]  # weights, and how the training went

CONSTRAINTS: dict[str, Any] = {
    "loss": [StrOptions(set(LOSSES) - {"quantile"})],
    "solver": [StrOptions({"adamw", "adam", "sgd", "rmsprop", "ridge"})],
    "alpha": [Interval(Real, 0, None, closed="left")],
    "momentum": [Interval(Real, 0, 1, closed="left")],
    "nesterovs_momentum": ["boolean"],
    "batch_size": [StrOptions({"auto"}), Interval(Integral, 1, None, closed="left")],
    "learning_rate": [StrOptions({"cosine", "constant", "plateau"})],
    "learning_rate_init": [Interval(Real, 0, None, closed="neither")],
    "max_iter": [StrOptions({"auto"}), Interval(Integral, 1, None, closed="left")],
    "forking_sequences": ["boolean"],
    "bptt_steps": [None, Interval(Integral, 1, None, closed="left")],
    "shuffle": ["boolean"],
    "clip_norm": [None, Interval(Real, 0, None, closed="neither")],
    "clip_value": [None, Interval(Real, 0, None, closed="neither")],
    "early_stopping": ["boolean"],
    "validation_fraction": [Interval(Real, 0, 1, closed="neither")],
    "n_iter_no_change": [None, Interval(Integral, 1, None, closed="left")],
    "tol": [Interval(Real, 0, None, closed="left")],
    "refit": ["boolean"],
    "warm_start": ["boolean"],
    "dtype": [StrOptions({"float32", "float64"})],
    "random_state": ["random_state"],
    **WATCHING,
    "n_jobs": [None, Integral],
}


@dataclass(frozen=True)
class Settings:
    """How a member is trained; the estimator's parameters of the same names."""

    loss: str
    solver: str
    alpha: float
    momentum: float
    nesterovs_momentum: bool
    learning_rate: str
    learning_rate_init: float
    batch_size: int | str
    max_iter: int | str
    shuffle: bool
    clip_norm: float | None
    clip_value: float | None
    teacher_forcing: float
    bptt_steps: int | None
    early_stopping: bool
    n_iter_no_change: int | None
    tol: float
    n_jobs: int | None

    def steps(self, n_samples: int, n_series: int = 1) -> tuple[int, int]:
        """Batch size and count of updates for `n_samples` windows of `n_series` series.

        "auto": batches of a quarter of the windows, 8 to 64 (256 from 20,000 windows on), and forty passes, but 100 to
        500 updates, or 1,500 for a panel.
        """
        if self.batch_size == "auto":
            batch = min(64, max(8, n_samples // 4)) if n_samples < 20_000 else 256
        else:
            batch = int(self.batch_size)
        batch = min(batch, n_samples)
        if self.max_iter == "auto":
            return batch, int(np.clip(40 * n_samples / batch, 100, 500 if n_series == 1 else 1500))
        return batch, int(self.max_iter) * -(-n_samples // batch)

    def optimizer(self, layout: Layout, dtype: Any) -> Optimizer:
        """Return the solver of a network's weights."""
        return optimizer(
            self.solver,
            layout.size,
            dtype,
            momentum=self.momentum,
            nesterovs_momentum=self.nesterovs_momentum,
            alpha=self.alpha,
            decay=layout.decays(),
        )

    def schedule(self, n_steps: int) -> Schedule:
        """Return the learning rates of `n_steps` updates."""
        return schedule(self.learning_rate, self.learning_rate_init, n_steps, warmup=min(20, n_steps // 5))


def check_training(estimator: Any) -> None:
    """Refuse training parameters that do not go together, before any work."""
    if estimator.learning_rate == "plateau" and not estimator.early_stopping:
        raise InvalidParameterError(
            'learning_rate="plateau" follows the loss on held-out data: use early_stopping=True or another one'
        )


def descend(
    objective: Objective,
    weights: np.ndarray,
    layout: Layout,
    settings: Settings,
    rng: np.random.Generator,
    *,
    rows: np.ndarray,
    batch_size: int,
    n_steps: int,
    shuffle: bool,
    size_of_shard: int,
    validate: Callable[[], float] | None = None,
    stop_at: int | None = None,
    progress: Callable[[float], None] | None = None,
    report: Report | None = None,
) -> History:
    """Train `weights` in place as `settings` say; `rnnforecast.training.loop.train` explains the rest."""
    return train(
        objective,
        weights,
        rows,
        optimizer=settings.optimizer(layout, weights.dtype),
        schedule=settings.schedule(n_steps),
        batch_size=batch_size,
        n_steps=n_steps,
        rng=rng,
        shuffle=shuffle,
        clip_norm=settings.clip_norm,
        clip_value=settings.clip_value,
        validate=validate,
        validate_every=max(1, n_steps // VALIDATIONS),
        patience=settings.n_iter_no_change,
        tol=settings.tol,
        n_threads=n_threads(settings.n_jobs),
        shard_size=size_of_shard,
        stop_at=stop_at,
        progress=progress,
        report=report,
    )


def usable(start: np.ndarray | None, layout: Layout, dtype: Any) -> np.ndarray | None:
    """Return a copy of weights of an earlier fit, or None where they are not this network's."""
    return None if start is None or len(start) != layout.size else start.astype(dtype)


def each(
    train_one: Callable[..., Trained],
    seeds: list[int],
    watch: Watch,
    starts: list[np.ndarray] | None,
    stops: list[int] | None,
) -> list[Trained]:
    """Train one network after the other, until those who watch want no more; on a cluster, unwatched, all at once.

    Parameters
    ----------
    train_one : callable
        ``train_one(seed, start, stop_at, report)``; weights to start from and updates to stop after may be None.
    """
    given = [
        (seed, starts[k] if starts is not None and k < len(starts) else None, None if stops is None else stops[k])
        for k, seed in enumerate(seeds)
    ]
    if watch.report() is None:
        return spread(train_one, ((*one, None) for one in given))
    members: list[Trained] = []
    for k, one in enumerate(given):
        members.append(train_one(*one, watch.report(k + 1)))
        if watch.stopped:
            break
    return members
