"""Closed-form models averaged by their cross-validated errors."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from rnnforecast import LinearForecaster, RNNForecaster
from rnnforecast.estimators import _committee
from rnnforecast.estimators._committee import PRIOR_BLOCKS, Committee, stack
from rnnforecast.estimators._linear import LinearModel
from rnnforecast.estimators._recipe import Recipe, shortened
from rnnforecast.estimators._reservoir import Drawing
from rnnforecast.transforms import Transform

MANY = 10**9  # blocks: the prior counts nothing beside them
HOURLY = Recipe(transform=Transform(), seasons=(6,), base=0, lookback=25, block=6)
NONE = np.zeros((400, 0))


@pytest.fixture
def target(rng):
    t = np.arange(400)
    return (np.sin(2 * np.pi * t / 6) + np.cumsum(0.1 * rng.normal(size=400)))[:, None]


def test_of_two_unbiased_members_each_weighs_as_the_inverse_of_its_variance(rng):
    errors = [rng.normal(size=(4000, 2)), 2.0 * rng.normal(size=(4000, 2))]
    # Bates and Granger (1969): 1 / (1 + 1 / 4); estimated from 8000 numbers, so to about 1 / sqrt(8000).
    np.testing.assert_allclose(stack(errors, MANY), [0.8, 0.2], atol=0.02)


def test_a_member_that_only_adds_noise_to_another_is_left_out(rng):
    error = rng.normal(size=(1000, 3))
    weights = stack([error + rng.normal(size=error.shape), error], MANY)
    np.testing.assert_allclose(weights, [0.0, 1.0], atol=0.03)  # 1 / sqrt(3000)


def test_few_blocks_draw_the_weights_to_the_first_member(rng):
    errors = [rng.normal(size=(2000, 4)), np.full((2000, 4), 1e-3)]
    n_blocks = 2000 / 4
    expected = n_blocks / (n_blocks + PRIOR_BLOCKS)
    np.testing.assert_allclose(stack(errors, 2000)[1], expected, atol=1e-5)  # the exact minimum is 1 - 1e-6


def test_few_windows_leave_the_first_member_nearly_alone(rng):
    errors = [rng.normal(size=(20, 2)), 0.1 * rng.normal(size=(20, 2))]
    weights = stack(errors, 20)
    assert weights[1] <= 20 / _committee.ENOUGH_WINDOWS
    assert weights.sum() == pytest.approx(1.0)


@pytest.mark.parametrize("scale", [0.0, 1e-200, 1.0, 1e200])
def test_weights_do_not_depend_on_the_unit(rng, scale):
    errors = [rng.normal(size=(300, 2)), 1.5 * rng.normal(size=(300, 2))]
    expected = stack(errors, 300) if scale else [1.0, 0.0]
    np.testing.assert_allclose(stack([scale * error for error in errors], 300), expected, rtol=1e-6)


def test_a_forecast_is_the_weighted_mean_of_the_members(target):
    committee = Committee(Drawing(n_units=10)).fit(target, NONE, NONE, HOURLY, 4)
    origins = np.array([100, 399, 400])
    each = [member.forecast(target, NONE, NONE, origins, 9) for member in committee.members_]
    expected = sum(share * one for share, one in zip(committee.shares_[0], each, strict=True))
    np.testing.assert_allclose(committee.forecast(target, NONE, NONE, origins, 9), expected, rtol=1e-12)
    np.testing.assert_allclose(committee.shares_.sum(axis=1), 1.0, rtol=1e-12)
    assert [member.recipe_.lookback for member in committee.members_] == [25, 10, 10]


def test_the_first_member_is_the_linear_model_alone(target):
    committee = Committee(Drawing(n_units=10)).fit(target, NONE, NONE, HOURLY, 4)
    alone = LinearModel().fit(target, NONE, NONE, HOURLY, 4)
    np.testing.assert_array_equal(committee.members_[0].weights_, alone.weights_)


def test_cross_validated_errors_come_from_models_that_have_not_seen_them(target):
    model = LinearModel(alpha=0.1, stride=7).fit(target, NONE, NONE, HOURLY, 4)
    (errors,) = model.errors_
    origins = np.arange(396, 24, -7)[::-1]
    assert len(errors) == len(origins)
    # The first fold: the windows 0..75 (of 372, five folds), and four on its right, are left out.
    rows = np.arange(25, 397)[75 + 4 :]
    windows = target[:, 0][rows[:, None] + np.arange(-25, 0)]
    futures = target[:, 0][rows[:, None] + np.arange(4)]
    scale = target.std()
    x, y = (windows - windows[:, -1:]) / scale, (futures - windows[:, -1:]) / scale
    weights = np.linalg.solve(x.T @ x + 0.1 * np.mean(np.square(x).sum(axis=0)) * np.eye(25), x.T @ y)
    first = target[origins[0] - 25 : origins[0], 0]
    forecast = first[-1] + ((first - first[-1]) / scale) @ weights * scale
    np.testing.assert_allclose(errors[0], target[origins[0] : origins[0] + 4, 0] - forecast, rtol=1e-9)


@pytest.mark.parametrize(
    ("seasons", "base", "lookback", "horizon", "short"),
    [
        ((24,), 0, 337, 24, 48),
        ((24,), 0, 337, 3, 27),
        ((48, 336), 336, 673, 48, 336),
        ((), 0, 70, 5, 20),
        ((), 0, 9, 5, 9),
    ],
)
def test_the_short_window_has_two_seasons_at_most_and_reaches_the_base(seasons, base, lookback, horizon, short):
    recipe = Recipe(transform=Transform(), seasons=seasons, base=base, lookback=lookback, block=24)
    assert shortened(recipe, horizon) == short


def test_on_a_long_series_the_other_members_learn_from_the_newest_rows(target, monkeypatch):
    monkeypatch.setattr(_committee, "NEWEST", 200)
    committee = Committee(Drawing(n_units=10)).fit(target, NONE, NONE, HOURLY, 4)
    short = Recipe(transform=Transform(), seasons=(6,), base=0, lookback=10, block=6)
    newest = LinearModel().fit(target[200:], NONE[200:], NONE[200:], short, 4)
    np.testing.assert_array_equal(committee.members_[1].weights_, newest.weights_)
    whole = LinearModel().fit(target, NONE, NONE, HOURLY, 4)
    np.testing.assert_array_equal(committee.members_[0].weights_, whole.weights_)


def test_without_a_signal_the_forecast_is_exactly_the_naive_one(rng):
    walk = pd.Series(np.cumsum(rng.normal(size=300)), index=pd.date_range("2024-01-01", periods=300, freq="h"))
    model = RNNForecaster(5, season_length=None, max_iter=1, n_estimators=1, random_state=0).fit(walk)
    assert np.isinf(LinearForecaster(5, season_length=None).fit(walk).alpha_)
    assert model.no_skill_
    np.testing.assert_allclose(model.forecast(), walk.iloc[-1], rtol=1e-12)


def sales(n_rows: int) -> pd.Series:
    """A week's season on a level that wanders."""
    rng, t = np.random.default_rng(3), np.arange(n_rows)
    values = 20 + 4 * np.sin(2 * np.pi * t / 7) + np.cumsum(0.1 * rng.normal(size=n_rows)) + rng.normal(size=n_rows)
    return pd.Series(values, index=pd.date_range("2022-01-01", periods=n_rows, freq="D"), name="sold")


