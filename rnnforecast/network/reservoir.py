"""Reservoirs: recurrent layers whose weights stay as they were drawn (Jaeger, 2001; Lukoševičius, 2012).

What is learnt is the readout of their states (`rnnforecast.network.readout`). T steps, D inputs, H units, B sequences.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from rnnforecast.kernels.cells import Cell
from rnnforecast.network.layer import Views
from rnnforecast.network.layout import Layout
from rnnforecast.network.readout import chunks
from rnnforecast.network.recurrent import Recurrent, Work

LARGEST_LOGIT = 40.0  # of which the sigmoid is 1 to the last bit


def random_weights(
    layer: Recurrent,
    rng: np.random.Generator,
    *,
    density: float = 0.1,
    spectral_radius: float = 0.95,
    input_scale: float = 0.5,
    bias_scale: float = 0.3,
    leaks: Sequence[float] = (0.05, 0.2, 0.5, 1.0),
) -> Views:
    """Draw the weights of a recurrent layer that will not be trained.

    Parameters
    ----------
    layer : Recurrent
        Of any cell; each gate gets matrices of its own.
    rng : numpy.random.Generator
        Draws in float64, so that both precisions get the same weights.
    density : float in (0, 1]
        Share of the units that each unit hears, at least one.
    spectral_radius : float
        Largest absolute eigenvalue of each gate's recurrent matrix.
    input_scale : float
        Input weights are uniform within plus or minus this, over the square root of D.
    bias_scale : float
        Biases are uniform within plus or minus this around those the cell starts with.
    leaks : sequence of float in (0, 1]
        Of which each unit gets one at random, if the cell has a gate named "leak".

    Returns
    -------
    dict of ndarray
        By the names of ``layer.parameters()``, of the layer's dtype.
    """
    H, gates = layer.n_outputs, layer.cell.gates
    layout = Layout(layer.parameters())
    views = layout.views(np.empty(layout.size))
    bound = input_scale / np.sqrt(max(1, layer.n_inputs))
    views["weight_input"][...] = rng.uniform(-bound, bound, views["weight_input"].shape)
    for block in views["weight_hidden"].reshape(-1, H, H):
        block[...] = sparse_matrix(H, rng, density, spectral_radius)
    for gate, bias in zip(gates, views["bias"].reshape(-1, H), strict=True):
        bias[...] = gate.bias + rng.uniform(-bias_scale, bias_scale, H) * bool(gate.takes)
        if gate.name == "leak":
            shares = rng.choice(np.asarray(leaks, np.float64), H)
            with np.errstate(divide="ignore"):
                bias[...] = np.minimum(np.log(shares / (1.0 - shares)), LARGEST_LOGIT)
    return {name: view.astype(layer.dtype) for name, view in views.items()}


def sparse_matrix(n_units: int, rng: np.random.Generator, density: float, spectral_radius: float) -> np.ndarray:
    """Draw a recurrent matrix (H, H): as many Gaussian weights in every row, scaled to a spectral radius."""
    n_heard = max(1, round(density * n_units))
    matrix = np.zeros((n_units, n_units))
    heard = rng.permuted(np.tile(np.arange(n_units), (n_units, 1)), axis=1)[:, :n_heard]
    np.put_along_axis(matrix, heard, rng.standard_normal(heard.shape), axis=1)
    # Every unit hears another, so there is a cycle; it decays in any case where the weights of all cycles cancel.
    radius = np.abs(np.linalg.eigvals(matrix)).max()
    return matrix * (spectral_radius / radius) if radius > 0 else matrix


class Reservoir:
    """A recurrent layer with the weights it keeps.

    Parameters
    ----------
    layer : Recurrent
    weights : dict of ndarray
        By the names of ``layer.parameters()``: drawn by `random_weights`, or learnt elsewhere.
    """

    def __init__(self, layer: Recurrent, weights: Views):
        self.layer, self.weights = layer, weights
        self.prepared = layer.prepare(weights)
        self.n_inputs, self.n_units, self.dtype = layer.n_inputs, layer.n_outputs, layer.dtype

    @classmethod
    def random(
        cls, cell: Cell, n_inputs: int, n_units: int, dtype: Any, rng: np.random.Generator, **scales: Any
    ) -> Reservoir:
        """Draw one of D inputs and H units; `scales` are those of `random_weights`."""
        layer = Recurrent(cell, n_inputs, n_units, dtype)
        return cls(layer, random_weights(layer, rng, **scales))

    def start(self, n_sequences: int) -> ReservoirRun:
        """Begin to read `n_sequences` sequences from a state of zeros."""
        return ReservoirRun(self, n_sequences)

    def input_gradient(self, x: np.ndarray, state: np.ndarray, d_hidden: np.ndarray) -> np.ndarray:
        """Go back through time from the last hidden states to what was read.

        Parameters
        ----------
        x : (T, D, B)
            What is read.
        state : (1 + M, H, B)
            Before the first step.
        d_hidden : (H, B)
            Derivative of something in the hidden states after the last step.

        Returns
        -------
        d_x : (T, D, B)
        """
        layer, d_x = self.layer, np.empty_like(x)
        d_views = {name: np.zeros_like(weights) for name, weights in self.weights.items()}  # not asked for
        for part in chunks(0, x.shape[2], len(x) * self.n_units):
            own = np.ascontiguousarray(x[:, :, part])
            work = layer.work(len(x), own.shape[2], layer.dtype, training=True)
            work.state = np.ascontiguousarray(state[:, :, part])
            layer.forward(self.prepared, own, work)
            d_x[:, :, part] = layer.backward(self.prepared, d_hidden[None, :, part], work, d_views, wants_d_x=True)
        return d_x


class ReservoirRun:
    """A reservoir that reads on: each piece begins in the state in which the one before it ended.

    Parameters
    ----------
    reservoir : Reservoir
    n_sequences : int
        B.

    Attributes
    ----------
    state : (1 + M, H, B)
        After the last step that was read; may be set.
    """

    def __init__(self, reservoir: Reservoir, n_sequences: int):
        self.reservoir, self.n_sequences = reservoir, n_sequences
        self.state = np.zeros((1 + reservoir.layer.cell.n_memory, reservoir.n_units, n_sequences), reservoir.dtype)
        self._n_steps, self._work = 1, self._buffers(1)

    def read(self, x: np.ndarray) -> np.ndarray:
        """Read `x` (T, D, B); return the hidden states (T, H, B), valid until the next call."""
        if self._n_steps != len(x):
            self._n_steps, self._work = len(x), self._buffers(len(x))
        self._work.state = self.state
        states = self.reservoir.layer.forward(self.reservoir.prepared, x, self._work)
        self.state[...] = self._work.last
        return states

    def pieces(self, x: np.ndarray) -> Iterator[tuple[slice, np.ndarray]]:
        """Read `x` (T, D, B) piece by piece; yield which steps come next and their hidden states (T', H, B)."""
        for part in chunks(0, len(x), self.reservoir.n_units * self.n_sequences):
            yield part, self.read(x[part])

    def _buffers(self, n_steps: int) -> Work:
        layer = self.reservoir.layer
        return layer.work(n_steps, self.n_sequences, layer.dtype, training=False)
