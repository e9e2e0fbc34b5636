"""Intervals of default parameters on public data, rolling origin; from the folder in RNNFORECAST_DATA."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest

from tests.benchmarks.accuracy import CASES
from tests.benchmarks.intervals import BARS, covered

DATA = Path(os.environ.get("RNNFORECAST_DATA", ""))
pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not (DATA / "electricity").is_dir(), reason="RNNFORECAST_DATA names no folder of public data"),
]


@pytest.mark.parametrize("model", ["linear", "rnnforecast"])
def test_intervals_that_adapt_hold_the_truth_on_average_as_often_as_they_say(model):
    lines = [covered(name, model, "adaptive") for name in CASES]
    for level, (low, high) in BARS.items():
        assert low <= np.mean([line[f"coverage-{level}"] for line in lines]) <= high


def test_fixed_intervals_hold_the_truth_on_average_as_often_as_they_say_in_the_middle():
    # Not in the tails: of 95 % they hold 92 to 93, for what changes after the training is not in them.
    low, high = BARS[80]
    assert low <= np.mean([covered(name, "linear", "conformal")["coverage-80"] for name in CASES]) <= high


@pytest.mark.parametrize("case", ["temp JFK", "ETTh1 OT", "MSFT Adj Close"])
def test_intervals_that_adapt_follow_a_change_of_the_errors_size(case):
    # Fixed ones, of the seasons before the cutoff, held between 62 and 91 per cent of these
    assert covered(case, "linear", "adaptive")["coverage-80"] == pytest.approx(80, abs=4)
