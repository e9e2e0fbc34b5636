"""RNNRegressor: the five shapes of input and output, and the laws of an estimator whose rows are sequences."""

from __future__ import annotations

import pickle
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone
from sklearn.exceptions import ConvergenceWarning, NotFittedError
from sklearn.metrics import r2_score
from sklearn.model_selection import GridSearchCV
from sklearn.utils.estimator_checks import parametrize_with_checks

from rnnforecast.estimators import _sequences
from rnnforecast.estimators.regressor import RNNRegressor

# One batch, no dropout, float64: then weights and repetitions are the same training to rounding, as one check demands.
CHECKED = RNNRegressor(
    hidden_layer_sizes=(8,), dropout=0.0, batch_size=64, max_iter=60, learning_rate_init=0.02, dtype="float64"
)


@parametrize_with_checks([CHECKED])
def test_scikit_learn_finds_no_fault(estimator, check):
    check(estimator)


def small(**parameters):
    """A regressor that learns in a few hundredths of a second."""
    return RNNRegressor(**({"hidden_layer_sizes": (8,), "max_iter": 3, "random_state": 0} | parameters))


def ragged(rng, n, n_features=2, longest=9):
    return [rng.normal(size=(t, n_features)) for t in rng.integers(1, longest + 1, size=n)]


@pytest.fixture
def table(rng):
    X = rng.normal(size=(40, 6))
    return X, X.sum(axis=1)


# Five shapes. Scores are of fresh data; each task is solved almost exactly, by a wide margin to the bound of 0.9.


def test_one_to_one(rng):
    X = rng.uniform(-2, 2, size=(300, 1))
    y = np.sin(X[:, 0])
    fitted = RNNRegressor(random_state=0).fit(X[:200], y[:200])
    assert fitted.predict(X[200:]).shape == (100,)
    assert fitted.score(X[200:], y[200:]) > 0.9


@pytest.mark.parametrize("axes", ["n S", "n S k"])
def test_one_to_many(rng, axes):
    X = rng.uniform(-1, 1, size=(300, 1, 2))
    y = X[:, 0, :1] * np.cos(np.arange(5)) + X[:, 0, 1:] * np.sin(np.arange(5))
    y = y if axes == "n S" else np.stack([y, -2 * y], axis=2)
    fitted = RNNRegressor(random_state=0).fit(X[:200], y[:200])
    assert fitted.predict(X[200:]).shape == y[200:].shape
    assert fitted.score(X[200:], y[200:]) > 0.9


@pytest.mark.parametrize("form", ["table", "features", "list"])
def test_many_to_one(rng, form):
    if form == "table":
        X = rng.normal(size=(300, 8))
        y = X.sum(axis=1)
    elif form == "features":
        X = rng.normal(size=(300, 8, 2))
        y = X[:, :, 0].sum(axis=1) - X[:, :, 1].mean(axis=1)
    else:
        X = ragged(rng, 300)
        y = np.array([x[:, 0].sum() - x[-1, 1] for x in X])
    fitted = RNNRegressor(random_state=0).fit(X[:200], y[:200])
    assert fitted.score(X[200:], y[200:]) > 0.9


@pytest.mark.parametrize("axes", ["n T", "n T k", "list", "list k"])
def test_many_to_many_aligned(rng, axes):
    X = rng.normal(size=(300, 8, 2)) if axes.startswith("n") else ragged(rng, 300)
    both = [np.stack([0.5 * x[:, 0].cumsum(), x[:, 1]], axis=1) for x in X]
    y = both if axes.endswith("k") else [b[:, 0] for b in both]
    y = np.array(y) if axes.startswith("n") else y
    fitted = RNNRegressor(output="steps", random_state=0).fit(X[:200], y[:200])
    assert fitted.score(X[200:], y[200:]) > 0.9
    predicted = fitted.predict(X[200:])
    assert isinstance(predicted, list if axes.startswith("list") else np.ndarray)
    assert [p.shape for p in predicted] == [t.shape for t in y[200:]]
    assert r2_score(np.concatenate(y[200:]), np.concatenate(predicted)) == pytest.approx(
        fitted.score(X[200:], y[200:]), rel=1e-12
    )


