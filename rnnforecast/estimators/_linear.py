"""A linear forecaster in closed form: ridge regression of the next H values on the last L, corrected from a naive base.

N rows, K targets, F known and P past covariates, n windows, L lags, H steps, D columns of the design. Everything is
float64. Only numpy and scipy are used.
"""

from __future__ import annotations

import itertools
from bisect import bisect_left, bisect_right
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import solve_triangular

from rnnforecast.estimators._recipe import Recipe, futures, relative_and_base, windows, worth_learning
from rnnforecast.scaling import Scaler, fit_scaler

__all__ = ["LinearModel"]

_Array = NDArray[np.float64]

_PENALTIES = (1e-5, 1e-4, 1e-3, 1e-2, 1e-1, 1.0, 10.0)
_SMALL_SAMPLE_PENALTY = 1e-2
_SMALL_SAMPLE = 200  # below this many windows cross-validation cannot tell penalties of lags apart
_FEWEST_WINDOWS = 8
_N_FOLDS = 5
_HANDICAP = 1.01  # of every regression against the base: no signal must give exactly the base
_SMALLEST_PENALTY = 1e-11  # keeps the Cholesky factor of collinear lags finite where alpha=0
_MOST_RECENT_ROWS = 24
_CHUNK = 2_000_000  # numbers of a design in memory at once


@dataclass(frozen=True)
class _Design:
    """The regressors of one origin, in nested order: lags, past covariates, known covariates up to each step.

    Step h may use the first ``n_common + (h + 1) F`` columns, so a covariate of a later step never changes an earlier
    forecast.

    Parameters
    ----------
    lookback, horizon, n_recent : int
        Lags of the target, steps, and rows of covariates before the origin.
    known_scaler, past_scaler : Scaler
        Of the covariates' columns.
    """

    lookback: int
    horizon: int
    n_recent: int
    known_scaler: Scaler
    past_scaler: Scaler

    @property
    def n_common(self) -> int:
        n_covariates = len(self.known_scaler.scale) + len(self.past_scaler.scale)
        return self.lookback + self.n_recent * n_covariates

    @property
    def n_columns(self) -> int:
        return self.n_common + self.horizon * len(self.known_scaler.scale)

    def usable(self) -> NDArray[np.bool_]:
        """Return which column, (D, H), may be used at which step."""
        n_usable = self.n_common + len(self.known_scaler.scale) * np.arange(1, self.horizon + 1)
        return np.arange(self.n_columns)[:, None] < n_usable

    def rows(self, relative: _Array, known: _Array, past: _Array, origins: NDArray[np.int64], ahead: int = 0) -> _Array:
        """Return the design, (n, D).

        Parameters
        ----------
        relative : ndarray of shape (n, L)
            Scaled windows, minus their last value unless they hold differences.
        known, past : ndarray of shape (rows, F), (rows, P)
            Covariates; rows beyond the last are never used by the steps that are kept and repeat it.
        origins : ndarray of shape (n,)
            Rows up to which the past covariates are known.
        ahead : int
            Steps already forecast from these origins.
        """
        recent = origins[:, None] + ahead + np.arange(-self.n_recent, 0)
        parts = [relative]
        if past.shape[1]:
            parts.append(_gather(self.past_scaler, past, np.minimum(recent, origins[:, None] - 1)))
        if known.shape[1]:
            future = origins[:, None] + ahead + np.arange(self.horizon)
            parts += [_gather(self.known_scaler, known, recent), _gather(self.known_scaler, known, future)]
        return np.concatenate(parts, axis=1) if len(parts) > 1 else relative


def _gather(scaler: Scaler, covariates: _Array, rows: NDArray[np.int64]) -> _Array:
    picked = scaler.transform(covariates[np.clip(rows, 0, len(covariates) - 1)])
    return picked.reshape(len(rows), -1)


