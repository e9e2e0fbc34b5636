"""The recurrence over a period against a slow twin, central differences, PyTorch, and its laws."""

from __future__ import annotations

import numpy as np
import pytest

from rnnforecast.kernels.cells import named
from rnnforecast.network.recurrent import Recurrent
from rnnforecast.network.skip import SkipRecurrent, d_interleave, interleave
from tests.golden.make_layers import (
    TOLERANCE,
    Passes,
    Problem,
    assert_close,
    assert_equals_golden,
    assert_gradients_equal_central_differences,
    assert_gradients_without_upstream_are_zero,
    assert_input_gradient_is_left_out_unless_wanted,
)

LENGTHS = [11, 3, 7, 9]


def problem_of(cell="rnn", D=2, H=3, period=3, T=11, B=4, dtype="float64", lengths=None) -> Problem:
    return Problem(SkipRecurrent(named(cell), D, H, dtype, period), T, B, dtype, lengths)


GOLDEN_PROBLEMS = {"skip": lambda: problem_of("gru")}


def naive(problem):
    """Output of an Elman layer, one sequence, one phase and one step at a time."""
    period, y = problem.layer.period, []
    weight_input, weight_hidden, bias = (problem.parameters[n] for n in ("weight_input", "weight_hidden", "bias"))
    for b in range(problem.B):
        length = problem.T if problem.lengths is None else problem.lengths[b]
        states = []
        for phase in range(period):
            newest = length - period + phase
            h = np.zeros(len(weight_hidden))
            for t in range(newest % period, newest + 1, period):
                if t >= length % period:
                    h = np.tanh(weight_input @ problem.x[t, :, b] + weight_hidden @ h + bias)
            states.append(h)
        y.append(np.concatenate(states))
    return np.stack(y, axis=1)[None]


@pytest.mark.parametrize("lengths", [None, LENGTHS])
@pytest.mark.parametrize(("period", "T"), [(1, 11), (2, 11), (3, 11), (3, 12)])
def test_output_equals_the_slow_twin(period, T, lengths):
    problem = problem_of(period=period, T=T, lengths=lengths)
    np.testing.assert_allclose(problem.y(), naive(problem), rtol=0, atol=1e-13)  # of order one, few roundings


# T, B, H, period, lengths
SETUPS = [
    (1, 1, 1, 1, None),
    (2, 3, 1, 2, None),
    (2, 1, 3, 1, None),
    (5, 3, 3, 2, None),
    (5, 3, 1, 2, [5, 2, 3]),
    (5, 1, 1, 5, None),
    (9, 3, 3, 3, [3, 9, 8]),  # one sequence drops steps, and another as long as T none
]


@pytest.mark.parametrize("cell", ["rnn", "lstm", "gru"])
def test_gradients_equal_central_differences(cell):
    for T, B, H, period, lengths in SETUPS:
        assert_gradients_equal_central_differences(problem_of(cell, 2, H, period, T, B, lengths=lengths))


@pytest.mark.parametrize("lengths", [None, LENGTHS])
def test_zero_upstream_gives_zero_gradient(lengths):
    assert_gradients_without_upstream_are_zero(problem_of("lstm", lengths=lengths))


@pytest.mark.parametrize("lengths", [None, LENGTHS])
def test_input_gradient_is_made_only_if_wanted(lengths):
    assert_input_gradient_is_left_out_unless_wanted(problem_of("lstm", lengths=lengths))


def test_interleaving_keeps_steps_of_a_phase_together_and_is_undone():
    x = np.arange(48.0).reshape(6, 2, 4)
    y = interleave(x, 3)
    assert y.shape == (2, 2, 12)
    for t, phase in np.ndindex(2, 3):
        np.testing.assert_array_equal(y[t, :, 4 * phase : 4 * phase + 4], x[3 * t + phase])
    np.testing.assert_array_equal(d_interleave(y, 3), x)


def test_period_one_is_the_recurrent_layer():
    skipping = problem_of("gru", period=1)
    plain = Problem(Recurrent(named("gru"), 2, 3, np.float64, every=False), 11, 4)
    assert_close(skipping.passes(), plain.passes(), 0.0)


