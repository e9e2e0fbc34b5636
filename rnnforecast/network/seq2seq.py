"""Encoder-decoder (Sutskever et al., 2014; Cho et al., 2014): a second cell steps through the horizon.

It feeds on its own forecasts, and may look back at all the encoder's states at each step (Bahdanau et al., 2015).
"""

from __future__ import annotations

from collections.abc import Sequence
from copy import copy
from typing import Any, NamedTuple

import numpy as np

from rnnforecast.kernels.cells import Cell
from rnnforecast.network.attention import Attended, attend, attention_parameters, d_attend, d_project, project
from rnnforecast.network.compose import tell
from rnnforecast.network.decoders import Encoded, Given, Teacher, context_parts, head, prefixed, under
from rnnforecast.network.layer import Views
from rnnforecast.network.layout import Parameter
from rnnforecast.network.recurrent import Recurrent
from rnnforecast.network.windows import Windows


class Parts(NamedTuple):
    """What belongs to each part of the decoder: its weights prepared, or the views of its gradient."""

    cell: Any
    head: Any
    attention: Views


class Work:
    """Buffers of the decoder.

    Attributes
    ----------
    rng : Generator or None
        Draws dropout's masks and which steps are fed the true value.
    own : (h, B) bool
        Which inputs of the last forward pass were the decoder's own forecasts.
    weights : list of (T, B)
        Attention weights of each step of the last forward pass; empty without attention.
    """

    def __init__(self, decoder: Seq2Seq, n_sequences: int, dtype: Any, training: bool):
        n_steps = decoder.windows.horizon if training else 1  # the backward pass wants those of every step
        states = (1 + decoder.cell.cell.n_memory, decoder.cell.n_outputs, n_sequences)
        self.x = np.empty((n_steps, 1, decoder.cell.n_inputs, n_sequences), dtype)
        self.cells = [decoder.cell.work(1, n_sequences, dtype, training) for _ in range(n_steps)]
        self.heads = [decoder.head.work(1, n_sequences, dtype, training) for _ in range(n_steps)]
        for own in self.cells:
            own.d_state = np.empty(states, dtype) if training else None
        self.own = np.ones((decoder.windows.horizon, n_sequences), bool)
        self.training = training
        self.weights: list[np.ndarray] = []
        self.found: list[Attended] = []  # only while training: large
        self.hidden: np.ndarray | None = None
        self._rng: np.random.Generator | None = None

    @property
    def rng(self) -> np.random.Generator | None:
        """Source of all that is random."""
        return self._rng

    @rng.setter
    def rng(self, rng: np.random.Generator | None) -> None:
        """Let it draw from `rng`, and the dropout of every step too."""
        self._rng = rng
        for works in self.heads:
            tell(works, "rng", rng)