class LinearModel:
    """Ridge regression of the horizon on the window, for every target column on its own.

    What is forecast is the difference to a naive base, from the window minus its last value; of a series of
    differences, the next ones from the last ones. There is no intercept.
    The penalty is counted in mean squares of a regressor and chosen by blocked cross-validation, with a gap of the
    horizon on both sides of a fold; an infinite penalty is the base itself and wins unless a regression is better by 1
    %.

    Parameters
    ----------
    alpha : "cv" or float
        The penalty; a number, ``inf`` included, fixes it.

    Attributes
    ----------
    alpha_ : ndarray of shape (K,)
        Penalty of every column; ``inf`` where no signal beyond the base was found.
    weights_ : ndarray of shape (K, D, H)
        Of the scaled regressors; zero where ``alpha_`` is infinite.
    scale_ : ndarray of shape (K,)
        Standard deviation of every (transformed) column.
    n_parameters_ : int
        Weights that were estimated.
    """

    def __init__(self, alpha: str | float = "cv") -> None:
        self.alpha = alpha

    def fit(
        self,
        target: _Array,
        known: _Array,
        past: _Array,
        recipe: Recipe,
        horizon: int,
        observed: NDArray[np.bool_] | None = None,
    ) -> LinearModel:
        """Estimate the weights.

        Parameters
        ----------
        target : ndarray of shape (N, K)
            In original units.
        known : ndarray of shape (at least N, F)
            Covariates known in the future too; F may be 0.
        past : ndarray of shape (at least N, P)
            Covariates known up to the origin; P may be 0.
        recipe : Recipe
            Transform, base and lookback.
        horizon : int
            Steps of one forecast.
        observed : ndarray of shape (N, K), bool, optional
            False where a value of the target is a guess. Windows that end with a guess, or of whose futures most are
            guesses, are not learnt from.

        Returns
        -------
        LinearModel
            Itself.

        Raises
        ------
        ValueError
            If a value is outside the domain of the transform.
        """
        values = recipe.transform.forward(target)
        n_rows, n_targets = values.shape
        known_scaler, past_scaler = fit_scaler(known[:n_rows]), fit_scaler(past[:n_rows])
        n_recent = min(recipe.lookback, recipe.block, _MOST_RECENT_ROWS)
        self.recipe_, self.horizon_ = recipe, horizon
        self.design_ = _Design(recipe.lookback, horizon, n_recent, known_scaler, past_scaler)
        observed = recipe.transform.observed(observed, n_rows, n_targets)
        self.scale_ = fit_scaler(values, observed=observed).scale
        sensitivity = recipe.transform.pointwise.sensitivity(target)
        usable = self.design_.usable()
        self.weights_ = np.zeros((n_targets, *usable.shape))
        self.alpha_ = np.full(n_targets, np.inf)
        for column in range(n_targets):
            problem = _Regression(
                values[:, column], known, past, self.design_, recipe, self.scale_[column], sensitivity[:, column]
            )
            if observed is not None:
                problem.leave_out(observed[:, column])
            self.alpha_[column] = problem.best_penalty() if self.alpha == "cv" else float(self.alpha)
            if np.isfinite(self.alpha_[column]):
                self.weights_[column] = problem.solve(self.alpha_[column])
        self.n_parameters_ = int(usable.sum() * np.isfinite(self.alpha_).sum())
        return self

    def forecast(self, target: _Array, known: _Array, past: _Array, origins: NDArray[np.int64], horizon: int) -> _Array:
        """Forecast from any number of origins.

        Parameters
        ----------
        target : ndarray of shape (N, K)
            In original units; of each origin only earlier rows are read.
        known : ndarray of shape (rows, F)
            Reaches the last row to be forecast.
        past : ndarray of shape (rows, P)
            Reaches the row before the last origin.
        origins : ndarray of int, shape (n,)
            First rows to be forecast, 1 to N.
        horizon : int
            Steps; beyond the trained horizon the model continues block by block on its own forecasts.

        Returns
        -------
        ndarray of shape (n, horizon, K)
            In original units.
        """
        transform = self.recipe_.transform
        values = transform.forward(target)
        origins = np.asarray(origins, dtype=np.int64)
        result = np.empty((len(origins), horizon, values.shape[1]))
        for part in _chunks(0, len(origins), self.design_.n_columns + self.horizon_):
            for column in range(values.shape[1]):
                result[part, :, column] = self._column(values[:, column], column, known, past, origins[part], horizon)
        return transform.inverse(result, target, origins)

    def _column(
        self, values: _Array, column: int, known: _Array, past: _Array, origins: NDArray[np.int64], horizon: int
    ) -> _Array:
        recipe, scale, weights = self.recipe_, self.scale_[column], self.weights_[column]
        window = windows(values, origins, recipe.lookback)
        blocks = []
        for ahead in range(0, horizon, self.horizon_):
            relative, block = relative_and_base(window, self.horizon_, recipe.base)
            if np.isfinite(self.alpha_[column]):
                block = block + scale * (self.design_.rows(relative / scale, known, past, origins, ahead) @ weights)
            blocks.append(block)
            window = np.concatenate([window, block], axis=1)[:, -recipe.lookback :]
        return np.concatenate(blocks, axis=1)[:, :horizon]


