"""The form of an estimator: parameters of its constructor, which pass its checks, and what it has learnt.

Here are the detector, the estimators of sequences and the generator; `forecasters` has the others.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from pandas.tseries.offsets import BaseOffset

from rnnforecast.estimators import _sequence_network, _sequence_ridge
from rnnforecast.estimators._detector import Learned, stream
from rnnforecast.estimators._detector_parameters import check as check_detector
from rnnforecast.estimators._generator import check as check_generator
from rnnforecast.estimators._parameters import check_parameters
from rnnforecast.estimators._reservoir import check_reservoir
from rnnforecast.estimators._writing import TextModel
from rnnforecast.estimators.anomaly import RNNAnomalyDetector
from rnnforecast.estimators.baselines import LinearForecaster, NaiveForecaster
from rnnforecast.estimators.classifier import RNNClassifier
from rnnforecast.estimators.forecaster import RNNForecaster
from rnnforecast.estimators.generator import RNNGenerator
from rnnforecast.estimators.per_series import ForecasterPerSeries
from rnnforecast.estimators.regressor import RNNRegressor
from rnnforecast.kernels.cells import Cell
from rnnforecast.network.sequences import SequenceNetwork
from rnnforecast.persistence.forms import Form
from rnnforecast.persistence.kinds import (
    COUNT,
    FLAG,
    LABEL,
    NOTHING,
    NUMBER,
    SIZE,
    STEPS,
    TEXT,
    Kind,
    array,
    fits,
    listed,
    mapping,
    one,
    row,
)
from rnnforecast.persistence.records.detectors import require_state
from rnnforecast.persistence.records.models import LOSSES, WEIGHTS, require_weights
from rnnforecast.persistence.records.networks import is_known
from rnnforecast.scaling import Scaler
from rnnforecast.training.optimizers import Adam, RMSprop, Sgd

_PLAIN = (type(None), bool, int, float, str, np.generic, BaseOffset)
_FORECASTERS = (NaiveForecaster, LinearForecaster, RNNForecaster, ForecasterPerSeries)


def _is_parameter(value: Any) -> bool:
    """Whether a parameter is no code and no state: numbers, words, known cells, and collections of these."""
    if isinstance(value, list | tuple):
        return all(map(_is_parameter, value))
    if isinstance(value, dict):
        return all(_is_parameter(key) and _is_parameter(item) for key, item in value.items())
    if isinstance(value, Cell):
        return is_known(value)
    vector = isinstance(value, np.ndarray) and value.ndim == 1 and value.dtype.kind in "biufU"
    return vector or isinstance(value, _PLAIN) or type(value) in _FORECASTERS


def estimator(
    kind: type,
    learned: Mapping[str, Kind],
    *,
    check: Callable[[Any], None],
    law: Callable[[Any], None],
    derive: Callable[[dict[str, Any]], dict[str, Any]],
    derived: tuple[str, ...],
    optional: tuple[str, ...] = (),
) -> Form:
    """Return the form of an estimator.

    Parameters
    ----------
    kind : class
    learned : dict of str to Kind
        Its attributes once fitted.
    check : callable
        ``check(estimator)`` refuses parameters, as its `fit` does.
    law : callable
        ``law(estimator)`` refuses learnt attributes that do not belong together.
    derive : callable
        ``derive(learned) -> attributes`` that follow from the others.
    derived : tuple of str
        Their names.
    optional : tuple of str
        Attributes that not every fit leaves.
    """

    def take(value: Any, fields: Mapping[str, Kind]) -> dict[str, Any]:
        parameters = value.get_params(deep=False)
        for name, parameter in parameters.items():
            if not _is_parameter(parameter):
                raise TypeError(
                    f"{kind.__name__} cannot be saved with {name}={parameter!r}, for a model file holds no code and no "
                    "objects of your own: pickle the model instead, if whoever reads it trusts you"
                )
        own = {name: item for name, item in vars(value).items() if name not in parameters and name not in derived}
        if "_stream" in own:
            own["stream"] = own.pop("_stream").scorer.state
        if strange := own.keys() - learned.keys():
            raise TypeError(
                f"{kind.__name__} cannot be saved with the attribute {sorted(strange)[0]!r}, which is none of its own: "
                "delete it, or pickle the model instead, if whoever reads it trusts you"
            )
        return {"parameters": parameters, **own}

    def build(kind: type, values: Mapping[str, Any]) -> Any:
        state = dict(values)
        built: Any = kind(**state.pop("parameters"))
        check(built)
        if state:
            absent = learned.keys() - state.keys() - set(optional)
            fits(not absent, f"a {kind.__name__} has no {', '.join(sorted(absent))}")
            vars(built).update(state | derive(state))
            law(built)
        return built

    fields = {"parameters": mapping(TEXT, Kind("a parameter", _is_parameter)), **learned}
    return Form(kind, fields, build=build, take=take, optional=tuple(learned))


def names(value: Any) -> bool:
    """Whether a value is what scikit-learn keeps the names of features in."""
    right = isinstance(value, np.ndarray) and value.dtype == object and value.ndim == 1
    return right and all(isinstance(name, str) for name in value)


FEATURE_NAMES = Kind("an array of strings", names)


def _check_detector(detector: Any) -> None:
    check_parameters(detector)
    check_detector(detector)


def _derived_of_detector(state: dict[str, Any]) -> dict[str, Any]:
    learned = state["_learned"]
    own = {"untrainable_": learned.untrainable, "columns_": learned.names, "n_iter_": learned.n_iter}
    own |= {"n_left_out_": int(learned.judge.left_out.any(axis=1).sum()), "n_warm_up_": learned.judge.n_warm_up}
    own |= {"period_": learned.judge.plan.period, "n_features_in_": learned.scaler.scale.size}
    if learned.feature_names is not None:
        own["feature_names_in_"] = np.array(learned.feature_names, dtype=object)
    return {**own, "_fitted": (*own, "_learned", "offset_", "_fitted")}


def _detector(detector: RNNAnomalyDetector) -> None:
    """Let the stream go on where it was."""
    state = detector.__dict__.pop("stream", None)
    if state is not None:
        require_state(state, stream(detector, detector._learned).scorer.state)
        detector.set_state(state)


def _check_sequences(estimator: Any) -> None:
    _sequence_network.check(estimator)
    check_reservoir(estimator)
    _sequence_ridge.check_ridge(estimator)


def _sequences(estimator: Any) -> None:
    network, by_steps = estimator.network_, estimator._by_steps
    n_answers, width = estimator._size()
    fits(len(estimator.coefs_) == 1, "a network has one vector of weights")
    require_weights(network, estimator.coefs_)
    n_inputs = 1 if estimator._tabular else estimator.n_features_in_
    fits(estimator._scaler.scale.shape == (network.encoder.n_inputs,) == (n_inputs,), "features differ in number")
    fits(network.n_answers == (None if by_steps else n_answers), "answers differ in number")
    fits(network.head.n_outputs == (width if by_steps else n_answers * width), "answers differ in number")
    fits(by_steps or network.encoder.steps_out(1000) == 1, "a sequence has several states")
    solver = vars(estimator).get("_solver")
    if solver is not None:
        require_weights(network, [solver._weight_decay])


def _regressor(regressor: RNNRegressor) -> None:
    _sequences(regressor)
    width = int(np.prod(regressor._answer_shape, dtype=int))
    fits(len(regressor._answer_shape) <= 2 and regressor._target_scaler.scale.shape == (width,), "answers have scales")


def _classifier(classifier: RNNClassifier) -> None:
    _sequences(classifier)
    classes = classifier.classes_
    fits(len(classes) > 1 and len(np.unique(classes)) == len(classes), "classes repeat")


def _generator(generator: RNNGenerator) -> None:
    solver: Any = generator._optimizer
    require_weights(generator._model.network, [solver._weight_decay])


def _derived_of_generator(state: dict[str, Any]) -> dict[str, Any]:
    model = state["_model"]
    own = {"vocabulary_": dict(model.alphabet.codes), "network_": model.network, "coefs_": [model.weights]}
    return {**own, "n_parameters_": model.network.layout.size}


_LEARNT = {
    "loss_curve_": LOSSES,
    "n_iter_": COUNT,
    "validation_scores_": LOSSES,
    "best_loss_": NUMBER,
}
_SEQUENCES = {
    **_LEARNT,
    **dict.fromkeys(("_by_steps", "_tabular"), FLAG),
    "_columns": NOTHING | listed(LABEL),
    "n_features_in_": SIZE,
    "feature_names_in_": FEATURE_NAMES,
    "_answer_shape": row(STEPS),
    "_scaler": one(Scaler),
    "_rng": one(np.random.Generator),
    "_solver": one(Adam, RMSprop, Sgd),
    "network_": one(SequenceNetwork),
    "coefs_": WEIGHTS,
    "n_parameters_": COUNT,
}
_OF_SEQUENCES: dict[str, Any] = {
    "check": _check_sequences,
    "derive": lambda state: {},
    "derived": (),
    "optional": ("_columns", "feature_names_in_", "_solver"),
}
_CLASSES = array("bif", 1) | Kind("an array of labels", lambda value: isinstance(value, np.ndarray) and value.ndim == 1)

ESTIMATORS = (
    estimator(
        RNNAnomalyDetector,
        {
            "_learned": one(Learned),
            "offset_": NUMBER,
            "stream": Kind("the state of a stream", lambda value: isinstance(value, dict)),
        },
        check=_check_detector,
        law=_detector,
        derive=_derived_of_detector,
        derived=(
            *("untrainable_", "n_left_out_", "n_warm_up_", "period_", "columns_", "n_iter_", "n_features_in_"),
            *("feature_names_in_", "_fitted"),
        ),
        optional=("stream",),
    ),
    estimator(RNNRegressor, {**_SEQUENCES, "_target_scaler": one(Scaler)}, law=_regressor, **_OF_SEQUENCES),
    estimator(RNNClassifier, {**_SEQUENCES, "classes_": _CLASSES}, law=_classifier, **_OF_SEQUENCES),
    estimator(
        RNNGenerator,
        {
            **_LEARNT,
            "_model": one(TextModel),
            "_rng": one(np.random.Generator),
            "_optimizer": one(Adam, RMSprop, Sgd),
        },
        check=check_generator,
        law=_generator,
        derive=_derived_of_generator,
        derived=("vocabulary_", "network_", "coefs_", "n_parameters_"),
    ),
)
