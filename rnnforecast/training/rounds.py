"""Training over rows that lie in several places, on one machine or many: in rounds, each answered by every place.

Either a round is an update, whose gradient is the sum of those of the places (`Summed`); or every place makes several
updates with rows of its own, and the weights they arrive at are averaged (`Averaged`). To the training loop both are
objectives like any other. Whatever carries questions to the places does not matter, nor which of them answers first:
answers are added in the order of the places, so that the sums have the same bits.

P parameters, n rows, K updates of a round.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from rnnforecast.training.batches import Objective, Shards
from rnnforecast.training.loop import train
from rnnforecast.training.optimizers import Optimizer
from rnnforecast.training.schedules import Schedule

Array = np.ndarray

# ``ask(method, {place: arguments})`` calls a method of the objects at these places, and returns their answers by place.
Ask = Callable[[str, dict[int, tuple[Any, ...]]], dict[int, Any]]


class Objects:
    """Places that are objects of this process, asked one after the other.

    Parameters
    ----------
    places : list
    """

    def __init__(self, places: list[Any]):
        self.places = places

    def __call__(self, method: str, arguments: dict[int, tuple[Any, ...]]) -> dict[int, Any]:
        """Return the answers by place."""
        return {place: getattr(self.places[place], method)(*given) for place, given in arguments.items()}


class Place:
    """What one place computes of its rows. Answers depend on the arguments alone, so they may be computed twice.

    Parameters
    ----------
    objective : Objective
        Of all rows of the place.
    n_rows : int
    n_threads, shard_size : int
        As in `rnnforecast.training.batches.Shards`.
    solver : callable
        Returns an optimizer without a memory.
    clip_norm, clip_value : float or None
        As in `rnnforecast.training.loop.train`; like the solver, of the updates made here.
    """

    def __init__(
        self,
        objective: Objective,
        n_rows: int,
        *,
        n_threads: int,
        shard_size: int,
        solver: Callable[[], Optimizer],
        clip_norm: float | None,
        clip_value: float | None,
    ):
        self.objective, self.n_rows = objective, n_rows
        self.n_threads, self.shard_size = n_threads, shard_size
        self.solver, self.clip_norm, self.clip_value = solver, clip_norm, clip_value

    def gradient(self, parameters: Array, rows: Array, seeds: tuple[int, ...]) -> tuple[float, Array]:
        """Return the sum of the losses of `rows`, (n,), at `parameters`, (P,), and its derivative, (P,)."""
        gradient = np.empty_like(parameters)
        with Shards(self.objective, self.n_threads, self.shard_size) as shards:
            total = shards.total(parameters, rows, gradient, np.random.default_rng(seeds))
        return total, gradient

    def descend(
        self, parameters: Array, rates: list[float], batch_size: int, seeds: tuple[int, ...]
    ) -> tuple[float, Array]:
        """Make updates with rows drawn here.

        Parameters
        ----------
        parameters : (P,)
        rates : list of K floats
            Learning rate of each update.
        batch_size : int
            Rows of an update.
        seeds : tuple of int
            What all randomness comes from.

        Returns
        -------
        loss : float
            Mean over the updates; infinite where they diverged.
        parameters : (P,)
        """
        rng, parameters = np.random.default_rng(seeds), parameters.copy()
        rows = rng.integers(self.n_rows, size=batch_size * len(rates))
        history = train(
            self.objective,
            parameters,
            rows,
            optimizer=self.solver(),
            schedule=_Listed(rates),
            batch_size=batch_size,
            n_steps=len(rates),
            rng=rng,
            shuffle=False,
            clip_norm=self.clip_norm,
            clip_value=self.clip_value,
            n_threads=self.n_threads,
            shard_size=self.shard_size,
        )
        return math.inf if history.diverged else history.loss_curve[0], parameters


class _Listed:
    """A schedule of which each rate is known."""

    def __init__(self, rates: list[float]):
        self.rates = rates

    def rate(self, step: int) -> float:
        return self.rates[step]

    def observe(self, validation_loss: float) -> None:
        """Nothing follows from it here."""


class Summed:
    """The sum of the objectives of all places, as one objective: its gradient is the sum of theirs.

    The training is that of one process but for the rounding of these sums, if nothing in it is random (dropout masks
    are drawn where they are used). All rows of a minibatch belong into one shard: a shard is a round.

    Parameters
    ----------
    ask : callable
        See `Ask`.
    places, rows : (N,) int
        Where each row of this objective lies, and which one it is there.
    n_terms_of_row : int
        Loss terms of a row.
    n_parameters : int
    dtype : numpy floating type
    """

    def __init__(self, ask: Ask, places: Array, rows: Array, n_terms_of_row: int, n_parameters: int, dtype: Any):
        self._ask, self._places, self._rows, self._n_terms_of_row = ask, places, rows, n_terms_of_row
        self.n_parameters, self.dtype = n_parameters, np.dtype(dtype)
        self._parameters = np.empty(0, dtype)

    def prepare(self, parameters: Array) -> None:
        """Take over the parameters, (P,), of the next round."""
        self._parameters = parameters

    def n_terms(self, rows: Array) -> int:
        """Return how many loss terms rows, (n,), have."""
        return len(rows) * self._n_terms_of_row

    def shard(self, rows: Array, gradient: Array, seed: int) -> float:
        """Return the sum of the losses of `rows`, (n,), and add its derivative to `gradient`, (P,): one round."""
        places, local, total = self._places[rows], self._rows[rows], 0.0
        asked = {
            int(place): (self._parameters, local[places == place], (seed, int(place))) for place in np.unique(places)
        }
        answers = self._ask("gradient", asked)
        for place in asked:
            loss, derivative = answers[place]
            total += loss
            gradient += derivative
        return total


class Averaged:
    """Rounds of several updates at every place, whose weights are averaged (McMahan et al., 2017; Stich, 2019).

    As an objective its rows are the places, and its gradient is the way back from the mean of their weights to the
    weights they began with: one step of length 1 against it, of plain gradient descent, arrives at the mean. Places
    count by the rows they have.

    Parameters
    ----------
    ask : callable
        See `Ask`.
    n_rows : (S,) int
        Rows of each place.
    n_steps : int
        Updates of a round, K.
    batch_size : int
        Rows of an update.
    rates : Schedule
        Of the updates at the places.
    n_parameters : int
    dtype : numpy floating type
    """

    def __init__(
        self, ask: Ask, n_rows: Array, n_steps: int, batch_size: int, rates: Schedule, n_parameters: int, dtype: Any
    ):
        self._ask, self._n_rows, self._n_steps, self._batch_size, self._rates = ask, n_rows, n_steps, batch_size, rates
        self.n_parameters, self.dtype = n_parameters, np.dtype(dtype)
        self._parameters, self._n_made = np.empty(0, dtype), 0

    def rate(self, step: int) -> float:
        """Return the length of the step from the weights to their mean: this is the schedule of the rounds, too."""
        return 1.0

    def observe(self, validation_loss: float) -> None:
        """Let the places' rates follow a validation loss."""
        self._rates.observe(validation_loss)

    def prepare(self, parameters: Array) -> None:
        """Take over the parameters, (P,), that the next round begins with."""
        self._parameters = parameters

    def n_terms(self, rows: Array) -> int:
        """Return the weight of places, (n,): how many rows they have."""
        return int(self._n_rows[rows].sum())

    def shard(self, rows: Array, gradient: Array, seed: int) -> float:
        """Return the weighted losses of places `rows`, (n,), and add their way back to `gradient`, (P,): one round."""
        rates = [self._rates.rate(self._n_made + k) for k in range(self._n_steps)]
        self._n_made += self._n_steps
        asked = {int(place): (self._parameters, rates, self._batch_size, (seed, int(place))) for place in rows}
        answers, total = self._ask("descend", asked), 0.0
        for place in asked:
            loss, parameters = answers[place]
            weight = float(self._n_rows[place])
            total += weight * loss
            gradient += weight * (self._parameters - parameters)
        return total
