"""How much of the recurrent network the data support: a validated, shrunken weight beside the linear model."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from rnnforecast.estimators._committee import Committee
from rnnforecast.estimators._echo_state import EchoStates
from rnnforecast.estimators._ensemble import VALIDATION_WINDOWS, Ensemble
from rnnforecast.estimators._linear import LinearModel
from rnnforecast.series import Series

PRIOR_BLOCKS = 3.0  # the weight zero counts as much as three independent validation blocks
WORTH_SAYING = (
    0.01  # weights and blend were chosen on the rows held out: a smaller skill there may come from the choice
)
ENOUGH_WINDOWS = 200  # below that many training windows a network deserves proportionally less


@dataclass(frozen=True)
class Blend:
    """A weight and what it gained on the validation windows.

    Parameters
    ----------
    weight : float in [0, 1]
        The forecast is ``linear + weight (network - linear)``.
    gain, gain_error : float
        Mean reduction of the absolute error against the linear model alone, and its standard error over blocks, in the
        units of the series, before the last shrinkage.
    """

    weight: float
    gain: float
    gain_error: float

    @property
    def supported(self) -> bool:
        """Whether the gain is beyond two standard errors."""
        return self.gain > 2.0 * self.gain_error


def block_error(values: np.ndarray, n_blocks: int) -> float:
    """Standard error of the mean of `values` (n,) that overlap in time, from the means of consecutive blocks."""
    means = np.array([block.mean() for block in np.array_split(values, n_blocks) if len(block)])
    return float(means.std(ddof=1) / np.sqrt(len(means))) if len(means) > 1 else float("inf")


def fit_blend(actual: np.ndarray, linear: np.ndarray, network: np.ndarray, n_blocks: float, n_windows: int) -> Blend:
    """Find the weight from validation windows that neither model has seen.

    The least-squares weight, clipped to [0, 1], is shrunk by the number of independent blocks, then by how sure its
    gain in absolute error is (an empirical-Bayes factor m^2 / (m^2 + se^2), zero for a loss), then by the training
    windows there were.

    Parameters
    ----------
    actual, linear, network : (n, H)
        In original units, windows in the order of time.
    n_blocks : float
        Validation rows divided by the horizon: windows closer than that overlap.
    n_windows : int
        Training windows.
    """
    unit = float(np.abs(network - linear).max())  # squares of large values would overflow
    if unit == 0.0:
        return Blend(0.0, 0.0, float("inf"))
    difference, error_before = (network - linear) / unit, (actual - linear) / unit
    weight = float(np.clip((error_before * difference).sum() / (difference * difference).sum(), 0.0, 1.0))
    weight *= n_blocks / (n_blocks + PRIOR_BLOCKS)
    gains = (np.abs(error_before) - np.abs(error_before - weight * difference)).mean(1)
    gain, error = float(gains.mean()), block_error(gains, max(2, int(n_blocks)))
    if gain <= 0.0 or not np.isfinite(error):
        return Blend(0.0, gain * unit, error * unit)
    weight *= gain * gain / (gain * gain + error * error)
    return Blend(weight * min(1.0, n_windows / ENOUGH_WINDOWS), gain * unit, error * unit)


@dataclass(frozen=True)
class Evidence:
    """What the rows held out say.

    Parameters
    ----------
    weight : float or ndarray of shape (K,)
        Of the network beside the linear model.
    skill : float
        One minus the error over that of the best naive forecast, mean over the columns; NaN where nothing was held out.
    no_skill : bool
    """

    weight: float | np.ndarray
    skill: float
    no_skill: bool


def weigh(
    series: Series,
    first: int,
    linear: LinearModel | Committee | None,
    alphas: np.ndarray,
    ensemble: Ensemble | EchoStates,
    seasons: tuple[int, ...],
    blend: Any,
) -> Evidence:
    """Weigh network against linear model, and both against naive forecasts, on the rows from `first` on.

    Parameters
    ----------
    series : Series
    first : int
        The models have seen the rows before.
    linear : LinearModel, Committee or None
    alphas : (K,)
        Penalties of the linear model that will forecast; infinite where it found no signal beyond the naive forecast.
    ensemble : Ensemble or EchoStates
    seasons : tuple of int
    blend : "auto", float or None
        The estimator's parameter.
    """
    K, H = series.target.shape[1], ensemble.windows.horizon
    fixed = 0.0 if blend == "auto" else 1.0 if blend is None else float(blend)
    if first == series.n_rows:
        return Evidence(_squeeze(np.full(K, fixed)), float("nan"), no_skill=False)
    origins = np.arange(first, series.n_rows - H + 1)
    origins = origins[:: max(1, len(origins) // VALIDATION_WINDOWS)]
    rows = origins[:, None] + np.arange(H)
    data = (series.target, series.known, series.past)
    network = ensemble.forecast(*data, origins, H)
    reference = network if linear is None else linear.forecast(*data, origins, H)
    n_blocks = (series.n_rows - first) / H
    n_windows = first - H - ensemble.windows.lookback + 1
    weights, ratios, quiet = np.full(K, fixed), np.empty(K), []
    for k in range(K):
        truth, plain, recurrent = series.target[rows, k], reference[:, :, k], network[:, :, k]
        naive = _naive_errors(series.target[:, k], rows, seasons)
        smallest = np.finfo(float).tiny
        found = fit_blend(truth, plain, recurrent, n_blocks, n_windows)
        if blend == "auto":
            weights[k] = found.weight
        errors = np.abs(truth - plain - weights[k] * (recurrent - plain)).mean(1)
        ratios[k] = errors.mean() / max(naive.mean(), smallest)
        if blend == "auto":
            # The linear model is the naive forecast there: without evidence against it the network is not heard either.
            signal = np.isfinite(alphas[k]) or (found.supported and ratios[k] <= 1.0 - WORTH_SAYING)
            quiet.append(not signal)
            if not signal:
                weights[k] = 0.0
                ratios[k] = np.abs(truth - plain).mean() / max(naive.mean(), smallest)
        else:
            gain = (naive - errors) / max(naive.max(), smallest)
            quiet.append(bool(gain.mean() <= 2.0 * block_error(gain, max(2, int(n_blocks)))))
    return Evidence(_squeeze(weights), float(1.0 - ratios.mean()), all(quiet))


def _squeeze(values: np.ndarray) -> float | np.ndarray:
    """Return one number as a number."""
    return float(values[0]) if len(values) == 1 else values


def _naive_errors(values: np.ndarray, rows: np.ndarray, seasons: tuple[int, ...]) -> np.ndarray:
    """Mean absolute error of each window (n,) of the best naive forecast: last value, or the one a season before."""
    origin, step = rows[:, :1], np.arange(rows.shape[1])
    candidates = [np.abs(values[rows] - values[origin - 1]).mean(1)]
    for season in seasons:
        if season <= origin.min():
            candidates.append(np.abs(values[rows] - values[origin - season + step % season]).mean(1))
    return min(candidates, key=lambda errors: float(errors.mean()))
