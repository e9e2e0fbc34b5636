"""Fitting, updating, scoring and backtesting: what all forecasters share."""

from __future__ import annotations

import warnings

import numpy as np
import pandas as pd
import pytest
from sklearn.exceptions import NotFittedError, UndefinedMetricWarning
from sklearn.metrics import r2_score

from rnnforecast.estimators._backtest import skill
from rnnforecast.estimators.baselines import LinearForecaster, NaiveForecaster
from tests.estimators.mirror import Mirror


class Failing(Mirror):
    """Stops in the middle of learning, once told to."""

    stop: type[BaseException] | None = None

    def _learn(self, series):
        if self.stop is not None:
            raise self.stop
        return super()._learn(series)


class Counting(Mirror):
    """Keeps in one list which rows it learnt from and which origins it was asked for, over all clones."""

    learnt: list[int] = []  # noqa: RUF012 - shared on purpose
    asked: list[np.ndarray] = []  # noqa: RUF012

    def _learn(self, series):
        self.learnt.append(series.n_rows)
        return {"no_skill_": False}

    def _forecast(self, series, origins, horizon):
        self.asked.append(origins)
        return super()._forecast(series, origins, horizon)


@pytest.fixture(autouse=True)
def _start_counting_anew():
    Counting.learnt.clear()
    Counting.asked.clear()


# Fit


def test_fit_learns_what_the_data_are(hourly):
    X = pd.DataFrame({"a": 1.0, "b": 2.0}, index=hourly.index)
    fitted = Mirror().fit(X, hourly)
    assert fitted.cutoff_ == hourly.index[-1]
    assert fitted.freq_ == "h"
    assert fitted.n_features_in_ == 2
    assert list(fitted.feature_names_in_) == ["a", "b"]
    assert fitted.feature_names_in_.dtype == object
    assert fitted.n_outputs_ == 1


def test_a_second_fit_leaves_nothing_of_the_first(hourly, daily):
    X = pd.DataFrame({"a": 1.0}, index=hourly.index)
    fitted = Mirror().fit(X, hourly).fit(daily)
    assert not hasattr(fitted, "feature_names_in_")
    assert set(vars(fitted)) == set(vars(Mirror().fit(daily)))
    assert fitted.cutoff_ == daily.index[-1]


@pytest.mark.parametrize("stop", [KeyboardInterrupt, MemoryError, ValueError])
def test_a_fit_that_fails_leaves_the_forecaster_as_it_was(daily, hourly, stop):
    forecaster = Failing()
    forecaster.stop = stop
    with pytest.raises(stop):
        forecaster.fit(daily)
    with pytest.raises(NotFittedError):
        forecaster.forecast()
    del forecaster.stop
    before = dict(vars(forecaster.fit(daily)))
    forecaster.stop = stop
    with pytest.raises(stop):
        forecaster.fit(hourly)
    del forecaster.stop
    assert vars(forecaster) == before
    assert forecaster.forecast().index[0] == daily.index[-1] + pd.Timedelta(days=1)


def test_several_targets_come_back_as_a_frame_with_their_names(daily):
    frame = pd.DataFrame({"low": daily - 1.0, "high": daily + 1.0})
    fitted = Mirror(2).fit(frame)
    assert fitted.n_outputs_ == 2
    pd.testing.assert_frame_equal(
        fitted.forecast(),
        pd.DataFrame([frame.iloc[-1].to_numpy()] * 2, index=fitted.forecast().index, columns=["low", "high"]),
    )
    assert fitted.predict(frame[-3:]).shape == (3, 2)
    assert Mirror().fit(daily.to_frame()).predict(daily.to_frame()).shape == (150, 1)
    assert Mirror().fit(daily).predict(daily).shape == (150,)


def test_input_is_neither_changed_nor_shared(daily):
    X = pd.DataFrame({"price": np.arange(150.0)}, index=daily.index)
    X_before, y_before = X.copy(deep=True), daily.copy(deep=True)
    fitted = Mirror(shows="known").fit(X[:140], daily[:140])
    forecast = fitted.forecast(X=X[140:])
    predicted = fitted.predict(X)
    forecast[:] = predicted[:] = -1.0
    fitted.backtest(X, daily)
    fitted.update(daily[140:], X[140:])
    pd.testing.assert_frame_equal(X, X_before)
    pd.testing.assert_series_equal(daily, y_before)
    X.iloc[:] = 0.0
    np.testing.assert_array_equal(
        fitted.predict(X_before), X_before["price"].where(X_before["price"] > 0, daily[:140].mean())
    )


