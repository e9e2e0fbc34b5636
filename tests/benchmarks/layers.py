"""A training step and a prediction of one recurrent layer with an affine head, through the library's own parts."""

from __future__ import annotations

from typing import Any

import numpy as np

from rnnforecast.kernels.cells import Cell, named
from rnnforecast.kernels.losses import squared_error
from rnnforecast.network.compose import Chain, at_once
from rnnforecast.network.decoders import Direct
from rnnforecast.network.network import Network
from rnnforecast.network.objective import WindowObjective, forecast
from rnnforecast.network.recurrent import Recurrent
from rnnforecast.network.windows import Normalised
from rnnforecast.training import optimizers
from rnnforecast.training.batches import Shards
from tests.benchmarks.table import Size

LEARNING_RATE, LIMIT_NORM = 1e-3, 1.0


def batch(size: Size, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Draw inputs (T, D, B) and targets (1, B)."""
    return rng.standard_normal((size.T, size.D, size.B), np.float32), rng.standard_normal((1, size.B), np.float32)


class Given:
    """Stands where the library has `Windows`: sample k is column k of arrays that are there already.

    Parameters
    ----------
    x : (T, D, B)
    y : (1, B)
    """

    horizon, n_targets = 1, 1

    def __init__(self, x: np.ndarray, y: np.ndarray):
        self.x, self.y = x, y
        self.n_steps = self.lookback = len(x)

    def read(self, frame: Any, origin: np.ndarray, column: np.ndarray) -> Normalised:
        """Copy the columns of a shard, which are neighbours."""
        n = len(origin)
        past = self.x[:, :, origin[0] : origin[0] + n].copy()
        zero = np.zeros((1, n), past.dtype)
        return Normalised(past, zero[:0], None, zero, zero)

    def truth(self, frame: Any, origin: np.ndarray, column: np.ndarray, read: Normalised) -> np.ndarray:
        """Targets (1, n)."""
        return self.y[:, origin[0] : origin[0] + len(origin)]

    def guessed(self, frame, origin, column):
        """Say that all values were observed."""
        return None

    def linked(self, out: np.ndarray, read: Normalised) -> np.ndarray:
        """Values are forecast as they are."""
        return out

    def restore(self, out: np.ndarray, read: Normalised) -> np.ndarray:
        """Nothing was normalised."""
        return out[:, None]


class Stepper:
    """The library's side: one batch, again and again.

    Parameters
    ----------
    cell : str
    x : (T, D, B)
    y : (1, B)
    n_units : int
    n_threads : int
    shard_size : int or None
        None is the library's own.
    """

    def __init__(
        self,
        cell: str,
        x: np.ndarray,
        y: np.ndarray,
        n_units: int,
        n_threads: int = 1,
        shard_size: int | None = None,
    ):
        rng = np.random.default_rng(0)
        self.cell: Cell = named(cell)
        encoder = Chain([Recurrent(self.cell, x.shape[1], n_units, x.dtype, every=False)])
        self.network = Network(encoder, Direct(n_units, 0, 1, 1), x.dtype)
        self.parameters = self.network.initial(rng)
        # The library's head starts at zero, and with it the gradient of everything below: not what a step meets later.
        head = self.views["decoder.head.0.weight"]
        head[...] = rng.uniform(-1.0, 1.0, head.shape) / np.sqrt(n_units)
        self.rows = np.arange(x.shape[2])
        self.columns = np.zeros_like(self.rows)
        self.given: Any = Given(x, y)
        self.objective = WindowObjective(self.network, self.given, self.given, self.rows, self.columns, squared_error)
        self.n_threads = n_threads
        self.shards = Shards(self.objective, n_threads, shard_size or at_once(encoder.products(len(x)), x.shape[2]))
        self.optimizer = optimizers.optimizer("adam", self.network.layout.size, x.dtype)
        self.gradient = np.empty_like(self.parameters)
        self._rng = rng

    @property
    def views(self) -> dict[str, np.ndarray]:
        """The weights by name."""
        return self.network.layout.views(self.parameters)

    def __enter__(self) -> Stepper:
        self.shards.__enter__()
        return self

    def __exit__(self, *error: Any) -> None:
        self.shards.__exit__(*error)

    def step(self) -> float:
        """Forward, backward, clip by norm, Adam; return the mean loss before."""
        loss = self.shards.value_and_gradient(self.parameters, self.rows, self.gradient, self._rng)
        optimizers.clip_norm(self.gradient, LIMIT_NORM)
        self.optimizer.update(self.parameters, self.gradient, LEARNING_RATE)
        return loss

    def infer(self) -> np.ndarray:
        """Forecasts (B,); weights are packed and buffers allocated anew, as a call of `predict` does."""
        prepared = self.network.prepare(self.parameters)
        return forecast(self.network, prepared, self.given, self.given, self.rows, self.columns, self.n_threads)[0, 0]


def n_operations(cell: str, size: Size) -> float:
    """Return the floating-point operations of a training step's products.

    Forward and weights' gradient take a product with the inputs and one with the hidden state, backward one with the
    hidden state; the gradient in the inputs of a first layer is not needed.
    """
    record, (B, T, D, H) = named(cell), size
    input_products, hidden_products = len(record.rows("x")), len(record.rows("h"))
    return 2.0 * B * T * H * (2 * (input_products * D + hidden_products * H) + hidden_products * H)
