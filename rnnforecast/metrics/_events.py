"""Precision and recall of events: counted one by one, or by the shares of ranges that overlap.

n rows, E true events, A alarms. An event is a run of true rows, an alarm one of predicted rows.
"""

from __future__ import annotations

from numbers import Real
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from rnnforecast.metrics._arguments import Array
from rnnforecast.metrics._labels import Labels, Rows, runs, truth_and_alarms

_BIASES = ("flat", "front", "middle", "back")
_CARDINALITIES = ("reciprocal", "one")


class PrecisionRecall(NamedTuple):
    """Precision and recall, 0 to 1; where nothing was predicted precision is 0, as scikit-learn has it.

    Attributes
    ----------
    precision, recall : float

    Examples
    --------
    >>> from rnnforecast.metrics import PrecisionRecall
    >>> PrecisionRecall(precision=1.0, recall=0.5).f1
    0.6666666666666666
    """

    precision: float
    recall: float

    @property
    def f1(self) -> float:
        """Their harmonic mean; 0 if one of them is 0."""
        total = self.precision + self.recall
        return 2 * self.precision * self.recall / total if total else 0.0


def event_precision_recall(y_true: ArrayLike, y_pred: ArrayLike) -> PrecisionRecall:
    """Precision and recall of whole events (as in Hundman et al., 2018).

    An event is found if any of its rows is predicted; an alarm that touches no event is one false positive. Events that
    were found are the true positives of both.

    Parameters
    ----------
    y_true, y_pred : array-like of shape (n,)
        Labels.

    Returns
    -------
    PrecisionRecall
        With ``f1``, the event-wise F1.

    Examples
    --------
    >>> from rnnforecast.metrics import event_precision_recall
    >>> event_precision_recall([0, 1, 1, 1, 0, 0, 0, 1], [0, 1, 0, 1, 0, 1, 0, 0]).f1
    0.5
    """
    truth, predicted = truth_and_alarms(y_true, y_pred)
    both = truth & predicted
    is_found, is_true = _counts(truth, both) > 0, _counts(predicted, both) > 0
    n_found = int(is_found.sum())
    return PrecisionRecall(n_found / max(n_found + int((~is_true).sum()), 1), n_found / len(is_found))


def range_precision_recall(
    y_true: ArrayLike,
    y_pred: ArrayLike,
    *,
    existence: float = 0.0,
    cardinality: str = "reciprocal",
    recall_bias: str = "flat",
    precision_bias: str = "flat",
) -> PrecisionRecall:
    """Range-based precision and recall (Tatbul et al., 2018).

    The recall of an event is ``existence`` (if it is touched at all) plus ``1 - existence`` times the share of it that
    is predicted; the precision of an alarm is the share of it that is true. Both are averaged over ranges.

    Parameters
    ----------
    y_true, y_pred : array-like of shape (n,)
        Labels.
    existence : float in [0, 1], default=0.0
        The weight called alpha by the authors, of being found at all.
    cardinality : {"reciprocal", "one"}, default="reciprocal"
        Factor of a share that is made of x > 1 pieces: 1 / x, or 1.
    recall_bias, precision_bias : {"flat", "front", "middle", "back"}, default="flat"
        Which rows of an event, or of an alarm, weigh most: those at its front by ``length - i + 1`` for the i-th row,
        at its back by ``i``, in its middle by the smaller of the two.

    Returns
    -------
    PrecisionRecall

    Raises
    ------
    ValueError
        If `existence` is no number between 0 and 1, or a bias or cardinality is unknown.

    Examples
    --------
    >>> from rnnforecast.metrics import range_precision_recall
    >>> range_precision_recall([0, 1, 1, 1, 1, 0, 0], [0, 0, 0, 1, 1, 1, 1])
    PrecisionRecall(precision=0.5, recall=0.5)
    """
    if isinstance(existence, bool | np.bool_) or not isinstance(existence, Real) or not 0 <= existence <= 1:
        raise ValueError(f"existence must be a number between 0 and 1, got {existence!r}")
    for name, value, allowed in (
        ("cardinality", cardinality, _CARDINALITIES),
        ("recall_bias", recall_bias, _BIASES),
        ("precision_bias", precision_bias, _BIASES),
    ):
        if value not in allowed:
            raise ValueError(f"{name} must be one of {', '.join(allowed)}, got {value!r}")
    truth, predicted = truth_and_alarms(y_true, y_pred)
    both = truth & predicted
    found = _counts(truth, both) > 0
    recall = existence * found + (1 - existence) * _overlap(truth, both, cardinality, recall_bias)
    precision = _overlap(predicted, both, cardinality, precision_bias)
    return PrecisionRecall(float(precision.mean()) if len(precision) else 0.0, float(recall.mean()))


def _counts(ranges: Labels, pieces: Labels) -> Rows:
    """Return how many runs of `pieces` lie in each run of `ranges`, each of them in one."""
    starts, stops = runs(ranges)
    first = runs(pieces)[0]
    return np.searchsorted(first, stops) - np.searchsorted(first, starts)


def _overlap(ranges: Labels, pieces: Labels, cardinality: str, bias: str) -> Array:
    """Return the reward for the pieces in each range: their share of its weight, times the factor of their number."""
    starts, stops = runs(ranges)
    if len(starts) == 0:
        return np.zeros(0)
    rows = np.flatnonzero(ranges)
    length = (stops - starts).repeat(stops - starts)
    position = rows - starts.repeat(stops - starts) + 1
    from_end = length - position + 1
    weight = {
        "flat": np.ones(len(rows)),
        "front": from_end,
        "middle": np.minimum(position, from_end),
        "back": position,
    }[bias]
    begins = np.cumsum(stops - starts) - (stops - starts)
    share = np.add.reduceat(weight * pieces[rows], begins) / np.add.reduceat(weight, begins)
    return share / np.maximum(_counts(ranges, pieces), 1) if cardinality == "reciprocal" else share
