"""Rows that come after the series: covariates of the rows to forecast, and further observations."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import pytest

from rnnforecast.series import Series, calendar_features, read, read_future, read_more

HOURS = pd.date_range("2024-03-30", periods=48, freq="h", tz="Europe/Berlin", name="time")


def table(n: int = 48, *names: str) -> pd.DataFrame:
    values = np.random.default_rng(0).normal(size=(n, len(names)))
    return pd.DataFrame(values, index=HOURS[:n], columns=list(names))


def fitted(**options: Any) -> tuple[Series, pd.DataFrame]:
    frame = table(48, "a", "b", "c")
    return read(frame[:40], np.arange(40.0), **options), frame


def test_future_rows_are_matched_by_name_and_located_by_label() -> None:
    series, frame = fitted()
    rows, known, past = read_future(series, frame[["c", "a", "b"]].iloc[38:45])
    assert rows.dtype == np.int64
    assert list(rows) == list(range(38, 45))
    np.testing.assert_array_equal(known, frame[38:45])
    assert past is None


def test_past_covariates_may_be_absent_from_the_future() -> None:
    series, frame = fitted(past_covariates=["b"], calendar=["hour"])
    _, known, past = read_future(series, frame[["c", "a"]].iloc[40:])
    assert past is None
    np.testing.assert_array_equal(known[:, :2], frame[["a", "c"]].iloc[40:])
    np.testing.assert_array_equal(known[:, 2:], calendar_features(HOURS[40:], ["hour"])[0])
    frame.loc[HOURS[40:], "b"] = np.nan
    assert np.isnan(read_future(series, frame[40:])[2]).all()
    np.testing.assert_array_equal(read_future(series, frame[30:40])[2], frame[["b"]][30:40])


def test_rows_without_labels_are_the_next_ones() -> None:
    series, frame = fitted(calendar=["hour"])
    for X in (frame[40:].to_numpy(), frame[40:].reset_index(drop=True)):
        rows, known, _ = read_future(series, X)
        assert list(rows) == list(range(40, 48))
        np.testing.assert_array_equal(known, read_future(series, frame[40:])[1])


def test_without_y_only_the_labels_of_later_rows_are_read() -> None:
    frame = table(48, "a", "b")
    series = read(frame[:40])
    for X in (frame[40:] * np.nan, pd.DataFrame(index=HOURS[40:])):
        rows, known, past = read_future(series, X)
        assert list(rows) == list(range(40, 48))
        assert known.shape == (8, 0)
        assert past is None


def test_future_gaps_are_filled_only_on_request() -> None:
    series, frame = fitted()
    future = frame[40:].copy()
    future.iloc[2, 1] = np.nan
    with pytest.raises(
        ValueError, match=r"Input X contains NaN: .*first at row 2024-03-31 19:00:00\+02:00 in column 'b'"
    ):
        read_future(series, future)
    series, _ = fitted(missing="interpolate")
    filled = read_future(series, future)[1]
    assert filled[2, 1] == pytest.approx((frame.iloc[41, 1] + frame.iloc[43, 1]) / 2, rel=1e-15)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda X: X.drop(columns="b"), "yet now missing:\n- b\n"),
        (lambda X: X.assign(d=1.0), "unseen at fit time:\n- d\n"),
        (lambda X: X.rename(columns={"c": "d"}), "unseen at fit time:\n- d\n.*yet now missing:\n- c\n"),
        (lambda X: X.to_numpy()[:, :2], "X has 2 features, but NaiveForecaster is expecting 3 features as input"),
        (lambda X: X.to_numpy()[0], "Expected 2D array, got 1D array instead.*\nReshape your data"),
        (lambda X: X.replace(X.iloc[1, 0], np.inf), "Input X contains infinity or a value too large .* column 'a'"),
        (lambda X: X.tz_convert("UTC"), "time zone Europe/Berlin, got UTC"),
        (lambda X: X.iloc[::-1], "must be sorted"),
        (lambda X: X.iloc[:0], "0 sample"),
    ],
)
def test_future_rows_that_do_not_fit_are_refused(change: Callable[[pd.DataFrame], Any], message: str) -> None:
    series, frame = fitted()
    with pytest.raises(ValueError, match=f"(?s){message}"):
        read_future(series, change(frame[40:].copy()), estimator="NaiveForecaster")


@pytest.mark.parametrize("missing", ["error", "interpolate"])
def test_reading_on_equals_reading_the_whole(missing: str) -> None:
    frame, y = table(48, "a", "b", "c"), table(48, "y", "z")
    options = {"past_covariates": ["b"], "calendar": ["hour", "weekday"], "missing": missing}
    whole = read(frame, y, **options)
    more = read_more(read(frame[:30], y[:30], **options), y[["z", "y"]][30:40], frame[["c", "b", "a"]][30:40])
    more = read_more(more, y[40:].to_numpy(), frame[40:].to_numpy())
    assert more.clock.labels.equals(whole.clock.labels)
    for block in ("target", "known", "past"):
        np.testing.assert_array_equal(getattr(more, block), getattr(whole, block))


def test_reading_on_fills_the_gap_between_as_reading_the_whole() -> None:
    y = pd.Series(np.arange(48.0) ** 2, index=HOURS).drop(HOURS[[30, 31, 44]])
    whole = read(y, missing="interpolate")
    more = read_more(read(y[:30], missing="interpolate"), y[30:])
    np.testing.assert_array_equal(more.target, whole.target)
    assert more.clock.labels.equals(HOURS)


def test_a_single_new_row_without_covariates_repeats_the_last() -> None:
    frame = table(48, "a", "b")
    series = read(frame[:40], np.arange(40.0), past_covariates=["a"], missing="interpolate")
    more = read_more(series, [40.0], frame[40:41] * np.nan)
    np.testing.assert_array_equal(more.known[40], frame["b"].iloc[39])
    np.testing.assert_array_equal(more.past[40], frame["a"].iloc[39])


def test_unlabelled_rows_read_on() -> None:
    series = read_more(read([1.0, 2.0]), [3.0, 4.0])
    np.testing.assert_array_equal(series.target[:, 0], [1, 2, 3, 4])
    assert series.clock.positional
    assert series.clock.labels.equals(pd.RangeIndex(4))
    assert read_more(series, pd.Series([5.0])).n_rows == 5


@pytest.mark.parametrize(
    ("y_new", "X_new", "error", "message"),
    [
        (slice(41, 44), slice(41, 44), ValueError, "must continue the series at 2024-03-31 17:00:00"),
        (slice(39, 44), slice(39, 44), ValueError, "must continue the series at"),
        (slice(40, 44), slice(40, 43), ValueError, r"inconsistent numbers of samples: \[3, 4\]"),
        (slice(40, 44), slice(41, 45), ValueError, "X_new and y_new must have the same index"),
        (slice(40, 44), None, ValueError, r"X_new must hold the covariates of y_new \(a, b\)"),
        (None, slice(40, 44), TypeError, "y_new must be a Series.* got None"),
    ],
)
def test_rows_that_do_not_follow_are_refused(y_new: Any, X_new: Any, error: type[Exception], message: str) -> None:
    frame = table(48, "a", "b")
    series = read(frame[:40], frame["a"][:40])
    with pytest.raises(error, match=message):
        read_more(series, None if y_new is None else frame["a"][y_new], None if X_new is None else frame[X_new])


def test_reading_on_checks_the_new_values() -> None:
    frame = table(48, "a", "b")
    series = read(frame[:40])
    with pytest.raises(ValueError, match="X_new must be None"):
        read_more(series, frame[40:], frame[40:])
    with pytest.raises(ValueError, match="must have 2 columns, one per target, got 1"):
        read_more(series, frame["a"][40:])
    with pytest.raises(ValueError, match=r"must have the columns \['a', 'b'\], got \['a', 'c'\]"):
        read_more(series, frame[40:].rename(columns={"b": "c"}))
    with pytest.raises(ValueError, match="Input y_new contains NaN"):
        read_more(series, frame[40:] * np.nan)
    series = read(frame[["a"]][:40], frame["b"][:40], past_covariates=["a"])
    with pytest.raises(ValueError, match="X_new must hold the past covariates a"):
        read_more(series, frame["b"][40:], pd.DataFrame(index=HOURS[40:]))
