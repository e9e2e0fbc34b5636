"""Records of what a detector of anomalies learns, and of the state in which its stream is."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from rnnforecast.detection import ShapeReference, Tail
from rnnforecast.estimators._detecting import Causal, Offline, Plan, Shapes
from rnnforecast.estimators._detector import Learned
from rnnforecast.estimators._echo import EchoModel
from rnnforecast.estimators._reconstruction import ReconstructionModel
from rnnforecast.estimators._scoring import Weighing
from rnnforecast.network.reservoir import Reservoir
from rnnforecast.network.sequences import SequenceNetwork
from rnnforecast.persistence.forms import Form, bare
from rnnforecast.persistence.kinds import (
    COUNT,
    FINITE,
    FLAG,
    LABEL,
    MOST_STEPS,
    NOTHING,
    NUMBER,
    POSITIVE,
    STEPS,
    TEXT,
    Kind,
    array,
    double,
    fits,
    integer,
    listed,
    one,
    row,
)
from rnnforecast.persistence.records.models import LARGEST_WEIGHT, require_weights
from rnnforecast.scaling import Scaler

POWER = Kind("a number from 0 to 10", lambda power: FINITE.holds(power) and 0 < power <= 10)
_REFIT_EVERY = 250  # rows, as `rnnforecast.detection.RollingTail` does by default
_ROWS, _LAGS = array("i", 1, low=1), integer(2, MOST_STEPS)


def _plan(plan: Plan) -> None:
    fits(0 < len(plan.steps) == len(set(plan.steps)) and len(plan.spans) > 0, "a plan has no steps or spans")
    fits(bool((plan.back < plan.n_lags).all()), "what is missing is taken from before the window")
    fits(bool((plan.shares >= 0).all()) and plan.shares.sum() > 0, "no target counts")
    fits(0 < len(plan.shares) == len(plan.periods) <= len(plan.back), "a plan has no targets")


def _echo_model(model: EchoModel) -> None:
    K, D, S = model.weights.shape
    fits(model.deviation.shape == (K, S) and K > 0, "errors and forecasts differ in number")
    fits(not (model.deviation <= 0).any(), "a deviation is not positive")
    fits(0 < len(model.steps) <= S and S % len(model.steps) == 0, "forecasts and steps differ in number")
    fits(model.reservoir.n_units + 1 + model.n_lags == D, "a readout reads other columns")
    fits(model.reservoir.n_inputs == 1 + len(model.back) - K, "a reservoir reads other columns")
    fits(bool((model.back < model.n_lags).all()), "what is missing is taken from before the window")


def _rebuilding(model: ReconstructionModel) -> None:
    K, network = len(model.deviation), model.network
    fits(model.deviation.shape == (K, 1) and bool((model.deviation > 0).all()), "a deviation is not positive")
    require_weights(network, [model.weights])
    fits(network.encoder.n_inputs == 1 + len(model.back) - K, "a network reads other columns")
    fits(network.head.steps_out(1) == model.n_rows and network.head.n_outputs == 1, "a network rebuilds other windows")
    fits(network.encoder.steps_out(model.n_rows) == 1, "a network reads no last state")
    fits(bool((model.back < model.n_rows).all()), "what is missing is taken from before the window")


def _tail(tail: Tail) -> None:
    fits(len(tail.values) == len(tail.decades) > 0, "a tail has no scores")
    fits(tail.shape > 0 and tail.scale > 0, "a tail has no scale")


def _judge(judge: Causal | Offline, plan: Plan, model: EchoModel | ReconstructionModel, n_forecasts: int) -> None:
    """Require what both ways to judge have in common."""
    N, K = len(judge.train), len(plan.shares)
    fits(judge.train.shape == (N, len(plan.back)) and judge.left_out.shape == (N, K), "training rows differ")
    fits(model.deviation.shape[0] == K and len(model.back) == len(plan.back), "columns differ in number")
    fits(judge.usual.shape == judge.weighing.shares.shape == (K,), "targets differ in number")
    fits(
        judge.weighing.whitening.shape in ((0, *[n_forecasts] * 2), (K, *[n_forecasts] * 2)), "errors differ in number"
    )
    fits(len(judge.reference) > 0 and len(judge.spread) == K, "there are no scores to compare with")


def _causal(judge: Causal) -> None:
    _judge(judge, judge.plan, judge.model, judge.model.deviation.shape[1])
    if isinstance(judge.model, EchoModel):
        fits(judge.model.steps == judge.plan.steps and max(judge.plan.steps) < len(judge.train), "steps differ")
    fits(judge.model.n_warm_up <= judge.plan.n_lags, "windows differ")


def _offline(judge: Offline) -> None:
    forward, backward = judge.forward, judge.backward
    S = forward.deviation.shape[1] + backward.deviation.shape[1]
    for model in (forward, backward):
        _judge(judge, judge.plan, model, S)
        fits(model.steps == judge.plan.steps and model.n_lags == judge.plan.n_lags, "windows differ")
    fits(max(judge.plan.steps) < len(judge.train), "steps reach beyond the training rows")
    if judge.shapes is not None:
        fits(judge.shapes.train.shape == judge.left_out.shape, "training rows differ")


def _shapes_from(kind: type, values: Mapping[str, Any]) -> Any:
    train, units = values["train"], values["units"]
    fits(units.shape == (3, 1, train.shape[1]) and bool((units > 0).all()), "distances have no units")
    return bare(kind, {**values, "references": [ShapeReference(column, values["length"]) for column in train.T]})


def _learned(learned: Learned) -> None:
    C, plan = learned.scaler.scale.size, learned.judge.plan
    fits(learned.scaler.scale.shape == (C,) and sorted(learned.order) == list(range(C)), "columns differ in number")
    fits(len(plan.back) == C and len(learned.names) == len(plan.shares), "columns differ in number")
    fits(learned.feature_names is None or len(learned.feature_names) == C, "columns lack names")
    fits(0 < learned.rate < 1 and not np.isnan(learned.level), "a threshold is none")
    fits(not learned.one_dimensional or C == 1, "one column has several")
    judge, context = learned.judge, learned.judge.context
    if isinstance(judge, Causal):
        require_state(context, judge.scorer(learned.start, follows=False).state)
    else:
        require_state(context, judge.forward.start().state)


def require_state(state: Any, own: Any) -> None:
    """Raise unless the state of a stream has the parts of `own`, the state of one that begins, and makes sense.

    Raises
    ------
    UnfitError
    """
    fits(_alike(state, own), "the state of a stream has other parts")
    if "decision" in state:
        calibration = state["decision"]["calibration"]
        fits(0 <= calibration["oldest"] < len(calibration["kept"]), "a score would be written where none is")
        fits(0 <= calibration["n_since"] < _REFIT_EVERY, "a calibration is overdue")
    fits(state.get("run", state)["n_read"] >= 0, "fewer than no rows were read")


def _alike(state: Any, own: Any) -> bool:
    if isinstance(own, dict):
        same = isinstance(state, dict) and state.keys() == own.keys()
        return same and all(_alike(state[name], part) for name, part in own.items())
    if isinstance(own, np.ndarray):
        same = isinstance(state, np.ndarray) and state.shape == own.shape and state.dtype == own.dtype
        return same and not np.isinf(state).any()
    if isinstance(own, Tail):
        return isinstance(state, Tail)
    return (COUNT if type(own) is int else FLAG if type(own) is bool else NUMBER).holds(state)


_JUDGE = {
    "plan": one(Plan),
    "train": double(2, gaps=True),
    "left_out": array("b", 2),
    "weighing": one(Weighing),
    "usual": double(1),
    "reference": double(1),
    "spread": listed(double(1)),
    "context": Kind("the state of a stream", lambda value: isinstance(value, dict)),
}
DETECTORS = (
    Form(
        Plan,
        {
            "steps": row(STEPS),
            "n_lags": _LAGS,
            "back": _ROWS,
            "periods": listed(NOTHING | STEPS),
            "spans": row(STEPS),
            **dict.fromkeys(("mahalanobis", "trained"), FLAG),
            "shares": double(1),
        },
        law=_plan,
    ),
    Form(
        EchoModel,
        {
            "reservoir": one(Reservoir),
            "weights": double(3, most=LARGEST_WEIGHT),
            "deviation": double(2, gaps=True),
            "steps": row(STEPS),
            "n_lags": _LAGS,
            "back": _ROWS,
        },
        law=_echo_model,
    ),
    Form(
        ReconstructionModel,
        {
            "network": one(SequenceNetwork),
            "weights": array("f", 1),
            "deviation": double(2),
            "n_rows": _LAGS,
            "back": _ROWS,
        },
        law=_rebuilding,
    ),
    Form(
        Tail,
        {
            **dict.fromkeys(("values", "decades"), double(1)),
            **dict.fromkeys(("shape", "scale"), POSITIVE),
            "n_rows": COUNT,
        },
        law=_tail,
    ),
    Form(
        Weighing,
        {
            "whitening": double(3),
            "shares": double(1),
            "power": POWER,
            "cap": Kind("a positive number", lambda cap: NUMBER.holds(cap) and cap > 0),
        },
    ),
    Form(
        Causal,
        {**_JUDGE, "drift": FLAG, "model": one(EchoModel, ReconstructionModel)},
        build=bare,
        law=_causal,
    ),
    Form(
        Shapes,
        {"length": _LAGS, "train": double(2, gaps=True), "units": double(3)},
        build=_shapes_from,
    ),
    Form(
        Offline,
        {**_JUDGE, **dict.fromkeys(("forward", "backward"), one(EchoModel)), "shapes": NOTHING | one(Shapes)},
        build=bare,
        law=_offline,
    ),
    Form(
        Learned,
        {
            "judge": one(Causal, Offline),
            "scaler": one(Scaler),
            "order": listed(COUNT),
            **dict.fromkeys(("names", "untrainable"), listed(LABEL)),
            "feature_names": NOTHING | listed(TEXT),
            "one_dimensional": FLAG,
            "last": LABEL,
            **dict.fromkeys(("level", "rate"), NUMBER),
            "adaptive": FLAG,
            "n_iter": COUNT,
        },
        law=_learned,
    ),
)
