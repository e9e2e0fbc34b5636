"""Several closed-form models of one series, averaged by weights that cross-validation supports (Breiman, 1996).

A long window forecasts best where there are many rows for each lag, a short one where there are few, and the states of
a reservoir hold what is not linear; their errors differ, so that their mean is better than any (Bates and
Granger, 1969).
N rows, S series, K targets, M members, n windows, H steps.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import nnls

from rnnforecast.estimators._linear import LinearModel
from rnnforecast.estimators._recipe import Recipe, shortened
from rnnforecast.estimators._regression import COMPARED
from rnnforecast.estimators._reservoir import NEWEST, Drawing
from rnnforecast.series.spans import Spans

PRIOR_BLOCKS = 20.0  # the first member alone counts as much as so many horizons of cross-validated errors
ENOUGH_WINDOWS = 200  # with fewer, the members beside the first deserve proportionally less
SUM_TO_ONE = 1e3  # weight of that condition beside mean squares of about one

_Array = NDArray[np.float64]


def stack(errors: list[_Array], n_windows: int) -> _Array:
    """Find weights of members from their cross-validated errors.

    They minimise the squared error of the weighted mean, are not negative and sum to one; then they are drawn towards
    the first member, the more so the fewer windows there are and the longer these overlap.

    Parameters
    ----------
    errors : list of M ndarray of shape (n, H)
        Of the same windows.
    n_windows : int
        Windows learnt from, of which these may be a sample.

    Returns
    -------
    ndarray of shape (M,)
    """
    flat = np.stack([error.ravel() for error in errors], axis=1)
    size = np.abs(flat).max()
    weights = np.eye(len(errors))[0]
    if size == 0.0:
        return weights
    flat = flat / size  # squares of large values would overflow
    gram = flat.T @ flat
    gram /= np.trace(gram) / len(gram)
    root = np.linalg.cholesky(gram + 1e-9 * np.eye(len(gram)))
    conditions = np.vstack([root.T, np.full(len(gram), SUM_TO_ONE)])
    found, _ = nnls(conditions, np.append(np.zeros(len(gram)), SUM_TO_ONE))
    n_blocks = n_windows / errors[0].shape[1]
    share = n_blocks / (n_blocks + PRIOR_BLOCKS) * min(1.0, n_windows / ENOUGH_WINDOWS)
    return weights + share * (found / found.sum() - weights)


class Committee:
    """Ridge regression on a long window, on a short one, and on a short one with the states of a reservoir.

    The latter two learn from the newest 100,000 rows. It learns from one series, and forecasts any.

    Parameters
    ----------
    drawing : Drawing
        Of the reservoir.

    Attributes
    ----------
    members_ : list of M LinearModel
        The first is the model of `rnnforecast.LinearForecaster`.
    shares_ : ndarray of shape (K, M)
        Their weights.
    alpha_ : ndarray of shape (K,)
        Smallest penalty of the members; ``inf`` where none of them found a signal beyond the base.
    recipe_, horizon_
        Of the first member.
    """

    def __init__(self, drawing: Drawing) -> None:
        self.drawing = drawing

    def fit(
        self,
        target: _Array,
        known: _Array,
        past: _Array,
        recipe: Recipe,
        horizon: int,
        observed: NDArray[np.bool_] | None = None,
    ) -> Committee:
        """Estimate all members and weigh them; parameters as in `LinearModel.fit`."""
        first = max(0, len(target) - NEWEST)
        newest = (target[first:], known[first:], past[first:])
        seen = None if observed is None else observed[first:]
        stride = -(-min(len(target), NEWEST) // COMPARED)
        short = replace(recipe, lookback=shortened(recipe, horizon))
        long = LinearModel(stride=stride).fit(target, known, past, recipe, horizon, observed)
        self.members_ = [long, LinearModel(drawing=self.drawing, stride=stride).fit(*newest, short, horizon, seen)]
        if short.lookback < recipe.lookback:
            self.members_.insert(1, LinearModel(stride=stride).fit(*newest, short, horizon, seen))
        self.recipe_, self.horizon_ = recipe, horizon
        self.alpha_ = np.min([member.alpha_ for member in self.members_], axis=0)
        self.shares_ = np.tile(np.eye(len(self.members_))[0], (target.shape[1], 1))
        for column, shares in enumerate(self.shares_):
            errors = [member.errors_[column] for member in self.members_]
            if n_common := min(len(each) for each in errors):
                shares[:] = stack([each[len(each) - n_common :] for each in errors], int(long.n_windows_[column]))
        for member in self.members_:
            member.errors_ = []
        return self

    def forecast(
        self,
        target: _Array,
        known: _Array,
        past: _Array,
        origins: NDArray[np.int64],
        horizon: int,
        spans: Spans | None = None,
    ) -> _Array:
        """Forecast (n, horizon, K) in original units; parameters as in `LinearModel.forecast`."""
        each = [member.forecast(target, known, past, origins, horizon, spans) for member in self.members_]
        return np.einsum("mnhk,km->nhk", np.stack(each), self.shares_)
