"""Weights under PyTorch's names: equal answers, identical bits on the way back, refusals that change nothing."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from sklearn.exceptions import NotFittedError

from rnnforecast import RNNForecaster, RNNRegressor
from tests.interchange.graphs import assert_near, shaken

MODULES = {"rnn": "RNN", "lstm": "LSTM", "gru": "GRU"}


def regressor(rng, **parameters):
    X = rng.normal(size=(12, 7, 3))
    common = {"hidden_layer_sizes": (4,), "max_iter": 1, "random_state": 0, "scale": None}
    return X, shaken(RNNRegressor(**common | parameters).fit(X, X[:, :, 0] if "output" in parameters else X[:, 0, 0]))


def forecaster(rng, **parameters):
    common = {"horizon": 5, "lookback": 12, "segment_length": 3, "season_length": None, "target_transform": None}
    common |= {"window_norm": None, "scale": None, "blend": None, "n_estimators": 1, "hidden_layer_sizes": (4,)}
    y = pd.Series(rng.normal(size=120))
    return y, shaken(RNNForecaster(**common | {"max_iter": 1, "random_state": 0} | parameters).fit(y))


def torch_recurrence(torch, cell, state, n_inputs, n_units, n_layers=1, bidirectional=False, prefix=""):
    """The module, which takes exactly the names without a dot behind the prefix."""
    module = getattr(torch.nn, MODULES[cell])(n_inputs, n_units, n_layers, bidirectional=bidirectional)
    own = {name.removeprefix(prefix): array for name, array in state.items() if name.startswith(prefix)}
    own = {name: torch.as_tensor(array) for name, array in own.items() if "." not in name}
    module.to(next(iter(own.values())).dtype).load_state_dict(own, strict=True)
    return module


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("bidirectional", [False, True])
@pytest.mark.parametrize("n_layers", [1, 2])
@pytest.mark.parametrize("cell", MODULES)
def test_a_torch_module_with_these_weights_gives_the_same_answers(rng, cell, n_layers, bidirectional, dtype):
    torch = pytest.importorskip("torch")
    sizes = (4,) * n_layers
    X, fitted = regressor(
        rng, cell=cell, hidden_layer_sizes=sizes, bidirectional=bidirectional, output="steps", dtype=dtype
    )
    state = fitted.to_torch_state_dict()
    module = torch_recurrence(torch, cell, state, 3, 4, n_layers, bidirectional)
    with torch.no_grad():
        states, _ = module(torch.as_tensor(X.astype(dtype).transpose(1, 0, 2)))
    answers = states.numpy() @ state["head.weight"].T + state["head.bias"]
    assert_near(answers[:, :, 0].T, fitted.predict(X), 1e-5 if dtype == "float32" else 1e-12)


@pytest.mark.parametrize("cell", MODULES)
def test_weights_of_a_torch_module_give_its_answers(rng, cell):
    torch = pytest.importorskip("torch")
    X, fitted = regressor(rng, cell=cell, bidirectional=True, hidden_layer_sizes=(4, 4), output="steps")
    torch.manual_seed(0)
    module = getattr(torch.nn, MODULES[cell])(3, 4, 2, bidirectional=True)
    head = torch.nn.Linear(8, 1)
    state = module.state_dict() | {f"head.{name}": tensor for name, tensor in head.state_dict().items()}
    with torch.no_grad():
        wanted = head(module(torch.as_tensor(X.astype(np.float32).transpose(1, 0, 2)))[0]).numpy()
    assert_near(fitted.from_torch_state_dict(state).predict(X), wanted[:, :, 0].T)


@pytest.mark.parametrize("cell", MODULES)
@pytest.mark.parametrize("decoder", ["direct", "parallel"])
def test_a_forecast_made_of_torch_modules_is_the_same(rng, decoder, cell):
    torch = pytest.importorskip("torch")
    y, fitted = forecaster(rng, decoder=decoder, cell=cell, head_layer_sizes=(6,))
    state = fitted.to_torch_state_dict()
    tensor = {name: torch.as_tensor(array) for name, array in state.items()}
    segments = torch.as_tensor(y.to_numpy(np.float32)[-12:].reshape(4, 1, 3))
    x = torch.relu(torch.nn.functional.linear(segments, tensor["segment.weight"], tensor["segment.bias"]))
    with torch.no_grad():
        states, last = torch_recurrence(torch, cell, state, 4, 4)(x)
        hidden = states[-1:]
        if decoder == "parallel":  # each of two segments is one step from the last state
            second = torch_recurrence(torch, cell, state, 4, 4, prefix="decoder.")
            last = tuple(s.repeat(1, 2, 1) for s in last) if cell == "lstm" else last.repeat(1, 2, 1)
            hidden = second(tensor["position.weight"][None], last)[0]
        inner = torch.relu(torch.nn.functional.linear(hidden[0], tensor["head.0.weight"], tensor["head.0.bias"]))
        out = torch.nn.functional.linear(inner, tensor["head.2.weight"], tensor["head.2.bias"])
    assert_near(fitted.forecast(), out.numpy().ravel()[:5])


def test_a_causal_convolution_is_the_one_of_torch(rng):
    torch = pytest.importorskip("torch")
    X, fitted = regressor(rng, conv_filters=5, conv_kernel_size=3, layer_norm=True)
    state = fitted.to_torch_state_dict()
    tensor = {name: torch.as_tensor(array) for name, array in state.items()}
    padded = torch.nn.functional.pad(torch.as_tensor(X.astype(np.float32).transpose(0, 2, 1)), (2, 0))
    x = torch.relu(torch.nn.functional.conv1d(padded, tensor["convolution.weight"], tensor["convolution.bias"]))
    with torch.no_grad():
        hidden = torch_recurrence(torch, "gru", state, 5, 4)(x.permute(2, 0, 1))[0][-1]
        normal = torch.nn.functional.layer_norm(hidden, (4,), tensor["norm.weight"], tensor["norm.bias"])
    assert_near(fitted.predict(X), (normal.numpy() @ state["head.weight"].T + state["head.bias"])[:, 0])


@pytest.mark.parametrize(
    "parameters",
    [
        {"cell": "lstm", "hidden_layer_sizes": (3, 3), "bidirectional": True},
        {"cell": "gru", "conv_filters": 2, "layer_norm": True, "head_layer_sizes": (3, 2)},
        {"cell": "rnn", "activation": "relu", "dtype": "float64"},
        {"cell": "gru", "solver": "ridge"},
    ],
)
def test_the_way_to_torch_and_back_changes_no_bit(rng, parameters):
    X, fitted = regressor(rng, **parameters)
    before, answers = fitted.coefs_[0], fitted.predict(X)
    state = fitted.to_torch_state_dict()
    fitted.coefs_ = [np.zeros_like(before)]
    assert fitted.from_torch_state_dict(state) is fitted
    assert fitted.coefs_[0].tobytes() == before.tobytes()
    assert fitted.coefs_[0].dtype == before.dtype
    assert fitted.predict(X).tobytes() == answers.tobytes()


@pytest.mark.parametrize(
    "parameters",
    [
        {"decoder": "parallel", "segment_length": 2, "cell": "lstm", "window_norm": "last"},
        {"highway": 3, "head_layer_sizes": (3,), "conv_filters": 2},
        {"decoder": "recursive", "segment_length": None},
        {"forking_sequences": True, "segment_length": None, "window_norm": "auto"},
    ],
)
def test_a_forecaster_takes_back_its_weights_bit_by_bit(rng, parameters):
    _, fitted = forecaster(rng, n_estimators=2, **parameters)
    before, forecast = [w.tobytes() for w in fitted.coefs_], fitted.forecast()
    states = [fitted.to_torch_state_dict(member) for member in (0, 1)]
    for member, state in enumerate(states):
        fitted.from_torch_state_dict({name: 2.0 * array for name, array in state.items()}, member)
    assert not np.allclose(fitted.forecast(), forecast)
    for member, state in enumerate(states):
        fitted.from_torch_state_dict(state, member)
    assert [w.tobytes() for w in fitted.coefs_] == before
    pd.testing.assert_series_equal(fitted.forecast(), forecast, check_exact=True)


def test_the_state_dict_is_a_copy(rng):
    _, fitted = regressor(rng)
    before = fitted.coefs_[0].tobytes()
    for array in fitted.to_torch_state_dict().values():
        array[...] = 7.0
    assert fitted.coefs_[0].tobytes() == before


def without(state, name):
    return {other: array for other, array in state.items() if other != name}


def broken(array):
    array = array.copy()
    array.flat[0] = np.nan
    return array


@pytest.mark.parametrize(
    ("change", "error", "sentence"),
    [
        (lambda s: list(s), TypeError, r"state must map names to arrays, got list"),
        (lambda s: without(s, "bias_hh_l0"), ValueError, r"state lacks bias_hh_l0; give exactly .* head\.bias"),
        (lambda s: s | {"fc.weight": s["head.weight"]}, ValueError, r"state has no use for fc\.weight"),
        (lambda s: s | {"weight_hh_l0": s["weight_hh_l0"].T}, ValueError, r"must have shape \(12, 4\), got \(4, 12\)"),
        (
            lambda s: s | {"head.bias": broken(s["head.bias"])},
            ValueError,
            r"head\.bias must hold finite numbers, got n",
        ),
        (lambda s: s | {"head.bias": np.array([1e300])}, ValueError, r"too large for float32, in head\.0\.bias"),
        (lambda s: s | {"head.bias": np.array(["1"])}, TypeError, r"head\.bias must hold real numbers, got <U1"),
        (lambda s: s | {"head.bias": np.array([1j])}, TypeError, r"head\.bias must hold real numbers, got complex"),
    ],
)
def test_other_weights_are_refused_before_anything_changes(rng, change, error, sentence):
    _, fitted = regressor(rng)
    before = fitted.coefs_[0].tobytes()
    with pytest.raises(error, match=sentence):
        fitted.from_torch_state_dict(change(fitted.to_torch_state_dict()))
    assert fitted.coefs_[0].tobytes() == before


def test_a_tensor_that_wants_a_gradient_is_refused(rng):
    torch = pytest.importorskip("torch")
    _, fitted = regressor(rng)
    state = fitted.to_torch_state_dict()
    state["head.bias"] = torch.zeros(1, requires_grad=True)
    with pytest.raises(TypeError, match=r"head\.bias cannot be read as an array: .*; pass tensor\.detach"):
        fitted.from_torch_state_dict(state)


@pytest.mark.parametrize(
    ("parameters", "sentence"),
    [
        ({"cell": "mgu"}, 'cell "mgu" has no twin'),
        ({"cell": "rnn", "activation": "sigmoid"}, 'cell "rnn_sigmoid" has no twin'),
        ({"cell": ("lstm", "gru"), "hidden_layer_sizes": (3, 3)}, r"one cell in all its layers, but these have \['ls"),
        ({"hidden_layer_sizes": (3, 2)}, r"as many units in all its layers, but these have \[3, 2\]"),
        ({"hidden_layer_sizes": (3, 3), "layer_norm": True}, "layer_norm=True normalises between"),
        ({"attention": "dot"}, "attention has no twin"),
    ],
)
def test_what_torch_has_no_module_for_is_refused(rng, parameters, sentence):
    _, fitted = regressor(rng, **parameters)
    with pytest.raises(ValueError, match=sentence):
        fitted.to_torch_state_dict()


@pytest.mark.parametrize(
    ("parameters", "sentence"),
    [
        ({"zoneout": 0.1}, "zoneout has no twin"),
        ({"skip_period": 3}, "skip_period has no twin"),
        ({"residual": True, "hidden_layer_sizes": (3, 3)}, "residual=True has no twin"),
        ({"decoder": "seq2seq"}, 'decoder="seq2seq" has no twin'),
        ({"decoder": "parallel", "bidirectional": True, "hidden_layer_sizes": (3, 3)}, "as many directions"),
    ],
)
def test_forecasters_without_a_twin_are_refused(rng, parameters, sentence):
    _, fitted = forecaster(rng, **parameters)
    with pytest.raises(ValueError, match=sentence):
        fitted.to_torch_state_dict()


def test_an_echo_state_forecaster_has_no_module(rng):
    fitted = RNNForecaster(solver="ridge", cell="leaky", hidden_layer_sizes=(5,)).fit(pd.Series(rng.normal(size=80)))
    with pytest.raises(ValueError, match='solver="ridge" of a forecaster has reservoirs'):
        fitted.to_torch_state_dict()


def test_the_member_must_be_one_of_the_networks(rng):
    _, fitted = forecaster(rng, n_estimators=2)
    with pytest.raises(ValueError, match="member must be an integer from 0 to 1, got 2"):
        fitted.to_torch_state_dict(2)


def test_an_estimator_must_be_fitted_first():
    with pytest.raises(NotFittedError):
        RNNRegressor().to_torch_state_dict()
    with pytest.raises(NotFittedError):
        RNNForecaster().from_torch_state_dict({})
