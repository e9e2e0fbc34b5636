"""Forecasts as observations arrive: arrays in and out, no pandas, no copy of the history."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from rnnforecast.estimators._committee import Committee
from rnnforecast.estimators._echo_state import EchoStates
from rnnforecast.estimators._forking import ForkedEnsemble
from rnnforecast.estimators._frames import scaled
from rnnforecast.estimators._linear import LinearModel
from rnnforecast.estimators._recipe import relative_and_base
from rnnforecast.network.streams import Reading
from rnnforecast.network.windows import Frame
from rnnforecast.series import Series, read_row


class ForecastStream:
    """Takes one observation after the other and forecasts from the newest; made by `RNNForecaster.stream`.

    With ``forking_sequences=True`` the recurrent state is carried on, so an observation costs one step whatever the
    lookback; windows are read again for each forecast. The forecaster is left alone.

    Parameters
    ----------
    forecaster : RNNForecaster
        Fitted, without covariates.

    Raises
    ------
    ValueError
        If the forecaster uses covariates or a recursive decoder, forecasts a distribution, or its last row has missing
        values.
    """

    def __init__(self, forecaster: Any):
        series, ensemble = forecaster._history, forecaster.ensemble_
        if series.ids is not None:
            raise ValueError("stream() takes the observations of one series, but this is a panel: use update()")
        if series.known.shape[1] or series.past.shape[1]:
            raise ValueError(
                "stream() takes observations of the target alone, but the forecaster was fitted with covariates: "
                "use update() and forecast()"
            )
        if series.seen is not None and not series.seen[-1].all():
            raise ValueError(
                "stream() goes on from the newest observation, but the last known row has missing values: "
                "update() with a whole row first, or use forecast()"
            )
        if getattr(ensemble.windows, "recursive", False):
            raise ValueError(
                'stream() needs all steps at once, but decoder="recursive" makes one: use decoder="direct"'
            )
        if ensemble.head is not None:
            raise ValueError(
                f'stream() needs one number for each step, but loss="{forecaster.loss}" makes several: '
                "use update() and forecast()"
            )
        self.horizon: int = forecaster.horizon
        self._one_dimensional = series.one_dimensional
        self._weight = np.atleast_1d(forecaster.blend_weight_)
        self._n_columns = series.target.shape[1]
        self._transform = ensemble.scales.transform
        target = ensemble.scales.bridge.over(series)
        self._levels = _newest(target, self._transform.n_lost + 1)  # what differences are taken of and added up from
        self._linear = None
        if forecaster.linear_ is not None:
            self._linear = _closed(forecaster.linear_, self._transform.forward(target))
        self._network: Any = None
        if self._linear is None or self._weight.any():
            if isinstance(ensemble, EchoStates):
                self._network = _closed(ensemble, self._transform.forward(target))
            else:
                carried = isinstance(ensemble, ForkedEnsemble)
                self._network = (_Carried if carried else _Windowed)(ensemble, series)

    def update(self, values: ArrayLike) -> ForecastStream:
        """Take the next observation.

        Parameters
        ----------
        values : float or array-like of shape (K,)

        Returns
        -------
        self

        Raises
        ------
        ValueError
            If a value is missing, infinite or too large, or there are more or fewer than target columns.
        """
        row = read_row(values, self._n_columns, "an observation", missing=False)
        levels = np.vstack([self._levels[1:], row])
        row = self._transform.forward(levels)[-1]
        if self._network is not None:
            self._network.take(row)  # may refuse it
        self._levels = levels
        if self._linear is not None:
            self._linear.take(row)
        return self

    def forecast(self) -> np.ndarray:
        """Forecast the next steps, (horizon,) or (horizon, K), in original units."""
        if self._linear is None:
            out = self._mean(self._network)
        else:
            out = self._mean(self._linear)
            if self._network is not None:
                out = out + self._weight * (self._mean(self._network) - out)
        return out[:, 0] if self._one_dimensional else out

    def _mean(self, reader: Any) -> np.ndarray:
        """Return the mean (H, K) of what a reader forecasts, in original units."""
        each = reader.forecast()
        each = self._transform.inverse(each, self._levels, np.full(len(each), len(self._levels)))
        return np.einsum("mhk,km->hk", each, reader.shares)


def _newest(target: np.ndarray, count: int) -> np.ndarray:
    """Copy the last `count` rows of `target` (N, C), the first repeated on the left where there are fewer."""
    return target[np.maximum(np.arange(len(target) - count, len(target)), 0)]


class _Linear:
    """A closed-form model on its newest window of transformed values (N, K)."""

    def __init__(self, model: LinearModel, values: np.ndarray):
        self.scale, self.weights = model.scaler_.scale, model.weights_
        self.horizon, self.base = model.horizon_, model.recipe_.base
        self.signal = bool(np.isfinite(model.alpha_).any())
        self.recent = _newest(values, model.recipe_.lookback)
        none, last = np.zeros((len(values), 0)), np.array([len(values) - 1])
        self.echoes = model.echoes_
        self.runs = [echo.start(echo.after(values[:, k], none, none, last)) for k, echo in enumerate(self.echoes)]

    def take(self, row: np.ndarray) -> None:
        """Append a transformed row (K,), and go one step on."""
        for column, (echo, run) in enumerate(zip(self.echoes, self.runs, strict=True)):
            run.read(echo.input(self.recent[-1, column], row[column]))
        self.recent[:-1] = self.recent[1:]
        self.recent[-1] = row

    def forecast(self) -> np.ndarray:
        """Forecast (H, K), transformed."""
        (design,), (out,) = relative_and_base(self.recent[None], self.horizon, self.base)
        if self.signal:  # weights are zero for columns without any
            design = design / self.scale
            if self.runs:
                design = np.concatenate([np.concatenate([run.state[0] for run in self.runs], axis=1), design])
            out = out + np.einsum("lk,klh->hk", design, self.weights) * self.scale
        return out


class _Closed:
    """Closed-form models and their shares (K, M) of a forecast, reading on after the rows of `values` (N, K)."""

    def __init__(self, models: list[LinearModel], shares: np.ndarray, values: np.ndarray):
        self.models, self.shares = [_Linear(model, values) for model in models], shares

    def take(self, row: np.ndarray) -> None:
        """Append a transformed row (K,)."""
        for model in self.models:
            model.take(row)

    def forecast(self) -> np.ndarray:
        """Forecast (M, H, K), transformed."""
        return np.stack([model.forecast() for model in self.models])


def _closed(model: LinearModel | Committee | EchoStates, values: np.ndarray) -> _Closed:
    """Let closed-form models read on after the rows of transformed `values` (N, K)."""
    if isinstance(model, Committee):
        return _Closed(model.members_, model.shares_, values)
    models = model.models if isinstance(model, EchoStates) else [model]
    return _Closed(models, np.full((values.shape[1], len(models)), 1.0 / len(models)), values)


class _Member:
    """The newest rows of an ensemble, scaled for its networks."""

    def __init__(self, ensemble: Any, series: Series, reach: int):
        windows = ensemble.windows
        self.windows, self.network, self.scaler = windows, ensemble.network, ensemble.scales.target
        self.prepared = [ensemble.network.prepare(weights) for weights in ensemble.weights]
        self.shares = np.ones((len(self.scaler.scale[0]), 1))
        parts = vars(ensemble.scales.frame_of(series, self.network.dtype)).items()
        newest: dict[str, Any] = {name: None if part is None else _newest(part, reach) for name, part in parts}
        self.frame = Frame(**newest)
        n_groups = windows.n_columns // windows.n_targets
        self.origin, self.column = np.full(n_groups, reach, np.int64), np.arange(n_groups, dtype=np.int64)

    def take(self, row: np.ndarray) -> None:
        """Append a transformed row (K,)."""
        newest = scaled(row, self.scaler, self.frame.target.dtype, "the target")
        for table, values in ((self.frame.target, newest), (self.frame.observed, 1), (self.frame.age, 0)):
            if table is not None:
                table[:-1] = table[1:]
                table[-1] = values

    def restore(self, out: np.ndarray) -> np.ndarray:
        """Forecast (1, H, K), transformed, from the sum (H, J, K / J) of the members' in the frame's units."""
        return self.scaler.inverse(out.transpose(0, 2, 1).reshape(len(out), -1) / len(self.prepared))[None]


class _Windowed(_Member):
    """Networks that read a window for each forecast."""

    def __init__(self, ensemble: Any, series: Series):
        super().__init__(ensemble, series, max(ensemble.windows.lookback, ensemble.windows.base))
        self.work = self.network.work(self.windows.lookback, len(self.column))

    def forecast(self) -> np.ndarray:
        """Forecast (1, H, K), transformed."""
        read = self.windows.read(self.frame, self.origin, self.column)
        total = 0.0
        for prepared in self.prepared:
            total = total + self.network.forward(prepared, read.past, read.context, self.work)
        return self.restore(self.windows.restore(total / len(self.prepared), read) * len(self.prepared))


class _Carried(_Member):
    """Networks whose state is carried from observation to observation."""

    def __init__(self, ensemble: Any, series: Series):
        lookback = ensemble.windows.lookback
        super().__init__(ensemble, series, max(lookback, ensemble.windows.base or 0) + 1)
        self.readings = [Reading(self.network, prepared, len(self.column)) for prepared in self.prepared]
        x = self.windows.inputs(self.frame, self.origin - lookback, self.column, lookback)
        self.hidden = [reading.read(x)[-1:].copy() for reading in self.readings]
        self.head = self.network.head.work(1, len(self.column), self.network.dtype, training=False)

    def take(self, row: np.ndarray) -> None:
        """Append a transformed row (K,), and go one step on."""
        super().take(row)
        x = self.windows.inputs(self.frame, self.origin - 1, self.column, 1)
        self.hidden = [reading.read(x) for reading in self.readings]

    def forecast(self) -> np.ndarray:
        """Forecast (1, H, K), transformed."""
        shape = (self.windows.horizon, self.windows.n_targets, len(self.column))
        total = len(self.readings) * self.windows.reference(self.frame, self.origin - 1, self.column, 1)
        for prepared, hidden in zip(self.prepared, self.hidden, strict=True):
            total += self.network.head.forward(prepared[1], hidden, self.head)
        return self.restore(total.reshape(shape))