class _Regression:
    """The normal equations of one column, as a whole and with each fold left out.

    Windows exist only in chunks: memory grows with the square of D and not with n.

    Parameters
    ----------
    values, sensitivity : ndarray of shape (N,)
        The transformed column, and the change of its original values per unit of the pointwise part of the transform.
    """

    def __init__(
        self,
        values: _Array,
        known: _Array,
        past: _Array,
        design: _Design,
        recipe: Recipe,
        scale: float,
        sensitivity: _Array,
    ) -> None:
        self.values, self.known, self.past = values, known, past
        self.design, self.recipe, self.scale, self.sensitivity = design, recipe, scale, sensitivity
        self.origins: Any = range(recipe.lookback, len(values) - design.horizon + 1)
        self.usable = design.usable()

    @property
    def n_windows(self) -> int:
        return len(self.origins)

    def leave_out(self, observed: NDArray[np.bool_]) -> None:
        """Keep windows that end, and most of whose futures are, where the column was `observed` (N,)."""
        origins = np.asarray(self.origins, dtype=np.int64)
        self.origins = origins[worth_learning(observed, origins, self.design.horizon)]
        self.sensitivity = np.where(observed, self.sensitivity, 0.0)  # an error against a guess says nothing

    def solve(self, penalty: float) -> _Array:
        """Return the weights, (D, H), of all windows."""
        if self.n_windows == 0:
            return np.zeros(self.usable.shape)
        (gram, cross), *_ = self._sums([[(0, self.n_windows)]])
        return _ridge(gram, cross, penalty, self.usable)

    def best_penalty(self) -> float:
        """Return the penalty with the smallest cross-validated absolute error in original units."""
        if self.n_windows < _FEWEST_WINDOWS:
            return np.inf
        penalties = (*_PENALTIES, np.inf)
        edges = _fold_edges(self.n_windows)
        kept = [_kept(start, stop, self.origins, self.design.horizon) for start, stop in edges]
        errors = np.zeros(len(penalties))
        for (start, stop), (gram, cross) in zip(edges, self._sums(kept), strict=True):
            weights = np.stack([_ridge(gram, cross, penalty, self.usable) for penalty in _PENALTIES], axis=1)
            errors += self._errors(start, stop, weights)
        errors[:-1] *= _HANDICAP
        if self.n_windows < _SMALL_SAMPLE and self.design.n_columns == self.design.lookback:
            usual = _PENALTIES.index(_SMALL_SAMPLE_PENALTY)
            return np.inf if errors[-1] < errors[usual] else _SMALL_SAMPLE_PENALTY
        return float(penalties[int(np.argmin(errors))])

    def _pairs(self, start: int, stop: int) -> Iterator[tuple[_Array, _Array, NDArray[np.int64]]]:
        """Yield design (m, D), futures minus base (m, H) and origins (m,), for windows start..stop."""
        lookback, horizon = self.recipe.lookback, self.design.horizon
        for part in _chunks(start, stop, self.design.n_columns + horizon * (len(_PENALTIES) + 1)):
            origins = np.asarray(self.origins[part], dtype=np.int64)
            window = windows(self.values, origins, lookback)
            relative, base = relative_and_base(window, horizon, self.recipe.base)
            rest = (futures(self.values, origins, horizon) - base) / self.scale
            yield self.design.rows(relative / self.scale, self.known, self.past, origins), rest, origins

    def _sums(self, groups: list[list[tuple[int, int]]]) -> list[tuple[_Array, _Array]]:
        """Return X'X and X'Y over each group of window ranges; every window is laid out once."""
        n_columns, horizon = self.usable.shape
        sums = [(np.zeros((n_columns, n_columns)), np.zeros((n_columns, horizon))) for _ in groups]
        cuts = sorted({edge for ranges in groups for span in ranges for edge in span})
        for start, stop in itertools.pairwise(cuts):
            members = [
                total
                for total, ranges in zip(sums, groups, strict=True)
                if any(low <= start and stop <= high for low, high in ranges)
            ]
            for design, rest, _ in self._pairs(start, stop) if members else ():
                gram, cross = design.T @ design, design.T @ rest
                for total_gram, total_cross in members:
                    total_gram += gram
                    total_cross += cross
        return sums

    def _errors(self, start: int, stop: int, weights: _Array) -> _Array:
        """Return the summed absolute error for each penalty, then the base's; ``weights`` is (D, penalties, H)."""
        n_columns, n_penalties, horizon = weights.shape
        errors = np.zeros(n_penalties + 1)
        for design, rest, origins in self._pairs(start, stop):
            # To first order: an error of a logarithm is a share of the value, and times the value in original units.
            importance = futures(self.sensitivity, origins, horizon)
            fitted = (design @ weights.reshape(n_columns, -1)).reshape(len(rest), n_penalties, horizon)
            missed = np.concatenate([fitted, np.zeros_like(rest[:, None])], axis=1) - rest[:, None]
            missed = self.recipe.transform.added_up(missed.swapaxes(1, 2))
            errors += np.einsum("nhp,nh->p", np.abs(missed), importance)
        return errors


