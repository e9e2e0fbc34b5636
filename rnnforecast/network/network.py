"""An encoder and a decoder over one flat parameter vector."""

from __future__ import annotations

from copy import copy
from dataclasses import dataclass
from typing import Any

import numpy as np

from rnnforecast.network.compose import Chain, draw_from
from rnnforecast.network.decoders import Decoder, Encoded, Given, Recursive, Teacher, prefixed, under
from rnnforecast.network.layout import Layout
from rnnforecast.network.recurrent import Recurrent
from rnnforecast.network.seq2seq import Seq2Seq
from rnnforecast.network.windows import Windows


@dataclass
class Work:
    """Buffers of one thread for one batch size."""

    encoder: list[Any]
    decoder: Any

    def draw_from(self, seed: int) -> None:
        """Let the layers that draw at random draw from `seed`; without it, in prediction, nothing is random."""
        draw_from([*self.encoder, self.decoder], seed)


class Network:
    """A differentiable forecast.

    Parameters
    ----------
    encoder : Chain
    decoder : Decoder
    dtype : numpy floating type

    Raises
    ------
    ValueError
        If the decoder starts from a state and the encoder's last layer has none.
    """

    def __init__(self, encoder: Chain, decoder: Decoder, dtype: Any = np.float32):
        if decoder.reads_state and not isinstance(encoder.layers[-1], Recurrent):
            raise ValueError(
                f"{type(decoder).__name__} starts from the encoder's last state, so the last layer must be Recurrent, "
                f"got {type(encoder.layers[-1]).__name__}"
            )
        self.encoder, self.decoder, self.dtype = encoder, decoder, np.dtype(dtype)
        self.layout = Layout(
            prefixed("encoder", encoder.parameters()) + prefixed("decoder", decoder.parameters()),
        )

    def initial(self, rng: np.random.Generator) -> np.ndarray:
        """Draw a flat vector of starting weights."""
        return self.layout.initial(rng, self.dtype)

    def prepare(self, flat: np.ndarray) -> tuple[Any, Any]:
        """Lay the weights out for forward and backward passes; read-only, to be shared by threads."""
        views = self.layout.views(flat)
        return self.encoder.prepare(under("encoder", views)), self.decoder.prepare(under("decoder", views))

    def split(self, gradient: np.ndarray) -> tuple[Any, Any]:
        """Views of a flat gradient, in the order in which `backward` adds to them."""
        views = self.layout.views(gradient)
        return self.encoder.split(under("encoder", views)), self.decoder.split(under("decoder", views))

    def work(self, n_steps: int, n_sequences: int, training: bool = False) -> Work:
        """Buffers for inputs (n_steps, D, n_sequences)."""
        return Work(
            self.encoder.work(n_steps, n_sequences, self.dtype, training),
            self.decoder.work(n_sequences, self.dtype, training),
        )

    def forward(
        self,
        prepared: tuple[Any, Any],
        past: np.ndarray,
        context: np.ndarray,
        work: Work,
        teacher: Teacher | None = None,
    ) -> np.ndarray:
        """Forecast (horizon * n_targets, B) from `past` (T, D, B) and `context` (C, B)."""
        hidden = self.encoder.forward(prepared[0], past, work.encoder)
        encoded = Encoded(hidden, getattr(work.encoder[-1], "last", None), past, context)
        return self.decoder.forward(prepared[1], encoded, work.decoder, teacher)

    def backward(self, prepared: tuple[Any, Any], d_out: np.ndarray, work: Work, parts: tuple[Any, Any]) -> None:
        """Add the derivatives of the parameters to `parts` (of `split`) for the last forward pass with `work`."""
        d_hidden, d_state = self.decoder.backward(prepared[1], d_out, work.decoder, parts[1])
        if d_state is not None:
            work.encoder[-1].d_last = d_state
        self.encoder.backward(prepared[0], d_hidden, work.encoder, parts[0], wants_d_x=False)

    def input_gradient(
        self, prepared: tuple[Any, Any], d_out: np.ndarray, past: np.ndarray, context: np.ndarray, work: Work
    ) -> Given:
        """Derivatives of the output, times `d_out`, in `past` and `context`, with which `work` has just gone forward.

        `work` is made for training, which keeps what a backward pass wants.
        """
        parts = self.split(np.zeros(self.layout.size, self.dtype))  # of the parameters: not asked for
        d_given = Given(np.zeros_like(past), np.zeros_like(context))
        d_hidden, d_state = self.decoder.backward(prepared[1], d_out, work.decoder, parts[1], d_given)
        if d_state is not None:
            work.encoder[-1].d_last = d_state
        d_past = self.encoder.backward(prepared[0], d_hidden, work.encoder, parts[0], wants_d_x=True)
        assert d_past is not None
        d_given.past[...] += d_past
        return d_given

    def over(self, windows: Windows) -> Network:
        """Return the network, with the same parameters, for windows of another horizon; its decoder is `Seq2Seq`."""
        assert isinstance(self.decoder, Seq2Seq)
        other = copy(self)
        other.decoder = self.decoder.over(windows)
        return other

    def unroll(self, prepared: tuple[Any, Any], past: np.ndarray, future: np.ndarray) -> np.ndarray:
        """Forecast step by step with a recursive decoder, each forecast being the next input.

        Parameters
        ----------
        prepared : of `prepare`
        past : (T, D, B)
            Inputs up to the cutoff: the targets first, then covariates.
        future : (h - 1, D - n_targets, B)
            The covariates that go in with each forecast.

        Returns
        -------
        forecast : (h, n_targets, B)
        """
        decoder = self.decoder
        assert isinstance(decoder, Recursive)
        n_sequences, n_targets = past.shape[2], decoder.n_targets
        work = self.encoder.work(len(past), n_sequences, self.dtype, training=False)
        once = self.encoder.work(1, n_sequences, self.dtype, training=False)
        head = decoder.head.work(1, n_sequences, self.dtype, training=False)
        hidden = self.encoder.forward(prepared[0], past, work)[-1:]
        x = past[-1:].copy()
        out = np.empty((len(future) + 1, n_targets, n_sequences), self.dtype)
        for k in range(len(out)):
            out[k] = decoder.one(prepared[1], hidden, x[0], head)
            if k == len(future):
                break
            x[0, :n_targets], x[0, n_targets:] = out[k], future[k]
            for before, now in zip(work, once, strict=True):
                if hasattr(before, "last"):
                    now.state = before.last.copy()
            hidden, work = self.encoder.forward(prepared[0], x, once), once
        return out
