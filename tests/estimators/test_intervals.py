"""Intervals, quantiles and sample paths of every forecaster."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone
from sklearn.utils._param_validation import InvalidParameterError

from rnnforecast import LinearForecaster, NaiveForecaster, RNNForecaster
from rnnforecast.metrics import coverage, crps_quantiles, interval_score
from tests.estimators.mirror import Mirror

QUICK = RNNForecaster(7, hidden_layer_sizes=(4,), n_estimators=1, max_iter=2, random_state=0)
FORECASTERS = [NaiveForecaster(7), LinearForecaster(7), QUICK]
each = pytest.mark.parametrize("forecaster", FORECASTERS, ids=lambda forecaster: type(forecaster).__name__)


@each
def test_an_interval_ends_at_its_quantiles(forecaster, daily):
    found = clone(forecaster).fit(daily).forecast(level=[80, 95], quantiles=[0.025, 0.1, 0.5, 0.9])
    ends = ["visits", "visits-lo-80", "visits-hi-80", "visits-lo-95", "visits-hi-95"]
    assert list(found.columns) == [*ends, "visits-q0.025", "visits-q0.1", "visits-q0.5", "visits-q0.9"]
    for end, quantile in (("lo-80", "q0.1"), ("hi-80", "q0.9"), ("lo-95", "q0.025")):
        np.testing.assert_array_equal(found[f"visits-{end}"], found[f"visits-{quantile}"])
    np.testing.assert_array_equal(found["visits-q0.5"], found["visits"])


@each
def test_asking_for_intervals_changes_neither_forecast_nor_labels(forecaster, daily):
    fitted = clone(forecaster).fit(daily)
    plain = fitted.forecast(9)
    pd.testing.assert_series_equal(fitted.forecast(9, level=90)["visits"], plain)
    pd.testing.assert_series_equal(fitted.forecast(9), plain)


@each
def test_quantiles_never_cross_whatever_the_horizon(forecaster, daily):
    fitted = clone(forecaster).fit(daily)
    for h in (1, 7, 60):  # 60 steps are more than were held out
        found = fitted.forecast(h, quantiles=np.linspace(0.01, 0.99, 25))
        assert np.isfinite(found.to_numpy()).all()
        assert (np.diff(found.to_numpy(), axis=1) >= 0).all()


@pytest.mark.parametrize("kind", ["conformal", "adaptive"])
def test_a_horizon_far_beyond_the_data_asks_for_no_more_than_they_tell(kind, daily):
    fitted = NaiveForecaster(7, intervals=kind).fit(daily)
    found = fitted.forecast(20_000, level=80)
    width = (found["visits-hi-80"] - found["visits-lo-80"]).to_numpy()
    assert fitted._calibrations.popitem()[1].values.shape == (37, 37, 1)  # a quarter of the rows
    # The last step seen is the 37th
    np.testing.assert_allclose(width[36:], width[36] * np.sqrt(np.arange(37, 20_001) / 37), rtol=1e-9)


@each
def test_a_shorter_forecast_has_the_same_intervals(forecaster, daily):
    fitted = clone(forecaster).fit(daily)
    pd.testing.assert_frame_equal(fitted.forecast(3, level=80), fitted.forecast(7, level=80)[:3])


@each
def test_samples_reproduce_the_quantiles(forecaster, daily):
    fitted = clone(forecaster).fit(daily)
    n = 4000
    samples = fitted.forecast(n_samples=n)
    assert list(samples.columns[:2]) == ["visits-sample-1", "visits-sample-2"]
    assert samples.shape == (7, n)
    for p in (0.1, 0.5, 0.9):
        quantile = fitted.forecast(quantiles=p)[f"visits-q{p}"]
        share = samples.le(quantile, axis=0).mean(axis=1)
        # Five standard errors of a share among n independent samples
        np.testing.assert_allclose(share, p, atol=5 * np.sqrt(p * (1 - p) / n))


def test_samples_keep_the_dependence_between_steps():
    rng = np.random.default_rng(3)
    walk = pd.Series(rng.normal(size=1200).cumsum(), pd.date_range("2024", periods=1200, freq="h"))
    samples = NaiveForecaster(8, strategy="last").fit(walk).forecast(n_samples=2000)
    found = np.corrcoef(samples.to_numpy())
    steps = np.arange(1, 9)
    expected = np.sqrt(np.minimum.outer(steps, steps) / np.maximum.outer(steps, steps))  # of a random walk
    np.testing.assert_allclose(found, expected, atol=0.2)  # some 300 / 8 independent windows


def test_samples_keep_the_dependence_between_targets(daily):
    noise = np.random.default_rng(0).normal(size=len(daily))
    frame = pd.DataFrame({"a": daily + 3 * noise, "b": daily - 3 * noise})
    samples = NaiveForecaster(2).fit(frame).forecast(n_samples=500)
    assert list(samples.columns[[0, 500]]) == ["a-sample-1", "b-sample-1"]
    first, second = samples.to_numpy()[0, :500], samples.to_numpy()[0, 500:]
    assert np.corrcoef(first, second)[0, 1] < -0.5


def test_samples_are_drawn_from_the_random_state(daily):
    fitted = clone(QUICK).fit(daily)
    pd.testing.assert_frame_equal(fitted.forecast(n_samples=3), fitted.forecast(n_samples=3))


def test_bands_of_a_series_whose_errors_grow_with_its_level_grow_too():
    months = np.arange(120)
    rng = np.random.default_rng(0)
    values = np.exp(0.03 * months + 0.2 * np.sin(months * np.pi / 6) + 0.05 * rng.normal(size=120))
    series = pd.Series(values, pd.date_range("2010", periods=120, freq="MS"), name="sold")
    for forecaster in (NaiveForecaster(12), LinearForecaster(12)):
        found = forecaster.fit(series).forecast(level=80)
        assert (found["sold-lo-80"] > 0).all()
        up, down = found["sold-hi-80"] / found["sold"], found["sold"] / found["sold-lo-80"]
        np.testing.assert_allclose(up, down, rtol=1e-9)  # as far away in proportion on either side


def test_errors_are_measured_on_the_scale_on_which_they_are_used():
    rng = np.random.default_rng(1)
    calm, wild = np.full(90, 100.0), np.linspace(100, 30, 60)
    values = np.append(calm, wild) + rng.normal(size=150) * np.append(calm, 10 * wild) / 200
    series = pd.Series(values, pd.date_range("2024", periods=150, freq="D"), name="y")
    fitted = NaiveForecaster(1).fit(series)
    early, _ = fitted._held_out()
    assert early._error_scale is fitted._error_scale
    # Whatever the first rows alone would have said, errors of a few units are not taken for logarithms, nor reversely
    width = np.ptp(fitted.forecast(level=80).iloc[0, 1:])
    assert 1.0 < width < 60.0


def test_targets_in_other_units_have_intervals_in_theirs(daily):
    frame = pd.DataFrame({"a": daily, "b": 1000 * daily})
    found = LinearForecaster(5).fit(frame).forecast(level=80)
    assert list(found.columns) == ["a", "a-lo-80", "a-hi-80", "b", "b-lo-80", "b-hi-80"]
    np.testing.assert_allclose(found["b-hi-80"], 1000 * found["a-hi-80"], rtol=1e-9)


def test_a_nameless_target_is_called_forecast():
    assert list(NaiveForecaster().fit(np.arange(50.0)).forecast(level=80).columns) == [
        "forecast",
        "forecast-lo-80",
        "forecast-hi-80",
    ]


# Calibration


def test_the_model_that_is_judged_has_not_seen_the_rows_it_is_judged_on(daily):
    learnt = []

    class Watched(Mirror):
        def _learn(self, series):
            learnt.append(series.n_rows)
            return super()._learn(series)

    fitted = Watched(5).fit(daily)
    fitted.forecast()
    assert learnt == [150]  # nothing is computed that nobody asked for
    fitted.forecast(level=80)
    assert learnt == [150, 150 - 37]  # a quarter
    fitted.forecast(3, level=[50, 90])
    assert len(learnt) == 2


def test_the_size_is_the_quantile_of_the_errors_on_held_out_rows(daily):
    found = NaiveForecaster(1, strategy="last", intervals="conformal").fit(daily).forecast(level=80)
    errors = np.sort(np.abs(np.diff(daily.to_numpy())[-37:]))  # last value, one step ahead, last quarter
    size = np.interp(0.8 * (1 + 1 / 37), np.arange(1, 38) / 37, errors)
    np.testing.assert_allclose(found["visits-hi-80"] - found["visits"], size, rtol=1e-12)
    np.testing.assert_allclose(found["visits"] - found["visits-lo-80"], size, rtol=1e-12)


def test_a_network_is_judged_on_the_rows_that_weigh_it(daily):
    fitted = clone(QUICK).fit(daily)
    early, first = fitted._held_out()
    assert first == 150 - 22  # validation_fraction
    assert early.ensemble_ is not fitted.ensemble_
    again = clone(QUICK).set_params(refit=False).fit(daily)  # learns from the same rows, and keeps that
    origin = np.array([first])
    np.testing.assert_array_equal(
        early.ensemble_.forecast(again._history.target, *[np.zeros((150, 0))] * 2, origin, 7),
        again.ensemble_.forecast(again._history.target, *[np.zeros((150, 0))] * 2, origin, 7),
    )


def test_a_network_without_held_out_rows_learns_again_when_asked(daily):
    fitted = clone(QUICK).set_params(early_stopping=False, blend=1.0).fit(daily)
    found = fitted.forecast(level=80)
    assert (found["visits-hi-80"] > found["visits"]).all()


def test_adaptive_intervals_take_in_what_update_brings(rng):
    quiet, loud = rng.normal(size=300), 5 * rng.normal(size=200)
    series = pd.Series(np.append(quiet, loud), pd.date_range("2024", periods=500, freq="h"), name="y")
    width = {}
    for kind in ("conformal", "adaptive"):
        fitted = NaiveForecaster(2, strategy="mean", intervals=kind).fit(series[:300])
        before = fitted.forecast(level=80)
        after = fitted.update(series[300:]).forecast(level=80)
        width[kind] = [float(np.ptp(found.iloc[0, 1:])) for found in (before, after)]
    assert width["conformal"][1] == pytest.approx(width["conformal"][0], rel=1e-9)
    assert width["adaptive"][1] > 3 * width["adaptive"][0]


@each
def test_known_covariates_are_followed_and_those_ahead_needed(forecaster, daily):
    X = pd.DataFrame({"promotion": np.arange(150) % 3}, index=daily.index)
    fitted = clone(forecaster).fit(X[:140], daily[:140])
    assert fitted.forecast(X=X[140:], level=80).shape == (10, 3)
    with pytest.raises(ValueError, match="X must hold promotion"):
        fitted.forecast(level=80)


def test_other_histories_have_the_intervals_of_the_fit(daily):
    fitted = LinearForecaster(3).fit(daily)
    here, there = fitted.forecast(level=80), fitted.forecast(level=80, history=daily[:100])
    np.testing.assert_allclose(np.ptp(here.iloc[:, 1:], axis=1), np.ptp(there.iloc[:, 1:], axis=1), rtol=1e-12)


@pytest.mark.parametrize("n_rows", [4, 9, 20])
def test_few_rows_give_finite_intervals(n_rows):
    found = LinearForecaster(2).fit(np.arange(n_rows) ** 1.5).forecast(5, level=[50, 99])
    assert np.isfinite(found.to_numpy()).all()


def test_rows_that_cannot_be_divided_are_refused_in_a_sentence():
    fitted = LinearForecaster(2).fit([1.0, 3.0, 2.0])
    with pytest.raises(ValueError, match=r"needs at least 4 rows to hold some out, .* got 3 with horizon=2; give"):
        fitted.forecast(level=80)


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ({"level": 0.8}, "level must hold percentages from 1 to below 100, such as 80, got 0.8"),
        ({"level": [80, 100]}, "level must hold .* got 100"),
        ({"level": "80"}, "level must hold .* got '80'"),
        ({"level": True}, "level must hold .* got True"),
        ({"level": []}, "level must hold .* got none"),
        ({"quantiles": [0.1, 1]}, "quantiles must hold probabilities between 0 and 1, such as 0.9, got 1"),
        ({"quantiles": np.nan}, "quantiles must hold .* got nan"),
        ({"n_samples": 0}, "n_samples must be an integer from 1"),
    ],
)
def test_a_question_that_makes_no_sense_is_refused(daily, arguments, sentence):
    fitted = NaiveForecaster().fit(daily)
    with pytest.raises(ValueError, match=sentence):
        fitted.forecast(**arguments)


def test_an_unknown_kind_of_interval_is_refused(daily):
    with pytest.raises(InvalidParameterError, match="intervals"):
        NaiveForecaster(intervals="bayes").fit(daily)


# predict_quantiles


@each
def test_quantiles_of_rows_ahead_are_those_of_the_forecast(forecaster, daily):
    fitted = clone(forecaster).fit(daily[:140])
    expected = fitted.forecast(10, quantiles=[0.1, 0.5, 0.9])
    np.testing.assert_array_equal(fitted.predict_quantiles(daily[140:].to_frame()), expected)


@each
def test_quantiles_of_training_rows_lie_around_the_fitted_values(forecaster, daily):
    fitted = clone(forecaster).fit(daily)
    found = fitted.predict_quantiles(daily, [0.05, 0.5, 0.95])
    assert found.shape == (150, 3)
    assert (np.diff(found, axis=1) > 0).all()
    np.testing.assert_array_equal(found[1:, 1], fitted.predict(daily)[1:])
    np.testing.assert_array_equal(found[0], np.quantile(daily, [0.05, 0.5, 0.95]))  # it has no past


def test_no_quantiles_are_none_to_predict(daily):
    fitted = NaiveForecaster().fit(daily)
    for none in (None, []):
        with pytest.raises(ValueError, match=r"quantiles must hold probabilities .* got none"):
            fitted.predict_quantiles(daily, none)


def test_quantiles_of_several_targets_have_three_axes(daily):
    frame = pd.DataFrame({"a": daily, "b": 2 * daily})
    found = LinearForecaster(3).fit(frame).predict_quantiles(frame, 0.9)
    assert found.shape == (150, 2, 1)


# Backtest


@each
@pytest.mark.parametrize("refit", [False, True])
def test_a_backtest_forecasts_the_intervals_that_would_have_been_forecast(forecaster, daily, refit):
    found = forecaster.backtest(daily, n_windows=2, level=[80, 95], refit=refit).forecasts
    first = clone(forecaster).fit(daily[:136])
    expected = [first.forecast(level=[80, 95])]
    second = clone(forecaster).fit(daily[:143]) if refit else first.update(daily[136:143])
    expected = pd.concat([*expected, second.forecast(level=[80, 95])])
    assert list(found.columns[-4:]) == ["lo-80", "hi-80", "lo-95", "hi-95"]
    np.testing.assert_allclose(
        found.iloc[:, -4:], expected.iloc[:, 1:], rtol=1e-6
    )  # float32 networks, in other batches


def test_adaptive_intervals_of_a_backtest_know_at_each_origin_what_was_known(daily):
    forecaster = NaiveForecaster(7, intervals="adaptive")
    found = forecaster.backtest(daily, n_windows=3, level=80).forecasts
    for cutoff, rows in found.groupby("cutoff"):
        fitted = clone(forecaster).fit(daily[:129])
        if cutoff > fitted.cutoff_:
            fitted.update(daily[129:].loc[:cutoff])
        np.testing.assert_allclose(rows[["lo-80", "hi-80"]], fitted.forecast(level=80).iloc[:, 1:], rtol=1e-12)


def test_the_table_of_a_backtest_judges_the_intervals(daily):
    backtest = LinearForecaster(7).backtest(daily, n_windows=4, level=80)
    rows = backtest.forecasts
    line = backtest.table().loc["LinearForecaster"]
    truth = rows["actual"], rows["lo-80"], rows["hi-80"]
    assert line["coverage-80"] == pytest.approx(100 * coverage(*truth))
    assert line["score-80"] == pytest.approx(interval_score(*truth, level=80))
    quantiles = rows[["lo-80", "forecast", "hi-80"]].to_numpy()
    assert line["CRPS"] == pytest.approx(crps_quantiles(rows["actual"], quantiles, [0.1, 0.5, 0.9]))
    assert "coverage-80" in str(backtest)
    assert "nan" not in str(backtest).lower()
    assert "CRPS" not in str(LinearForecaster(7).backtest(daily, n_windows=4))


def test_intervals_of_a_backtest_cover_as_often_as_they_say():
    rng = np.random.default_rng(0)
    noise = pd.Series(rng.normal(size=3000), pd.date_range("2024", periods=3000, freq="h"))
    line = (
        LinearForecaster(4, season_length=None).backtest(noise, n_windows=800, step=1, level=[80, 95]).table().iloc[0]
    )
    # About 500 scores behind each quantile and 800 ahead of it: standard errors of 2.3 and 1.2 per cent together
    assert line["coverage-80"] == pytest.approx(80, abs=5)
    assert line["coverage-95"] == pytest.approx(95, abs=3)
