"""Networks over given sequences: gradients, padding, causality, and the losses of classes; float64 unless said."""

from __future__ import annotations

import numpy as np
import pytest

from rnnforecast.kernels.cells import named
from rnnforecast.kernels.losses import LOSSES, binary_cross_entropy, cross_entropy
from rnnforecast.network.attention import Attention
from rnnforecast.network.bidirectional import Bidirectional
from rnnforecast.network.buffers import KEPT_SHAPES
from rnnforecast.network.compose import Chain
from rnnforecast.network.convolution import CausalConvolution
from rnnforecast.network.decoders import head
from rnnforecast.network.dropout import Dropout
from rnnforecast.network.normalization import LayerNorm
from rnnforecast.network.recurrent import Recurrent
from rnnforecast.network.sequence_objective import Labels, Numbers, SequenceObjective
from rnnforecast.network.sequences import PREDICTED_AT_ONCE, LastState, SequenceNetwork, Sequences
from tests.gradients import numerical, relative_error

D, H = 2, 3
GRU, LSTM = named("gru"), named("lstm")
LENGTHS = {"equal": [4, 4, 4], "unequal": [4, 1, 9]}

LAST = {
    "last state": [LastState(GRU, D, H, np.float64)],
    "stacked": [Recurrent(LSTM, D, H, np.float64), Dropout(H, 0.4), LastState(GRU, H, H, np.float64)],
    "both directions": [Bidirectional(GRU, D, H, np.float64, every=False), LayerNorm(2 * H)],
    "attention": [Recurrent(LSTM, D, H, np.float64), Attention(H, "additive")],
    "dot attention": [Bidirectional(GRU, D, H, np.float64), Attention(2 * H, "dot")],
    "convolution": [CausalConvolution(D, 4, 2), LastState(GRU, 4, H, np.float64)],
}
STEPS = {
    "each state": [Recurrent(GRU, D, H, np.float64)],
    "each state of both directions": [Bidirectional(LSTM, D, H, np.float64), Dropout(2 * H, 0.4)],
    "each state, convolution, normalised": [
        CausalConvolution(D, 4, 3),
        Recurrent(GRU, 4, H, np.float64),
        LayerNorm(H),
    ],
}


def build(layers, n_answers, n_outputs, dtype=np.float64, rectified=(4,)):
    encoder = Chain(layers)
    return SequenceNetwork(encoder, head(encoder.n_outputs, rectified, n_outputs * (n_answers or 1)), n_answers, dtype)


def sequences(rng, lengths, n_columns=D, dtype=np.float64):
    lengths = np.array(lengths)
    return Sequences(rng.normal(size=(lengths.sum(), n_columns)).astype(dtype), lengths)


def make(rng, layers, lengths, kind, *, by_steps, weighted):
    """Return an objective over three sequences and weights that leave the head's zero start."""
    n_answers = None if by_steps else 2
    inputs = sequences(rng, lengths)
    answers = inputs.lengths if by_steps else np.full(len(lengths), n_answers)
    network = build(layers, n_answers, {"numbers": 2, "two classes": 1, "three classes": 3}[kind])
    if kind == "numbers":
        truth = Sequences(rng.normal(size=(answers.sum(), 2)), answers)
        targets = Numbers(truth, LOSSES["squared_error"], np.array([0.5, 2.0, 2.0]) if weighted else None)
    else:
        n_classes = 2 if kind == "two classes" else 3
        codes = Sequences(rng.integers(n_classes, size=(answers.sum(), 1)), answers)
        targets = Labels(codes, n_classes, rng.uniform(0.5, 2, size=(answers.sum(), 1)) if weighted else None)
    weights = network.initial(rng) + 0.2 * rng.normal(size=network.layout.size)
    return SequenceObjective(network, inputs, targets), weights


def gradient_of(objective, weights, rows, seed=5):
    gradient = np.zeros_like(weights)
    objective.prepare(weights)
    return objective.shard(rows, gradient, seed), gradient


CASES = [
    *((f"{name}, {lengths}", layers, lengths, False) for name, layers in LAST.items() for lengths in LENGTHS),
    *((f"{name}, {lengths}", layers, lengths, True) for name, layers in STEPS.items() for lengths in LENGTHS),
]


@pytest.mark.parametrize(("layers", "lengths", "by_steps"), [case[1:] for case in CASES], ids=[c[0] for c in CASES])
def test_gradient_equals_central_differences(rng, layers, lengths, by_steps):
    objective, weights = make(rng, layers, LENGTHS[lengths], "numbers", by_steps=by_steps, weighted=False)
    rows = np.array([2, 0, 1])
    _, gradient = gradient_of(objective, weights, rows)

    def loss():
        objective.prepare(weights)
        return objective.shard(rows, np.zeros_like(weights), seed=5)

    assert relative_error(gradient, numerical(loss, weights)) < 1e-6  # rectifiers and rounding of differences


