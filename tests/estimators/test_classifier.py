"""RNNClassifier: labels of sequences and of steps, probabilities, weights of classes, and two public data sets."""

from __future__ import annotations

import os
import pickle
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone
from sklearn.exceptions import DataConversionWarning, NotFittedError
from sklearn.model_selection import GridSearchCV, cross_val_score
from sklearn.utils._param_validation import InvalidParameterError
from sklearn.utils.estimator_checks import parametrize_with_checks

from rnnforecast.estimators import _sequences
from rnnforecast.estimators.classifier import RNNClassifier

# One batch, no dropout, float64: then weights and repetitions are the same training to rounding, as one check demands.
CHECKED = RNNClassifier(
    hidden_layer_sizes=(8,), dropout=0.0, batch_size=64, max_iter=60, learning_rate_init=0.02, dtype="float64"
)


@parametrize_with_checks([CHECKED])
def test_scikit_learn_finds_no_fault(estimator, check):
    check(estimator)


def small(**parameters):
    """A classifier that learns in a few hundredths of a second."""
    return RNNClassifier(**({"hidden_layer_sizes": (8,), "max_iter": 3, "random_state": 0} | parameters))


def walks(rng, n, n_steps=10):
    """Random walks (n, T), and the third of the line in which each ends."""
    X = rng.normal(size=(n, n_steps)).cumsum(axis=1)
    return X, np.array(["low", "middle", "top"])[np.digitize(X[:, -1], [-1.5, 1.5])]


@pytest.fixture
def two(rng):
    X, _ = walks(rng, 60)
    return X, np.where(X[:, -1] > 0, "up", "down")


# Shapes. Scores are of fresh data; each task is solved almost exactly, by a wide margin to the bound of 0.85.


def test_one_to_one(rng):
    X = rng.uniform(-2, 2, size=(300, 1))
    y = np.abs(X[:, 0]) > 1
    assert RNNClassifier(random_state=0).fit(X[:200], y[:200]).score(X[200:], y[200:]) > 0.85


def test_one_to_many(rng):
    X = rng.uniform(-2, 2, size=(300, 1))
    y = np.sign(X - np.array([-1, 0, 1]))
    fitted = RNNClassifier(random_state=0).fit(X[:200], y[:200])
    assert fitted.predict(X[200:]).shape == (100, 3)
    assert fitted.score(X[200:], y[200:]) > 0.85


@pytest.mark.parametrize("form", ["table", "features", "list"])
def test_many_to_one(rng, form):
    X, y = walks(rng, 400)
    if form == "features":
        X = np.stack([X, rng.normal(size=X.shape)], axis=2)
    if form == "list":
        X = [x[:t] for x, t in zip(X, rng.integers(1, 11, size=400), strict=True)]
        y = np.array([x[-1] > 0 for x in X])
    fitted = RNNClassifier(random_state=0).fit(X[:300], y[:300])
    assert fitted.score(X[300:], y[300:]) > 0.85
    assert fitted.predict(X[300:]).dtype == y.dtype


@pytest.mark.parametrize("form", ["table", "list"])
def test_many_to_many_aligned(rng, form):
    X = rng.normal(size=(300, 8)).cumsum(axis=1)
    X = X if form == "table" else [x[: 1 + k % 8, None] for k, x in enumerate(X)]
    y = [np.array(["low", "middle", "top"])[np.digitize(np.ravel(x), [-1, 1])] for x in X]
    y = np.array(y) if form == "table" else y
    fitted = RNNClassifier(output="steps", random_state=0).fit(X[:200], y[:200])
    assert fitted.score(X[200:], y[200:]) > 0.85
    predicted, probabilities = fitted.predict(X[200:]), fitted.predict_proba(X[200:])
    assert isinstance(predicted, list if form == "list" else np.ndarray)
    met = [p == t for p, t in zip(predicted, y[200:], strict=True)]
    assert np.concatenate(met).mean() == pytest.approx(fitted.score(X[200:], y[200:]))
    for labels, p in zip(predicted, probabilities, strict=True):
        np.testing.assert_array_equal(fitted.classes_[p.argmax(axis=1)], labels)


def test_many_to_many_of_another_length(rng):
    X = rng.normal(size=(400, 6))
    y = np.where(X[:, :-4:-1] > 0, "up", "down")  # of the last three values, newest first
    fitted = RNNClassifier(random_state=0).fit(X[:300], y[:300])
    assert fitted.predict_proba(X[300:]).shape == (100, 3, 2)
    assert fitted.score(X[300:], y[300:]) > 0.85


