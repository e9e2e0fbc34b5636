"""Windows read by one recurrent layer and written again, backward, by another: what cannot be rebuilt is unusual.

An encoder-decoder trained on ordinary rows (Malhotra et al., 2016). The decoder gets the encoder's last state at every
step and writes the newest row first; the error of a row is that of the window that ends with it.
N rows, C columns of which the first K are targets, L rows of a window, D = 1 + C - K inputs, B windows.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray
from sklearn.exceptions import ConvergenceWarning

from rnnforecast.estimators._echo import INPUT_RANGE, SMALLEST_DEVIATION, fill
from rnnforecast.kernels.cells import Cell
from rnnforecast.kernels.losses import squared_error
from rnnforecast.network.compose import Chain
from rnnforecast.network.dense import Dense
from rnnforecast.network.recurrent import Recurrent
from rnnforecast.network.repeat import Repeat
from rnnforecast.network.sequences import SequenceNetwork
from rnnforecast.training.loop import Report, train
from rnnforecast.training.optimizers import optimizer
from rnnforecast.training.schedules import schedule

Array = NDArray[np.float64]

HELD_OUT = 0.25  # newest training rows, whose errors are the usual ones
BATCH, LEARNING_RATE, WARMUP, LARGEST_NORM = 64, 3e-3, 20, 1.0
WINDOWS_AT_ONCE = 256


def autoencoder(cell: Cell, n_inputs: int, n_units: int, n_rows: int, dtype: Any) -> SequenceNetwork:
    """Build encoder and decoder of windows (L, D, B), which give (L, 1, B)."""
    encoder = Chain([Recurrent(cell, n_inputs, n_units, dtype, every=False)])
    decoder = Chain([Repeat(n_units, n_rows), Recurrent(cell, n_units, n_units, dtype), Dense(n_units, 1)])
    return SequenceNetwork(encoder, decoder, None, dtype)


class Windows:
    """All windows of a table.

    Parameters
    ----------
    table : ndarray of shape (N, C)
        Without missing values.
    n_targets : int
    n_rows : int
        L.
    dtype : numpy floating type
    """

    def __init__(self, table: NDArray[Any], n_targets: int, n_rows: int, dtype: Any):
        clipped = np.clip(table, -INPUT_RANGE, INPUT_RANGE).astype(dtype)
        self._windows = sliding_window_view(clipped, n_rows, axis=0)  # (N - L + 1, C, L)
        self.n_targets, self.n_windows = n_targets, len(self._windows)

    def inputs(self, first: NDArray[np.int64], column: NDArray[np.int64]) -> NDArray[Any]:
        """Return windows (L, D, B) that begin at rows `first` (B,): a target's own value, then the inputs."""
        own = self._windows[first, column][:, None]
        others = self._windows[first, self.n_targets :]
        return np.ascontiguousarray(np.concatenate([own, others], axis=1).transpose(2, 1, 0))


class ReconstructionObjective:
    """Squared errors of rebuilt windows; row ``k N' + w`` is window w of target k.

    Parameters
    ----------
    network : SequenceNetwork
    windows : Windows
    """

    def __init__(self, network: SequenceNetwork, windows: Windows):
        self.network, self.windows = network, windows
        self.n_parameters, self.dtype = network.layout.size, network.dtype
        self._prepared: Any = None

    @property
    def rows(self) -> NDArray[np.int64]:
        """Every window of every target."""
        return np.arange(self.windows.n_windows * self.windows.n_targets)

    def prepare(self, parameters: NDArray[Any]) -> None:
        """Lay `parameters` out; called before the shards of a minibatch."""
        self._prepared = self.network.prepare(parameters)

    def n_terms(self, rows: NDArray[np.int64]) -> int:
        """Count of rows in these windows."""
        return len(rows) * self.network.head.steps_out(1)

    def shard(self, rows: NDArray[np.int64], gradient: NDArray[Any], seed: int) -> float:
        """Sum of losses of some windows; adds its gradient to `gradient`."""
        column, first = np.divmod(rows, self.windows.n_windows)
        x = self.windows.inputs(first, column)
        work = self.network.work(len(x), len(rows), training=True)
        out = self.network.forward(self._prepared, x, None, work)
        d_out = np.empty_like(out)
        total = squared_error(out, np.ascontiguousarray(x[::-1, :1]), d_out)
        self.network.backward(self._prepared, d_out, work, self.network.split(gradient))
        return total


@dataclass(frozen=True)
class ReconstructionModel:
    """A trained encoder-decoder.

    Parameters
    ----------
    network : SequenceNetwork
    weights : ndarray of shape (P,)
    deviation : ndarray of shape (K, 1)
        Of the errors on rows that were not learnt from.
    n_rows : int
        Of a window, L.
    back : ndarray of int, shape (C,)
        As in `EchoModel`.
    """

    network: SequenceNetwork
    weights: NDArray[Any]
    deviation: Array
    n_rows: int
    back: NDArray[np.int64]

    @property
    def ahead(self) -> NDArray[np.int64]:
        """Nothing is forecast: the row itself is rebuilt."""
        return np.zeros(1, np.int64)

    @property
    def n_warm_up(self) -> int:
        """Rows that are read before the first is judged."""
        return self.n_rows - 1

    def start(self) -> ReconstructionRun:
        """Begin to read."""
        return ReconstructionRun(self)


