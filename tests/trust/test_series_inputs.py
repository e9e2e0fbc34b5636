"""What the reading door must refuse: type and sentence, for X and for y."""

from __future__ import annotations

import datetime
from decimal import Decimal
from typing import Any

import numpy as np
import pandas as pd
import pytest
import scipy.sparse

from rnnforecast.series import read

DAYS = pd.date_range("2024-01-01", periods=5, freq="D")
CATEGORIES = pd.Series([1, 2, 1, 2, 1], dtype="category")


def on(values: Any, index: Any = DAYS, name: str = "load") -> pd.Series:
    return pd.Series(values, index=index, name=name)


class Elsewhere:
    """A tensor on another device."""

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> np.ndarray:
        raise TypeError("can't convert a device tensor")


# Refused alike as y, as X, and as the target without y.
CONTAINERS = {
    "a number": (3.5, TypeError, "must be a Series, .* got float 3.5"),
    "a NumPy number": (np.float64(3.5), TypeError, "must be a Series, .* got float64"),
    "a string": ("abc", TypeError, "got str 'abc'"),
    "a dict": ({"a": [1, 2]}, TypeError, "got dict"),
    "a set": ({1, 2}, TypeError, "got set"),
    "a generator": ((i for i in range(3)), TypeError, "got generator"),
    "a class": (pd.Series, TypeError, "got type"),
    "an object": (object(), TypeError, "got object"),
    "a 0-d array": (np.array(1.0), TypeError, "must be a Series, .* got ndarray"),
    "an empty list": ([], ValueError, "0 sample"),
    "an empty array": (np.empty((0, 3)), ValueError, r"Found array with 0 sample\(s\) \(shape=\(0, 3\)\)"),
    "an empty Series": (pd.Series([], dtype=float), ValueError, "0 sample"),
    "an empty frame": (pd.DataFrame({"a": []}), ValueError, "0 sample"),
    "no columns": (np.empty((12, 0)), ValueError, r"0 feature\(s\) \(shape=\(12, 0\)\) while a minimum"),
    "three dimensions": (np.zeros((5, 2, 2)), ValueError, "Found array with dim 3"),
    "dicts as values": (np.array([{"a": 1}, 2], object), TypeError, "a string or a real number.*'dict'.* row 0"),
    "lists as values": (pd.Series([[1], [2]]), TypeError, "must hold numbers.*'list'"),
    "arrays as values": (pd.Series([np.ones(2), np.ones(2)]), TypeError, "must hold numbers.*'ndarray'"),
    "numeric strings": (["1", "2"], ValueError, "must hold numbers, got the string '1' at row 0"),
    "one string": ([1.0, "2"], ValueError, "got the string '2' at row 1; .* pd.to_numeric"),
    "decimal commas": (on([1, "1,5", 2, 3, 4]), ValueError, "got the string '1,5' at row 2024-01-02; .*decimal=\",\""),
    "dates as strings": (on(["2024-01-01 00:00"] * 5), ValueError, "2024-01-01; make dates the index.*pd.to_datetime"),
    "string dtype": (on(["1"] * 5).astype("string"), ValueError, "got the string '1'"),
    "a string column": (pd.DataFrame({"a": [1, 2], "b": [1, "x"]}), ValueError, "string 'x' at row 1, column 'b'"),
    "bytes": (np.array([b"1"]), ValueError, "got the string b'1'"),
    "categories": (CATEGORIES, ValueError, "must hold numbers, got categories; .*get_dummies"),
    "a categorical array": (pd.Categorical([1, 2]), ValueError, "got categories"),
    "a category column": (CATEGORIES.to_frame("c"), ValueError, "column 'c', must hold numbers, got categories"),
    "complex": (np.array([1 + 1j, 2]), ValueError, "Complex data not supported"),
    "complex Python numbers": (np.array([1, 1j], object), ValueError, "Complex data not supported"),
    "dates": (DAYS, TypeError, "must hold numbers, got dates"),
    "a date column": (pd.DataFrame({"t": DAYS}), TypeError, "column 't' must hold numbers, got dates or durations"),
    "dates with a zone": (pd.Series(DAYS.tz_localize("UTC")), TypeError, "got dates"),
    "date objects": ([datetime.date(2024, 1, 1)], TypeError, "got dates"),
    "durations": (pd.Series(DAYS - DAYS[0]), TypeError, "got dates or durations"),
    "periods": (pd.Series(DAYS.to_period("M")), TypeError, "got dates"),
    "intervals": (pd.interval_range(0, 3), TypeError, "must hold numbers.*'Interval'"),
    "a sparse matrix": (scipy.sparse.csr_matrix(np.eye(3)), TypeError, "Sparse data was passed"),
    "a sparse array": (scipy.sparse.coo_array(np.eye(3)), TypeError, "Sparse data was passed"),
    "a structured array": (np.zeros(3, [("a", float)]), TypeError, "got a structured array"),
    "a record array": (np.zeros(3, [("a", float)]).view(np.recarray), TypeError, "got a structured array"),
    "np.matrix": (np.eye(3).view(np.matrix), TypeError, "np.matrix is not supported"),
    "a tensor elsewhere": (Elsewhere(), TypeError, "of type Elsewhere cannot be read as an array"),
    "ragged lists": ([[1, 2], [3]], ValueError, "rows of equal length, got lengths 1, 2; pass one series per fit"),
    "a list of unequal series": ([pd.Series([1, 2]), pd.Series([3])], ValueError, "equal length, got lengths 1, 2"),
    "repeated columns": (pd.DataFrame(np.eye(3), columns=list("aba")), ValueError, "distinct column names, got a more"),
    "infinity": (on([1, 2, np.inf, 4, 5]), ValueError, r"infinity or a value too large for dtype\('float64'\): 1 of"),
    "minus infinity": ([1.0, -np.inf], ValueError, "contains infinity .* first at row 1"),
    "a huge integer": ([10**400, 1], ValueError, "contains infinity or a value too large"),
    "a huge Decimal": ([Decimal("1e400")], ValueError, "contains infinity or a value too large"),
    "1e301": ([1.0, 1e301], ValueError, "contains a value beyond 1e.300.*rescale"),
    "one NaN": (on([1, np.nan, 3, 4, 5]), ValueError, "NaN: 1 of 5 values, first at row 2024-01-02.*interpolate"),
    "NaN at the start": ([np.nan, np.nan, 1.0], ValueError, "contains NaN only at the start: .* trim it to rows 2:3"),
    "NaN at the end": ([1.0, 2.0, np.nan], ValueError, "contains NaN only at the end: .* trim it to rows 0:2"),
    "NaN at both ends": ([np.nan, 2.0, np.nan], ValueError, "only at the start and end: .* trim it to rows 1:2"),
    "all NaN": ([np.nan] * 3, ValueError, "contains NaN: every value is missing"),
    "a NaN column": (pd.DataFrame({"a": [1.0], "b": [np.nan]}), ValueError, "every value in column 'b' is missing"),
}  # fmt: skip


