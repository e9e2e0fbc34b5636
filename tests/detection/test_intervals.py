"""Alarming rows joined to intervals, against a twin that walks through them row by row."""

import itertools

import numpy as np
import pytest

from rnnforecast.detection import find_intervals


def naive(scores, threshold, min_gap, padding, min_length, refractory):
    found = []  # lists of alarming rows
    quiet = 0
    for row, score in enumerate(scores):
        if score > threshold:
            if found and quiet <= min_gap:
                found[-1].append(row)
            else:
                found.append([row])
            quiet = 0
        elif not np.isnan(score):
            quiet += 1
    kept = []
    for rows in found:
        rested = not kept or refractory == 0 or rows[0] > kept[-1][-1] + refractory
        if len(rows) >= min_length and rested:
            kept.append(rows)
    joined = []
    for rows in kept:
        if joined and padding and rows[0] - padding <= joined[-1][-1] + padding + 1:
            joined[-1] += rows
        else:
            joined.append(rows)
    return [
        (
            max(rows[0] - padding, 0),
            min(rows[-1] + padding, len(scores) - 1),
            max(rows, key=lambda row: (scores[row], -row)),
            max(scores[row] for row in rows) - threshold,
            sum(scores[row] - threshold for row in rows),
            len(rows),
        )
        for rows in joined
    ]


@pytest.mark.parametrize("share", [0.02, 0.3, 0.9])
def test_all_rules_do_what_the_twin_does(rng, share):
    for min_gap, padding, min_length, refractory in itertools.product((0, 1, 4), (0, 1, 3), (1, 2, 5), (0, 1, 9)):
        scores = rng.integers(0, 4, size=150) + 2.0 * (rng.random(150) < share)
        scores[rng.random(150) < 0.1] = np.nan
        rules = {"min_gap": min_gap, "padding": padding, "min_length": min_length, "refractory": refractory}
        intervals = find_intervals(scores, 2.5, **rules)
        expected = naive(scores, 2.5, **rules)
        np.testing.assert_allclose(np.column_stack(intervals), np.reshape(expected, (-1, 6)), rtol=1e-12)


def test_severity_is_counted_from_the_threshold_of_the_peak():
    intervals = find_intervals([0.0, 5.0, 6.0, 0.0], [1.0, 1.0, 4.0, 4.0])
    assert intervals.peak == [2]
    assert intervals.severity == [2.0]
    assert intervals.area == [6.0]


def test_a_missing_row_does_not_cut_an_interval():
    intervals = find_intervals([3.0, np.nan, 3.0], 2.0)
    assert (intervals.start, intervals.end, intervals.n_points) == ([0], [2], [2])


@pytest.mark.parametrize("scores", [np.zeros(0), np.zeros(9), np.full(9, np.nan)])
def test_there_may_be_none(scores):
    for field in find_intervals(scores, 1.0, min_gap=2, padding=3, refractory=4):
        assert field.shape == (0,)
