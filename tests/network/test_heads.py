"""Networks that forecast the parameters of distributions."""

from __future__ import annotations

import numpy as np
import pytest

from rnnforecast.kernels.cells import named
from rnnforecast.network.compose import Chain
from rnnforecast.network.decoders import Direct
from rnnforecast.network.heads import LIKELIHOODS, head_of
from rnnforecast.network.network import Network
from rnnforecast.network.objective import WindowObjective, forecast
from rnnforecast.network.parallel import Parallel
from rnnforecast.network.recurrent import Recurrent
from rnnforecast.network.windows import Frame, Windows
from tests.gradients import numerical, relative_error

N_ROWS, LOOKBACK, HORIZON, UNITS = 30, 6, 3, 3


def build(loss, decoder="direct", *, joint=False, base=2, norm="last"):
    """Return network, windows, frame and every sample; two targets, one known covariate."""
    rng, head = np.random.default_rng(0), head_of(loss, (0.1, 0.5, 0.9))
    values = rng.poisson(4.0, (N_ROWS, 2)).astype(float) if head.counts else rng.normal(size=(N_ROWS, 2))
    frame = Frame(values, rng.normal(size=(N_ROWS, 1)), np.zeros((N_ROWS, 0)))
    norm = "count" if head.counts else norm
    windows = Windows(LOOKBACK, HORIZON, 2 if joint else 1, 2, 1, 0, base, norm, head=head)
    encoder = Chain([Recurrent(named("gru"), windows.n_inputs, UNITS, np.float64, every=False)])
    if decoder == "parallel":
        end = Parallel(named("gru"), UNITS, windows, 2, np.float64)
    else:
        end = Direct(UNITS, windows.n_context, windows.n_targets, HORIZON, (), 2, head.n_parameters)
    n_groups = 1 if joint else 2
    origins = np.tile(np.arange(LOOKBACK, N_ROWS - HORIZON + 1), n_groups)
    columns = np.repeat(np.arange(n_groups), len(origins) // n_groups)
    return Network(encoder, end, np.float64), windows, frame, origins, columns


@pytest.mark.parametrize("joint", [False, True])
@pytest.mark.parametrize("decoder", ["direct", "parallel"])
@pytest.mark.parametrize("loss", [*LIKELIHOODS, "quantile"])
def test_gradient_equals_central_differences(loss, decoder, joint):
    network, windows, frame, origins, columns = build(loss, decoder, joint=joint)
    objective = WindowObjective(network, windows, frame, origins, columns, windows.head.loss)
    rng = np.random.default_rng(1)
    weights = network.initial(rng) + 0.1 * rng.normal(size=network.layout.size)
    rows = np.array([0, 7, len(origins) - 1])

    def value() -> float:
        objective.prepare(weights)
        return objective.shard(rows, np.zeros_like(weights), seed=5)

    gradient = np.zeros_like(weights)
    objective.prepare(weights)
    objective.shard(rows, gradient, seed=5)
    assert relative_error(gradient, numerical(value, weights)) < 1e-6  # rounding of differences, float64


@pytest.mark.parametrize("loss", ["quantile", "gaussian", "student_t"])
@pytest.mark.parametrize("norm", ["last", "standard", None])
def test_a_network_that_says_nothing_forecasts_the_base(loss, norm):
    network, windows, frame, origins, columns = build(loss, norm=norm)
    weights = network.initial(np.random.default_rng(1))  # heads start at zero
    out = forecast(network, network.prepare(weights), windows, frame, origins, columns)
    point = out[:, windows.head.point]
    season = frame.target[origins - 2 + (np.arange(HORIZON) % 2)[:, None], columns]
    np.testing.assert_allclose(point, season, atol=1e-12)


@pytest.mark.parametrize("loss", ["gaussian", "student_t"])
def test_a_scale_follows_the_window_and_a_shift_changes_none(loss):
    network, windows, frame, origins, columns = build(loss, norm="standard")
    rng = np.random.default_rng(1)
    weights = network.initial(rng) + 0.3 * rng.normal(size=network.layout.size)
    prepared = network.prepare(weights)
    before = forecast(network, prepared, windows, frame, origins, columns)
    moved = Frame(5.0 * frame.target + 7.0, frame.known, frame.past)
    after = forecast(network, prepared, windows, moved, origins, columns)
    np.testing.assert_allclose(after[:, 0], 5.0 * before[:, 0] + 7.0, atol=1e-9)
    np.testing.assert_allclose(after[:, 1], 5.0 * before[:, 1], rtol=1e-9)
    np.testing.assert_allclose(after[:, 2:], before[:, 2:], rtol=1e-9)


@pytest.mark.parametrize("loss", ["poisson", "negative_binomial"])
def test_a_network_that_says_nothing_forecasts_the_mean_of_the_window(loss):
    network, windows, frame, origins, columns = build(loss)
    weights = network.initial(np.random.default_rng(1))
    out = forecast(network, network.prepare(weights), windows, frame, origins, columns)
    rows = origins[:, None] + np.arange(-LOOKBACK, 0)
    mean = frame.target[rows, columns[:, None]].mean(axis=1)
    np.testing.assert_allclose(out[:, 0], np.tile(1.0 + mean, (HORIZON, 1)), rtol=1e-12)


def test_a_head_without_further_parameters_trains_as_the_loss_it_is():
    one = head_of("quantile", [0.5])
    out, truth = np.random.default_rng(0).normal(size=(2, 6, 4))
    d_out = np.empty_like(out)
    assert one.loss(out, truth, d_out) == pytest.approx(np.abs(out - truth).sum(), rel=1e-12)
    np.testing.assert_array_equal(d_out, np.sign(out - truth))
