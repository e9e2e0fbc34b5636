"""SegRNN's decoder (Lin et al., 2023): every segment of the horizon at once, one step of a cell from the last state."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from rnnforecast.kernels.cells import Cell
from rnnforecast.network.compose import tell
from rnnforecast.network.decoders import Encoded, Given, Teacher, context_parts, head, prefixed, under
from rnnforecast.network.layer import Views
from rnnforecast.network.layout import Parameter, glorot
from rnnforecast.network.recurrent import Recurrent
from rnnforecast.network.windows import Windows

POSITION_DEVIATION = 0.3  # of the embeddings' start: distinct segments, but small beside the state


def positions(shape: tuple[int, ...], rng: np.random.Generator) -> Any:
    """Draw embeddings (m, H)."""
    return POSITION_DEVIATION * rng.standard_normal(shape)


@dataclass(frozen=True)
class Maps:
    """Start of maps of several inputs, side by side: each as if it were alone."""

    widths: tuple[int, ...]

    def __call__(self, shape: tuple[int, ...], rng: np.random.Generator) -> Any:
        """Draw the maps one after the other."""
        return np.concatenate([glorot((shape[0], width), rng) for width in self.widths], axis=1)


class Work:
    """Buffers of the decoder; its dropout draws from `rng`."""

    def __init__(self, decoder: Parallel, n_sequences: int, dtype: Any, training: bool):
        m, units, n_states = decoder.n_segments, decoder.cell.n_outputs, 1 + decoder.cell.cell.n_memory
        wide = m * n_sequences
        # Steps behind the horizon in its last segment stay zero.
        self.known = np.zeros((m * decoder.segment, decoder.windows.n_known, n_sequences), dtype)
        self.base = np.zeros((m * decoder.segment, decoder.n_base, n_sequences), dtype)
        self.joined = np.empty((sum(decoder.widths), m, n_sequences), dtype)
        self.state = np.empty((n_states, units, m, n_sequences), dtype)
        self.cell = decoder.cell.work(1, wide, dtype, training)
        self.cell.state = self.state.reshape(n_states, units, wide)
        self.cell.d_state = np.empty((n_states, units, wide), dtype) if training else None
        self.head = decoder.head.work(1, wide, dtype, training)
        self.d_out = np.zeros((m * decoder.segment * decoder.windows.n_outputs, n_sequences), dtype)

    @property
    def rng(self) -> np.random.Generator | None:
        """Source of the dropout's masks."""
        return getattr(self.head[0], "rng", None)

    @rng.setter
    def rng(self, rng: np.random.Generator | None) -> None:
        """Let the dropout draw from `rng`."""
        tell(self.head, "rng", rng)


