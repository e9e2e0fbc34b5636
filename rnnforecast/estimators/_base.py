"""What every forecaster does besides learning: read, place rows in time, answer in pandas, keep scikit-learn's manners.

N rows of history, K targets, S series, n origins or rows asked, H steps ahead. An origin is the first row forecast.
"""

from __future__ import annotations

from abc import abstractmethod
from numbers import Integral, Real
from typing import Any, ClassVar

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn.base import MultiOutputMixin, RegressorMixin
from sklearn.utils._param_validation import Interval, StrOptions
from sklearn.utils.validation import check_is_fitted

from rnnforecast.estimators import _calibration, _covering, _holes, _intervals, _placement, _saving, _units
from rnnforecast.estimators._asked import asked
from rnnforecast.estimators._backtest import Backtest
from rnnforecast.estimators._holes import forecast_through, longest_wait, until_observed
from rnnforecast.estimators._inputs import as_history, cutoff_of, described, known_step, require_rows
from rnnforecast.estimators._parameters import MAX_STEPS, check_parameters
from rnnforecast.estimators._predictive import Around, Predictive
from rnnforecast.estimators._rolling import origins_of_windows, run_backtest
from rnnforecast.estimators._rows import DataWarning, ahead, placed, tell, truth_of, values_at
from rnnforecast.estimators._scales import means
from rnnforecast.estimators._watching import watched
from rnnforecast.series import Series, read, read_more, to_pandas
from rnnforecast.transforms import Identity, Pointwise

__all__ = ["BaseForecaster", "DataWarning"]


