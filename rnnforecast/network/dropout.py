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
    """Zero each number with probability `rate` while training, at every step anew.

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

    def mask_shape(self, x: np.ndarray) -> tuple[int, ...]:
        """Shape of the mask for inputs `x` (T, D, B)."""
        return x.shape

    def forward(self, prepared: Any, x: np.ndarray, work: Work) -> np.ndarray:
        """Return x times a fresh mask while a generator is set, x itself otherwise."""
        if work.rng is None:
            work.mask = None
            return x
        keep = work.rng.random(self.mask_shape(x), dtype=np.float32) >= self.rate
        work.mask = keep * x.dtype.type(1.0 / (1.0 - self.rate))
        return x * work.mask

    def backward(
        self, prepared: Any, d_y: np.ndarray, work: Work, d_views: Views, wants_d_x: bool
    ) -> np.ndarray | None:
        """Return d_y times the same mask."""
        return d_y if work.mask is None else d_y * work.mask


class VariationalDropout(Dropout):
    """Zero each row of each sequence with probability `rate` while training, at all its steps or none.

    Noise that changes from step to step is averaged out by a recurrent layer; a row that is gone for the whole sequence
    is not (Gal and Ghahramani, 2016).
    """

    def mask_shape(self, x: np.ndarray) -> tuple[int, ...]:
        """Shape (1, D, B) of the mask that all steps share."""
        return (1, *x.shape[1:])
