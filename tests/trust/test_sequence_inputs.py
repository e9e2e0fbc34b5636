"""What sequences, their targets and parameters may look like, and what is said of those that may not."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from sklearn.exceptions import NotFittedError
from sklearn.utils._param_validation import InvalidParameterError

from rnnforecast import RNNClassifier, RNNRegressor
from tests.trust.cases import EXTREME


def small(**parameters):
    """A regressor that learns in a few hundredths of a second."""
    return RNNRegressor(**({"hidden_layer_sizes": (8,), "max_iter": 3, "random_state": 0} | parameters))


def ragged(rng, n, n_features=2, longest=9):
    return [rng.normal(size=(t, n_features)) for t in rng.integers(1, longest + 1, size=n)]


@pytest.fixture
def table(rng):
    X = rng.normal(size=(40, 6))
    return X, X.sum(axis=1)


def test_containers_layouts_and_types_of_the_same_numbers_give_the_same_bits(rng):
    X = rng.integers(-5, 5, size=(20, 4)).astype(float)
    y = X[:, 0]
    expected = small().fit(X, y).predict(X)
    backwards = X[::-1, ::-1].copy()[::-1, ::-1]
    frame = pd.DataFrame(X, columns=list("abcd"))
    for same in (X.tolist(), tuple(map(tuple, X)), np.asfortranarray(X), backwards, X.astype("int8"), X.astype(object)):
        np.testing.assert_array_equal(small().fit(same, y).predict(same), expected)
    named = small().fit(frame, y)
    np.testing.assert_array_equal(named.predict(frame), expected)
    assert named.feature_names_in_.tolist() == list("abcd")
    big = X.astype(">f4").reshape(20, 2, 2)
    np.testing.assert_array_equal(small().fit(big, y).predict(big), small().fit(big.astype(float), y).predict(big))


def test_inputs_are_left_alone_and_outputs_are_new(rng):
    X = ragged(rng, 10)
    y = [x[:, 0] for x in X]
    copies = [x.copy() for x in X], [t.copy() for t in y]
    fitted = small(output="steps", scale=None).fit(X, y)
    predicted = fitted.predict(X)
    predicted[0][...] = 7.0
    for before, after in zip((*copies[0], *copies[1]), (*X, *y), strict=True):
        np.testing.assert_array_equal(after, before)
    assert (fitted.predict(X)[0] != 7.0).all()


ONE = np.zeros((3, 2))
BAD = {
    "no two axes": (lambda X, y: (X[:, 0], y), ValueError, "Expected 2D array, got 1D array"),
    "four axes": (lambda X, y: (X[:, None, None], y), ValueError, "dim 4, but X must be an array"),
    "nothing": (lambda X, y: (None, y), TypeError, "X must be an array .*, got NoneType"),
    "a mapping": (lambda X, y: ({"a": X}, y), TypeError, "got dict"),
    "a generator": (lambda X, y: (iter(X), y), TypeError, "got .*iterator"),
    "masked steps in a list": (
        lambda X, y: ([np.ma.masked_less(x, 0)[:, None] for x in X], y),
        ValueError,
        "Input X contains NaN",
    ),
    "frames with columns in different order": (
        lambda X, y: ([pd.DataFrame(ONE, columns=list(["ab", "ba"][k % 2])) for k in range(40)], y),
        ValueError,
        "columns of the first.*in sequence 1",
    ),
    "no steps": (lambda X, y: (np.zeros((40, 0, 2)), y), ValueError, r"0 step\(s\)"),
    "no features": (lambda X, y: (np.zeros((40, 2, 0)), y), ValueError, r"0 feature\(s\)"),
    "empty sequence": (lambda X, y: ([ONE, ONE[:0]], y[:2]), ValueError, r"at least one step.* in 1"),
    "other features": (lambda X, y: ([ONE, np.zeros((3, 3))], y[:2]), ValueError, "features of the first, 2, got 3 in"),
    "mixed axes": (lambda X, y: ([ONE, np.zeros(4)], y[:2]), ValueError, r"got shape \(3, 2\) first and \(4,\)"),
    "ragged inside": (lambda X, y: ([[[1, 2], [3]], ONE], y[:2]), ValueError, "element 0 of X is no array"),
    "NaN": (lambda X, y: ([ONE, np.array([[0, 0], [np.nan, 0]])], y[:2]), ValueError, "sequence 1, step 1, feature 0"),
    "infinity": (lambda X, y: (np.full((40, 1, 1), np.inf), y), ValueError, "Input X contains infinity: 40"),
    "text": (lambda X, y: (X.astype(str), y), ValueError, "X must hold numbers, got the string .* at row 0"),
    "text in objects": (lambda X, y: (X.astype(str).astype(object), y), ValueError, "got the string"),
    "text in a list": (lambda X, y: ([["1", "2"], ["1"]], y[:2]), ValueError, "sequence 0 of X must hold numbers"),
    "dates": (
        lambda X, y: (X.astype("M8[s]"), y),
        TypeError,
        r"X at row 0, column 0 must hold numbers, got dates or durations \(datetime64",
    ),
    "complex": (lambda X, y: (X.astype(complex)[:, :, None], y), ValueError, "Complex data not supported"),
    "masked": (lambda X, y: (np.ma.masked_array(X, X > 0), y), ValueError, "Input X contains NaN"),
    "no target": (lambda X, y: (X, None), ValueError, "requires y to be passed"),
    "target of text": (lambda X, y: (X, y.astype(str)), ValueError, "y must hold numbers, got the string .* at row 0"),
    "target of no columns": (lambda X, y: (X, np.zeros((40, 0))), ValueError, "y must hold numbers, or arrays"),
    "ragged target": (lambda X, y: (X[:2], [[1.0], [1.0, 2.0]]), ValueError, 'use output="steps"'),
    "too large": (lambda X, y: (X, y, {"scale": None, "factor": 1e39}), ValueError, "X holds a value of size"),
    "steps, one each": (
        lambda X, y: (X, y, {"output": "steps"}),
        ValueError,
        "for each of the 6 steps of sequence 0, got one",
    ),
    "steps, too few": (lambda X, y: (X, X[:, 1:], {"output": "steps"}), ValueError, "6 steps of sequence 0, got 5"),
    "steps, ragged": (
        lambda X, y: ([ONE, ONE], [np.zeros((3, 1)), np.zeros(3)], {"output": "steps"}),
        ValueError,
        r"one shape, got \(1,\) in sequence 0 and \(\) in sequence 1",
    ),
    "negative weight": (
        lambda X, y: (X, y, {"weight": -np.ones(40)}),
        ValueError,
        "no negative values, got -1 for sequence 0",
    ),
    "no weight": (
        lambda X, y: (X, y, {"weight": np.zeros(40)}),
        ValueError,
        "must have a positive entry|at least one non-zero",
    ),
}


@pytest.mark.parametrize("case", BAD.values(), ids=BAD)
def test_bad_data_are_refused_in_a_sentence_that_says_where(table, case):
    make, error, message = case
    X, y, *rest = make(*table)
    options = rest[0] if rest else {}
    weight, factor = options.pop("weight", None), options.pop("factor", 1.0)
    fresh = small(**options)
    with pytest.raises(error, match=message):
        fresh.fit(X if factor == 1.0 else X * factor, y, sample_weight=weight)
    assert not hasattr(fresh, "coefs_")


def test_data_of_another_form_than_in_fit_are_refused(rng, table):
    X, y = table
    tabular, sequential = small().fit(X, y), small().fit(X[:, :, None], y)
    with pytest.raises(ValueError, match="X has 5 features, but RNNRegressor is expecting 6"):
        tabular.predict(X[:, 1:])
    with pytest.raises(ValueError, match=r"was fitted with a table \(n, T\), but X holds sequences"):
        tabular.predict(X[:, :, None])
    with pytest.raises(ValueError, match="was fitted with sequences of F features, but X holds a table"):
        sequential.predict(X)
    with pytest.raises(ValueError, match="X has 2 features, but RNNRegressor is expecting 1"):
        sequential.predict(ragged(rng, 3))
    frames = [pd.DataFrame(x, columns=["a", "b"]) for x in ragged(rng, 40)]
    named = small().fit(frames, y)
    with pytest.raises(ValueError, match=r"columns \['b', 'a'\], but RNNRegressor was fitted with \['a', 'b'\]"):
        named.predict([frame[["b", "a"]] for frame in frames])
    np.testing.assert_array_equal(named.predict(frames), named.predict([frame.to_numpy() for frame in frames]))
    with pytest.raises(ValueError, match="X holds a value of size 1e\\+300, too large for float32"):
        tabular.predict(np.full((1, 6), 1e300))


PARAMETERS = [
    ({"hidden_layer_sizes": ()}, "hidden_layer_sizes must hold at least one"),
    ({"hidden_layer_sizes": (True,)}, "hidden_layer_sizes must hold positive integers"),
    ({"max_iter": True}, "'max_iter' parameter of RNNRegressor must be a number, not a bool"),
    ({"cell": ("gru", "lstm")}, "cell names 2 layers but hidden_layer_sizes has 1"),
    ({"cell": "transformer"}, "'cell' parameter"),
    ({"dropout": 1.0}, "'dropout' parameter"),
    ({"learning_rate_init": float("nan")}, "'learning_rate_init' parameter"),
    ({"output": "all"}, "'output' parameter"),
    ({"output": "steps", "attention": "dot"}, 'use attention=None or output="last"'),
    ({"learning_rate": "plateau"}, "use early_stopping=True"),
    ({"loss": "quantile"}, "'loss' parameter"),
]


@pytest.mark.parametrize(("parameters", "message"), PARAMETERS, ids=str)
def test_parameters_that_cannot_be_are_refused_by_fit_and_not_before(table, parameters, message):
    regressor = small(**parameters)
    with pytest.raises(InvalidParameterError, match=message):
        regressor.fit(*table)
    with pytest.raises(NotFittedError):
        regressor.predict(table[0])


@pytest.mark.parametrize("change", [*EXTREME.values(), np.zeros_like], ids=[*EXTREME, "constant"])
def test_extreme_values_are_answered_finitely_and_silently(rng, change):
    X = change(rng.normal(size=240)).reshape(40, 6)
    assert np.isfinite(small().fit(X, X[:, 0]).predict(X)).all()
    assert np.isfinite(
        RNNClassifier(hidden_layer_sizes=(8,), max_iter=3).fit(X, np.arange(40) % 2).predict_proba(X)
    ).all()
