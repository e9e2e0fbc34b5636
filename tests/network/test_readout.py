"""The closed-form readout against an ordinary least-squares solver."""

from __future__ import annotations

import numpy as np
import pytest

from rnnforecast.network import readout
from rnnforecast.network.readout import NormalEquations, chunks


@pytest.fixture
def problem(rng):
    """A design of 6 columns of very different sizes and 3 targets."""
    design = rng.normal(size=(50, 6)) * np.array([1.0, 10.0, 0.1, 1.0, 3.0, 1.0])
    return design, design @ rng.normal(size=(6, 3)) + rng.normal(size=(50, 3))


def slow_ridge(design, targets, penalty):
    """Least squares with a row of its own for every penalty."""
    penalties = np.broadcast_to(penalty, design.shape[1])
    below = np.zeros((design.shape[1], targets.shape[1]))
    rows = np.vstack([design, np.diag(np.sqrt(penalties))]), np.vstack([targets, below])
    return np.linalg.lstsq(*rows, rcond=None)[0]


@pytest.mark.parametrize("penalty", [0.3, (0.0, 1.0, 0.5, 10.0, 1e-6, 2.0)])
def test_the_weights_are_those_of_ridge_regression(problem, penalty):
    design, targets = problem
    weights = NormalEquations.of(design, targets).solve(penalty)
    # Normal equations square the condition number, 1e2 here.
    np.testing.assert_allclose(weights, slow_ridge(design, targets, penalty), rtol=1e-10, atol=1e-12)


def test_parts_add_up_and_come_apart(problem):
    design, targets = problem
    whole, sums = NormalEquations.of(design, targets), NormalEquations.empty(6, 3)
    for part in (slice(0, 7), slice(7, 30), slice(30, 50)):
        sums += NormalEquations.of(design[part], targets[part])
    assert sums.n_rows == 50
    np.testing.assert_allclose(sums.solve(0.3), whole.solve(0.3), rtol=1e-11)
    rest = whole - NormalEquations.of(design[:20], targets[:20])
    assert rest.n_rows == 30
    np.testing.assert_allclose(rest.solve(0.3), NormalEquations.of(design[20:], targets[20:]).solve(0.3), rtol=1e-10)


def test_each_target_uses_its_leading_columns_only(problem):
    design, targets = problem
    usable = np.arange(6)[:, None] < np.array([2, 4, 6])
    weights = NormalEquations.of(design, targets).solve(0.3, usable)
    for target, n_columns in enumerate((2, 4, 6)):
        expected = slow_ridge(design[:, :n_columns], targets[:, target : target + 1], 0.3)[:, 0]
        np.testing.assert_allclose(weights[:n_columns, target], expected, rtol=1e-10, atol=1e-12)
        assert not weights[n_columns:, target].any()


def test_a_design_of_zeros_gets_weights_of_zero():
    assert not NormalEquations.of(np.zeros((5, 2)), np.ones((5, 1))).solve(0.0).any()


def test_single_precision_is_summed_in_double(problem):
    design, targets = (array.astype(np.float32) for array in problem)
    expected = NormalEquations.of(design.astype(float), targets.astype(float))
    np.testing.assert_array_equal(NormalEquations.of(design, targets).gram, expected.gram)


def test_chunks_cover_all_rows_once_and_keep_to_the_size(monkeypatch):
    monkeypatch.setattr(readout, "CHUNK", 100)
    parts = list(chunks(3, 47, 7))
    assert [row for part in parts for row in range(part.start, part.stop)] == list(range(3, 47))
    assert max(part.stop - part.start for part in parts) == 14
    assert len(list(chunks(0, 3, 1000))) == 3  # a row wider than a chunk is one
