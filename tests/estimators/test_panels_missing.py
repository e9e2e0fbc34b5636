"""Panels with holes and with transformed targets: what holds of a series holds of each of several."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone

from rnnforecast import LinearForecaster, NaiveForecaster, RNNForecaster
from rnnforecast.estimators._base import DataWarning
from rnnforecast.transforms import TRANSFORMS, BoxCox

H = 5
DAYS = pd.date_range("2024-01-01", periods=90, freq="D", name="day")
POLICIES = ["mask", "interpolate"]
NAMES = [*TRANSFORMS, ("log", "seasonal_difference"), ("boxcox", "difference")]


def small(**options) -> RNNForecaster:
    settings = {"hidden_layer_sizes": (4,), "lookback": 14, "max_iter": 2, "n_estimators": 1, "random_state": 0}
    return RNNForecaster(H, **{**settings, "blend": 0.5, **options})


FORECASTERS = {
    "naive": NaiveForecaster(H),
    "drift": NaiveForecaster(H, strategy="drift"),
    "mean": NaiveForecaster(H, strategy="mean"),
    "linear": LinearForecaster(H, lookback=14),
    "network": small(),
    "joint": small(channels="joint", blend=None),
    "recursive": small(decoder="recursive", blend=None),
    "seq2seq": small(decoder="seq2seq", blend=None),
    "differences": small(target_transform="difference"),
}
every = pytest.mark.parametrize("forecaster", FORECASTERS.values(), ids=FORECASTERS)
policies = pytest.mark.parametrize("missing", POLICIES)


def shop(seed: int, size: float = 1.0) -> pd.DataFrame:
    """Sales and visits with a week's season, that grow and fluctuate in proportion to their level."""
    rng, rows = np.random.default_rng(seed), np.arange(90)[:, None]
    week = 0.3 * np.sin(2 * np.pi * (rows + np.array([0, 2])) / 7)
    values = size * np.exp(0.005 * rows + week + 0.05 * rng.normal(size=(90, 2))) * [20, 3]
    return pd.DataFrame(values, index=DAYS, columns=["sold", "seen"])


def with_holes(frame: pd.DataFrame, seed: int) -> pd.DataFrame:
    """A tenth at random, ten days, a late start of one column and an early end of the other."""
    holed = frame.mask(np.random.default_rng(seed).random(frame.shape) < 0.1)
    holed.iloc[40:50, 0] = holed.iloc[:9, 1] = holed.iloc[-6:, 0] = np.nan
    holed.iloc[[0, -7], 0] = frame.iloc[[0, -7], 0]
    return holed


def joined(**shops: pd.DataFrame) -> pd.DataFrame:
    return pd.concat(shops, names=["shop", "day"])


@pytest.fixture
def panel() -> pd.DataFrame:
    """Shops of sizes 1, 100 and 10, of which the last one begins later; all have holes."""
    holed = [with_holes(shop(k, size), k) for k, size in enumerate((1.0, 100.0, 10.0))]
    return joined(a=holed[0], b=holed[1], c=holed[2][11:])


@policies
@every
def test_a_panel_of_one_with_holes_is_that_series(forecaster, missing, panel):
    alone, one = panel.loc["a"], panel.loc[["a"]]
    plain, of_panel = (clone(forecaster).set_params(missing=missing).fit(y) for y in (alone, one))
    np.testing.assert_array_equal(of_panel.forecast(2 * H), plain.forecast(2 * H))
    np.testing.assert_array_equal(of_panel.predict(one), plain.predict(alone))


@policies
@every
def test_equal_series_have_equal_forecasts_wherever_they_lie(forecaster, missing, panel):
    twins = joined(a=panel.loc["a"], b=panel.loc["b"], z=panel.loc["a"])
    model = clone(forecaster).set_params(missing=missing).fit(twins)
    forecast = model.forecast(2 * H)
    # 1e-5 of float32 networks: other batches add up in another order
    np.testing.assert_allclose(forecast.loc["z"], forecast.loc["a"], rtol=1e-5)
    fitted = pd.DataFrame(model.predict(twins), twins.index)
    np.testing.assert_allclose(fitted.loc["z"], fitted.loc["a"], rtol=1e-5)


