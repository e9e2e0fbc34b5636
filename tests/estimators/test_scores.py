"""Scores of past forecasts: their conformal quantiles and their dependence."""

from __future__ import annotations

import numpy as np
import pytest

from rnnforecast.estimators._scores import FEWEST, Scores


def test_a_quantile_has_the_finite_sample_correction_of_split_conformal_prediction(rng):
    values = rng.normal(size=(99, 1, 1))
    # (n + 1) (1 - alpha) = 80: the 80th of 99 ordered absolute scores
    expected = np.sort(np.abs(values.ravel()))[79]
    low, high = Scores(values).quantiles(np.array([0.1, 0.9]), 1).ravel()
    assert high == pytest.approx(expected, rel=1e-12)
    assert low == pytest.approx(-expected, rel=1e-12)


def test_intervals_cover_new_exchangeable_scores_as_often_as_they_say(rng):
    hits = []
    for _ in range(2000):
        values = rng.standard_t(3, size=20)
        size = Scores(values[:19, None, None]).quantiles(np.array([0.9]), 1).item()
        hits.append(abs(values[19]) <= size)
    # (n + 1) 0.8 = 16 is whole, so the coverage is exactly 80 %; five standard errors of 2000 draws
    assert np.mean(hits) == pytest.approx(0.8, abs=5 * np.sqrt(0.16 / 2000))


def test_quantiles_ascend_and_the_median_is_the_forecast(rng):
    probabilities = np.linspace(0.001, 0.999, 99)
    for adaptive in (False, True):
        values = rng.normal(size=(30, 4, 2)) * np.arange(1, 5)[:, None]
        found = Scores(values, adaptive=adaptive).quantiles(probabilities, 6)
        assert (np.diff(found, axis=0) >= 0).all()
        np.testing.assert_array_equal(found[49], 0.0)
        np.testing.assert_allclose(found, -found[::-1], rtol=1e-9)


def test_more_overlapping_errors_of_later_steps_are_needed_for_the_same_certainty(rng):
    values = np.repeat(rng.normal(size=(200, 1, 1)), 9, axis=1)  # the same scores at every step
    size = Scores(values).quantiles(np.array([0.9]), 9).ravel()
    assert (np.diff(size) > 0).all()
    share = 0.8 * (1 + np.sqrt(9) / 200)  # 200 of them nine steps ahead count as 200 / 3
    ordered = np.sort(np.abs(values[:, 0, 0]))
    assert size[8] == pytest.approx(np.interp(share, np.arange(1, 201) / 200, ordered), rel=1e-12)


def test_a_step_with_few_scores_borrows_those_beside_it(rng):
    values = np.zeros((FEWEST // 2, 5, 1))
    values[:, 2] = 1.0
    values[0, 1] = 9.0
    # Each step reads one step more on either side: step 1 sees the ones of step 2, step 2 the nine of step 1
    found = Scores(values).quantiles(np.array([0.999]), 5).ravel()
    np.testing.assert_array_equal(found, [9.0, 9.0, 9.0, 1.0, 0.0])


def test_unseen_steps_widen_as_a_random_walk():
    seen = Scores(np.ones((30, 2, 1)))
    expected = np.sqrt(np.maximum(np.arange(1, 9), 2) / 2)
    np.testing.assert_allclose(seen.quantiles(np.array([0.9]), 8).ravel(), expected, rtol=1e-12)
    np.testing.assert_allclose(seen.quantiles(np.full((1, 8, 1), 0.9), 8).ravel(), expected, rtol=1e-12)


def test_adaptive_quantiles_follow_a_change_of_the_errors_size(rng):
    values = rng.normal(size=(1000, 1, 1))
    values[800:] *= 3.0
    fixed, adaptive = (Scores(values, adaptive=which).quantiles(np.array([0.9]), 1).item() for which in (False, True))
    # 1.28 is the normal quantile; after 200 rows exp(-2) of the weight is on the old scores
    assert fixed < 2.2 < adaptive
    assert adaptive == pytest.approx(3 * 1.28, rel=0.25)


def test_drawn_probabilities_are_uniform_and_as_correlated_as_the_scores(rng):
    steps = rng.normal(size=(400, 6, 1)).cumsum(axis=1)  # a random walk: correlation sqrt(j / k)
    drawn = Scores(steps).draw(20_000, 6, np.random.RandomState(0))
    assert drawn.shape == (20_000, 6, 1)
    # Kolmogorov's distance of n uniform numbers: beyond 1.95 / sqrt(n) once in a thousand
    ordered = np.sort(drawn[:, :, 0], axis=0)
    distance = np.abs(ordered - np.arange(1, 20_001)[:, None] / 20_000).max()
    assert distance < 1.95 / np.sqrt(20_000)
    np.testing.assert_allclose(
        np.corrcoef(drawn[:, :, 0].T),
        np.corrcoef(steps[:, :, 0].T),
        atol=0.06,  # ranks instead of values, about 0.02; 20,000 draws, 3 / sqrt(20000)
    )


def test_one_origin_shows_no_dependence():
    drawn = Scores(np.array([[[1.0], [2.0]]])).draw(5000, 2, np.random.RandomState(0))
    assert abs(np.corrcoef(drawn[:, :, 0].T)[0, 1]) < 5 / np.sqrt(5000)
