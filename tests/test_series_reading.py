"""Reading: equal values from every container, covariates by name, missing values, and the way back to pandas."""

from __future__ import annotations

import os
import tracemalloc
from collections.abc import Callable
from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from rnnforecast.series import calendar_features, index_of, read, read_future, to_pandas

HOURS = pd.date_range("2024-03-30", periods=48, freq="h", tz="Europe/Berlin", name="time")


def table(n: int = 48, *names: str) -> pd.DataFrame:
    values = np.random.default_rng(0).normal(size=(n, len(names)))
    return pd.DataFrame(values, index=HOURS[:n], columns=list(names))


def strided(values: np.ndarray) -> np.ndarray:
    return np.repeat(values, 3, axis=0)[::3]


def frozen(values: np.ndarray) -> np.ndarray:
    values = values.copy()
    values.flags.writeable = False
    return values


class OnlyArray:
    """A container that is nothing but convertible, such as a tensor."""

    def __init__(self, values: np.ndarray) -> None:
        self.values = values

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> np.ndarray:
        return self.values


class ForeignFrame(OnlyArray):
    """A frame of another library, without row labels."""

    columns = ("a", "b")

    def to_pandas(self) -> pd.DataFrame:
        return pd.DataFrame(self.values, columns=list(self.columns))


class ForeignFrameWithoutArrow(ForeignFrame):
    def to_pandas(self) -> pd.DataFrame:
        raise ModuleNotFoundError("pyarrow")


FLAT: dict[str, Callable[[np.ndarray], Any]] = {
    "list": list,
    "tuple": tuple,
    "list of Python floats": lambda v: v.tolist(),
    "Series": pd.Series,
    "Series of objects": lambda v: pd.Series(v, dtype=object),
    "one-column frame": lambda v: pd.Series(v).to_frame(),
    "array of objects": lambda v: v.astype(object),
    "Decimal": lambda v: [Decimal(int(x)) for x in v],
    "Fraction": lambda v: [Fraction(int(x)) for x in v],
    "big-endian": lambda v: v.astype(">f8"),
    "float16": lambda v: v.astype(np.float16),
    "float32": lambda v: v.astype(np.float32),
    "longdouble": lambda v: v.astype(np.longdouble),
    "int8": lambda v: v.astype(np.int8),
    "uint64": lambda v: v.astype(np.uint64),
    "nullable Int64": lambda v: pd.Series(v).astype("Int64"),
    "nullable Float32": lambda v: pd.Series(v).astype("Float32"),
    "extension array": lambda v: pd.array(v.astype(np.int64), dtype="Int16"),
    "Index": lambda v: pd.Index(v),
    "pandas Sparse": lambda v: pd.Series(pd.arrays.SparseArray(v)),
    "strided": strided,
    "reversed twice": lambda v: v[::-1].copy()[::-1],
    "read-only": frozen,
    "masked without mask": np.ma.masked_array,
    "__array__": OnlyArray,
}


@pytest.mark.parametrize("kind", FLAT)
def test_every_container_reads_as_its_plain_values(kind: str) -> None:
    values = np.arange(7.0) ** 2
    series = read(FLAT[kind](values)) if kind != "__array__" else read(np.zeros((7, 1)), FLAT[kind](values))
    assert series.target.dtype == np.float64
    assert series.target.flags.c_contiguous
    np.testing.assert_array_equal(series.target, values[:, None])
    np.testing.assert_array_equal(read(np.zeros((7, 1)), FLAT[kind](values)).target, values[:, None])


def test_ranges_booleans_and_their_nullable_kin_are_numbers() -> None:
    np.testing.assert_array_equal(read(range(5)).target[:, 0], np.arange(5.0))
    for flags in ([True, False, True], np.array([1, 0, 1], bool), pd.Series([True, False, True], dtype="boolean")):
        np.testing.assert_array_equal(read(flags).target[:, 0], [1.0, 0.0, 1.0])


@pytest.mark.parametrize("order", ["C", "F"])
def test_two_dimensional_arrays_read_alike_in_any_layout(order: str, tmp_path: Path) -> None:
    plain = np.random.default_rng(0).normal(size=(9, 3))
    mapped = np.memmap(tmp_path / "x", dtype=np.float64, mode="w+", shape=(9, 3))
    mapped[:] = plain
    for values in (np.array(plain, order=order), strided(plain), frozen(plain), mapped, plain[:, ::-1].copy()[:, ::-1]):
        series = read(values, values)
        np.testing.assert_array_equal(series.target, plain)
        np.testing.assert_array_equal(series.known, plain)
        assert series.known.flags.c_contiguous


def test_a_foreign_frame_is_read_by_its_columns_and_has_no_index() -> None:
    values = np.random.default_rng(0).normal(size=(6, 2))
    for kind in (ForeignFrame, ForeignFrameWithoutArrow):
        series = read(kind(values), values[:, 0])
        assert series.feature_names == ["a", "b"]
        assert series.clock.positional
        assert index_of(kind(values)) is None
        np.testing.assert_array_equal(series.known, values)


