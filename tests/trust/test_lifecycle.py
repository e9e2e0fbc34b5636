"""Parameters are judged by fit and before the data; nothing answers before it; a fit that fails leaves the last one."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.exceptions import NotFittedError
from sklearn.utils._param_validation import InvalidParameterError

from tests.trust.doors import CLASSIFIER, DETECTOR, DOORS, FORECASTERS, GENERATOR, REGRESSOR

NAN = float("nan")
NUMBER, POSITIVE, SHARE = (-1, NAN, "x", True), (0, -1, NAN, "x", True), (-1, 1.5, NAN, "x")
COUNT = (0, -1, 1.5, NAN, "x", True)
WORDS, SWITCH = ("nonsense", 3), ("yes", 2)
BAD = {
    "horizon": COUNT,
    "hidden_layer_sizes": (*COUNT, (), (4, 0), (4.5,), ("x",)),
    "head_layer_sizes": ((0,), "x"),
    "cell": ("transformer", 3, None, ()),
    "activation": WORDS,
    "n_estimators": COUNT,
    "lookback": COUNT,
    "segment_length": (0, 1.5, NAN, "x"),
    "season_length": (0, 1.5, NAN, "x"),
    "decoder": WORDS,
    "attention": WORDS,
    "bidirectional": SWITCH,
    "channels": WORDS,
    "dropout": (*SHARE, 1.0, True),
    "validation_fraction": (*SHARE, 0, 1),
    "max_iter": COUNT,
    "batch_size": COUNT,
    "bptt_steps": COUNT,
    "embedding_size": COUNT,
    "solver": WORDS,
    "loss": WORDS,
    "learning_rate": WORDS,
    "learning_rate_init": POSITIVE,
    "alpha": (-1, NAN, "x"),
    "clip_norm": POSITIVE,
    "tol": NUMBER,
    "early_stopping": SWITCH,
    "warm_start": SWITCH,
    "blend": (-1, 2, NAN, "x"),
    "scale": WORDS,
    "window_norm": WORDS,
    "target_transform": WORDS,
    "missing": (*WORDS, None),
    "intervals": WORDS,
    "output": WORDS,
    "class_weight": WORDS,
    "strategy": WORDS,
    "mode": WORDS,
    "method": WORDS,
    "n_lags": (1, 1.5, NAN, "x"),
    "n_steps_ahead": ((), (0,), (1.5,), 3),
    "smooth": (0, 1.5, "x"),
    "false_alarm_rate": (0, 1, NAN, True),
    "contamination": (0, 0.6, NAN),
    "threshold": ("x", NAN),
    "spectral_radius": NUMBER,
    "input_scale": NUMBER,
    "dtype": ("int8", "float16", 3),
    "n_jobs": (1.5, "x", True),
    "random_state": (-1, 1.5, "x"),
    "forecaster": (None, 3, "x"),
}
ESTIMATORS = {
    **FORECASTERS,
    "RNNAnomalyDetector": DETECTOR,
    "RNNRegressor": REGRESSOR,
    "RNNClassifier": CLASSIFIER,
    "RNNGenerator": GENERATOR,
}


@pytest.mark.parametrize(
    ("estimator", "parameter"),
    [
        pytest.param(estimator, parameter, id=f"{name}.{parameter}")
        for name, estimator in ESTIMATORS.items()
        for parameter in BAD
        if parameter in estimator.get_params(deep=False)
    ],
)
def test_parameters_are_judged_by_fit_and_before_the_data(estimator, parameter):
    for value in BAD[parameter]:
        wrong = clone(estimator).set_params(**{parameter: value})
        with pytest.raises(InvalidParameterError, match=parameter):
            wrong.fit(None, None)


UNFITTED = [name for name in DOORS if ".fit(" in name or "partial_fit" in name or "backtest" in name]


@pytest.mark.parametrize("name", [name for name in DOORS if name not in UNFITTED])
def test_nothing_is_answered_before_fit(name):
    door = DOORS[name]
    with pytest.raises(NotFittedError):
        door.call(clone(door.model()), door.rows.hold())


@pytest.mark.parametrize("name", [name for name in DOORS if ".fit(" in name])
def test_a_fit_that_fails_leaves_the_last_one(name):
    door = DOORS[name]
    model = door.call(door.model(), door.rows.hold())
    before = dict(vars(model))
    with pytest.raises(ValueError, match=r"NaN|missing symbol"):
        door.call(model, door.rows.put(slice(None), np.nan))
    assert vars(model).keys() == before.keys()
    assert all(vars(model)[key] is before[key] for key in before)
