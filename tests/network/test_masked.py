"""Values that were not observed: they cost nothing, have no gradient, and the network is told of them."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from rnnforecast.kernels.losses import LOSSES
from rnnforecast.network.forking import Forking
from rnnforecast.network.objective import WindowObjective, forecast
from tests.gradients import numerical, relative_error
from tests.network.test_network import HORIZON, LOOKBACK, N_ROWS, build

VARIANTS = {
    "direct": {"cells": ["gru"]},
    "joint with a seasonal base": {"cells": ["lstm"], "joint": True, "base": 2},
    "recursive": {"cells": ["gru"], "decoder": "recursive"},
    "recursive, joint": {"cells": ["gru"], "decoder": "recursive", "joint": True},
}


def masked(marked=True, **variant):
    """Return an objective over a frame with holes, its network and the starting weights."""
    network, windows, frame, origins, columns = build(marked=marked, **variant)
    rng = np.random.default_rng(7)
    observed = (rng.random(frame.target.shape) > 0.3).astype(float)
    observed[15:21, 0] = 0.0  # whole horizons
    frame = replace(frame, observed=observed, age=rng.random(frame.target.shape))
    weights = network.initial(rng) + 0.1 * rng.normal(size=network.layout.size)
    return WindowObjective(network, windows, frame, origins, columns, LOSSES["squared_error"]), weights


def value_and_gradient(objective, weights, rows):
    gradient = np.zeros_like(weights)
    objective.prepare(weights)
    return objective.shard(rows, gradient, seed=5), gradient


@pytest.mark.parametrize("loss", ["squared_error", "huber"])
@pytest.mark.parametrize("variant", VARIANTS.values(), ids=VARIANTS.keys())
def test_gradient_of_a_masked_loss_equals_central_differences(variant, loss):
    objective, weights = masked(**variant)
    objective.loss = LOSSES[loss]
    rows = np.array([0, 7, 10, len(objective.origins) - 1])

    _, gradient = value_and_gradient(objective, weights, rows)
    differences = numerical(lambda: value_and_gradient(objective, weights, rows)[0], weights)
    assert relative_error(gradient, differences) < 1e-6  # rounding of differences, float64; huber has no corners here


@pytest.mark.parametrize("loss", sorted(LOSSES))
def test_what_was_not_observed_has_no_influence_on_loss_and_gradient_of_its_horizon(loss):
    objective, weights = masked(cells=["gru"])
    objective.loss = LOSSES[loss]
    rows = np.array([8])  # the origin is row 14: nothing after it is an input
    assert objective.origins[8] == 14
    before = value_and_gradient(objective, weights, rows)
    horizon = objective.frame.target[14 : 14 + HORIZON, 0]
    guesses = objective.frame.observed[14 : 14 + HORIZON, 0] == 0
    assert 0 < guesses.sum() < HORIZON
    horizon[guesses] += 1e3
    after = value_and_gradient(objective, weights, rows)
    assert after[0] == before[0] > 0
    np.testing.assert_array_equal(after[1], before[1])
    horizon[~guesses] += 1.0
    assert value_and_gradient(objective, weights, rows)[0] != before[0]


def test_only_observed_values_are_counted():
    objective, weights = masked(cells=["gru"])
    rows = np.arange(len(objective.origins))
    seen = [
        objective.frame.observed[o : o + HORIZON, c].sum()
        for o, c in zip(objective.origins, objective.columns, strict=True)
    ]
    assert objective.n_terms(rows) == sum(seen)
    assert objective.n_terms(rows[9:13]) == sum(seen[9:13])
    objective.prepare(weights)
    assert objective.mean_loss(rows) == pytest.approx(
        value_and_gradient(objective, weights, rows)[0] / sum(seen), rel=1e-12
    )


def test_a_horizon_without_any_observed_value_has_no_loss_and_no_gradient():
    objective, weights = masked(cells=["gru"])
    row = np.flatnonzero((objective.origins == 16) & (objective.columns == 0))
    total, gradient = value_and_gradient(objective, weights, row)
    assert total == 0.0
    assert objective.n_terms(row) == 0
    np.testing.assert_array_equal(gradient, 0.0)


def test_a_mask_without_holes_changes_nothing():
    objective, weights = masked(marked=False, cells=["gru"])
    rows = np.arange(10)
    plain = WindowObjective(
        objective.network,
        objective.windows,
        replace(objective.frame, observed=None, age=None),
        objective.origins,
        objective.columns,
        objective.loss,
    )
    objective.frame.observed[...] = 1.0
    for one, other in zip(
        value_and_gradient(objective, weights, rows), value_and_gradient(plain, weights, rows), strict=True
    ):
        np.testing.assert_array_equal(one, other)


@pytest.mark.parametrize("joint", [False, True])
def test_the_network_reads_its_own_columns_marks_as_they_are(joint):
    objective, weights = masked(cells=["gru"], joint=joint)
    windows, frame, network = objective.windows, objective.frame, objective.network
    J = windows.n_targets
    origin, column = np.array([12, 20]), np.array([0, 0 if joint else 1])
    past = windows.read(frame, origin, column).past
    assert past.shape[1] == windows.n_inputs
    for b in range(2):
        rows, columns = slice(origin[b] - LOOKBACK, origin[b]), slice(column[b], column[b] + J)
        np.testing.assert_array_equal(past[:, -2 * J : -J, b], frame.observed[rows, columns])
        np.testing.assert_array_equal(past[:, -J:, b], frame.age[rows, columns])
    prepared = network.prepare(weights)
    before = forecast(network, prepared, windows, frame, origin, column)
    frame.age[11, 0] += 0.5
    assert (forecast(network, prepared, windows, frame, origin, column)[:, :, 0] != before[:, :, 0]).all()
    frame.observed[origin.max() :] = 0.0
    frame.age[origin.max() :] = 9.0
    frame.age[11, 0] -= 0.5
    np.testing.assert_array_equal(forecast(network, prepared, windows, frame, origin, column), before)


@pytest.mark.parametrize("n_targets", [1, 2])
def test_learning_from_every_step_has_marks_and_no_targets_where_nothing_was_observed(n_targets):
    objective, _ = masked(cells=["gru"])
    frame = objective.frame
    forking = Forking(LOOKBACK, HORIZON, n_targets, 2, 2, 1, 4, 0.5, marked=True)
    first, column = np.array([5, 16]), np.array([0, 0 if n_targets == 2 else 1])
    x, targets = forking.inputs(frame, first, column, 6), forking.targets(frame, first, column, 6)
    assert x.shape == (6, forking.n_inputs, 2)
    assert np.isfinite(x).all()
    which = 2 if n_targets == 1 else 0
    marks = x[:, x.shape[1] - which - 2 * n_targets : x.shape[1] - which]
    for b in range(2):
        columns = slice(column[b], column[b] + n_targets)
        rows = first[b] + np.arange(6)
        np.testing.assert_array_equal(marks[:, :n_targets, b], frame.observed[rows, columns])
        np.testing.assert_array_equal(marks[:, n_targets:, b], frame.age[rows, columns])
        ahead = np.minimum(rows[:, None] + np.arange(1, HORIZON + 1), N_ROWS - 1)
        seen = frame.observed[ahead][..., columns].reshape(6, -1) > 0
        np.testing.assert_array_equal(np.isfinite(targets[:, :, b]), seen)
