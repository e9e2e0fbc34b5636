"""What stands out: anomalies of any length and size, next to nothing where there are none."""

from __future__ import annotations

import numpy as np
import pytest

from rnnforecast.detection import standing_out


@pytest.mark.parametrize("n", [100, 1000, 10_000])
@pytest.mark.parametrize("draw", ["normal", "laplace", "uniform"])
def test_nothing_stands_out_of_ordinary_noise(rng, draw, n):
    assert not standing_out(np.abs(getattr(rng, draw)(size=n))).any()


def test_of_heavy_tails_next_to_nothing_stands_out(rng):
    errors = np.abs(rng.standard_t(3, size=10_000)) / np.sqrt(3)
    assert standing_out(errors).mean() < 0.005


@pytest.mark.parametrize(("rows", "size"), [(1, 30.0), (10, 8.0), (300, 5.0)])
def test_anomalies_stand_out_and_hardly_anything_beside_them(rng, rows, size):
    errors = np.abs(rng.normal(size=5000))
    errors[2000 : 2000 + rows] += size
    odd = np.flatnonzero(standing_out(errors))
    assert odd[0] <= 2000
    assert odd[-1] >= 2000 + rows - 1
    assert len(odd) == odd[-1] - odd[0] + 1
    assert len(odd) < rows + 200  # averages over a hundred rows, to both sides


def test_many_anomalies_do_not_hide_one_another(rng):
    errors = np.abs(rng.normal(size=5000))
    for start in range(250, 5000, 500):  # 6 % of the rows
        errors[start : start + 30] += 15.0
    odd = standing_out(errors)
    assert odd.reshape(10, 500)[:, 256:273].all()  # the core: the shoulders have averages of both


def test_no_more_than_the_share_stands_out_and_the_highest_do(rng):
    errors = np.abs(rng.normal(size=1000))
    errors[300:320] += 20.0
    errors[600:620] += 40.0
    odd = np.flatnonzero(standing_out(errors, most=0.02))
    assert 600 <= odd.min() <= odd.max() < 620
    assert len(odd) <= 20


@pytest.mark.parametrize("period", [20, 90, 288])
def test_what_recurs_with_every_period_is_ordinary_and_what_comes_once_is_not(rng, period):
    errors = 0.1 * np.abs(rng.normal(size=10 * period + period // 2))
    errors[period // 3 :: period] += 10.0 * rng.uniform(0.7, 1.3, size=len(errors[period // 3 :: period]))
    errors[period // 3 + 1 :: period] += 3.0
    if period > 20:  # of a period so short, averages never come to rest
        assert standing_out(errors).any()
    assert not standing_out(errors, period=period).any()
    at = 4 * period + int(0.8 * period)
    errors[at : at + 3] += 30.0
    odd = np.flatnonzero(standing_out(errors, period=period))
    assert np.isin([at, at + 1, at + 2], odd).all()
    assert len(odd) < 20


def test_an_anomaly_over_some_periods_is_not_taken_for_what_recurs(rng):
    errors = np.abs(rng.normal(size=3000))
    errors[1000:1300] += 6.0
    odd = standing_out(errors, period=50)
    assert odd[1000:1300].all()
    assert odd.sum() < 500


def test_units_of_what_is_hardly_an_error_do_not_count():
    errors = np.zeros(1000)
    errors[500] = 0.5
    assert not standing_out(errors).any()


def test_unknown_rows_do_not_stand_out(rng):
    errors = np.abs(rng.normal(size=1000))
    errors[100:200] = np.nan
    errors[400:405] = 30.0
    odd = standing_out(errors)
    assert odd[400:405].all()
    assert not odd[100:200].any()
    assert not standing_out(np.full(10, np.nan)).any()
    assert standing_out([]).shape == (0,)
