"""Every layer option with every decoder and cell: derivatives, causality, threads and pickles of what is built.

Options come alone, in pairs and all at once; sizes are tiny and everything is float64.
"""

from __future__ import annotations

import itertools
import pickle
from dataclasses import replace
from functools import cache
from typing import Any

import numpy as np
import pandas as pd
import pytest
from sklearn.utils._param_validation import InvalidParameterError

from rnnforecast import RNNForecaster
from rnnforecast.estimators import _training
from rnnforecast.kernels.cells import NAMES
from rnnforecast.kernels.losses import LOSSES
from rnnforecast.network.objective import WindowObjective

N_ROWS, LOOKBACK, HORIZON = 170, 8, 3
# Of central differences along a direction of dozens of parameters: layer normalisation of nearly equal units bends so
# much that STEP^2 times the third derivative is 3e-6 of the gradient at 1e-5, and 3e-8 here. Rounding: 1e-16 / STEP.
STEP = 1e-6
ORIGIN = 60
OPTIONS: dict[str, dict[str, Any]] = {
    "bidirectional": {"bidirectional": True},
    "convolution": {"conv_filters": 4, "conv_dilation": 2},
    "normalised": {"layer_norm": True},
    "residual": {"residual": True},
    "skipping": {"skip_period": 3},
    "dropout": {"dropout": 0.3},
    "variational": {"dropout": 0.3, "variational_dropout": True},
    "zoneout": {"zoneout": 0.3},
    "additive": {"attention": "additive"},
    "dot": {"attention": "dot"},
    "segments": {"segment_length": 2},
    "highway": {"highway": 2},
    "head": {"head_layer_sizes": (16,)},
}
HANDS_ON = {"bidirectional", "convolution", "normalised", "residual", "dropout", "variational", "zoneout", "segments"}
ALLOWED = {
    "direct": set(OPTIONS),
    "recursive": {"normalised", "residual", "dropout", "variational", "zoneout", "head"},
    "seq2seq": {*HANDS_ON, "head", "additive", "dot"},
    "parallel": {*HANDS_ON, "head"},
}
EXCLUSIVE = (("dropout", "variational"), ("additive", "dot"))


def combinations() -> dict[str, tuple[str, str, tuple[str, ...]]]:
    """Decoder, cell and options by a readable name."""
    found = [(decoder, cell, ()) for decoder in ALLOWED for cell in NAMES]
    cells = itertools.cycle(NAMES)
    for decoder, allowed in ALLOWED.items():
        options = [option for option in OPTIONS if option in allowed]
        found += [(decoder, next(cells), (option,)) for option in options]
        pairs = itertools.combinations(options, 2)
        found += [(decoder, next(cells), pair) for pair in pairs if pair not in EXCLUSIVE]
        for left_out in itertools.product(*EXCLUSIVE):
            rest = tuple(option for option in options if option not in left_out)
            found.append((decoder, next(cells), rest))
    return {"-".join((decoder, cell, *options)): (decoder, cell, options) for decoder, cell, options in found}


every_combination = pytest.mark.parametrize("combination", combinations().values(), ids=combinations().keys())


