"""A linear forecaster in closed form: ridge regression of the next H values on the last L, corrected from a naive base.

N rows, S series, K targets, F known and P past covariates, n windows, L lags, H steps, D columns of the design.
Everything is float64. Only numpy and scipy are used. The series of a panel share the weights, each on its own scale.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from rnnforecast.estimators._recipe import Recipe, base_columns, futures, windows
from rnnforecast.estimators._scales import fit_scalers, of, of_column, of_members
from rnnforecast.network.readout import NormalEquations, chunks
from rnnforecast.network.windows import SMALLEST_DEVIATION, STEPS_OF_SCALE
from rnnforecast.scaling import Scaler, fit_scaler
from rnnforecast.series.spans import Spans

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
            Scaled windows minus their last value.
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


def window_scale(window: _Array, scale: _Array, recipe: Recipe) -> _Array:
    """Return the scale (n, 1) of each window (n, L): that of its series, (n or 1, 1), or of its own steps."""
    if not recipe.local:
        return scale
    steps = np.abs(np.diff(window, axis=1)).sum(axis=1, keepdims=True) / max(window.shape[1] - 1, 1)
    return np.maximum(STEPS_OF_SCALE * steps, SMALLEST_DEVIATION * scale)


class LinearModel:
    """Ridge regression of the horizon on the window, for every target column on its own.

    What is forecast is the difference to a naive base, from the window minus its last value; there is no intercept.
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
    scaler_ : Scaler
        Mean and standard deviation of every (transformed) column of every series, (S, K).
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
        spans: Spans | None = None,
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
            Logarithm, base and lookback.
        horizon : int
            Steps of one forecast.
        spans : Spans, optional
            Which rows belong to which series of a panel, with room for a window before each.

        Returns
        -------
        LinearModel
            Itself.

        Raises
        ------
        ValueError
            If the logarithm is asked of values that are not positive.
        """
        values = recipe.transform.forward(target)
        n_rows, n_targets = values.shape
        spans = Spans.one(n_rows) if spans is None else spans
        inside = spans.inside()
        known_scaler, past_scaler = fit_scaler(known[inside]), fit_scaler(past[inside])
        n_recent = min(recipe.lookback, recipe.block, _MOST_RECENT_ROWS)
        self.recipe_, self.horizon_ = recipe, horizon
        self.design_ = _Design(recipe.lookback, horizon, n_recent, known_scaler, past_scaler)
        self.scaler_ = fit_scalers(values, spans)
        usable = self.design_.usable()
        self.weights_ = np.zeros((n_targets, *usable.shape))
        self.alpha_ = np.full(n_targets, np.inf)
        for column in range(n_targets):
            scaler = of_column(self.scaler_, column)
            problem = _Regression(values[:, column], known, past, self.design_, recipe, scaler, spans)
            self.alpha_[column] = problem.best_penalty() if self.alpha == "cv" else float(self.alpha)
            if np.isfinite(self.alpha_[column]):
                self.weights_[column] = problem.solve(self.alpha_[column])
        self.n_parameters_ = int(usable.sum() * np.isfinite(self.alpha_).sum())
        return self

    def forecast(
        self,
        target: _Array,
        known: _Array,
        past: _Array,
        origins: NDArray[np.int64],
        horizon: int,
        spans: Spans | None = None,
    ) -> _Array:
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
        spans : Spans, optional
            Which rows belong to which series of a panel, with room for a window before each.

        Returns
        -------
        ndarray of shape (n, horizon, K)
            In original units.
        """
        transform = self.recipe_.transform
        values = transform.forward(target)
        origins = np.asarray(origins, dtype=np.int64)
        spans = Spans.one(len(values)) if spans is None else spans
        scale = of(of_members(self.scaler_, values, spans), spans.owners(origins)).scale
        scale = np.broadcast_to(scale, (len(origins), values.shape[1]))
        result = np.empty((len(origins), horizon, values.shape[1]))
        for part in chunks(0, len(origins), self.design_.n_columns + self.horizon_):
            for column in range(values.shape[1]):
                result[part, :, column] = self._column(
                    values[:, column], column, known, past, origins[part], horizon, scale[part, column, None]
                )
        return transform.inverse(result)

    def _column(
        self,
        values: _Array,
        column: int,
        known: _Array,
        past: _Array,
        origins: NDArray[np.int64],
        horizon: int,
        scale: _Array,
    ) -> _Array:
        recipe, weights = self.recipe_, self.weights_[column]
        repeated = base_columns(recipe.lookback, self.horizon_, recipe.base)
        window = windows(values, origins, recipe.lookback)
        scale = window_scale(window, scale, recipe)
        blocks = []
        for ahead in range(0, horizon, self.horizon_):
            block = window[:, repeated]
            if np.isfinite(self.alpha_[column]):
                relative = (window - window[:, -1:]) / scale
                block = block + scale * (self.design_.rows(relative, known, past, origins, ahead) @ weights)
            blocks.append(block)
            window = np.concatenate([window, block], axis=1)[:, -recipe.lookback :]
        return np.concatenate(blocks, axis=1)[:, :horizon]


