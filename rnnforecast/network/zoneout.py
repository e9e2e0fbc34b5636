"""Zoneout (Krueger et al., 2017): while training, units stay as they were at random instead of being updated."""

from __future__ import annotations

from typing import Any

import numpy as np

from rnnforecast.kernels.cells import Cell
from rnnforecast.network import bidirectional, recurrent
from rnnforecast.network.bidirectional import Bidirectional
from rnnforecast.network.layer import Views
from rnnforecast.network.recurrent import Recurrent


class Work(recurrent.Work):
    """Buffers of a layer with zoneout; those of `recurrent.Work` but for the kernel's, which each step has of its own.

    Attributes
    ----------
    rng : Generator or None
        Draws which units stay; None is prediction.
    kept : (T, H, B)
        Share of the step before in each state of the last forward pass: 0 or 1 while training.
    steps : list of recurrent.Work
        One for each step while training, one for all otherwise.
    states : (T or 2, 1 + M, H, B)
        After each step; without training, those of two steps take turns.
    """

    def __init__(self, layer: Zoneout, n_steps: int, n_sequences: int, dtype: Any, training: bool):
        n_kept, shape = n_steps if training else 1, (layer.n_outputs, n_sequences)
        self.rng: np.random.Generator | None = None
        self.kept = np.empty((n_steps, *shape), dtype)
        self.steps = [recurrent.Work(layer, 1, n_sequences, dtype, training) for _ in range(n_kept)]
        self.states = np.empty((n_steps if training else 2, 1 + layer.cell.n_memory, *shape), dtype)
        self.out = np.empty((layer.steps_out(n_steps), *shape), dtype)
        self.last = np.empty(self.states.shape[1:], dtype)
        self.d_x = np.empty((n_steps, layer.n_inputs, n_sequences), dtype) if training else None
        self.state = self.d_last = self.d_state = None
        if training:
            for step in self.steps:
                step.d_state = np.empty_like(self.last)


class Zoneout(Recurrent):
    """A recurrent layer whose hidden units each keep their last value with probability `rate` at every step.

    In prediction each takes the mean of that: ``rate`` times its last value and ``1 - rate`` times the new one.
    Memories beside the hidden state are updated as ever.

    Parameters
    ----------
    cell : Cell
    n_inputs, n_units : int
        D and H.
    dtype : numpy floating type
    rate : float in [0, 1)
    every : bool
        As in `Recurrent`.

    Notes
    -----
    The kernels run over whole sequences and know no zoneout, so they are asked for one step at a time here.
    """

    def __init__(self, cell: Cell, n_inputs: int, n_units: int, dtype: Any, rate: float, every: bool = True):
        super().__init__(cell, n_inputs, n_units, dtype, every)
        self.rate = rate

    def __reduce__(self) -> Any:
        # Compiled code is not pickled but found again.
        return Zoneout, (self.cell, self.n_inputs, self.n_outputs, self.dtype, self.rate, self.every)

    def work(self, n_steps: int, n_sequences: int, dtype: Any, training: bool) -> Work:
        """Buffers for (n_steps, n_inputs, n_sequences)."""
        return Work(self, n_steps, n_sequences, dtype, training)

    def forward(self, prepared: Any, x: np.ndarray, work: Any) -> np.ndarray:
        """Hidden states, (T, H, B) or (1, H, B)."""
        if work.rng is None:
            work.kept.fill(self.rate)
        else:
            work.kept[...] = work.rng.random(work.kept.shape, dtype=np.float32) < self.rate
        state = np.zeros_like(work.last) if work.state is None else work.state
        for t in range(len(x)):
            step, after = work.steps[t % len(work.steps)], work.states[t % len(work.states)]
            step.state = state
            super().forward(prepared, x[t : t + 1], step)
            after[1:] = step.last[1:]
            after[0] = work.kept[t] * state[0] + (1.0 - work.kept[t]) * step.last[0]
            state = after
            if len(work.out) == len(x):
                work.out[t] = after[0]
        work.out[-1] = state[0]
        work.last[...] = state
        return work.out

    def backward(self, prepared: Any, d_y: np.ndarray, work: Any, d_views: Views, wants_d_x: bool) -> np.ndarray | None:
        """Backpropagation through time, by way of the cell and of what was kept."""
        n_steps = len(work.kept)
        d_state = np.zeros_like(work.last) if work.d_last is None else work.d_last.copy()
        for t in range(n_steps - 1, -1, -1):
            step, d_hidden = work.steps[t], d_state[0].copy()
            if len(d_y) == n_steps:
                d_hidden += d_y[t]
            elif t == n_steps - 1:
                d_hidden += d_y[0]
            d_state[0] = 0.0  # the new hidden state is the output of the step, its share comes by there
            step.d_last = d_state
            d_new = ((1.0 - work.kept[t]) * d_hidden)[None]
            d_x = super().backward(prepared, d_new, step, d_views, wants_d_x)
            if d_x is not None:
                work.d_x[t] = d_x[0]
            d_state = step.d_state
            d_state[0] += work.kept[t] * d_hidden
        if work.d_state is not None:
            work.d_state[...] = d_state
        return work.d_x if wants_d_x else None


class BidirectionalWork(bidirectional.Work):
    """Buffers of two directions with zoneout, which draw from one `rng`."""

    halves: list[Any]

    @property
    def rng(self) -> np.random.Generator | None:
        """Draws which units stay; None is prediction."""
        return self.halves[0].rng

    @rng.setter
    def rng(self, rng: np.random.Generator | None) -> None:
        """Let both directions draw from `rng`."""
        for half in self.halves:
            half.rng = rng


class BidirectionalZoneout(Bidirectional):
    """Zoneout over each sequence in both directions.

    Parameters
    ----------
    cell : Cell
    n_inputs, n_units : int
        D and H, the units of one direction.
    dtype : numpy floating type
    rate : float in [0, 1)
    every : bool
        As in `Bidirectional`.
    """

    def __init__(self, cell: Cell, n_inputs: int, n_units: int, dtype: Any, rate: float, every: bool = True):
        super().__init__(cell, n_inputs, n_units, dtype, every)
        self.recurrent = Zoneout(cell, n_inputs, n_units, dtype, rate, every)

    def work(self, n_steps: int, n_sequences: int, dtype: Any, training: bool) -> BidirectionalWork:
        """Buffers for (n_steps, n_inputs, n_sequences)."""
        return BidirectionalWork(self, n_steps, n_sequences, dtype, training)