def test_inputs_are_neither_changed_nor_referred_to() -> None:
    for X, y in ((table(48, "a", "b"), table(48, "y")["y"]), (np.ones((9, 2)), np.ones(9)), (table(48, "a"), None)):
        before = [np.array(part) for part in (X, y) if part is not None]
        series = read(X, y, missing="interpolate")
        for block in (series.target, series.known, series.past):
            block += 1
        for part, values in zip((X, y), before, strict=False):
            np.testing.assert_array_equal(np.asarray(part), values)
    frame = table(48, "y")
    series = read(frame["y"])
    shown = to_pandas(series.target, series.clock.labels, series)
    assert not np.shares_memory(shown.to_numpy(), series.target)


def test_integers_beyond_float64_are_read_with_a_warning() -> None:
    for values in (np.array([2**53 + 1, 1]), [2**70, 1], pd.Series([2**60, None], dtype="Int64").ffill()):
        with pytest.warns(UserWarning, match=r"X holds integers beyond 2\*\*53"):
            assert read(values).target[0, 0] == float(values[0])


def test_extended_precision_is_rounded_with_a_warning() -> None:
    if np.finfo(np.longdouble).nmant == np.finfo(np.float64).nmant:
        pytest.skip("longdouble is float64 on this platform")
    third = np.ones(3, np.longdouble) / 3
    with pytest.warns(UserWarning, match="X holds .* numbers that float64 rounds"):
        np.testing.assert_array_equal(read(third).target[:, 0], third.astype(np.float64))


def test_magnitudes_within_float64_are_kept() -> None:
    values = [1e-310, 1e39, 1e18, -1e299]
    np.testing.assert_array_equal(read(values).target[:, 0], values)


def test_y_none_makes_pandas_and_flat_sequences_the_target() -> None:
    frame = table(48, "a", "b")
    series = read(frame)
    assert series.target_is_x
    assert series.target_names == ["a", "b"]
    assert series.feature_names == ["a", "b"]
    assert not series.one_dimensional
    assert series.known.shape == series.past.shape == (48, 0)
    series = read(frame["a"])
    assert series.one_dimensional
    assert series.target_names == ["a"]
    assert series.n_features == 1


def test_the_index_comes_from_whichever_has_one() -> None:
    frame, values = table(20, "a", "b"), np.arange(20.0)
    for X, y in ((frame, values), (frame.to_numpy(), frame["a"]), (frame, list(values)), (frame["a"], values)):
        assert read(X, y).clock.labels.equals(HOURS[:20])
    assert read(frame.to_numpy(), values).clock.positional


def test_a_frame_without_columns_gives_its_index() -> None:
    series = read(pd.DataFrame(index=HOURS), np.arange(48.0))
    assert series.clock.labels.equals(HOURS)
    assert series.n_features == 0
    rows, known, past = read_future(series, pd.DataFrame(index=series.clock.future(48, 3)))
    assert list(rows) == [48, 49, 50]
    assert known.shape == (3, 0)
    assert past is None


def test_past_covariates_are_split_by_name_and_the_calendar_comes_last() -> None:
    frame = table(48, "wind", "price", "sun")
    series = read(frame, np.arange(48.0), past_covariates=["wind"], calendar=["hour"])
    assert series.known_names == ["price", "sun", "hour_sin", "hour_cos"]
    assert series.past_names == ["wind"]
    np.testing.assert_array_equal(series.known[:, :2], frame[["price", "sun"]])
    np.testing.assert_array_equal(series.known[:, 2:], calendar_features(HOURS, ["hour"])[0])
    np.testing.assert_array_equal(series.past, frame[["wind"]])
    unnamed = read(frame.to_numpy(), np.arange(48.0), past_covariates=["x2"])
    assert unnamed.known_names == ["x0", "x1"]
    np.testing.assert_array_equal(unnamed.past[:, 0], frame["sun"])
    np.testing.assert_array_equal(read(frame.to_numpy(), np.arange(48.0), past_covariates=[2]).past, unnamed.past)


def test_a_head_is_the_series_read_from_the_head() -> None:
    frame, y = table(48, "a", "b"), table(48, "y")["y"]
    head, short = read(frame, y, calendar="hour").head(30), read(frame[:30], y[:30], calendar="hour")
    assert head.n_rows == 30
    assert head.clock.labels.equals(short.clock.labels)
    assert head.clock.future(30, 5).equals(HOURS[30:35])
    for block in ("target", "known", "past"):
        np.testing.assert_array_equal(getattr(head, block), getattr(short, block))


def test_sorting_is_done_on_request_and_only_then() -> None:
    frame, y = table(48, "a"), table(48, "y")["y"]
    order = np.random.default_rng(0).permutation(48)
    series = read(frame.iloc[order], y.iloc[order], sort=True)
    np.testing.assert_array_equal(series.target[:, 0], y)
    np.testing.assert_array_equal(series.known, frame)
    with pytest.raises(ValueError, match=r"index of y must be sorted, but .* comes after .*; use y.sort_index\(\)"):
        read(frame.iloc[order], y.iloc[order])