# Update


def test_update_moves_the_cutoff_and_changes_no_parameter(daily):
    learnt = LinearForecaster(5).fit(daily[:140])
    weights = learnt.linear_
    assert learnt.update(daily[140:145]) is learnt
    assert learnt.cutoff_ == daily.index[144]
    assert learnt.linear_ is weights
    expected = LinearForecaster(5).fit(daily[:140]).forecast(history=daily[:145])
    pd.testing.assert_series_equal(learnt.forecast(), expected)


def test_many_updates_equal_one(daily):
    one, many = Mirror().fit(daily[:100]), Mirror().fit(daily[:100])
    one.update(daily[100:])
    for row in range(100, 150):
        many.update(daily[row : row + 1])
    np.testing.assert_array_equal(many.predict(daily), one.predict(daily))
    assert many.cutoff_ == one.cutoff_


def test_update_with_covariates_and_arrays(daily):
    X = pd.DataFrame({"price": np.arange(150.0)}, index=daily.index)
    fitted = Mirror(shows="known").fit(X[:100], daily[:100])
    fitted.update(daily[100:110].to_numpy(), X[100:110].to_numpy())
    assert fitted.cutoff_ == daily.index[109]
    np.testing.assert_array_equal(fitted.predict(X[105:112]), np.arange(105.0, 112.0))


def test_update_over_a_holiday_goes_on(business):
    fitted = Mirror(shows="step").fit(business[:"2024-05-24"]).update(business["2024-05-28":"2024-05-29"])
    assert fitted.cutoff_ == pd.Timestamp("2024-05-29")
    np.testing.assert_array_equal(fitted.predict(business["2024-05-30":"2024-06-03"]), [1, 2, 3])


def test_a_refused_update_changes_nothing(daily):
    fitted = Mirror().fit(daily[:100])
    before = dict(vars(fitted))
    with pytest.raises(ValueError, match="must continue the series at 2024-01-09"):
        fitted.update(daily[105:110])
    assert vars(fitted) == before


# Score


def test_score_is_r2_of_the_forecast(daily):
    fitted = NaiveForecaster(14).fit(daily[:-14])
    assert fitted.score(daily[-14:]) == r2_score(daily[-14:], fitted.forecast())
    X = pd.DataFrame(index=daily.index)
    fitted = NaiveForecaster(14).fit(X[:-14], daily[:-14])
    weights = np.arange(14.0)
    assert fitted.score(X[-14:], daily[-14:], weights) == r2_score(
        daily[-14:], fitted.forecast(), sample_weight=weights
    )
    with pytest.raises(ValueError, match="score needs y"):
        fitted.score(X[-14:])


def test_columns_in_another_order_change_neither_score_nor_forecast(daily):
    frame = pd.DataFrame({"a": daily, "b": 100.0 - daily, "c": 7.0 * daily})
    train, test, turned = frame[:-5], frame[-5:], ["c", "a", "b"]
    fitted = LinearForecaster(horizon=5).fit(train)
    assert fitted.score(test[turned]) == fitted.score(test)
    pd.testing.assert_frame_equal(fitted.forecast(history=train[turned]), fitted.forecast())
    renamed = fitted.forecast(history=train.set_axis(["x", "y", "z"], axis=1))  # other data, in the order of fit
    np.testing.assert_array_equal(renamed, fitted.forecast())
    for data in (lambda: fitted.score(test.set_axis(["b", "a", "z"], axis=1)), lambda: fitted.score(test[["a", "b"]])):
        with pytest.raises(ValueError, match=r"X must have (the columns|3 columns, one per target, got 2)"):
            data()
    with pytest.raises(ValueError, match="'c' is at another place"):
        fitted.forecast(history=train.set_axis(["c", "b", "z"], axis=1))


def test_truth_with_other_labels_than_x_is_refused(daily):
    X = pd.DataFrame({"x": 1.0}, index=daily.index)
    fitted = NaiveForecaster(5).fit(X[:-5], daily[:-5])
    with pytest.raises(ValueError, match="X and y must have the same index"):
        fitted.score(X[-5:], daily[-6:-1])
    assert fitted.score(X[-5:], daily[-5:].to_numpy()) == fitted.score(X[-5:], daily[-5:])


def test_score_of_one_row_is_undefined_as_in_scikit_learn(daily):
    fitted = Mirror().fit(daily[:-1])
    with pytest.warns(UndefinedMetricWarning):
        assert np.isnan(fitted.score(daily[-1:]))


