"""Central differences, the judge of every derivative in the tests."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

STEP = 1e-5  # error STEP^2 from the third derivative, 1e-16 / STEP from rounding: about 1e-10 both


def numerical(function: Callable[[], float], array: np.ndarray) -> np.ndarray:
    """Derivative of `function` in each element of the float64 `array`, which it reads; changed and put back."""
    gradient = np.empty_like(array)
    for index in np.ndindex(array.shape):
        value = array[index]
        array[index] = value + STEP
        above = function()
        array[index] = value - STEP
        below = function()
        array[index] = value
        gradient[index] = (above - below) / (2 * STEP)
    return gradient


def relative_error(actual: np.ndarray, expected: np.ndarray) -> float:
    """Largest difference in units of the largest expected element."""
    return float(np.abs(actual - expected).max(initial=0.0) / max(np.abs(expected).max(initial=0.0), 1e-12))
