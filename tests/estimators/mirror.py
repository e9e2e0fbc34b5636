"""A forecaster without learning: its forecasts show exactly which rows it was given."""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np
from sklearn.utils._param_validation import StrOptions

from rnnforecast.estimators._base import BaseForecaster
from rnnforecast.series import Series


class Mirror(BaseForecaster):
    """Show the last value of the target, or what is known about each row that is forecast.

    Parameters
    ----------
    horizon : int, default=1
    shows : {"target", "known", "past", "row", "step"}, default="target"
        The last target value before the origin; the sum of the row's known covariates; the sum of the past covariates
        of the last row before the origin; the row's number; the step's number, from 1.
    """

    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {
        **BaseForecaster._parameter_constraints,
        "shows": [StrOptions({"target", "known", "past", "row", "step"})],
    }

    def __init__(self, horizon=1, *, shows="target", past_covariates=None, calendar=None, missing="error", freq=None):
        self.horizon = horizon
        self.shows = shows
        self.past_covariates = past_covariates
        self.calendar = calendar
        self.missing = missing
        self.freq = freq

    def _learn(self, series: Series) -> dict[str, Any]:
        return {"n_rows_learnt_": series.n_rows}

    def _forecast(self, series: Series, origins: np.ndarray, horizon: int) -> np.ndarray:
        rows = origins[:, None] + np.arange(horizon)
        if self.shows == "target":
            return np.repeat(series.target[origins - 1][:, None, :], horizon, axis=1)
        if self.shows == "known":
            shown = series.known[rows].sum(axis=-1)
        elif self.shows == "past":
            shown = np.repeat(series.past[origins - 1].sum(axis=-1)[:, None], horizon, axis=1)
        elif self.shows == "row":
            shown = rows.astype(float)
        else:
            shown = (rows - origins[:, None] + 1).astype(float)
        return np.repeat(shown[:, :, None], series.target.shape[1], axis=2)
