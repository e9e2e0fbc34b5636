"""Scalers."""

import numpy as np
import pytest

from rnnforecast.scaling import SCALES, fit_scaler

EPS = np.finfo(np.float64).eps


@pytest.fixture
def table():
    return np.random.default_rng(0).normal([3.0, -50.0], [2.0, 0.1], (201, 2))


def test_standard_gives_mean_zero_and_population_deviation_one(table):
    scaled = fit_scaler(table, "standard").transform(table)
    np.testing.assert_allclose(scaled.mean(axis=0), 0, atol=1e-12)  # a level of 500 deviations, times 201 roundings
    np.testing.assert_allclose(scaled.std(axis=0), 1, rtol=1e-12)


def test_minmax_gives_the_unit_interval(table):
    scaled = fit_scaler(table, "minmax").transform(table)
    np.testing.assert_allclose(scaled.min(axis=0), 0, atol=1e-12)
    np.testing.assert_allclose(scaled.max(axis=0), 1, rtol=1e-12)


def test_robust_is_not_moved_by_an_outlier(table):
    spoilt = table.copy()
    spoilt[0] = 1e9
    clean, dirty = fit_scaler(table, "robust"), fit_scaler(spoilt, "robust")
    centre = [scaler.origin + scaler.offset for scaler in (clean, dirty)]
    np.testing.assert_allclose(centre[1], np.median(spoilt, axis=0), rtol=1e-6)  # digits of the origin, 1e9, are lost
    np.testing.assert_allclose(dirty.scale, clean.scale, rtol=0.1)


def test_robust_of_a_normal_sample_is_close_to_standard():
    sample = np.random.default_rng(0).normal(0, 7, (20_000, 1))
    # standard error of the interquartile range of a normal sample: 1.17 sd / sqrt(n) = .8 %; four of them
    np.testing.assert_allclose(fit_scaler(sample, "robust").scale, 7, rtol=0.033)


@pytest.mark.parametrize("kind", SCALES)
def test_inverse_undoes_transform(table, kind):
    scaler = fit_scaler(table, kind)
    # four roundings of numbers no larger than twice the largest value
    np.testing.assert_allclose(scaler.inverse(scaler.transform(table)), table, atol=8 * EPS * np.abs(table).max())


@pytest.mark.parametrize("kind", SCALES)
def test_constant_columns_scale_to_zero_and_come_back_exactly(kind):
    constant = np.full((10, 2), [0.1, 1e17])
    scaler = fit_scaler(constant, kind)
    np.testing.assert_array_equal(scaler.scale, 1)
    np.testing.assert_array_equal(scaler.transform(constant), 0 if kind else constant)
    np.testing.assert_array_equal(scaler.inverse(scaler.transform(constant)), constant)


@pytest.mark.parametrize("kind", ["standard", "minmax", "robust"])
def test_tiny_fluctuations_on_a_huge_level_keep_their_digits(kind):
    noise = np.random.default_rng(0).normal(0, 1e-6, (500, 1))
    level = 1e9 + noise
    kept = level - 1e9  # exact: what float64 kept of the noise at a level of 1e9
    np.testing.assert_allclose(
        fit_scaler(level, kind).transform(level), fit_scaler(kept, kind).transform(kept), atol=1e-9
    )


@pytest.mark.parametrize("size", [1e-300, 1e250])
def test_extreme_units_change_nothing(size):
    values = np.random.default_rng(0).normal(5, 2, (50, 1))
    plain, scaled = fit_scaler(values), fit_scaler(values * size)
    np.testing.assert_allclose(scaled.transform(values * size), plain.transform(values), rtol=1e-10, atol=1e-12)


@pytest.mark.parametrize("kind", SCALES)
def test_guesses_do_not_count(table, kind):
    observed = np.random.default_rng(1).random(table.shape) > 0.4
    found = fit_scaler(np.where(observed, table, 1e9), kind, observed)
    for k in range(2):
        expected = fit_scaler(table[observed[:, k], k : k + 1], kind)
        for part in ("origin", "offset", "scale"):
            assert getattr(found, part)[k] == getattr(expected, part)[0]
    assert np.isfinite(fit_scaler(table, kind, np.zeros_like(observed)).scale).all()  # nothing is known of it


def test_a_table_without_columns_has_an_empty_scaler():
    for kind in SCALES:
        assert fit_scaler(np.empty((5, 0)), kind).transform(np.empty((3, 0))).shape == (3, 0)


def test_fit_scaler_says_what_it_expects():
    with pytest.raises(ValueError, match=r"shape \(rows, columns\).*got shape \(3,\)"):
        fit_scaler([1.0, 2.0, 3.0])
    with pytest.raises(ValueError, match=r"scale must be one of .* got 'max'"):
        fit_scaler([[1.0]], "max")
