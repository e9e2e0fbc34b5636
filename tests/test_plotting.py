"""What a display draws is what it was given, at the right time, and it asks in words for what is missing."""

from __future__ import annotations

import subprocess
import sys
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from rnnforecast import NaiveForecaster
from rnnforecast.plotting import (
    AnomalyDisplay,
    AttentionDisplay,
    BacktestDisplay,
    ForecastDisplay,
    GradientFlowDisplay,
    LossCurveDisplay,
)

matplotlib = pytest.importorskip("matplotlib", reason="displays need matplotlib")


@pytest.fixture(autouse=True)
def _no_windows():
    from matplotlib import pyplot

    pyplot.switch_backend("agg")
    yield
    pyplot.close("all")


@pytest.fixture
def load():
    """Ten days of hours, the last of which is to be forecast."""
    index = pd.date_range("2024-03-01", periods=240, freq="h", tz="UTC", name="time")
    return pd.Series(np.sin(np.arange(240) * np.pi / 12), index, name="load")


def lines(display):
    return {line.get_label(): line for line in display.ax_.get_lines() if not line.get_label().startswith("_")}


def test_observed_is_the_end_of_the_history_and_the_truth(load):
    display = ForecastDisplay.from_predictions(load[:216], load[216:] + 1, load[216:])
    observed = lines(display)["observed"].get_ydata()
    np.testing.assert_array_equal(observed, load[216 - 96 :])  # four forecasts of 24 hours back
    np.testing.assert_array_equal(lines(display)["forecast"].get_ydata(), load[216:] + 1)


def test_last_bounds_the_history(load):
    display = ForecastDisplay.from_predictions(load[:216], load[216:], last=10)
    assert len(lines(display)["observed"].get_ydata()) == 10


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


def test_one_step_is_a_visible_point(load):
    display = ForecastDisplay.from_predictions(load[:239], load[239:])
    assert lines(display)["forecast"].get_marker() == "o"


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


def by_step(levels=None):
    errors = pd.DataFrame({"forecast": [1.0, 2.0], "seasonal_naive": [3.0, 3.0], "skill": [0.6, 0.3]})
    errors.index = (
        pd.Index([1, 2], name="step") if levels is None else pd.MultiIndex.from_tuples(levels, names=["target", "step"])
    )
    return SimpleNamespace(by_step=lambda: errors, model="LastValue")


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


def test_a_loss_curve_has_epochs_at_their_middle_and_marks_the_best_validation():
    trained = SimpleNamespace(loss_curve_=[3.0, 2.0, 1.5, 1.4], validation_scores_=[4.0, 2.5, 2.0, 2.2, 2.3])
    drawn = lines(LossCurveDisplay.from_estimator(trained))
    np.testing.assert_array_equal(drawn["training"].get_xdata(), [0.5, 1.5, 2.5, 3.5])
    np.testing.assert_array_equal(drawn["held out"].get_xdata(), [0.0, 1.0, 2.0, 3.0, 4.0])
    np.testing.assert_array_equal(drawn["best"].get_xydata(), [[2.0, 2.0]])


def test_a_loss_curve_without_validation_is_one_line_and_logarithmic_if_it_falls_far():
    display = LossCurveDisplay.from_estimator(SimpleNamespace(loss_curve_=[3.0, 0.01], validation_scores_=[]))
    assert list(lines(display)) == ["training"]
    assert display.ax_.get_yscale() == "log"
    assert LossCurveDisplay(loss=[3.0, 2.0]).plot().ax_.get_yscale() == "linear"
    assert LossCurveDisplay(loss=[3.0, -2.0]).plot().ax_.get_yscale() == "linear"  # a likelihood may be negative


def test_a_gradient_flow_is_drawn_layer_by_layer_and_ends_where_it_is_zero():
    norms = pd.DataFrame({"lstm 1": [1.0, 0.5, 0.25], "gru 2": [1.0, 1e-20, 0.0]}, pd.RangeIndex(0, 9, 3, name="lag"))
    asked = []
    model = SimpleNamespace(gradient_flow=lambda X: asked.append(X) or norms)
    display = GradientFlowDisplay.from_estimator(model, "other data")
    assert asked == ["other data"]
    drawn = lines(display)
    np.testing.assert_array_equal(drawn["lstm 1"].get_xydata(), [[0, 1.0], [3, 0.5], [6, 0.25]])
    np.testing.assert_array_equal(drawn["gru 2"].get_ydata(), [1.0, 1e-20, np.nan])
    assert display.ax_.get_yscale() == "log"
    display.figure_.canvas.draw()
    with pytest.raises(ValueError, match="norms must be a DataFrame of norms by lag, got list"):
        GradientFlowDisplay.from_norms([1.0])


def test_attention_is_drawn_over_the_rows_that_were_read():
    weights = np.random.default_rng(0).dirichlet(np.ones(4), size=(2, 3))  # two targets, three steps, four segments
    model = SimpleNamespace(attention_=weights, lookback_=24)
    display = AttentionDisplay.from_estimator(model, position=1)
    (mesh,) = display.ax_.collections
    np.testing.assert_array_equal(mesh.get_array().ravel(), weights[1].ravel())
    np.testing.assert_array_equal(mesh.get_coordinates()[0, :, 0], [-24.0, -18.0, -12.0, -6.0, 0.0])
    assert display.figure_ is display.ax_.figure
    with pytest.raises(ValueError, match="position must be one of the 2 targets with weights, got 2"):
        AttentionDisplay.from_estimator(model, position=2)


def test_attention_that_looks_back_once_is_drawn_as_steps():
    model = SimpleNamespace(attention_=np.array([[[0.1, 0.2, 0.7]]]), lookback_=6)
    display = AttentionDisplay.from_estimator(model)
    (stairs,) = display.ax_.patches
    np.testing.assert_array_equal(stairs.get_data().values, [0.1, 0.2, 0.7])
    np.testing.assert_array_equal(stairs.get_data().edges, [-6.0, -4.0, -2.0, 0.0])


def scored(load):
    """A score with two intervals above 2, of which the second is one row, and ten rows that were not scored."""
    score = pd.Series(1.0, load.index)
    score.iloc[:10], score.iloc[50:60], score.iloc[200] = np.nan, 3.0, 4.0
    edges = {"start": [50, 200], "end": [59, 200], "peak": [55, 200]}
    return score, pd.DataFrame({name: load.index[rows] for name, rows in edges.items()})


def spans(ax, label):
    """Return the edges (k, 2) of what is shaded; the legend names the first of a kind only."""
    color = next(patch.get_facecolor() for patch in ax.patches if patch.get_label() == label)
    shaded = [p for p in ax.patches if p.get_facecolor() == color]
    # matplotlib has made of them rectangles, and before polygons
    return [p.get_path().get_extents(p.get_patch_transform()).intervalx.tolist() for p in shaded]


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


def test_what_was_not_learnt_is_named():
    with pytest.raises(ValueError, match="has no loss_curve_: fit it first"):
        LossCurveDisplay.from_estimator(SimpleNamespace())
    with pytest.raises(ValueError, match="has no attention_: fit it with attention and let it forecast first"):
        AttentionDisplay.from_estimator(SimpleNamespace())


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
