"""A linear forecaster in closed form: ridge regression of the next H values on the last L, corrected from a naive base.

N rows, K targets, F known and P past covariates, n windows, L lags, H steps, D columns of the design. Everything is
float64. Only numpy and scipy are used.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from rnnforecast.estimators._recipe import Recipe, base_columns, windows
from rnnforecast.estimators._regression import Design, Regression
from rnnforecast.estimators._reservoir import Drawing, Echo
from rnnforecast.network.readout import chunks
from rnnforecast.scaling import fit_scaler

__all__ = ["LinearModel"]

_Array = NDArray[np.float64]

_MOST_RECENT_ROWS = 24


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
    errors_ : list of ndarray of shape (n, H)
        For every column, cross-validated errors in transformed units, where `stride` asks for them.
    scale_ : ndarray of shape (K,)
        Standard deviation of every (transformed) column.
    n_parameters_ : int
        Weights that were estimated.
    """

    def __init__(self, alpha: str | float = "cv", drawing: Drawing | None = None, stride: int | None = None) -> None:
        self.alpha, self.drawing, self.stride = alpha, drawing, stride

    def fit(self, target: _Array, known: _Array, past: _Array, recipe: Recipe, horizon: int) -> LinearModel:
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
        known_scaler, past_scaler = fit_scaler(known[:n_rows]), fit_scaler(past[:n_rows])
        n_recent = min(recipe.lookback, recipe.block, _MOST_RECENT_ROWS)
        self.recipe_, self.horizon_ = recipe, horizon
        n_states = 0 if self.drawing is None else self.drawing.n_units
        self.design_ = Design(recipe.lookback, horizon, n_recent, known_scaler, past_scaler, n_states)
        self.scale_ = fit_scaler(values).scale
        usable = self.design_.usable()
        self.weights_ = np.zeros((n_targets, *usable.shape))
        self.alpha_ = np.full(n_targets, np.inf)
        self.errors_: list[_Array] = []
        self.echoes_: list[Echo | None] = [
            None if self.drawing is None else Echo(self.drawing, column, known_scaler, past_scaler)
            for column in values.T
        ]
        for column, echo in enumerate(self.echoes_):
            problem = Regression(values[:, column], known, past, self.design_, recipe, self.scale_[column], echo)
            self.alpha_[column] = problem.best_penalty() if self.alpha == "cv" else float(self.alpha)
            if np.isfinite(self.alpha_[column]):
                self.weights_[column] = problem.solve(self.alpha_[column])
            if self.stride is not None:
                self.errors_.append(problem.held_out_errors(self.alpha_[column], self.stride))
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
        for part in chunks(0, len(origins), self.design_.n_columns + self.horizon_):
            for column in range(values.shape[1]):
                result[part, :, column] = self._column(values[:, column], column, known, past, origins[part], horizon)
        return transform.inverse(result)

    def _column(
        self, values: _Array, column: int, known: _Array, past: _Array, origins: NDArray[np.int64], horizon: int
    ) -> _Array:
        recipe, scale, weights, echo = self.recipe_, self.scale_[column], self.weights_[column], self.echoes_[column]
        repeated = base_columns(recipe.lookback, self.horizon_, recipe.base)
        window = windows(values, origins, recipe.lookback)
        blocks: list[_Array] = []
        states, signal = None, np.isfinite(self.alpha_[column])
        for ahead in range(0, horizon, self.horizon_):
            if signal and echo is not None:
                states = self._states(echo, states, values, known, past, origins, blocks)
            block = window[:, repeated]
            if signal:
                relative = (window - window[:, -1:]) / scale
                block = block + scale * (self.design_.rows(relative, known, past, origins, states, ahead) @ weights)
            blocks.append(block)
            window = np.concatenate([window, block], axis=1)[:, -recipe.lookback :]
        return np.concatenate(blocks, axis=1)[:, :horizon]

    def _states(
        self,
        echo: Echo,
        states: _Array | None,
        values: _Array,
        known: _Array,
        past: _Array,
        origins: NDArray[np.int64],
        blocks: list[_Array],
    ) -> _Array:
        """Return the states (n, n_states) at the origins, or after the last of the `blocks` that were forecast."""
        if states is None:
            order, inverse = np.unique(origins - 1, return_inverse=True)
            return echo.after(values, known, past, order)[inverse]
        last = blocks[-2][:, -1:] if len(blocks) > 1 else values[origins - 1][:, None]
        read = origins[:, None] + (len(blocks) - 1) * self.horizon_ + np.arange(self.horizon_)
        ahead = known[np.minimum(read, len(known) - 1)]
        behind = past[np.minimum(read, origins[:, None] - 1)]
        return echo.on(states, np.concatenate([last, blocks[-1]], axis=1), ahead, behind)
