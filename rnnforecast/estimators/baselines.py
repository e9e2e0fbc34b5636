"""The honest references: naive forecasts and a closed-form linear model, under the API of every forecaster."""

from __future__ import annotations

from numbers import Integral, Real
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray
from sklearn.utils._param_validation import Interval, StrOptions

from rnnforecast.estimators._base import BaseForecaster
from rnnforecast.estimators._bridge import newest_of_season, observed_targets
from rnnforecast.estimators._linear import LinearModel
from rnnforecast.estimators._pooling import find_error_scale, find_panel_seasons, resolve_series
from rnnforecast.estimators._threads import one_blas_thread
from rnnforecast.series import Series
from rnnforecast.transforms import TRANSFORMS

__all__ = ["LinearForecaster", "NaiveForecaster"]

_SEASON_LENGTH = [StrOptions({"auto"}), Interval(Integral, 1, None, closed="left"), tuple, list, None]


class NaiveForecaster(BaseForecaster):
    """Repeat what was: the last season, the last value, the line through the ends, or the mean.

    Parameters
    ----------
    horizon : int, default=1
        Steps of a forecast.
    strategy : {"seasonal", "last", "drift", "mean"}, default="seasonal"
        The value one season before, which is the last value when there is no season; the last value; the last value
        plus the mean step so far (Hyndman and Athanasopoulos, 2021, ch. 5.2); the mean so far.
    season_length : "auto", int, tuple of int or None, default="auto"
        Steps of a season. Auto finds it in the data; of several the longest is repeated.
    past_covariates : list of str or None, default=None
        Columns of X known up to the forecast origin only. Covariates are checked and not used.
    calendar : tuple of str or None, default=None
        Covariates made from the index; not used.
    missing : {"error", "mask", "interpolate"}, default="error"
        What to do about missing values. "mask": only values that were observed are repeated or averaged.
        "interpolate": what is missing is filled with a line first. With both, a forecast begins at the newest
        observation of its column.
    missing_values : float, tuple of float or None, default=None
        Numbers that stand for a missing value as NaN does, such as -999.
    freq : str, offset or None, default=None
        Frequency of the index where it cannot be inferred.
    intervals : {"adaptive", "conformal"}, default="adaptive"
        What intervals are calibrated on: held-out rows at the end of the training and the rows after them that `update`
        brought, old ones counting less; or the held-out rows alone, all alike.

    Attributes
    ----------
    season_length_ : int
        The season that is repeated; 1 where there is none or the strategy needs none.
    n_parameters_ : int
        0, nothing is estimated.
    cutoff_, freq_, n_features_in_, feature_names_in_
        As for every forecaster.

    Examples
    --------
    >>> import pandas as pd
    >>> from rnnforecast import NaiveForecaster
    >>> sales = pd.Series([1, 2, 3, 4] * 5, index=pd.period_range("2020Q1", periods=20, freq="Q"))
    >>> NaiveForecaster(horizon=4).fit(sales).forecast().to_list()
    [1.0, 2.0, 3.0, 4.0]
    """

    _parameter_constraints: ClassVar[dict[str, Any]] = {
        **BaseForecaster._parameter_constraints,
        "season_length": _SEASON_LENGTH,
        "strategy": [StrOptions({"seasonal", "last", "drift", "mean"})],
    }

    def __init__(
        self,
        horizon: int = 1,
        *,
        strategy: str = "seasonal",
        season_length: Any = "auto",
        past_covariates: Any = None,
        calendar: Any = None,
        missing: str = "error",
        missing_values: Any = None,
        freq: Any = None,
        intervals: str = "adaptive",
    ) -> None:
        self.horizon = horizon
        self.strategy = strategy
        self.season_length = season_length
        self.past_covariates = past_covariates
        self.calendar = calendar
        self.missing = missing
        self.missing_values = missing_values
        self.freq = freq
        self.intervals = intervals

    def _learn(self, series: Series) -> dict[str, Any]:
        """Find the season, and whether errors grow with the level."""
        seasons = find_panel_seasons(series, self.season_length)
        seasonal = self.strategy == "seasonal" and seasons
        return {
            "season_length_": seasons[-1] if seasonal else 1,
            "n_parameters_": 0,
            "_error_scale": find_error_scale(series, seasons),
        }

    def _forecast(self, series: Series, origins: NDArray[np.int64], horizon: int) -> NDArray[np.float64]:
        """Return the forecasts, (n, horizon, K), from each origin's own past."""
        target, seen, spans = series.target, observed_targets(series), series.spans
        begin = spans.begins(len(target))
        first, last = begin[origins - 1], target[origins - 1][:, None]
        steps = np.arange(horizon)
        if self.strategy == "mean":
            counted = np.ones(target.shape, bool) if seen is None else seen
            # Sums of differences to the first value keep the digits of a large level.
            sums = np.cumsum(np.where(counted, target - target[begin], 0.0), axis=0)
            counts = np.cumsum(counted, axis=0)
            n_values = counts[origins - 1] - counts[first] + counted[first]
            mean = target[first] + (sums[origins - 1] - sums[first]) / np.maximum(n_values, 1)
            return np.repeat(mean[:, None], horizon, axis=1)
        if self.strategy == "drift":
            begun = first[:, None]
            if seen is not None:
                rows = np.where(seen, np.arange(len(target))[:, None], len(target))
                begun = np.minimum.reduceat(rows, spans.starts)[spans.owners(origins)]
            slope = (last - target[first][:, None]) / np.maximum(origins[:, None] - 1 - begun, 1)[:, None]
            return last + slope * (steps[:, None] + 1)
        if seen is not None:
            target = newest_of_season(target, seen, self.season_length_, begin)
        rows = origins[:, None] - self.season_length_ + steps % self.season_length_
        there = rows >= first[:, None]
        return np.where(there[..., None], target[np.maximum(rows, 0)], last)


