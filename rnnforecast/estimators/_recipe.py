"""What the data decide before anything is learned: transform, seasons, the naive base and the length of the window.

N rows, K targets, n windows, L values of a window (the lookback), H steps of the horizon. Only numpy is used.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from numbers import Integral
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rnnforecast.estimators._bridge import LINE, Bridge, fit_bridge, hole_lengths
from rnnforecast.scaling import fit_scaler
from rnnforecast.seasonality import find_seasons
from rnnforecast.transforms import Transform, fit_transform

__all__ = [
    "Recipe",
    "auto_lookback",
    "base_columns",
    "futures",
    "relative_and_base",
    "resolve",
    "resolve_seasons",
    "shortened",
    "windows",
    "worth_learning",
]

_BLOCK_WITHOUT_SEASON = 10
_LOOKBACK_WITHOUT_SEASON = 70
_SHORT_WITHOUT_SEASON = 20
_HORIZONS_BACK, _LONGEST_WITHOUT_SEASON = 4, 200  # of the series of a panel
_MOST_SEASONS_BACK = 14
_SEASONS_ANYWAY = 2  # of the longest, however few rows there are for each lag
_ROWS_PER_LAG = 20
_SHORT_HOLE = 2
_MOST_COMPARISONS = 20_000_000  # of the base with the last value; a long series with a long horizon is sampled
_LONGEST_LOOKBACK = 1345  # two weeks of quarter hours; the cost of the closed form grows with the cube


@dataclass(frozen=True)
class Recipe:
    """Decisions shared by the linear and the recurrent forecaster.

    Parameters
    ----------
    transform : Transform
        What models see of the target.
    seasons : tuple of int
        Season lengths, ascending; empty when there is none.
    base : int or None
        The naive forecast that models correct: 0 is the last value, s the value one season of length s before, None is
        zero, for differences.
    lookback : int
        Values of the target a forecast looks back on.
    block : int
        The smallest season, or 10: the unit in which lengths are counted.
    bridge : Bridge
        How holes of a series are bridged where they are no error.
    local : bool
        Whether windows are scaled by their own steps, as those of the many series of a panel are, rather than by the
        deviation of the whole series.
    """

    transform: Transform
    seasons: tuple[int, ...]
    base: int | None
    lookback: int
    block: int
    bridge: Bridge = LINE
    local: bool = False


def resolve(
    target: NDArray[np.float64],
    horizon: int,
    candidates: Sequence[int] | None,
    *,
    lookback: Any = "auto",
    season_length: Any = "auto",
    transform: Any = "auto",
    observed: NDArray[np.bool_] | None = None,
) -> Recipe:
    """Turn ``"auto"`` into numbers; what the user fixed stays.

    Parameters
    ----------
    target : ndarray of shape (N, K)
        Training values; one recipe holds for all columns.
    horizon : int
        Steps to be forecast.
    candidates : sequence of int or None
        Season lengths the time axis makes possible, see `rnnforecast.seasonality.find_seasons`.
    lookback : "auto" or int
        Auto counts in seasons: a third of the series, at most 14 seasons, and no more than a twentieth of the rows or
        two of the longest season, plus one value (the seasonal difference of the last value needs the lag one beyond
        the season); 70 without a season.
    season_length : "auto", None, int or tuple of int
        None and 1 mean no season.
    transform : "auto", None, str or tuple of str
        See `rnnforecast.transforms.fit_transform`.
    observed : ndarray of shape (N, K), bool, optional
        False where a value is a guess.

    Returns
    -------
    Recipe

    Raises
    ------
    ValueError
        If a parameter is none of these, or a transform is asked that the values do not allow.
    """
    target = LINE.fill(target, observed)
    seasons = resolve_seasons(target, candidates, season_length, observed)
    bridge = fit_bridge(target, observed, seasons)
    target = bridge.fill(target, observed)
    block = seasons[0] if seasons else _BLOCK_WITHOUT_SEASON
    fitted = fit_transform(transform, target, seasons)
    if _is_auto(lookback):
        n_back = auto_lookback(len(target), horizon, seasons)
    else:
        n_back = _positive_integer("lookback", lookback)
    base = None if fitted.lags else _better_base(fitted.forward(target), horizon, seasons, n_back)
    return Recipe(fitted, seasons, base, n_back, block, bridge)


def resolve_seasons(
    target: NDArray[np.float64],
    candidates: Sequence[int] | None,
    season_length: Any,
    observed: NDArray[np.bool_] | None = None,
) -> tuple[int, ...]:
    """Return the seasons of a target, ascending; arguments are those of `resolve`.

    Raises
    ------
    ValueError
        If ``season_length`` is neither "auto" nor None nor made of positive integers.
    """
    if _is_auto(season_length):
        return find_seasons(target, candidates, None if observed is None else _or_short(observed, candidates))
    if season_length is None:
        return ()
    given = season_length if isinstance(season_length, tuple | list) else (season_length,)
    return tuple(sorted({_positive_integer("season_length", season) for season in given} - {1}))


def auto_lookback(n_rows: int, horizon: int, seasons: tuple[int, ...], *, panel: bool = False) -> int:
    """Return how many values a forecast should look back on.

    Parameters
    ----------
    n_rows, horizon : int
        Rows of the series and of a forecast.
    seasons : tuple of int
        Its seasons, ascending.
    panel : bool
        Whether it is one of several: together they are enough to learn longer windows from.

    Returns
    -------
    int
        Whole seasons and one value more; see `resolve`.
    """
    third = max(n_rows - horizon, 0) // 3
    if not seasons:
        longest = _LOOKBACK_WITHOUT_SEASON
        if panel:
            longest = int(np.clip(_HORIZONS_BACK * horizon, _SHORT_WITHOUT_SEASON, _LONGEST_WITHOUT_SEASON))
        return int(np.clip(third, 1, longest))
    smallest, largest = seasons[0], seasons[-1]
    n_seasons = int(np.clip(third // smallest, 1, _MOST_SEASONS_BACK))
    if third >= largest:
        n_seasons = max(n_seasons, -(-largest // smallest))
    if not panel:
        affordable = max(n_rows // _ROWS_PER_LAG, _SEASONS_ANYWAY * largest) // smallest
        n_seasons = min(n_seasons, max(affordable, 1))
    return min(n_seasons, max(_LONGEST_LOOKBACK // smallest, 1)) * smallest + 1


def windows(values: NDArray[np.float64], origins: NDArray[np.int64], lookback: int) -> NDArray[np.float64]:
    """Return the ``lookback`` values before every origin.

    Parameters
    ----------
    values : ndarray of shape (N,)
        One series.
    origins : ndarray of int, shape (n,)
        First rows to be forecast, each at least 1 and at most N.
    lookback : int
        Values per window.

    Returns
    -------
    ndarray of shape (n, lookback)
        Newest value last; where the series is too short the first value is repeated on the left.
    """
    return values[np.maximum(origins[:, None] + np.arange(-lookback, 0), 0)]


def futures(values: NDArray[np.float64], origins: NDArray[np.int64], horizon: int) -> NDArray[np.float64]:
    """Return the values from every origin on.

    Parameters
    ----------
    values : ndarray of shape (N,)
        One series.
    origins : ndarray of int, shape (n,)
        First rows to be forecast, each at most N - horizon.
    horizon : int
        Values per origin.

    Returns
    -------
    ndarray of shape (n, horizon)
    """
    return values[origins[:, None] + np.arange(horizon)]


def worth_learning(observed: NDArray[np.bool_], origins: NDArray[np.int64], horizon: int) -> NDArray[np.bool_]:
    """Tell which windows end with a known value and are followed by known values for the most part.

    Parameters
    ----------
    observed : ndarray of shape (N,) or (N, K), bool
        False where a value is a guess.
    origins : ndarray of int, shape (n,)
        First rows to be forecast, 1 to N - horizon.
    horizon : int
        Steps to be forecast.

    Returns
    -------
    ndarray of shape (n,) or (n, K), bool
    """
    count = np.concatenate([np.zeros_like(observed[:1], dtype=np.int64), np.cumsum(observed, axis=0)])
    return observed[origins - 1] & (2 * (count[origins + horizon] - count[origins]) >= horizon)


def base_columns(lookback: int, horizon: int, base: int) -> NDArray[np.intp]:
    """Return which value of a window the base repeats at each step; the newest season goes round and round.

    Parameters
    ----------
    lookback, horizon : int
        Values of a window, steps to be forecast.
    base : int
        0 for the last value, else the season, at most ``lookback``.

    Returns
    -------
    ndarray of int, shape (horizon,)
    """
    if base == 0:
        return np.full(horizon, lookback - 1)
    return lookback - base + np.arange(horizon) % base


def relative_and_base(
    window: NDArray[np.float64], horizon: int, base: int | None
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return what a model reads of windows, and the naive forecast that it corrects.

    Parameters
    ----------
    window : ndarray of shape (n, L, ...)
        Newest value last.
    horizon : int
        Steps to be forecast, any number.
    base : int or None
        0 for the last value, the season, at most L, or None for zero.

    Returns
    -------
    relative : ndarray of shape (n, L, ...)
        The windows less their last value; for ``base=None``, where they hold differences, the windows themselves.
    forecast : ndarray of shape (n, horizon, ...)
    """
    if base is None:
        return window, np.zeros((len(window), horizon, *window.shape[2:]))
    return window - window[:, -1:], window[:, base_columns(window.shape[1], horizon, base)]


