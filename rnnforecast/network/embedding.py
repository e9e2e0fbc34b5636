"""An embedding: a learnt column of numbers for each of V symbols."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from rnnforecast.kernels.symbols import d_embed, embed
from rnnforecast.network.layer import Views
from rnnforecast.network.layout import Parameter


def standard_normal(shape: tuple[int, ...], rng: np.random.Generator) -> Any:
    """Start from independent normal numbers of variance 1: each column is the whole input of a step."""
    return rng.standard_normal(shape)


class Work:
    """Buffers of an embedding: the symbols of the last forward pass, (T, B), and its output."""

    def __init__(self, n_steps: int, n_outputs: int, n_sequences: int, dtype: Any):
        self.symbols: np.ndarray | None = None
        self.y = np.empty((n_steps, n_outputs, n_sequences), dtype)


@dataclass(frozen=True)
class Embedding:
    """Integers (T, 1, B) to the rows of a table they name, as columns (T, E, B).

    Parameters
    ----------
    n_symbols : int
        V: the integers are 0 to V - 1.
    n_outputs : int
        E.
    """

    n_symbols: int
    n_outputs: int

    @property
    def n_inputs(self) -> int:
        """One: the symbol's number."""
        return 1

    def parameters(self) -> list[Parameter]:
        """`table` (V, E); not decaying, for a rare symbol's row would be gone before it is seen again."""
        return [Parameter("table", (self.n_symbols, self.n_outputs), standard_normal, decays=False)]

    def prepare(self, views: Views) -> np.ndarray:
        """Return the table."""
        return views["table"]

    def steps_out(self, n_steps: int) -> int:
        """As many as come in."""
        return n_steps

    def work(self, n_steps: int, n_sequences: int, dtype: Any, training: bool) -> Work:
        """Buffers for (n_steps, 1, n_sequences)."""
        return Work(n_steps, self.n_outputs, n_sequences, dtype)

    def forward(self, prepared: np.ndarray, x: np.ndarray, work: Work) -> np.ndarray:
        """Return the columns, (T, E, B)."""
        work.symbols = x[:, 0]
        embed(prepared, work.symbols, work.y)
        return work.y

    def backward(self, prepared: np.ndarray, d_y: np.ndarray, work: Work, d_views: Views, wants_d_x: bool) -> None:
        """Add up what reached each symbol's row; a symbol itself has no derivative."""
        assert work.symbols is not None, "backward needs a forward pass before it"
        d_embed(d_y, work.symbols, d_views["table"])