class LinearForecaster(BaseForecaster):
    """Forecast every step as a linear function of the newest values, in closed form.

    Ridge regression of the horizon on the last ``lookback`` values, both relative to the last value (NLinear; Zeng et
    al., 2023), on top of a naive forecast, perhaps of the logarithm. Logarithm, naive base, lookback and penalty come
    from the data; a penalty of ``inf`` says that no linear signal was found, and the forecast is then exactly the
    naive one.

    Parameters
    ----------
    horizon : int, default=1
        Steps forecast at once. Longer forecasts go on from their own values, shorter ones are cut.
    lookback : "auto" or int, default="auto"
        Newest values that are read; auto is up to fourteen seasons, fewer where there are few rows, 70 without a
        season, and at most a third of the data.
    season_length : "auto", int, tuple of int or None, default="auto"
        Steps of a season, or several; auto finds them in the data.
    target_transform : "auto", None, str or tuple of str, default="auto"
        What is learnt on: "log", "boxcox" (its power makes fluctuations alike at all levels), "difference",
        "seasonal_difference", "log_return", or several in turn such as ``("log", "seasonal_difference")``. Forecasts
        are in original units. Auto takes logarithms of positive series whose fluctuations grow with their level.
    alpha : "cv" or float, default="cv"
        Ridge penalty in units of a regressor's mean square, by blocked cross-validation or fixed; ``inf`` is the naive
        base.
    past_covariates : list of str or None, default=None
        Columns of X that are known up to the forecast origin only; the others are known in the future too.
    calendar : tuple of {"minute_of_hour", "hour", "weekday", "month", "day_of_year"} or None, default=None
        Covariates made from the index.
    missing : {"error", "mask", "interpolate"}, default="error"
        What to do about missing values. "mask": nothing is learnt from forecasts that begin in a hole or mostly fall
        into one; holes before an origin are bridged by a line or, long ones, by the season before. "interpolate": what
        is missing is filled with a line and learnt as if it had been observed. With both, a forecast begins at the
        newest observation of its column.
    missing_values : float, tuple of float or None, default=None
        Numbers that stand for a missing value as NaN does, such as -999.
    freq : str, offset or None, default=None
        Frequency of the index where it cannot be inferred.
    intervals : {"adaptive", "conformal"}, default="adaptive"
        What intervals are calibrated on: held-out rows at the end of the training and the rows after them that `update`
        brought, old ones counting less; or the held-out rows alone, all alike.

    Attributes
    ----------
    alpha_ : float or ndarray of shape (K,)
        Penalty, for several targets one each.
    season_length_ : tuple of int
        Seasons, ascending; empty when there is none.
    lookback_ : int
        Values of the target that are read.
    n_parameters_ : int
        Weights that were estimated.
    no_skill_ : bool
        Whether no target showed a linear signal beyond its naive base.
    linear_ : LinearModel
        Weights, scales and the recipe.
    cutoff_, freq_, n_features_in_, feature_names_in_
        As for every forecaster.

    Examples
    --------
    >>> import numpy as np, pandas as pd
    >>> from rnnforecast import LinearForecaster
    >>> hours = pd.date_range("2024-01-01", periods=400, freq="h")
    >>> load = pd.Series(10 + np.sin(2 * np.pi * np.arange(400) / 24), index=hours)
    >>> LinearForecaster(horizon=24).fit(load).forecast(3).round(3).to_list()
    [9.134, 9.034, 9.0]
    """

    _parameter_constraints: ClassVar[dict[str, Any]] = {
        **BaseForecaster._parameter_constraints,
        "season_length": _SEASON_LENGTH,
        "lookback": [StrOptions({"auto"}), Interval(Integral, 1, None, closed="left")],
        "target_transform": [StrOptions({"auto", *TRANSFORMS}), tuple, list, None],
        "alpha": [StrOptions({"cv"}), Interval(Real, 0, np.inf, closed="both")],
    }

    def __init__(
        self,
        horizon: int = 1,
        *,
        lookback: Any = "auto",
        season_length: Any = "auto",
        target_transform: Any = "auto",
        alpha: Any = "cv",
        past_covariates: Any = None,
        calendar: Any = None,
        missing: str = "error",
        missing_values: Any = None,
        freq: Any = None,
        intervals: str = "adaptive",
    ) -> None:
        self.horizon = horizon
        self.lookback = lookback
        self.season_length = season_length
        self.target_transform = target_transform
        self.alpha = alpha
        self.past_covariates = past_covariates
        self.calendar = calendar
        self.missing = missing
        self.missing_values = missing_values
        self.freq = freq
        self.intervals = intervals

    def _minimum_rows(self, series: Series) -> int:
        """Return the rows of one training window.

        Without a fixed lookback the window adapts to the series; that of a short series of a panel is filled up.
        """
        return self.horizon + (1 if self.lookback == "auto" or series.ids is not None else self.lookback)

    def _rows_read(self) -> int:
        """Return the rows of a window."""
        return self.lookback_

    def _learn(self, series: Series) -> dict[str, Any]:
        """Resolve the recipe and solve for the weights."""
        recipe = resolve_series(self, series, self.target_transform)
        spaced = series.spaced(recipe.lookback)
        with one_blas_thread():  # the same bits whatever the number of threads
            target, observed = recipe.bridge.over(spaced), observed_targets(spaced)
            model = LinearModel(self.alpha).fit(
                target, spaced.known, spaced.past, recipe, self.horizon, observed, spaced.spans
            )
        return {
            "alpha_": float(model.alpha_[0]) if len(model.alpha_) == 1 else model.alpha_,
            "season_length_": recipe.seasons,
            "lookback_": recipe.lookback,
            "n_parameters_": model.n_parameters_,
            "no_skill_": bool(np.isinf(model.alpha_).all()),
            "linear_": model,
            "_error_scale": recipe.transform.pointwise,
        }

    def _forecast(self, series: Series, origins: NDArray[np.int64], horizon: int) -> NDArray[np.float64]:
        """Return the forecasts, (n, horizon, K)."""
        target = self.linear_.recipe_.bridge.over(series)
        return self.linear_.forecast(target, series.known, series.past, origins, horizon, series.spans)
