"""A linear forecaster in closed form: ridge regression of the next H values on the last L, corrected from a naive base.

N rows, S series, K targets, F known and P past covariates, n windows, L lags, H steps, D columns of the design.
Everything is float64. Only numpy and scipy are used. The series of a panel share the weights, each on its own scale.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from rnnforecast.estimators._design import Design, window_scale
from rnnforecast.estimators._recipe import Recipe, relative_and_base, windows
from rnnforecast.estimators._regression import Regression, importance_of
from rnnforecast.estimators._reservoir import Drawing, Echo
from rnnforecast.estimators._scales import fit_scalers, of, of_column, of_members
from rnnforecast.network.readout import chunks
from rnnforecast.scaling import fit_scaler
from rnnforecast.series.spans import Spans

__all__ = ["LinearModel"]

_Array = NDArray[np.float64]

_MOST_RECENT_ROWS = 24


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
    drawing : Drawing or None
        Of a reservoir whose states are regressors too: an echo state network.
    stride : int or None
        Origins from one to the next of those whose cross-validated errors are kept, counted from the last; None for
        none.

    Attributes
    ----------
    alpha_ : ndarray of shape (K,)
        Penalty of every column; ``inf`` where no signal beyond the base was found.
    weights_ : ndarray of shape (K, D, H)
        Of the scaled regressors; zero where ``alpha_`` is infinite.
    scaler_ : Scaler
        Mean and standard deviation of every (transformed) column of every series, (S, K).
    errors_ : list of ndarray of shape (n, H)
        For every column, cross-validated errors of the newest windows, where `stride` asks for them.
    n_windows_ : ndarray of shape (K,)
        Windows that were learnt from.
    n_parameters_ : int
        Weights that were estimated.
    """

    def __init__(self, alpha: str | float = "cv", drawing: Drawing | None = None, stride: int | None = None) -> None:
        self.alpha, self.drawing, self.stride = alpha, drawing, stride

    def fit(
        self,
        target: _Array,
        known: _Array,
        past: _Array,
        recipe: Recipe,
        horizon: int,
        observed: NDArray[np.bool_] | None = None,
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
            Transform, base and lookback.
        horizon : int
            Steps of one forecast.
        observed : ndarray of shape (N, K), bool, optional
            False where a value of the target is a guess. Windows that end with a guess, or of whose futures most are
            guesses, are not learnt from.
        spans : Spans, optional
            Which rows belong to which series of a panel, with room for a window before each.

        Returns
        -------
        LinearModel
            Itself.

        Raises
        ------
        ValueError
            If a value is outside the domain of the transform.
        """
        n_rows, n_targets = target.shape
        spans = Spans.one(n_rows) if spans is None else spans
        begin = None if len(spans) == 1 else spans.begins(n_rows)  # of millions of rows, zeros are spared
        values = recipe.transform.forward(target, begin)
        inside = spans.inside()
        known_scaler, past_scaler = fit_scaler(known[inside]), fit_scaler(past[inside])
        n_recent = min(recipe.lookback, recipe.block, _MOST_RECENT_ROWS)
        self.recipe_, self.horizon_ = recipe, horizon
        n_states = 0 if self.drawing is None else self.drawing.n_units
        self.design_ = Design(recipe.lookback, horizon, n_recent, known_scaler, past_scaler, n_states)
        observed = recipe.transform.observed(observed, n_rows, n_targets, begin)
        self.scaler_ = fit_scalers(values, spans, observed=observed)
        importance = importance_of(recipe.transform.pointwise.sensitivity(target), spans, observed)
        usable = self.design_.usable()
        self.weights_ = np.zeros((n_targets, *usable.shape))
        self.alpha_, self.n_windows_ = np.full(n_targets, np.inf), np.zeros(n_targets, np.int64)
        self.errors_: list[_Array] = []
        self.echoes_: list[Echo] = []
        for column, own in enumerate(values.T):
            seen = None if observed is None else observed[:, column]
            echo = None
            if self.drawing is not None:
                echo = Echo(self.drawing, own, known_scaler, past_scaler, seen)
                self.echoes_.append(echo)
            scaler = of_column(self.scaler_, column)
            problem = Regression(own, known, past, self.design_, recipe, scaler, spans, importance[:, column], echo)
            if seen is not None:
                problem.leave_out(seen)
            self.n_windows_[column] = problem.n_windows
            self.alpha_[column] = problem.best_penalty() if self.alpha == "cv" else float(self.alpha)
            if np.isfinite(self.alpha_[column]):
                self.weights_[column] = problem.solve(self.alpha_[column])
            if self.stride is not None:
                self.errors_.append(problem.held_out_errors(self.alpha_[column], self.stride))
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
        origins = np.asarray(origins, dtype=np.int64)
        spans = Spans.one(len(target)) if spans is None else spans
        begin = spans.begins(len(target))
        values = transform.forward(target, begin)
        scale = of(of_members(self.scaler_, values, spans), spans.owners(origins)).scale
        scale = np.broadcast_to(scale, (len(origins), values.shape[1]))
        result = np.empty((len(origins), horizon, values.shape[1]))
        for part in chunks(0, len(origins), self.design_.n_columns + self.horizon_):
            for column in range(values.shape[1]):
                result[part, :, column] = self._column(
                    values[:, column], column, known, past, origins[part], horizon, scale[part, column, None], spans
                )
        return transform.inverse(result, target, origins, begin)

    def _column(
        self,
        values: _Array,
        column: int,
        known: _Array,
        past: _Array,
        origins: NDArray[np.int64],
        horizon: int,
        scale: _Array,
        spans: Spans,
    ) -> _Array:
        recipe, weights, signal = self.recipe_, self.weights_[column], np.isfinite(self.alpha_[column])
        reading = None
        if signal and self.echoes_:
            reading = self.echoes_[column].reading(values, known, past, origins, spans)
        window = windows(values, origins, recipe.lookback)
        scale = window_scale(window, scale, recipe)
        blocks: list[_Array] = []
        for ahead in range(0, horizon, self.horizon_):
            relative, block = relative_and_base(window, self.horizon_, recipe.base)
            if signal:
                if reading is not None and blocks:
                    reading.go_on(blocks[-1])
                states = None if reading is None else reading.states
                design = self.design_.rows(relative / scale, known, past, origins, states, ahead)
                block = block + scale * (design @ weights)
            blocks.append(block)
            window = np.concatenate([window, block], axis=1)[:, -recipe.lookback :]
        return np.concatenate(blocks, axis=1)[:, :horizon]
