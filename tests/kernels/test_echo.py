"""The sums by which errors become scores, against plain NumPy."""

from __future__ import annotations

import numpy as np
import pytest

from rnnforecast.kernels.echo import combine_targets, error_sizes


@pytest.fixture
def errors(rng):
    """Errors of 30 rows, 3 targets and 4 steps, some missing, of one target all."""
    errors = rng.normal(size=(30, 3, 4))
    errors[rng.uniform(size=errors.shape) < 0.2] = np.nan
    errors[5, 1] = np.nan
    return errors


def sizes(errors, whitening, cap=np.inf, power=1.0):
    out = np.empty(errors.shape[:2])
    error_sizes(errors, whitening, cap, power, out)
    return out


def test_the_size_is_the_mean_of_the_errors_that_are_known(errors):
    known = ~np.isnan(errors)
    total, count = np.where(known, np.abs(errors), 0.0).sum(axis=2), known.sum(axis=2)
    expected = np.divide(total, count, out=np.full(total.shape, np.nan), where=count > 0)
    assert np.isnan(expected).sum() >= 1
    np.testing.assert_allclose(sizes(errors, np.empty((0, 4, 4))), expected, rtol=1e-14)
    np.testing.assert_allclose(
        sizes(errors, np.empty((0, 4, 4)), 0.8, 1.5), np.minimum(expected, 0.8) ** 1.5, rtol=1e-14
    )


def test_whitened_errors_have_mahalanobis_distance(rng, errors):
    covariance = np.stack([np.cov(rng.normal(size=(4, 9))) for _ in range(3)])
    whitening = np.stack([np.linalg.inv(np.linalg.cholesky(one)).T for one in covariance])
    expected = np.sqrt(np.einsum("nks,kst,nkt->nk", errors, np.linalg.inv(covariance), errors) / 4)
    # Condition numbers of covariances of 9 draws: below 1e3.
    np.testing.assert_allclose(sizes(errors, whitening), expected, rtol=1e-11)


def test_the_score_is_the_weighted_mean_of_the_known_targets_and_shares_add_up(rng):
    smoothed, weights = rng.uniform(size=(20, 3)), np.array([1.0, 0.0, 2.0])
    smoothed[3, 0] = smoothed[4] = np.nan
    smoothed[5] = 0.0
    score, shares = np.empty(20), np.empty((20, 3))
    combine_targets(smoothed, weights, score, shares)
    np.testing.assert_allclose(score[6:], smoothed[6:] @ weights / 3.0, rtol=1e-14)
    assert score[3] == smoothed[3, 2]
    assert np.isnan(score[4])
    assert np.isnan(shares[4]).all()
    np.testing.assert_array_equal(shares[5], weights / 3.0)  # nothing to share: as the weights are
    np.testing.assert_allclose(np.delete(shares, 4, axis=0).sum(axis=1), 1.0, rtol=1e-14)
