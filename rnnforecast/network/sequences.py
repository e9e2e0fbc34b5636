"""Sequences of unequal length, and networks that answer once for each of them or for each of their steps.

n sequences of D rows lie one after the other in one table (N, D). A batch of B of them is (T, D, B), padded at the end
to T steps; what stands there reaches no result: recurrences only look back, all other layers are told the lengths.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from rnnforecast.kernels.cells import Cell
from rnnforecast.network.bidirectional import d_run, run
from rnnforecast.network.compose import Chain, draw_from, tell
from rnnforecast.network.decoders import prefixed, under
from rnnforecast.network.layer import Views
from rnnforecast.network.layout import Layout, Parameter
from rnnforecast.network.recurrent import Recurrent

# Sequences of a batch in prediction. Every batch has as many, the last one filled up with repetitions: a matrix product
# may sum in another order for another width, or in the columns left over from its tiles, of which 64 is a multiple; and
# a prediction must not depend on which others are asked for with it.
PREDICTED_AT_ONCE = 64


@dataclass(frozen=True)
class Sequences:
    """Sequences one after the other.

    Parameters
    ----------
    values : (N, D)
    lengths : (n,) int64
        Steps of each, at least 1; their sum is N.
    """

    values: np.ndarray
    lengths: np.ndarray

    @cached_property
    def starts(self) -> np.ndarray:
        """First row of each sequence, (n,)."""
        return np.cumsum(self.lengths) - self.lengths

    @cached_property
    def longest(self) -> int:
        """Steps of the longest."""
        return int(self.lengths.max())

    @cached_property
    def equal(self) -> bool:
        """Whether all are as long as the longest."""
        return bool((self.lengths == self.longest).all())

    def __len__(self) -> int:
        return len(self.lengths)

    def rows(self, which: np.ndarray, n_steps: int) -> np.ndarray:
        """Rows of `values` of the steps of some sequences, (n_steps, B); after the end of one, its last again."""
        steps = np.minimum(np.arange(n_steps)[:, None], self.lengths[which] - 1)
        return self.starts[which] + steps

    def batch(self, which: np.ndarray, n_steps: int) -> np.ndarray:
        """Values of some sequences, (n_steps, D, B), padded with their last ones."""
        return np.ascontiguousarray(self.values[self.rows(which, n_steps)].transpose(0, 2, 1))

    def real(self, which: np.ndarray, n_steps: int) -> np.ndarray:
        """Mask (n_steps, B) of what is no padding."""
        return np.arange(n_steps)[:, None] < self.lengths[which]


class LastStateWork:
    """Buffers of `LastState`.

    Attributes
    ----------
    lengths : (B,) int64 or None
        Real steps of each sequence, set by the caller; None is all.
    """

    def __init__(self, n_steps: int, states: Any):
        self.lengths: np.ndarray | None = None
        self.n_steps, self.states = n_steps, states


class LastState:
    """A recurrent layer that gives the state after the last real step of each sequence, (1, H, B).

    Parameters
    ----------
    cell : Cell
    n_inputs, n_units : int
        D and H.
    dtype : numpy floating type
    """

    def __init__(self, cell: Cell, n_inputs: int, n_units: int, dtype: Any):
        self.recurrent = Recurrent(cell, n_inputs, n_units, dtype, every=False)
        self.n_inputs, self.n_outputs = n_inputs, n_units

    def parameters(self) -> list[Parameter]:
        """Those of the recurrent layer."""
        return self.recurrent.parameters()

    def prepare(self, views: Views) -> Any:
        """Weights packed for the kernel."""
        return self.recurrent.prepare(views)

    def steps_out(self, n_steps: int) -> int:
        """One."""
        return 1

    def work(self, n_steps: int, n_sequences: int, dtype: Any, training: bool) -> LastStateWork:
        """Buffers for (n_steps, n_inputs, n_sequences)."""
        return LastStateWork(n_steps, self.recurrent.work(n_steps, n_sequences, dtype, training))

    def forward(self, prepared: Any, x: np.ndarray, work: LastStateWork) -> np.ndarray:
        """Hidden state after the last real step, (1, H, B)."""
        return run(self.recurrent, prepared, x, work.states, work.lengths)

    def backward(
        self, prepared: Any, d_y: np.ndarray, work: LastStateWork, d_views: Views, wants_d_x: bool
    ) -> np.ndarray | None:
        """Backpropagation through time over the real steps."""
        return d_run(self.recurrent, prepared, d_y, work.states, work.lengths, work.n_steps, d_views, wants_d_x)


@dataclass
class Work:
    """Buffers of one thread for one shape of batch."""

    encoder: list[Any]
    head: list[Any]

    def draw_from(self, seed: int) -> None:
        """Let the layers that draw at random draw from `seed`; without it, in prediction, nothing is random."""
        draw_from([*self.encoder, *self.head], seed)

    def tell_lengths(self, lengths: np.ndarray | None) -> None:
        """Let the layers that look ahead, or for the end, know the real lengths (B,); None: all fill the batch."""
        tell([*self.encoder, *self.head], "lengths", lengths)


class SequenceNetwork:
    """An encoder and a head over one flat parameter vector.

    Parameters
    ----------
    encoder : Chain
        Gives a state for every step, or one for the whole sequence.
    head : Chain
        Applied to each state the encoder gives.
    n_answers : int or None
        S answers are read from the one state of a sequence; None: one from the state of every step.
    dtype : numpy floating type
    """

    def __init__(self, encoder: Chain, head: Chain, n_answers: int | None, dtype: Any = np.float32):
        self.encoder, self.head, self.n_answers, self.dtype = encoder, head, n_answers, np.dtype(dtype)
        self.layout = Layout(prefixed("encoder", encoder.parameters()) + prefixed("head", head.parameters()))

    @property
    def n_outputs(self) -> int:
        """K: numbers of an answer."""
        return self.head.n_outputs // (self.n_answers or 1)

    def initial(self, rng: np.random.Generator) -> np.ndarray:
        """Draw a flat vector of starting weights."""
        return self.layout.initial(rng, self.dtype)

    def prepare(self, flat: np.ndarray) -> tuple[Any, Any]:
        """Lay the weights out for forward and backward passes; read-only, to be shared by threads."""
        views = self.layout.views(flat)
        return self.encoder.prepare(under("encoder", views)), self.head.prepare(under("head", views))

    def split(self, gradient: np.ndarray) -> tuple[Any, Any]:
        """Views of a flat gradient, in the order in which `backward` adds to them."""
        views = self.layout.views(gradient)
        return self.encoder.split(under("encoder", views)), self.head.split(under("head", views))

    def work(self, n_steps: int, n_sequences: int, training: bool = False) -> Work:
        """Buffers for inputs (n_steps, D, n_sequences)."""
        return Work(
            self.encoder.work(n_steps, n_sequences, self.dtype, training),
            self.head.work(self.encoder.steps_out(n_steps), n_sequences, self.dtype, training),
        )

    def forward(self, prepared: tuple[Any, Any], x: np.ndarray, lengths: np.ndarray | None, work: Work) -> np.ndarray:
        """Answers (S or T, K, B) on `x` (T, D, B), whose real `lengths` are (B,); None: all fill the batch."""
        work.tell_lengths(lengths)
        hidden = self.encoder.forward(prepared[0], x, work.encoder)
        out = self.head.forward(prepared[1], hidden, work.head)
        return out if self.n_answers is None else out.reshape(self.n_answers, self.n_outputs, x.shape[2])

    def backward(self, prepared: tuple[Any, Any], d_out: np.ndarray, work: Work, parts: tuple[Any, Any]) -> None:
        """Add the derivatives of the parameters to `parts` (of `split`) for the last forward pass with `work`."""
        if self.n_answers is not None:
            d_out = d_out.reshape(1, self.head.n_outputs, d_out.shape[2])
        d_hidden = self.head.backward(prepared[1], d_out, work.head, parts[1], wants_d_x=True)
        assert d_hidden is not None
        self.encoder.backward(prepared[0], d_hidden, work.encoder, parts[0], wants_d_x=False)

    def answers(self, prepared: tuple[Any, Any], inputs: Sequences) -> np.ndarray:
        """All answers one after the other: (N, K), one for each row of `inputs`, or (n S, K).

        A sequence's answers have the same bits whichever others are asked for with it.
        """
        return self._for_all(prepared, inputs, self.n_answers or 1, self.n_outputs, self.forward)

    def states(self, prepared: tuple[Any, Any], inputs: Sequences) -> np.ndarray:
        """What the head would be applied to, one after the other: (N, H), one for each row of `inputs`, or (n, H)."""

        def encode(prepared: tuple[Any, Any], x: np.ndarray, lengths: np.ndarray | None, work: Work) -> np.ndarray:
            work.tell_lengths(lengths)
            return self.encoder.forward(prepared[0], x, work.encoder)

        return self._for_all(prepared, inputs, 1, self.encoder.n_outputs, encode)

    def _for_all(
        self, prepared: tuple[Any, Any], inputs: Sequences, n_each: int, width: int, forward: Callable[..., np.ndarray]
    ) -> np.ndarray:
        """Run batch by batch, and put what comes out, (n_each or T, width, B), one after the other."""
        lengths = inputs.lengths if self.n_answers is None else np.full(len(inputs), n_each)
        result = Sequences(np.empty((int(lengths.sum()), width), self.dtype), lengths)
        order, work, n_steps = np.argsort(inputs.lengths, kind="stable"), None, 0
        for start in range(0, len(order), PREDICTED_AT_ONCE):
            asked = order[start : start + PREDICTED_AT_ONCE]
            which = np.resize(asked, PREDICTED_AT_ONCE)
            if work is None or n_steps != inputs.lengths[which].max():
                n_steps = int(inputs.lengths[which].max())
                work = self.work(n_steps, PREDICTED_AT_ONCE)
            ends = None if inputs.equal else inputs.lengths[which]
            out = forward(prepared, inputs.batch(which, n_steps), ends, work)[:, :, : len(asked)]
            rows, real = result.rows(asked, len(out)), result.real(asked, len(out))
            result.values[rows[real]] = out.transpose(0, 2, 1)[real]
        return result.values
