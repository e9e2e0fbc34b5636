"""Volumes under the surface against a slow twin written from the definition."""

import numpy as np
import pandas as pd
import pytest

from rnnforecast.metrics import buffer_length, vus_pr, vus_roc


def events_of(labels):
    """First and last rows."""
    edges = np.diff(labels, prepend=0, append=0)
    return list(zip(np.flatnonzero(edges == 1), np.flatnonzero(edges == -1) - 1, strict=True))


def extended(labels, width):
    """Labels with the weights of all events around them, row by row."""
    weights = labels.astype(float)
    for first, last in events_of(labels):
        for row in range(len(labels)):
            distance = max(first - row, row - last)
            if 0 < distance <= width // 2:
                weights[row] += np.sqrt(1 - distance / width)
    return np.minimum(weights, 1)


def extended_events(labels, width):
    """Events with their buffers, those that touch joined."""
    reach, joined = width // 2, []
    for first, last in events_of(labels):
        if joined and joined[-1][1] >= first - reach:
            joined[-1][1] = last + reach
        else:
            joined.append([first - reach, last + reach])
    return [(max(first, 0), last) for first, last in joined]


def twin(labels, score, max_buffer, n_thresholds):
    """VUS-PR and VUS-ROC, threshold by threshold."""
    labels, score = np.asarray(labels), np.asarray(score, float)
    thresholds = -np.sort(-score)[np.linspace(0, len(score) - 1, n_thresholds).astype(int)]
    areas = []
    for width in range(max_buffer + 1):
        weights, segments = extended(labels, width), extended_events(labels, width)
        curve = [(0.0, 0.0, 1.0)]
        for threshold in thresholds:
            flagged = score >= threshold
            counted = np.where(labels == 1, 1.0, weights * flagged)
            found = (counted * flagged).sum()
            wanted = (labels.sum() + counted.sum()) / 2
            touched = np.mean([flagged[first : last + 1].any() for first, last in segments])
            recall = min(found / wanted, 1) * touched
            curve.append((recall, (flagged.sum() - found) / (len(labels) - wanted), found / flagged.sum()))
        recall, false_alarms, precision = np.array(curve).T
        area_pr = (np.diff(recall) * precision[1:]).sum()
        recall, false_alarms = np.append(recall, 1), np.append(false_alarms, 1)
        area_roc = (np.diff(false_alarms) * (recall[1:] + recall[:-1]) / 2).sum()
        areas.append((area_pr, area_roc))
    return np.mean(areas, axis=0)


def labelled(n, *events):
    """(n,) labels with ones in the half-open events."""
    labels = np.zeros(n, int)
    for first, stop in events:
        labels[first:stop] = 1
    return labels


CASES = {
    "one event": labelled(60, (30, 36)),
    "events at both ends": labelled(50, (0, 3), (45, 50)),
    "buffers overlap": labelled(60, (20, 23), (27, 28), (33, 34), (36, 40)),
    "single rows, each within reach of many": labelled(40, *((k, k + 1) for k in range(4, 36, 2))),
    "all but one row": labelled(30, (0, 17), (18, 30)),
}


@pytest.mark.parametrize("n_thresholds", [7, 80])
@pytest.mark.parametrize("max_buffer", [0, 1, 2, 13, 40])
@pytest.mark.parametrize("labels", CASES.values(), ids=CASES.keys())
def test_volumes_equal_those_of_the_slow_twin(labels, max_buffer, n_thresholds):
    rng = np.random.default_rng(max_buffer)
    for score in (rng.normal(size=len(labels)) + labels, rng.integers(0, 3, len(labels)), np.zeros(len(labels))):
        expected_pr, expected_roc = twin(labels, score, max_buffer, n_thresholds)
        options = {"max_buffer": max_buffer, "n_thresholds": n_thresholds}
        # sums of at most 250 terms of size 1, in another order
        assert vus_pr(labels, score, **options) == pytest.approx(expected_pr, abs=1e-12)
        assert vus_roc(labels, score, **options) == pytest.approx(expected_roc, abs=1e-12)


