"""Whether one forecast is really better than another."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import stdtr

from rnnforecast.metrics._arguments import check_labels
from rnnforecast.metrics._labels import column, whole_number

_LOSSES = {"absolute": np.abs, "squared": np.square}


class DieboldMariano(NamedTuple):
    """What `diebold_mariano` found.

    Attributes
    ----------
    statistic : float
        Negative where the first forecast has the smaller losses.
    p_value : float
        Two-sided.
    """

    statistic: float
    p_value: float


def diebold_mariano(
    errors: ArrayLike, errors_reference: ArrayLike, *, horizon: int = 1, loss: str = "absolute"
) -> DieboldMariano:
    """Test whether two forecasts are equally good (Diebold and Mariano, 1995).

    The mean difference of their losses in units of its standard error, in which the autocovariances up to lag ``horizon
    - 1`` enter, as errors of overlapping forecasts are correlated; corrected for small samples and compared with
    Student's t with n - 1 degrees of freedom (Harvey, Leybourne and Newbold, 1997). Where the plain sum of
    autocovariances is not positive, they are weighted down with the lag (Newey and West, 1987), which never fails.

    Parameters
    ----------
    errors, errors_reference : array-like of shape (n,)
        Errors of two forecasts of the same rows, in order of time; n > ``horizon``.
    horizon : int, default=1
        Steps ahead that were forecast.
    loss : {"absolute", "squared"}, default="absolute"
        Of an error.

    Returns
    -------
    statistic : float
        Negative where the first forecast is better.
    p_value : float
        Two-sided: how probable so large a statistic is for equally good forecasts. 1 where all losses are the same.

    Raises
    ------
    ValueError
        If the loss is unknown, the errors are of unequal length, or there are too few of them for the horizon.

    Examples
    --------
    >>> from rnnforecast.metrics import diebold_mariano
    >>> statistic, p_value = diebold_mariano([1, -1, 2, 1, 1, -2], [3, -2, 3, -1, 4, 5])
    >>> round(statistic, 2), round(p_value, 3)
    (-3.37, 0.02)
    """
    if loss not in _LOSSES:
        raise ValueError(f"loss must be one of {', '.join(_LOSSES)}, got {loss!r}")
    lags = whole_number("horizon", horizon, 1) - 1
    mine, reference = column("errors", errors), column("errors_reference", errors_reference)
    if len(mine) != len(reference):
        raise ValueError(f"errors and errors_reference must have as many rows, got {len(mine)} and {len(reference)}")
    check_labels(errors, errors_reference, "errors_reference", "errors")
    n = len(mine)
    if n <= lags + 1:
        raise ValueError(f"errors must have more than {lags + 1} rows for horizon={lags + 1}, got {n}")
    unit = max(np.abs(mine).max(), np.abs(reference).max()) or 1.0  # which cancels; squares of 1e200 would overflow
    difference = _LOSSES[loss](mine / unit) - _LOSSES[loss](reference / unit)
    mean = difference.mean()
    centred = difference - mean
    covariance = np.array([centred[lag:] @ centred[: n - lag] for lag in range(lags + 1)]) / n
    factor = np.append(1.0, np.full(lags, 2.0))
    variance = factor @ covariance
    if variance <= 0:
        variance = (factor * (1 - np.arange(lags + 1) / (lags + 1))) @ covariance
    if np.ptp(difference) == 0:  # exactly: rounding errors of the mean are no evidence
        statistic = np.sign(mean) * np.inf if mean else 0.0
    else:
        h = lags + 1
        statistic = mean / np.sqrt(variance / n) * np.sqrt((n + 1 - 2 * h + h * (h - 1) / n) / n)
    return DieboldMariano(float(statistic), float(2 * stdtr(n - 1, -abs(statistic))))
