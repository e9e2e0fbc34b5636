"""Naive and linear forecasters through their public door."""

import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone
from sklearn.model_selection import GridSearchCV, TimeSeriesSplit

from rnnforecast import LinearForecaster, NaiveForecaster

STRATEGIES = ["seasonal", "last", "drift", "mean"]


def series(values, freq="h"):
    return pd.Series(
        np.asarray(values, dtype=float), pd.date_range("2024-01-01", periods=len(values), freq=freq), name="y"
    )


@pytest.mark.parametrize(
    ("strategy", "expected"),
    [
        ("seasonal", [6, 2, 7, 6, 2]),
        ("last", [7, 7, 7, 7, 7]),
        ("drift", [8, 9, 10, 11, 12]),  # from 1 to 7 in six steps
        ("mean", [31 / 7] * 5),
    ],
)
def test_naive_forecasts_by_hand(strategy, expected):
    y = series([1, 5, 2, 8, 6, 2, 7])
    forecast = NaiveForecaster(horizon=5, strategy=strategy, season_length=3).fit(y).forecast()
    np.testing.assert_allclose(forecast, expected, rtol=1e-14)
    assert forecast.index[0] == y.index[-1] + pd.Timedelta(hours=1)
    assert forecast.name == "y"


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_fitted_values_know_the_past_only(strategy):
    y = series(np.random.default_rng(0).standard_normal(60))
    model = NaiveForecaster(strategy=strategy, season_length=7).fit(y)
    fitted = model.predict(y)
    for n in (1, 2, 6, 7, 30):
        alone = NaiveForecaster(strategy=strategy, season_length=7).fit(y.iloc[:n]).forecast(1)
        np.testing.assert_allclose(fitted[n], alone.iloc[0], rtol=1e-12, atol=1e-14)


def test_the_mean_of_a_huge_level_keeps_its_digits():
    steps = np.random.default_rng(0).integers(0, 2, 1000) * 2.0**-22
    forecast = NaiveForecaster(strategy="mean").fit(series(2.0**30 + steps)).forecast(1)
    assert forecast.iloc[0] - 2.0**30 == pytest.approx(steps.mean(), abs=2.0**-22)  # the spacing of floats at 2**30


def test_auto_repeats_the_longest_season_found():
    rng = np.random.default_rng(0)
    day, week = np.sin(2 * np.pi * np.arange(24) / 24), rng.normal(2, 1, 7)
    y = series(np.tile((week[:, None] * day).ravel(), 6) + 0.1 * rng.standard_normal(1008))
    model = NaiveForecaster(horizon=168).fit(y)
    assert model.season_length_ == 168
    np.testing.assert_array_equal(model.forecast(), y.iloc[-168:])
    assert LinearForecaster(horizon=24).fit(y).season_length_ == (24, 168)


def test_seasonal_without_a_season_is_the_last_value():
    y = series(np.random.default_rng(0).standard_normal(300).cumsum())
    model = NaiveForecaster(horizon=3).fit(y)
    assert model.season_length_ == 1
    np.testing.assert_array_equal(model.forecast(), np.repeat(y.iloc[-1], 3))
    np.testing.assert_array_equal(NaiveForecaster(horizon=3, season_length=None).fit(y).forecast(), model.forecast())


def test_linear_learns_what_naive_cannot():
    rng = np.random.default_rng(0)
    t = np.arange(1000)
    y = series(10 + np.sin(2 * np.pi * t / 24) + np.sin(2 * np.pi * t / 31) + 0.1 * rng.standard_normal(1000))
    train, test = y.iloc[:900], y.iloc[900:924]
    linear = LinearForecaster(horizon=24, season_length=24).fit(train)
    error = np.abs(linear.forecast() - test).mean()
    assert error < 0.3 * np.abs(NaiveForecaster(horizon=24, season_length=24).fit(train).forecast() - test).mean()
    assert isinstance(linear.alpha_, float)
    assert linear.season_length_ == (24,)
    assert linear.lookback_ == 24 * 2 + 1  # two seasons, as a twentieth of the rows has not one more
    assert linear.n_parameters_ == 24 * 49
    assert not linear.no_skill_


def test_linear_says_when_it_found_nothing_and_is_then_the_last_value():
    y = series(100 + np.random.default_rng(0).standard_normal(1500).cumsum(), "B")
    model = LinearForecaster(horizon=5).fit(y)
    assert model.alpha_ == np.inf
    assert model.no_skill_
    assert model.n_parameters_ == 0
    np.testing.assert_array_equal(model.forecast(), np.repeat(y.iloc[-1], 5))
    fixed = LinearForecaster(horizon=5, alpha=np.inf, lookback=3).fit(y)
    np.testing.assert_array_equal(fixed.forecast(), model.forecast())


