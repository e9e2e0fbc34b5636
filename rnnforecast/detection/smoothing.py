"""Means of exponential averages over several spans: short ones show spikes, long ones faint and lasting changes.

No single span suits all series; the mean over spans from ten rows to some hundreds is never far from the best of them.
Rows whose error is NaN are not scored: their score is NaN, and the averages are carried over them.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from rnnforecast.kernels.averages import exponential_averages

Array = NDArray[np.float64]


class Smoother:
    """Mean of exponential averages of the errors so far, for one row after the other or for many at once.

    An average of span s gives the newest error the weight 2 / (s + 1), and begins as the plain mean of all errors until
    that weight is the larger one. Memory and the time of a row depend on nothing but the number of spans and columns.

    Parameters
    ----------
    spans : sequence of float
        In rows, at least 1; infinity is the plain mean of all errors so far.
    n_columns : int or None, default=None
        Columns that are smoothed side by side; None if errors are plain numbers.

    Attributes
    ----------
    state : dict
        What was learnt from the errors so far, as arrays; can be assigned to another smoother of the same spans.
    """

    def __init__(self, spans: Sequence[float], n_columns: int | None = None) -> None:
        if len(spans) == 0 or min(spans) < 1:
            raise ValueError(f"spans must be positive numbers of rows, got {tuple(spans)}")
        width = 1 if n_columns is None else n_columns
        self._plain = n_columns is None
        self._rates = 2.0 / (np.asarray(spans, dtype=np.float64) + 1.0)
        self._counts, self._averages = np.zeros(width), np.zeros((len(spans), width))
        self._error, self._score = np.empty((1, width)), np.empty((1, width))

    def update(self, error: ArrayLike) -> Any:
        """Take the errors of the next row.

        Parameters
        ----------
        error : float or array-like of shape (K,)
            Not infinite; NaN is not scored.

        Returns
        -------
        float or ndarray of shape (K,)
        """
        self._error[0] = error
        exponential_averages(self._error, self._rates, self._counts, self._averages, self._score)
        return float(self._score[0, 0]) if self._plain else self._score[0].copy()

    def extend(self, errors: ArrayLike) -> Array:
        """Take the errors of many rows, with the same result as one by one.

        Parameters
        ----------
        errors : array-like of shape (n,) or (n, K)
            Not infinite; NaN is not scored.

        Returns
        -------
        ndarray of the same shape
        """
        table = np.ascontiguousarray(errors, dtype=np.float64)
        scores = np.empty_like(table)
        shape = (len(table), self._counts.size)
        exponential_averages(table.reshape(shape), self._rates, self._counts, self._averages, scores.reshape(shape))
        return scores

    @property
    def state(self) -> dict[str, Array]:
        """What was learnt from the errors so far, as arrays."""
        return {"counts": self._counts.copy(), "averages": self._averages.copy()}

    @state.setter
    def state(self, state: dict[str, Array]) -> None:
        """Go on from where another one was."""
        self._counts[...], self._averages[...] = state["counts"], state["averages"]


def smooth_causal(errors: ArrayLike, spans: Sequence[float]) -> Array:
    """Smooth errors with what was known at each row: `Smoother` over all rows.

    Parameters
    ----------
    errors : array-like of shape (n,) or (n, K)
        Not infinite; NaN is not scored.
    spans : sequence of float

    Returns
    -------
    ndarray of the same shape
    """
    table = np.asarray(errors, dtype=np.float64)
    return Smoother(spans, None if table.ndim == 1 else table.shape[1]).extend(table)


def smooth_offline(errors: ArrayLike, spans: Sequence[float]) -> Array:
    """Smooth errors from both sides: the mean over the spans of the averages forwards and backwards in time.

    Where one of the two has seen fewer errors than its span takes, at the ends, it has a smaller share: the first error
    is not its own average.

    Parameters
    ----------
    errors : array-like of shape (n,) or (n, K)
        Not infinite; NaN is not scored.
    spans : sequence of float

    Returns
    -------
    ndarray of the same shape
    """
    table = np.asarray(errors, dtype=np.float64)
    known = ~np.isnan(table)
    n_ahead, n_behind = np.cumsum(known, axis=0), np.cumsum(known[::-1], axis=0)[::-1]
    scores = np.zeros_like(table)
    for span in spans:
        rate = 2.0 / (span + 1.0)
        ahead, behind = smooth_causal(table, (span,)), smooth_causal(table[::-1], (span,))[::-1]
        share_ahead, share_behind = np.minimum(rate * n_ahead, 1.0), np.minimum(rate * n_behind, 1.0)
        weighted = share_ahead * ahead + share_behind * behind
        scores += weighted / np.maximum(share_ahead + share_behind, rate)  # both are 0 where nothing is known
    return scores / len(spans)
