"""Losses of distributions as value-and-gradient pairs, with the way from a network's outputs to valid parameters.

Every loss has the signature ``loss(raw, target, d_raw) -> float``: M values in B columns, each of a distribution with P
parameters, *raw* as the network gives them. ``raw`` and ``d_raw`` are (M, P, B), ``target`` is (M, B); only the sum is
returned, as in `rnnforecast.kernels.losses`. Everything is computed in float64: logarithms of small densities and
factorials need its digits.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import numpy as np
from scipy.special import expit, gammaln, ndtri, psi

Array = np.ndarray
Likelihood = Callable[[Array, Array, Array], float]

START = float(np.log(np.expm1(0.5)))  # a scale begins at one half: raw outputs begin at zero
SMALLEST_SCALE = 1e-3  # a density without bound would have no best parameters where a series is constant
SMALLEST_FREEDOM = 2.0  # below, a t distribution has no variance
START_FREEDOM = 5.0
SMALLEST_DISPERSION = 1e-4  # next to a Poisson distribution
LARGEST_LOG_MEAN = 50.0
HALF_LOG_TWO_PI = 0.5 * float(np.log(2.0 * np.pi))


def softplus(x: Array) -> Array:
    """Return log(1 + exp(x)), whose derivative is `scipy.special.expit`."""
    return np.logaddexp(0.0, x)


def gaussian_parameters(raw: Array) -> Array:
    """Return mean and standard deviation, (M, 2, B)."""
    mean, scale = _wide(raw)
    return np.stack([mean, softplus(scale + START) + SMALLEST_SCALE], axis=1)


def gaussian(raw: Array, target: Array, d_raw: Array) -> float:
    """Return the sum of -log of normal densities.

    Parameters
    ----------
    raw : (M, 2, B)
        Mean, and what becomes the standard deviation.
    target : (M, B)
    d_raw : (M, 2, B), filled
        Derivative of the sum.

    Returns
    -------
    float
    """
    mean, scale = _columns(gaussian_parameters(raw))
    z = (target - mean) / scale
    d_raw[:, 0] = -z / scale
    d_raw[:, 1] = (1.0 - z * z) / scale * expit(_wide(raw)[1] + START)
    return float((0.5 * z * z + np.log(scale) + HALF_LOG_TWO_PI).sum())


def student_t_parameters(raw: Array) -> Array:
    """Return location, scale and degrees of freedom, (M, 3, B)."""
    location, scale, freedom = _wide(raw)
    return np.stack(
        [location, softplus(scale + START) + SMALLEST_SCALE, softplus(freedom + START_FREEDOM) + SMALLEST_FREEDOM],
        axis=1,
    )


def student_t(raw: Array, target: Array, d_raw: Array) -> float:
    """Return the sum of -log of densities of Student's t, located and scaled.

    Parameters
    ----------
    raw : (M, 3, B)
        Location, and what becomes scale and degrees of freedom.
    target : (M, B)
    d_raw : (M, 3, B), filled
        Derivative of the sum.

    Returns
    -------
    float
    """
    location, scale, freedom = _columns(student_t_parameters(raw))
    _, raw_scale, raw_freedom = _wide(raw)
    z = (target - location) / scale
    square = z * z
    pull = (freedom + 1.0) / (freedom + square)
    d_raw[:, 0] = -pull * z / scale
    d_raw[:, 1] = (1.0 - pull * square) / scale * expit(raw_scale + START)
    tail = np.log1p(square / freedom)
    d_freedom = psi(freedom / 2.0) - psi((freedom + 1.0) / 2.0) + (1.0 - pull * square) / freedom + tail
    d_raw[:, 2] = 0.5 * d_freedom * expit(raw_freedom + START_FREEDOM)
    norm = gammaln(freedom / 2.0) - gammaln((freedom + 1.0) / 2.0) + 0.5 * np.log(freedom * np.pi) + np.log(scale)
    return float((norm + 0.5 * (freedom + 1.0) * tail).sum())


def poisson_parameters(raw: Array) -> Array:
    """Return the mean, (M, 1, B)."""
    return np.exp(np.clip(raw.astype(np.float64), -LARGEST_LOG_MEAN, LARGEST_LOG_MEAN))


def poisson(raw: Array, target: Array, d_raw: Array) -> float:
    """Return the sum of -log of Poisson probabilities.

    Parameters
    ----------
    raw : (M, 1, B)
        Logarithm of the mean.
    target : (M, B)
        Counts.
    d_raw : (M, 1, B), filled
        Derivative of the sum.

    Returns
    -------
    float
    """
    counts = target.astype(np.float64)
    mean = poisson_parameters(raw)[:, 0]
    d_raw[:, 0] = mean - counts
    return float((mean - counts * np.log(mean) + gammaln(counts + 1.0)).sum())


def negative_binomial_parameters(raw: Array) -> Array:
    """Return mean m and dispersion a, (M, 2, B); the variance is m + a m²."""
    mean, dispersion = _wide(raw)
    return np.stack(
        [
            np.exp(np.clip(mean, -LARGEST_LOG_MEAN, LARGEST_LOG_MEAN)),
            softplus(dispersion + START) + SMALLEST_DISPERSION,
        ],
        axis=1,
    )


def negative_binomial(raw: Array, target: Array, d_raw: Array) -> float:
    """Return the sum of -log of negative binomial probabilities.

    Parameters
    ----------
    raw : (M, 2, B)
        Logarithm of the mean, and what becomes the dispersion.
    target : (M, B)
        Counts.
    d_raw : (M, 2, B), filled
        Derivative of the sum.

    Returns
    -------
    float
    """
    counts = target.astype(np.float64)
    mean, dispersion = _columns(negative_binomial_parameters(raw))
    shape = 1.0 / dispersion
    total = shape + mean
    d_raw[:, 0] = shape * (mean - counts) / total
    d_shape = psi(shape) - psi(counts + shape) - np.log(shape / total) - (mean - counts) / total
    d_raw[:, 1] = -d_shape * shape * shape * expit(_wide(raw)[1] + START)
    choices = gammaln(counts + 1.0) + gammaln(shape) - gammaln(counts + shape)
    return float((choices - shape * np.log(shape / total) - counts * np.log(mean / total)).sum())


def fan_parameters(raw: Array, levels: Array) -> Array:
    """Return quantiles that do not cross: the median, and widths added to it on either side.

    Parameters
    ----------
    raw : (M, P, B)
        The median in its place, and what becomes the width to the next quantile towards it in the others.
    levels : (P,)
        Ascending, 0.5 among them.

    Returns
    -------
    ndarray of shape (M, P, B)
        Ascending along P; at first (raw zero) those of a normal distribution.
    """
    wide, center = raw.astype(np.float64), int(np.searchsorted(levels, 0.5))
    widths = softplus(wide + START) * _steps(levels)[:, None]
    widths[:, center] = wide[:, center]
    widths[:, center + 1 :] = widths[:, center : center + 1] + np.cumsum(widths[:, center + 1 :], axis=1)
    below = np.cumsum(widths[:, :center][:, ::-1], axis=1)[:, ::-1]
    widths[:, :center] = widths[:, center : center + 1] - below
    return widths


def fan(levels: Array) -> Likelihood:
    """Return twice the pinball loss (Koenker and Bassett, 1978) of non-crossing quantiles, averaged over them.

    Parameters
    ----------
    levels : (P,)
        As in `fan_parameters`.
    """
    return partial(_fan, levels=levels)


def _fan(raw: Array, target: Array, d_raw: Array, *, levels: Array) -> float:
    error = target[:, None] - fan_parameters(raw, levels)
    level = levels[:, None]
    d = np.where(error > 0, -level, np.where(error < 0, 1.0 - level, 0.0)) * (2.0 / len(levels))
    center = int(np.searchsorted(levels, 0.5))
    inner = expit(raw.astype(np.float64) + START) * _steps(levels)[:, None]
    d_raw[:, center + 1 :] = np.cumsum(d[:, center + 1 :][:, ::-1], axis=1)[:, ::-1] * inner[:, center + 1 :]
    d_raw[:, :center] = -np.cumsum(d[:, :center], axis=1) * inner[:, :center]
    d_raw[:, center] = d.sum(axis=1)
    return float((2.0 / len(levels)) * np.maximum(level * error, (level - 1.0) * error).sum())


def _steps(levels: Array) -> Array:
    """Return the distance of each level to the next one towards the median on the normal scale, (P,)."""
    z, center = ndtri(levels), int(np.searchsorted(levels, 0.5))
    return np.abs(z - z[np.clip(np.arange(len(z)) + np.sign(center - np.arange(len(z))), 0, len(z) - 1)])


def _wide(raw: Array) -> Array:
    """Return raw outputs as (P, M, B) in float64."""
    return np.moveaxis(raw, 1, 0).astype(np.float64)


def _columns(parameters: Array) -> Array:
    """Return parameters (M, P, B) one after the other."""
    return np.moveaxis(parameters, 1, 0)
