"""Zoneout: what is kept and what is new, against slow sums over single steps, and the derivatives of both."""

from __future__ import annotations

import pickle

import numpy as np
import pytest

from rnnforecast.kernels.cells import NAMES, named
from rnnforecast.network.recurrent import Recurrent
from rnnforecast.network.zoneout import BidirectionalZoneout, Zoneout
from tests.golden.make_layers import (
    SIZES,
    Problem,
    assert_gradients_equal_central_differences,
    assert_gradients_without_upstream_are_zero,
    assert_input_gradient_is_left_out_unless_wanted,
)


def problem_of(cell="gru", H=3, rate=0.4, every=True, T=5, B=4, seed_of_draws=1, dtype="float64", **kwargs) -> Problem:
    layer = Zoneout(named(cell), 2, H, dtype, rate, every)
    return Problem(layer, T, B, dtype, seed_of_draws=seed_of_draws, **kwargs)


@pytest.mark.parametrize("every", [True, False])
@pytest.mark.parametrize("cell", ["rnn", "lstm", "gru"])
def test_gradients_equal_central_differences(cell, every):
    for T, B, size in SIZES:
        assert_gradients_equal_central_differences(problem_of(cell, size, every=every, T=T, B=B))


@pytest.mark.parametrize("cell", NAMES)
def test_gradients_of_the_mean_taken_in_prediction_equal_central_differences(cell):
    assert_gradients_equal_central_differences(problem_of(cell, seed_of_draws=None))


def test_gradients_of_both_directions_equal_central_differences():
    for every, lengths in [(True, None), (True, [5, 2, 1, 4]), (False, None), (False, [5, 2, 1, 4])]:
        layer = BidirectionalZoneout(named("lstm"), 2, 3, np.float64, 0.4, every)
        assert_gradients_equal_central_differences(Problem(layer, 5, 4, lengths=lengths, seed_of_draws=2))


def test_zero_upstream_gives_zero_gradient():
    assert_gradients_without_upstream_are_zero(problem_of())


def test_input_gradient_is_made_only_if_wanted():
    assert_input_gradient_is_left_out_unless_wanted(problem_of())


@pytest.mark.parametrize("cell", ["gru", "lstm"])
def test_a_rate_of_zero_is_the_layer_without_zoneout(cell):
    problem = problem_of(cell, rate=0.0)
    plain = Problem(Recurrent(named(cell), 2, 3, np.float64), 5, 4)
    passes, expected = problem.passes(), plain.passes()
    # The same sums, cut at the steps: rounding of some dozens of terms of order one.
    np.testing.assert_allclose(passes.y, expected.y, rtol=0, atol=1e-13)
    np.testing.assert_allclose(passes.d_x, expected.d_x, rtol=0, atol=1e-13)


@pytest.mark.parametrize("seed_of_draws", [1, None], ids=["training", "prediction"])
def test_each_unit_keeps_its_share_of_the_step_before(seed_of_draws):
    rate, T, B, H = 0.3, 6, 4, 3
    problem = problem_of("lstm", H, rate, T=T, B=B, seed_of_draws=seed_of_draws)
    plain = Recurrent(named("lstm"), 2, H, np.float64)
    prepared, y = plain.prepare(problem.parameters), problem.y()
    draws = np.random.default_rng(seed_of_draws).random((T, H, B), dtype=np.float32)
    state = np.zeros((2, H, B))
    for t in range(T):
        work = plain.work(1, B, np.float64, training=False)
        work.state = state
        new = plain.forward(prepared, problem.x[t : t + 1], work)[0]
        mean = rate * state[0] + (1.0 - rate) * new
        hidden = mean if seed_of_draws is None else np.where(draws[t] < rate, state[0], new)
        np.testing.assert_allclose(y[t], hidden, rtol=0, atol=1e-14)  # three roundings of numbers below one
        state = np.stack([hidden, work.last[1]])


def test_units_stay_as_often_as_the_rate_says():
    y = problem_of("rnn", H=40, rate=0.25, T=10, B=50).y()
    stayed = (y[1:] == y[:-1]).mean()
    # 18,000 independent draws: five standard deviations of their mean are 5 sqrt(0.1875 / 18000) = 0.016.
    assert abs(stayed - 0.25) < 0.017


def test_the_same_seed_draws_the_same_units():
    first, again, other = (problem_of(seed_of_draws=seed).y() for seed in (1, 1, 2))
    np.testing.assert_array_equal(first, again)
    assert (first != other).any()


@pytest.mark.parametrize("cell", ["gru", "lstm"])
def test_carrying_the_state_equals_one_long_sequence(cell):
    problem = problem_of(cell, T=7, seed_of_draws=None)
    whole, state, parts = problem.y(), None, []
    prepared = problem.layer.prepare(problem.parameters)
    for part in (slice(0, 3), slice(3, 4), slice(4, 7)):
        work = problem.layer.work(part.stop - part.start, 4, np.float64, training=False)
        work.state = state
        parts.append(problem.layer.forward(prepared, problem.x[part], work).copy())
        state = work.last.copy()
    np.testing.assert_array_equal(np.concatenate(parts), whole)


@pytest.mark.parametrize("cell", ["gru", "lstm"])
def test_derivatives_in_first_and_last_states_chain_two_pieces_into_one(cell):
    problem = problem_of(cell, T=5, seed_of_draws=None)
    layer, layout, x, d_y = problem.layer, problem.layout, problem.x, problem.d_y
    prepared, whole = layer.prepare(problem.parameters), problem.passes()
    first, second = layer.work(2, 4, np.float64, True), layer.work(3, 4, np.float64, True)
    layer.forward(prepared, x[:2], first)
    second.state, second.d_state = first.last.copy(), np.empty_like(first.last)
    layer.forward(prepared, x[2:], second)
    gradient = np.zeros_like(problem.flat)
    d_later = layer.backward(prepared, d_y[2:], second, layout.views(gradient), wants_d_x=True).copy()
    first.d_last = second.d_state
    d_earlier = layer.backward(prepared, d_y[:2], first, layout.views(gradient), wants_d_x=True)
    np.testing.assert_array_equal(np.concatenate([d_earlier, d_later]), whole.d_x)


def test_float32_stays_float32_and_near_float64():
    single, double = (problem_of(dtype=d).passes() for d in ("float32", "float64"))
    assert single.y.dtype == single.d_x.dtype == np.float32
    np.testing.assert_allclose(single.y, double.y, rtol=0, atol=5e-6)  # dozens of roundings of order one


def test_a_pickled_layer_is_the_same():
    problem = problem_of()
    again = pickle.loads(pickle.dumps(problem.layer))
    other = Problem(again, 5, 4, seed_of_draws=1)
    np.testing.assert_array_equal(problem.y(), other.y())