def test_padding_changes_no_bit_of_a_probability(rng):
    X = [rng.normal(size=(t, 2)) for t in rng.integers(1, 9, size=30)]
    y = np.arange(30) % 3
    fitted = small().fit(X, y)
    together = fitted.predict_proba(X)
    for k, x in enumerate(X):
        np.testing.assert_array_equal(fitted.predict_proba([x])[0], together[k])


# Probabilities.


@pytest.mark.parametrize("n_classes", [2, 3])
def test_probabilities_logits_and_labels_agree(rng, n_classes):
    X, y = walks(rng, 80)
    y = y if n_classes == 3 else y == "top"
    fitted = small(max_iter=20).fit(X, y)
    p, logits = fitted.predict_proba(X), fitted.decision_function(X)
    np.testing.assert_allclose(p.sum(axis=1), 1.0, rtol=1e-14)
    np.testing.assert_allclose(np.exp(fitted.predict_log_proba(X)), p, rtol=1e-14)
    np.testing.assert_array_equal(fitted.classes_[p.argmax(axis=1)], fitted.predict(X))
    if n_classes == 2:
        np.testing.assert_allclose(p[:, 1], 1.0 / (1.0 + np.exp(-logits)), rtol=1e-12)
    else:
        np.testing.assert_allclose(p, np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True), rtol=1e-12)


def test_log_probabilities_do_not_underflow(two):
    X, y = two
    fitted = small(max_iter=20).fit(X, y)
    fitted.coefs_[0] *= 1e4
    logs = fitted.predict_log_proba(X)
    assert np.isfinite(logs).all()
    assert logs.min() < -1000  # its exponential is zero


def test_the_loss_is_the_mean_negative_log_probability_of_the_truth(two):
    X, y = two
    fitted = small(early_stopping=True, validation_fraction=0.2, dtype="float64").fit(X, y)
    held_out = np.concatenate([np.flatnonzero(y == c)[-round(0.2 * (y == c).sum()) :] for c in ("down", "up")])
    logs = fitted.predict_log_proba(X[held_out])[np.arange(len(held_out)), (y[held_out] == "up").astype(int)]
    # The last sequences of each class; rtol: float64 sums in another order
    np.testing.assert_allclose(fitted.best_loss_, -logs.mean(), rtol=1e-12)
    assert fitted.best_loss_ == min(fitted.validation_scores_)


# Weights.


def test_balanced_weights_are_those_of_a_dict_and_of_sample_weights(rng):
    X, y = walks(rng, 50)
    counts = {label: int((y == label).sum()) for label in np.unique(y)}
    weights = {label: 50 / (3 * count) for label, count in counts.items()}
    same = {"batch_size": 25, "dropout": 0.0, "scale": None}  # the weight of a sequence also moves the scale of X
    balanced = small(class_weight="balanced", **same).fit(X, y)
    by_hand = small(class_weight=weights, **same).fit(X, y)
    by_sample = small(**same).fit(X, y, sample_weight=[weights[label] for label in y])
    np.testing.assert_allclose(balanced.predict_proba(X), by_hand.predict_proba(X), rtol=1e-5)  # float32 weights
    np.testing.assert_allclose(balanced.predict_proba(X), by_sample.predict_proba(X), rtol=1e-5)
    assert np.abs(balanced.predict_proba(X) - small(**same).fit(X, y).predict_proba(X)).max() > 0.001


def test_a_heavy_class_is_predicted_more(rng):
    X, y = rng.normal(size=(100, 5)), np.arange(100) % 2  # nothing to be learnt but the weights
    shares = [small(class_weight={1: w}, max_iter=20).fit(X, y).predict_proba(X)[:, 1].mean() for w in (0.1, 1, 10)]
    # The constant with the least loss is w / (1 + w): 0.09, 0.5 and 0.91
    assert shares[0] < 0.25 < 0.35 < shares[1] < 0.65 < 0.75 < shares[2]


def test_an_integer_weight_is_a_repetition_and_zero_an_absence(rng):
    X, y = walks(rng, 20)
    weight = rng.integers(1, 4, size=20) * (np.arange(20) % 4 > 0)
    one = clone(CHECKED).set_params(random_state=0, class_weight="balanced")
    weighted, repeated = clone(one), clone(one)
    weighted.fit(X, y, sample_weight=weight)
    repeated.fit(X.repeat(weight, axis=0), y.repeat(weight))
    # atol: float64 sums in another order, whose rounding sixty updates divided by small gradients magnify
    np.testing.assert_allclose(weighted.predict_proba(X), repeated.predict_proba(X), rtol=0, atol=1e-7)


