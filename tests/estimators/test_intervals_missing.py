"""Laws of intervals around series with holes and transformed targets."""

import numpy as np
import pandas as pd
import pytest

from rnnforecast import ForecasterPerSeries, LinearForecaster, NaiveForecaster, RNNForecaster
from rnnforecast.estimators._calibration import calibrate
from rnnforecast.estimators._scores import Scores

MODELS = [
    NaiveForecaster(horizon=6, missing="mask"),
    LinearForecaster(horizon=6, missing="mask", target_transform=None),
]


def level_and_noise(rng, n_rows=400):
    hours = pd.date_range("2024-01-01", periods=n_rows, freq="h", name="hour")
    wave = 0.3 * np.sin(2 * np.pi * np.arange(n_rows) / 24)
    return pd.Series(np.exp(3 + wave + 0.1 * rng.standard_normal(n_rows)), index=hours, name="load")


def with_holes(series, rng):
    holes = rng.random(len(series)) < 0.15
    holes[len(series) // 2 : len(series) // 2 + 30] = True
    holes[[0, -1]] = False
    return series.mask(holes)


@pytest.mark.parametrize("model", MODELS, ids=lambda model: type(model).__name__)
def test_intervals_after_a_gap_are_those_of_later_steps(model, rng):
    load, gap = with_holes(level_and_noise(rng), rng), 4
    ended = model.fit(load).forecast(6 + gap, level=[50, 90])
    stopped = pd.concat([load, pd.Series(np.nan, ended.index[:gap], name="load")])
    pd.testing.assert_frame_equal(model.fit(stopped).forecast(6, level=[50, 90]), ended.iloc[gap:], rtol=1e-12)


@pytest.mark.parametrize("missing", ["mask", "interpolate"])
def test_scores_are_of_observed_values_forecast_from_observed_ones(missing, rng):
    load = with_holes(level_and_noise(rng), rng)
    model = NaiveForecaster(horizon=6, missing=missing).fit(load)
    found = calibrate(model, model._history, 6)
    seen = np.append(load.notna().to_numpy(), np.zeros(6, bool))
    assert seen[found.times - 1].all()
    there = seen[found.times[:, None] + np.arange(found.values.shape[1])]
    np.testing.assert_array_equal(~np.isnan(found.values[..., 0]), there)


@pytest.mark.parametrize("missing", ["mask", "interpolate"])
def test_intervals_of_a_series_with_holes_cover_what_they_say(missing, rng):
    noise = pd.Series(rng.standard_normal(4000))
    model = NaiveForecaster(horizon=1, strategy="mean", season_length=None, missing=missing)
    ends = model.fit(noise.iloc[:3000].mask(rng.random(3000) < 0.3)).forecast(1, level=80)
    inside = noise.iloc[3000:].between(ends["forecast-lo-80"].iloc[0], ends["forecast-hi-80"].iloc[0]).mean()
    # Three standard errors of a share of 1000, and of a quantile that some 370 scores tell.
    assert abs(inside - 0.8) < 3 * 0.4 * np.sqrt(1 / 1000 + 1 / 370)


def test_columns_that_are_observed_in_turn_have_intervals_of_their_own(rng):
    both = pd.DataFrame({"a": rng.standard_normal(400), "b": 100 * rng.standard_normal(400)})
    both.iloc[::2, 0] = np.nan
    both.iloc[1::2, 1] = np.nan
    model = LinearForecaster(horizon=4, missing="mask", lookback=20, season_length=None, target_transform=None)
    table = model.fit(both).forecast(level=80)
    widths = np.array([(table[f"{name}-hi-80"] - table[f"{name}-lo-80"]).mean() for name in "ab"])
    np.testing.assert_allclose(widths, [2.56, 256.0], rtol=0.3)  # 80 % of a normal law, from some 100 scores each


def test_a_target_that_was_not_observed_among_the_rows_held_out_is_named(rng):
    both = pd.DataFrame({"a": rng.standard_normal(200), "b": rng.standard_normal(200)})
    both.iloc[100:, 1] = np.nan
    model = NaiveForecaster(horizon=2, missing="mask").fit(both)
    with pytest.raises(ValueError, match="target column 'b'"):
        model.forecast(level=80)


def test_steps_without_scores_have_those_of_the_steps_beside():
    values = np.full((40, 5, 1), np.nan)
    values[:, 1] = np.arange(1.0, 41.0)[:, None]
    sizes = Scores(values).quantiles(np.array([0.9]), 5)[0, :, 0]
    assert sizes[1] == pytest.approx(sizes[0], rel=0.02)  # (n + 1) / n counts other numbers of independent scores
    assert np.isfinite(sizes).all()


@pytest.mark.parametrize("transform", ["log", "log_return", ("log", "seasonal_difference")])
def test_intervals_of_logarithms_are_factors_whatever_is_differenced(transform, rng):
    model = LinearForecaster(horizon=8, season_length=24, target_transform=transform)
    table = model.fit(level_and_noise(rng)).forecast(20, level=80)
    up, down = table["load-hi-80"] / table["load"], table["load"] / table["load-lo-80"]
    np.testing.assert_allclose(up, down, rtol=1e-9)
    assert (up > 1).all()


def test_differences_do_not_widen_intervals_of_a_series_that_stays_where_it_is(rng):
    # Quantiles of single differences, added up, would be 20 times as wide after 20 steps.
    noise = pd.Series(rng.standard_normal(600))
    model = LinearForecaster(horizon=20, season_length=None, target_transform="difference")
    table = model.fit(noise).forecast(level=80)
    width = table["forecast-hi-80"] - table["forecast-lo-80"]
    assert width.iloc[-1] < 1.6 * width.iloc[0]


@pytest.mark.parametrize("transform", ["boxcox", ("boxcox", "difference")])
def test_intervals_of_box_cox_stay_in_its_domain(transform, rng):
    counts = pd.Series(rng.poisson(1.0, 300).astype(float))
    table = LinearForecaster(horizon=5, season_length=None, target_transform=transform).fit(counts).forecast(level=99)
    assert (table["forecast-lo-99"] >= -1e-12).all()  # of rounding


def test_a_backtest_of_a_series_with_holes_has_intervals_in_every_window(rng):
    load = with_holes(level_and_noise(rng), rng)
    load.iloc[-9:-6] = np.nan  # the hole reaches the newest cutoff
    plain = MODELS[1].backtest(load, n_windows=3)
    judged = MODELS[1].backtest(load, n_windows=3, level=80)
    np.testing.assert_array_equal(judged.forecasts["forecast"], plain.forecasts["forecast"])
    assert (judged.forecasts["lo-80"] < judged.forecasts["forecast"]).all()
    assert judged.table()["coverage-80"].iloc[0] > 50


def test_quantiles_of_rows_within_holes_are_ordered(rng):
    load = with_holes(level_and_noise(rng), rng)
    quantiles = MODELS[1].fit(load).predict_quantiles(load, (0.1, 0.5, 0.9))
    assert (np.diff(quantiles, axis=1)[1:] > 0).all()
    widest, usual = quantiles[228], quantiles[190:199]  # 29 steps into the hole, and before it
    assert widest[2] - widest[0] > 0.9 * (usual[:, 2] - usual[:, 0]).mean()


def test_models_of_single_series_with_holes_are_those_of_each_series_alone(rng):
    one, other = (with_holes(level_and_noise(rng), rng) for _ in range(2))
    panel = pd.concat({"one": one, "other": 50 * other}, names=["shop"])
    together = ForecasterPerSeries(MODELS[1]).fit(panel)
    np.testing.assert_array_equal(together.forecast().xs("one"), MODELS[1].fit(one).forecast())
    table = together.forecast(level=80)
    widths = (table["load-hi-80"] - table["load-lo-80"]).groupby("shop").mean()
    assert 20 < widths["other"] / widths["one"] < 120  # units of each: fifty, and what the holes make of it


@pytest.mark.parametrize(
    ("parameters", "named"),
    [
        ({"missing": "mask"}, "missing="),
        ({"target_transform": "log_return"}, "target_transform="),
        ({"target_transform": ("boxcox", "seasonal_difference")}, "target_transform="),
    ],
)
@pytest.mark.parametrize("loss", ["quantile", "gaussian", "student_t"])
def test_distributions_refuse_what_their_losses_cannot_do(loss, parameters, named, rng):
    with pytest.raises(ValueError, match=named):
        RNNForecaster(horizon=2, loss=loss, **parameters).fit(level_and_noise(rng))


@pytest.mark.parametrize("parameters", [{"missing": "mask"}, {"missing": "interpolate", "loss": "gaussian"}])
def test_networks_have_intervals_around_series_with_holes(parameters, rng):
    load = with_holes(level_and_noise(rng), rng)
    load.iloc[-3:] = np.nan
    small = {"hidden_layer_sizes": (4,), "n_estimators": 1, "max_iter": 1, "random_state": 0}
    model = RNNForecaster(horizon=4, lookback=12, **small, **parameters).fit(load)
    table = model.forecast(level=[50, 90], n_samples=2)
    ordered = table[["load-lo-90", "load-lo-50", "load", "load-hi-50", "load-hi-90"]].to_numpy()
    assert (np.diff(ordered, axis=1) > 0).all()
    assert np.isfinite(table.to_numpy()).all()