def test_many_to_many_of_another_length(rng):
    # The last three values, newest first: each known only to the state after the whole sequence.
    X = rng.normal(size=(300, 6))
    y = X[:, :-4:-1]
    fitted = RNNRegressor(random_state=0).fit(X[:200], y[:200])
    assert fitted.predict(X[200:]).shape == (100, 3)
    assert fitted.score(X[200:], y[200:]) > 0.9


def test_the_output_parameter_and_not_the_shape_of_y_says_whether_answers_belong_to_steps(rng):
    X = rng.normal(size=(300, 5))
    reversed_ = X[:, ::-1].copy()  # its first value is the last of the sequence: no step but the last can know it
    whole = RNNRegressor(random_state=0).fit(X[:200], reversed_[:200])
    steps = RNNRegressor(output="steps", random_state=0).fit(X[:200], reversed_[:200])
    assert whole.score(X[200:], reversed_[200:]) > 0.9
    first = steps.predict(X[200:])[:, 0]
    assert r2_score(reversed_[200:, 0], first) < 0.1  # knows one independent value: nothing to be learnt, 0 but noise


# Sequences.


@pytest.mark.parametrize("parameters", [{}, {"bidirectional": True}, {"attention": "additive"}, {"output": "steps"}])
def test_padding_changes_no_bit_of_a_prediction(rng, parameters):
    X = ragged(rng, 30)
    y = [x[:, 0] for x in X] if parameters.get("output") else np.array([x.sum() for x in X])
    fitted = small(**parameters).fit(X, y)
    together = fitted.predict(X)
    for k, x in enumerate(X):
        np.testing.assert_array_equal(fitted.predict([x])[0], together[k])


def test_a_list_of_equal_sequences_is_the_array_of_them(rng):
    X, y = rng.normal(size=(20, 5, 2)), rng.normal(size=20)
    array, listed = small().fit(X, y), small().fit(list(X), y)
    np.testing.assert_array_equal(array.coefs_[0], listed.coefs_[0])
    np.testing.assert_array_equal(array.predict(list(X)), listed.predict(X))


def test_a_list_of_vectors_holds_sequences_of_one_feature(rng):
    X, y = ragged(rng, 20, n_features=1), rng.normal(size=20)
    flat = [x[:, 0] for x in X]
    boxed = np.empty(20, object)
    boxed[:] = flat
    fitted = small().fit(X, y)
    for other in (flat, boxed, pd.Series(flat), [x.tolist() for x in flat]):
        np.testing.assert_array_equal(small().fit(other, y).predict(other), fitted.predict(X))
    # Two of one length make no table of an estimator that learnt sequences.
    np.testing.assert_array_equal(fitted.predict([[1.0, 2.0], [3.0, 4.0]]), fitted.predict([[[1], [2]], [[3], [4]]]))


def test_sequences_to_predict_may_be_longer_than_those_learnt_from(rng):
    X = rng.normal(size=(300, 6, 1))
    fitted = RNNRegressor(random_state=0).fit(X, X[:, -1, 0])
    longer = rng.normal(size=(100, 12, 1))
    assert fitted.score(longer, longer[:, -1, 0]) > 0.9


def test_a_step_is_predicted_from_that_step_and_those_before(rng):
    X = rng.normal(size=(20, 7, 2))
    y = X[:, :, 0]
    changed = X.copy()
    changed[:, 4:] += 1.0
    fitted = small(output="steps").fit(X, y)
    np.testing.assert_array_equal(fitted.predict(changed)[:, :4], fitted.predict(X)[:, :4])
    both = small(output="steps", bidirectional=True).fit(X, y)
    assert (both.predict(changed)[:, :4] != both.predict(X)[:, :4]).all()


# Training.


@pytest.mark.parametrize("n_jobs", [2, 4])
def test_same_seed_same_bits_for_any_number_of_threads(rng, n_jobs):
    # A batch of 400 is at least four shards, which are what threads take.
    X, y = ragged(rng, 400), rng.normal(size=400)
    alone = small(batch_size=400, n_jobs=1).fit(X, y)
    several = small(batch_size=400, n_jobs=n_jobs).fit(X, y)
    np.testing.assert_array_equal(alone.coefs_[0], several.coefs_[0])
    other = small(batch_size=400, random_state=1).fit(X, y)
    assert (other.coefs_[0] != alone.coefs_[0]).any()