def test_a_weight_of_a_sequence_is_that_of_all_its_steps(rng):
    X = [rng.normal(size=(t, 1)) for t in rng.integers(1, 6, size=20)]
    y = [x[:, 0] > 0 for x in X]
    weight = np.arange(20) % 3
    one = clone(CHECKED).set_params(output="steps", random_state=0)
    weighted, repeated = clone(one).fit(X, y, sample_weight=weight), clone(one)
    repeated.fit(*([item for item, w in zip(items, weight, strict=True) for _ in range(w)] for items in (X, y)))
    np.testing.assert_allclose(
        np.concatenate(weighted.predict_proba(X)), np.concatenate(repeated.predict_proba(X)), rtol=0, atol=1e-7
    )


# Life.


@pytest.mark.parametrize("n_jobs", [2, 4])
def test_same_seed_same_bits_for_any_number_of_threads(rng, n_jobs):
    # A batch of 400 is at least four shards, which are what threads take.
    X, y = walks(rng, 400)
    alone, several = (small(batch_size=400, n_jobs=k).fit(X, y) for k in (1, n_jobs))
    np.testing.assert_array_equal(alone.coefs_[0], several.coefs_[0])


def test_partial_fit_learns_classes_that_come_later(rng):
    X, y = walks(rng, 240)
    fitted = small(learning_rate_init=0.01)
    first = y != "top"
    fitted.partial_fit(X[first], y[first], classes=["top", "low", "middle"])
    assert fitted.classes_.tolist() == ["low", "middle", "top"]
    again = pickle.loads(pickle.dumps(fitted))
    for _ in range(40):
        fitted.partial_fit(X, y)
        again.partial_fit(X, y, classes=["low", "middle", "top"])
    np.testing.assert_array_equal(fitted.predict_proba(X), again.predict_proba(X))
    assert fitted.score(X, y) > 0.85
    assert fitted.n_iter_ == 41


def test_partial_fit_refuses_other_classes(two):
    X, y = two
    with pytest.raises(ValueError, match="classes must be passed on the first call"):
        small().partial_fit(X, y)
    fitted = small().partial_fit(X, y, classes=["up", "down"])
    with pytest.raises(ValueError, match=r"classes must be those of the first call, \['down', 'up'\], got \['down'\]"):
        fitted.partial_fit(X, y, classes=["down"])
    with pytest.raises(ValueError, match=r"y holds 'flat', which is none of the classes \['down', 'up'\]"):
        fitted.partial_fit(X, np.where(y == "up", y, "flat"))


def test_a_warm_start_needs_the_same_classes(two):
    X, y = two
    fitted = small(warm_start=True, max_iter=30).fit(X, y)
    trained = fitted.loss_curve_[-1]
    assert fitted.fit(X, y).loss_curve_[0] < 0.5 * (trained + np.log(2))
    other = fitted.fit(X, np.where(y == "up", "down", "flat")).loss_curve_[0]
    fresh = small(max_iter=30).fit(X, np.where(y == "up", "down", "flat")).loss_curve_[0]
    assert other == fresh


def test_an_interrupted_fit_leaves_the_old_classifier(two, monkeypatch):
    X, y = two
    fitted = small().fit(X, y)
    before = dict(vars(fitted))

    def interrupt(*arguments, **options):
        raise KeyboardInterrupt

    monkeypatch.setattr(_sequences, "train", interrupt)
    for call in (lambda: fitted.fit(X, np.arange(60) % 5), lambda: fitted.partial_fit(X, y)):
        with pytest.raises(KeyboardInterrupt):
            call()
    assert vars(fitted) == before


def test_clone_and_pickle_round_trips(two):
    X, y = two
    fitted = small(cell="lstm", attention="additive").fit(X, y)
    again = pickle.loads(pickle.dumps(fitted))
    np.testing.assert_array_equal(again.predict_proba(X), fitted.predict_proba(X))
    np.testing.assert_array_equal(clone(fitted).fit(X, y).predict_proba(X), fitted.predict_proba(X))


def test_a_grid_search_over_cells_and_sizes_runs_in_two_processes_as_in_one(rng):
    X, y = walks(rng, 60)
    grid = {"cell": ["lstm", "gru"], "hidden_layer_sizes": [(4,), (8,)]}
    one, two = (GridSearchCV(small(max_iter=2), grid, cv=3, n_jobs=k).fit(X, y) for k in (1, 2))
    np.testing.assert_array_equal(one.cv_results_["mean_test_score"], two.cv_results_["mean_test_score"])
    np.testing.assert_array_equal(one.predict_proba(X), two.predict_proba(X))


