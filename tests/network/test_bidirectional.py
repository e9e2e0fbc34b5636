"""Both directions of a cell against a slow twin, central differences, PyTorch, and the laws of reversal and padding."""

from __future__ import annotations

import pickle

import numpy as np
import pytest

from rnnforecast.kernels.cells import named
from rnnforecast.network.bidirectional import Bidirectional, reverse
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

CELLS = {"rnn": "RNN", "lstm": "LSTM", "gru": "GRU"}
LENGTHS = [5, 2, 1, 4]


def problem_of(cell="gru", D=2, H=3, every=True, T=5, B=4, dtype="float64", lengths=None) -> Problem:
    return Problem(Bidirectional(named(cell), D, H, dtype, every), T, B, dtype, lengths)


GOLDEN_PROBLEMS = {
    f"bidirectional {cell} {'every' if every else 'ends'}": lambda cell=cell, every=every: problem_of(
        cell, H=2, every=every, lengths=LENGTHS
    )
    for cell in CELLS
    for every in (True, False)
}


def sigmoid(z):
    return 1.0 / (1.0 + np.exp(-z))


def naive_states(cell, weights, steps):
    """Hidden state after each of `steps` (each (D,)), written from the equations of the papers."""
    weight_input, weight_hidden, bias = weights
    H = weight_hidden.shape[1]
    h, c, states = np.zeros(H), np.zeros(H), []
    for x in steps:
        if cell == "rnn":
            h = np.tanh(weight_input @ x + weight_hidden @ h + bias)
        elif cell == "lstm":
            i, f, g, o = np.split(weight_input @ x + weight_hidden @ h + bias, 4)
            c = sigmoid(f) * c + sigmoid(i) * np.tanh(g)
            h = sigmoid(o) * np.tanh(c)
        else:
            (r_x, z_x, n_x), (r_h, z_h, n_h) = np.split(weight_input @ x, 3), np.split(weight_hidden @ h, 3)
            r_b, z_b, n_b, m_b = np.split(bias, 4)
            r, z = sigmoid(r_x + r_h + r_b), sigmoid(z_x + z_h + z_b)
            h = (1.0 - z) * np.tanh(n_x + n_b + r * (n_h + m_b)) + z * h
        states.append(h)
    return states


def naive(cell, problem):
    """Output of the layer, one sequence and one step at a time."""
    layer, x = problem.layer, problem.x
    names = ("weight_input", "weight_hidden", "bias")
    forward, backward = ([problem.parameters[f"{d}.{n}"] for n in names] for d in ("forward", "backward"))
    y = np.zeros_like(problem.d_y)
    for b in range(problem.B):
        steps = [x[t, :, b] for t in range(problem.T if problem.lengths is None else problem.lengths[b])]
        ahead = naive_states(cell, forward, steps)
        back = naive_states(cell, backward, steps[::-1])[::-1]
        if layer.every:
            for t in range(len(steps)):
                y[t, :, b] = np.concatenate([ahead[t], back[t]])
        else:
            y[0, :, b] = np.concatenate([ahead[-1], back[0]])
    return y


@pytest.mark.parametrize("lengths", [None, LENGTHS])
@pytest.mark.parametrize("every", [True, False])
@pytest.mark.parametrize("cell", CELLS)
def test_output_equals_the_slow_twin(cell, every, lengths):
    problem = problem_of(cell, every=every, lengths=lengths)
    np.testing.assert_allclose(problem.y(), naive(cell, problem), rtol=0, atol=1e-13)  # of order one, few roundings


# T, B, H, every state, lengths: each extreme beside every kind of the others.
SETUPS = [
    (1, 1, 1, True, None),
    (1, 3, 3, False, None),
    (2, 3, 1, False, [1, 2, 1]),
    (2, 1, 3, True, None),
    (5, 1, 1, False, None),
    (5, 3, 3, True, [3, 5, 1]),
    (5, 3, 3, False, [4, 1, 5]),
]


