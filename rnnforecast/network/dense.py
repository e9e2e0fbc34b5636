"""An affine map of every step, with an activation: y = f(W x + b)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from rnnforecast.kernels.activations import Activation, linear
from rnnforecast.network.layer import Views
from rnnforecast.network.layout import Initializer, Parameter, glorot, zeros


class Work:
    """Buffers of a dense layer."""

    def __init__(self, n_steps: int, n_outputs: int, n_sequences: int, dtype: Any):
        self.x: np.ndarray | None = None
        self.y = np.empty((n_steps, n_outputs, n_sequences), dtype)


@dataclass(frozen=True)
class Dense:
    """y = f(W x + b) at every step.

    Parameters
    ----------
    n_inputs, n_outputs : int
    activation : Activation
    initialize : callable
        Start of the weights; biases start at zero.
    """

    n_inputs: int
    n_outputs: int
    activation: Activation = linear
    initialize: Initializer = glorot

    def parameters(self) -> list[Parameter]:
        """`weight` (n_outputs, n_inputs) and `bias` (n_outputs,)."""
        return [
            Parameter("weight", (self.n_outputs, self.n_inputs), self.initialize),
            Parameter("bias", (self.n_outputs,), zeros, decays=False),
        ]

    def prepare(self, views: Views) -> tuple[np.ndarray, np.ndarray]:
        """Weight, and bias as a column."""
        return views["weight"], views["bias"][:, None]

    def steps_out(self, n_steps: int) -> int:
        """As many as come in."""
        return n_steps

    def work(self, n_steps: int, n_sequences: int, dtype: Any, training: bool) -> Work:
        """Buffers for (n_steps, n_inputs, n_sequences)."""
        return Work(n_steps, self.n_outputs, n_sequences, dtype)

    def forward(self, prepared: Any, x: np.ndarray, work: Work) -> np.ndarray:
        """Return f(W x + b), (T, n_outputs, B)."""
        weight, bias = prepared
        work.x = x
        y = np.matmul(weight, x, out=work.y)
        y += bias
        if self.activation is not linear:
            y[...] = self.activation(y)
        return y

    def backward(
        self, prepared: Any, d_y: np.ndarray, work: Work, d_views: Views, wants_d_x: bool
    ) -> np.ndarray | None:
        """Chain rule through the activation, the bias and the product."""
        x = work.x
        assert x is not None
        if self.activation is not linear:
            d_y = d_y * self.activation.slope(work.y)
        if len(x) == 1:
            d_views["weight"] += d_y[0] @ x[0].T
            d_views["bias"] += d_y[0].sum(1)
        else:
            d_views["weight"] += np.matmul(d_y, x.transpose(0, 2, 1)).sum(0)
            d_views["bias"] += d_y.sum((0, 2))
        return np.matmul(prepared[0].T, d_y) if wants_d_x else None
