"""Scores of streams: each part against its definition, and the whole row by row as at once."""

import numpy as np
import pytest
from scipy.stats import norm

from rnnforecast.detection import GaussianTail, NewHighs, OnlineNovelty, RLSErrors


def test_recursive_least_squares_solves_the_weighted_normal_equations(rng):
    values, order, forgetting = rng.normal(size=60), 3, 0.97
    errors = RLSErrors(order, forgetting=forgetting, clip=np.inf).extend(values)
    assert (errors[:order] == 0).all()
    first = np.array([1.0, 0.0, 0.0, 0.0])
    gram, moment, expected = np.eye(4) / 10.0, first / 10.0, []
    for t in range(order, 60):
        row = np.array([*values[t - order : t][::-1], 1.0])
        expected.append(values[t] - row @ np.linalg.solve(gram, moment))
        gram, moment = forgetting * gram + np.outer(row, row), forgetting * moment + row * values[t]
    np.testing.assert_allclose(errors[order:], expected, rtol=1e-9)


def test_an_outlier_is_learnt_from_no_more_than_the_clip_allows(rng):
    values = rng.normal(size=100)
    clipped, free = (RLSErrors(2, clip=clip) for clip in (4.0, np.inf))
    for model in (clipped, free):
        model.extend(np.append(values, 1e4))
    # The outlier stays among the lags of the next two rows; what differs is what was learnt.
    calm = rng.normal(size=50)
    assert np.abs(clipped.extend(calm)[2:]).mean() < 2.0
    assert np.abs(free.extend(calm)[2:]).mean() > 2.0


def test_a_stream_without_news_does_not_make_the_weights_grow():
    errors = RLSErrors(forgetting=0.9).extend(np.repeat([0.0, 1.0, -1.0], 5000))
    assert np.isfinite(errors).all()
    assert np.abs(errors).max() <= 2.0 + 1e-9


def test_a_gaussian_tail_compares_with_the_rows_before(rng):
    values = rng.normal(size=200)
    values[50] = np.nan
    out = GaussianTail(width=40).extend(values)
    known = values[~np.isnan(values)]
    assert np.isnan(out[50])
    out = out[~np.isnan(values)]
    for t in (1, 2, 39, 40, 41, 100, 198):
        before = known[max(t - 40, 0) : t]
        deviation = max(before.std(), 1e-4)
        expected = min(-norm.logsf((known[t] - before.mean()) / deviation) / np.log(10), 60 / np.log(10))
        assert out[t] == pytest.approx(expected, rel=1e-9)


def test_only_new_highs_count(rng):
    scores = rng.integers(0, 30, size=300).astype(float)
    expected = [s if s > scores[max(t - 20, 0) : t].max(initial=0.0) else 0.0 for t, s in enumerate(scores)]
    np.testing.assert_array_equal(NewHighs(20).extend(scores), expected)


def test_a_stream_is_scored_row_by_row_as_at_once(rng):
    values = rng.normal(size=400).cumsum()
    values[[20, 200, 201]] = np.nan
    whole, single, parts = (OnlineNovelty.from_probation(values[:60], width=100, refractory=30) for _ in range(3))
    expected = whole.extend(values)
    np.testing.assert_array_equal([single.update(value) for value in values], expected)
    np.testing.assert_array_equal(np.concatenate([parts.extend(p) for p in np.split(values, [7, 7, 300])]), expected)
    np.testing.assert_array_equal(np.isnan(expected), np.isnan(values))
    assert np.nanmax(expected[:60]) == 0.0


def test_a_spike_and_a_change_of_level_are_the_highest_scores(rng):
    values = np.sin(np.arange(3000) / 10) + 0.1 * rng.normal(size=3000)
    values[1500] += 4.0
    values[2500:] += 6.0
    scores = OnlineNovelty.from_probation(values[:450]).extend(values)
    assert set(np.argsort(scores)[-2:]) == {1500, 2500}


@pytest.mark.parametrize("values", [np.zeros(500), np.full(500, 1e300), np.full(500, np.nan)])
def test_a_flat_stream_has_nothing_new(values):
    scores = OnlineNovelty.from_probation(values[:50]).extend(values)
    assert not (scores > 1.0).any()
