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
    window = history.window(recipe.lookback)
    relative = window if recipe.base is None else window - window.cut(1, -1, None)
    scale = history.of_members(model.scaler_.scale)
    if recipe.local:
        steps = window if recipe.base is None else window.cut(1, 1, None) - window.cut(1, 0, -1)
        total, n_steps = window.graph.apply("Abs", steps).sum(1), recipe.lookback - (recipe.base is not None)
        scale = (total * (STEPS_OF_SCALE / max(n_steps, 1))).at_least(SMALLEST_DEVIATION * scale)
    parts = [(relative / scale).transpose(2, 0, 1)]  # one design for each column
    if model.echoes_:
        parts.insert(0, _states(model.echoes_, history))
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


def _states(echoes: list[Echo], history: History) -> Value:
    """Return the states (K, B, units) of reservoirs that have read the history of each column; see `Echo`.

    They are drawn from one seed, alike but for the scale they read on: one reads the columns side by side.
    """
    layer, weights = echoes[0].reservoir.layer, echoes[0].reservoir.weights
    x = history.values.graph.concatenate([_heard(echo, k, history) for k, echo in enumerate(echoes)], 0)
    x = x.cut(1, -(LONGEST_MEMORY + 1), None).transpose(1, 0, 2)
    states = recurrent(layer, [weights], x)[1][0]
    return states.reshape(len(echoes), -1, layer.n_outputs)


def _heard(echo: Echo, column: int, history: History) -> Value:
    """Return what a reservoir reads at each row, (B, N, 2 + F + P): level and change of one column, and covariates."""
    own = history.values.cut(2, column, column + 1)
    change = own - own.extended(1, 1).cut(1, 0, -1)
    inputs = [scaled(own.graph.concatenate([own, change], 2), echo.scaler)]
    if history.known is not None:
        inputs.append(scaled(history.before(history.known), echo.known_scaler))
    if history.past is not None:
        inputs.append(scaled(history.before(history.past), echo.past_scaler))
    return own.graph.concatenate(inputs, 2).at_least(-LARGEST_INPUT).at_most(LARGEST_INPUT)


def sum_of(values: list[Value]) -> Value:
    """Return the sum of values of one shape."""
    return reduce(add, values)


def mean_of(values: list[Value]) -> Value:
    """Return the mean of values of one shape."""
    return sum_of(values) / len(values) if len(values) > 1 else values[0]
