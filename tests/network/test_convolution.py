"""The causal convolution against a slow twin, central differences, PyTorch, and the law that it looks back only."""

from __future__ import annotations

import numpy as np
import pytest

from rnnforecast.kernels.activations import linear, relu, tanh
from rnnforecast.network.convolution import CausalConvolution
from rnnforecast.network.dense import Dense
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


def problem_of(D=2, F=3, K=3, dilation=2, activation=relu, T=7, B=4, dtype="float64") -> Problem:
    return Problem(CausalConvolution(D, F, K, dilation, activation), T, B, dtype)


GOLDEN_PROBLEMS = {"convolution": problem_of}


def naive(problem):
    """Output, one step, one filter and one tap at a time."""
    layer, x = problem.layer, problem.x
    K, D, F = layer.kernel_size, layer.n_inputs, layer.n_outputs
    weight, bias = problem.parameters["weight"].reshape(F, K, D), problem.parameters["bias"]
    y = np.zeros((problem.T, F, problem.B))
    for t, f, b in np.ndindex(y.shape):
        total = bias[f]
        for k in range(K):
            seen = t - (K - 1 - k) * layer.dilation
            if seen >= 0:
                total += weight[f, k] @ x[seen, :, b]
        y[t, f, b] = max(total, 0.0)
    return y


@pytest.mark.parametrize(("K", "dilation"), [(1, 1), (2, 1), (3, 2), (4, 3)])
def test_output_equals_the_slow_twin(K, dilation):
    problem = problem_of(K=K, dilation=dilation)
    np.testing.assert_allclose(problem.y(), naive(problem), rtol=0, atol=1e-14)  # of order one, few roundings


@pytest.mark.parametrize("activation", [relu, tanh, linear], ids=lambda activation: activation.name)
@pytest.mark.parametrize(("K", "dilation"), [(1, 1), (3, 1), (2, 3)])
def test_gradients_equal_central_differences(K, dilation, activation):
    for T, B, size in SIZES:
        assert_gradients_equal_central_differences(problem_of(size, 4 - size, K, dilation, activation, T, B))


def test_zero_upstream_gives_zero_gradient():
    assert_gradients_without_upstream_are_zero(problem_of())


def test_input_gradient_is_made_only_if_wanted():
    assert_input_gradient_is_left_out_unless_wanted(problem_of())


def test_no_output_depends_on_a_later_input():
    problem = problem_of(activation=linear)
    before = problem.y().copy()
    for t in range(problem.T):
        kept = problem.x[t].copy()
        problem.x[t] += 1.0
        moved = np.abs(problem.y() - before).max((1, 2))
        problem.x[t] = kept
        sees = [t + lag for lag in (0, 2, 4) if t + lag < problem.T]
        assert (moved[sees] > 1e-3).all()
        moved[sees] = 0.0
        assert not moved.any()


def test_padding_at_the_end_changes_nothing():
    problem = problem_of()
    problem.x[4:] = 100.0
    problem.d_y[4:] = 0.0
    padded = problem.passes()
    short = problem_of(T=4)
    short.flat, short.x, short.d_y = problem.flat, problem.x[:4].copy(), problem.d_y[:4].copy()
    expected = short.passes()
    assert_close(Passes(padded.y[:4], padded.d_x[:4], padded.d), expected, 1e-14)  # only sums of zeros differ
    assert not padded.d_x[4:].any()


def test_one_tap_is_a_dense_layer():
    problem = problem_of(K=1)
    dense = Problem(Dense(2, 3, relu), 7, 4)
    assert_close(problem.passes(), dense.passes(), 0.0)


def test_buffers_may_be_used_again():
    problem = problem_of()
    prepared, work, first = problem.forward()
    first = first.copy()
    problem.layer.forward(prepared, problem.x + 1.0, work)
    np.testing.assert_array_equal(problem.layer.forward(prepared, problem.x, work), first)


def test_weights_start_with_the_variance_of_glorot_over_all_taps():
    weight = CausalConvolution(20, 50, 5).parameters()[0]
    start = weight.initialize(weight.shape, np.random.default_rng(0))
    assert start.shape == (50, 100)
    # Variance of 5000 uniform draws: its relative error is sqrt(0.8 / 5000), about 1.3 %.
    np.testing.assert_allclose(start.var(), 2.0 / 150.0, rtol=0.05)


def torch_passes(torch, problem: Problem) -> Passes:
    layer = problem.layer
    K, D, F = layer.kernel_size, layer.n_inputs, layer.n_outputs
    net = torch.nn.Conv1d(D, F, K, dilation=layer.dilation, dtype=getattr(torch, problem.dtype.name))
    with torch.no_grad():
        net.weight.copy_(torch.tensor(problem.parameters["weight"].reshape(F, K, D).transpose(0, 2, 1).copy()))
        net.bias.copy_(torch.tensor(problem.parameters["bias"]))
    x = torch.tensor(problem.x).requires_grad_()
    padded = torch.nn.functional.pad(x.permute(2, 1, 0), ((K - 1) * layer.dilation, 0))
    y = torch.relu(net(padded)).permute(2, 1, 0)
    (y * torch.tensor(problem.d_y)).sum().backward()
    d_weight = net.weight.grad.numpy().transpose(0, 2, 1).reshape(F, K * D)
    return Passes(y.detach().numpy(), x.grad.numpy(), {"weight": d_weight, "bias": net.bias.grad.numpy()})


@pytest.mark.parametrize("dtype", TOLERANCE)
@pytest.mark.parametrize(("K", "dilation", "T"), [(1, 1, 9), (3, 1, 9), (4, 2, 9), (3, 4, 2)])
def test_passes_equal_pytorch(K, dilation, T, dtype):
    torch = pytest.importorskip("torch", reason="compares with torch.nn live; the golden arrays do without")
    problem = problem_of(5, 7, K, dilation, T=T, B=5, dtype=dtype)
    assert_close(problem.passes(), torch_passes(torch, problem), TOLERANCE[dtype])


@pytest.mark.parametrize("name", GOLDEN_PROBLEMS)
def test_passes_equal_the_golden_arrays_of_pytorch(name):
    assert_equals_golden(name, GOLDEN_PROBLEMS[name]())
