"""A display of anomalies puts score, threshold and intervals under and across the series they belong to."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from rnnforecast.plotting import AnomalyDisplay
from tests.plotting.reading import lines, spans


def scored(load):
    """A score with two intervals above 2, of which the second is one row, and ten rows that were not scored."""
    score = pd.Series(1.0, load.index)
    score.iloc[:10], score.iloc[50:60], score.iloc[200] = np.nan, 3.0, 4.0
    edges = {"start": [50, 200], "end": [59, 200], "peak": [55, 200]}
    return score, pd.DataFrame({name: load.index[rows] for name, rows in edges.items()})


def test_a_score_lies_below_its_series_and_intervals_across_both(load):
    from matplotlib.dates import date2num

    score, intervals = scored(load)
    display = AnomalyDisplay.from_predictions(load, score, threshold=2.0, intervals=intervals)
    display.figure_.canvas.draw()
    drawn = lines(display)
    np.testing.assert_array_equal(drawn["observed"].get_ydata(), load)
    np.testing.assert_array_equal(drawn["peak"].get_ydata(), load.iloc[[55, 200]])
    below = {line.get_label(): line.get_ydata() for line in display.score_ax_.get_lines()}
    np.testing.assert_array_equal(below["anomaly score"], score)
    np.testing.assert_array_equal(below["threshold"], np.full(240, 2.0))
    times = date2num(load.index.tz_localize(None).to_numpy())
    for ax in (display.ax_, display.score_ax_):
        np.testing.assert_allclose(spans(ax, "detected"), [[times[50], times[59]], [times[200], times[200]]])
    assert display.ax_.get_xlim() == display.score_ax_.get_xlim()
    assert (display.ax_.get_xlabel(), display.score_ax_.get_xlabel()) == ("", "time (UTC)")


def test_known_anomalies_are_drawn_as_runs(load):
    truth = pd.Series(False, load.index)
    truth.iloc[[0, 1, 100, 239]] = True
    display = AnomalyDisplay.from_predictions(load, load, truth=truth)
    start = lines(display)["observed"].get_xdata()
    expected = [[start[0], start[1]], [start[100], start[100]], [start[239], start[239]]]
    np.testing.assert_allclose(spans(display.ax_, "known anomaly"), expected)


def test_a_detector_is_asked_for_score_intervals_and_threshold(load):
    score, intervals = scored(load)
    frame = pd.DataFrame({"load": load, "price": 2 * load})
    detector = SimpleNamespace(
        anomaly_score=lambda X: score, decision_function=lambda X: 2.5 - score.to_numpy(), detect=lambda X: intervals
    )
    display = AnomalyDisplay.from_estimator(detector, frame, column="price")
    assert display.ax_.get_ylabel() == "price"
    threshold = {line.get_label(): line for line in display.score_ax_.get_lines()}["threshold"].get_ydata()
    np.testing.assert_array_equal(threshold, np.where(score.isna(), np.nan, 2.5))
    assert display.intervals is intervals
    few = intervals[:1]
    assert AnomalyDisplay.from_estimator(detector, frame, intervals=few, column="price").intervals is few
    with pytest.raises(ValueError, match=r"X has 2 columns \['load', 'price'\]: name the one to draw"):
        AnomalyDisplay.from_estimator(detector, frame)


def test_scores_far_above_the_threshold_do_not_press_the_others_flat(load):
    score, _ = scored(load)
    display = AnomalyDisplay.from_predictions(load, 50.0 * score, threshold=2.0)
    assert display.score_ax_.get_yscale() == "asinh"
    assert [text.get_text() for text in display.score_ax_.get_yticklabels()] == [
        "0",
        "1",
        "10",
        "100",
        "3",
        "30",
        "300",
    ]
    assert AnomalyDisplay.from_predictions(load, score, threshold=2.0).score_ax_.get_yscale() == "linear"


@pytest.mark.parametrize("kind", ["period", "integer", "irregular"])
def test_intervals_lie_on_every_kind_of_index(load, kind):
    index = {
        "period": pd.period_range("2020-01", periods=240, freq="M"),
        "integer": pd.RangeIndex(10, 250),
        "irregular": load.index.repeat(2)[:240],
    }[kind]
    series = load.set_axis(index)
    intervals = pd.DataFrame({"start": index[[5, 100]], "end": index[[9, 120]], "peak": index[[6, 110]]})
    display = AnomalyDisplay.from_predictions(series, series, threshold=0.5, intervals=intervals)
    display.figure_.canvas.draw()
    x = lines(display)["observed"].get_xdata()
    np.testing.assert_allclose(spans(display.ax_, "detected"), [[x[5], x[9]], [x[100], x[120]]])


def test_a_detector_may_find_nothing(load):
    score, intervals = scored(load)
    display = AnomalyDisplay.from_predictions(load, score, intervals=intervals[:0])
    assert not display.ax_.patches
    assert list(lines(display)) == ["observed"]
    with pytest.raises(ValueError, match=r"intervals must have the columns start and end, got \['peak'\]"):
        AnomalyDisplay.from_predictions(load, score, intervals=intervals[["peak"]])


def test_one_axes_takes_the_series_and_two_take_both(load):
    from matplotlib.figure import Figure

    score, intervals = scored(load)
    ax = Figure().subplots()
    display = AnomalyDisplay.from_predictions(load, score, intervals=intervals, ax=ax)
    assert (display.ax_, display.score_ax_) == (ax, None)
    pair = Figure().subplots(1, 2)
    display = AnomalyDisplay.from_predictions(load, score, ax=pair)
    assert [display.ax_, display.score_ax_] == list(pair)
    with pytest.raises(ValueError, match="ax must be one Axes or two, got 3"):
        display.plot(Figure().subplots(3))
