"""Averages of errors: what they weigh, that they know no future, and that a stream gives what a batch does."""

import numpy as np
import pytest

from rnnforecast.detection import Smoother, smooth_causal, smooth_offline

SPANS = (10, 30, 100, 300)


def naive(errors, spans):
    """Weighted means written out: a plain mean until the newest weight 2 / (span + 1) is the larger one."""
    out = np.full(len(errors), np.nan)
    averages, count = np.zeros(len(spans)), 0
    for row, error in enumerate(errors):
        if not np.isnan(error):
            count += 1
            for s, span in enumerate(spans):
                rate = max(2 / (span + 1), 1 / count)
                averages[s] = (1 - rate) * averages[s] + rate * error
            out[row] = averages.mean()
    return out


@pytest.fixture
def errors(rng):
    values = np.abs(rng.standard_t(3, size=400))
    values[rng.random(400) < 0.1] = np.nan
    return values


def test_the_score_is_the_mean_of_the_averages_of_all_spans(errors):
    np.testing.assert_allclose(smooth_causal(errors, SPANS), naive(errors, SPANS), rtol=1e-12)
    np.testing.assert_allclose(smooth_causal(errors, (7,)), naive(errors, (7,)), rtol=1e-12)


def test_an_average_begins_as_the_plain_mean(rng):
    errors = rng.random(150)
    means = np.cumsum(errors) / np.arange(1, 151)
    np.testing.assert_allclose(smooth_causal(errors, (300,)), means, rtol=1e-12)  # (300 + 1) / 2 rows
    np.testing.assert_allclose(smooth_causal(errors, (np.inf,)), means, rtol=1e-12)


def test_a_later_error_changes_no_earlier_score(errors):
    changed = errors.copy()
    changed[200:] = 1e6
    np.testing.assert_array_equal(smooth_causal(changed, SPANS)[:200], smooth_causal(errors, SPANS)[:200])


def test_missing_rows_have_no_score_and_change_none(errors):
    scores = smooth_causal(errors, SPANS)
    known = ~np.isnan(errors)
    np.testing.assert_array_equal(np.isnan(scores), ~known)
    np.testing.assert_array_equal(scores[known], smooth_causal(errors[known], SPANS))


def test_a_stream_gives_the_scores_of_the_batch(errors):
    smoother = Smoother(SPANS)
    np.testing.assert_array_equal([smoother.update(error) for error in errors], smooth_causal(errors, SPANS))


def test_columns_are_smoothed_as_if_alone(rng):
    table = rng.random((50, 3))
    table[10, 1] = table[20:30, 2] = np.nan
    together = smooth_causal(table, SPANS)
    for column in range(3):
        np.testing.assert_array_equal(together[:, column], smooth_causal(table[:, column], SPANS))
    smoother = Smoother(SPANS, n_columns=3)
    np.testing.assert_array_equal([smoother.update(row) for row in table], together)


def test_the_state_goes_on_in_another_smoother(errors):
    first, second = Smoother(SPANS), Smoother(SPANS)
    first.extend(errors[:150])
    second.state = first.state
    first.extend(errors[:50])  # the state was a copy
    np.testing.assert_array_equal(second.extend(errors[150:]), smooth_causal(errors, SPANS)[150:])


def test_offline_scores_are_symmetric_in_time(errors):
    scores = smooth_offline(errors, SPANS)
    np.testing.assert_allclose(smooth_offline(errors[::-1], SPANS), scores[::-1], rtol=1e-14)


def test_far_from_the_ends_an_offline_score_is_the_mean_of_both_directions(errors):
    forwards, backwards = naive(errors, SPANS), naive(errors[::-1], SPANS)[::-1]
    inner = slice(180, -180)  # more than (300 + 1) / 2 known rows on both sides
    np.testing.assert_allclose(smooth_offline(errors, SPANS)[inner], 0.5 * (forwards + backwards)[inner], rtol=1e-12)


def test_an_error_at_an_end_counts_little_more_than_one_inside():
    errors = np.zeros(400)
    errors[200] = 1.0
    inside = smooth_offline(errors, SPANS).max()
    assert smooth_offline(np.roll(errors, -200), SPANS)[0] < 2.1 * inside  # all of the average lies on one side


@pytest.mark.parametrize("spans", [(), (10, 0)])
def test_spans_must_be_rows(spans):
    with pytest.raises(ValueError, match="spans must be positive"):
        Smoother(spans)
