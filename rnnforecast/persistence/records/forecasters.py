"""The forms of forecasters, and what their parts must have in common with the data that they know."""

from __future__ import annotations

from typing import Any

import numpy as np

from rnnforecast.estimators._calibration import Calibration
from rnnforecast.estimators._echo_state import EchoStates
from rnnforecast.estimators._inputs import described
from rnnforecast.estimators._linear import LinearModel
from rnnforecast.estimators._parameters import check_parameters
from rnnforecast.estimators.baselines import LinearForecaster, NaiveForecaster
from rnnforecast.estimators.forecaster import RNNForecaster
from rnnforecast.estimators.per_series import ForecasterPerSeries
from rnnforecast.network.attention import Attention
from rnnforecast.persistence.kinds import (
    COUNT,
    FINITE,
    FLAG,
    LABEL,
    NOTHING,
    NUMBER,
    SIZE,
    STEPS,
    Kind,
    array,
    double,
    exactly,
    fits,
    integer,
    mapping,
    one,
    row,
)
from rnnforecast.persistence.records.data import POINTWISE
from rnnforecast.persistence.records.estimators import estimator
from rnnforecast.persistence.records.models import ENSEMBLE, LINEAR, LOSSES
from rnnforecast.persistence.records.networks import parts_of
from rnnforecast.series import Series
from rnnforecast.transforms.pointwise import BoxCox


def _sizes(series: Series) -> tuple[int, int, int, int]:
    """Return S, K, F and P of a series."""
    return len(series.spans), series.target.shape[1], series.known.shape[1], series.past.shape[1]


def _forecaster(forecaster: Any) -> None:
    series = forecaster._history
    S, K, _, _ = _sizes(series)
    learnt, units = forecaster._n_learnt, forecaster._error_units
    fits(learnt.shape == (S,) and bool((learnt <= series.spans.lengths).all()), "more was learnt than there is")
    fits(np.array_equal(series.spans.members, np.arange(S)), "series are numbered otherwise")
    fits(forecaster._training_mean.shape == (S, K), "means are of other series")
    fits((units is None) == (series.ids is None), "units are of a panel")
    fits(units is None or (units.shape == (S, K) and bool((units > 0).all())), "units are of other series")
    for (steps, _), calibration in forecaster._calibrations.items():
        fits(calibration.values.shape[2] == K, "a calibration is of other columns")
        fits(calibration.values.shape[1] <= steps, "a calibration reaches further than asked")
        fits(bool((calibration.times < len(series.clock)).all()), "a calibration is of other times")
    _of_columns(forecaster._error_scale, K)


def _of_columns(pointwise: Any, n_columns: int) -> None:
    fits(not isinstance(pointwise, BoxCox) or pointwise.power.shape == (n_columns,), "powers are of other columns")


def _closed(model: Any, series: Series) -> None:
    """Require that a closed-form model reads and forecasts the columns of a series."""
    for member in [model] if isinstance(model, LinearModel) else model.members_:
        S, K, F, P = _sizes(series)
        design = member.design_
        fits(member.scaler_.scale.shape == (S, K), "a linear model is of other series")
        fits(len(design.known_scaler.scale) == F and len(design.past_scaler.scale) == P, "covariates differ in number")
        fits(member.horizon_ <= max(series.spans.lengths), "a linear model forecasts further than it has seen")
        _of_columns(member.recipe_.transform.pointwise, K)


def _networks(ensemble: Any, series: Series, longest: int) -> None:
    """Require that networks, or reservoirs in their place, read and forecast the columns of a series."""
    S, K, F, P = _sizes(series)
    if isinstance(ensemble, EchoStates):
        for model in ensemble.models:
            _closed(model, series)
        return
    windows, scales = ensemble.windows, ensemble.scales
    fits(windows.lookback <= longest, "a window is longer than any series")
    fits(scales.target.scale.shape == (S, K), "networks are of other series")
    fits(windows.n_known == F and len(scales.past.scale) == P, "covariates differ in number")
    fits(scales.marked == (series.missing == "mask"), "networks are told of missing values, or not")
    fits((scales.static is None) == (series.static is None), "static covariates differ")
    if scales.static is not None and series.static is not None:
        known = {*scales.static.centers, *scales.static.categories}
        fits(known == set(series.static.columns), "static covariates differ")
    _of_columns(scales.transform.pointwise, K)


