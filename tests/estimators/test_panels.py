"""Every forecaster of every series of a panel: in one batch, each series from its own past."""

from __future__ import annotations

import pickle

import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone
from sklearn.model_selection import cross_val_score

from rnnforecast import LinearForecaster, NaiveForecaster, RNNForecaster, RollingOriginSplit
from rnnforecast.estimators._base import DataWarning
from rnnforecast.network.windows import Frame, Windows
from tests.estimators.mirror import Mirror

H = 5
LENGTHS = {"a": (90, 0), "b": (60, 10), "c": (70, 20)}  # rows, and days after the first: "b" ends before the others
DAYS = pd.date_range("2024-01-01", periods=90, freq="D", name="day")


def small(**options) -> RNNForecaster:
    settings = {"hidden_layer_sizes": (4,), "lookback": 14, "max_iter": 2, "n_estimators": 1, "random_state": 0}
    return RNNForecaster(H, **{**settings, **options})


FORECASTERS = {
    "mirror": Mirror(H),
    "naive": NaiveForecaster(H),
    "drift": NaiveForecaster(H, strategy="drift"),
    "mean": NaiveForecaster(H, strategy="mean"),
    "linear": LinearForecaster(H, lookback=14),
    "network": small(blend=None),
    "blend": small(blend=0.5),
    "recursive": small(blend=None, decoder="recursive"),
    "seq2seq": small(blend=None, decoder="seq2seq"),
    "parallel": small(blend=None, decoder="parallel"),
}
every = pytest.mark.parametrize("forecaster", FORECASTERS.values(), ids=FORECASTERS)


@pytest.fixture
def panel(rng) -> pd.DataFrame:
    """Three shops of sizes 1, 10 and 100 with a week's season and a price that moves their sales."""
    parts = {}
    for k, (name, (n, first)) in enumerate(LENGTHS.items()):
        days = DAYS[first : first + n]
        price = rng.normal(size=n)
        sold = 10.0**k * (20 + 4 * np.sin(2 * np.pi * np.arange(n) / 7) - price + 0.5 * rng.normal(size=n))
        parts[name] = pd.DataFrame({"price": price, "sold": sold}, index=days)
    return pd.concat(parts, names=["shop", "day"])


def future(panel: pd.DataFrame, steps: int = H) -> pd.DataFrame:
    """Prices of the steps after the end of each shop."""
    parts = {}
    for name in LENGTHS:
        last = panel.loc[name].index[-1]
        days = pd.date_range(last, periods=steps + 1, freq="D")[1:]
        parts[name] = pd.DataFrame({"price": np.linspace(-1, 1, steps)}, index=days)
    return pd.concat(parts, names=["shop", "day"])


@every
def test_a_panel_of_one_is_that_series(forecaster, panel):
    alone, one = panel.loc["a", "sold"], panel.loc[["a"], "sold"]
    plain, of_panel = clone(forecaster).fit(alone), clone(forecaster).fit(one)
    forecast = of_panel.forecast(2 * H)
    np.testing.assert_array_equal(forecast, plain.forecast(2 * H))
    pd.testing.assert_series_equal(of_panel.forecast(history=alone), plain.forecast())
    np.testing.assert_array_equal(
        of_panel.predict(pd.DataFrame(index=one.index)), plain.predict(pd.DataFrame(index=alone.index))
    )


@every
def test_forecasts_go_on_where_each_series_ends(forecaster, panel):
    model = clone(forecaster).fit(panel[["price"]], panel["sold"])
    steps = future(panel, 2 * H)
    forecast = model.forecast(X=steps)
    assert forecast.index.equals(steps.index)
    assert forecast.index.names == ["shop", "day"]
    assert forecast.name == "sold"
    assert np.isfinite(forecast).all()
    assert model.cutoff_.to_dict() == {name: panel.loc[name].index[-1] for name in LENGTHS}
    # 1e-6 of float32 networks: other batches add up in another order
    np.testing.assert_allclose(model.predict(steps), forecast, rtol=1e-6)
    shuffled = steps.sort_index(level=1)
    np.testing.assert_allclose(model.predict(shuffled), forecast.reindex(shuffled.index), rtol=1e-6)


@every
def test_a_series_is_forecast_from_its_own_rows_only(forecaster, panel):
    model = clone(forecaster).fit(panel["sold"])
    others = panel["sold"].copy()
    others.loc[["a", "c"]] *= 3.0
    np.testing.assert_array_equal(model.forecast(history=others).loc["b"], model.forecast().loc["b"])
    for name in LENGTHS:  # in the company of others or without: other batches add up in another order
        alone = model.forecast(2 * H, history=panel.loc[[name], "sold"])
        np.testing.assert_allclose(alone, model.forecast(2 * H).loc[[name]], rtol=1e-6)


