"""Layers beside each other: all read the same input, and their outputs are joined."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from rnnforecast.network.compose import Chain, tell
from rnnforecast.network.layer import Layer, Views
from rnnforecast.network.layout import Parameter

PROBE = 60  # steps with which the parts are asked how many they give


class Work:
    """Buffers of the parts, to which generator and lengths are passed on."""

    def __init__(self, parts: list[Any]):
        self.parts = parts
        self._rng: np.random.Generator | None = None
        self._lengths: np.ndarray | None = None

    @property
    def rng(self) -> np.random.Generator | None:
        """Source of all that is random."""
        return self._rng

    @rng.setter
    def rng(self, rng: np.random.Generator | None) -> None:
        """Let every part draw from `rng`."""
        self._rng = rng
        tell(self.parts, "rng", rng)

    @property
    def lengths(self) -> np.ndarray | None:
        """Real steps of each sequence, (B,); None is all."""
        return self._lengths

    @lengths.setter
    def lengths(self, lengths: np.ndarray | None) -> None:
        """Let every part know the lengths."""
        self._lengths = lengths
        tell(self.parts, "lengths", lengths)


class Beside:
    """Outputs of several layers over the same input, one below the other: [a(x); b(x); ...].

    Parameters
    ----------
    parts : sequence of Layer or Chain
        Take as many rows and give as many steps as each other.

    Raises
    ------
    ValueError
        If they do not.

    Notes
    -----
    Parameters of part k are called ``"k.name"``.
    """

    def __init__(self, parts: Sequence[Layer | Chain]):
        self.parts = tuple(parts)
        for what, each in (
            ("take as many rows", [part.n_inputs for part in self.parts]),
            ("give as many steps", [part.steps_out(PROBE) for part in self.parts]),
        ):
            if len(set(each)) > 1:
                raise ValueError(f"layers beside each other must {what} as each other, got {each}")

    @property
    def n_inputs(self) -> int:
        """Rows of the input, which all read."""
        return self.parts[0].n_inputs

    @property
    def n_outputs(self) -> int:
        """Rows of all outputs together."""
        return sum(part.n_outputs for part in self.parts)

    def parameters(self) -> list[Parameter]:
        """Parameters of all parts."""
        return [
            Parameter(f"{k}.{p.name}", p.shape, p.initialize, p.decays)
            for k, part in enumerate(self.parts)
            for p in part.parameters()
        ]

    def prepare(self, views: Views) -> list[Any]:
        """Prepare every part."""
        return [part.prepare(own) for part, own in zip(self.parts, self._split(views), strict=True)]

    def steps_out(self, n_steps: int) -> int:
        """As many as each part gives."""
        return self.parts[0].steps_out(n_steps)

    def work(self, n_steps: int, n_sequences: int, dtype: Any, training: bool) -> Work:
        """Buffers of every part."""
        return Work([part.work(n_steps, n_sequences, dtype, training) for part in self.parts])

    def forward(self, prepared: list[Any], x: np.ndarray, work: Work) -> np.ndarray:
        """Return the outputs of all parts, (T', n_outputs, B)."""
        outputs = [
            part.forward(ready, x, own) for part, ready, own in zip(self.parts, prepared, work.parts, strict=True)
        ]
        return np.concatenate(outputs, axis=1)

    def backward(
        self, prepared: list[Any], d_y: np.ndarray, work: Work, d_views: Views, wants_d_x: bool
    ) -> np.ndarray | None:
        """Chain rule through each part; the derivatives in the shared input add up."""
        d_outputs = np.split(d_y, np.cumsum([part.n_outputs for part in self.parts])[:-1], axis=1)
        total: np.ndarray | None = None
        each = zip(self.parts, prepared, d_outputs, work.parts, self._split(d_views), strict=True)
        for part, ready, d_output, own, views in each:
            inner: Any = part.split(views) if isinstance(part, Chain) else views
            d_x = part.backward(ready, np.ascontiguousarray(d_output), own, inner, wants_d_x)
            if d_x is not None:
                total = d_x if total is None else total + d_x
        return total

    def _split(self, views: Views) -> list[Views]:
        """Views of each part under its own names."""
        parts: list[Views] = [{} for _ in self.parts]
        for name, view in views.items():
            k, own = name.split(".", 1)
            parts[int(k)][own] = view
        return parts
