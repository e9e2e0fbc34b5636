"""Whatever comes in, an estimator answers with finite numbers of the right shape or one sentence, and changes nothing.

``RNNFORECAST_EXAMPLES=10000`` tries so many inputs instead of a few.
"""

from __future__ import annotations

import copy
import os
import warnings

import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from rnnforecast import (
    ForecasterPerSeries,
    LinearForecaster,
    NaiveForecaster,
    RNNAnomalyDetector,
    RNNClassifier,
    RNNForecaster,
    RNNRegressor,
)
from tests.trust.inputs import panels, sequences, tables, values

EXAMPLES = int(os.environ.get("RNNFORECAST_EXAMPLES", "60"))
MANY = settings(
    max_examples=EXAMPLES,
    deadline=None,
    derandomize=EXAMPLES <= 60,
    suppress_health_check=list(HealthCheck),
    database=None,
)
HALF = settings(MANY, max_examples=max(EXAMPLES // 2, 1))
REFUSED = (ValueError, TypeError)
SMALL = {
    "lookback": 8,
    "hidden_layer_sizes": (4,),
    "max_iter": 1,
    "n_estimators": 1,
    "segment_length": None,
    "random_state": 0,
}


def forecaster(kind, horizon, missing):
    if kind == "rnn":
        return RNNForecaster(horizon, missing=missing, **SMALL)
    if kind == "per series":
        return ForecasterPerSeries(LinearForecaster(horizon, missing=missing))
    return {"linear": LinearForecaster, "naive": NaiveForecaster}[kind](horizon, missing=missing)


def require_a_sentence(error):
    """A message that a person can act on: it has words, and no traceback of numba or pandas internals in it."""
    text = str(error)
    assert len(text) > 15, repr(error)
    assert "numba" not in text.lower()
    assert "Traceback" not in text


def snapshot(data):
    return copy.deepcopy(data)


def same(left, right):
    if isinstance(left, pd.Series | pd.DataFrame):
        return left.equals(right) and left.index.equals(right.index)
    return np.array_equal(np.asarray(left, object), np.asarray(right, object)) or _equal_with_nan(left, right)


def _equal_with_nan(left, right):
    return np.array_equal(np.asarray(left, float), np.asarray(right, float), equal_nan=True)


@pytest.mark.parametrize("kind", ["naive", "linear", "rnn"])
@MANY
@given(data=tables(), horizon=st.integers(1, 6), missing=st.sampled_from(("error", "interpolate", "mask")))
def test_a_series_is_forecast_or_refused(kind, data, horizon, missing):
    before = snapshot(data)
    model = forecaster(kind, horizon, missing)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            model.fit(data)
        except REFUSED as error:
            require_a_sentence(error)
            assert not hasattr(model, "cutoff_")
            assert same(before, data)
            return
        forecast = model.forecast(2 * horizon)
        fitted = model.predict(data)
    assert same(before, data)
    assert len(forecast) == 2 * horizon
    assert np.isfinite(np.asarray(forecast, float)).all()
    assert len(fitted) == len(data)
    assert np.isfinite(fitted).all()
    if isinstance(data, pd.Series | pd.DataFrame) and isinstance(data.index, pd.DatetimeIndex):
        assert forecast.index[0] > data.index[-1]


@pytest.mark.parametrize("kind", ["naive", "linear", "rnn"])
@MANY
@given(X=tables(most=60, n_columns=2), y=tables(most=60), newer=tables(most=20), future=tables(most=20, n_columns=2))
def test_covariates_updates_and_futures_are_used_or_refused(kind, X, y, newer, future):
    model = forecaster(kind, 3, "error")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            if len(y) > len(X):
                y = y[: len(X)]
            model.fit(X[: len(y)], y)
        except REFUSED as error:
            require_a_sentence(error)
            return
        for attempt in (
            lambda: model.forecast(X=future),
            lambda: model.predict(future),
            lambda: model.update(newer, future),
            lambda: model.backtest(X[: len(y)], y, n_windows=2).forecasts[["forecast"]],
        ):
            cutoff = model.cutoff_
            try:
                found = attempt()
            except REFUSED as error:
                require_a_sentence(error)
                assert model.cutoff_ == cutoff
                continue
            if found is not model:
                assert np.isfinite(np.asarray(found, float)).all()


@pytest.mark.parametrize("kind", ["naive", "linear", "rnn", "per series"])
@HALF
@given(
    data=panels(), newer=panels(), horizon=st.integers(1, 3), missing=st.sampled_from(("error", "interpolate", "mask"))
)
def test_a_panel_is_forecast_or_refused(kind, data, newer, horizon, missing):
    before = snapshot(data)
    model = forecaster(kind, horizon, missing)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            model.fit(data)
        except REFUSED as error:
            require_a_sentence(error)
            assert not hasattr(model, "cutoff_")
            assert same(before, data)
            return
        n_series = data.index.get_level_values(0).nunique()
        assert len(model.forecast(2 * horizon)) == 2 * horizon * n_series
        for attempt in (
            lambda: model.forecast(),
            lambda: model.predict(data),
            lambda: model.forecast(history=newer),
            lambda: model.update(newer).forecast(),
        ):
            try:
                found = attempt()
            except REFUSED as error:
                require_a_sentence(error)
                continue
            assert np.isfinite(np.asarray(found, float)).all()
    assert same(before, data)


@HALF
@given(
    data=tables(),
    newer=tables(most=30),
    mode=st.sampled_from(("causal", "offline")),
    method=st.sampled_from(("prediction", "prediction", "prediction", "reconstruction")),
)
def test_rows_are_judged_or_refused(data, newer, mode, method):
    before = snapshot(data), snapshot(newer)
    mode = "causal" if method == "reconstruction" else mode
    detector = RNNAnomalyDetector(method=method, mode=mode, hidden_layer_sizes=6, max_iter=2, random_state=0)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            detector.fit(data)
        except REFUSED as error:
            require_a_sentence(error)
            assert not hasattr(detector, "offset_")
            return
        scores = detector.score_samples(data)
        assert len(scores) == len(data)
        assert not np.isinf(scores).any()
        assert set(detector.predict(data)) <= {-1, 1}
        try:
            assert len(detector.anomaly_score(newer)) == len(newer)
            events = detector.detect(newer)
            assert not np.isinf(events["severity"].to_numpy(float)).any()
            for k in range(min(len(newer), 3 if mode == "causal" else 0)):
                row = newer.iloc[k] if isinstance(newer, pd.Series | pd.DataFrame) else newer[k]
                assert not np.isinf(detector.update(row).score)
        except REFUSED as error:
            require_a_sentence(error)
    assert same(before[0], data)
    assert same(before[1], newer)


@pytest.mark.parametrize("kind", [RNNRegressor, RNNClassifier])
@HALF
@given(
    X=sequences(8),
    y=st.one_of(
        values(8), values(8, 2), st.lists(st.sampled_from(("yes", "no", None, 3, True)), min_size=8, max_size=8)
    ),
    newer=sequences(5),
)
def test_sequences_are_answered_or_refused(kind, X, y, newer):
    before = snapshot((X, y, newer))
    model = kind(hidden_layer_sizes=(3,), max_iter=1, random_state=0)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            model.fit(X, y)
        except REFUSED as error:
            require_a_sentence(error)
            assert not hasattr(model, "coefs_")
            return
        for data in (X, newer):
            try:
                answers = model.predict(data) if kind is RNNRegressor else model.predict_proba(data)
            except REFUSED as error:
                require_a_sentence(error)
                assert data is newer
                continue
            assert len(answers) == len(data)
            assert np.isfinite(answers).all()
    for was, is_ in zip(before, (X, y, newer), strict=True):
        if isinstance(was, list) and not isinstance(was[0], str | int | None):
            assert all(same(a, b) for a, b in zip(was, is_, strict=True))
        else:
            assert same(was, is_)
