"""Measures of forecasts that are distributions: quantiles, samples and intervals."""

from __future__ import annotations

from collections.abc import Sequence
from numbers import Real
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from rnnforecast.metrics._arguments import interval, members, pair

__all__ = ["coverage", "crps_quantiles", "crps_sample", "interval_score", "pinball_loss"]

_Array = NDArray[np.float64]


def pinball_loss(y_true: ArrayLike, y_pred: ArrayLike, *, quantile: float = 0.5) -> float:
    """Pinball (quantile) loss, ``mean max(q (y - f), (q - 1) (y - f))`` (Koenker and Bassett, 1978).

    Parameters
    ----------
    y_true, y_pred : array-like of shape (n,) or (n, K)
        Truth and forecast quantile.
    quantile : float in (0, 1), default=0.5
        Level of the quantile; at .5 the loss is half the absolute error.

    Returns
    -------
    float

    Examples
    --------
    >>> from rnnforecast.metrics import pinball_loss
    >>> [round(pinball_loss([10], [8], quantile=q), 2) for q in (0.1, 0.5, 0.9)]
    [0.2, 1.0, 1.8]
    """
    truth, forecast = pair(y_true, y_pred)
    return float(pinball(truth, forecast, _level("quantile", quantile)).mean())


def crps_quantiles(y_true: ArrayLike, y_quantiles: ArrayLike, quantiles: Sequence[float]) -> float:
    """Continuous ranked probability score from quantiles: twice their mean pinball loss (Laio and Tamea, 2007).

    Exact in the limit of many evenly spaced levels.

    Parameters
    ----------
    y_true : array-like of shape (n,) or (n, K)
        Truth.
    y_quantiles : array-like of shape (n, Q) or (n, K, Q)
        Forecast quantiles, last axis in the order of ``quantiles``.
    quantiles : sequence of float in (0, 1), length Q
        Their levels.

    Returns
    -------
    float
        In the units of the data.

    Raises
    ------
    ValueError
        If there are not as many forecasts as levels, or a level is not between 0 and 1.

    Examples
    --------
    >>> from rnnforecast.metrics import crps_quantiles
    >>> round(crps_quantiles([10], [[8, 10, 13]], [0.1, 0.5, 0.9]), 3)  # 2 (0.2 + 0 + 0.3) / 3
    0.333
    """
    levels = np.array([_level("quantiles", level) for level in quantiles])
    truth, forecast = members(y_true, y_quantiles, "y_quantiles")
    if forecast.shape[-1] != len(levels):
        raise ValueError(
            f"y_quantiles has {forecast.shape[-1]} values on its last axis, but there are {len(levels)} quantiles"
        )
    return 2 * float(pinball(truth[..., None], forecast, levels).mean())


def crps_sample(y_true: ArrayLike, y_samples: ArrayLike) -> float:
    """Continuous ranked probability score of an ensemble, ``E|X - y| - E|X - X'| / 2``.

    The exact score of the empirical distribution of the members (Gneiting and Raftery, 2007, eq. 21), by sorting them.

    Parameters
    ----------
    y_true : array-like of shape (n,) or (n, K)
        Truth.
    y_samples : array-like of shape (n, S) or (n, K, S)
        Members of the ensemble on the last axis.

    Returns
    -------
    float
        In the units of the data; the absolute error for one member.

    Examples
    --------
    >>> from rnnforecast.metrics import crps_sample
    >>> crps_sample([3], [[1, 4]])  # 3 / 2 - 3 / 4
    0.75
    """
    truth, samples = members(y_true, y_samples, "y_samples")
    n_samples = samples.shape[-1]
    distance = np.abs(samples - truth[..., None]).mean(axis=-1)
    # Sum over pairs of |x_i - x_j|: the k-th smallest of S is the larger k - 1 times and the smaller S - k times.
    centred = np.sort(samples, axis=-1) - truth[..., None]  # small numbers: the weights then lose no digits
    spread = centred @ (2 * np.arange(1, n_samples + 1) - n_samples - 1) / n_samples**2
    return float((distance - spread).mean())


def interval_score(y_true: ArrayLike, y_lower: ArrayLike, y_upper: ArrayLike, *, level: float = 95) -> float:
    """Interval (Winkler) score, the width plus ``2 / alpha`` times the distance of the truth from the interval.

    Gneiting and Raftery (2007), eq. 43.

    Parameters
    ----------
    y_true, y_lower, y_upper : array-like of shape (n,) or (n, K)
        Truth and the ends of the central interval.
    level : float in (0, 100), default=95
        Nominal coverage in per cent; ``alpha = 1 - level / 100``.

    Returns
    -------
    float
        In the units of the data; smaller is better.

    Raises
    ------
    ValueError
        If the level is no percentage between 0 and 100.

    Examples
    --------
    >>> from rnnforecast.metrics import interval_score
    >>> round(interval_score([5, 12], [0, 0], [10, 10], level=80), 2)  # 10 inside, 10 + 2 * 10 outside
    20.0
    """
    truth, lower, upper = interval(y_true, y_lower, y_upper)
    if isinstance(level, bool | np.bool_) or not isinstance(level, Real) or not 0 < level < 100:
        raise ValueError(f"level must be a percentage between 0 and 100, both excluded, got {level!r}")
    return float(interval_scores(truth, lower, upper, level).mean())


def coverage(y_true: ArrayLike, y_lower: ArrayLike, y_upper: ArrayLike) -> float:
    """Share of truths inside their closed interval, the empirical coverage.

    Parameters
    ----------
    y_true, y_lower, y_upper : array-like of shape (n,) or (n, K)
        Truth and the ends of the interval.

    Returns
    -------
    float
        0 to 1; for a calibrated interval the nominal level.

    Examples
    --------
    >>> from rnnforecast.metrics import coverage
    >>> coverage([5, 12], [0, 0], [10, 10])
    0.5
    """
    truth, lower, upper = interval(y_true, y_lower, y_upper)
    return float(((lower <= truth) & (truth <= upper)).mean())


def pinball(truth: _Array, forecast: _Array, levels: Any) -> _Array:
    """Return the pinball loss of each value; the arguments broadcast."""
    error = truth - forecast
    return np.maximum(levels * error, (levels - 1) * error)


def interval_scores(truth: _Array, lower: _Array, upper: _Array, level: float) -> _Array:
    """Return the interval score of each value, all of one shape."""
    outside = np.maximum(lower - truth, 0) + np.maximum(truth - upper, 0)
    return upper - lower + 2 / (1 - level / 100) * outside


def _level(name: str, value: float) -> float:
    if isinstance(value, bool | np.bool_) or not isinstance(value, Real) or not 0 < value < 1:
        raise ValueError(f"{name} must lie between 0 and 1, both excluded, got {value!r}")
    return float(value)
