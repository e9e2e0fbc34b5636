"""A recurrence that steps a whole period at a time, so that a season is one step away (Lai et al., 2018, LSTNet)."""

from __future__ import annotations

from typing import Any

import numpy as np

from rnnforecast.kernels.cells import Cell
from rnnforecast.network.bidirectional import d_run, run
from rnnforecast.network.layer import Views
from rnnforecast.network.layout import Parameter
from rnnforecast.network.recurrent import Recurrent


def interleave(x: np.ndarray, period: int) -> np.ndarray:
    """Make a sequence of its own of the steps that lie `period` apart: (T, D, B) to (T / period, D, period B)."""
    T, D, B = x.shape
    return x.reshape(T // period, period, D, B).swapaxes(1, 2).reshape(T // period, D, period * B)


def d_interleave(d_y: np.ndarray, period: int) -> np.ndarray:
    """Put the steps back in their order: (T / period, D, period B) to (T, D, B)."""
    n, D, width = d_y.shape
    B = width // period
    return d_y.reshape(n, D, period, B).swapaxes(1, 2).reshape(n * period, D, B)


class Work:
    """Buffers of a skipping layer.

    Attributes
    ----------
    lengths : (B,) int64 or None
        Real steps of each sequence, set by the caller; None is all.
    recurrent : buffers of the recurrent layer
    """

    def __init__(self, layer: SkipRecurrent, n_steps: int, n_sequences: int, dtype: Any, training: bool):
        self.lengths: np.ndarray | None = None
        self.n_steps = n_steps
        self.recurrent = layer.recurrent.work(n_steps // layer.period, n_sequences * layer.period, dtype, training)


class SkipRecurrent:
    """A cell over the steps that lie `period` apart, for each phase of the period.

    Parameters
    ----------
    cell : Cell
    n_inputs, n_units : int
        D and H.
    dtype : numpy floating type
    period : int
        Steps of a season.

    Notes
    -----
    The output (1, period H, B) holds the last state of each phase, that of the newest step at the end. A sequence
    whose length is no multiple of the period loses its oldest steps.
    """

    def __init__(self, cell: Cell, n_inputs: int, n_units: int, dtype: Any, period: int):
        self.recurrent = Recurrent(cell, n_inputs, n_units, dtype, every=False)
        self.n_inputs, self.period, self.n_outputs = n_inputs, period, period * n_units

    def parameters(self) -> list[Parameter]:
        """Those of the recurrent layer; all phases share them."""
        return self.recurrent.parameters()

    def prepare(self, views: Views) -> Any:
        """Weights packed for the kernel."""
        return self.recurrent.prepare(views)

    def steps_out(self, n_steps: int) -> int:
        """One, whatever comes in."""
        return 1

    def work(self, n_steps: int, n_sequences: int, dtype: Any, training: bool) -> Work:
        """Buffers for (n_steps, n_inputs, n_sequences)."""
        if n_steps < self.period:
            raise ValueError(f"a period of {self.period} steps needs sequences at least as long, got {n_steps} steps")
        return Work(self, n_steps, n_sequences, dtype, training)

    def forward(self, prepared: Any, x: np.ndarray, work: Work) -> np.ndarray:
        """Last states of the phases, (1, period H, B)."""
        lengths = work.lengths
        if lengths is None:
            x = x[len(x) % self.period :]
        elif (lengths < self.period).any():
            k = int(np.argmin(lengths))
            raise ValueError(
                f"a period of {self.period} steps needs sequences at least as long, got {lengths[k]} in sequence {k}"
            )
        else:
            x = np.take_along_axis(x, self._kept(work.n_steps, lengths), axis=0)
        between = interleave(x, self.period)
        last = run(self.recurrent, prepared, between, work.recurrent, self._lengths_between(lengths))
        # The states of one step of the period: its phases in their order, side by side.
        return d_interleave(last, self.period).reshape(1, self.n_outputs, -1)

    def backward(
        self, prepared: Any, d_y: np.ndarray, work: Work, d_views: Views, wants_d_x: bool
    ) -> np.ndarray | None:
        """Backpropagation through time of each phase; the steps left out have no influence."""
        period, n_steps = self.period, work.n_steps
        d_last = interleave(d_y.reshape(period, -1, d_y.shape[2]), period)
        lengths = self._lengths_between(work.lengths)
        parts = (prepared, d_last, work.recurrent, lengths, n_steps // period, d_views, wants_d_x)
        d_between = d_run(self.recurrent, *parts)
        if d_between is None:
            return None
        d = d_interleave(d_between, period)
        d_x = np.zeros((n_steps, *d.shape[1:]), d.dtype)
        if work.lengths is None:
            d_x[n_steps % period :] = d
        else:
            np.put_along_axis(d_x, self._kept(n_steps, work.lengths), d, axis=0)
        return d_x

    def _lengths_between(self, lengths: np.ndarray | None) -> np.ndarray | None:
        """Real steps of each interleaved sequence, (period B,), or None."""
        return None if lengths is None else np.tile(lengths // self.period, self.period)

    def _kept(self, n_steps: int, lengths: np.ndarray) -> np.ndarray:
        """Which steps are read of each sequence, (T', 1, B): its newest whole periods, then padding."""
        steps = np.arange(n_steps - n_steps % self.period)[:, None, None]
        # What is bounded here is padding: a sequence without it ends at n_steps - 1 by itself.
        return np.minimum(steps + lengths % self.period, n_steps - 1)
