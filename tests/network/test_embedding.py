"""Embeddings and the softmax over symbols: central differences and slow twins, float64."""

from __future__ import annotations

import numpy as np
import pytest

from rnnforecast.kernels.losses import cross_entropy
from rnnforecast.kernels.symbols import d_embed, embed, log_probability, symbol_cross_entropy
from rnnforecast.network.embedding import Embedding
from tests.gradients import numerical, relative_error

SIZES = [(1, 2, 1, 1), (2, 3, 3, 1), (5, 7, 4, 3), (9, 2, 1, 6)]  # T, V, E, B


@pytest.mark.parametrize(("T", "V", "E", "B"), SIZES)
def test_every_step_is_its_symbols_row(T, V, E, B, rng):
    table, symbols = rng.normal(size=(V, E)), rng.integers(V, size=(T, B))
    out = np.empty((T, E, B))
    embed(table, symbols, out)
    for t in range(T):
        for b in range(B):
            np.testing.assert_array_equal(out[t, :, b], table[symbols[t, b]])


@pytest.mark.parametrize(("T", "V", "E", "B"), SIZES)
def test_a_rows_derivative_is_the_sum_over_its_symbols_and_is_added(T, V, E, B, rng):
    d_out, symbols = rng.normal(size=(T, E, B)), rng.integers(V, size=(T, B))
    before = rng.normal(size=(V, E))
    expected = before.copy()
    for t in range(T):
        for b in range(B):
            expected[symbols[t, b]] += d_out[t, :, b]
    actual = before.copy()
    d_embed(d_out, symbols, actual)
    np.testing.assert_allclose(actual, expected, atol=1e-14)  # sums in another order


@pytest.mark.parametrize(("T", "V", "E", "B"), SIZES)
def test_layers_gradient_equals_central_differences(T, V, E, B, rng):
    layer = Embedding(V, E)
    views = {"table": rng.normal(size=(V, E))}
    x, upstream = rng.integers(V, size=(T, 1, B)), rng.normal(size=(T, E, B))
    work = layer.work(T, B, np.float64, training=True)

    def projection() -> float:
        return float((upstream * layer.forward(layer.prepare(views), x, work) ** 2).sum())

    y = layer.forward(layer.prepare(views), x, work).copy()
    d_views = {"table": np.zeros((V, E))}
    assert layer.backward(layer.prepare(views), 2 * upstream * y, work, d_views, wants_d_x=False) is None
    assert relative_error(d_views["table"], numerical(projection, views["table"])) < 1e-6  # differences, float64


@pytest.mark.parametrize(("T", "V", "E", "B"), SIZES)
def test_cross_entropy_of_symbols_is_that_of_one_hot_columns(T, V, E, B, rng):
    logits, symbols = 3 * rng.normal(size=(T, V, B)), rng.integers(V, size=(T, B))
    one_hot = np.ascontiguousarray(np.eye(V)[symbols].transpose(0, 2, 1))
    d_logits, expected = np.empty_like(logits), np.empty_like(logits)
    value = symbol_cross_entropy(logits, symbols, d_logits)
    assert value == pytest.approx(cross_entropy(logits, one_hot, expected), rel=1e-14)
    np.testing.assert_allclose(d_logits, expected, atol=1e-14)
    assert -log_probability(logits, symbols).sum() == pytest.approx(value, rel=1e-14)


def test_gradient_of_the_cross_entropy_equals_central_differences(rng):
    logits, symbols = rng.normal(size=(3, 4, 2)), rng.integers(4, size=(3, 2))
    d_logits, unused = np.empty_like(logits), np.empty_like(logits)
    symbol_cross_entropy(logits, symbols, d_logits)
    expected = numerical(lambda: symbol_cross_entropy(logits, symbols, unused), logits)
    assert relative_error(d_logits, expected) < 1e-6  # differences, float64


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_huge_logits_neither_overflow_nor_lose_the_loss(dtype):
    logits = np.array([[[1e4], [-1e4]], [[0.0], [0.0]]], dtype)
    symbols, d_logits = np.array([[1], [0]]), np.empty_like(logits)
    with np.errstate(over="raise", invalid="raise", divide="raise"):
        value = symbol_cross_entropy(logits, symbols, d_logits)
        chosen = log_probability(logits, symbols)
    assert value == pytest.approx(2e4 + np.log(2), rel=1e-6)  # float32
    np.testing.assert_array_equal(d_logits[:, :, 0], [[1, -1], [-0.5, 0.5]])
    np.testing.assert_allclose(chosen[:, 0], [-2e4, -np.log(2)], rtol=1e-12)


def test_loss_may_overwrite_the_logits(rng):
    logits, symbols = rng.normal(size=(3, 4, 2)), rng.integers(4, size=(3, 2))
    d_logits = np.empty_like(logits)
    value = symbol_cross_entropy(logits, symbols, d_logits)
    assert symbol_cross_entropy(logits, symbols, logits) == value
    np.testing.assert_array_equal(logits, d_logits)
