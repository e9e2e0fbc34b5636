"""Intervals, quantiles and sample paths around the forecasts of any forecaster, calibrated on rows it had not seen.

N rows, n origins, H steps, K target columns, Q probabilities. An origin is the first row forecast.
"""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from copy import copy
from dataclasses import dataclass, replace
from numbers import Real
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn.utils import check_random_state

from rnnforecast.estimators._parameters import checked_number
from rnnforecast.estimators._predictive import Predictive
from rnnforecast.estimators._rows import values_at
from rnnforecast.estimators._scores import Scores
from rnnforecast.series import Series

if TYPE_CHECKING:
    from rnnforecast.estimators._base import BaseForecaster

_Array = NDArray[np.float64]

INTERVALS = ("conformal", "adaptive")

_HELD_OUT = 0.25  # of the rows learnt from, by forecasters that hold none out for other ends
_MOST_ORIGINS = 500  # as many scores make the same quantiles as more
_MOST_SCORES = 20_000_000  # of very long horizons; fewer origins then


@dataclass(frozen=True)
class Asked:
    """What is to be known beside the forecast; made by `asked`.

    Parameters
    ----------
    levels : tuple of float
        Nominal coverages of central intervals, in per cent.
    quantiles : tuple of float
        Probabilities.
    n_samples : int
        Sample paths.
    """

    levels: tuple[float, ...]
    quantiles: tuple[float, ...]
    n_samples: int = 0

    def __bool__(self) -> bool:
        return bool(self.levels or self.quantiles or self.n_samples)

    @property
    def probabilities(self) -> _Array:
        """Return the (Q,) probabilities of the ends of the intervals, two each, then of the quantiles."""
        # Rounded, so that the ends of an interval are the same numbers as the quantiles they are.
        ends = [round((100.0 + side * level) / 200.0, 12) for level in self.levels for side in (-1, 1)]
        return np.array([*ends, *self.quantiles])

    @property
    def ends(self) -> list[str]:
        """Return what the ends of the intervals are called."""
        return [f"{end}-{level:g}" for level in self.levels for end in ("lo", "hi")]

    def names(self, target: str) -> list[str]:
        """Return the columns of a target: the forecast where intervals are asked, intervals, quantiles, samples."""
        ends = [f"{target}-{end}" for end in self.ends]
        quantiles = [f"{target}-q{quantile:g}" for quantile in self.quantiles]
        samples = [f"{target}-sample-{sample}" for sample in range(1, self.n_samples + 1)]
        return [target] * bool(self.levels) + ends + quantiles + samples


def asked(level: Any = None, quantiles: Any = None, n_samples: Any = None) -> Asked:
    """Check what was asked for.

    Parameters
    ----------
    level : float, sequence of float or None
        Per cent, from 1 to below 100.
    quantiles : float, sequence of float or None
        Between 0 and 1.
    n_samples : int or None

    Returns
    -------
    Asked
        False where everything is None.

    Raises
    ------
    ValueError
        A number out of its range; 0.8 is no level.
    """
    levels = _numbers(level, "level", "percentages from 1 to below 100, such as 80", 1.0 - 1e-12, 100.0)
    probabilities = _numbers(quantiles, "quantiles", "probabilities between 0 and 1, such as 0.9", 0.0, 1.0)
    return Asked(levels, probabilities, 0 if n_samples is None else checked_number(n_samples, "n_samples"))


@dataclass(frozen=True)
class Calibration:
    """Scores of the forecasts that a forecaster made, or would have made, for rows it had not learnt from.

    Parameters
    ----------
    origins : ndarray of shape (n,), int64
    values : ndarray of shape (n, S, K)
        Scores; NaN beyond the last row. S is at most the rows from the first origin on.
    stride : int
        Rows from one origin to the next.
    adaptive : bool
    """

    origins: NDArray[np.int64]
    values: _Array
    stride: int
    adaptive: bool

    def at(self, origin: int) -> Scores:
        """Return the scores that are known at an origin; those that do not adapt are known since the fit."""
        if not self.adaptive:
            return Scores(self.values, self.stride)
        before = self.origins < origin
        steps = min(self.values.shape[1], origin - int(self.origins[0]))
        rows = self.origins[before, None] + np.arange(steps)
        values = np.where((rows < origin)[..., None], self.values[before, :steps], np.nan)
        return Scores(values, self.stride, adaptive=True)


