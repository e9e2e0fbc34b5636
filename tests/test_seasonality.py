"""Season detection on series whose seasons are known."""

import numpy as np
import pytest

from rnnforecast.seasonality import difference_autocorrelation, find_seasons


def cycle(n, season, seed=0, noise=0.3):
    rng = np.random.default_rng(seed)
    return np.tile(rng.standard_normal(season), n // season + 1)[:n] + noise * rng.standard_normal(n)


def test_autocorrelation_equals_its_definition():
    y = np.random.default_rng(0).standard_normal(60).cumsum()
    difference = np.diff(y)
    clipped = np.clip(difference, *np.quantile(difference, (0.01, 0.99)))
    centred = clipped - clipped.mean()
    expected = [(centred[k:] * centred[: len(centred) - k]).mean() / (centred**2).mean() for k in range(21)]
    np.testing.assert_allclose(difference_autocorrelation(y, 20), expected, atol=1e-12)


def test_autocorrelation_of_a_series_with_guesses_equals_its_definition():
    rng = np.random.default_rng(0)
    y, observed = rng.standard_normal(80).cumsum(), rng.random(80) > 0.2
    known = observed[1:] & observed[:-1]
    counted = np.diff(y)[known]
    clipped = np.clip(np.diff(y), *np.quantile(counted, (0.01, 0.99)))
    centred = clipped - clipped[known].mean()
    expected = []
    for k in range(16):
        pairs = known[k:] & known[: len(known) - k]
        expected.append((centred[k:] * centred[: len(centred) - k])[pairs].mean() / (centred[known] ** 2).mean())
    guessed = np.where(observed, y, 1e3)
    np.testing.assert_allclose(difference_autocorrelation(guessed, 15, observed), expected, atol=1e-12)


def test_a_hole_of_a_week_hides_no_week():
    y = cycle(24 * 7 * 4, 168)
    observed = np.ones(len(y), bool)
    observed[300:468] = False
    y[~observed] = 0.0
    assert find_seasons(y, (24, 168), observed) == (168,)
    assert find_seasons(np.stack([y, y], axis=1), (24, 168), np.stack([observed, observed], axis=1)) == (168,)


@pytest.mark.parametrize("candidates", [(24, 168), None])
@pytest.mark.parametrize("drift", ["none", "line", "walk"])
def test_a_season_is_found_whatever_the_drift(candidates, drift):
    y = cycle(600, 24)
    if drift == "line":
        y += 0.5 * np.arange(600)
    elif drift == "walk":
        y += 0.5 * np.random.default_rng(1).standard_normal(600).cumsum()
    assert find_seasons(y, candidates) == (24,)


def test_a_multiple_counts_only_if_it_adds_something():
    daily = cycle(24 * 7 * 8, 24)
    weekly = np.repeat(cycle(7 * 8, 7, seed=2, noise=0), 24)
    assert find_seasons(daily, (24, 168)) == (24,)
    assert find_seasons(daily * (1.5 + weekly), (24, 168)) == (24, 168)


def test_the_season_must_be_the_highest_lag_nearby():
    assert find_seasons(cycle(600, 24), (23,)) == ()
    assert find_seasons(cycle(600, 24), (24,)) == (24,)


def test_units_and_level_change_nothing():
    y = cycle(600, 24)
    for scaled in (1e-200 * y, 1e200 * y, 1e6 + y):
        assert find_seasons(scaled, (24, 168)) == find_seasons(scaled) == (24,)


def test_one_huge_outlier_changes_nothing():
    y = cycle(600, 24)
    y[300] = 1e6
    assert find_seasons(y, (24,)) == find_seasons(y) == (24,)


def test_of_several_columns_half_must_agree():
    rng = np.random.default_rng(0)
    noise = rng.standard_normal((480, 2))
    table = np.column_stack([cycle(480, 24), cycle(480, 24, seed=3), noise])
    assert find_seasons(table, (24,)) == (24,)
    assert find_seasons(table[:, 1:], (24,)) == ()


@pytest.mark.parametrize("candidates", [(24, 168), (), None])
def test_constant_straight_and_short_series_have_no_season(candidates):
    for y in (
        np.full(500, 3.3),
        0.1 * np.arange(500.0),
        1e9 + 0.1 * np.arange(500.0),
        [1.0],
        [1.0, 2.0],
        [1.0, 5.0, 2.0, 7.0],
    ):
        assert find_seasons(y, candidates) == ()


def test_a_season_needs_two_of_its_lengths():
    y = cycle(40, 12, noise=0)
    assert find_seasons(y[:24], (12,)) == ()
    assert find_seasons(y[:30], (12,)) == (12,)


def share_of_false_alarms(n_series, n, walk, candidates):
    found = 0
    for seed in range(n_series):
        noise = np.random.default_rng(seed).standard_normal(n)
        found += bool(find_seasons(noise.cumsum() if walk else noise, candidates))
    return found / n_series


@pytest.mark.parametrize("n", [120, 500, 2000])
@pytest.mark.parametrize("walk", [False, True])
@pytest.mark.parametrize("candidates", [(24, 168), None])
def test_false_alarms_are_below_five_per_cent_of_noise_and_random_walks(n, walk, candidates):
    assert share_of_false_alarms(200, n, walk, candidates) < 0.05
