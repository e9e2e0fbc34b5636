"""How networks and a closed-form model forecast together: what a fitted recurrent forecaster does."""

from __future__ import annotations

from copy import copy
from typing import Any

import numpy as np
from sklearn.utils.validation import check_is_fitted

from rnnforecast.estimators import _diagnosis
from rnnforecast.estimators._base import BaseForecaster
from rnnforecast.estimators._distributions import predictive
from rnnforecast.estimators._interchange import ForecastInterchange
from rnnforecast.estimators._interpretation import Interpretation
from rnnforecast.estimators._learning import learn
from rnnforecast.estimators._predictive import Predictive
from rnnforecast.estimators._threads import n_threads, one_blas_thread
from rnnforecast.estimators._watching import CallbackSupportMixin
from rnnforecast.estimators.stream import ForecastStream
from rnnforecast.series import Series


class BlendedForecaster(CallbackSupportMixin, ForecastInterchange, Interpretation, BaseForecaster):
    """Forecasts of ``linear_`` plus ``blend_weight_`` times the difference that ``ensemble_`` makes.

    `RNNForecaster`, whose parameters these are, documents them.
    """

    lookback: Any
    n_jobs: int | None
    linear_: Any
    blend_weight_: Any
    skill_: Any
    no_skill_: bool

    def _learn(self, series: Series) -> dict[str, Any]:
        return learn(self, series)

    def _minimum_rows(self, series: Series) -> int:
        """Rows of one training window; an automatic lookback adapts to the series, a panel's short ones are filled."""
        return self.horizon + (1 if self.lookback == "auto" or series.ids is not None else self.lookback)

    def _rows_read(self) -> int:
        """Rows of the longest window that is read, and the one before."""
        windows = self.ensemble_.windows
        linear = 0 if self.linear_ is None else self.linear_.recipe_.lookback
        return max(windows.lookback, windows.base or 0, linear) + 1

    def _held_out(self) -> tuple[BaseForecaster, Any]:
        if (self._n_early == self._n_learnt).all():
            return super()._held_out()
        early = copy(self)
        early.__dict__ = vars(self) | self._early
        return early, np.squeeze(self._n_early)[()]

    def _predictive(self, series: Series, origins: np.ndarray, horizon: int) -> Predictive:
        if self.ensemble_.head is None:
            return super()._predictive(series, origins, horizon)
        with one_blas_thread():
            parameters = self.ensemble_.parameters_of_series(series, origins, horizon, n_threads(self.n_jobs))
        point = self._forecast(series, origins, horizon)
        return predictive(self.ensemble_.head, parameters, point, self._error_scale)

    def _forecast(self, series: Series, origins: np.ndarray, horizon: int) -> np.ndarray:
        with one_blas_thread():
            if self._attends:
                self.attention_ = _diagnosis.attention(self.ensemble_, series, origins[-1:], horizon)
            linear = None
            if self.linear_ is not None:
                target = self.linear_.recipe_.bridge.over(series)
                linear = self.linear_.forecast(target, series.known, series.past, origins, horizon, series.spans)
                if not np.any(self.blend_weight_):
                    return linear
            network = self.ensemble_.forecast_series(series, origins, horizon, n_threads(self.n_jobs))
        if linear is None:
            return network
        return linear + self.blend_weight_ * (network - linear)

    def stream(self) -> ForecastStream:
        """Return a stream that takes one observation after the other from the cutoff on and forecasts at once.

        It speaks arrays and leaves the forecaster alone; `update` and `forecast` do the same in pandas.
        """
        check_is_fitted(self)
        return ForecastStream(self)

    def __repr__(self, N_CHAR_MAX: int = 700) -> str:
        text = super().__repr__(N_CHAR_MAX)
        if not hasattr(self, "blend_weight_"):
            return text
        share = f"{100 * float(np.mean(self.blend_weight_)):.0f} % of the network"
        skill = "no skill over a naive forecast found" if self.no_skill_ else f"skill {self.skill_:.2f} over naive"
        return f"{text}  # fitted: {share} in the forecast, {skill} on held-out rows"
