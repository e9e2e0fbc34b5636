"""Intervals, quantiles and sample paths of every series of a panel: errors are pooled in units of each series."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone

from rnnforecast import ForecasterPerSeries, LinearForecaster, NaiveForecaster, RNNForecaster
from rnnforecast.estimators._calibration import calibrate
from rnnforecast.estimators._scales import spreads
from rnnforecast.estimators._scores import Scores
from rnnforecast.metrics import coverage, crps_quantiles, interval_score
from rnnforecast.series.spans import Spans

H = 4
DAYS = pd.date_range("2024-01-01", periods=140, freq="D", name="day")
SPANS = {"a": slice(0, 140), "b": slice(30, 120), "c": slice(10, 140)}  # "b" begins later and ends before the others
NAMES = ["lo-80", "hi-80", "lo-95", "hi-95"]


def small(**options) -> RNNForecaster:
    settings = {"hidden_layer_sizes": (4,), "lookback": 14, "max_iter": 2, "n_estimators": 1, "random_state": 0}
    return RNNForecaster(H, **{**settings, **options})


FORECASTERS = {
    "naive": NaiveForecaster(H),
    "conformal": NaiveForecaster(H, intervals="conformal"),
    "linear": LinearForecaster(H, lookback=14),
    "network": small(),
    "quantile": small(loss="quantile"),
    "gaussian": small(loss="gaussian"),
    "student_t": small(loss="student_t"),
    "poisson": small(loss="poisson"),
    "negative_binomial": small(loss="negative_binomial"),
}
COUNTS = ("poisson", "negative_binomial")
every = pytest.mark.parametrize("name", FORECASTERS)
plain = pytest.mark.parametrize("name", ["naive", "conformal", "linear", "network"])


@pytest.fixture
def panel(rng) -> pd.Series:
    """Counts of three shops of sizes 1, 16 and 1024 with a week's season."""
    parts = {}
    for size, (name, span) in zip((1, 16, 1024), SPANS.items(), strict=True):
        season = 20 + 5 * np.sin(2 * np.pi * np.arange(140) / 7)
        parts[name] = pd.Series(size * rng.poisson(season).astype(float), DAYS)[span]
    return pd.concat(parts, names=["shop", "day"]).rename("sold")


@every
def test_a_panel_of_one_has_the_intervals_of_that_series(name, panel):
    alone, one = panel.loc["a"], panel.loc[["a"]]
    series, of_panel = (clone(FORECASTERS[name]).fit(data) for data in (alone, one))
    samples = [{"n_samples": 3}] if hasattr(series, "random_state") else []
    for asked in ({"level": [80, 95]}, {"quantiles": [0.1, 0.7]}, *samples):
        # 1e-9: an error is divided by the unit of its panel, and multiplied by it
        np.testing.assert_allclose(of_panel.forecast(2 * H, **asked), series.forecast(2 * H, **asked), rtol=1e-9)
    np.testing.assert_allclose(
        of_panel.predict_quantiles(pd.DataFrame(index=one.index)),
        series.predict_quantiles(pd.DataFrame(index=alone.index)),
        rtol=1e-9,
    )


@every
def test_an_interval_of_a_panel_ends_at_its_quantiles(name, panel):
    model = clone(FORECASTERS[name]).fit(panel)
    found = model.forecast(2 * H, level=80, quantiles=[0.1, 0.5, 0.9])
    assert found.index.equals(model.forecast(2 * H).index)
    np.testing.assert_array_equal(found["sold-lo-80"], found["sold-q0.1"])
    np.testing.assert_array_equal(found["sold-hi-80"], found["sold-q0.9"])
    np.testing.assert_array_equal(found["sold"], model.forecast(2 * H))
    assert np.isfinite(found.to_numpy()).all()
    assert (np.diff(found[["sold-q0.1", "sold-q0.5", "sold-q0.9"]], axis=1) >= 0).all()
    if name not in COUNTS:  # their forecast is the mean
        np.testing.assert_allclose(found["sold-q0.5"], found["sold"], rtol=1e-9)


@plain
def test_intervals_keep_to_the_size_of_their_series(name, panel):
    model = FORECASTERS[name]
    if name in ("linear", "network"):
        model = clone(model).set_params(target_transform=None)
    larger = panel.copy()
    larger.loc["c"] *= 1024.0  # a power of two: all digits stay
    small_one, large_one = (clone(model).fit(data).forecast(level=[80, 95]) for data in (panel, larger))
    # 1e-6 of float32 networks
    np.testing.assert_allclose(large_one.loc[["a", "b"]], small_one.loc[["a", "b"]], rtol=1e-6)
    np.testing.assert_allclose(large_one.loc["c"], 1024.0 * small_one.loc["c"], rtol=1e-6)


