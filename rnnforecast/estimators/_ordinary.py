"""What is ordinary among training rows that may hold anomalies: these are found, left out, and the fit repeated.

N rows, C columns of which the first K are targets, S forecasts of each row. NaN is missing.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rnnforecast.detection import standing_out
from rnnforecast.estimators._scoring import Weighing, mean_of_known

Array = NDArray[np.float64]

MOST_FITS, MOST_LEFT_OUT = 4, 0.2  # the share of a target's rows that all rounds together may leave out


@dataclass(frozen=True)
class Ordinary:
    """Errors of training rows under a model that has not learnt from them.

    Parameters
    ----------
    errors : ndarray of shape (N, K, S)
        In units of their deviations; NaN where there is none, and where it was left out.
    left_out : ndarray of bool, shape (N, K)
        What stood out.
    """

    errors: Array
    left_out: NDArray[np.bool_]

    @classmethod
    def of(cls, errors: Array, periods: Sequence[int | None]) -> Ordinary:
        """Leave out what stands out at once; `periods` are those of the K targets."""
        left_out = odd_among(errors, MOST_LEFT_OUT, periods)
        return cls(np.where(left_out[:, :, None], np.nan, errors), left_out)

    def sizes(self, weighing: Weighing) -> tuple[Array, Array]:
        """Return the number of each target in each row, (N, K), and its mean, (K,).

        The mean stands for a target that was left out while others were not: scores of fewer targets vary more, and
        would make ordinary rows look wild.
        """
        sizes = weighing.sizes(self.errors)
        usual = np.nan_to_num(mean_of_known(sizes, axis=0))
        some = self.left_out & ~self.left_out.all(axis=1, keepdims=True)
        return np.where(some, usual, sizes), usual


def odd_among(errors: Array, most: float, periods: Sequence[int | None]) -> NDArray[np.bool_]:
    """Tell which targets stand out in which rows, (N, K), at most a share of either's rows; see `standing_out`."""
    sizes = mean_of_known(np.abs(errors), axis=2)
    return np.stack([standing_out(own, most, period) for own, period in zip(sizes.T, periods, strict=True)], axis=1)


def fit_to_ordinary(
    table: Array, periods: Sequence[int | None], fit: Callable[[Array], tuple[Any, Array]]
) -> tuple[Any, Ordinary]:
    """Fit to training rows in which all that stands out is missing.

    Once the worst is gone, readouts and deviations fit the rest better, and more stands out.

    Parameters
    ----------
    table : ndarray of shape (N, C)
    periods : sequence of (int or None), length K
        Of the targets.
    fit : callable
        From a table to a model and errors (N, K, S) under models that have not learnt from them.

    Returns
    -------
    model
        Of the last fit.
    ordinary : Ordinary
    """
    left_out = np.zeros((len(table), len(periods)), bool)
    for _ in range(MOST_FITS):
        rows = table.copy()
        rows[:, : len(periods)][left_out] = np.nan
        model, errors = fit(rows)
        odd = odd_among(errors, MOST_LEFT_OUT / MOST_FITS, periods)
        left_out |= odd
        if not odd.any():
            break
    return model, Ordinary(np.where(left_out[:, :, None], np.nan, errors), left_out)
