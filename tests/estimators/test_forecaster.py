"""The recurrent forecaster as a user sees it."""

from __future__ import annotations

import hashlib
import subprocess
import sys
import warnings

import numpy as np
import pandas as pd
import pytest
from sklearn.exceptions import ConvergenceWarning
from sklearn.utils._param_validation import InvalidParameterError

from rnnforecast import LinearForecaster, RNNForecaster
from rnnforecast.estimators import _training
from rnnforecast.transforms import Log

QUICK = {"n_estimators": 1, "max_iter": 30, "learning_rate_init": 0.02, "hidden_layer_sizes": (8,), "random_state": 0}
DECODERS = ["direct", "recursive"]


@pytest.fixture(scope="module")
def load():
    """Sixteen days of hours with a daily season and noise."""
    rng = np.random.default_rng(0)
    index = pd.date_range("2024-03-01", periods=384, freq="h")
    hour = np.arange(384)
    return pd.Series(50 + 8 * np.sin(2 * np.pi * hour / 24) + rng.normal(size=384), index=index, name="load")


@pytest.fixture(scope="module")
def fitted(load):
    return RNNForecaster(horizon=24, **QUICK).fit(load)


@pytest.mark.parametrize("decoder", DECODERS)
def test_changing_the_newest_observation_changes_every_step(load, decoder):
    model = RNNForecaster(horizon=6, decoder=decoder, blend=None, **QUICK).fit(load)
    other = load.copy()
    other.iloc[-1] += 5.0
    assert (model.forecast(history=other) - model.forecast(history=load)).abs().min() > 0


@pytest.mark.parametrize("decoder", DECODERS)
def test_fitted_values_do_not_know_the_future(load, decoder):
    model = RNNForecaster(horizon=1, decoder=decoder, **QUICK).fit(load)
    fitted = model.predict(load)
    for row in (1, 5, 40, 300):
        alone = model.forecast(history=load.iloc[:row]).iloc[0]
        assert fitted[row] == pytest.approx(alone, rel=1e-6)  # float32, batches of another shape


@pytest.mark.parametrize("decoder", DECODERS)
def test_a_longer_forecast_begins_with_the_shorter_one(load, decoder):
    model = RNNForecaster(horizon=6, decoder=decoder, blend=0.5, **QUICK).fit(load)
    long, short = model.forecast(20), model.forecast(4)
    np.testing.assert_allclose(long.iloc[:4], short, rtol=1e-6)  # float32, batches of another shape
    assert np.isfinite(long).all()
    assert long.index[0] == load.index[-1] + pd.Timedelta(hours=1)


def test_the_default_on_a_season_is_better_than_its_noise_allows_naive_to_be(load, fitted):
    forecast = fitted.forecast()
    hour = np.arange(384, 408)
    error = np.abs(forecast - (50 + 8 * np.sin(2 * np.pi * hour / 24))).mean()
    assert error < 0.8  # seasonal naive repeats noise of deviation 1: 0.8 on average
    assert fitted.season_length_ == (24,)
    assert not fitted.no_skill_
    assert 0.0 <= fitted.blend_weight_ <= 1.0
    assert "skill" in repr(fitted)


def test_blend_zero_is_the_linear_forecaster(load):
    model = RNNForecaster(horizon=12, blend=0.0, committee=False, **QUICK).fit(load)
    pd.testing.assert_series_equal(model.forecast(), LinearForecaster(horizon=12).fit(load).forecast())


def test_a_fixed_blend_lies_between_linear_model_and_network(load):
    alone, plain, half = (RNNForecaster(horizon=12, blend=b, **QUICK).fit(load).forecast() for b in (None, 0.0, 0.5))
    np.testing.assert_allclose(half, (alone + plain) / 2, rtol=1e-9)