def _rnn(forecaster: RNNForecaster) -> None:
    _forecaster(forecaster)
    series, early = forecaster._history, forecaster._early
    S, K, _, _ = _sizes(series)
    given = 0 if forecaster.lookback == "auto" else 2 * forecaster.lookback  # of short series of a panel; filled up
    for part in (vars(forecaster), early):
        _networks(part["ensemble_"], series, max(given, *series.spans.lengths.tolist()))
        if part["linear_"] is not None:
            _closed(part["linear_"], series)
    fits(type(early["ensemble_"]) is type(forecaster.ensemble_), "networks differ in kind")
    fits((early["linear_"] is None) == (forecaster.linear_ is None), "models differ in kind")
    attends = any(
        isinstance(part, Attention) or getattr(part, "attention", None) for part in parts_of(forecaster.network_)
    )
    fits(forecaster._attends == attends == ("attention_" in vars(forecaster)), "attention is paid to nothing")
    fits(np.shape(forecaster.blend_weight_) in ((), (K,)), "weights are of other columns")
    n_early = forecaster._n_early
    fits(n_early.shape == (S,) and bool((n_early <= forecaster._n_learnt).all()), "more was held out than there is")


def _linear(forecaster: LinearForecaster) -> None:
    _forecaster(forecaster)
    _closed(forecaster.linear_, forecaster._history)


def _per_series(forecaster: ForecasterPerSeries) -> None:
    _forecaster(forecaster)
    series, models = forecaster._history, forecaster.forecasters_
    names = [None] if series.ids is None else series.ids.tolist()
    fits(list(models) == names, "models are of other series")
    for model in models.values():
        fits(type(model) is type(forecaster.forecaster) and "_history" in vars(model), "a model is another one")
        fits(_sizes(model._history) == (1, *_sizes(series)[1:]), "models are of other columns")


def _described(state: dict[str, Any]) -> dict[str, Any]:
    """Return what a forecaster tells of its data, and the names of all that it has learnt."""
    own = described(state["_history"])
    return {**own, "_learned": (*own, *state, "_learned")}


def _described_with_networks(state: dict[str, Any]) -> dict[str, Any]:
    ensemble = state["ensemble_"]
    own = {"network_": ensemble.network, "coefs_": ensemble.weights, "n_parameters_": ensemble.n_parameters}
    return {**own, **_described({**state, **own})}


_DERIVED = ("cutoff_", "freq_", "n_features_in_", "n_outputs_", "feature_names_in_", "_learned")
_STATE = {
    "_history": one(Series),
    "_n_learnt": array("i", 1, low=1),
    "_calibrations": mapping(
        Kind("two numbers", lambda key: row(COUNT).holds(key) and len(key) == 2), one(Calibration)
    ),
    "_error_units": NOTHING | double(2),
    "_training_mean": double(2),
    "_error_scale": POINTWISE,
}
_OF_FORECASTERS: dict[str, Any] = {"check": check_parameters, "derive": _described, "derived": _DERIVED}
_SEASONS = row(SIZE)
_PER_COLUMN = NUMBER | double(1, gaps=True)

FORECASTERS = (
    estimator(
        NaiveForecaster,
        {**_STATE, "season_length_": STEPS, "n_parameters_": integer(0, 0)},
        law=_forecaster,
        **_OF_FORECASTERS,
    ),
    estimator(
        LinearForecaster,
        {
            **_STATE,
            "alpha_": _PER_COLUMN,
            "season_length_": _SEASONS,
            "lookback_": STEPS,
            "n_parameters_": COUNT,
            "no_skill_": FLAG,
            "linear_": one(LinearModel),
        },
        law=_linear,
        **_OF_FORECASTERS,
    ),
    estimator(
        RNNForecaster,
        {
            **_STATE,
            "linear_": NOTHING | LINEAR,
            "ensemble_": ENSEMBLE,
            "lookback_": STEPS,
            "season_length_": _SEASONS,
            **dict.fromkeys(("loss_curve_", "validation_scores_"), LOSSES),
            "n_iter_": COUNT,
            "best_loss_": NUMBER,
            "blend_weight_": FINITE | double(1),
            "skill_": NUMBER,
            **dict.fromkeys(("no_skill_", "_attends"), FLAG),
            "_early": exactly(linear_=NOTHING | LINEAR, ensemble_=ENSEMBLE),
            "_n_early": array("i", 1, low=1),
            "attention_": NOTHING | array("f", 3),
        },
        law=_rnn,
        check=check_parameters,
        derive=_described_with_networks,
        derived=(*_DERIVED, "network_", "coefs_", "n_parameters_"),
        optional=("attention_",),
    ),
    estimator(
        ForecasterPerSeries,
        {
            **_STATE,
            "forecasters_": mapping(LABEL, one(NaiveForecaster, LinearForecaster, RNNForecaster)),
            "no_skill_": FLAG,
        },
        law=_per_series,
        **_OF_FORECASTERS,
    ),
)
