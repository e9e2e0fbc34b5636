"""Layer normalisation against a slow twin, central differences, PyTorch, and its invariances."""

from __future__ import annotations

import numpy as np
import pytest

from rnnforecast.network.layout import Layout
from rnnforecast.network.normalization import LayerNorm
from tests.golden.make_layers import (
    SIZES,
    TOLERANCE,
    Passes,
    Problem,
    assert_close,
    assert_equals_golden,
    assert_gradients_equal_central_differences,
    assert_gradients_without_upstream_are_zero,
    assert_input_gradient_is_left_out_unless_wanted,
)


def problem_of(D=5, epsilon=1e-5, T=3, B=4, dtype="float64") -> Problem:
    return Problem(LayerNorm(D, epsilon), T, B, dtype)


GOLDEN_PROBLEMS = {"normalization": problem_of}


def test_output_equals_the_slow_twin():
    problem = problem_of()
    weight, bias = problem.parameters["weight"], problem.parameters["bias"]
    y = problem.y()
    for t, b in np.ndindex(problem.T, problem.B):
        rows = list(problem.x[t, :, b])
        mean = sum(rows) / len(rows)
        variance = sum((value - mean) ** 2 for value in rows) / len(rows)
        for d, value in enumerate(rows):
            expected = weight[d] * (value - mean) / (variance + 1e-5) ** 0.5 + bias[d]
            assert y[t, d, b] == pytest.approx(expected, rel=0, abs=1e-14)  # of order one, few roundings


def test_gradients_equal_central_differences():
    # Two rows become -1 and 1 but for epsilon: a large one keeps their derivative from vanishing.
    for T, B, size in SIZES:
        assert_gradients_equal_central_differences(problem_of(size, 1e-5, T, B))
        assert_gradients_equal_central_differences(problem_of(size + 1, 0.5, T, B))


def test_zero_upstream_gives_zero_gradient():
    assert_gradients_without_upstream_are_zero(problem_of())


def test_input_gradient_is_made_only_if_wanted():
    assert_input_gradient_is_left_out_unless_wanted(problem_of())


def test_shifting_and_scaling_the_rows_changes_nothing():
    problem = problem_of(epsilon=1e-30)
    before = problem.y().copy()
    problem.x = 8.0 * problem.x + np.linspace(-2.0, 2.0, 12).reshape(3, 1, 4)
    np.testing.assert_allclose(problem.y(), before, rtol=0, atol=1e-13)  # epsilon is nothing, the rest is rounding


def test_a_large_level_does_not_drown_the_deviation():
    problem = problem_of(epsilon=1e-30, dtype="float32")
    problem.x = np.round(problem.x * 64.0) / np.float32(64.0)  # exact beside the level below
    before = problem.y().copy()
    problem.x += np.float32(1024.0)
    # The mean is rounded to 1e-4 at most, eps of float32 times the level, and the deviations are of order one.
    np.testing.assert_allclose(problem.y(), before, rtol=0, atol=2e-3)


def test_rows_get_mean_zero_and_deviation_one_at_the_start():
    problem = problem_of(epsilon=1e-30)
    problem.flat = Layout(problem.layer.parameters()).initial(np.random.default_rng(0), np.float64)
    y = problem.y()
    np.testing.assert_allclose(y.mean(1), 0.0, atol=1e-15)
    np.testing.assert_allclose(y.std(1), 1.0, rtol=1e-14)


def test_rows_that_are_all_alike_give_the_bias():
    problem = problem_of()
    problem.x[...] = 3.0
    np.testing.assert_array_equal(problem.y(), np.broadcast_to(problem.parameters["bias"][:, None], (3, 5, 4)))
    assert np.isfinite(problem.passes().d_x).all()


def test_steps_and_sequences_do_not_touch_each_other():
    problem = problem_of()
    before = problem.y().copy()
    problem.x[1, :, 2] += np.arange(5.0)
    moved = np.abs(problem.y() - before).max(1)
    assert moved[1, 2] > 1e-3
    moved[1, 2] = 0.0
    assert not moved.any()


def torch_passes(torch, problem: Problem) -> Passes:
    net = torch.nn.LayerNorm(problem.layer.n_inputs, problem.layer.epsilon, dtype=getattr(torch, problem.dtype.name))
    with torch.no_grad():
        net.weight.copy_(torch.tensor(problem.parameters["weight"]))
        net.bias.copy_(torch.tensor(problem.parameters["bias"]))
    x = torch.tensor(problem.x).requires_grad_()
    y = net(x.transpose(1, 2)).transpose(1, 2)
    (y * torch.tensor(problem.d_y)).sum().backward()
    d = {"weight": net.weight.grad.numpy(), "bias": net.bias.grad.numpy()}
    return Passes(y.detach().numpy(), x.grad.numpy(), d)


@pytest.mark.parametrize("dtype", TOLERANCE)
def test_passes_equal_pytorch(dtype):
    torch = pytest.importorskip("torch", reason="compares with torch.nn live; the golden arrays do without")
    problem = problem_of(7, T=9, B=5, dtype=dtype)
    assert_close(problem.passes(), torch_passes(torch, problem), TOLERANCE[dtype])


@pytest.mark.parametrize("name", GOLDEN_PROBLEMS)
def test_passes_equal_the_golden_arrays_of_pytorch(name):
    assert_equals_golden(name, GOLDEN_PROBLEMS[name]())
