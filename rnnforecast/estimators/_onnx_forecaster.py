"""The ONNX graph of a recurrent forecaster: its networks, its closed-form models, and the weights of both.

It forecasts the steps after a history of any number of rows, as ``forecast(history=...)`` does. B series, N rows of
each, K targets, F known and P past covariates, H steps of the horizon, L lags. Values are (B, N, K), double but for
the networks.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from rnnforecast.estimators._committee import Committee
from rnnforecast.estimators._echo_state import EchoStates
from rnnforecast.estimators._ensemble import Ensemble
from rnnforecast.estimators._linear import LinearModel
from rnnforecast.estimators._onnx_transforms import Transformed, scaled, unscaled
from rnnforecast.estimators._recipe import base_columns
from rnnforecast.estimators._reservoir import LARGEST_INPUT, LONGEST_MEMORY, Echo
from rnnforecast.interchange.graph import Graph, Value
from rnnforecast.interchange.layers import Run
from rnnforecast.interchange.recurrences import recurrent
from rnnforecast.interchange.states import given_states, return_states
from rnnforecast.interchange.windows import Rows, forecast
from rnnforecast.network.windows import SMALLEST_DEVIATION, STEPS_OF_SCALE, Windows


@dataclass(frozen=True)
class History:
    """What is known where a forecast begins, double.

    Parameters
    ----------
    target : Transformed
        The target in original units and transformed, (B, N, K).
    known, past : Value or None
        Covariates (B, N + H, F) and (B, N, P).
    horizon : int
    """

    target: Transformed
    known: Value | None
    past: Value | None
    horizon: int

    @property
    def values(self) -> Value:
        """The transformed target."""
        return self.target.values

    def newest(self, value: Value, n_rows: int, n_ahead: int = 0) -> Value:
        """Return the last rows before the forecast, and some of its own; rows before the first are like it."""
        return value.extended(1, n_rows - 1).cut(1, -(n_rows + n_ahead), None)


def forecaster_model(forecaster: Any, dtype: Any, optional_inputs: bool) -> Any:
    """Return the graph of a fitted forecaster; see `ForecastInterchange.to_onnx`."""
    _refuse(forecaster)
    graph, series = Graph(), forecaster._history
    history = _inputs(graph, forecaster, dtype)
    weight = np.asarray(forecaster.blend_weight_, np.float64)
    closed = None if forecaster.linear_ is None else _closed_form(forecaster.linear_, history)
    if closed is None or weight.any():
        if isinstance(forecaster.ensemble_, EchoStates):
            models = forecaster.ensemble_.models
            network = _mean([_linear(model, history) for model in models])
        else:
            network = _networks(forecaster.ensemble_, history, optional_inputs)
        closed = network if closed is None else closed + weight * (network - closed)
    shape = ("batch", forecaster.horizon, series.target.shape[1])
    graph.output(closed.astype(dtype), "forecast", shape, "of the steps after the last row of y, in its units")
    return graph.model(f"{type(forecaster).__name__}.forecast")


def _refuse(forecaster: Any) -> None:
    """Raise where the graph would not be the forecast."""
    series, windows = forecaster._history, forecaster.ensemble_.windows
    wrong = None
    if series.ids is not None:
        wrong = f"a panel of {len(series.ids)} series", "fit each series alone, for example with ForecasterPerSeries"
    elif series.masked is not None:
        wrong = 'missing="mask"', 'fit with missing="interpolate"'
    elif forecaster.forking_sequences:
        wrong = "forking_sequences=True", "fit with forking_sequences=False"
    elif isinstance(windows, Windows) and forecaster.decoder not in ("direct", "parallel"):
        wrong = f'decoder="{forecaster.decoder}"', 'fit with decoder="direct" or "parallel"'
    elif forecaster.skip_period:
        wrong = f"skip_period={forecaster.skip_period}", "fit with skip_period=None"
    if wrong is not None:
        raise ValueError(f"to_onnx cannot export a forecaster fitted with {wrong[0]}; {wrong[1]} to export it")


def _inputs(graph: Graph, forecaster: Any, dtype: Any) -> History:
    """Declare target and covariates."""
    series, H = forecaster._history, forecaster.horizon
    names = ["target" if name is None else str(name) for name in series.target_names]
    y = graph.input("y", dtype, ("batch", "rows", len(names)), f"history of {', '.join(names)}, the newest row last")

    def covariates(kind: str, own: list[Any], rows: str, reach: str) -> Value | None:
        if not own:
            return None
        about = f"of {reach}: {', '.join(map(str, own))}"
        return graph.input(kind, dtype, ("batch", rows, len(own)), about).astype(np.float64)

    known = covariates("known", series.known_names, "rows_and_horizon", f"the rows of y and the next {H}")
    past = covariates("past", series.past_names, "rows", "the rows of y")
    return History(Transformed(forecaster.ensemble_.scales.transform, y.astype(np.float64)), known, past, H)


def _networks(ensemble: Ensemble, history: History, optional_inputs: bool) -> Value:
    """Return the mean forecast (B, H, K) of the networks in original units."""
    network, windows, scales, graph = ensemble.network, ensemble.windows, ensemble.scales, history.values.graph
    K, J, L, H = windows.n_columns, windows.n_targets, windows.lookback, windows.horizon
    n_batch = history.values.size(0)

    def of_samples(value: Value) -> Value:
        """Repeat covariates (B, N, F) for each column that is forecast alone, (B K, N, F)."""
        value = value.astype(network.dtype)
        if K == J:
            return value
        n_rows, n_columns = value.size(1), value.size(2)
        return value.reshape(n_batch, 1, n_rows, n_columns).expand(1, K, 1, 1).reshape(-1, n_rows, n_columns)

    target = scaled(history.newest(history.values, max(L, windows.base)), scales.target).astype(network.dtype)
    known = past = column = None
    if K > J:
        target = target.transpose(0, 2, 1).reshape(-1, max(L, windows.base), 1)
        column = graph.constant(np.eye(K, dtype=network.dtype)[None]).expand(n_batch, 1, 1).reshape(-1, K)
    if history.known is not None:
        known = of_samples(scaled(history.newest(history.known, L, H), scales.known))
    if history.past is not None:
        past = of_samples(scaled(history.newest(history.past, L), scales.past))
    rows, runs = Rows(target, known, past, column), [Run() for _ in ensemble.weights]
    if optional_inputs:
        before = given_states(graph, network.encoder, len(runs), target.size(0))
        runs = [Run(before=own) for own in before]
    each = [forecast(network, flat, windows, rows, run) for flat, run in zip(ensemble.weights, runs, strict=True)]
    if optional_inputs:
        return_states(graph, network.encoder, [run.after for run in runs], "batch" if K == J else "batch_and_targets")
    mean = _mean([one.astype(np.float64) for one in each])
    if K > J:
        mean = mean.reshape(-1, K, H).transpose(0, 2, 1)
    counts = ensemble.head is not None and ensemble.head.counts
    return history.target.inverse(mean if counts else unscaled(mean, scales.target), H)


def _closed_form(model: LinearModel | Committee, history: History) -> Value:
    """Return the forecast (B, H, K) of the closed-form model in original units."""
    if isinstance(model, LinearModel):
        return _linear(model, history)
    total: Any = 0.0
    for member, shares in zip(model.members_, model.shares_.T, strict=True):
        if shares.any():
            total = total + shares * _linear(member, history)
    return total


def _linear(model: LinearModel, history: History) -> Value:
    """Return the forecast (B, H, K) of one closed-form model in original units; see `LinearModel.forecast`."""
    recipe, design, H = model.recipe_, model.design_, model.horizon_
    graph, window = history.values.graph, history.newest(history.values, recipe.lookback)
    last = window.cut(1, -1, None)
    relative = window if recipe.base is None else window - last
    scale: Any = model.scaler_.scale
    if recipe.local:
        steps = window if recipe.base is None else window.cut(1, 1, None) - window.cut(1, 0, -1)
        steps = graph.apply("Abs", steps)
        n_steps = max(recipe.lookback - (recipe.base is not None), 1)
        total = graph.apply("ReduceSum", steps, np.array([1], np.int64))
        scale = (total * (STEPS_OF_SCALE / n_steps)).at_least(SMALLEST_DEVIATION * scale)
    parts = [_by_column(relative / scale)]
    if model.echoes_:
        parts.insert(0, graph.concatenate([_states(echo, k, history) for k, echo in enumerate(model.echoes_)], 0))
    n_recent, covariates = design.n_recent, []
    if history.past is not None:
        covariates.append((history.newest(history.past, n_recent), design.past_scaler))
    if history.known is not None:
        both = history.newest(history.known, n_recent, H)
        covariates.append((both, design.known_scaler))
    for rows, scaler in covariates:
        flat = scaled(rows, scaler)
        parts.append(flat.reshape(1, flat.size(0), -1))
    first, answers = 0, []
    for part, width in zip(parts, _widths(model), strict=True):
        answers.append(part @ model.weights_[:, first : first + width])  # (K, B, width) @ (K, width, H)
        first += width
    total = answers[0]
    for answer in answers[1:]:
        total = total + answer
    values = total.transpose(1, 2, 0) * scale
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
        inputs.append(scaled(history.known.cut(1, 0, -history.horizon), echo.known_scaler))
    if history.past is not None:
        inputs.append(scaled(history.past, echo.past_scaler))
    x = graph.concatenate(inputs, 2).at_least(-LARGEST_INPUT).at_most(LARGEST_INPUT)
    x = x.cut(1, -(LONGEST_MEMORY + 1), None).transpose(1, 0, 2)
    layer = echo.reservoir.layer
    return recurrent(layer, [echo.reservoir.weights], x.astype(layer.dtype))[1][0].astype(np.float64)


def _by_column(value: Value) -> Value:
    """Bring windows (B, L, K) into (K, B, L)."""
    return value.transpose(2, 0, 1)


def _mean(values: list[Value]) -> Value:
    """Return the mean of values of one shape."""
    total = values[0]
    for value in values[1:]:
        total = total + value
    return total / len(values) if len(values) > 1 else total
