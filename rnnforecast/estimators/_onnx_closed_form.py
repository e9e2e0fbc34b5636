"""The closed-form models of a forecaster as ONNX nodes: `rnnforecast.estimators._linear` and `_committee`.

B series, N rows of each, K targets, F known and P past covariates, H steps of the horizon, L lags. Everything is
double.
"""

from __future__ import annotations

from functools import reduce
from operator import add

import numpy as np

from rnnforecast.estimators._committee import Committee
from rnnforecast.estimators._linear import LinearModel
from rnnforecast.estimators._onnx_history import History
from rnnforecast.estimators._onnx_transforms import scaled
from rnnforecast.estimators._recipe import base_columns
from rnnforecast.estimators._reservoir import LARGEST_INPUT, LONGEST_MEMORY, Echo
from rnnforecast.interchange.graph import Value
from rnnforecast.interchange.recurrences import recurrent
from rnnforecast.network.windows import SMALLEST_DEVIATION, STEPS_OF_SCALE


def closed_form(model: LinearModel | Committee, history: History) -> Value:
    """Return the forecast (B, H, K) of the closed-form model in original units."""
    if isinstance(model, LinearModel):
        return linear(model, history)
    members = zip(model.members_, model.shares_.T, strict=True)
    return sum_of([shares * linear(member, history) for member, shares in members if shares.any()])


def linear(model: LinearModel, history: History) -> Value:
    """Return the forecast (B, H, K) of one closed-form model in original units; see `LinearModel.forecast`."""
    recipe, design, H = model.recipe_, model.design_, model.horizon_
    graph, window = history.values.graph, history.window(recipe.lookback)
    relative = window if recipe.base is None else window - window.cut(1, -1, None)
    scale = history.of_members(model.scaler_.scale)
    if recipe.local:
        steps = window if recipe.base is None else window.cut(1, 1, None) - window.cut(1, 0, -1)
        steps = graph.apply("Abs", steps)
        n_steps = max(recipe.lookback - (recipe.base is not None), 1)
        total = graph.apply("ReduceSum", steps, np.array([1], np.int64))
        scale = (total * (STEPS_OF_SCALE / n_steps)).at_least(SMALLEST_DEVIATION * scale)
    parts = [(relative / scale).transpose(2, 0, 1)]  # one design for each column
    if model.echoes_:
        parts.insert(0, graph.concatenate([_states(echo, k, history) for k, echo in enumerate(model.echoes_)], 0))
    n_recent, covariates = design.n_recent, []
    if history.past is not None:
        covariates.append((history.around(history.past, n_recent), design.past_scaler))
    if history.known is not None:
        covariates.append((history.around(history.known, n_recent, H), design.known_scaler))
    for rows, scaler in covariates:
        flat = scaled(rows, scaler)
        parts.append(flat.reshape(1, flat.size(0), -1))
    stops = np.cumsum(_widths(model))[:-1]
    weights = np.split(model.weights_, stops, axis=1)  # (K, columns of the part, H) each
    answers = sum_of([part @ own for part, own in zip(parts, weights, strict=True)])
    values = answers.transpose(1, 2, 0) * scale
    if recipe.base is not None:
        values = values + window.take(1, base_columns(recipe.lookback, H, recipe.base))
    return history.target.inverse(values, H)


def _widths(model: LinearModel) -> list[int]:
    """Return how many columns of the design each part of it has: states, lags, past and known covariates."""
    design = model.design_
    n_past, n_known = len(design.past_scaler.scale), len(design.known_scaler.scale)
    widths = design.n_states, design.lookback, design.n_recent * n_past, (design.n_recent + design.horizon) * n_known
    return [width for width in widths if width]


def _states(echo: Echo, column: int, history: History) -> Value:
    """Return the state (1, B, units) of a reservoir that has read the history of one column; see `Echo`."""
    own = history.values.cut(2, column, column + 1)
    change = own - own.extended(1, 1).cut(1, 0, -1)
    graph = own.graph
    inputs = [scaled(graph.concatenate([own, change], 2), echo.scaler)]
    if history.known is not None:
        inputs.append(scaled(history.before(history.known), echo.known_scaler))
    if history.past is not None:
        inputs.append(scaled(history.before(history.past), echo.past_scaler))
    x = graph.concatenate(inputs, 2).at_least(-LARGEST_INPUT).at_most(LARGEST_INPUT)
    x = x.cut(1, -(LONGEST_MEMORY + 1), None).transpose(1, 0, 2)
    layer = echo.reservoir.layer
    return recurrent(layer, [echo.reservoir.weights], x.astype(layer.dtype))[1][0].astype(np.float64)


def sum_of(values: list[Value]) -> Value:
    """Return the sum of values of one shape."""
    return reduce(add, values)


def mean_of(values: list[Value]) -> Value:
    """Return the mean of values of one shape."""
    return sum_of(values) / len(values) if len(values) > 1 else values[0]
