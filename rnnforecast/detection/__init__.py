"""From errors to decisions: smoothing, calibration, thresholds, intervals, and scores that need no network.

Everything is float64 on plain arrays, oldest row first. A row whose score is NaN is not scored: nothing is learnt from
it, and what is carried from row to row is carried over it.
"""

from rnnforecast.detection.cross_fit import cross_fit, folds
from rnnforecast.detection.intervals import Intervals, find_intervals
from rnnforecast.detection.online import GaussianTail, NewHighs, OnlineNovelty, RLSErrors
from rnnforecast.detection.outliers import standing_out
from rnnforecast.detection.period import dominant_period
from rnnforecast.detection.shape import ShapeReference, in_units_of, rows_of_windows, window_length
from rnnforecast.detection.smoothing import CAUSAL_SPANS, Smoother, offline_spans, smooth_causal, smooth_offline
from rnnforecast.detection.tail import RollingTail, Tail, check_rate, fit_tail, rows_needed
from rnnforecast.detection.thresholds import dynamic_thresholds, row_thresholds

__all__ = [
    "CAUSAL_SPANS",
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
    "cross_fit",
    "dominant_period",
    "dynamic_thresholds",
    "find_intervals",
    "fit_tail",
    "folds",
    "in_units_of",
    "offline_spans",
    "row_thresholds",
    "rows_needed",
    "rows_of_windows",
    "smooth_causal",
    "smooth_offline",
    "standing_out",
    "window_length",
]
