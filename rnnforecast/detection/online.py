"""A detector without training for streams that are judged from their first rows on.

Two deviations are followed: of a row from the mean of all rows before it, and from the forecast of an autoregression
that learns by recursive least squares. How far each is from its own mean of late is made a Gaussian tail probability;
the score is the mean of both -log10. Alarm after alarm about one event helps nobody: only a new high of the score over
the last rows counts.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import log_ndtr

from rnnforecast.detection.smoothing import Smoother
from rnnforecast.kernels.online import new_highs, recursive_least_squares, standardised

Array = NDArray[np.float64]

_LN10 = math.log(10.0)
_FORGETTING, _ERROR_CLIP, _FIRST_INVERSE, _MOST_INVERSE = 0.9995, 4.0, 10.0, 1e6
_LEAST_DEVIATION = 1e-4  # in units of the first rows' deviation
_MOST = 60.0 / _LN10  # decades; beyond, a Gaussian tail says nothing about real series
_FARTHEST = 30.0
_ROUNDING = 1e-12


class RLSErrors:
    """Errors of an autoregression that learns from every row by recursive least squares.

    It begins with the forecast "as the row before".

    Parameters
    ----------
    order : int, default=12
        Rows it forecasts from.
    forgetting : float, default=0.9995
        Weight of an error one row older.
    clip : float, default=4.0
        Larger errors are learnt from as if they were this large: values should have a deviation of about 1.
    """

    def __init__(self, order: int = 12, *, forgetting: float = _FORGETTING, clip: float = _ERROR_CLIP) -> None:
        self.forgetting, self.clip = forgetting, clip
        self._regressors = np.zeros(order + 2)
        self._regressors[order] = 1.0
        self._weights = np.zeros(order + 1)
        self._weights[0] = 1.0
        self._inverse = np.eye(order + 1) * _FIRST_INVERSE
        self._gain = np.empty(order + 1)

    def extend(self, values: ArrayLike) -> Array:
        """Return value - forecast of the next rows (n,), 0 while there is no forecast; NaN is passed over."""
        rows = np.ascontiguousarray(values, dtype=np.float64)
        errors = np.empty_like(rows)
        recursive_least_squares(
            rows,
            self.forgetting,
            self.clip,
            _MOST_INVERSE,
            self._regressors,
            self._weights,
            self._inverse,
            self._gain,
            errors,
        )
        return errors


class GaussianTail:
    """-log10 of the upper tail probability under a normal distribution with mean and deviation of the rows before.

    Parameters
    ----------
    width : int, default=8000
        Rows that mean and deviation are taken over.
    """

    def __init__(self, width: int = 8000) -> None:
        self._kept, self._moments = np.zeros(width), np.zeros(3)

    def extend(self, values: ArrayLike) -> Array:
        """Return the next rows' -log10 tail probability (n,), at most 26; NaN is passed over."""
        rows = np.ascontiguousarray(values, dtype=np.float64)
        out = np.empty_like(rows)
        standardised(rows, _LEAST_DEVIATION, self._kept, self._moments, out)
        return np.minimum(-log_ndtr(-out) / _LN10, _MOST)


class NewHighs:
    """Lets a score through that is higher than all of the last `width`, and makes the others 0."""

    def __init__(self, width: int = 150) -> None:
        self._recent, self._place = np.zeros(width), np.zeros(1, dtype=np.int64)

    def extend(self, scores: ArrayLike) -> Array:
        """Return the next rows' scores (n,), not negative; NaN is passed over."""
        rows = np.ascontiguousarray(scores, dtype=np.float64)
        out = np.empty_like(rows)
        new_highs(rows, self._recent, self._place, out)
        return out


class OnlineNovelty:
    """Scores of a stream, row by row or many at once with the same result, in constant memory and time per row.

    Parameters
    ----------
    center, scale : float
        Mean and deviation of the first rows: values are counted in this unit. See `from_probation`.
    probation : int, default=0
        First rows whose score is 0: too few are known yet.
    order : int, default=12
        Rows the autoregression forecasts from.
    width : int, default=8000
        Rows that say what deviations are ordinary.
    refractory : int, default=150
        Rows over which a score must be a new high to count; 0 lets all through.
    """

    def __init__(
        self,
        center: float = 0.0,
        scale: float = 1.0,
        *,
        probation: int = 0,
        order: int = 12,
        width: int = 8000,
        refractory: int = 150,
    ) -> None:
        self.center, self.scale, self.probation = center, scale, probation
        self._level = Smoother((math.inf,))
        self._errors = RLSErrors(order)
        self._tails = GaussianTail(width), GaussianTail(width)
        self._highs = NewHighs(refractory) if refractory else None
        self._n_rows = 0

    @classmethod
    def from_probation(cls, values: ArrayLike, **parameters: Any) -> OnlineNovelty:
        """Make one for a stream that begins with these rows (r,), which it has not seen yet, and does not score."""
        rows = np.asarray(values, dtype=np.float64)
        known = rows[~np.isnan(rows)]
        center = float(known.mean()) if len(known) else 0.0
        reach = float(np.abs(known - center).max(initial=0.0))
        flat = reach <= _ROUNDING * abs(center)
        scale = 1.0 if flat else reach * float(((known - center) / reach).std())  # squares stay in range
        return cls(center, scale, probation=len(rows), **parameters)

    def extend(self, values: ArrayLike) -> Array:
        """Take the next rows.

        Parameters
        ----------
        values : array-like of shape (n,)
            NaN is not scored.

        Returns
        -------
        ndarray of shape (n,)
            Not negative, at most 26.
        """
        rows = np.clip((np.asarray(values, dtype=np.float64) - self.center) / self.scale, -_FARTHEST, _FARTHEST)
        # The mean holds the row itself, which takes one part in the number of rows off the deviation.
        deviations = np.abs(rows - self._level.extend(rows)), np.abs(self._errors.extend(rows))
        level, error = (tail.extend(part) for tail, part in zip(self._tails, deviations, strict=True))
        scores = 0.5 * (level + error)
        scores[: max(self.probation - self._n_rows, 0)] *= 0.0  # NaN stays
        self._n_rows += len(rows)
        return scores if self._highs is None else self._highs.extend(scores)

    def update(self, value: float) -> float:
        """Take the next row and return its score."""
        return float(self.extend([value])[0])