def test_same_seed_same_bits_for_any_number_of_threads(load):
    forecasts = [RNNForecaster(horizon=24, n_jobs=n, **QUICK).fit(load).forecast() for n in (1, 2, 3)]
    for other in forecasts[1:]:
        np.testing.assert_array_equal(other, forecasts[0])
    assert (RNNForecaster(horizon=24, **{**QUICK, "random_state": 1}).fit(load).forecast() != forecasts[0]).any()


SCRIPT = """
import hashlib, numpy as np, pandas as pd
from rnnforecast import RNNForecaster
y = pd.Series(np.random.default_rng(0).normal(size=300).cumsum(), index=pd.date_range("2024", periods=300, freq="h"))
f = RNNForecaster(horizon=5, blend=None, n_jobs={n_jobs}, n_estimators=2, max_iter=2, random_state=3).fit(y).forecast()
print(hashlib.sha256(f.to_numpy().tobytes()).hexdigest())
"""


def test_same_seed_same_bits_in_every_process():
    digests = {
        subprocess.run(
            [sys.executable, "-c", SCRIPT.format(n_jobs=n)], capture_output=True, text=True, check=True
        ).stdout.strip()
        for n in (1, 2, 3)
    }
    assert len(digests) == 1
    assert len(digests.pop()) == hashlib.sha256().digest_size * 2


def test_known_covariates_carry_what_the_past_cannot(rng):
    index = pd.date_range("2024-01-01", periods=400, freq="D")
    promotion = pd.DataFrame({"promotion": rng.integers(0, 2, 400).astype(float)}, index=index)
    sales = pd.Series(10.0 + 6.0 * promotion["promotion"] + 0.1 * rng.normal(size=400), index=index)
    model = RNNForecaster(horizon=7, **QUICK).fit(promotion.iloc[:380], sales.iloc[:380])
    error = np.abs(model.predict(promotion.iloc[380:]) - sales.iloc[380:]).mean()
    assert error < 0.3  # without the covariate: 3, half of the promotion's effect


def test_past_covariates_lead_the_target(rng):
    index = pd.date_range("2024-01-01", periods=400, freq="D")
    rain = pd.DataFrame({"rain": rng.normal(size=400)}, index=index)
    river = rain["rain"].shift(1, fill_value=0.0).rename("river")
    model = RNNForecaster(horizon=1, past_covariates=["rain"], **QUICK).fit(rain, river)
    forecast = model.forecast().iloc[0]
    assert forecast == pytest.approx(rain["rain"].iloc[-1], abs=0.1)


@pytest.mark.parametrize("channels", ["independent", "joint"])
@pytest.mark.parametrize("decoder", DECODERS)
def test_several_targets_are_forecast_by_name(load, channels, decoder):
    frame = pd.DataFrame({"load": load, "twice": 2 * load + 1})
    model = RNNForecaster(horizon=12, channels=channels, decoder=decoder, **QUICK).fit(frame)
    forecast = model.forecast(15)
    assert list(forecast.columns) == ["load", "twice"]
    assert forecast.shape == (15, 2)
    assert np.isfinite(forecast).all(axis=None)
    assert model.blend_weight_.shape == (2,)


def test_calendar_covariates_need_nothing_at_forecast_time(load):
    model = RNNForecaster(horizon=12, calendar=("hour", "weekday"), **QUICK).fit(load)
    assert np.isfinite(model.forecast(30)).all()


@pytest.mark.parametrize("cell", ["rnn", "lstm", "gru", ("lstm", "gru")])
def test_every_cell_learns(load, cell):
    layers = (8, 8) if isinstance(cell, tuple) else (8,)
    model = RNNForecaster(horizon=12, blend=None, cell=cell, **{**QUICK, "hidden_layer_sizes": layers})
    model.fit(load)
    assert model.best_loss_ < model.validation_scores_[0]
    assert model.loss_curve_[-1] < model.loss_curve_[0]


@pytest.mark.parametrize("value", [0.0, 7.25, -1e9])
def test_a_constant_series_is_forecast_as_it_is(value):
    series = pd.Series(value, index=pd.date_range("2024-01-01", periods=120, freq="D"))
    np.testing.assert_array_equal(RNNForecaster(horizon=5, **QUICK).fit(series).forecast(), value)


