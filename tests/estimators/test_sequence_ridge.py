"""``solver="ridge"`` of the sequence estimators: random recurrent weights, a readout in closed form."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.utils._param_validation import InvalidParameterError
from sklearn.utils.estimator_checks import parametrize_with_checks

from rnnforecast import RNNClassifier, RNNRegressor

RIDGE = {"solver": "ridge", "cell": "leaky", "hidden_layer_sizes": (20,), "dtype": "float64", "random_state": 0}


EXPECTED_FAILURES = {
    "check_sample_weight_equivalence_on_dense_data": "the folds that choose alpha tell repeated sequences from weighted"
}


@parametrize_with_checks(
    [RNNRegressor(**{**RIDGE, "hidden_layer_sizes": (300,)}), RNNClassifier(**RIDGE)],
    expected_failed_checks=lambda _: EXPECTED_FAILURES,
)
def test_scikit_learn_finds_no_fault(estimator, check):
    check(estimator)


def states_of(model, X):
    """States after whole sequences, by the plain recursion."""
    views = model.network_.layout.views(model.coefs_[0])
    bias, leak = np.split(views["encoder.0.bias"], 2)
    leak = 1.0 / (1.0 + np.exp(-leak))[:, None]
    values = (X - X.mean()) / X.std() if X.ndim == 2 else X
    state = np.zeros((20, len(X)))
    for step in values.T:
        pushed = views["encoder.0.weight_input"] @ step[None] + views["encoder.0.weight_hidden"] @ state + bias[:, None]
        state += leak * (np.tanh(pushed) - state)
    return state.T


def test_the_readout_is_the_ridge_solution_on_the_states(rng):
    X, y = rng.normal(size=(60, 9)), rng.normal(size=(60, 2))
    model = RNNRegressor(alpha=0.05, **RIDGE)
    # A table (n, T) has T features; sequences of one feature are (n, T, 1).
    model.fit(X[:, :, None], y)
    state = states_of(model, X)
    x, target = state - state.mean(axis=0), (y - y.mean(axis=0)) / y.std(axis=0)
    weights = np.linalg.solve(x.T @ x + 0.05 * np.trace(x.T @ x) / 20 * np.eye(20), x.T @ target)
    expected = y.mean(axis=0) + y.std(axis=0) * (x @ weights)
    # Activations are rational approximations, good to 1e-12; a weak ridge makes some 1e3 of that.
    np.testing.assert_allclose(model.predict(X[:, :, None]), expected, rtol=1e-7, atol=1e-7)


@pytest.mark.parametrize("output", ["last", "steps"])
def test_a_weight_of_two_is_two_equal_sequences(rng, output):
    X = rng.normal(size=(40, 6, 1))
    y = rng.normal(size=(40, 6) if output == "steps" else 40)
    weight = rng.integers(1, 3, size=40)
    model = {"output": output, "scale": None, "alpha": 0.01, **RIDGE}
    weighted = RNNRegressor(**model).fit(X, y, sample_weight=weight).predict(X)
    repeated = RNNRegressor(**model).fit(np.repeat(X, weight, axis=0), np.repeat(y, weight, axis=0)).predict(X)
    np.testing.assert_allclose(weighted, repeated, rtol=1e-8, atol=1e-8)


def test_steps_of_sequences_of_unequal_length(rng):
    X = [rng.normal(size=(n, 1)) for n in rng.integers(3, 15, size=80)]
    y = [np.cumsum(x[:, 0]) for x in X]
    model = RNNRegressor(output="steps", **{**RIDGE, "hidden_layer_sizes": (100,)}).fit(X[:60], y[:60])
    assert model.score(X[60:], y[60:]) > 0.95


def test_probabilities_are_calibrated_by_held_out_labels(rng):
    X = rng.normal(size=(3000, 4, 1))
    log_odds = 2.0 * X[:, -1, 0]
    y = (rng.random(3000) < 1 / (1 + np.exp(-log_odds))).astype(int)
    model = RNNClassifier(**RIDGE).fit(X[:2000], y[:2000])
    truth, found = 1 / (1 + np.exp(-log_odds[2000:])), model.predict_proba(X[2000:])[:, 1]
    assert np.abs(found - truth).mean() < 0.05
    likelihood = np.where(y[2000:] == 1, found, 1 - found)
    best = np.where(y[2000:] == 1, truth, 1 - truth)
    assert -np.log(likelihood).mean() < -np.log(best).mean() + 0.02


@pytest.mark.parametrize("labels", [["a", "b"], ["a", "b", "c"]])
def test_classes_are_told_apart(rng, labels):
    codes = rng.integers(0, len(labels), size=240)
    X = np.sin(np.arange(30) * (1 + codes[:, None]) / 4 + rng.uniform(0, 1, size=(240, 1)))[:, :, None]
    X = X + 0.1 * rng.normal(size=X.shape)
    y = np.array(labels)[codes]
    model = RNNClassifier(**{**RIDGE, "hidden_layer_sizes": (100,)}).fit(X[:180], y[:180])
    assert model.score(X[180:], y[180:]) > 0.95
    np.testing.assert_allclose(model.predict_proba(X).sum(axis=1), 1.0, rtol=1e-12)


def test_several_labels_for_each_sequence(rng):
    X = rng.normal(size=(400, 5, 2))
    y = (X[:, -1] > 0).astype(int)
    model = RNNClassifier(**{**RIDGE, "hidden_layer_sizes": (60,)}).fit(X[:300], y[:300])
    assert (model.predict(X[300:]) == y[300:]).mean() > 0.9


@pytest.mark.parametrize(
    "architecture", [{"hidden_layer_sizes": (30, 20)}, {"bidirectional": True}, {"conv_filters": 4}]
)
def test_every_recurrent_layer_is_a_reservoir(rng, architecture):
    X = rng.normal(size=(50, 8, 1))
    model = RNNRegressor(**{**RIDGE, **architecture}).fit(X, X[:, -1, 0])
    views = model.network_.layout.views(model.coefs_[0])
    matrices = {name: view for name, view in views.items() if name.endswith("weight_hidden")}
    assert len(matrices) == (1 if "conv_filters" in architecture else 2)
    for matrix in matrices.values():
        assert np.abs(np.linalg.eigvals(matrix)).max() == pytest.approx(0.95)
        assert (matrix == 0).mean() == pytest.approx(0.9, abs=0.01)


@pytest.mark.parametrize(
    ("parameters", "match"),
    [
        ({"head_layer_sizes": (4,)}, "head_layer_sizes"),
        ({"loss": "huber"}, "loss"),
        ({"early_stopping": True}, "early_stopping"),
    ],
)
def test_what_a_closed_form_cannot_do_is_refused(rng, parameters, match):
    with pytest.raises(InvalidParameterError, match=match):
        RNNRegressor(**{**RIDGE, **parameters}).fit(rng.normal(size=(20, 4)), rng.normal(size=20))


def test_there_is_no_going_on(rng):
    assert not hasattr(RNNRegressor(**RIDGE), "partial_fit")
    with pytest.raises(AttributeError, match="partial_fit"):
        RNNClassifier(**RIDGE).partial_fit(rng.normal(size=(20, 4)), rng.integers(0, 2, size=20), classes=[0, 1])