def calibrate(forecaster: BaseForecaster, series: Series, horizon: int) -> Calibration:
    """Forecast rows that were held out of learning, and the rows after them if the intervals adapt.

    Parameters
    ----------
    forecaster : BaseForecaster
        Fitted on the first rows of `series`.
    series : Series
    horizon : int
        Steps, at least the forecaster's own; those that no row can tell of are left out.

    Returns
    -------
    Calibration
    """
    adaptive = getattr(forecaster, "intervals", "conformal") == "adaptive"
    n_learnt = forecaster._n_learnt
    n_rows = series.n_rows if adaptive else n_learnt
    early, first = forecaster._held_out()
    horizon = min(horizon, n_rows - first)
    most = min(_MOST_ORIGINS, max(_MOST_SCORES // (horizon * series.target.shape[1]), 1))
    stride = max(1, (n_learnt - first) // most)
    origins = np.arange(first, n_rows, stride)
    rows = origins[:, None] + np.arange(horizon)
    actual = np.where((rows < n_rows)[..., None], series.target[np.minimum(rows, n_rows - 1)], np.nan)
    last = series.known[-1:].repeat(horizon, axis=0)  # of steps whose truth is not known yet
    ahead = replace(series, known=np.concatenate([series.known, last]))
    values = np.empty(actual.shape)
    for model, part in ((early, origins < n_learnt), (forecaster, origins >= n_learnt)):
        if part.any():
            values[part] = model._predictive(ahead, origins[part], horizon).scores(actual[part])
    return Calibration(origins, values, stride, adaptive)


def calibration_of(forecaster: BaseForecaster, horizon: int) -> Calibration:
    """Return the calibration of a fitted forecaster on its own history, made when first asked for."""
    steps, kept = max(horizon, forecaster.horizon), forecaster._calibrations
    key = (steps, forecaster._history.n_rows)
    found = kept.get(key)
    if found is None:
        found = calibrate(forecaster, forecaster._history, steps)
        kept.clear()  # a long series of updates must not fill the memory
        kept[key] = found
    return found


def learn_on_head(forecaster: BaseForecaster) -> tuple[BaseForecaster, int]:
    """Let a copy of a fitted forecaster learn from all but the last quarter of the rows.

    Returns
    -------
    early : BaseForecaster
    first : int
        First row that it has not seen.

    Raises
    ------
    ValueError
        The rows are too few to be divided.
    """
    series = forecaster._history.head(forecaster._n_learnt)
    n = series.n_rows
    needed = max(forecaster._minimum_rows(series), 1)
    first = max(needed, n - max(int(_HELD_OUT * n), 3 * forecaster.horizon // 2))
    if first >= n:
        raise ValueError(
            f"{type(forecaster).__name__} needs at least {needed + 1} rows to hold some out, on which intervals are "
            f"calibrated, got {n} with horizon={forecaster.horizon}; give a longer series or ask for a smaller horizon"
        )
    early = copy(forecaster)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the fit has said it all
        learned = forecaster._learn(series.head(first))
    # Errors are measured on the scale on which they are laid around later forecasts.
    early.__dict__ = vars(forecaster) | learned | {"_error_scale": forecaster._error_scale}
    return early, first


def quantile_forecasts(predictive: Predictive, scores: Sequence[Scores], probabilities: _Array) -> _Array:
    """Calibrate a forecast.

    Parameters
    ----------
    predictive : Predictive
        Of n origins and H steps.
    scores : sequence of Scores
        One for each origin, or one for all.
    probabilities : ndarray of shape (Q,) or (Q, H, K)

    Returns
    -------
    ndarray of shape (Q, n, H, K)
        Ascending with the probability.
    """
    horizon = predictive.point.shape[1]
    quantiles = [one.quantiles(probabilities, horizon) for one in scores]
    return predictive.values(np.stack(quantiles, axis=1))


def quantiles_at(forecaster: BaseForecaster, series: Series, rows: NDArray[np.int64], probabilities: _Array) -> _Array:
    """Return quantiles of rows within the history, one step ahead each, and of rows ahead from its end.

    Parameters
    ----------
    forecaster : BaseForecaster
    series : Series
        Its history, and known covariates of the rows ahead.
    rows : ndarray of shape (n,), int64
        Ascending.
    probabilities : ndarray of shape (Q,)

    Returns
    -------
    ndarray of shape (n, K, Q)
    """
    scores = [calibration_of(forecaster, max(int(rows[-1]) - series.n_rows + 1, 1)).at(series.n_rows)]

    def forecast(series: Series, origins: NDArray[np.int64], horizon: int) -> _Array:
        predictive = forecaster._predictive(series, origins, horizon)
        return np.moveaxis(quantile_forecasts(predictive, scores, probabilities), 0, -1)

    outset = np.quantile(series.target[: forecaster._n_learnt], probabilities, axis=0).T
    return values_at(series, rows, forecast, outset)


def forecast_frame(forecaster: BaseForecaster, series: Series, labels: pd.Index, wanted: Asked) -> pd.DataFrame:
    """Forecast the steps after the last row, with all that is wanted beside.

    Parameters
    ----------
    forecaster : BaseForecaster
    series : Series
        History, and known covariates of the steps.
    labels : Index of H labels
    wanted : Asked

    Returns
    -------
    DataFrame of H rows
    """
    horizon, origin = len(labels), np.array([series.n_rows])
    predictive = forecaster._predictive(series, origin, horizon)
    scores = calibration_of(forecaster, horizon).at(forecaster._history.n_rows)
    blocks = [predictive.point] if wanted.levels else []
    if len(wanted.probabilities):
        blocks.append(quantile_forecasts(predictive, [scores], wanted.probabilities)[:, 0])
    if wanted.n_samples:
        rng = check_random_state(getattr(forecaster, "random_state", None))
        drawn = scores.draw(wanted.n_samples, horizon, rng)
        blocks.append(quantile_forecasts(predictive, [scores], drawn)[:, 0])
    values = np.concatenate(blocks)
    names = ["forecast" if name is None else name for name in series.target_names]
    columns = {
        column: values[k, :, j] for j, name in enumerate(names) for k, column in enumerate(wanted.names(str(name)))
    }
    return pd.DataFrame(columns, index=labels)


def _numbers(given: Any, name: str, expected: str, low: float, high: float) -> tuple[float, ...]:
    """Return what was given as distinct numbers between two bounds, both excluded."""
    if given is None:
        return ()
    values = given if isinstance(given, list | tuple | np.ndarray | range | pd.Index | pd.Series) else [given]
    for value in values:
        if isinstance(value, bool | np.bool_) or not isinstance(value, Real) or not low < float(value) < high:
            raise ValueError(f"{name} must hold {expected}, got {value!r}")
    if len(values) == 0:
        raise ValueError(f"{name} must hold {expected}, got none")
    return tuple(dict.fromkeys(float(value) for value in values))
