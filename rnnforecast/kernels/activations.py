"""Activations as records: they work on NumPy arrays and on compiled vectors alike.

The exponent's base is 2 because a power of two is what the hardware makes cheaply; the factor ``log2(e)`` and the sign
are a `scale` that the kernels fold into the packed weights, so a cell never sees it.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

LOG2E = math.log2(math.e)


@dataclass(frozen=True)
class Activation:
    """An elementwise function y = f(x).

    Parameters
    ----------
    name : str
    value : callable
        f on NumPy arrays, exact to rounding over the whole range.
    scaled : callable
        f on a compiled vector that was multiplied by `scale` before.
    slope : callable
        dy/dx from y; a plain float where it does not depend on y.
    scale : float
    """

    name: str
    value: Callable[[Any], Any]
    scaled: Callable[[Any], Any]
    slope: Callable[[Any], Any]
    scale: float = 1.0

    def __call__(self, x: Any) -> Any:
        """Return f(x) for an array, a compiled vector or a tape's variable."""
        return x.activate(self) if hasattr(x, "activate") else self.value(x)

    def __reduce__(self) -> Any:
        # The ones of this module are pickled by name: their arithmetic is lambdas.
        return self.name if globals().get(self.name) is self else super().__reduce__()


def _sigmoid(x: Any) -> Any:
    e = np.exp(-np.abs(x))
    return np.where(x >= 0, 1.0, e) / (1.0 + e)


def _tanh_of_scaled(a: Any) -> Any:
    # From exp(2 x) - 1, which is right near 0; where it is bounded, the ratio is 1 already.
    e = a.minimum(80.0).exp2m1()
    return e / (e + 2.0)


sigmoid = Activation("sigmoid", _sigmoid, lambda a: 1.0 / (a.exp2() + 1.0), lambda y: y - y * y, -LOG2E)
tanh = Activation("tanh", np.tanh, _tanh_of_scaled, lambda y: 1.0 - y * y, 2.0 * LOG2E)
relu = Activation("relu", lambda x: np.maximum(x, 0.0), lambda a: a.maximum(0.0), lambda y: positive(y))
exponential = Activation("exponential", np.exp, lambda a: a.exp2(), lambda y: y, LOG2E)
linear = Activation("linear", lambda x: x, lambda a: a, lambda y: 1.0)


def positive(y: Any) -> Any:
    """Return 1 where y > 0 and 0 elsewhere."""
    return y.positive() if hasattr(y, "positive") else np.asarray(y > 0).astype(np.asarray(y).dtype)
