"""The anomaly detector: forecasts of the next few rows, and how rare the errors are that they make."""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn.base import BaseEstimator, OutlierMixin
from sklearn.utils.validation import check_is_fitted

from rnnforecast.estimators import _detector
from rnnforecast.estimators._alarms import alarm_table, contributions
from rnnforecast.estimators._detector import Judgement, Learned
from rnnforecast.estimators._detector_parameters import CONSTRAINTS, check
from rnnforecast.estimators._parameters import check_parameters, checked_number
from rnnforecast.estimators._scoring import Scored
from rnnforecast.estimators._threads import one_blas_thread
from rnnforecast.estimators._watching import CallbackSupportMixin, watched
from rnnforecast.series import Steps, read_steps


class RNNAnomalyDetector(CallbackSupportMixin, OutlierMixin, BaseEstimator):
    """Find rows of a time series that are unlike what came before them.

    A recurrent reservoir reads the series; linear readouts of its states and of the newest values, solved in closed
    form, forecast the next rows (an echo state network; Jaeger, 2001). Errors in units of their usual size are smoothed
    over several spans, and calibrated by the errors that the training rows have under readouts learnt from other
    training rows. A score of 3 is reached by one ordinary row in a thousand.

    Rows are steps in time, whatever their labels: these may be irregular or repeat, but not go back. NaN is a row, or a
    part of one, at which nothing was observed; it is no anomaly. The first ``n_warm_up_`` rows of a series have no
    score. Rows whose labels all come after the training rows go on where these ended.

    Parameters
    ----------
    method : {"prediction", "reconstruction"}, default="prediction"
        Forecast rows, or rebuild the window that ends with a row from what a recurrent layer kept of it (an
        encoder-decoder; Malhotra et al., 2016), which takes a training by gradient.
    mode : {"causal", "offline"}, default="causal"
        Judge a row by what came before it, or with hindsight: by forecasts forward and backward in time.
    target : label, list of labels or None, default=None
        Columns that are scored, the others being inputs only; None scores all.
    solver : {"auto", "ridge", "adam", "adamw", "sgd", "rmsprop"}, default="auto"
        "ridge", the choice for predictions, leaves the recurrent weights as they were drawn; the others train them to
        forecast first. The readouts are solved in closed form in any case.
    cell : "auto", str or Cell, default="auto"
        "auto" is "leaky" where weights are drawn, else "gru".
    hidden_layer_sizes : "auto", int or tuple of one int, default="auto"
        Recurrent units; "auto" is 150 where weights are drawn, else 32.
    n_steps_ahead : tuple of int, default=(1, 2, 3, 5)
        How far ahead is forecast.
    n_lags : "auto" or int, default="auto"
        Newest values that readouts see; "auto" is 1.25 periods, within 96 to 300 and a quarter of the rows. Of a
        reconstruction, the window's rows.
    alpha : float, default=1e-5
        Penalty of the readouts of states, per row.
    spectral_radius, input_scale : float, default=0.95, 0.5
    error_norm : {"mean", "mahalanobis"}, default="mean"
        Size of a row's errors: mean over the steps ahead, or their Mahalanobis distance (Malhotra et al., 2015).
    smooth : "auto", int or None, default="auto"
        Span of the smoothing in rows; "auto" is the mean of several, None none.
    false_alarm_rate : "auto" or float, default="auto"
        Share of ordinary rows that may alarm; "auto" is 0.01, or what fewer than 100 training rows can support. The
        threshold starts at the calibrated rate and follows the share that is met (Gibbs and Candès, 2021).
    contamination : float or None, default=None
        Share of the training rows that shall alarm: a fixed threshold in place of the rate. Of rows that were not
        learnt from, more will.
    threshold : float, "dynamic" or None, default=None
        A fixed score, or the thresholds of Hundman et al. (2018), in place of the rate.
    drift : bool, default=False
        Whether the calibration follows the newest rows that do not alarm.
    shape : bool, default=False
        With ``mode="offline"``: compare windows with those of the training rows, too.
    max_iter : int, default=150
        Updates of the gradient solvers.
    callback : callable or None, default=None
        As in `RNNForecaster`; called by the gradient solvers.
    dtype : {"float32", "float64"}, default="float64"
        Of the recurrent states.
    random_state : int, RandomState or None, default=None

    Attributes
    ----------
    offset_ : float
        Minus the threshold a score starts with; NaN with ``threshold="dynamic"``.
    untrainable_ : list of labels
        Targets of which more than 99.9 % of the training values are the same. They do not count in the score; if there
        are no others, any departure is a high score, but alarms end when it lasts.
    n_left_out_ : int
        Training rows of which a target stood out and was not learnt from.
    n_warm_up_ : int
        Rows at the beginning of a series that have no score.
    period_ : int or None
        Rows of the period that was found.
    columns_ : list of labels
        Targets, in the order of scores by column.
    n_iter_ : int
        Updates of a gradient solver, and one for the readouts.
    n_features_in_, feature_names_in_
        Columns of X.

    Examples
    --------
    >>> import numpy as np, pandas as pd
    >>> from rnnforecast import RNNAnomalyDetector
    >>> rows = np.arange(2000)
    >>> noise = np.random.default_rng(0).normal(size=2000)
    >>> load = pd.Series(10 * np.sin(rows / 8) + noise, name="load")
    >>> load[1500:1505] += 15
    >>> detector = RNNAnomalyDetector(random_state=0).fit(load[:1000])
    >>> detector.detect(load[1000:])[["start", "column", "direction"]]
       start column direction
    0   1500   load        up
    """

    _parameter_constraints: ClassVar[dict[str, Any]] = CONSTRAINTS

    _learned: Learned

    def __init__(
        self,
        *,
        method: str = "prediction",
        mode: str = "causal",
        target: Any = None,
        solver: str = "auto",
        cell: Any = "auto",
        hidden_layer_sizes: Any = "auto",
        n_steps_ahead: Any = (1, 2, 3, 5),
        n_lags: Any = "auto",
        alpha: float = 1e-5,
        spectral_radius: float = 0.95,
        input_scale: float = 0.5,
        error_norm: str = "mean",
        smooth: Any = "auto",
        false_alarm_rate: Any = "auto",
        contamination: float | None = None,
        threshold: Any = None,
        drift: bool = False,
        shape: bool = False,
        max_iter: int = 150,
        callback: Any = None,
        dtype: str = "float64",
        random_state: Any = None,
    ) -> None:
        self.method = method
        self.mode = mode
        self.target = target
        self.solver = solver
        self.cell = cell
        self.hidden_layer_sizes = hidden_layer_sizes
        self.n_steps_ahead = n_steps_ahead
        self.n_lags = n_lags
        self.alpha = alpha
        self.spectral_radius = spectral_radius
        self.input_scale = input_scale
        self.error_norm = error_norm
        self.smooth = smooth
        self.false_alarm_rate = false_alarm_rate
        self.contamination = contamination
        self.threshold = threshold
        self.drift = drift
        self.shape = shape
        self.max_iter = max_iter
        self.callback = callback
        self.dtype = dtype
        self.random_state = random_state

    def fit(self, X: Any, y: Any = None) -> RNNAnomalyDetector:
        """Learn what is ordinary.

        Parameters
        ----------
        X : Series, frame or array of N rows
            Rows in the order of time. Those that stand out, at most a fifth, are not learnt from.
        y : ignored

        Returns
        -------
        self
            When `fit` fails or is interrupted, the detector stays as it was.

        Raises
        ------
        TypeError, ValueError
            A parameter out of its range, or data that are no rows of numbers, or too few; the sentence says where.
        """
        check_parameters(self)
        check(self)
        steps = read_steps(X)
        with watched(self, X), one_blas_thread():
            learned = _detector.learn(self, steps)
        state = {
            "_learned": learned,
            "offset_": -learned.start.level if self.threshold != "dynamic" else np.nan,
            "untrainable_": learned.untrainable,
            "n_left_out_": int(learned.judge.left_out.any(axis=1).sum()),
            "n_warm_up_": learned.judge.n_warm_up,
            "period_": learned.judge.plan.period,
            "columns_": learned.names,
            "n_iter_": learned.n_iter,
            "n_features_in_": learned.scaler.scale.size,
        }
        if learned.feature_names is not None:
            state["feature_names_in_"] = np.array(learned.feature_names, dtype=object)
        state["_fitted"] = (*state, "_fitted")
        earlier = (*getattr(self, "_fitted", ()), "_stream")
        # One assignment: an interrupt finds either the old state or the new one.
        self.__dict__ = {name: value for name, value in vars(self).items() if name not in earlier} | state
        return self

    def score_samples(self, X: Any) -> NDArray[np.float64]:
        """Return minus the calibrated scores of rows: the lower, the more abnormal.

        Parameters
        ----------
        X : Series, frame or array of n rows

        Returns
        -------
        ndarray of shape (n,)
            NaN for rows without a score: the warm-up, and missing ones.
        """
        return -self._judged(X)[1].score

    def decision_function(self, X: Any) -> NDArray[np.float64]:
        """Return `score_samples` plus the threshold of each row: negative for anomalies, NaN where there is no score.

        Parameters
        ----------
        X : Series, frame or array of n rows

        Returns
        -------
        ndarray of shape (n,)
        """
        scored = self._judged(X)[1]
        return scored.threshold - scored.score

    def predict(self, X: Any) -> NDArray[np.int64]:
        """Return -1 for anomalies and 1 for other rows, among them those without a score.

        Parameters
        ----------
        X : Series, frame or array of n rows

        Returns
        -------
        ndarray of int, shape (n,)
        """
        return np.where(self.decision_function(X) < 0, -1, 1)

    def anomaly_score(self, X: Any) -> pd.Series:
        """Return the calibrated score of each row: 3 is one ordinary row in a thousand.

        Parameters
        ----------
        X : Series, frame or array of n rows

        Returns
        -------
        Series of n values
            On the index of X; NaN for rows without a score.
        """
        steps, scored = self._judged(X)
        return pd.Series(scored.score, index=steps.index, name="anomaly_score")

    def explain(self, X: Any) -> pd.DataFrame:
        """Return what each target adds to the score of each row; the columns sum to `anomaly_score`.

        Parameters
        ----------
        X : Series, frame or array of n rows

        Returns
        -------
        DataFrame of shape (n, K)
        """
        steps, scored = self._judged(X)
        return pd.DataFrame(contributions(scored), index=steps.index, columns=pd.Index(self.columns_))

    def detect(
        self,
        X: Any,
        *,
        min_gap: int | None = None,
        padding: int = 0,
        min_length: int = 1,
        refractory: int = 0,
        min_peak: float | None = None,
    ) -> pd.DataFrame:
        """Return the intervals in which something unusual happened.

        Parameters
        ----------
        X : Series, frame or array of n rows
        min_gap : int or None, default=None
            Alarms with at most so many quiet rows between them are one. None: as many as a forecast looks back at, for
            so long an anomaly can disturb it.
        padding : int, default=0
            Rows added on both sides.
        min_length : int, default=1
            Fewest alarming rows.
        refractory : int, default=0
            Rows after an interval in which no other may start.
        min_peak : float or None, default=None
            Score above which an interval begins and ends. None: of a false-alarm rate, 2.5 more than its threshold, for
            among thousands of rows some alarm without cause (with hindsight and few training rows, still more); of
            other thresholds, no more than these.

        Returns
        -------
        DataFrame
            A row for each interval: `start`, `end` and `peak` (labels of rows), `severity` (score of the peak),
            `n_points` (rows that alarm), `column` (that contributed most), its `direction` ("up" or "down" from what
            was expected), and what was `expected` and `observed` in it at the peak.
        """
        check_is_fitted(self)
        learned = self._learned
        min_gap = learned.judge.plan.n_lags if min_gap is None else min_gap
        joining = {"min_gap": min_gap, "padding": padding, "min_length": min_length, "refractory": refractory}
        for name, value in joining.items():
            checked_number(value, name, minimum=int(name == "min_length"))
        steps, scored = self._judged(X)
        highest = learned.highest_false_alarm(scored) if min_peak is None else np.full(len(scored.score), min_peak)
        observed = learned.table(steps)[:, : len(learned.names)]
        expected = learned.unscaled(scored.expected)
        return alarm_table(scored, observed, expected, steps.index, learned.names, highest, **joining)

    def update(self, row: Any, learn: bool | None = None) -> Judgement:
        """Judge the next row after the training rows and those of earlier calls, at a cost that never grows.

        Parameters
        ----------
        row : float, array-like of shape (C,), dict, Series or frame of one row
            In the order of the columns of X, or under their names; NaN is missing.
        learn : bool or None, default=None
            Whether the calibration follows this row unless it alarms; None is `drift`.

        Returns
        -------
        Judgement
            `score`, `is_anomaly`, `expected`, `lower`, `upper` and `contributions`; the last four are numbers of a
            detector fitted on a Series, else arrays by target. `lower` and `upper` are where the nearest forecast errs
            in one training row of a hundred, or of what the false-alarm rate says.

        Raises
        ------
        ValueError
            A row of other numbers or names than the columns; a detector that judges with hindsight.
        """
        stream = self.__dict__.get("_stream")
        if stream is None:
            check_is_fitted(self)
            stream = self._stream = _detector.stream(self, self._learned)
        return stream.update(row, self.drift if learn is None else learn)

    def get_state(self) -> dict[str, Any]:
        """Return what `update` has carried from row to row, as arrays."""
        check_is_fitted(self)
        stream = self.__dict__.get("_stream") or _detector.stream(self, self._learned)
        return stream.scorer.state

    def set_state(self, state: dict[str, Any]) -> RNNAnomalyDetector:
        """Go on from a state of `get_state`, of this detector or of an equal one.

        Parameters
        ----------
        state : dict

        Returns
        -------
        self

        Raises
        ------
        ValueError
            A state of something else.
        """
        check_is_fitted(self)
        stream = _detector.stream(self, self._learned)
        if not _detector.alike(state, stream.scorer.state):
            raise ValueError("state must come from get_state of a detector with the same parameters and columns")
        stream.scorer.state = state
        self._stream = stream
        return self

    def _judged(self, X: Any) -> tuple[Steps, Scored]:
        """Read rows and judge them."""
        check_is_fitted(self)
        steps = read_steps(X)
        with one_blas_thread():
            return steps, _detector.judge(self, self._learned, steps)

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.allow_nan = True
        return tags
