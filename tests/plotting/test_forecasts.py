"""A display of a forecast draws what it was given, at the right time, and asks in words for what is missing."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pandas as pd
import pytest

from rnnforecast import NaiveForecaster
from rnnforecast.plotting import ForecastDisplay
from tests.plotting.reading import lines


def test_observed_is_the_end_of_the_history_and_the_truth(load):
    display = ForecastDisplay.from_predictions(load[:216], load[216:] + 1, load[216:])
    observed = lines(display)["observed"].get_ydata()
    np.testing.assert_array_equal(observed, load[216 - 96 :])  # four forecasts of 24 hours back
    np.testing.assert_array_equal(lines(display)["forecast"].get_ydata(), load[216:] + 1)


def test_last_bounds_the_history(load):
    display = ForecastDisplay.from_predictions(load[:216], load[216:], last=10)
    assert len(lines(display)["observed"].get_ydata()) == 10


def test_interval_columns_become_bands(load):
    center = load[216:]
    frame = pd.DataFrame({"load": center, "load-lo-80": center - 1, "load-hi-80": center + 1})
    frame[["load-lo-97.5", "load-hi-97.5"]] = np.column_stack([center - 2, center + 2])
    display = ForecastDisplay.from_predictions(load[:216], frame)
    bands = {band.get_label(): band for band in display.ax_.collections}
    assert set(bands) == {"80 % interval", "97.5 % interval"}
    assert bands["97.5 % interval"].get_paths()[0].get_extents().y0 == pytest.approx(center.min() - 2)


def test_levels_asked_of_a_forecaster_are_drawn_as_a_fan_that_darkens_inwards(load):
    from rnnforecast import NaiveForecaster

    forecaster = NaiveForecaster(12).fit(load[:216])
    display = ForecastDisplay.from_estimator(forecaster, load, level=[50, 80, 95])
    bands = {band.get_label(): band for band in display.ax_.collections}
    assert list(bands) == ["95 % interval", "80 % interval", "50 % interval"]
    expected = forecaster.forecast(level=95)
    box = bands["95 % interval"].get_paths()[0].get_extents()
    assert box.y0 == pytest.approx(expected["load-lo-95"].min())
    assert box.y1 == pytest.approx(expected["load-hi-95"].max())
    brightness = [band.get_facecolor()[0, :3].sum() for band in bands.values()]
    assert (np.diff(brightness) < 0).all()


def test_quantile_columns_are_no_targets(load):
    frame = pd.DataFrame({"load": load[216:], "load-q0.1": load[216:] - 1})
    display = ForecastDisplay.from_predictions(load[:216], frame)
    np.testing.assert_array_equal(lines(display)["forecast"].get_ydata(), load[216:])


def test_a_column_of_several_targets_is_chosen_by_name(load):
    both = pd.DataFrame({"load": load, "price": 2 * load})
    display = ForecastDisplay.from_predictions(both[:216], both[216:], both[216:], column="price")
    np.testing.assert_array_equal(lines(display)["forecast"].get_ydata(), 2 * load[216:])
    assert display.ax_.get_ylabel() == "price"
    with pytest.raises(ValueError, match=r"history has 2 columns \['load', 'price'\]: name the one to draw"):
        ForecastDisplay.from_predictions(both[:216], both[216:])
    with pytest.raises(ValueError, match=r"column must be one of history's columns .* got 'rain'"):
        ForecastDisplay.from_predictions(both[:216], both[216:], column="rain")


def test_references_are_drawn_under_their_names(load):
    naive = pd.Series(load[192:216].to_numpy(), load.index[216:])
    display = ForecastDisplay.from_predictions(load[:216], load[216:], references={"seasonal naive": naive})
    np.testing.assert_array_equal(lines(display)["seasonal naive"].get_ydata(), naive)
    assert [text.get_text() for text in display.figure_.axes[0].get_legend().get_texts()] == [
        "observed",
        "forecast",
        "seasonal naive",
    ]


def test_one_step_is_a_visible_point_with_a_visible_interval(load):
    one = load[239:]
    frame = pd.DataFrame({"load": one, "load-lo-80": one - 3, "load-hi-80": one + 3})
    display = ForecastDisplay.from_predictions(load[:239], frame)
    assert lines(display)["forecast"].get_marker() == "o"
    (bar,) = display.ax_.collections
    assert bar.get_linewidth() > 5
    np.testing.assert_array_equal(bar.get_segments()[0][:, 1], [one.iloc[0] - 3, one.iloc[0] + 3])
    low, high = display.ax_.get_ylim()
    assert low < one.iloc[0] - 3 < one.iloc[0] + 3 < high


def test_long_names_stay_in_the_picture(load):
    name = "passengers carried on all routes between the islands of the archipelago, " * 3
    both = load.rename(name)
    display = ForecastDisplay.from_predictions(both[:216], both[216:], name="a forecaster " * 10)
    figure = display.figure_
    figure.canvas.draw()
    label, legend = display.ax_.yaxis.label, display.ax_.get_legend()
    assert label.get_text().count("\n") == 1
    assert label.get_text().endswith("…")
    for box in (label.get_window_extent(), legend.get_window_extent()):
        assert box.x0 >= 0
        assert box.y0 >= 0
        assert box.x1 <= figure.bbox.width
        assert box.y1 <= figure.bbox.height


def test_the_power_of_ten_of_large_values_leaves_the_legend_alone(load):
    display = ForecastDisplay.from_predictions(1e9 * load[:216], 1e9 * load[216:])
    display.figure_.canvas.draw()
    power, legend = display.ax_.yaxis.get_offset_text(), display.ax_.get_legend()
    assert power.get_text() == "1e9"
    assert power.get_window_extent().x1 <= legend.get_window_extent().x0


def test_given_axes_are_used(load):
    from matplotlib.figure import Figure

    ax = Figure().subplots()
    display = ForecastDisplay.from_predictions(load[:216], load[216:], ax=ax)
    assert display.ax_ is ax
    assert display.figure_ is ax.figure


class LastValue:
    """A forecaster as far as a display can tell."""

    cutoff_ = pd.Timestamp("2024-03-09 23:00", tz="UTC")

    def forecast(self, h=None, X=None):
        index = pd.date_range("2024-03-10", periods=24 if h is None else h, freq="h", tz="UTC")
        return pd.Series(5.0 if X is None else X["rain"].to_numpy(), index, name="load")


def test_an_estimator_is_drawn_between_its_history_and_the_truth(load):
    display = ForecastDisplay.from_estimator(LastValue(), load, h=12)
    assert display.history.index[-1] == LastValue.cutoff_
    assert display.truth is not None
    assert display.truth.index.equals(display.forecast.index)
    assert "LastValue" in lines(display)
    assert ForecastDisplay.from_estimator(LastValue(), load[: LastValue.cutoff_]).truth is None


def test_covariates_are_passed_on(load):
    rain = pd.DataFrame({"rain": np.arange(24.0)}, load.index[216:])
    display = ForecastDisplay.from_estimator(LastValue(), load, X=rain, name="rainy")
    np.testing.assert_array_equal(lines(display)["rainy"].get_ydata(), np.arange(24.0))


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda y: ForecastDisplay.from_predictions(y.to_numpy(), y), TypeError, "history must be a pandas Series"),
        (lambda y: ForecastDisplay.from_predictions(y, y[:0]), ValueError, "forecast has no rows"),
        (lambda y: ForecastDisplay.from_estimator(LastValue(), y.to_numpy()), TypeError, "y must be a pandas Series"),
    ],
    ids=["array", "empty", "estimator with array"],
)
def test_what_cannot_be_drawn_is_refused_in_words(load, call, error, message):
    with pytest.raises(error, match=message):
        call(load)


def test_without_matplotlib_the_extra_is_named():
    code = """
import sys
sys.modules["matplotlib"] = None  # what an import system without it does
import pandas as pd
from rnnforecast.plotting import ForecastDisplay
try:
    ForecastDisplay.from_predictions(pd.Series([1.0, 2.0]), pd.Series([3.0], index=[2]))
except ImportError as error:
    print(error)
"""
    done = subprocess.run([sys.executable, "-W", "error", "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == 'drawing needs matplotlib: install it, or rnnforecast with its "plot" extra'


def test_of_a_panel_one_series_is_drawn():
    panel = pd.Series(1.0, pd.MultiIndex.from_product([["a", "b"], pd.date_range("2024-01-01", periods=5)]))
    with pytest.raises(ValueError, match=r"history is a panel, .* take the rows of one with \.xs\(name\)"):
        ForecastDisplay.from_predictions(panel, panel)
    with pytest.raises(ValueError, match=r"y is a panel"):
        ForecastDisplay.from_estimator(NaiveForecaster().fit(panel), panel)
    display = ForecastDisplay.from_predictions(panel.xs("a").iloc[:3], panel.xs("a").iloc[3:])
    assert display.plot().ax_.lines
