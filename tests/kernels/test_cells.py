"""The cells beside Elman's, the LSTM and the GRU: their papers' formulas, their gradients, and their training."""

from __future__ import annotations

import pickle
from functools import partial

import numpy as np
import pandas as pd
import pytest

from rnnforecast import RNNForecaster
from rnnforecast.kernels.activations import sigmoid, tanh
from rnnforecast.kernels.cells import NAMES, Cell, Gate, named
from rnnforecast.kernels.portable import PortableRecurrence
from rnnforecast.kernels.recurrence import recurrence
from tests.gradients import numerical, relative_error
from tests.kernels.problems import TOLERANCE, Passes, Problem, assert_close

CELLS = ("mgu", "peephole", "mingru", "minlstm", "slstm", "leaky")
MAKERS = {"compiled": recurrence, "portable": PortableRecurrence}
# T, D, B, H, every step, initial state, derivative in the last state
SMALL = [
    (1, 2, 1, 3, False, True, True),
    (2, 1, 3, 1, True, False, True),
    (5, 2, 3, 3, True, True, True),
    (5, 1, 1, 3, False, True, False),
]
LARGE = [(5, 3, 17, 20, True, True, True), (3, 9, 2, 5, False, False, True)]


def problem_of(name, setup, dtype="float64") -> Problem:
    T, D, B, H, every, started, ended = setup
    problem = Problem(named(name), T, D, B, H, every, started, ended, dtype)
    if name == "slstm" and problem.state is not None:
        problem.state[2] = np.abs(problem.state[2]) + 0.5  # a sum of weights, by which is divided
    return problem


@pytest.mark.parametrize("make", MAKERS)
@pytest.mark.parametrize("name", CELLS)
def test_gradients_equal_central_differences(name, make, monkeypatch):
    for setup in SMALL:
        problem = problem_of(name, setup)
        monkeypatch.setattr(problem, "layer", lambda make=MAKERS[make], layer=problem.layer: layer(make))
        passes = problem.passes(MAKERS[make])
        arrays = dict(zip(Passes._fields[2:6], (*problem.weights, problem.x), strict=True))
        if problem.state is not None:
            arrays["d_state"] = problem.state
        for field, array in arrays.items():
            assert relative_error(getattr(passes, field), numerical(problem.loss, array)) <= 1e-6, (setup, field)


@pytest.mark.parametrize("dtype", TOLERANCE)
@pytest.mark.parametrize("name", CELLS)
def test_compiled_passes_equal_the_reference(name, dtype):
    for setup in (*SMALL, *LARGE):
        problem = problem_of(name, setup, dtype)
        assert_close(problem.passes(), problem.passes(PortableRecurrence), TOLERANCE[dtype])


@pytest.mark.parametrize("name", CELLS)
def test_carrying_the_state_equals_one_long_sequence(name):
    whole = problem_of(name, (7, 3, 5, 7, True, True, True))
    layer = whole.layer()
    _, _, expected, last = whole.forward(layer)
    first, second = (problem_of(name, (n, 3, 5, 7, True, True, True)) for n in (3, 4))
    for part, steps in ((first, slice(0, 3)), (second, slice(3, 7))):
        part.weights, part.x = whole.weights, whole.x[steps]
    first.state = whole.state
    early = first.forward(layer)
    second.state = early[3]
    late = second.forward(layer)
    np.testing.assert_array_equal(np.concatenate([early[2], late[2]]), expected)
    np.testing.assert_array_equal(late[3], last)


@pytest.mark.parametrize("name", CELLS)
def test_no_derivative_in_gives_no_derivative_out(name):
    problem = problem_of(name, SMALL[2])
    problem.d_out[...] = problem.d_last[...] = 0.0
    for gradient in problem.passes()[2:]:
        assert not gradient.any()


def shut(x):
    return 1.0 / (1.0 + np.exp(-x))


# One unit, one sequence, plain numbers: wx, wh and b by gate in the papers' order; state is (h, memories...).
def naive_mgu(x, state, wx, wh, b):
    (h,) = state
    f = shut(wx[0] * x + wh[0] * h + b[0])
    return (h * (1 - f) + f * np.tanh(wx[1] * x + b[1] + f * (wh[1] * h + b[2])),)


def naive_peephole(x, state, wx, wh, b):
    h, c = state
    i = shut(wx[0] * x + wh[0] * h + b[0] + b[4] * c)
    f = shut(wx[1] * x + wh[1] * h + b[1] + b[5] * c)
    c = f * c + i * np.tanh(wx[2] * x + wh[2] * h + b[2])
    return shut(wx[3] * x + wh[3] * h + b[3] + b[6] * c) * np.tanh(c), c


