"""Buffers that are lent: to one borrower at a time, again when they are back."""

from __future__ import annotations

import numpy as np
import pytest

from rnnforecast.network.buffers import Buffers
from rnnforecast.network.compose import draw_from


class Work:
    """Buffers of one shape, with or without a layer that draws at random."""

    def __init__(self, *shape, draws=True):
        self.shape = shape
        if draws:
            self.rng = None

    def draw_from(self, seed):
        draw_from([self], seed)


def test_buffers_that_are_back_are_lent_again_for_their_shape_only():
    buffers = Buffers(Work)
    with buffers.lent(2, 3, seed=0) as first:
        pass
    with buffers.lent(2, 3, seed=1) as again, buffers.lent(2, 4, seed=2) as other:
        assert again is first
        assert other.shape == (2, 4)


def test_two_borrowers_have_buffers_of_their_own():
    buffers = Buffers(Work)
    with buffers.lent(1, seed=0) as one, buffers.lent(1, seed=0) as two:
        assert one is not two


def test_buffers_of_a_call_that_failed_are_not_lent_again():
    buffers = Buffers(Work)
    with pytest.raises(ArithmeticError), buffers.lent(1, seed=0) as broken:
        raise ArithmeticError
    with buffers.lent(1, seed=0) as fresh:
        assert fresh is not broken


def test_what_is_random_depends_on_the_seed_alone():
    buffers, drawn = Buffers(Work), []
    for seed in (3, 4, 3):
        with buffers.lent(1, seed=seed) as work:
            drawn.append(work.rng.random(5))
    np.testing.assert_array_equal(drawn[0], drawn[2])
    assert (drawn[0] != drawn[1]).all()


def test_no_generator_is_made_where_nothing_is_random():
    with Buffers(lambda *shape: Work(*shape, draws=False)).lent(1, seed=0) as work:
        assert not hasattr(work, "rng")
