"""The way from original units to a model's and back, for every series of a panel on its own.

N rows, S series, K targets, F known and P past covariates.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from rnnforecast.estimators._statics import StaticEncoder
from rnnforecast.network.windows import Frame
from rnnforecast.scaling import Identity, Log, Scaler, fit_scaler
from rnnforecast.series.spans import Spans

_Array = NDArray[np.float64]


def by_length(values: _Array, spans: Spans) -> Iterator[tuple[NDArray[np.int64], _Array]]:
    """Yield series of equal length side by side: their numbers (g,) and their values (length, g K).

    Statistics of columns are then taken of thousands of series at once.

    Parameters
    ----------
    values : ndarray of shape (N, K)
        One column or several.
    spans : Spans
        The rows of every series.
    """
    if len(spans) == 1:
        yield np.zeros(1, np.int64), values[spans.inside()]
        return
    for length in np.unique(spans.lengths):
        members = np.flatnonzero(spans.lengths == length)
        rows = spans.starts[members] + np.arange(length)[:, None]
        yield members, values[rows].reshape(length, -1)


def means(values: _Array, spans: Spans) -> _Array:
    """Return the mean of every column of every series, (S, K).

    Parameters
    ----------
    values : ndarray of shape (N, K)
        The rows.
    spans : Spans
        The rows of every series.
    """
    result = np.empty((len(spans), values.shape[1]))
    for members, block in by_length(values, spans):
        result[members] = block.mean(axis=0).reshape(len(members), -1)
    return result


def spreads(values: _Array, spans: Spans) -> _Array:
    """Return the deviation of every column of every series, (S, K); NaN where all its values are one.

    Parameters
    ----------
    values : ndarray of shape (N, K)
        The rows.
    spans : Spans
        The rows of every series.
    """
    result = np.empty((len(spans), values.shape[1]))
    for members, block in by_length(values, spans):
        spread = np.where((block != block[0]).any(axis=0), fit_scaler(block).scale, np.nan)
        result[members] = spread.reshape(len(members), -1)
    return result


def fit_scalers(values: _Array, spans: Spans, kind: str | None = "standard") -> Scaler:
    """Learn a scaler of each column of each series; see `rnnforecast.scaling.fit_scaler`.

    Parameters
    ----------
    values : ndarray of shape (N, K)
        The rows.
    spans : Spans
        The rows of every series.
    kind : {"standard", "minmax", "robust", None}
        What is scaled to what.

    Returns
    -------
    Scaler
        Of shape (S, K).
    """
    parts = np.empty((3, len(spans), values.shape[1]))
    for members, block in by_length(values, spans):
        own = fit_scaler(block, kind)
        parts[:, members] = np.reshape([own.origin, own.offset, own.scale], (3, len(members), -1))
    return Scaler(*parts)


def of_members(learnt: Scaler, values: _Array, spans: Spans, kind: str | None = "standard") -> Scaler:
    """Return the scaler (S, K) of series at hand: the learnt ones, and new ones for series never seen.

    Parameters
    ----------
    learnt : Scaler
        Of the training series.
    values : ndarray of shape (N, K)
        The rows at hand.
    spans : Spans
        Theirs; ``spans.members`` tells which series they are.
    kind : {"standard", "minmax", "robust", None}
        As the others were learnt.
    """
    seen = of(learnt, spans.members)
    if (spans.members >= 0).all():
        return seen
    new, known = fit_scalers(values, spans, kind), spans.members[:, None] >= 0
    return Scaler(*(np.where(known, getattr(seen, part), getattr(new, part)) for part in ("origin", "offset", "scale")))


def of(scaler: Scaler, series: NDArray[np.int64]) -> Scaler:
    """Return the scaler (n, K) of some series (n,); that of an only one stays (1, K), for it fits all rows."""
    if len(scaler.scale) == 1:
        return scaler
    return Scaler(scaler.origin[series], scaler.offset[series], scaler.scale[series])


def of_column(scaler: Scaler, column: int) -> Scaler:
    """Return the scaler (S, 1) of one column."""
    return Scaler(*(part[:, column : column + 1] for part in (scaler.origin, scaler.offset, scaler.scale)))


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


@dataclass(frozen=True)
class Scales:
    """The way from original units to the network's and back, learnt on training rows only.

    Parameters
    ----------
    transform : Identity or Log
    target : Scaler
        Of shape (S, K).
    known, past : Scaler
        One for all series: a covariate means the same in each of them.
    kind : {"standard", "minmax", "robust", None}
        What series never seen are scaled to.
    static : StaticEncoder or None
        Of the covariates of the series themselves.
    """

    transform: Identity | Log
    target: Scaler
    known: Scaler
    past: Scaler
    kind: str | None = "standard"
    static: StaticEncoder | None = None

    @classmethod
    def fit(
        cls,
        target: np.ndarray,
        known: np.ndarray,
        past: np.ndarray,
        *,
        transform: Identity | Log,
        kind: str | None,
        spans: Spans,
        static: pd.DataFrame | None = None,
        counts: bool = False,
    ) -> Scales:
        """Learn from training rows (N, K), (N, F), (N, P); counts stay counts."""
        own_kind = None if counts else kind
        return cls(
            transform,
            fit_scalers(transform.forward(target), spans, own_kind),
            fit_scaler(known, kind),
            fit_scaler(past, kind),
            own_kind,
            None if static is None else StaticEncoder.fit(static),
        )

    def frame(
        self,
        target: np.ndarray,
        known: np.ndarray,
        past: np.ndarray,
        dtype: Any,
        spans: Spans | None = None,
        static: pd.DataFrame | None = None,
    ) -> Frame:
        """Scaled rows for the network; without `spans` they are those of a single series.

        Raises
        ------
        ValueError
            If a value is too large for the dtype.
        """
        values = self.transform.forward(target)
        own, of_series = self._of(values, spans), None
        if self.static is not None and static is not None and spans is not None:
            of_series = self.static.encode(static).astype(dtype)[spans.of_rows(len(values))]
        if len(own.scale) > 1 and spans is not None:
            own = of(own, spans.of_rows(len(values)))
        return Frame(
            scaled(values, own, dtype, "the target"),
            scaled(known, self.known, dtype, "a covariate"),
            scaled(past, self.past, dtype, "a past covariate"),
            of_series,
        )

    def restore(
        self, values: np.ndarray, kinds: Sequence[str], target: np.ndarray, origins: np.ndarray, spans: Spans | None
    ) -> np.ndarray:
        """Return parameters (n, H, K, P) of the transformed target from `origins` (n,) of `target` (N, K).

        `kinds` (P) tells what becomes of each when values are scaled, see `rnnforecast.network.heads.Head`.
        """
        own = self.target
        if spans is not None and (len(own.scale) > 1 or (spans.members < 0).any()):
            own = of(self._of(self.transform.forward(target), spans), spans.owners(origins))
            own = Scaler(own.origin[:, None], own.offset[:, None], own.scale[:, None])
        result = values.copy()
        for k, kind in enumerate(kinds):
            if kind == "location":
                result[..., k] = own.inverse(values[..., k])
            elif kind == "scale":
                result[..., k] *= own.scale
        return result

    def _of(self, values: np.ndarray, spans: Spans | None) -> Scaler:
        """Return the scaler of the series at hand, whose transformed rows are `values`."""
        return self.target if spans is None else of_members(self.target, values, spans, self.kind)