@policies
@every
def test_holes_are_filled_from_their_own_series_only(forecaster, missing, panel):
    model = clone(forecaster).set_params(missing=missing).fit(panel)
    forecast, fitted = model.forecast(), pd.DataFrame(model.predict(panel), panel.index)
    assert np.isfinite(forecast).all(axis=None)
    assert np.isfinite(fitted).all(axis=None)
    others = panel.copy()
    others.loc[["a", "c"]] = 3.0 * others.loc[["a", "c"]].to_numpy()[::-1]
    np.testing.assert_allclose(model.forecast(history=others).loc["b"], forecast.loc["b"], rtol=1e-6)
    for name in "abc":
        alone = model.forecast(2 * H, history=panel.loc[[name]])
        np.testing.assert_allclose(alone, model.forecast(2 * H).loc[[name]], rtol=1e-5)


@policies
@pytest.mark.parametrize("name", ["naive", "drift", "linear"])
def test_a_missing_end_of_a_series_is_forecast_through(name, missing):
    whole = joined(a=shop(0), b=shop(1, 100.0))
    model = clone(FORECASTERS[name]).set_params(missing=missing).fit(whole)
    ended = whole.copy()
    ended.loc[("a", DAYS[-7:]), :] = np.nan
    through = model.forecast(H, history=ended)
    before = model.forecast(7 + H, history=joined(a=shop(0)[:-7], b=shop(1, 100.0)[:-7]))
    np.testing.assert_allclose(through.loc["a"], before.loc["a"].iloc[7:], rtol=1e-12)
    np.testing.assert_allclose(through.loc["b"], model.forecast(H).loc["b"], rtol=1e-12)
    assert clone(model).fit(ended).cutoff_.to_dict() == {"a": DAYS[-1], "b": DAYS[-1]}


@every
def test_a_backtest_of_holes_forecasts_what_forecast_does(forecaster, panel):
    model = clone(forecaster).set_params(missing="mask")
    found = model.backtest(panel, n_windows=2, step=3).forecasts
    before = panel.groupby(level=0).head(-H - 3)
    known = panel.groupby(level=0).head(-H)
    expected = model.fit(before).forecast(history=known)
    last = found.groupby(level=0).tail(2 * H)["forecast"].to_numpy()
    np.testing.assert_allclose(last, expected.to_numpy().ravel(), rtol=1e-5)
    assert found["actual"].isna().sum() == panel.groupby(level=0).tail(H + 3).isna().sum().sum() + 6  # 2 rows twice


@policies
@every
def test_observations_with_holes_are_taken_in_as_if_they_had_been_there(forecaster, missing, panel):
    head = panel.groupby(level=0).head(50)
    rest = panel.drop(head.index)
    model = clone(forecaster).set_params(missing=missing).fit(head)
    expected = model.forecast(history=panel)
    model.update(rest.groupby(level=0).head(8).drop(("b", DAYS[53])))
    model.update(rest.groupby(level=0).tail(-8))
    known = panel.drop(("b", DAYS[53]))
    np.testing.assert_allclose(model.forecast(), model.forecast(history=known), rtol=1e-6)
    assert model.forecast().index.equals(expected.index)


def test_a_long_hole_in_an_update_is_told_with_its_series(panel):
    whole = joined(a=shop(0), b=shop(1))["sold"]
    model = LinearForecaster(H, missing="interpolate").fit(whole.groupby(level=0).head(60))
    later = whole.groupby(level=0).tail(30)
    with pytest.warns(DataWarning, match="a hole of 12 rows before 2024-03-13 00:00:00 of series 'b', longer"):
        model.update(later.drop([("b", day) for day in DAYS[60:72]]))
    with pytest.raises(ValueError, match="y_new begins 31 rows after the series 'b' ends, which has only 30 rows"):
        LinearForecaster(H, missing="mask").fit(whole.groupby(level=0).head(30)).update(whole.loc[["b"]].iloc[61:])


