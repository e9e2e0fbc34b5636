"""The encoder-decoder: gradients with and without its own feedback, a slow twin, and the laws of decoders; float64."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from rnnforecast.kernels.activations import relu
from rnnforecast.kernels.cells import named
from rnnforecast.kernels.losses import LOSSES
from rnnforecast.network.compose import Chain, Segments
from rnnforecast.network.decoders import Teacher
from rnnforecast.network.dense import Dense
from rnnforecast.network.layer import Layer
from rnnforecast.network.network import Network
from rnnforecast.network.objective import WindowObjective, forecast
from rnnforecast.network.recurrent import Recurrent
from rnnforecast.network.seq2seq import Seq2Seq
from rnnforecast.network.windows import Frame, Windows
from rnnforecast.training.loop import train
from rnnforecast.training.optimizers import optimizer
from rnnforecast.training.schedules import schedule
from tests.gradients import numerical, relative_error

N_ROWS, LOOKBACK, HORIZON, N_UNITS = 30, 6, 4, 3


def build(
    cell="gru", *, attention=None, joint=False, n_known=2, base=0, norm="last", dropout=0.0, head=(), layers=1, cut=1
):
    """Return network, windows, frame and every sample; two targets and one past covariate."""
    rng = np.random.default_rng(0)
    frame = Frame(rng.normal(size=(N_ROWS, 2)), rng.normal(size=(N_ROWS, n_known)), rng.normal(size=(N_ROWS, 1)))
    windows = Windows(LOOKBACK, HORIZON, 2 if joint else 1, 2, n_known, 1, base, norm)
    chain: list[Layer] = []
    width = windows.n_inputs
    if cut > 1:
        chain, width = [Segments(width, cut), Dense(width * cut, N_UNITS, relu)], N_UNITS
    decoder = Seq2Seq(named(cell), N_UNITS, windows, np.float64, head, dropout, attention)
    for k in range(layers):
        every = decoder.every or k < layers - 1
        chain.append(Recurrent(named(cell), width, N_UNITS, np.float64, every=every))
        width = N_UNITS
    n_columns = 1 if joint else 2
    origins = np.tile(np.arange(LOOKBACK, N_ROWS - HORIZON + 1), n_columns)
    columns = np.repeat(np.arange(n_columns), len(origins) // n_columns)
    return Network(Chain(chain), decoder, np.float64), windows, frame, origins, columns


def drawn(network, seed=1, size=0.3):
    """Weights away from the zeros that some start at."""
    rng = np.random.default_rng(seed)
    return network.initial(rng) + size * rng.normal(size=network.layout.size)


VARIANTS = {
    "gru": {},
    "lstm": {"cell": "lstm"},
    "additive attention": {"attention": "additive", "cell": "lstm"},
    "dot attention over segments": {"attention": "dot", "cut": 2, "layers": 2},
    "nothing known": {"n_known": 0, "joint": True},
    "joint with seasonal base": {"joint": True, "base": 3, "attention": "additive"},
    "base of each column": {"base": 2},
    "dropout and head": {"dropout": 0.4, "head": (4,), "cell": "rnn"},
    "plain windows": {"norm": None},
}


@pytest.mark.parametrize("share", [0.0, 1.0, 0.5], ids=["own forecasts", "true values", "mixed"])
@pytest.mark.parametrize("variant", VARIANTS.values(), ids=VARIANTS.keys())
def test_gradient_equals_central_differences(variant, share):
    network, windows, frame, origins, columns = build(**variant)
    objective = WindowObjective(network, windows, frame, origins, columns, LOSSES["squared_error"], share)
    weights, rows = drawn(network, size=0.2), np.array([0, 7, len(origins) - 1])

    def loss() -> float:
        objective.prepare(weights)
        return objective.shard(rows, np.zeros_like(weights), seed=5)

    gradient = np.zeros_like(weights)
    objective.prepare(weights)
    objective.shard(rows, gradient, seed=5)
    assert relative_error(gradient, numerical(loss, weights)) < 1e-6  # rectifiers and rounding of differences, float64


def sigmoid(x):
    return 1.0 / (1.0 + np.exp(-x))


def lstm_step(x, h, c, weight_input, weight_hidden, bias):
    i, f, g, o = np.split(weight_input @ x + weight_hidden @ h + bias, 4)
    c = sigmoid(f) * c + sigmoid(i) * np.tanh(g)
    return sigmoid(o) * np.tanh(c), c


@pytest.mark.parametrize("attention", [None, "additive", "dot"])
def test_each_step_takes_the_forecast_before_it(attention):
    network, windows, frame, _, _ = build("lstm", base=2, attention=attention)
    weights = drawn(network)
    part = network.layout.views(weights)
    origin, column = 12, 1
    out = forecast(network, network.prepare(weights), windows, frame, np.array([origin]), np.array([column]))[:, 0, 0]
    # A twin that knows one sequence and plain loops.
    names = ("weight_input", "weight_hidden", "bias")
    encoder, cell = ([part[f"{prefix}.{name}"] for name in names] for prefix in ("encoder.0", "decoder.cell"))
    last = frame.target[origin - 1, column]
    h = c = np.zeros(N_UNITS)
    states = []
    for t in range(origin - LOOKBACK, origin):
        x = np.concatenate([[frame.target[t, column] - last], frame.known[t], frame.past[t]])
        h, c = lstm_step(x, h, c, *encoder)
        states.append(h)
    value, expected = 0.0, []
    for k in range(HORIZON):
        base = frame.target[origin - 2 + k % 2, column] - last
        x = np.concatenate([[value], frame.known[origin + k], [base], [0.0, 1.0]])
        if attention:
            query = part["decoder.attention.weight_query"] @ h
            keys = [part["decoder.attention.weight_key"] @ state for state in states]
            if attention == "dot":
                scores = np.array([query @ key / np.sqrt(N_UNITS) for key in keys])
            else:
                scores = np.array([part["decoder.attention.vector"][0] @ np.tanh(query + key) for key in keys])
            share = np.exp(scores) / np.exp(scores).sum()
            x = np.concatenate([x, sum(s * state for s, state in zip(share, states, strict=True))])
        h, c = lstm_step(x, h, c, *cell)
        value = (part["decoder.head.0.weight"] @ h + part["decoder.head.0.bias"])[0] + base
        expected.append(value + last)
    np.testing.assert_allclose(out, expected, rtol=1e-12)  # the same sums in another order


def test_a_taught_step_takes_the_true_value_and_an_untaught_one_the_forecast():
    network, windows, frame, _, _ = build(base=2)
    prepared = network.prepare(drawn(network))
    origin, column = np.array([10, 15]), np.array([0, 1])
    read = windows.read(frame, origin, column)
    truth = windows.truth(frame, origin, column, read)

    def run(teacher):
        work = network.work(LOOKBACK, 2, training=True)
        work.draw_from(3)
        return network.forward(prepared, read.past, read.context, work, teacher)

    own = run(None)
    # A truth that is its own forecast teaches nothing new, whatever its share; of a share of 0 nothing is seen.
    np.testing.assert_array_equal(run(Teacher(own, 1.0)), own)
    np.testing.assert_array_equal(run(Teacher(own, 0.5)), own)
    np.testing.assert_array_equal(run(Teacher(truth, 0.0)), own)
    taught = run(Teacher(truth, 1.0))
    np.testing.assert_array_equal(taught[0], own[0])
    assert np.abs(taught[1:] - own[1:]).min() > 1e-9
    later = truth.copy()
    later[-1] += 1.0
    np.testing.assert_array_equal(run(Teacher(later, 1.0)), taught)  # the last true value is nobody's input


def test_teaching_falls_linearly_to_nothing_over_the_training():
    network, windows, frame, origins, columns = build()
    loss = LOSSES["squared_error"]
    scheduled = WindowObjective(network, windows, frame, origins, columns, loss, teacher_forcing=0.8)
    weights, rows = drawn(network), np.arange(9)
    for done in (0.0, 0.25, 1.0):
        fixed = WindowObjective(network, windows, frame, origins, columns, loss, teacher_forcing=0.8 * (1.0 - done))
        scheduled.advance(done)
        for objective in (scheduled, fixed):
            objective.prepare(weights)
        values = [objective.shard(rows, np.zeros_like(weights), seed=2) for objective in (scheduled, fixed)]
        assert values[0] == values[1]
    assert values[0] == pytest.approx(scheduled.mean_loss(rows) * scheduled.n_terms(rows), rel=1e-12)


def test_the_training_loop_tells_how_far_it_is():
    network, windows, frame, origins, columns = build()
    objective = WindowObjective(network, windows, frame, origins, columns, LOSSES["squared_error"], 1.0)
    done: list[float] = []
    train(
        objective,
        drawn(network),
        np.arange(len(origins)),
        optimizer=optimizer("sgd", network.layout.size, network.dtype),
        schedule=schedule("constant", 1e-3, 4),
        batch_size=20,
        n_steps=4,
        rng=np.random.default_rng(0),
        stop_at=3,
        progress=done.append,
    )
    assert done == [0.0, 0.25, 0.5]


def test_what_is_taught_is_drawn_from_the_seed():
    network, windows, frame, origins, columns = build()
    objective = WindowObjective(network, windows, frame, origins, columns, LOSSES["squared_error"], 0.5)
    weights = drawn(network)
    objective.prepare(weights)
    rows, scratch = np.arange(4), np.zeros_like(weights)
    losses = [objective.shard(rows, scratch, seed) for seed in (1, 1, 2)]
    assert losses[0] == losses[1] != losses[2]
    assert objective.mean_loss(rows) == objective.mean_loss(rows)


@pytest.mark.parametrize("attention", [None, "dot"])
def test_newest_observation_moves_every_step_and_a_later_one_none(attention):
    network, windows, frame, _, _ = build(norm=None, attention=attention)
    prepared = network.prepare(drawn(network))

    def run() -> np.ndarray:
        return forecast(network, prepared, windows, frame, np.array([12]), np.array([0]))

    before = run()
    frame.target[11, 0] += 0.5
    assert np.abs(run() - before).min() > 1e-6
    frame.target[11, 0] -= 0.5
    frame.target[12:] += 9.0
    frame.past[12:] += 9.0
    np.testing.assert_array_equal(run(), before)


def test_a_covariate_moves_its_own_step_and_those_after_it():
    network, windows, frame, _, _ = build()
    prepared = network.prepare(drawn(network))
    origin, column = np.array([12]), np.array([0])
    before = forecast(network, prepared, windows, frame, origin, column)
    frame.known[14] += 1.0
    moved = forecast(network, prepared, windows, frame, origin, column) != before
    np.testing.assert_array_equal(moved[:, 0, 0], [False, False, True, True])


def test_another_horizon_only_cuts_or_goes_on():
    network, windows, frame, _, _ = build("lstm", base=3, attention="additive")
    prepared = network.prepare(drawn(network))
    origin, column = np.array([10, 12]), np.array([0, 1])
    trained = forecast(network, prepared, windows, frame, origin, column)
    for horizon in (1, 2, 9):
        other = replace(windows, horizon=horizon)
        out = forecast(network.over(other), prepared, other, frame, origin, column)
        shared = min(horizon, HORIZON)
        assert len(out) == horizon
        np.testing.assert_array_equal(out[:shared], trained[:shared])


def test_attention_weights_of_each_step_sum_to_one():
    network, windows, frame, _, _ = build(attention="additive")
    prepared = network.prepare(drawn(network))
    read = windows.read(frame, np.array([10, 12]), np.array([0, 1]))
    work = network.work(LOOKBACK, 2)
    network.forward(prepared, read.past, read.context, work)
    weights = np.stack(work.decoder.weights)
    assert weights.shape == (HORIZON, LOOKBACK, 2)
    np.testing.assert_allclose(weights.sum(1), 1.0, rtol=1e-14)
    assert np.ptp(weights, axis=0).min() > 0  # every step asks anew


def test_it_starts_as_the_base_forecast():
    network, windows, frame, _, _ = build(base=2)
    prepared = network.prepare(network.initial(np.random.default_rng(0)))
    out = forecast(network, prepared, windows, frame, np.array([10]), np.array([1]))
    np.testing.assert_allclose(out[:, 0, 0], frame.target[[8, 9, 8, 9], 1], rtol=1e-14)
