"""The lag at which a series looks most like itself."""

import numpy as np
import pytest

from rnnforecast.detection import dominant_period


@pytest.mark.parametrize("period", [3, 24, 47, 300])
def test_a_period_is_found_and_not_a_multiple(rng, period):
    pattern = rng.standard_normal(period)
    values = np.tile(pattern, 5000 // period) + 0.03 * rng.standard_normal(5000 // period * period)
    assert dominant_period(1e6 + 1e-3 * values) == period


def test_missing_rows_do_not_hide_a_period(rng):
    values = np.sin(2 * np.pi * np.arange(1000) / 50) + 0.1 * rng.standard_normal(1000)
    values[rng.random(1000) < 0.2] = np.nan
    assert dominant_period(values) == pytest.approx(50, abs=1)  # a sine is flat at its top


@pytest.mark.parametrize(
    "values",
    [
        np.random.default_rng(0).standard_normal(2000),
        np.full(500, 3.7),
        np.arange(500.0),
        np.full(500, np.nan),
        np.sin(np.arange(29.0)),
    ],
    ids=["noise", "constant", "line", "missing", "short"],
)
def test_there_may_be_none(values):
    assert dominant_period(values) is None


def test_a_period_repeats_three_times_in_the_rows():
    wave = np.sin(2 * np.pi * np.arange(600) / 100)
    assert dominant_period(wave[:290]) is None
    assert dominant_period(wave) == pytest.approx(100, abs=2)  # the estimate shrinks with the lag
