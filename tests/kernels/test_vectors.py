"""Activations on vectors over the whole range, against NumPy in float64."""

from __future__ import annotations

import numpy as np
import pytest

from rnnforecast.kernels.activations import Activation, linear, relu, sigmoid, tanh
from rnnforecast.kernels.cells import Cell, Gate, elman
from rnnforecast.kernels.recurrence import recurrence


def on_vectors(activation: Activation, x: np.ndarray) -> np.ndarray:
    """The activation of every number, as a layer of one unit and no recurrence computes it."""
    cell = Cell(f"only_{activation.name}", (Gate("state", activation, "x"),), elman.forward)
    layer = recurrence(cell, 1, 1, x.dtype)
    packed = layer.pack(np.ones((1, 1), x.dtype), np.zeros((0, 1), x.dtype), np.zeros(1, x.dtype))
    out, last = np.empty((1, 1, x.size), x.dtype), np.empty((1, 1, x.size), x.dtype)
    layer.forward(packed, x.reshape(1, 1, -1), None, layer.work(1, x.size, gradient=False), out, last)
    return out.ravel()


def numbers(dtype) -> np.ndarray:
    """Every order of magnitude from the subnormal to the largest, either sign, dense where the functions bend."""
    largest = np.finfo(dtype).maxexp
    magnitudes = np.concatenate([2.0 ** np.arange(-largest, largest), np.geomspace(1e-12, 800.0, 20011)])
    positive = magnitudes.astype(dtype)
    return np.concatenate([-positive[::-1], np.zeros(1, dtype), positive])


# The scale is folded into the weight, which rounds the argument: its relative error counts beside the function's own.
EPS = {"float32": 2.0**-23, "float64": 2.0**-52}


@pytest.mark.parametrize("dtype", EPS)
def test_sigmoid_is_right_everywhere(dtype):
    x = numbers(dtype)
    with np.errstate(over="ignore"):
        expected = 1.0 / (1.0 + np.exp(-x.astype(np.float64)))
    assert np.abs(on_vectors(sigmoid, x) - expected).max() <= {"float32": 3e-7, "float64": 1e-15}[dtype]


@pytest.mark.parametrize("dtype", EPS)
def test_tanh_is_right_everywhere_and_relatively_near_zero(dtype):
    x = numbers(dtype)
    expected = np.tanh(x.astype(np.float64))
    error = np.abs(on_vectors(tanh, x) - expected)
    assert error.max() <= {"float32": 3e-7, "float64": 1e-15}[dtype]
    # Four roundings between the argument and the quotient; subnormal arguments have fewer digits.
    normal = np.abs(x) >= np.finfo(dtype).tiny * 4.0
    assert (error[normal] / np.maximum(np.abs(expected[normal]), 1e-300)).max() <= 4.0 * EPS[dtype]


@pytest.mark.parametrize("dtype", EPS)
def test_slopes_of_sigmoid_and_tanh_have_one_sign(dtype):
    x = np.linspace(-30.0, 30.0, 4001).astype(dtype)
    for activation in (sigmoid, tanh):
        y = on_vectors(activation, x)
        slack = 2.0 * EPS[dtype]  # neighbours are each rounded
        assert np.diff(y).min() >= -slack
        assert np.abs(y).max() <= 1.0


@pytest.mark.parametrize("dtype", EPS)
def test_infinities_saturate_and_nan_stays(dtype):
    largest = np.finfo(dtype).max
    x = np.array([-np.inf, -largest, largest, np.inf, np.nan], dtype)
    payload = np.array([np.nan], dtype).view(f"u{np.dtype(dtype).itemsize}")
    x = np.append(x, (payload | 12345).view(dtype))  # a NaN that carries a number in its low bits
    with np.errstate(invalid="ignore"):
        np.testing.assert_array_equal(on_vectors(tanh, x), np.array([-1.0, -1.0, 1.0, 1.0, np.nan, np.nan], dtype))
        closed = on_vectors(sigmoid, x)
        np.testing.assert_allclose(closed, [0.0, 0.0, 1.0, 1.0, np.nan, np.nan], atol=2e-38)
        np.testing.assert_array_equal(on_vectors(relu, x), np.array([0, 0, largest, np.inf, np.nan, np.nan], dtype))
        np.testing.assert_array_equal(on_vectors(linear, x), x)


@pytest.mark.parametrize("activation", [sigmoid, tanh, relu], ids=lambda f: f.name)
def test_slope_belongs_to_value(activation):
    x = np.linspace(-4.0, 4.0, 100)  # no zero among them, where relu bends
    step = 1e-6  # error step^2 from the third derivative, 1e-16 / step from rounding
    differences = (activation(x + step) - activation(x - step)) / (2.0 * step)
    np.testing.assert_allclose(activation.slope(activation(x)), differences, rtol=0, atol=1e-9)
