"""How far past forecasts were off, and what that says about the next ones: split-conformal prediction.

n past origins, S steps seen, H steps asked, K target columns, Q probabilities. A *score* is the signed distance of a
true value from its forecast, in units in which the distances of one step are alike; NaN where the truth is not known.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr, ndtri

_Array = NDArray[np.float64]

FEWEST = 20  # scores that make a distribution; a step that has fewer borrows those of the steps beside it
_MEMORY = 100  # rows over which adaptive weights fall to a third (Barber et al., 2023, use the factor 0.99 a row) ...
_MEMORY_HORIZONS = 10  # ... or so many times the steps, whichever is more
_DRAWN_AT_ONCE = 8192  # samples; bounds the memory of those of many series


@dataclass(frozen=True)
class Scores:
    """Scores of past forecasts.

    Intervals are symmetric in the score: those of both signs say how wide they must be, as the mean error of a
    held-out stretch is a poor guide to that of the next one. Sizes are finite-sample corrected as in split-conformal
    prediction (Vovk et al., 2005; Lei et al., 2018), by ``(n + 1) / n``. Errors h steps ahead of consecutive origins
    overlap; n of them count as ``n / sqrt(h)``.

    Parameters
    ----------
    values : ndarray of shape (n, S, K)
        Origins in the order of time; every column has a score at least.
    stride : int
        Rows from one origin to the next.
    adaptive : bool
        Old scores count less, exponentially, which follows a drift (Barber, Candès, Ramdas and Tibshirani, 2023).
    times : ndarray of shape (n,), int64, optional
        Rows of the clock they belong to, where they do not follow each other by the stride: those of several series.
    """

    values: _Array
    stride: int = 1
    adaptive: bool = False
    times: NDArray[np.int64] | None = None

    def quantiles(self, probabilities: _Array, horizon: int) -> _Array:
        """Return the scores that are not exceeded with given probabilities.

        Parameters
        ----------
        probabilities : ndarray of shape (Q,) or (Q, H, K)
            Between 0 and 1; at .5 the score is 0, whatever the data.
        horizon : int
            H; steps ahead whose errors nobody has seen get those of a random walk that goes on from the last one seen.

        Returns
        -------
        ndarray of shape (Q, H, K)
            Ascending with the probability; the largest size seen, where the scores are too few to say more.
        """
        _, S, K = self.values.shape
        if probabilities.ndim == 1:
            probabilities = probabilities[:, None, None]
        central = np.broadcast_to(2.0 * probabilities - 1.0, (len(probabilities), horizon, K))
        sizes, weights, known = np.empty(central.shape), self._weights(), ~np.isnan(self.values)
        for ahead in range(horizon):
            step = min(ahead, S - 1)
            if ahead >= S and central.strides[1] == 0:  # the same probability, so all have been computed
                sizes[:, ahead] = sizes[:, step]
                continue
            for column in range(K):
                beside = self._beside(known[..., column], step)
                told = known[:, step, column]
                own = weights[told if told.any() else known[:, beside, column].any(axis=1)]
                count = own.sum() ** 2 / (own**2).sum()
                independent = max(1.0, min(count, count * self.stride / np.sqrt(step + 1)))
                share = np.abs(central[:, ahead, column]) * (1.0 + 1.0 / independent)
                sizes[:, ahead, column] = _sizes(np.abs(self.values[:, beside, column]), weights, share)
        growth = np.sqrt(np.maximum(np.arange(1, horizon + 1), S) / S)
        return np.sign(central) * sizes * growth[:, None]

    def draw(self, n_samples: int, horizon: int, rng: np.random.RandomState) -> _Array:
        """Draw probabilities that depend on each other as the scores of one origin do: a Gaussian copula.

        A sum of the origins' normal scores with random normal weights has their correlations exactly, however many
        steps there are.

        Parameters
        ----------
        n_samples, horizon : int
        rng : RandomState

        Returns
        -------
        ndarray of shape (n_samples, H, K)
            Each uniform between 0 and 1.
        """
        n, S, K = self.values.shape
        values = self.values.reshape(n, S * K)
        known = ~np.isnan(values)
        ranks = values.argsort(axis=0).argsort(axis=0)  # NaN last
        normal = np.where(known, ndtri((ranks + 0.5) / np.maximum(known.sum(axis=0), 1)), 0.0)
        normal *= np.sqrt(self._weights())[:, None]
        length = np.sqrt((normal**2).sum(axis=0))
        single = length == 0.0  # one origin shows no dependence
        normal /= np.where(single, 1.0, length)
        drawn = np.empty((n_samples, S * K))
        for start in range(0, n_samples, _DRAWN_AT_ONCE):
            part = drawn[start : start + _DRAWN_AT_ONCE]
            part[:] = rng.standard_normal((len(part), n)) @ normal
        drawn[:, single] = rng.standard_normal((n_samples, int(single.sum())))
        return ndtr(drawn.reshape(n_samples, S, K)[:, np.minimum(np.arange(horizon), S - 1)])

    @staticmethod
    def _beside(known: NDArray[np.bool_], step: int) -> slice:
        """Return the steps whose scores, of which `known` (n, S) are there, speak for a step."""
        n_own = int(known[:, step].sum())
        beside = 0 if n_own >= FEWEST else -(-FEWEST // max(n_own, 1)) // 2
        while not known[:, max(step - beside, 0) : step + beside + 1].any():  # a hole may be long
            beside *= 2
        return slice(max(step - beside, 0), step + beside + 1)

    def _weights(self) -> _Array:
        """Return the weight of each origin, (n,)."""
        n, S, _ = self.values.shape
        if not self.adaptive:
            return np.ones(n)
        ages = np.arange(1 - n, 1) * self.stride if self.times is None else self.times - self.times.max()
        return np.exp(ages / max(_MEMORY, _MEMORY_HORIZONS * S))


def _sizes(sizes: _Array, weights: _Array, shares: _Array) -> _Array:
    """Return the (Q,) sizes within which `shares` (Q,) of the absolute scores (n, steps) lie."""
    known = ~np.isnan(sizes)
    weight = np.broadcast_to(weights[:, None], sizes.shape)[known]
    order = np.argsort(sizes[known])
    reached = np.cumsum(weight[order])
    return np.interp(shares, np.append(0.0, reached / reached[-1]), np.append(0.0, sizes[known][order]))
