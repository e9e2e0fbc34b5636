"""Scalers and means of every series of a panel on its own.

N rows, S series, K columns.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rnnforecast.scaling import Scaler, fit_scaler
from rnnforecast.series.spans import Spans

_Array = NDArray[np.float64]
_Mask = NDArray[np.bool_]


def by_length(values: NDArray[Any], spans: Spans) -> Iterator[tuple[NDArray[np.int64], NDArray[Any]]]:
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


def means(values: _Array, spans: Spans, observed: _Mask | None = None) -> _Array:
    """Return the mean of every column of every series, (S, K).

    Parameters
    ----------
    values : ndarray of shape (N, K)
        The rows.
    spans : Spans
        The rows of every series.
    observed : ndarray of shape (N, K), bool, optional
        Values that count; all of a column of a series in which none does.
    """
    result = np.empty((len(spans), values.shape[1]))
    for members, block, seen in _observed_by_length(values, spans, observed):
        counted = True if seen is None else seen | ~seen.any(axis=0)
        result[members] = block.mean(axis=0, where=counted).reshape(len(members), -1)
    return result


def spreads(values: _Array, spans: Spans, observed: _Mask | None = None) -> _Array:
    """Return the deviation of every column of every series, (S, K); NaN where all values that count are one.

    Parameters
    ----------
    values : ndarray of shape (N, K)
        The rows.
    spans : Spans
        The rows of every series.
    observed : ndarray of shape (N, K), bool, optional
        Values that count.
    """
    result = np.empty((len(spans), values.shape[1]))
    for members, block, seen in _observed_by_length(values, spans, observed):
        scaler, counted = fit_scaler(block, observed=seen), True if seen is None else seen
        varies = ((block != scaler.origin) & counted).any(axis=0)
        result[members] = np.where(varies, scaler.scale, np.nan).reshape(len(members), -1)
    return result


def quantiles(values: _Array, spans: Spans, probabilities: _Array, observed: _Mask | None = None) -> _Array:
    """Return the quantiles of every column of every series, (S, K, Q).

    Parameters
    ----------
    values : ndarray of shape (N, K)
        The rows.
    spans : Spans
        The rows of every series.
    probabilities : ndarray of shape (Q,)
    observed : ndarray of shape (N, K), bool, optional
        Values that count; all of a column of a series in which none does.
    """
    result = np.empty((len(spans), values.shape[1], len(probabilities)))
    for members, block, seen in _observed_by_length(values, spans, observed):
        if seen is None:
            found = np.quantile(block, probabilities, axis=0)
        else:
            found = np.nanquantile(np.where(seen | ~seen.any(axis=0), block, np.nan), probabilities, axis=0)
        result[members] = found.T.reshape(len(members), -1, len(probabilities))
    return result


def fit_scalers(values: _Array, spans: Spans, kind: str | None = "standard", observed: _Mask | None = None) -> Scaler:
    """Learn a scaler of each column of each series; see `rnnforecast.scaling.fit_scaler`.

    Parameters
    ----------
    values : ndarray of shape (N, K)
        The rows.
    spans : Spans
        The rows of every series.
    kind : {"standard", "minmax", "robust", None}
        What is scaled to what.
    observed : ndarray of shape (N, K), bool, optional
        Values that count; all of a column of a series in which none does.

    Returns
    -------
    Scaler
        Of shape (S, K).
    """
    parts = np.empty((3, len(spans), values.shape[1]))
    for members, block, seen in _observed_by_length(values, spans, observed):
        own = fit_scaler(block, kind, seen)
        parts[:, members] = np.reshape([own.origin, own.offset, own.scale], (3, len(members), -1))
    return Scaler(*parts)


def _observed_by_length(
    values: _Array, spans: Spans, observed: _Mask | None
) -> Iterator[tuple[NDArray[np.int64], _Array, _Mask | None]]:
    """Yield what `by_length` does, with what was observed of it; None for all."""
    if observed is None:
        for members, block in by_length(values, spans):
            yield members, block, None
        return
    for (members, block), (_, seen) in zip(by_length(values, spans), by_length(observed, spans), strict=True):
        yield members, block, seen


def of_members(
    learnt: Scaler, values: _Array, spans: Spans, kind: str | None = "standard", observed: _Mask | None = None
) -> Scaler:
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
    observed : ndarray of shape (N, K), bool, optional
        Values that count.
    """
    seen = of(learnt, spans.members)
    if (spans.members >= 0).all():
        return seen
    new, known = fit_scalers(values, spans, kind, observed), spans.members[:, None] >= 0
    return Scaler(*(np.where(known, getattr(seen, part), getattr(new, part)) for part in ("origin", "offset", "scale")))


def of(scaler: Scaler, series: NDArray[np.int64]) -> Scaler:
    """Return the scaler (n, K) of some series (n,); that of an only one stays (1, K), for it fits all rows."""
    if len(scaler.scale) == 1:
        return scaler
    return Scaler(scaler.origin[series], scaler.offset[series], scaler.scale[series])


def of_column(scaler: Scaler, column: int) -> Scaler:
    """Return the scaler (S, 1) of one column."""
    return Scaler(*(part[:, column : column + 1] for part in (scaler.origin, scaler.offset, scaler.scale)))
