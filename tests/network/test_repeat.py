"""One state for every step, and the encoder-decoder that is built on it."""

from __future__ import annotations

import numpy as np
import pytest

from rnnforecast.estimators._reconstruction import ReconstructionObjective, Windows, autoencoder
from rnnforecast.kernels.cells import named
from rnnforecast.network.repeat import Repeat
from tests.gradients import numerical, relative_error


def test_a_step_is_repeated_and_its_derivative_summed(rng):
    layer, x, d_y = Repeat(3, 4), rng.normal(size=(1, 3, 2)), rng.normal(size=(4, 3, 2))
    y = layer.forward(None, x, None)
    np.testing.assert_array_equal(y, np.stack([x[0]] * 4))
    np.testing.assert_array_equal(layer.backward(None, d_y, None, {}, True), d_y.sum(axis=0)[None])
    assert layer.steps_out(1) == 4


@pytest.mark.parametrize("cell", ["lstm", "gru"])
def test_the_gradient_of_a_reconstruction_equals_central_differences(rng, cell):
    network = autoencoder(named(cell), 2, 3, 5, np.float64)
    objective = ReconstructionObjective(network, Windows(rng.normal(size=(9, 3)), 2, 5, np.float64))
    weights = network.initial(rng)
    rows = np.array([0, 3, 7])  # two windows of the first target, one of the second

    def loss():
        objective.prepare(weights)
        return objective.shard(rows, np.zeros_like(weights), 0)

    gradient = np.zeros_like(weights)
    objective.prepare(weights)
    objective.shard(rows, gradient, 0)
    assert relative_error(gradient, numerical(loss, weights)) <= 1e-6
    assert objective.n_terms(rows) == 15
    assert len(objective.rows) == 10


def test_windows_are_cut_by_target_with_the_inputs_below(rng):
    table = rng.normal(size=(9, 3))
    x = Windows(table, 2, 5, np.float64).inputs(np.array([0, 4]), np.array([1, 0]))
    np.testing.assert_array_equal(x[:, :, 0], table[0:5, [1, 2]])
    np.testing.assert_array_equal(x[:, :, 1], table[4:9, [0, 2]])
