"""The NAB score against its formula, worked out by hand."""

import numpy as np
import pandas as pd
import pytest

from rnnforecast.metrics import nab_score


def curve(position):
    """Value of an alarm relative to the end of a window, in window lengths (Lavin and Ahmad, 2015, eq. 1)."""
    return 2 / (1 + np.exp(5 * position)) - 1


def alarms(n, *rows):
    """(n,) labels with ones in these rows."""
    flags = np.zeros(n, int)
    flags[list(rows)] = 1
    return flags


WINDOWS = [(40, 49), (70, 89)]


def test_an_alarm_in_the_first_row_of_each_window_is_perfect_and_none_is_zero():
    for profile in ("standard", "reward_low_FP", "reward_low_FN"):
        assert nab_score(alarms(100, 40, 70), WINDOWS, profile=profile) == pytest.approx(100)
        assert nab_score(alarms(100), WINDOWS, profile=profile) == 0


@pytest.mark.parametrize(
    ("profile", "false_alarm", "missed"),
    [("standard", 0.11, 1), ("reward_low_FP", 0.22, 1), ("reward_low_FN", 0.11, 2)],
)
def test_the_score_is_what_is_earned_beyond_no_alarms_as_a_share_of_the_possible(profile, false_alarm, missed):
    found = curve(-(49 - 44 + 1) / 10) / curve(-1)  # the first window, in its fifth row
    cost = false_alarm * (1 + -curve((60 - 49) / 9))  # row 30 lies before all windows, row 60 after the first
    expected = 100 * ((found - cost - missed) + 2 * missed) / (2 * (1 + missed))
    assert nab_score(alarms(100, 30, 44, 60), WINDOWS, profile=profile) == pytest.approx(expected)


def test_only_the_first_alarm_of_a_window_counts_and_every_false_row_does():
    assert nab_score(alarms(100, 42, 43, 49), WINDOWS) == nab_score(alarms(100, 42), WINDOWS)
    once, twice = (nab_score(alarms(100, 42, *rows), WINDOWS) for rows in ([20], [20, 21]))
    assert once - twice == pytest.approx(100 * 0.11 / 4)


def test_three_lengths_behind_a_window_a_false_alarm_costs_in_full():
    window = [(20, 25)]
    near, far = (nab_score(alarms(100, row), window) for row in (25 + 14, 25 + 15))
    assert far == pytest.approx(-100 * 0.11 / 2)
    assert near == pytest.approx(100 * 0.11 * curve(14 / 5) / 2)


def test_alarms_on_probation_do_not_count_and_windows_that_end_there_are_left_out():
    assert nab_score(alarms(100, 3, 14, 40, 70), WINDOWS) == pytest.approx(100)
    assert nab_score(alarms(100, 40, 70), [(5, 14), *WINDOWS]) == pytest.approx(100)
    assert nab_score(alarms(100, 15, 40, 70), WINDOWS) == pytest.approx(100 - 100 * 0.11 / 4)
    assert nab_score(alarms(100, 14, 40, 70), WINDOWS, probation=0) == pytest.approx(100 - 100 * 0.11 / 4)
    # of a long series 15 % of 5000 rows
    assert nab_score(alarms(20_000, 749, 9000), [(9000, 9100)]) == pytest.approx(100)
    assert nab_score(alarms(20_000, 750, 9000), [(9000, 9100)]) < 100


def test_a_window_of_one_row_can_be_found():
    assert nab_score(alarms(100, 50), [(50, 50)]) == pytest.approx(100)
    assert nab_score(alarms(100, 50, 52), [(50, 50)]) == pytest.approx(100 + 100 * 0.11 * curve(2) / 2)


def test_windows_are_labels_of_the_index():
    stamps = pd.date_range("2024-01-01", periods=100, freq="h")
    flags = pd.Series(alarms(100, 30, 44, 60), stamps)
    expected = nab_score(flags.to_numpy(), WINDOWS)
    assert nab_score(flags, [(stamps[a], stamps[b]) for a, b in WINDOWS]) == expected
    assert nab_score(flags, [[f"{stamps[a]}.000000", str(stamps[b])] for a, b in reversed(WINDOWS)]) == expected
    assert nab_score(flags.tz_localize("UTC"), [(str(stamps[a]), str(stamps[b])) for a, b in WINDOWS]) == expected
    shifted = pd.Series(flags.to_numpy(), np.arange(1000, 1100))
    assert nab_score(shifted, [(1000 + a, 1000 + b) for a, b in WINDOWS]) == expected


def test_ends_of_a_window_may_fall_between_rows():
    stamps = pd.DatetimeIndex(["2024-01-01 00:00", "2024-01-01 00:07", "2024-01-01 00:07", "2024-01-01 01:00"])
    assert nab_score(pd.Series([0, 1, 0, 0], stamps), [("2024-01-01 00:01", "2024-01-01 00:59")]) == pytest.approx(100)


def test_several_series_are_one_collection():
    a, b, clean = alarms(100, 30, 44), alarms(80), alarms(60, 50)
    together = nab_score({"a": a, "b": b, "clean": clean}, {"a": WINDOWS, "b": [(50, 60)], "clean": [], "unused": []})
    found = curve(-6 / 10) / curve(-1)
    assert together == pytest.approx(100 * (found - 2 - 2 * 0.11 + 3) / 6)


def test_labels_stay_as_they_were():
    flags = alarms(100, 3)
    nab_score(flags, WINDOWS)
    assert flags[3] == 1


@pytest.mark.parametrize(
    ("predicted", "windows", "options", "message"),
    [
        (alarms(100), [], {}, "windows has no window that ends after the probation"),
        (alarms(100), [(5, 9)], {}, "windows has no window that ends after the probation"),
        (alarms(100), [(40, 49), (49, 60)], {}, "must not overlap, but one begins at 49 and the one before ends at 49"),
        (alarms(100), [(120, 130)], {}, "window 120 to 130 holds no row of y_pred, whose rows are 0 to 99"),
        (alarms(100), [("early", "late")], {}, r"pairs \(first, last\) of labels like 0, got \('early', 'late'\)"),
        (alarms(100), None, {}, r"windows of y_pred must be a list of pairs \(first, last\), got None"),
        (alarms(100), [40, 49], {}, r"pairs \(first, last\) of labels like 0, got 40"),
        (alarms(100), WINDOWS, {"profile": "strict"}, "profile must be one of standard, .*, got 'strict'"),
        (alarms(100), WINDOWS, {"probation": 1}, "probation must be a share of at least 0 and below 1, got 1"),
        (np.full(100, 0.5), WINDOWS, {}, "y_pred must hold 0 and 1 .* got 0.5 at row 0"),
        (pd.Series([0, 1], [1, 0]), [(0, 1)], {}, "y_pred must have an ascending index"),
        ({"a": alarms(9)}, [], {}, "windows must be a mapping with every name of y_pred .* got list"),
        ({"a": alarms(9)}, {"b": []}, {}, "windows must be a mapping with every name of y_pred .* got none of 'a'"),
        (
            pd.Series([0, 1], pd.date_range("2024", periods=2)),
            [("2024-01-01T00Z", "2024-01-02T00Z")],
            {},
            "labels like Timestamp",
        ),
    ],
)
def test_what_cannot_be_scored_is_refused(predicted, windows, options, message):
    with pytest.raises(ValueError, match=message):
        nab_score(predicted, windows, **options)
