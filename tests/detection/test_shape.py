"""Distances to training windows, against a twin that compares every pair."""

import numpy as np
import pytest

from rnnforecast.detection import ShapeReference, rows_of_windows, window_length


def naive(train, values, m, first):
    """Compare every window of `values` with every training window that starts at least m rows away."""
    reference = np.lib.stride_tricks.sliding_window_view(train, m)
    whole = ~np.isnan(reference).any(axis=1)
    floor = 0.1 * np.median(reference[whole].std(axis=1))
    floor = floor if floor > 0 else 1.0
    centred = reference - reference.mean(axis=1, keepdims=True)
    normalised = centred / np.maximum(reference.std(axis=1, keepdims=True), floor)
    out = np.full((2, len(values) - m + 1), np.nan)
    for i, window in enumerate(np.lib.stride_tricks.sliding_window_view(values, m)):
        far = whole if first is None else whole & (np.abs(np.arange(len(reference)) - first - i) >= m)
        if far.any() and not np.isnan(window).any():
            here = window - window.mean()
            out[0, i] = np.sqrt(((here - centred[far]) ** 2).mean(axis=1).min())
            there = here / max(window.std(), floor)
            out[1, i] = np.sqrt(((there - normalised[far]) ** 2).mean(axis=1).min())
    return out


@pytest.mark.parametrize("first", [0, 150, 77, None])
@pytest.mark.parametrize("kind", ["walk", "wave", "steps", "holes"])
def test_distances_are_those_of_every_pair(rng, kind, first):
    series = {
        "walk": lambda: 1e3 + rng.normal(size=1500).cumsum(),
        "wave": lambda: np.sin(np.arange(1500) / 5) + 0.1 * rng.normal(size=1500),
        "steps": lambda: rng.integers(0, 3, size=100).repeat(15).astype(float),
        "holes": lambda: np.where(rng.random(1500) < 0.01, np.nan, rng.normal(size=1500)),
    }[kind]()
    train, values = series[:150], series[first or 0 :]
    distances = ShapeReference(train, 20).distances(values, first)
    # Products of differences (up to 10) and rows less means (1e3, rounded to 1e-13) leave 1e-11 after some hundred
    # steps; a distance that should be 0 is the root of that.
    np.testing.assert_allclose(distances, naive(train, values, 20, first), rtol=1e-6, atol=1e-5)


def test_a_repeated_window_has_no_distance_and_is_not_its_own_neighbour(rng):
    pattern = rng.normal(size=50)
    train = np.concatenate([np.tile(pattern, 4), rng.normal(size=50)])
    distances = ShapeReference(train, 50).distances(train, first=0)
    assert distances.centred[:100].max() < 1e-6
    assert distances.centred[200] > 0.5  # the last window is unlike the others, and like itself only


def test_a_level_is_no_shape_and_a_size_is_one_unless_normalised(rng):
    pattern = rng.normal(size=30)
    reference = ShapeReference(np.tile(pattern, 3), 30)
    shifted, larger = reference.distances(pattern + 5.0), reference.distances(2.0 * pattern)
    assert max(shifted.centred[0], shifted.normalised[0]) < 1e-6
    assert larger.centred[0] == pytest.approx(pattern.std(), rel=1e-9)
    assert larger.normalised[0] < 1e-6


def test_training_rows_shorter_than_two_windows_have_no_neighbours():
    distances = ShapeReference(np.arange(15.0), 10).distances(np.arange(15.0), first=0)
    assert np.isnan(distances).all()
    assert ShapeReference(np.arange(15.0), 10).distances(np.arange(9.0)).centred.shape == (0,)


def test_a_window_must_fit_into_the_training_rows():
    with pytest.raises(ValueError, match="length must lie between 2 and the 5 training rows, got 6"):
        ShapeReference(np.arange(5.0), 6)


def test_rows_have_the_mean_of_the_windows_around_them():
    distances = np.array([0.0, 6.0, 0.0, np.nan, 3.0, np.nan, np.nan, np.nan])
    # Windows of three rows: window w has its middle at row w + 1, and every row the mean of three middles.
    padded = np.array([0.0, *distances, np.nan])
    middles = np.array([padded[0], *padded, padded[-1]])
    expected = [
        np.nan if np.isnan(part).all() else np.nanmean(part) for part in (middles[t : t + 3] for t in range(10))
    ]
    np.testing.assert_allclose(rows_of_windows(distances, 3), expected, atol=1e-12)
    assert rows_of_windows(np.arange(5.0), 4).shape == (8,)


def test_the_window_is_a_multiple_of_the_period():
    assert [window_length(period) for period in (3, 39, 40, 100, 299, 300)] == [42, 78, 40, 100, 299, 300]
    assert window_length() == 100
