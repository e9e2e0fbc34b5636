"""Learning rates at known steps."""

import numpy as np
import pytest

from rnnforecast.training.schedules import SCHEDULES, schedule


def rates(name, n_steps=100, **options):
    made = schedule(name, 0.2, n_steps, **options)
    return np.array([made.rate(step) for step in range(n_steps)])


def test_the_constant_rate_is_constant():
    np.testing.assert_array_equal(rates("constant"), 0.2)


@pytest.mark.parametrize("name", SCHEDULES)
def test_every_schedule_rises_linearly_to_the_full_rate(name):
    np.testing.assert_allclose(rates(name, warmup=10)[:10], 0.02 * np.arange(1, 11), rtol=1e-14)


@pytest.mark.parametrize("name", SCHEDULES)
def test_a_warmup_longer_than_the_training_never_ends(name):
    np.testing.assert_allclose(rates(name, n_steps=5, warmup=50), 0.004 * np.arange(1, 6), rtol=1e-14)


def test_the_cosine_falls_from_the_full_rate_through_the_half_to_zero():
    made = schedule("cosine", 0.2, 120, warmup=20)
    values = np.array([made.rate(step) for step in range(20, 121)])
    assert values[0] == 0.2
    assert values[50] == pytest.approx(0.1, rel=1e-14)
    assert values[-1] == 0.0
    assert (np.diff(values) < 0).all()
    np.testing.assert_allclose(values, 0.1 * (1 + np.cos(np.pi * np.arange(101) / 100)), rtol=0, atol=1e-16)


def test_beyond_its_last_step_the_cosine_stays_at_zero():
    assert schedule("cosine", 0.2, 10).rate(15) == 0.0


def test_the_plateau_is_cut_after_patience_validations_without_improvement():
    made = schedule("plateau", 0.2, 100, patience=2)
    seen = []
    for value in (5.0, 4.0, 4.0, 4.5, 3.0, 3.0, np.nan, 3.1, 3.2):
        made.observe(value)
        seen.append(made.rate(50))
    assert seen == [0.2, 0.2, 0.2, 0.1, 0.1, 0.1, 0.05, 0.05, 0.025]


@pytest.mark.parametrize("name", ["constant", "cosine"])
def test_only_the_plateau_listens_to_the_validation(name):
    made = schedule(name, 0.2, 100)
    before = made.rate(30)
    for _ in range(20):
        made.observe(1.0)
    assert made.rate(30) == before


def test_an_unknown_schedule_is_refused_with_the_known_ones():
    with pytest.raises(ValueError, match="constant, cosine, plateau, got 'linear'"):
        schedule("linear", 0.1, 10)
