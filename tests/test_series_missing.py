"""What is missing: marked, filled as the policy has it, and refused where it may not be."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest

from rnnforecast.series import read, read_future, read_more
from rnnforecast.series.gaps import carried

HOURS = pd.date_range("2024-01-01", periods=60, freq="h")
POLICIES = ["mask", "interpolate"]


def holed(n: int = 60) -> pd.DataFrame:
    """Two columns of which the second starts late and ends early, with holes in both."""
    frame = pd.DataFrame(np.random.default_rng(0).normal(size=(n, 2)), index=HOURS[:n], columns=["a", "b"])
    frame.iloc[:4, 1] = np.nan
    frame.iloc[10:13, 0] = np.nan
    frame.iloc[25:40, 1] = np.nan
    frame.iloc[-3:, 1] = np.nan
    return frame


def test_a_mask_carries_the_last_value_and_knows_what_was_observed() -> None:
    frame = holed()
    series = read(frame, missing="mask")
    np.testing.assert_array_equal(series.observed, frame.notna())
    np.testing.assert_array_equal(series.target, frame.ffill().bfill())


def test_an_interpolation_is_a_line_and_a_carried_end() -> None:
    frame = holed().iloc[4:]
    series = read(frame, missing="interpolate")
    np.testing.assert_array_equal(series.observed, frame.notna())
    np.testing.assert_allclose(series.target, frame.interpolate(), rtol=1e-14)


def test_with_a_mask_no_row_shows_anything_of_later_ones() -> None:
    frame = holed()
    whole = read(frame, missing="mask")
    for n in range(5, 60):
        np.testing.assert_array_equal(read(frame[:n], missing="mask").target, whole.head(n).target)


def test_a_series_begins_where_any_column_has_with_a_mask_and_where_all_have_without() -> None:
    frame = holed()
    frame.iloc[:2] = np.nan
    assert read(frame, missing="mask").n_before == 2
    assert read(frame, missing="interpolate").n_before == 4


def test_nothing_is_marked_where_nothing_may_be_missing() -> None:
    series = read(holed()[["a"]].dropna().reset_index(drop=True))
    assert series.observed is series.seen is series.masked is None


def test_holes_of_the_index_are_missing_values() -> None:
    frame = holed()
    for missing in POLICIES:
        without, with_nan = read(frame.drop(HOURS[20:24]), missing=missing), frame.copy()
        with_nan.iloc[20:24] = np.nan
        again = read(with_nan, missing=missing)
        np.testing.assert_array_equal(without.target, again.target)
        np.testing.assert_array_equal(without.observed, again.observed)


def test_past_covariates_are_masked_and_known_ones_must_be_there() -> None:
    y, X = holed()["a"], pd.DataFrame({"k": np.arange(60.0), "p": holed()["b"]}, index=HOURS)
    series = read(X, y, past_covariates=["p"], missing="mask")
    np.testing.assert_array_equal(series.observed, np.column_stack([y.notna(), X["p"].notna()]))
    np.testing.assert_array_equal(series.past[:, 0], X["p"].ffill().bfill())
    X.iloc[7, 0] = np.nan
    message = r"known in advance, but it lacks 1 of 60 values, first at row 2024-01-01 07:00.*past_covariates"
    with pytest.raises(ValueError, match=message):
        read(X, y, past_covariates=["p"], missing="mask")
    X = X.fillna(0.0)
    with pytest.raises(ValueError, match="lacks 2 of 60 values, first at row 2024-01-01 05:00"):
        read(X.drop(HOURS[5:7]), y.drop(HOURS[5:7]), past_covariates=["p"], missing="mask")
    series = read(X[:50], y[:50], past_covariates=["p"], missing="mask")
    later = X[50:].copy()
    later.iloc[1, 0] = np.nan
    with pytest.raises(ValueError, match=r"X must hold every value .* 2024-01-03 03:00"):
        read_future(series, later)
    with pytest.raises(ValueError, match="X_new must hold every value"):
        read_more(series, y[50:], later)


@pytest.mark.parametrize("missing", POLICIES)
@pytest.mark.parametrize("cut", [6, 11, 30, 41, 58])
def test_reading_on_equals_reading_the_whole_wherever_it_is_cut(missing: str, cut: int) -> None:
    y, X = holed(), pd.DataFrame({"k": np.arange(60.0), "p": holed()["b"].iloc[::-1].to_numpy()}, index=HOURS)
    y.iloc[0, 1] = 1.0  # both columns begin with the series
    options: dict[str, Any] = {"past_covariates": ["p"], "missing": missing, "calendar": ["hour"]}
    whole = read(X, y, **options)
    part = read(X[:cut], y[:cut], **options)
    middle = min(cut + 7, 59)
    more = read_more(read_more(part, y[cut:middle], X[cut:middle]), y[middle:], X[middle:])
    for block in ("target", "known", "observed"):
        np.testing.assert_array_equal(getattr(more, block), getattr(whole, block))
    begun = int(X["p"].notna().argmax())  # before it, the first value is carried back once it is known
    np.testing.assert_array_equal(more.past[max(begun, cut) :], whole.past[max(begun, cut) :])


@pytest.mark.parametrize("missing", POLICIES)
def test_sentinels_are_missing_values(missing: str) -> None:
    frame = holed()
    coded = frame.fillna(-999.0)
    coded.iloc[50, 0] = -1.0
    frame.iloc[50, 0] = np.nan
    mine, theirs = read(coded, missing=missing, missing_values=(-999, -1.0)), read(frame, missing=missing)
    np.testing.assert_array_equal(mine.target, theirs.target)
    np.testing.assert_array_equal(mine.observed, theirs.observed)
    whole = read(coded[:30], missing=missing, missing_values=(-999, -1.0))
    np.testing.assert_array_equal(read_more(whole, coded[30:]).target, theirs.target)
    assert (coded == -999).any(axis=None)  # the input is left alone


def test_sentinels_are_errors_where_missing_values_are() -> None:
    with pytest.raises(ValueError, match="contains NaN: 2 of 4 values, first at row 1, 3"):
        read([1.0, -999.0, 3.0, -999.0], missing_values=-999)
    with pytest.raises(TypeError, match="missing_values must be a number such as -999, or several, got 'none'"):
        read([1.0, 2.0], missing_values="none")


@pytest.mark.parametrize("missing", ["error", *POLICIES])
def test_a_coarser_frequency_is_no_series_of_holes(missing: str) -> None:
    y = pd.Series(np.arange(60.0), index=HOURS)
    with pytest.raises(ValueError, match="the rows of X are 2 or more steps of h apart"):
        read(y[::2], freq="h", missing=missing)
    with pytest.raises(ValueError, match="the rows of y_new are 3 or more steps of h apart"):
        read_more(read(y[:30], missing=missing), y[30::3])


@pytest.mark.parametrize("missing", POLICIES)
def test_a_gap_longer_than_the_series_is_refused(missing: str) -> None:
    y = pd.Series(np.arange(60.0), index=HOURS)
    assert read_more(read(y[:20], missing=missing), y[40:]).n_rows == 60
    with pytest.raises(ValueError, match="y_new begins 21 rows after the series ends, which has only 20 rows itself"):
        read_more(read(y[:20], missing=missing), y[41:])


def test_carrying_is_what_pandas_calls_filling_forward() -> None:
    values = np.random.default_rng(0).normal(size=(200, 3))
    values[np.random.default_rng(1).random(values.shape) < 0.6] = np.nan
    np.testing.assert_array_equal(carried(values, list("abc"), "y"), pd.DataFrame(values).ffill().bfill())