@pytest.mark.parametrize("name", ["naive", "linear", "gaussian"])
def test_a_series_never_seen_has_the_pooled_errors_in_its_own_unit(name, panel):
    model = FORECASTERS[name] if name == "naive" else clone(FORECASTERS[name]).set_params(target_transform=None)
    model = clone(model).fit(panel)
    new = pd.concat({"z": 8.0 * panel.loc["a"]}, names=["shop", "day"])
    found, known = model.forecast(level=[80, 95], history=new), model.forecast(level=[80, 95]).loc["a"]
    np.testing.assert_allclose(found, 8.0 * known, rtol=1e-6)


def test_intervals_hold_the_truth_of_series_of_very_different_sizes_as_often_as_they_say():
    rng = np.random.default_rng(5)
    n_series, n_rows = 40, 160
    noise = rng.normal(size=(n_series, n_rows + 1))
    values = 10.0 ** rng.uniform(-3, 6, size=(n_series, 1)) * (noise[:, 1:] + 0.7 * noise[:, :-1])
    rows = pd.MultiIndex.from_product([range(n_series), range(n_rows)])
    for model in (NaiveForecaster(2, strategy="last"), LinearForecaster(2, lookback=3, season_length=None)):
        backtest = model.backtest(pd.Series(values.ravel(), rows), n_windows=20, level=[80, 95])
        line = backtest.table().loc[backtest.model]
        # 1,600 forecasts in pairs, some 1,600 errors behind them: standard errors below 1.4 and 0.8 per cent
        assert line["coverage-80"] == pytest.approx(80, abs=4)
        assert line["coverage-95"] == pytest.approx(95, abs=2.5)
        each = backtest.by_series()["coverage-80"]  # 40 forecasts each, of which five standard errors are 32 per cent
        assert each.between(48, 100).all()


def test_the_errors_of_a_panel_are_the_held_out_ones_of_all_series_in_their_deviations(panel):
    model = NaiveForecaster(1, strategy="last").fit(panel)
    sizes = []
    for _, own in panel.groupby(level=0):
        n_held_out = len(own) // 4
        sizes.append(np.abs(np.diff(own))[-n_held_out:] / own.std(ddof=0))
    pooled = np.sort(np.concatenate(sizes))
    share = 0.8 * (1 + 1 / len(pooled))
    expected = np.interp(share, np.arange(1, len(pooled) + 1) / len(pooled), pooled)
    found = model.forecast(level=80)
    widths = (found["sold-hi-80"] - found["sold"]).droplevel(1)
    np.testing.assert_allclose(widths / panel.groupby(level=0).std(ddof=0), expected, rtol=1e-9)


def test_a_series_that_shows_no_deviation_is_given_the_usual_one(panel):
    closed = pd.concat({"d": pd.Series(7.0, DAYS)}, names=["shop", "day"]).rename("sold")
    found = NaiveForecaster(H).fit(pd.concat([panel, closed])).forecast(level=80)
    sizes = found["sold-hi-80"] - found["sold"]
    np.testing.assert_allclose(sizes.loc["d"], sizes.loc["b"], rtol=1e-9)  # the shop of middle size
    new = closed.iloc[:1].rename(index={"d": "e"}, level=0)  # one row shows no deviation either
    found = NaiveForecaster(H).fit(panel).forecast(level=80, history=new)
    known = NaiveForecaster(H).fit(panel).forecast(level=80).loc["b"]
    np.testing.assert_allclose(found["sold-hi-80"] - found["sold"], known["sold-hi-80"] - known["sold"], rtol=1e-9)


def test_series_too_short_to_be_divided_have_the_intervals_of_the_others(panel):
    short = pd.concat({"d": panel.loc["a"].iloc[: H + 1]}, names=["shop", "day"]).rename("sold")
    found = LinearForecaster(H, lookback=2).fit(pd.concat([panel, short])).forecast(level=80)
    assert (found["sold-hi-80"] > found["sold-lo-80"]).all()
    few = panel.groupby(level=0).head(3)
    with pytest.raises(ValueError, match=r"needs at least 4 rows to hold some out, .* got 3 with horizon=2; give"):
        LinearForecaster(2, lookback=1).fit(few).forecast(level=80)


def test_bands_of_a_panel_whose_errors_grow_with_the_level_grow_too():
    rng, months = np.random.default_rng(0), np.arange(120)
    parts = {
        name: pd.Series(size * np.exp(0.02 * months + 0.2 * np.sin(months * np.pi / 6) + 0.05 * rng.normal(size=120)))
        for name, size in (("a", 1.0), ("b", 50.0), ("c", 3.0))
    }
    panel = pd.concat(parts).rename("sold")
    for forecaster in (NaiveForecaster(12, season_length=12), LinearForecaster(12, season_length=12)):
        found = forecaster.fit(panel).forecast(level=80)
        up, down = found["sold-hi-80"] / found["sold"], found["sold"] / found["sold-lo-80"]
        np.testing.assert_allclose(up, down, rtol=1e-9)  # as far away in proportion on either side


