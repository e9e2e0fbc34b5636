"""Forecasters of data with holes: late starts, missing ends, whole weeks, and nothing known too early."""

from __future__ import annotations

import os
import warnings
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone
from sklearn.model_selection import TimeSeriesSplit, cross_val_score

from rnnforecast import LinearForecaster, NaiveForecaster, RNNForecaster
from rnnforecast.estimators._base import DataWarning
from rnnforecast.estimators._holes import forecast_through, newest_observation
from rnnforecast.series import read
from tests.benchmarks.cases import observations
from tests.estimators.mirror import Mirror

HOURS = pd.date_range("2024-01-01", periods=500, freq="h")
QUICK = {"n_estimators": 1, "max_iter": 2, "hidden_layer_sizes": (6,), "lookback": 24, "random_state": 0}
POLICIES = ["mask", "interpolate"]
NETWORKS = {
    "direct": {},
    "joint": {"channels": "joint"},
    "recursive": {"decoder": "recursive"},
    "recursive, joint": {"decoder": "recursive", "channels": "joint"},
    "seq2seq": {"decoder": "seq2seq"},
    "parallel": {"decoder": "parallel"},
    "every step": {"forking_sequences": True},
    "every step, joint": {"forking_sequences": True, "channels": "joint"},
    "differences": {"target_transform": "difference"},
}
FORECASTERS = {
    "last": NaiveForecaster(6, strategy="last"),
    "seasonal": NaiveForecaster(6),
    "drift": NaiveForecaster(6, strategy="drift"),
    "mean": NaiveForecaster(6, strategy="mean"),
    "linear": LinearForecaster(6),
    **{name: RNNForecaster(6, blend=0.5, **QUICK, **options) for name, options in NETWORKS.items()},
}


def whole() -> pd.DataFrame:
    rng = np.random.default_rng(0)
    waves = [10 + 3 * np.sin(2 * np.pi * (np.arange(500) + shift) / 24) for shift in (0, 7)]
    return pd.DataFrame(np.stack(waves, axis=1) + 0.3 * rng.normal(size=(500, 2)), index=HOURS, columns=["a", "b"])


def holed() -> pd.DataFrame:
    """A late start, a block, an end, and a tenth at random."""
    frame = whole()
    frame[np.random.default_rng(1).random(frame.shape) < 0.1] = np.nan
    frame.iloc[:60, 1] = np.nan
    frame.iloc[200:248, 0] = np.nan
    frame.iloc[-7:, 0] = np.nan
    return frame


@pytest.fixture(params=FORECASTERS.values(), ids=FORECASTERS.keys())
def forecaster(request):
    return clone(request.param)


def test_every_forecaster_takes_a_series_with_holes(forecaster):
    y = holed()
    fitted = forecaster.set_params(missing="mask").fit(y)
    assert fitted.cutoff_ == HOURS[-1]
    rolled = fitted.backtest(y, n_windows=9, step=5).forecasts
    for answer in (fitted.forecast(30), fitted.predict(y), rolled["forecast"], rolled["seasonal_naive"]):
        assert np.isfinite(np.asarray(answer)).all()
    assert fitted.score(y) > -1
    assert list(fitted.forecast(3).index) == list(pd.date_range(HOURS[-1], periods=4, freq="h")[1:])


def test_forecasts_do_not_change_when_what_comes_later_does(forecaster):
    y = holed()
    y.iloc[457:478, 0] = np.nan  # a hole that reaches two origins, and ends otherwise
    later = y.copy()
    later.iloc[475:] = 3 * later.iloc[475:].fillna(50.0) + 100
    forecaster.set_params(missing="mask")
    was, now = (forecaster.backtest(data, n_windows=8, step=7).forecasts for data in (y, later))
    early = was["cutoff"] < HOURS[475]
    assert was[early]["cutoff"].nunique() == 5
    np.testing.assert_array_equal(was[early]["forecast"], now[early]["forecast"])
    np.testing.assert_array_equal(was[early]["seasonal_naive"], now[early]["seasonal_naive"])


def test_a_backtest_forecasts_what_forecast_does_at_the_same_cutoff(forecaster):
    y = holed()
    fitted = forecaster.set_params(missing="mask").fit(y[:440])
    for end in (441, 447, 470):
        before = fitted.forecast(history=y[:end]).to_numpy()
        covered = read(y, missing="mask")
        np.testing.assert_allclose(
            forecast_through(fitted._forecast, covered, np.array([end]), 6)[0], before, rtol=1e-5
        )  # float32: another batch of the same windows