@every
def test_fitted_values_are_forecasts_of_one_step(forecaster, panel):
    model = clone(forecaster).fit(panel["sold"])
    fitted = pd.Series(model.predict(pd.DataFrame(index=panel.index)), panel.index)
    for name, row in (("a", 50), ("b", 59), ("c", 2)):
        step = model.forecast(1, history=panel.loc[[name], "sold"].iloc[:row])
        np.testing.assert_allclose(fitted.loc[name].iloc[row], step.iloc[0], rtol=1e-6)
    means = panel["sold"].groupby(level=0).mean()
    np.testing.assert_allclose(fitted.groupby(level=0).first(), means, rtol=1e-12)


@every
def test_observations_taken_in_are_as_if_they_had_been_there(forecaster, panel):
    head = panel.groupby(level=0).head(50)
    rest = panel.drop(head.index)
    model = clone(forecaster).fit(head[["price"]], head["sold"])
    expected = model.forecast(H, future(panel), history=(panel[["price"]], panel["sold"]))
    model.update(rest["sold"], rest[["price"]])
    pd.testing.assert_series_equal(model.forecast(H, future(panel)), expected)


@pytest.mark.parametrize("name", ["naive", "drift", "mean", "linear", "network", "blend"])
def test_each_series_is_forecast_on_its_own_scale(name, panel):
    model = clone(FORECASTERS[name])
    if not isinstance(model, NaiveForecaster):
        model.set_params(target_transform=None)
    larger = panel["sold"].copy()
    larger.loc["b"] = 1000.0 * larger.loc["b"].to_numpy()
    plain, scaled = clone(model).fit(panel["sold"]).forecast(), model.fit(larger).forecast()
    for shop, factor in (("a", 1.0), ("b", 1000.0), ("c", 1.0)):
        # 1e-4: a training in float32 magnifies the rounding of the scales
        np.testing.assert_allclose(scaled.loc[shop], factor * plain.loc[shop], rtol=1e-4)


@pytest.mark.parametrize("name", ["linear", "network", "blend"])
def test_a_series_never_seen_is_forecast_on_a_scale_of_its_own(name, panel):
    model = clone(FORECASTERS[name]).set_params(target_transform=None).fit(panel["sold"])
    history = panel.loc[["b"], "sold"]
    stranger = (1e4 * history).rename({"b": "new"}, level=0)
    np.testing.assert_allclose(model.forecast(history=stranger), 1e4 * model.forecast(history=history), rtol=1e-5)
    np.testing.assert_allclose(model.forecast(history=stranger.loc["new"]), model.forecast(history=stranger), rtol=1e-6)


def test_short_series_are_filled_up_with_their_first_value(panel):
    short = panel["sold"].groupby(level=0).head(H + 3)
    mixed = pd.concat([panel["sold"], short.rename({"a": "x", "b": "y", "c": "z"}, level=0)])
    model = small(blend=0.5, lookback=21).fit(mixed)
    assert np.isfinite(model.forecast(3 * H)).all()
    assert len(model.forecast(3 * H)) == 6 * 3 * H


def test_covariates_move_the_steps_they_belong_to(panel):
    model = LinearForecaster(H, lookback=14, alpha=1e-3).fit(panel[["price"]], panel["sold"])
    steps = future(panel)
    plain = model.forecast(X=steps)
    dearer = steps.copy()
    dearer.loc[("b", dearer.loc["b"].index[2]), "price"] += 1.0
    moved = model.forecast(X=dearer) - plain
    assert moved.loc["b"].iloc[2] < -5.0  # a price of one costs ten sales in shop "b"
    np.testing.assert_array_equal(moved.drop(("b", dearer.loc["b"].index[2]))[["a", "c"]], 0.0)
    np.testing.assert_array_equal(moved.loc["b"].iloc[:2], 0.0)


def test_a_forecast_of_few_steps_reads_all_covariates_that_are_given(panel):
    steps = future(panel)
    for rows, model in ((panel, small(blend=None)), (panel.loc["a"], small(blend=None))):
        model.fit(rows[["price"]], rows["sold"])
        ahead = steps if rows is panel else steps.loc["a"]
        few = model.forecast(2, ahead)
        np.testing.assert_array_equal(few, model.forecast(X=ahead).reindex(few.index))


def test_a_series_that_ended_before_the_others_is_forecast_within_their_time(panel):
    model = Mirror(H, shows="known", calendar=["weekday"]).fit(panel[["price"]], panel["sold"])
    steps = future(panel)
    whole = pd.Series(model.predict(steps), steps.index)
    np.testing.assert_array_equal(model.predict(steps.loc[["b"]]), whole.loc["b"])
    angle = 2 * np.pi * steps.index.get_level_values(1).day_of_week / 7
    np.testing.assert_allclose(whole, steps["price"] + np.sin(angle) + np.cos(angle), atol=1e-12)


