"""What a linear model reads at an origin: states, lags and covariates, in the order in which steps may use them.

N rows, F known and P past covariates, n windows, L lags, H steps, D columns of the design.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from rnnforecast.estimators._recipe import Recipe
from rnnforecast.network.readout import NormalEquations
from rnnforecast.network.windows import SMALLEST_DEVIATION, STEPS_OF_SCALE
from rnnforecast.scaling import Scaler

_Array = NDArray[np.float64]


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
        return relative * means

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
            Scaled windows, minus their last value unless they hold differences.
        known, past : ndarray of shape (rows, F), (rows, P)
            Covariates; rows beyond the last are never used by the steps that are kept and repeat it.
        origins : ndarray of shape (n,)
            Rows up to which the past covariates are known.
        states : ndarray of shape (n, n_states), optional
            Of the reservoir, after the row before the first of the steps.
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


def window_scale(window: _Array, scale: _Array, recipe: Recipe) -> _Array:
    """Return the scale (n, 1) of each window (n, L): that of its series, (n or 1, 1), or of its own steps."""
    if not recipe.local:
        return scale
    steps = np.abs(window if recipe.base is None else np.diff(window, axis=1))  # differences are steps already
    steps = steps.sum(axis=1, keepdims=True) / max(steps.shape[1], 1)
    return np.maximum(STEPS_OF_SCALE * steps, SMALLEST_DEVIATION * scale)