@pytest.mark.parametrize("options", [{}, {"channels": "joint"}, {"static_covariates": ["kind"]}], ids=str)
def test_covariates_of_a_panel_may_have_holes_if_they_are_past_ones(options, panel):
    X = panel.assign(known=1.0, kind="big")[["known", "seen", "kind"]]
    X.loc["a", "kind"] = "small"
    X = X if options.get("static_covariates") else X.drop(columns="kind")
    model = small(missing="mask", past_covariates=["seen"], **options).fit(X, panel["sold"])
    steps = model.forecast(history=(X, panel["sold"]), X=_ahead(X))
    np.testing.assert_allclose(steps, model.forecast(X=_ahead(X)), rtol=1e-6)
    assert np.isfinite(steps).all()
    X.loc[("b", DAYS[20]), "known"] = np.nan
    with pytest.raises(ValueError, match=r"it lacks 1 of 259 values, first at row 2024-01-21 .* of series 'b'"):
        clone(model).fit(X, panel["sold"])


def _ahead(X: pd.DataFrame) -> pd.DataFrame:
    days = pd.date_range(DAYS[-1], periods=H + 1, freq="D", name="day")[1:]
    index = pd.MultiIndex.from_product([["a", "b", "c"], days], names=["shop", "day"])
    return pd.DataFrame({"known": 1.0}, index=index)


def test_known_covariates_to_come_are_filled_from_their_own_series():
    whole = joined(a=shop(0), b=shop(1))
    X = whole[["seen"]].rename(columns={"seen": "price"})
    model = LinearForecaster(H, lookback=7, alpha=1e-3, missing="interpolate").fit(X, whole["sold"])
    days = pd.date_range(DAYS[-1], periods=H + 1, freq="D")[1:]
    steps = joined(a=pd.DataFrame({"price": 3.0}, index=days), b=pd.DataFrame({"price": 9.0}, index=days))
    holed = steps.copy()
    holed.loc[("a", days[-1]), "price"] = holed.loc[("b", days[0]), "price"] = np.nan
    pd.testing.assert_series_equal(model.forecast(X=holed), model.forecast(X=steps))


@pytest.mark.parametrize("model", [LinearForecaster(H, lookback=14), small()], ids=["linear", "network"])
@pytest.mark.parametrize("name", NAMES, ids=str)
def test_a_panel_of_one_on_a_transformed_target_is_that_series(name, model):
    alone = shop(0)
    plain, of_panel = (clone(model).set_params(target_transform=name).fit(y) for y in (alone, joined(a=alone)))
    np.testing.assert_array_equal(of_panel.forecast(2 * H), plain.forecast(2 * H))
    np.testing.assert_array_equal(of_panel.predict(joined(a=alone)), plain.predict(alone))


@pytest.mark.parametrize("missing", ["error", *POLICIES])
@pytest.mark.parametrize("model", [LinearForecaster(H, lookback=14), small()], ids=["linear", "network"])
@pytest.mark.parametrize("name", NAMES, ids=str)
def test_transforms_never_reach_into_another_series(name, model, missing, panel):
    parts = [shop(0), shop(1, 100.0)] if missing == "error" else [panel.loc["a"], panel.loc["b"]]
    shops = joined(a=parts[0], b=parts[1], z=parts[0])
    fitted = clone(model).set_params(target_transform=name, missing=missing).fit(shops)
    forecast, inside = fitted.forecast(3 * H), pd.DataFrame(fitted.predict(shops), shops.index)
    np.testing.assert_allclose(forecast.loc["z"], forecast.loc["a"], rtol=1e-5)
    np.testing.assert_allclose(inside.loc["z"], inside.loc["a"], rtol=1e-5)
    others = shops.copy()
    others.loc["a"] = 2.0 * others.loc["a"].to_numpy()
    moved = fitted.forecast(3 * H, history=others)
    np.testing.assert_allclose(moved.loc[["b", "z"]], forecast.loc[["b", "z"]], rtol=1e-6)
    # The week moves the level by up to a factor of exp(.6), and what is hardly trained by as much again.
    level = np.log(forecast.groupby(level=0).mean() / shops.groupby(level=0).mean())
    assert (level.abs() < 1.2).all(axis=None)


