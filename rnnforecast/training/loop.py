"""The training loop: minibatch descent that keeps the best weights."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np

from rnnforecast.training import optimizers
from rnnforecast.training.batches import Batches, Objective, Shards
from rnnforecast.training.optimizers import Optimizer
from rnnforecast.training.progress import Cadence, Progress
from rnnforecast.training.schedules import Schedule
from rnnforecast.training.stopping import Best

Array = np.ndarray
Report = Callable[[Progress], bool]


@dataclass
class History:
    """What happened in a training.

    Attributes
    ----------
    loss_curve : list of float
        Mean training loss of each epoch, of a last incomplete one too.
    validation_scores : list of float
        Validation losses, that of the starting weights first.
    best_step : int
        Number of updates behind the weights that were kept.
    best_loss : float
        Validation loss of these weights; without validation the training loss of the epoch they come from.
    n_steps, n_epochs : int
        Updates made, and epochs begun.
    diverged : bool
        Whether the loss, the gradient or the weights stopped being finite.
    stopped_early : bool
        Whether patience ran out before the last step.
    """

    loss_curve: list[float] = field(default_factory=list)
    validation_scores: list[float] = field(default_factory=list)
    best_step: int = 0
    best_loss: float = math.inf
    n_steps: int = 0
    n_epochs: int = 0
    diverged: bool = False
    stopped_early: bool = False


class _DivergedError(ArithmeticError):
    """A loss, a gradient or the weights are not finite."""


def train(
    objective: Objective,
    parameters: Array,
    rows: Array,
    *,
    optimizer: Optimizer,
    schedule: Schedule,
    batch_size: int,
    n_steps: int,
    rng: np.random.Generator,
    shuffle: bool = True,
    clip_norm: float | None = None,
    clip_value: float | None = None,
    validate: Callable[[], float] | None = None,
    validate_every: int | None = None,
    patience: int | None = None,
    tol: float = 0.0,
    n_threads: int = 1,
    shard_size: int = 32,
    stop_at: int | None = None,
    progress: Callable[[float], None] | None = None,
    report: Report | None = None,
    history: History | None = None,
) -> History:
    """Minimise an objective by minibatch descent and leave the best weights in `parameters`.

    If anything stops being finite, or anything is raised (Ctrl-C included), `parameters` holds the best finite weights
    afterwards: the best validated ones or, without validation, those from which the epoch with the lowest loss began.

    Parameters
    ----------
    objective : Objective
    parameters : (P,), changed
        Starting weights; at the end the best validated ones or, without validation, the last.
    rows : (N,) int
    optimizer, schedule
        As made by `optimizers.optimizer` and `schedules.schedule`.
    batch_size : int
    n_steps : int
        Number of updates.
    rng : numpy.random.Generator
        Source of the minibatches' order and of the shards' seeds.
    shuffle : bool
    clip_norm, clip_value : float or None
        Limits of the gradient's norm and entries; the entries are clipped first.
    validate : callable or None
        Returns the validation loss of the current `parameters`, which the objective has been prepared with. Called for
        the starting weights, every `validate_every` updates (None: once per epoch) and after the last.
    validate_every : int or None
    patience : int or None
        Validations in succession without an improvement by more than `tol` before training stops; None never stops.
    tol : float
    n_threads, shard_size : int
        As in `Shards`.
    stop_at : int or None
        Stop after this many updates, as if `n_steps` were still to come.
    progress : callable or None
        Called before every update with the share of the `n_steps` updates that is made.
    report : callable or None
        Called with a `Progress` after every `validate_every` updates and the last, in parts of these if they are few.
        Where it returns True, training ends with what it has.
    history : History, optional
        A new one to be filled, for those who need it if something is raised.

    Returns
    -------
    History

    Raises
    ------
    ValueError
        If the starting weights do not fit the objective or are not finite.
    """
    if parameters.shape != (objective.n_parameters,) or parameters.dtype != objective.dtype:
        raise ValueError(
            f"parameters must be {objective.n_parameters} numbers of dtype {objective.dtype}, "
            f"got shape {parameters.shape} of dtype {parameters.dtype}"
        )
    if not np.isfinite(parameters).all():
        raise ValueError("parameters must be finite before training, got NaN or infinity among them")

    batches = Batches(rows, batch_size, shuffle=shuffle, rng=rng)
    n_last = n_steps if stop_at is None else min(stop_at, n_steps)
    every = validate_every or len(batches)
    cadence = Cadence(every, n_last)
    best = Best(parameters, tol=tol, patience=patience)
    history = History() if history is None else history
    losses: list[float] = []  # of every update
    gradient = np.empty_like(parameters)

    def judge(step: int) -> float:
        objective.prepare(parameters)
        assert validate is not None
        value = float(validate())
        _require_finite(value)
        history.validation_scores.append(value)
        schedule.observe(value)
        best.offer(step, value, parameters)
        return value

    def told(step: int, seen: list[float]) -> Progress:
        return Progress(
            epoch=(step - 1) // len(batches) + 1,
            n_epochs=-(-n_last // len(batches)),
            step=step,
            n_steps=n_last,
            report=cadence.count(step),
            n_reports=cadence.count(n_last),
            loss=_mean(seen),
            validation_loss=history.validation_scores[-1] if validate is not None else None,
            done=step == n_last or history.stopped_early,
        )

    def descend(shards: Shards) -> None:
        epoch_start, n_reported = parameters.copy(), 0
        if validate is not None:
            judge(0)
        for step, batch in zip(range(1, n_last + 1), batches, strict=False):
            if progress is not None:
                progress((step - 1) / n_steps)
            loss = shards.value_and_gradient(parameters, batch, gradient, rng)
            _require_finite(loss)
            _clip(gradient, clip_norm, clip_value)
            optimizer.update(parameters, gradient, schedule.rate(step - 1))
            losses.append(loss)

            ends_epoch = step % len(batches) == 0
            judged = validate is not None and (step == n_last or step % every == 0)
            reported = report is not None and cadence.due(step)
            if not (ends_epoch or judged or reported or step == n_last):
                continue
            if not np.isfinite(parameters).all():
                raise _DivergedError
            if judged:
                judge(step)
            if ends_epoch and validate is None:
                # The epoch's loss speaks of the weights it began with rather than of those that its last update made.
                best.offer(step - len(batches), _mean(losses[-len(batches) :]), epoch_start)
                epoch_start[...] = parameters
            history.stopped_early = judged and best.exhausted and step < n_last
            if reported and report is not None:
                seen, n_reported = losses[n_reported:], step
                if report(told(step, seen)):
                    if validate is not None and not judged:
                        judge(step)  # else the weights of a first epoch, however long, would be lost
                    return
            if history.stopped_early:
                return

    try:
        with (
            Shards(objective, n_threads, shard_size) as shards,
            np.errstate(over="ignore", invalid="ignore", divide="ignore"),
        ):
            descend(shards)
    except _DivergedError:
        history.diverged = True
    except BaseException:
        best.restore(parameters)
        history.loss_curve = _by_epoch(losses[: len(losses) // len(batches) * len(batches)], len(batches))
        raise

    history.n_steps = len(losses)
    history.loss_curve = _by_epoch(losses, len(batches))
    history.n_epochs = len(history.loss_curve)
    if validate is not None or history.diverged:
        best.restore(parameters)
        history.best_step, history.best_loss = best.step, best.value
    elif losses:
        history.best_step, history.best_loss = history.n_steps, history.loss_curve[-1]
    return history


def _clip(gradient: Array, limit_norm: float | None, limit_value: float | None) -> None:
    """Clip a gradient, (P,), in place; what is not finite is found before clipping the entries would hide it."""
    if limit_value is not None:
        _require_finite(optimizers.norm(gradient))
        optimizers.clip_value(gradient, limit_value)
    _require_finite(optimizers.norm(gradient) if limit_norm is None else optimizers.clip_norm(gradient, limit_norm))


def _require_finite(value: float) -> None:
    if not math.isfinite(value):
        raise _DivergedError


def _by_epoch(losses: list[float], n_batches: int) -> list[float]:
    return [_mean(losses[first : first + n_batches]) for first in range(0, len(losses), n_batches)]


def _mean(values: list[float]) -> float:
    return math.fsum(values) / len(values)
