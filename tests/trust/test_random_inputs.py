"""Whatever comes in, a forecaster answers with finite numbers of the right shape or one sentence, and changes nothing.

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

from rnnforecast import LinearForecaster, NaiveForecaster, RNNForecaster
from tests.trust.inputs import tables

EXAMPLES = int(os.environ.get("RNNFORECAST_EXAMPLES", "60"))
MANY = settings(
    max_examples=EXAMPLES,
    deadline=None,
    derandomize=EXAMPLES <= 60,
    suppress_health_check=list(HealthCheck),
    database=None,
)
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
