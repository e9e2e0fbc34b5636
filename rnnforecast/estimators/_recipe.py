"""What the data decide before anything is learned: logarithm, seasons, the naive base and the length of the window.

N rows, K targets, n windows, L values of a window (the lookback), H steps of the horizon. Only numpy is used.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from numbers import Integral
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rnnforecast.scaling import Identity, Log, fit_scaler, wants_log
from rnnforecast.seasonality import find_seasons

__all__ = [
    "Recipe",
    "auto_lookback",
    "base_columns",
    "base_forecast",
    "futures",
    "resolve",
    "resolve_seasons",
    "takes_log",
    "windows",
]

_BLOCK_WITHOUT_SEASON = 10
_LOOKBACK_WITHOUT_SEASON = 20
_HORIZONS_BACK, _LONGEST_WITHOUT_SEASON = 4, 200  # of the series of a panel
_MOST_SEASONS_BACK = 14
_MOST_COMPARISONS = 20_000_000  # of the base with the last value; a long series with a long horizon is sampled
_LONGEST_LOOKBACK = 1345  # two weeks of quarter hours; the cost of the closed form grows with the cube


@dataclass(frozen=True)
class Recipe:
    """Decisions shared by the linear and the recurrent forecaster.

    Parameters
    ----------
    log : bool
        Whether models see the logarithm of the target.
    seasons : tuple of int
        Season lengths, ascending; empty when there is none.
    base : int
        The naive forecast that models correct: 0 is the last value, s the value one season of length s before.
    lookback : int
        Values of the target a forecast looks back on.
    block : int
        The smallest season, or 10: the unit in which lengths are counted.
    floor : float or None
        Smallest training value where the logarithm was not asked for; later values are taken to be no smaller.
    local : bool
        Whether windows are scaled by their own steps, as those of the many series of a panel are, rather than by the
        deviation of the whole series.
    """

    log: bool
    seasons: tuple[int, ...]
    base: int
    lookback: int
    block: int
    floor: float | None = None
    local: bool = False

    @property
    def transform(self) -> Identity | Log:
        """The value transform that ``log`` stands for."""
        return Log(self.floor) if self.log else Identity()


def resolve(
    target: NDArray[np.float64],
    horizon: int,
    candidates: Sequence[int] | None,
    *,
    lookback: Any = "auto",
    season_length: Any = "auto",
    transform: Any = "auto",
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
        Auto counts in seasons: a third of the series, at most 14 seasons, plus one value (the seasonal difference of
        the last value needs the lag one beyond the season); 20 without a season.
    season_length : "auto", None, int or tuple of int
        None and 1 mean no season.
    transform : "auto", "log" or None
        Auto takes the logarithm of positive series whose fluctuations grow with their level.

    Returns
    -------
    Recipe

    Raises
    ------
    ValueError
        If a parameter is none of these, or the logarithm is asked of values that are not positive.
    """
    seasons = resolve_seasons(target, candidates, season_length)
    block = seasons[0] if seasons else _BLOCK_WITHOUT_SEASON
    log = takes_log(target, seasons, transform)
    if _is_auto(lookback):
        n_back = auto_lookback(len(target), horizon, seasons)
    else:
        n_back = _positive_integer("lookback", lookback)
    values = Log().forward(target) if log else target
    floor = float(target.min()) if log and _is_auto(transform) else None
    return Recipe(log, seasons, _better_base(values, horizon, seasons, n_back), n_back, block, floor)


def resolve_seasons(
    target: NDArray[np.float64], candidates: Sequence[int] | None, season_length: Any
) -> tuple[int, ...]:
    """Return the seasons of a target, ascending; arguments are those of `resolve`.

    Raises
    ------
    ValueError
        If ``season_length`` is neither "auto" nor None nor made of positive integers.
    """
    if _is_auto(season_length):
        return find_seasons(target, candidates)
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
            longest = int(np.clip(_HORIZONS_BACK * horizon, longest, _LONGEST_WITHOUT_SEASON))
        return int(np.clip(third, 1, longest))
    smallest, largest = seasons[0], seasons[-1]
    n_seasons = int(np.clip(third // smallest, 1, _MOST_SEASONS_BACK))
    if third >= largest:
        n_seasons = max(n_seasons, -(-largest // smallest))
    return min(n_seasons, max(_LONGEST_LOOKBACK // smallest, 1)) * smallest + 1


def takes_log(target: NDArray[np.float64], seasons: tuple[int, ...], transform: Any) -> bool:
    """Return whether models are to see the logarithm of a target; arguments are those of `resolve`.

    Raises
    ------
    ValueError
        If ``transform`` is neither "auto" nor "log" nor None.
    """
    if transform not in ("auto", "log", None):
        raise ValueError(f'target_transform must be "auto", "log" or None, got {transform!r}')
    if transform != "auto":
        return transform == "log"
    if target.min() <= 0:
        return False
    votes = [wants_log(column, seasons[0] if seasons else 0) for column in target.T]
    return 2 * sum(votes) > len(votes)


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


def base_forecast(relative: NDArray[np.float64], horizon: int, base: int) -> NDArray[np.float64]:
    """Return the naive forecast of windows that had their last value subtracted.

    Parameters
    ----------
    relative : ndarray of shape (n, L)
        Windows minus their last value.
    horizon : int
        Steps to be forecast, any number.
    base : int
        0 for the last value, else the season, at most L.

    Returns
    -------
    ndarray of shape (n, horizon)
        Relative to the last value too; zero for ``base=0``.
    """
    return relative[:, base_columns(relative.shape[1], horizon, base)]


def _is_auto(parameter: Any) -> bool:
    return isinstance(parameter, str) and parameter == "auto"


def _positive_integer(name: str, value: Any) -> int:
    if isinstance(value, bool | np.bool_) or not isinstance(value, Integral) or value < 1:
        raise ValueError(f'{name} must be "auto" or a positive integer, got {value!r}')
    return int(value)


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
