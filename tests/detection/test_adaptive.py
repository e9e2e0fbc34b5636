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