@pytest.mark.parametrize("name", NAMES, ids=str)
def test_a_backtest_of_transformed_series_forecasts_what_forecast_does(name):
    shops = joined(a=shop(0), b=shop(1, 100.0)[7:])
    model = LinearForecaster(H, lookback=14, target_transform=name)
    found = model.backtest(shops, n_windows=2, step=3).forecasts
    fitted = model.fit(shops.groupby(level=0).head(-H - 3))
    expected = fitted.forecast(history=shops.groupby(level=0).head(-H))
    last = found.groupby(level=0).tail(2 * H)["forecast"]
    np.testing.assert_allclose(last, expected.to_numpy().ravel(), rtol=1e-9)


def test_one_power_holds_for_all_series():
    shops = {name: shop(k, size) for k, (name, size) in enumerate({"a": 1.0, "b": 100.0, "c": 1e4}.items())}
    pooled = LinearForecaster(H, target_transform="boxcox").fit(joined(**shops)).linear_.recipe_.transform.pointwise
    own = [
        LinearForecaster(H, target_transform="boxcox").fit(one).linear_.recipe_.transform.pointwise
        for one in shops.values()
    ]
    assert isinstance(pooled, BoxCox)
    np.testing.assert_array_equal(pooled.power, np.median([one.power for one in own], axis=0))
    shops["c"].iloc[30:33] = 0.0
    zeros = LinearForecaster(H, target_transform="boxcox").fit(joined(**shops))
    assert (zeros.linear_.recipe_.transform.pointwise.power >= 0.25).all()
    assert np.isfinite(zeros.forecast()).all(axis=None)


def test_a_series_never_seen_is_forecast_in_changes_of_its_own_size():
    shops = joined(a=shop(0), b=shop(1, 100.0))
    model = LinearForecaster(H, lookback=14, target_transform="difference").fit(shops)
    stranger = shops.loc[["b"]].rename({"b": "new"}, level=0)
    np.testing.assert_allclose(model.forecast(history=1e4 * stranger), 1e4 * model.forecast().loc["b"], rtol=1e-9)


@pytest.mark.parametrize(
    ("name", "change", "message"),
    [
        ("log", -50.0, "the log transform needs positive values, but the series 'a' have others"),
        ("log_return", -50.0, "the log transform needs positive values, but the series 'a' have others"),
        ("boxcox", -50.0, "the boxcox transform needs values that are not negative, but the series 'a' have others"),
    ],
)
def test_series_that_cannot_be_transformed_are_named(name, change, message):
    shops = joined(a=shop(0) + change, b=shop(1, 100.0) + 200)
    for model in (LinearForecaster(H), small()):
        with pytest.raises(ValueError, match=message):
            model.set_params(target_transform=name).fit(shops)
        assert not hasattr(model, "cutoff_")


def test_series_without_differences_are_named():
    shops = joined(a=shop(0), b=shop(1)[: H + 2])
    with pytest.raises(ValueError, match="values 7 rows apart and needs more rows of each series, got fewer of 'b'"):
        LinearForecaster(H, season_length=7, target_transform="seasonal_difference").fit(shops)


@pytest.mark.parametrize("options", [{"missing": "mask"}, {"target_transform": "difference"}], ids=str)
def test_what_follows_forecasts_back_refuses_masks_and_differences(options):
    y = shop(0)["sold"]
    model = small(**options).fit(y)
    for look in (model.input_gradient, lambda: model.permutation_importance(y)):
        with pytest.raises(ValueError, match=rf"fitted with {next(iter(options))}='"):
            look()
    assert np.isfinite(model.gradient_flow()).all(axis=None)
