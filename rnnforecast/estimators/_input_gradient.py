"""Derivatives of a forecaster's forecasts in past values and covariates, in original units.

n origins, L rows before an origin (the lookback), H steps of the horizon, K targets, F known and P past covariates.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterator
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from rnnforecast.estimators._committee import Committee
from rnnforecast.estimators._echo_state import EchoStates, Reach
from rnnforecast.estimators._echo_windows import WindowEcho
from rnnforecast.estimators._ensemble import Ensemble
from rnnforecast.estimators._linear import LinearModel
from rnnforecast.estimators._recipe import base_columns
from rnnforecast.estimators._threads import one_blas_thread
from rnnforecast.network import input_gradient as of_network
from rnnforecast.network.windows import Windows
from rnnforecast.series import Series
from rnnforecast.transforms import Pointwise

WINDOWS = 64  # a mean over more of them changes a curve by less than its line's width

_Array = NDArray[np.float64]
_Parts = tuple[_Array, _Array, _Array]  # in the target (n, L, K), known (n, L + H, F) and past covariates (n, L, P)


def input_gradient(forecaster: Any, series: Series, step: int, column: int) -> pd.DataFrame:
    """Derivatives of the forecast of one step, from the end of a series and on average over it.

    Parameters
    ----------
    forecaster : RNNForecaster
        Fitted.
    series : Series
    step : int
        From 0.
    column : int
        Of the target.

    Returns
    -------
    DataFrame
        Index "lag", columns ("cutoff", input) and ("mean", input).

    Raises
    ------
    ValueError
        If the network is part of the forecast and answers at every step.
    """
    lookback, n_rows = lookback_of(forecaster), series.n_rows
    origins = np.unique(np.linspace(min(lookback, n_rows), n_rows, WINDOWS).astype(np.int64))
    parts = _derivatives(forecaster, series, origins, step, column)
    for part in parts:
        _fold(part, lookback - n_rows)
    own = [column] if forecaster.channels == "independent" else list(range(series.target.shape[1]))
    targets, known_names, past_names = names_of(series)
    names = [*(targets[k] for k in own), *known_names, *past_names]
    n_ahead = forecaster.horizon if series.known_names else 0
    table = np.full((len(origins), lookback + n_ahead, len(names)), np.nan)
    table[:, :lookback] = np.concatenate([part[:, :lookback] for part in (parts[0][:, :, own], *parts[1:])], axis=2)
    if n_ahead:
        table[:, lookback:, len(own) : len(own) + len(known_names)] = parts[1][:, lookback:]
    columns = [(at, name) for at in ("cutoff", "mean") for name in names]
    return pd.DataFrame(
        np.hstack([table[-1], _mean(table)])[::-1],
        index=pd.RangeIndex(-n_ahead, lookback, name="lag"),
        columns=pd.MultiIndex.from_tuples(columns, names=["at", "input"]),
    )


def _mean(table: _Array) -> _Array:
    """Mean over the first axis of what is there, NaN where nothing is."""
    counts = (~np.isnan(table)).sum(axis=0)
    return np.nansum(table, axis=0) / np.where(counts > 0, counts, np.nan)


def names_of(series: Series) -> tuple[list[Hashable], list[Hashable], list[Hashable]]:
    """Return the names of targets, known and past covariates; a target without a name is called "target"."""
    targets = ["target" if name is None else name for name in series.target_names]
    return targets, [*series.known_names], [*series.past_names]


def lookback_of(forecaster: Any) -> int:
    """Return how many rows before an origin the forecasts of a fitted forecaster read."""
    linear, windows = forecaster.linear_, forecaster.ensemble_.windows
    own = windows.lookback if isinstance(windows, Windows | Reach) else max(windows.lookback, windows.base or 0) + 1
    return max(own, 0 if linear is None else linear.recipe_.lookback)


def _derivatives(forecaster: Any, series: Series, origins: NDArray[np.int64], step: int, column: int) -> _Parts:
    """Derivatives of the forecasts: those of all models that are part of them, by their weights."""
    lookback = lookback_of(forecaster)
    parts = _zeros(series, len(origins), lookback, forecaster.horizon)
    with one_blas_thread():
        for weight, model in _models(forecaster, column, series.target.shape[1]):
            if not weight:
                continue
            if isinstance(model, LinearModel):
                _add(parts, _of_linear(model, series, origins, step, column, lookback), weight)
            else:
                _add(parts, _of_ensemble(model, series, origins, step, column), weight)
    slope = _slope(forecaster.ensemble_.scales.transform.pointwise, series.target)
    target, known, past = parts
    return target * slope[np.maximum(origins[:, None] + np.arange(-lookback, 0), 0)], known, past


def _slope(pointwise: Pointwise, target: _Array) -> _Array:
    """Derivative of transformed values in the values (N, K); NaN where there is none, as of a root at zero."""
    sensitivity = pointwise.sensitivity(target)
    slope = np.divide(1.0, sensitivity, out=np.full_like(target, np.nan), where=sensitivity > 0)
    # What a logarithm takes as a larger value does not matter; all others come back within rounding.
    kept = np.isclose(pointwise.inverse(pointwise.forward(target)), target, rtol=1e-6, atol=0.0)
    return np.where(kept, slope, 0.0)


def _models(forecaster: Any, column: int, n_targets: int) -> Iterator[tuple[float, LinearModel | Ensemble]]:
    """Yield what a forecast of a column is the weighted mean of."""
    linear, ensemble, weight = forecaster.linear_, forecaster.ensemble_, 1.0
    if linear is not None:
        weight = float(np.broadcast_to(forecaster.blend_weight_, n_targets)[column])
    if isinstance(ensemble, EchoStates):
        yield from ((weight / len(ensemble.models), model) for model in ensemble.models)
    else:
        yield weight, ensemble
    if isinstance(linear, Committee):
        yield from zip((1 - weight) * linear.shares_[column], linear.members_, strict=True)
    elif linear is not None:
        yield 1 - weight, linear


def _zeros(series: Series, n_origins: int, lookback: int, horizon: int) -> _Parts:
    """Derivatives of what depends on nothing."""
    widths = series.target.shape[1], series.known.shape[1], series.past.shape[1]
    rows = lookback, lookback + horizon, lookback
    target, known, past = (np.zeros((n_origins, *shape)) for shape in zip(rows, widths, strict=True))
    return target, known, past


def _add(parts: _Parts, more: _Parts, weight: float) -> None:
    """Add weighted derivatives whose rows may begin later: they are aligned at the end."""
    for total, part in zip(parts, more, strict=True):
        total[:, total.shape[1] - part.shape[1] :] += weight * part


def _fold(part: _Array, n_before: int) -> None:
    """Add what falls on rows before a short series to its first row, which is read in their place."""
    if n_before > 0:
        part[:, n_before] += part[:, :n_before].sum(axis=1)
        part[:, :n_before] = np.nan


def _of_ensemble(ensemble: Ensemble, series: Series, origins: NDArray[np.int64], step: int, column: int) -> _Parts:
    """Derivatives of the networks' forecasts in transformed values and in covariates."""
    network, windows, scales = ensemble.network, ensemble.windows, ensemble.scales
    if not isinstance(windows, Windows):
        raise ValueError(
            "input_gradient goes back through windows, and with forking_sequences=True there are none: "
            "fit with forking_sequences=False to see what forecasts depend on"
        )
    if ensemble.head is not None:
        raise ValueError(
            f'input_gradient needs one number for each step, but loss="{ensemble.head.name}" makes several: '
            "use permutation_importance to see what forecasts depend on"
        )
    frame = scales.frame(series.target, series.known, series.past, network.dtype)
    joint = windows.n_targets > 1
    columns = np.full(len(origins), 0 if joint else column)
    found = [
        of_network.input_gradient(
            network, network.prepare(weights), windows, frame, origins, columns, step, column if joint else 0
        )
        for weights in ensemble.weights
    ]
    d_target, d_known, d_past = (
        np.stack(each).mean(axis=0, dtype=np.float64).transpose(2, 0, 1) for each in zip(*found, strict=True)
    )
    read = slice(None) if joint else slice(column, column + 1)
    target = np.zeros((*d_target.shape[:2], series.target.shape[1]))
    units = scales.target.scale[0]  # of the only series
    target[:, :, read] = d_target / units[read]
    unit = units[column]
    forecast = ensemble.forecast(series.target, series.known, series.past, origins, step + 1)[:, step]
    grows = unit * scales.transform.pointwise.sensitivity(forecast)[:, column, None, None]
    return grows * target, grows * d_known / scales.known.scale, grows * d_past / scales.past.scale


