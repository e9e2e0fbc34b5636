"""Volumes under surfaces: precision and recall of a score over all thresholds and all tolerances of time.

n rows, E events, L + 1 buffer widths, m thresholds.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from rnnforecast.metrics._arguments import Array
from rnnforecast.metrics._labels import Labels, Rows, column, runs, truth_and_scores, whole_number

USUAL_BUFFER = 125  # of the reference where a series has no period
_SHORTEST, _LONGEST = 6, 303  # periods that the reference accepts
_LAGS = 400
_ROWS = 20_000


def vus_pr(y_true: ArrayLike, y_score: ArrayLike, *, max_buffer: int = USUAL_BUFFER, n_thresholds: int = 250) -> float:
    """Volume under the precision-recall surface (Paparrizos et al., 2022, "Volume under the surface").

    For every width l of 0..L, rows at a distance d of at most l / 2 from an event count as anomalies of weight
    ``sqrt(1 - d / l)``, weights of several events adding up to at most 1. Recall is the weight that is flagged, divided
    by the mean of the rows of the events and the same plus the flagged weight around them, and multiplied by the share
    of extended events (those that touch are one) in which anything is flagged; precision is the flagged weight divided
    by the flagged rows. The area under each curve is the sum of precision times growth of recall.

    Where the paper leaves room, this follows the implementation of its authors: thresholds are scores at evenly spaced
    ranks, the flagged weight takes the place of the whole extended label in the denominator of recall, and recall is
    cut at 1.

    Parameters
    ----------
    y_true : array-like of shape (n,)
        Labels, both kinds present.
    y_score : array-like of shape (n,)
        Higher is worse; only its order matters.
    max_buffer : int, default=125
        L, the period of the series: `buffer_length` finds it. 0 is the area without tolerance.
    n_thresholds : int, default=250
        Ranks of the score at which rows are flagged.

    Returns
    -------
    float
        0 to 1; the mean over the widths.

    Examples
    --------
    >>> from rnnforecast.metrics import vus_pr
    >>> labels = [0, 0, 0, 0, 0, 0, 1, 1, 0, 0]
    >>> late = [0, 0, 0, 1, 0, 2, 0, 8, 9, 1]
    >>> [round(vus_pr(labels, late, max_buffer=buffer), 2) for buffer in (0, 2, 4)]
    [0.35, 0.48, 0.64]
    """
    recall, _, precision = _surface(y_true, y_score, max_buffer, n_thresholds)
    return float((np.diff(recall, axis=1, prepend=0.0) * precision).sum(axis=1).mean())


def vus_roc(y_true: ArrayLike, y_score: ArrayLike, *, max_buffer: int = USUAL_BUFFER, n_thresholds: int = 250) -> float:
    """Volume under the surface of recall over false-alarm rate (Paparrizos et al., 2022).

    As `vus_pr`; the false-alarm rate is what is flagged but has no weight, divided by the rows that are left when those
    by which recall is divided are taken away. The curves begin at (0, 0), end at (1, 1) and are joined by straight
    lines.

    Parameters
    ----------
    y_true, y_score, max_buffer, n_thresholds
        As in `vus_pr`.

    Returns
    -------
    float
        0 to 1; about .5 for a score that says nothing. Rows far from all events are many, so prefer `vus_pr`.

    Examples
    --------
    >>> from rnnforecast.metrics import vus_roc
    >>> [round(vus_roc([0, 0, 0, 0, 0, 1, 0], [0, 1, 0, 0, 0, 2, 3], max_buffer=buffer), 2) for buffer in (0, 2, 4)]
    [0.83, 0.88, 0.92]
    """
    recall, false_alarms, _ = _surface(y_true, y_score, max_buffer, n_thresholds)
    zero, one = np.zeros((len(recall), 1)), np.ones((len(recall), 1))
    height = np.hstack([zero, recall, one])
    width = np.diff(np.hstack([zero, false_alarms, one]), axis=1)
    return float((width * (height[:, 1:] + height[:, :-1]) / 2).sum(axis=1).mean())


def buffer_length(values: ArrayLike) -> int:
    """Period of a series as the largest buffer of `vus_pr`, found as published evaluations find it.

    The lag of the highest local maximum of the autocorrelation at lags 3 to 400 of the first 20,000 values.

    Parameters
    ----------
    values : array-like of shape (n,)
        The series that was scored.

    Returns
    -------
    int
        6 to 303; 125 where the highest maximum lies elsewhere or there is none.

    Examples
    --------
    >>> import numpy as np
    >>> from rnnforecast.metrics import buffer_length
    >>> buffer_length(np.sin(2 * np.pi * np.arange(500) / 24))
    24
    """
    series = column("values", values)[:_ROWS]
    centred = series - series.mean()
    n_lags = min(_LAGS, len(series) - 1)
    spectrum = np.fft.rfft(centred, 2 * len(series))
    covariance = np.fft.irfft(np.abs(spectrum) ** 2, 2 * len(series))[: n_lags + 1]
    inner = covariance[4:-1]
    is_peak = (inner > covariance[3:-2]) & (inner > covariance[5:])
    if not is_peak.any():
        return USUAL_BUFFER
    lag = 4 + int(np.argmax(np.where(is_peak, inner, -np.inf)))
    return lag if _SHORTEST <= lag <= _LONGEST else USUAL_BUFFER


def _surface(y_true: Any, y_score: Any, max_buffer: int, n_thresholds: int) -> tuple[Array, Array, Array]:
    """Return recall, false-alarm rate and precision, (L + 1, m) each, thresholds falling."""
    L = whole_number("max_buffer", max_buffer, 0)
    m = whole_number("n_thresholds", n_thresholds, 2)
    truth, score = truth_and_scores(y_true, y_score)
    n, (starts, stops) = len(truth), runs(truth)
    rank = _first_threshold(score, m)
    flagged, n_anomalies = _sums(rank, m), truth.sum()
    nearest, second, rank_near = _distances(truth, starts, stops, L // 2, rank)
    weight_near, share = np.empty((L + 1, m)), np.empty((L + 1, m))
    for width in range(L + 1):
        reach = width // 2
        near = slice(np.searchsorted(nearest, reach, side="right"))
        # Two weights of at least sqrt(1 / 2) add up to more than 1, so beyond the nearest event only presence counts.
        weight = np.where(second[near] <= reach, 1.0, np.sqrt(1 - nearest[near] / max(width, 1)))
        weight_near[width] = _sums(rank_near[near], m, weight)
        share[width] = _share_touched(rank, starts, stops, reach, m)
    weight = _sums(rank[truth], m) + weight_near
    n_wanted = n_anomalies + weight_near / 2
    recall = np.minimum(weight / n_wanted, 1) * share
    return recall, (flagged - weight) / (n - n_wanted), weight / flagged


def _first_threshold(score: Array, m: int) -> Rows:
    """Return which of m falling thresholds is the first to flag each row, (n,); the last one flags all rows."""
    falling = np.sort(-score)
    return np.searchsorted(falling[np.linspace(0, len(score) - 1, m).astype(int)], -score, side="left")


def _sums(rank: Rows, m: int, weight: Array | None = None) -> Array:
    """Return the weight of the rows that each threshold flags, (m,)."""
    return np.bincount(rank, weight, minlength=m).cumsum()


def _distances(truth: Labels, starts: Rows, stops: Rows, reach: int, rank: Rows) -> tuple[Rows, Rows, Rows]:
    """Return distances to the two nearest events, and ranks, of the normal rows within reach, nearest rows first."""
    rows = np.flatnonzero(~truth)
    n_before = np.searchsorted(stops, rows, side="right")
    far = 2 * len(truth) + reach
    ends, begins = np.concatenate([[-far, -far], stops - 1]), np.concatenate([starts, [far, far]])
    each = [rows - ends[n_before + 1], rows - ends[n_before], begins[n_before] - rows, begins[n_before + 1] - rows]
    nearest, second = np.partition(each, 1, axis=0)[:2]
    order = np.argsort(nearest, kind="stable")
    order = order[: np.searchsorted(nearest[order], reach, side="right")]
    return nearest[order], second[order], rank[rows[order]]


def _share_touched(rank: Rows, starts: Rows, stops: Rows, reach: int, m: int) -> Array:
    """Return the share of extended events, those that touch being one, in which each threshold flags a row, (m,)."""
    is_apart = stops[:-1] - 1 + reach < starts[1:] - reach
    first = np.maximum(starts[np.append(True, is_apart)] - reach, 0)
    stop = np.minimum(stops[np.append(is_apart, True)] + reach, len(rank))
    padded = np.append(rank, m)  # lets an event end with the series
    earliest = np.minimum.reduceat(padded, np.column_stack([first, stop]).ravel())[::2]
    return _sums(earliest, m) / len(first)
