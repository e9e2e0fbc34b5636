"""The decoders with a second cell, as a user of the forecaster sees them."""

from __future__ import annotations

import pickle

import numpy as np
import pandas as pd
import pytest
from sklearn.utils._param_validation import InvalidParameterError

from rnnforecast import RNNForecaster

QUICK = {"n_estimators": 1, "max_iter": 30, "learning_rate_init": 0.02, "hidden_layer_sizes": (8,), "random_state": 0}
VARIANTS = {
    "parallel": {"decoder": "parallel"},
    "seq2seq": {"decoder": "seq2seq"},
    "additive": {"decoder": "seq2seq", "attention": "additive", "cell": "lstm"},
    "dot": {"decoder": "seq2seq", "attention": "dot", "teacher_forcing": 0.0},
}
every_variant = pytest.mark.parametrize("variant", VARIANTS.values(), ids=VARIANTS.keys())


@pytest.fixture(scope="module")
def load():
    """Sixteen days of hours with a daily season and noise."""
    hour = np.arange(384)
    index = pd.date_range("2024-03-01", periods=384, freq="h")
    noise = np.random.default_rng(0).normal(size=384)
    return pd.Series(50 + 8 * np.sin(2 * np.pi * hour / 24) + noise, index=index, name="load")


@every_variant
def test_it_learns_what_the_last_value_does_not_say(load, variant):
    model = RNNForecaster(horizon=12, blend=None, season_length=None, lookback=24, segment_length=4, **variant, **QUICK)
    model.fit(load)
    assert model.best_loss_ < 0.5 * model.validation_scores_[0]


@every_variant
def test_changing_the_newest_observation_changes_every_step(load, variant):
    model = RNNForecaster(horizon=6, blend=None, **variant, **QUICK).fit(load)
    other = load.copy()
    other.iloc[-1] += 5.0
    assert (model.forecast(history=other) - model.forecast(history=load)).abs().min() > 0


@every_variant
def test_fitted_values_do_not_know_the_future(load, variant):
    model = RNNForecaster(horizon=1, **variant, **QUICK).fit(load)
    fitted = model.predict(load)
    for row in (1, 40, 300):
        alone = model.forecast(history=load.iloc[:row]).iloc[0]
        assert fitted[row] == pytest.approx(alone, rel=1e-6)  # float32, batches of another shape


@every_variant
def test_a_longer_forecast_begins_with_the_shorter_one(load, variant):
    model = RNNForecaster(horizon=6, blend=0.5, **variant, **QUICK).fit(load)
    long, short = model.forecast(20), model.forecast(4)
    np.testing.assert_allclose(long.iloc[:4], short, rtol=1e-6)  # float32, batches of another shape
    assert np.isfinite(long).all()


@every_variant
def test_same_seed_same_bits_for_any_number_of_threads(load, variant):
    options = {**QUICK, "max_iter": 3, "batch_size": 64}  # two shards an update
    forecasts = [RNNForecaster(horizon=24, blend=None, n_jobs=n, **variant, **options).fit(load) for n in (1, 2)]
    np.testing.assert_array_equal(forecasts[0].forecast(), forecasts[1].forecast())


@pytest.mark.parametrize("channels", ["independent", "joint"])
@every_variant
def test_several_targets_and_covariates_are_forecast_by_name(load, variant, channels):
    rng = np.random.default_rng(1)
    X = pd.DataFrame(rng.normal(size=(384, 2)), index=load.index, columns=["known", "past"])
    y = pd.DataFrame({"load": load, "twice": 2 * load + 1})
    options = {**QUICK, "max_iter": 3, "hidden_layer_sizes": (8, 6)}
    model = RNNForecaster(horizon=12, channels=channels, past_covariates=["past"], **variant, **options)
    model.fit(X.iloc[:360], y.iloc[:360])
    forecast = model.forecast(15, X.iloc[360:375])
    assert list(forecast.columns) == ["load", "twice"]
    assert forecast.shape == (15, 2)
    assert np.isfinite(forecast).all(axis=None)
    if "attention" in variant:
        assert model.attention_.shape[:2] == (2 if channels == "independent" else 1, 15)
        np.testing.assert_allclose(model.attention_.sum(2), 1.0, rtol=1e-5)  # float32


def test_attention_weights_are_those_of_the_last_forecast(load):
    options = {**QUICK, "max_iter": 5, "n_estimators": 2}
    model = RNNForecaster(horizon=6, decoder="seq2seq", attention="additive", lookback=48, segment_length=4, **options)
    model.fit(load).forecast(9)
    weights = model.attention_
    assert weights.shape == (1, 9, 12)  # one column, nine steps, twelve segments
    np.testing.assert_allclose(weights.sum(2), 1.0, rtol=1e-5)  # float32
    model.forecast(4)
    np.testing.assert_allclose(model.attention_, weights[:, :4], rtol=1e-5)
    model.forecast(4, history=load.iloc[:-3])
    assert np.abs(model.attention_ - weights[:, :4]).max() > 1e-4


def test_without_attention_there_are_no_weights(load):
    model = RNNForecaster(horizon=6, decoder="seq2seq", **{**QUICK, "max_iter": 1}).fit(load)
    model.forecast()
    assert not hasattr(model, "attention_")


@every_variant
def test_a_pickled_forecaster_forecasts_the_same(load, variant):
    model = RNNForecaster(horizon=6, blend=None, **variant, **{**QUICK, "max_iter": 1}).fit(load)
    again = pickle.loads(pickle.dumps(model))
    pd.testing.assert_series_equal(again.forecast(9), model.forecast(9))


INVALID = [
    ({"attention": "additive", "decoder": "recursive"}, 'attention belongs to decoder="seq2seq"'),
    ({"attention": "dot", "decoder": "parallel"}, 'attention belongs to decoder="seq2seq"'),
    ({"attention": "other", "decoder": "seq2seq"}, "attention"),
    ({"teacher_forcing": 1.5, "decoder": "seq2seq"}, "teacher_forcing"),
    ({"highway": 3, "decoder": "seq2seq"}, 'highway belongs to decoder="direct"'),
    ({"highway": 3, "decoder": "parallel"}, 'highway belongs to decoder="direct"'),
]


@pytest.mark.parametrize(("parameters", "message"), INVALID)
def test_what_cannot_be_built_is_refused(load, parameters, message):
    with pytest.raises(InvalidParameterError, match=message):
        RNNForecaster(horizon=12, **QUICK, **parameters).fit(load)
