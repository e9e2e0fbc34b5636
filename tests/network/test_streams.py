"""Streams: gradients of a piece, the law of carrying, and what an epoch reads; float64."""

from __future__ import annotations

import numpy as np
import pytest

from rnnforecast.kernels.cells import named
from rnnforecast.kernels.losses import squared_error
from rnnforecast.kernels.symbols import symbol_cross_entropy
from rnnforecast.network import streams
from rnnforecast.network.compose import Chain
from rnnforecast.network.dense import Dense
from rnnforecast.network.dropout import Dropout
from rnnforecast.network.embedding import Embedding
from rnnforecast.network.recurrent import Recurrent
from rnnforecast.network.sequences import SequenceNetwork
from rnnforecast.network.streams import NextSymbol, Reading, StreamObjective, mean_loss, pieces
from rnnforecast.training.batches import Shards
from tests.gradients import numerical, relative_error

V = 5


def build(cells=("lstm",), n_units=3, dropout=0.0, dtype=np.float64) -> SequenceNetwork:
    layers, width = [Embedding(V, 4)], 4
    for cell in cells:
        layers.append(Recurrent(named(cell), width, n_units, dtype))
        if dropout:
            layers.append(Dropout(n_units, dropout))
        width = n_units
    return SequenceNetwork(Chain(layers), Chain([Dense(width, V)]), None, dtype)


class Waves:
    """A reader of numbers rather than symbols: (n_streams, n_steps + 1) values, the next of which is asked for."""

    def __init__(self, values):
        self.values, self.n_streams, self.n_steps = values, len(values), values.shape[1] - 1

    def inputs(self, which, steps):
        return np.ascontiguousarray(self.values[which, steps].T[:, None])

    def targets(self, which, steps):
        return np.ascontiguousarray(self.values[which, steps.start + 1 : steps.stop + 1].T[:, None])


@pytest.mark.parametrize(("n_steps", "longest"), [(1, 1), (7, 3), (64, 64), (65, 64), (10, 100), (0, 4)])
def test_pieces_cover_all_steps_once_and_are_about_equal(n_steps, longest):
    cut = pieces(n_steps, longest)
    assert [t for piece in cut for t in range(piece.start, piece.stop)] == list(range(n_steps))
    lengths = {piece.stop - piece.start for piece in cut}
    assert max(lengths, default=0) <= longest
    assert max(lengths, default=0) - min(lengths, default=0) <= 1


@pytest.mark.parametrize(("n", "n_streams"), [(2, 1), (10, 1), (10, 3), (11, 5), (12, 11), (1001, 64)])
def test_streams_cover_every_transition_and_ask_for_the_next_symbol(n, n_streams):
    reader = NextSymbol(np.arange(n), n_streams)
    which, steps = np.arange(n_streams), slice(0, reader.n_steps)
    inputs, targets = reader.inputs(which, steps), reader.targets(which, steps)
    np.testing.assert_array_equal(targets, inputs[:, 0] + 1)
    np.testing.assert_array_equal(np.unique(inputs), np.arange(n - 1))
    assert inputs.size - (n - 1) < n_streams  # overlaps are a symbol at most


@pytest.mark.parametrize("cells", [("rnn",), ("lstm",), ("gru", "lstm")])
def test_gradient_of_a_later_piece_equals_central_differences(cells, rng):
    network = build(cells)
    objective = StreamObjective(network, NextSymbol(rng.integers(V, size=20), 3), 4, symbol_cross_entropy)
    weights = network.initial(rng) + 0.3 * rng.normal(size=network.layout.size)
    first, later = objective.rows[:3], objective.rows[3:6]
    objective.prepare(weights)
    objective.shard(first, np.zeros_like(weights), seed=0)
    carried = [states.copy() for states in objective.states]

    def loss(gradient=None) -> float:
        for states, kept in zip(objective.states, carried, strict=True):
            states[...] = kept
        objective.prepare(weights)
        return objective.shard(later, np.zeros_like(weights) if gradient is None else gradient, seed=0)

    gradient = np.zeros_like(weights)
    loss(gradient)
    assert relative_error(gradient, numerical(loss, weights)) < 1e-6  # differences, float64


def test_gradient_with_dropout_equals_central_differences(rng):
    network = build(("lstm",), dropout=0.4)
    objective = StreamObjective(network, NextSymbol(rng.integers(V, size=13), 2), 6, symbol_cross_entropy)
    weights = network.initial(rng) + 0.3 * rng.normal(size=network.layout.size)
    rows = objective.rows[:2]

    def loss(gradient=None) -> float:
        objective.prepare(weights)
        return objective.shard(rows, np.zeros_like(weights) if gradient is None else gradient, seed=3)

    gradient = np.zeros_like(weights)
    loss(gradient)
    assert relative_error(gradient, numerical(loss, weights)) < 1e-6  # differences, float64


