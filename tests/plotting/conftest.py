"""What the tests of pictures share: no windows, and hours to draw."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest


@pytest.fixture(autouse=True)
def _no_windows():
    pyplot = pytest.importorskip("matplotlib.pyplot", reason="displays need matplotlib")

    pyplot.switch_backend("agg")
    yield
    pyplot.close("all")


@pytest.fixture
def load():
    """Ten days of hours, the last of which is to be forecast."""
    index = pd.date_range("2024-03-01", periods=240, freq="h", tz="UTC", name="time")
    return pd.Series(np.sin(np.arange(240) * np.pi / 12), index, name="load")
