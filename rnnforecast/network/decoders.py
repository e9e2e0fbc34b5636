"""From the encoder's hidden states to the forecast of every step of the horizon, always from the newest state."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np

from rnnforecast.kernels.activations import relu
from rnnforecast.network.compose import Chain
from rnnforecast.network.dense import Dense
from rnnforecast.network.dropout import Dropout
from rnnforecast.network.layer import Layer, Views
from rnnforecast.network.layout import Parameter, zeros
from rnnforecast.network.windows import Windows


@dataclass(frozen=True)
class Encoded:
    """What a decoder starts from.

    Parameters
    ----------
    hidden : (T, H, B) or (1, H, B)
        Output of the encoder.
    state : (1 + M, H, B) or None
        The encoder's last layer after the last step, memories included; None where it is no recurrence.
    past : (T, D, B)
        Input of the encoder.
    context : (C, B)
        What is known of the horizon.
    """

    hidden: np.ndarray
    state: np.ndarray | None
    past: np.ndarray
    context: np.ndarray


@dataclass(frozen=True)
class Teacher:
    """True values for a decoder that feeds on its own forecasts.

    Parameters
    ----------
    truth : (horizon * n_targets, B)
        What the forecast should be.
    share : float in [0, 1]
        Probability of a step and sequence to be fed the true value.
    """

    truth: np.ndarray
    share: float


@dataclass(frozen=True)
class Given:
    """Derivatives in what a decoder reads besides the encoder's output and state; a backward pass adds to them.

    Parameters
    ----------
    past : (T, D, B)
    context : (C, B)
    """

    past: np.ndarray
    context: np.ndarray


class Decoder(Protocol):
    """Turns hidden states into forecasts.

    Attributes
    ----------
    every : bool
        Whether it reads the hidden state of every step or only of the last.
    reads_state : bool
        Whether it starts from the state of the encoder's last layer, which must then be a recurrence.
    """

    every: bool
    reads_state: bool

    def parameters(self) -> list[Parameter]:
        """Name, shape and start of each parameter."""

    def prepare(self, views: Views) -> Any:
        """Lay the parameters out for one batch."""

    def split(self, views: Views) -> Any:
        """Order the views of a gradient as `backward` wants them."""

    def work(self, n_sequences: int, dtype: Any, training: bool) -> Any:
        """Buffers for one batch."""

    def forward(self, prepared: Any, encoded: Encoded, work: Any, teacher: Teacher | None = None) -> np.ndarray:
        """Forecast (horizon * n_targets, B); `teacher` is given while training."""

    def backward(
        self, prepared: Any, d_out: np.ndarray, work: Any, d_views: Any, d_given: Given | None = None
    ) -> tuple[np.ndarray, np.ndarray | None]:
        """Derivatives of the loss in the encoder's output and last state.

        Adds those in the parameters to `d_views`, and those in what else it reads to `d_given` if it is given.
        """


def head(n_inputs: int, hidden: Sequence[int], n_outputs: int, dropout: float = 0.0) -> Chain:
    """Rectified layers of sizes `hidden`, then an affine one that starts at zero: at first the forecast is the base."""
    sizes = [n_inputs, *hidden]
    layers: list[Layer] = [Dropout(n_inputs, dropout)] if dropout else []
    layers += [Dense(a, b, relu) for a, b in itertools.pairwise(sizes)]
    return Chain([*layers, Dense(sizes[-1], n_outputs, initialize=zeros)])


def context_parts(windows: Windows, context: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Views of `context` (C, B): covariates (h, F, B), base (h, J or 0, B), column (K or 0, B)."""
    h, F, B = windows.horizon, windows.n_known, context.shape[1]
    n_base = windows.n_targets if windows.base else 0
    known, base, which = np.split(context, [h * F, h * (F + n_base)])
    return known.reshape(h, F, B), base.reshape(h, n_base, B), which


def prefixed(prefix: str, parameters: list[Parameter]) -> list[Parameter]:
    """Return the same parameters under ``prefix.name``."""
    return [Parameter(f"{prefix}.{p.name}", p.shape, p.initialize, p.decays) for p in parameters]


def under(prefix: str, views: Views) -> Views:
    """Return the views whose names start with ``prefix.``, without it."""
    start = f"{prefix}."
    return {name.removeprefix(start): v for name, v in views.items() if name.startswith(start)}


