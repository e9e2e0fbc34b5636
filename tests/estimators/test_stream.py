"""Forecasts as observations arrive."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from rnnforecast import RNNForecaster

QUICK = {"n_estimators": 2, "max_iter": 20, "hidden_layer_sizes": (8,), "learning_rate_init": 0.01, "random_state": 0}


@pytest.fixture(scope="module")
def load():
    rng = np.random.default_rng(0)
    index = pd.date_range("2024-03-01", periods=480, freq="h")
    return pd.Series(50 + 8 * np.sin(2 * np.pi * np.arange(480) / 24) + rng.normal(size=480), index=index, name="load")


@pytest.mark.parametrize("decoder", ["direct", "parallel"])
@pytest.mark.parametrize("blend", ["auto", None, 0.0, 0.5])
def test_a_stream_forecasts_what_update_and_forecast_do(load, decoder, blend):
    model = RNNForecaster(6, blend=blend, decoder=decoder, **QUICK).fit(load[:450])
    stream = model.stream()
    for stamp in load.index[450:455]:
        np.testing.assert_allclose(stream.forecast(), model.forecast(), rtol=1e-6)  # float32, sums in another order
        stream.update(load[stamp])
        model.update(load[[stamp]])


def test_a_stream_of_several_columns_in_logarithms(load):
    frame = pd.DataFrame({"load": load, "twice": 2 * load + 1})
    model = RNNForecaster(6, target_transform="log", channels="joint", **QUICK).fit(frame[:450])
    stream = model.stream().update(frame.iloc[450])
    np.testing.assert_allclose(stream.forecast(), model.update(frame[450:451]).forecast(), rtol=1e-6)


def test_a_carried_state_starts_as_the_forecast_and_stays_near_it(load):
    model = RNNForecaster(6, blend=None, forking_sequences=True, lookback=120, **QUICK).fit(load[:400])
    stream = model.stream()
    np.testing.assert_allclose(stream.forecast(), model.forecast(), rtol=1e-6)
    for stamp in load.index[400:460]:
        stream.update(load[stamp])
        model.update(load[[stamp]])
    # What a state of zeros 120 steps before has not forgotten, on a series whose values span 16.
    np.testing.assert_allclose(stream.forecast(), model.forecast(), atol=0.05)


def test_the_forecaster_is_left_alone(load):
    model = RNNForecaster(6, **QUICK).fit(load[:450])
    before = model.forecast()
    model.stream().update(1e6)
    pd.testing.assert_series_equal(model.forecast(), before)


@pytest.mark.parametrize("value", [np.nan, np.inf, None, "3", 1j, np.datetime64("2024-01-01"), [1.0, 2.0], []])
def test_what_is_no_observation_is_refused_and_changes_nothing(load, value):
    stream = RNNForecaster(6, **QUICK).fit(load[:450]).stream()
    before = stream.forecast()
    with pytest.raises(ValueError, match="must be 1 finite numbers"):
        stream.update(value)
    np.testing.assert_array_equal(stream.forecast(), before)


def test_covariates_and_recursive_decoders_are_refused(load):
    with pytest.raises(ValueError, match="fitted with covariates"):
        RNNForecaster(6, calendar=("hour",), **QUICK).fit(load).stream()
    with pytest.raises(ValueError, match='use decoder="direct"'):
        RNNForecaster(6, decoder="recursive", **QUICK).fit(load).stream()