@pytest.mark.parametrize("missing", POLICIES)
@pytest.mark.parametrize("model", [LinearForecaster(6), NaiveForecaster(6), NaiveForecaster(6, strategy="drift")])
def test_a_missing_end_is_forecast_through(model, missing):
    y = whole()["a"]
    known = clone(model).set_params(missing=missing).fit(y[:480])
    unknown = clone(known).fit(y.where(y.index < HOURS[480]))
    np.testing.assert_allclose(unknown.forecast(6), known.forecast(26)[20:], rtol=1e-12)
    assert unknown.cutoff_ == HOURS[-1]


def test_each_column_is_forecast_from_its_own_newest_observation():
    y = whole()
    y.iloc[480:, 0] = y.iloc[493:, 1] = np.nan
    series = read(y, missing="mask")
    steps = forecast_through(Mirror(4, shows="step").fit(y[:400])._forecast, series, np.array([470, 490, 500]), 4)
    np.testing.assert_array_equal(steps[0, :, 0], [1, 2, 3, 4])
    np.testing.assert_array_equal(steps[1], np.arange(1, 5)[:, None] + [10, 0])
    np.testing.assert_array_equal(steps[2], np.arange(1, 5)[:, None] + [20, 7])


def test_the_newest_observation_by_looking():
    seen = np.random.default_rng(0).random((40, 2)) > 0.7
    found = newest_observation(seen)
    for origin in range(41):
        for k in range(2):
            rows = np.flatnonzero(seen[:origin, k])
            assert found[origin, k] == (rows[-1] if len(rows) else origin - 1)


def test_naive_forecasts_repeat_only_what_was_observed():
    y = pd.Series(np.tile(np.arange(24.0), 20), index=HOURS[:480])
    y.iloc[432:470] = np.nan
    np.testing.assert_array_equal(NaiveForecaster(24, missing="mask").fit(y).forecast(), np.arange(24))
    gone = y.where(y < 20)
    assert NaiveForecaster(2, strategy="mean", missing="mask").fit(gone).forecast().iloc[0] == gone.mean()
    line = pd.Series(np.arange(40.0), index=HOURS[:40]).where(lambda v: (v > 9) & (v % 3 > 0))
    np.testing.assert_allclose(NaiveForecaster(2, strategy="drift", missing="mask").fit(line).forecast(), [40, 41])


@pytest.mark.parametrize("model", [LinearForecaster(6), RNNForecaster(6, **QUICK)], ids=["linear", "network"])
def test_guesses_do_not_count_whatever_stands_in_their_place(model):
    y = holed()["a"]
    coded = y.fillna(-1e6)
    plain = clone(model).set_params(missing="mask").fit(y)
    sentinel = clone(model).set_params(missing="mask", missing_values=-1e6).fit(coded)
    pd.testing.assert_series_equal(plain.forecast(), sentinel.forecast())
    assert sentinel.score(coded) == plain.score(y)


@pytest.mark.parametrize("options", [{}, {"channels": "joint"}, {"forking_sequences": True}], ids=str)
def test_holes_in_past_covariates_are_masked(options):
    y, rng = whole(), np.random.default_rng(2)
    X = pd.DataFrame({"k": rng.normal(size=500), "p": rng.normal(size=500)}, index=HOURS)
    X.iloc[:9, 1] = X.iloc[100:150, 1] = X.iloc[-4:, 1] = np.nan
    future = pd.DataFrame({"k": np.zeros(8)}, index=pd.date_range(HOURS[-1], periods=9, freq="h")[1:])
    model = RNNForecaster(6, missing="mask", past_covariates=["p"], **options, **QUICK).fit(X, y)
    assert np.isfinite(model.forecast(X=future)).all(axis=None)
    X.iloc[20, 0] = np.nan
    with pytest.raises(ValueError, match="it lacks 1 of 500 values, first at row 2024-01-01 20:00"):
        clone(model).fit(X, y)


@pytest.mark.parametrize("missing", POLICIES)
def test_folds_that_end_in_a_hole_are_scored(missing):
    y = whole()["a"]
    y.iloc[328:334] = np.nan  # a fold learns from the first 334 rows
    y.iloc[412:420] = np.nan
    X = pd.DataFrame(index=y.index)
    scores = cross_val_score(LinearForecaster(83, missing=missing), X, y, cv=TimeSeriesSplit(2, test_size=83))
    assert (scores > 0.5).all()


