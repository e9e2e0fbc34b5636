"""Where each named parameter lies in the one flat vector that training sees, and how it starts."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np

Initializer = Callable[[tuple[int, ...], np.random.Generator], Any]


@dataclass(frozen=True)
class Parameter:
    """A named block of parameters.

    Parameters
    ----------
    name : str
    shape : tuple of int
    initialize : callable
        ``initialize(shape, rng)`` gives the starting values.
    decays : bool
        Whether weight decay applies (weights yes, biases no).
    """

    name: str
    shape: tuple[int, ...]
    initialize: Initializer
    decays: bool = True

    @property
    def size(self) -> int:
        """Count of numbers."""
        return int(np.prod(self.shape))


class Layout:
    """Names, shapes and slices of one flat parameter vector.

    Parameters
    ----------
    parameters : iterable of Parameter
        In the order in which they are laid out.
    """

    def __init__(self, parameters: Iterable[Parameter]):
        self.parameters = tuple(parameters)
        stops = np.cumsum([p.size for p in self.parameters], dtype=int)
        self.size = int(stops[-1]) if len(stops) else 0
        self.slices = {
            p.name: slice(int(stop) - p.size, int(stop)) for p, stop in zip(self.parameters, stops, strict=True)
        }

    def views(self, flat: np.ndarray) -> dict[str, np.ndarray]:
        """Views of `flat` (size,) by name, each in its parameter's shape."""
        return {p.name: flat[self.slices[p.name]].reshape(p.shape) for p in self.parameters}

    def initial(self, rng: np.random.Generator, dtype: Any) -> np.ndarray:
        """Draw starting values (size,); float64 draws, so that float32 and float64 networks start alike."""
        flat = np.empty(self.size, dtype)
        for p in self.parameters:
            flat[self.slices[p.name]] = np.ravel(p.initialize(p.shape, rng))
        return flat

    def decays(self) -> np.ndarray:
        """Mask (size,) of the parameters that weight decay applies to."""
        mask = np.zeros(self.size, bool)
        for p in self.parameters:
            mask[self.slices[p.name]] = p.decays
        return mask


def zeros(shape: tuple[int, ...], rng: np.random.Generator) -> Any:
    """Start at zero."""
    return np.zeros(shape)


def glorot(shape: tuple[int, ...], rng: np.random.Generator) -> Any:
    """Uniform with variance 2 / (fan in + fan out) (Glorot and Bengio, 2010); `shape` is (outputs, inputs)."""
    limit = np.sqrt(6.0 / (shape[0] + shape[1]))
    return rng.uniform(-limit, limit, shape)


def orthogonal(shape: tuple[int, ...], rng: np.random.Generator) -> Any:
    """Orthogonal matrix, uniform over the group (Saxe et al., 2014): Q of a Gaussian matrix, signs made unique."""
    rows, columns = shape
    q, r = np.linalg.qr(rng.standard_normal((max(shape), min(shape))))
    q *= np.sign(np.diag(r))
    return q if rows >= columns else q.T


@dataclass(frozen=True)
class Blocks:
    """Apply `initialize` to each of `count` equal blocks of rows, as a gate's matrix is one of several stacked ones."""

    initialize: Initializer
    count: int

    def __call__(self, shape: tuple[int, ...], rng: np.random.Generator) -> Any:
        """Draw the blocks one after the other."""
        rows = (shape[0] // self.count, *shape[1:])
        return np.concatenate([self.initialize(rows, rng) for _ in range(self.count)])


@dataclass(frozen=True)
class Fixed:
    """Start at given values."""

    values: Any

    def __call__(self, shape: tuple[int, ...], rng: np.random.Generator) -> Any:
        """Return them."""
        return self.values
