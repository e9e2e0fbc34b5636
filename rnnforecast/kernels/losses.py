"""Losses as value-and-gradient pairs: one function returns the sum and fills the derivative.

Every loss has the signature ``loss(forecast, target, d_forecast) -> float`` with three arrays of one shape (..., B).
Only the sum is returned: its number of terms is known to the caller, who may have cut a minibatch into shards.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import numpy as np

Array = np.ndarray
Loss = Callable[[Array, Array, Array], float]


def squared_error(forecast: Array, target: Array, d_forecast: Array) -> float:
    """Return the sum of (forecast - target)².

    Parameters
    ----------
    forecast, target : (..., B)
    d_forecast : (..., B), filled
        Derivative of the sum in `forecast`.

    Returns
    -------
    float
        The sum, accumulated in float64.
    """
    np.subtract(forecast, target, out=d_forecast)
    # Squared in float64: a large but finite error must not overflow to an infinite float32 loss.
    total = np.square(d_forecast, dtype=np.float64).sum()
    d_forecast *= 2.0
    return float(total)


def absolute_error(forecast: Array, target: Array, d_forecast: Array) -> float:
    """Return the sum of |forecast - target|; the derivative where they are equal is 0.

    Parameters
    ----------
    forecast, target : (..., B)
    d_forecast : (..., B), filled
        Derivative of the sum in `forecast`.

    Returns
    -------
    float
        The sum, accumulated in float64.
    """
    np.subtract(forecast, target, out=d_forecast)
    total = np.abs(d_forecast).sum(dtype=np.float64)
    np.sign(d_forecast, out=d_forecast)
    return float(total)


def huber(delta: float = 1.0) -> Loss:
    """Return the loss that is e²/2 for errors |e| <= delta and delta (|e| - delta/2) beyond (Huber, 1964).

    Parameters
    ----------
    delta : float
        Where the parabola turns into its tangent, in the target's units.

    Raises
    ------
    ValueError
        If `delta` is not a positive number.
    """
    if not 0.0 < delta < np.inf:
        raise ValueError(f"delta must be a positive number, got {delta!r}")
    return partial(_huber, delta=float(delta))


def _huber(forecast: Array, target: Array, d_forecast: Array, *, delta: float) -> float:
    error = np.subtract(forecast, target)
    np.clip(error, -delta, delta, out=d_forecast)
    # With d the clipped error, d (e - d/2) is the value on both branches.
    error -= 0.5 * d_forecast
    return float(np.multiply(error, d_forecast, dtype=np.float64).sum())


def quantile(level: float = 0.5) -> Loss:
    """Return the pinball loss, whose minimiser is the `level` quantile of the target (Koenker and Bassett, 1978).

    Parameters
    ----------
    level : float
        Between 0 and 1, both excluded. A target above the forecast costs ``level`` per unit, one below ``1 - level``.

    Raises
    ------
    ValueError
        If `level` is not inside (0, 1).
    """
    if not 0.0 < level < 1.0:
        raise ValueError(f"level must be between 0 and 1, both excluded, got {level!r}")
    return partial(_quantile, level=float(level))


def _quantile(forecast: Array, target: Array, d_forecast: Array, *, level: float) -> float:
    error = np.subtract(forecast, target)
    # With s = sign(e), s/2 + (1/2 - level) s² is 1 - level above the target, -level below, 0 on it, and keeps a NaN.
    sign = np.sign(error)
    np.multiply(sign, 0.5 + (0.5 - level) * sign, out=d_forecast)
    return float(np.multiply(error, d_forecast, dtype=np.float64).sum())


def binary_cross_entropy(forecast: Array, target: Array, d_forecast: Array) -> float:
    """Return the sum of -log of the probability of the true one of two classes.

    Parameters
    ----------
    forecast : (..., B)
        Logits of the positive class.
    target : (..., B)
        Positive where that class is true, negative where the other is; its size is the term's weight, and 0 costs
        nothing.
    d_forecast : (..., B), filled
        Derivative of the sum in `forecast`.

    Returns
    -------
    float
        The sum, accumulated in float64; finite for finite logits of any size.
    """
    margin = np.where(target < 0, -forecast, forecast)  # positive where the sign is right
    # With e <= 1, log(1 + exp(-m)) = max(-m, 0) + log(1 + e) cannot overflow, nor can the slope made of e.
    e = np.exp(-np.abs(margin))
    np.divide(np.where(margin >= 0, e, 1.0), 1.0 + e, out=d_forecast)
    d_forecast *= -target
    cost = np.log1p(e) + np.maximum(-margin, 0.0)
    return float(np.multiply(np.abs(target), cost, dtype=np.float64).sum())


def cross_entropy(forecast: Array, target: Array, d_forecast: Array) -> float:
    """Return the sum of -log of the probability of the true one of C classes.

    Parameters
    ----------
    forecast : (..., C, B)
        Logits, up to a number added to all C of a term.
    target : (..., C, B)
        The term's weight at the true class, 0 at the others; a term of zeros costs nothing.
    d_forecast : (..., C, B), filled
        Derivative of the sum in `forecast`.

    Returns
    -------
    float
        The sum, accumulated in float64; finite where the differences between a term's logits are.
    """
    shifted = forecast - forecast.max(axis=-2, keepdims=True)
    e = np.exp(shifted)
    total = e.sum(axis=-2, keepdims=True)
    weight = target.sum(axis=-2, keepdims=True)
    np.multiply(e, weight / total, out=d_forecast)
    d_forecast -= target
    normaliser = np.multiply(weight, np.log(total), dtype=np.float64).sum()
    return float(normaliser - np.multiply(target, shifted, dtype=np.float64).sum())


LOSSES: dict[str, Loss] = {
    "squared_error": squared_error,
    "absolute_error": absolute_error,
    "huber": huber(),
    "quantile": quantile(),
}
"""Losses by name; `huber` and `quantile` stand there with their default parameter."""
