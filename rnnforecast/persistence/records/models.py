"""Records of what forecasters learn: closed-form models, reservoirs, ensembles of networks, calibrations."""

from __future__ import annotations

import numpy as np
import pandas as pd

from rnnforecast.estimators._bridge import Bridge
from rnnforecast.estimators._calibration import Calibration
from rnnforecast.estimators._committee import Committee
from rnnforecast.estimators._design import Design
from rnnforecast.estimators._echo_state import EchoStates, Reach
from rnnforecast.estimators._ensemble import Ensemble
from rnnforecast.estimators._forking import ForkedEnsemble
from rnnforecast.estimators._frames import Scales
from rnnforecast.estimators._linear import LinearModel
from rnnforecast.estimators._recipe import Recipe
from rnnforecast.estimators._reservoir import Drawing, Echo
from rnnforecast.estimators._statics import StaticEncoder
from rnnforecast.kernels.cells import NAMES, Cell
from rnnforecast.network.compose import Segments
from rnnforecast.network.decoders import Direct, Recursive
from rnnforecast.network.forking import Forking
from rnnforecast.network.network import Network
from rnnforecast.network.parallel import Parallel
from rnnforecast.network.reservoir import Reservoir
from rnnforecast.network.seq2seq import Seq2Seq
from rnnforecast.network.sequences import SequenceNetwork
from rnnforecast.network.windows import Windows
from rnnforecast.persistence.forms import Form, bare
from rnnforecast.persistence.kinds import (
    COUNT,
    FINITE,
    FLAG,
    LABEL,
    MOST_STEPS,
    NOTHING,
    NUMBER,
    SIZE,
    STEPS,
    array,
    choice,
    double,
    fits,
    integer,
    listed,
    mapping,
    one,
    row,
    share,
    some,
)
from rnnforecast.persistence.records.networks import parts_of
from rnnforecast.scaling import Scaler
from rnnforecast.training.loop import History
from rnnforecast.transforms import Transform

LARGEST_WEIGHT = 1e100  # of a scaled regressor; none that is estimated comes near, and no forecast overflows
WEIGHTS = listed(array("f", 1))
LOSSES = listed(NUMBER)


def _bridge(bridge: Bridge) -> None:
    fits(bridge.season > 0 or bridge.shortest == 0, "a bridge has no season")


def _recipe(recipe: Recipe) -> None:
    fits((recipe.base or 0) <= recipe.lookback, "the season of a base lies beyond the window")


def _design(design: Design) -> None:
    fits(design.known_scaler.scale.ndim == design.past_scaler.scale.ndim == 1, "covariates have a scale each")


def _echo(echo: Echo) -> None:
    fits(echo.scaler.scale.shape == (2,), "a reservoir reads level and change")
    n_inputs = 2 + len(echo.known_scaler.scale) + len(echo.past_scaler.scale)
    fits(echo.reservoir.n_inputs == n_inputs, "a reservoir has other inputs")
    fits(echo.reservoir.dtype == np.float64, "a reservoir computes with float64")


def _linear(model: LinearModel) -> None:
    K, design, recipe = len(model.alpha_), model.design_, model.recipe_
    fits(K > 0 and model.scaler_.scale.shape[1:] == (K,), "columns differ in number")
    fits(len(model.n_windows_) == K, "columns differ in number")
    fits(design.horizon == model.horizon_ and design.lookback == recipe.lookback, "design and recipe differ")
    fits(design.n_columns * design.horizon <= model.weights_.size, "a linear model has other weights")
    fits(model.weights_.shape == (K, design.n_columns, design.horizon), "a linear model has other weights")
    fits(len(model.echoes_) in (0, K) and bool(design.n_states) == bool(model.echoes_), "a reservoir is missing")
    fits(all(echo.n_units == design.n_states for echo in model.echoes_), "a reservoir has other units")
    for echo in model.echoes_:
        pairs = ((echo.known_scaler, design.known_scaler), (echo.past_scaler, design.past_scaler))
        fits(all(own.scale.shape == other.scale.shape for own, other in pairs), "a reservoir reads other covariates")


