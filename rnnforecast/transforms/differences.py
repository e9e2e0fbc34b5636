"""Differences of functions of the target, and their inverse: sums from the last known values before each origin.

N rows, K target columns, n origins, H steps. An origin is the first row forecast.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from rnnforecast.transforms.pointwise import Identity, Pointwise

_Array = NDArray[np.float64]
_Rows = NDArray[np.int64]


@dataclass(frozen=True)
class Transform:
    """A function of single values, then differences.

    The inverse adds differences up from the last known values before each origin. It is increasing in every forecast.
    Errors and quantiles of the level live on the scale of `pointwise`, where steps have not been added up yet.

    Parameters
    ----------
    pointwise : Identity, Log or BoxCox
    lags : tuple of int
        Differences that are taken, one after the other: 1 of neighbours, s of values a season s apart.
    """

    pointwise: Pointwise = field(default_factory=Identity)
    lags: tuple[int, ...] = ()

    @property
    def n_lost(self) -> int:
        """Number of first rows that have no difference."""
        return sum(self.lags)

    def forward(self, target: _Array, begin: _Rows | None = None) -> _Array:
        """Return transformed values, (N, K).

        Parameters
        ----------
        target : ndarray of shape (N, K)
            In original units. The first `n_lost` differences are taken as if the first value had been there before.
        begin : ndarray of int, shape (N,), optional
            First row of the series that each row belongs to, where there are several; no difference crosses it.

        Raises
        ------
        ValueError
            If a value is outside the domain of `pointwise`.
        """
        values = self.pointwise.forward(target)
        for lag in self.lags:
            values = _difference(values, lag, begin)
        return values

    def inverse(self, forecasts: _Array, target: _Array, origins: _Rows, begin: _Rows | None = None) -> _Array:
        """Return forecasts in original units.

        Parameters
        ----------
        forecasts : ndarray of shape (n, H, K)
            Transformed values from each origin on.
        target : ndarray of shape (N, K)
            In original units; only rows before the origins are read, and none of them without differences.
        origins : ndarray of int, shape (n,)
            First row of each forecast, 1 to N.
        begin : ndarray of int, shape (N,), optional
            As in `forward`; a forecast is of the series of the row before its origin.

        Returns
        -------
        ndarray of shape (n, H, K)
        """
        if self.lags:
            stop = int(origins.max(initial=0))
            begin = np.zeros(stop, np.int64) if begin is None else begin[:stop]
            first = begin[origins - 1][:, None]
            levels = [self.pointwise.forward(target[:stop])]
            for lag in self.lags[:-1]:
                levels.append(_difference(levels[-1], lag, begin))
            for lag, level in zip(self.lags[::-1], levels[::-1], strict=True):
                rows = origins[:, None] - lag + np.arange(min(lag, forecasts.shape[1]))
                forecasts = _added_up(forecasts, lag) + _repeated(level[np.maximum(rows, first)], forecasts.shape[1])
        return self.pointwise.inverse(forecasts)

    def added_up(self, errors: _Array) -> _Array:
        """Return errors (n, H, K) of differences as errors of the levels that they add up to, before `pointwise`."""
        for lag in self.lags[::-1]:
            errors = _added_up(errors, lag)
        return errors

    def observed(
        self,
        observed: NDArray[np.bool_] | None,
        n_rows: int,
        n_columns: int,
        begin: _Rows | None = None,
    ) -> NDArray[np.bool_] | None:
        """Return which transformed values are known, (N, K): differences of known values; None for all.

        Parameters
        ----------
        observed : ndarray of shape (N, K), bool, or None
            Which values were known before.
        n_rows, n_columns : int
            N and K.
        begin : ndarray of int, shape (N,), optional
            As in `forward`.
        """
        if not self.lags:
            return observed
        known = np.ones((n_rows, n_columns), dtype=bool) if observed is None else observed
        for lag in self.lags:
            before = np.arange(n_rows) - lag
            there = before >= (0 if begin is None else begin)
            known = known & known[np.maximum(before, 0)] & there[:, None]
        return known


def _difference(values: _Array, lag: int, begin: _Rows | None) -> _Array:
    """Return ``values[t] - values[t - lag]``, (N, K), as if the first value of a series had been there before."""
    return values - values[np.maximum(np.arange(len(values)) - lag, 0 if begin is None else begin)]


def _added_up(differences: _Array, lag: int) -> _Array:
    """Return sums (n, H, K) of ``differences[:, h]``, ``[:, h - lag]``, ``[:, h - 2 lag]`` and so on."""
    n, horizon, n_columns = differences.shape
    width = min(lag, horizon)
    n_rounds = -(-horizon // width)
    filled = np.zeros((n, n_rounds * width, n_columns))
    filled[:, :horizon] = differences
    return filled.reshape(n, n_rounds, width, n_columns).cumsum(axis=1).reshape(filled.shape)[:, :horizon]


def _repeated(season: _Array, horizon: int) -> _Array:
    """Return the rows (n, width, K) over and over, (n, H, K)."""
    return season[:, np.arange(horizon) % season.shape[1]]
