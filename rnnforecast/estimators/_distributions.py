"""Forecasters whose network forecasts a distribution: what it goes with, and how the distribution is read.

n origins, H steps, K target columns, P parameters, Q scores of each value.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from numbers import Real
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr, ndtri, stdtr, stdtrit
from scipy.stats import nbinom, poisson
from sklearn.utils._param_validation import InvalidParameterError

from rnnforecast.estimators._predictive import Predictive
from rnnforecast.network.heads import COUNTS, LIKELIHOODS, Head
from rnnforecast.series import Series
from rnnforecast.transforms import steps_of

_Array = NDArray[np.float64]

DISTRIBUTIONS = ("quantile", *LIKELIHOODS)
_FURTHEST = 8.0  # standard deviations of a normal distribution; its tails have no digits beyond
_SMALLEST_STEP = 1e-12  # between quantiles that rounding has made one


def check_distribution(forecaster: Any) -> None:
    """Refuse parameters that do not go with a distribution, before any work."""
    loss = forecaster.loss
    for value in forecaster.quantiles:
        if isinstance(value, bool) or not isinstance(value, Real) or not 0.0 < float(value) < 1.0:
            raise InvalidParameterError(f"quantiles must hold probabilities between 0 and 1, got {value!r}")
    if loss not in DISTRIBUTIONS:
        return
    if not {*forecaster.quantiles} - {0.5}:
        raise InvalidParameterError("quantiles must hold probabilities besides the median, which is always forecast")
    if forecaster.decoder not in ("direct", "parallel") or forecaster.forking_sequences:
        which = "forking_sequences=True" if forecaster.forking_sequences else f'decoder="{forecaster.decoder}"'
        raise InvalidParameterError(
            f'loss="{loss}" forecasts several numbers for each value, which {which} cannot hand on: '
            'use decoder="direct" or "parallel" without forking_sequences'
        )
    if forecaster.missing == "mask":
        raise InvalidParameterError(
            f'loss="{loss}" cannot leave missing values out, as missing="mask" asks: use missing="interpolate", or '
            "another loss, around whose forecasts intervals are calibrated as well"
        )
    transform = forecaster.target_transform
    if {"difference", "seasonal_difference"}.intersection(steps_of(transform)):
        raise InvalidParameterError(
            f'loss="{loss}" forecasts the distribution of each step, and those of differences do not add up, got '
            f'target_transform={transform!r}: use "log", "boxcox" or None, or another loss, around whose forecasts '
            "intervals are calibrated as well"
        )
    if loss in COUNTS:
        allowed = {"blend": ("auto", None), "target_transform": ("auto", None)}
        for name, values in allowed.items():
            if (value := getattr(forecaster, name)) not in values:
                raise InvalidParameterError(
                    f'loss="{loss}" forecasts counts as they are and cannot be combined with {name}={value!r}: '
                    f"use {name}=None"
                )


def require_counts(series: Series, loss: str) -> None:
    """Refuse a target that holds no counts; where holes were filled in, fractions between them are as good.

    Raises
    ------
    ValueError
        The first value that is negative or a fraction, with its label and column.
    """
    wrong = series.target < 0
    if series.missing == "error":
        wrong |= series.target != np.round(series.target)
    if wrong.any():
        row, column = np.argwhere(wrong)[0]
        name, where = series.target_names[column], f"{series.clock.labels[series.spans.clock_rows()[row]]}"
        owner = np.searchsorted(series.spans.stops, row, side="right")
        where += "" if series.ids is None else f" of the series {series.ids[owner]!r}"
        where += "" if name is None else f", column {name}"
        raise ValueError(
            f'loss="{loss}" needs counts, whole numbers from 0 on, got {series.target[row, column]:g} ({where}); '
            'round the target, or use loss="gaussian" or "student_t"'
        )


def predictive(head: Head, parameters: _Array, point: _Array, scale: Any) -> Predictive:
    """Return the distributions around a forecast.

    Parameters
    ----------
    head : Head
    parameters : ndarray of shape (n, H, K, P)
        Of the transformed target.
    point : ndarray of shape (n, H, K)
        The forecast in original units; the distributions are moved to it, but those of counts.
    scale : Pointwise
        The transform.
    """
    if head.name == "negative_binomial":
        shape = 1.0 / parameters[..., 1]
        return Counts(point, nbinom(shape, shape / (shape + parameters[..., 0])))
    if head.name == "poisson":
        return Counts(point, poisson(parameters[..., 0]))
    shift = scale.forward(point) - parameters[..., head.point]
    if head.name == "quantile":
        return Fan(point, scale, parameters + shift[..., None], np.array(head.levels))
    location, width = parameters[..., 0] + shift, parameters[..., 1]
    if head.name == "gaussian":
        return LocationScale(point, scale, location, width, _same, _same)
    freedom = parameters[..., 2]
    return LocationScale(point, scale, location, width, lambda x: _normal(freedom, x), lambda z: _student(freedom, z))


@dataclass(frozen=True)
class LocationScale:
    """A symmetric distribution of the transformed target; scores are those of a normal one.

    Parameters
    ----------
    point : ndarray of shape (n, H, K)
    transform : Pointwise
    location, width : ndarray of shape (n, H, K)
    to_normal, from_normal : callable
        From standardised values to normal scores of the same probability, and back.
    """

    point: _Array
    transform: Any
    location: _Array
    width: _Array
    to_normal: Callable[[_Array], _Array]
    from_normal: Callable[[_Array], _Array]

    def scores(self, actual: _Array) -> _Array:
        """Return normal scores, (n, H, K)."""
        return _known(
            actual, self.point, lambda y: self.to_normal((self.transform.forward(y) - self.location) / self.width)
        )

    def values(self, scores: _Array) -> _Array:
        """Return values (Q, n, H, K)."""
        return self.transform.inverse(self.location + self.width * self.from_normal(scores))


@dataclass(frozen=True)
class Fan:
    """Quantiles of the transformed target; scores are normal at them, straight lines between and beyond.

    An interval that is calibrated in these scores is conformalised quantile regression (Romano, Patterson and Candès,
    2019) in the scaled form of Kivaranovic, Johnson and Leeb (2020), which cannot make quantiles cross.

    Parameters
    ----------
    point : ndarray of shape (n, H, K)
    transform : Pointwise
    quantiles : ndarray of shape (n, H, K, P)
        Ascending.
    levels : ndarray of shape (P,)
        Their probabilities.
    """

    point: _Array
    transform: Any
    quantiles: _Array
    levels: _Array

    def scores(self, actual: _Array) -> _Array:
        """Return normal scores, (n, H, K)."""
        return _known(actual, self.point, self._score)

    def _score(self, actual: _Array) -> _Array:
        values, z = self.transform.forward(actual), ndtri(self.levels)
        which = (values[..., None] > self.quantiles[..., 1:-1]).sum(axis=-1)
        low, high = self._pair(which)
        return z[which] + (values - low) / np.maximum(high - low, _SMALLEST_STEP) * (z[which + 1] - z[which])

    def values(self, scores: _Array) -> _Array:
        """Return values (Q, n, H, K)."""
        z = ndtri(self.levels)
        scores = np.broadcast_to(scores, (len(scores), *self.point.shape))
        which = (scores[..., None] > z[1:-1]).sum(axis=-1)
        low, high = self._pair(which)
        return self.transform.inverse(low + (scores - z[which]) / (z[which + 1] - z[which]) * (high - low))

    def _pair(self, which: NDArray[np.int64]) -> tuple[_Array, _Array]:
        """Return the quantiles number `which` (..., n, H, K) and those after them."""
        table = np.broadcast_to(self.quantiles, (*which.shape, len(self.levels)))
        low, high = (np.take_along_axis(table, which[..., None] + k, axis=-1)[..., 0] for k in (0, 1))
        return low, high


@dataclass(frozen=True)
class Counts:
    """A distribution of counts; the score of a count is that of the middle of its step of the distribution function.

    Parameters
    ----------
    point : ndarray of shape (n, H, K)
        Means.
    law : frozen distribution of scipy.stats
        Of shape (n, H, K).
    """

    point: _Array
    law: Any

    def scores(self, actual: _Array) -> _Array:
        """Return normal scores, (n, H, K)."""
        return _known(actual, self.point, self._score)

    def _score(self, actual: _Array) -> _Array:
        half = 0.5 * self.law.pmf(actual)
        below, above = self.law.cdf(actual - 1.0) + half, self.law.sf(actual) + half
        # Of the two tails the smaller one has the digits.
        return np.clip(np.where(below < 0.5, ndtri(below), -ndtri(above)), -_FURTHEST, _FURTHEST)

    def values(self, scores: _Array) -> _Array:
        """Return counts (Q, n, H, K)."""
        z = np.clip(scores, -_FURTHEST, _FURTHEST)
        return np.where(z < 0, self.law.ppf(ndtr(z)), self.law.isf(ndtr(-z)))


def _known(actual: _Array, filling: _Array, score: Callable[[_Array], _Array]) -> _Array:
    """Return scores of what is known; NaN where it is not."""
    known = ~np.isnan(actual)
    return np.where(known, score(np.where(known, actual, filling)), np.nan)


def _same(values: _Array) -> _Array:
    return values


def _normal(freedom: _Array, x: _Array) -> _Array:
    """Return normal scores of the probabilities that values `x` of Student's distribution have."""
    return np.sign(x) * np.minimum(-ndtri(stdtr(freedom, -np.abs(x))), _FURTHEST)


def _student(freedom: _Array, z: _Array) -> _Array:
    """Return values of Student's distribution that have the probabilities of normal scores `z`."""
    return np.sign(z) * -stdtrit(freedom, ndtr(-np.minimum(np.abs(z), _FURTHEST)))
