"""Readouts of a reservoir and lags against plain least squares, and errors against forecasts made by hand."""

from __future__ import annotations

import numpy as np
import pytest

from rnnforecast.estimators._echo import LAG_PENALTY, EchoRun, Readouts, fit_echo
from rnnforecast.estimators._trained import Stretches
from rnnforecast.kernels.cells import named
from rnnforecast.network import readout
from rnnforecast.network.reservoir import Reservoir

H, LAGS, STEPS, ALPHA = 6, 4, (1, 3), 1e-3
BACK = np.array([3, 1, 1])


@pytest.fixture
def table(rng):
    """Two targets and an input, 90 rows, scaled; some values are missing."""
    table = np.column_stack([np.sin(np.arange(90) / 2), rng.normal(size=90).cumsum() / 4, rng.normal(size=90)])
    table[:, 0] += 0.1 * rng.normal(size=90)
    table[40:42, 0] = table[60] = np.nan
    return table


@pytest.fixture
def reservoir():
    return Reservoir.random(named("leaky"), 2, H, "float64", np.random.default_rng(1))


def filled(table):
    values = table.copy()
    for t, c in np.argwhere(np.isnan(values)):
        values[t, c] = values[t - BACK[c], c]
    return values


def slow_design(table, reservoir, k):
    """States, one and lags of target k for every row that has all lags, laid out by hand."""
    values = filled(table)
    x = values[:, [k, 2]][:, :, None]
    states = reservoir.start(1).read(np.ascontiguousarray(x))[:, :, 0]
    rows = range(LAGS - 1, len(table))
    return np.array([[*states[t], 1.0, *values[t - LAGS + 1 : t + 1, k]] for t in rows])


def slow_weights(design, targets, penalty):
    below = np.diag(np.sqrt(np.broadcast_to(penalty, design.shape[1]) * len(design)))
    rows = np.vstack([design, below]), np.vstack([targets, np.zeros((len(below), targets.shape[1]))])
    return np.linalg.lstsq(*rows, rcond=None)[0]


def origins_and_targets(table, k):
    """Rows from which every step is known, by place in the design, and what came."""
    known = ~np.isnan(table[:, k])
    rows = [t for t in range(LAGS - 1, len(table) - max(STEPS)) if known[t] and all(known[t + h] for h in STEPS)]
    return np.array(rows) - LAGS + 1, np.array([[table[t + h, k] for h in STEPS] for t in rows])


def fit(table, reservoir, kinds=("joint",)):
    return fit_echo(table, 2, reservoir, Readouts(kinds, ALPHA), steps=STEPS, n_lags=LAGS, back=BACK)


@pytest.mark.parametrize("k", [0, 1])
def test_readouts_are_ridge_regressions(table, reservoir, k):
    model, _ = fit(table, reservoir, ("joint", "states", "lags"))
    design, (rows, targets) = slow_design(table, reservoir, k), origins_and_targets(table, k)
    both = np.repeat([ALPHA, LAG_PENALTY], [H + 1, LAGS])
    for kind, (columns, penalty) in enumerate(
        [(slice(None), both), (slice(H + 1), ALPHA), (slice(H, None), LAG_PENALTY)]
    ):
        expected = slow_weights(design[rows, columns], targets, penalty)
        found = model.weights[k, columns, 2 * kind : 2 * kind + 2]
        np.testing.assert_allclose(found, expected, rtol=1e-7, atol=1e-9)  # normal equations, condition 1e4
        assert (model.weights[k, :, 2 * kind : 2 * kind + 2] != 0).sum() == expected.size


def test_errors_of_a_block_come_from_the_other_blocks(table, reservoir):
    model, errors = fit(table, reservoir)
    design, (rows, targets) = slow_design(table, reservoir, 0), origins_and_targets(table, 0)
    n_origins = len(table) - max(STEPS) - LAGS + 1
    block = slice(round(n_origins / 5), round(2 * n_origins / 5))  # the second of five
    others = (rows < block.start) | (rows >= block.stop)
    both = np.repeat([ALPHA, LAG_PENALTY], [H + 1, LAGS])
    weights = slow_weights(design[rows[others]], targets[others], both)
    for s, h in enumerate(STEPS):
        for place in range(block.start, block.stop):
            t = place + LAGS - 1
            expected = table[t + h, 0] - design[place] @ weights[:, s] if not np.isnan(table[t, 0]) else np.nan
            np.testing.assert_allclose(errors[t + h, 0, s] * model.deviation[0, s], expected, rtol=1e-6, atol=1e-9)
    np.testing.assert_allclose(np.nanstd(errors, axis=0), 1.0, rtol=1e-9)