def test_columns_of_the_future_are_found_by_name(panel):
    X = panel[["price"]].assign(other=1.0)
    model = Mirror(H, shows="known").fit(X, panel["sold"])
    steps = future(panel).assign(other=2.0)
    expected = steps["price"] + 2.0
    np.testing.assert_allclose(model.forecast(X=steps[["other", "price"]]), expected, rtol=1e-15)


def test_missing_covariates_are_named_by_series_time_and_column(panel):
    model = Mirror(H, shows="known").fit(panel[["price"]], panel["sold"])
    steps = future(panel)
    lost = ("b", steps.loc["b"].index[1])
    with pytest.raises(
        ValueError, match=rf"X must hold price of each series.* 1 of them .*\({lost[1]} of series 'b'\)"
    ):
        model.forecast(X=steps.drop(lost))
    with pytest.raises(ValueError, match="5 of them are missing"):
        model.forecast(X=steps.drop("c"))
    with pytest.raises(ValueError, match="yet now missing:\n- price"):
        model.forecast(X=steps.rename(columns={"price": "cost"}))
    with pytest.warns(DataWarning, match=rf"leaves out 1 steps .*\({lost[1]} of series 'b'\).*price carried forward"):
        model.predict(steps.drop(lost))


def test_rows_that_are_none_of_the_panel_are_refused(panel):
    model = NaiveForecaster(H).fit(panel["sold"])
    with pytest.raises(ValueError, match=r"not in the data of fit: 'q'; give their past as history="):
        model.predict(pd.DataFrame(index=panel.rename({"a": "q"}, level=0).index))
    with pytest.raises(ValueError, match=r"must have a MultiIndex .*set_output\(transform=\"pandas\"\)"):
        model.predict(np.zeros((3, 1)))
    with pytest.raises(ValueError, match="begin at 2024-01-11 for the series 'b', but X has 1 of them"):
        model.predict(pd.DataFrame(index=pd.MultiIndex.from_tuples([("b", DAYS[9])])))
    with pytest.raises(ValueError, match="at least 6 rows of each series to learn from, got fewer of 'b'"):
        LinearForecaster(H).fit(panel["sold"].drop([("b", day) for day in panel.loc["b"].index[5:]]))
    with pytest.raises(ValueError, match="positive values, but the series 'c' have others"):
        LinearForecaster(H, target_transform="log").fit(panel["sold"].where(panel["sold"].index.codes[0] < 2, -1.0))
    with pytest.raises(ValueError, match="forking_sequences=True carries the states of one series"):
        small(forking_sequences=True).fit(panel["sold"])
    with pytest.raises(ValueError, match=r"stream\(\) takes the observations of one series"):
        small().fit(panel["sold"]).stream()


@pytest.mark.parametrize("refit", [False, True])
@pytest.mark.parametrize("name", ["naive", "linear", "network"])
def test_a_backtest_forecasts_the_end_of_each_series_from_what_was_before(name, refit, panel):
    model = clone(FORECASTERS[name])
    test = model.backtest(panel[["price"]], panel["sold"], n_windows=2, step=3, refit=refit)
    assert test.forecasts.index.get_level_values(0).value_counts().eq(2 * H).all()
    for shop in LENGTHS:
        last = test.forecasts.loc[shop].iloc[-H:]
        assert last.index.equals(panel.loc[shop].index[-H:])
        assert (last["cutoff"] == panel.loc[shop].index[-H - 1]).all()
        np.testing.assert_array_equal(last["actual"], panel.loc[shop, "sold"].iloc[-H:])
    before = panel.groupby(level=0).head(-(H + (0 if refit else 3)))
    learnt = clone(model).fit(before[["price"]], before["sold"])
    known = panel.groupby(level=0).head(-H)
    expected = learnt.forecast(H, panel[["price"]].drop(known.index), history=(known[["price"]], known["sold"]))
    found = test.forecasts.groupby(level=0).tail(H)["forecast"]
    np.testing.assert_allclose(found, expected, rtol=1e-6)


