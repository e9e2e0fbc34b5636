"""How much of the recurrent network the data support: a validated, shrunken weight beside the linear model."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from rnnforecast.estimators._bridge import Bridge, observed_targets
from rnnforecast.estimators._committee import Committee
from rnnforecast.estimators._echo_state import EchoStates
from rnnforecast.estimators._ensemble import Ensemble, validation_windows
from rnnforecast.estimators._linear import LinearModel
from rnnforecast.estimators._recipe import worth_learning
from rnnforecast.estimators._scales import means
from rnnforecast.series import Series

PRIOR_BLOCKS = 3.0  # the weight zero counts as much as three independent validation blocks
WORTH_SAYING = (
    0.01  # weights and blend were chosen on the rows held out: a smaller skill there may come from the choice
)
ENOUGH_WINDOWS = 200  # below that many training windows a network deserves proportionally less
_SMALLEST = float(np.finfo(float).tiny)


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
    windows there were. The error of a mean of k blocks is itself estimated from them: its variance is that of Student's
    t with k - 1 degrees of freedom, which of fewer than four blocks is infinite, so these support no weight.

    Parameters
    ----------
    actual, linear, network : (n, H)
        In original units, windows in the order of time; where the truth is NaN it does not count.
    n_blocks : float
        Validation rows divided by the horizon: windows closer than that overlap.
    n_windows : int
        Training windows.
    """
    unit = float(np.abs(network - linear).max())  # squares of large values would overflow
    if unit == 0.0:
        return Blend(0.0, 0.0, float("inf"))
    difference, error_before = (network - linear) / unit, (actual - linear) / unit
    square = np.where(np.isnan(actual), 0.0, difference * difference).sum()
    weight = float(np.clip(np.nansum(error_before * difference) / square, 0.0, 1.0)) if square else 0.0
    weight *= n_blocks / (n_blocks + PRIOR_BLOCKS)
    gains = np.nanmean(np.abs(error_before) - np.abs(error_before - weight * difference), axis=1)
    gain, k = float(gains.mean()), int(n_blocks)
    error = block_error(gains, k) * float(np.sqrt((k - 1) / (k - 3))) if k > 3 else float("inf")
    if gain <= 0.0 or not np.isfinite(error):
        return Blend(0.0, gain * unit, error * unit)
    weight *= (gain / float(np.hypot(gain, error))) ** 2  # a gain of 1e-200 has no square
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
    first: np.ndarray,
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
    first : (S,)
        The models have seen the rows before, of each series.
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
    lookback = ensemble.windows.lookback
    reach = max(lookback, ensemble.windows.base or 0, 0 if linear is None else linear.recipe_.lookback)
    spaced = series.spaced(reach + 1)
    spans, observed = spaced.spans, observed_targets(spaced)
    held_out = spans.origins_from(first, H)
    origins = held_out.at(np.arange(len(held_out)))
    judged = np.ones((len(origins), K), bool) if observed is None else worth_learning(observed, origins, H)
    origins, judged = origins[judged.any(axis=1)], judged[judged.any(axis=1)]
    if (first == series.spans.lengths).all() or not len(origins):
        return Evidence(_squeeze(np.full(K, fixed)), float("nan"), no_skill=False)
    stride = max(1, len(origins) // validation_windows(len(spans)))
    origins, judged = origins[::stride], judged[::stride]
    bridge = ensemble.scales.bridge
    target, owner = bridge.over(spaced), spans.owners(origins)
    network = ensemble.forecast_series(spaced, origins, H)
    reference = network
    if linear is not None:
        reference = linear.forecast(target, spaced.known, spaced.past, origins, H, spans)
    known = target if observed is None else np.where(observed, target, np.nan)
    units, begin = _units(series, first, bridge)[owner], spans.starts[owner]
    n_blocks = float((series.spans.lengths - first)[held_out.counts > 0].sum()) / H
    n_windows = int(np.maximum(first - H - lookback + 1, 0).sum())
    weights, ratios, quiet = np.full(K, fixed), np.empty(K), []
    for k in range(K):
        own = judged[:, k]
        if not own.any():
            ratios[k] = np.nan
            continue
        rows, unit = origins[own, None] + np.arange(H), units[own, k, None]
        truth, plain, recurrent = known[rows, k] / unit, reference[own, :, k] / unit, network[own, :, k] / unit
        naive = _naive_errors(target[:, k], truth, rows, begin[own], unit, seasons)
        found = fit_blend(truth, plain, recurrent, n_blocks, n_windows)
        if blend == "auto":
            weights[k] = found.weight
        errors = np.nanmean(np.abs(truth - plain - weights[k] * (recurrent - plain)), axis=1)
        ratios[k] = _ratio(errors, naive, truth)
        if blend == "auto":
            # The linear model is the naive forecast there: without evidence against it the network is not heard either.
            signal = np.isfinite(alphas[k]) or (found.supported and ratios[k] <= 1.0 - WORTH_SAYING)
            quiet.append(not signal)
            if not signal:
                weights[k] = 0.0
                ratios[k] = _ratio(np.nanmean(np.abs(truth - plain), axis=1), naive, truth)
        else:
            gain = (naive - errors) / max(naive.max(), errors.max(), _SMALLEST)
            quiet.append(bool(gain.mean() <= 2.0 * block_error(gain, max(2, int(n_blocks)))))
    return Evidence(_squeeze(weights), float(1.0 - ratios[np.isfinite(ratios)].mean()), all(quiet))


def _ratio(errors: np.ndarray, naive: np.ndarray, truth: np.ndarray) -> float:
    """Return mean error over mean naive error; 1 where both are lost in the rounding of the numbers, never infinite."""
    error, reference = float(errors.mean()), float(naive.mean())
    rounding = max(np.finfo(float).eps * max(float(np.nanmean(np.abs(truth))), error, reference), _SMALLEST)
    return (error + rounding) / (reference + rounding)


def _squeeze(values: np.ndarray) -> float | np.ndarray:
    """Return one number as a number."""
    return float(values[0]) if len(values) == 1 else values


def _units(series: Series, first: np.ndarray, bridge: Bridge) -> np.ndarray:
    """Return in what the errors of each series are counted, (S, K): the mean step of the rows learnt from.

    Of a single series it is 1; of a constant one nothing can be learnt, and its errors do not count.
    """
    if len(series.spans) == 1:
        return np.ones((1, series.target.shape[1]))
    learnt = series.head(first)
    target = bridge.over(learnt)
    steps = np.abs(np.diff(target, axis=0, prepend=target[:1]))
    steps[learnt.spans.starts] = 0.0
    units = means(steps, learnt.spans)
    return np.where(units > 0, units, np.inf)


def _naive_errors(
    values: np.ndarray,
    truth: np.ndarray,
    rows: np.ndarray,
    begin: np.ndarray,
    unit: np.ndarray,
    seasons: tuple[int, ...],
) -> np.ndarray:
    """Mean absolute error of each window (n,) of the best naive forecast: last value, or the one a season before.

    `values` (N,) are in original units, the truth (n, H) in those of each window's series, which begins at a row of
    `begin` (n,); where it is NaN it does not count.
    """
    origin, step, begin = rows[:, :1], np.arange(rows.shape[1]), begin[:, None]
    candidates = [np.nanmean(np.abs(truth - values[origin - 1] / unit), axis=1)]
    for season in seasons:
        if 2 * (season <= origin - begin).sum() >= len(origin):
            before = np.maximum(origin - season + step % season, begin)
            candidates.append(np.nanmean(np.abs(truth - values[before] / unit), axis=1))
    return min(candidates, key=lambda errors: float(errors.mean()))