class ReconstructionRun:
    """An encoder-decoder that reads on; see `EchoRun`. A row costs a window, however many rows were read.

    Parameters
    ----------
    model : ReconstructionModel
    """

    def __init__(self, model: ReconstructionModel):
        self.model = model
        self._prepared = model.network.prepare(model.weights)
        self._recent = np.zeros((model.n_rows, len(model.back)))
        self._n_read = 0

    def extend(self, table: Array) -> tuple[Array, Array]:
        """Read rows (N, C); return errors in units of their deviations, (N, K, 1), and rebuilt values, (N, K)."""
        model, N, K = self.model, len(table), len(self.model.deviation)
        history = np.concatenate([self._recent, table])
        fill(history, model.n_rows, model.back)
        windows = Windows(history[1:], K, model.n_rows, model.network.dtype)
        rebuilt = np.empty((N, K))
        for k in range(K):
            for part in _parts(N):
                x = windows.inputs(np.arange(part.start, part.stop), np.full(part.stop - part.start, k))
                work = model.network.work(len(x), x.shape[2])
                rebuilt[part, k] = model.network.forward(self._prepared, x, None, work)[0, 0]
        rebuilt[self._n_read + np.arange(1, N + 1) < model.n_rows] = np.nan
        self._recent, self._n_read = history[N:].copy(), self._n_read + N
        return ((table[:, :K] - rebuilt) / model.deviation[:, 0])[:, :, None], rebuilt

    def step(self, row: Array) -> tuple[Array, Array]:
        """Read one row (C,); return errors (K, 1) and its rebuilt values (K,)."""
        errors, rebuilt = self.extend(row[None])
        return errors[0], rebuilt[0]

    @property
    def state(self) -> dict[str, Any]:
        """All that was carried from the rows read; can be assigned to another run of the model."""
        return {"recent": self._recent.copy(), "n_read": self._n_read}

    @state.setter
    def state(self, state: dict[str, Any]) -> None:
        """Go on from where another one was."""
        self._recent, self._n_read = state["recent"].copy(), int(state["n_read"])


def _parts(n: int) -> Iterator[slice]:
    for start in range(0, n, WINDOWS_AT_ONCE):
        yield slice(start, min(start + WINDOWS_AT_ONCE, n))


def fit_reconstruction(
    table: Array,
    n_targets: int,
    *,
    cell: Cell,
    n_units: int,
    n_rows: int,
    back: NDArray[np.int64],
    solver: str,
    max_iter: int,
    dtype: Any,
    rng: np.random.Generator,
    report: Report | None = None,
) -> tuple[ReconstructionModel, Array, int]:
    """Train an encoder-decoder on the older training rows, and take the errors of the newer ones.

    Parameters
    ----------
    table : ndarray of shape (N, C)
    n_targets, cell, n_units, n_rows, back, solver, max_iter, dtype, rng, report
        As in `ReconstructionModel` and `rnnforecast.estimators._trained.trained_reservoir`.

    Returns
    -------
    model : ReconstructionModel
    errors : ndarray of shape (N, K, 1)
        In units of their deviations; NaN for the rows that were learnt from.
    n_updates : int
    """
    history = np.concatenate([np.zeros((n_rows, table.shape[1])), table])
    fill(history, n_rows, back)
    n_learnt = max(n_rows + 1, round((1.0 - HELD_OUT) * len(table)))
    network = autoencoder(cell, 1 + table.shape[1] - n_targets, n_units, n_rows, dtype)
    weights = network.initial(rng)
    objective = ReconstructionObjective(network, Windows(history[n_rows:][:n_learnt], n_targets, n_rows, dtype))
    descent = train(
        objective,
        weights,
        objective.rows,
        optimizer=optimizer(solver, network.layout.size, network.dtype, decay=network.layout.decays()),
        schedule=schedule("cosine", LEARNING_RATE, max_iter, warmup=min(WARMUP, max_iter // 5)),
        batch_size=min(BATCH, len(objective.rows)),
        n_steps=max_iter,
        rng=rng,
        clip_norm=LARGEST_NORM,
        report=report,
    )
    if descent.diverged:
        warnings.warn(
            'training diverged and was rolled back to the best finite weights: use method="prediction"',
            ConvergenceWarning,
            stacklevel=5,
        )
    unscaled = ReconstructionModel(network, weights, np.ones((n_targets, 1)), n_rows, back)
    errors = unscaled.start().extend(table)[0]
    errors[:n_learnt] = np.nan
    known = ~np.isnan(errors)
    squares = np.where(known, np.square(errors), 0.0).sum(axis=0) / np.maximum(known.sum(axis=0), 1)
    deviation = np.maximum(np.sqrt(squares), SMALLEST_DEVIATION)
    return ReconstructionModel(network, weights, deviation, n_rows, back), errors / deviation, descent.n_steps
