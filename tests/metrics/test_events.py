"""Precision and recall of events and ranges against numbers computed by hand."""

import numpy as np
import pandas as pd
import pytest

from rnnforecast.metrics import PrecisionRecall, affiliation_precision_recall, event_precision_recall
from rnnforecast.metrics import range_precision_recall as by_range

METRICS = [event_precision_recall, by_range, affiliation_precision_recall]


def labels(text):
    """One label for each character, "-" being 0."""
    return [int(character != "-") for character in text]


TRUE = labels("-aaaa---bb---c-")
FOUND = labels("xx-x-x---xx---x")  # alarms: rows 0-1, 3, 5, 9-10, 14


def test_an_event_is_found_by_any_of_its_rows_and_each_alarm_elsewhere_is_false():
    assert event_precision_recall(TRUE, FOUND) == PrecisionRecall(2 / 4, 2 / 3)  # false: rows 5 and 14
    assert event_precision_recall(TRUE, FOUND).f1 == pytest.approx(4 / 7)


def test_ranges_are_rewarded_by_their_overlaps():
    # recall: a 2 of 4 rows in 2 pieces, b 1 of 2, c 0; precision: 1/2, 1, 0, 1/2, 0
    assert by_range(TRUE, FOUND, cardinality="one") == pytest.approx((2 / 5, (1 / 2 + 1 / 2) / 3))
    assert by_range(TRUE, FOUND) == pytest.approx((2 / 5, (1 / 4 + 1 / 2) / 3))


def test_existence_is_a_share_of_recall_and_does_not_touch_precision():
    precision, recall = by_range(TRUE, FOUND, existence=0.5)
    assert precision == pytest.approx(2 / 5)
    assert recall == pytest.approx((0.5 * 2 + 0.5 * (1 / 4 + 1 / 2)) / 3)
    assert by_range(TRUE, FOUND, existence=1).recall == event_precision_recall(TRUE, FOUND).recall


@pytest.mark.parametrize(
    ("bias", "share_of_first", "share_of_second_and_third"),
    [("flat", 1 / 4, 2 / 4), ("front", 4 / 10, 5 / 10), ("back", 1 / 10, 5 / 10), ("middle", 1 / 6, 4 / 6)],
)
def test_a_bias_weighs_rows_by_their_position(bias, share_of_first, share_of_second_and_third):
    truth = labels("--xxxx--")
    for predicted, share in (("--x-----", share_of_first), ("---xx---", share_of_second_and_third)):
        assert by_range(truth, labels(predicted), recall_bias=bias) == pytest.approx((1, share))
        assert by_range(labels(predicted), truth, precision_bias=bias) == pytest.approx((share, 1))


def test_a_long_alarm_over_two_events_has_a_piece_in_each():
    # precision of the alarm: 3 of 6 rows in two pieces
    assert by_range(labels("-xx--x-"), labels("-xxxxx-")) == pytest.approx((3 / 5 / 2, 1))


def integral_twin(truth, predicted, steps):
    """Affiliation by its probabilities, on a fine grid of points."""
    n = len(truth)
    points = (np.arange(n * steps) + 0.5) / steps
    truth, predicted = np.repeat(truth, steps).astype(bool), np.repeat(predicted, steps).astype(bool)
    first = np.flatnonzero(np.diff(truth, prepend=False) & truth)
    event_of = np.where(truth, np.cumsum(np.isin(np.arange(len(truth)), first)), 0)
    distances = np.stack([np.abs(points[:, None] - points[event_of == k + 1]).min(1) for k in range(len(first))])
    zone_of = distances.argmin(0)
    precisions, recalls = [], []
    for k in range(len(first)):
        zone, event = points[zone_of == k], points[event_of == k + 1]
        nearby = points[predicted & (zone_of == k)]
        if len(nearby):
            far = np.abs(nearby[:, None] - event).min(1)
            random = np.abs(zone[:, None] - event).min(1)
            inside = np.isin(nearby, event)
            precisions.append(np.where(inside, 1, (random > far[:, None]).mean(1)).mean())
        if not len(nearby):
            recalls.append(0.0)
            continue
        far = np.abs(event[:, None] - nearby).min(1)
        recalls.append((np.abs(event[:, None] - zone) > far[:, None]).mean(1).mean())
    return np.mean(precisions), np.mean(recalls)


@pytest.mark.parametrize("seed", range(6))
def test_affiliation_is_the_mean_of_probabilities_over_points(seed):
    rng = np.random.default_rng(seed)
    truth, predicted = np.zeros(24, int), (rng.random(24) < 0.2).astype(int)
    truth[3 + seed : 6 + seed], truth[15:16] = 1, 1
    if seed > 3:
        truth[[0, -1]] = 1
    steps = 40
    # a grid shifts a probability by 1 / steps of a row, of zones of some ten rows, in its steps up and down
    expected = integral_twin(truth, predicted, steps)
    assert affiliation_precision_recall(truth, predicted) == pytest.approx(expected, abs=0.4 / steps)


