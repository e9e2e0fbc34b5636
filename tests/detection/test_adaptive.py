"""Adaptive thresholds: the share of alarms is met on any series, and extreme rows do not move them."""

from __future__ import annotations

import numpy as np
import pytest

from rnnforecast.detection.adaptive import AdaptiveThreshold, FixedThreshold


def surprises(rng, n, stretch):
    """Scores of n rows whose calibration is wrong by a factor: 1 is right, in decades."""
    return stretch * -np.log10(rng.uniform(size=n))


@pytest.mark.parametrize("stretch", [0.5, 1.0, 1.5])
@pytest.mark.parametrize("rate", [0.01, 0.05])
def test_the_share_of_alarms_is_the_rate_whatever_the_scores(rng, stretch, rate):
    scores = surprises(rng, 40_000, stretch)
    thresholds = AdaptiveThreshold(rate).extend(scores)
    # 40,000 rows: 400 alarms at least; the way to the new level costs some dozens more, or less.
    assert (scores > thresholds)[10_000:].mean() == pytest.approx(rate, rel=0.2)


def test_the_threshold_starts_at_the_rate_and_moves_against_the_alarms():
    threshold = AdaptiveThreshold(0.01)
    assert threshold.level == pytest.approx(2.0)
    assert threshold.update(0.5) == pytest.approx(2.0)
    quiet = threshold.level
    assert quiet < 2.0
    assert threshold.update(2.5) == quiet
    # One alarm weighs as much as 99 quiet rows.
    assert threshold.level - quiet == pytest.approx(99 * (2.0 - quiet), rel=1e-9)


@pytest.mark.parametrize("score", [4.5, 300.0, np.nan])
def test_extreme_and_missing_rows_change_nothing(score):
    threshold = AdaptiveThreshold(0.01)
    thresholds = threshold.extend([score] * 50)
    np.testing.assert_array_equal(thresholds, 2.0)
    assert threshold.level == 2.0


def test_the_alarms_around_an_extreme_row_change_nothing():
    threshold = AdaptiveThreshold(0.01)
    quiet = threshold.extend([0.5] * 10)[-1] - 0.0022  # a quiet row's step
    threshold.extend([2.5, 3.0, np.nan, 3.4, 9.0, 3.9, 3.0, 2.5])
    assert threshold.level == pytest.approx(quiet, abs=1e-12)
    threshold.update(0.5)
    threshold.update(2.5)  # a new alarm, and no event so far
    assert threshold.level > quiet + 0.2


@pytest.mark.parametrize(("rate", "extreme", "longest"), [(0.01, 0.5, 400), (0.01, 2.0, 400), (0.1, 2.0, 1200)])
def test_a_shift_alarms_for_300_rows_and_its_end_brings_the_old_threshold_back(rng, rate, extreme, longest):
    ordinary = surprises(rng, 4000, 1.0)
    scores = ordinary.copy()
    scores[1000:2000] = 6.0 + 0.5 * ordinary[1000:2000]
    threshold = AdaptiveThreshold(rate, extreme=extreme)
    thresholds = threshold.extend(scores)
    alarms = scores > thresholds
    assert alarms[1000:1290].all()  # of those before, a few may count
    # Then the rate is met again: 7 or 70 expected, in a few runs.
    assert alarms[1300:2000].mean() < 2.0 * rate + 0.01
    back = 1 + np.flatnonzero(np.diff(thresholds[2000:]) < -1.0)[0]
    # 100 rows without an alarm: one in a hundred is one, so that it may take a few times as long. One in ten is there
    # never; quiet rows have made up for 300 alarms after 300 / (0.9 / 2 - 0.1) = 860.
    assert 100 <= back < longest
    assert thresholds[2000 + back] == pytest.approx(thresholds[999], abs=0.5)


@pytest.mark.parametrize("highest", [20.0, 300.0])
def test_a_trend_does_not_alarm_for_ever(highest):
    scores = np.concatenate([np.full(500, 0.5), np.linspace(0.5, highest, 2000), np.full(2000, highest)])
    alarms = scores > AdaptiveThreshold(0.01).extend(scores)
    # After the first 300, an alarm raises the threshold by a tenth: from two to 300 decades it takes 50 of them.
    assert 50 < alarms[500:2500].sum() < 360
    assert alarms[2500:].sum() < 30


def test_short_alarms_that_come_often_are_a_change_and_rare_ones_are_none():
    often, rare = (np.tile(np.repeat([9.0, 0.5], [20, n]), 100) for n in (20, 130))
    alarms = [scores > AdaptiveThreshold(0.01).extend(scores) for scores in (often, rare)]
    # With each run and its quiet rows the count grows by 10: at the end of the 29th it is 300. Then the rate is met.
    assert 29 * 20 <= alarms[0].sum() < 29 * 20 + 40
    assert alarms[1].reshape(100, 150)[:, :20].all()


def test_an_alarm_is_over_where_the_risen_threshold_is_not_reached_for_long():
    threshold = AdaptiveThreshold(0.01)
    threshold.extend(np.full(3, 2.5))  # to 2.65
    risen = threshold.level
    threshold.extend(np.full(150, 2.1))  # above the threshold that the alarm began with, below the risen one
    assert threshold.level == pytest.approx(risen - 150 * 0.0022)
    quiet = threshold.level
    threshold.update(9.0)  # an event takes back what was learnt in its own alarm only
    assert threshold.level == quiet


def test_a_score_that_rests_is_neither_an_event_nor_a_change():
    scores = np.full(12_000, 0.5)
    scores[::2000] = 9.0  # as the level comes down to the others, they follow upon an event
    thresholds = AdaptiveThreshold(0.01).extend(scores)
    alarms = scores > thresholds
    assert alarms[::2000].all()
    # Above the resting scores, the rate: from 2 decades down to 0.5 it takes 700 rows.
    assert alarms[2000:].mean() == pytest.approx(0.01, rel=0.1)
    assert thresholds[1000:].max() < 0.5 + 0.22


def test_a_kept_state_goes_on_in_the_middle_of_an_event(rng):
    event = [2.5, 9.0, 3.0, 3.0, 2.5, 0.5, 2.5]
    change = 6.0 + surprises(rng, 400, 0.5)
    scores = np.concatenate([surprises(rng, 50, 1.0), event, change, surprises(rng, 200, 1.0)])
    whole = AdaptiveThreshold(0.01).extend(scores)
    for cut in (51, 53, 56, 200, 400, 470, 600):
        first, second = AdaptiveThreshold(0.01), AdaptiveThreshold(0.01)
        first.extend(scores[:cut])
        second.state = first.state
        assert second.level == first.level
        np.testing.assert_array_equal(second.extend(scores[cut:]), whole[cut:])


def test_without_extremes_a_lasting_change_is_soon_tolerated():
    thresholds = AdaptiveThreshold(0.01, extreme=np.inf).extend([8.0] * 1000)
    assert thresholds[0] == 2.0
    # 27 alarms raise the threshold by six decades; later ones keep the rate.
    assert 0.01 < (thresholds < 8.0).mean() < 0.05


def test_rows_one_by_one_are_rows_at_once(rng):
    scores = surprises(rng, 300, 1.3)
    one = AdaptiveThreshold(0.02)
    np.testing.assert_array_equal(AdaptiveThreshold(0.02).extend(scores), [one.update(score) for score in scores])


def test_a_fixed_threshold_stays():
    fixed = FixedThreshold(3.0)
    np.testing.assert_array_equal(fixed.extend([1.0, 9.0, np.nan]), [3.0, 3.0, 3.0])
    assert fixed.update(9.0) == fixed.level == 3.0