def test_rows_without_truth_do_not_count_in_the_score(daily):
    fitted = Mirror(missing="interpolate").fit(daily[:-10])
    holed = daily[-10:].copy()
    holed.iloc[[2, 5]] = np.nan
    there = holed.notna().to_numpy()
    assert fitted.score(holed) == r2_score(daily[-10:][there], np.full(8, daily.iloc[-11]))
    weights = np.arange(10.0)
    expected = r2_score(daily[-10:][there], np.full(8, daily.iloc[-11]), sample_weight=weights[there])
    assert fitted.score(holed, sample_weight=weights) == expected


# Backtest


def test_a_backtest_forecasts_what_was_known_at_each_cutoff(daily):
    backtest = Mirror(7).backtest(daily, n_windows=3)
    table = backtest.forecasts
    assert list(table.columns) == ["cutoff", "step", "actual", "forecast", "seasonal_naive"]
    assert list(table["cutoff"].unique()) == list(daily.index[[128, 135, 142]])
    assert list(table["step"]) == list(range(1, 8)) * 3
    np.testing.assert_array_equal(table["actual"], daily[-21:])
    np.testing.assert_array_equal(table.index, daily.index[-21:])
    np.testing.assert_array_equal(table["forecast"], daily.to_numpy()[[128, 135, 142]].repeat(7))
    assert backtest.season_length == 7
    np.testing.assert_array_equal(table["seasonal_naive"], daily.to_numpy()[122:143])


def test_a_backtest_learns_once_before_the_first_window_and_asks_for_all_origins_at_once(daily):
    forecaster = Counting(10)
    forecaster.backtest(daily, n_windows=4, step=5)
    assert Counting.learnt == [150 - 10 - 15]
    assert len(Counting.asked) == 1
    np.testing.assert_array_equal(Counting.asked[0], [125, 130, 135, 140])
    with pytest.raises(NotFittedError):
        forecaster.forecast()


def test_a_backtest_that_refits_learns_before_every_window(daily):
    Counting(10).backtest(daily, n_windows=3, refit=True)
    assert Counting.learnt == [120, 130, 140]
    assert [list(origins) for origins in Counting.asked] == [[120], [130], [140]]


@pytest.mark.parametrize("refit", [False, True])
def test_the_future_does_not_reach_a_backtest(daily, refit):
    # The last window's rows are changed: nothing but its actual values may change with them.
    changed = daily.copy()
    changed.iloc[-10:] += 1000.0
    was, now = (LinearForecaster(10).backtest(data, n_windows=3, refit=refit).forecasts for data in (daily, changed))
    np.testing.assert_array_equal(was[["forecast", "seasonal_naive"]], now[["forecast", "seasonal_naive"]])


def test_a_hole_before_a_cutoff_is_not_filled_from_behind_it(daily):
    holed = daily.copy()
    holed.iloc[135:140] = np.nan  # the windows begin at rows 130 and 140
    later = holed.copy()
    later.iloc[140:] += 1000.0
    was, now = (Mirror(10, missing="interpolate").backtest(data, n_windows=2).forecasts for data in (holed, later))
    np.testing.assert_array_equal(was["forecast"], now["forecast"])
    assert (was["forecast"].iloc[10:] == daily.iloc[134]).all()
    assert was["actual"].isna().to_numpy().nonzero()[0].tolist() == [5, 6, 7, 8, 9]
    assert np.isfinite(was["forecast"]).all()


def test_a_hole_in_a_past_covariate_is_not_filled_from_behind_a_cutoff(daily):
    X = pd.DataFrame({"wind": np.arange(150.0)}, index=daily.index)
    X.iloc[135:142] = np.nan
    forecaster = Mirror(10, shows="past", past_covariates=["wind"], missing="interpolate")
    np.testing.assert_array_equal(forecaster.backtest(X, daily, n_windows=1).forecasts["forecast"], 134.0)


def test_errors_and_skill_are_what_their_definitions_say(daily):
    backtest = Mirror(7).backtest(daily, n_windows=3)
    rows = backtest.forecasts
    error, naive = (rows["forecast"] - rows["actual"]).abs(), (rows["seasonal_naive"] - rows["actual"]).abs()
    scale = daily[:129].diff(7).abs().mean()
    table = backtest.table()
    assert list(table.index) == ["Mirror", "seasonal naive"]
    np.testing.assert_allclose(
        table.loc["Mirror"],
        [error.mean(), np.sqrt((error**2).mean()), error.mean() / scale, 1 - error.mean() / naive.mean()],
        rtol=1e-14,
    )
    assert table.loc["seasonal naive", "skill"] == 0
    np.testing.assert_allclose(backtest.by_step()["forecast"], error.to_numpy().reshape(3, 7).mean(axis=0), rtol=1e-14)
    np.testing.assert_allclose(
        backtest.by_cutoff()["forecast"], error.to_numpy().reshape(3, 7).mean(axis=1), rtol=1e-14
    )
    assert list(backtest.by_cutoff().index) == list(daily.index[[128, 135, 142]])