@pytest.mark.parametrize("cell", CELLS)
def test_gradients_equal_central_differences(cell):
    for T, B, H, every, lengths in SETUPS:
        assert_gradients_equal_central_differences(problem_of(cell, 2, H, every, T, B, lengths=lengths))


@pytest.mark.parametrize("every", [True, False])
@pytest.mark.parametrize("lengths", [None, LENGTHS])
def test_zero_upstream_gives_zero_gradient(every, lengths):
    assert_gradients_without_upstream_are_zero(problem_of("lstm", every=every, lengths=lengths))


@pytest.mark.parametrize("every", [True, False])
def test_input_gradient_is_made_only_if_wanted(every):
    assert_input_gradient_is_left_out_unless_wanted(problem_of("lstm", every=every, lengths=LENGTHS))


def test_reversing_twice_changes_nothing():
    x = np.arange(40.0).reshape(5, 2, 4)
    for lengths in (None, np.array(LENGTHS)):
        np.testing.assert_array_equal(reverse(reverse(x, lengths), lengths), x)
    once = reverse(x, np.array(LENGTHS))
    np.testing.assert_array_equal(once[:, 0, 3], x[[3, 2, 1, 0, 4], 0, 3])  # four real steps, the fifth is padding


@pytest.mark.parametrize("every", [True, False])
def test_reversed_inputs_and_swapped_directions_give_swapped_halves_in_reverse(every):
    problem, mirror = problem_of(every=every), problem_of(every=every)
    for name, view in mirror.parameters.items():
        direction, own = name.split(".")
        view[...] = problem.parameters[f"{'backward' if direction == 'forward' else 'forward'}.{own}"]
    mirror.x = np.ascontiguousarray(problem.x[::-1])
    H = problem.layer.n_units
    ahead, back = problem.y()[:, :H], problem.y()[:, H:]
    np.testing.assert_array_equal(mirror.y(), np.concatenate([back, ahead], axis=1)[::-1])


@pytest.mark.parametrize("every", [True, False])
def test_lengths_of_all_steps_equal_no_lengths(every):
    whole, counted = problem_of(every=every), problem_of(every=every, lengths=[5] * 4)
    assert_close(counted.passes(), whole.passes(), 1e-15)  # the same arithmetic; only sums of zeros differ


@pytest.mark.parametrize("every", [True, False])
def test_padding_changes_nothing(every):
    problem = problem_of("lstm", every=every, lengths=LENGTHS)
    padded = np.arange(5)[:, None, None] >= np.array(LENGTHS)
    problem.x += 100.0 * padded
    if every:
        problem.d_y += 100.0 * padded  # what flows into padded outputs is ignored
    together = problem.passes()
    total = {name: np.zeros_like(d) for name, d in together.d.items()}
    for b, length in enumerate(LENGTHS):
        one = problem.alone(b, length).passes()
        n_steps = length if every else 1
        np.testing.assert_allclose(together.y[:n_steps, :, b], one.y[:, :, 0], rtol=0, atol=1e-14)  # blocks of vectors
        np.testing.assert_allclose(together.d_x[:length, :, b], one.d_x[:, :, 0], rtol=0, atol=1e-13)
        assert not together.y[n_steps:, :, b].any()
        assert not together.d_x[length:, :, b].any()
        for name, d in one.d.items():
            total[name] += d
    for name, d in together.d.items():
        np.testing.assert_allclose(d, total[name], rtol=0, atol=1e-12)  # the same terms in another order


def test_buffers_serve_equal_and_unequal_lengths_by_turns():
    problem = problem_of(every=False)
    prepared, work, whole = problem.forward(training=True)
    whole = whole.copy()
    work.lengths = np.array(LENGTHS)
    unequal = problem.layer.forward(prepared, problem.x, work).copy()
    work.lengths = None
    np.testing.assert_array_equal(problem.layer.forward(prepared, problem.x, work), whole)
    np.testing.assert_array_equal(unequal, problem_of(every=False, lengths=LENGTHS).y())


