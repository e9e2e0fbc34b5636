"""From a series to the frame that networks read: holes, transform and scale.

N rows, K targets, F known and P past covariates.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from rnnforecast.estimators._bridge import Bridge, observed_targets
from rnnforecast.estimators._recipe import Recipe
from rnnforecast.network.windows import Frame
from rnnforecast.scaling import Scaler, fit_scaler
from rnnforecast.series import Series
from rnnforecast.transforms import Transform


def scaled(values: np.ndarray, scaler: Scaler, dtype: Any, what: str) -> np.ndarray:
    """Return values (..., C) on the network's scale and of its dtype.

    Raises
    ------
    ValueError
        If a value is too large for the dtype, so that forecasts would be no numbers.
    """
    with np.errstate(over="ignore"):
        result = np.ascontiguousarray(scaler.transform(values), dtype)
    if not np.isfinite(result).all():
        raise ValueError(
            f"{what} holds a value of size {np.abs(values).max():.3g}, too large for {np.dtype(dtype)} on the scale of "
            'the rows learnt from; check it, or fit with dtype="float64"'
        )
    return result


def ages(observed: np.ndarray) -> np.ndarray:
    """How long ago a column of `observed` (N, C) was last true: 0 now, a / (1 + a) after a steps, 1 never."""
    row = np.arange(1, len(observed) + 1)[:, None]
    newest = np.maximum.accumulate(np.where(observed, row, 0), axis=0)
    return np.where(newest > 0, 1.0 - 1.0 / (1.0 + row - newest), 1.0)


@dataclass(frozen=True)
class Scales:
    """The way from original units to the network's and back, learnt on training rows only.

    Attributes
    ----------
    transform : Transform
    bridge : Bridge
    joint : bool
        The network reads all columns at once, also those that are missing at an origin.
    target, known, past : Scaler
    marked : bool
        The network is told what was observed, and when last: of the targets, and by two more columns for each past
        covariate.
    """

    transform: Transform
    bridge: Bridge
    joint: bool
    target: Scaler
    known: Scaler
    past: Scaler
    marked: bool

    @classmethod
    def fit(cls, series: Series, recipe: Recipe, *, joint: bool, kind: str | None) -> Scales:
        """Learn from the rows of `series`."""
        transform, masked = recipe.transform, series.masked
        values = transform.forward(recipe.bridge.over(series))
        K = values.shape[1]
        target = fit_scaler(values, kind, transform.observed(observed_targets(series), *values.shape))
        if transform.lags:  # no change stays zero
            target = replace(target, origin=np.zeros(K), offset=np.zeros(K))
        past = fit_scaler(series.past, kind, None if masked is None else masked[:, K:])
        return cls(transform, recipe.bridge, joint, target, fit_scaler(series.known, kind), past, masked is not None)

    def rows(self, series: Series) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Target, known and past covariates in original units, as far as the network may know them at an origin."""
        return (self.bridge.carried if self.joint else self.bridge.over)(series), series.known, series.past

    def frame(
        self, target: np.ndarray, known: np.ndarray, past: np.ndarray, dtype: Any, masked: np.ndarray | None = None
    ) -> Frame:
        """Scaled rows for the network.

        Parameters
        ----------
        target : (N, K), known : (N', F), past : (N, P)
        dtype : numpy floating type
        masked : (N, K + P) bool, optional
            Which targets and past covariates were observed; all by default.

        Raises
        ------
        ValueError
            If a value is too large for the dtype.
        """
        n_rows, K = target.shape
        seen = self.transform.observed(None if masked is None else masked[:, :K], n_rows, K)
        frame = Frame(
            scaled(self.transform.forward(target), self.target, dtype, "the target"),
            scaled(known, self.known, dtype, "a covariate"),
            scaled(past, self.past, dtype, "a past covariate"),
            None if seen is None else seen.astype(dtype),
        )
        if not self.marked:
            return frame
        marks = np.ones((n_rows, K + past.shape[1]), bool) if masked is None else masked.copy()
        if seen is not None:
            marks[:, :K] = seen
        observed, age = marks.astype(dtype), ages(marks).astype(dtype)
        beside = np.hstack([frame.past, observed[:, K:], age[:, K:]])
        return replace(frame, past=beside, observed=observed[:, :K].copy(), age=age[:, :K].copy())

    def restore(self, values: np.ndarray, target: np.ndarray, origins: np.ndarray) -> np.ndarray:
        """Return forecasts (n, H, K) from `origins` (n,) in original units, those of `target` (N, K)."""
        return self.transform.inverse(self.target.inverse(values.astype(np.float64)), target, origins)
