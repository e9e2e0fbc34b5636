"""Panels are read as their series would be alone, whatever the order of their rows."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from rnnforecast import from_long
from rnnforecast.series import Series, read, read_more
from rnnforecast.series.spans import Spans

TIMES = {
    "days": pd.date_range("2024-01-01", periods=40, freq="D", name="day"),
    "hours over a change of the clocks": pd.date_range("2024-03-30", periods=40, freq="h", tz="Europe/Berlin"),
    "months": pd.date_range("2020-01-31", periods=40, freq="ME"),
    "periods": pd.period_range("2020-01", periods=40, freq="M"),
    "integers": pd.RangeIndex(5, 85, 2, name="week"),
    "sessions": pd.bdate_range("2024-01-01", periods=43).delete([7, 12, 30]),
}
SPANS = {"b": (0, 25), "a": (10, 40), "c": (3, 30)}


def panel(times: pd.Index, rng: np.random.Generator) -> pd.DataFrame:
    """Three series of unequal spans, in no order of their names."""
    parts = {name: pd.DataFrame({"x": rng.normal(size=stop - start), "y": rng.normal(size=stop - start)},
                                index=times[start:stop]) for name, (start, stop) in SPANS.items()}  # fmt: skip
    return pd.concat(parts, names=["shop", times.name])


def one(series: Series, k: int) -> tuple[np.ndarray, pd.Index]:
    """Target and labels of series `k`."""
    spans = series.spans
    labels = series.clock.labels[spans.first[k] : spans.ends[k]]
    return series.target[spans.starts[k] : spans.stops[k]], labels


@pytest.mark.parametrize("times", TIMES.values(), ids=TIMES)
def test_each_series_of_a_panel_is_read_as_if_it_were_alone(times, rng):
    frame = panel(times, rng)
    series = read(frame[["x"]], frame["y"])
    assert series.ids.tolist() == ["a", "b", "c"]
    for k, name in enumerate(series.ids):
        own = frame.xs(name)
        alone = read(own[["x"]], own["y"], freq=None if isinstance(times, pd.RangeIndex) else series.clock.step)
        target, labels = one(series, k)
        np.testing.assert_array_equal(target, alone.target)
        np.testing.assert_array_equal(series.known[series.spans.starts[k] : series.spans.stops[k]], alone.known)
        assert labels.equals(alone.clock.labels)


def test_rows_of_different_series_may_be_mixed(rng):
    frame = panel(TIMES["days"], rng)
    whole = read(frame[["x"]], frame["y"])
    mixed = frame.sort_index(level=1, kind="stable")
    again = read(mixed[["x"]], mixed["y"])
    np.testing.assert_array_equal(again.target, whole.target)
    np.testing.assert_array_equal(again.known, whole.known)
    shuffled = frame.sample(frac=1.0, random_state=0)
    np.testing.assert_array_equal(read(shuffled[["x"]], shuffled["y"], sort=True).target, whole.target)
    with pytest.raises(ValueError, match=r"rows of each series of y must be in time order.*sort_index"):
        read(shuffled[["x"]], shuffled["y"])


def test_names_are_those_of_the_level_that_occur(rng):
    frame = panel(TIMES["days"], rng)
    assert read(frame.loc[["a", "c"], "y"]).ids.tolist() == ["a", "c"]  # a level keeps labels that no row has
    numbers = frame["y"].rename({"a": 3, "b": 1, "c": 20}, level=0)
    assert read(numbers).ids.tolist() == [1, 3, 20]
    kinds = pd.CategoricalIndex(["late", "early"], categories=["early", "late"], ordered=True)
    ordered = pd.Series(range(4), index=pd.MultiIndex.from_product([kinds, [0, 1]]), dtype=float)
    np.testing.assert_array_equal(read(ordered).target[:, 0], [2, 3, 0, 1])


def test_series_may_lie_far_apart():
    spans = {"early": "2000-01-01", "late": "2024-01-01"}
    y = pd.concat({name: pd.Series([1.0, 2.0, 3.0], pd.date_range(day, periods=3)) for name, day in spans.items()})
    series = read(y)
    np.testing.assert_array_equal(series.target[:, 0], [1, 2, 3, 1, 2, 3])
    assert series.spans.first[1] == 8766  # days of 24 years


def test_a_missing_value_is_filled_from_its_own_series_only():
    index = pd.MultiIndex.from_product([["a", "b"], range(5)])
    y = pd.Series([np.nan, 1, np.nan, 3, 4, 50, np.nan, np.nan, 80, 90], index=index)
    series = read(y.drop(("b", 1)), missing="interpolate")
    np.testing.assert_array_equal(series.target[:, 0], [1, 2, 3, 4, 50, 60, 70, 80, 90])
    np.testing.assert_array_equal(series.spans.lengths, [4, 5])
    np.testing.assert_array_equal(series.n_before, [1, 0])
    x = pd.DataFrame({"x": [np.nan, 1, 2, np.nan, np.nan, np.nan, np.nan, 7, 8, np.nan]}, index=index)
    filled = read(x, pd.Series(1.0, index=index), missing="interpolate").known[:, 0]
    np.testing.assert_array_equal(filled, [1, 1, 2, 2, 2, 7, 7, 7, 8, 8])


LABELS = [("a", 1), ("a", 2), ("b", 1), ("b", 2)]
REFUSED = {
    "repeated": ([*LABELS, ("b", 2)], r"repeats 1 labels of series and time \(first: 2 of series 'b'\)"),
    "repeated far away": ([*LABELS, ("a", 1)], r"repeats 1 labels of series and time \(first: 1 of series 'a'\)"),
    "back in time": ([("a", 2), ("a", 1)], "time order, but 1 of series 'a' comes after 2 of series 'a'"),
    "no name": ([*LABELS, (np.nan, 1)], r"NaN for the name of the series in 1 rows \(first: row 4\)"),
    "no time": ([*LABELS, ("b", None)], r"NaN for the time in 1 rows \(first: row 4\)"),
    "names of two kinds": ([*LABELS, (1, 1)], r"all strings, .*got int and str.*rename\(index=str, level=0\)"),
    "strings as times": ([("a", "x"), ("a", "y")], "second level .* must hold dates, periods or integers, got strings"),
    "a hole": ([("a", 1), ("a", 2), ("a", 3), ("b", 1), ("b", 3)],
               r"1 rows are missing within the series 'b' of X \(first: 2 of series 'b'\).*missing='interpolate'"),
    "three levels": ([("a", "b", 1), ("a", "b", 2)], "two levels, series and time, got 3"),
    "levels the wrong way": ([(day, "a") for day in TIMES["days"][:3]], r"swaplevel\(\)"),
    "levels the wrong way, series numbered": ([(day, shop) for day in TIMES["days"][:3] for shop in (1, 2, 3)],
                                              r"got dates and integers.*swaplevel\(\)"),
    "weeks that begin on two days": (
        [(f"week of {start}", day) for start in ("MON", "SUN") for day in
         pd.date_range("2024-01-01", periods=5, freq=f"W-{start}")],
        "series of X must share a time axis: the time stamps of X are not regular"),
    "a clock set back": ([("a", pd.Timestamp(f"2024-10-27 0{hour}:00")) for hour in (1, 2, 2, 3)],
                         r"localise each series with tz_localize"),
}  # fmt: skip


@pytest.mark.parametrize(("labels", "message"), REFUSED.values(), ids=REFUSED)
def test_what_is_no_panel_is_refused(labels, message):
    y = pd.Series(np.arange(float(len(labels))), index=pd.MultiIndex.from_tuples(labels))
    with pytest.raises(ValueError, match=message):
        read(y)


@pytest.mark.parametrize(
    ("values", "policy", "message"),
    [
        ([1, np.nan, 3, 4], "error", "Input X contains NaN.*2 of series 'a'"),
        ([1, np.inf, 3, 4], "error", "Input X contains infinity.*2 of series 'a'"),
        ([1, 2, np.nan, np.nan], "interpolate", "every value in column None is missing in the series 'b'"),
        ([1, 2, np.nan, np.nan], "mask", "every value in column None is missing in the series 'b'"),
    ],
)
def test_what_is_no_number_is_named_by_series_and_time(values, policy, message):
    with pytest.raises(ValueError, match=message):
        read(pd.Series(values, index=pd.MultiIndex.from_tuples(LABELS)), missing=policy)


def test_at_most_five_series_are_named():
    index = pd.MultiIndex.from_product([range(9), [0, 2]]).append(pd.MultiIndex.from_tuples([(9, 0), (9, 1)]))
    with pytest.raises(ValueError, match=r"within the series 0, 1, 2, 3, 4, \.\.\. of X"):
        read(pd.Series(0.0, index=index))


@pytest.mark.parametrize("times", TIMES.values(), ids=TIMES)
def test_reading_on_gives_what_reading_at_once_gives(times, rng):
    frame = panel(times, rng)
    calendar = ["month"] if not isinstance(times, pd.RangeIndex) else []
    whole = read(frame[["x"]], frame["y"], calendar=calendar)
    first = frame.groupby(level=0).head(15)
    rest = frame.drop(first.index).sort_index(level=1)
    more = read_more(read(first[["x"]], first["y"], calendar=calendar), rest["y"], rest[["x"]])
    for k in range(3):
        for was, now in zip(one(whole, k), one(more, k), strict=True):
            np.testing.assert_array_equal(now, was)
    np.testing.assert_array_equal(more.known, whole.known)


def test_rows_that_do_not_continue_their_series_are_refused(rng):
    frame = panel(TIMES["days"], rng)["y"]
    first, rest = frame.groupby(level=0).head(15), frame.drop(frame.groupby(level=0).head(15).index)
    with pytest.raises(ValueError, match="those of 'b' do not: 'b' goes on at 2024-01-16, got 2024-01-17"):
        read_more(read(first), rest.drop(("b", "2024-01-16")))
    with pytest.raises(ValueError, match="not in the data of fit: 'z'"):
        read_more(read(first), rest.rename({"a": "z"}, level=0))
    with pytest.raises(ValueError, match="y_new must have a MultiIndex"):
        read_more(read(first), rest.xs("a"))


def test_from_long_sets_the_index_and_parts_the_target_from_the_rest(rng):
    frame = panel(TIMES["days"], rng)
    X, y = from_long(frame.reset_index(), id="shop", time="day", target="y")
    pd.testing.assert_frame_equal(X, frame[["x"]])
    pd.testing.assert_series_equal(y, frame["y"])
    X, y = from_long(frame.reset_index(), id="shop", time="day")
    assert X.shape[1] == 0
    pd.testing.assert_frame_equal(y, frame)
    with pytest.raises(ValueError, match="needs a column 'when'"):
        from_long(frame.reset_index(), id="shop", time="when")
    with pytest.raises(ValueError, match="must be different columns"):
        from_long(frame.reset_index(), id="shop", time="day", target="day")
    with pytest.raises(TypeError, match="needs a DataFrame"):
        from_long(frame["y"], id="shop", time="day")


def test_between_series_with_room_lie_the_nearest_rows_of_each():
    y = pd.Series(
        [1.0, 2, 3, 4, 5], index=pd.MultiIndex.from_tuples([("a", 0), ("a", 1), ("b", 0), ("b", 1), ("b", 2)])
    )
    future = np.arange(4.0).reshape(2, 2, 1)
    series = read(pd.DataFrame({"x": -y}), y).spaced(3, 2, future)
    np.testing.assert_array_equal(series.target[:, 0], [1, 2, 2, 2, 3, 3, 3, 3, 4, 5])
    np.testing.assert_array_equal(series.known[:, 0], [-1, -2, 0, 1, -3, -3, -3, -3, -4, -5, 2, 3])
    np.testing.assert_array_equal(series.spans.stops, [2, 10])
    np.testing.assert_array_equal(series.spans.owners(np.array([1, 2, 8, 10])), [0, 0, 1, 1])


def test_every_origin_has_a_number():
    spans = Spans.of(np.array([6, 2, 4]), np.zeros(3)).spaced(3, 0)
    origins = spans.origins(lookback=3, horizon=1)
    np.testing.assert_array_equal(origins.at(np.arange(len(origins))), [3, 4, 5, 10, 17])  # a short series has one
    np.testing.assert_array_equal(spans.origins_from(np.array([5, 2, 2]), 1).counts, [1, 0, 2])


def test_missing_values_at_an_edge_of_the_panel_are_no_rows_to_be_trimmed():
    y = pd.Series([np.nan, 1, 2, 3], index=pd.MultiIndex.from_tuples(LABELS[2:] + LABELS[:2]))
    with pytest.raises(ValueError, match="1 of series 'b'; fill them or pass missing='interpolate'"):
        read(y)


def test_a_covariate_without_any_value_in_a_series_is_named_by_that_series():
    index = pd.MultiIndex.from_tuples(LABELS)
    x = pd.DataFrame({"x": [1, 2, np.nan, np.nan]}, index=index)
    with pytest.raises(ValueError, match="every value in column 'x' is missing in the series 'b'"):
        read(x, pd.Series(1.0, index=index), missing="interpolate")
