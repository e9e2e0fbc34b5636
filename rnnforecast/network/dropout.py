"""Inverted dropout (Srivastava et al., 2014): inputs are zeroed at random while training, the rest scaled up."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from rnnforecast.network.layer import Views
from rnnforecast.network.layout import Parameter


class Work:
    """The mask of the last forward pass, and the generator that draws it (None: no dropout, as in prediction)."""

    def __init__(self) -> None:
        self.rng: np.random.Generator | None = None
        self.mask: np.ndarray | None = None


@dataclass(frozen=True)
class Dropout:
    """Zero each number with probability `rate` while training.

    Parameters
    ----------
    n_inputs : int
    rate : float in [0, 1)
    """

    n_inputs: int
    rate: float

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
        """As many as come in."""
        return n_steps

    def work(self, n_steps: int, n_sequences: int, dtype: Any, training: bool) -> Work:
        """Room for a mask."""
        return Work()

    def forward(self, prepared: Any, x: np.ndarray, work: Work) -> np.ndarray:
        """Return x times a fresh mask while a generator is set, x itself otherwise."""
        if work.rng is None:
            work.mask = None
            return x
        keep = work.rng.random(x.shape, dtype=np.float32) >= self.rate
        work.mask = keep * x.dtype.type(1.0 / (1.0 - self.rate))
        return x * work.mask

    def backward(
        self, prepared: Any, d_y: np.ndarray, work: Work, d_views: Views, wants_d_x: bool
    ) -> np.ndarray | None:
        """Return d_y times the same mask."""
        return d_y if work.mask is None else d_y * work.mask
