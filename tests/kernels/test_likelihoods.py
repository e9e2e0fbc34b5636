"""Losses of distributions: values against scipy.stats, derivatives against differences."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from rnnforecast.kernels import likelihoods
from rnnforecast.kernels.losses import quantile
from rnnforecast.network.heads import LIKELIHOODS, head_of
from tests.gradients import numerical, relative_error

LEVELS = (0.05, 0.25, 0.5, 0.9)


def _log_density(name, parameters, target):
    if name == "gaussian":
        return stats.norm.logpdf(target, parameters[:, 0], parameters[:, 1])
    if name == "student_t":
        return stats.t.logpdf(target, parameters[:, 2], parameters[:, 0], parameters[:, 1])
    if name == "poisson":
        return stats.poisson.logpmf(target, parameters[:, 0])
    shape = 1 / parameters[:, 1]
    return stats.nbinom.logpmf(target, shape, shape / (shape + parameters[:, 0]))


def _problem(name, rng, shape=(4, 5)):
    head = head_of(name, LEVELS)
    raw = rng.normal(size=(shape[0], head.n_parameters, shape[1]))
    target = rng.poisson(3, shape).astype(float) if head.counts else 2 * rng.normal(size=shape)
    return head, raw, target


@pytest.mark.parametrize("name", LIKELIHOODS)
def test_a_likelihood_is_the_one_of_scipy(name, rng):
    head, raw, target = _problem(name, rng)
    expected = -_log_density(name, head.parameters(raw), target).sum()
    assert head.likelihood(raw, target, np.empty_like(raw)) == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize("name", [*LIKELIHOODS, "quantile"])
def test_derivatives_are_those_of_the_value(name, rng):
    head, raw, target = _problem(name, rng)
    d_raw = np.empty_like(raw)
    head.likelihood(raw, target, d_raw)
    expected = numerical(lambda: head.likelihood(raw, target, np.empty_like(raw)), raw)
    # Central differences in float64: about 1e-10; a pinball loss has no kinks within 1e-5 of these draws
    assert relative_error(d_raw, expected) < 1e-8


@pytest.mark.parametrize("name", [*LIKELIHOODS, "quantile"])
def test_wild_outputs_in_single_precision_stay_finite(name):
    head = head_of(name, LEVELS)
    raw = np.repeat(np.array([-1e3, -30.0, 0.0, 30.0, 1e3], np.float32)[:, None, None], head.n_parameters, axis=1)
    target, d_raw = np.full((5, 1), 3.0, np.float32), np.empty_like(raw)
    assert np.isfinite(head.likelihood(raw, target, d_raw))
    assert np.isfinite(d_raw).all()
    assert np.isfinite(head.parameters(raw)).all()


def test_quantiles_never_cross_and_begin_as_those_of_a_normal_distribution(rng):
    levels = np.array(LEVELS)
    wild = likelihoods.fan_parameters(10 * rng.normal(size=(50, 4, 3)), levels)
    assert (np.diff(wild, axis=1) >= 0).all()
    first = likelihoods.fan_parameters(np.zeros((1, 4, 1)), levels).ravel()
    np.testing.assert_allclose(first, 0.5 * stats.norm.ppf(levels), rtol=1e-12)


def test_the_loss_of_a_fan_is_twice_the_mean_of_its_quantiles_pinball_losses(rng):
    head, raw, target = _problem("quantile", rng)
    values = head.parameters(raw)
    expected = [quantile(p)(values[:, k], target, np.empty_like(target)) for k, p in enumerate(LEVELS)]
    assert head.likelihood(raw, target, np.empty_like(raw)) == pytest.approx(2 * np.mean(expected), rel=1e-12)


def test_a_median_alone_costs_the_absolute_error(rng):
    raw, target = rng.normal(size=(3, 1, 2)), rng.normal(size=(3, 2))
    found = head_of("quantile", [0.5]).likelihood(raw, target, np.empty_like(raw))
    assert found == pytest.approx(np.abs(raw[:, 0] - target).sum(), rel=1e-12)


def test_a_negative_binomial_without_dispersion_is_a_poisson_distribution(rng):
    _, raw, target = _problem("poisson", rng)
    both = np.concatenate([raw, np.full_like(raw, -50.0)], axis=1)
    expected = likelihoods.poisson(raw, target, np.empty_like(raw))
    # The dispersion is 1e-4, and the difference of the order of its product with squared counts, of some 10
    assert likelihoods.negative_binomial(both, target, np.empty_like(both)) == pytest.approx(expected, rel=1e-2)
