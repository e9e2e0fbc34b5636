"""Layer normalisation (Ba et al., 2016): every step of every sequence gets mean 0 and deviation 1 over its rows."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from rnnforecast.network.layer import Views
from rnnforecast.network.layout import Parameter, zeros


def ones(shape: tuple[int, ...], rng: np.random.Generator) -> Any:
    """Start at one."""
    return np.ones(shape)


class Work:
    """What the backward pass needs of the last forward pass.

    Attributes
    ----------
    normal : (T, D, B)
        Normalised input, before weight and bias.
    inverse : (T, 1, B)
        One over the deviation.
    """

    def __init__(self, n_steps: int, n_inputs: int, n_sequences: int, dtype: Any):
        self.normal = np.empty((n_steps, n_inputs, n_sequences), dtype)
        self.inverse = np.empty((n_steps, 1, n_sequences), dtype)


@dataclass(frozen=True)
class LayerNorm:
    """y = weight (x - mean) / sqrt(variance + epsilon) + bias, mean and variance being over the rows.

    Parameters
    ----------
    n_inputs : int
    epsilon : float
        Keeps rows that are all alike finite.
    """

    n_inputs: int
    epsilon: float = 1e-5

    @property
    def n_outputs(self) -> int:
        """As many as inputs."""
        return self.n_inputs

    def parameters(self) -> list[Parameter]:
        """`weight` (D,), which starts at one and does not decay, and `bias` (D,)."""
        return [
            Parameter("weight", (self.n_inputs,), ones, decays=False),
            Parameter("bias", (self.n_inputs,), zeros, decays=False),
        ]

    def prepare(self, views: Views) -> tuple[np.ndarray, np.ndarray]:
        """Weight and bias as columns."""
        return views["weight"][:, None], views["bias"][:, None]

    def steps_out(self, n_steps: int) -> int:
        """As many as come in."""
        return n_steps

    def work(self, n_steps: int, n_sequences: int, dtype: Any, training: bool) -> Work:
        """Buffers for (n_steps, n_inputs, n_sequences)."""
        return Work(n_steps, self.n_inputs, n_sequences, dtype)

    def forward(self, prepared: Any, x: np.ndarray, work: Work) -> np.ndarray:
        """Normalised rows, (T, D, B)."""
        weight, bias = prepared
        normal, inverse = work.normal, work.inverse
        # The mean is taken off before squaring: the difference of two mean squares would cancel.
        np.subtract(x, x.mean(1, keepdims=True), out=normal)
        np.einsum("tdb,tdb->tb", normal, normal, out=inverse[:, 0])
        inverse /= self.n_inputs
        inverse += self.epsilon
        np.reciprocal(np.sqrt(inverse, out=inverse), out=inverse)
        normal *= inverse
        return normal * weight + bias

    def backward(
        self, prepared: Any, d_y: np.ndarray, work: Work, d_views: Views, wants_d_x: bool
    ) -> np.ndarray | None:
        """Chain rule; what would only shift or scale the rows has no effect and is taken out of the derivative."""
        normal = work.normal
        d_views["weight"] += np.einsum("tdb,tdb->d", d_y, normal)
        d_views["bias"] += d_y.sum((0, 2))
        if not wants_d_x:
            return None
        d_normal = d_y * prepared[0]
        along = np.einsum("tdb,tdb->tb", d_normal, normal)[:, None] / self.n_inputs
        d_normal -= d_normal.mean(1, keepdims=True)
        d_normal -= normal * along
        d_normal *= work.inverse
        return d_normal
