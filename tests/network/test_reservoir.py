"""Reservoirs: what is drawn, what is carried, and that the states echo the input and nothing else."""

from __future__ import annotations

import pickle

import numpy as np
import pytest

from rnnforecast.kernels.cells import NAMES, named
from rnnforecast.network import readout
from rnnforecast.network.readout import NormalEquations
from rnnforecast.network.recurrent import Recurrent
from rnnforecast.network.reservoir import Reservoir, random_weights, sparse_matrix


def reservoir(n_units=20, n_inputs=2, dtype="float64", cell="leaky", seed=0, **scales):
    return Reservoir.random(named(cell), n_inputs, n_units, dtype, np.random.default_rng(seed), **scales)


@pytest.mark.parametrize(("n_units", "density"), [(1, 0.1), (3, 0.1), (40, 0.1), (40, 1.0)])
def test_a_recurrent_matrix_has_its_density_and_spectral_radius(rng, n_units, density):
    matrix = sparse_matrix(n_units, rng, density, 0.9)
    assert ((matrix != 0).sum(axis=1) == max(1, round(density * n_units))).all()
    assert np.abs(np.linalg.eigvals(matrix)).max() == pytest.approx(0.9, rel=1e-9)


def test_weights_keep_to_their_scales(rng):
    weights = random_weights(Recurrent(named("leaky"), 4, 200, "float64"), rng, input_scale=0.6, bias_scale=0.2)
    assert 0.29 < np.abs(weights["weight_input"]).max() <= 0.6 / np.sqrt(4)
    candidate, leak = weights["bias"].reshape(2, 200)
    assert 0.19 < np.abs(candidate).max() <= 0.2
    shares, counts = np.unique(np.round(1 / (1 + np.exp(-leak)), 9), return_counts=True)
    np.testing.assert_array_equal(shares, [0.05, 0.2, 0.5, 1.0])
    assert counts.min() > 30  # 50 expected, deviation 6


@pytest.mark.parametrize("cell", NAMES)
def test_every_cell_makes_a_reservoir_whose_gates_differ(cell, rng):
    layer = Recurrent(named(cell), 2, 12, "float64")
    weights = random_weights(layer, rng)
    for block in weights["weight_hidden"].reshape(-1, 12, 12):
        assert np.abs(np.linalg.eigvals(block)).max() == pytest.approx(0.95, rel=1e-9)
    assert len(np.unique(weights["weight_input"])) == weights["weight_input"].size
    states = reservoir(12, cell=cell).start(3).read(rng.normal(size=(5, 2, 3)))
    assert np.isfinite(states).all()
    assert np.ptp(states, axis=0).min() > 0


def test_states_follow_the_leaky_integrators_formula(rng):
    own, x = reservoir(), rng.normal(size=(6, 2, 1))
    W, U, (b, logit) = own.weights["weight_input"], own.weights["weight_hidden"], own.weights["bias"].reshape(2, 20)
    leak, h = 1 / (1 + np.exp(-logit)), np.zeros(20)
    for x_t, actual in zip(x[..., 0], own.start(1).read(x)[..., 0], strict=True):
        h = h + leak * (np.tanh(W @ x_t + U @ h + b) - h)
        np.testing.assert_allclose(actual, h, rtol=0, atol=1e-13)  # rounding of 20 products of order one


def test_reading_piece_by_piece_equals_reading_at_once(rng, monkeypatch):
    own, x = reservoir(), rng.normal(size=(30, 2, 3))
    whole = own.start(3).read(x).copy()
    run = own.start(3)
    pieces = [run.read(part).copy() for part in (x[:1], x[1:2], x[2:17], x[17:])]
    np.testing.assert_array_equal(np.concatenate(pieces), whole)
    np.testing.assert_array_equal(run.state[0], whole[-1])
    monkeypatch.setattr(readout, "CHUNK", 7 * 20 * 3)
    parts = [(part, states.copy()) for part, states in own.start(3).pieces(x)]
    assert [part.stop - part.start for part, _ in parts] == [7, 7, 7, 7, 2]
    np.testing.assert_array_equal(np.concatenate([states for _, states in parts]), whole)


def test_a_run_goes_on_from_a_state_that_was_kept(rng):
    own, x = reservoir(), rng.normal(size=(9, 2, 1))
    run = own.start(1)
    run.read(x[:4])
    kept, expected = run.state.copy(), run.read(x[4:]).copy()
    again = own.start(1)
    again.state[...] = kept
    np.testing.assert_array_equal(again.read(x[4:]), expected)


def test_states_forget_where_they_began(rng):
    # The echo state property: with a spectral radius below one, states depend on the inputs alone in the end.
    own, x = reservoir(spectral_radius=0.5, leaks=(0.5, 1.0)), rng.normal(size=(200, 2, 1))
    run, other = own.start(1), own.start(1)
    other.state[...] = rng.normal(size=other.state.shape)
    # The slowest direction keeps at most 1 - 0.5 (1 - 0.5) a step: 0.75^200 = 1e-25 of what it began with.
    np.testing.assert_allclose(run.read(x)[-1], other.read(x)[-1], rtol=0, atol=1e-12)


@pytest.mark.parametrize("cell", NAMES)
@pytest.mark.parametrize("n_steps", [1, 7])
def test_gradients_go_back_to_what_was_read(cell, n_steps, rng, monkeypatch):
    own = reservoir(5, 2, cell=cell)
    monkeypatch.setattr(readout, "CHUNK", 2 * n_steps * own.n_units)  # of five sequences two at a time
    x, state = rng.normal(size=(n_steps, 2, 5)), rng.normal(size=own.start(5).state.shape)
    d_hidden = rng.normal(size=(5, 5))

    def total(x):
        run = own.start(5)
        run.state[...] = state
        return (d_hidden * run.read(x)[-1]).sum()

    found, eps = own.input_gradient(x, state, d_hidden), 1e-5
    for place in np.ndindex(x.shape):
        step = np.zeros_like(x)
        step[place] = eps
        # central differences: 1e-10 of curvature, 1e-12 / 1e-5 of the kernels' approximations
        assert found[place] == pytest.approx((total(x + step) - total(x - step)) / (2 * eps), rel=1e-6, abs=1e-6)


def test_both_precisions_draw_the_same_weights():
    single, double = reservoir(dtype="float32"), reservoir()
    for name, weights in double.weights.items():
        assert single.weights[name].dtype == np.float32
        np.testing.assert_array_equal(single.weights[name], weights.astype(np.float32))


def test_a_reservoir_is_pickled_with_its_weights(rng):
    own, x = reservoir(), rng.normal(size=(4, 2, 1))
    again = pickle.loads(pickle.dumps(own))
    np.testing.assert_array_equal(again.start(1).read(x), own.start(1).read(x))


def test_a_readout_of_the_states_recalls_and_multiplies_past_inputs(rng):
    # What no linear model of the newest input can do; the share of variance left is the noise of the ridge.
    x = rng.uniform(-1, 1, size=(2000, 1, 1))
    target = np.roll(x[:, 0], 2, axis=0) * np.roll(x[:, 0], 1, axis=0)
    design = np.hstack([reservoir(100, 1, bias_scale=0.5).start(1).read(x)[..., 0], np.ones((2000, 1))])
    fit, held_out = slice(100, 1500), slice(1500, None)
    weights = NormalEquations.of(design[fit], target[fit]).solve(1e-6)
    error = target[held_out] - design[held_out] @ weights
    assert error.var() < 0.05 * target[held_out].var()
