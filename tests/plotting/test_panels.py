"""A display of a panel draws each series on axes of its own."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from rnnforecast import NaiveForecaster
from rnnforecast.plotting import PanelDisplay


@pytest.fixture
def panel(load):
    """Eight series; the last ends a day early."""
    series = {f"s{k}": load + k for k in range(7)} | {"early": load[:-24] - 1}
    return pd.concat(series, names=["name"])


def by_label(ax):
    return {line.get_label(): line.get_ydata() for line in ax.get_lines()}


def test_the_first_series_are_drawn_each_with_its_history_and_truth(panel, load):
    past = panel[panel.index.get_level_values(1) < load.index[-12]]
    display = PanelDisplay.from_estimator(NaiveForecaster(6).fit(past), panel, level=80, last=24)
    assert [ax.get_title(loc="left") for ax in display.axes_] == ["early", *(f"s{k}" for k in range(5))]
    assert len(display.figure_.axes) == 6
    np.testing.assert_array_equal(by_label(display.axes_[2])["observed"], load[-36:-6] + 1)
    np.testing.assert_array_equal(by_label(display.axes_[0])["observed"], load[-48:-24] - 1)
    assert all(len(ax.collections) == 1 and ax.get_legend() is None for ax in display.axes_)
    (legend,) = display.figure_.legends
    assert [text.get_text() for text in legend.get_texts()] == ["observed", "NaiveForecaster", "80 % interval"]


def test_series_are_chosen_by_name(panel):
    forecaster = NaiveForecaster(6).fit(panel)
    display = PanelDisplay.from_estimator(forecaster, panel, series=["s6", "early"])
    assert list(display.displays) == ["s6", "early"]
    assert display.displays["early"].truth is None
    np.testing.assert_array_equal(by_label(display.axes_[0])["NaiveForecaster"], forecaster.forecast().xs("s6"))
    with pytest.raises(ValueError, match=r"series must be among the 8 forecast, .* got 'north'"):
        PanelDisplay.from_estimator(forecaster, panel, series=["s1", "north"])


def test_references_are_drawn_in_every_panel(panel, load):
    forecaster = NaiveForecaster(6).fit(panel)
    forecast = forecaster.forecast()
    display = PanelDisplay.from_predictions(panel, forecast, references={"higher": forecast + 1}, series=["s0", "s1"])
    for name, ax in zip(["s0", "s1"], display.axes_, strict=True):
        np.testing.assert_array_equal(by_label(ax)["higher"], forecast.xs(name) + 1)


def test_axes_that_are_given_are_used_one_for_each(panel):
    from matplotlib.figure import Figure

    forecaster = NaiveForecaster(6).fit(panel)
    pair = Figure(layout="constrained").subplots(2)
    display = PanelDisplay.from_estimator(forecaster, panel, series=["s0", "s1"], ax=pair)
    assert display.axes_ == list(pair)
    with pytest.raises(ValueError, match="ax must be one Axes for each of the 2 series, got 3"):
        display.plot(Figure().subplots(3))


def test_a_single_series_is_for_another_display(load):
    with pytest.raises(ValueError, match=r"y must be a panel, .* draw one series with ForecastDisplay"):
        PanelDisplay.from_estimator(NaiveForecaster().fit(load), load)
    with pytest.raises(ValueError, match="history must be a panel"):
        PanelDisplay.from_predictions(load, load)