def _of_linear(
    linear: LinearModel, series: Series, origins: NDArray[np.int64], step: int, column: int, lookback: int
) -> _Parts:
    """Derivatives of a closed-form model's forecasts in transformed values and in covariates.

    On the transformed scale it is affine in window and covariates; a reservoir, from whose states it may forecast too,
    is followed back through the lookback of the forecaster, which may be longer than its own.
    """
    recipe, design, horizon = linear.recipe_, linear.design_, linear.horizon_
    target, known, past = _zeros(series, len(origins), lookback, horizon)
    F, P, n_recent = known.shape[2], past.shape[2], design.n_recent
    sizes = design.n_states, recipe.lookback, n_recent * P, (n_recent + horizon) * F
    weights = linear.weights_[column][:, step]
    d_states, d_lags, d_past, d_known = np.split(weights, np.cumsum(sizes)[:-1])
    unit = linear.scaler_.scale[0, column]  # of the only series
    own = target[:, lookback - recipe.lookback :, column]
    own += d_lags
    own[:, -1] -= d_lags.sum()  # lags are read less the newest one
    assert recipe.base is not None  # which it is for differences
    own[:, base_columns(recipe.lookback, horizon, recipe.base)[step]] += 1.0
    past[:, lookback - n_recent :] = unit * d_past.reshape(n_recent, P) / design.past_scaler.scale
    known[:, lookback - n_recent :] = unit * d_known.reshape(n_recent + horizon, F) / design.known_scaler.scale
    if d_states.any():
        n_read = min(lookback, int(origins[0]))  # of a series shorter than the lookback, all rows
        rows = origins[:, None] + np.arange(-n_read, 0)
        values = recipe.transform.forward(series.target)[:, column]
        echo = WindowEcho(linear.echoes_[column], values, series.known, series.past, origins, n_read, horizon)
        back = echo.derivatives(unit * d_states, values[rows], series.known[rows], series.past[rows])
        read = slice(lookback - n_read, lookback)
        for part, more in zip((target[:, read, column], known[:, read], past[:, read]), back, strict=True):
            part += more
    forecast = linear.forecast(series.target, series.known, series.past, origins, step + 1)[:, step]
    grows = recipe.transform.pointwise.sensitivity(forecast)[:, column, None, None]
    return grows * target, grows * known, grows * past
