"""The compiled recurrence against its NumPy reference, central differences and the laws of every recurrence."""

from __future__ import annotations

import pickle
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from rnnforecast.kernels import compiled
from rnnforecast.kernels.activations import Activation, linear, sigmoid, tanh
from rnnforecast.kernels.cells import Cell, Gate, elman, gru, lstm
from rnnforecast.kernels.kernel import Kernel
from rnnforecast.kernels.portable import PortableRecurrence
from rnnforecast.kernels.recurrence import recurrence
from tests.gradients import numerical, relative_error
from tests.kernels.problems import CELLS, TOLERANCE, Passes, Problem, assert_close

# T, D, B, H, every step, initial state, derivative in the last state: each size once beside every kind of the others,
# and blocks that are full, ragged or hold one sequence, whatever the vectors' width.
SETUPS = [
    (5, 3, 17, 20, True, True, True),
    (2, 7, 16, 32, False, True, False),
    (1, 16, 3, 1, True, False, True),
    (5, 5, 33, 7, False, False, False),
    (2, 1, 8, 3, True, True, False),
    (5, 16, 1, 32, False, True, True),
    (13, 9, 2, 3, True, False, False),
]


@pytest.mark.parametrize("dtype", TOLERANCE)
@pytest.mark.parametrize("name", CELLS)
def test_compiled_passes_equal_the_reference(name, dtype):
    for setup in SETUPS:
        problem = Problem(CELLS[name], *setup, dtype=dtype)
        assert_close(problem.passes(), problem.passes(PortableRecurrence), TOLERANCE[dtype])


@pytest.mark.parametrize("name", ["rnn_tanh", "lstm", "gru", "peculiar"])
@pytest.mark.parametrize("every", [True, False])
def test_gradients_equal_central_differences(name, every):
    problem = Problem(CELLS[name], T=3, D=2, B=3, H=3, every=every)
    passes = problem.passes()
    arrays = {
        "d_weight_input": problem.weights[0],
        "d_weight_hidden": problem.weights[1],
        "d_bias": problem.weights[2],
        "d_x": problem.x,
        "d_state": problem.state,
    }
    for field, array in arrays.items():
        assert relative_error(getattr(passes, field), numerical(problem.loss, array)) <= 1e-6, field  # see gradients.py


@pytest.mark.parametrize("name", ["rnn_relu", "lstm", "gru"])
def test_inference_equals_the_forward_pass_of_training_bit_for_bit(name):
    problem = Problem(CELLS[name], T=5, D=3, B=9, H=7, dtype="float32")
    _, _, out, last = problem.forward(problem.layer(), gradient=False)
    _, _, out_training, last_training = problem.forward(problem.layer(), gradient=True)
    np.testing.assert_array_equal(out, out_training)
    np.testing.assert_array_equal(last, last_training)


@pytest.mark.parametrize("name", ["rnn_tanh", "lstm", "gru", "peculiar"])
def test_carrying_the_state_equals_one_long_sequence(name):
    whole = Problem(CELLS[name], T=7, D=3, B=5, H=7)
    expected = whole.passes()
    layer, first, second = whole.layer(), Problem(CELLS[name], 3, 3, 5, 7), Problem(CELLS[name], 4, 3, 5, 7)
    for part, steps in ((first, slice(0, 3)), (second, slice(3, 7))):
        part.weights, part.x, part.d_out = whole.weights, whole.x[steps], whole.d_out[steps]
    first.state, second.d_last = whole.state, whole.d_last
    second.state = first.forward(layer)[3]
    late = second.passes()
    first.d_last = late.d_state
    early = first.passes()
    joined = Passes(
        np.concatenate([early.out, late.out]),
        late.last,
        *(a + b for a, b in zip(early[2:5], late[2:5], strict=True)),
        np.concatenate([early.d_x, late.d_x]),
        early.d_state,
    )
    assert_close(joined, expected, 1e-13)  # only sums over the steps are made in another order


