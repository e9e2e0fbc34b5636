"""Scored rows as pandas: a table of the intervals that alarm, and what each column contributed."""

from __future__ import annotations

from collections.abc import Hashable, Sequence

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from rnnforecast.detection import find_intervals
from rnnforecast.estimators._scoring import Scored

Array = NDArray[np.float64]

COLUMNS = ("start", "end", "peak", "severity", "n_points", "column", "direction", "expected", "observed")


def contributions(scored: Scored) -> Array:
    """Return what each target adds to the score of each row, (N, K)."""
    return scored.score[:, None] * scored.shares


def alarm_table(
    scored: Scored,
    observed: Array,
    expected: Array,
    index: pd.Index,
    names: Sequence[Hashable],
    min_peak: Array,
    rest: float,
    **joining: int,
) -> pd.DataFrame:
    """Return one row for each interval that begins and ends above `min_peak`; see `RNNAnomalyDetector.detect`.

    After one of them, there is no other until a score is back at `min_peak` or `rest`: what lasts is no news.

    Parameters
    ----------
    scored : Scored
    observed, expected : ndarray of shape (N, K)
        In original units.
    index : Index of N labels
    names : sequence of K labels
    min_peak : ndarray of shape (N,)
    rest : float
    **joining
        Passed to `rnnforecast.detection.find_intervals`.
    """
    scores = scored.score.copy()
    runs = find_intervals(scores, scored.threshold, min_gap=joining["min_gap"])
    counts = np.zeros(len(scores), bool)
    rested, before = scores <= np.maximum(min_peak, rest), None
    for first, last in zip(runs.start, runs.end, strict=True):
        high = first + np.flatnonzero(scores[first : last + 1] > min_peak[first : last + 1])
        if len(high) and (before is None or rested[before : high[0]].any()):
            counts[high[0] : high[-1] + 1] = True
            before = high[-1]
    scores[~counts] = np.minimum(scores[~counts], scored.threshold[~counts])  # alarms elsewhere are none
    start, end, peak, _, _, n_points = find_intervals(scores, scored.threshold, **joining)
    column = scored.shares[peak].argmax(axis=1) if len(peak) else np.zeros(0, np.intp)
    value, forecast = observed[peak, column], expected[peak, column]
    with np.errstate(invalid="ignore"):
        direction = np.where(value > forecast, "up", np.where(value < forecast, "down", ""))
    return pd.DataFrame(
        {
            "start": index[start],
            "end": index[end],
            "peak": index[peak],
            "severity": scored.score[peak],
            "n_points": n_points,
            "column": pd.Series([names[k] for k in column], dtype=object),
            "direction": pd.Series(direction, dtype=object),
            "expected": forecast,
            "observed": value,
        },
        columns=list(COLUMNS),
    )