def test_cross_validation_of_unequal_sequences_is_stratified(rng):
    X = [rng.normal(size=(t, 1)) + (t % 2) for t in rng.integers(2, 8, size=60)]
    y = np.array([len(x) % 2 for x in X])
    assert cross_val_score(RNNClassifier(max_iter=40, random_state=0), X, y, cv=3).mean() > 0.7  # guessing is 0.5


# Inputs.


@pytest.mark.parametrize(
    "labels",
    [
        ["b", "a"],
        np.array(["b", "a"], object),
        [7, -1],
        [False, True],
        pd.Categorical(["b", "a"]),
        pd.Series(["b", "a"]),
    ],
    ids=lambda labels: type(labels).__name__ + str(list(labels)),
)
def test_labels_of_any_kind_come_back(two, labels):
    X, y = two
    labels = labels if isinstance(labels, (pd.Categorical, pd.Series)) else np.array(labels)
    taken = labels.take((y == "up").astype(int))
    fitted = small(max_iter=40).fit(X, taken)
    assert set(fitted.predict(X)) == set(labels)
    assert fitted.score(X, taken) == np.mean(fitted.predict(X) == np.asarray(taken)) > 0.85


def test_a_column_of_labels_is_read_as_labels_with_a_warning(two):
    X, y = two
    with pytest.warns(DataConversionWarning, match="column-vector y was passed"):
        fitted = small().fit(X, y[:, None])
    assert fitted.predict(X).shape == (60,)


BAD = {
    "one class": (lambda X, y: (X, np.zeros(60)), {}, "at least two classes, got 1 class"),
    "continuous": (lambda X, y: (X, X[:, 0]), {}, "Unknown label type"),
    "missing": (lambda X, y: (X, np.where(y == "up", np.nan, 1.0)), {}, "Input y contains NaN"),
    "no target": (lambda X, y: (X, None), {}, "requires y to be passed"),
    "no labels": (lambda X, y: (X, np.zeros((60, 0))), {}, r"one label for each answer, got shape \(0,\)"),
    "three axes": (lambda X, y: (X, np.zeros((60, 2, 2), int)), {}, r"got shape \(2, 2\)"),
    "steps, too few": (
        lambda X, y: (X, X[:, 1:] > 0),
        {"output": "steps"},
        "each of the 10 steps of sequence 0, got 9",
    ),
    "steps, text": (lambda X, y: (X, y.astype(object)), {"output": "steps"}, "sequence 0, got one"),
    "strange class": (lambda X, y: (X, y), {"class_weight": {"left": 1}}, "class_weight names 'left'"),
    "negative": (lambda X, y: (X, y), {"class_weight": {"up": -1}}, "that are not negative"),
    "no weight": (lambda X, y: (X, y), {"class_weight": {"up": 0, "down": 0}}, "leave no label any weight"),
}


@pytest.mark.parametrize("case", BAD.values(), ids=BAD)
def test_bad_labels_are_refused_in_a_sentence(two, case):
    make, parameters, message = case
    fresh = small(**parameters)
    with pytest.raises(ValueError, match=message):
        fresh.fit(*make(*two))
    with pytest.raises(NotFittedError):
        fresh.predict(two[0])


def test_parameters_that_cannot_be_are_refused_by_fit(two):
    for parameters, message in (
        ({"class_weight": "heavy"}, "'class_weight' parameter"),
        ({"conv_filters": True}, "must be a number, not a bool"),
        ({"attention": "dot", "output": "steps"}, 'use attention=None or output="last"'),
    ):
        with pytest.raises(InvalidParameterError, match=message):
            small(**parameters).fit(*two)


# Real data, defaults.


def read_ts(path):
    """Sequences (n, T, F) and labels of a file in the format of the UCR and UEA archives."""
    rows = path.read_text(encoding="utf-8").partition("@data")[2].split()
    cells = [row.split(":") for row in rows]
    X = np.array([[np.fromstring(column, sep=",") for column in row[:-1]] for row in cells])
    return X.transpose(0, 2, 1), np.array([row[-1] for row in cells])


@pytest.mark.slow
@pytest.mark.parametrize(("name", "bound"), [("ItalyPowerDemand", 0.96), ("BasicMotions", 0.95)])
def test_the_defaults_classify_public_data_sets(name, bound):
    folder = Path(os.environ.get("RNNFORECAST_DATA", "")) / "ucr" / name
    if not folder.is_dir():
        pytest.skip(f"needs RNNFORECAST_DATA to name a folder that holds ucr/{name}, from the UCR and UEA archives")
    (X, y), (X_test, y_test) = (read_ts(folder / f"{name}_{part}.ts") for part in ("TRAIN", "TEST"))
    scores = [RNNClassifier(random_state=seed).fit(X, y).score(X_test, y_test) for seed in range(5)]
    assert np.median(scores) >= bound