LINEAR_PART = {"blend": 0.0, "max_iter": 1, "n_estimators": 1, "hidden_layer_sizes": (2,), "random_state": 0}


def test_guesses_neither_teach_members_nor_judge_them():
    y = sales(700)
    y.iloc[[100, 101, 102, 350, 600]] = np.nan
    other = y.copy()
    other[y.isna()] = -999.0
    plain = RNNForecaster(5, missing="mask", **LINEAR_PART).fit(y)
    marked = RNNForecaster(5, missing="mask", missing_values=-999.0, **LINEAR_PART).fit(other)
    assert isinstance(plain.linear_, Committee)
    np.testing.assert_array_equal(plain.linear_.shares_, marked.linear_.shares_)
    np.testing.assert_array_equal(plain.forecast(), marked.forecast())


def test_errors_against_guesses_are_none(target, rng):
    seen = rng.uniform(size=(400, 1)) > 0.1
    model = LinearModel(alpha=0.1, stride=1).fit(target, NONE, NONE, HOURLY, 4, seen)
    (errors,) = model.errors_
    origins = np.arange(25, 397)
    origins = origins[seen[origins - 1, 0] & (seen[origins[:, None] + np.arange(4), 0].sum(axis=1) >= 2)]
    assert model.n_windows_ == len(origins)
    np.testing.assert_array_equal(errors == 0.0, ~seen[origins[:, None] + np.arange(4), 0])


