"""Reservoirs over windows alone: each begins a window in the state in which the rows before it left them.

What forecasts owe to the rows of their windows is found from there, without reading all that lies before once more.
N rows, E windows of L rows, H units, F known and P past covariates.
"""

from __future__ import annotations

from copy import copy
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rnnforecast.estimators._committee import Committee
from rnnforecast.estimators._echo_state import EchoStates
from rnnforecast.estimators._linear import LinearModel
from rnnforecast.estimators._reservoir import LARGEST_INPUT, Echo, Reading
from rnnforecast.series import Series
from rnnforecast.series.spans import Spans

_Array = NDArray[np.float64]
_Rows = NDArray[np.int64]


class WindowEcho:
    """The states of a reservoir after windows of one column of a series; stands where an `Echo` does.

    Parameters
    ----------
    echo : Echo
    values : ndarray of shape (N,)
        The transformed column.
    known, past : ndarray of shape (at least N, F), (at least N, P)
    origins : ndarray of int, shape (E,)
        Rows after the windows, ascending, L to N.
    lookback : int
        Rows of a window, L.
    horizon : int
        Rows after each window where they lie side by side.
    """

    def __init__(
        self, echo: Echo, values: _Array, known: _Array, past: _Array, origins: _Rows, lookback: int, horizon: int
    ):
        self.echo, self.lookback, self.horizon = echo, lookback, horizon
        starts = origins - lookback
        self._begins = starts == 0  # with the series: nothing lies before
        self._before = values[np.maximum(starts - 1, 0)]
        self._states = np.zeros((len(origins), echo.n_units))
        if not self._begins.all():
            self._states[~self._begins] = echo.after(values, known, past, starts[~self._begins] - 1)

    def reading(self, values: _Array, known: _Array, past: _Array, origins: _Rows, spans: Spans) -> Reading:
        """Read windows that lie side by side, each with its horizon, up to some of their origins; see `Echo.reading`.

        No window reads another one, and `spans` do not matter: the values before the windows are those of the series.
        """
        which, rows = origins // (self.lookback + self.horizon), origins[:, None] + np.arange(-self.lookback, 0)
        run = self.echo.start(self._states[which])
        for _ in run.pieces(self._inputs(which, values[rows], known[rows], past[rows])):
            pass  # what counts is the state that it ends in
        return Reading(self.echo, self.echo.scaler, run.state[0].T.copy(), values[origins - 1], known, past, origins)

    def derivatives(
        self, d_state: _Array, values: _Array, known: _Array, past: _Array
    ) -> tuple[_Array, _Array, _Array]:
        """Go back from the states after the windows to what was read in them.

        Parameters
        ----------
        d_state : ndarray of shape (H,)
            Derivative of something in the units of these states.
        values : ndarray of shape (E, L)
            Of the windows.
        known, past : ndarray of shape (E, L, F), (E, L, P)

        Returns
        -------
        d_values, d_known, d_past : ndarray
            Of the shapes of `values`, `known` and `past`.
        """
        echo, F = self.echo, known.shape[2]
        x = self._inputs(np.arange(len(values)), values, known, past)
        state = np.ascontiguousarray(self._states.T[None])
        d_x = echo.reservoir.input_gradient(x, state, np.repeat(d_state[:, None], len(values), axis=1))
        scale = np.concatenate([echo.scaler.scale, echo.known_scaler.scale, echo.past_scaler.scale])
        d_x = (np.where(np.abs(x) < LARGEST_INPUT, d_x, 0.0) / scale[:, None]).transpose(2, 0, 1)
        d_level, d_change = d_x[:, :, 0], d_x[:, :, 1]
        d_values = d_level + d_change
        d_values[:, :-1] -= d_change[:, 1:]
        d_values[self._begins, 0] -= d_change[self._begins, 0]  # there is no change where a series begins
        return d_values, d_x[:, :, 2 : 2 + F], d_x[:, :, 2 + F :]

    def _inputs(self, which: _Rows, values: _Array, known: _Array, past: _Array) -> _Array:
        """Return what goes in, (L, D, e), of some windows: values (e, L) and covariates (e, L, F), (e, L, P)."""
        before = np.where(self._begins[which], values[:, 0], self._before[which])
        x = self.echo.inputs(self.echo.scaler, values, np.diff(values, prepend=before[:, None]), known, past)
        return np.ascontiguousarray(x.transpose(1, 2, 0))


def over_windows(forecaster: Any, series: Series, origins: _Rows, lookback: int) -> Any:
    """Return a copy of a forecaster for windows of a series that are laid side by side, each with its horizon.

    Its forecasts are those from the origins in the series, where the rows before the windows are as they were.

    Parameters
    ----------
    forecaster : RNNForecaster
        Fitted on a single series, from levels.
    series : Series
    origins : ndarray of int, shape (E,)
        Ascending, at least `lookback`.
    lookback : int
        Rows of a window, L.
    """

    def begun(model: Any) -> Any:
        if isinstance(model, EchoStates):
            return replace(model, models=[begun(each) for each in model.models])
        twin = copy(model)
        if isinstance(model, Committee):
            twin.members_ = [begun(member) for member in model.members_]
        elif isinstance(model, LinearModel) and model.echoes_:
            values = model.recipe_.transform.forward(series.target)
            data = series.known, series.past, origins, lookback, forecaster.horizon
            twin.echoes_ = [WindowEcho(echo, own, *data) for echo, own in zip(model.echoes_, values.T, strict=True)]
        return twin

    twin = copy(forecaster)
    twin.linear_, twin.ensemble_ = begun(forecaster.linear_), begun(forecaster.ensemble_)
    return twin
