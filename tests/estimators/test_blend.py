"""The weight of a network beside the linear model, on errors made up for the purpose."""

from __future__ import annotations

import numpy as np
import pytest

from rnnforecast import RNNForecaster
from rnnforecast.estimators._blend import block_error, fit_blend

N_WINDOWS, HORIZON = 400, 24


@pytest.fixture
def truth(rng):
    return rng.normal(size=(N_WINDOWS, HORIZON))


def test_a_network_that_is_the_linear_model_gets_no_weight(truth):
    linear = truth + 1.0
    assert fit_blend(truth, linear, linear, 30, 1000).weight == 0.0


def test_a_perfect_network_gets_nearly_all_and_is_supported(truth, rng):
    blend = fit_blend(truth, truth + rng.normal(size=truth.shape), truth, 30, 1000)
    assert blend.weight > 0.89  # 30 / (30 + 3) from the prior, times a gain far beyond its error
    assert blend.supported


def test_a_worse_network_whose_errors_are_those_of_the_linear_model_gets_nothing(truth, rng):
    error = rng.normal(size=truth.shape)
    blend = fit_blend(truth, truth + error, truth + 2.0 * error, 30, 1000)
    assert blend.weight == 0.0
    assert not blend.supported


def test_equal_models_with_independent_errors_share(truth, rng):
    linear, network = truth + rng.normal(size=truth.shape), truth + rng.normal(size=truth.shape)
    assert fit_blend(truth, linear, network, 1e6, 1000).weight == pytest.approx(
        0.5, abs=0.03
    )  # 1 / sqrt(9600) of noise


def test_few_training_windows_shrink_the_weight_in_proportion(truth, rng):
    models = truth + rng.normal(size=truth.shape), truth + rng.normal(size=truth.shape)
    whole, part = (fit_blend(truth, *models, 30, n).weight for n in (200, 50))
    assert part == pytest.approx(whole / 4, rel=1e-12)


def test_the_error_of_a_gain_is_that_of_a_mean_of_few_blocks(truth, rng):
    linear = truth + rng.normal(size=truth.shape)
    found = fit_blend(truth, linear, truth, 6.9, 1000)
    drawn = rng.standard_t(6 - 1, size=200_000)
    gains = np.abs(truth - linear) - np.abs(truth - linear - 6.9 / 9.9 * (truth - linear))  # the prior's share of all
    assert found.gain_error == pytest.approx(block_error(gains.mean(axis=1), 6) * drawn.std(), rel=0.02)
    for n_blocks in (1.0, 3.9):  # nobody knows how sure these are
        found = fit_blend(truth, linear, truth, n_blocks, 1000)
        assert found.weight == 0.0
        assert found.gain > 0.0
        assert not found.supported


def test_weight_does_not_depend_on_units(truth, rng):
    models = truth + rng.normal(size=truth.shape), truth + rng.normal(size=truth.shape)
    small = fit_blend(truth, *models, 30, 1000).weight
    large = fit_blend(truth * 1e6, *(m * 1e6 for m in models), 30, 1000).weight
    assert large == pytest.approx(small, rel=1e-9)


def test_block_error_of_independent_values_is_the_usual_one(rng):
    values = rng.normal(size=10_000)
    assert block_error(values, 100) == pytest.approx(values.std() / 100, rel=0.3)  # 100 blocks: 7 % of standard error


def test_block_error_of_one_block_is_unknown():
    assert block_error(np.ones(5), 1) == np.inf


def test_a_network_beyond_all_measure_gets_no_weight_and_is_no_error(truth):
    # The gain, counted in units of the largest difference, is so small that its square is zero.
    network = truth + np.linspace(1e190, 1e191, truth.size).reshape(truth.shape)
    found = fit_blend(truth, truth + 0.1, network, 8.0, 400)
    assert 0.0 <= found.weight < 1e-180


@pytest.mark.parametrize("blend", [None, 0.5, "auto"])
@pytest.mark.parametrize("level", [0.0, 1.0, 1e200])
def test_nobody_has_skill_where_a_naive_forecast_is_perfect(blend, level):
    week = level * np.tile(np.arange(7.0), 60)
    fitted = RNNForecaster(7, blend=blend, n_estimators=1, max_iter=2, random_state=0).fit(week)
    assert fitted.skill_ == pytest.approx(0.0, abs=1e-12)


def test_a_network_that_errs_where_a_naive_forecast_is_perfect_has_a_finite_skill():
    wave = np.sin(np.arange(420) * 2 * np.pi / 7)  # the season before is right to rounding
    fitted = RNNForecaster(7, blend=None, n_estimators=1, max_iter=1, random_state=0).fit(wave)
    assert -np.inf < fitted.skill_ < -1.0
    assert fitted.no_skill_