def test_each_target_has_its_own_errors(daily):
    frame = pd.DataFrame({"small": daily, "large": 100.0 * daily})
    backtest = Mirror(7).backtest(frame, n_windows=2)
    table = backtest.table()
    assert table.index.names == ["target", "model"]
    assert table.loc[("large", "Mirror"), "MAE"] == pytest.approx(100 * table.loc[("small", "Mirror"), "MAE"])
    assert table.loc[("large", "Mirror"), "MASE"] == pytest.approx(table.loc[("small", "Mirror"), "MASE"])
    alone = Mirror(7).backtest(daily, n_windows=2).forecasts
    small = backtest.forecasts.query("target == 'small'").drop(columns="target")
    pd.testing.assert_frame_equal(small, alone, check_freq=False)
    assert len(backtest.by_step()) == 14


def test_covariates_of_a_backtest_are_those_of_its_windows(daily):
    X = pd.DataFrame({"price": np.arange(150.0), "wind": np.arange(150.0)}, index=daily.index)
    known = Mirror(5, shows="known", past_covariates=["wind"]).backtest(X, daily, n_windows=2)
    np.testing.assert_array_equal(known.forecasts["forecast"], np.arange(140.0, 150.0))
    past = Mirror(5, shows="past", past_covariates=["wind"]).backtest(X, daily, n_windows=2)
    np.testing.assert_array_equal(past.forecasts["forecast"], np.repeat([139.0, 144.0], 5))


def test_a_backtest_prints_its_table_and_says_when_nothing_was_found(daily):
    backtest = Mirror(7).backtest(daily)
    text = str(backtest)
    assert text.startswith("Backtest of Mirror: 5 windows of 7 steps; seasonal naive: season of 7 rows.")
    assert "No skill over seasonal naive was found: on these windows Mirror is not the better forecast." in text
    assert repr(backtest) == text
    html = LinearForecaster(7).backtest(daily)._repr_html_()
    assert "<table" in html
    assert "No skill" not in html

    class Modest(LinearForecaster):
        def _learn(self, series):
            return super()._learn(series) | {"no_skill_": True}

    assert "Modest found none on its own validation rows" in str(Modest(7).backtest(daily))


def test_integers_and_arrays_can_be_backtested(rng):
    backtest = Mirror(2).backtest(rng.normal(size=30), n_windows=2)
    assert list(backtest.forecasts.index) == [26, 27, 28, 29]
    assert list(backtest.forecasts["cutoff"]) == [25, 25, 27, 27]


def test_a_constant_series_has_neither_error_nor_skill():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        table = Mirror(3).backtest(np.full(40, 3.0)).table()
    assert list(table["MAE"]) == [0.0, 0.0]
    assert list(table["skill"]) == [0.0, 0.0]
    assert table["MASE"].isna().all()


def test_skill_of_perfect_and_hopeless_references():
    np.testing.assert_array_equal(skill([1.0, 0.0, 2.0, 0.0], [2.0, 0.0, 0.0, 1.0]), [0.5, 0.0, -np.inf, 1.0])


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"n_windows": 0}, "n_windows must be an integer from 1"),
        ({"n_windows": True}, "n_windows must be an integer from 1"),
        ({"step": -1}, "step must be an integer from 1"),
        ({"step": 2.0}, "step must be an integer from 1"),
        ({"n_windows": 100}, r"needs at least 1 rows before the first window, got 0 of 150.*fewer windows"),
    ],
)
def test_windows_that_cannot_be_are_refused(daily, given, message):
    with pytest.raises(ValueError, match=message):
        Mirror(7).backtest(daily, **given)


def test_parallel_refits_give_the_same_numbers(daily):
    forecaster = Parallel(7, n_jobs=2)
    pd.testing.assert_frame_equal(
        forecaster.backtest(daily, refit=True).forecasts, Mirror(7).backtest(daily, refit=True).forecasts
    )


class Parallel(Mirror):
    """Mirror with a number of jobs."""

    def __init__(self, horizon=1, *, n_jobs=None):
        super().__init__(horizon)
        self.n_jobs = n_jobs