def shortened(recipe: Recipe, horizon: int) -> int:
    """Return a shorter lookback than the recipe's, if there is one: two of the shortest season, twenty without any."""
    if not recipe.seasons:
        return min(recipe.lookback, _SHORT_WITHOUT_SEASON)
    season = recipe.seasons[0]
    return min(recipe.lookback, max(season + min(horizon, season), recipe.base or 0))


def _is_auto(parameter: Any) -> bool:
    return isinstance(parameter, str) and parameter == "auto"


def _positive_integer(name: str, value: Any) -> int:
    if isinstance(value, bool | np.bool_) or not isinstance(value, Integral) or value < 1:
        raise ValueError(f'{name} must be "auto" or a positive integer, got {value!r}')
    return int(value)


def _or_short(observed: NDArray[np.bool_], candidates: Sequence[int] | None) -> NDArray[np.bool_]:
    """Return what was observed (N, K) and guesses in holes that are too short to hide a season."""
    longest = min(candidates) // 4 if candidates else _SHORT_HOLE
    return np.stack([hole_lengths(column) <= longest for column in observed.T], axis=1)


def _better_base(values: NDArray[np.float64], horizon: int, seasons: tuple[int, ...], lookback: int) -> int:
    """Return the largest season that fits the window, or 0 if the last value had the smaller error in training."""
    n_rows = len(values)
    season = max((season for season in seasons if season <= lookback), default=0)
    if season == 0 or season >= n_rows:
        return 0
    n_steps = min(horizon, n_rows - season)
    first = max(season, min(lookback, n_rows - n_steps))
    stride = 1 + (n_rows - n_steps - first) * n_steps // _MOST_COMPARISONS
    origins = np.arange(first, n_rows - n_steps + 1, stride)
    columns = base_columns(season, n_steps, season)
    scale = fit_scaler(values).scale
    difference = 0.0
    for step, column in enumerate(columns):  # one step at a time: windows are never laid out
        future = values[origins + step]
        seasonal, last = values[origins - season + column], values[origins - 1]
        difference += float(((np.abs(seasonal - future) - np.abs(last - future)) / scale).sum())
    return season if difference < 0 else 0
