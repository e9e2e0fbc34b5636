"""Learning rates over the steps of a training."""

from __future__ import annotations

import math
from typing import Protocol

SCHEDULES = ("constant", "cosine", "plateau")


class Schedule(Protocol):
    """The learning rate of every step, known beforehand or led by the validation loss."""

    def rate(self, step: int) -> float:
        """Return the learning rate of update number `step`, counted from 0."""
        ...

    def observe(self, validation_loss: float) -> None:
        """Take note of a validation loss."""
        ...


def schedule(
    name: str,
    learning_rate_init: float,
    n_steps: int,
    *,
    warmup: int = 0,
    patience: int = 3,
    factor: float = 0.5,
) -> Schedule:
    """Return a schedule by name; each begins with a linear warm-up.

    Parameters
    ----------
    name : {"constant", "cosine", "plateau"}
        "cosine" falls along half a cosine from the end of the warm-up to 0 at `n_steps` (Loshchilov and Hutter, 2017);
        "plateau" is multiplied by `factor` whenever the validation loss has not improved for `patience` validations.
    learning_rate_init : float
        Learning rate at the end of the warm-up.
    n_steps : int
        Number of updates of the whole training.
    warmup : int
        Number of updates over which the rate rises, the last of them being the first with the full rate.
    patience, factor
        Of "plateau" only.

    Raises
    ------
    ValueError
        If there is no such schedule.
    """
    if name == "constant":
        return Constant(learning_rate_init, warmup)
    if name == "cosine":
        return Cosine(learning_rate_init, warmup, n_steps)
    if name == "plateau":
        return Plateau(learning_rate_init, warmup, patience, factor)
    raise ValueError(f"schedule must be one of {', '.join(SCHEDULES)}, got {name!r}")


class Constant:
    """The same rate for every step after the warm-up; arguments as in `schedule`."""

    def __init__(self, learning_rate_init: float, warmup: int):
        self.learning_rate_init, self.warmup = learning_rate_init, warmup

    def rate(self, step: int) -> float:
        """Return the learning rate of update number `step`, counted from 0."""
        return self.learning_rate_init * min(1.0, (step + 1) / max(1, self.warmup))

    def observe(self, validation_loss: float) -> None:
        """Take note of a validation loss, which changes nothing."""


class Cosine(Constant):
    """Half a cosine from the full rate at the end of the warm-up to 0 at `n_steps`; arguments as in `schedule`."""

    def __init__(self, learning_rate_init: float, warmup: int, n_steps: int):
        super().__init__(learning_rate_init, warmup)
        self.n_steps = n_steps

    def rate(self, step: int) -> float:
        """Return the learning rate of update number `step`, counted from 0."""
        progress = (step - self.warmup) / max(1, self.n_steps - self.warmup)
        return super().rate(step) * 0.5 * (1.0 + math.cos(math.pi * min(max(progress, 0.0), 1.0)))


class Plateau(Constant):
    """A rate that is cut when the validation loss no longer improves; arguments as in `schedule`."""

    def __init__(self, learning_rate_init: float, warmup: int, patience: int, factor: float):
        super().__init__(learning_rate_init, warmup)
        self.patience, self.factor = patience, factor
        self._cut = 1.0
        self._best = math.inf
        self._n_waited = 0

    def rate(self, step: int) -> float:
        """Return the learning rate of update number `step`, counted from 0."""
        return super().rate(step) * self._cut

    def observe(self, validation_loss: float) -> None:
        """Take note of a validation loss."""
        if validation_loss < self._best:
            self._best, self._n_waited = validation_loss, 0
            return
        self._n_waited += 1
        if self._n_waited >= self.patience:
            self._cut *= self.factor
            self._n_waited = 0
