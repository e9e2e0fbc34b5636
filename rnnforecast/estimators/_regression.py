"""Ridge regression of a horizon on the past in closed form: the regressors, their normal equations, cross-validation.

n windows, D regressors, H steps, L lags, F and P covariates known ahead and not, K target columns.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from rnnforecast.estimators._recipe import Recipe, base_columns, futures, windows
from rnnforecast.estimators._reservoir import Echo
from rnnforecast.network.readout import NormalEquations, chunks
from rnnforecast.scaling import Scaler

_Array = NDArray[np.float64]

_PENALTIES = (1e-5, 1e-4, 1e-3, 1e-2, 1e-1, 1.0, 10.0)
_SMALL_SAMPLE_PENALTY = 1e-2
_SMALL_SAMPLE = 200  # below this many windows cross-validation cannot tell penalties of lags apart
_FEWEST_WINDOWS = 8
_N_FOLDS = 5
_HANDICAP = 1.01  # of every regression against the base: no signal must give exactly the base
_SMALLEST_PENALTY = 1e-11  # keeps the Cholesky factor of collinear lags finite where alpha=0


@dataclass(frozen=True)
class Design:
    """The regressors of one origin, in nested order: states of a reservoir, lags, covariates known up to each step.

    Step h may use the first ``n_common + (h + 1) F`` columns, so a covariate of a later step never changes an earlier
    forecast.

    Parameters
    ----------
    lookback, horizon, n_recent : int
        Lags of the target, steps, and rows of covariates before the origin.
    known_scaler, past_scaler : Scaler
        Of the covariates' columns.
    n_states : int
        Units of a reservoir that has read all rows before the origin.
    """

    lookback: int
    horizon: int
    n_recent: int
    known_scaler: Scaler
    past_scaler: Scaler
    n_states: int = 0

    @property
    def n_common(self) -> int:
        """Columns that all steps may use."""
        n_covariates = len(self.known_scaler.scale) + len(self.past_scaler.scale)
        return self.n_states + self.lookback + self.n_recent * n_covariates

    @property
    def n_columns(self) -> int:
        """D."""
        return self.n_common + self.horizon * len(self.known_scaler.scale)

    def usable(self) -> NDArray[np.bool_]:
        """Return which column, (D, H), may be used at which step."""
        n_usable = self.n_common + len(self.known_scaler.scale) * np.arange(1, self.horizon + 1)
        return np.arange(self.n_columns)[:, None] < n_usable

    def penalty(self, sums: NormalEquations, relative: float) -> _Array:
        """Return the penalty of every column, (D,): so many times the mean square of its kind, state or not."""
        squares, n = np.diagonal(sums.gram), self.n_states
        means = np.full(self.n_columns, squares[n:].mean())
        if n:
            means[:n] = squares[:n].mean()
        means[means == 0] = means.max()  # lags of a constant, or a reservoir that hears nothing
        return max(relative, _SMALLEST_PENALTY) * means

    def rows(
        self,
        relative: _Array,
        known: _Array,
        past: _Array,
        origins: NDArray[np.int64],
        states: _Array | None = None,
        ahead: int = 0,
    ) -> _Array:
        """Return the design, (n, D).

        Parameters
        ----------
        relative : ndarray of shape (n, L)
            Scaled windows minus their last value.
        known, past : ndarray of shape (rows, F), (rows, P)
            Covariates; rows beyond the last are never used by the steps that are kept and repeat it.
        origins : ndarray of shape (n,)
            Rows up to which the past covariates are known.
        states : ndarray of shape (n, n_states), optional
        ahead : int
            Steps already forecast from these origins.
        """
        recent = origins[:, None] + ahead + np.arange(-self.n_recent, 0)
        parts = [relative] if states is None else [states, relative]
        if past.shape[1]:
            parts.append(_gather(self.past_scaler, past, np.minimum(recent, origins[:, None] - 1)))
        if known.shape[1]:
            future = origins[:, None] + ahead + np.arange(self.horizon)
            parts += [_gather(self.known_scaler, known, recent), _gather(self.known_scaler, known, future)]
        return np.concatenate(parts, axis=1) if len(parts) > 1 else relative


def _gather(scaler: Scaler, covariates: _Array, rows: NDArray[np.int64]) -> _Array:
    picked = scaler.transform(covariates[np.clip(rows, 0, len(covariates) - 1)])
    return picked.reshape(len(rows), -1)


class Regression:
    """The normal equations of one column, as a whole and with each fold left out.

    Windows exist only in chunks: memory grows with the square of D and not with n.
    """

    def __init__(
        self,
        values: _Array,
        known: _Array,
        past: _Array,
        design: Design,
        recipe: Recipe,
        scale: float,
        echo: Echo | None = None,
    ) -> None:
        self.values, self.known, self.past = values, known, past
        self.design, self.recipe, self.scale = design, recipe, scale
        self.first = recipe.lookback
        self.n_windows = max(0, len(values) - design.horizon - recipe.lookback + 1)
        self.usable = design.usable()
        last = len(values) - design.horizon
        self.states = None
        if echo is not None and self.n_windows:
            self.states = echo.after(values, known, past, np.arange(self.first - 1, last))

    def solve(self, penalty: float) -> _Array:
        """Return the weights, (D, H), of all windows."""
        if self.n_windows == 0:
            return np.zeros(self.usable.shape)
        (sums,) = self._sums([[(0, self.n_windows)]])
        return self._ridge(sums, penalty)

    def held_out_errors(self, penalty: float, stride: int) -> _Array:
        """Return cross-validated errors (n, H) of every `stride`-th window, the last one among them.

        There are none where the windows are too few to be cut into folds.
        """
        if self.n_windows < _FEWEST_WINDOWS:
            return np.zeros((0, self.design.horizon))
        kept = np.arange(self.n_windows - 1, -1, -stride)[::-1]
        errors = np.empty((len(kept), self.design.horizon))
        for fold, (start, stop) in enumerate(self._edges):
            weights = self._ridge(self._folds[fold], penalty) if np.isfinite(penalty) else np.zeros(self.usable.shape)
            for design, rest, origins in self._pairs(start, stop):
                windows_here = origins - self.first
                here = np.isin(windows_here, kept)
                errors[np.searchsorted(kept, windows_here[here])] = rest[here] - design[here] @ weights
        return errors * self.scale

    def best_penalty(self) -> float:
        """Return the penalty with the smallest cross-validated absolute error in original units."""
        if self.n_windows < _FEWEST_WINDOWS:
            return np.inf
        penalties = (*_PENALTIES, np.inf)
        errors = np.zeros(len(penalties))
        for (start, stop), sums in zip(self._edges, self._folds, strict=True):
            weights = np.stack([self._ridge(sums, penalty) for penalty in _PENALTIES], axis=1)
            errors += self._errors(start, stop, weights)
        errors[:-1] *= _HANDICAP
        if self.n_windows < _SMALL_SAMPLE and self.design.n_columns == self.design.lookback:
            usual = _PENALTIES.index(_SMALL_SAMPLE_PENALTY)
            return np.inf if errors[-1] < errors[usual] else _SMALL_SAMPLE_PENALTY
        return float(penalties[int(np.argmin(errors))])

    @cached_property
    def _edges(self) -> list[tuple[int, int]]:
        return _fold_edges(self.n_windows)

    @cached_property
    def _folds(self) -> list[NormalEquations]:
        """Normal equations without each fold."""
        gap = self.design.horizon
        return self._sums([_kept(start, stop, self.n_windows, gap) for start, stop in self._edges])

    def _ridge(self, sums: NormalEquations, penalty: float) -> _Array:
        """Return the weights, (D, H)."""
        return sums.solve(self.design.penalty(sums, penalty), self.usable)

    def _pairs(self, start: int, stop: int) -> Iterator[tuple[_Array, _Array, NDArray[np.int64]]]:
        """Yield design (m, D), futures minus base (m, H) and origins (m,), for windows start..stop."""
        lookback, horizon = self.recipe.lookback, self.design.horizon
        repeated = base_columns(lookback, horizon, self.recipe.base)
        for part in chunks(start, stop, self.design.n_columns + horizon * (len(_PENALTIES) + 1)):
            origins = self.first + np.arange(part.start, part.stop)
            window = windows(self.values, origins, lookback)
            rest = (futures(self.values, origins, horizon) - window[:, repeated]) / self.scale
            relative = (window - window[:, -1:]) / self.scale
            states = None if self.states is None else self.states[part]
            yield self.design.rows(relative, self.known, self.past, origins, states), rest, origins

    def _sums(self, groups: list[list[tuple[int, int]]]) -> list[NormalEquations]:
        """Return the normal equations of each group of window ranges; every window is laid out once."""
        sums = [NormalEquations.empty(*self.usable.shape) for _ in groups]
        cuts = sorted({edge for ranges in groups for span in ranges for edge in span})
        for start, stop in itertools.pairwise(cuts):
            members = [
                total
                for total, ranges in zip(sums, groups, strict=True)
                if any(low <= start and stop <= high for low, high in ranges)
            ]
            for design, rest, _ in self._pairs(start, stop) if members else ():
                part = NormalEquations.of(design, rest)
                for total in members:
                    total += part
        return sums

    def _errors(self, start: int, stop: int, weights: _Array) -> _Array:
        """Return the summed absolute error for each penalty, then the base's; ``weights`` is (D, penalties, H)."""
        n_columns, n_penalties, horizon = weights.shape
        errors = np.zeros(n_penalties + 1)
        for design, rest, origins in self._pairs(start, stop):
            # An error of a logarithm is to first order a share of the value: times the value it is in original units.
            importance = np.exp(futures(self.values, origins, horizon)) if self.recipe.log else np.ones_like(rest)
            fitted = (design @ weights.reshape(n_columns, -1)).reshape(len(rest), n_penalties, horizon)
            errors[:-1] += np.einsum("nph,nh->p", np.abs(fitted - rest[:, None]), importance)
            errors[-1] += float((np.abs(rest) * importance).sum())
        return errors


def _fold_edges(n_windows: int) -> list[tuple[int, int]]:
    """Return the half-open ranges of consecutive folds whose sizes differ by at most one."""
    folds = np.array_split(np.arange(n_windows), _N_FOLDS)
    return [(int(fold[0]), int(fold[-1]) + 1) for fold in folds]


def _kept(start: int, stop: int, n_windows: int, gap: int) -> list[tuple[int, int]]:
    """Return the ranges to train on: without the fold and its gaps, or without the fold alone if too few are left."""
    before, after = max(0, start - gap), min(n_windows, stop + gap)
    if before + n_windows - after < _FEWEST_WINDOWS:
        before, after = start, stop
    return [(low, high) for low, high in ((0, before), (after, n_windows)) if low < high]