def test_a_head_over_many_symbols_gives_the_same_in_parts(rng, monkeypatch):
    network = build()
    weights = network.initial(rng) + 0.3 * rng.normal(size=network.layout.size)
    text = rng.integers(V, size=30)

    def outcome():
        objective = StreamObjective(network, NextSymbol(text, 2), 14, symbol_cross_entropy)
        objective.prepare(weights)
        gradient = np.zeros_like(weights)
        return objective.shard(objective.rows[:2], gradient, seed=0), gradient

    value, gradient = outcome()
    monkeypatch.setattr(streams, "ANSWERED_AT_ONCE", 4 * V * 2)  # 4 or 3 of the 14 or 15 steps
    in_parts, gradient_in_parts = outcome()
    assert in_parts == pytest.approx(value, rel=1e-13)  # the sum's order
    np.testing.assert_allclose(gradient_in_parts, gradient, rtol=0, atol=1e-13 * np.abs(gradient).max())


@pytest.mark.parametrize("cells", [("rnn",), ("lstm", "gru")])
def test_pieces_with_carried_state_lose_as_much_as_one_long_piece(cells, rng):
    network, text = build(cells), rng.integers(V, size=40)
    weights = network.initial(rng) + 0.3 * rng.normal(size=network.layout.size)

    def total(bptt_steps) -> float:
        objective = StreamObjective(network, NextSymbol(text, 3), bptt_steps, symbol_cross_entropy)
        objective.prepare(weights)
        minibatches = objective.rows.reshape(-1, 3)
        return sum(objective.shard(rows, np.zeros_like(weights), seed=0) for rows in minibatches)

    assert total(5) == pytest.approx(total(13), rel=1e-12)  # rounding, float64


@pytest.mark.parametrize("cells", [("rnn",), ("lstm", "gru")])
def test_reading_in_pieces_equals_reading_at_once(cells, rng):
    network, text = build(cells), rng.integers(V, size=(12, 1, 2))
    prepared = network.prepare(network.initial(rng) + 0.3 * rng.normal(size=network.layout.size))
    whole = Reading(network, prepared, 2).read(text).copy()
    reading = Reading(network, prepared, 2)
    parts = [reading.read(text[first:stop]).copy() for first, stop in [(0, 5), (5, 6), (6, 7), (7, 12)]]
    np.testing.assert_allclose(np.concatenate(parts), whole, rtol=0, atol=1e-14)  # rounding, float64


def test_an_epoch_begins_in_a_state_of_zeros(rng):
    network = build()
    objective = StreamObjective(network, NextSymbol(rng.integers(V, size=25), 2), 4, symbol_cross_entropy)
    objective.prepare(network.initial(rng) + 0.3 * rng.normal(size=network.layout.size))
    epochs = [
        [objective.shard(rows, np.zeros(network.layout.size), seed=0) for rows in objective.rows.reshape(-1, 2)]
        for _ in range(2)
    ]
    assert epochs[0] == epochs[1]


def test_losses_and_gradients_have_the_same_bits_for_any_number_of_threads(rng):
    network = build(("lstm",), n_units=8, dropout=0.3, dtype=np.float32)
    weights = network.initial(rng)
    text = rng.integers(V, size=300)

    def outcomes(n_threads):
        objective = StreamObjective(network, NextSymbol(text, 7), 10, symbol_cross_entropy)
        found = []
        with Shards(objective, n_threads, shard_size=2) as shards:
            seeds = np.random.default_rng(3)
            for rows in objective.rows.reshape(-1, 7):
                gradient = np.empty_like(weights)
                found.append((shards.value_and_gradient(weights, rows, gradient, seeds), gradient.tobytes()))
        return found

    assert outcomes(1) == outcomes(3)


def test_mean_loss_is_the_mean_over_all_steps_of_all_streams(rng):
    network, reader = build(), NextSymbol(rng.integers(V, size=40), 3)
    weights = network.initial(rng) + 0.3 * rng.normal(size=network.layout.size)
    objective = StreamObjective(network, reader, 100, symbol_cross_entropy)
    objective.prepare(weights)
    expected = objective.shard(objective.rows, np.zeros_like(weights), seed=0) / objective.n_terms(objective.rows)
    actual = mean_loss(network, network.prepare(weights), reader, 4, symbol_cross_entropy)
    assert actual == pytest.approx(expected, rel=1e-12)  # rounding, float64


def test_numbers_can_be_learnt_from_every_step_as_symbols_can(rng):
    waves = Waves(rng.normal(size=(3, 10)))
    network = SequenceNetwork(
        Chain([Recurrent(named("gru"), 1, 3, np.float64)]), Chain([Dense(3, 1)]), None, np.float64
    )
    objective = StreamObjective(network, waves, 3, squared_error)
    weights = network.initial(rng) + 0.3 * rng.normal(size=network.layout.size)
    objective.prepare(weights)
    gradient = np.zeros_like(weights)
    objective.shard(objective.rows[:3], gradient, seed=0)

    def loss() -> float:
        objective.prepare(weights)
        return objective.shard(objective.rows[:3], np.zeros_like(weights), seed=0)

    assert relative_error(gradient, numerical(loss, weights)) < 1e-6  # differences, float64
