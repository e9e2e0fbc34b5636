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

MANY = 10**9  # blocks: the prior counts nothing beside them
HOURLY = Recipe(log=False, seasons=(6,), base=0, lookback=25, block=6)
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
    recipe = Recipe(log=False, seasons=seasons, base=base, lookback=lookback, block=24)
    assert shortened(recipe, horizon) == short


def test_on_a_long_series_the_other_members_learn_from_the_newest_rows(target, monkeypatch):
    monkeypatch.setattr(_committee, "NEWEST", 200)
    committee = Committee(Drawing(n_units=10)).fit(target, NONE, NONE, HOURLY, 4)
    short = Recipe(log=False, seasons=(6,), base=0, lookback=10, block=6)
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
