"""Long sequences learnt piece by piece: truncated backpropagation through time with carried states.

A long sequence is cut into B parallel streams. A minibatch is the next piece of every stream; each layer begins it in
the state in which the piece before ended, but nothing is backpropagated beyond the piece's beginning (Williams and
Peng, 1990). T steps, D inputs, H units, K outputs, B streams; arrays are (T, D, B), last axis fastest.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from functools import partial
from typing import Any, Protocol

import numpy as np

from rnnforecast.kernels.losses import Loss
from rnnforecast.network.buffers import Buffers
from rnnforecast.network.compose import draw_from
from rnnforecast.network.sequences import SequenceNetwork

ANSWERED_AT_ONCE = 2**20  # numbers of a head's output: a softmax over many symbols is taken over a few steps at a time


class Reader(Protocol):
    """Parallel streams of equal length: what goes in at each step, and what should come out."""

    @property
    def n_streams(self) -> int:
        """Count of streams."""

    @property
    def n_steps(self) -> int:
        """Steps of each."""

    def inputs(self, streams: np.ndarray, steps: slice) -> np.ndarray:
        """Inputs (T, D, B) of some streams at `steps`, whose start and stop are given."""

    def targets(self, streams: np.ndarray, steps: slice) -> np.ndarray:
        """What the loss compares the outputs (T, K, B) with, steps first and streams last."""


class NextSymbol:
    """The streams of a text: at every step a symbol goes in and the next one should come out.

    Parameters
    ----------
    symbols : (N,) int
        At least two.
    n_streams : int
        At most N - 1. Streams are as short as covers the text, and overlap by a symbol where it cannot be cut evenly.
    """

    def __init__(self, symbols: np.ndarray, n_streams: int):
        last = len(symbols) - 1
        self.symbols, self.n_streams, self.n_steps = symbols, n_streams, -(-last // n_streams)
        self.starts = np.arange(n_streams) * (last - self.n_steps) // max(1, n_streams - 1)

    def inputs(self, streams: np.ndarray, steps: slice) -> np.ndarray:
        """Symbols (T, 1, B)."""
        return self._at(streams, steps, 0)[:, None]

    def targets(self, streams: np.ndarray, steps: slice) -> np.ndarray:
        """Return the symbols that follow, (T, B)."""
        return self._at(streams, steps, 1)

    def _at(self, streams: np.ndarray, steps: slice, later: int) -> np.ndarray:
        return self.symbols[self.starts[streams] + np.arange(steps.start + later, steps.stop + later)[:, None]]


def pieces(n_steps: int, longest: int) -> list[slice]:
    """Cut `n_steps` into as few pieces as `longest` allows, of lengths that differ by one at most."""
    count = -(-n_steps // longest)
    edges = [n_steps * k // max(1, count) for k in range(count + 1)]
    return [slice(first, stop) for first, stop in itertools.pairwise(edges)]


class Work:
    """Buffers of one thread for one shape of a piece.

    Attributes
    ----------
    encoder : list
        Buffers of the encoder's layers.
    parts : list of (slice, list)
        Steps that the head answers at once, and its buffers for so many.
    d_hidden : (T, H, B) or None
    """

    def __init__(self, network: SequenceNetwork, n_steps: int, n_sequences: int, training: bool):
        self.encoder = network.encoder.work(n_steps, n_sequences, network.dtype, training)
        parts = pieces(n_steps, max(1, ANSWERED_AT_ONCE // (network.head.n_outputs * n_sequences)))
        heads = {
            size: network.head.work(size, n_sequences, network.dtype, training)
            for size in {part.stop - part.start for part in parts}
        }
        self.parts = [(part, heads[part.stop - part.start]) for part in parts]
        shape = (n_steps, network.encoder.n_outputs, n_sequences)
        self.d_hidden = np.empty(shape, network.dtype) if training else None

    def draw_from(self, seed: int) -> None:
        """Let the layers that draw at random draw from `seed`."""
        draw_from([self.encoder, *(head for _, head in self.parts)], seed)

    def carriers(self) -> list[Any]:
        """Buffers of the layers that have a state: `state` is set before a piece, `last` is read after it."""
        return [own for own in self.encoder if hasattr(own, "last")]


class StreamObjective:
    """Sum of losses over pieces of streams; row ``k * B + b`` is piece k of stream b.

    An epoch is `rows` in order, in minibatches of B rows, for the pieces of a stream must come one after the other. The
    first starts in a state of zeros. Weights change between pieces while the carried states stay what older weights
    made of them: that is what makes it cheap.

    Parameters
    ----------
    network : SequenceNetwork
        An answer for every step, from layers that only look back.
    reader : Reader
    bptt_steps : int
        Longest piece; all are about as long.
    loss : callable
        ``loss(out, target, d_out) -> sum`` over the steps it is given, filling the derivative.
    """

    def __init__(self, network: SequenceNetwork, reader: Reader, bptt_steps: int, loss: Loss):
        self.network, self.reader, self.loss = network, reader, loss
        self.n_parameters, self.dtype = network.layout.size, network.dtype
        self.pieces = pieces(reader.n_steps, bptt_steps)
        self.states = [np.zeros_like(own.last) for own in Work(network, 1, reader.n_streams, False).carriers()]
        self._prepared: Any = None
        self._buffers = Buffers(partial(Work, network, training=True))

    @property
    def rows(self) -> np.ndarray:
        """Every piece of every stream, in the order of an epoch."""
        return np.arange(len(self.pieces) * self.reader.n_streams)

    def n_terms(self, rows: np.ndarray) -> int:
        """Count of steps in these pieces."""
        lengths = np.array([piece.stop - piece.start for piece in self.pieces])
        return int(lengths[rows // self.reader.n_streams].sum())

    def prepare(self, parameters: np.ndarray) -> None:
        """Lay `parameters` out; called before the shards of a minibatch."""
        self._prepared = self.network.prepare(parameters)

    def shard(self, rows: np.ndarray, gradient: np.ndarray, seed: int) -> float:
        """Sum of losses of one piece of some streams; adds its gradient to `gradient`, and carries their states on.

        Several threads may run it at once, for different streams.
        """
        k, streams = rows[0] // self.reader.n_streams, rows % self.reader.n_streams
        piece = self.pieces[k]
        encoder, (prepared, head_prepared) = self.network.encoder, self._prepared
        parts, head_parts = self.network.split(gradient)
        with self._buffers.lent(piece.stop - piece.start, len(rows), seed=seed) as work:
            carriers = work.carriers()
            for own, states in zip(carriers, self.states, strict=True):
                own.state = np.ascontiguousarray(states[..., streams]) if k else None
            hidden = encoder.forward(prepared, self.reader.inputs(streams, piece), work.encoder)
            for own, states in zip(carriers, self.states, strict=True):
                states[..., streams] = own.last
            total = self._answer(head_prepared, hidden, self.reader.targets(streams, piece), work, head_parts)
            assert work.d_hidden is not None
            encoder.backward(prepared, work.d_hidden, work.encoder, parts, wants_d_x=False)
        return total

    def _answer(self, prepared: Any, hidden: np.ndarray, targets: np.ndarray, work: Work, d_views: Any) -> float:
        """Sum of losses of the head's outputs; fills ``work.d_hidden`` and adds to the head's derivatives."""
        head, total = self.network.head, 0.0
        assert work.d_hidden is not None
        for part, own in work.parts:
            out = head.forward(prepared, hidden[part], own)
            d_out = np.empty_like(out)
            total += self.loss(out, targets[part], d_out)
            work.d_hidden[part] = head.backward(prepared, d_out, own, d_views, wants_d_x=True)
        return total


class Reading:
    """A network that reads on: each piece begins in the state in which the one before it ended, the first in zero.

    Parameters
    ----------
    network : SequenceNetwork
    prepared : of `SequenceNetwork.prepare`
    n_sequences : int
        B.
    """

    def __init__(self, network: SequenceNetwork, prepared: tuple[Any, Any], n_sequences: int = 1):
        self.network, self.prepared, self.n_sequences = network, prepared, n_sequences
        self._states: list[np.ndarray] | None = None
        self._works: dict[int, Work] = {}

    def read(self, x: np.ndarray) -> np.ndarray:
        """Read `x` (T, D, B); return the last layer's hidden states (T, H, B), valid until the next call."""
        work = self._work(len(x))
        carriers = work.carriers()
        if self._states is not None:
            for own, state in zip(carriers, self._states, strict=True):
                own.state = state
        hidden = self.network.encoder.forward(self.prepared[0], x, work.encoder)
        self._states = [own.last.copy() for own in carriers]  # the buffer is what the next piece writes to
        return hidden

    def answers(self, x: np.ndarray) -> Iterator[tuple[slice, np.ndarray]]:
        """Read `x` (T, D, B); yield which steps come next, a few at a time, and their outputs (T', K, B).

        Outputs are valid until the next are asked for: these may be written over them.
        """
        hidden = self.read(x)
        for part, own in self._work(len(x)).parts:
            yield part, self.network.head.forward(self.prepared[1], hidden[part], own)

    def _work(self, n_steps: int) -> Work:
        if n_steps not in self._works:
            self._works[n_steps] = Work(self.network, n_steps, self.n_sequences, training=False)
        return self._works[n_steps]


def mean_loss(
    network: SequenceNetwork, prepared: tuple[Any, Any], reader: Reader, n_steps: int, loss: Loss, n_unscored: int = 0
) -> float:
    """Mean loss of a step of all streams, each read from its beginning in pieces of about `n_steps`.

    The first `n_unscored` steps are read, for the states that follow, but not judged.
    """
    streams, reading, total = np.arange(reader.n_streams), Reading(network, prepared, reader.n_streams), 0.0
    if n_unscored:
        reading.read(reader.inputs(streams, slice(0, n_unscored)))
    for piece in pieces(reader.n_steps - n_unscored, n_steps):
        piece = slice(piece.start + n_unscored, piece.stop + n_unscored)
        targets = reader.targets(streams, piece)
        for part, out in reading.answers(reader.inputs(streams, piece)):
            total += loss(out, targets[part], np.empty_like(out))
    return total / ((reader.n_steps - n_unscored) * reader.n_streams)
