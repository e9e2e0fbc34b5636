"""Scales and transforms as ONNX nodes: `rnnforecast.scaling`, `rnnforecast.transforms`.

B series, N rows, K targets, H steps.
"""

from __future__ import annotations

from functools import singledispatch
from typing import Any

import numpy as np

from rnnforecast.interchange.graph import Value
from rnnforecast.scaling import Scaler
from rnnforecast.transforms import BoxCox, Identity, Log, Transform
from rnnforecast.transforms.pointwise import LARGEST_LOG


def scaled(value: Any, scaler: Scaler) -> Value:
    """Return a value (..., K) on the scale a model learns on."""
    return scaler.transform(value)  # type: ignore[return-value]  # its arithmetic runs on values as on arrays


def unscaled(value: Any, scaler: Scaler) -> Value:
    """Return a value (..., K) in original units."""
    return scaler.inverse(value)  # type: ignore[return-value]


class Transformed:
    """A target and what models see of it.

    Parameters
    ----------
    transform : Transform
    target : Value
        (B, N, K), in original units, double.

    Attributes
    ----------
    values : Value
        The transformed target, (B, N, K).
    """

    def __init__(self, transform: Transform, target: Value):
        self.transform, self.values = transform, forward(transform.pointwise, target)
        self._levels: list[Value] = []
        for lag in transform.lags:
            self._levels.append(self.values)
            # As if the first value had been there before.
            self.values = self.values - self.values.extended(1, lag).cut(1, 0, -lag)

    def inverse(self, forecast: Value, horizon: int) -> Value:
        """Return forecasts (B, H, K) of the steps after the last row in original units."""
        step = np.arange(horizon)
        for lag, level in zip(self.transform.lags[::-1], self._levels[::-1], strict=True):
            ago = step[:, None] - step
            added_up = forecast.graph.constant(((ago >= 0) & (ago % lag == 0)).astype(np.float64))
            newest = level.extended(1, lag - 1).cut(1, -lag, None)
            forecast = added_up @ forecast + newest.take(1, step % lag)
        return inverse(self.transform.pointwise, forecast)


@singledispatch
def forward(pointwise: Any, values: Value) -> Value:
    """Return transformed values (B, N, K), as ``pointwise.forward`` does."""
    raise NotImplementedError(f"{type(pointwise).__name__} is not written as ONNX operators yet")


@singledispatch
def inverse(pointwise: Any, values: Value) -> Value:
    """Return values (B, H, K) in original units, as ``pointwise.inverse`` does."""
    raise NotImplementedError(f"{type(pointwise).__name__} is not written as ONNX operators yet")


@forward.register
@inverse.register
def _(pointwise: Identity, values: Value) -> Value:
    return values


@forward.register
def _(pointwise: Log, values: Value) -> Value:
    return values.graph.apply("Log", values if pointwise.floor is None else values.at_least(pointwise.floor))


@inverse.register
def _(pointwise: Log, values: Value) -> Value:
    return values.graph.apply("Exp", values.at_least(-LARGEST_LOG).at_most(LARGEST_LOG))


@forward.register
def _(pointwise: BoxCox, values: Value) -> Value:
    graph, power, relative = values.graph, _not_zero(pointwise.power), values / pointwise.unit
    return _where_zero(pointwise.power, graph.apply("Log", relative), (relative**power - 1.0) / power)


@inverse.register
def _(pointwise: BoxCox, values: Value) -> Value:
    graph, power, unit = values.graph, _not_zero(pointwise.power), pointwise.unit
    roots = (values.at_least(-1.0 / power) * power + 1.0) ** (1.0 / power)
    grown = _where_zero(pointwise.power, graph.apply("Exp", values), roots)
    return grown.at_most(np.exp(LARGEST_LOG) / unit) * unit


def _not_zero(power: np.ndarray) -> np.ndarray:
    """Return the powers (K,), 1 in place of those that stand for a logarithm."""
    return np.where(power == 0, 1.0, power)


def _where_zero(power: np.ndarray, logarithmic: Value, other: Value) -> Value:
    """Choose for each column what belongs to its power (K,)."""
    if not (power == 0).any():
        return other
    return logarithmic.graph.where(logarithmic.graph.constant(power == 0), logarithmic, other)
