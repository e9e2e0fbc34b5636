"""Measures of point forecasts."""

from __future__ import annotations

from numbers import Integral
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from rnnforecast.metrics._arguments import check_columns, pair, table

__all__ = [
    "mase",
    "owa",
    "rmsse",
    "skill",
    "smape",
    "wape",
]

_Array = NDArray[np.float64]


def mase(y_true: ArrayLike, y_pred: ArrayLike, *, y_train: ArrayLike, season_length: int = 1) -> float:
    """Mean absolute scaled error (Hyndman and Koehler, 2006).

    The mean absolute error over that of the in-sample (seasonal) naive forecast, ``mean |y[t] - y[t -
    season_length]|``.

    Parameters
    ----------
    y_true, y_pred : array-like of shape (n,) or (n, K)
        Truth and forecast.
    y_train : array-like of shape (N,) or (N, K)
        The training values, more than ``season_length`` of them.
    season_length : int, default=1
        Period of the naive forecast.

    Returns
    -------
    float
        Averaged over columns; below 1 is better than naive was in training.

    Raises
    ------
    ValueError
        If a training column repeats itself exactly, so that its scale is 0.

    Examples
    --------
    >>> from rnnforecast.metrics import mase
    >>> round(mase([112, 118, 132], [110, 121, 130], y_train=[100, 104, 103, 109]), 3)  # 7 / 3 over 11 / 3
    0.636
    """
    truth, forecast = pair(y_true, y_pred)
    scale = _naive_steps(y_train, season_length, y_true, truth.shape[1], np.abs)
    return float((np.abs(forecast - truth).mean(axis=0) / scale).mean())


def rmsse(y_true: ArrayLike, y_pred: ArrayLike, *, y_train: ArrayLike, season_length: int = 1) -> float:
    """Root mean squared scaled error (Makridakis, Spiliotis and Assimakopoulos, 2022).

    The root of the mean squared error over that of the in-sample (seasonal) naive forecast.

    Parameters
    ----------
    y_true, y_pred : array-like of shape (n,) or (n, K)
        Truth and forecast.
    y_train : array-like of shape (N,) or (N, K)
        The training values, more than ``season_length`` of them.
    season_length : int, default=1
        Period of the naive forecast.

    Returns
    -------
    float
        Averaged over columns.

    Raises
    ------
    ValueError
        As `mase`.

    Examples
    --------
    >>> from rnnforecast.metrics import rmsse
    >>> round(rmsse([112, 118, 132], [110, 121, 130], y_train=[100, 104, 103, 109]), 3)  # root of 17 / 3 over 53 / 3
    0.566
    """
    truth, forecast = pair(y_true, y_pred)
    scale = _naive_steps(y_train, season_length, y_true, truth.shape[1], np.square)
    return float(np.sqrt(((forecast - truth) ** 2).mean(axis=0) / scale).mean())


def smape(y_true: ArrayLike, y_pred: ArrayLike) -> float:
    """Symmetric mean absolute percentage error as in M4, ``mean 200 |y - f| / (|y| + |f|)`` (Makridakis et al., 2020).

    Parameters
    ----------
    y_true, y_pred : array-like of shape (n,) or (n, K)
        Truth and forecast.

    Returns
    -------
    float
        Per cent, 0 to 200; a point where both are 0 counts 0.

    Examples
    --------
    >>> from rnnforecast.metrics import smape
    >>> round(smape([100, 0], [110, 0]), 2)
    4.76
    """
    truth, forecast = pair(y_true, y_pred)
    size = np.abs(truth) + np.abs(forecast)
    return float(200 * (np.abs(forecast - truth) / np.where(size == 0, 1.0, size)).mean())


