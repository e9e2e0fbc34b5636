"""What "auto" becomes, and the windows every forecaster reads."""

import numpy as np
import pytest

from rnnforecast.estimators._recipe import base_columns, futures, relative_and_base, resolve, windows
from rnnforecast.transforms import Identity, Log


def seasonal(n, season=12, noise=0.2, seed=0):
    rng = np.random.default_rng(seed)
    return (np.tile(rng.normal(0, 2, season), n // season + 1)[:n] + noise * rng.standard_normal(n))[:, None]


def test_windows_end_before_their_origin_and_repeat_the_first_value_on_the_left():
    values = np.array([10.0, 11.0, 12.0, 13.0])
    np.testing.assert_array_equal(windows(values, np.array([1, 3, 4]), 3), [[10, 10, 10], [10, 11, 12], [11, 12, 13]])


def test_futures_begin_at_their_origin():
    np.testing.assert_array_equal(futures(np.arange(5.0), np.array([1, 3]), 2), [[1, 2], [3, 4]])


def test_the_base_repeats_the_last_value_or_the_last_season():
    window = np.array([[6.0, 7.0, 8.0, 9.0]])
    for base, forecast in ((0, [9, 9, 9, 9, 9]), (2, [8, 9, 8, 9, 8])):
        relative, found = relative_and_base(window, 5, base)
        np.testing.assert_array_equal(relative, [[-3, -2, -1, 0]])
        np.testing.assert_array_equal(found, [forecast])
    relative, found = relative_and_base(window, 2, None)  # of differences
    np.testing.assert_array_equal(relative, window)
    np.testing.assert_array_equal(found, [[0, 0]])
    np.testing.assert_array_equal(base_columns(4, 3, 3), [1, 2, 3])


@pytest.mark.parametrize(
    ("n", "horizon", "candidates", "season_length", "lookback"),
    [
        (120, 12, (12,), "auto", 25),  # 2 seasons of 12, however few rows there are for each lag, plus 1
        (2000, 12, (12,), "auto", 97),  # 8 = 2000 // 20 // 12
        (4000, 12, (12,), "auto", 169),  # never more than 14
        (30, 12, (12,), 12, 13),  # never less than 1
        (500, 5, (), "auto", 70),  # no season
        (30, 3, (), "auto", 9),  # no season, a third of the rows
        (3000, 24, (), (24, 900), 913),  # the largest season fits: 38 seasons of 24
        (3000, 24, (), (24, 1200), 337),  # it does not: more than a third
        (20_000, 12, (), (288, 2016), 1153),  # 4 days of 5 minutes, the longest that stays cheap
    ],
)
def test_auto_lookback_counts_in_seasons(n, horizon, candidates, season_length, lookback):
    recipe = resolve(seasonal(n), horizon, candidates, season_length=season_length)
    assert recipe.lookback == lookback


def test_the_base_is_the_season_only_where_it_was_better():
    assert resolve(seasonal(200), 12, (12,)).base == 12
    drifting = seasonal(200, noise=0.0) * 0.05 + np.arange(200.0)[:, None]
    assert resolve(drifting, 2, None, season_length=12).base == 0
    assert resolve(seasonal(200), 12, None, season_length=12, lookback=11).base == 0  # the window is too short for it
    assert resolve(seasonal(200), 12, None, season_length=(6, 12, 90)).base == 12  # the largest that fits


def test_auto_takes_the_logarithm_where_fluctuations_grow_with_the_level():
    growing = np.exp(0.01 * np.arange(240.0)[:, None] + 0.1 * seasonal(240))

    def kind(target, **options):
        return type(resolve(target, 12, (12,), **options).transform.pointwise)

    assert kind(growing) is Log
    assert kind(growing, transform=None) is Identity
    assert kind(10 + seasonal(240)) is Identity
    assert kind(np.hstack([growing, -growing])) is Identity  # one column cannot
    assert kind(10 + seasonal(240), transform="log") is Log


def test_differences_are_corrected_from_zero():
    recipe = resolve(seasonal(200), 12, (12,), transform=("seasonal_difference", "difference"))
    assert (recipe.base, recipe.transform.lags) == (None, (12, 1))


def test_what_the_user_fixed_stays():
    recipe = resolve(seasonal(200), 4, (12,), lookback=7, season_length=(7, 1, 30, 7), transform=None)
    assert (recipe.lookback, recipe.seasons, recipe.block) == (7, (7, 30), 7)
    for none in (None, 1):
        recipe = resolve(seasonal(200), 4, (12,), season_length=none)
        assert (recipe.seasons, recipe.base, recipe.block) == ((), 0, 10)


@pytest.mark.parametrize("n", [1, 2, 3, 12, 13, 25])
def test_short_series_have_a_recipe(n):
    for season_length in ("auto", None, 12):
        recipe = resolve(seasonal(n), 12, (12,), season_length=season_length)
        assert recipe.lookback >= 1
        assert recipe.base <= recipe.lookback


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"lookback": 0}, 'lookback must be "auto" or a positive integer, got 0'),
        ({"lookback": True}, "lookback .* got True"),
        ({"season_length": 2.5}, "season_length .* got 2.5"),
        ({"season_length": (7, -1)}, "season_length .* got -1"),
        ({"transform": "sqrt"}, r"target_transform must be .* got 'sqrt'"),
        ({"transform": "log"}, r"the log transform needs positive values.*target_transform=None"),
    ],
)
def test_parameters_out_of_range_are_named(parameters, message):
    with pytest.raises(ValueError, match=message):
        resolve(seasonal(50), 2, None, **parameters)
