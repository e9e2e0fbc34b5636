"""Derivatives of forecasts in the rows they are made from, against central differences of the frame; float64."""

from __future__ import annotations

import numpy as np
import pytest

from rnnforecast.network.input_gradient import input_gradient
from rnnforecast.network.objective import forecast
from tests.gradients import numerical, relative_error
from tests.network import test_network, test_parallel, test_seq2seq

CASES = {
    f"{module.__name__.rsplit('_', 1)[1]}, {name}": (module, variant)
    for module in (test_network, test_parallel, test_seq2seq)
    for name, variant in module.VARIANTS.items()
}
CASES["parallel, covariates and base in a cut segment"] = (
    test_parallel,
    {"base": 3, "joint": True, "norm": "standard"},
)
CASES["seq2seq, standard windows with a base"] = (test_seq2seq, {"base": 3, "norm": "standard", "attention": "dot"})
CASES["network, plain joint base"] = (test_network, {"cells": ["gru"], "base": 2, "norm": None, "joint": True})
CASES["network, recursive in standard windows"] = (
    test_network,
    {"cells": ["lstm"], "decoder": "recursive", "norm": "standard"},
)


def ahead(network, prepared, windows, frame, origin, column):
    """Forecasts (h, J, B) in the frame's units, with any decoder."""
    if not windows.recursive:
        return forecast(network, prepared, windows, frame, origin, column)
    read = windows.read(frame, origin, column, windows.lookback)
    future = frame.known[origin + np.arange(1, windows.horizon)[:, None]].transpose(0, 2, 1)
    return network.unroll(prepared, read.past, np.ascontiguousarray(future)) / read.factor + read.center


@pytest.mark.parametrize(("module", "variant"), CASES.values(), ids=CASES.keys())
def test_gradient_in_every_row_equals_central_differences_of_the_forecast(module, variant):
    network, windows, frame, origins, columns = module.build(**variant)
    prepared = network.prepare(test_seq2seq.drawn(network, size=0.3))
    origin, column = origins[[5]], columns[[5]]
    T, h = windows.lookback, windows.horizon
    step, target = h - 1, windows.n_targets - 1
    found = input_gradient(network, prepared, windows, frame, origin, column, step, target)

    def value() -> float:
        return float(ahead(network, prepared, windows, frame, origin, column)[step, target, 0])

    first = int(origin[0]) - T
    own = slice(int(column[0]), int(column[0]) + windows.n_targets)
    for values, rows, columns_read, gradient in (
        (frame.target, slice(first, first + T), own, found.target),
        (frame.known, slice(first, first + T + h), slice(None), found.known),
        (frame.past, slice(first, first + T), slice(None), found.past),
    ):
        expected = numerical(value, values)
        if expected.size == 0:
            continue
        # a rectifier's kink within 1e-5 would show; differences of float64 carry 1e-10
        assert relative_error(gradient[:, :, 0], expected[rows, columns_read]) < 1e-7
        expected[rows, columns_read] = 0.0
        assert not expected.any()  # nothing else has an influence


def test_samples_of_a_batch_do_not_see_each_other():
    network, windows, frame, origins, columns = test_network.build(["gru"], base=2)
    prepared = network.prepare(test_seq2seq.drawn(network))
    together = input_gradient(network, prepared, windows, frame, origins[:9], columns[:9], 1, 0)
    alone = input_gradient(network, prepared, windows, frame, origins[4:5], columns[4:5], 1, 0)
    for many, one in zip(together, alone, strict=True):
        np.testing.assert_allclose(many[:, :, 4:5], one, rtol=1e-12, atol=1e-14)


def test_a_step_does_not_depend_on_covariates_of_later_steps_where_it_is_computed_before_them():
    network, windows, frame, origins, columns = test_seq2seq.build()
    prepared = network.prepare(test_seq2seq.drawn(network))
    found = input_gradient(network, prepared, windows, frame, origins[:3], columns[:3], 1, 0)
    assert found.known[: windows.lookback + 2].any(axis=(1, 2)).all()
    assert not found.known[windows.lookback + 2 :].any()
