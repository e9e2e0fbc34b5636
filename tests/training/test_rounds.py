"""Rounds over places that each hold some rows: what they add up to is what one place would have computed."""

from __future__ import annotations

import numpy as np
import pytest

from rnnforecast.training.loop import train
from rnnforecast.training.optimizers import optimizer
from rnnforecast.training.rounds import Averaged, Objects, Place, Summed
from rnnforecast.training.schedules import Constant
from tests.training.least_squares import LeastSquares

RATE = 0.01


def place(rows: np.ndarray, solver: str = "sgd", **options) -> Place:
    """A place that holds some rows of the problem, in an order of its own."""
    objective = LeastSquares(**options)
    objective.inputs, objective.targets = objective.inputs[rows], objective.targets[rows]
    return Place(
        objective,
        len(rows),
        n_threads=1,
        shard_size=8,
        solver=lambda: optimizer(solver, 5, objective.dtype, momentum=0.0, nesterovs_momentum=False),
        clip_norm=None,
        clip_value=None,
    )


def apart(n_places: int, **options) -> tuple[list[Place], np.ndarray, np.ndarray]:
    """Places with all rows of the problem dealt out unevenly, where each row lies, and which one it is there."""
    owner = np.random.default_rng(2).integers(n_places, size=64)
    owner[:n_places] = np.arange(n_places)
    local = np.empty(64, np.int64)
    members = [np.flatnonzero(owner == k) for k in range(n_places)]
    for rows in members:
        local[rows] = np.arange(len(rows))
    return [place(rows, **options) for rows in members], owner, local


def together(places: list[Place], owner: np.ndarray, local: np.ndarray, ask=None) -> Summed:
    return Summed(ask or Objects(places), owner, local, 1, 5, np.float64)


@pytest.mark.parametrize("n_places", [1, 2, 7])
def test_gradients_of_places_add_up_to_that_of_all_rows(n_places, rng):
    objective, whole = together(*apart(n_places)), LeastSquares()
    parameters, rows = rng.normal(size=5), rng.integers(64, size=40)
    gradients, losses = [np.zeros(5), np.zeros(5)], []
    for each, gradient in zip((objective, whole), gradients, strict=True):
        each.prepare(parameters)
        losses.append(each.shard(rows, gradient, 0))
    # Sums of 40 terms in another order
    np.testing.assert_allclose(gradients[0], gradients[1], rtol=1e-12, atol=1e-12)
    assert losses[0] == pytest.approx(losses[1], rel=1e-13)
    assert objective.n_terms(rows) == 40


def test_a_training_in_rounds_is_that_of_one_place():
    weights = []
    for objective in (together(*apart(3)), LeastSquares()):
        start = np.zeros(5)
        history = train(
            objective,
            start,
            np.arange(64),
            optimizer=optimizer("adam", 5, np.float64),
            schedule=Constant(RATE, 0),
            batch_size=16,
            n_steps=30,
            rng=np.random.default_rng(0),
            shard_size=16,
            clip_norm=1.0,
        )
        weights.append(start)
        assert history.loss_curve[-1] < history.loss_curve[0]
    # Adam divides by the size of gradients, whose rounding it passes on for thirty updates
    np.testing.assert_allclose(weights[0], weights[1], rtol=1e-10)


def test_places_may_answer_in_any_order():
    places, owner, local = apart(4)
    ordered, found = Objects(places), []

    def reversed_answers(method, arguments):
        return dict(reversed(ordered(method, arguments).items()))

    for ask in (ordered, reversed_answers):
        objective, gradient = together(places, owner, local, ask), np.zeros(5)
        objective.prepare(np.ones(5))
        found.append((objective.shard(np.arange(64), gradient, 0), gradient.tobytes()))
    assert found[0] == found[1]


def averaged(
    places: list[Place], n_steps: int, n_rounds: int, rate: float = RATE
) -> tuple[np.ndarray, list[float], bool]:
    """Train from zero; return the weights, the losses of the rounds and whether they diverged."""
    sizes = np.array([place.n_rows for place in places])
    objective = Averaged(Objects(places), sizes, n_steps, 8, Constant(rate, 0), 5, np.float64)
    weights = np.zeros(5)
    history = train(
        objective,
        weights,
        np.arange(len(places)),
        optimizer=optimizer("sgd", 5, np.float64, momentum=0.0, nesterovs_momentum=False),
        schedule=objective,
        batch_size=len(places),
        n_steps=n_rounds,
        rng=np.random.default_rng(0),
        shuffle=False,
        shard_size=len(places),
    )
    return weights, history.loss_curve, history.diverged


def test_weights_are_averaged_by_the_rows_of_their_places():
    class Still:
        """A place that answers with weights of its own, whatever it is asked."""

        def __init__(self, n_rows, loss, value):
            self.n_rows, self.answer = n_rows, (loss, np.full(5, value))

        def descend(self, parameters, rates, batch_size, seeds):
            return self.answer

    weights, losses, _ = averaged([Still(1, 8.0, 2.0), Still(3, 4.0, 6.0)], n_steps=2, n_rounds=1)
    np.testing.assert_array_equal(weights, 5.0)
    assert losses == [5.0]


def test_a_round_of_one_place_is_a_training_there():
    (alone,), _, _ = apart(1, solver="adam")
    _, expected = alone.descend(np.zeros(5), [RATE] * 6, 8, (_seed_of_the_first_round(), 0))
    weights, _, _ = averaged([alone], n_steps=6, n_rounds=1)
    # The way to the mean is taken from the start and back: one rounding each
    np.testing.assert_allclose(weights, expected, rtol=1e-15)


def _seed_of_the_first_round() -> int:
    return int(np.random.default_rng(0).integers(2**63, size=1)[0])


def test_averaging_finds_the_minimum_that_places_share():
    # Without noise in the targets all places agree on the solution, which local updates then do not leave.
    places, solution = apart(3)[0], LeastSquares().solution()
    for each in places:
        each.objective.targets = each.objective.inputs @ solution
    weights, losses, diverged = averaged(places, n_steps=10, n_rounds=50, rate=0.05)
    np.testing.assert_allclose(weights, solution, atol=1e-6)
    assert losses[-1] < 1e-12
    assert not diverged


def test_a_place_that_diverges_is_noticed():
    weights, _, diverged = averaged(apart(2)[0], n_steps=200, n_rounds=3, rate=1e3)
    assert diverged
    np.testing.assert_array_equal(weights, 0.0)


def test_a_place_answers_the_same_question_alike():
    (alone,), _, _ = apart(1, solver="adam", noise=0.5)
    for method, arguments in (
        ("gradient", (np.ones(5), np.arange(20), (3, 0))),
        ("descend", (np.ones(5), [RATE] * 4, 8, (3, 0))),
    ):
        first, second = (getattr(alone, method)(*arguments) for _ in range(2))
        assert first[0] == second[0]
        np.testing.assert_array_equal(first[1], second[1])
