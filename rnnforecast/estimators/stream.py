"""Forecasts as observations arrive: arrays in and out, no pandas, no copy of the history."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from rnnforecast.estimators._forking import ForkedEnsemble
from rnnforecast.estimators._recipe import base_columns
from rnnforecast.estimators._scales import scaled
from rnnforecast.network.streams import Reading
from rnnforecast.network.windows import Frame


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
        If the forecaster uses covariates, a recursive decoder, or forecasts a distribution.
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
        self._linear = None if forecaster.linear_ is None else _Linear(forecaster.linear_)
        self._network = None
        if self._linear is None or self._weight.any():
            carried = isinstance(ensemble, ForkedEnsemble)
            self._network = (_Carried if carried else _Windowed)(ensemble, series.target)
        self._n_columns = series.target.shape[1]
        self._transform = ensemble.scales.transform
        reach = 1 if self._linear is None else self._linear.lookback
        rows = np.maximum(np.arange(len(series.target) - reach, len(series.target)), 0)
        self._recent = self._transform.forward(series.target[rows])

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
        row = np.asarray(values).reshape(-1)
        row = row.astype(np.float64) if row.dtype.kind in "biufO" else np.full(len(row), np.nan)
        if len(row) != self._n_columns or not np.isfinite(row).all():
            raise ValueError(f"an observation must be {self._n_columns} finite numbers, got {values!r}")
        row = self._transform.forward(row)
        if self._network is not None:
            self._network.take(row)  # may refuse it
        self._recent[:-1] = self._recent[1:]
        self._recent[-1] = row
        return self

    def forecast(self) -> np.ndarray:
        """Forecast the next steps, (horizon,) or (horizon, K), in original units."""
        inverse = self._transform.inverse
        if self._linear is None:
            assert self._network is not None
            out = inverse(self._network.forecast())
        else:
            out = inverse(self._linear.forecast(self._recent))
            if self._network is not None:
                out = out + self._weight * (inverse(self._network.forecast()) - out)
        return out[:, 0] if self._one_dimensional else out


class _Linear:
    """The closed-form model on its newest window."""

    def __init__(self, model: Any):
        self.lookback, self.scale, self.weights = model.recipe_.lookback, model.scaler_.scale, model.weights_
        self.columns = base_columns(self.lookback, model.horizon_, model.recipe_.base)
        self.signal = bool(np.isfinite(model.alpha_).any())

    def forecast(self, recent: np.ndarray) -> np.ndarray:
        """Forecast (H, K), transformed, from `recent` (lookback, K)."""
        out = recent[self.columns]
        if self.signal:  # weights are zero for columns without any
            relative = (recent - recent[-1]) / self.scale
            out = out + np.einsum("lk,klh->hk", relative, self.weights) * self.scale
        return out


class _Member:
    """The newest rows of an ensemble, scaled for its networks."""

    def __init__(self, ensemble: Any, target: np.ndarray, reach: int):
        windows = ensemble.windows
        self.windows, self.network, self.scaler = windows, ensemble.network, ensemble.scales.target
        self.prepared = [ensemble.network.prepare(weights) for weights in ensemble.weights]
        rows = np.maximum(np.arange(len(target) - reach, len(target)), 0)
        frame = ensemble.scales.frame(target[rows], *(np.zeros((reach, 0)) for _ in range(2)), self.network.dtype)
        self.frame: Frame = frame
        n_groups = windows.n_columns // windows.n_targets
        self.origin, self.column = np.full(n_groups, reach, np.int64), np.arange(n_groups, dtype=np.int64)

    def take(self, row: np.ndarray) -> None:
        """Append a transformed row (K,)."""
        table = self.frame.target
        newest = scaled(row, self.scaler, table.dtype, "the target")
        table[:-1] = table[1:]
        table[-1] = newest

    def restore(self, out: np.ndarray) -> np.ndarray:
        """Forecast (H, K), transformed, from the sum (H, J, K / J) of the members' in the frame's units."""
        return self.scaler.inverse(out.transpose(0, 2, 1).reshape(len(out), -1) / len(self.prepared))


class _Windowed(_Member):
    """Networks that read a window for each forecast."""

    def __init__(self, ensemble: Any, target: np.ndarray):
        super().__init__(ensemble, target, max(ensemble.windows.lookback, ensemble.windows.base))
        self.work = self.network.work(self.windows.lookback, len(self.column))

    def forecast(self) -> np.ndarray:
        """Forecast (H, K), transformed."""
        read = self.windows.read(self.frame, self.origin, self.column)
        total = 0.0
        for prepared in self.prepared:
            total = total + self.network.forward(prepared, read.past, read.context, self.work)
        return self.restore(self.windows.restore(total / len(self.prepared), read) * len(self.prepared))


class _Carried(_Member):
    """Networks whose state is carried from observation to observation."""

    def __init__(self, ensemble: Any, target: np.ndarray):
        lookback = ensemble.windows.lookback
        super().__init__(ensemble, target, max(lookback, ensemble.windows.base) + 1)
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
        """Forecast (H, K), transformed."""
        shape = (self.windows.horizon, self.windows.n_targets, len(self.column))
        total = len(self.readings) * self.windows.reference(self.frame, self.origin - 1, self.column, 1)
        for prepared, hidden in zip(self.prepared, self.hidden, strict=True):
            total += self.network.head.forward(prepared[1], hidden, self.head)
        return self.restore(total.reshape(shape))