def test_errors_are_values_less_forecasts_and_missing_where_either_is(table, reservoir):
    model, _ = fit(table, reservoir)
    errors, expected = EchoRun(model).extend(table)
    for k in (0, 1):
        forecasts = slow_design(table, reservoir, k) @ model.weights[k]
        for s, h in enumerate(STEPS):
            for t in range(len(table)):
                place = t - h - LAGS + 1
                known = place >= 0 and not np.isnan(table[t - h, k])
                value = (table[t, k] - forecasts[place, s]) / model.deviation[k, s] if known else np.nan
                np.testing.assert_allclose(errors[t, k, s], value, rtol=1e-9, atol=1e-11)
        np.testing.assert_allclose(expected[LAGS:, k], forecasts[:-1, 0], rtol=1e-9, atol=1e-12)
    assert np.isnan(expected[:LAGS]).all()


def test_pieces_of_any_length_and_single_rows_give_the_same(table, reservoir, monkeypatch):
    model, _ = fit(table, reservoir, ("states", "lags"))
    whole = EchoRun(model).extend(table)
    run = EchoRun(model)
    parts = [run.extend(table[:2]), run.extend(table[2:50])]
    parts += [tuple(one[None] for one in run.step(row)) for row in table[50:70]]
    parts.append(run.extend(table[70:]))
    for at_once, pieces in zip(whole, zip(*parts, strict=True), strict=True):
        # Sums of 11 products in another order.
        np.testing.assert_allclose(np.concatenate(pieces), at_once, rtol=0, atol=1e-10)
    monkeypatch.setattr(readout, "CHUNK", 7 * H * 2)
    np.testing.assert_allclose(EchoRun(model).extend(table)[0], whole[0], rtol=0, atol=1e-10)


def test_targets_are_fitted_in_groups_as_all_at_once(rng, monkeypatch):
    table = rng.normal(size=(60, 5))
    own = Reservoir.random(named("leaky"), 1, H, "float64", np.random.default_rng(1))
    arguments = {"steps": STEPS, "n_lags": LAGS, "back": np.ones(5, np.int64)}
    whole, errors = fit_echo(table, 5, own, Readouts(("joint",), ALPHA), **arguments)
    monkeypatch.setattr("rnnforecast.estimators._echo.COLUMNS_AT_ONCE", 2)
    grouped, others = fit_echo(table, 5, own, Readouts(("joint",), ALPHA), **arguments)
    np.testing.assert_allclose(grouped.weights, whole.weights, rtol=0, atol=1e-9)
    np.testing.assert_allclose(others, errors, rtol=0, atol=1e-9)


def test_a_step_that_was_never_seen_is_not_judged(rng, reservoir):
    table = rng.normal(size=(80, 3))
    table[::2, 0] = np.nan
    model, _ = fit(table, reservoir)
    assert np.isnan(model.deviation[0]).all()  # one and three rows from a known row lies a missing one
    assert np.isfinite(model.deviation[1]).all()
    assert np.isnan(EchoRun(model).extend(rng.normal(size=(20, 3)))[0][:, 0]).all()


def test_stretches_ask_at_every_row_for_those_ahead(rng):
    table = rng.uniform(-1, 1, size=(200, 3))
    reader = Stretches(table, 2, np.array([1, 4]), np.float64)
    assert (reader.n_streams, reader.n_steps) == (12, 32)  # six stretches of each target, 32 rows at least
    streams, steps = np.array([1, 8]), slice(3, 7)
    x, y = reader.inputs(streams, steps), reader.targets(streams, steps)
    for b, (column, start) in enumerate([(0, 32), (1, 64)]):
        rows = np.arange(start + 3, start + 7)
        np.testing.assert_array_equal(x[:, :, b], table[rows][:, [column, 2]])
        np.testing.assert_array_equal(y[:, 0, b], table[rows + 1, column])
        np.testing.assert_array_equal(y[:, 1, b], table[rows + 4, column])
