"""Where alarms begin: above the score that a share of the rows exceeds, or thresholds that follow the scores."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
from numpy.typing import ArrayLike, NDArray

Array = NDArray[np.float64]

# Hundman et al. (2018): candidates mean + z deviations, windows of 2,100 rows moved by 70, a minimal decrease of 13 %.
_DEVIATIONS = np.arange(2.5, 12.01, 0.5)
_WINDOW, _STEP = 2100, 70
_DECREASE = 0.13
_MOST_SEQUENCES = 5


def contamination_threshold(scores: ArrayLike, contamination: float) -> float:
    """Return a score that a share of all rows exceeds, up to half a row, unless scores are tied or too few are known.

    Parameters
    ----------
    scores : array-like of shape (n,)
        NaN is not scored: a row that does not alarm.
    contamination : float
        In (0, 0.5].

    Returns
    -------
    float
        Infinite if no row has a score.
    """
    values = np.asarray(scores, dtype=np.float64)
    known = np.sort(values[~np.isnan(values)])
    if len(known) == 0:
        return np.inf
    count = min(round(contamination * len(values)), len(known) - 1)
    return float(known[-count - 1])


def dynamic_thresholds(scores: ArrayLike, *, window: int = _WINDOW, step: int = _STEP) -> Array:
    """Return thresholds that follow the scores, without any assumption on their distribution (Hundman et al., 2018).

    The rows of each step are judged by the window of rows that ends with it, so a threshold may know up to ``step - 1``
    rows that come after its own. Sequences of high scores that hardly stand out from the highest ordinary score are
    pruned: the threshold of their rows is raised to their maximum.

    Parameters
    ----------
    scores : array-like of shape (n,)
        Not negative, infinite nowhere; NaN is left out.
    window : int, default=2100
        Rows that decide.
    step : int, default=70
        Rows that are decided on at once.

    Returns
    -------
    ndarray of shape (n,)
    """
    values = np.asarray(scores, dtype=np.float64)
    known = np.flatnonzero(~np.isnan(values))
    kept = values[known]
    if len(kept) == 0:
        return np.zeros(len(values))
    found = np.empty(len(kept))
    # The first window decides on all of its rows: the few it would see at the beginning say nothing.
    edges = [0, *range(min(window, len(kept)), len(kept), step), len(kept)]
    for begin, stop in pairwise(edges):
        start = max(stop - window, 0)
        found[begin:stop] = _window_thresholds(kept[start:stop])[begin - start :]
    out = np.full(len(values), found.max())
    out[known] = found
    return out


def _window_thresholds(scores: Array) -> Array:
    """Return the thresholds (w,) of the scores (w,) of one window."""
    threshold = _best_threshold(scores)
    out = np.full(len(scores), threshold)
    high = np.concatenate([[False], scores > threshold, [False]])
    starts, stops = np.flatnonzero(high[1:] & ~high[:-1]), np.flatnonzero(high[:-1] & ~high[1:])
    if len(starts) == 0:
        return out
    peaks = np.maximum.reduceat(scores, np.column_stack([starts, stops]).ravel()[: 2 * len(starts) - 1])[::2]
    order = np.argsort(-peaks, kind="stable")
    ordinary = scores[~high[1:-1]].max(initial=0.0)
    falls = -np.diff(np.append(peaks[order], ordinary)) / peaks[order]
    significant = np.flatnonzero(falls > _DECREASE)
    n_kept = significant[-1] + 1 if len(significant) else 0
    for sequence in order[n_kept:]:
        out[starts[sequence] : stops[sequence]] = peaks[sequence]
    return out


def _best_threshold(scores: Array) -> float:
    """Return the candidate whose excesses, taken away, lower mean and deviation the most for their number.

    Equation 4: (change of mean / mean + change of deviation / deviation) / (excesses + sequences²). All candidates are
    judged at once from sorted scores.
    """
    mean, deviation = scores.mean(), scores.std()
    if deviation <= 1e-12 * mean:
        return float(scores.max())  # nothing but rounding
    candidates = mean + _DEVIATIONS * deviation
    ordered = np.sort(scores)
    pairs = np.sort(np.minimum(scores[:-1], scores[1:]))  # a sequence has one pair of high neighbours less than rows
    n_below = np.searchsorted(ordered, candidates, side="right")
    n_high = len(scores) - n_below
    n_sequences = n_high - (len(pairs) - np.searchsorted(pairs, candidates, side="right"))
    centred = ordered - mean  # the sum of squares loses nothing to a high mean
    sums, squares = np.cumsum(centred)[n_below - 1], np.cumsum(centred * centred)[n_below - 1]
    shift = sums / n_below
    spread = np.sqrt(np.maximum(squares / n_below - shift * shift, 0.0))
    gain = -shift / mean + (deviation - spread) / deviation
    allowed = (n_high > 0) & (n_sequences <= _MOST_SEQUENCES) & (2 * n_high < len(scores))
    if not allowed.any():
        return float(candidates[-1])
    worth = np.where(allowed, gain / np.maximum(n_high + n_sequences**2, 1), -np.inf)
    return float(candidates[worth.argmax()])