@pytest.mark.parametrize("kind", ["numbers", "two classes", "three classes"])
@pytest.mark.parametrize("by_steps", [False, True])
def test_gradient_of_weighted_answers_equals_central_differences(rng, kind, by_steps):
    layers = STEPS["each state"] if by_steps else LAST["last state"]
    objective, weights = make(rng, layers, [3, 1, 5], kind, by_steps=by_steps, weighted=True)
    rows = np.array([0, 1, 2])
    _, gradient = gradient_of(objective, weights, rows)

    def loss():
        objective.prepare(weights)
        return objective.shard(rows, np.zeros_like(weights), seed=5)

    assert relative_error(gradient, numerical(loss, weights)) < 1e-6  # as above


@pytest.mark.parametrize("kind", ["numbers", "two classes", "three classes"])
@pytest.mark.parametrize("name", [*LAST, *STEPS])
def test_loss_and_gradient_of_a_padded_batch_are_the_sums_of_those_of_its_sequences_alone(rng, kind, name):
    by_steps = name in STEPS
    layers = [layer for layer in (LAST | STEPS)[name] if not isinstance(layer, Dropout)]  # masks differ by batch
    objective, weights = make(rng, layers, [4, 1, 9], kind, by_steps=by_steps, weighted=True)
    loss, gradient = gradient_of(objective, weights, np.array([0, 1, 2]))
    alone = [gradient_of(objective, weights, np.array([k])) for k in range(3)]
    # rtol: sums of the same float64 terms in another order
    np.testing.assert_allclose(loss, sum(one[0] for one in alone), rtol=1e-12)
    np.testing.assert_allclose(gradient, sum(one[1] for one in alone), rtol=1e-9, atol=1e-13)


@pytest.mark.parametrize("name", [*LAST, *STEPS])
def test_the_mean_loss_is_that_of_the_shards_without_dropout(rng, name):
    layers = [layer for layer in (LAST | STEPS)[name] if not isinstance(layer, Dropout)]
    objective, weights = make(rng, layers, [4, 1, 9], "numbers", by_steps=name in STEPS, weighted=True)
    rows = np.array([2, 0])
    loss, _ = gradient_of(objective, weights, rows)
    assert objective.n_terms(rows) == 2 * (13 if name in STEPS else 4)
    np.testing.assert_allclose(objective.mean_loss(rows), loss / objective.n_terms(rows), rtol=1e-13)


def single(layers):
    """Return the same layers in float32."""
    made = []
    for layer in layers:
        if isinstance(layer, LastState):
            made.append(LastState(layer.recurrent.cell, layer.n_inputs, layer.n_outputs, np.float32))
        elif isinstance(layer, Recurrent):
            made.append(Recurrent(layer.cell, layer.n_inputs, layer.n_outputs, np.float32))
        elif isinstance(layer, Bidirectional):
            made.append(Bidirectional(layer.recurrent.cell, layer.n_inputs, layer.n_units, np.float32, layer.every))
        else:
            made.append(layer)
    return made


@pytest.mark.parametrize("name", [*LAST, *STEPS])
def test_answers_have_the_same_bits_whatever_is_asked_with_them(rng, name):
    network = build(single((LAST | STEPS)[name]), None if name in STEPS else 2, 3, np.float32)
    weights = network.initial(rng)
    weights += 0.2 * rng.normal(size=len(weights)).astype(np.float32)
    prepared = network.prepare(weights)
    lengths = rng.integers(1, 20, size=PREDICTED_AT_ONCE + 9)
    inputs = sequences(rng, lengths, dtype=np.float32)
    together = network.answers(prepared, inputs)
    ends = np.cumsum(lengths)
    answered = []
    for k in (0, 1, PREDICTED_AT_ONCE, len(lengths) - 1):
        alone = Sequences(inputs.values[ends[k] - lengths[k] : ends[k]], lengths[k : k + 1])
        rows = slice(ends[k] - lengths[k], ends[k]) if name in STEPS else slice(2 * k, 2 * k + 2)
        np.testing.assert_array_equal(network.answers(prepared, alone), together[rows])
        answered.append(together[rows].std())
    assert min(answered) > 0


def test_an_answer_at_a_step_depends_on_that_step_and_those_before(rng):
    network = build(STEPS["each state, convolution, normalised"], None, 1, rectified=())
    prepared = network.prepare(network.initial(rng) + 0.3 * rng.normal(size=network.layout.size))
    inputs = sequences(rng, [8])
    before = network.answers(prepared, inputs)
    inputs.values[5] += 1.0
    after = network.answers(prepared, inputs)
    np.testing.assert_array_equal(after[:5], before[:5])
    assert (after[5:] != before[5:]).all()


def test_an_answer_of_both_directions_depends_on_every_step_of_its_own_sequence_only(rng):
    network = build(STEPS["each state of both directions"], None, 1, rectified=())
    prepared = network.prepare(network.initial(rng) + 0.3 * rng.normal(size=network.layout.size))
    inputs = sequences(rng, [8, 5])
    before = network.answers(prepared, inputs)
    inputs.values[7] += 1.0
    changed = network.answers(prepared, inputs) != before
    assert changed[:8].all()
    assert not changed[8:].any()