def test_the_tables_of_a_backtest_weigh_series_alike(panel):
    test = LinearForecaster(H, lookback=14).backtest(panel["sold"], n_windows=3)
    each = test.by_series()
    assert each.index.tolist() == ["a", "b", "c"]
    own = test.forecasts.loc["b"]
    errors = (own["forecast"] - own["actual"]).abs()
    np.testing.assert_allclose(each.loc["b", "MAE"], errors.mean())
    np.testing.assert_allclose(each.loc["b", "RMSE"], np.sqrt((errors**2).mean()))
    past = panel.loc["b", "sold"].iloc[: -3 * H].to_numpy()
    np.testing.assert_allclose(each.loc["b", "MASE"], errors.mean() / np.abs(past[7:] - past[:-7]).mean())
    table = test.table()
    np.testing.assert_allclose(table.loc["LinearForecaster", "MASE"], each["MASE"].mean())
    np.testing.assert_allclose(
        table.loc["LinearForecaster", "skill"], 1 - each["MASE"].mean() / table.loc["seasonal naive", "MASE"]
    )
    np.testing.assert_allclose(test.by_step()["forecast"].mean(), each["MASE"].mean())
    assert "3 windows of 5 steps" in str(test)
    with pytest.raises(ValueError, match="by_series is for panels"):
        LinearForecaster(H, lookback=14).backtest(panel.loc["a", "sold"]).by_series()
    with pytest.raises(ValueError, match="before the first window of the series 'b', got 0 of 60"):
        LinearForecaster(H).backtest(panel["sold"], n_windows=12)


def test_a_backtest_of_several_targets_has_a_table_for_each(panel):
    test = LinearForecaster(H, lookback=14).backtest(panel, n_windows=2)
    assert test.by_series().index.tolist() == [(s, t) for s in LENGTHS for t in ("price", "sold")]
    assert test.table().index.get_level_values(0).unique().tolist() == ["price", "sold"]


def test_a_backtest_knows_no_value_that_was_filled_in_later(panel):
    y = panel["sold"].copy()
    origin = panel.loc["b"].index[-H]
    y.loc[("b", origin - pd.Timedelta(days=1))] = np.nan  # the hole reaches the last window's origin
    test = Mirror(H, missing="interpolate").backtest(y, n_windows=2)
    last = test.forecasts.groupby(level=0).tail(H)["forecast"]
    assert (last.loc["b"] == y.loc[("b", origin - pd.Timedelta(days=2))]).all()
    assert (last.loc["a"] == y.loc["a"].iloc[-H - 1]).all()


def test_cross_validation_cuts_all_series_at_the_same_times(panel):
    together = panel[panel.index.get_level_values(1) >= DAYS[20]].drop("b")
    scores = cross_val_score(
        LinearForecaster(H, lookback=14), together[["price"]], together["sold"], cv=RollingOriginSplit(H, 3)
    )
    assert scores.shape == (3,)
    assert (scores > 0.9).all()  # shops of sizes 1 and 100: R² of the whole


def test_a_pickled_panel_forecaster_forecasts_the_same(panel):
    model = small(blend=0.5).fit(panel["sold"])
    pd.testing.assert_series_equal(pickle.loads(pickle.dumps(model)).forecast(), model.forecast())


def test_input_is_left_as_it_was(panel):
    X, y = panel[["price"]], panel["sold"]
    before = X.copy(), y.copy()
    small().fit(X, y).forecast(X=future(panel))
    pd.testing.assert_frame_equal(X, before[0])
    pd.testing.assert_series_equal(y, before[1])


@pytest.mark.parametrize("times", ["sessions", "hours", "periods", "integers"])
def test_labels_ahead_follow_the_axis_that_all_series_share(times, rng):
    axes = {
        "sessions": pd.bdate_range("2024-01-01", periods=43).delete([7, 12]),
        "hours": pd.date_range("2024-03-30", periods=41, freq="h", tz="Europe/Berlin"),
        "periods": pd.period_range("2020-01", periods=41, freq="M"),
        "integers": pd.RangeIndex(4, 86, 2),
    }
    axis = axes[times]
    y = pd.concat({name: pd.Series(rng.normal(size=n), axis[:n]) for name, n in (("long", 41), ("short", 38))})
    forecast = NaiveForecaster(2).fit(y).forecast()
    assert forecast.loc["short"].index.tolist() == axis[38:40].tolist()
    alone = NaiveForecaster(2).fit(y.loc["long"]).forecast()
    assert forecast.loc["long"].index.tolist() == alone.index.tolist()


def test_windows_in_units_of_their_steps_forget_level_and_size(rng):
    values = np.cumsum(rng.normal(size=(40, 1)), axis=0)
    windows = Windows(12, 3, 1, 1, 0, 0, norm="difference")
    origin, column = np.array([12, 30]), np.zeros(2, np.int64)
    empty = np.empty((40, 0))
    plain = windows.read(Frame(values, empty, empty), origin, column)
    moved = windows.read(Frame(7.0 * values + 100.0, empty, empty), origin, column)
    np.testing.assert_allclose(moved.past, plain.past, rtol=1e-9)
    steps = np.abs(np.diff(values[:12], axis=0)).mean()
    np.testing.assert_allclose(plain.past[:, 0, 0], (values[:12, 0] - values[11, 0]) / (4 * steps), rtol=1e-12)
    truth = windows.truth(Frame(values, empty, empty), origin, column, plain)
    np.testing.assert_allclose(windows.restore(truth, plain)[:, 0, 1], values[30:33, 0], rtol=1e-12)