class Parallel:
    """Every segment of the horizon from the encoder's last state, one step of a cell of its own.

    The cell's input is a learnt embedding of the segment's position, plus linear maps of what is known of the segment:
    covariates, base forecast, which column it is. Segments do not see each other, so they are computed as if they were
    further sequences.

    Parameters
    ----------
    cell : Cell
        The encoder's last layer's, whose state it takes.
    n_units : int
    windows : Windows
    segment : int
        Steps of a segment; the last one is cut at the horizon.
    dtype : numpy floating type
    head_layer_sizes : sequence of int
    dropout : float
        Between the cell and the head.
    """

    every = False
    reads_state = True

    def __init__(
        self,
        cell: Cell,
        n_units: int,
        windows: Windows,
        segment: int,
        dtype: Any,
        head_layer_sizes: Sequence[int] = (),
        dropout: float = 0.0,
    ):
        self.windows, self.segment = windows, segment
        self.n_segments = -(-windows.horizon // segment)
        self.n_base = windows.n_targets if windows.base else 0
        n_which = windows.n_columns if windows.n_columns > windows.n_targets else 0
        self.widths = (segment * windows.n_known, segment * self.n_base, n_which)
        self.cell = Recurrent(cell, n_units, n_units, dtype, every=False)
        self.head = head(n_units, head_layer_sizes, segment * windows.n_outputs, dropout)

    def parameters(self) -> list[Parameter]:
        """`position` (m, H), `context` (H, R), ``cell.name``, ``head.k.name``; m segments, R rows known of each."""
        units = self.cell.n_outputs
        return [
            Parameter("position", (self.n_segments, units), positions, decays=False),
            Parameter("context", (units, sum(self.widths)), Maps(self.widths)),
            *prefixed("cell", self.cell.parameters()),
            *prefixed("head", self.head.parameters()),
        ]

    def prepare(self, views: Views) -> Any:
        """Views of the input's maps; cell and head prepared."""
        cell, end = self.cell.prepare(under("cell", views)), self.head.prepare(under("head", views))
        return views["position"], views["context"], cell, end

    def split(self, views: Views) -> Any:
        """Views of the input's maps, the cell and the head."""
        return views["position"], views["context"], under("cell", views), self.head.split(under("head", views))

    def work(self, n_sequences: int, dtype: Any, training: bool) -> Work:
        """Buffers for one batch."""
        return Work(self, n_sequences, dtype, training)

    def forward(self, prepared: Any, encoded: Encoded, work: Work, teacher: Teacher | None = None) -> np.ndarray:
        """Head of one step of the cell for each segment."""
        position, context, cell, end = prepared
        assert encoded.state is not None
        m, n_sequences = self.n_segments, encoded.context.shape[1]
        x = (context @ self._known_of_segments(encoded.context, work)).reshape(-1, m, n_sequences)
        x += position.T[:, :, None]
        work.state[...] = encoded.state[:, :, None]
        hidden = self.cell.forward(cell, x.reshape(1, -1, m * n_sequences), work.cell)
        segments = self.head.forward(end, hidden, work.head).reshape(-1, m, n_sequences)
        out = segments.transpose(1, 0, 2).reshape(-1, n_sequences)  # (segment J, m, B) to (m segment J, B)
        return out[: self.windows.horizon * self.windows.n_outputs]

    def backward(
        self, prepared: Any, d_out: np.ndarray, work: Work, d_views: Any, d_given: Given | None = None
    ) -> tuple[np.ndarray, np.ndarray]:
        """No derivative in the encoder's output but in its last state."""
        _, context, cell, end = prepared
        d_position, d_context, d_cell, d_head = d_views
        m, n_sequences = self.n_segments, d_out.shape[1]
        work.d_out[: len(d_out)] = d_out
        d = work.d_out.reshape(m, -1, n_sequences).transpose(1, 0, 2).reshape(1, -1, m * n_sequences)
        d_hidden = self.head.backward(end, d, work.head, d_head, wants_d_x=True)
        assert d_hidden is not None
        d_x = self.cell.backward(cell, d_hidden, work.cell, d_cell, wants_d_x=True)
        assert d_x is not None
        d_context += d_x[0] @ work.joined.reshape(-1, m * n_sequences).T
        d_position += d_x.reshape(-1, m, n_sequences).sum(2).T
        if d_given is not None:
            self._give_back((context.T @ d_x[0]).reshape(-1, m, n_sequences), d_given)
        assert work.cell.d_state is not None
        d_state = work.cell.d_state.reshape(work.state.shape).sum(2)
        return np.zeros((1, *d_state.shape[1:]), d_state.dtype), d_state

    def _give_back(self, d_joined: np.ndarray, d_given: Given) -> None:
        """Add the derivatives in the rows known of each segment, (R, m, B), to those in the context."""
        h, n_sequences = self.windows.horizon, d_joined.shape[2]
        known, base, which = context_parts(self.windows, d_given.context)
        *d_steps, d_which = np.split(d_joined, np.cumsum(self.widths)[:2])
        for target, d in zip((known, base), d_steps, strict=True):
            steps = d.transpose(1, 0, 2).reshape(self.n_segments * self.segment, -1, n_sequences)
            target += steps[:h]  # those behind the horizon are no part of the context
        which += d_which.sum(1)

    def _known_of_segments(self, context: np.ndarray, work: Work) -> np.ndarray:
        """Fill ``work.joined``: the rows known of each segment; return it as (R, m B)."""
        h, m, n_sequences = self.windows.horizon, self.n_segments, context.shape[1]
        known, base, which = context_parts(self.windows, context)
        work.known[:h], work.base[:h] = known, base
        parts = np.split(work.joined, np.cumsum(self.widths)[:2])
        for target, steps in zip(parts, (work.known, work.base), strict=False):
            target[...] = steps.reshape(m, len(target), n_sequences).transpose(1, 0, 2)
        parts[2][...] = which[:, None]
        return work.joined.reshape(-1, m * n_sequences)
