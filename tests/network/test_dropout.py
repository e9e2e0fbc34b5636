"""Both kinds of dropout: what the masks are made of, and that the backward pass uses the forward pass's mask."""

from __future__ import annotations

import numpy as np
import pytest

from rnnforecast.network.dropout import Dropout, VariationalDropout
from tests.golden.make_layers import SIZES, Problem, assert_gradients_equal_central_differences

KINDS = [Dropout, VariationalDropout]


def problem_of(kind, D=3, rate=0.4, T=5, B=4, dtype="float64", seed_of_draws=1) -> Problem:
    return Problem(kind(D, rate), T, B, dtype, seed_of_draws=seed_of_draws)


@pytest.mark.parametrize("kind", KINDS)
def test_gradients_equal_central_differences(kind):
    for T, B, size in SIZES:
        assert_gradients_equal_central_differences(problem_of(kind, size, T=T, B=B))


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("kind", KINDS)
def test_a_number_is_zeroed_or_scaled_up(kind, dtype):
    problem = problem_of(kind, D=40, B=50, dtype=dtype)
    problem.x[...] = 1.0
    y = problem.y()
    assert y.dtype == dtype
    zeroed = y == 0.0
    np.testing.assert_array_equal(y[~zeroed], np.dtype(dtype).type(1.0 / 0.6))
    # 2000 independent draws at least: five standard deviations of their mean are 5 sqrt(0.24 / 2000) = 0.055.
    assert abs(zeroed.mean() - 0.4) < 0.055


def test_a_variational_mask_is_the_same_at_every_step_and_differs_between_sequences():
    mask = problem_of(VariationalDropout, D=40, rate=0.5).passes().d_x / problem_of(VariationalDropout, D=40).d_y
    np.testing.assert_allclose(mask, np.broadcast_to(mask[:1], mask.shape), rtol=1e-15)  # a quotient's rounding
    assert (mask[0, :, 0] != mask[0, :, 1]).any()


def test_a_plain_mask_differs_between_steps():
    zeroed = problem_of(Dropout, D=40).y() == 0.0
    assert (zeroed[0] != zeroed[1]).any()


@pytest.mark.parametrize("kind", KINDS)
def test_the_same_seed_draws_the_same_mask(kind):
    first, again, other = (problem_of(kind, seed_of_draws=seed).y() for seed in (1, 1, 2))
    np.testing.assert_array_equal(first, again)
    assert (first != other).any()


@pytest.mark.parametrize("kind", KINDS)
def test_nothing_is_dropped_in_prediction(kind):
    problem = problem_of(kind, seed_of_draws=None)
    passes = problem.passes()
    np.testing.assert_array_equal(passes.y, problem.x)
    np.testing.assert_array_equal(passes.d_x, problem.d_y)


@pytest.mark.parametrize("kind", KINDS)
def test_rate_zero_changes_nothing(kind):
    problem = problem_of(kind, rate=0.0)
    np.testing.assert_array_equal(problem.y(), problem.x)
