"""From a series to the frame that networks read: holes, transform and scale, for every series of a panel on its own.

N rows, S series, K targets, F known and P past covariates.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from rnnforecast.estimators._bridge import Bridge, observed_targets
from rnnforecast.estimators._recipe import Recipe
from rnnforecast.estimators._scales import fit_scalers, of, of_members
from rnnforecast.estimators._statics import StaticEncoder
from rnnforecast.network.windows import Frame
from rnnforecast.scaling import Scaler, fit_scaler
from rnnforecast.series import Series
from rnnforecast.series.spans import Spans
from rnnforecast.transforms import Transform

_AS_IT_IS = Scaler(np.zeros(1), np.zeros(1), np.ones(1))


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


def ages(observed: NDArray[np.bool_], begin: NDArray[np.int64]) -> NDArray[np.float64]:
    """How long ago a column of `observed` (N, C) was last true: 0 now, a / (1 + a) after a steps, 1 never.

    `begin` (N,) is the first row of the series that each row belongs to; what was before does not count.
    """
    row = np.arange(1, len(observed) + 1)[:, None]
    newest = np.maximum.accumulate(np.where(observed, row, 0), axis=0)
    # Rows before the first one are like it, and of no age where it was observed.
    return np.where(observed, 0.0, np.where(newest > begin[:, None], 1.0 - 1.0 / (1.0 + row - newest), 1.0))


@dataclass(frozen=True)
class Scales:
    """The way from original units to the network's and back, learnt on training rows only.

    Attributes
    ----------
    transform : Transform
    bridge : Bridge
    joint : bool
        The network reads all columns at once, also those that are missing at an origin.
    target : Scaler
        Of shape (S, K).
    known, past : Scaler
        One for all series: a covariate means the same in each of them.
    marked : bool
        The network is told what was observed, and when last: of the targets, and by two more columns for each past
        covariate.
    kind : {"standard", "minmax", "robust", None}
        What series never seen are scaled to.
    static : StaticEncoder or None
        Of the covariates of the series themselves.
    """

    transform: Transform
    bridge: Bridge
    joint: bool
    target: Scaler
    known: Scaler
    past: Scaler
    marked: bool
    kind: str | None = "standard"
    static: StaticEncoder | None = None

    @classmethod
    def fit(cls, series: Series, recipe: Recipe, *, joint: bool, kind: str | None, counts: bool = False) -> Scales:
        """Learn from the rows of `series`; counts stay counts."""
        own_kind = None if counts else kind
        transform, masked, spans = recipe.transform, series.masked, series.spans
        begin = spans.begins(len(series.target))
        values = transform.forward(recipe.bridge.over(series), begin)
        K = values.shape[1]
        seen = transform.observed(observed_targets(series), len(values), K, begin)
        target = fit_scalers(values, spans, own_kind, seen)
        return cls(
            transform,
            recipe.bridge,
            joint,
            _of_changes(target) if transform.lags else target,
            fit_scaler(series.known, kind),
            fit_scaler(series.past, kind, None if masked is None else masked[:, K:]),
            masked is not None,
            own_kind,
            None if series.static is None else StaticEncoder.fit(series.static),
        )

    def rows(self, series: Series) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Target, known and past covariates in original units, as far as the network may know them at an origin."""
        return (self.bridge.carried if self.joint else self.bridge.over)(series), series.known, series.past

    def frame_of(self, series: Series, dtype: Any) -> Frame:
        """Scaled rows of a series for the network; see `frame`."""
        return self.frame(*self.rows(series), dtype, series.masked, series.spans, series.static)

    def frame(
        self,
        target: np.ndarray,
        known: np.ndarray,
        past: np.ndarray,
        dtype: Any,
        masked: np.ndarray | None = None,
        spans: Spans | None = None,
        static: pd.DataFrame | None = None,
    ) -> Frame:
        """Scaled rows for the network.

        Parameters
        ----------
        target : (N, K), known : (N', F), past : (N, P)
        dtype : numpy floating type
        masked : (N, K + P) bool, optional
            Which targets and past covariates were observed; all by default.
        spans : Spans, optional
            Which rows belong to which series; by default they are those of a single one.
        static : DataFrame of S rows, optional
            Covariates of the series themselves.

        Raises
        ------
        ValueError
            If a value is too large for the dtype.
        """
        n_rows, K = target.shape
        owner = np.zeros(n_rows, np.int64) if spans is None else spans.of_rows(n_rows)
        begin = owner if spans is None else spans.starts[owner]
        values = self.transform.forward(target, begin)
        seen = self.transform.observed(None if masked is None else masked[:, :K], n_rows, K, begin)
        own = self._of(values, seen, spans)
        frame = Frame(
            scaled(values, of(own, owner), dtype, "the target"),
            scaled(known, self.known, dtype, "a covariate"),
            scaled(past, self.past, dtype, "a past covariate"),
            None if seen is None else seen.astype(dtype),
        )
        if self.static is not None and static is not None:
            numbers = scaled(self.static.encode(static), _AS_IT_IS, dtype, "a static covariate")
            frame = replace(frame, static=numbers[owner])
        if not self.marked:
            return frame
        marks = np.ones((n_rows, K + past.shape[1]), bool) if masked is None else masked.copy()
        if seen is not None:
            marks[:, :K] = seen
        observed, age = marks.astype(dtype), ages(marks, begin).astype(dtype)
        beside = np.hstack([frame.past, observed[:, K:], age[:, K:]])
        return replace(frame, past=beside, observed=observed[:, :K].copy(), age=age[:, :K].copy())

    def unscaled(
        self,
        values: np.ndarray,
        kinds: Sequence[str],
        target: np.ndarray,
        origins: np.ndarray,
        masked: np.ndarray | None = None,
        spans: Spans | None = None,
    ) -> np.ndarray:
        """Return parameters (n, H, K, P) of the transformed target from `origins` (n,) of `target` (N, K); see `frame`.

        `kinds` (P) tells what becomes of each when values are scaled, see `rnnforecast.network.heads.Head`.
        """
        own = self.target
        if spans is not None and (len(own.scale) > 1 or (spans.members < 0).any()):
            n_rows, K = target.shape
            begin = spans.begins(n_rows)
            seen = self.transform.observed(None if masked is None else masked[:, :K], n_rows, K, begin)
            own = of(self._of(self.transform.forward(target, begin), seen, spans), spans.owners(origins))
            own = Scaler(own.origin[:, None], own.offset[:, None], own.scale[:, None])
        result = values.astype(np.float64)
        for k, kind in enumerate(kinds):
            if kind == "location":
                result[..., k] = own.inverse(result[..., k])
            elif kind == "scale":
                result[..., k] *= own.scale
        return result

    def restore(
        self, values: np.ndarray, target: np.ndarray, origins: np.ndarray, spans: Spans | None = None
    ) -> np.ndarray:
        """Return forecasts (n, H, K) of the transformed target from `origins` (n,) in original units."""
        begin = None if spans is None else spans.begins(len(target))
        return self.transform.inverse(values, target, origins, begin)

    def _of(self, values: np.ndarray, seen: np.ndarray | None, spans: Spans | None) -> Scaler:
        """Return the scaler of the series at hand, whose transformed rows are `values`, observed where `seen`."""
        if spans is None:
            return self.target
        own = of_members(self.target, values, spans, self.kind, seen)
        return _of_changes(own) if self.transform.lags else own


def _of_changes(scaler: Scaler) -> Scaler:
    """Return the scaler without its level: no change stays zero."""
    return replace(scaler, origin=np.zeros_like(scaler.origin), offset=np.zeros_like(scaler.offset))