def naive_mingru(x, state, wx, wh, b):
    z = shut(wx[0] * x + b[0])
    return ((1 - z) * state[0] + z * (wx[1] * x + b[1]),)


def naive_minlstm(x, state, wx, wh, b):
    f, i = shut(wx[0] * x + b[0]), shut(wx[1] * x + b[1])
    return (f / (f + i) * state[0] + i / (f + i) * (wx[2] * x + b[2]),)


def naive_slstm(x, state, wx, wh, b):
    """Without the stabiliser: equations 8 to 14 as they stand."""
    h, c, n = state
    i, f, z, o = (wx[k] * x + wh[k] * h + b[k] for k in range(4))
    c, n = np.exp(f) * c + np.exp(i) * np.tanh(z), np.exp(f) * n + np.exp(i)
    return shut(o) * c / n, c, n


def naive_leaky(x, state, wx, wh, b):
    (h,) = state
    a = shut(b[1])
    return ((1 - a) * h + a * np.tanh(wx[0] * x + wh[0] * h + b[0]),)


@pytest.mark.parametrize("name", CELLS)
def test_a_cell_is_its_papers_formula(name):
    problem = problem_of(name, (5, 1, 1, 1, True, False, False))
    step = partial(globals()[f"naive_{name}"], wx=problem.weights[0][:, 0], wh=problem.weights[1][:, 0])
    state: tuple[float, ...] = (0.0,) * (3 if name == "slstm" else 1 + problem.cell.n_memory)
    expected = []
    for x in problem.x[:, 0, 0]:
        state = step(x, state, b=problem.weights[2])
        expected.append(state[0])
    np.testing.assert_allclose(problem.passes().out[:, 0, 0], expected, rtol=1e-12)  # rounding, float64


@pytest.mark.parametrize("bias", [-60.0, 60.0])
@pytest.mark.parametrize("name", ["slstm", "minlstm"])
def test_gates_far_out_of_range_leave_numbers_finite(name, bias):
    # Exponents of 60 a step would overflow float32 at the second step, and two shut gates divide zero by zero.
    problem = problem_of(name, (30, 2, 3, 3, True, False, True), "float32")
    problem.weights[2][:6] += np.float32(bias)
    for array in problem.passes():
        assert np.isfinite(array).all()
    assert np.abs(problem.passes().out).max() < 10.0


def test_the_peephole_cell_starts_as_the_lstm():
    peephole, plain = (problem_of(name, SMALL[2]) for name in ("peephole", "lstm"))
    peephole.weights[:2], peephole.x, peephole.state = plain.weights[:2], plain.x, plain.state
    peephole.weights[2] = np.concatenate([plain.weights[2], np.zeros(3 * plain.H)])
    np.testing.assert_allclose(peephole.passes().out, plain.passes().out, rtol=1e-12)  # gates activated elsewhere
    assert [gate.bias for gate in named("peephole").gates[4:]] == [0.0] * 3


def test_every_named_cell_is_pickled_as_itself():
    for name in NAMES:
        assert pickle.loads(pickle.dumps(named(name))) == named(name)


@pytest.fixture(scope="module")
def load():
    """Sixteen days of hours with a daily season and noise."""
    hour = np.arange(384)
    index = pd.date_range("2024-03-01", periods=384, freq="h")
    noise = np.random.default_rng(0).normal(size=384)
    return pd.Series(50 + 8 * np.sin(2 * np.pi * hour / 24) + noise, index=index, name="load")


def slowing(gates, hidden, memory):
    """Move towards the candidate at a rate learnt for each unit; remember the mean of all states twice as slowly."""
    candidate, rate = gates
    (slow,) = memory
    state = hidden + rate * (candidate - hidden)
    slow = slow + 0.5 * rate * (state - slow)
    return tanh(state + slow), (slow,)


SLOWING = Cell("slowing", (Gate("candidate", tanh), Gate("rate", sigmoid, takes="", bias=1.0)), slowing, n_memory=1)


@pytest.mark.parametrize("cell", [*CELLS, SLOWING], ids=lambda cell: getattr(cell, "name", cell))
def test_every_cell_learns(load, cell):
    # Step by step and without the season as base, so that what is gained is the cell's; two layers, because gates that
    # see the input only need what a layer below has seen.
    model = RNNForecaster(
        horizon=6,
        blend=None,
        cell=cell,
        lookback=12,
        segment_length=None,
        season_length=None,
        hidden_layer_sizes=(8, 8),
        n_estimators=1,
        max_iter=30,
        learning_rate_init=0.02,
        random_state=0,
    ).fit(load)
    assert model.best_loss_ < 0.7 * model.validation_scores_[0]
    assert model.loss_curve_[-1] < 0.7 * model.loss_curve_[0]
    assert np.isfinite(model.forecast()).all()