def test_permuting_sequences_permutes_outputs_bit_for_bit(rng):
    # A sequence's numbers never meet another's, so its place in a block and the block do not matter.
    problem = Problem(lstm.CELL, T=5, D=3, B=33, H=7, dtype="float32")
    passes = problem.passes()
    order = rng.permutation(33)
    for field in ("x", "state", "d_out", "d_last"):
        setattr(problem, field, getattr(problem, field)[..., order])
    permuted = problem.passes()
    for field in ("out", "last", "d_x", "d_state"):
        np.testing.assert_array_equal(getattr(permuted, field), getattr(passes, field)[..., order])


@pytest.mark.parametrize("name", ["rnn_relu", "lstm", "gru", "peculiar"])
def test_no_derivative_in_gives_no_derivative_out(name):
    problem = Problem(CELLS[name], T=4, D=3, B=5, H=7, dtype="float32")
    problem.d_out[...] = problem.d_last[...] = 0.0
    for gradient in problem.passes()[2:]:
        assert not gradient.any()


@pytest.mark.parametrize("name", ["rnn_relu", "lstm", "gru"])
def test_nan_stays_in_its_sequence(name):
    problem = Problem(CELLS[name], T=5, D=3, B=19, H=7, dtype="float32")
    expected = problem.passes()
    problem.x[2, 1, 4] = np.nan
    passes = problem.passes()
    others = np.arange(19) != 4
    for field in ("out", "last", "d_x", "d_state"):
        np.testing.assert_array_equal(getattr(passes, field)[..., others], getattr(expected, field)[..., others])
    assert np.isnan(passes.out[2:, :, 4]).all()
    assert np.isfinite(passes.out[:2, :, 4]).all()


def test_nan_in_the_last_sequence_of_a_ragged_block_stays_there():
    problem = Problem(lstm.CELL, T=3, D=2, B=5, H=3, dtype="float32")
    expected = problem.passes()
    problem.x[0, 0, 4] = np.nan
    passes = problem.passes()
    np.testing.assert_array_equal(passes.out[..., :4], expected.out[..., :4])
    np.testing.assert_array_equal(passes.d_x[..., :4], expected.d_x[..., :4])


def test_padding_that_would_overflow_does_not_reach_the_gradient():
    # A sequence of zeros doubles its state 200 times, to infinity in float32; the real ones are held at zero.
    problem = Problem(elman.CELLS["relu"], T=200, D=1, B=3, H=1, started=False, dtype="float32")
    for weight, value in zip(problem.weights, (1.0, 2.0, 1.0), strict=True):
        weight[...] = value
    problem.x[...] = -10.0
    for array in problem.passes():
        assert np.isfinite(array).all()


def test_gradients_are_added_to_what_is_there():
    problem = Problem(gru.CELL, T=2, D=3, B=4, H=3)
    layer = problem.layer()
    packed, work, _, _ = problem.forward(layer, gradient=True)
    gradients = [np.ones_like(w) for w in problem.weights]
    layer.backward(packed, work, problem.d_out, problem.d_last, *gradients, None, None)
    for gradient, expected in zip(gradients, problem.passes()[2:5], strict=True):
        np.testing.assert_allclose(gradient - 1.0, expected, rtol=0, atol=1e-15 * np.abs(gradient).max() * 4)


def test_work_can_be_used_again():
    problem = Problem(lstm.CELL, T=3, D=9, B=20, H=5, dtype="float32")
    layer, expected = problem.layer(), problem.passes()
    packed, work, out, last = problem.forward(layer, gradient=True)
    for _ in range(2):
        layer.forward(packed, problem.x, problem.state, work, out, last)
        gradients = [np.zeros_like(w) for w in problem.weights]
        layer.backward(packed, work, problem.d_out, problem.d_last, *gradients, None, None)
        np.testing.assert_array_equal(out, expected.out)
        for gradient, want in zip(gradients, expected[2:5], strict=True):
            np.testing.assert_array_equal(gradient, want)


def test_views_and_read_only_arrays_are_read_right():
    problem = Problem(gru.CELL, T=4, D=3, B=6, H=3, dtype="float32")
    expected = problem.passes()
    problem.x = np.asfortranarray(problem.x)
    problem.state = problem.state.copy()
    problem.state.flags.writeable = False
    problem.d_out = np.repeat(problem.d_out, 2, axis=2)[:, :, ::2]
    for actual, want in zip(problem.passes(), expected, strict=True):
        np.testing.assert_array_equal(actual, want)


