"""Measures of forecasts and of anomaly detectors, with scikit-learn's argument order: truth first.

Arguments are arrays, lists, Series or frames; pandas arguments must agree in their index. Arguments that do not fit
together, are not finite or outside their range, and denominators of zero, raise a ValueError that says which.

Forecasts have shape (n,) or (n, K), one column per series. Scaled and relative measures are averaged over columns, as
competitions average over series. The result is a float, and of a test of two forecasts its statistic and p-value.

Anomalies are labels of rows, shape (n,), 1 or True for an anomaly. A run of ones is an event, a run of predicted ones
an alarm. Scores are higher for worse rows, as those of `anomaly_score`; scikit-learn's `score_samples` has the other
sign. There is no point adjustment (which takes all rows of an event as found once one of them is), and there will be
none: under it, scores drawn at random reach an F1 of .95 and beat published detectors (Kim et al., 2022, "Towards a
rigorous evaluation of time-series anomaly detection"). `event_precision_recall` also takes an event as found by one
row, but counts events and not their rows, so that a long event is worth no more than a short one and an alarm
elsewhere as much as an event.
"""

from rnnforecast.metrics._affiliation import affiliation_precision_recall
from rnnforecast.metrics._comparison import diebold_mariano
from rnnforecast.metrics._distributions import coverage, crps_quantiles, crps_sample, interval_score, pinball_loss
from rnnforecast.metrics._events import PrecisionRecall, event_precision_recall, range_precision_recall
from rnnforecast.metrics._forecasts import mase, owa, rmsse, skill, smape, wape
from rnnforecast.metrics._nab import nab_score
from rnnforecast.metrics._volume import buffer_length, vus_pr, vus_roc

__all__ = [
    "PrecisionRecall",
    "affiliation_precision_recall",
    "buffer_length",
    "coverage",
    "crps_quantiles",
    "crps_sample",
    "diebold_mariano",
    "event_precision_recall",
    "interval_score",
    "mase",
    "nab_score",
    "owa",
    "pinball_loss",
    "range_precision_recall",
    "rmsse",
    "skill",
    "smape",
    "vus_pr",
    "vus_roc",
    "wape",
]
