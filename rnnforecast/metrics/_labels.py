"""Labels of rows: checked arrays of zeros and ones, and the runs of ones in them.

n rows, E events. Runs are half-open: run k holds the rows ``starts[k]`` to ``stops[k] - 1``.
"""

from __future__ import annotations

from numbers import Integral
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rnnforecast.metrics._arguments import Array, check_labels, finite

Labels = NDArray[np.bool_]
Rows = NDArray[np.intp]


def labels(name: str, values: Any) -> Labels:
    """Return labels of shape (n,), refusing all but 0 and 1."""
    array = column(name, values)
    wrong = (array != 0) & (array != 1)
    if wrong.any():
        row = int(np.argmax(wrong))
        raise ValueError(
            f"{name} must hold 0 and 1 (True for an anomaly), got {array[row]:g} at row {row}; "
            "of scores take those above a threshold, of a detector's predict(X) those that equal -1"
        )
    return array == 1


def true_labels(y_true: Any) -> Labels:
    """Return true labels of shape (n,) with at least one event."""
    truth = labels("y_true", y_true)
    if not truth.any():
        raise ValueError(f"y_true has no anomaly in its {len(truth)} rows, so there is nothing to be found")
    return truth


def truth_and_alarms(y_true: Any, y_pred: Any) -> tuple[Labels, Labels]:
    """Return true labels with at least one event, and predicted labels of the same rows."""
    truth, predicted = true_labels(y_true), labels("y_pred", y_pred)
    _check_rows(y_true, y_pred, "y_pred", truth, predicted)
    return truth, predicted


def truth_and_scores(y_true: Any, y_score: Any) -> tuple[Labels, Array]:
    """Return true labels of both kinds, and finite scores of the same rows."""
    truth, score = true_labels(y_true), column("y_score", y_score)
    _check_rows(y_true, y_score, "y_score", truth, score)
    if truth.all():
        raise ValueError(f"y_true has no normal row among its {len(truth)}, so scores have nothing to tell apart")
    return truth, score


def column(name: str, values: Any) -> Array:
    """Return finite values of shape (n,); a table of one column is one."""
    array = finite(name, values)
    if array.ndim == 2 and array.shape[1] == 1:
        array = array[:, 0]
    if array.ndim != 1 or array.size == 0:
        raise ValueError(f"{name} must have shape (n,) and not be empty, got shape {np.shape(values)}")
    return array


def runs(flags: Labels) -> tuple[Rows, Rows]:
    """Return first rows and the rows after the last ones of all runs of True, (E,) each."""
    change = np.diff(flags.astype(np.int8), prepend=0, append=0)
    return np.flatnonzero(change == 1), np.flatnonzero(change == -1)


def whole_number(name: str, value: Any, at_least: int) -> int:
    """Return an integer parameter of at least so much."""
    if isinstance(value, bool | np.bool_) or not isinstance(value, Integral) or value < at_least:
        raise ValueError(f"{name} must be a whole number of at least {at_least}, got {value!r}")
    return int(value)


def _check_rows(y_true: Any, other: Any, name: str, truth: Any, values: Any) -> None:
    if len(truth) != len(values):
        raise ValueError(f"y_true and {name} must have as many rows, got {len(truth)} and {len(values)}")
    check_labels(y_true, other, name)
