"""Graphs of sequence estimators predict what the estimators do."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.exceptions import NotFittedError

from rnnforecast import RNNClassifier, RNNRegressor
from rnnforecast.kernels.activations import sigmoid, tanh
from rnnforecast.kernels.cells import Cell, Gate
from tests.interchange.graphs import assert_near, run, runner, shaken

onnx = pytest.importorskip("onnx", reason="graphs are built with onnx")
pytest.importorskip("onnxruntime", reason="graphs are run with ONNX Runtime")

ONCE = {"max_iter": 1, "random_state": 0, "hidden_layer_sizes": (4,)}


def fading(gates, hidden, memory):
    keep, new = gates
    return keep * hidden + (1.0 - keep) * new, ()


def sequences(rng, n=9, n_steps=7, n_features=3):
    return 20.0 + 5.0 * rng.normal(size=(n, n_steps, n_features))


def padded(items, n_steps):
    """Sequences (T_i, F) with numbers at their end that must reach no answer."""
    return np.stack([np.pad(x, ((0, n_steps - len(x)), (0, 0)), constant_values=99.0) for x in items])


@pytest.mark.parametrize("output", ["last", "steps"])
@pytest.mark.parametrize("bidirectional", [False, True])
@pytest.mark.parametrize("sizes", [(4,), (4, 3)])
@pytest.mark.parametrize("cell", ["rnn", "lstm", "gru"])
def test_a_regressor_and_its_graph_predict_the_same(rng, cell, sizes, bidirectional, output):
    X = sequences(rng)
    y = X[:, :, :2] if output == "steps" else X[:, 0, :2]
    parameters = ONCE | {"cell": cell, "hidden_layer_sizes": sizes, "bidirectional": bidirectional, "output": output}
    fitted = shaken(RNNRegressor(**parameters).fit(X, y))
    assert_near(run(fitted.to_onnx(), X=X.astype(np.float32))["y"], fitted.predict(X))


@pytest.mark.parametrize(
    "parameters",
    [
        {"cell": "rnn", "activation": "relu"},
        {"cell": "rnn", "activation": "sigmoid", "bidirectional": True},
        {"cell": "gru", "conv_filters": 3, "layer_norm": True, "head_layer_sizes": (5,)},
        {"cell": "gru", "attention": "additive", "bidirectional": True},
        {"cell": "lstm", "attention": "dot"},
        {"cell": ("mgu", "lstm"), "hidden_layer_sizes": (3, 2)},
        {"cell": "peephole", "bidirectional": True},
        {"cell": "mingru"},
        {"cell": "slstm"},
        {"cell": "leaky", "solver": "ridge"},
    ],
    ids=str,
)
def test_every_layer_and_cell_has_a_graph(rng, parameters):
    X = sequences(rng)
    fitted = shaken(RNNRegressor(**ONCE | parameters).fit(X, X[:, 0, 0]))
    assert_near(run(fitted.to_onnx(), X=X.astype(np.float32))["y"], fitted.predict(X))


@pytest.mark.slow
def test_a_cell_of_ones_own_has_a_graph(rng):
    X, cell = sequences(rng), Cell("fading", (Gate("keep", sigmoid), Gate("new", tanh)), fading)
    fitted = shaken(RNNRegressor(**ONCE | {"cell": cell}).fit(X, X[:, 0, 0]))
    assert_near(run(fitted.to_onnx(), X=X.astype(np.float32))["y"], fitted.predict(X))


@pytest.mark.parametrize("cell", ["lstm", "gru", "slstm"])
def test_a_float64_network_stays_one(rng, cell):
    X = sequences(rng)
    fitted = shaken(RNNRegressor(**ONCE | {"cell": cell, "bidirectional": True, "dtype": "float64"}).fit(X, X[:, 0, 0]))
    # The kernels' own exponential and ONNX Runtime's differ by some units in the last place.
    assert_near(run(fitted.to_onnx(dtype="float64"), X=X)["y"], fitted.predict(X), 1e-12)


@pytest.mark.parametrize("shape", [(), (2,), (7,)])
@pytest.mark.parametrize("labels", [["up", "down"], ["a", "b", "c"], [0, 3, 7], [False, True], [1.0, 2.0]], ids=str)
def test_a_classifier_and_its_graph_say_the_same(rng, labels, shape):
    X = sequences(rng, n=12)
    y = np.array(labels)[rng.integers(len(labels), size=(12, *shape))]
    output = "steps" if shape == (7,) else "last"
    fitted = shaken(RNNClassifier(**ONCE | {"output": output}).fit(X, y))
    answers = run(fitted.to_onnx(), X=X.astype(np.float32))
    assert_near(answers["probabilities"], fitted.predict_proba(X))
    np.testing.assert_array_equal(answers["label"], fitted.predict(X))


def test_rows_of_a_table_are_sequences_of_one_feature(rng):
    X = sequences(rng)[:, :, 0]
    fitted = shaken(RNNRegressor(**ONCE).fit(X, X.sum(1)))
    assert_near(run(fitted.to_onnx(optional_inputs=True), X=X.astype(np.float32))["y"], fitted.predict(X))


def test_answers_keep_the_shape_of_y(rng):
    X = sequences(rng)
    fitted = shaken(RNNRegressor(**ONCE).fit(X, rng.normal(size=(9, 4, 2))))
    assert_near(run(fitted.to_onnx(), X=X.astype(np.float32))["y"], fitted.predict(X))


@pytest.mark.parametrize("attention", [None, "additive", "dot"])
@pytest.mark.parametrize("cell", ["lstm", "mgu"])
def test_padding_changes_no_answer(rng, cell, attention):
    items = [sequences(rng, 1, n_steps)[0] for n_steps in (3, 7, 1, 5)]
    parameters = {"cell": cell, "attention": attention, "bidirectional": True, "hidden_layer_sizes": (3, 3)}
    fitted = shaken(RNNRegressor(**ONCE | parameters).fit(items, [x[0, 0] for x in items]))
    lengths = np.array([len(x) for x in items])
    given = {"X": padded(items, 8).astype(np.float32), "lengths": lengths}
    assert_near(run(fitted.to_onnx(optional_inputs=True), **given)["y"], fitted.predict(items))


@pytest.mark.parametrize("cell", ["lstm", "mgu"])
def test_padding_changes_no_step(rng, cell):
    items = [sequences(rng, 1, n_steps)[0] for n_steps in (3, 7, 1, 5)]
    parameters = {"cell": cell, "output": "steps", "bidirectional": True, "hidden_layer_sizes": (3, 3)}
    fitted = shaken(RNNRegressor(**ONCE | parameters).fit(items, [x[:, 0] for x in items]))
    given = {"X": padded(items, 8).astype(np.float32), "lengths": np.array([len(x) for x in items])}
    answers = run(fitted.to_onnx(optional_inputs=True), **given)["y"]
    for answer, wanted in zip(answers, fitted.predict(items), strict=True):
        assert_near(answer[: len(wanted)], wanted)


@pytest.mark.parametrize("cell", ["rnn", "lstm", "gru", "peephole", "slstm"])
def test_a_sequence_is_read_piece_by_piece(rng, cell):
    X = sequences(rng).astype(np.float32)
    parameters = {"cell": cell, "output": "steps", "hidden_layer_sizes": (4, 3)}
    fitted = shaken(RNNRegressor(**ONCE | parameters).fit(X, X[:, :, 0]))
    graph = runner(fitted.to_onnx(optional_inputs=True))
    first = graph(X=X[:, :3])
    states = {name.replace("last", "initial"): state for name, state in first.items() if name != "y"}
    second = graph(X=X[:, 3:], **states)
    assert_near(np.concatenate([first["y"], second["y"]], axis=1), fitted.predict(X))
    whole = graph(X=X)
    for name in states:
        assert_near(second[name.replace("initial", "last")], whole[name.replace("initial", "last")])


def test_one_state_stands_for_the_whole_batch(rng):
    X = sequences(rng).astype(np.float32)
    fitted = shaken(RNNRegressor(**ONCE | {"bidirectional": True}).fit(X, X[:, 0, 0]))
    graph = runner(fitted.to_onnx(optional_inputs=True))
    state = rng.normal(size=(2, 1, 4)).astype(np.float32)
    once = graph(X=X, initial_h_l0=state)
    each = graph(X=X, initial_h_l0=np.repeat(state, len(X), axis=1))
    np.testing.assert_array_equal(once["y"], each["y"])
    assert np.abs(once["y"] - graph(X=X)["y"]).max() > 1e-3


def test_a_graph_takes_nothing_but_sequences_unless_asked(rng):
    X = sequences(rng)
    graph = RNNRegressor(**ONCE).fit(X, X[:, 0, 0]).to_onnx().graph
    assert [given.name for given in graph.input] == ["X"]
    assert [answer.name for answer in graph.output] == ["y"]


def test_the_file_holds_the_graph(rng, tmp_path):
    X = sequences(rng)
    model = RNNRegressor(**ONCE).fit(X, X[:, 0, 0]).to_onnx(tmp_path / "regressor.onnx")
    assert onnx.load(tmp_path / "regressor.onnx") == model


def test_wrong_arguments_are_refused_before_any_work(rng):
    X = sequences(rng)
    fitted = RNNRegressor(**ONCE).fit(X, X[:, 0, 0])
    with pytest.raises(ValueError, match=r"dtype must be .*, got 'float16'"):
        fitted.to_onnx(dtype="float16")
    with pytest.raises(NotFittedError):
        RNNClassifier().to_onnx()
