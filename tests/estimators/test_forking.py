"""Learning from every step: the forecaster's laws hold for it too."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from sklearn.utils._param_validation import InvalidParameterError

from rnnforecast import RNNForecaster

QUICK = {"forking_sequences": True, "n_estimators": 1, "max_iter": 40, "hidden_layer_sizes": (8,), "random_state": 0}
QUICK |= {"learning_rate_init": 0.01, "lookback": 48, "bptt_steps": 24, "blend": None}


@pytest.fixture(scope="module")
def load():
    """Twenty-five days of hours with a daily season and noise."""
    rng = np.random.default_rng(0)
    index = pd.date_range("2024-03-01", periods=600, freq="h")
    return pd.Series(50 + 8 * np.sin(2 * np.pi * np.arange(600) / 24) + rng.normal(size=600), index=index, name="load")


def test_it_learns_that_a_series_returns_to_its_mean(rng):
    values = np.zeros(1500)
    for t in range(1, 1500):
        values[t] = 0.8 * values[t - 1] + rng.normal()
    series = pd.Series(values, index=pd.date_range("2020-01-01", periods=1500, freq="D"))
    table = RNNForecaster(6, **QUICK).backtest(series, n_windows=200, step=1).table()
    # Errors of the last value and of the best forecast, 0.8^h times it, six steps ahead: 1.17 times as large.
    assert table.loc["RNNForecaster", "MAE"] < 0.9 * table.loc["seasonal naive", "MAE"]


def test_an_epoch_costs_as_many_steps_as_there_are_rows(load, monkeypatch):
    from rnnforecast.network.streams import StreamObjective

    steps, shard = [], StreamObjective.shard

    def spy(self, rows, gradient, seed):
        piece = self.pieces[rows[0] // self.reader.n_streams]
        steps.append((piece.stop - piece.start) * len(rows))
        return shard(self, rows, gradient, seed)

    monkeypatch.setattr(StreamObjective, "shard", spy)
    RNNForecaster(24, **{**QUICK, "max_iter": 1, "early_stopping": False}).fit(load)
    assert 600 - 24 - 24 < sum(steps) < 600 + 24 * 12  # rows, and what segments overlap where they cannot be cut evenly


def test_changing_the_newest_observation_changes_every_step(load):
    model = RNNForecaster(6, **QUICK).fit(load)
    other = load.copy()
    other.iloc[-1] += 5.0
    assert (model.forecast(history=other) - model.forecast(history=load)).abs().min() > 0


def test_fitted_values_do_not_know_the_future(load):
    model = RNNForecaster(1, **QUICK).fit(load)
    fitted = model.predict(load)
    for row in (1, 5, 100, 400):
        alone = model.forecast(history=load.iloc[:row]).iloc[0]
        assert fitted[row] == pytest.approx(alone, rel=1e-6)  # float32, batches of another shape


def test_a_longer_forecast_begins_with_the_shorter_one(load):
    model = RNNForecaster(6, **QUICK).fit(load)
    long, short = model.forecast(20), model.forecast(4)
    np.testing.assert_allclose(long.iloc[:4], short, rtol=1e-6)  # float32, batches of another shape
    assert np.isfinite(long).all()


def test_same_seed_same_bits_for_any_number_of_threads(load):
    frame = pd.concat([load.rename(k) * (1 + k) for k in range(6)], axis=1)  # six columns in twelve streams each
    forecasts = [RNNForecaster(24, n_jobs=n, **{**QUICK, "max_iter": 3}).fit(frame).forecast() for n in (1, 2, 3)]
    for other in forecasts[1:]:
        np.testing.assert_array_equal(other, forecasts[0])


def test_known_covariates_of_the_horizon_are_used(rng):
    index = pd.date_range("2024-01-01", periods=500, freq="D")
    promotion = pd.DataFrame({"promotion": rng.integers(0, 2, 500).astype(float)}, index=index)
    sales = pd.Series(10.0 + 6.0 * promotion["promotion"] + 0.1 * rng.normal(size=500), index=index)
    model = RNNForecaster(3, **{**QUICK, "max_iter": 150}).fit(promotion.iloc[:480], sales.iloc[:480])
    error = np.abs(model.predict(promotion.iloc[480:483]) - sales.iloc[480:483]).mean()
    assert error < 1.5  # without the covariate: 3, half of the promotion's effect


@pytest.mark.parametrize("channels", ["independent", "joint"])
def test_several_targets(load, channels):
    frame = pd.DataFrame({"load": load, "twice": 2 * load + 1})
    forecast = RNNForecaster(12, channels=channels, **QUICK).fit(frame).forecast(15)
    assert forecast.shape == (15, 2)
    assert np.isfinite(forecast).all(axis=None)


@pytest.mark.parametrize(
    "parameters",
    [
        {"decoder": "recursive"},
        {"segment_length": 4},
        {"window_norm": "standard"},
        {"highway": 3},
        {"conv_filters": 2},
        {"zoneout": 0.1},
        {"bidirectional": True},
        {"layer_norm": True},
        {"residual": True, "hidden_layer_sizes": (4, 4)},
        {"variational_dropout": True},
        {"attention": "dot"},
        {"skip_period": 24},
    ],
)
def test_what_cannot_learn_from_every_step_is_refused(load, parameters):
    with pytest.raises(InvalidParameterError, match="forking_sequences=True"):
        RNNForecaster(12, **{**QUICK, **parameters}).fit(load)
