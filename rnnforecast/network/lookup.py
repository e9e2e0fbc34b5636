"""Categories among the inputs: numbers of symbols that stay the same within a sequence, replaced by learnt rows."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from rnnforecast.kernels.symbols import d_embed
from rnnforecast.network.layer import Views
from rnnforecast.network.layout import Parameter

_DEVIATION = 0.1  # at the start: distinct categories, but hardly a voice beside the other inputs


def beginnings(shape: tuple[int, ...], rng: np.random.Generator) -> Any:
    """Draw the rows (V + 1, E) of a table; the last one, of what is none of the V symbols, is zero and stays so."""
    table = _DEVIATION * rng.standard_normal(shape)
    table[-1] = 0.0
    return table


class Work:
    """Symbols (C, B) of the last forward pass, and its output."""

    def __init__(self, shape: tuple[int, int, int], dtype: Any):
        self.symbols = np.empty((0, shape[2]), np.int64)
        self.y = np.empty(shape, dtype)


@dataclass(frozen=True)
class Lookup:
    """Replace the last C rows of the input, numbers of symbols, by the rows of a table that they name.

    Parameters
    ----------
    n_inputs : int
        D, the C rows included.
    n_symbols : tuple of C int
        V of each: the numbers are 0 to V, V for what is none of the symbols.
    """

    n_inputs: int
    n_symbols: tuple[int, ...]

    @property
    def widths(self) -> tuple[int, ...]:
        """Rows E of each table: the root of its symbols, at most 16."""
        return tuple(min(16, int(np.ceil(np.sqrt(n)))) for n in self.n_symbols)

    @property
    def n_outputs(self) -> int:
        """The other inputs' rows and those of the tables."""
        return self.n_inputs - len(self.n_symbols) + sum(self.widths)

    def parameters(self) -> list[Parameter]:
        """`table0`, ... (V + 1, E); not decaying, for a rare symbol's row would be gone before it is seen again."""
        sizes = zip(self.n_symbols, self.widths, strict=True)
        return [Parameter(f"table{k}", (n + 1, width), beginnings, decays=False) for k, (n, width) in enumerate(sizes)]

    def prepare(self, views: Views) -> list[np.ndarray]:
        """Return the tables."""
        return [views[f"table{k}"] for k in range(len(self.n_symbols))]

    def steps_out(self, n_steps: int) -> int:
        """As many as come in."""
        return n_steps

    def work(self, n_steps: int, n_sequences: int, dtype: Any, training: bool) -> Work:
        """Buffers for (n_steps, D, n_sequences)."""
        return Work((n_steps, self.n_outputs, n_sequences), dtype)

    def forward(self, prepared: list[np.ndarray], x: np.ndarray, work: Work) -> np.ndarray:
        """Return the other inputs and the tables' rows, the same at every step."""
        row = self.n_inputs - len(self.n_symbols)
        work.symbols = x[0, row:].astype(np.int64)
        work.y[:, :row] = x[:, :row]
        for table, symbols, width in zip(prepared, work.symbols, self.widths, strict=True):
            work.y[:, row : row + width] = table[symbols].T
            row += width
        return work.y

    def backward(
        self, prepared: list[np.ndarray], d_y: np.ndarray, work: Work, d_views: Views, wants_d_x: bool
    ) -> np.ndarray | None:
        """Add up what reached each symbol's row at all steps; a symbol itself has no derivative, its own is zero."""
        n_others = row = self.n_inputs - len(self.n_symbols)
        for k, width in enumerate(self.widths):
            d_embed(d_y[:, row : row + width].sum(0, keepdims=True), work.symbols[k : k + 1], d_views[f"table{k}"])
            row += width
        if not wants_d_x:
            return None
        d_x = np.zeros((len(d_y), self.n_inputs, d_y.shape[2]), d_y.dtype)
        d_x[:, :n_others] = d_y[:, :n_others]
        return d_x
