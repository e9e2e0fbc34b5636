"""What every forecaster does besides learning: read, place rows in time, answer in pandas, keep scikit-learn's manners.

N rows of history, K target columns, n origins or rows asked, H steps ahead. An origin is the first row forecast.
"""

from __future__ import annotations

from abc import abstractmethod
from numbers import Integral
from typing import Any, ClassVar

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn.base import BaseEstimator, MultiOutputMixin, RegressorMixin
from sklearn.metrics import r2_score
from sklearn.utils._param_validation import Interval, StrOptions
from sklearn.utils.validation import check_is_fitted

from rnnforecast.estimators import _intervals, _placement
from rnnforecast.estimators._backtest import Backtest
from rnnforecast.estimators._histories import read_history
from rnnforecast.estimators._parameters import MAX_STEPS, check_parameters, checked_number
from rnnforecast.estimators._predictive import Around, Predictive
from rnnforecast.estimators._rolling import observed_values, origins_of_windows, run_backtest
from rnnforecast.estimators._rows import DataWarning, placed, values_at
from rnnforecast.scaling import Identity
from rnnforecast.series import Series, read, read_more, to_pandas
from rnnforecast.series.continuation import columns_of_targets
from rnnforecast.series.reading import common_index
from rnnforecast.series.tables import read_table

__all__ = ["BaseForecaster", "DataWarning"]


