"""Times lie where they belong, and their names can be read."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pandas as pd
import pytest

from rnnforecast.plotting import ForecastDisplay
from tests.plotting.reading import lines


def test_times_lie_where_matplotlib_puts_them(load):
    from matplotlib.dates import date2num

    display = ForecastDisplay.from_predictions(load[:216], load[216:])
    expected = date2num(load.index[216:].tz_localize(None).to_numpy())
    np.testing.assert_array_equal(lines(display)["forecast"].get_xdata(), expected)


def test_ticks_are_in_the_zone_of_the_index(load):
    local = load.tz_convert("Asia/Tokyo")
    display = ForecastDisplay.from_predictions(local[:216], local[216:], last=24)
    display.figure_.canvas.draw()
    midnight = pd.Timestamp("2024-03-10", tz="Asia/Tokyo").tz_convert("UTC").tz_localize(None)
    from matplotlib.dates import date2num

    ticks = dict(zip(display.ax_.get_xticks(), (t.get_text() for t in display.ax_.get_xticklabels()), strict=True))
    assert ticks[date2num(midnight)] == "10 Mar"
    assert display.ax_.get_xlabel() == "time (Asia/Tokyo)"


@pytest.mark.parametrize(
    "index",
    [
        pd.period_range("2020-01", periods=60, freq="M"),
        pd.bdate_range("2020-01-01", periods=60),
        pd.date_range("2020-01-01", periods=60, freq="s", unit="s"),
        pd.date_range("2999-01-01", periods=60, freq="D", unit="us"),
        pd.RangeIndex(5, 305, 5),
    ],
    ids=["months", "business days", "seconds", "far future", "integers"],
)
def test_every_kind_of_index_is_drawn(index):
    values = pd.Series(np.arange(60.0), index)
    display = ForecastDisplay.from_predictions(values[:48], values[48:], values[48:50])
    display.figure_.canvas.draw()
    assert len(lines(display)["forecast"].get_xdata()) == 12
    assert np.all(np.diff(lines(display)["observed"].get_xdata()) > 0)


@pytest.mark.parametrize("width", [2.5, 9.0])
@pytest.mark.parametrize("start", ["2024-02-10 05:00", "2023-12-28"])
@pytest.mark.parametrize("n_days", [0.1, 4, 9, 20, 30, 700])
def test_names_of_times_do_not_touch(n_days, start, width):
    from matplotlib.figure import Figure

    index = pd.date_range(start, periods=100, freq=pd.Timedelta(days=n_days) / 100)
    ax = Figure(figsize=(width, 2.0)).subplots()
    values = pd.Series(np.arange(100.0), index)
    ForecastDisplay.from_predictions(values[:80], values[80:], ax=ax)
    ax.figure.draw_without_rendering()
    first, last = ax.get_xlim()
    ticks = zip(ax.get_xticks(), ax.get_xticklabels(), strict=True)
    boxes = [name.get_window_extent() for at, name in ticks if first <= at <= last and name.get_text()]
    assert len(boxes) >= 2
    assert all(one.x1 < other.x0 for one, other in pairwise(boxes))


def test_a_zone_with_a_long_name_leaves_room_for_the_year(load):
    from matplotlib.figure import Figure

    ax = Figure(figsize=(2.5, 2.0), layout="constrained").subplots()
    local = load.tz_convert("America/New_York")
    ForecastDisplay.from_predictions(local[:216], local[216:], ax=ax)
    ax.figure.draw_without_rendering()
    assert ax.get_xlabel() == "time\n(America/New_York)"
    assert ax.xaxis.get_offset_text().get_text() == "2024"