class _Regression:
    """The normal equations of one column, as a whole and with each fold left out.

    Windows exist only in chunks: memory grows with the square of D and not with n.
    """

    def __init__(
        self,
        values: _Array,
        known: _Array,
        past: _Array,
        design: _Design,
        recipe: Recipe,
        scaler: Scaler,
        spans: Spans,
    ) -> None:
        self.values, self.known, self.past = values, known, past
        self.design, self.recipe, self.scaler, self.spans = design, recipe, scaler, spans
        self.origins = spans.origins(recipe.lookback, design.horizon)
        self.n_windows = len(self.origins)
        self.usable = design.usable()

    def solve(self, penalty: float) -> _Array:
        """Return the weights, (D, H), of all windows."""
        if self.n_windows == 0:
            return np.zeros(self.usable.shape)
        (sums,) = self._sums([[(0, self.n_windows)]])
        return _ridge(sums, penalty, self.usable)

    def best_penalty(self) -> float:
        """Return the penalty with the smallest cross-validated absolute error in original units."""
        if self.n_windows < _FEWEST_WINDOWS:
            return np.inf
        penalties = (*_PENALTIES, np.inf)
        edges = _fold_edges(self.n_windows)
        kept = [_kept(start, stop, self.n_windows, self.design.horizon) for start, stop in edges]
        errors = np.zeros(len(penalties))
        for (start, stop), sums in zip(edges, self._sums(kept), strict=True):
            weights = np.stack([_ridge(sums, penalty, self.usable) for penalty in _PENALTIES], axis=1)
            errors += self._errors(start, stop, weights)
        errors[:-1] *= _HANDICAP
        if self.n_windows < _SMALL_SAMPLE and self.design.n_columns == self.design.lookback:
            usual = _PENALTIES.index(_SMALL_SAMPLE_PENALTY)
            return np.inf if errors[-1] < errors[usual] else _SMALL_SAMPLE_PENALTY
        return float(penalties[int(np.argmin(errors))])

    def _pairs(self, start: int, stop: int) -> Iterator[tuple[_Array, _Array, NDArray[np.int64]]]:
        """Yield design (m, D), futures minus base (m, H) and origins (m,), for windows start..stop."""
        lookback, horizon = self.recipe.lookback, self.design.horizon
        repeated = base_columns(lookback, horizon, self.recipe.base)
        for part in chunks(start, stop, self.design.n_columns + horizon * (len(_PENALTIES) + 1)):
            origins = self.origins.at(np.arange(part.start, part.stop))
            window = windows(self.values, origins, lookback)
            scale = window_scale(window, of(self.scaler, self.spans.owners(origins)).scale, self.recipe)
            rest = (futures(self.values, origins, horizon) - window[:, repeated]) / scale
            relative = (window - window[:, -1:]) / scale
            yield self.design.rows(relative, self.known, self.past, origins), rest, origins

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
            # Of several series, times the value relative to its mean: a large one says no more than a small one.
            importance = np.ones_like(rest)
            if self.recipe.log:
                level = of(self.scaler, self.spans.owners(origins))
                importance = np.exp(futures(self.values, origins, horizon) - level.origin - level.offset)
            fitted = (design @ weights.reshape(n_columns, -1)).reshape(len(rest), n_penalties, horizon)
            errors[:-1] += np.einsum("nph,nh->p", np.abs(fitted - rest[:, None]), importance)
            errors[-1] += float((np.abs(rest) * importance).sum())
        return errors


def _ridge(sums: NormalEquations, penalty: float, usable: NDArray[np.bool_]) -> _Array:
    """Return the weights, (D, H), for a penalty in mean squares of a regressor."""
    return sums.solve(max(penalty, _SMALLEST_PENALTY) * sums.mean_square, usable)


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