def test_a_pickled_layer_computes_the_same():
    problem = problem_of()
    before = problem.y().copy()
    problem.layer = pickle.loads(pickle.dumps(problem.layer))
    np.testing.assert_array_equal(problem.y(), before)


def torch_passes(torch, problem: Problem) -> Passes:
    layer, kind = problem.layer, CELLS[problem.layer.recurrent.cell.name.split("_")[0]]
    H, names = layer.n_units, {"forward": "l0", "backward": "l0_reverse"}
    net = getattr(torch.nn, kind)(layer.n_inputs, H, bidirectional=True, dtype=getattr(torch, problem.dtype.name))
    with torch.no_grad():
        for direction, suffix in names.items():
            own = {n: torch.tensor(problem.parameters[f"{direction}.{n}"]) for n in ("weight_input", "weight_hidden")}
            bias = torch.tensor(problem.parameters[f"{direction}.bias"])
            getattr(net, f"weight_ih_{suffix}").copy_(own["weight_input"])
            getattr(net, f"weight_hh_{suffix}").copy_(own["weight_hidden"])
            getattr(net, f"bias_hh_{suffix}").zero_()
            getattr(net, f"bias_ih_{suffix}").copy_(bias[: 3 * H] if kind == "GRU" else bias)
            if kind == "GRU":  # the fourth bias is that of the hidden candidate
                getattr(net, f"bias_hh_{suffix}")[2 * H :] = bias[3 * H :]
    x = torch.tensor(np.swapaxes(problem.x, 1, 2).copy()).requires_grad_()
    lengths = [problem.T] * problem.B if problem.lengths is None else problem.lengths.tolist()
    packed = torch.nn.utils.rnn.pack_padded_sequence(x, lengths, enforce_sorted=False)
    out, ends = net(packed)
    hidden = ends[0] if kind == "LSTM" else ends
    if layer.every:
        y = torch.nn.utils.rnn.pad_packed_sequence(out, total_length=problem.T)[0].transpose(1, 2)
    else:
        y = torch.cat([hidden[0], hidden[1]], dim=1).T[None]
    (y * torch.tensor(problem.d_y)).sum().backward()
    d = {}
    for direction, suffix in names.items():
        d[f"{direction}.weight_input"] = getattr(net, f"weight_ih_{suffix}").grad.numpy()
        d[f"{direction}.weight_hidden"] = getattr(net, f"weight_hh_{suffix}").grad.numpy()
        d_bias = getattr(net, f"bias_ih_{suffix}").grad.numpy()
        d_hidden = getattr(net, f"bias_hh_{suffix}").grad.numpy()
        d[f"{direction}.bias"] = np.concatenate([d_bias, d_hidden[2 * H :]]) if kind == "GRU" else d_bias
    return Passes(y.detach().numpy(), np.swapaxes(x.grad.numpy(), 1, 2), d)


@pytest.mark.parametrize("dtype", TOLERANCE)
@pytest.mark.parametrize("every", [True, False])
@pytest.mark.parametrize("cell", CELLS)
def test_passes_equal_pytorch(cell, every, dtype):
    torch = pytest.importorskip("torch", reason="compares with torch.nn live; the golden arrays do without")
    for lengths in (None, [9, 3, 1, 6, 9]):
        problem = problem_of(cell, 3, 7, every, T=9, B=5, dtype=dtype, lengths=lengths)
        assert_close(problem.passes(), torch_passes(torch, problem), TOLERANCE[dtype])


@pytest.mark.parametrize("name", GOLDEN_PROBLEMS)
def test_passes_equal_the_golden_arrays_of_pytorch(name):
    assert_equals_golden(name, GOLDEN_PROBLEMS[name]())
