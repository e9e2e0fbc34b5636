"""Where sequences end, in either direction."""

from __future__ import annotations

import numpy as np
import pytest

from rnnforecast.kernels.cells import named
from rnnforecast.network.bidirectional import Bidirectional
from rnnforecast.network.compose import Chain
from rnnforecast.network.ends import Ends
from rnnforecast.network.recurrent import Recurrent
from tests.golden.make_layers import (
    SIZES,
    Problem,
    assert_gradients_equal_central_differences,
    assert_gradients_without_upstream_are_zero,
    assert_input_gradient_is_left_out_unless_wanted,
)


@pytest.mark.parametrize("n_backward", [0, 1])
def test_gradients_equal_central_differences(n_backward):
    for T, B, size in SIZES:
        assert_gradients_equal_central_differences(Problem(Ends(size, n_backward), T, B))


def test_zero_upstream_gives_zero_gradient_and_none_is_made_unless_wanted():
    assert_gradients_without_upstream_are_zero(Problem(Ends(3, 1), 5, 4))
    assert_input_gradient_is_left_out_unless_wanted(Problem(Ends(3, 1), 5, 4))


def test_the_ends_of_every_state_are_what_a_layer_gives_by_itself():
    layers = [
        (lambda every: Recurrent(named("lstm"), 2, 3, np.float64, every), Ends(3)),
        (lambda every: Bidirectional(named("lstm"), 2, 3, np.float64, every), Ends(6, 3)),
    ]
    for layer, ends in layers:
        alone, every = Problem(layer(False), 5, 4), Problem(layer(True), 5, 4)  # the same numbers, by their seed
        states = every.y()
        np.testing.assert_array_equal(ends.forward(None, states, ends.work(5, 4, states.dtype, False)), alone.y())


def test_backward_rows_come_from_the_first_step():
    x = np.arange(6.0).reshape(3, 2, 1)
    y = Ends(2, 1).forward(None, x, Ends(2, 1).work(3, 1, x.dtype, False))
    np.testing.assert_array_equal(y[0, :, 0], [4.0, 1.0])


def test_a_chain_of_recurrence_and_ends_has_the_gradients_of_the_recurrence_that_gives_its_last_state():
    alone = Problem(Recurrent(named("gru"), 2, 3, np.float64, every=False), 5, 4).passes()
    chain = Chain([Recurrent(named("gru"), 2, 3, np.float64), Ends(3)])
    problem = Problem(Recurrent(named("gru"), 2, 3, np.float64, every=False), 5, 4)
    views = {f"0.{name}": view for name, view in problem.parameters.items()}
    prepared, work = chain.prepare(views), chain.work(5, 4, np.float64, training=True)
    chain.forward(prepared, problem.x, work)
    d_views = {name: np.zeros_like(view) for name, view in views.items()}
    d_x = chain.backward(prepared, problem.d_y, work, chain.split(d_views), wants_d_x=True)
    np.testing.assert_allclose(d_x, alone.d_x, rtol=0, atol=1e-14)  # zeros are added on the way
    for name, d in alone.d.items():
        np.testing.assert_allclose(d_views[f"0.{name}"], d, rtol=0, atol=1e-13)