def test_affiliation_of_the_example_of_its_authors():
    # Minutes of three hours (Huet et al., 2022, figure 3): the second event has precision .6722 and recall .9444.
    minutes = np.zeros((2, 180), int)
    for row, intervals in enumerate(
        [
            [(0, 10), (50, 70), (170, 175)],
            [(5, 6), (7, 10), (11, 12), (40, 60), (115, 130), (135, 140), (165, 170)],
        ]
    ):
        for first, stop in intervals:
            minutes[row, first:stop] = 1
    # first event: zone (0, 30), m = 0; alarms 4 of 5 minutes inside, one at 1..2: 1 - (10 + 1.5) / 30
    precision_first = (4 + 1 - 11.5 / 30) / 5
    # third event: zone (120, 180), m = 5; alarms at 40..50, 30..35 and 0..5 before it
    precision_third = (
        (10 * (1 - (5 + 45 + 5) / 60)) + 5 * (1 - (5 + 32.5 + 5) / 60) + 5 * (1 - (5 + 2.5 + 2.5) / 60)
    ) / 20
    # recall of the first: distances 5..0, gap 6..7, all m >= d but in the first 2.5 minutes, where m = y < d = 5 - y
    lost_first = (12.5 + (2.5**2 / 2 + 2.5**2 / 2)) + 2 * (0.5**2)
    lost_third = 12.5 + 12.5  # distances 0..5 with m = 180 - y >= 5
    recalls = 1 - np.array([lost_first / 30 / 10, (1 - 0.944444444) * 1, lost_third / 60 / 5])
    precision, recall = affiliation_precision_recall(*minutes)
    assert precision == pytest.approx(np.mean([precision_first, 0.672222222, precision_third]), abs=1e-9)
    assert recall == pytest.approx(recalls.mean(), abs=1e-9)


def test_affiliation_of_random_alarms_is_about_a_half():
    rng = np.random.default_rng(0)
    truth = np.zeros(4000, int)
    truth[2000:2010] = 1
    precisions = []
    for row in rng.integers(0, 4000, 300):
        alarm = np.zeros(4000, int)
        alarm[row] = 1
        precisions.append(affiliation_precision_recall(truth, alarm).precision)
    assert np.mean(precisions) == pytest.approx(0.5, abs=3 * 0.29 / np.sqrt(300))  # uniform: deviation .29


@pytest.mark.parametrize("metric", METRICS)
def test_finding_everything_is_perfect_and_finding_nothing_is_zero(metric):
    assert metric(TRUE, TRUE) == (1, 1)
    assert metric(TRUE, TRUE).f1 == 1
    assert metric(TRUE, np.zeros(15, bool)) == (0, 0)
    assert metric(TRUE, np.zeros(15, bool)).f1 == 0


@pytest.mark.parametrize("metric", METRICS)
def test_results_are_plain_numbers_whatever_holds_the_labels(metric):
    dates = pd.date_range("2024-01-01", periods=15)
    result = metric(pd.Series(TRUE, dates), pd.Series(FOUND, dates).astype(bool))
    assert result == metric(TRUE, FOUND)
    assert [type(value) for value in (*result, result.f1)] == [float] * 3


@pytest.mark.parametrize("metric", METRICS)
@pytest.mark.parametrize(
    ("truth", "predicted", "message"),
    [
        ([0, 0], [0, 1], "y_true has no anomaly in its 2 rows"),
        ([0, 1], [1, -1], r"y_pred must hold 0 and 1 .* got -1 at row 1; .* predict\(X\) those that equal -1"),
        ([0, 1], [0.2, 0.7], "y_pred must hold 0 and 1"),
        ([0, 1], [1, 0, 1], "must have as many rows, got 2 and 3"),
        ([[0, 1], [1, 0]], [1, 0], r"y_true must have shape \(n,\)"),
        (pd.Series([0, 1]), pd.Series([0, 1], [1, 2]), "different indexes"),
    ],
)
def test_labels_that_are_none_are_refused(metric, truth, predicted, message):
    with pytest.raises(ValueError, match=message):
        metric(truth, predicted)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"existence": 1.5}, "existence must be a number between 0 and 1, got 1.5"),
        ({"existence": True}, "existence must be a number between 0 and 1, got True"),
        ({"cardinality": "square"}, "cardinality must be one of reciprocal, one, got 'square'"),
        ({"recall_bias": "end"}, "recall_bias must be one of flat, front, middle, back, got 'end'"),
        ({"precision_bias": None}, "precision_bias must be one of"),
    ],
)
def test_options_out_of_range_are_named(options, message):
    with pytest.raises(ValueError, match=message):
        by_range(TRUE, FOUND, **options)
