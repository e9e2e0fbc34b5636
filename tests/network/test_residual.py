"""The residual connection: the sum, its derivatives, and what it refuses."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from rnnforecast.kernels.activations import relu, tanh
from rnnforecast.kernels.cells import named
from rnnforecast.network.bidirectional import Bidirectional
from rnnforecast.network.compose import Chain, Segments
from rnnforecast.network.convolution import CausalConvolution
from rnnforecast.network.dense import Dense
from rnnforecast.network.dropout import Dropout
from rnnforecast.network.normalization import LayerNorm
from rnnforecast.network.recurrent import Recurrent
from rnnforecast.network.residual import Residual
from rnnforecast.network.sequences import SequenceNetwork
from tests.golden.make_layers import (
    SIZES,
    Problem,
    assert_gradients_equal_central_differences,
    assert_gradients_without_upstream_are_zero,
    assert_input_gradient_is_left_out_unless_wanted,
)


def chain(size: int) -> Chain:
    """A block of two convolutions, as in a temporal convolutional network."""
    return Chain([LayerNorm(size), CausalConvolution(size, 2, 2), CausalConvolution(2, size, 2, 2, tanh)])


INNER: dict[str, Callable[[int], Any]] = {
    "dense": lambda size: Dense(size, size, relu),
    "recurrent": lambda size: Recurrent(named("gru"), size, size, np.float64),
    "chain": chain,
}


@pytest.mark.parametrize("inner", INNER)
def test_output_is_input_plus_inner(inner):
    layer = INNER[inner](3)
    problem = Problem(Residual(layer), 5, 4)
    expected = Problem(layer, 5, 4).y() + problem.x  # the seed gives both the same numbers
    np.testing.assert_array_equal(problem.y(), expected)


@pytest.mark.parametrize("inner", INNER)
def test_gradients_equal_central_differences(inner):
    for T, B, size in SIZES:
        assert_gradients_equal_central_differences(Problem(Residual(INNER[inner](size)), T, B))


@pytest.mark.parametrize("inner", INNER)
def test_zero_upstream_gives_zero_gradient(inner):
    assert_gradients_without_upstream_are_zero(Problem(Residual(INNER[inner](3)), 5, 4))


@pytest.mark.parametrize("inner", INNER)
def test_input_gradient_is_made_only_if_wanted(inner):
    assert_input_gradient_is_left_out_unless_wanted(Problem(Residual(INNER[inner](3)), 5, 4))


def test_a_silent_inner_layer_leaves_the_identity():
    problem = Problem(Residual(Dense(3, 3, tanh)), 5, 4)
    problem.flat[...] = 0.0
    passes = problem.passes()
    np.testing.assert_array_equal(passes.y, problem.x)
    np.testing.assert_array_equal(passes.d_x, problem.d_y)


def test_generator_and_lengths_reach_the_inner_layer():
    problem = Problem(Residual(Dropout(3, 0.5)), 5, 4, seed_of_draws=1)
    ratio = problem.y() / problem.x
    assert set(np.unique(np.round(ratio, 12))) == {1.0, 3.0}  # x, or x + 2 x
    lengths = [5, 2, 1, 4]
    problem = Problem(Residual(Bidirectional(named("gru"), 4, 2, np.float64)), 5, 4, lengths=lengths)
    padded = np.broadcast_to(np.arange(5)[:, None, None] >= np.array(lengths), problem.x.shape)
    np.testing.assert_array_equal(problem.y()[padded], problem.x[padded])  # the inner output is zero on padding


def test_generator_and_lengths_reach_layers_of_an_inner_chain():
    block = Residual(Chain([Dropout(4, 0.5), Bidirectional(named("gru"), 4, 2, np.float64)]))
    network = SequenceNetwork(Chain([block]), Chain([Dense(4, 1)]), None, np.float64)
    rng, lengths = np.random.default_rng(0), np.array([3, 1])
    work = network.work(3, 2, training=True)
    work.draw_from(0)
    network.forward(network.prepare(network.initial(rng)), rng.normal(size=(3, 4, 2)), lengths, work)
    dropout, both = work.encoder[0]
    assert set(np.unique(dropout.mask)) == {0.0, 2.0}
    np.testing.assert_array_equal(both.y[1:, :, 1], 0.0)


@pytest.mark.parametrize(
    ("inner", "sentence"),
    [
        (Dense(2, 3), "as many rows as it takes, but takes 2 and gives 3"),
        (Recurrent(named("rnn"), 3, 3, np.float64, every=False), "as many steps as it takes, but of 2 it makes 1"),
        (Chain([Segments(2, 2), Dense(4, 2)]), "as many steps as it takes, but of 2 it makes 1"),
    ],
)
def test_sizes_that_cannot_be_added_are_refused(inner, sentence):
    with pytest.raises(ValueError, match=sentence):
        Residual(inner)
