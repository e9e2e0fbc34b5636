"""The ONNX graph of a recurrent forecaster: its networks, its closed-form models, and the weights of both.

It forecasts the steps after a history of any number of rows, as ``forecast(history=...)`` does. B series, N rows of
each, K targets, H steps of the horizon.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from rnnforecast.estimators._echo_state import EchoStates
from rnnforecast.estimators._ensemble import Ensemble
from rnnforecast.estimators._forking import ForkedEnsemble
from rnnforecast.estimators._onnx_closed_form import closed_form, linear, mean_of
from rnnforecast.estimators._onnx_history import History
from rnnforecast.estimators._onnx_transforms import Transformed, scaled, unscaled
from rnnforecast.interchange.graph import Graph, Value
from rnnforecast.interchange.layers import Run
from rnnforecast.interchange.states import given_states, return_states
from rnnforecast.interchange.windows import Rows, forecast
from rnnforecast.network.beside import Beside
from rnnforecast.network.decoders import Direct
from rnnforecast.network.parallel import Parallel
from rnnforecast.series import Series
from rnnforecast.series.labels import names_text


def forecaster_model(forecaster: Any, dtype: Any, optional_inputs: bool) -> Any:
    """Return the graph of a fitted forecaster; see `ForecastInterchange.to_onnx`."""
    series, ensemble = forecaster._history, forecaster.ensemble_
    _refuse(series, ensemble)
    graph, horizon = Graph(), ensemble.windows.horizon
    history = _inputs(graph, series, ensemble, dtype)
    weight = np.asarray(forecaster.blend_weight_, np.float64)
    found = None if forecaster.linear_ is None else closed_form(forecaster.linear_, history)
    if found is None or weight.any():
        if isinstance(ensemble, EchoStates):
            network = mean_of([linear(model, history) for model in ensemble.models])
        else:
            network = _networks(ensemble, history, _static(ensemble, series), optional_inputs)
        found = network if found is None else found + weight * (network - found)
    about = "of the steps after the last row of y, in its units"
    graph.output(found.astype(dtype), "forecast", ("batch", horizon, series.target.shape[1]), about)
    return graph.model(f"{type(forecaster).__name__}.forecast")


def _refuse(series: Series, ensemble: Any) -> None:
    """Raise where the graph would not be the forecast."""
    wrong = None
    if series.masked is not None:
        wrong = 'missing="mask"', 'missing="interpolate"'
    elif isinstance(ensemble, ForkedEnsemble):
        wrong = "forking_sequences=True", "forking_sequences=False"
    elif isinstance(ensemble, Ensemble) and not isinstance(ensemble.network.decoder, Direct | Parallel):
        wrong = f'decoder="{type(ensemble.network.decoder).__name__.lower()}"', 'decoder="direct" or "parallel"'
    elif isinstance(ensemble, Ensemble) and isinstance(ensemble.network.encoder.layers[-1], Beside):
        wrong = "skip_period", "skip_period=None"
    if wrong is not None:
        raise ValueError(f"to_onnx cannot export a forecaster fitted with {wrong[0]}; fit with {wrong[1]} to export it")


def _inputs(graph: Graph, series: Series, ensemble: Any, dtype: Any) -> History:
    """Declare target and covariates."""
    names = ["target" if name is None else str(name) for name in series.target_names]
    y = graph.input("y", dtype, ("batch", "rows", len(names)), f"history of {', '.join(names)}, the newest row last")

    def covariates(kind: str, own: list[Any], rows: str, reach: str) -> Value | None:
        if not own:
            return None
        about = f"of {reach}: {', '.join(map(str, own))}"
        return graph.input(kind, dtype, ("batch", rows, len(own)), about).astype(np.float64)

    known = covariates(
        "known",
        series.known_names,
        "rows_and_horizon",
        f"the rows of y and at least the next {ensemble.windows.horizon}",
    )
    past = covariates("past", series.past_names, "rows", "the rows of y")
    target, member = Transformed(ensemble.scales.transform, y.astype(np.float64)), None
    if series.ids is not None:
        about = f"number of the series, from 0, in the order of cutoff_: {names_text(series.ids)}"
        member = graph.input("series", np.int64, ("batch",), about)
    return History(target, known, past, member)


def _static(ensemble: Ensemble, series: Series) -> np.ndarray | None:
    """Return the static covariates of each series as numbers, (S, E); None where there are none."""
    encoder = ensemble.scales.static
    return None if encoder is None or series.static is None else encoder.encode(series.static)


def _rows(ensemble: Ensemble, history: History, static: np.ndarray | None) -> Rows:
    """Return what the networks read: of each column that is forecast alone the same covariates."""
    windows, scales, dtype = ensemble.windows, ensemble.scales, ensemble.network.dtype
    K, L, H = windows.n_columns, windows.lookback, windows.horizon
    n_batch, alone = history.values.size(0), windows.n_targets < K

    def of_samples(value: Value, n_rows: int, n_columns: int) -> Value:
        """Repeat covariates (B, N, F) for each column that is forecast alone, (B K, N, F)."""
        value = value.astype(dtype)
        if not alone:
            return value
        return value.reshape(-1, 1, n_rows, n_columns).expand(1, K, 1, 1).reshape(-1, n_rows, n_columns)

    n_target = max(L, windows.base)
    target = scaled(history.window(n_target), history.scaler(scales.target)).astype(dtype)
    known = past = column = constant = None
    if alone:
        target = target.transpose(0, 2, 1).reshape(-1, n_target, 1)
        column = target.graph.constant(np.eye(K, dtype=dtype)[None]).expand(n_batch, 1, 1).reshape(-1, K)
    if history.known is not None:
        known = of_samples(scaled(history.around(history.known, L, H), scales.known), L + H, windows.n_known)
    if history.past is not None:
        past = of_samples(scaled(history.around(history.past, L), scales.past), L, windows.n_past)
    if static is not None:
        constant = of_samples(history.of_members(static), 1, windows.n_static)
    return Rows(target, known, past, column, constant)


def _networks(ensemble: Ensemble, history: History, static: np.ndarray | None, optional_inputs: bool) -> Value:
    """Return the mean forecast (B, H, K) of the networks in original units."""
    network, windows, scales, graph = ensemble.network, ensemble.windows, ensemble.scales, history.values.graph
    K, J, H = windows.n_columns, windows.n_targets, windows.horizon
    rows, runs = _rows(ensemble, history, static), [Run() for _ in ensemble.weights]
    if optional_inputs:
        before = given_states(graph, network.encoder, len(runs), rows.target.size(0))
        runs = [Run(before=own) for own in before]
    each = [forecast(network, flat, windows, rows, run) for flat, run in zip(ensemble.weights, runs, strict=True)]
    if optional_inputs:
        return_states(graph, network.encoder, [run.after for run in runs], "batch" if K == J else "batch_and_targets")
    mean = mean_of([one.astype(np.float64) for one in each])
    if K > J:
        mean = mean.reshape(-1, K, H).transpose(0, 2, 1)
    counts = ensemble.head is not None and ensemble.head.counts
    return history.target.inverse(mean if counts else unscaled(mean, history.scaler(scales.target)), H)
