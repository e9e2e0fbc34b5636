"""One network trained on all partitions of a panel, in rounds.

What a fit decides beside the weights, from seasons to the skill of the result, it decides on a sample of the series;
the places where partitions lie are asked for gradients, updates and validation losses only.
S series, n windows, P parameters.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from joblib import parallel_config
from numpy.typing import NDArray
from sklearn.base import clone

from rnnforecast.estimators._architecture import Architecture
from rnnforecast.estimators._ensemble import Ensemble, laid_out, validation_windows
from rnnforecast.estimators._frames import Scales
from rnnforecast.estimators._learning import rows_held_out, scales_of, settings_of
from rnnforecast.estimators._partitions import Columns, Numbering, Panel
from rnnforecast.estimators._recipe import Recipe
from rnnforecast.estimators._samples import Samples
from rnnforecast.estimators._threads import n_threads
from rnnforecast.estimators._training import VALIDATIONS, Settings, Trained, each, usable
from rnnforecast.estimators._watching import Watch
from rnnforecast.kernels.losses import LOSSES
from rnnforecast.network.compose import at_once
from rnnforecast.network.network import Network
from rnnforecast.network.objective import WindowObjective
from rnnforecast.network.windows import Windows
from rnnforecast.series import Series
from rnnforecast.series.spans import Origins
from rnnforecast.training.batches import Objective
from rnnforecast.training.loop import Report, train
from rnnforecast.training.optimizers import Optimizer, optimizer
from rnnforecast.training.rounds import Ask, Averaged, Place, Summed
from rnnforecast.training.schedules import Schedule

_Numbers = NDArray[np.int64]


@dataclass(frozen=True)
class Plan:
    """What places are told before a training.

    Parameters
    ----------
    forecaster : RNNForecaster
        Its parameters.
    columns : Columns
    recipe : Recipe
    network : Network
    windows : Windows
    scales : Scales
        Of the sample, whose covariates set the scale for all.
    holds_out : bool
        Whether the last rows of each series are for validation.
    """

    forecaster: Any
    columns: Columns
    recipe: Recipe
    network: Network
    windows: Windows
    scales: Scales
    holds_out: bool

    @property
    def n_groups(self) -> int:
        """Times that each origin is learnt from: once for each column, or once for all."""
        return self.windows.n_columns // self.windows.n_targets

    def learnt(self, lengths: _Numbers) -> _Numbers:
        """Return how many of the rows (S,) of each series are learnt from."""
        if not self.holds_out:
            return lengths
        return lengths - rows_held_out(self.forecaster, lengths, self.windows.lookback)

    def origins(self, lengths: _Numbers) -> tuple[_Numbers, _Numbers]:
        """Return the first origin in each series (S,) that is learnt from, and their count; see `Spans.origins`."""
        learnt, horizon = self.learnt(lengths), self.windows.horizon
        first = np.clip(learnt - horizon, 1, self.windows.lookback)
        return first, np.maximum(learnt - horizon - first + 1, 0)

    def held_out(self, lengths: _Numbers) -> tuple[_Numbers, _Numbers]:
        """Return the first origin in each series (S,) that is judged, and their count."""
        learnt = self.learnt(lengths)
        return learnt, np.maximum(lengths - self.windows.horizon - learnt + 1, 0)


class Partition(Place):
    """The windows of a partition, and what is computed of them where it lies.

    Parameters
    ----------
    plan : Plan
    table : DataFrame
        Its rows.
    """

    def __init__(self, plan: Plan, table: pd.DataFrame):
        forecaster, network, windows = plan.forecaster, plan.network, plan.windows
        settings, series = settings_of(forecaster), plan.columns.read(forecaster, table)
        lengths = series.spans.lengths
        learnt = series.head(plan.learnt(lengths))
        own = scales_of(forecaster, learnt, plan.recipe, windows)
        scales = replace(own, known=plan.scales.known, past=plan.scales.past)
        objective = _objective(plan, learnt, scales, *plan.origins(lengths))
        n_windows = len(objective.origins)
        super().__init__(
            objective,
            n_windows,
            n_threads=n_threads(forecaster.n_jobs),
            shard_size=at_once(network.encoder.products(windows.n_steps), settings.steps(max(n_windows, 1))[0]),
            solver=partial(settings.optimizer, network.layout, network.dtype),
            clip_norm=settings.clip_norm,
            clip_value=settings.clip_value,
        )
        self._held_out = _objective(plan, series, scales, *plan.held_out(lengths)) if plan.holds_out else None

    def loss(self, parameters: np.ndarray, numbers: _Numbers) -> tuple[float, int]:
        """Return the sum of the losses of held-out windows (n,) at `parameters`, (P,), and of how many values it is."""
        assert self._held_out is not None
        self._held_out.prepare(parameters)
        n_terms = self._held_out.n_terms(numbers)
        return self._held_out.mean_loss(numbers) * n_terms, n_terms


def _objective(plan: Plan, series: Series, scales: Scales, first: _Numbers, counts: _Numbers) -> WindowObjective:
    """Return the loss of all windows of a partition."""
    windows = plan.windows
    frame, spans = laid_out(series, scales, windows, plan.network.dtype)
    origins = Origins(spans.starts + first, counts)
    every = np.arange(len(origins) * plan.n_groups)
    samples = Samples.numbered(frame, origins, every)
    loss = LOSSES[plan.forecaster.loss] if windows.head is None else windows.head.loss
    return WindowObjective(plan.network, windows, samples.frame, samples.origins, samples.columns, loss)


class TrainInRounds:
    """Trains networks as `rnnforecast.estimators._learning.train_here` does, but on all partitions.

    Parameters
    ----------
    settle : callable
        ``settle(plan)`` makes a `Partition` in every place and returns what asks them.
    panel : Panel
    columns : Columns
    local_steps : int or None
        Updates that a place makes alone before weights are averaged; None makes all updates together.
    """

    def __init__(self, settle: Callable[[Plan], Ask], panel: Panel, columns: Columns, local_steps: int | None):
        self._settle, self._panel, self._columns, self._local_steps = settle, panel, columns, local_steps

    def __call__(
        self,
        forecaster: Any,
        series: Series,
        ahead: Series | None,
        recipe: Recipe,
        architecture: Architecture,
        seeds: np.ndarray,
        watch: Watch,
        stops: list[int] | None = None,
    ) -> Ensemble:
        """Train one network for each seed; `series`, and `ahead` that goes on, are those of the sample."""
        network, windows = architecture.network, architecture.windows
        scales = scales_of(forecaster, series, recipe, windows)
        parameters = clone(forecaster).set_params(callback=None)  # nobody watches in other places
        plan = Plan(parameters, self._columns, recipe, network, windows, scales, holds_out=ahead is not None)
        ask = self._settle(plan)
        starts = getattr(forecaster, "coefs_", None) if forecaster.warm_start else None
        with parallel_config(backend="sequential"):  # it is the places that compute, not joblib's workers
            members = each(partial(self._member, plan, ask), [int(seed) for seed in seeds], watch, starts, stops)
        return Ensemble(network, windows, scales, [w for w, _ in members], [h for _, h in members])

    def _member(
        self, plan: Plan, ask: Ask, seed: int, start: np.ndarray | None, stop_at: int | None, report: Report | None
    ) -> Trained:
        """Train one network; return its weights and how it went."""
        network, settings, rng = plan.network, settings_of(plan.forecaster), np.random.default_rng(seed)
        drawn, earlier = network.initial(rng), usable(start, network.layout, network.dtype)
        weights = drawn if earlier is None else earlier
        rounds = (
            self._together(plan, ask, settings, rng) if self._local_steps is None else self._apart(plan, ask, settings)
        )
        validates = plan.holds_out and settings.early_stopping
        history = train(
            rounds.objective,
            weights,
            rounds.rows,
            optimizer=rounds.optimizer,
            schedule=rounds.schedule,
            batch_size=rounds.batch_size,
            n_steps=rounds.n_rounds,
            rng=rng,
            shuffle=rounds.shuffle,
            clip_norm=rounds.clip_norm,
            clip_value=rounds.clip_value,
            validate=self._validation(plan, ask, weights) if validates else None,
            validate_every=max(1, rounds.n_rounds // VALIDATIONS),
            patience=settings.n_iter_no_change,
            tol=settings.tol,
            shard_size=rounds.batch_size,
            stop_at=stop_at,
            report=report,
        )
        return weights, history

    def _together(self, plan: Plan, ask: Ask, settings: Settings, rng: np.random.Generator) -> _Rounds:
        """Return rounds that are updates with the sum of the places' gradients."""
        network, windows, numbering = plan.network, plan.windows, Numbering(self._panel, self._counts(plan))
        n_windows = len(numbering) * plan.n_groups
        batch_size, n_steps = settings.steps(n_windows, len(self._panel.ids))
        # As in one place: a training that ends within its first epoch needs no list of windows that it never reads.
        count = n_steps * batch_size
        picked = rng.integers(n_windows, size=count) if count < n_windows else np.arange(n_windows)
        n_terms = windows.horizon * windows.n_targets
        return _Rounds(
            Summed(ask, *numbering.locate(picked), n_terms, network.layout.size, network.dtype),
            np.arange(len(picked)),
            settings.optimizer(network.layout, network.dtype),
            settings.schedule(n_steps),
            batch_size,
            n_steps,
            settings.shuffle,
            settings.clip_norm,
            settings.clip_value,
        )

    def _apart(self, plan: Plan, ask: Ask, settings: Settings) -> _Rounds:
        """Return rounds of updates that the places make alone, whose weights are averaged."""
        assert self._local_steps is not None
        size, dtype = plan.network.layout.size, plan.network.dtype
        n_windows = Numbering(self._panel, self._counts(plan)).of_places * plan.n_groups
        batch_size, n_steps = settings.steps(int(n_windows.sum()), len(self._panel.ids))
        count, places = -(-n_steps // self._local_steps), np.flatnonzero(n_windows)
        rates = settings.schedule(count * self._local_steps)
        objective = Averaged(ask, n_windows, self._local_steps, batch_size, rates, size, dtype)
        to_the_mean = optimizer("sgd", size, dtype, momentum=0.0, nesterovs_momentum=False)
        return _Rounds(objective, places, to_the_mean, objective, len(places), count)

    def _counts(self, plan: Plan) -> _Numbers:
        """Return the count of origins (S,) in each series that are learnt from."""
        return plan.origins(self._panel.lengths)[1]

    def _validation(self, plan: Plan, ask: Ask, weights: np.ndarray) -> Callable[[], float]:
        """Return what tells the mean loss of `weights` on held-out windows, the same ones as in one place."""
        numbering = Numbering(self._panel, plan.held_out(self._panel.lengths)[1])
        n_windows = len(numbering) * plan.n_groups
        stride = max(1, n_windows // validation_windows(len(self._panel.ids)))
        places, numbers = numbering.locate(np.arange(0, n_windows, stride))
        own = {int(place): numbers[places == place] for place in np.unique(places)}

        def validate() -> float:
            answers = ask("loss", {place: (weights, mine) for place, mine in own.items()})
            return sum(answers[place][0] for place in own) / sum(answers[place][1] for place in own)

        return validate


class _Rounds(NamedTuple):
    """What the training loop is told of the rounds; the arguments of `rnnforecast.training.loop.train`."""

    objective: Objective
    rows: _Numbers
    optimizer: Optimizer
    schedule: Schedule
    batch_size: int
    n_rounds: int
    shuffle: bool = False
    clip_norm: float | None = None
    clip_value: float | None = None