def length(data: Any) -> int:
    """Return the rows of X that go with `data` as y."""
    try:
        return max(len(data), 1)
    except TypeError:  # what has no length is refused before lengths are compared
        return 1


@pytest.mark.parametrize("case", CONTAINERS)
@pytest.mark.parametrize("argument", ["X", "y"])
def test_what_holds_no_numbers_is_refused_by_name(case: str, argument: str) -> None:
    data, error, message = CONTAINERS[case]
    arguments = (data,) if argument == "X" else (np.zeros((length(data), 1)), data)
    with pytest.raises(error, match=f"(?s){message}") as caught:
        read(*arguments)
    if "Found array" not in str(caught.value) and "Complex" not in str(caught.value):
        assert argument in str(caught.value)


def test_no_data_at_all_is_a_type_error() -> None:
    with pytest.raises(TypeError, match=r"X must be a Series, .* got None"):
        read(None)
    with pytest.raises(TypeError, match=r"X must be a Series, .* got None"):
        read(None, np.zeros(3))


TIMES = {
    "unsorted": (DAYS[[1, 0, 2, 3, 4]], "must be sorted, but 2024-01-01 comes after 2024-01-02; use y.sort_index"),
    "repeated": (DAYS[[0, 1, 1, 2, 2]], r"repeats 2 labels \(first: 2024-01-02, 2024-01-03\); keep one row per label"),
    "NaT": (DAYS.insert(2, pd.NaT)[:5], "holds NaT at row 2"),
    "date strings": (DAYS.astype(str), "holds strings, not time stamps; convert it with y.index = pd.to_datetime"),
    "date objects": (pd.Index(DAYS.date), "holds date objects, not time stamps; convert it .*to_datetime"),
    "mixed time zones": (
        pd.Index([pd.Timestamp("2024-01-01", tz="UTC"), *DAYS[1:].tz_localize("Asia/Tokyo")], dtype=object),
        "convert it .* adding utc=True for mixed time zones",
    ),
    "floats": (pd.Index([0.0, 1.0, 2.0, 3.0, 4.0]), "must hold dates, periods or integers, got floats; .*reset_index"),
    "durations": (DAYS - DAYS[0], "must hold dates, periods or integers, got timedelta"),
    "categories": (pd.CategoricalIndex(range(5)), "must hold dates, periods or integers, got categor"),
    "booleans": (pd.Index([True, False, True, False, True]), "must hold dates, periods or integers, got boolean"),
    "missing integers": (pd.Index([1, 2, None, 4, 5], dtype="Int64"), "must hold dates, periods or integers"),
    "three levels": (pd.MultiIndex.from_product([["a"], ["b"], DAYS]), "must have two levels, series and time, got 3"),
    "irregular integers": (pd.Index([0, 1, 3, 7, 12]), "no common step; number the rows with reset_index"),
    "a hole": (DAYS[:4].append(pd.DatetimeIndex(["2024-01-06"])), r"holes: 1 of 6 labels .*\(first: 2024-01-05\)"),
    "a hole in integers": (pd.Index([0, 1, 2, 3, 5]), r"holes: 1 of 6 labels are missing \(first: 4\)"),
    "a hole in periods": (pd.period_range("2024-01-01", periods=6, freq="D").delete(2), "has holes: 1 of 6"),
    "a fold cut out": (pd.date_range("2024-01-06", periods=7).delete([2, 3]), "holes: 2 of 7 .*TimeSeriesSplit"),
    "nights": (pd.to_datetime([f"2024-01-0{d} {h}:00" for d in "123" for h in "89"])[:5], "step over .*reset_index"),
    "irregular": (DAYS[0] + pd.to_timedelta([0, 1, 8, 19, 60], unit="D"), "not regular"),
}  # fmt: skip


