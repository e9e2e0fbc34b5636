"""Where a recurrence ends: the state after the last step, and that of a backward direction after the first."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from rnnforecast.network.layer import Views
from rnnforecast.network.layout import Parameter


class Work:
    """How many steps the last forward pass read."""

    def __init__(self) -> None:
        self.n_steps = 0


@dataclass(frozen=True)
class Ends:
    """Picks the states with which sequences end, (T, D, B) to (1, D, B).

    What a recurrent layer made with ``every=False`` gives by itself, for layers that need every step before, such as a
    residual one.

    Parameters
    ----------
    n_inputs : int
        D.
    n_backward : int
        So many of the rows, the last ones, are read backward in time: they end with the first step.
    """

    n_inputs: int
    n_backward: int = 0

    @property
    def n_outputs(self) -> int:
        """As many as inputs."""
        return self.n_inputs

    def parameters(self) -> list[Parameter]:
        """Nothing is learnt."""
        return []

    def prepare(self, views: Views) -> None:
        """Nothing to prepare."""

    def steps_out(self, n_steps: int) -> int:
        """One."""
        return 1

    def work(self, n_steps: int, n_sequences: int, dtype: Any, training: bool) -> Work:
        """Room for a count."""
        return Work()

    def forward(self, prepared: Any, x: np.ndarray, work: Work) -> np.ndarray:
        """Return the last step, its backward rows taken from the first, (1, D, B)."""
        work.n_steps = len(x)
        n_forward = self.n_inputs - self.n_backward
        return np.concatenate((x[-1:, :n_forward], x[:1, n_forward:]), axis=1)

    def backward(
        self, prepared: Any, d_y: np.ndarray, work: Work, d_views: Views, wants_d_x: bool
    ) -> np.ndarray | None:
        """Put the derivative where its rows came from; all else had no influence."""
        if not wants_d_x:
            return None
        n_forward = self.n_inputs - self.n_backward
        d_x = np.zeros((work.n_steps, *d_y.shape[1:]), d_y.dtype)
        d_x[-1, :n_forward] = d_y[0, :n_forward]
        d_x[0, n_forward:] = d_y[0, n_forward:]
        return d_x