def test_each_phase_sees_only_its_own_steps_and_the_oldest_are_dropped():
    problem = problem_of()
    before = problem.y().reshape(3, 3, 4).copy()
    for t in range(problem.T):
        kept = problem.x[t].copy()
        problem.x[t] += 1.0
        moved = np.abs(problem.y().reshape(3, 3, 4) - before).max((1, 2))
        problem.x[t] = kept
        phase = (t - problem.T % 3) % 3
        assert (moved[phase] > 0.0) == (t >= problem.T % 3)
        moved[phase] = 0.0
        assert not moved.any()


def test_lengths_of_all_steps_equal_no_lengths():
    assert_close(problem_of(lengths=[11] * 4).passes(), problem_of().passes(), 1e-15)  # only sums of zeros differ


def test_padding_changes_nothing():
    problem = problem_of("lstm", lengths=LENGTHS)
    problem.x += 100.0 * (np.arange(11)[:, None, None] >= np.array(LENGTHS))
    together = problem.passes()
    total = {name: np.zeros_like(d) for name, d in together.d.items()}
    for b, length in enumerate(LENGTHS):
        one = problem.alone(b, length).passes()
        np.testing.assert_allclose(together.y[..., b], one.y[..., 0], rtol=0, atol=1e-14)  # blocks of vectors
        np.testing.assert_allclose(together.d_x[:length, :, b], one.d_x[..., 0], rtol=0, atol=1e-13)
        assert not together.d_x[length:, :, b].any()
        for name, d in one.d.items():
            total[name] += d
    for name, d in together.d.items():
        np.testing.assert_allclose(d, total[name], rtol=0, atol=1e-12)  # the same terms in another order


def test_sequences_shorter_than_the_period_are_refused():
    with pytest.raises(ValueError, match="a period of 3 steps needs sequences at least as long, got 2 steps"):
        problem_of(T=2).y()
    with pytest.raises(ValueError, match="a period of 3 steps needs sequences at least as long, got 1 in sequence 2"):
        problem_of(lengths=[11, 3, 1, 9]).y()


def torch_passes(torch, problem: Problem) -> Passes:
    """The skip of LSTNet with torch.nn.GRU; its sequences are (steps, batch, rows)."""
    layer, B, period = problem.layer, problem.B, problem.layer.period
    H = layer.n_outputs // period
    net = torch.nn.GRU(layer.n_inputs, H, dtype=getattr(torch, problem.dtype.name))
    bias = torch.tensor(problem.parameters["bias"])
    with torch.no_grad():
        net.weight_ih_l0.copy_(torch.tensor(problem.parameters["weight_input"]))
        net.weight_hh_l0.copy_(torch.tensor(problem.parameters["weight_hidden"]))
        net.bias_ih_l0.copy_(bias[: 3 * H])
        net.bias_hh_l0.copy_(torch.cat([torch.zeros_like(bias[: 2 * H]), bias[3 * H :]]))
    x = torch.tensor(problem.x).requires_grad_()
    n = problem.T // period
    steps = x[-n * period :].permute(2, 1, 0).reshape(B, layer.n_inputs, n, period)
    steps = steps.permute(2, 0, 3, 1).reshape(n, B * period, layer.n_inputs)
    y = net(steps)[1].reshape(B, period * H).T[None]
    (y * torch.tensor(problem.d_y)).sum().backward()
    d = {
        "weight_input": net.weight_ih_l0.grad.numpy(),
        "weight_hidden": net.weight_hh_l0.grad.numpy(),
        "bias": np.concatenate([net.bias_ih_l0.grad.numpy(), net.bias_hh_l0.grad.numpy()[2 * H :]]),
    }
    return Passes(y.detach().numpy(), x.grad.numpy(), d)


@pytest.mark.parametrize("dtype", TOLERANCE)
def test_passes_equal_pytorch(dtype):
    torch = pytest.importorskip("torch", reason="compares with torch.nn live; the golden arrays do without")
    problem = problem_of("gru", 3, 7, period=4, T=18, B=5, dtype=dtype)
    assert_close(problem.passes(), torch_passes(torch, problem), TOLERANCE[dtype])


@pytest.mark.parametrize("name", GOLDEN_PROBLEMS)
def test_passes_equal_the_golden_arrays_of_pytorch(name):
    assert_equals_golden(name, GOLDEN_PROBLEMS[name]())
