"""Damaged model files are refused, or say what a model with other numbers says: nothing crashes, hangs or is injected.

``RNNFORECAST_MUTATIONS=100000`` damages files so many times instead of a few hundred.
"""

from __future__ import annotations

import os
import signal
from collections import Counter

import numpy as np
import pandas as pd
import pytest

import rnnforecast as rf
from rnnforecast.persistence import ModelFileError, files
from tests.persistence.cases import CASES, fitted, same
from tests.persistence.mutations import damaged_arrays, damaged_bytes, damaged_tree

MUTATIONS = int(os.environ.get("RNNFORECAST_MUTATIONS", "300"))
VICTIMS: tuple[str, ...] = (
    *("linear", "naive, a panel", "rnn, statics", "regressor", "generator", "detector, streamed"),
)
if MUTATIONS > 3000:
    VICTIMS += (
        *("rnn", "rnn, masked", "rnn, seq2seq", "rnn, parallel", "rnn, forking", "rnn, reservoir", "rnn, quantiles"),
        *("classifier, sgd", "per series", "linear, months", "detector, hindsight", "detector, reconstruction"),
    )
DAMAGED, EDITED = (-(-MUTATIONS * share // (4 * len(VICTIMS))) for share in (1, 3))  # of each victim
PATIENCE = 60  # seconds: what takes longer hangs


class HangsError(BaseException):
    """No `except Exception` on the way catches it."""


def _hangs(*_):
    raise HangsError


@pytest.fixture
def patience():
    """Give up where a file makes the process hang; Windows has no alarms, and waits."""
    if not hasattr(signal, "SIGALRM"):
        yield lambda seconds: None
        return
    before = signal.signal(signal.SIGALRM, _hangs)
    yield signal.alarm
    signal.alarm(0)
    signal.signal(signal.SIGALRM, before)


def outcome(name, path):
    """Load a damaged file and ask what it holds; return what came of it, and the answer if there is one."""
    try:
        model = rf.load(path)
    except ModelFileError:
        return "refused", None
    assert type(model) in {type(case) for case in map(fitted, CASES_OF_EACH)}
    if type(model) is type(fitted(name)):
        assert vars(model).keys() - vars(fitted(name)).keys() <= {"attention_", "feature_names_in_", "_stream"}
    assert not any(callable(value) and not hasattr(value, "fit") for value in vars(model).values())
    try:
        return "answers", CASES[name].ask(model)
    except (ValueError, TypeError, LookupError, AttributeError):
        return "says why not", None


CASES_OF_EACH = ("naive", "linear", "rnn", "per series", "regressor", "classifier", "generator", "detector")


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("name", VICTIMS)
def test_a_damaged_file_is_refused_or_the_same_model(name, tmp_path, patience):
    path = tmp_path / "model.rnn"
    fitted(name).save(path)
    whole, expected = path.read_bytes(), CASES[name].ask(rf.load(path))
    for k in range(DAMAGED):
        path.write_bytes(damaged_bytes(whole, np.random.default_rng([0, k])))
        patience(PATIENCE)
        what, answer = outcome(name, path)
        assert what == "refused" or same(answer, expected), k


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("name", VICTIMS)
def test_a_file_that_was_edited_and_summed_up_again_is_refused_or_answers(name, tmp_path, patience):
    path, seen = tmp_path / "model.rnn", Counter()
    fitted(name).save(path)
    (tree, arrays), expected = files.read(path), np.asarray(CASES[name].ask(rf.load(path)))
    for k in range(EDITED):
        rng = np.random.default_rng([1, k])
        edited = (tree, damaged_arrays(arrays, rng)) if k % 3 == 2 else (damaged_tree(tree, rng), arrays)
        path.write_bytes(files.packed(*edited))
        patience(PATIENCE)
        what, answer = outcome(name, path)
        seen[what] += 1
        if what == "answers":
            assert isinstance(answer, np.ndarray | pd.Series | pd.DataFrame), k
            assert np.asarray(answer).ndim == expected.ndim, k
    print(name, DAMAGED, EDITED, dict(seen))  # noqa: T201 - shown by pytest -s
    assert seen["refused"] > EDITED / 3  # most edits make no model; the others change numbers, or nothing


def test_edits_that_reach_for_more_than_numbers_are_refused(tmp_path):
    path = tmp_path / "model.rnn"
    fitted("linear").save(path)
    tree, arrays = files.read(path)
    name, fields = tree["record"]
    edits = {
        "an attribute": ["LinearForecaster", {**fields, "forecast": 1}],
        "a method": ["LinearForecaster", {**fields, "__class__": "RNNForecaster"}],
        "another class": ["NaiveForecaster", fields],
        "no estimator": fields["_history"]["record"],
        "a class of elsewhere": ["subprocess.Popen", {"args": "true"}],
        "no state": ["LinearForecaster", {"parameters": fields["parameters"], "linear_": fields["linear_"]}],
        "no parameters": [name, {key: item for key, item in fields.items() if key != "parameters"}],
        "a parameter of its own": [name, {**fields, "parameters": {"map": [["colour", "red"]]}}],
        "an object as parameter": [name, {**fields, "parameters": {"map": [["alpha", {"record": ["Identity", {}]}]]}}],
        "one out of range": [name, {**fields, "parameters": {"map": [["horizon", -1]]}}],
    }
    for edit in edits.values():
        files.write(path, {"record": edit}, arrays)
        with pytest.raises(ModelFileError):
            rf.load(path)


def test_what_is_declared_huge_is_refused_before_it_is_made(tmp_path):
    path = tmp_path / "model.rnn"
    fitted("rnn").save(path)
    tree, arrays = files.read(path)

    def edited(node):
        if isinstance(node, dict) and node.get("record", [None])[0] == "Recurrent":
            name, fields = node["record"]
            return {"record": [name, {**fields, "n_units": 2**30, "n_inputs": 2**20}]}
        if isinstance(node, dict):
            return {key: edited(item) for key, item in node.items()}
        return [edited(item) for item in node] if isinstance(node, list) else node

    files.write(path, edited(tree), arrays)
    with pytest.raises(ModelFileError, match="a Recurrent is larger than the file"):
        rf.load(path)


def test_what_is_repeated_without_end_is_refused(tmp_path):
    path = tmp_path / "model.rnn"
    many = {"tuple": [{"array": "0"}] * 100_000}  # eighty gigabytes
    path.write_bytes(files.packed({"record": ["Scaler", {"origin": many}]}, {"0": np.zeros(100_000)}))
    with pytest.raises(ModelFileError, match="repeated too often"):
        rf.load(path)
    layer = {"record": ["Dropout", {"n_inputs": 1, "rate": 0.0}]}
    for k in range(60):  # two to the sixty layers
        layer = {
            "record": [
                "Beside",
                {"parts": {"tuple": [{"record": ["Chain", {"layers": {"tuple": [layer]}}]}, {"again": 2 * k + 1}]}},
            ]
        }
    path.write_bytes(files.packed(layer, {}))
    with pytest.raises(ModelFileError, match="too many layers"):
        rf.load(path)


def first(tree, record, field):
    """Return the JSON of a field of the first record of a class in a tree."""
    for node in nodes(tree):
        if node.get("record", [None])[0] == record:
            return node["record"][1][field]
    raise LookupError(record)


def nodes(tree):
    if isinstance(tree, dict):
        yield tree
    for item in tree.values() if isinstance(tree, dict) else tree if isinstance(tree, list) else ():
        yield from nodes(item)


@pytest.mark.parametrize("bad", [np.nan, np.inf])
@pytest.mark.parametrize(
    ("name", "record", "field"),
    [
        ("rnn", "Ensemble", "weights"),
        ("linear", "LinearModel", "weights_"),
        ("regressor", "RNNRegressor", "coefs_"),
        ("generator", "TextModel", "weights"),
        ("detector", "EchoModel", "weights"),
        ("detector", "Reservoir", "weights"),
    ],
)
def test_weights_that_are_no_numbers_are_refused(name, record, field, bad, tmp_path):
    path = tmp_path / "model.rnn"
    fitted(name).save(path)
    tree, arrays = files.read(path)
    weights = next(node["array"] for node in nodes(first(tree, record, field)) if "array" in node)
    arrays[weights].flat[-1] = bad
    files.write(path, tree, arrays)
    with pytest.raises(ModelFileError, match="finite numbers"):
        rf.load(path)
