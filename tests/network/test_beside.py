"""Layers beside each other: their outputs joined, their derivatives added."""

from __future__ import annotations

import numpy as np
import pytest

from rnnforecast.kernels.activations import tanh
from rnnforecast.kernels.cells import named
from rnnforecast.network.beside import Beside
from rnnforecast.network.bidirectional import Bidirectional
from rnnforecast.network.compose import Chain
from rnnforecast.network.dense import Dense
from rnnforecast.network.dropout import Dropout
from rnnforecast.network.recurrent import Recurrent
from rnnforecast.network.skip import SkipRecurrent
from tests.golden.make_layers import (
    Problem,
    assert_gradients_equal_central_differences,
    assert_gradients_without_upstream_are_zero,
    assert_input_gradient_is_left_out_unless_wanted,
)


def layer(D: int = 2) -> Beside:
    """A stack beside a recurrence that skips, as in LSTNet."""
    stack = Chain([Dense(D, 3, tanh), Dropout(3, 0.4), Recurrent(named("gru"), 3, 2, np.float64, every=False)])
    return Beside([stack, SkipRecurrent(named("lstm"), D, 2, np.float64, 2)])


@pytest.mark.parametrize("seed_of_draws", [1, None], ids=["training", "prediction"])
def test_gradients_equal_central_differences(seed_of_draws):
    for T, B, D in [(2, 1, 1), (5, 3, 2), (4, 1, 3)]:
        assert_gradients_equal_central_differences(Problem(layer(D), T, B, seed_of_draws=seed_of_draws))


def test_zero_upstream_gives_zero_gradient_and_none_is_made_unless_wanted():
    assert_gradients_without_upstream_are_zero(Problem(layer(), 5, 4))
    assert_input_gradient_is_left_out_unless_wanted(Problem(layer(), 5, 4))


def test_output_is_that_of_each_part_one_below_the_other():
    problem = Problem(layer(), 6, 3)
    y, start, row = problem.y(), 0, 0
    for part in problem.layer.parts:
        alone = Problem(part, 6, 3)
        alone.flat, alone.x = problem.flat[start : start + alone.layout.size], problem.x
        np.testing.assert_array_equal(y[:, row : row + part.n_outputs], alone.y())
        start, row = start + alone.layout.size, row + part.n_outputs
    assert (start, row) == (problem.layout.size, problem.layer.n_outputs)


def test_generator_and_lengths_reach_every_part():
    problem = Problem(Beside([Chain([Dropout(3, 0.5)]), Dropout(3, 0.5)]), 5, 4, seed_of_draws=1)
    first, second = (half / problem.x for half in np.split(problem.y(), 2, axis=1))
    assert set(np.unique(first)) == set(np.unique(second)) == {0.0, 2.0}
    assert (first != second).any()  # one generator, but draws of their own
    lengths = [5, 2, 1, 4]
    both = Beside(
        [Chain([Bidirectional(named("gru"), 2, 2, np.float64)]), Bidirectional(named("gru"), 2, 1, np.float64)]
    )
    problem = Problem(both, 5, 4, lengths=lengths)
    padded = np.broadcast_to(np.arange(5)[:, None, None] >= np.array(lengths), problem.y().shape)
    assert not problem.y()[padded].any()
    assert problem.y()[~padded].all()


def test_parts_that_do_not_fit_are_refused():
    with pytest.raises(ValueError, match=r"must take as many rows as each other, got \[2, 3\]"):
        Beside([Dense(2, 2), Dense(3, 2)])
    with pytest.raises(ValueError, match=r"must give as many steps as each other, got \[60, 1\]"):
        Beside([Dense(2, 2), Recurrent(named("gru"), 2, 2, np.float64, every=False)])