class BaseForecaster(MultiOutputMixin, RegressorMixin, _saving.Saved):
    """Base of all forecasters.

    A subclass stores its parameters in ``__init__``, among them ``horizon`` and, if it offers them,
    ``past_covariates``, ``calendar``, ``missing``, ``missing_values`` and ``freq``; it implements `_learn` and
    `_forecast`.

    Attributes
    ----------
    cutoff_ : Timestamp, Period, int or Series
        Label of the last row the forecaster knows; of a panel, a Series of them by name.
    freq_ : str, int or None
        Frequency of the index; the step of an integer index; None for data without an index.
    n_features_in_ : int
        Columns of X.
    feature_names_in_ : ndarray of shape (n_features_in_,), object
        Names of the columns of X, if all are strings, static ones last.
    n_outputs_ : int
        Target columns, K.
    """

    _parameter_constraints: ClassVar[dict[str, Any]] = {
        "horizon": [Interval(Integral, 1, MAX_STEPS, closed="both")],
        "past_covariates": [list, tuple, None],
        "calendar": [list, tuple, None],
        "missing": [StrOptions({"error", "mask", "interpolate"})],
        "missing_values": [Real, tuple, list, None],
        "freq": "no_validation",  # pandas knows what a frequency is
        "intervals": [StrOptions(set(_calibration.INTERVALS))],
    }

    horizon: int
    _history: Series
    _n_learnt: NDArray[np.int64]  # (S,)
    _error_units: NDArray[np.float64] | None
    _calibrations: dict[tuple[int, int], _calibration.Calibration]  # made when asked for
    _error_scale: Pointwise = Identity()  # makes errors of one size whatever the level

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
            ``origin + horizon - 1``; ``series.known`` reaches that far, beyond the last target row if need be. Before
            every series of a panel but the first lie `_rows_read` rows like its first one.
        origins : ndarray of shape (n,), int64
            First row forecast, each after a row of its series (``series.spans.owners``).
        horizon : int
            Steps, H.

        Returns
        -------
        ndarray of shape (n, H, K)
            In the target's own units.
        """

    def _predictive(self, series: Series, origins: NDArray[np.int64], horizon: int) -> Predictive:
        """Forecast as `_forecast` does, with the distribution that is to be calibrated."""
        point, units = self._forecast(series, origins, horizon), _units.units_at(self, series, origins)
        return Around(point, self._error_scale, units)

    def _held_out(self) -> tuple[BaseForecaster, Any]:
        """Return a twin that has not learnt from the last training rows, and the first of these of each series."""
        return _calibration.learn_on_head(self)

    def _minimum_rows(self, series: Series) -> int:
        """Return the smallest number of rows that can be learnt from, for each series."""
        return 1

    def _rows_read(self) -> int:
        """Return how many rows before its origin a forecast reads, once fitted."""
        return 1

    def fit(self, X: Any, y: Any = None) -> BaseForecaster:
        """Learn from a series, or one model from a panel of many: rows under a MultiIndex (series, time).

        Parameters
        ----------
        X : frame, Series or array of N rows
            One row per time step: the covariates, or the target itself when `y` is None. The series of a panel may
            begin and end at different times, and their rows may be mixed; `rnnforecast.from_long` makes the index.
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
            Data that are no regular series of numbers; the sentence says where, of a panel in which series, and what
            to do.
        """
        check_parameters(self)
        series = self._read(X, y)
        tell(_holes.remarks_on_closures(series))
        with watched(self, X, y):
            return self._fit_series(series)

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
        values = values_at(*self._rows_of(X), self._forecast, self._training_mean)
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
        probabilities = asked(quantiles=[] if quantiles is None else quantiles).probabilities
        values = _intervals.quantiles_at(self, *self._rows_of(X), probabilities)
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
            Covariates of these steps, needed if the forecaster was fitted with any that are known in the future; of a
            panel, for every series. Rows before the cutoff are ignored; rows without labels are the next steps.
        history : Series, frame, array or tuple (X, y), optional
            Other or newer data to forecast with the same model, as they would be given to `fit`. A panel may have
            series that the model has not seen, and may lack some that it has.
        level : float or sequence of float, optional
            Nominal coverages of central intervals, in per cent: columns ``load``, ``load-lo-80``, ``load-hi-80``. The
            errors of the series of a panel are pooled, in units of the deviation of each.
        quantiles : float or sequence of float, optional
            Probabilities: columns ``load-q0.1``; 0.1 and 0.9 are the ends of the 80 % interval.
        n_samples : int, optional
            Possible futures; steps and targets depend on each other, series do not: columns ``load-sample-1``.

        Returns
        -------
        Series or DataFrame of h rows
            Named as y was, on the labels that continue it; of a panel h rows for each series, under a MultiIndex.

        Raises
        ------
        ValueError
            Steps for which covariates are missing, with their labels and columns; too few rows to calibrate intervals.
        """
        check_is_fitted(self)
        wanted = asked(level, quantiles, n_samples)
        series = self._history if history is None else self._read_history(history)
        placement, steps = ahead(series, X, h, self.horizon, estimator=type(self).__name__)
        covered, labels = self._covered(series, placement, steps), _placement.labels_ahead(series, placement, steps)
        if wanted:
            return _intervals.forecast_frame(self, covered, steps, labels, wanted)
        values = forecast_through(self._forecast, covered, covered.spans.stops, steps)
        return to_pandas(np.concatenate(values), labels, series)

    def update(self, y_new: Any, X_new: Any = None) -> BaseForecaster:
        """Take in new observations without learning from them: later forecasts start after them.

        Parameters
        ----------
        y_new : Series, frame or array of m rows
            The rows that directly follow the cutoff; of a panel those of each series its own, perhaps of some only.
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
        tell(_holes.remarks_on_update(self._history, series))
        self.__dict__ |= {"_history": series, "cutoff_": cutoff_of(series)}
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
            At most 1; NaN for fewer than two rows. Unless ``missing="error"``, rows without truth do not count.

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
        truth, predicted = truth_of(self._history, X, y), self.predict(X)
        there = np.ones(len(truth), bool) if self._history.missing == "error" else ~np.isnan(truth).any(axis=1)
        weight = None if sample_weight is None else np.asarray(sample_weight)[there]
        from sklearn.metrics import r2_score  # takes longer to import than all of this package

        return float(r2_score(truth[there], predicted[there], sample_weight=weight))

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
            Windows of ``horizon`` rows; the last one ends with the data, of a panel each series' with its own: where
            series end at different times, a global model may have learnt from later rows of the others.
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
        wanted, series = asked(level), self._read(X, y)
        origins = origins_of_windows(self, series, n_windows, step)
        return run_backtest(self, series, origins, refit=refit, wanted=wanted)

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.target_tags.required = False  # a pandas X alone is the target
        tags.input_tags.allow_nan = getattr(self, "missing", "error") != "error"
        tags.regressor_tags.poor_score = True  # it judges by independent rows, which no past can forecast
        return tags

    def _read(self, X: Any, y: Any, freq: Any = None) -> Series:
        """Read data with the forecaster's parameters; those it does not have keep their usual values."""
        return read(
            X,
            y,
            past_covariates=getattr(self, "past_covariates", None) or (),
            static_covariates=getattr(self, "static_covariates", None) or (),
            freq=getattr(self, "freq", None) if freq is None else freq,
            missing=getattr(self, "missing", "error"),
            missing_values=getattr(self, "missing_values", None),
            calendar=getattr(self, "calendar", None) or (),
        )

    def _fit_series(self, series: Series, learn: Any = None) -> BaseForecaster:
        """Learn from what has been read, with `learn` or `_learn`, then change the forecaster in one step."""
        learnt = until_observed(series)
        require_rows(learnt, self._minimum_rows(learnt), type(self).__name__)
        state = (learn or self._learn)(learnt)
        state |= described(series) | {
            "_history": series,
            "_n_learnt": learnt.spans.lengths,
            "_calibrations": {},
            "_error_units": _units.error_units(series, state.get("_error_scale", self._error_scale)),
            "_training_mean": means(series.target, series.spans, series.seen),
        }
        state["_learned"] = (*state, "_learned")
        earlier = getattr(self, "_learned", ())
        # One assignment: an interrupt finds either the old state or the new one.
        self.__dict__ = {name: value for name, value in vars(self).items() if name not in earlier} | state
        return self

    def _covered(self, series: Series, placement: _placement.Placement, steps: int) -> Series:
        """Return the history as `_forecast` wants it, with covariates of so many steps ahead, and of all that X has."""
        steps = max(steps, int(placement.steps(series).max(initial=-1)) + 1)
        placed = _placement.reaching(series, placement, steps)  # through holes: they end later, and read whole horizons
        return _covering.laid_over(series, placed, steps, self._rows_read(), self.horizon + longest_wait(series))

    def _rows_of(self, X: Any) -> tuple[Series, _placement.Placement]:
        """Return the history, covered up to the last row of X, and where the rows stand, once the caller is warned."""
        placement, remarks = placed(self._history, X, estimator=type(self).__name__)
        tell(remarks, stacklevel=4)
        return self._covered(self._history, placement, 0), placement

    def _read_history(self, history: Any) -> Series:
        """Read other data for the same model."""
        X, y = history if isinstance(history, tuple) and len(history) == 2 else (history, None)
        return as_history(self._history, self._read(X, y, freq=known_step(self._history, X if y is None else y)))