def test_covariates_known_and_past_change_the_forecast_as_they_should():
    rng = np.random.default_rng(0)
    index = pd.date_range("2024-01-01", periods=620, freq="h")
    X = pd.DataFrame(rng.standard_normal((620, 2)), index, columns=["price", "wind"])
    y = 3 * X["price"] + 2 * X["wind"].shift(1, fill_value=0) + 0.1 * rng.standard_normal(620)
    model = LinearForecaster(horizon=1, past_covariates=["wind"]).fit(X.iloc[:500], y.iloc[:500])
    errors = []
    for row in range(500, 600):
        errors.append(model.forecast(1, X.iloc[[row]]).iloc[0] - y.iloc[row])
        model.update(y.iloc[[row]], X.iloc[[row]])
    # noise of deviation .1, of which the newest targets carry some into the forecast; the effects are 3 and 2
    assert np.std(errors) < 0.2


def test_calendar_covariates_need_no_future_rows():
    y = series(np.tile(np.r_[np.zeros(9), np.ones(8), np.zeros(7)], 20))
    model = LinearForecaster(horizon=24, lookback=3, season_length=None, calendar=("hour",)).fit(y)
    lags_only = LinearForecaster(horizon=24, lookback=3, season_length=None).fit(y)
    truth = y.iloc[:24].to_numpy()
    assert np.abs(model.forecast() - truth).mean() < 0.7 * np.abs(lags_only.forecast() - truth).mean()


def test_two_targets_have_two_penalties_and_their_own_forecasts():
    rng = np.random.default_rng(0)
    t = np.arange(600)
    frame = pd.DataFrame(
        {
            "wave": np.sin(t / 4) + 0.1 * rng.standard_normal(600),
            "walk": rng.standard_normal(600).cumsum(),
        },
        pd.date_range("2024-01-01", periods=600, freq="h"),
    )
    model = LinearForecaster(horizon=6, season_length=None).fit(frame)
    assert model.alpha_.shape == (2,)
    assert np.isfinite(model.alpha_[0])
    assert model.alpha_[1] == np.inf
    assert not model.no_skill_
    forecast = model.forecast(10)
    assert list(forecast.columns) == ["wave", "walk"]
    np.testing.assert_array_equal(forecast["walk"], np.repeat(frame["walk"].iloc[-1], 10))


@pytest.mark.parametrize("values", [np.full(60, 4.2), np.zeros(60), np.r_[np.zeros(40), np.full(20, 9.0)]])
@pytest.mark.parametrize("model", [LinearForecaster(horizon=3), *(NaiveForecaster(3, strategy=s) for s in STRATEGIES)])
def test_degenerate_series_are_forecast_with_finite_values(model, values):
    forecast = clone(model).fit(series(values)).forecast(7)
    assert np.isfinite(forecast).all()
    if np.ptp(values) == 0:
        np.testing.assert_allclose(forecast, values[0], rtol=1e-12)


def test_one_huge_outlier_and_huge_units_leave_finite_forecasts():
    y = series(np.sin(np.arange(300.0)))
    y.iloc[100] = 1e18
    assert np.isfinite(LinearForecaster(horizon=3).fit(y).forecast(9)).all()
    tiny = 1e9 + 1e-6 * np.sin(np.arange(300.0))
    forecast = LinearForecaster(horizon=3).fit(series(tiny)).forecast(9)
    assert (np.abs(forecast - 1e9) < 1e-5).all()


def test_a_series_shorter_than_window_and_horizon_names_the_rows_needed():
    with pytest.raises(ValueError, match=r"needs at least 14 rows.* got 13"):
        LinearForecaster(horizon=4, lookback=10).fit(series(np.arange(13.0)))
    assert LinearForecaster(horizon=4, lookback=10).fit(series(np.arange(14.0))).lookback_ == 10


@pytest.mark.parametrize(
    ("model", "message"),
    [
        (LinearForecaster(alpha=-1.0), "'alpha' parameter of LinearForecaster"),
        (LinearForecaster(alpha="loo"), "'alpha' parameter"),
        (LinearForecaster(lookback=0), "'lookback' parameter"),
        (LinearForecaster(target_transform="sqrt"), "'target_transform' parameter"),
        (LinearForecaster(season_length=(7, 0)), "season_length must be .* got 0"),
        (NaiveForecaster(strategy="best"), "'strategy' parameter of NaiveForecaster"),
        (NaiveForecaster(season_length=0), "'season_length' parameter"),
        (LinearForecaster(target_transform="log"), "the log transform needs positive values"),
    ],
)
def test_parameters_out_of_range_are_named(model, message):
    with pytest.raises(ValueError, match=message):
        model.fit(series(np.arange(50.0)))


def test_a_grid_search_over_a_bare_series_works():
    y = series(np.sin(2 * np.pi * np.arange(400) / 24) + 0.1 * np.random.default_rng(0).standard_normal(400))
    search = GridSearchCV(
        LinearForecaster(horizon=24), {"lookback": [2, "auto"]}, cv=TimeSeriesSplit(n_splits=3, test_size=24)
    ).fit(y)
    assert search.best_params_ == {"lookback": "auto"}
    assert search.best_score_ > 0.9
