"""Forecasters that learn on transformed targets answer in original units, from every origin."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from sklearn.utils._param_validation import InvalidParameterError

from rnnforecast import LinearForecaster, RNNForecaster
from rnnforecast.transforms import TRANSFORMS

NAMES = [
    *TRANSFORMS,
    ("log", "seasonal_difference"),
    ("boxcox", "difference"),
    ("seasonal_difference", "difference"),
]
QUICK = {"n_estimators": 1, "max_iter": 2, "hidden_layer_sizes": (6,), "random_state": 0, "blend": 0.5}
NETWORKS = {
    "direct": {},
    "joint": {"channels": "joint"},
    "recursive": {"decoder": "recursive"},
    "seq2seq": {"decoder": "seq2seq"},
    "every step": {"forking_sequences": True},
    "standard windows": {"window_norm": "standard"},
}


def sales(n: int = 240) -> pd.DataFrame:
    """Two growing columns with a yearly season, the fluctuations in proportion to the level."""
    rng = np.random.default_rng(0)
    rows = np.arange(n)[:, None]
    season = 0.3 * np.sin(2 * np.pi * (rows + np.array([0, 4])) / 12)
    values = np.exp(0.01 * rows + season + 0.05 * rng.normal(size=(n, 2))) * [100, 3]
    return pd.DataFrame(values, index=pd.period_range("2000-01", periods=n, freq="M"), columns=["a", "b"])


def random_walk(n: int = 1500) -> pd.Series:
    rng = np.random.default_rng(1)
    return pd.Series(50 * np.exp(np.cumsum(0.01 * rng.normal(size=n))), index=pd.bdate_range("2010-01-01", periods=n))


@pytest.mark.parametrize("name", NAMES, ids=str)
def test_a_backtest_forecasts_what_forecast_does_from_the_same_rows(name):
    y = sales()
    model = LinearForecaster(6, target_transform=name)
    rows = model.backtest(y, n_windows=4, step=9).forecasts
    fitted = model.fit(y[: 240 - 6 - 27])
    for cutoff, window in rows.groupby("cutoff"):
        expected = fitted.forecast(history=y[: y.index.get_loc(cutoff) + 1]).to_numpy().ravel()
        np.testing.assert_allclose(window["forecast"], expected, rtol=1e-9)


@pytest.mark.parametrize("options", NETWORKS.values(), ids=NETWORKS.keys())
@pytest.mark.parametrize("name", ["boxcox", "log_return", ("log", "seasonal_difference"), "difference"], ids=str)
def test_networks_forecast_levels_of_the_size_of_the_series(name, options):
    y = sales()
    model = RNNForecaster(6, target_transform=name, **options, **QUICK).fit(y[:-24])
    forecast, fitted = model.forecast(24), model.predict(y[:-24])
    # The season moves the level by up to a factor of exp(.6), and what is hardly trained by as much again.
    assert (np.abs(np.log(forecast / y[-24:])) < 1.2).all(axis=None)
    assert (np.abs(np.log(fitted[30:] / y[30:-24])) < 1.2).all(axis=None)


@pytest.mark.parametrize("name", NAMES, ids=str)
@pytest.mark.parametrize("options", [{}, {"forking_sequences": True, "lookback": 30}], ids=["windows", "every step"])
def test_a_stream_forecasts_what_update_and_forecast_do(name, options):
    y = sales()
    model = RNNForecaster(6, target_transform=name, **options, **QUICK).fit(y[:200])
    stream = model.stream()
    # Windows are read alike but for float32 sums; a carried state remembers rows before the window.
    rtol = 1e-5 if not options else 0.05
    np.testing.assert_allclose(stream.forecast(), model.forecast(), rtol=1e-5)
    for k in range(200, 204):
        stream.update(y.iloc[k])
        model.update(y[k : k + 1])
        np.testing.assert_allclose(stream.forecast(), model.forecast(), rtol=rtol)


@pytest.mark.parametrize("name", ["difference", "log_return", ("boxcox", "difference")], ids=str)
def test_differences_without_a_signal_forecast_the_last_value(name):
    y = random_walk()
    fitted = LinearForecaster(5, target_transform=name).fit(y)
    assert fitted.no_skill_
    np.testing.assert_allclose(fitted.forecast(), y.iloc[-1], rtol=1e-12)


def test_seasonal_differences_without_a_signal_forecast_the_last_season():
    rng = np.random.default_rng(0)
    walks = pd.Series(np.cumsum(rng.normal(size=(60, 12)), axis=0).ravel())  # each month a random walk of its own
    fitted = LinearForecaster(12, target_transform="seasonal_difference", season_length=12, alpha=np.inf).fit(walks)
    np.testing.assert_allclose(fitted.forecast(24), np.tile(walks[-12:], 2), rtol=1e-12)


def test_a_linear_model_of_differences_is_an_autoregression_of_them():
    rng, steps = np.random.default_rng(0), [0.0]
    for shock in rng.normal(size=3000):
        steps.append(0.7 * steps[-1] + shock)
    y = pd.Series(np.cumsum(steps))
    fitted = LinearForecaster(3, target_transform="difference", lookback=1, season_length=None).fit(y)
    # The standard error of the coefficient is sqrt((1 - .7^2) / 3000) = .013; three of them, and of its powers.
    np.testing.assert_allclose(fitted.linear_.weights_[0, 0], [0.7, 0.49, 0.343], atol=0.06)
    levels = y.iloc[-1] + np.cumsum(fitted.linear_.weights_[0, 0]) * (y.iloc[-1] - y.iloc[-2])
    np.testing.assert_allclose(fitted.forecast(), levels, rtol=1e-10)


@pytest.mark.parametrize("shift", [0.0, 1e6])
def test_a_level_changes_nothing_of_its_differences(shift):
    y = sales()["a"]
    plain, moved = (LinearForecaster(6, target_transform="difference").fit(y + s).forecast() for s in (0.0, shift))
    np.testing.assert_allclose(moved - shift, plain, atol=1e-7)  # rounding of a million


def test_each_fold_learns_its_own_power():
    y = sales()["a"]
    y.iloc[:120] = 100 + np.random.default_rng(0).normal(size=120)  # its fluctuations only grow later
    powers = [
        LinearForecaster(6, target_transform="boxcox").fit(y[:n]).linear_.recipe_.transform.pointwise.power[0]
        for n in (120, 240)
    ]
    assert powers[0] == 1.0
    assert powers[1] < 0.5


@pytest.mark.parametrize("model", [LinearForecaster(6), RNNForecaster(6, **QUICK)], ids=["linear", "network"])
@pytest.mark.parametrize(
    ("name", "change", "error", "message"),
    [
        ("cube", 0.0, InvalidParameterError, "'target_transform' parameter"),
        (("difference", "log"), 0.0, ValueError, "at its beginning"),
        ("log", -200.0, ValueError, "the log transform needs positive values, got -"),
        ("log_return", -200.0, ValueError, "the log transform needs positive values, got -"),
        ("boxcox", -200.0, ValueError, "the boxcox transform needs values that are not negative, got -"),
    ],
)
def test_what_cannot_be_transformed_is_refused_before_any_work(model, name, change, error, message):
    with pytest.raises(error, match=message):
        model.set_params(target_transform=name).fit(sales()["a"] + change)
    assert not hasattr(model, "cutoff_")


def test_a_later_value_outside_the_domain_is_refused_where_the_transform_was_asked_for():
    y = sales()["a"]
    fitted = LinearForecaster(6, target_transform="log_return").fit(y[:200])
    later = y[200:201] * 0 - 1
    with pytest.raises(ValueError, match=r"the log transform needs positive values, got -1 \(first at row 200\)"):
        fitted.update(later).forecast()


def test_constant_and_extreme_series_have_finite_forecasts():
    for values in (np.full(60, 7.0), np.full(60, 1e-9), 1e250 * sales(60)["a"], 1e-250 * sales(60)["a"]):
        y = pd.Series(np.asarray(values))
        for name in (*TRANSFORMS, ("boxcox", "difference")):
            forecast = LinearForecaster(3, target_transform=name, season_length=12).fit(y).forecast()
            np.testing.assert_allclose(np.log(forecast / y.iloc[-1]), 0, atol=2)
