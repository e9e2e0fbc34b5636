"""Forecasts of the next few rows from the states of a reservoir and the newest values, and their errors, row by row.

N rows, C columns of which the first K are targets and the rest inputs, H units, L lags, D = H + 1 + L columns of the
design of one target, S forecasts of each row: R readouts times the numbers of steps ahead, readouts outermost.
All targets share one reservoir; each has readouts of its own. Values are scaled, NaN is missing.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from rnnforecast.detection import folds
from rnnforecast.kernels.echo import forecast_row, take_row
from rnnforecast.network.readout import NormalEquations
from rnnforecast.network.reservoir import Reservoir

Array = NDArray[np.float64]

LAG_PENALTY = 1e-2  # per row, where lags have a variance of one; a reservoir's states bear far less
SMALLEST_DEVIATION = 1e-3  # of errors, in standard deviations of the series: smaller ones mean nothing
INPUT_RANGE = 6.0  # what the reservoir sees is clipped, lest one outlier saturate its units for long
N_BLOCKS = 5
COLUMNS_AT_ONCE = 8  # targets whose normal equations are in memory together


@dataclass(frozen=True)
class Readouts:
    """Which linear readouts are solved for.

    Parameters
    ----------
    kinds : tuple of {"joint", "states", "lags"}
        One on states and lags together, or one on either alone.
    alpha : float
        Penalty of the states' weights, per row.
    """

    kinds: tuple[str, ...]
    alpha: float

    def solve(self, sums: NormalEquations, n_units: int) -> Array:
        """Return the weights of one target, (D, S)."""
        n_columns, n_steps = sums.cross.shape
        penalty = np.full(n_columns, LAG_PENALTY)
        penalty[: n_units + 1] = self.alpha
        weights = np.zeros((len(self.kinds), n_columns, n_steps))
        for kind, own in zip(self.kinds, weights, strict=True):
            columns = {"joint": slice(None), "states": slice(n_units + 1), "lags": slice(n_units, None)}[kind]
            # The intercept bears what the other columns of its readout do.
            penalties = np.full(n_columns, LAG_PENALTY) if kind == "lags" else penalty
            part = sums.only(columns)
            own[columns] = part.solve(np.maximum(penalties[columns], 1e-12) * max(part.n_rows, 1))
        return np.concatenate(list(weights), axis=1)


@dataclass(frozen=True)
class EchoModel:
    """A reservoir with its readouts.

    Parameters
    ----------
    reservoir : Reservoir
        Of one target and the inputs.
    weights : ndarray of shape (K, D, S)
    deviation : ndarray of shape (K, S)
        Of the errors on rows that were not learnt from; NaN where there were none.
    steps : tuple of int
        How far ahead is forecast.
    n_lags : int
    back : ndarray of int, shape (C,)
        How many rows before a missing value of each column the value lies that takes its place.
    """

    reservoir: Reservoir
    weights: Array
    deviation: Array
    steps: tuple[int, ...]
    n_lags: int
    back: NDArray[np.int64]

    @property
    def ahead(self) -> NDArray[np.int64]:
        """Steps ahead of each forecast, (S,)."""
        return np.tile(np.array(self.steps), self.deviation.shape[1] // len(self.steps))

    @property
    def n_warm_up(self) -> int:
        """Rows that are read before the first is judged."""
        return self.n_lags

    def start(self) -> EchoRun:
        """Begin to read."""
        return EchoRun(self)


class EchoRun:
    """A model that reads on, many rows at a time or one: both give the same errors, within rounding.

    The memory, and the time of a row, do not depend on how many were read.

    Parameters
    ----------
    model : EchoModel
    """

    def __init__(self, model: EchoModel):
        self.model = model
        K, _, S = model.weights.shape
        self._run = model.reservoir.start(K)
        self._ahead, self._furthest = model.ahead, max(model.steps)
        nearest = self._ahead == min(model.steps)
        self._nearest = nearest / nearest.sum()
        self._recent = np.zeros((model.n_lags, len(model.back)))  # the series' means, before the first row
        self._pending = np.full((self._furthest, K, S), np.nan)  # forecasts from the newest rows; NaN: not to be judged
        self._expected = np.full(K, np.nan)
        self._n_read = 0
        # Of one step: the weights in the order in which they are summed, and what it fills.
        self._weights = np.ascontiguousarray(model.weights.transpose(0, 2, 1))
        self._x = np.empty((1, model.reservoir.n_inputs, K), model.reservoir.dtype)

    def extend(self, table: Array) -> tuple[Array, Array]:
        """Read rows (N, C); return errors in units of their deviations, (N, K, S), and one-step forecasts, (N, K).

        Both are NaN before the lags are filled, errors also where a value, or the one forecast from, is missing.
        """
        model, N = self.model, len(table)
        K, _, S = model.weights.shape
        history = np.concatenate([self._recent, table])
        known = ~np.isnan(table[:, :K])
        fill(history, model.n_lags, model.back)
        forecasts = np.empty((N, K, S))
        for part, k, design in designs(history, model.n_lags, K, self._run):
            forecasts[part, k] = design @ model.weights[k]
        ready = self._n_read + np.arange(1, N + 1) >= model.n_lags
        forecasts[~ready] = np.nan
        expected = np.concatenate([self._expected[None], forecasts @ self._nearest])
        forecasts[~known] = np.nan
        pending = np.concatenate([self._pending, forecasts])
        errors = np.empty((N, K, S))
        for s, ahead in enumerate(self._ahead):
            first = self._furthest - ahead
            errors[:, :, s] = table[:, :K] - pending[first : first + N, :, s]
        self._recent, self._pending = history[N:].copy(), pending[N:].copy()
        self._expected, self._n_read = expected[-1], self._n_read + N
        return errors / model.deviation, expected[:-1]

    def step(self, row: Array) -> tuple[Array, Array]:
        """Read one row (C,); return errors (K, S) and the forecast of this row (K,), as `extend` does."""
        model, expected = self.model, self._expected
        errors, forecasts = np.empty(model.deviation.shape), np.empty(model.deviation.shape)
        take_row(
            row, model.back, self._ahead, model.deviation, INPUT_RANGE, self._recent, self._pending, self._x, errors
        )
        states = self._run.read(self._x)[0]
        forecast_row(row, states, self._recent, self._weights, self._pending, forecasts)
        self._n_read += 1
        if self._n_read < model.n_lags:
            forecasts[...] = self._pending[-1] = np.nan
        self._expected = forecasts @ self._nearest
        return errors, expected

    @property
    def state(self) -> dict[str, Any]:
        """All that was carried from the rows read, as arrays; can be assigned to another run of the model."""
        return {
            "reservoir": self._run.state.copy(),
            "recent": self._recent.copy(),
            "pending": self._pending.copy(),
            "expected": self._expected.copy(),
            "n_read": self._n_read,
        }

    @state.setter
    def state(self, state: dict[str, Any]) -> None:
        """Go on from where another one was."""
        self._run.state[...] = state["reservoir"]
        self._recent, self._pending = state["recent"].copy(), state["pending"].copy()
        self._expected, self._n_read = state["expected"].copy(), int(state["n_read"])


def fill(history: Array, first: int, back: NDArray[np.int64]) -> None:
    """Put into every missing place of `history` (first + N, C) from row `first` on the value some rows before it."""
    for t, c in np.argwhere(np.isnan(history[first:])):  # in the order of time: what was filled fills what follows
        history[first + t, c] = history[first + t - back[c], c]


def designs(history: Array, n_lags: int, n_targets: int, run: Any) -> Iterator[tuple[slice, int, Array]]:
    """Yield pieces of rows, a target's number and its design (T', D): states, one, and lags, the newest last.

    `history` (n_lags + N, C) holds the lags of the first row too; the reservoir `run` reads on from where it is.
    """
    clipped = np.clip(history[n_lags:], -INPUT_RANGE, INPUT_RANGE)
    inputs = np.broadcast_to(clipped[:, n_targets:, None], (len(clipped), clipped.shape[1] - n_targets, n_targets))
    x = np.concatenate([clipped[:, None, :n_targets], inputs], axis=1).astype(run.reservoir.dtype, order="C")
    lags = [sliding_window_view(history[1:, k], n_lags) for k in range(n_targets)]
    for part, states in run.pieces(x):
        one = np.ones((len(states), 1))
        for k in range(n_targets):
            yield part, k, np.concatenate([states[:, :, k], one, lags[k][part]], axis=1)


def fit_echo(
    table: Array,
    n_targets: int,
    reservoir: Reservoir,
    readouts: Readouts,
    *,
    steps: tuple[int, ...],
    n_lags: int,
    back: NDArray[np.int64],
) -> tuple[EchoModel, Array]:
    """Solve for the readouts.

    Parameters
    ----------
    table : ndarray of shape (N, C)
    n_targets : int
        K.
    reservoir : Reservoir
    readouts : Readouts
    steps, n_lags, back
        As in `EchoModel`.

    Returns
    -------
    model : EchoModel
    errors : ndarray of shape (N, K, S)
        In units of their deviations, by weights learnt from the other blocks of rows; NaN where there is none.
    """
    found = []
    for first in range(0, n_targets, COLUMNS_AT_ONCE):
        targets = np.arange(first, min(first + COLUMNS_AT_ONCE, n_targets))
        columns = np.r_[targets, n_targets : table.shape[1]]
        found.append(_fit(table[:, columns], len(targets), reservoir, readouts, steps, n_lags, back[columns]))
    weights = np.concatenate([one for one, _ in found])
    residuals = np.concatenate([other for _, other in found], axis=1)
    deviation = np.sqrt(_mean(np.square(residuals - _mean(residuals))))
    deviation = np.maximum(deviation, SMALLEST_DEVIATION)
    deviation[np.isnan(residuals).all(axis=0)] = np.nan  # a step that was never seen is not judged
    return EchoModel(reservoir, weights, deviation, steps, n_lags, back), residuals / deviation


def _mean(values: Array) -> Array:
    """Mean over rows that are not NaN; 0 where there is none."""
    known = ~np.isnan(values)
    return np.where(known, values, 0.0).sum(axis=0) / np.maximum(known.sum(axis=0), 1)


def _fit(
    table: Array,
    K: int,
    reservoir: Reservoir,
    readouts: Readouts,
    steps: tuple[int, ...],
    n_lags: int,
    back: NDArray[np.int64],
) -> tuple[Array, Array]:
    """Return weights (K, D, S) and cross-fitted residuals (N, K, S) of some targets."""
    N, ahead = len(table), np.array(steps)
    history = np.concatenate([np.zeros((n_lags, table.shape[1])), table])
    known = ~np.isnan(table[:, :K])
    fill(history, n_lags, back)
    values = history[n_lags:, :K]
    origins = np.arange(n_lags - 1, N - ahead.max())
    usable = known[origins] & known[origins[:, None] + ahead].all(axis=1)
    blocks = [judged for _, judged in folds(len(origins), min(N_BLOCKS, len(origins)))]
    D = reservoir.n_units + 1 + n_lags
    sums = [[NormalEquations.empty(D, len(ahead)) for _ in range(K)] for _ in blocks]
    for block, rows, k, design in _blockwise(history, n_lags, K, reservoir, blocks):
        kept = usable[rows, k]
        sums[block][k] += NormalEquations.of(design[kept], values[origins[rows][kept, None] + ahead, k])
    whole = []
    for k in range(K):
        total = NormalEquations.empty(D, len(ahead))
        for own in sums:
            total += own[k]
        whole.append(total)
    weights = np.stack([readouts.solve(total, reservoir.n_units) for total in whole])
    others = [[readouts.solve(whole[k] - own[k], reservoir.n_units) for k in range(K)] for own in sums]
    residuals = np.full((N, K, weights.shape[2]), np.nan)
    for block, rows, k, design in _blockwise(history, n_lags, K, reservoir, blocks):
        forecasts = design @ others[block][k]
        for s, h in enumerate(np.tile(ahead, len(readouts.kinds))):
            to = origins[rows] + h
            good = known[origins[rows], k] & known[to, k]
            residuals[to, k, s] = np.where(good, values[to, k] - forecasts[:, s], np.nan)
    return weights, residuals


def _blockwise(
    history: Array, n_lags: int, K: int, reservoir: Reservoir, blocks: list[tuple[int, int]]
) -> Iterator[tuple[int, slice, int, Array]]:
    """Yield block, origins as a slice of all, target and design, piece by piece."""
    for part, k, design in designs(history, n_lags, K, reservoir.start(K)):
        for block, (start, stop) in enumerate(blocks):
            low, high = max(part.start - n_lags + 1, start), min(part.stop - n_lags + 1, stop)
            if low < high:
                offset = n_lags - 1 - part.start
                yield block, slice(low, high), k, design[low + offset : high + offset]