@pytest.mark.parametrize(
    "parameters",
    [
        {"cell": ("lstm", "gru"), "hidden_layer_sizes": (8, 8)},
        {"cell": "rnn", "activation": "relu"},
        {"bidirectional": True, "attention": "dot", "layer_norm": True},
        {"conv_filters": 6, "conv_kernel_size": 2, "head_layer_sizes": (8,)},
        {"loss": "huber", "solver": "rmsprop", "learning_rate": "plateau", "early_stopping": True},
        {"loss": "absolute_error", "solver": "adam", "learning_rate": "constant"},
        {"solver": "sgd", "learning_rate_init": 0.1, "batch_size": 10},
    ],
    ids=str,
)
def test_every_architecture_and_solver_learns(rng, parameters):
    X = ragged(rng, 120)
    y = np.array([x[:, 0].sum() for x in X])
    fitted = RNNRegressor(**({"hidden_layer_sizes": (8,), "random_state": 0} | parameters)).fit(X[:80], y[:80])
    assert fitted.score(X[80:], y[80:]) > 0.5  # far from both guessing (0) and what each reaches (0.8 and more)


def test_an_integer_weight_is_a_repetition_and_zero_an_absence(rng):
    X, y = rng.normal(size=(20, 4, 2)), rng.normal(size=20)
    weight = rng.integers(0, 4, size=20)
    weighted = clone(CHECKED).set_params(random_state=0).fit(X, y, sample_weight=weight)
    repeated = clone(CHECKED).set_params(random_state=0).fit(X.repeat(weight, axis=0), y.repeat(weight))
    # atol: float64 sums in another order, whose rounding sixty updates divided by small gradients magnify
    np.testing.assert_allclose(weighted.predict(X), repeated.predict(X), rtol=0, atol=1e-7)
    assert np.abs(weighted.predict(X) - clone(CHECKED).set_params(random_state=0).fit(X, y).predict(X)).max() > 0.1


def test_units_of_features_and_target_do_not_matter(table):
    X, y = table
    plain = small(dtype="float64").fit(X, y).predict(X)
    moved = small(dtype="float64").fit(1e6 * X + 3e9, 1e-3 * y - 50.0).predict(1e6 * X + 3e9)
    # rtol: 3e9 has seven digits to spare of the 16 for a deviation of 1e6... times a training
    np.testing.assert_allclose((moved + 50.0) * 1e3, plain, rtol=1e-6)


def test_without_scaling_the_network_sees_the_data_as_they_are(table):
    X, y = table
    scaled = small(dtype="float64").fit((X - X.mean()) / X.std(), (y - y.mean()) / y.std())
    plain = small(dtype="float64", scale=None).fit((X - X.mean()) / X.std(), (y - y.mean()) / y.std())
    np.testing.assert_allclose(plain.coefs_[0], scaled.coefs_[0], rtol=1e-6, atol=1e-9)  # scaled twice, to rounding
    assert (small(scale=None).fit(X, 9 * y).coefs_[0] != small().fit(X, 9 * y).coefs_[0]).any()


def test_early_stopping_keeps_the_weights_that_were_best_on_the_last_sequences(table):
    X, y = table
    fitted = small(early_stopping=True, max_iter=30, dtype="float64", learning_rate_init=0.05).fit(X, y)
    held_out = slice(40 - 6, 40)  # 15 % of 40
    error = (fitted.predict(X[held_out]) - y[held_out]) / y[: 40 - 6].std()
    np.testing.assert_allclose(np.mean(error**2), min(fitted.validation_scores_), rtol=1e-9)
    assert fitted.best_loss_ == min(fitted.validation_scores_) < fitted.validation_scores_[0]


def test_patience_ends_a_training(table):
    X, _ = table
    noise = np.random.default_rng(1).normal(size=40)
    fitted = small(early_stopping=True, n_iter_no_change=3, max_iter=500).fit(X, noise)
    assert fitted.n_iter_ < 500


def test_too_few_sequences_to_hold_any_out_are_learnt_from_with_a_warning(rng):
    X, y = rng.normal(size=(3, 4)), np.arange(3.0)
    with pytest.warns(UserWarning, match="3 sequences are too few to hold out validation_fraction=0.15"):
        fitted = small(early_stopping=True).fit(X, y)
    np.testing.assert_array_equal(fitted.predict(X), small().fit(X, y).predict(X))


