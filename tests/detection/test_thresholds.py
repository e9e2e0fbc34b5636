"""Where alarms begin: by the share of rows, or by what the scores were of late."""

import numpy as np
import pytest

from rnnforecast.detection import contamination_threshold, dynamic_thresholds
from rnnforecast.detection.thresholds import _best_threshold


def runs(mask):
    edges = np.diff(np.concatenate([[0], mask.astype(int), [0]]))
    return list(zip(np.flatnonzero(edges == 1), np.flatnonzero(edges == -1), strict=True))


def naive_best(scores):
    """Equation 4 of Hundman et al. (2018), candidate by candidate."""
    best, threshold = -np.inf, scores.mean() + 12 * scores.std()
    for z in np.arange(2.5, 12.01, 0.5):
        candidate = scores.mean() + z * scores.std()
        high = scores > candidate
        if not high.any() or 2 * high.sum() >= len(scores) or len(runs(high)) > 5:
            continue
        rest = scores[~high]
        fall = (scores.mean() - rest.mean()) / scores.mean() + (scores.std() - rest.std()) / scores.std()
        worth = fall / (high.sum() + len(runs(high)) ** 2)
        if worth > best:
            best, threshold = worth, candidate
    return threshold


def test_contamination_is_a_share_of_all_rows(rng):
    scores = rng.random(1000)
    scores[::10] = np.nan
    assert (scores > contamination_threshold(scores, 0.05)).sum() == 50
    assert not (np.ones(10) > contamination_threshold(np.ones(10), 0.3)).any()
    assert contamination_threshold([np.nan, 2.0, np.nan, np.nan], 0.5) == 2.0
    assert contamination_threshold([np.nan], 0.5) == np.inf


def test_the_best_threshold_is_that_of_the_equation(rng):
    for k in range(60):
        scores = rng.gamma(2.0, size=300) ** (1 + k % 3)
        for at in rng.integers(0, 300, size=k % 5):
            scores[at : at + 5] += rng.exponential(20.0)
        assert _best_threshold(scores) == pytest.approx(naive_best(scores), rel=1e-12)


def test_a_sequence_that_stands_out_alarms_and_one_that_hardly_does_is_pruned():
    scores = np.tile([1.0, 1.1, 0.9], 200)
    scores[100:103], scores[300] = [50.0, 60.0, 50.0], 1.15
    alarms = scores > dynamic_thresholds(scores)
    np.testing.assert_array_equal(np.flatnonzero(alarms), [100, 101, 102])
    lower = np.minimum(scores, 1.25)
    assert not (lower > dynamic_thresholds(lower)).any()  # 1.25 after 1.15: a fall of less than 13 %


def test_a_dynamic_threshold_follows_a_change_of_level(rng):
    scores = rng.gamma(4.0, size=6000) * np.repeat([1.0, 10.0], 3000)
    scores[[1500, 5500]] = [30.0, 300.0]
    alarms = np.flatnonzero(scores > dynamic_thresholds(scores, window=1000))
    assert {1500, 5500} <= set(alarms)


def test_dynamic_thresholds_pass_over_missing_rows(rng):
    scores = rng.gamma(2.0, size=3000)
    holes = scores.copy()
    holes = np.insert(holes, [10, 500, 2500], np.nan)
    found = dynamic_thresholds(holes)
    np.testing.assert_array_equal(found[~np.isnan(holes)], dynamic_thresholds(scores))
    assert np.isfinite(found).all()


@pytest.mark.parametrize("scores", [np.zeros(100), np.full(100, 0.1), np.full(3, np.nan), np.zeros(0)])
def test_scores_without_any_difference_do_not_alarm(scores):
    assert not (scores > dynamic_thresholds(scores)).any()
