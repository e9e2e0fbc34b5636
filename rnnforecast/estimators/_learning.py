"""What a fit of the recurrent forecaster does, step by step."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
from sklearn.exceptions import ConvergenceWarning
from sklearn.utils import check_random_state

from rnnforecast.estimators._architecture import Architecture, design
from rnnforecast.estimators._blend import weigh
from rnnforecast.estimators._bridge import observed_targets
from rnnforecast.estimators._committee import Committee
from rnnforecast.estimators._distributions import require_counts
from rnnforecast.estimators._echo_state import EchoStates, Reach, require_one_series, solve
from rnnforecast.estimators._ensemble import Ensemble, train_ensemble
from rnnforecast.estimators._forking import design_forked, train_forked
from rnnforecast.estimators._frames import Scales
from rnnforecast.estimators._linear import LinearModel
from rnnforecast.estimators._pooling import resolve_series
from rnnforecast.estimators._recipe import Recipe
from rnnforecast.estimators._reservoir import Drawing, drawing
from rnnforecast.estimators._threads import one_blas_thread
from rnnforecast.estimators._training import Settings
from rnnforecast.estimators._watching import Watch
from rnnforecast.network.heads import COUNTS
from rnnforecast.series import Series

MOST_ROWS_OF_A_COMMITTEE = 1_000_000

Train = Callable[..., Ensemble | EchoStates]


def learn(forecaster: Any, series: Series, train: Train | None = None) -> dict[str, Any]:
    """Fit closed-form model and networks; weigh them on held-out rows; learn again from all rows.

    Parameters
    ----------
    forecaster : RNNForecaster
        Its parameters are read, and with ``warm_start`` the weights of its last fit; nothing is changed.
    series : Series
    train : callable, optional
        Trains the networks; the arguments are those of `train_here`, which is the default.

    Returns
    -------
    dict
        The learned attributes.
    """
    train = train or train_here
    if forecaster.solver == "ridge":
        require_one_series(series)
    seeds = check_random_state(forecaster.random_state).randint(2**31, size=forecaster.n_estimators)
    with one_blas_thread():
        if counts := forecaster.loss in COUNTS:
            require_counts(series, forecaster.loss)
        recipe = resolve_series(forecaster, series, None if counts else forecaster.target_transform)
        architecture = _design(forecaster, series, recipe)
        held_out = _held_out(forecaster, series.spans.lengths, architecture.windows.lookback)
        refits = bool(held_out.any()) and forecaster.refit
        watch = Watch(forecaster, forecaster.n_estimators, 1 + refits)
        early = series.head(series.spans.lengths - held_out)
        drawn = _committee(forecaster, series, int(seeds[0]))
        linear = _linear(forecaster, early, recipe, drawn)
        final = _linear(forecaster, series, recipe, drawn) if refits else linear
        if final is not None:
            watch.say("closed-form models learnt")
        ensemble = train(forecaster, early, series if held_out.any() else None, recipe, architecture, seeds, watch)
        before = {"linear_": linear, "ensemble_": ensemble}
        histories = ensemble.histories
        alphas = np.zeros(0) if final is None else final.alpha_
        evidence = weigh(series, early.spans.lengths, linear, alphas, ensemble, recipe.seasons, _blend(forecaster))
        if refits and not watch.stopped:
            stops = [h.best_step if forecaster.early_stopping else h.n_steps for h in histories]
            watch.refit = True
            again = train(forecaster, series, None, recipe, architecture, seeds, watch, stops)
            ensemble = ensemble if watch.unfinished else again
    if any(history.diverged for history in histories):
        warnings.warn(
            "Training diverged and was rolled back to the best finite weights: lower learning_rate_init, or clip.",
            ConvergenceWarning,
            stacklevel=5,
        )
    return {
        "linear_": final,
        "ensemble_": ensemble,
        "network_": ensemble.network,
        "coefs_": ensemble.weights,
        "n_parameters_": ensemble.n_parameters,
        "lookback_": ensemble.windows.lookback,
        "season_length_": recipe.seasons,
        "loss_curve_": histories[0].loss_curve,
        "validation_scores_": histories[0].validation_scores,
        "n_iter_": histories[0].n_epochs,
        "best_loss_": histories[0].best_loss,
        "blend_weight_": evidence.weight,
        "skill_": evidence.skill,
        "no_skill_": evidence.no_skill,
        "_attends": forecaster.attention is not None,
        "_error_scale": recipe.transform.pointwise,
        "_early": before,
        "_n_early": early.spans.lengths,
        **({"attention_": None} if forecaster.attention else {}),
    }


def _design(forecaster: Any, series: Series, recipe: Recipe) -> Architecture:
    """Say what is to be trained."""
    if forecaster.solver == "ridge":
        return Architecture(None, Reach(recipe.lookback, forecaster.horizon, recipe.base))
    return (design_forked if forecaster.forking_sequences else design)(forecaster, series, recipe)


def _blend(forecaster: Any) -> Any:
    """Weight of the network; counts are forecast by the network alone, for a linear model knows no counts."""
    return None if forecaster.loss in COUNTS else forecaster.blend


def _committee(forecaster: Any, series: Series, seed: int) -> Drawing | None:
    """Return the reservoir of a committee of closed-form models; None where the linear model stands alone.

    A reservoir is not weighed against another, and a committee learns from one series. Of a million rows the long
    window alone learns all that the others could add, and its memory must do.
    """
    alone = len(series.spans) == 1 and series.n_rows <= MOST_ROWS_OF_A_COMMITTEE
    return drawing(forecaster, seed) if forecaster.committee and forecaster.solver != "ridge" and alone else None


def _linear(forecaster: Any, series: Series, recipe: Recipe, drawn: Drawing | None) -> LinearModel | Committee | None:
    """Fit the closed-form model on all rows of `series`, if it is part of the forecast."""
    if _blend(forecaster) is None:
        return None
    if drawn is not None:
        data = (recipe.bridge.over(series), series.known, series.past)
        return Committee(drawn).fit(*data, recipe, forecaster.horizon, observed_targets(series))
    spaced = series.spaced(recipe.lookback)
    data = (recipe.bridge.over(spaced), spaced.known, spaced.past)
    return LinearModel().fit(*data, recipe, forecaster.horizon, observed_targets(spaced), spaced.spans)


def _held_out(forecaster: Any, lengths: np.ndarray, lookback: int) -> np.ndarray:
    """Return `rows_held_out` (S,), with a warning where there are none in any series."""
    n = rows_held_out(forecaster, lengths, lookback)
    if not n.any() and (forecaster.early_stopping or forecaster.blend == "auto"):
        warnings.warn(
            f"{lengths.max()} rows are too few to hold any out with lookback={lookback} and "
            f"horizon={forecaster.horizon}: trained without early stopping, and the network gets no weight in the "
            "blend.",
            UserWarning,
            stacklevel=6,
        )
    return n


def rows_held_out(forecaster: Any, lengths: np.ndarray, lookback: int) -> np.ndarray:
    """Rows at the end of each series (S,) on which weights are chosen and weighed; 0 for a series that is too short."""
    if not forecaster.early_stopping and forecaster.blend != "auto":
        return np.zeros_like(lengths)
    horizon = forecaster.horizon
    n = np.maximum(forecaster.validation_fraction * lengths, 1.5 * horizon).astype(np.int64)
    n[lengths - n < lookback + horizon] = 0
    return n


def train_here(
    forecaster: Any,
    series: Series,
    ahead: Series | None,
    recipe: Recipe,
    architecture: Architecture,
    seeds: np.ndarray,
    watch: Watch,
    stops: list[int] | None = None,
) -> Ensemble | EchoStates:
    """Train one network for each seed on `series`, choosing weights on the rows by which `ahead` goes on."""
    if forecaster.solver == "ridge":
        return solve(forecaster, series, recipe, seeds)
    return (train_forked if forecaster.forking_sequences else train_ensemble)(
        architecture.network,
        architecture.windows,
        scales_of(forecaster, series, recipe, architecture.windows),
        series,
        ahead if forecaster.early_stopping else None,
        settings_of(forecaster),
        [int(seed) for seed in seeds],
        watch,
        starts=getattr(forecaster, "coefs_", None) if forecaster.warm_start else None,
        stops=stops,
    )


def scales_of(forecaster: Any, series: Series, recipe: Recipe, windows: Any) -> Scales:
    """Learn the scales of the rows of `series` that a forecaster's parameters ask for."""
    joint, counts = windows.n_targets > 1, forecaster.loss in COUNTS
    return Scales.fit(series, recipe, joint=joint, kind=forecaster.scale, counts=counts)


def settings_of(forecaster: Any) -> Settings:
    """Return the training parameters of a forecaster."""
    return Settings(**{name: getattr(forecaster, name) for name in Settings.__dataclass_fields__})