def test_nothing_outside_the_buffers_is_written_or_used(monkeypatch):
    plain, margins = compiled.aligned, []

    def fenced(n, dtype):
        whole = plain(n + 512, dtype)  # margins of 256 numbers keep the alignment
        margins.extend((whole[:256], whole[-256:]))
        whole[:256] = whole[-256:] = np.nan
        return whole[256:-256]

    for name, setup in (("lstm", SETUPS[0]), ("gru", SETUPS[1]), ("rnn_tanh", SETUPS[4]), ("peculiar", SETUPS[6])):
        problem = Problem(CELLS[name], *setup, dtype="float32")
        expected = problem.passes()
        with monkeypatch.context() as patch:
            patch.setattr(compiled, "aligned", fenced)
            for actual, want in zip(problem.passes(), expected, strict=True):
                np.testing.assert_array_equal(actual, want)
        assert np.isnan(margins).all()


def test_a_wrong_shape_is_refused_before_memory_is_touched():
    problem = Problem(lstm.CELL, T=3, D=2, B=4, H=3)
    layer = problem.layer(compiled.VectorRecurrence)
    packed, work, out, last = layer.pack(*problem.weights), layer.work(3, 4), np.empty((3, 3, 4)), np.empty((2, 3, 4))
    with pytest.raises(ValueError, match=r"x must have shape \(3, 2, 4\), got \(3, 2, 5\)"):
        layer.forward(packed, np.zeros((3, 2, 5)), None, work, out, last)
    with pytest.raises(ValueError, match=r"last must have shape \(2, 3, 4\), got \(1, 3, 4\)"):
        layer.forward(packed, problem.x, None, work, out, last[:1])


def test_a_precision_without_vectors_is_refused():
    with pytest.raises(ValueError, match="dtype must be float32 or float64, got float16"):
        compiled.VectorRecurrence(lstm.CELL, 1, 1, np.float16)


def test_a_cell_that_returns_too_few_memories_is_refused():
    cell = Cell("forgetful", lstm.CELL.gates, lambda gates, hidden, memory: (gates[0], ()), n_memory=1)
    with pytest.raises(ValueError, match=r"forward of cell .forgetful. must return n_memory=1 memories .* got 0"):
        compiled.VectorRecurrence(cell, 1, 1)


def test_threads_share_packed_weights():
    problem = Problem(lstm.CELL, T=20, D=3, B=20, H=16, dtype="float32")
    layer = problem.layer()
    packed, _, expected, _ = problem.forward(layer)

    def predict(_):
        out, last = np.empty_like(expected), np.empty((2, 16, 20), np.float32)
        layer.forward(packed, problem.x, problem.state, layer.work(20, 20, gradient=False), out, last)
        return out

    with ThreadPoolExecutor(4) as pool:
        for out in pool.map(predict, range(16)):
            np.testing.assert_array_equal(out, expected)


def test_equal_names_do_not_share_code():
    def leaky(rate):
        def forward(gates, hidden, memory):
            return hidden * rate + gates[0] * (1.0 - rate), ()

        return Cell("leaky", (Gate("state", tanh),), forward)

    first, second = (Problem(leaky(rate), T=2, D=2, B=3, H=3) for rate in (0.25, 0.75))
    for problem in (first, second, first):
        assert_close(problem.passes(), problem.passes(PortableRecurrence), 1e-12)
    assert relative_error(first.passes().out, second.passes().out) > 1e-2


def test_an_activation_of_ones_own_is_compiled():
    # softsign: x / (1 + |x|), where |x| = max(x, 0) + max(-x, 0); its slope is (1 - |y|)^2.
    def magnitude(a):
        return a.maximum(0.0) + (-a).maximum(0.0) if hasattr(a, "maximum") else np.abs(a)

    def slope(y):
        rest = 1.0 - magnitude(y)
        return rest * rest

    softsign = Activation("softsign", lambda x: x / (1.0 + np.abs(x)), lambda a: a / (magnitude(a) + 1.0), slope)
    cell = Cell("softsign", (Gate("state", softsign),), elman.forward)
    problem = Problem(cell, T=3, D=2, B=3, H=3)
    assert_close(problem.passes(), problem.passes(PortableRecurrence), 1e-12)