def test_a_diverging_training_warns_and_leaves_finite_predictions(table):
    X, y = table
    wild = small(solver="sgd", learning_rate_init=1e30, clip_norm=None, scale=None, max_iter=20)
    with pytest.warns(ConvergenceWarning, match="lower learning_rate_init"):
        wild.fit(X, y)
    assert np.isfinite(wild.predict(X)).all()


def test_partial_fit_goes_on_where_it_stopped(table):
    X, y = table
    a = small(learning_rate_init=0.01)
    for _ in range(5):
        a.partial_fit(X, y)
    b = pickle.loads(pickle.dumps(a))
    np.testing.assert_array_equal(a.partial_fit(X, y).predict(X), b.partial_fit(X, y).predict(X))
    assert a.n_iter_ == 6
    assert len(a.loss_curve_) == 6
    for _ in range(150):
        a.partial_fit(X, y)
    assert a.score(X, y) > 0.9
    with pytest.raises(ValueError, match="y must have the shape of fit"):
        a.partial_fit(X, np.stack([y, y], axis=1))


def test_partial_fit_keeps_the_scale_of_the_first_call(table):
    X, y = table
    fitted = small().fit(X, y)
    before = fitted._scaler, fitted._target_scaler
    fitted.partial_fit(X + 100.0, y - 100.0)
    assert (fitted._scaler, fitted._target_scaler) == before


def test_a_warm_start_begins_with_the_weights_of_the_last_fit(table):
    X, y = table
    fitted = small(warm_start=True, max_iter=30).fit(X, y)
    first, last = fitted.loss_curve_[0], fitted.loss_curve_[-1]
    assert fitted.fit(X, y).loss_curve_[0] < (first + last) / 2
    bigger = fitted.set_params(hidden_layer_sizes=(9,)).fit(X, y)  # weights of another shape are of no use
    assert bigger.n_parameters_ > small().fit(X, y).n_parameters_


def test_an_interrupted_or_failed_fit_leaves_the_old_regressor(table, monkeypatch):
    X, y = table
    fitted = small().fit(X, y)
    before, predicted = dict(vars(fitted)), fitted.predict(X)

    def interrupt(*arguments, **options):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(_sequences, "train", interrupt)
        for method in (fitted.fit, fitted.partial_fit):
            with pytest.raises(KeyboardInterrupt):
                method(X, y)
    with pytest.raises(ValueError, match="NaN"):
        fitted.fit(np.full((4, 3), np.nan), y[:4])
    assert vars(fitted) == before
    np.testing.assert_array_equal(fitted.predict(X), predicted)
    fresh = small()
    with pytest.raises(ValueError, match="inconsistent numbers of samples"):
        fresh.fit(X, y[:-1])
    with pytest.raises(NotFittedError):
        fresh.predict(X)


def test_clone_and_pickle_round_trips(table):
    X, y = table
    fitted = small(cell=("lstm", "rnn"), hidden_layer_sizes=(4, 5), bidirectional=True).fit(X, y)
    np.testing.assert_array_equal(pickle.loads(pickle.dumps(fitted)).predict(X), fitted.predict(X))
    fresh = clone(fitted)
    assert fresh.get_params() == fitted.get_params()
    np.testing.assert_array_equal(fresh.fit(X, y).predict(X), fitted.predict(X))


def test_several_threads_may_predict_with_one_regressor(rng):
    X = ragged(rng, 200)
    fitted = small().fit(X, np.arange(200.0))
    expected = fitted.predict(X)
    with ThreadPoolExecutor(4) as pool:
        for predicted in pool.map(lambda _: fitted.predict(X), range(8)):
            np.testing.assert_array_equal(predicted, expected)


def test_a_grid_search_over_cells_and_sizes_runs_in_two_processes_as_in_one(rng):
    X = ragged(rng, 24)
    y = np.array([x.sum() for x in X])
    grid = {"cell": ["lstm", "gru"], "hidden_layer_sizes": [(4,), (4, 4)]}
    one, two = (GridSearchCV(small(max_iter=1), grid, cv=3, n_jobs=k).fit(X, y) for k in (1, 2))
    np.testing.assert_array_equal(one.cv_results_["mean_test_score"], two.cv_results_["mean_test_score"])
    assert len(set(one.cv_results_["mean_test_score"])) == 4
    np.testing.assert_array_equal(one.predict(X), two.predict(X))
