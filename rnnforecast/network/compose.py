"""Layers one after the other, and a sequence cut into segments."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from rnnforecast.network.layer import Layer, Views
from rnnforecast.network.layout import Parameter

FEWEST, MOST = 16, 128  # sequences of a call; sixteen fill a vector of the widest kind
WORTHWHILE = 3_000_000  # multiplications of a forward pass; below that the call costs more than the arithmetic


@dataclass(frozen=True)
class Segments:
    """Joins each run of `length` steps into one: (T, D, B) to (T / length, length D, B); no number moves.

    A recurrence over segments (Lin et al., 2023, SegRNN) is shorter by that factor.
    """

    n_inputs: int
    length: int

    @property
    def n_outputs(self) -> int:
        """Rows of a segment."""
        return self.n_inputs * self.length

    def parameters(self) -> list[Parameter]:
        """Nothing is learnt."""
        return []

    def prepare(self, views: Views) -> None:
        """Nothing to prepare."""

    def steps_out(self, n_steps: int) -> int:
        """Count of segments; `n_steps` must be a multiple of the length."""
        return n_steps // self.length

    def work(self, n_steps: int, n_sequences: int, dtype: Any, training: bool) -> None:
        """No buffer."""

    def forward(self, prepared: Any, x: np.ndarray, work: Any) -> np.ndarray:
        """Return another view of x."""
        return x.reshape(len(x) // self.length, self.n_outputs, x.shape[2])

    def backward(self, prepared: Any, d_y: np.ndarray, work: Any, d_views: Views, wants_d_x: bool) -> np.ndarray | None:
        """Return the view back."""
        return d_y.reshape(len(d_y) * self.length, self.n_inputs, d_y.shape[2])


def having(works: Iterable[Any], name: str) -> Iterator[Any]:
    """Yield those buffers that have an attribute `name`, in chains within chains too."""
    for own in works:
        if isinstance(own, list):
            yield from having(own, name)
        elif hasattr(own, name):
            yield own


def tell(works: Iterable[Any], name: str, value: Any) -> None:
    """Set the attribute `name` of those buffers that have it."""
    for own in having(works, name):
        setattr(own, name, value)


def draw_from(works: Iterable[Any], seed: int) -> None:
    """Let the works of what draws at random draw from one generator, which is not made where nothing does."""
    drawing = list(having(works, "rng"))
    if drawing:
        tell(drawing, "rng", np.random.Generator(np.random.SFC64(seed)))


class Chain:
    """Layers applied one after the other.

    Parameters
    ----------
    layers : sequence of Layer
        Each takes as many rows as the one before gives.

    Notes
    -----
    Parameters of layer k are called ``"k.name"``.
    """

    def __init__(self, layers: Sequence[Layer]):
        self.layers = tuple(layers)
        for k, (before, after) in enumerate(zip(self.layers[:-1], self.layers[1:], strict=True)):
            if before.n_outputs != after.n_inputs:
                raise ValueError(f"layer {k} gives {before.n_outputs} rows but layer {k + 1} takes {after.n_inputs}")
        self._sizes = [sum(p.size for p in layer.parameters()) for layer in self.layers]
        self._first_learning = next((k for k, size in enumerate(self._sizes) if size), len(self.layers))

    @property
    def n_inputs(self) -> int:
        """Rows of the first layer's input."""
        return self.layers[0].n_inputs

    @property
    def n_outputs(self) -> int:
        """Rows of the last layer's output."""
        return self.layers[-1].n_outputs

    def parameters(self) -> list[Parameter]:
        """Parameters of all layers."""
        return [
            Parameter(f"{k}.{p.name}", p.shape, p.initialize, p.decays)
            for k, layer in enumerate(self.layers)
            for p in layer.parameters()
        ]

    def split(self, views: Views) -> list[Views]:
        """Return the views of each layer under its own names."""
        parts: list[Views] = [{} for _ in self.layers]
        for name, view in views.items():
            k, own = name.split(".", 1)
            parts[int(k)][own] = view
        return parts

    def prepare(self, views: Views) -> list[Any]:
        """Prepare every layer."""
        return [layer.prepare(part) for layer, part in zip(self.layers, self.split(views), strict=True)]

    def steps_out(self, n_steps: int) -> int:
        """Steps that come out at the end."""
        for layer in self.layers:
            n_steps = layer.steps_out(n_steps)
        return n_steps

    def products(self, n_steps: int) -> int:
        """Count the multiplications by a weight that a sequence of `n_steps` takes, nearly."""
        total = 0
        for layer, size in zip(self.layers, self._sizes, strict=True):
            total += max(n_steps, layer.steps_out(n_steps)) * size
            n_steps = layer.steps_out(n_steps)
        return total

    def work(self, n_steps: int, n_sequences: int, dtype: Any, training: bool) -> list[Any]:
        """Buffers of every layer."""
        works = []
        for layer in self.layers:
            works.append(layer.work(n_steps, n_sequences, dtype, training))
            n_steps = layer.steps_out(n_steps)
        return works

    def forward(self, prepared: list[Any], x: np.ndarray, work: list[Any]) -> np.ndarray:
        """Output of the last layer."""
        for layer, ready, own in zip(self.layers, prepared, work, strict=True):
            x = layer.forward(ready, x, own)
        return x

    def backward(
        self, prepared: list[Any], d_y: np.ndarray, work: list[Any], d_views: list[Views], wants_d_x: bool
    ) -> np.ndarray | None:
        """Go back through the layers to the first that learns; `d_views` is what `split` gave."""
        d: np.ndarray | None = d_y
        for k in range(len(self.layers) - 1, -1, -1):
            if not wants_d_x and k < self._first_learning:
                return None
            assert d is not None
            d = self.layers[k].backward(prepared[k], d, work[k], d_views[k], wants_d_x or k > self._first_learning)
        return d


def at_once(products: int, n_sequences: int) -> int:
    """Sequences of a batch that are worth a call: more where each is few `products`, as the call costs time too.

    Never dependent on the number of threads, and few enough that two of them find work in a small batch. In larger ones
    at least two vectors go together, which read each weight once for both.
    """
    size = FEWEST if n_sequences < 4 * FEWEST else 2 * FEWEST
    while size < MOST and size * products < WORTHWHILE:
        size *= 2
    return size
