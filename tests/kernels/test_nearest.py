"""The kernels of window distances against sums written out."""

import numpy as np

from rnnforecast.kernels.nearest import covariances, nearest, window_steps, window_sums


def described(values, m, scale):
    windows = np.lib.stride_tricks.sliding_window_view(values, m)
    mean, square = np.empty(len(windows)), np.empty(len(windows))
    window_sums(values, m, mean, square)
    table = np.empty((4, len(windows)))
    window_steps(values, m, mean, table[0], table[1])
    table[2], table[3] = square, 1.0 / scale
    return windows, mean, table


def test_window_sums_are_means_and_squares_about_them():
    values = np.random.default_rng(0).normal(size=30) + 100.0
    windows, mean, table = described(values, 7, 1.0)
    np.testing.assert_allclose(mean, windows.mean(axis=1), rtol=1e-14)
    np.testing.assert_allclose(table[2], 7 * windows.var(axis=1), rtol=1e-12)


def test_covariances_are_sums_of_centred_products():
    values = np.random.default_rng(0).normal(size=30) + 100.0
    windows, mean, _ = described(values, 7, 1.0)
    out = np.empty(len(windows))
    covariances(values, mean, values[3:10], mean[3], out)
    np.testing.assert_allclose(out, 7 * np.cov(windows, bias=True)[3], atol=1e-12)


def test_nearest_lowers_distances_to_those_of_the_best_pair_outside_the_excluded():
    generator = np.random.default_rng(0)
    m, first, exclude = 5, 4, 6
    reference, values = generator.normal(size=22), generator.normal(size=17)
    r_windows, r_mean, r_table = described(reference, m, 0.7)
    q_windows, q_mean, q_table = described(values, m, 1.3)
    start, covariance = np.empty(len(r_windows)), np.empty(len(q_windows))
    covariances(reference, r_mean, values[:m], q_mean[0], start)
    covariances(values, q_mean, reference[:m], r_mean[0], covariance)
    centred, normalised = np.full(len(q_windows), np.inf), np.full(len(q_windows), np.inf)
    centred[2] = -1.0  # already lower: stays
    nearest(q_table, r_table, first, exclude, start, covariance, centred, normalised)

    q = q_windows - q_windows.mean(axis=1, keepdims=True)
    r = r_windows - r_windows.mean(axis=1, keepdims=True)
    near = np.abs(first + np.arange(len(q))[:, None] - np.arange(len(r))) < exclude
    pairs = np.where(near, np.inf, ((q[:, None] - r) ** 2).sum(axis=2)).min(axis=1)
    pairs[2] = -1.0
    np.testing.assert_allclose(centred, pairs, rtol=1e-12)
    pairs = np.where(near, np.inf, ((q[:, None] / 1.3 - r / 0.7) ** 2).sum(axis=2)).min(axis=1)
    np.testing.assert_allclose(normalised, pairs, rtol=1e-12)
