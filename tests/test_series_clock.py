"""The time axis against pandas' own ranges, on real dates."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from rnnforecast.series import Clock, calendar_features, infer_frequency, read, season_candidates

HOLIDAYS = pd.to_datetime(["2024-12-25", "2024-12-26", "2025-01-01", "2025-04-18"])

# label: (start, frequency, time zone, rows); each axis crosses what its calendar has of irregular.
AXES = {
    "hours over spring in Berlin": ("2024-03-28", "h", "Europe/Berlin", 200),
    "hours over autumn in Berlin": ("2024-10-25", "h", "Europe/Berlin", 200),
    "hours over spring in New York": ("2024-03-08", "h", "US/Eastern", 200),
    "half hours over autumn in New York": ("2024-11-01", "30min", "US/Eastern", 300),
    "days over spring in Berlin": ("2024-03-20", "D", "Europe/Berlin", 40),
    "days over autumn in New York": ("2024-10-20", "D", "US/Eastern", 40),
    "five minutes": ("2024-02-28 23:00", "5min", None, 300),
    "seconds": ("1999-12-31 23:59", "10s", None, 50),
    "every second day over a leap day": ("2024-02-01", "2D", None, 40),
    "Wednesdays": ("2024-01-03", "W-WED", None, 70),
    "every second Sunday": ("2024-01-07", "2W-SUN", None, 40),
    "month starts": ("2023-11-01", "MS", None, 40),
    "month ends over February": ("2023-11-30", "ME", None, 40),
    "month ends in Berlin": ("2023-11-30", "ME", "Europe/Berlin", 40),
    "business month ends": ("2023-11-30", "BME", None, 40),
    "every second month": ("2023-11-01", "2MS", None, 20),
    "quarter ends": ("2019-03-31", "QE-DEC", None, 40),
    "quarter starts of a fiscal year": ("2019-02-01", "QS-FEB", None, 40),
    "years": ("1988-12-31", "YE-DEC", None, 40),
    "weekdays": ("2024-12-20", "B", None, 60),
    "days of the year 3000": ("2999-12-01", "D", None, 60),
}


def made(name: str, unit: str = "us") -> pd.DatetimeIndex:
    start, freq, zone, rows = AXES[name]
    return pd.date_range(start, periods=rows, freq=freq, tz=zone, unit=unit, name="time")


def bare(index: pd.DatetimeIndex) -> pd.DatetimeIndex:
    """Return the labels without the frequency that pandas remembers."""
    labels = index.copy()
    labels.freq = None
    return labels


def clock_of(index: pd.Index, **options: object) -> Clock:
    return read(pd.Series(np.arange(float(len(index))), index=index), **options).clock


@pytest.mark.parametrize("unit", ["s", "us", "ns"])
@pytest.mark.parametrize("name", AXES)
def test_a_clock_of_the_first_rows_continues_as_the_whole_range(name: str, unit: str) -> None:
    if unit == "ns" and "3000" in name:
        unit = "ms"  # nanoseconds end in 2262
    whole = made(name, unit)
    for observed in (5 if name != "weekdays" else 12, len(whole) - 3):
        clock = clock_of(bare(whole[:observed]))
        for first, count in ((0, 3), (observed - 2, 5), (observed, len(whole) - observed), (len(whole) - 1, 1)):
            labels = clock.future(first, count)
            expected = whole[first : first + count]
            assert labels.equals(expected)
            assert labels.name == "time"
            assert labels.dtype == whole.dtype
        assert np.array_equal(clock.rows(whole), np.arange(len(whole)))


@pytest.mark.parametrize("name", AXES)
def test_rows_before_the_start_are_negative(name: str) -> None:
    whole = made(name)
    later = clock_of(whole[10:], freq=AXES[name][1])
    assert np.array_equal(later.rows(whole), np.arange(-10, len(whole) - 10))


@pytest.mark.parametrize("name", AXES)
def test_future_labels_carry_the_frequency(name: str) -> None:
    whole = made(name)
    clock = clock_of(whole)
    assert clock.future(len(whole), 4).freq == whole.freq


@pytest.mark.parametrize("name", [name for name in AXES if name != "weekdays"])
def test_holes_do_not_hide_the_frequency(name: str) -> None:
    whole = made(name)
    index = whole.delete([4, 9, 10])
    clock = clock_of(index, missing="interpolate")
    assert clock.labels.equals(whole)


def test_hours_pass_a_clock_change_without_hole_or_duplicate() -> None:
    clock = clock_of(pd.date_range("2024-10-26", periods=24, freq="h", tz="Europe/Berlin"))
    night = clock.future(24, 6)
    assert [label.hour for label in night] == [0, 1, 2, 2, 3, 4]
    assert night.is_unique
    clock = clock_of(pd.date_range("2024-03-30", periods=24, freq="h", tz="Europe/Berlin"))
    assert [label.hour for label in clock.future(24, 4)] == [0, 1, 3, 4]


def test_days_keep_their_wall_time_over_a_clock_change() -> None:
    clock = clock_of(pd.date_range("2024-03-28 06:00", periods=3, freq="D", tz="US/Eastern"), freq="D")
    assert {label.hour for label in clock.future(0, 300)} == {6}


def test_a_day_that_begins_at_one_is_still_a_day() -> None:
    # Cairo sets its clocks forward at midnight: 26 April 2024 has no 00:00.
    naive = pd.date_range("2024-04-20", periods=20, freq="D")
    index = naive.tz_localize("Africa/Cairo", nonexistent="shift_forward")
    assert index[6].hour == 1
    clock = clock_of(index[:10])
    assert clock.step == pd.offsets.Day()
    assert np.array_equal(clock.rows(index), np.arange(20))
    assert clock_of(index[:5]).future(5, 15).equals(index[5:])


def test_24_hours_in_utc_shown_in_local_time_stay_24_hours() -> None:
    index = pd.date_range("2024-03-25", periods=20, freq="D", tz="UTC").tz_convert("Europe/Berlin")
    clock = clock_of(bare(index)[:15])
    assert clock.step == pd.offsets.Hour(24)
    assert clock.future(15, 5).equals(index[15:])


def test_holidays_are_not_holes_and_the_axis_goes_on_with_weekdays() -> None:
    index = pd.bdate_range("2024-12-16", "2025-01-10").difference(HOLIDAYS)
    clock = clock_of(index)
    assert clock.step == pd.offsets.BusinessDay()
    assert clock.labels.equals(index)
    beyond = clock.future(len(index), 3)
    assert list(beyond) == list(pd.to_datetime(["2025-01-13", "2025-01-14", "2025-01-15"]))
    assert np.array_equal(clock.rows(index[5:8]), [5, 6, 7])
    assert np.array_equal(clock.rows(beyond), len(index) + np.arange(3))
    with pytest.raises(ValueError, match="2024-12-25 is not on the time axis"):
        clock.rows(HOLIDAYS[:1])
    with pytest.raises(ValueError, match="2025-01-18 is not on the time axis"):
        clock.rows(pd.to_datetime(["2025-01-18"]))


def test_update_may_step_over_a_holiday() -> None:
    index = pd.bdate_range("2024-12-02", "2024-12-24")
    clock = clock_of(index).extended(pd.to_datetime(["2024-12-27", "2024-12-30"]))
    assert np.array_equal(
        clock.rows(pd.to_datetime(["2024-12-27", "2024-12-30", "2024-12-31"])), len(index) + np.arange(3)
    )


def test_a_custom_calendar_skips_its_holidays_in_the_future_too() -> None:
    step = pd.offsets.CustomBusinessDay(holidays=list(HOLIDAYS))
    clock = clock_of(pd.date_range("2024-12-02", "2024-12-24", freq=step))
    assert list(clock.future(len(clock), 2)) == list(pd.to_datetime(["2024-12-27", "2024-12-30"]))


def test_a_session_keeps_its_closing_time_over_clock_changes_and_holidays() -> None:
    whole = pd.date_range("2024-01-02 16:00", periods=240, freq="B", tz="America/New_York").delete([9, 40, 41])
    clock = clock_of(whole[:150])
    assert clock.step == pd.offsets.BusinessDay()
    assert {label.hour for label in clock.future(150, 100)} == {16}
    assert np.array_equal(clock.rows(whole[150:]), np.arange(150, len(whole)))


@pytest.mark.parametrize("step", ["WOM-3FRI", "SME", "bh", "CBME", pd.DateOffset(months=1)], ids=str)
def test_any_offset_of_pandas_continues_when_it_is_given(step: str | pd.DateOffset) -> None:
    whole = pd.date_range("2023-01-16 10:00", periods=30, freq=step)
    clock = clock_of(whole[:20], freq=step)
    assert clock.future(15, 15).equals(whole[15:])
    assert np.array_equal(clock.rows(whole), np.arange(30))
    assert season_candidates(clock) in ((), (12,))


@pytest.mark.parametrize(("freq", "n"), [("M", 40), ("h", 60), ("2M", 20), ("Q-NOV", 20), ("W-FRI", 60)])
def test_periods_continue(freq: str, n: int) -> None:
    whole = pd.period_range("2023-11", periods=n, freq=freq, name="p")
    clock = clock_of(whole[5 : n - 4])
    assert clock.future(n - 9, 4).equals(whole[n - 4 :])
    assert clock.future(0, 2).name == "p"
    assert np.array_equal(clock.rows(whole), np.arange(n) - 5)


def test_integers_continue_with_their_step() -> None:
    for index in (pd.RangeIndex(10, 60, 5, name="i"), pd.Index(np.arange(10, 60, 5), name="i")):
        clock = clock_of(index)
        assert clock.future(9, 3).equals(pd.RangeIndex(55, 70, 5))
        assert clock.future(9, 3).name == "i"
        assert not clock.positional
        assert np.array_equal(clock.rows(pd.Index([0, 10, 55, 60])), [-2, 0, 9, 10])
        with pytest.raises(ValueError, match="12 is not on the time axis"):
            clock.rows(pd.Index([10, 12]))


def test_resolutions_are_converted_and_never_reinterpreted() -> None:
    for mine in ("s", "ms", "us", "ns"):
        for other in ("s", "ms", "us", "ns"):
            for freq in ("h", "D", "ME", "B"):
                whole = pd.date_range("2024-01-31", periods=30, freq=freq, unit=mine)
                clock = clock_of(whole[:20])
                assert np.array_equal(clock.rows(whole.as_unit(other)), np.arange(30))
                assert clock.extended(whole[20:].as_unit(other)).labels.equals(whole)
                with pytest.raises(ValueError, match="not on the time axis"):
                    clock.rows(whole[:1].as_unit("ns") + pd.Timedelta(1, unit="ns"))


@pytest.mark.parametrize("freq", ["h", "D"])
def test_dates_that_nanoseconds_cannot_hold_are_refused_with_the_remedy(freq: str) -> None:
    clock = clock_of(pd.date_range("2024", periods=20, freq=freq, unit="ns"))
    with pytest.raises(ValueError, match=r"beyond the dates .* index.as_unit\('us'\)"):
        clock.rows(pd.date_range("3000", periods=2, freq=freq, unit="us"))


def test_extending_equals_reading_the_whole() -> None:
    for name in AXES:
        whole = made(name)
        clock = clock_of(whole[:20]).extended(whole[20:])
        assert clock.labels.equals(whole)
        assert clock.labels.name == "time"
        assert clock.step == clock_of(whole).step


@pytest.mark.parametrize("cut", [slice(21, 25), slice(18, 25), slice(0, 2)])
@pytest.mark.parametrize(
    "whole",
    [
        pd.date_range("2024-01-31", periods=30, freq="h"),
        pd.date_range("2024-01-31", periods=30, freq="ME"),
        pd.period_range("2024-01", periods=30, freq="M"),
        pd.RangeIndex(30),
    ],
    ids=["hours", "months", "periods", "integers"],
)
def test_extending_refuses_gaps_and_overlaps(whole: pd.Index, cut: slice) -> None:
    with pytest.raises(ValueError, match="must continue the series at"):
        clock_of(whole[:20]).extended(whole[cut])


def test_restarting_indexes_are_told_from_continuing_ones() -> None:
    dated = clock_of(pd.date_range("2024", periods=10, freq="D"))
    numbered = clock_of(pd.RangeIndex(10))
    later = clock_of(pd.RangeIndex(5, 15))
    positional = read([1.0, 2.0, 3.0]).clock
    assert dated.restarts(None)
    assert dated.restarts(pd.RangeIndex(4))
    assert not dated.restarts(dated.future(10, 3))
    assert numbered.restarts(pd.RangeIndex(4))
    assert not numbered.restarts(pd.RangeIndex(10, 14))
    assert not numbered.restarts(pd.RangeIndex(3, 5))
    assert not later.restarts(pd.RangeIndex(4))  # before the start: a fold of a shuffled cross-validation
    assert positional.restarts(pd.RangeIndex(3, 6))


@pytest.mark.parametrize(
    ("index", "message"),
    [
        (pd.RangeIndex(3), "labelled by dates, got integers"),
        (pd.period_range("2024", periods=3, freq="D"), "labelled by dates, got periods"),
        (pd.date_range("2024", periods=3, freq="D"), "time zone Europe/Berlin, got None; .* tz_localize"),
        (pd.date_range("2024", periods=3, freq="D", tz="UTC"), "time zone Europe/Berlin, got UTC; .* tz_convert"),
        (pd.date_range("2024", periods=3, freq="D", tz="Europe/Berlin")[::-1], "must be sorted"),
        (pd.DatetimeIndex(["2024-01-01"] * 2, tz="Europe/Berlin"), "repeats 1 labels"),
        (pd.DatetimeIndex(["2024-01-01 01:00"], tz="Europe/Berlin"), "01:00:00.* is not on the time axis .* step D"),
    ],
)
def test_labels_of_another_axis_are_refused(index: pd.Index, message: str) -> None:
    clock = clock_of(pd.date_range("2024", periods=10, freq="D", tz="Europe/Berlin"))
    with pytest.raises(ValueError, match=message):
        clock.rows(index)


@pytest.mark.parametrize(
    ("labels", "freq", "message"),
    [
        (["2024-01-01", "2024-01-02"], None, "2 time stamps, too few .* pass freq="),
        (["2024-01-30", "2024-02-29", "2024-03-30"], None, 'pass freq= .*to_period\\("M"\\)'),
        (["2024-01-15", "2024-02-15", "2024-03-15", "2024-04-15"], None, "look monthly.*pass freq="),
        (["2023-04-30", "2023-05-30", "2023-06-29"], None, "30 days apart, which looks like months"),
        (["2024-01-01", "2024-01-02", "2024-01-09", "2024-01-11", "2024-02-27"], None, "between 1 days .*resample"),
        (
            ["2024-01-01", "2024-01-02", "2024-01-03", "2024-01-03T07"],
            None,
            "1 days .* is the usual step, 1 have another",
        ),
        (["2024-01-01", "2024-01-02", "2024-01-03"], "M", "write freq='ME'"),
        (["2024-01-01", "2024-01-02", "2024-01-03"], "2H", "write freq='2h'"),
        (["2024-01-01", "2024-01-02", "2024-01-03"], "Q-NOV", "write freq='QE-NOV'"),
        (["2024-01-01", "2024-01-02", "2024-01-03"], "-1D", "must be positive"),
        (["2024-01-01", "2024-01-02", "2024-01-03"], "often", "got 'often'"),
        (["2024-01-02", "2024-02-02"], "MS", "2024-01-02 is not on freq='MS'"),
        (["2024-01-01", "2024-02-02"], "MS", "2024-02-02 is not on the time axis"),
        (["2024-01-05", "2024-01-06", "2024-01-08"], "B", "2024-01-06 is not on the time axis"),
        (["2024-01-01", "2024-01-02"], "h", "only 2 of the 25 rows"),
        (["2024-01-01", "2024-01-02"], "8h", "has holes: 2 of 4 labels are missing"),
    ],
)
def test_a_frequency_is_asked_for_or_checked(labels: list[str], freq: str | None, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        clock_of(pd.DatetimeIndex(labels), freq=freq)


def test_freq_has_its_types_and_its_place() -> None:
    with pytest.raises(TypeError, match="freq must be a frequency"):
        clock_of(pd.date_range("2024", periods=5), freq=3)
    with pytest.raises(ValueError, match="needs dates, but the index of X holds integers"):
        clock_of(pd.RangeIndex(5), freq="D")
    with pytest.raises(ValueError, match="needs dates, but X has no index"):
        read([1.0, 2.0], freq="D")
    with pytest.raises(ValueError, match="disagrees with the periods"):
        clock_of(pd.period_range("2024", periods=5, freq="M"), freq="D")
    with pytest.raises(ValueError, match="finer than the resolution"):
        clock_of(pd.date_range("2024", periods=5, freq="s", unit="s"), freq="500ms")
    assert clock_of(pd.period_range("2024", periods=5, freq="M"), freq="M").step == pd.offsets.MonthEnd()
    assert clock_of(pd.DatetimeIndex(["2024-01-01"]), freq="D").step == pd.offsets.Day()
    assert infer_frequency(pd.date_range("2024", periods=2, freq="h")) == pd.offsets.Hour()


@pytest.mark.parametrize(
    ("freq", "seasons"),
    [
        ("5min", (288, 2016)),
        ("10min", (144, 1008)),
        ("15min", (96, 672)),
        ("30min", (48, 336)),
        ("h", (24, 168)),
        ("B", (5,)),
        ("D", (7,)),
        ("W-MON", (52,)),
        ("MS", (12,)),
        ("BME", (12,)),
        ("QE-NOV", (4,)),
        ("YS-JAN", ()),
        ("7min", ()),
        ("s", ()),
    ],
)
def test_frequencies_suggest_seasons(freq: str, seasons: tuple[int, ...]) -> None:
    index = pd.date_range("2024-01-01", periods=30, freq=freq)
    assert season_candidates(clock_of(index)) == seasons
    assert season_candidates(clock_of(bare(index))) == seasons


def test_numbered_rows_suggest_no_season() -> None:
    assert season_candidates(clock_of(pd.RangeIndex(30))) is None
    assert season_candidates(read(np.arange(30.0)).clock) is None
    assert season_candidates(clock_of(pd.period_range("2024", periods=9, freq="Q"))) == (4,)


def test_calendar_features_turn_once_per_cycle() -> None:
    index = pd.date_range("2024-01-01", periods=24 * 366, freq="h", tz="Europe/Berlin")
    features, names = calendar_features(index, ["hour", "weekday", "month", "day_of_year"])
    assert names[:4] == ["hour_sin", "hour_cos", "weekday_sin", "weekday_cos"]
    assert features.shape == (len(index), 8)
    # sin^2 + cos^2 = 1 within the rounding of two squares and a sum
    np.testing.assert_allclose(features[:, ::2] ** 2 + features[:, 1::2] ** 2, 1, rtol=4e-16)
    at_six = features[index.hour == 6]
    np.testing.assert_allclose(at_six[:, 0], 1, rtol=1e-15)  # a quarter of the day, wall time, summer and winter
    quarter = calendar_features(pd.to_datetime(["2024-01-01 00:15"]), "minute_of_hour")[0]
    np.testing.assert_allclose(quarter, [[1, 0]], atol=1e-15)  # cos of the float nearest to pi / 2
    period = calendar_features(pd.period_range("2024-04", periods=1, freq="M"), ["month"])[0]
    np.testing.assert_allclose(period, [[1, 0]], atol=1e-15)


def test_calendar_features_refuse_what_they_do_not_know() -> None:
    with pytest.raises(ValueError, match=r"among minute_of_hour, hour, .* got 'moon'"):
        calendar_features(pd.date_range("2024", periods=2), ["moon"])
    with pytest.raises(ValueError, match="needs dates"):
        calendar_features(pd.RangeIndex(3), ["hour"])
