"""Losses against their definitions, and their gradients against differences."""

import pickle

import numpy as np
import pytest

from rnnforecast.kernels.losses import LOSSES, huber, quantile

SHAPE = (3, 2, 5)
CASES = {
    "squared_error": (LOSSES["squared_error"], lambda e: e**2),
    "absolute_error": (LOSSES["absolute_error"], np.abs),
    "huber": (LOSSES["huber"], lambda e: np.where(np.abs(e) <= 1, e**2 / 2, np.abs(e) - 0.5)),
    "huber 0.3": (huber(0.3), lambda e: np.where(np.abs(e) <= 0.3, e**2 / 2, 0.3 * (np.abs(e) - 0.15))),
    "quantile": (LOSSES["quantile"], lambda e: np.abs(e) / 2),
    "quantile 0.9": (quantile(0.9), lambda e: np.where(e < 0, -0.9 * e, 0.1 * e)),
}


@pytest.fixture(params=CASES)
def case(request):
    return CASES[request.param]


@pytest.fixture
def pair():
    rng = np.random.default_rng(0)
    return rng.normal(size=SHAPE), rng.normal(size=SHAPE)


def test_the_value_is_the_sum_of_the_definition(case, pair):
    loss, definition = case
    forecast, target = pair
    value = loss(forecast, target, np.empty(SHAPE))
    assert isinstance(value, float)
    # rtol: 30 terms, each rounded a few times in float64
    np.testing.assert_allclose(value, definition(forecast - target).sum(), rtol=1e-14)


def test_the_gradient_is_the_derivative_of_the_sum(case, pair):
    loss, definition = case
    forecast, target = pair
    d_forecast = np.empty(SHAPE)
    loss(forecast, target, d_forecast)
    eps = 1e-6
    error = forecast - target
    differences = (definition(error + eps) - definition(error - eps)) / (2 * eps)
    # atol: central differences round at 1e-16 / eps; no error is as close to a kink as eps
    np.testing.assert_allclose(d_forecast, differences, rtol=0, atol=1e-8)


def test_the_arguments_are_left_alone_and_old_gradients_are_overwritten(case, pair):
    loss, _ = case
    forecast, target = pair
    before = forecast.copy(), target.copy()
    fresh, dirty = np.empty(SHAPE), np.full(SHAPE, np.nan)
    loss(forecast, target, fresh)
    loss(forecast, target, dirty)
    np.testing.assert_array_equal(fresh, dirty)
    np.testing.assert_array_equal(forecast, before[0])
    np.testing.assert_array_equal(target, before[1])


def test_a_perfect_forecast_costs_nothing_and_pulls_nowhere(case):
    loss, _ = case
    d_forecast = np.empty(SHAPE)
    assert loss(np.ones(SHAPE), np.ones(SHAPE), d_forecast) == 0.0
    np.testing.assert_array_equal(d_forecast, 0.0)


def test_a_nan_reaches_the_value_and_its_own_gradient_only(case, pair):
    loss, _ = case
    forecast, target = pair
    forecast[1, 0, 2] = np.nan
    d_forecast = np.empty(SHAPE)
    assert np.isnan(loss(forecast, target, d_forecast))
    assert np.argwhere(np.isnan(d_forecast)).tolist() == [[1, 0, 2]]


def test_the_sum_is_accumulated_in_float64(case):
    loss, definition = case
    forecast = np.full((1, 1, 100_000), 0.1, np.float32)
    d_forecast = np.empty_like(forecast)
    value = loss(forecast, np.zeros_like(forecast), d_forecast)
    assert d_forecast.dtype == np.float32
    # rtol: the float32 rounding of one term, eps / 2 = 6e-8 for each of two operations, not that of a sum of 1e5
    np.testing.assert_allclose(value, 1e5 * definition(np.float64(np.float32(0.1))), rtol=1.3e-7)


def test_a_large_float32_error_has_a_finite_loss(case):
    loss, _ = case
    forecast = np.full((1, 1, 3), 1e25, np.float32)  # its square is beyond float32
    assert np.isfinite(loss(forecast, np.zeros_like(forecast), np.empty_like(forecast)))


@pytest.mark.parametrize("level", [0.1, 0.5, 0.8])
def test_the_constant_with_the_lowest_pinball_loss_is_the_quantile(level):
    target = np.random.default_rng(0).normal(size=(1, 1, 99))
    d = np.empty_like(target)
    values = [quantile(level)(np.full_like(target, c), target, d) for c in np.sort(target.ravel())]
    # 99 points: the minimiser is the order statistic number ceil(99 level), counted from 1
    assert np.argmin(values) == int(np.ceil(99 * level)) - 1


def test_huber_is_the_squared_error_for_a_wide_delta_and_the_absolute_error_for_a_narrow_one(pair):
    forecast, target = pair
    d = np.empty(SHAPE)
    squared, absolute = (LOSSES[name](forecast, target, d) for name in ("squared_error", "absolute_error"))
    np.testing.assert_allclose(huber(1e3)(forecast, target, d), squared / 2, rtol=1e-14)
    # Each term differs from delta |e| by delta²/2, or by less
    delta = 1e-9
    np.testing.assert_allclose(huber(delta)(forecast, target, d) / delta, absolute, rtol=0, atol=d.size * delta)


def test_losses_survive_pickling(case, pair):
    loss, _ = case
    forecast, target = pair
    d = np.empty(SHAPE)
    assert pickle.loads(pickle.dumps(loss))(forecast, target, d) == loss(forecast, target, d)


@pytest.mark.parametrize("level", [0.0, 1.0, -0.1, np.nan])
def test_a_level_outside_the_unit_interval_is_refused(level):
    with pytest.raises(ValueError, match="level must be between 0 and 1"):
        quantile(level)


@pytest.mark.parametrize("delta", [0.0, -1.0, np.inf, np.nan])
def test_a_delta_that_is_not_positive_is_refused(delta):
    with pytest.raises(ValueError, match="delta must be a positive number"):
        huber(delta)
