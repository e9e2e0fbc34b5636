"""A layer that only corrects its input: y = x + f(x) (He et al., 2016)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from rnnforecast.network.compose import Chain
from rnnforecast.network.layer import Layer, Views
from rnnforecast.network.layout import Parameter

PROBE = 2  # steps with which the inner layer is asked whether it keeps their count


@dataclass(frozen=True)
class Residual:
    """y = x + inner(x).

    Parameters
    ----------
    inner : Layer or Chain
        Gives as many rows and steps as it takes.

    Raises
    ------
    ValueError
        If it does not.

    Notes
    -----
    Parameters and buffers are those of the inner layer, under its names: its state, generator and lengths are found
    where they would be without the residual. Whoever carries states on does not look for them within a chain.
    """

    inner: Layer | Chain

    def __post_init__(self) -> None:
        n_inputs, n_outputs = self.inner.n_inputs, self.inner.n_outputs
        if n_inputs != n_outputs:
            raise ValueError(f"inner must give as many rows as it takes, but takes {n_inputs} and gives {n_outputs}")
        n_steps = self.inner.steps_out(PROBE)
        if n_steps != PROBE:
            raise ValueError(f"inner must give as many steps as it takes, but of {PROBE} it makes {n_steps}")

    @property
    def n_inputs(self) -> int:
        """Rows of the input."""
        return self.inner.n_inputs

    @property
    def n_outputs(self) -> int:
        """As many as inputs."""
        return self.inner.n_outputs

    def parameters(self) -> list[Parameter]:
        """Those of the inner layer."""
        return self.inner.parameters()

    def prepare(self, views: Views) -> Any:
        """Prepare the inner layer."""
        return self.inner.prepare(views)

    def steps_out(self, n_steps: int) -> int:
        """As many as come in."""
        return n_steps

    def work(self, n_steps: int, n_sequences: int, dtype: Any, training: bool) -> Any:
        """Buffers of the inner layer."""
        return self.inner.work(n_steps, n_sequences, dtype, training)

    def forward(self, prepared: Any, x: np.ndarray, work: Any) -> np.ndarray:
        """Return x + inner(x), (T, D, B)."""
        return x + self.inner.forward(prepared, x, work)

    def backward(self, prepared: Any, d_y: np.ndarray, work: Any, d_views: Views, wants_d_x: bool) -> np.ndarray | None:
        """Derivative through both paths."""
        parts: Any = self.inner.split(d_views) if isinstance(self.inner, Chain) else d_views
        d_x = self.inner.backward(prepared, d_y, work, parts, wants_d_x)
        return None if d_x is None else d_y + d_x
