"""Random problems of one recurrent layer, and cells to solve them with; shared by the tests of the recurrence."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from rnnforecast.kernels.activations import linear, sigmoid, tanh
from rnnforecast.kernels.cells import Cell, Gate, elman, gru, lstm
from rnnforecast.kernels.recurrence import recurrence

# Sums of up to 33 * 5 products of order one, each rounded; measured below a fifth of these.
TOLERANCE = {"float32": 5e-6, "float64": 1e-12}


def peculiar(gates, hidden, memory):
    """One gate of every kind; a state that is not zero where all gates are; every operator."""
    drive, recall, rate, mixed = gates
    slow, fast = memory
    slow = rate * slow + (1.0 - rate) * drive
    fast = (fast - recall) / (2.0 + mixed * mixed) - 0.25
    return 1.0 / (1.0 + slow * slow) + tanh(-fast) * 0.5 + hidden * 0.125, (slow, fast)


PECULIAR = Cell(
    "peculiar",
    (Gate("drive", tanh, "x"), Gate("recall", linear, "h"), Gate("rate", sigmoid, "", bias=0.5), Gate("mixed", tanh)),
    peculiar,
    n_memory=2,
)
CELLS = {cell.name: cell for cell in (*elman.CELLS.values(), lstm.CELL, gru.CELL, PECULIAR)}


class Passes(NamedTuple):
    """What a forward and a backward pass fill."""

    out: np.ndarray
    last: np.ndarray
    d_weight_input: np.ndarray
    d_weight_hidden: np.ndarray
    d_bias: np.ndarray
    d_x: np.ndarray
    d_state: np.ndarray


class Problem:
    """Random weights, inputs, states and derivatives of one layer; the same numbers in either precision."""

    def __init__(self, cell, T, D, B, H, every=True, started=True, ended=True, dtype="float64", seed=0):
        rng = np.random.default_rng(seed)
        self.cell, self.D, self.H, self.dtype = cell, D, H, np.dtype(dtype)
        n_x, n_h, n_gates = len(cell.rows("x")), len(cell.rows("h")), len(cell.gates)

        def draw(*shape, scale=1.0):
            return (rng.normal(size=shape) * scale).astype(dtype)

        self.weights = [draw(n_x * H, D, scale=0.4), draw(n_h * H, H, scale=0.7 / H**0.5), draw(n_gates * H, scale=0.4)]
        self.x, self.state = draw(T, D, B), draw(1 + cell.n_memory, H, B, scale=0.5)
        self.d_out, self.d_last = draw(T if every else 1, H, B), draw(1 + cell.n_memory, H, B)
        self.state = self.state if started else None
        self.d_last = self.d_last if ended else None

    def layer(self, make=recurrence):
        return make(self.cell, self.D, self.H, self.dtype)

    def forward(self, layer, gradient=False) -> tuple[Any, Any, np.ndarray, np.ndarray]:
        T, _, B = self.x.shape
        packed, work = layer.pack(*self.weights), layer.work(T, B, gradient)
        out = np.full((len(self.d_out), self.H, B), np.nan, self.dtype)
        last = np.full((1 + self.cell.n_memory, self.H, B), np.nan, self.dtype)
        layer.forward(packed, self.x, self.state, work, out, last)
        return packed, work, out, last

    def passes(self, make=recurrence) -> Passes:
        layer = self.layer(make)
        packed, work, out, last = self.forward(layer, gradient=True)
        gradients = [np.zeros_like(w) for w in self.weights]
        d_x, d_state = np.full(self.x.shape, np.nan, self.dtype), np.full_like(last, np.nan)
        layer.backward(packed, work, self.d_out, self.d_last, *gradients, d_x, d_state)
        return Passes(out, last, *gradients, d_x, d_state)

    def loss(self) -> float:
        """Whose derivatives in `out` and `last` are `d_out` and `d_last`."""
        _, _, out, last = self.forward(self.layer())
        return float((out * self.d_out).sum() + (0.0 if self.d_last is None else (last * self.d_last).sum()))


def assert_close(actual: Passes, expected: Passes, tolerance: float):
    """In units of the largest element, but at least of one: all that is summed is of order one, and sums may cancel."""
    for name, a, b in zip(Passes._fields, actual, expected, strict=True):
        assert a.shape == b.shape
        assert np.abs(a - b).max(initial=0.0) <= tolerance * np.abs(b).max(initial=1.0), name
