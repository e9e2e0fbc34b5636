"""Change what a model learns on, and change its forecasts back: logarithm, Box-Cox, differences.

N rows, K target columns, n origins, H steps. An origin is the first row forecast. Everything is float64. Only numpy and
scipy are used.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import boxcox, inv_boxcox

TRANSFORMS = ("log", "boxcox", "difference", "seasonal_difference", "log_return")

_Array = NDArray[np.float64]

_LARGEST_LOG = 700.0  # exp(709.8) is the largest float64; an extrapolated logarithm stays finite
_LOG_SLOPE = 0.5  # halfway between additive (0) and proportional (1) fluctuations
_LEVEL_SPREAD = 0.05  # below 5 % of variation in the level its effect on the spread cannot be seen
_FEWEST_BLOCKS = 4
_BLOCK_WITHOUT_SEASON = 10
_SMALLEST_POWER_OF_ZEROS = 0.25  # a fourth root; smaller powers part zeros from small values as the logarithm does


class Pointwise(Protocol):
    """An increasing function of single values."""

    def forward(self, values: _Array) -> _Array:
        """Return transformed values; ``values`` has shape (..., K).

        Raises
        ------
        ValueError
            If a value is outside the function's domain.
        """

    def inverse(self, values: _Array) -> _Array:
        """Return values in original units, finite for every finite input; ``values`` has shape (..., K)."""

    def sensitivity(self, target: _Array) -> _Array:
        """Return by how much original values (..., K) change per unit of the transformed ones."""


@dataclass(frozen=True)
class Identity:
    """The function that changes nothing."""

    def forward(self, values: _Array) -> _Array:
        """Return ``values``."""
        return values

    def inverse(self, values: _Array) -> _Array:
        """Return ``values``."""
        return values

    def sensitivity(self, target: _Array) -> _Array:
        """Return ones, in the memory of a single one."""
        return np.broadcast_to(1.0, target.shape)


@dataclass(frozen=True)
class Log:
    """The natural logarithm, for series whose fluctuations grow with their level.

    Parameters
    ----------
    floor : float or None
        Values below are taken as this one: where the logarithm was chosen from training data, and not asked for, a
        later zero must not stop a forecast. None refuses zero and negative values.
    """

    floor: float | None = None

    def forward(self, values: _Array) -> _Array:
        """Return the logarithm of positive values.

        Raises
        ------
        ValueError
            If a value is zero or negative, and there is no floor.
        """
        if self.floor is not None:
            return np.log(np.maximum(values, self.floor))
        _require(values > 0, values, "the log transform needs positive values")
        return np.log(values)

    def inverse(self, values: _Array) -> _Array:
        """Return the exponential, finite for every finite input."""
        return np.exp(np.clip(values, -_LARGEST_LOG, _LARGEST_LOG))

    def sensitivity(self, target: _Array) -> _Array:
        """Return the values themselves."""
        return target if self.floor is None else np.maximum(target, self.floor)


@dataclass(frozen=True, eq=False)
class BoxCox:
    """The power transform ``((y / unit) ** power - 1) / power``, the logarithm at power 0 (Box and Cox, 1964).

    Parameters
    ----------
    power : ndarray of shape (K,)
        In [0, 1]; larger powers would lose the digits of small values.
    unit : ndarray of shape (K,)
        Positive; the size of the values, so that those of any size keep their digits.
    """

    power: _Array
    unit: _Array

    def forward(self, values: _Array) -> _Array:
        """Return powers of values that are positive, or zero where the power is.

        Raises
        ------
        ValueError
            If a value is negative, or zero where the power is zero too.
        """
        _require(values >= 0, values, "the boxcox transform needs values that are not negative")
        _require((values > 0) | (self.power > 0), values, "the boxcox transform with power 0 needs positive values")
        return boxcox(values / self.unit, self.power)

    def inverse(self, values: _Array) -> _Array:
        """Return roots; what lies below the transform of zero is zero."""
        with np.errstate(over="ignore", divide="ignore"):
            grown = inv_boxcox(np.maximum(values, -1.0 / self.power), self.power)
            return np.minimum(grown, np.exp(_LARGEST_LOG) / self.unit) * self.unit

    def sensitivity(self, target: _Array) -> _Array:
        """Return the derivative of `inverse`."""
        return (target / self.unit) ** (1.0 - self.power) * self.unit


@dataclass(frozen=True)
class Transform:
    """A function of single values, then differences.

    The inverse adds differences up from the last known values before each origin. It is increasing in every forecast.
    Errors and quantiles of the level live on the scale of `pointwise`, where steps have not been added up yet.

    Parameters
    ----------
    pointwise : Identity, Log or BoxCox
    lags : tuple of int
        Differences that are taken, one after the other: 1 of neighbours, s of values a season s apart.
    """

    pointwise: Pointwise = Identity()
    lags: tuple[int, ...] = ()

    @property
    def n_lost(self) -> int:
        """Number of first rows that have no difference."""
        return sum(self.lags)

    def forward(self, target: _Array) -> _Array:
        """Return transformed values, (N, K).

        Parameters
        ----------
        target : ndarray of shape (N, K)
            In original units. The first `n_lost` differences are taken as if the first value had been there before.

        Raises
        ------
        ValueError
            If a value is outside the domain of `pointwise`.
        """
        values = self.pointwise.forward(target)
        for lag in self.lags:
            values = _difference(values, lag)
        return values

    def inverse(self, forecasts: _Array, target: _Array, origins: NDArray[np.int64]) -> _Array:
        """Return forecasts in original units.

        Parameters
        ----------
        forecasts : ndarray of shape (n, H, K)
            Transformed values from each origin on.
        target : ndarray of shape (N, K)
            In original units; only rows before the origins are read, and none of them without differences.
        origins : ndarray of int, shape (n,)
            First row of each forecast, 1 to N.

        Returns
        -------
        ndarray of shape (n, H, K)
        """
        if self.lags:
            values = self.pointwise.forward(target[: int(origins.max(initial=0))])
            levels = [values]
            for lag in self.lags[:-1]:
                levels.append(_difference(levels[-1], lag))
            for lag, level in zip(self.lags[::-1], levels[::-1], strict=True):
                rows = origins[:, None] - lag + np.arange(min(lag, forecasts.shape[1]))
                forecasts = _added_up(forecasts, lag) + _repeated(level[np.maximum(rows, 0)], forecasts.shape[1])
        return self.pointwise.inverse(forecasts)

    def added_up(self, errors: _Array) -> _Array:
        """Return errors (n, H, K) of differences as errors of the levels that they add up to, before `pointwise`."""
        for lag in self.lags[::-1]:
            errors = _added_up(errors, lag)
        return errors

    def observed(self, observed: NDArray[np.bool_] | None, n_rows: int, n_columns: int) -> NDArray[np.bool_] | None:
        """Return which transformed values are known, (N, K): differences of known values; None for all.

        Parameters
        ----------
        observed : ndarray of shape (N, K), bool, or None
            Which values were known before.
        n_rows, n_columns : int
            N and K.
        """
        if not self.lags:
            return observed
        known = np.ones((n_rows, n_columns), dtype=bool) if observed is None else observed.copy()
        for lag in self.lags:
            known[lag:] = known[lag:] & known[:-lag]
            known[:lag] = False
        return known


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
    steps = _steps(name)
    pointwise: Pointwise = Identity()
    if "log" in steps:
        pointwise = Log()
    elif "boxcox" in steps:
        pointwise = fit_boxcox(target, seasons[0] if seasons else 0)
    if "seasonal_difference" in steps and not seasons:
        raise ValueError(
            'target_transform="seasonal_difference" needs a season, but none was found in the training data; '
            'give season_length, or use "difference"'
        )
    lengths = {"difference": 1, "seasonal_difference": seasons[-1] if seasons else 0}
    transform = Transform(pointwise, tuple(lengths[step] for step in steps if step in lengths))
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
    _require(target >= 0, target, "the boxcox transform needs values that are not negative")
    block = season if season > 1 else _BLOCK_WITHOUT_SEASON
    lowest = np.where(target.min(axis=0) > 0, 0.0, _SMALLEST_POWER_OF_ZEROS)
    slopes = np.array([guerrero_slope(column, block) for column in target.T])
    unit = target.max(axis=0)
    return BoxCox(np.clip(1.0 - slopes, lowest, 1.0), np.where(unit > 0, unit, 1.0))


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


def _steps(name: Any) -> tuple[str, ...]:
    """Return the single steps of a name, pointwise first."""
    given = () if name is None else tuple(name) if isinstance(name, tuple | list) else (name,)
    steps = tuple(step for one in given for step in (("log", "difference") if one == "log_return" else (one,)))
    known = all(isinstance(step, str) and step in TRANSFORMS for step in steps)
    if not known or len(set(steps)) < len(steps) or any(step in ("log", "boxcox") for step in steps[1:]):
        names = ", ".join(f'"{each}"' for each in TRANSFORMS)
        raise ValueError(
            f'target_transform must be "auto", None, one of {names}, or a tuple of these without repetition that has '
            f'"log" or "boxcox" at its beginning if at all, got {name!r}'
        )
    return steps


def _difference(values: _Array, lag: int) -> _Array:
    """Return ``values[t] - values[t - lag]``, (N, K), as if the first value had been there before."""
    return values - values[np.maximum(np.arange(len(values)) - lag, 0)]


def _added_up(differences: _Array, lag: int) -> _Array:
    """Return sums (n, H, K) of ``differences[:, h]``, ``[:, h - lag]``, ``[:, h - 2 lag]`` and so on."""
    n, horizon, n_columns = differences.shape
    width = min(lag, horizon)
    n_rounds = -(-horizon // width)
    filled = np.zeros((n, n_rounds * width, n_columns))
    filled[:, :horizon] = differences
    return filled.reshape(n, n_rounds, width, n_columns).cumsum(axis=1).reshape(filled.shape)[:, :horizon]


def _repeated(season: _Array, horizon: int) -> _Array:
    """Return the rows (n, width, K) over and over, (n, H, K)."""
    return season[:, np.arange(horizon) % season.shape[1]]


def _require(valid: NDArray[np.bool_], values: _Array, needs: str) -> None:
    """Raise unless all values (..., K) are valid."""
    if np.all(valid):
        return
    rows = np.flatnonzero(~valid.reshape(-1, valid.shape[-1]).all(axis=1))
    raise ValueError(f"{needs}, got {np.min(values):g} (first at row {rows[0]}); fit with target_transform=None")
