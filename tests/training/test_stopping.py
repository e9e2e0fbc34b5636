"""What counts as better, and when patience runs out."""

import numpy as np

from rnnforecast.training.stopping import Best


def exhausted_after(values, **options):
    best = Best(np.zeros(1), **options)
    for k, value in enumerate(values):
        best.offer(k, value, np.array([float(k)]))
        if best.exhausted:
            return k
    return None


def test_the_weights_with_the_lowest_value_are_kept_as_a_copy():
    best, parameters = Best(np.zeros(2)), np.zeros(2)
    for step, value in enumerate([3.0, 1.0, 2.0, 1.0]):
        parameters[:] = step
        assert best.offer(step, value, parameters) == (step < 2)
    parameters[:] = 9.0
    assert (best.step, best.value) == (1, 1.0)
    best.restore(parameters)
    np.testing.assert_array_equal(parameters, 1.0)


def test_without_an_offer_the_starting_weights_are_restored():
    start = np.array([1.0, 2.0])
    best = Best(start)
    start[:] = np.nan
    best.restore(start)
    np.testing.assert_array_equal(start, [1.0, 2.0])


def test_a_nan_is_never_better():
    best = Best(np.zeros(1))
    assert not best.offer(1, np.nan, np.ones(1))
    assert best.offer(2, 5.0, np.ones(1))
    assert not best.offer(3, np.nan, np.zeros(1))
    assert best.value == 5.0


def test_patience_counts_offers_in_succession_without_improvement():
    assert exhausted_after([3, 3, 2, 2, 2, 2, 1], patience=3) == 5
    assert exhausted_after([3, 3, 2, 2, 2, 2, 1]) is None


def test_improvements_below_the_tolerance_are_kept_but_do_not_renew_patience():
    values = [3.0, 2.95, 2.9, 2.85, 2.8]
    assert exhausted_after(values, patience=3, tol=0.1) == 3
    assert exhausted_after(values, patience=3, tol=0.01) is None
    best = Best(np.zeros(1), patience=3, tol=0.1)
    best.offer(0, 3.0, np.zeros(1))
    assert best.offer(1, 2.95, np.ones(1))
    assert best.value == 2.95
