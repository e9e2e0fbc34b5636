"""From errors to decisions: smoothing, calibration, thresholds, intervals, and scores that need no network.

Everything is float64 on plain arrays, oldest row first. A row whose score is NaN is not scored: nothing is learnt from
it, and what is carried from row to row is carried over it.
"""

from rnnforecast.detection.intervals import Intervals, find_intervals
from rnnforecast.detection.online import GaussianTail, NewHighs, OnlineNovelty, RLSErrors
from rnnforecast.detection.outliers import standing_out
from rnnforecast.detection.period import dominant_period
from rnnforecast.detection.shape import ShapeReference, rows_of_windows, window_length
from rnnforecast.detection.smoothing import Smoother, smooth_causal, smooth_offline
from rnnforecast.detection.tail import RollingTail, Tail, check_rate, fit_tail, rows_needed
from rnnforecast.detection.thresholds import contamination_threshold, dynamic_thresholds

__all__ = [
    "GaussianTail",
    "Intervals",
    "NewHighs",
    "OnlineNovelty",
    "RLSErrors",
    "RollingTail",
    "ShapeReference",
    "Smoother",
    "Tail",
    "check_rate",
    "contamination_threshold",
    "dominant_period",
    "dynamic_thresholds",
    "find_intervals",
    "fit_tail",
    "rows_needed",
    "rows_of_windows",
    "smooth_causal",
    "smooth_offline",
    "standing_out",
    "window_length",
]
