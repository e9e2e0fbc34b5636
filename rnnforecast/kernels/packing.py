"""Where every weight lies in the order the tiles read it, as index arrays: packing is one `numpy.take`."""

from __future__ import annotations

from typing import Any

import numpy as np

Array = np.ndarray

FEW = 8  # fewer inputs than this: their weights' gradient is made column by column instead of N columns at a time


def up(n: int, multiple: int) -> int:
    """Return n rounded up to a multiple."""
    return -(-n // multiple) * multiple


class Orders:
    """Index arrays of one layer.

    Parameters
    ----------
    k : Kernel
        Gives the sizes of the tiles.
    D, H : int

    Attributes
    ----------
    sizes : (int, int, int)
        Of `weight_input`, `weight_hidden` and `bias`: these, and `zero` behind them, are the source of the orders.
    zero : (1,)
    scale : array of the source's size
        What the activations fold into the weights.
    forward, backward, inputs : index arrays into the source
        As `forward_sums` reads them; as `backward_sums` reads the hidden and the inputs' part.
    gradient : index array into the packed gradient
        Of every number of the source but the last.
    n_gradient : int
        Size of the packed gradient.
    n_wide, n_input_rows : int
        Inputs whose weights' gradient is made N columns at a time (D or 0); rows of inputs and ones in a panel.
    """

    def __init__(self, k: Any, D: int, H: int):
        self.sizes = (k.GX * H * D, k.GH * H * H, k.G * H)
        self.n_wide = D if D >= FEW else 0
        self.n_input_rows = (up(D, k.N) if self.n_wide else D) + 1
        self.zero = np.zeros(1, k.dtype)
        n = sum(self.sizes)
        source = np.split(np.arange(n), np.cumsum(self.sizes)[:2])
        x, h, bias = source[0].reshape(k.GX, H, D), source[1].reshape(k.GH, H, H), source[2].reshape(k.G, H, 1)

        scales = [np.full(H, gate.activation.scale) for gate in k.cell.gates]
        per_part = [np.repeat(scales[r], columns) for part, columns in (("x", D), ("h", H)) for r in k.parts[part]]
        self.scale = np.concatenate([*per_part, *scales, [1.0]]).astype(k.dtype)

        self.forward = np.concatenate([_tiles(part, k.U, n) for part in (bias, x, h)], axis=1).ravel()
        self.backward, self.inputs = (_transposed(part, k.R, n) for part in (h, x))

        places, self.n_gradient = [], 0
        for n_gates, columns in ((k.GH, H), (k.GX, self.n_wide)):
            shape = (up(columns, k.N) // k.N, up(H, k.U) // k.U, k.U, n_gates, k.N)
            block = self._next(shape).transpose(3, 1, 2, 0, 4)
            places.append(block.reshape(n_gates, shape[1] * k.U, shape[0] * k.N)[:, :H, :columns])
        columns = 1 if self.n_wide else D + 1
        block = self._next((up(H, k.U) // k.U, columns, up(k.U * k.G, k.N)))[:, :, : k.U * k.G]
        dots = (
            block.reshape(len(block), columns, k.U, k.G)
            .transpose(3, 0, 2, 1)
            .reshape(k.G, len(block) * k.U, columns)[:, :H]
        )
        few = places[1] if self.n_wide else dots[k.parts["x"], :, :D]
        self.gradient = np.concatenate([few.ravel(), places[0].ravel(), dots[:, :, -1].ravel()])

    def _next(self, shape: tuple[int, ...]) -> Array:
        """Indices of the next numbers of the packed gradient."""
        n = int(np.prod(shape))
        self.n_gradient += n
        return np.arange(self.n_gradient - n, self.n_gradient).reshape(shape)


def _tiles(part: Array, n_units: int, nothing: int) -> Array:
    """Order (gates, units, columns) as tiles of units, in each (column, unit, gate)."""
    n_gates, units, columns = part.shape
    n_tiles = up(units, n_units) // n_units
    padded = np.pad(part, ((0, 0), (0, -units % n_units), (0, 0)), constant_values=nothing)
    tiles = padded.reshape(n_gates, n_tiles, n_units, columns).transpose(1, 3, 2, 0)
    return tiles.reshape(n_tiles, columns * n_units * n_gates)


def _transposed(part: Array, n_rows: int, nothing: int) -> Array:
    """Order (gates, units, columns) as tiles of columns, in each (unit, gate, column)."""
    n_gates, units, columns = part.shape
    padded = np.pad(part, ((0, 0), (0, 0), (0, -columns % n_rows)), constant_values=nothing)
    return padded.reshape(n_gates, units, up(columns, n_rows) // n_rows, n_rows).transpose(2, 1, 0, 3).ravel()