def _ridge(gram: _Array, cross: _Array, penalty: float, usable: NDArray[np.bool_]) -> _Array:
    """Solve ``(X'X + penalty mean(diag X'X)) W = X'Y``, step h on its usable leading columns, by one Cholesky factor.

    A leading block of the factor is the factor of the leading block, so cutting the intermediate solution gives every
    step the exact ridge solution on its own columns.
    """
    mean_square = float(np.trace(gram)) / len(gram)
    if mean_square == 0:
        return np.zeros(cross.shape)
    ridged = gram.copy()
    ridged[np.diag_indices_from(ridged)] += max(penalty, _SMALLEST_PENALTY) * mean_square
    factor = np.linalg.cholesky(ridged)
    halfway = np.where(usable, solve_triangular(factor, cross, lower=True), 0.0)
    return solve_triangular(factor, halfway, lower=True, trans="T")


def _fold_edges(n_windows: int) -> list[tuple[int, int]]:
    """Return the half-open ranges of consecutive folds whose sizes differ by at most one."""
    folds = np.array_split(np.arange(n_windows), _N_FOLDS)
    return [(int(fold[0]), int(fold[-1]) + 1) for fold in folds]


def _kept(start: int, stop: int, origins: Any, gap: int) -> list[tuple[int, int]]:
    """Return the ranges to train on: without the fold and its gaps, or without the fold alone if too few are left."""
    n_windows = len(origins)
    before, after = bisect_left(origins, origins[start] - gap), bisect_right(origins, origins[stop - 1] + gap)
    if before + n_windows - after < _FEWEST_WINDOWS:
        before, after = start, stop
    return [(low, high) for low, high in ((0, before), (after, n_windows)) if low < high]


def _chunks(start: int, stop: int, width: int) -> Iterator[slice]:
    size = max(1, _CHUNK // width)
    for low in range(start, stop, size):
        yield slice(low, min(low + size, stop))
