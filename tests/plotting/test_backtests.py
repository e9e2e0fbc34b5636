"""A display of a backtest shows its errors by step and by window, and its forecasts where they belong."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from rnnforecast import NaiveForecaster
from rnnforecast.plotting import BacktestDisplay, BacktestForecastDisplay
from tests.plotting.reading import lines


def by_step(levels=None):
    errors = pd.DataFrame({"forecast": [1.0, 2.0], "seasonal_naive": [3.0, 3.0], "skill": [0.6, 0.3]})
    errors.index = (
        pd.Index([1, 2], name="step") if levels is None else pd.MultiIndex.from_tuples(levels, names=["target", "step"])
    )
    targets = ["load"] if levels is None else [target for target, _ in levels]
    return SimpleNamespace(by_step=lambda: errors, model="LastValue", scales=pd.Series(1.0, targets))


def test_a_backtest_is_drawn_by_step():
    display = BacktestDisplay.from_backtest(by_step())
    np.testing.assert_array_equal(lines(display)["LastValue"].get_ydata(), [1.0, 2.0])
    np.testing.assert_array_equal(lines(display)["seasonal naive"].get_xdata(), [1, 2])
    assert display.ax_.get_ylim()[0] == 0


def test_a_backtest_of_several_targets_needs_a_name():
    backtest = by_step([("a", 1), ("b", 1)])
    assert lines(BacktestDisplay.from_backtest(backtest, column="b"))["LastValue"].get_ydata() == [2.0]
    with pytest.raises(ValueError, match=r"column must be one of the targets \['a', 'b'\], got None"):
        BacktestDisplay.from_backtest(backtest)


@pytest.fixture
def backtest(load):
    return NaiveForecaster(12).backtest(load, n_windows=5, level=[80, 95])


def test_errors_name_their_target_and_start_at_zero(backtest):
    display = BacktestDisplay.from_backtest(backtest)
    assert display.ax_.get_ylabel() == "mean absolute error of load"
    assert display.ax_.get_ylim()[0] == 0.0
    assert display.ax_.get_ylim()[1] > backtest.by_step()[["forecast", "seasonal_naive"]].max().max()


@pytest.mark.parametrize("horizon", [1, 2, 24])
def test_steps_ahead_are_whole_numbers_from_one_on(load, horizon):
    display = BacktestDisplay.from_estimator(NaiveForecaster(horizon), load, n_windows=3)
    display.figure_.canvas.draw()
    first, last = display.ax_.get_xlim()
    ticks = [at for at in display.ax_.get_xticks() if first <= at <= last]
    assert ticks
    assert all(at == int(at) and 1 <= at <= horizon for at in ticks)


def test_errors_by_window_lie_at_their_cutoffs(backtest):
    from matplotlib.dates import date2num

    display = BacktestDisplay.from_backtest(backtest, by="cutoff", name="naive")
    errors = backtest.by_cutoff()
    drawn = lines(display)["naive"]
    np.testing.assert_array_equal(drawn.get_ydata(), errors["forecast"])
    np.testing.assert_array_equal(drawn.get_xdata(), date2num(errors.index.tz_localize(None).to_numpy()))
    assert display.ax_.get_xlabel() == "cutoff (UTC)"
    with pytest.raises(ValueError, match='by must be "step" or "cutoff", got \'window\''):
        BacktestDisplay.from_backtest(backtest, by="window")


def test_each_window_is_a_line_with_its_interval_over_what_was_observed(backtest, load):
    display = BacktestForecastDisplay.from_backtest(backtest)
    np.testing.assert_array_equal(lines(display)["observed"].get_ydata(), load[-60:])
    forecasts = [line for line in display.ax_.get_lines() if line.get_linewidth() == 2.0]
    drawn = np.concatenate([line.get_ydata() for line in forecasts])
    assert len(forecasts) == 5
    np.testing.assert_array_equal(drawn, backtest.forecasts["forecast"])
    bands = [band.get_label() for band in display.ax_.collections if not band.get_label().startswith("_")]
    assert bands == ["95 % interval", "80 % interval"]
    assert len(display.ax_.collections) == 10


def test_windows_that_overlap_are_thin_lines_without_intervals(load):
    backtest = NaiveForecaster(12).backtest(load, n_windows=5, step=4, level=80)
    display = BacktestForecastDisplay.from_backtest(backtest)
    assert not display.ax_.collections
    assert lines(display)["NaiveForecaster"].get_linewidth() == 1.0
    np.testing.assert_array_equal(lines(display)["observed"].get_ydata(), load[-28:])


def test_windows_of_one_step_make_one_line(load):
    display = BacktestForecastDisplay.from_backtest(NaiveForecaster(1).backtest(load, n_windows=30, level=80))
    assert len(lines(display)["NaiveForecaster"].get_xdata()) == 30
    assert len(display.ax_.collections) == 1


def test_the_newest_windows_are_drawn_if_some_are_asked_for(backtest, load):
    display = BacktestForecastDisplay.from_backtest(backtest, last=2)
    np.testing.assert_array_equal(lines(display)["observed"].get_ydata(), load[-24:])


def test_of_a_panel_the_windows_of_one_series_are_drawn(load):
    panel = pd.concat({"a": load, "b": load + 5}, names=["name"])
    backtest = NaiveForecaster(12).backtest(panel, n_windows=2)
    assert "in its own scale" in BacktestDisplay.from_backtest(backtest).measure
    display = BacktestForecastDisplay.from_backtest(backtest, series="b")
    np.testing.assert_array_equal(lines(display)["observed"].get_ydata(), load[-24:] + 5)
    assert display.ax_.get_ylabel() == "load of b"
    assert BacktestForecastDisplay.from_backtest(backtest).ax_.get_ylabel() == "load of a"
    with pytest.raises(ValueError, match=r"series must be one of the panel's 2, \['a', 'b'\], got 'c'"):
        BacktestForecastDisplay.from_backtest(backtest, series="c")