@pytest.mark.parametrize("name", COUNTS)
def test_counts_of_small_and_large_series_are_forecast_as_counts(name, panel):
    sold = panel.copy()
    sold.loc["c"] /= 1024.0
    sold.loc["b"] = np.round(sold.loc["b"] / 64).to_numpy()
    found = clone(FORECASTERS[name]).fit(sold).forecast(level=80)
    ends = found[["sold-lo-80", "sold-hi-80"]].to_numpy()
    np.testing.assert_array_equal(ends, np.round(ends))
    assert (ends >= 0).all()
    wrong = sold.copy()
    wrong.loc[("b", DAYS[40])] = 0.5
    with pytest.raises(ValueError, match=r"needs counts, .* got 0.5 \(2024-02-10 00:00:00 of the series 'b', column"):
        clone(FORECASTERS[name]).fit(wrong)


def test_each_model_of_its_own_has_intervals_too(panel):
    naive = NaiveForecaster(H, season_length=7)
    found = ForecasterPerSeries(naive).fit(panel).forecast(level=80)
    pd.testing.assert_frame_equal(found, clone(naive).fit(panel).forecast(level=80))
    assert ForecasterPerSeries(NaiveForecaster(H, intervals="conformal")).intervals == "conformal"


def test_the_rows_that_many_long_series_are_judged_on_are_spread_over_all_of_them():
    values = np.random.default_rng(0).normal(size=(20, 2000))
    rows = pd.MultiIndex.from_product([range(20), range(2000)])
    model = NaiveForecaster(1, strategy="last").fit(pd.Series(values.ravel(), rows))
    found = calibrate(model, model._history, 1)
    # A fifth of the last 500 rows of 20 series; every fifth row would always be the first of a week of five days
    assert found.stride == 5
    assert found.times.min() >= 1500
    np.testing.assert_allclose(np.bincount(found.times % 5), 400, atol=10)  # multiples of the golden ratio are even


# Samples, predict_quantiles


def test_samples_of_a_panel_reproduce_its_quantiles_and_are_independent_of_each_other(panel):
    model, n = NaiveForecaster(H).fit(panel), 3000
    samples = model.forecast(n_samples=n)
    for p in (0.1, 0.9):
        share = samples.le(model.forecast(quantiles=p)[f"sold-q{p}"], axis=0).mean(axis=1)
        # Five standard errors of a share among n independent samples
        np.testing.assert_allclose(share, p, atol=5 * np.sqrt(p * (1 - p) / n))
    between = np.corrcoef(samples.to_numpy())[:H, H:]
    assert np.abs(between).max() < 5 / np.sqrt(n)


@every
def test_quantiles_of_rows_ahead_are_those_of_the_forecast_of_their_series(name, panel):
    model = clone(FORECASTERS[name]).fit(panel)
    expected = model.forecast(quantiles=[0.1, 0.5, 0.9])
    rows = expected.sort_index(level=1).index
    # 1e-6 of float32 networks in other batches
    np.testing.assert_allclose(model.predict_quantiles(pd.DataFrame(index=rows)), expected.loc[rows], rtol=1e-6)


def test_quantiles_of_first_rows_are_those_of_their_series(panel):
    found = NaiveForecaster(H).fit(panel).predict_quantiles(pd.DataFrame(index=panel.index), [0.2, 0.8])
    first = pd.DataFrame(found, panel.index).groupby(level=0).first()
    expected = panel.groupby(level=0).quantile([0.2, 0.8]).unstack()
    np.testing.assert_allclose(first, expected, rtol=1e-12)


# Intervals that adapt


def test_later_rows_of_all_series_widen_intervals_that_adapt(rng):
    quiet, loud = rng.normal(size=(4, 200)), 5 * rng.normal(size=(4, 150))
    rows = pd.MultiIndex.from_product([list("abcd"), pd.date_range("2024", periods=350, freq="h")])
    panel = pd.Series(np.hstack([quiet, loud]).ravel(), rows, name="y")
    head = panel.groupby(level=0).head(200)
    width = {}
    for kind in ("conformal", "adaptive"):
        model = NaiveForecaster(2, strategy="mean", intervals=kind).fit(head)
        before = model.forecast(level=80)
        after = model.update(panel.drop(head.index)).forecast(level=80)
        width[kind] = [np.ptp(found.iloc[:, 1:], axis=1).mean() for found in (before, after)]
    assert width["conformal"][1] == pytest.approx(width["conformal"][0], rel=1e-9)
    assert width["adaptive"][1] > 3 * width["adaptive"][0]