def wape(y_true: ArrayLike, y_pred: ArrayLike) -> float:
    """Weighted absolute percentage error, ``sum |y - f| / sum |y|`` (Kolassa and Schütz, 2007: MAD/mean ratio).

    Parameters
    ----------
    y_true, y_pred : array-like of shape (n,) or (n, K)
        Truth and forecast; sums go over all columns together.

    Returns
    -------
    float
        A share, not per cent; a truth that is zero throughout is a ValueError.

    Raises
    ------
    ValueError
        If all true values are 0.

    Examples
    --------
    >>> from rnnforecast.metrics import wape
    >>> wape([3, 1], [2, 2])
    0.5
    """
    truth, forecast = pair(y_true, y_pred)
    total = float(np.abs(truth).sum())
    if total == 0:
        raise ValueError("wape divides by the sum of |y_true|, which is 0; use the mean absolute error")
    return float(np.abs(forecast - truth).sum()) / total


def owa(
    y_true: ArrayLike, y_pred: ArrayLike, y_reference: ArrayLike, *, y_train: ArrayLike, season_length: int = 1
) -> float:
    """Overall weighted average of M4 (Makridakis et al., 2020): mean of sMAPE and MASE relative to a reference.

    Parameters
    ----------
    y_true, y_pred, y_reference : array-like of shape (n,) or (n, K)
        Truth, forecast and reference forecast (in M4 the seasonally adjusted naive); one column per series.
    y_train : array-like of shape (N,) or (N, K)
        The training values.
    season_length : int, default=1
        Period of MASE's scale.

    Returns
    -------
    float
        1 is as good as the reference, smaller is better.

    Raises
    ------
    ValueError
        As `mase`, or if the reference is perfect.

    Examples
    --------
    >>> from rnnforecast.metrics import owa
    >>> round(owa([12, 14], [13, 14], [10, 10], y_train=[9, 10, 12]), 2)
    0.16
    """
    relative_smape = _ratio(smape(y_true, y_pred), smape(y_true, y_reference), "the sMAPE of y_reference")
    scaled = mase(y_true, y_pred, y_train=y_train, season_length=season_length)
    reference = mase(y_true, y_reference, y_train=y_train, season_length=season_length)
    relative_mase = _ratio(scaled, reference, "the MASE of y_reference")
    return 0.5 * (relative_smape + relative_mase)


def skill(error: float, error_reference: float) -> float:
    """Skill score ``1 - error / error_reference`` (Murphy, 1988): the share of the reference's error that is gone.

    Parameters
    ----------
    error, error_reference : float
        The same measure of a forecast and of its reference; neither is negative.

    Returns
    -------
    float
        1 is perfect, 0 as good as the reference, negative worse.

    Raises
    ------
    ValueError
        If an error is negative or not finite, or the reference is perfect.

    Examples
    --------
    >>> from rnnforecast.metrics import skill
    >>> skill(3, 4)
    0.25
    """
    for name, value in (("error", error), ("error_reference", error_reference)):
        if not (np.isfinite(value) and value >= 0):
            raise ValueError(f"{name} must be a finite number and not negative, got {value!r}")
    return 1 - _ratio(float(error), float(error_reference), "error_reference")


def _ratio(numerator: float, denominator: float, name: str) -> float:
    if denominator == 0:
        raise ValueError(
            f"{name} is 0 (a perfect reference), so nothing can be measured against it; compare the errors"
        )
    return numerator / denominator


def _naive_steps(y_train: ArrayLike, season_length: int, y_true: Any, n_columns: int, size: Any) -> _Array:
    """Return the mean size of the in-sample naive error of every column, (K,)."""
    if isinstance(season_length, bool | np.bool_) or not isinstance(season_length, Integral) or season_length < 1:
        raise ValueError(f"season_length must be a positive integer, got {season_length!r}")
    train = table("y_train", y_train)
    if train.shape[1] != n_columns:
        raise ValueError(f"y_train has {train.shape[1]} columns, but y_true has {n_columns}")
    check_columns(y_true, y_train, "y_train")
    if len(train) <= season_length:
        raise ValueError(f"y_train must have more than season_length={season_length} rows, got {len(train)}")
    scale = size(train[season_length:] - train[:-season_length]).mean(axis=0)
    if (scale == 0).any():
        raise ValueError(
            f"y_train repeats itself exactly after {season_length} rows (column {int(np.argmax(scale == 0))}), "
            "so scaled errors are undefined; use an unscaled error"
        )
    return scale