def _committee(committee: Committee) -> None:
    K = len(committee.alpha_)
    fits(committee.shares_.shape == (K, len(committee.members_)), "a committee has other shares")
    fits(all(len(member.alpha_) == K for member in committee.members_), "the members of a committee differ")


def _static(encoder: StaticEncoder) -> None:
    fits(encoder.centers.keys() == encoder.scales.keys(), "static covariates differ")
    fits(all(scale > 0 for scale in encoder.scales.values()), "the scale of a static covariate is not positive")
    fits(all(len(levels) and levels.is_unique for levels in encoder.categories.values()), "categories repeat")


def _scales(scales: Scales) -> None:
    fits(scales.target.scale.ndim == 2 and scales.known.scale.ndim == scales.past.scale.ndim == 1, "scales have axes")


def _ensemble(ensemble: Ensemble) -> None:
    network, windows, scales = ensemble.network, ensemble.windows, ensemble.scales
    fits(len(ensemble.weights) == len(ensemble.histories) > 0, "an ensemble has no weights")
    require_weights(network, ensemble.weights)
    fits(network.encoder.n_inputs == windows.n_inputs, "a network reads other inputs")
    fits(windows.n_columns == scales.target.scale.shape[1], "a network forecasts other columns")
    fits(windows.n_known == len(scales.known.scale), "a network reads other covariates")
    n_past = len(scales.past.scale) * (3 if scales.marked else 1)
    fits(windows.n_past == n_past and windows.marked == scales.marked, "a network reads other past covariates")
    fits(scales.joint == (windows.n_targets > 1), "columns are forecast one by one or together")


def _windowed(ensemble: Ensemble) -> None:
    _ensemble(ensemble)
    network, windows, scales = ensemble.network, ensemble.windows, ensemble.scales
    n_static = 0 if scales.static is None else scales.static.n_columns
    fits(windows.n_static == n_static, "a network reads other static covariates")
    segments = [part.length for part in parts_of(network) if isinstance(part, Segments)]
    fits(all(windows.lookback % length == 0 for length in segments), "a window holds no whole segments")
    decoder = network.decoder
    fits(windows.recursive == isinstance(decoder, Recursive), "windows run on for a recursive decoder only")
    if isinstance(decoder, Direct):
        fits(decoder.head.n_outputs == windows.horizon * windows.n_outputs, "a network has another horizon")
        fits(decoder.n_context == windows.n_context, "a network reads another context")
        fits(decoder.highway <= windows.lookback, "a highway begins before the window")
    if isinstance(decoder, Direct | Recursive):
        fits(decoder.n_targets == windows.n_targets, "a network has other targets")
    if isinstance(decoder, Seq2Seq | Parallel):
        fits(decoder.windows == windows, "encoder and decoder read other windows")


def _forked(ensemble: ForkedEnsemble) -> None:
    _ensemble(ensemble)
    fits(ensemble.network.head.n_outputs == ensemble.windows.n_outputs, "a network has another horizon")


def _echo_states(states: EchoStates) -> None:
    fits(len(states.models) > 0 and all(model.echoes_ for model in states.models), "a reservoir is missing")
    fits(all(len(model.alpha_) == len(states.models[0].alpha_) for model in states.models), "models differ")
    fits(len(states.histories) > 0, "a training has no history")


def _calibration(calibration: Calibration) -> None:
    n, S, _ = calibration.values.shape
    fits(n > 0 and S > 0 and len(calibration.times) == n, "a calibration has no scores")
    fits(calibration.known.shape == (n, S), "the scores of a calibration differ in number")
    silent = np.isnan(calibration.values[calibration.known < 0]).all(axis=0)
    fits(not silent.any(), "a column has no scores")


def require_weights(network: Network | SequenceNetwork, weights: list[np.ndarray]) -> None:
    """Raise unless all flat weights are a network's."""
    right = all(len(flat) == network.layout.size and flat.dtype == network.dtype for flat in weights)
    fits(right, "a network has another number of weights")


