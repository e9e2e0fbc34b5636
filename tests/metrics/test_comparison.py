"""The Diebold-Mariano test against hand computation and its own level."""

import numpy as np
import pandas as pd
import pytest
from scipy.stats import t, ttest_1samp

from rnnforecast.metrics import diebold_mariano


def test_one_step_ahead_it_is_students_test_of_the_loss_differences():
    # Its variance has n in the denominator and the correction (n - 1) / n: exactly Student's statistic.
    rng = np.random.default_rng(0)
    mine, reference = rng.normal(size=(2, 40))
    for loss, size in (("absolute", np.abs), ("squared", np.square)):
        expected = ttest_1samp(size(mine) - size(reference), 0)
        assert diebold_mariano(mine, reference, loss=loss) == pytest.approx((expected.statistic, expected.pvalue))


def test_two_steps_ahead_by_hand():
    # differences 1, 3, 2, 6: mean 3, centred -2, 0, -1, 3; autocovariances 14/4, (0 + 0 - 3)/4
    variance = 14 / 4 - 2 * 3 / 4
    correction = np.sqrt((4 + 1 - 4 + 2 * 1 / 4) / 4)
    statistic = 3 / np.sqrt(variance / 4) * correction
    found = diebold_mariano([1, 3, -2, 6], [0, 0, 0, 0], horizon=2)
    assert found == pytest.approx((statistic, 2 * t.sf(statistic, 3)))


def test_a_variance_that_is_not_positive_is_weighted_down():
    # differences 1, -1, 1, -1, 2: mean .4; centred .6, -1.4, .6, -1.4, 1.6; products -.84, -.84, -.84, -2.24
    covariance = np.array([7.2, -4.76]) / 5
    assert covariance @ [1, 2] < 0
    variance = covariance @ [1, 1]  # the weight of lag 1 is a half, twice
    correction = np.sqrt((5 + 1 - 4 + 2 / 5) / 5)
    found = diebold_mariano([2, 1, 2, 1, 3], [1, 2, 1, 2, 1], horizon=2)
    assert found.statistic == pytest.approx(0.4 / np.sqrt(variance / 5) * correction)


def test_the_better_forecast_has_the_negative_statistic_and_order_only_changes_its_sign():
    rng = np.random.default_rng(0)
    mine, reference = rng.normal(size=100), 2 * rng.normal(size=100)
    better, worse = diebold_mariano(mine, reference, horizon=3), diebold_mariano(reference, mine, horizon=3)
    assert better.statistic == -worse.statistic < 0
    assert better.p_value == worse.p_value < 0.01


@pytest.mark.parametrize("horizon", [1, 4])
def test_equally_good_forecasts_are_rejected_as_often_as_promised(horizon):
    rng = np.random.default_rng(1)
    n_trials, rejected = 600, 0
    for _ in range(n_trials):
        noise = rng.normal(size=(2, 80 + horizon - 1))
        errors = [np.convolve(one, np.ones(horizon), "valid") for one in noise]  # correlated as those of h steps
        rejected += diebold_mariano(*errors, horizon=horizon, loss="squared").p_value < 0.1
    # binomial: deviation .012; the asymptotic test of overlapping errors rejects somewhat too often
    assert 0.1 - 3 * 0.012 < rejected / n_trials < 0.1 + 3 * 0.012 + 0.03 * (horizon > 1)


def test_forecasts_that_never_differ_are_equally_good():
    assert diebold_mariano([1.0, 2.0, 3.0], [1.0, -2.0, 3.0]) == (0, 1)
    assert diebold_mariano([1.0, 1.0, 1.0], [2.0, 2.0, 2.0]) == (-np.inf, 0)


def test_the_unit_of_the_errors_does_not_matter_even_where_their_squares_overflow():
    errors = np.random.default_rng(0).normal(size=(2, 20))
    expected = diebold_mariano(*errors, loss="squared")
    assert diebold_mariano(*1e200 * errors, loss="squared") == pytest.approx(expected)


def test_arrays_and_series_are_the_same():
    errors = np.random.default_rng(0).normal(size=(2, 20))
    assert diebold_mariano(*map(pd.Series, errors)) == diebold_mariano(*errors)


@pytest.mark.parametrize(
    ("arguments", "options", "message"),
    [
        (([1.0, 2.0], [1.0, 2.0, 3.0]), {}, "must have as many rows, got 2 and 3"),
        (([1.0, 2.0], [1.0, 2.0]), {"horizon": 2}, "errors must have more than 2 rows for horizon=2, got 2"),
        (([1.0, 2.0], [1.0, 2.0]), {"horizon": 0}, "horizon must be a whole number of at least 1, got 0"),
        (([1.0, 2.0], [1.0, 2.0]), {"loss": "huber"}, "loss must be one of absolute, squared, got 'huber'"),
        (([1.0, np.nan], [1.0, 2.0]), {}, "errors contains NaN or infinity in 1 of 2"),
        ((pd.Series([1.0, 2.0]), pd.Series([1.0, 2.0], [1, 2])), {}, "errors and errors_reference have different ind"),
    ],
)
def test_what_cannot_be_compared_is_refused(arguments, options, message):
    with pytest.raises(ValueError, match=message):
        diebold_mariano(*arguments, **options)
