"""Gradients and laws of whole networks, float64."""

from __future__ import annotations

import numpy as np
import pytest

from rnnforecast.kernels.activations import relu
from rnnforecast.kernels.cells import named
from rnnforecast.kernels.losses import LOSSES
from rnnforecast.network.compose import Chain, Segments
from rnnforecast.network.decoders import Direct, Recursive
from rnnforecast.network.dense import Dense
from rnnforecast.network.dropout import Dropout
from rnnforecast.network.network import Network
from rnnforecast.network.objective import WindowObjective, forecast
from rnnforecast.network.recurrent import Recurrent
from rnnforecast.network.windows import Frame, Windows
from tests.gradients import numerical, relative_error

N_ROWS, LOOKBACK, HORIZON = 30, 6, 3


def build(
    cells,
    *,
    decoder="direct",
    joint=False,
    segment=1,
    dropout=0.0,
    head=(),
    highway=0,
    base=0,
    norm="last",
    marked=False,
    from_present=True,
    seed=0,
):
    """Return network, windows, frame and every sample; two targets, two known and one past covariate."""
    rng = np.random.default_rng(seed)
    recursive = decoder == "recursive"
    frame = Frame(
        rng.normal(size=(N_ROWS, 2)), rng.normal(size=(N_ROWS, 2)), rng.normal(size=(N_ROWS, 0 if recursive else 1))
    )
    windows = Windows(LOOKBACK, HORIZON, 2 if joint else 1, 2, 2, 0 if recursive else 1, base, norm, recursive, marked)
    layers, width = [], windows.n_inputs
    if segment > 1:
        layers = [Segments(width, segment), Dense(width * segment, 4, relu)]
        width = 4
    for k, cell in enumerate(cells):
        layers.append(Recurrent(named(cell), width, 3, np.float64, every=recursive or k < len(cells) - 1))
        if dropout:
            layers.append(Dropout(3, dropout))
        width = 3
    if recursive:
        end = Recursive(width, windows.n_targets, HORIZON, head, from_present)
    else:
        end = Direct(width, windows.n_context, windows.n_targets, HORIZON, head, highway)
    origins = np.tile(np.arange(LOOKBACK, N_ROWS - HORIZON + 1), 1 if joint else 2)
    columns = np.repeat(np.arange(1 if joint else 2), len(origins) // (1 if joint else 2))
    return Network(Chain(layers), end, np.float64), windows, frame, origins, columns


VARIANTS = {
    "gru": {"cells": ["gru"]},
    "stacked and mixed": {"cells": ["lstm", "gru"]},
    "segments": {"cells": ["gru"], "segment": 2},
    "dropout": {"cells": ["rnn", "lstm"], "dropout": 0.4},
    "head": {"cells": ["lstm"], "head": (5,)},
    "highway": {"cells": ["rnn"], "highway": 4},
    "joint": {"cells": ["gru"], "joint": True, "base": 4},
    "seasonal base": {"cells": ["gru"], "base": 2},
    "standard windows": {"cells": ["gru"], "norm": "standard"},
    "plain windows": {"cells": ["gru"], "norm": None},
    "recursive": {"cells": ["gru"], "decoder": "recursive"},
    "recursive, of differences": {"cells": ["gru"], "decoder": "recursive", "norm": None, "from_present": False},
    "recursive, joint, stacked": {"cells": ["lstm", "rnn"], "decoder": "recursive", "joint": True, "head": (4,)},
}


@pytest.mark.parametrize("variant", VARIANTS.values(), ids=VARIANTS.keys())
def test_gradient_equals_central_differences(variant):
    network, windows, frame, origins, columns = build(**variant)
    objective = WindowObjective(network, windows, frame, origins, columns, LOSSES["squared_error"])
    rng = np.random.default_rng(1)
    weights = network.initial(rng) + 0.1 * rng.normal(size=network.layout.size)  # leave zero starts, where some vanish
    rows = np.array([0, 7, 3, len(origins) - 1])

    def loss() -> float:
        objective.prepare(weights)
        return objective.shard(rows, np.zeros_like(weights), seed=5)

    gradient = np.zeros_like(weights)
    objective.prepare(weights)
    objective.shard(rows, gradient, seed=5)
    assert relative_error(gradient, numerical(loss, weights)) < 1e-6  # rectifiers and rounding of differences, float64


@pytest.mark.parametrize("decoder", ["direct", "recursive"])
def test_newest_observation_moves_every_step_and_a_later_one_none(decoder):
    network, windows, frame, _, _ = build(["gru"], decoder=decoder, norm=None)
    rng = np.random.default_rng(2)
    weights = network.initial(rng) + 0.3 * rng.normal(size=network.layout.size)
    prepared = network.prepare(weights)
    origin, column = np.array([12]), np.array([0])

    def run() -> np.ndarray:
        if decoder == "direct":
            return forecast(network, prepared, windows, frame, origin, column)
        read = windows.read(frame, origin, column, LOOKBACK)
        future = frame.known[13:15, :, None]
        return network.unroll(prepared, read.past, future)

    before = run()
    frame.target[11, 0] += 0.5
    assert np.abs(run() - before).min() > 1e-6
    frame.target[11, 0] -= 0.5
    frame.target[12:] += 9.0
    frame.past[12:] += 9.0
    np.testing.assert_array_equal(run(), before)


@pytest.mark.parametrize("from_present", [True, False])
def test_unrolling_one_step_equals_the_forward_pass(from_present):
    network, windows, frame, _, _ = build(["lstm", "gru"], decoder="recursive", from_present=from_present)
    rng = np.random.default_rng(3)
    prepared = network.prepare(network.initial(rng) + 0.3 * rng.normal(size=network.layout.size))
    origin, column = np.array([10, 15]), np.array([0, 1])
    read = windows.read(frame, origin, column)
    taught = network.forward(prepared, read.past, read.context, network.work(windows.n_steps, 2))
    steps = windows.read(frame, origin, column, LOOKBACK)
    alone = network.unroll(prepared, steps.past, np.zeros((0, 2, 2)))
    np.testing.assert_allclose(alone[0, 0], taught[0], rtol=1e-12)  # the same sums in another order


def test_unrolling_feeds_its_own_forecast_back():
    network, windows, frame, _, _ = build(["gru"], decoder="recursive")
    rng = np.random.default_rng(4)
    prepared = network.prepare(network.initial(rng) + 0.3 * rng.normal(size=network.layout.size))
    origin, column = np.array([10]), np.array([0])
    read = windows.read(frame, origin, column, LOOKBACK)
    future = np.ascontiguousarray(frame.known[11:13][:, :, None])
    out = network.unroll(prepared, read.past, future)
    # The second step once more, by a forward pass over inputs that hold the first forecast.
    longer = np.concatenate([read.past, np.concatenate([out[:1], future[:1]], axis=1)])
    again = network.unroll(prepared, longer, future[:0])
    np.testing.assert_allclose(again[0], out[1], rtol=1e-12)


def test_dropout_draws_the_same_mask_from_the_same_seed_and_none_in_prediction():
    network, windows, frame, origins, columns = build(["gru"], dropout=0.5)
    objective = WindowObjective(network, windows, frame, origins, columns, LOSSES["squared_error"])
    rng = np.random.default_rng(5)
    weights = network.initial(rng) + 0.3 * rng.normal(size=network.layout.size)
    objective.prepare(weights)
    rows, scratch = np.arange(4), np.zeros_like(weights)
    losses = [objective.shard(rows, scratch, seed) for seed in (1, 1, 2)]
    assert losses[0] == losses[1] != losses[2]
    assert objective.mean_loss(rows) == objective.mean_loss(rows)


def test_a_network_starts_as_its_base_forecast():
    network, windows, frame, _, _ = build(["gru"], base=2, highway=3)
    prepared = network.prepare(network.initial(np.random.default_rng(0)))
    out = forecast(network, prepared, windows, frame, np.array([10]), np.array([1]))
    np.testing.assert_allclose(out[:, 0, 0], frame.target[[8, 9, 8], 1], rtol=1e-14)