def data(decoder: str) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Covariates, one of them known in the past only where the decoder takes such, and two targets."""
    rng = np.random.default_rng(0)
    index = pd.RangeIndex(N_ROWS)
    X = pd.DataFrame(rng.normal(size=(N_ROWS, 2)), index, columns=["known", "past"])
    y = pd.DataFrame(rng.normal(size=(N_ROWS, 2)), index, columns=["a", "b"])
    return (X[["known"]] if decoder == "recursive" else X), y


def forecaster(combination: tuple[str, str, tuple[str, ...]], **parameters: Any) -> RNNForecaster:
    """Unfitted; as few layers as the options ask for."""
    decoder, cell, options = combination
    hands_on = decoder in ("seq2seq", "parallel")
    n_layers = 2 + hands_on if "residual" in options else 2 if options else 1
    settings: dict[str, Any] = {
        "horizon": HORIZON,
        "decoder": decoder,
        "cell": cell,
        "hidden_layer_sizes": (4,) * n_layers,
        "lookback": LOOKBACK,
        "segment_length": None,
        "dropout": 0.0,
        "past_covariates": None if decoder == "recursive" else ["past"],
        "season_length": None,
        "target_transform": None,
        "window_norm": None,  # by it alone, the newest value would move every step
        "blend": None,
        "n_estimators": 1,
        "max_iter": 1,
        "batch_size": 256,  # two shards
        "early_stopping": False,
        "dtype": "float64",
        "random_state": 0,
    }
    for option in options:
        settings |= OPTIONS[option]
    return RNNForecaster(**(settings | parameters))


@cache
def fitted(combination: tuple[str, str, tuple[str, ...]]) -> RNNForecaster:
    return forecaster(combination).fit(*data(combination[0]))


def moved(model: RNNForecaster) -> np.ndarray:
    """Weights away from their starts, some of which are zero."""
    return model.coefs_[0] + 0.3 * np.random.default_rng(1).normal(size=model.coefs_[0].size)


@every_combination
def test_gradient_equals_central_differences_along_random_directions(combination):
    model, rng = fitted(combination), np.random.default_rng(2)
    ensemble, series = model.ensemble_, model._history
    frame = ensemble.scales.frame(series.target, series.known, series.past, np.float64)
    origins, columns = np.array([ORIGIN, 20, 90, LOOKBACK]), np.array([0, 1, 1, 0])
    forced = 0.5 if combination[0] == "seq2seq" else 0.0
    loss = LOSSES["squared_error"]
    objective = WindowObjective(ensemble.network, ensemble.windows, frame, origins, columns, loss, forced)
    weights = moved(model)

    def value(at: np.ndarray, gradient: np.ndarray) -> float:
        objective.prepare(at)
        return objective.shard(np.arange(4), gradient, seed=5)

    gradient = np.zeros_like(weights)
    value(weights, gradient)
    for _ in range(3):
        direction = rng.normal(size=weights.size)
        above, below = (value(weights + sign * STEP * direction, np.zeros_like(weights)) for sign in (1, -1))
        assert abs(gradient @ direction - (above - below) / (2 * STEP)) < 1e-6 * np.linalg.norm(gradient)


@every_combination
def test_the_newest_values_move_every_step_and_later_ones_none(combination):
    model = fitted(combination)
    ensemble, series = replace(model.ensemble_, weights=[moved(model)]), model._history
    target, known, past = (array.copy() for array in (series.target, series.known, series.past))

    def forecast() -> np.ndarray:
        return ensemble.forecast(target, known, past, np.array([ORIGIN]), HORIZON)[0]

    before = forecast()
    newest = target[ORIGIN - 1].copy()
    target[ORIGIN - 1] += 0.5
    assert np.abs(forecast() - before).min() > 1e-9  # rounding: 1e-16
    target[ORIGIN - 1] = newest
    target[ORIGIN:], past[ORIGIN:], known[ORIGIN + HORIZON :] = 9.0, 9.0, 9.0
    np.testing.assert_array_equal(forecast(), before)


@every_combination
def test_two_threads_make_the_same_bits_as_one(combination):
    one, two = fitted(combination), forecaster(combination, n_jobs=2).fit(*data(combination[0]))
    np.testing.assert_array_equal(two.coefs_[0], one.coefs_[0])


@every_combination
def test_a_pickled_forecaster_forecasts_the_same(combination):
    model = fitted(combination)
    ahead = pd.DataFrame(np.ones((5, 1)), pd.RangeIndex(N_ROWS, N_ROWS + 5), columns=["known"])
    ahead = ahead if combination[0] == "recursive" else ahead.assign(past=0.0)
    again = pickle.loads(pickle.dumps(model))
    pd.testing.assert_frame_equal(again.forecast(5, ahead), model.forecast(5, ahead))


def test_each_option_makes_another_network():
    curves = {}
    for name in OPTIONS:
        model = forecaster(("direct", "gru", (name,)), hidden_layer_sizes=(4, 4)).fit(*data("direct"))
        curves[name] = tuple(model.loss_curve_)
    plain = forecaster(("direct", "gru", ()), hidden_layer_sizes=(4, 4)).fit(*data("direct"))
    assert len({*curves.values(), tuple(plain.loss_curve_)}) == len(OPTIONS) + 1


TWO, THREE = (4, 4), (4, 4, 4)
IMPOSSIBLE = [
    ({"decoder": "recursive", "bidirectional": True}, "bidirectional belongs to .*decoder="),
    ({"decoder": "recursive", "conv_filters": 4}, 'conv_filters=4 with decoder="recursive": leave it at 0'),
    ({"decoder": "recursive", "attention": "dot"}, "attention='dot' with decoder=\"recursive\": leave it at None"),
    ({"decoder": "recursive", "skip_period": 3}, 'skip_period=3 with decoder="recursive"'),
    ({"decoder": "seq2seq", "skip_period": 3}, 'skip_period belongs to decoder="direct"'),
    ({"decoder": "parallel", "attention": "additive"}, 'attention belongs to decoder="seq2seq" or "direct"'),
    ({"skip_period": 9, "lookback": 8}, "skip_period must lie within lookback, got skip_period=9 with lookback=8"),
    ({"decoder": "seq2seq", "bidirectional": True}, 'bidirectional=True .* decoder="seq2seq".* at least two layers'),
    ({"decoder": "parallel", "layer_norm": True}, 'layer_norm=True .* decoder="parallel".* at least two layers'),
    ({"layer_norm": True, "hidden_layer_sizes": (1,)}, r"layer_norm=True .* hidden_layer_sizes=\(1,\)"),
    ({"residual": True}, r"residual=True .* hidden_layer_sizes at least 2 layers, got \(4,\)"),
    ({"residual": True, "decoder": "seq2seq", "hidden_layer_sizes": TWO}, r"residual=True .* at least 3 layers"),
    ({"residual": True, "hidden_layer_sizes": (4, 5)}, r"residual=True .* must be alike, got \(4, 5\)"),
]


@pytest.mark.parametrize(("parameters", "message"), IMPOSSIBLE)
def test_an_impossible_combination_is_refused_before_any_work(parameters, message, monkeypatch):
    monkeypatch.setattr(_training, "train", None)
    model = forecaster(("direct", "gru", ()), **({"past_covariates": None} | parameters))
    with pytest.raises(InvalidParameterError, match=message):
        model.fit(data("recursive")[1])


def test_a_residual_stack_may_end_in_another_size_where_the_last_layer_hands_its_state_on():
    sizes = {"hidden_layer_sizes": (4, 4, 5), "decoder": "seq2seq", "past_covariates": None}
    model = forecaster(("seq2seq", "gru", ("residual",)), **sizes).fit(data("recursive")[1])
    assert np.isfinite(model.forecast()).all(axis=None)


@pytest.mark.parametrize("name", ["zoneout", "conv_filters", "skip_period", "residual", "layer_norm"])
def test_a_parameter_out_of_its_range_is_refused(name):
    with pytest.raises(InvalidParameterError, match=name):
        forecaster(("direct", "gru", ()), **{name: -1}).fit(*data("direct"))


def test_an_automatic_lookback_shorter_than_the_period_is_refused_in_words():
    model = forecaster(("direct", "gru", ("skipping",)), lookback="auto", skip_period=160)
    with pytest.raises(ValueError, match=r"skip_period=160 must lie within the lookback, which is \d+ for 170 rows"):
        model.fit(*data("direct"))