@pytest.mark.parametrize(
    ("level", "size"), [(1e9, 1e-3), (0.0, 1e-300), (0.0, 1e150), (-5.0, 1e-12)], ids=["offset", "tiny", "huge", "fine"]
)
def test_any_magnitude_is_forecast_within_its_range(load, level, size):
    series = level + size * (load - 50)
    forecast = RNNForecaster(horizon=12, **QUICK).fit(series).forecast()
    assert np.isfinite(forecast).all()
    assert forecast.between(series.min() - 3 * series.std(), series.max() + 3 * series.std()).all()


def test_one_huge_outlier_leaves_the_forecast_finite(load):
    series = load.copy()
    series.iloc[200] = 1e18
    assert np.isfinite(RNNForecaster(horizon=12, **QUICK).fit(series).forecast()).all()


def test_divergence_warns_and_keeps_finite_weights(load):
    model = RNNForecaster(
        horizon=12,
        blend=None,
        solver="sgd",
        loss="squared_error",
        learning_rate="constant",
        clip_norm=None,
        **{**QUICK, "learning_rate_init": 1e12},
    )
    with pytest.warns(ConvergenceWarning, match="lower learning_rate_init"):
        model.fit(load)
    assert np.isfinite(model.forecast()).all()


def test_an_interrupted_fit_leaves_the_object_as_it_was(load, monkeypatch):
    model = RNNForecaster(horizon=12, **QUICK).fit(load)
    before = model.forecast()

    def interrupt(*args, **kwargs):
        raise KeyboardInterrupt

    monkeypatch.setattr(_training, "train", interrupt)
    with pytest.raises(KeyboardInterrupt):
        model.fit(load * 3)
    pd.testing.assert_series_equal(model.forecast(), before)
    fresh = RNNForecaster(horizon=12, **QUICK)
    with pytest.raises(KeyboardInterrupt):
        fresh.fit(load)
    assert not [name for name in vars(fresh) if name.endswith("_")]


def test_a_warm_start_goes_on_from_the_last_weights(load):
    model = RNNForecaster(horizon=12, blend=None, warm_start=True, **{**QUICK, "max_iter": 40}).fit(load)
    first = model.validation_scores_[0]
    assert model.fit(load).validation_scores_[0] < first


def test_a_random_walk_has_no_skill_and_is_said_so(rng):
    walk = pd.Series(100 + rng.normal(size=800).cumsum(), index=pd.bdate_range("2020-01-01", periods=800))
    model = RNNForecaster(horizon=5, **QUICK).fit(walk)
    assert model.no_skill_
    assert "no skill" in repr(model)
    np.testing.assert_array_equal(model.forecast(), walk.iloc[-1])  # no skill, no weight: the naive forecast itself


def test_a_series_too_short_to_hold_rows_out_says_so():
    series = pd.Series(np.arange(12.0), index=pd.date_range("2024-01-01", periods=12, freq="D"))
    with pytest.warns(UserWarning, match="too few to hold any out"):
        model = RNNForecaster(horizon=4, lookback=6, **QUICK).fit(series)
    assert np.isfinite(model.forecast()).all()


def test_float64_and_float32_agree_at_the_start(load):
    options = {**QUICK, "max_iter": 1}
    one, two = (RNNForecaster(horizon=6, dtype=d, **options).fit(load).forecast() for d in ("float32", "float64"))
    np.testing.assert_allclose(one, two, rtol=1e-3)  # a few updates apart in single precision


