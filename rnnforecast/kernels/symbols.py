"""Symbols, numbered from 0: rows of a table picked and their derivatives, and the softmax over all of them.

Legend: **T** steps, **B** sequences, **V** symbols, **E** rows of an embedding; arrays are (T, E, B), `symbols` are
integers (T, B) below V.
"""

from __future__ import annotations

import numpy as np

Array = np.ndarray


def embed(table: Array, symbols: Array, out: Array) -> None:
    """Pick a row of the table for every symbol.

    Parameters
    ----------
    table : (V, E)
    symbols : (T, B) int
    out : (T, E, B), filled
    """
    out[...] = table[symbols].transpose(0, 2, 1)


def d_embed(d_out: Array, symbols: Array, d_table: Array) -> None:
    """Add the derivative in each picked row to that of the table.

    Parameters
    ----------
    d_out : (T, E, B)
    symbols : (T, B) int
    d_table : (V, E), added to
    """
    # Sorted, equal symbols are neighbours, summed in one pass: np.add.at is many times slower, and a product with
    # one-hot columns costs V times the work.
    flat = symbols.ravel()
    order = np.argsort(flat, kind="stable")
    ordered = flat[order]
    firsts = np.flatnonzero(np.diff(ordered, prepend=-1))
    rows = d_out.transpose(0, 2, 1).reshape(len(flat), -1)[order]
    d_table[ordered[firsts]] += np.add.reduceat(rows, firsts, axis=0)


def symbol_cross_entropy(logits: Array, symbols: Array, d_logits: Array) -> float:
    """Return the sum of -log of the softmax probability of the true symbols.

    The same loss as `rnnforecast.kernels.losses.cross_entropy`, for which the truth would be V times as large.

    Parameters
    ----------
    logits : (T, V, B)
    symbols : (T, B) int
    d_logits : (T, V, B), filled
        Derivative of the sum in `logits`; may be `logits`.

    Returns
    -------
    float
        In nats, accumulated in float64; finite where the differences between a step's logits are.
    """
    np.subtract(logits, logits.max(axis=1, keepdims=True), out=d_logits)
    chosen = symbols[:, None]
    true = np.take_along_axis(d_logits, chosen, axis=1)
    np.exp(d_logits, out=d_logits)
    total = d_logits.sum(axis=1, keepdims=True)
    d_logits /= total
    np.put_along_axis(d_logits, chosen, np.take_along_axis(d_logits, chosen, axis=1) - 1, axis=1)
    return float(np.subtract(np.log(total), true, dtype=np.float64).sum())


def log_probability(logits: Array, symbols: Array) -> Array:
    """Return the logarithm of the softmax probability of each symbol.

    Parameters
    ----------
    logits : (T, V, B)
    symbols : (T, B) int

    Returns
    -------
    (T, B) float64
    """
    wide = logits.astype(np.float64)
    wide -= wide.max(axis=1, keepdims=True)
    return np.take_along_axis(wide, symbols[:, None], axis=1)[:, 0] - np.log(np.exp(wide).sum(axis=1))