def test_a_batch_holds_its_sequences_and_repeats_their_last_steps(rng):
    inputs = sequences(rng, [2, 5, 3])
    batch = inputs.batch(np.array([2, 0]), 4)
    assert batch.shape == (4, D, 2)
    np.testing.assert_array_equal(batch[:, :, 0], inputs.values[[7, 8, 9, 9]])
    np.testing.assert_array_equal(batch[:, :, 1], inputs.values[[0, 1, 1, 1]])
    np.testing.assert_array_equal(inputs.real(np.array([2, 0]), 4).T, [[1, 1, 1, 0], [1, 1, 0, 0]])


def test_buffers_of_many_shapes_are_not_kept_for_ever(rng):
    n = 2 * KEPT_SHAPES
    inputs = sequences(rng, 8 * np.arange(1, n + 1))
    network = build(LAST["last state"], 1, 1)
    objective = SequenceObjective(
        network, inputs, Numbers(Sequences(np.zeros((n, 1)), np.ones(n, int)), LOSSES["huber"])
    )
    weights = network.initial(rng)
    for k in range(n):
        gradient_of(objective, weights, np.array([k]))
    assert len(objective._buffers._free) <= KEPT_SHAPES + 1


SHAPE = (2, 3, 5)


def one_hot(rng, weight=1.0):
    return np.moveaxis(np.eye(SHAPE[1])[rng.integers(SHAPE[1], size=(SHAPE[0], SHAPE[2]))], 2, 1) * weight


def test_cross_entropy_is_the_weighted_negative_log_probability(rng):
    logits, weight = rng.normal(size=SHAPE), rng.uniform(0.5, 2, size=(2, 1, 5))
    target = one_hot(rng, weight)
    probability = np.exp(logits) / np.exp(logits).sum(1, keepdims=True)
    value = cross_entropy(logits, target, np.empty(SHAPE))
    np.testing.assert_allclose(value, -(target * np.log(probability)).sum(), rtol=1e-13)  # ten terms, float64


def test_binary_cross_entropy_is_that_of_two_classes_of_which_the_other_has_logit_zero(rng):
    logits, weight = rng.normal(size=(2, 1, 5)), rng.uniform(0.5, 2, size=(2, 1, 5))
    second = rng.random((2, 1, 5)) < 0.5
    d, d_two = np.empty((2, 1, 5)), np.empty((2, 2, 5))
    value = binary_cross_entropy(logits, np.where(second, weight, -weight), d)
    two = np.concatenate([np.zeros_like(logits), logits], axis=1)
    target = np.concatenate([~second, second], axis=1) * weight
    np.testing.assert_allclose(value, cross_entropy(two, target, d_two), rtol=1e-13)
    np.testing.assert_allclose(d, d_two[:, 1:], rtol=1e-12)


@pytest.mark.parametrize("loss", [binary_cross_entropy, cross_entropy])
def test_the_gradient_of_a_cross_entropy_is_its_derivative(rng, loss):
    logits = rng.normal(size=SHAPE)
    target = rng.normal(size=SHAPE) if loss is binary_cross_entropy else one_hot(rng, 1.7)
    d = np.empty(SHAPE)
    loss(logits, target, d)
    expected = numerical(lambda: loss(logits, target, np.empty(SHAPE)), logits)
    np.testing.assert_allclose(d, expected, rtol=0, atol=1e-9)  # differences round at 1e-15 / 1e-5


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("size", [1e3, 1e30])
def test_cross_entropies_of_huge_logits_are_finite_and_right(dtype, size):
    logits = np.array([[[size], [-size]]], dtype)  # S = 1, C = 2, B = 1
    right, wrong = np.array([[[1.0], [0.0]]], dtype), np.array([[[0.0], [1.0]]], dtype)
    d = np.empty_like(logits)
    assert cross_entropy(logits, right, d) == 0.0
    np.testing.assert_array_equal(d, 0.0)
    assert cross_entropy(logits, wrong, d) == pytest.approx(2 * size)
    np.testing.assert_array_equal(d[0, :, 0], [1.0, -1.0])
    d = np.empty((1, 1, 2), dtype)
    signed = np.array([[[size, -size]]], dtype)
    assert binary_cross_entropy(signed, np.array([[[1.0, -1.0]]], dtype), d) == 0.0
    assert binary_cross_entropy(signed, np.array([[[-1.0, 1.0]]], dtype), d) == pytest.approx(2 * size)
    np.testing.assert_array_equal(d[0, 0], [1.0, -1.0])


def test_a_term_without_weight_costs_nothing_and_pulls_nowhere(rng):
    logits, d = rng.normal(size=SHAPE), np.empty(SHAPE)
    for loss in (binary_cross_entropy, cross_entropy):
        assert loss(logits, np.zeros(SHAPE), d) == 0.0
        np.testing.assert_array_equal(d, 0.0)