def test_a_single_value_is_too_few_rows_to_learn_from():
    y = pd.Series([np.nan] * 20 + [3.0] + [np.nan] * 30)
    with pytest.raises(ValueError, match="RNNForecaster needs at least 30 rows to learn from, got 1"):
        RNNForecaster(6, missing="mask", **QUICK).fit(y)
    assert NaiveForecaster(2, missing="mask").fit(y).forecast().tolist() == [3.0, 3.0]


def test_a_long_hole_in_an_update_is_bridged_with_a_warning_and_masked_without():
    y = whole()["a"]
    fitted = LinearForecaster(6, missing="interpolate").fit(y[:300])
    with pytest.warns(DataWarning, match=r"a hole of 24 rows before 2024-01-14 12:00:00, longer than any before"):
        fitted.update(y[324:340])
    fitted.update(y[340:350])
    fitted.update(y[352:360])
    LinearForecaster(6, missing="mask").fit(y[:300]).update(y[324:340])


def test_holidays_are_no_holes_but_weeks_of_trading_days_are():
    days = pd.bdate_range("2023-01-02", periods=300)
    y = pd.Series(100 + np.random.default_rng(0).normal(size=300).cumsum(), index=days)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        fitted = LinearForecaster(5).fit(y.drop(days[[50, 51, 120]])[:200])
        fitted.update(y[203:210])  # one day: a holiday
    with pytest.warns(DataWarning, match=r"leaves out 6 weekdays after 2023-10-20 00:00:00, more than the data"):
        fitted.update(y[216:220])
    with pytest.warns(DataWarning, match=r"leaves out 20 weekdays after 2023-05-19 00:00:00, more than a holiday"):
        LinearForecaster(5).fit(y.drop(days[100:120]))
    spread = y.copy()
    spread.iloc[100:120] = np.nan
    assert np.isfinite(LinearForecaster(5, missing="mask").fit(spread).forecast()).all()


@pytest.mark.parametrize("options", [{}, {"forking_sequences": True}], ids=["windows", "every step"])
def test_a_stream_goes_on_after_holes_but_not_in_one(options):
    y = holed()[["b"]]
    y.iloc[-2:] = 10.0
    model = RNNForecaster(6, missing="mask", **options, **QUICK).fit(y[:-1])
    np.testing.assert_allclose(model.stream().forecast(), model.forecast(), rtol=1e-5)  # float32
    stream = model.stream().update(y.iloc[-1])
    rtol = 1e-5 if not options else 0.05  # a carried state remembers rows before the window
    np.testing.assert_allclose(stream.forecast(), model.update(y[-1:]).forecast(), rtol=rtol)
    with pytest.raises(ValueError, match="has missing values: update"):
        RNNForecaster(6, missing="mask", **options, **QUICK).fit(holed()).stream()


def test_data_of_another_frequency_are_no_history():
    y = whole()["a"]
    for missing in POLICIES:
        fitted = LinearForecaster(6, missing=missing).fit(y[:300])
        with pytest.raises(ValueError, match="2 or more steps of h apart"):
            fitted.forecast(history=y[::2])
        with pytest.raises(ValueError, match="2 or more steps of h apart"):
            fitted.update(y[300::2])


@pytest.mark.slow
@pytest.mark.skipif(
    not (Path(os.environ.get("RNNFORECAST_DATA", "")) / "weather").is_dir(),
    reason="RNNFORECAST_DATA names no folder of public data",
)
@pytest.mark.parametrize("station", ["JFK", "EWR", "LGA"])
def test_holes_in_the_weather_cost_little_accuracy(station):
    series = observations(station)
    cut = int(0.8 * len(series))
    random, week = series.copy(), series.copy()
    random.iloc[np.random.default_rng(0).choice(cut, cut // 10, replace=False)] = np.nan
    week.iloc[cut - 400 : cut - 232] = np.nan
    model = RNNForecaster(24, missing="mask", random_state=0)
    errors = []
    for given in (series, random, week):
        found = model.backtest(given, n_windows=len(given) - 23 - cut, step=1).forecasts
        errors.append((found["forecast"] - found["actual"]).abs().mean())
    assert errors[1] < 1.10 * errors[0]
    assert errors[2] < 1.20 * errors[0]