INVALID = [
    ({"hidden_layer_sizes": (0,)}, "hidden_layer_sizes"),
    ({"hidden_layer_sizes": ()}, "hidden_layer_sizes"),
    ({"hidden_layer_sizes": (True,)}, "hidden_layer_sizes"),
    ({"hidden_layer_sizes": -1}, "hidden_layer_sizes"),
    ({"head_layer_sizes": ("a",)}, "head_layer_sizes"),
    ({"cell": "transformer"}, "cell"),
    ({"cell": ("gru", "gru")}, "cell names 2 layers"),
    ({"cell": ("gr",)}, "cell must be one of"),
    ({"dropout": 1.0}, "dropout"),
    ({"solver": "lbfgs"}, "solver"),
    ({"learning_rate_init": 0.0}, "learning_rate_init"),
    ({"validation_fraction": 1.0}, "validation_fraction"),
    ({"blend": 1.5}, "blend"),
    ({"batch_size": 0}, "batch_size"),
    ({"loss": "pinball"}, "loss"),
    ({"learning_rate": "plateau", "early_stopping": False}, "plateau"),
    ({"decoder": "recursive", "past_covariates": ["a"]}, "past_covariates are not known"),
    ({"decoder": "recursive", "segment_length": 4}, "segment_length"),
    ({"decoder": "recursive", "highway": 3}, "highway"),
]


@pytest.mark.parametrize(("parameters", "message"), INVALID)
def test_what_cannot_be_built_is_refused_before_any_work(load, parameters, message, monkeypatch):
    monkeypatch.setattr(_training, "train", None)
    with pytest.raises(InvalidParameterError, match=message):
        RNNForecaster(horizon=12, **{**QUICK, **parameters}).fit(load)


def test_inputs_are_left_alone(load):
    before = load.copy()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        RNNForecaster(horizon=12, **QUICK).fit(load).forecast(history=load)
    pd.testing.assert_series_equal(load, before)


@pytest.mark.parametrize("forking", [False, True])
def test_a_forecast_beyond_the_trained_horizon_reads_its_own_covariates_only(forking, rng):
    index = pd.date_range("2024-01-01", periods=200, freq="D")
    covariate = pd.DataFrame({"a": rng.normal(size=200)}, index=index)
    target = pd.Series(covariate["a"].rolling(2).sum().fillna(0.0), index=index)
    model = RNNForecaster(3, forking_sequences=forking, lookback=10, segment_length=None, blend=None, **QUICK)
    model.fit(covariate[:150], target[:150])
    data = (target[:150].to_numpy()[:, None], covariate.to_numpy(), np.zeros((150, 0)))
    together = model.ensemble_.forecast(*data, np.array([80, 100, 60]), 4)
    alone = np.concatenate([model.ensemble_.forecast(*data, np.array([o]), 4) for o in (80, 100, 60)])
    np.testing.assert_allclose(together, alone, rtol=1e-5, atol=1e-6)  # float32, batches of another shape


def test_a_later_zero_does_not_stop_a_series_that_was_taken_in_logarithms(rng):
    index = pd.date_range("2020-01-01", periods=200, freq="D")
    sales = pd.Series(np.exp(np.linspace(0, 3, 200) + 0.3 * np.sin(np.arange(200)) + 0.1 * rng.normal(size=200)), index)
    model = RNNForecaster(5, **QUICK).fit(sales[:-1])
    assert isinstance(model.linear_.recipe_.transform.pointwise, Log)
    sales.iloc[-1] = 0.0
    assert np.isfinite(model.update(sales[-1:]).forecast()).all()
    assert np.isfinite(LinearForecaster(5).fit(sales[:-1]).update(sales[-1:]).forecast()).all()


def test_a_segment_longer_than_the_lookback_becomes_the_lookback(load):
    model = RNNForecaster(6, segment_length=1000, **QUICK).fit(load)
    assert 0 < model.lookback_ <= len(load) - 6
    assert np.isfinite(model.forecast()).all()


def test_what_was_learnt_decides_about_attention_and_not_a_parameter_set_later(load):
    model = RNNForecaster(6, attention="dot", **QUICK).fit(load)
    model.forecast()
    assert model.attention_.shape[0] == 1
    model.set_params(attention=None).forecast()
    model.fit(load)
    assert not hasattr(model, "attention_")
    model.set_params(attention="dot").forecast()
    assert not hasattr(model, "attention_")
