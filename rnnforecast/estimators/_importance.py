"""Permutation importance of a forecaster's inputs: scikit-learn exchanges, windows are put together anew.

n windows of R rows: L before the origin and H from it on. A group is an input in a band of rows.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn.base import BaseEstimator, RegressorMixin
from sklearn.inspection import permutation_importance as by_scikit_learn

from rnnforecast.estimators._echo_windows import over_windows
from rnnforecast.estimators._input_gradient import lookback_of, names_of
from rnnforecast.series import Series

BANDS = 12  # of lags, by default


class _Group(NamedTuple):
    """Rows of a window in one column of the target, the known (1) or the past covariates (2)."""

    table: int
    column: int
    rows: slice


class _WindowModel(RegressorMixin, BaseEstimator):
    """A forecaster over windows whose groups of values may come from different ones.

    A row of its X tells for each group from which window its values are taken, so that a permutation of a column
    exchanges all values of a group at once.

    Parameters
    ----------
    forecaster : RNNForecaster
        Fitted; of `over_windows`.
    series : Series
    origins : ndarray of shape (n,)
    lookback : int
    groups : list of _Group
    target : int
        Column that is forecast.
    """

    def __init__(
        self,
        forecaster: Any,
        series: Series,
        origins: NDArray[np.int64],
        lookback: int,
        groups: list[_Group],
        target: int,
    ):
        self.forecaster, self.series, self.origins = forecaster, series, origins
        self.lookback, self.groups, self.target = lookback, groups, target

    def fit(self, X: Any, y: Any) -> _WindowModel:
        """Nothing is left to learn."""
        return self

    def __sklearn_is_fitted__(self) -> bool:
        return True

    def predict(self, X: NDArray[np.int64]) -> NDArray[np.float64]:
        """Forecast (n, H) from windows put together as X (n, groups) says."""
        series, horizon = self.series, self.forecaster.horizon
        width = self.lookback + horizon
        rows = self.origins[:, None] + np.arange(-self.lookback, horizon)
        tables = [
            table[np.minimum(rows, len(table) - 1)] for table in (series.target, series.known, series.past)
        ]  # (n, R, columns) each; of the horizon only known covariates are read
        mixed = [table.copy() for table in tables]
        for group, window in zip(self.groups, X.T, strict=True):
            mixed[group.table][:, group.rows, group.column] = tables[group.table][window, group.rows, group.column]
        target, known, past = (np.concatenate(table) for table in mixed)
        side_by_side = replace(series, target=target, known=known, past=past)
        origins = np.arange(len(X)) * width + self.lookback
        return self.forecaster._forecast(side_by_side, origins, horizon)[:, :, self.target]


def permutation_importance(
    forecaster: Any,
    series: Series,
    column: int,
    *,
    n_windows: int,
    band: int | None,
    n_repeats: int,
    random_state: Any,
) -> pd.DataFrame:
    """Growth of the mean absolute error when values of a group come from other windows.

    Parameters
    ----------
    forecaster : RNNForecaster
        Fitted.
    series : Series
    column : int
        Of the target.
    n_windows, band, n_repeats, random_state
        As in `RNNForecaster.permutation_importance`.

    Returns
    -------
    DataFrame
        One row per group.

    Raises
    ------
    ValueError
        If there are fewer than two windows.
    """
    lookback, horizon = lookback_of(forecaster), forecaster.horizon
    last = series.n_rows - horizon
    if last <= lookback:
        raise ValueError(
            f"permutation_importance exchanges values between windows of {lookback} + {horizon} rows, but the data "
            f"have only {series.n_rows}; give at least {lookback + horizon + 1} rows"
        )
    origins = np.unique(np.linspace(lookback, last, n_windows).astype(np.int64))
    own = [column] if forecaster.channels == "independent" else range(series.target.shape[1])
    width = -(-lookback // BANDS) if band is None else band
    bands = [slice(max(stop - width, 0), stop) for stop in range(lookback, 0, -width)]
    ahead = slice(lookback, lookback + horizon)
    groups = [_Group(0, k, rows) for k in own for rows in bands]
    groups += [_Group(1, k, rows) for k in range(series.known.shape[1]) for rows in [ahead, *bands]]
    groups += [_Group(2, k, rows) for k in range(series.past.shape[1]) for rows in bands]
    model = _WindowModel(over_windows(forecaster, series, origins, lookback), series, origins, lookback, groups, column)
    found = by_scikit_learn(
        model,
        np.repeat(np.arange(len(origins))[:, None], len(groups), axis=1),
        series.target[origins[:, None] + np.arange(horizon), column],
        scoring="neg_mean_absolute_error",
        n_repeats=n_repeats,
        random_state=random_state,
    )
    names = names_of(series)
    inputs = [names[table][k] for table, k, _ in groups]
    # In the order in which they stand, so that pandas finds rows without searching all.
    ordered = pd.Categorical(inputs, categories=list(dict.fromkeys(inputs)))
    newest = [lookback - rows.stop for _, _, rows in groups]
    oldest = [lookback - 1 - rows.start for _, _, rows in groups]
    index = pd.MultiIndex.from_arrays([ordered, newest, oldest], names=["input", "first", "last"])
    return pd.DataFrame({"mean": found.importances_mean, "std": found.importances_std}, index=index)
