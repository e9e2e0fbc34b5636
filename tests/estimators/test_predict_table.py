"""What `predict` and `forecast` do with the rows they are given: every line of the table, on real calendars."""

from __future__ import annotations

import warnings

import numpy as np
import pandas as pd
import pytest

from rnnforecast.estimators._base import DataWarning
from rnnforecast.estimators.baselines import LinearForecaster, NaiveForecaster
from tests.conftest import HOLIDAYS
from tests.estimators.mirror import Mirror

KINDS = ["hourly", "daily", "business", "monthly"]


@pytest.fixture(params=KINDS)
def series(request):
    return request.getfixturevalue(request.param)


def quietly(predict, X):
    """Predict while any warning is an error."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        return predict(X)


# After the end


def test_rows_after_the_end_are_counted_from_the_cutoff(series):
    train, test = series[:-20], series[-20:]
    np.testing.assert_array_equal(quietly(Mirror(shows="step").fit(train).predict, test), np.arange(1, 21))


def test_rows_after_the_end_never_see_a_later_value(series):
    train, test = series[:-20], series[-20:]
    expected = np.full(20, train.iloc[-1])
    np.testing.assert_array_equal(Mirror().fit(train).predict(test), expected)
    np.testing.assert_array_equal(Mirror().fit(train).predict(test * 1e6), expected)


def test_one_row_after_the_end_is_one_step(series):
    assert Mirror(shows="step").fit(series[:-1]).predict(series[-1:]) == [1.0]


@pytest.mark.parametrize("forecaster", [NaiveForecaster(), LinearForecaster()], ids=repr)
def test_predict_after_the_end_is_the_forecast(forecaster, series):
    fitted = forecaster.set_params(horizon=12).fit(series[:-12])
    np.testing.assert_array_equal(fitted.predict(series[-12:]), fitted.forecast().to_numpy())
    assert len(fitted.forecast(30)) == 30
    np.testing.assert_array_equal(fitted.predict(series[-12:-7]), fitted.forecast(5).to_numpy())


def test_a_change_of_the_clocks_is_no_step_more_and_none_less(hourly):
    before = hourly[:"2024-03-31 01:00+01:00"]
    after = hourly["2024-03-31 03:00+02:00":]
    np.testing.assert_array_equal(quietly(Mirror(shows="step").fit(before).predict, after[:4]), [1, 2, 3, 4])
    labels = Mirror(4).fit(before).forecast().index
    assert list(labels.strftime("%H:%M%z")) == ["03:00+0200", "04:00+0200", "05:00+0200", "06:00+0200"]


def test_the_hour_that_comes_twice_is_two_steps():
    index = pd.date_range("2024-10-25", "2024-10-27 01:00", freq="h", tz="Europe/Berlin")
    labels = Mirror(4).fit(pd.Series(np.arange(len(index), dtype=float), index=index)).forecast().index
    assert list(labels.strftime("%H:%M%z")) == ["02:00+0200", "02:00+0100", "03:00+0100", "04:00+0100"]
    assert labels.is_unique


def test_days_keep_their_time_of_day_across_a_change_of_the_clocks():
    index = pd.date_range("2024-03-01 06:00", periods=29, freq="D", tz="Europe/Berlin")
    labels = Mirror(4).fit(pd.Series(np.arange(29.0), index=index)).forecast().index
    assert list(labels.strftime("%d %H:%M%z")) == ["30 06:00+0100", "31 06:00+0200", "01 06:00+0200", "02 06:00+0200"]


def test_month_ends_follow_the_calendar(monthly):
    forecast = Mirror(3).fit(monthly).forecast()
    assert list(forecast.index) == list(pd.to_datetime(["2020-02-29", "2020-03-31", "2020-04-30"]))
    assert forecast.name == "passengers"
    later = pd.Series(0.0, index=pd.to_datetime(["2020-02-29", "2020-03-31"]))
    np.testing.assert_array_equal(quietly(Mirror(shows="step").fit(monthly).predict, later), [1, 2])


def test_quarters_as_periods_go_on():
    index = pd.period_range("2020Q1", periods=12, freq="Q")
    forecast = Mirror(2).fit(pd.Series(np.arange(12.0), index=index)).forecast()
    assert list(forecast.index.astype(str)) == ["2023Q1", "2023Q2"]


# Trading days


def test_a_holiday_between_training_and_test_is_no_step(business):
    train, test = business[:"2023-12-22"], business["2023-12-27":]
    assert pd.Timestamp("2023-12-25") in HOLIDAYS
    with pytest.warns(DataWarning, match="2 steps"):  # no closure was seen yet: two weekdays could be anything
        Mirror(shows="step").fit(train).predict(test[:3])
    with_closure = Mirror(shows="step").fit(business[:"2024-03-28"])  # has seen Christmas; Good Friday is next
    np.testing.assert_array_equal(quietly(with_closure.predict, business["2024-04-01":][:3]), [1, 2, 3])


def test_holidays_among_the_rows_ahead_are_no_steps(business):
    fitted = Mirror(shows="step").fit(business[:"2024-05-20"])
    ahead = business["2024-05-21":"2024-07-08"]  # 27 May and 4 July are missing
    np.testing.assert_array_equal(quietly(fitted.predict, ahead), np.arange(1, len(ahead) + 1))


def test_covariates_of_trading_days_stay_with_their_day(business):
    X = pd.DataFrame({"row": np.arange(len(business), dtype=float)}, index=business.index)
    cut = business.index.get_loc(pd.Timestamp("2024-05-24"))
    fitted = Mirror(shows="known").fit(X[: cut + 1], business[: cut + 1])
    np.testing.assert_array_equal(quietly(fitted.predict, X[cut + 1 :]), X["row"].iloc[cut + 1 :])
    forecast = fitted.forecast(5, X)
    np.testing.assert_array_equal(forecast, X["row"].iloc[cut + 1 : cut + 6])
    pd.testing.assert_index_equal(forecast.index, X.index[cut + 1 : cut + 6], check_names=False)


def test_a_fortnight_without_trading_is_a_gap(business):
    fitted = Mirror(shows="step").fit(business[:"2024-05-20"])
    with pytest.warns(DataWarning, match="leaves out 10 steps"):
        np.testing.assert_array_equal(fitted.predict(business["2024-06-04":"2024-06-05"]), [11, 12])


# Within the training data


def test_training_rows_get_the_forecast_made_one_row_before(series):
    fitted = Mirror().fit(series)
    expected = np.concatenate([[series.mean()], series.to_numpy()[:-1]])
    np.testing.assert_allclose(quietly(fitted.predict, series), expected, rtol=1e-15)
    np.testing.assert_array_equal(fitted.predict(series[40:60]), expected[40:60])
    np.testing.assert_array_equal(fitted.predict(series.iloc[[3, 8, 20]]), expected[[3, 8, 20]])


@pytest.mark.parametrize("forecaster", [NaiveForecaster(), LinearForecaster()], ids=repr)
def test_fitted_values_are_finite_from_the_first_row(forecaster, series):
    assert np.isfinite(forecaster.set_params(horizon=6).fit(series).predict(series)).all()


@pytest.mark.parametrize("form", ["series", "frame", "numbered", "array"])
def test_training_rows_before_the_target_begins_get_the_mean(daily, rng, form):
    late = daily.where(np.arange(len(daily)) >= 4)
    X = pd.DataFrame({"a": rng.normal(size=len(daily)), "p": rng.normal(size=len(daily))}, index=daily.index)
    X.iloc[9, 1] = np.nan  # filled in when learnt, missing still when the rows are predicted
    if form == "series":
        fitted, rows = Mirror(missing="interpolate").fit(late), late
    else:
        fitted = Mirror(missing="interpolate", past_covariates=["p"]).fit(X, late)
        rows = {"frame": X, "numbered": X.reset_index(drop=True), "array": X.to_numpy()}[form]
    expected = np.r_[np.full(5, daily[4:].mean()), daily[4:-1]]
    np.testing.assert_allclose(quietly(fitted.predict, rows), expected, rtol=1e-15)  # the mean's last bit


def test_more_rows_than_a_block_of_origins_are_all_answered():
    values = np.arange(9000.0)
    assert np.array_equal(Mirror().fit(values).predict(values)[1:], values[:-1])


# Both


def test_rows_on_both_sides_of_the_cutoff_get_what_each_would_alone(series):
    fitted = Mirror(shows="step").fit(series[:-5])
    np.testing.assert_array_equal(quietly(fitted.predict, series[-8:]), [1, 1, 1, 1, 2, 3, 4, 5])


# After a gap


def test_a_gap_is_forecast_through_with_one_warning(daily):
    fitted = Mirror(shows="step").fit(daily[:-30])
    with pytest.warns(DataWarning) as caught:
        np.testing.assert_array_equal(fitted.predict(daily[-20:]), np.arange(11, 31))
    assert len(caught) == 1
    assert "leaves out 10 steps after 2024-01-28" in str(caught[0].message)
    assert "2024-01-29, 2024-01-30, 2024-01-31, ..." in str(caught[0].message)


def test_covariates_of_a_gap_are_carried_forward_and_the_warning_says_so(daily):
    X = pd.DataFrame({"price": np.arange(150.0)}, index=daily.index)

    class LastTwo(Mirror):
        def _forecast(self, series, origins, horizon):
            return series.known[origins[:, None] + np.arange(horizon)].cumsum(axis=1)

    fitted = LastTwo().fit(X[:100], daily[:100])
    with pytest.warns(DataWarning, match="last known values of price carried forward"):
        # Rows 100 and 101 are left out: 99 + 99 + 102.
        np.testing.assert_array_equal(fitted.predict(X[102:103]), [300.0])


def test_the_calendar_of_a_gap_is_known(daily):
    class Weekdays(Mirror):
        def _forecast(self, series, origins, horizon):
            angles = np.arctan2(series.known[:, 0], series.known[:, 1]) * 7 / (2 * np.pi)
            return (angles % 7)[origins[:, None] + np.arange(horizon)].cumsum(axis=1)[:, :, None]

    fitted = Weekdays(calendar=["weekday"]).fit(daily[:100])
    with pytest.warns(DataWarning, match=r"on the way; give"):
        predicted = fitted.predict(daily[102:103])
    np.testing.assert_allclose(
        predicted, daily.index[100:103].day_of_week.to_numpy().sum(), atol=1e-9
    )  # sines of rounded angles


# Before


def test_rows_before_the_training_data_are_refused(series):
    fitted = Mirror().fit(series[10:])
    with pytest.raises(ValueError, match=r"before its training data.*X has 10 of them.*TimeSeriesSplit"):
        fitted.predict(series[:12])


# Arrays, and an index that counts from 0 again


def test_the_training_array_gets_fitted_values_and_another_the_next_steps(rng):
    X, y = rng.normal(size=(30, 2)), rng.normal(size=30)
    fitted = Mirror(shows="step").fit(X, y)
    np.testing.assert_allclose(quietly(fitted.predict, X.copy())[1:], 1.0)
    with pytest.warns(
        DataWarning, match=r"taken as the 5 steps after 29.*set_output\(transform=\"pandas\"\)"
    ) as caught:
        np.testing.assert_array_equal(fitted.predict(X[:5]), [1, 2, 3, 4, 5])
    assert len(caught) == 1


def test_covariates_of_an_array_are_those_of_the_next_steps(rng):
    X, y = rng.normal(size=(30, 2)), rng.normal(size=30)
    fitted = Mirror(shows="known").fit(X, y)
    new = rng.normal(size=(4, 2))
    with pytest.warns(DataWarning):
        np.testing.assert_array_equal(fitted.predict(new), new.sum(axis=1))


def test_a_restarting_index_is_the_training_data_only_if_its_values_are(daily, rng):
    X = pd.DataFrame({"price": rng.normal(size=150)}, index=daily.index)
    fitted = Mirror(shows="step").fit(X, daily)
    np.testing.assert_array_equal(quietly(fitted.predict, X.reset_index(drop=True))[1:], np.ones(149))
    with pytest.warns(DataWarning, match="after 2024-02-27"):
        np.testing.assert_array_equal(fitted.predict((X + 1.0).reset_index(drop=True)), np.arange(1, 151))


def test_an_array_for_a_series_without_covariates(daily):
    fitted = Mirror(shows="step").fit(daily)
    np.testing.assert_array_equal(quietly(fitted.predict, daily.to_list())[1:], np.ones(149))
    with pytest.warns(DataWarning):
        np.testing.assert_array_equal(fitted.predict([0.0, 0.0, 0.0]), [1, 2, 3])


def test_integers_that_go_on_are_placed_by_their_number(rng):
    y = pd.Series(rng.normal(size=40), index=pd.RangeIndex(0, 200, 5))
    fitted = Mirror(shows="step").fit(y[:30])
    np.testing.assert_array_equal(quietly(fitted.predict, y[28:34]), [1, 1, 1, 2, 3, 4])
    np.testing.assert_array_equal(fitted.forecast(2).index, [150, 155])


# Covariates


def test_rows_are_matched_to_columns_by_name(daily):
    X = pd.DataFrame({"a": np.arange(150.0), "b": 1000.0}, index=daily.index)
    fitted = Mirror(shows="known").fit(X[["a"]].assign(b=0.0), daily)
    ahead = pd.DataFrame(
        {"b": [5.0, 6.0], "a": [1.0, 2.0]}, index=fitted.forecast(2, X=_next(daily, 2, a=0.0, b=0.0)).index
    )
    np.testing.assert_array_equal(fitted.predict(ahead), [6.0, 8.0])


def test_past_covariates_end_with_the_history(daily):
    X = pd.DataFrame({"wind": np.arange(150.0)}, index=daily.index)
    fitted = Mirror(shows="past", past_covariates=["wind"]).fit(X[:100], daily[:100])
    np.testing.assert_array_equal(fitted.predict(X[100:103]), [99.0, 99.0, 99.0])
    np.testing.assert_array_equal(fitted.predict(X[100:103].assign(wind=np.nan)), [99.0, 99.0, 99.0])
    np.testing.assert_array_equal(fitted.forecast(2), [99.0, 99.0])
    np.testing.assert_array_equal(fitted.predict(X[50:53]), [49.0, 50.0, 51.0])


def test_changed_covariates_of_training_rows_change_their_fitted_values(daily):
    X = pd.DataFrame({"price": np.arange(150.0)}, index=daily.index)
    fitted = Mirror(shows="known").fit(X, daily)
    np.testing.assert_array_equal(fitted.predict(X[10:13] + 0.5), [10.5, 11.5, 12.5])
    np.testing.assert_array_equal(fitted.predict(X[10:13]), [10.0, 11.0, 12.0])


# Forecast


def test_forecast_needs_all_covariates_of_its_steps(daily):
    X = pd.DataFrame({"price": np.arange(150.0), "sale": 0.0}, index=daily.index)
    fitted = Mirror(3, shows="known").fit(X[:100], daily[:100])
    with pytest.raises(
        ValueError, match=r"price, sale of all 3 steps.* 3 of them are missing \(2024-01-09, 2024-01-10"
    ):
        fitted.forecast()
    with pytest.raises(ValueError, match=r"of all 5 steps.* 2 of them are missing \(2024-01-11, 2024-01-13\)"):
        fitted.forecast(5, X.iloc[[100, 101, 103]])
    with pytest.raises(ValueError, match="must have rows after 2024-01-08"):
        fitted.forecast(X=X[:100])
    np.testing.assert_array_equal(fitted.forecast(X=X[100:107]), np.arange(100.0, 107.0))
    np.testing.assert_array_equal(fitted.forecast(2, X), [100.0, 101.0])
    np.testing.assert_array_equal(fitted.forecast(2, X[100:].to_numpy()), [100.0, 101.0])


def test_a_calendar_needs_no_covariates_and_is_that_of_the_steps(daily):
    fitted = Mirror(10, shows="known", calendar=("weekday",)).fit(daily)
    angle = 2 * np.pi * pd.date_range("2024-02-28", periods=10).day_of_week.to_numpy() / 7
    np.testing.assert_allclose(fitted.forecast(), np.sin(angle) + np.cos(angle), atol=1e-12)
    with_x = fitted.forecast(X=pd.DataFrame(index=pd.date_range("2024-02-28", periods=10)))
    np.testing.assert_allclose(with_x, np.sin(angle) + np.cos(angle), atol=1e-12)


def test_forecast_from_other_data_uses_their_index_and_values(daily):
    other = pd.Series(np.arange(20.0), index=pd.date_range("2031-05-01", periods=20), name="elsewhere")
    fitted = Mirror(2).fit(daily)
    forecast = fitted.forecast(history=other)
    assert list(forecast.index) == list(pd.to_datetime(["2031-05-21", "2031-05-22"]))
    assert forecast.to_list() == [19.0, 19.0]
    assert forecast.name == "elsewhere"
    assert fitted.cutoff_ == daily.index[-1]
    assert fitted.forecast(1, history=other[:1]).index[0] == pd.Timestamp("2031-05-02")  # one row shows no frequency


def test_history_with_covariates_is_a_pair(daily):
    X = pd.DataFrame({"price": np.arange(150.0)}, index=daily.index)
    fitted = Mirror(2, shows="known").fit(X[:50], daily[:50])
    np.testing.assert_array_equal(fitted.forecast(X=X[100:102], history=(X[:100], daily[:100])), [100.0, 101.0])
    with pytest.raises(ValueError, match=r"known covariates of the training data, price, got none.*tuple \(X, y\)"):
        fitted.forecast(history=daily)
    with pytest.raises(ValueError, match="target columns of the training data, 1, got 2"):
        fitted.forecast(history=pd.concat([daily, daily.rename("again")], axis=1))


def _next(series, n, **columns):
    index = pd.date_range(series.index[-1], periods=n + 1, freq="D")[1:]
    return pd.DataFrame(columns, index=index)
