"""A recurrent layer trained by gradient descent to forecast the next few rows, for a detector that reads its states.

N rows, C columns of which the first K are targets; T steps, S steps ahead, B streams. Values are scaled.
"""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.exceptions import ConvergenceWarning

from rnnforecast.estimators._echo import INPUT_RANGE, fill
from rnnforecast.kernels.cells import Cell
from rnnforecast.kernels.losses import LOSSES
from rnnforecast.network.compose import Chain
from rnnforecast.network.decoders import under
from rnnforecast.network.dense import Dense
from rnnforecast.network.recurrent import Recurrent
from rnnforecast.network.reservoir import Reservoir
from rnnforecast.network.sequences import SequenceNetwork
from rnnforecast.network.streams import StreamObjective
from rnnforecast.training.loop import Report, train
from rnnforecast.training.optimizers import optimizer
from rnnforecast.training.schedules import schedule

STRETCHES = 16  # of each target, read side by side
FEWEST_ROWS = 32  # of a stretch
PIECE = 128  # rows that a gradient goes back through
LEARNING_RATE, WARMUP, LARGEST_NORM = 3e-3, 20, 1.0


class Stretches:
    """The series of each target, cut into stretches that are read side by side: at each row the next ones are asked.

    Parameters
    ----------
    table : ndarray of shape (N, C)
        Without missing values.
    n_targets : int
    ahead : ndarray of int, shape (S,)
    dtype : numpy floating type
    """

    def __init__(self, table: NDArray[Any], n_targets: int, ahead: NDArray[np.int64], dtype: Any):
        n_origins = len(table) - int(ahead.max())
        count = max(1, min(STRETCHES, n_origins // FEWEST_ROWS))
        self.n_steps = n_origins // count
        self.n_streams = count * n_targets
        self._starts = np.tile(np.arange(count) * self.n_steps, n_targets)
        self._columns = np.repeat(np.arange(n_targets), count)
        self._ahead, self._n_targets = ahead, n_targets
        self._table = np.clip(table, -INPUT_RANGE, INPUT_RANGE).astype(dtype)

    def inputs(self, streams: NDArray[np.int64], steps: slice) -> NDArray[Any]:
        """Return the target's own value and the inputs, (T, 1 + C - K, B)."""
        rows = self._starts[streams] + np.arange(steps.start, steps.stop)[:, None]
        own = self._table[rows, self._columns[streams]][:, None]
        others = self._table[:, self._n_targets :][rows].transpose(0, 2, 1)
        return np.ascontiguousarray(np.concatenate([own, others], axis=1))

    def targets(self, streams: NDArray[np.int64], steps: slice) -> NDArray[Any]:
        """Return the values some steps ahead, (T, S, B)."""
        rows = self._starts[streams] + np.arange(steps.start, steps.stop)[:, None]
        return np.ascontiguousarray(
            self._table[rows[:, None] + self._ahead[:, None], self._columns[streams]],
        )


def trained_reservoir(
    table: NDArray[np.float64],
    n_targets: int,
    *,
    cell: Cell,
    n_units: int,
    steps: tuple[int, ...],
    back: NDArray[np.int64],
    solver: str,
    max_iter: int,
    dtype: Any,
    rng: np.random.Generator,
    report: Report | None = None,
) -> tuple[Reservoir, int]:
    """Train a recurrent layer under a linear head, which is then left to the closed-form readout.

    Parameters
    ----------
    table : ndarray of shape (N, C)
        NaN is missing, and filled from `back` rows before.
    n_targets : int
    cell : Cell
    n_units : int
    steps : tuple of int
        How far ahead is forecast.
    back : ndarray of int, shape (C,)
    solver : str
    max_iter : int
        Updates.
    dtype : numpy floating type
    rng : numpy.random.Generator
    report : callable or None
        See `rnnforecast.training.loop.train`.

    Returns
    -------
    reservoir : Reservoir
    n_updates : int
        That were made.
    """
    first = int(back.max())
    history = np.concatenate([np.zeros((first, table.shape[1])), table])
    fill(history, first, back)
    reader = Stretches(history[first:], n_targets, np.array(steps), dtype)
    layer = Recurrent(cell, 1 + table.shape[1] - n_targets, n_units, dtype)
    network = SequenceNetwork(Chain([layer]), Chain([Dense(n_units, len(steps))]), None, dtype)
    weights = network.initial(rng)
    objective = StreamObjective(network, reader, PIECE, LOSSES["huber"])
    descent = train(
        objective,
        weights,
        objective.rows,
        optimizer=optimizer(solver, network.layout.size, network.dtype, decay=network.layout.decays()),
        schedule=schedule("cosine", LEARNING_RATE, max_iter, warmup=min(WARMUP, max_iter // 5)),
        batch_size=reader.n_streams,
        n_steps=max_iter,
        rng=rng,
        shuffle=False,
        clip_norm=LARGEST_NORM,
        report=report,
    )
    if descent.diverged:
        warnings.warn(
            'training diverged and was rolled back to the best finite weights: use solver="ridge", or check the data',
            ConvergenceWarning,
            stacklevel=5,
        )
    views = under("encoder.0", network.layout.views(weights))
    return Reservoir(layer, {name: view.copy() for name, view in views.items()}), descent.n_steps
