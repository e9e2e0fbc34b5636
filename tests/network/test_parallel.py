"""The decoder of all segments at once: gradients, a slow twin, and the laws of decoders; float64."""

from __future__ import annotations

import numpy as np
import pytest

from rnnforecast.kernels.activations import relu
from rnnforecast.kernels.cells import named
from rnnforecast.kernels.losses import LOSSES
from rnnforecast.network.compose import Chain, Segments
from rnnforecast.network.decoders import Direct
from rnnforecast.network.dense import Dense
from rnnforecast.network.dropout import Dropout
from rnnforecast.network.layer import Layer
from rnnforecast.network.network import Network
from rnnforecast.network.objective import WindowObjective, forecast
from rnnforecast.network.parallel import Parallel
from rnnforecast.network.recurrent import Recurrent
from rnnforecast.network.windows import Frame, Windows
from tests.gradients import numerical, relative_error

N_ROWS, LOOKBACK, HORIZON, N_UNITS = 30, 6, 5, 3


def build(cell="gru", *, segment=2, joint=False, n_known=2, base=0, norm="last", dropout=0.0, head=(), layers=1, cut=1):
    """Return network, windows, frame and every sample; two targets and one past covariate."""
    rng = np.random.default_rng(0)
    frame = Frame(rng.normal(size=(N_ROWS, 2)), rng.normal(size=(N_ROWS, n_known)), rng.normal(size=(N_ROWS, 1)))
    windows = Windows(LOOKBACK, HORIZON, 2 if joint else 1, 2, n_known, 1, base, norm)
    chain: list[Layer] = []
    width = windows.n_inputs
    if cut > 1:
        chain, width = [Segments(width, cut), Dense(width * cut, N_UNITS, relu)], N_UNITS
    for k in range(layers):
        chain.append(Recurrent(named(cell), width, N_UNITS, np.float64, every=k < layers - 1))
        width = N_UNITS
    decoder = Parallel(named(cell), N_UNITS, windows, segment, np.float64, head, dropout)
    n_columns = 1 if joint else 2
    origins = np.tile(np.arange(LOOKBACK, N_ROWS - HORIZON + 1), n_columns)
    columns = np.repeat(np.arange(n_columns), len(origins) // n_columns)
    return Network(Chain(chain), decoder, np.float64), windows, frame, origins, columns


def drawn(network, seed=1, size=0.3):
    """Weights away from the zeros that some start at."""
    rng = np.random.default_rng(seed)
    return network.initial(rng) + size * rng.normal(size=network.layout.size)


VARIANTS = {
    "gru, last segment cut": {},
    "lstm": {"cell": "lstm"},
    "one segment": {"segment": 5},
    "a segment longer than the horizon": {"segment": 8},
    "single steps": {"segment": 1, "cell": "rnn"},
    "nothing known": {"n_known": 0, "joint": True},
    "joint with seasonal base": {"joint": True, "base": 4},
    "base of each column": {"base": 2, "cell": "lstm"},
    "dropout and head": {"dropout": 0.4, "head": (4,)},
    "stacked over segments": {"layers": 2, "cut": 2, "cell": "lstm"},
    "standard windows": {"norm": "standard"},
}


@pytest.mark.parametrize("variant", VARIANTS.values(), ids=VARIANTS.keys())
def test_gradient_equals_central_differences(variant):
    network, windows, frame, origins, columns = build(**variant)
    objective = WindowObjective(network, windows, frame, origins, columns, LOSSES["squared_error"])
    weights, rows = drawn(network, size=0.1), np.array([0, 7, len(origins) - 1])

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


def test_every_segment_is_one_step_from_the_last_state_and_memory():
    network, windows, frame, _, _ = build("lstm", base=2)
    weights = drawn(network)
    part = network.layout.views(weights)
    origin, column = 12, 1
    out = forecast(network, network.prepare(weights), windows, frame, np.array([origin]), np.array([column]))[:, 0, 0]
    # A twin that knows one sequence and plain loops.
    names = ("weight_input", "weight_hidden", "bias")
    encoder, cell = ([part[f"{prefix}.{name}"] for name in names] for prefix in ("encoder.0", "decoder.cell"))
    last = frame.target[origin - 1, column]
    h = c = np.zeros(N_UNITS)
    for t in range(origin - LOOKBACK, origin):
        x = np.concatenate([[frame.target[t, column] - last], frame.known[t], frame.past[t]])
        h, c = lstm_step(x, h, c, *encoder)
    base = np.array([frame.target[origin - 2 + k % 2, column] for k in range(HORIZON)])
    expected = []
    for segment in range(3):
        steps = range(2 * segment, 2 * segment + 2)
        covariates = [frame.known[origin + k] if k < HORIZON else np.zeros(2) for k in steps]
        bases = [base[k] - last if k < HORIZON else 0.0 for k in steps]
        known = np.concatenate([*covariates, bases, [0.0, 1.0]])
        x = part["decoder.position"][segment] + part["decoder.context"] @ known
        hidden, _ = lstm_step(x, h, c, *cell)
        expected.extend(part["decoder.head.0.weight"] @ hidden + part["decoder.head.0.bias"])
    np.testing.assert_allclose(out, base + expected[:HORIZON], rtol=1e-12)  # the same sums in another order


def test_newest_observation_moves_every_step_and_a_later_one_none():
    network, windows, frame, _, _ = build(norm=None)
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


def test_a_covariate_moves_its_own_segment_only():
    network, windows, frame, _, _ = build()
    prepared = network.prepare(drawn(network))
    origin, column = np.array([12]), np.array([0])
    before = forecast(network, prepared, windows, frame, origin, column)
    frame.known[15] += 1.0  # the fourth step: second segment
    moved = forecast(network, prepared, windows, frame, origin, column) != before
    np.testing.assert_array_equal(moved[:, 0, 0], [False, False, True, True, False])


def test_it_starts_as_the_base_forecast():
    network, windows, frame, _, _ = build(base=2)
    prepared = network.prepare(network.initial(np.random.default_rng(0)))
    out = forecast(network, prepared, windows, frame, np.array([10]), np.array([1]))
    np.testing.assert_allclose(out[:, 0, 0], frame.target[[8, 9, 8, 9, 8], 1], rtol=1e-14)


def test_segments_start_distinct_and_small():
    network, *_ = build(segment=1)
    views = network.layout.views(network.initial(np.random.default_rng(0)))
    positions = views["decoder.position"]
    assert positions.shape == (HORIZON, N_UNITS)
    assert len(np.unique(positions)) == positions.size
    assert 0.15 < positions.std() < 0.45  # 0.3, of 15 draws


def test_dropout_draws_the_same_mask_from_the_same_seed_and_none_in_prediction():
    network, windows, frame, origins, columns = build(dropout=0.5)
    objective = WindowObjective(network, windows, frame, origins, columns, LOSSES["squared_error"])
    weights = drawn(network)
    objective.prepare(weights)
    rows, scratch = np.arange(4), np.zeros_like(weights)
    losses = [objective.shard(rows, scratch, seed) for seed in (1, 1, 2)]
    assert losses[0] == losses[1] != losses[2]
    assert objective.mean_loss(rows) == objective.mean_loss(rows)


def test_an_encoder_without_a_last_state_is_refused():
    _, windows, *_ = build()
    decoder = Parallel(named("gru"), N_UNITS, windows, 2, np.float64)
    recurrent = Recurrent(named("gru"), windows.n_inputs, N_UNITS, np.float64, every=False)
    encoder: list[Layer] = [recurrent, Dropout(N_UNITS, 0.1)]
    with pytest.raises(ValueError, match="last layer must be Recurrent, got Dropout"):
        Network(Chain(encoder), decoder, np.float64)
    Network(Chain(encoder), Direct(N_UNITS, windows.n_context, 1, HORIZON), np.float64)  # reads the output only
