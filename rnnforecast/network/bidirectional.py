"""A cell run over each sequence in both directions, and the last real state of sequences of unequal length.

T steps, D inputs, H units, B sequences; arrays are (T, D, B), last axis fastest. Sequences of unequal length are padded
with finite numbers at their end; `lengths` (B,) counts the real steps of each, at least 1, and None means all T.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from rnnforecast.kernels.cells import Cell
from rnnforecast.network.layer import Views
from rnnforecast.network.layout import Parameter
from rnnforecast.network.recurrent import Recurrent

DIRECTIONS = ("forward", "backward")


def padding(n_steps: int, lengths: np.ndarray) -> np.ndarray:
    """Mask (T, 1, B) of the steps after the end of their sequence."""
    return np.arange(n_steps)[:, None, None] >= lengths


def last_states(states: np.ndarray, lengths: np.ndarray | None) -> np.ndarray:
    """Return the state after the last real step of each sequence, (1, H, B), of `states` (T, H, B)."""
    return states[-1:] if lengths is None else np.take_along_axis(states, lengths[None, None] - 1, axis=0)


def d_last_states(d_last: np.ndarray, lengths: np.ndarray | None, n_steps: int) -> np.ndarray:
    """Derivative in all states, (T, H, B), from that in the last ones, (1, H, B)."""
    d_states = np.zeros((n_steps, *d_last.shape[1:]), d_last.dtype)
    if lengths is None:
        d_states[-1:] = d_last
    else:
        np.put_along_axis(d_states, lengths[None, None] - 1, d_last, axis=0)
    return d_states


def run(layer: Recurrent, prepared: Any, x: np.ndarray, work: Any, lengths: np.ndarray | None) -> np.ndarray:
    """Last real hidden state, (1, H, B), of a recurrent layer made with ``every=False``."""
    # The recurrence writes every state where it has room for them: needed only to pick them at unequal lengths.
    n_rows = 1 if lengths is None else len(x)
    if len(work.out) != n_rows:
        work.out = np.empty((n_rows, *work.out.shape[1:]), work.out.dtype)
    return last_states(layer.forward(prepared, x, work), lengths)


def d_run(
    layer: Recurrent,
    prepared: Any,
    d_last: np.ndarray,
    work: Any,
    lengths: np.ndarray | None,
    n_steps: int,
    d_views: Views,
    wants_d_x: bool,
) -> np.ndarray | None:
    """Backward pass of `run`, which read `n_steps`."""
    d_states = d_last if lengths is None else d_last_states(d_last, lengths, n_steps)
    return layer.backward(prepared, d_states, work, d_views, wants_d_x)


def reverse(x: np.ndarray, lengths: np.ndarray | None) -> np.ndarray:
    """Turn the real steps of each sequence of `x` (T, D, B) round and leave its padding; twice changes nothing."""
    if lengths is None:
        return np.ascontiguousarray(x[::-1])
    steps = np.arange(len(x))[:, None, None]
    return np.take_along_axis(x, np.where(steps < lengths, lengths - 1 - steps, steps), axis=0)


class Work:
    """Buffers of a bidirectional layer.

    Attributes
    ----------
    lengths : (B,) int64 or None
        Real steps of each sequence, set by the caller; None is all.
    halves : list
        Buffers of each direction.
    """

    def __init__(self, layer: Bidirectional, n_steps: int, n_sequences: int, dtype: Any, training: bool):
        self.lengths: np.ndarray | None = None
        self.n_steps = n_steps
        self.halves = [layer.recurrent.work(n_steps, n_sequences, dtype, training) for _ in DIRECTIONS]
        self.y = np.empty((layer.steps_out(n_steps), layer.n_outputs, n_sequences), dtype)


class Bidirectional:
    """Two recurrent layers, the second over the reversed sequence (Schuster and Paliwal, 1997).

    Parameters
    ----------
    cell : Cell
        Of both directions.
    n_inputs, n_units : int
        D and H, the units of one direction.
    dtype : numpy floating type
    every : bool
        Whether the output is [forward state; backward state] of every step, (T, 2 H, B), zero on padding, or
        [forward state of the last step; backward state of the first], (1, 2 H, B): what each direction ends with.

    Notes
    -----
    Each sequence is reversed within its own length, so padding changes nothing. A step's output depends on later
    steps: only for sequences that are known whole.
    """

    def __init__(self, cell: Cell, n_inputs: int, n_units: int, dtype: Any, every: bool = True):
        self.recurrent = Recurrent(cell, n_inputs, n_units, dtype, every)  # holds sizes only: serves both directions
        self.n_inputs, self.n_units, self.n_outputs, self.every = n_inputs, n_units, 2 * n_units, every

    def parameters(self) -> list[Parameter]:
        """Those of the recurrent layer under ``forward.name`` and ``backward.name``."""
        return [
            Parameter(f"{direction}.{p.name}", p.shape, p.initialize, p.decays)
            for direction in DIRECTIONS
            for p in self.recurrent.parameters()
        ]

    def prepare(self, views: Views) -> list[Any]:
        """Weights of each direction packed for the kernel."""
        return [self.recurrent.prepare(own) for own in self._split(views)]

    def steps_out(self, n_steps: int) -> int:
        """All or one."""
        return n_steps if self.every else 1

    def work(self, n_steps: int, n_sequences: int, dtype: Any, training: bool) -> Work:
        """Buffers for (n_steps, n_inputs, n_sequences)."""
        return Work(self, n_steps, n_sequences, dtype, training)

    def forward(self, prepared: list[Any], x: np.ndarray, work: Work) -> np.ndarray:
        """Return [forward; backward], (T, 2 H, B) or (1, 2 H, B)."""
        lengths, y, H = work.lengths, work.y, self.n_units
        for k, inputs in enumerate((x, reverse(x, lengths))):
            rows = y[:, k * H : (k + 1) * H]
            if not self.every:
                rows[...] = run(self.recurrent, prepared[k], inputs, work.halves[k], lengths)
                continue
            states = self.recurrent.forward(prepared[k], inputs, work.halves[k])
            rows[...] = reverse(states, lengths) if k else states
        if self.every and lengths is not None:
            np.copyto(y, 0.0, where=padding(len(y), lengths))
        return y

    def backward(
        self, prepared: list[Any], d_y: np.ndarray, work: Work, d_views: Views, wants_d_x: bool
    ) -> np.ndarray | None:
        """Backpropagation through time in both directions."""
        lengths, H = work.lengths, self.n_units
        if self.every and lengths is not None:
            d_y = np.where(padding(len(d_y), lengths), d_y.dtype.type(0.0), d_y)
        d_inputs = []
        for k, views in enumerate(self._split(d_views)):
            d, own = d_y[:, k * H : (k + 1) * H], work.halves[k]
            if self.every:
                d = reverse(d, lengths) if k else d
                d_inputs.append(self.recurrent.backward(prepared[k], d, own, views, wants_d_x))
            else:
                parts = (prepared[k], d, own, lengths, work.n_steps, views, wants_d_x)
                d_inputs.append(d_run(self.recurrent, *parts))
        ahead, back = d_inputs
        return None if ahead is None or back is None else ahead + reverse(back, lengths)

    @staticmethod
    def _split(views: Views) -> list[Views]:
        """Views of each direction under the recurrent layer's names."""
        parts: dict[str, Views] = {direction: {} for direction in DIRECTIONS}
        for name, view in views.items():
            direction, own = name.split(".", 1)
            parts[direction][own] = view
        return [parts[direction] for direction in DIRECTIONS]
