"""What a fitted forecaster tells of its networks: gradients by lag, and attention of the direct decoder."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from sklearn.exceptions import NotFittedError

from rnnforecast import RNNForecaster

QUICK = {"n_estimators": 1, "max_iter": 2, "hidden_layer_sizes": (8,), "lookback": 24, "random_state": 0}


@pytest.fixture(scope="module")
def load():
    """Eight days of hours with a daily season and noise."""
    hour = np.arange(192)
    index = pd.date_range("2024-03-01", periods=192, freq="h")
    noise = np.random.default_rng(0).normal(size=192)
    return pd.Series(50 + 8 * np.sin(2 * np.pi * hour / 24) + noise, index=index, name="load")


def test_gradients_of_a_linear_elman_network_fall_as_the_powers_of_its_matrix(load):
    model = RNNForecaster(cell="rnn", segment_length=None, dropout=0.0, scale=None, **QUICK).fit(load)
    views = model.network_.layout.views(model.coefs_[0])
    views["encoder.0.weight_hidden"] *= 0.5 / np.linalg.norm(views["encoder.0.weight_hidden"], 2)
    u, _, v = np.linalg.svd(views["encoder.0.weight_hidden"])
    views["encoder.0.weight_hidden"][...] = 0.5 * u @ v  # half an orthogonal matrix
    views["encoder.0.weight_input"][...] = views["encoder.0.bias"][...] = 0.0  # the state stays where tanh is linear
    flow = model.gradient_flow()
    assert flow.index.name == "lag"
    assert list(flow.columns) == ["rnn_tanh 1"]
    # Float32: a rounding for each of 24 steps.
    np.testing.assert_allclose(flow["rnn_tanh 1"], 0.5 ** np.arange(25.0), rtol=1e-5)


def test_lags_are_counted_in_steps_of_the_series_and_every_layer_has_a_column(load):
    options = {**QUICK, "hidden_layer_sizes": (8, 6)}
    model = RNNForecaster(cell=("lstm", "gru"), segment_length=6, layer_norm=True, skip_period=12, **options)
    flow = model.fit(load).gradient_flow()
    assert list(flow.index) == [0, 6, 12, 18, 24]
    assert list(flow.columns) == ["lstm 1", "gru 2"]
    assert flow.loc[0, "gru 2"] == pytest.approx(1.0, rel=1e-6)  # float32
    assert (flow > 0).all(axis=None)


def test_other_data_have_another_gradient_flow_and_the_same_data_the_same(load):
    model = RNNForecaster(segment_length=None, **QUICK).fit(load)
    pd.testing.assert_frame_equal(model.gradient_flow(load), model.gradient_flow())
    assert (model.gradient_flow(load * 2.0) != model.gradient_flow()).any(axis=None)


def test_a_network_that_learnt_from_every_step_has_a_gradient_flow_too(load):
    model = RNNForecaster(forking_sequences=True, **QUICK).fit(load)
    flow = model.gradient_flow()
    assert list(flow.index) == list(range(model.lookback_ + 1))
    assert flow.loc[0, "gru 1"] == pytest.approx(1.0, rel=1e-6)  # float32
    assert flow["gru 1"].iloc[-1] < 0.5


def test_a_history_shorter_than_the_lookback_is_read_as_forecasts_read_it(load):
    model = RNNForecaster(segment_length=None, **QUICK).fit(load)
    assert np.isfinite(model.gradient_flow(load.iloc[:5])).all(axis=None)


@pytest.mark.parametrize("parameter", ["bidirectional", "residual"])
def test_what_cannot_be_followed_step_by_step_is_said(load, parameter):
    model = RNNForecaster(**{parameter: True}, **{**QUICK, "hidden_layer_sizes": (8, 8)}).fit(load)
    with pytest.raises(ValueError, match=f"{parameter}=True: fit with {parameter}=False"):
        model.gradient_flow()


def test_an_unfitted_forecaster_says_so():
    with pytest.raises(NotFittedError):
        RNNForecaster().gradient_flow()


@pytest.mark.parametrize("options", [{}, {"skip_period": 12}], ids=["plain", "beside another recurrence"])
@pytest.mark.parametrize("kind", ["additive", "dot"])
def test_attention_of_a_direct_decoder_looks_back_once(load, kind, options):
    model = RNNForecaster(horizon=6, attention=kind, segment_length=4, **options, **{**QUICK, "n_estimators": 2})
    model.fit(load).forecast()
    weights = model.attention_
    assert weights.shape == (1, 1, 6)  # one column, all steps at once, six segments
    np.testing.assert_allclose(weights.sum(2), 1.0, rtol=1e-5)  # float32
    model.forecast(9)
    np.testing.assert_array_equal(model.attention_, weights)
    model.forecast(history=load.iloc[:-3])
    assert np.abs(model.attention_ - weights).max() > 1e-6
