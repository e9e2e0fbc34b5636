"""The exact derivative of a forecast in the rows that it was made from, and in the covariates of its horizon.

It goes back through the network and through what is done to a window before and after: normalisation, base, and the
forecasts that a recursive decoder feeds on.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from rnnforecast.network.decoders import context_parts
from rnnforecast.network.network import Network
from rnnforecast.network.windows import SMALLEST_DEVIATION, Frame, Normalised, Windows


class InputGradient(NamedTuple):
    """Derivatives of one forecast of each sample; row r is frame row ``origin - lookback + r``.

    Attributes
    ----------
    target : (lookback, J, B)
        In the columns of the sample.
    known : (lookback + horizon, F, B)
    past : (lookback, P, B)
    """

    target: np.ndarray
    known: np.ndarray
    past: np.ndarray


def input_gradient(
    network: Network,
    prepared: tuple[Any, Any],
    windows: Windows,
    frame: Frame,
    origin: np.ndarray,
    column: np.ndarray,
    step: int,
    target: int,
) -> InputGradient:
    """Derivatives of a forecast in everything it depends on, all in the frame's units.

    Parameters
    ----------
    network : Network
    prepared : of ``network.prepare``
    windows : Windows
    frame : Frame
    origin, column : (B,) int64
        Samples; with joint columns, `column` is zero.
    step : int
        Of the horizon, from 0.
    target : int
        Column of the sample, 0 to J - 1.
    """
    T, J, F = windows.lookback, windows.n_targets, windows.n_known
    read = windows.read(frame, origin, column, T)
    row = step * J + target
    if windows.recursive:
        d_past, d_known_ahead, out = _through_own_forecasts(network, prepared, windows, frame, origin, read, row)
        d_base = np.zeros((0, J, len(origin)), out.dtype)
    else:
        work = network.work(T, len(origin), training=True)
        out = network.forward(prepared, read.past, read.context, work)
        given = network.input_gradient(prepared, _unit(out, row, read.factor[target]), read.past, read.context, work)
        d_past = given.past
        d_known_ahead, d_base, _ = context_parts(windows, given.context)
    total = out[row]
    if read.base is not None:
        total = total + read.base[row]
        d_base[step, target] += 1.0 / read.factor[target]
    d_target = _through_normalisation(windows, read, d_past[:T, :J], d_base, total, target)
    d_known = np.zeros((T + windows.horizon, F, len(origin)), out.dtype)
    d_known[T:] = d_known_ahead
    d_known[windows.recursive : T + windows.recursive] += d_past[:T, J : J + F]
    return InputGradient(d_target, d_known, d_past[:T, J + F :])


def _unit(out: np.ndarray, row: int, factor: np.ndarray) -> np.ndarray:
    """Derivative of the forecast `row` of the network's output (H J, B), restored, in that output."""
    d_out = np.zeros_like(out)
    d_out[row] = 1.0 / factor
    return d_out


def _through_own_forecasts(
    network: Network,
    prepared: tuple[Any, Any],
    windows: Windows,
    frame: Frame,
    origin: np.ndarray,
    read: Normalised,
    row: int,
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Derivatives in the inputs and in the covariates of the horizon, and the output, of a recursive decoder.

    Its steps are gone through once more with its own forecasts as inputs, which gives the same output; then the
    derivative in each forecast that was fed back goes back in its turn, the newest first.
    """
    T, J, h, n_sequences = windows.lookback, windows.n_targets, windows.horizon, len(origin)
    rows = np.clip(origin + np.arange(1, h)[:, None], 0, len(frame.known) - 1)
    future = np.ascontiguousarray(frame.known[rows].transpose(0, 2, 1))
    forecasts = network.unroll(prepared, read.past, future)
    past = np.concatenate([read.past, np.concatenate([forecasts[:-1], future], axis=1)])
    total = np.zeros_like(past)
    d_out = _unit(forecasts.reshape(h * J, n_sequences), row, read.factor[row % J])
    for k in range(row // J, -1, -1):
        work = network.work(len(past), n_sequences, training=True)
        network.forward(prepared, past, read.context, work)
        total += network.input_gradient(prepared, d_out, past, read.context, work).past
        d_out = np.zeros_like(d_out)
        if k:
            d_out[(k - 1) * J : k * J] = total[T + k - 1, :J]
    d_known_ahead = np.zeros((h, windows.n_known, n_sequences), past.dtype)
    d_known_ahead[1:] = total[T:, J:]
    return total, d_known_ahead, forecasts.reshape(h * J, n_sequences)


def _through_normalisation(
    windows: Windows, read: Normalised, d_window: np.ndarray, d_base: np.ndarray, total: np.ndarray, target: int
) -> np.ndarray:
    """Derivatives in the target's rows, (T, J, B), from those in the normalised window and base.

    A window is ``(y - center) factor`` and a forecast ``total / factor + center``, where center and factor are the
    window's own.
    """
    T, factor = windows.lookback, read.factor
    deviation = read.past[:T, : windows.n_targets] / factor  # from the center
    d_target = d_window * factor
    d_center, d_factor = -d_target.sum(0), (d_window * deviation).sum(0)
    if windows.base:
        season = np.arange(len(d_base)) % windows.base
        np.add.at(d_target, T - windows.base + season, d_base * factor)
        d_center -= (d_base * factor).sum(0)
        d_factor += (d_base * deviation[T - windows.base + season]).sum(0)
    d_center[target] += 1.0
    d_factor[target] -= total / factor[target] ** 2
    if windows.norm == "last":
        d_target[-1] += d_center
    elif windows.norm == "standard":
        varies = factor * SMALLEST_DEVIATION < 1.0  # below, the factor is a constant
        d_target += (d_center - np.where(varies, d_factor * factor**3, 0.0) * deviation) / T
    return d_target
