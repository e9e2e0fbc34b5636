"""One recipe for all series of a panel, from what a sample of them asks for.

S series, N rows, K targets.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray

from rnnforecast.estimators._bridge import LINE, Bridge, observed_targets
from rnnforecast.estimators._recipe import Recipe, auto_lookback, resolve, resolve_seasons
from rnnforecast.series import Series, season_candidates
from rnnforecast.series.labels import names_text
from rnnforecast.transforms import (
    BoxCox,
    Identity,
    Log,
    Pointwise,
    Transform,
    fit_transform,
    lags_of,
    pool_boxcox,
    steps_of,
)

_ASKED = 100  # series; more would not change what most of them want

_Sample = list[tuple[NDArray[np.float64], NDArray[np.bool_] | None]]


def resolve_series(forecaster: Any, series: Series, transform: Any) -> Recipe:
    """Turn ``"auto"`` into numbers; of a panel, what at least half of the series in a sample want.

    Parameters
    ----------
    forecaster : BaseForecaster
        Its horizon, lookback and season_length are read.
    series : Series
        The training rows.
    transform : "auto", None, str or tuple of str
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
    sample = _sample(series)
    seasons = _found(sample, season_candidates(series.clock), forecaster.season_length)
    if len(series.spans) > 1:
        _require_transformable(series, transform, seasons)
    lookback = forecaster.lookback
    if isinstance(lookback, str) and lookback == "auto":
        panel = len(series.spans) > 1
        lookback = auto_lookback(int(np.median(series.spans.lengths)), forecaster.horizon, seasons, panel=panel)
    options = {"lookback": lookback, "season_length": seasons, "transform": transform}
    recipes = [resolve(target, forecaster.horizon, None, **options, observed=seen) for target, seen in sample]
    return recipes[0] if len(series.spans) == 1 else _of_all(recipes, series, transform)


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


def find_error_scale(series: Series, seasons: tuple[int, ...]) -> Pointwise:
    """Return the scale on which errors are alike at every level, as most of a sample of the series have it.

    Parameters
    ----------
    series : Series
        The training rows.
    seasons : tuple of int
        Of the series.
    """
    wanted = [fit_transform("auto", LINE.fill(target, seen), seasons).pointwise for target, seen in _sample(series)]
    return common_scale(wanted, series.target)


def common_scale(scales: Sequence[Pointwise], target: NDArray[np.float64]) -> Pointwise:
    """Return one function of single values for all series.

    Parameters
    ----------
    scales : sequence of Pointwise
        Those of some series: Box-Cox transforms, whose powers are pooled; or logarithms, taken if most ask for them and
        the values allow it.
    target : ndarray of shape (N, K)
        Values of all series.
    """
    if isinstance(scales[0], BoxCox):
        return pool_boxcox(cast("Sequence[BoxCox]", scales), target)
    lowest = float(target.min())
    log = lowest > 0 and 2 * sum(isinstance(scale, Log) for scale in scales) > len(scales)
    return Log(lowest) if log else Identity()


def _of_all(recipes: list[Recipe], series: Series, name: Any) -> Recipe:
    """Return the recipe of all series from those of some of them."""
    bridge = replace(recipes[0].bridge, shortest=int(np.median([recipe.bridge.shortest for recipe in recipes])))
    transform = _transform_of_all([recipe.transform for recipe in recipes], series, bridge, name)
    bases = [recipe.base or 0 for recipe in recipes]
    base = max(bases) if 2 * np.count_nonzero(bases) > len(bases) else 0
    return replace(recipes[0], transform=transform, base=None if transform.lags else base, bridge=bridge, local=True)


def _transform_of_all(transforms: list[Transform], series: Series, bridge: Bridge, name: Any) -> Transform:
    """Return the transform of all series from those of some of them; `name` is what was asked for."""
    one = transforms[0]
    if (isinstance(name, str) and name == "auto") or isinstance(one.pointwise, BoxCox):
        return replace(one, pointwise=common_scale([each.pointwise for each in transforms], bridge.over(series)))
    return one


def _require_transformable(series: Series, name: Any, seasons: tuple[int, ...]) -> None:
    """Refuse series with values outside the domain of a transform, or with no differences, by their names.

    Raises
    ------
    ValueError
        Also for transforms that there are not.
    """
    if series.ids is None or (isinstance(name, str) and name == "auto"):
        return
    lowest = np.minimum.reduceat(series.target, series.spans.starts).min(axis=1)
    steps, n_lost = steps_of(name), sum(lags_of(name, seasons))
    for step, outside, needs in (
        ("log", lowest <= 0, "positive values"),
        ("boxcox", lowest < 0, "values that are not negative"),
    ):
        if step in steps and outside.any():
            raise ValueError(
                f"the {step} transform needs {needs}, but the series {names_text(series.ids[outside])} have "
                "others; fit with target_transform=None"
            )
    short = series.spans.lengths <= n_lost
    if short.any():
        raise ValueError(
            f"target_transform={name!r} takes differences of values {n_lost} rows apart and needs more rows of each "
            f"series, got fewer of {names_text(series.ids[short])}; drop such series, or fit without differences"
        )


def _found(sample: _Sample, candidates: Any, season_length: Any) -> tuple[int, ...]:
    found = [resolve_seasons(LINE.fill(target, seen), candidates, season_length, seen) for target, seen in sample]
    every = sorted({season for seasons in found for season in seasons})
    return tuple(season for season in every if 2 * sum(season in seasons for seasons in found) >= len(found))


def _sample(series: Series) -> _Sample:
    """Return target rows of up to so many series, evenly spread over the panel, and which are no guesses."""
    spans, observed = series.spans, observed_targets(series)
    asked = np.unique(np.linspace(0, len(spans) - 1, _ASKED).astype(np.int64))
    parts = [slice(int(spans.starts[k]), int(spans.stops[k])) for k in asked]
    return [(series.target[part], None if observed is None else observed[part]) for part in parts]
