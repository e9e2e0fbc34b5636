"""Pictures of trainings, gradients and attention show their numbers at the right place."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from rnnforecast.plotting import AttentionDisplay, GradientFlowDisplay, LossCurveDisplay
from tests.plotting.reading import lines


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


def test_what_was_not_learnt_is_named():
    with pytest.raises(ValueError, match="has no loss_curve_: fit it first"):
        LossCurveDisplay.from_estimator(SimpleNamespace())
    with pytest.raises(ValueError, match="has no attention_: fit it with attention and let it forecast first"):
        AttentionDisplay.from_estimator(SimpleNamespace())


def test_logarithms_have_plain_numbers_where_decades_are_few():
    display = LossCurveDisplay(loss=[30.0, 5.0, 0.6]).plot()
    display.figure_.canvas.draw()
    low, high = display.ax_.get_ylim()
    ticks = zip(display.ax_.get_yticks(), display.ax_.get_yticklabels(), strict=True)
    assert [name.get_text() for at, name in ticks if low <= at <= high] == ["0.5", "1", "2", "5", "10", "20"]


def test_many_validations_are_a_plain_line():
    few, many = (lines(LossCurveDisplay(loss=[1.0], validation=np.ones(n)).plot())["held out"] for n in (30, 31))
    assert (few.get_marker(), many.get_marker()) == ("o", "None")


def test_rows_before_the_forecast_are_counted_upwards_into_the_past():
    display = AttentionDisplay(weights=np.full((2, 4), 0.25), lookback=8).plot()
    display.figure_.canvas.draw()
    assert display.ax_.xaxis.get_major_formatter()(-6.0) == "6"