def test_interpolation_is_linear_inside_and_drops_what_the_target_had_not_begun() -> None:
    y = pd.Series([np.nan, 1.0, np.nan, np.nan, 4.0, 5.0], index=HOURS[:6])
    X = pd.DataFrame({"a": [np.nan, np.nan, 2.0, np.nan, 6.0, np.nan]}, index=HOURS[:6])
    series = read(X, y, missing="interpolate")
    assert series.clock.labels.equals(HOURS[1:6])
    # weights 1/3 and 2/3 are rounded once, and once the sum
    np.testing.assert_allclose(series.target[:, 0], [1, 2, 3, 4, 5], rtol=4e-16)
    np.testing.assert_array_equal(series.known[:, 0], [2, 2, 4, 6, 6])


def test_holes_are_missing_rows() -> None:
    y = pd.Series(np.arange(48.0), index=HOURS).drop(HOURS[[5, 20, 21]])
    with pytest.raises(
        ValueError,
        match=r"index of X has holes: 3 of 48 labels are missing \(first: 2024-03-30 05:00:00\+01:00, .*'interpolate'",
    ):
        read(y)
    series = read(y, missing="interpolate")
    assert series.clock.labels.equals(HOURS)
    np.testing.assert_allclose(series.target[:, 0], np.arange(48.0), rtol=4e-16)


@pytest.mark.parametrize(
    "missing",
    [None, pd.NA, pd.NaT, float("nan"), np.nan, np.ma.masked],
    ids=["None", "NA", "NaT", "nan", "np.nan", "mask"],
)
def test_every_way_to_say_missing_is_missing(missing: object) -> None:
    if missing is np.ma.masked:
        values: Any = np.ma.masked_array([1, 99, 3], mask=[False, True, False])
    else:
        values = [1, missing, 3]
    np.testing.assert_array_equal(read(values, missing="interpolate").target[:, 0], [1, 2, 3])
    with pytest.raises(ValueError, match="Input X contains NaN: 1 of 3 values, first at row 1;"):
        read(values)


def test_nullable_columns_keep_their_missing_values() -> None:
    for dtype in ("Int64", "Float64"):
        y = pd.Series([1, None, 3], dtype=dtype)
        np.testing.assert_array_equal(read(y, missing="interpolate").target[:, 0], [1, 2, 3])


def test_forecasts_are_named_like_the_target() -> None:
    frame = table(48, "a", "b")
    labels = HOURS[40:43]
    column = to_pandas(np.ones((3, 1)), labels, read(frame["a"]))
    assert isinstance(column, pd.Series)
    assert column.name == "a"
    assert column.index.equals(labels)
    both = to_pandas(np.ones((3, 2)), labels, read(frame))
    assert list(both.columns) == ["a", "b"]
    assert isinstance(to_pandas(np.ones((3, 1)), labels, read(frame[["a"]])), pd.DataFrame)
    assert to_pandas(np.ones((3, 1)), pd.RangeIndex(3), read([1.0, 2.0])).name is None


DATA = os.environ.get("RNNFORECAST_DATA")


@pytest.mark.skipif(not DATA, reason="RNNFORECAST_DATA names no folder of public data sets")
@pytest.mark.parametrize(
    ("file", "column", "step", "n_rows", "n_filled"),
    [
        ("stock/AAPL.csv", "Close", pd.offsets.BusinessDay(), 3270, 0),
        ("classic/monthly-airline-passengers.csv", "Passengers", pd.offsets.MonthBegin(), 144, 0),
        ("electricity/ETTh1.csv", "OT", pd.offsets.Hour(), 17420, 0),
        ("anomaly/nyc_taxi.csv", "value", pd.offsets.Minute(30), 10320, 0),
        ("anomaly/ambient_temperature_system_failure.csv", "value", pd.offsets.Hour(), 7888, 621),
    ],
)
def test_public_data_are_read_as_they_are(file: str, column: str, step: object, n_rows: int, n_filled: int) -> None:
    path = Path(str(DATA), file)
    if not path.exists():
        pytest.skip(f"{file} is not in the data folder")
    frame = pd.read_csv(path, index_col=0, parse_dates=[0])
    series = read(frame[column], missing="interpolate")
    assert series.clock.step == step
    assert series.n_rows == n_rows
    assert series.n_rows - len(frame) == n_filled
    assert np.isfinite(series.target).all()


def test_reading_a_long_series_takes_few_copies() -> None:
    n_rows = 100_000
    index = pd.date_range("2000-01-01", periods=n_rows, freq="min")
    series = pd.Series(np.ones(n_rows, np.float32), index=index)
    read(series)  # what is imported and cached on first use is no copy
    tracemalloc.start()
    try:
        read(series)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    # The values, and of the same size row numbers, spans and remainders; masks take an eighth each.
    assert peak <= 4.5 * 8 * n_rows