@pytest.mark.parametrize("make", [recurrence, PortableRecurrence])
def test_a_constant_slope_other_than_one_is_in_the_gradient(make):
    doubled = Activation("doubled", lambda x: 2.0 * x, lambda a: a * 2.0, lambda y: 2.0)
    cell = Cell("doubled", (Gate("state", doubled),), elman.forward)
    problem = Problem(cell, T=3, D=2, B=3, H=3)
    problem.layer = lambda _=None, layer=problem.layer: layer(make)
    expected = numerical(problem.loss, problem.weights[0])
    # Linear in the input weights: central differences are limited by rounding, about 1e-16 / STEP.
    assert relative_error(problem.passes(make).d_weight_input, expected) <= 1e-9


def test_the_environment_selects_the_reference(monkeypatch):
    monkeypatch.setenv("RNNFORECAST_PORTABLE", "1")
    assert isinstance(recurrence(lstm.CELL, 1, 2), PortableRecurrence)


def test_a_pickled_layer_computes_the_same():
    problem = Problem(lstm.CELL, T=2, D=2, B=3, H=3, dtype="float32")
    layer = problem.layer()
    copy = pickle.loads(pickle.dumps(layer))
    np.testing.assert_array_equal(problem.forward(copy)[2], problem.forward(layer)[2])


@pytest.mark.parametrize("there", [{"RNNFORECAST_VECTOR_BYTES": "16"}, {"RNNFORECAST_PORTABLE": "1"}])
def test_packed_weights_and_buffers_are_read_where_vectors_differ(there, monkeypatch):
    monkeypatch.setattr(compiled, "kernel_of", Kernel)  # without its cache, which holds the first width asked for
    problem = Problem(lstm.CELL, T=3, D=9, B=5, H=9)

    def pickled():
        layer = problem.layer()
        return pickle.dumps((layer, layer.pack(*problem.weights), layer.work(3, 5)))

    def passes(stream):
        layer, packed, work = pickle.loads(stream)
        out, last = np.empty((3, 9, 5)), np.empty((2, 9, 5))
        layer.forward(packed, problem.x, problem.state, work, out, last)
        gradients = [np.zeros_like(weight) for weight in problem.weights]
        layer.backward(packed, work, problem.d_out, problem.d_last, *gradients, None, None)
        return out, last, *gradients

    from_here = pickled()
    with monkeypatch.context() as patch:
        for name, value in there.items():
            patch.setenv(name, value)
        from_there, found_there = pickled(), passes(from_here)
    for expected, here, elsewhere in zip(passes(from_here), passes(from_there), found_there, strict=True):
        np.testing.assert_array_equal(here, expected)
        assert relative_error(elsewhere, expected) <= TOLERANCE["float64"]


@pytest.mark.parametrize(
    ("n_gates", "takes"),
    [(3, ("x", "h", "xh")), (5, ("x", "h", "")), (17, ("h", "xh")), (2, ("x",)), (2, ("h",)), (2, ("",))],
)
def test_any_number_of_gates_that_take_anything(n_gates, takes):
    def forward(gates, hidden, memory):
        return tanh(sum((g * (0.1 * k + 0.1) for k, g in enumerate(gates[1:])), gates[0])), ()

    activations = (tanh, sigmoid, linear)
    gates = tuple(Gate(f"gate_{k}", activations[k % 3], takes[k % len(takes)]) for k in range(n_gates))
    problem = Problem(Cell("many", gates, forward), T=9, D=9, B=5, H=7)
    assert_close(problem.passes(), problem.passes(PortableRecurrence), TOLERANCE["float64"])


def test_a_width_that_no_vector_has_is_refused(monkeypatch):
    monkeypatch.setenv("RNNFORECAST_VECTOR_BYTES", "24")
    with pytest.raises(ValueError, match="RNNFORECAST_VECTOR_BYTES must be 16, 32 or 64, got '24'"):
        compiled.VectorRecurrence(Cell("never_seen", (Gate("state", tanh),), elman.forward), 1, 1)
