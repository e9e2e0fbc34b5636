"""Affiliation: how near alarms and events are, in units of what alarms at random would be.

Row i is the interval [i, i + 1). E events, A alarms; intervals are (start, stop).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from rnnforecast.metrics._arguments import Array
from rnnforecast.metrics._events import PrecisionRecall
from rnnforecast.metrics._labels import runs, truth_and_alarms


def affiliation_precision_recall(y_true: ArrayLike, y_pred: ArrayLike) -> PrecisionRecall:
    """Affiliation precision and recall (Huet et al., 2022, "Local evaluation of time series anomaly detection").

    Time is cut into a zone around each event, halfway between neighbours. Precision is the probability that a point
    drawn in the zone is farther from the event than the alarm is, averaged over the alarms' rows in the zone; recall
    that it is farther from a point of the event than the nearest alarm in the zone, averaged over the event. Both are
    averaged over events, precision over those with an alarm in their zone.

    Parameters
    ----------
    y_true, y_pred : array-like of shape (n,)
        Labels.

    Returns
    -------
    PrecisionRecall
        Alarms at random come near a half in both, not near 0.

    Examples
    --------
    >>> from rnnforecast.metrics import affiliation_precision_recall
    >>> affiliation_precision_recall([0, 0, 0, 0, 1, 1, 0, 0], [0, 0, 0, 1, 1, 0, 0, 0])
    PrecisionRecall(precision=0.8125, recall=0.9375)
    """
    truth, predicted = truth_and_alarms(y_true, y_pred)
    events, alarms = np.column_stack(runs(truth)), np.column_stack(runs(predicted))
    between = (events[:-1, 1] + events[1:, 0]) / 2
    zones = np.column_stack([np.append(0.0, between), np.append(between, len(truth))])
    precisions, recalls = [], []
    for event, zone in zip(events, zones, strict=True):
        nearby = alarms[(alarms[:, 1] > zone[0]) & (alarms[:, 0] < zone[1])].clip(*zone)
        if len(nearby):
            precisions.append(_precision(nearby, event, zone))
        recalls.append(_recall(nearby, event, zone) if len(nearby) else 0.0)
    return PrecisionRecall(float(np.mean(precisions)) if precisions else 0.0, float(np.mean(recalls)))


def _precision(nearby: Array, event: Array, zone: Array) -> float:
    """Return the mean over alarms (A, 2) of the probability to be farther from the event."""
    (start, stop), width = event, zone[1] - zone[0]
    margin = min(start - zone[0], zone[1] - stop)  # points this far lie on both sides, farther ones on one

    def farther(distance: Array) -> Array:
        """Integral of the probability over distances from 0 on."""
        both_sides = np.minimum(distance, margin)
        nearer = (stop - start) * distance + distance**2 / 2 + both_sides**2 / 2 + margin * (distance - both_sides)
        return distance - nearer / width

    before, after = np.maximum(start - nearby, 0), np.maximum(nearby - stop, 0)
    total = nearby.clip(start, stop) - farther(before) + farther(after)  # an integral up to each end
    return float((total[:, 1] - total[:, 0]).sum() / (nearby[:, 1] - nearby[:, 0]).sum())


def _recall(nearby: Array, event: Array, zone: Array) -> float:
    """Return the mean over the event of the probability to be farther from its point than the alarms (A, 2) are.

    The probability is linear between the knots, so that the mean of the two ends of each piece is exact.
    """

    def distance(points: Array) -> Array:
        k = np.searchsorted(nearby[:, 0], points, side="right")
        before, after = np.append(-np.inf, nearby[:, 1])[k], np.append(nearby[:, 0], np.inf)[k]
        return np.maximum(np.minimum(points - before, after - points), 0)

    def margin(points: Array) -> Array:
        return np.minimum(points - zone[0], zone[1] - points)

    halfway = (nearby[:-1, 1] + nearby[1:, 0]) / 2
    knots = np.unique(np.concatenate([event, nearby.ravel(), halfway, [zone.mean()]]).clip(*event))
    excess = distance(knots) - margin(knots)
    crosses = excess[:-1] * excess[1:] < 0
    share = excess[:-1][crosses] / (excess[:-1] - excess[1:])[crosses]
    knots = np.union1d(knots, knots[:-1][crosses] + share * np.diff(knots)[crosses])
    far = distance(knots)
    probability = 1 - (far + np.minimum(far, margin(knots))) / (zone[1] - zone[0])
    return float((np.diff(knots) * (probability[1:] + probability[:-1]) / 2).sum() / (event[1] - event[0]))
