"""Which transform a series is to be learnt on, and with what power.

N rows, K target columns.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from rnnforecast.transforms.differences import Transform
from rnnforecast.transforms.pointwise import BoxCox, Identity, Log, Pointwise, require

TRANSFORMS = ("log", "boxcox", "difference", "seasonal_difference", "log_return")

_Array = NDArray[np.float64]

_LOG_SLOPE = 0.5  # halfway between additive (0) and proportional (1) fluctuations
_LEVEL_SPREAD = 0.05  # below 5 % of variation in the level its effect on the spread cannot be seen
_FEWEST_BLOCKS = 4
_BLOCK_WITHOUT_SEASON = 10
_SMALLEST_POWER_OF_ZEROS = 0.25  # a fourth root; smaller powers part zeros from small values as the logarithm does


def fit_transform(name: Any, target: _Array, seasons: Sequence[int]) -> Transform:
    """Make a transform, with what it has to learn learnt from training values.

    Parameters
    ----------
    name : "auto", None, one of `TRANSFORMS` or tuple of these
        "auto" takes the logarithm of positive series whose fluctuations grow with their level. "log_return" is
        ``("log", "difference")``. Of a tuple, "log" or "boxcox" comes first.
    target : ndarray of shape (N, K)
        Training values.
    seasons : sequence of int
        Season lengths, ascending; seasonal differences are those of the longest.

    Raises
    ------
    ValueError
        If the name is none of these, a value is outside the domain, or there is no season to take differences of.
    """
    if isinstance(name, str) and name == "auto":
        return Transform(Log(float(target.min()))) if _votes_for_log(target, seasons) else Transform()
    steps = steps_of(name)
    pointwise: Pointwise = Identity()
    if "log" in steps:
        pointwise = Log()
    elif "boxcox" in steps:
        pointwise = fit_boxcox(target, seasons[0] if seasons else 0)
    transform = Transform(pointwise, lags_of(name, seasons))
    if transform.n_lost >= len(target):
        raise ValueError(
            f"target_transform={name!r} takes differences of values {transform.n_lost} rows apart and needs more rows, "
            f"got {len(target)}"
        )
    transform.forward(target)  # values outside the domain are said before any work
    return transform


def fit_boxcox(target: _Array, season: int = 0) -> BoxCox:
    """Choose the powers that make the size of fluctuations the same at all levels: one minus the Guerrero slope.

    Parameters
    ----------
    target : ndarray of shape (N, K)
        Values that are not negative.
    season : int
        The smallest season, the block length; 0 or 1 when there is none.

    Returns
    -------
    BoxCox
        Powers in [0, 1], and at least 1/4 for columns with zeros; 1 where nothing can be said.
    """
    require(target >= 0, target, "the boxcox transform needs values that are not negative")
    block = season if season > 1 else _BLOCK_WITHOUT_SEASON
    lowest = np.where(target.min(axis=0) > 0, 0.0, _SMALLEST_POWER_OF_ZEROS)
    slopes = np.array([guerrero_slope(column, block) for column in target.T])
    unit = target.max(axis=0)
    return BoxCox(np.clip(1.0 - slopes, lowest, 1.0), np.where(unit > 0, unit, 1.0))


def pool_boxcox(fitted: Sequence[BoxCox], target: _Array) -> BoxCox:
    """Return one Box-Cox transform for several series: the median of their powers and of their sizes.

    Parameters
    ----------
    fitted : sequence of BoxCox
        Of some of the series.
    target : ndarray of shape (N, K)
        Values of all of them, not negative.
    """
    lowest = np.where(target.min(axis=0) > 0, 0.0, _SMALLEST_POWER_OF_ZEROS)
    power = np.median([one.power for one in fitted], axis=0)
    return BoxCox(np.maximum(power, lowest), np.median([one.unit for one in fitted], axis=0))


def guerrero_slope(y: ArrayLike, block: int) -> float:
    """Slope of log standard deviation on log mean over consecutive blocks (Guerrero, 1993).

    0 means fluctuations of constant size, 1 fluctuations in proportion to the level (where the logarithm makes them
    constant).

    Parameters
    ----------
    y : array-like of shape (N,)
        One series.
    block : int
        Points per block, at least 2; blocks are cut from the end.

    Returns
    -------
    float
        0 where nothing can be said: negative values, fewer than four blocks that vary, or levels that hardly differ.
    """
    y = np.asarray(y, dtype=np.float64)
    n_blocks = len(y) // block
    if n_blocks < _FEWEST_BLOCKS or y.min() < 0 or y.max() == 0:
        return 0.0
    blocks = y[len(y) - n_blocks * block :].reshape(n_blocks, block) / y.max()  # squares of 1e300 would overflow
    blocks = blocks[np.ptp(blocks, axis=1) > 0]  # a constant block has no logarithm of its spread
    if len(blocks) < _FEWEST_BLOCKS:
        return 0.0
    level = np.log(blocks.mean(axis=1))
    spread = np.log(blocks.std(axis=1))
    if level.std() < _LEVEL_SPREAD:
        return 0.0
    level -= level.mean()
    return float(level @ spread / (level @ level))


def wants_log(y: ArrayLike, season: int = 0) -> bool:
    """Whether a series should be forecast as its logarithm.

    Parameters
    ----------
    y : array-like of shape (N,)
        One series.
    season : int
        Its smallest season, the block length; 0 or 1 when it has none.

    Returns
    -------
    bool
        True for positive series whose Guerrero slope is above one half.
    """
    slope = guerrero_slope(y, season if season > 1 else _BLOCK_WITHOUT_SEASON)
    return slope > _LOG_SLOPE and float(np.min(y)) > 0


def _votes_for_log(target: _Array, seasons: Sequence[int]) -> bool:
    if target.min() <= 0:
        return False
    votes = [wants_log(column, seasons[0] if seasons else 0) for column in target.T]
    return 2 * sum(votes) > len(votes)


def lags_of(name: Any, seasons: Sequence[int]) -> tuple[int, ...]:
    """Return the lags of the differences that a transform takes, one after the other.

    Parameters
    ----------
    name : None, one of `TRANSFORMS` or tuple of these
    seasons : sequence of int
        Season lengths, ascending.

    Raises
    ------
    ValueError
        If there is no season to take differences of.
    """
    steps = steps_of(name)
    if "seasonal_difference" in steps and not seasons:
        raise ValueError(
            'target_transform="seasonal_difference" needs a season, but none was found in the training data; '
            'give season_length, or use "difference"'
        )
    lengths = {"difference": 1, "seasonal_difference": seasons[-1] if seasons else 0}
    return tuple(lengths[step] for step in steps if step in lengths)


def steps_of(name: Any) -> tuple[str, ...]:
    """Return the single steps that a transform is made of, those of single values first.

    Parameters
    ----------
    name : "auto", None, one of `TRANSFORMS` or tuple of these
        The logarithm that "auto" may take is not asked for, and no step.

    Raises
    ------
    ValueError
        If it is none of these.
    """
    given = () if name is None or name == "auto" else tuple(name) if isinstance(name, tuple | list) else (name,)
    steps = tuple(step for one in given for step in (("log", "difference") if one == "log_return" else (one,)))
    known = all(isinstance(step, str) and step in TRANSFORMS for step in steps)
    if not known or len(set(steps)) < len(steps) or any(step in ("log", "boxcox") for step in steps[1:]):
        names = ", ".join(f'"{each}"' for each in TRANSFORMS)
        raise ValueError(
            f'target_transform must be "auto", None, one of {names}, or a tuple of these without repetition that has '
            f'"log" or "boxcox" at its beginning if at all, got {name!r}'
        )
    return steps
