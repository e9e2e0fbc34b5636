"""One recipe for all series of a panel, from what a sample of them asks for.

S series, N rows, K targets.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rnnforecast.estimators._recipe import Recipe, auto_lookback, resolve, resolve_seasons, takes_log
from rnnforecast.scaling import Identity, Log
from rnnforecast.series import Series, season_candidates
from rnnforecast.series.labels import names_text

_ASKED = 100  # series; more would not change what most of them want


def resolve_series(forecaster: Any, series: Series, transform: Any) -> Recipe:
    """Turn ``"auto"`` into numbers; of a panel, what at least half of the series in a sample want.

    Parameters
    ----------
    forecaster : BaseForecaster
        Its horizon, lookback and season_length are read.
    series : Series
        The training rows.
    transform : "auto", "log" or None
        Of the target; see `rnnforecast.estimators._recipe.resolve`.

    Returns
    -------
    Recipe
        For all series; an automatic lookback is that of a series of median length.

    Raises
    ------
    ValueError
        What `rnnforecast.estimators._recipe.resolve` refuses.
    """
    horizon = forecaster.horizon
    lowest = np.minimum.reduceat(series.target, series.spans.starts).min(axis=1)
    if series.ids is not None and transform == "log" and (lowest <= 0).any():
        raise ValueError(
            f"the log transform needs positive values, but the series {names_text(series.ids[lowest <= 0])} have "
            "others; fit with target_transform=None"
        )
    if transform == "auto" and lowest.min() <= 0:
        transform = None
    sample = _sample(series)
    seasons = _found(sample, season_candidates(series.clock), forecaster.season_length)
    lookback = forecaster.lookback
    if isinstance(lookback, str) and lookback == "auto":
        panel = len(series.spans) > 1
        lookback = auto_lookback(int(np.median(series.spans.lengths)), horizon, seasons, panel=panel)
    recipes = [
        resolve(target, horizon, None, lookback=lookback, season_length=seasons, transform=transform)
        for target in sample
    ]
    log = 2 * sum(recipe.log for recipe in recipes) > len(recipes)
    seasonal = 2 * sum(recipe.base > 0 for recipe in recipes) > len(recipes)
    base = max(recipe.base for recipe in recipes) if seasonal else 0
    floor = float(lowest.min()) if log and transform == "auto" else None
    return replace(recipes[0], log=log, base=base, floor=floor, local=len(series.spans) > 1)


def find_panel_seasons(series: Series, season_length: Any) -> tuple[int, ...]:
    """Return the seasons, ascending, that at least half of a sample of the series have.

    Parameters
    ----------
    series : Series
        The training rows.
    season_length : "auto", None, int or tuple of int
        Other than "auto", it is what is returned.
    """
    return _found(_sample(series), season_candidates(series.clock), season_length)


def find_error_scale(series: Series, seasons: tuple[int, ...]) -> Identity | Log:
    """Return the scale on which errors are alike at every level, as most of a sample of the series have it.

    Parameters
    ----------
    series : Series
        The training rows.
    seasons : tuple of int
        Of the series.
    """
    return common_scale(series, [takes_log(target, seasons, "auto") for target in _sample(series)])


def common_scale(series: Series, logs: Sequence[bool]) -> Identity | Log:
    """Return the logarithm if most ask for it, and the series allow it.

    Parameters
    ----------
    series : Series
        The training rows.
    logs : sequence of bool
        Who asks for it.
    """
    lowest = float(series.target.min())
    return Log(lowest) if lowest > 0 and 2 * sum(logs) > len(logs) else Identity()


def _found(sample: list[NDArray[np.float64]], candidates: Any, season_length: Any) -> tuple[int, ...]:
    found = [resolve_seasons(target, candidates, season_length) for target in sample]
    every = sorted({season for seasons in found for season in seasons})
    return tuple(season for season in every if 2 * sum(season in seasons for seasons in found) >= len(found))


def _sample(series: Series) -> list[NDArray[np.float64]]:
    """Return the target rows of up to so many series, evenly spread over the panel."""
    spans = series.spans
    asked = np.unique(np.linspace(0, len(spans) - 1, _ASKED).astype(np.int64))
    return [series.target[spans.starts[k] : spans.stops[k]] for k in asked]