class Direct:
    """All steps of the horizon at once from the last hidden state and what is known of the future.

    Parameters
    ----------
    n_units : int
        Rows of the hidden state.
    n_context : int
        Rows of the context: covariates of the horizon, the base forecast and the like.
    n_targets, horizon : int
    head_layer_sizes : sequence of int
    highway : int
        The last `highway` values of each target enter the output linearly beside the network, 0 for none (the
        autoregressive path of Lai et al., 2018, LSTNet).
    n_parameters : int
        Numbers that are forecast for each value.
    """

    every = reads_state = False

    def __init__(
        self,
        n_units: int,
        n_context: int,
        n_targets: int,
        horizon: int,
        head_layer_sizes: Sequence[int] = (),
        highway: int = 0,
        n_parameters: int = 1,
    ):
        self.n_units, self.n_context, self.n_targets, self.highway = n_units, n_context, n_targets, highway
        n_outputs = horizon * n_targets * n_parameters
        self.head = head(n_units + n_context, head_layer_sizes, n_outputs)
        self.path = Chain([Dense(highway * n_targets, n_outputs, initialize=zeros)]) if highway else None

    def parameters(self) -> list[Parameter]:
        """``head.k.name``, and ``highway.0.name``."""
        path = prefixed("highway", self.path.parameters()) if self.path else []
        return prefixed("head", self.head.parameters()) + path

    def prepare(self, views: Views) -> Any:
        """Prepare head and highway."""
        return self.head.prepare(under("head", views)), self.path and self.path.prepare(under("highway", views))

    def split(self, views: Views) -> Any:
        """Views of head and highway."""
        return self.head.split(under("head", views)), self.path and self.path.split(under("highway", views))

    def work(self, n_sequences: int, dtype: Any, training: bool) -> Any:
        """Buffers: joined input, head, highway's input, highway."""
        joined = np.empty((1, self.n_units + self.n_context, n_sequences), dtype)
        window = np.empty((1, self.highway * self.n_targets, n_sequences), dtype)
        path = self.path and self.path.work(1, n_sequences, dtype, training)
        return joined, self.head.work(1, n_sequences, dtype, training), window, path

    def forward(self, prepared: Any, encoded: Encoded, work: Any, teacher: Teacher | None = None) -> np.ndarray:
        """Head of [hidden, context] plus the highway."""
        joined, head_work, window, path_work = work
        joined[0, : self.n_units] = encoded.hidden[-1]
        joined[0, self.n_units :] = encoded.context
        out = self.head.forward(prepared[0], joined, head_work)[0]
        if self.path is not None:
            recent = encoded.past[-self.highway :, : self.n_targets]
            window[0] = recent.reshape(window.shape[1:])
            out = out + self.path.forward(prepared[1], window, path_work)[0]
        return out

    def backward(
        self, prepared: Any, d_out: np.ndarray, work: Any, d_views: Any, d_given: Given | None = None
    ) -> tuple[np.ndarray, None]:
        """Derivative in the last hidden state, (1, H, B)."""
        _, head_work, _, path_work = work
        if self.path is not None:
            wants = d_given is not None
            d_window = self.path.backward(prepared[1], d_out[None], path_work, d_views[1], wants_d_x=wants)
            if d_given is not None and d_window is not None:
                recent = d_given.past[-self.highway :, : self.n_targets]
                recent += d_window[0].reshape(recent.shape)
        d_joined = self.head.backward(prepared[0], d_out[None], head_work, d_views[0], wants_d_x=True)
        assert d_joined is not None
        if d_given is not None:
            d_given.context[...] += d_joined[0, self.n_units :]
        return np.ascontiguousarray(d_joined[:, : self.n_units]), None


class Recursive:
    """One step at a time: the next value, and the next input, is the present one plus the head of the present state.

    Training feeds true values (teacher forcing) for ``lookback + horizon - 1`` steps and reads the last `horizon`
    states; `rnnforecast.network.network.Network.unroll` feeds the network its own forecasts.

    Parameters
    ----------
    n_units, n_targets, horizon : int
    head_layer_sizes : sequence of int
    from_present : bool
        False where values are differences: the next one is the head alone.
    """

    every = True
    reads_state = False

    def __init__(
        self,
        n_units: int,
        n_targets: int,
        horizon: int,
        head_layer_sizes: Sequence[int] = (),
        from_present: bool = True,
    ):
        self.n_units, self.n_targets, self.horizon = n_units, n_targets, horizon
        self.from_present = from_present
        self.head = head(n_units, head_layer_sizes, n_targets)

    def parameters(self) -> list[Parameter]:
        """``head.k.name``."""
        return prefixed("head", self.head.parameters())

    def prepare(self, views: Views) -> Any:
        """Prepare the head."""
        return self.head.prepare(under("head", views))

    def split(self, views: Views) -> Any:
        """Views of the head."""
        return self.head.split(under("head", views))

    def work(self, n_sequences: int, dtype: Any, training: bool) -> Any:
        """Buffers of the head, and the count of steps of the last forward pass."""
        return {"head": self.head.work(self.horizon, n_sequences, dtype, training), "n_steps": 0}

    def forward(self, prepared: Any, encoded: Encoded, work: Any, teacher: Teacher | None = None) -> np.ndarray:
        """Forecasts one step ahead at the last `horizon` steps, (horizon * n_targets, B)."""
        hidden, past = encoded.hidden, encoded.past
        work["n_steps"] = len(hidden)
        out = self.head.forward(prepared, hidden[-self.horizon :], work["head"])
        if self.from_present:
            out = out + past[-self.horizon :, : self.n_targets]
        return out.reshape(-1, out.shape[2])

    def one(self, prepared: Any, hidden: np.ndarray, x: np.ndarray, work: Any) -> np.ndarray:
        """Forecast (n_targets, B) of the step after `x` (D, B) whose hidden state is `hidden` (1, H, B)."""
        out = self.head.forward(prepared, hidden, work)[0]
        return out + x[: self.n_targets] if self.from_present else out

    def backward(
        self, prepared: Any, d_out: np.ndarray, work: Any, d_views: Any, d_given: Given | None = None
    ) -> tuple[np.ndarray, None]:
        """Derivative in every hidden state, (T, H, B), zero before the last `horizon` steps."""
        d = d_out.reshape(self.horizon, self.n_targets, -1)
        if d_given is not None and self.from_present:
            d_given.past[-self.horizon :, : self.n_targets] += d
        d_read = self.head.backward(prepared, d, work["head"], d_views, wants_d_x=True)
        assert d_read is not None
        d_hidden = np.zeros((work["n_steps"], *d_read.shape[1:]), d_read.dtype)
        d_hidden[-self.horizon :] = d_read
        return d_hidden, None
