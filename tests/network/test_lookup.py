"""Symbols among the inputs: central differences in float64."""

from __future__ import annotations

import numpy as np
import pytest

from rnnforecast.network.lookup import Lookup
from tests.gradients import numerical, relative_error


@pytest.mark.parametrize(("T", "D", "B", "n_symbols"), [(1, 1, 1, (3,)), (2, 3, 4, (5,)), (5, 4, 3, (9, 2))])
def test_gradient_equals_central_differences(T, D, B, n_symbols, rng):
    layer, row = Lookup(D, n_symbols), D - len(n_symbols)
    views = {p.name: rng.normal(size=p.shape) for p in layer.parameters()}
    x = rng.normal(size=(T, D, B))
    x[:, row:] = [rng.integers(n + 1, size=B) for n in n_symbols]
    upstream = rng.normal(size=(T, layer.n_outputs, B))
    work = layer.work(T, B, np.float64, training=True)

    def projection() -> float:
        return float((upstream * layer.forward(layer.prepare(views), x, work) ** 2).sum())

    y = layer.forward(layer.prepare(views), x, work).copy()
    d_views = {name: np.zeros_like(view) for name, view in views.items()}
    d_x = layer.backward(layer.prepare(views), 2 * upstream * y, work, d_views, wants_d_x=True)
    for name, view in views.items():
        assert relative_error(d_views[name], numerical(projection, view)) < 1e-6  # differences, float64
    others = np.ascontiguousarray(x[:, :row])
    if row:
        np.testing.assert_array_equal(y[:, :row], others)
        np.testing.assert_allclose(d_x[:, :row], 2 * upstream[:, :row] * others, rtol=1e-14)
    assert not d_x[:, row:].any()
    assert layer.backward(layer.prepare(views), 2 * upstream * y, work, d_views, wants_d_x=False) is None


def test_what_is_no_symbol_begins_and_stays_at_zero(rng):
    layer = Lookup(1, (4,))
    (table,) = layer.parameters()
    start = table.initialize(table.shape, rng)
    assert not start[4].any()
    assert start[:4].all()
    assert not table.decays