def test_scores_of_one_time_weigh_the_same(rng):
    values = rng.normal(size=(50, 1, 1))
    twice = Scores(np.repeat(values, 2, axis=0), adaptive=True, times=np.arange(50).repeat(2))
    once = Scores(values, adaptive=True)
    np.testing.assert_allclose(twice._weights()[::2], once._weights(), rtol=1e-12)
    np.testing.assert_array_equal(twice._weights()[::2], twice._weights()[1::2])


# Backtests


@pytest.mark.parametrize("name", ["naive", "conformal", "linear", "gaussian"])
@pytest.mark.parametrize("refit", [False, True])
def test_a_backtest_of_a_panel_forecasts_the_intervals_that_would_have_been_forecast(name, refit, panel):
    model, level = FORECASTERS[name], [80, 95]
    if model.intervals == "adaptive":  # of series that end together: at the end of another, more of them may be known
        panel = panel.loc[["a", "c"]]
    found = model.backtest(panel, n_windows=2, level=level, refit=refit).forecasts
    heads = [panel.groupby(level=0).head(-2 * H), panel.groupby(level=0).head(-H)]
    first = clone(model).fit(heads[0])
    expected = [first.forecast(level=level)]
    if refit:
        expected.append(clone(model).fit(heads[1]).forecast(level=level))
    else:
        tails = heads[1].drop(heads[0].index)
        expected.append(first.update(tails).forecast(level=level))
    for i, frame in enumerate(expected):
        window = found.groupby(level=0).nth(range(i * H, (i + 1) * H))
        # 1e-6 of float32 networks in other batches
        np.testing.assert_allclose(window[NAMES], frame.iloc[:, 1:], rtol=1e-6)


def test_the_table_of_a_panel_judges_intervals_in_units_of_each_series(panel):
    backtest = LinearForecaster(H, lookback=14).backtest(panel, n_windows=3, level=80)
    scores, crps = {}, {}
    for name, rows in backtest.forecasts.groupby(level=0):
        truth = rows["actual"], rows["lo-80"], rows["hi-80"]
        quantiles = rows[["lo-80", "forecast", "hi-80"]].to_numpy()
        scores[name] = interval_score(*truth, level=80)
        crps[name] = crps_quantiles(rows["actual"], quantiles, [0.1, 0.5, 0.9])
        line = backtest.by_series().loc[name]
        assert line["coverage-80"] == pytest.approx(100 * coverage(*truth))
        assert line["score-80"] == pytest.approx(scores[name])
        assert line["CRPS"] == pytest.approx(crps[name])
    line, scale = backtest.table().loc["LinearForecaster"], backtest.scales["sold"]
    assert line["score-80"] == pytest.approx((pd.Series(scores) / scale).mean())
    assert line["CRPS"] == pytest.approx((pd.Series(crps) / scale).mean())
    assert "nan" not in str(backtest).lower()
    assert "in units of each series' scale" in str(backtest)


def test_the_tables_of_several_targets_hold_their_own_intervals(panel):
    both = pd.DataFrame({"sold": panel, "lost": 0.5 * panel})
    backtest = NaiveForecaster(H).backtest(both, n_windows=2, level=80)
    table, each = backtest.table(), backtest.by_series()
    for column in ("coverage-80", "score-80", "CRPS"):  # half the size, in half the unit
        lost, sold = (table.loc[(name, "NaiveForecaster"), column] for name in ("lost", "sold"))
        assert lost == pytest.approx(sold)
    assert each.loc[("c", "lost"), "score-80"] == pytest.approx(0.5 * each.loc[("c", "sold"), "score-80"])


# What they are made of


def test_rows_to_be_forecast_have_the_clock_row_that_follows_the_one_before():
    spans = Spans.of(np.array([3, 4]), np.array([0, 2])).spaced(2, 1)
    np.testing.assert_array_equal(spans.times(np.append(spans.starts + 1, spans.stops)), [1, 3, 3, 6])


def test_a_spread_is_the_deviation_and_nothing_where_a_series_is_constant(rng):
    values = np.concatenate([rng.normal(size=(5, 2)), np.full((5, 2), 3.0), rng.normal(size=(4, 2))])
    values[6, 1] = 4.0
    found = spreads(values, Spans.of(np.array([5, 5, 4]), np.zeros(3)))
    expected = [values[:5].std(axis=0), [np.nan, values[5:10, 1].std()], values[10:].std(axis=0)]
    np.testing.assert_allclose(found, expected, rtol=1e-12)