class BaseForecaster(MultiOutputMixin, RegressorMixin, BaseEstimator):
    """Base of all forecasters.

    A subclass stores its parameters in ``__init__``, among them ``horizon`` and, if it offers them,
    ``past_covariates``, ``calendar``, ``missing`` and ``freq``; it implements `_learn` and `_forecast`.

    Attributes
    ----------
    cutoff_ : Timestamp, Period or int
        Label of the last row the forecaster knows.
    freq_ : str, int or None
        Frequency of the index; the step of an integer index; None for data without an index.
    n_features_in_ : int
        Columns of X.
    feature_names_in_ : ndarray of shape (n_features_in_,), object
        Names of the columns of X, if all are strings.
    n_outputs_ : int
        Target columns, K.
    """

    _parameter_constraints: ClassVar[dict[str, Any]] = {
        "horizon": [Interval(Integral, 1, MAX_STEPS, closed="both")],
        "past_covariates": [list, tuple, None],
        "calendar": [list, tuple, None],
        "missing": [StrOptions({"error", "interpolate"})],
        "freq": "no_validation",  # pandas knows what a frequency is
        "intervals": [StrOptions(set(_intervals.INTERVALS))],
    }

    horizon: int
    _history: Series
    _n_learnt: int
    _calibrations: dict[tuple[int, int], _intervals.Calibration]  # made when asked for
    _error_scale: Any = Identity()  # the pointwise transform that makes errors of one size whatever the level

    @abstractmethod
    def _learn(self, series: Series) -> dict[str, Any]:
        """Return the learned attributes, by name; the forecaster itself is not touched."""

    @abstractmethod
    def _forecast(self, series: Series, origins: NDArray[np.int64], horizon: int) -> NDArray[np.float64]:
        """Forecast from several origins with the learned attributes.

        Parameters
        ----------
        series : Series
            The target rows and past covariates before each origin may be read, the known covariates up to
            ``origin + horizon - 1``; ``series.known`` reaches that far, beyond the last target row if need be.
        origins : ndarray of shape (n,), int64
            First row forecast, in 1..N.
        horizon : int
            Steps, H.

        Returns
        -------
        ndarray of shape (n, H, K)
            In the target's own units.
        """

    def _predictive(self, series: Series, origins: NDArray[np.int64], horizon: int) -> Predictive:
        """Forecast as `_forecast` does, with the distribution that is to be calibrated."""
        return Around(self._forecast(series, origins, horizon), self._error_scale)

    def _held_out(self) -> tuple[BaseForecaster, int]:
        """Return a twin that has not learnt from the last training rows, and the first of these."""
        return _intervals.learn_on_head(self)

    def _minimum_rows(self, series: Series) -> int:
        """Return the smallest number of rows that can be learnt from."""
        return 1

    def fit(self, X: Any, y: Any = None) -> BaseForecaster:
        """Learn from a series.

        Parameters
        ----------
        X : frame, Series or array of N rows
            One row per time step: the covariates, or the target itself when `y` is None.
        y : Series, frame or array of N rows, optional
            The target, one column or several.

        Returns
        -------
        self
            The fitted forecaster. When `fit` fails or is interrupted, the forecaster stays as it was.

        Raises
        ------
        InvalidParameterError
            A parameter out of its range.
        TypeError, ValueError
            Data that are no regular series of numbers; the sentence says where and what to do.
        """
        check_parameters(self)
        return self._fit_series(self._read(X, y))

    def predict(self, X: Any) -> NDArray[np.float64]:
        """Forecast the rows of X, or give fitted values for rows of the training data; the index decides.

        Rows after the end are forecast from the cutoff, however many steps ahead, without any later observation. Rows
        within the training data get one-step-ahead forecasts (rows without a past the training mean). On trading days,
        weekdays that X leaves out are holidays if no more of them follow each other than once did in the data.

        Parameters
        ----------
        X : frame, Series or array of n rows
            Covariates of the rows; of a forecaster that was fitted without y, only the labels are used. Rows without
            labels of this time axis (an array, or an index that counts from 0 again) are the training rows if they have
            their very values, and otherwise the next n steps, with a warning.

        Returns
        -------
        ndarray of shape (n,) or (n, K)
            As y was in `fit`.

        Raises
        ------
        ValueError
            Rows before the training data, which shuffling and plain KFold ask for; other columns than in `fit`.
        """
        check_is_fitted(self)
        series, rows = placed(self._history, X, estimator=type(self).__name__)
        values = values_at(series, rows, self._forecast, self._training_mean)
        return values[:, 0] if self._history.one_dimensional else values

    def predict_quantiles(self, X: Any, quantiles: Any = (0.1, 0.5, 0.9)) -> NDArray[np.float64]:
        """Forecast quantiles of the rows of X; the index decides as in `predict`.

        Parameters
        ----------
        X : as in `predict`
        quantiles : float or sequence of Q floats, default=(0.1, 0.5, 0.9)

        Returns
        -------
        ndarray of shape (n, Q) or (n, K, Q)
            Ascending with the probability; for the rows after the end as `forecast` has them.
        """
        check_is_fitted(self)
        probabilities = _intervals.asked(quantiles=[] if quantiles is None else quantiles).probabilities
        series, rows = placed(self._history, X, estimator=type(self).__name__)
        values = _intervals.quantiles_at(self, series, rows, probabilities)
        return values[:, 0] if self._history.one_dimensional else values

    def forecast(
        self,
        h: int | None = None,
        X: Any = None,
        *,
        history: Any = None,
        level: Any = None,
        quantiles: Any = None,
        n_samples: int | None = None,
    ) -> pd.Series | pd.DataFrame:
        """Forecast the steps after the last known row, on request with intervals, quantiles or sample paths.

        Parameters
        ----------
        h : int, optional
            Number of steps; by default as many as X has after the cutoff, or ``horizon`` without X.
        X : frame, Series or array, optional
            Covariates of these steps, needed if the forecaster was fitted with any that are known in the future. Rows
            before the cutoff are ignored; rows without labels are the next steps.
        history : Series, frame, array or tuple (X, y), optional
            Other or newer data to forecast with the same model, as they would be given to `fit`.
        level : float or sequence of float, optional
            Nominal coverages of central intervals, in per cent: columns ``load``, ``load-lo-80``, ``load-hi-80``.
        quantiles : float or sequence of float, optional
            Probabilities: columns ``load-q0.1``; 0.1 and 0.9 are the ends of the 80 % interval.
        n_samples : int, optional
            Possible futures, which keep the dependence between steps and targets: columns ``load-sample-1``.

        Returns
        -------
        Series or DataFrame of h rows
            Named as y was, on the labels that continue it.

        Raises
        ------
        ValueError
            Steps for which covariates are missing, with their labels and columns; too few rows to calibrate intervals.
        """
        check_is_fitted(self)
        wanted = _intervals.asked(level, quantiles, n_samples)
        series = self._history if history is None else self._read_history(history)
        n = series.n_rows
        if X is None:
            steps = checked_number(self.horizon if h is None else h, "h")
            placement = _placement.nowhere(series)
        else:
            placement = _placement.place(series, X, estimator=type(self).__name__).after(n)
            if len(placement.rows) == 0:
                raise ValueError(
                    f"X must have rows after {series.clock.labels[-1]}, the last known label; "
                    "give the covariates of the steps to be forecast"
                )
            steps = checked_number(len(placement.ahead) if h is None else h, "h")
        placement = _placement.reaching(series, placement, steps)
        _placement.require_covariates(series, placement, steps)
        covered, labels = _placement.laid_over(series, placement), placement.ahead
        labels = labels if len(labels) == steps else labels[:steps]
        if wanted:
            return _intervals.forecast_frame(self, covered, labels, wanted)
        values = self._forecast(covered, np.array([n]), steps)[0]
        return to_pandas(values, labels, series)

    def update(self, y_new: Any, X_new: Any = None) -> BaseForecaster:
        """Take in new observations without learning from them: later forecasts start after them.

        Parameters
        ----------
        y_new : Series, frame or array of m rows
            The rows that directly follow the cutoff.
        X_new : frame, Series or array of m rows, optional
            Their covariates, if there were any in `fit`.

        Returns
        -------
        self
            With ``cutoff_`` moved. When the rows are refused, the forecaster stays as it was.

        Raises
        ------
        ValueError
            Rows that do not follow the cutoff.
        """
        check_is_fitted(self)
        series = read_more(self._history, y_new, X_new)
        self.__dict__ |= {"_history": series, "cutoff_": series.clock.labels[-1]}
        return self

    def score(self, X: Any, y: Any = None, sample_weight: Any = None) -> float:
        """Return the coefficient of determination R² of `predict`.

        Parameters
        ----------
        X : frame, Series or array of n rows
            As in `predict`; also the truth if `y` is None, as in `fit`.
        y : Series, frame or array of n rows, optional
            The truth.
        sample_weight : array-like of shape (n,), optional
            Weights of the rows.

        Returns
        -------
        float
            At most 1; NaN for fewer than two rows. With ``missing="interpolate"``, rows without truth do not count.

        Raises
        ------
        ValueError
            X and y are not labelled alike.
        """
        check_is_fitted(self)
        if y is None and not self._history.target_is_x:
            raise ValueError(
                "score needs y: this forecaster was fitted with X and y; pass the true values of these rows as y"
            )
        predicted = self.predict(X)
        table = read_table(X if y is None else y, "X" if y is None else "y")
        if y is not None:
            common_index(read_table(X, "X"), table, "X", "y")
        truth = table.values[:, columns_of_targets(self._history, table.columns, "X" if y is None else "y")]
        if self._history.missing != "error":
            there = ~np.isnan(truth).any(axis=1)
            truth, predicted = truth[there], predicted[there]
            sample_weight = None if sample_weight is None else np.asarray(sample_weight)[there]
        return float(r2_score(truth, predicted, sample_weight=sample_weight))

    def backtest(
        self,
        X: Any,
        y: Any = None,
        *,
        n_windows: int = 5,
        step: int | None = None,
        refit: bool = False,
        level: Any = None,
    ) -> Backtest:
        """Forecast the end of the data from several origins, each with what was known there, beside seasonal naive.

        Always a clone learns, and only from rows before the windows: a fitted forecaster may have seen them. The
        forecaster itself, fitted or not, is left as it is.

        Parameters
        ----------
        X, y : as in `fit`
            The whole data, windows included.
        n_windows : int, default=5
            Windows of ``horizon`` rows; the last one ends with the data.
        step : int, optional
            Rows from one window to the next; ``horizon`` by default, so that they do not overlap.
        refit : bool, default=False
            False: learn once, before the first window, and forecast all windows with these parameters. True: learn
            anew before every window, ``n_jobs`` at a time if the forecaster has that parameter.
        level : float or sequence of float, optional
            Coverages of intervals, in per cent, to forecast and judge as well.

        Returns
        -------
        Backtest
            Forecasts, errors and skill; prints as a table.

        Raises
        ------
        ValueError
            Too few rows are left to learn from.
        """
        check_parameters(self)
        wanted = _intervals.asked(level)
        series = self._read(X, y)
        origins = origins_of_windows(self, series, n_windows, step)
        return run_backtest(self, series, observed_values(series, X, y), origins, refit=refit, wanted=wanted)

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.target_tags.required = False  # a pandas X alone is the target
        tags.input_tags.allow_nan = getattr(self, "missing", "error") != "error"
        tags.regressor_tags.poor_score = (
            True  # scikit-learn judges by independent rows, which cannot be forecast from their past
        )
        return tags

    def _read(self, X: Any, y: Any, freq: Any = None) -> Series:
        """Read data with the forecaster's parameters."""
        return read(
            X,
            y,
            past_covariates=getattr(self, "past_covariates", None) or (),
            freq=getattr(self, "freq", None) if freq is None else freq,
            missing=getattr(self, "missing", "error"),
            calendar=getattr(self, "calendar", None) or (),
        )

    def _fit_series(self, series: Series) -> BaseForecaster:
        """Learn from what has been read, then change the forecaster in one step."""
        needed = self._minimum_rows(series)
        if series.n_rows < needed:
            raise ValueError(
                f"{type(self).__name__} needs at least {needed} rows to learn from, got {series.n_rows} "
                f"(n_samples = {series.n_rows}); give a longer series or ask for a smaller horizon or lookback"
            )
        state = self._learn(series)
        step = series.clock.step
        state |= {
            "cutoff_": series.clock.labels[-1],
            "freq_": None if series.clock.positional else step if isinstance(step, int) else step.freqstr,
            "n_features_in_": series.n_features,
            "n_outputs_": series.target.shape[1],
            "_history": series,
            "_n_learnt": series.n_rows,
            "_calibrations": {},
            "_training_mean": series.target.mean(axis=0),
        }
        if series.feature_names is not None and not series.target_is_x:
            state["feature_names_in_"] = np.array(series.feature_names, dtype=object)
        state["_learned"] = (*state, "_learned")
        earlier = getattr(self, "_learned", ())
        # One assignment: an interrupt finds either the old state or the new one.
        self.__dict__ = {name: value for name, value in vars(self).items() if name not in earlier} | state
        return self

    def _read_history(self, history: Any) -> Series:
        """Read other data for the same model."""
        return read_history(self._history, history, self._read)
