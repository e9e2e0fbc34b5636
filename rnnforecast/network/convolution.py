"""A convolution over the steps that looks back only: filters over the last few steps, for each step."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from rnnforecast.kernels.activations import Activation, relu
from rnnforecast.network.dense import Dense
from rnnforecast.network.dense import Work as DenseWork
from rnnforecast.network.layer import Views
from rnnforecast.network.layout import Parameter


class Work:
    """Buffers of a causal convolution.

    Attributes
    ----------
    columns : (T, K D, B)
        For each step, the inputs that its filters see; zero where they lie before the first step.
    """

    def __init__(self, layer: CausalConvolution, n_steps: int, n_sequences: int, dtype: Any, training: bool):
        self.columns = np.zeros((n_steps, layer.dense.n_inputs, n_sequences), dtype)
        self.dense: DenseWork = layer.dense.work(n_steps, n_sequences, dtype, training)


class CausalConvolution:
    """y[t] = f(b + sum over k of W[k] x[t - (K - 1 - k) dilation]), with zeros before the first step.

    Parameters
    ----------
    n_inputs : int
        D.
    n_filters : int
        F, rows of the output.
    kernel_size : int
        K, steps that a filter sees; the last is the present one.
    dilation : int
        Steps from one of them to the next (van den Oord et al., 2016).
    activation : Activation

    Notes
    -----
    The taps are laid side by side, so that one product for each step serves them all. ``weight.reshape(F, K,
    D).transpose(0, 2, 1)`` is the weight of `torch.nn.Conv1d`. Padding at the end of a sequence cannot reach a real
    step: unequal lengths need no care.
    """

    def __init__(
        self, n_inputs: int, n_filters: int, kernel_size: int, dilation: int = 1, activation: Activation = relu
    ):
        self.n_inputs, self.n_outputs = n_inputs, n_filters
        self.kernel_size, self.dilation = kernel_size, dilation
        self.dense = Dense(kernel_size * n_inputs, n_filters, activation)

    def parameters(self) -> list[Parameter]:
        """`weight` (F, K D), oldest tap first, and `bias` (F,)."""
        return self.dense.parameters()

    def prepare(self, views: Views) -> Any:
        """Weight, and bias as a column."""
        return self.dense.prepare(views)

    def steps_out(self, n_steps: int) -> int:
        """As many as come in."""
        return n_steps

    def work(self, n_steps: int, n_sequences: int, dtype: Any, training: bool) -> Work:
        """Buffers for (n_steps, n_inputs, n_sequences)."""
        return Work(self, n_steps, n_sequences, dtype, training)

    def forward(self, prepared: Any, x: np.ndarray, work: Work) -> np.ndarray:
        """Filtered inputs, (T, F, B)."""
        for rows, lag in self._taps(len(x)):
            work.columns[lag:, rows] = x[: len(x) - lag]
        return self.dense.forward(prepared, work.columns, work.dense)

    def backward(
        self, prepared: Any, d_y: np.ndarray, work: Work, d_views: Views, wants_d_x: bool
    ) -> np.ndarray | None:
        """Chain rule through the product; each input collects from the steps whose filters saw it."""
        d_columns = self.dense.backward(prepared, d_y, work.dense, d_views, wants_d_x)
        if d_columns is None:
            return None
        T, _, B = d_columns.shape
        d_x = np.zeros((T, self.n_inputs, B), d_columns.dtype)
        for rows, lag in self._taps(T):
            d_x[: T - lag] += d_columns[lag:, rows]
        return d_x

    def _taps(self, n_steps: int) -> Iterator[tuple[slice, int]]:
        """Yield each tap's rows of the columns and how many steps back it looks, but for those before every step."""
        for k in range(self.kernel_size):
            lag = (self.kernel_size - 1 - k) * self.dilation
            if lag < n_steps:
                yield slice(k * self.n_inputs, (k + 1) * self.n_inputs), lag
