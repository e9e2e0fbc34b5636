"""Guesses for missing values: what they are, and that they never come from behind an origin."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from rnnforecast.estimators._bridge import LINE, Bridge, fit_bridge, hole_lengths, newest_of_season, season_before
from rnnforecast.estimators._frames import ages
from rnnforecast.series import read

SEASON = 6


@pytest.fixture
def holed(rng):
    """Values (120, 2) and which of them were observed; holes of all lengths up to three seasons."""
    seen = rng.random((120, 2)) > 0.25
    seen[40:58, 0] = seen[70:80, 1] = seen[100:104, 0] = False
    seen[[0, -1]] = True
    return rng.normal(size=(120, 2)), seen


def test_hole_lengths_by_counting(holed):
    for column in holed[1].T:
        expected = np.zeros(120, int)
        for row in np.flatnonzero(~column):
            first, last = row, row
            while not column[first - 1]:
                first -= 1
            while not column[last + 1]:
                last += 1
            expected[row] = last - first + 1
        np.testing.assert_array_equal(hole_lengths(column), expected)


def test_the_newest_of_a_season_by_looking(holed):
    values, seen = holed
    found = newest_of_season(values, seen, SEASON)
    for k in range(2):
        for row in range(120):
            earlier = [r for r in range(row, -1, -SEASON) if seen[r, k]]
            assert found[row, k] == values[earlier[0] if earlier else row, k]
        before, elapsed = season_before(values[:, k], seen[:, k], SEASON)
        for row in range(120):
            earlier = [r for r in range(row - SEASON, -1, -SEASON) if seen[r, k]]
            np.testing.assert_equal(before[row], values[earlier[0], k] if earlier else np.nan)
            assert elapsed[row] == ((row - earlier[0]) / SEASON if earlier else 0)


@pytest.mark.parametrize("bridge", [LINE, Bridge(SEASON, 1), Bridge(SEASON, 5)])
def test_a_guess_reads_nothing_behind_the_end_of_its_hole(holed, bridge):
    values, seen = holed
    filled = bridge.fill(values, seen)
    np.testing.assert_array_equal(filled[seen], values[seen])
    for k in range(2):
        for origin in np.flatnonzero(seen[:, k]) + 1:
            alone = bridge.fill(values[:origin, k : k + 1], seen[:origin, k : k + 1])
            np.testing.assert_array_equal(alone[:, 0], filled[:origin, k])


def test_what_is_not_observed_is_never_read(holed):
    values, seen = holed
    other = np.where(seen, values, np.nan)
    for bridge in (LINE, Bridge(SEASON, 1)):
        np.testing.assert_array_equal(bridge.fill(other, seen), bridge.fill(values, seen))


def test_a_season_on_a_line_is_bridged_exactly():
    rows = np.arange(60.0)
    values = (np.tile(np.random.default_rng(0).normal(size=SEASON), 10) + 0.3 * rows)[:, None]
    seen = np.ones((60, 1), bool)
    seen[20:35] = seen[40:44] = False  # more than two seasons, and less than one
    np.testing.assert_allclose(Bridge(SEASON, 1).fill(values, seen), values, atol=1e-12)
    np.testing.assert_allclose(
        LINE.fill(values, seen)[:, 0], pd.Series(np.where(seen, values, np.nan)[:, 0]).interpolate(), atol=1e-12
    )


@pytest.mark.parametrize(("smooth", "shortest"), [(True, 5), (False, 1)])
def test_short_holes_are_bridged_by_a_line_where_the_series_is_smooth(smooth, shortest):
    rng = np.random.default_rng(0)
    profile = np.sin(2 * np.pi * np.arange(24) / 24) if smooth else rng.normal(size=24)
    values = (np.tile(10 * profile, 20) + 0.3 * rng.normal(size=480))[:, None]
    seen = rng.random((480, 1)) > 0.05
    bridge = fit_bridge(values, seen, (24,))
    # A line over 2 m - 1 rows misses the top of a sine by 10 (1 - cos(2 pi m / 24)): 1.3 for m = 2, 5 for m = 4.
    assert bridge.season == 24
    assert abs(np.log2((bridge.shortest + 1) / (shortest + 1))) <= 1


def test_without_a_season_or_without_holes_there_is_only_the_line(holed):
    assert fit_bridge(*holed, ()) == fit_bridge(holed[0], None, (SEASON,)) == LINE


def test_joint_models_see_only_rows_before_their_own(holed):
    frame = pd.DataFrame(np.where(holed[1], holed[0], np.nan))
    bridge, whole = Bridge(SEASON, 3), read(frame, missing="mask")
    for n in range(SEASON, 120):
        np.testing.assert_array_equal(bridge.carried(whole.head(n)), bridge.carried(whole)[:n])


@pytest.mark.parametrize("bridge", [LINE, Bridge(SEASON, 1), Bridge(SEASON, 5)])
def test_series_one_after_the_other_are_filled_as_each_alone(holed, bridge):
    values, seen = holed
    seen[[30, 31, 59], 1] = seen[31:34, 0] = False
    begin = np.repeat([0, 31, 60], [31, 29, 60])  # holes at the ends of the second series
    parts = [bridge.fill(*(np.split(table, [31, 60])[k] for table in (values, seen))) for k in range(3)]
    np.testing.assert_array_equal(bridge.fill(values, seen, begin), np.concatenate(parts))
    newest = [
        newest_of_season(v, s, SEASON)
        for v, s in zip(np.split(values, [31, 60]), np.split(seen, [31, 60]), strict=True)
    ]
    np.testing.assert_array_equal(newest_of_season(values, seen, SEASON, begin), np.concatenate(newest))


def test_a_series_without_any_observation_keeps_its_guesses(holed):
    values, seen = holed
    seen[40:60] = False
    begin = np.repeat([0, 40, 60], [40, 20, 60])
    np.testing.assert_array_equal(LINE.fill(values, seen, begin)[40:60], values[40:60])


def test_rows_before_a_series_change_no_guess_of_it(holed):
    frame = pd.DataFrame(np.where(holed[1], holed[0], np.nan), columns=["a", "b"])
    frame.iloc[:4, 1] = np.nan
    panel = read(pd.concat({"x": frame[:50], "y": frame}), missing="mask")
    spaced = panel.spaced(9, 4)
    inside = spaced.spans.inside()
    for bridge in (LINE, Bridge(SEASON, 1), Bridge(SEASON, 5)):
        np.testing.assert_array_equal(bridge.over(spaced)[inside], bridge.over(panel))
        np.testing.assert_array_equal(bridge.carried(spaced)[inside], bridge.carried(panel))
        alone = read(frame, missing="mask")
        np.testing.assert_array_equal(bridge.over(panel)[50:], bridge.over(alone))
        np.testing.assert_array_equal(bridge.carried(panel)[50:], bridge.carried(alone))


def test_ages_begin_anew_with_every_series(holed):
    seen, begin = holed[1], np.repeat([0, 40], [40, 80])
    seen[40] = [True, False]
    together = ages(seen, begin)
    np.testing.assert_array_equal(
        together, np.concatenate([ages(part, 0 * part[:, 0]) for part in (seen[:40], seen[40:])])
    )
    first = 40 + int(seen[40:, 1].argmax())
    assert (together[40:first, 1] == 1).all()
    assert together[first, 1] == 0


def test_guesses_by_season_keep_the_sign_of_what_was_observed():
    falling = np.array([9.0, 1, 9, 1, 6, 1, 6, 1, 5, 1, np.nan, np.nan, np.nan, np.nan, 0.1, 0.1])[:, None]
    seen = ~np.isnan(falling)
    guesses = Bridge(2, 1).fill(falling, seen)[10:14]
    assert (guesses > 0).all()
    falling[1] = -1.0
    assert Bridge(2, 1).fill(falling, seen)[10:14].min() < 0
    zeros = np.tile([0.0, 3.0, 4.0], 5)[:, None]
    seen[:15] = seen[15:] = True
    seen[6:9] = False
    np.testing.assert_array_equal(Bridge(3, 1).fill(zeros, seen[:15]), zeros)