class Seq2Seq:
    """One step at a time with a cell of its own, from the encoder's last state.

    The input of a step is the value of the step before (first the last known one), what is known of the step itself
    (covariates, base forecast, which column), and, with attention, the mean of the encoder's states weighted by their
    match with the decoder's state. In prediction the value of the step before is the decoder's own forecast. In
    training it is the true one with the probability that `Teacher` says, drawn for each step and sequence (Bengio et
    al., 2015), and the gradient goes through the forecasts that were fed back.

    Parameters
    ----------
    cell : Cell
        The encoder's last layer's, whose state it takes.
    n_units : int
    windows : Windows
    dtype : numpy floating type
    head_layer_sizes : sequence of int
    dropout : float
        Between the cell and the head.
    attention : {None, "additive", "dot"}
    """

    reads_state = True

    def __init__(
        self,
        cell: Cell,
        n_units: int,
        windows: Windows,
        dtype: Any,
        head_layer_sizes: Sequence[int] = (),
        dropout: float = 0.0,
        attention: str | None = None,
    ):
        self.windows, self.attention, self.every = windows, attention, attention is not None
        n_base = windows.n_targets if windows.base else 0
        n_which = windows.n_columns if windows.n_columns > windows.n_targets else 0
        self.n_given = windows.n_targets + windows.n_known + n_base + n_which
        self.cell = Recurrent(cell, self.n_given + (n_units if attention else 0), n_units, dtype, every=False)
        self.head = head(n_units, head_layer_sizes, windows.n_targets, dropout)

    def over(self, windows: Windows) -> Seq2Seq:
        """Return the decoder, with the same parameters, for windows of another horizon."""
        other = copy(self)
        other.windows = windows
        return other

    def parameters(self) -> list[Parameter]:
        """``cell.name``, ``head.k.name``, ``attention.name``."""
        units, kind = self.cell.n_outputs, self.attention
        return [
            *prefixed("cell", self.cell.parameters()),
            *prefixed("head", self.head.parameters()),
            *(prefixed("attention", attention_parameters(kind, units, units, units)) if kind else []),
        ]

    def prepare(self, views: Views) -> Parts:
        """Prepare cell and head."""
        cell, end = self.cell.prepare(under("cell", views)), self.head.prepare(under("head", views))
        return Parts(cell, end, under("attention", views))

    def split(self, views: Views) -> Parts:
        """Views of cell, head and attention."""
        return Parts(under("cell", views), self.head.split(under("head", views)), under("attention", views))

    def work(self, n_sequences: int, dtype: Any, training: bool) -> Work:
        """Buffers for one batch."""
        return Work(self, n_sequences, dtype, training)

    def forward(self, prepared: Parts, encoded: Encoded, work: Work, teacher: Teacher | None = None) -> np.ndarray:
        """Step through the horizon."""
        J, h, n_sequences = self.windows.n_targets, self.windows.horizon, encoded.context.shape[1]
        assert encoded.state is not None
        known, base, which = context_parts(self.windows, encoded.context)
        offset = base if self.windows.base else np.zeros((h, J, n_sequences), encoded.context.dtype)
        out = np.empty_like(offset)
        true = out if teacher is None else teacher.truth.reshape(out.shape) + offset
        work.own[...] = self._own(teacher, work)
        work.weights.clear()
        work.found.clear()
        work.hidden = encoded.hidden
        keys = project(prepared.attention["weight_key"], encoded.hidden) if self.attention else None
        state, value = encoded.state, encoded.past[-1, :J]
        for k in range(h):
            slot = k % len(work.cells)
            x, step = work.x[slot], work.cells[slot]
            np.concatenate((value, known[k], base[k], which), out=x[0, : self.n_given])
            if keys is not None:
                x[0, self.n_given :] = self._look_back(prepared.attention, state[:1], keys, work)
            step.state = state
            hidden = self.cell.forward(prepared.cell, x, step)
            out[k] = self.head.forward(prepared.head, hidden, work.heads[slot])[0]
            if k + 1 < h:
                state = step.last.copy()  # where steps share their buffers, the next one writes over it
                value = np.where(work.own[k + 1], out[k] + offset[k], true[k])
        return out.reshape(h * J, n_sequences)

    def backward(
        self, prepared: Parts, d_out: np.ndarray, work: Work, d_views: Parts, d_given: Given | None = None
    ) -> tuple[np.ndarray, np.ndarray]:
        """Backpropagation through the steps and the forecasts that were fed back."""
        J, hidden = self.windows.n_targets, work.hidden
        assert hidden is not None
        d = d_out.reshape(len(work.own), J, -1)
        d_hidden, d_keys = np.zeros_like(hidden), np.zeros_like(hidden)
        d_state: np.ndarray | None = None
        d_value = np.zeros_like(d[0])
        for k in range(len(d) - 1, -1, -1):
            step = work.cells[k]
            d_forecast = (d[k] + d_value)[None]
            d_h = self.head.backward(prepared.head, d_forecast, work.heads[k], d_views.head, wants_d_x=True)
            step.d_last = d_state
            assert d_h is not None
            d_x = self.cell.backward(prepared.cell, d_h, step, d_views.cell, wants_d_x=True)
            assert d_x is not None
            d_state = step.d_state
            assert d_state is not None
            if self.attention:
                d_found = np.ascontiguousarray(d_x[:, self.n_given :])
                d_query = d_attend(work.found[k], d_found, d_keys, d_hidden, d_views.attention.get("vector"))
                weight, d_weight = prepared.attention["weight_query"], d_views.attention["weight_query"]
                assert step.state is not None
                d_state[:1] += d_project(d_query, weight, step.state[:1], d_weight)
            if d_given is not None:
                self._give_back(k, d_x[0, : self.n_given], d_value, d_given)
            d_value = d_x[0, :J] * work.own[k]
        if self.attention:
            d_hidden += d_project(d_keys, prepared.attention["weight_key"], hidden, d_views.attention["weight_key"])
        assert d_state is not None
        return d_hidden, d_state

    def _give_back(self, k: int, d_x: np.ndarray, d_value: np.ndarray, d_given: Given) -> None:
        """Add the derivatives in what step k was given, `d_x`, and in its forecast where it was fed back, `d_value`."""
        J, F = self.windows.n_targets, self.windows.n_known
        known, base, which = context_parts(self.windows, d_given.context)
        known[k] += d_x[J : J + F]
        which += d_x[self.n_given - len(which) :]
        if self.windows.base:
            base[k] += d_x[J + F : J + F + J] + d_value  # the base is part of what is fed back
        if k == 0:
            d_given.past[-1, :J] += d_x[:J]

    def _look_back(self, views: Views, state: np.ndarray, keys: np.ndarray, work: Work) -> np.ndarray:
        """Mean (H, B) of the encoder's states, weighted by their match with the decoder's `state` (1, H, B)."""
        assert self.attention is not None
        assert work.hidden is not None
        query = project(views["weight_query"], state)
        found = attend(self.attention, query, keys, work.hidden, views.get("vector"))
        work.weights.append(found.weights)
        if work.training:
            work.found.append(found)
        return found.context[0]

    def _own(self, teacher: Teacher | None, work: Work) -> np.ndarray:
        """Which inputs (h, B) are the decoder's own forecasts; the first never is."""
        own = np.ones(work.own.shape, bool)
        if teacher is not None and teacher.share > 0.0:
            assert work.rng is not None, "teacher forcing draws from a generator"
            own = work.rng.random(own.shape) >= teacher.share
        own[0] = False
        return own