MODELS = (
    Form(Bridge, {"season": integer(0, MOST_STEPS), "shortest": integer(0, MOST_STEPS)}, law=_bridge),
    Form(
        Recipe,
        {
            "transform": one(Transform),
            "seasons": row(SIZE),
            "base": NOTHING | integer(0, MOST_STEPS),
            **dict.fromkeys(("lookback", "block"), STEPS),
            "bridge": one(Bridge),
            "local": FLAG,
        },
        law=_recipe,
    ),
    Form(
        Design,
        {
            **dict.fromkeys(("lookback", "horizon"), STEPS),
            "n_recent": integer(0, MOST_STEPS),
            **dict.fromkeys(("known_scaler", "past_scaler"), one(Scaler)),
            "n_states": COUNT,
        },
        law=_design,
    ),
    Form(
        Drawing,
        {
            "n_units": SIZE,
            "cell": choice(*NAMES) | one(Cell),
            **dict.fromkeys(("spectral_radius", "sparsity", "input_scaling"), FINITE),
            "leak": row(share()),
            "seed": integer(0, 2**63),
        },
    ),
    Form(
        Echo,
        {**dict.fromkeys(("scaler", "known_scaler", "past_scaler"), one(Scaler)), "reservoir": one(Reservoir)},
        build=bare,
        law=_echo,
    ),
    Form(
        LinearModel,
        {
            "alpha": choice("cv") | NUMBER,
            "drawing": NOTHING | one(Drawing),
            "stride": NOTHING | SIZE,
            "recipe_": one(Recipe),
            "horizon_": STEPS,
            "design_": one(Design),
            "scaler_": one(Scaler),
            "weights_": double(3, most=LARGEST_WEIGHT),
            "alpha_": double(1, gaps=True),
            "n_windows_": array("i", 1, low=0),
            "errors_": listed(double(2)),
            "echoes_": listed(one(Echo)),
            "n_parameters_": COUNT,
        },
        build=bare,
        law=_linear,
    ),
    Form(
        Committee,
        {
            "drawing": one(Drawing),
            "members_": listed(one(LinearModel)),
            "recipe_": one(Recipe),
            "horizon_": STEPS,
            "alpha_": double(1, gaps=True),
            "shares_": double(2),
        },
        build=bare,
        law=_committee,
    ),
    Form(
        StaticEncoder,
        {
            **dict.fromkeys(("centers", "scales"), mapping(LABEL, FINITE)),
            "categories": mapping(LABEL, some(pd.Index)),
        },
        law=_static,
    ),
    Form(
        Scales,
        {
            "transform": one(Transform),
            "bridge": one(Bridge),
            **dict.fromkeys(("joint", "marked"), FLAG),
            **dict.fromkeys(("target", "known", "past"), one(Scaler)),
            "kind": choice("standard", "minmax", "robust", None),
            "static": NOTHING | one(StaticEncoder),
        },
        law=_scales,
    ),
    Form(
        History,
        {
            **dict.fromkeys(("loss_curve", "validation_scores"), LOSSES),
            **dict.fromkeys(("best_step", "n_steps", "n_epochs"), COUNT),
            "best_loss": NUMBER,
            **dict.fromkeys(("diverged", "stopped_early"), FLAG),
        },
    ),
    Form(
        Ensemble,
        {
            "network": one(Network),
            "windows": one(Windows),
            "scales": one(Scales),
            "weights": WEIGHTS,
            "histories": listed(one(History)),
        },
        law=_windowed,
    ),
    Form(
        ForkedEnsemble,
        {
            "network": one(SequenceNetwork),
            "windows": one(Forking),
            "scales": one(Scales),
            "weights": WEIGHTS,
            "histories": listed(one(History)),
        },
        law=_forked,
    ),
    Form(Reach, {"lookback": STEPS, "horizon": STEPS, "base": NOTHING | integer(0, MOST_STEPS)}),
    Form(
        EchoStates,
        {"windows": one(Reach), "models": listed(one(LinearModel)), "histories": listed(one(History))},
        law=_echo_states,
    ),
    Form(
        Calibration,
        {
            "times": array("i", 1),
            "known": array("i", 2),
            "values": double(3, gaps=True),
            "stride": SIZE,
            "adaptive": FLAG,
        },
        law=_calibration,
    ),
)
LINEAR = one(LinearModel, Committee)
ENSEMBLE = one(Ensemble, ForkedEnsemble, EchoStates)