@pytest.mark.parametrize("case", TIMES)
def test_what_is_no_time_axis_is_refused(case: str) -> None:
    index, message = TIMES[case]
    X, y = pd.DataFrame(index=index), on(np.arange(5.0), index)
    with pytest.raises(ValueError, match=message):
        read(X, y)


def test_a_local_hour_that_happens_twice_is_named_with_its_remedy() -> None:
    index = pd.date_range("2024-10-26 12:00", periods=40, freq="h", tz="Europe/Berlin").tz_localize(None)
    y = on(np.arange(40.0), index)
    with pytest.raises(
        ValueError, match=r"repeats 1 labels \(first: 2024-10-27 02:00:00\); .*tz_localize\(zone, ambiguous='infer'\)"
    ):
        read(y)
    assert read(y.tz_localize("Europe/Berlin", ambiguous="infer")).n_rows == 40


def test_x_and_y_must_agree() -> None:
    with pytest.raises(ValueError, match=r"Found input variables with inconsistent numbers of samples: \[4, 5\]"):
        read(np.zeros((4, 1)), np.zeros(5))
    later = on(np.zeros(5), DAYS.shift(1))
    with pytest.raises(ValueError, match="same index, but row 0 is 2024-01-01 in X and 2024-01-02 in y"):
        read(pd.DataFrame(index=DAYS), later)
    other = DAYS.delete(4).insert(4, pd.Timestamp("2024-02-01"))
    with pytest.raises(ValueError, match="same index, but row 4 is 2024-01-05 in X and 2024-02-01 in y"):
        read(pd.DataFrame(index=DAYS), on(np.zeros(5), other))
    with pytest.raises(ValueError, match="same index, but row 0 is 2024-01-01 in X and 0 in y"):
        read(pd.DataFrame(index=DAYS), on(np.zeros(5), None))


def test_a_target_is_needed() -> None:
    with pytest.raises(ValueError, match="requires y to be passed, but the target y is None"):
        read(np.zeros((5, 1)))
    with pytest.raises(ValueError, match="requires y to be passed, but the target y is None"):
        read([[1.0], [2.0]])
    with pytest.raises(ValueError, match="requires y to be passed, but the target y is None"):
        read(pd.DataFrame(index=DAYS))
    with pytest.raises(ValueError, match="y must have at least one column"):
        read(np.zeros((5, 1)), pd.DataFrame(index=DAYS))


def test_flat_features_are_refused_as_scikit_learn_does() -> None:
    with pytest.raises(ValueError, match=r"Expected 2D array, got 1D array instead.*\nReshape your data"):
        read(np.zeros(5), np.zeros(5))


@pytest.mark.parametrize("missing", ["mask", "interpolate"])
def test_a_column_without_any_value_is_refused(missing: str) -> None:
    for data, y in (([np.nan] * 3, None), (np.full((3, 1), np.nan), np.zeros(3))):
        with pytest.raises(ValueError, match=r"every value is missing|must hold every value"):
            read(data, y, missing=missing)


def test_options_are_checked() -> None:
    frame = pd.DataFrame({"a": np.zeros(5)}, index=DAYS)
    with pytest.raises(ValueError, match="missing must be one of 'error', 'mask', 'interpolate', got 'drop'"):
        read(frame, missing="drop")
    with pytest.raises(ValueError, match=r"past_covariates must name columns of X \(a\), got 'wind'"):
        read(frame, np.zeros(5), past_covariates=["wind"])
    with pytest.raises(ValueError, match="past_covariates must be distinct"):
        read(frame, np.zeros(5), past_covariates=["a", "a"])
    with pytest.raises(ValueError, match="without y X is the target"):
        read(frame, past_covariates=["a"])
    with pytest.raises(ValueError, match=r"calendar must name fields among .* got 'moon'"):
        read(frame, calendar=["moon"])
    with pytest.raises(ValueError, match="needs dates"):
        read([1.0, 2.0], calendar=["hour"])
    with pytest.raises(TypeError, match="Feature names are only supported if all input features have string names"):
        read(pd.DataFrame(np.zeros((5, 2)), columns=["a", 1]), np.zeros(5))
