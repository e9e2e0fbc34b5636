"""What a layer is: a description without data, which works on parameters and buffers that its caller owns.

Sequences are (T, D, B) arrays: steps, rows, sequences. A layer holds sizes only, so one object serves many threads:
weights come in as `prepared` (made once for each update, read-only), everything else lives in `work` (one for each
thread).
"""

from __future__ import annotations

from typing import Any, Protocol

import numpy as np

from rnnforecast.network.layout import Parameter

Views = dict[str, np.ndarray]


class Layer(Protocol):
    """A differentiable map of sequences.

    Attributes
    ----------
    n_inputs, n_outputs : int
        Rows of its input and output.
    """

    @property
    def n_inputs(self) -> int:
        """Rows of the input."""

    @property
    def n_outputs(self) -> int:
        """Rows of the output."""

    def parameters(self) -> list[Parameter]:
        """Name, shape and start of each parameter."""

    def prepare(self, views: Views) -> Any:
        """Lay the parameters out for the passes of one batch."""

    def steps_out(self, n_steps: int) -> int:
        """Steps of the output for `n_steps` of input."""

    def work(self, n_steps: int, n_sequences: int, dtype: Any, training: bool) -> Any:
        """Buffers for inputs (n_steps, n_inputs, n_sequences).

        Attributes `rng`, `lengths` and `state`, where they have them, are set by the caller.
        """

    def forward(self, prepared: Any, x: np.ndarray, work: Any) -> np.ndarray:
        """Output (T', n_outputs, B); may be a buffer of `work`, valid until the next forward pass with it."""

    def backward(self, prepared: Any, d_y: np.ndarray, work: Any, d_views: Views, wants_d_x: bool) -> np.ndarray | None:
        """Derivative of the loss in the input of the last forward pass with `work`, None if not `wants_d_x`.

        Those in the parameters are added to `d_views`.
        """