@pytest.mark.parametrize("transform", ["difference", "seasonal_difference", ("log", "difference"), "boxcox"])
def test_members_share_the_transform_and_are_averaged_in_original_units(transform):
    y = sales(400)
    model = RNNForecaster(5, target_transform=transform, **LINEAR_PART).fit(y)
    data, end = (y.to_numpy()[:, None], np.zeros((400, 0)), np.zeros((400, 0))), np.array([400])
    each = [member.forecast(*data, end, 5)[0, :, 0] for member in model.linear_.members_]
    np.testing.assert_allclose(model.forecast(), model.linear_.shares_[0] @ each, rtol=1e-12)
    stream = model.stream()
    for row in range(3):  # the stream goes on as the forecaster does
        stream.update(20.0 + row)
        model.update(pd.Series([20.0 + row], index=[y.index[-1] + pd.Timedelta(days=row + 1)], name="sold"))
    np.testing.assert_allclose(stream.forecast(), model.forecast(), rtol=1e-9)


def test_several_series_are_forecast_each_from_its_own_beginning():
    y = sales(300)
    one = pd.concat({"a": y}, names=["shop", "day"])
    model = RNNForecaster(5, target_transform=None, **LINEAR_PART).fit(one)
    echo = model.linear_.members_[-1]
    model.linear_.shares_[:] = np.eye(len(model.linear_.members_))[-1]
    assert echo.echoes_
    assert np.isfinite(echo.alpha_).all()
    history = pd.concat({"new": 1e3 * y[:200], "a": y, "late": 10.0 * y[150:]}, names=["shop", "day"])
    together = model.forecast(11, history=history)
    for shop in ("new", "a", "late"):
        alone = model.forecast(11, history=history.loc[[shop]])
        np.testing.assert_allclose(together.loc[shop].to_numpy(), alone.to_numpy(), rtol=1e-9)
    # A series never seen is read on a scale of its own, whatever its unit.
    first = model.forecast(11, history=pd.concat({"other": y[:200]}, names=["shop", "day"]))
    np.testing.assert_allclose(together.loc["new"].to_numpy(), 1e3 * first.to_numpy(), rtol=1e-9)


def test_of_a_panel_the_closed_form_model_is_the_linear_one():
    panel = pd.concat({"a": sales(120), "b": 3.0 * sales(100)}, names=["shop", "day"])
    model = RNNForecaster(5, lookback=14, **LINEAR_PART).fit(panel)
    pd.testing.assert_series_equal(model.forecast(), LinearForecaster(5, lookback=14).fit(panel).forecast())
    with pytest.raises(ValueError, match="this is a panel of 2: use another solver, or ForecasterPerSeries"):
        RNNForecaster(5, solver="ridge", cell="leaky").fit(panel)


def test_of_very_many_rows_the_closed_form_model_is_the_linear_one(monkeypatch):
    monkeypatch.setattr("rnnforecast.estimators._learning.MOST_ROWS_OF_A_COMMITTEE", 119)
    sold = sales(120)
    model = RNNForecaster(5, lookback=14, **LINEAR_PART).fit(sold)
    pd.testing.assert_series_equal(model.forecast(), LinearForecaster(5, lookback=14).fit(sold).forecast())
    # What is weighed on held-out rows, of which too many are left for a committee no more, is the same kind of model.
    assert type(model._early["linear_"]) is type(model.linear_)