def test_without_a_buffer_it_is_the_average_precision_of_events_found():
    # Thresholds 9, 5, 1: recall 1/2 * 1/2 events, then 1; precision 1, 2/3. Worth 1/4 * 1 + 3/4 * 2/3.
    assert vus_pr([1, 0, 1], [9, 5, 5], max_buffer=0, n_thresholds=3) == pytest.approx(0.25 + 0.5)


def test_only_the_order_of_scores_matters():
    rng = np.random.default_rng(0)
    labels, score = labelled(200, (50, 60), (150, 151)), rng.normal(size=200)
    assert vus_pr(labels, np.exp(3 * score)) == vus_pr(labels, score)


def test_a_perfect_score_is_worth_one_without_tolerance_and_a_score_that_says_nothing_half():
    labels = labelled(400, (100, 120), (300, 305))
    assert vus_pr(labels, labels, max_buffer=0) == 1
    assert vus_roc(labels, labels, max_buffer=0) == 1
    constant = vus_roc(labels, np.zeros(400), max_buffer=0)
    assert constant == pytest.approx(0.5)


def test_an_alarm_beside_the_event_is_worth_something_only_with_a_buffer():
    labels, score = labelled(300, (150, 160)), labelled(300, (162, 170))
    assert vus_pr(labels, score, max_buffer=30) > 2 * vus_pr(labels, score, max_buffer=0)


def test_series_and_frames_and_booleans_are_the_same():
    dates = pd.date_range("2024-01-01", periods=60)
    labels = CASES["one event"]
    score = np.random.default_rng(0).normal(size=60)
    expected = vus_pr(labels, score, max_buffer=8)
    assert vus_pr(pd.Series(labels == 1, dates), pd.DataFrame({"score": score}, dates), max_buffer=8) == expected
    assert isinstance(expected, float)
    with pytest.raises(ValueError, match="y_true and y_score have different indexes"):
        vus_pr(pd.Series(labels, dates), pd.Series(score))


@pytest.mark.parametrize("metric", [vus_pr, vus_roc])
@pytest.mark.parametrize(
    ("labels", "score", "options", "message"),
    [
        ([0, 0], [1.0, 2.0], {}, "y_true has no anomaly in its 2 rows"),
        ([1, 1], [1.0, 2.0], {}, "y_true has no normal row among its 2"),
        ([1, -1], [1.0, 2.0], {}, "y_true must hold 0 and 1 .*, got -1 at row 1"),
        ([0, 1], [1.0, np.nan], {}, "y_score contains NaN or infinity in 1 of 2 values"),
        ([0, 1], [1.0], {}, "y_true and y_score must have as many rows, got 2 and 1"),
        ([0, 1], [[1.0, 2.0]], {}, r"y_score must have shape \(n,\) and not be empty, got shape \(1, 2\)"),
        ([0, 1], [1.0, 2.0], {"max_buffer": -1}, "max_buffer must be a whole number of at least 0, got -1"),
        ([0, 1], [1.0, 2.0], {"max_buffer": 2.0}, "max_buffer must be a whole number of at least 0, got 2.0"),
        ([0, 1], [1.0, 2.0], {"n_thresholds": 1}, "n_thresholds must be a whole number of at least 2, got 1"),
    ],
)
def test_what_cannot_be_scored_is_refused(metric, labels, score, options, message):
    with pytest.raises(ValueError, match=message):
        metric(labels, score, **options)


def test_the_buffer_is_the_period():
    rows = np.arange(3000)
    noise = 0.1 * np.random.default_rng(0).normal(size=3000)
    assert buffer_length(np.sin(2 * np.pi * rows / 48) + noise) == 48


@pytest.mark.parametrize(
    "values",
    [
        np.ones(500),  # no autocorrelation
        np.arange(500.0),  # one without a maximum
        np.sin(2 * np.pi * np.arange(5000) / 350),  # too long a period
        np.tile([0.0, 0.0, 0.0, 0.0, 1.0], 200),  # too short: the maximum is at 5
        np.ones(2),
    ],
)
def test_without_a_period_the_buffer_is_the_usual_one(values):
    assert buffer_length(values) == 125
