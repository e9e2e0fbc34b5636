"""One state given to every step: how a decoder is told what was read."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from rnnforecast.network.layer import Views
from rnnforecast.network.layout import Parameter


@dataclass(frozen=True)
class Repeat:
    """The input's one step, (1, D, B), again and again: (T, D, B).

    Parameters
    ----------
    n_inputs : int
        D.
    n_steps : int
        T.
    """

    n_inputs: int
    n_steps: int

    @property
    def n_outputs(self) -> int:
        """As many rows as the input."""
        return self.n_inputs

    def parameters(self) -> list[Parameter]:
        """Nothing is learnt."""
        return []

    def prepare(self, views: Views) -> None:
        """Nothing to prepare."""

    def steps_out(self, n_steps: int) -> int:
        """T, of one step."""
        return self.n_steps

    def work(self, n_steps: int, n_sequences: int, dtype: Any, training: bool) -> None:
        """No buffer."""

    def forward(self, prepared: Any, x: np.ndarray, work: Any) -> np.ndarray:
        """Return the step T times."""
        return np.repeat(x, self.n_steps, axis=0)

    def backward(self, prepared: Any, d_y: np.ndarray, work: Any, d_views: Views, wants_d_x: bool) -> np.ndarray | None:
        """Return the sum over the steps, (1, D, B)."""
        return d_y.sum(axis=0, keepdims=True)
