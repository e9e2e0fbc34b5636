"""scikit-learn's own checks and meta-estimators, for every forecaster and detector."""

from __future__ import annotations

import pickle

import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone
from sklearn.compose import TransformedTargetRegressor
from sklearn.exceptions import NotFittedError
from sklearn.model_selection import GridSearchCV, TimeSeriesSplit, cross_val_predict, cross_val_score
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils.estimator_checks import parametrize_with_checks

from rnnforecast import LinearForecaster, NaiveForecaster, RNNAnomalyDetector, RNNForecaster
from rnnforecast.estimators._base import DataWarning
from tests.estimators.mirror import Mirror

QUICK = RNNForecaster(hidden_layer_sizes=(4,), n_estimators=1, max_iter=2, random_state=0)
RIDGE = RNNForecaster(solver="ridge", cell="leaky", hidden_layer_sizes=(8,), n_estimators=1, random_state=0)
FORECASTERS = [Mirror(), NaiveForecaster(), LinearForecaster(), QUICK, RIDGE]

EXPECTED_FAILURES = {
    "check_methods_sample_order_invariance": "the rows of X are time steps: another order is another series",
    "check_methods_subset_invariance": "rows of an array are placed in time by their number, which a subset changes",
}


# The checks pass arrays, which have no labels.
@pytest.mark.filterwarnings("ignore::rnnforecast.estimators._base.DataWarning")
@parametrize_with_checks(FORECASTERS, expected_failed_checks=lambda _: EXPECTED_FAILURES)
def test_scikit_learn_finds_no_fault(estimator, check):
    check(estimator)


DETECTORS = [
    RNNAnomalyDetector(hidden_layer_sizes=10, random_state=0),
    RNNAnomalyDetector(hidden_layer_sizes=10, random_state=0, contamination=0.1),
    RNNAnomalyDetector(hidden_layer_sizes=10, random_state=0, mode="offline"),
]
DETECTORS_FAILURES = {
    "check_methods_sample_order_invariance": EXPECTED_FAILURES["check_methods_sample_order_invariance"],
    "check_methods_subset_invariance": "the rows of X are time steps: a row is judged by the others",
    "check_outliers_train": "rows at the beginning have no score, and the threshold follows the share of alarms: the "
    "decision is NaN where the label is that of an inlier, and no translation of the score",
}
OF_A_RATE = {"check_outliers_fit_predict": "training rows of noise, which the readouts have learnt, raise no alarm"}


def failures_of(detector):
    return DETECTORS_FAILURES | ({} if detector.contamination else OF_A_RATE)


@parametrize_with_checks(DETECTORS, expected_failed_checks=failures_of)
def test_scikit_learn_finds_no_fault_with_detectors(estimator, check):
    check(estimator)


@pytest.fixture
def covariates(daily):
    rows = np.arange(len(daily))
    return pd.DataFrame({"promotion": rows % 3, "price": rows / 100.0}, index=daily.index)


@pytest.mark.parametrize("jobs", [1, 2])
def test_a_grid_search_on_a_bare_series_scores_forecasts_of_each_fold(daily, jobs):
    folds = TimeSeriesSplit(n_splits=3, test_size=14)
    search = GridSearchCV(NaiveForecaster(14), {"season_length": [1, 7]}, cv=folds, n_jobs=jobs).fit(daily)
    assert search.best_params_ == {"season_length": 7}
    expected = []
    for train, test in folds.split(daily):
        forecast = NaiveForecaster(14, season_length=7).fit(daily.iloc[train]).forecast()
        truth = daily.iloc[test]
        expected.append(1 - ((truth - forecast) ** 2).sum() / ((truth - truth.mean()) ** 2).sum())
    np.testing.assert_allclose(search.cv_results_["mean_test_score"][1], np.mean(expected), rtol=1e-12)
    alone = NaiveForecaster(14, season_length=7).fit(daily)
    pd.testing.assert_series_equal(search.best_estimator_.forecast(), alone.forecast())


def test_a_grid_search_with_covariates_uses_those_of_the_test_rows(daily, covariates):
    target = covariates.sum(axis=1).rename("visits")
    search = GridSearchCV(Mirror(7), {"shows": ["target", "known"]}, cv=TimeSeriesSplit(test_size=7), n_jobs=2)
    search.fit(covariates, target)
    assert search.best_params_ == {"shows": "known"}
    # The mirror's forecast is the sum of the covariates, which here is the truth.
    assert search.best_score_ == pytest.approx(1.0, abs=1e-12)


def test_a_grid_search_accepts_a_frame_without_columns(daily):
    empty = pd.DataFrame(index=daily.index)
    folds = TimeSeriesSplit(test_size=14)
    search = GridSearchCV(NaiveForecaster(14), {"season_length": [1, 7]}, cv=folds, n_jobs=2).fit(empty, daily)
    assert search.best_params_ == {"season_length": 7}
    np.testing.assert_array_equal(
        cross_val_score(NaiveForecaster(14), empty, daily, cv=folds),
        cross_val_score(NaiveForecaster(14), daily, cv=folds),
    )


def test_an_integer_index_needs_no_dates_in_cross_validation(daily):
    numbered = daily.reset_index(drop=True)
    folds = TimeSeriesSplit(test_size=14)
    np.testing.assert_array_equal(
        cross_val_score(NaiveForecaster(14, season_length=7), numbered, cv=folds),
        cross_val_score(NaiveForecaster(14, season_length=7), daily, cv=folds),
    )


def test_shuffled_folds_are_refused_with_the_right_splitter_named(daily):
    with pytest.raises(ValueError, match="TimeSeriesSplit"):
        cross_val_predict(NaiveForecaster(), daily.to_frame(), daily, cv=3)


def test_a_pipeline_with_pandas_output_keeps_the_time_labels(daily, covariates):
    forecaster = Mirror(7, shows="known")
    pipeline = Pipeline([("scale", StandardScaler()), ("forecast", forecaster)]).set_output(transform="pandas")
    pipeline.fit(covariates[:-10], daily[:-10])
    scaled = StandardScaler().fit(covariates[:-10]).transform(covariates)
    np.testing.assert_allclose(pipeline.predict(covariates[-10:]), scaled[-10:].sum(axis=1), rtol=1e-12)
    assert pipeline[-1].cutoff_ == daily.index[-11]


def test_a_pipeline_without_labels_says_how_to_keep_them(daily, covariates):
    pipeline = Pipeline([("scale", StandardScaler()), ("forecast", Mirror(7))]).fit(covariates[:-10], daily[:-10])
    with pytest.warns(DataWarning, match=r"set_output\(transform=\"pandas\"\)"):
        pipeline.predict(covariates[-10:])


def test_a_transformed_target_is_forecast_in_its_own_units(daily, covariates):
    logarithmic = TransformedTargetRegressor(Mirror(), func=np.log, inverse_func=np.exp)
    logarithmic.fit(covariates[:-5], daily[:-5])
    np.testing.assert_allclose(logarithmic.predict(covariates[-5:]), daily.iloc[-6], rtol=1e-12)


@pytest.mark.parametrize("forecaster", FORECASTERS, ids=repr)
def test_clone_pickle_and_parameters_survive_a_round_trip(forecaster, daily):
    fitted = clone(forecaster).set_params(horizon=5).fit(daily)
    again = pickle.loads(pickle.dumps(fitted))
    pd.testing.assert_series_equal(again.forecast(), fitted.forecast())
    assert again.get_params() == fitted.get_params()
    assert again.cutoff_ == fitted.cutoff_
    fresh = clone(fitted)
    assert fresh.get_params() == fitted.get_params()
    with pytest.raises(NotFittedError):
        fresh.forecast()


@pytest.mark.parametrize("forecaster", FORECASTERS, ids=repr)
def test_the_representation_is_the_constructor_call(forecaster):
    assert repr(clone(forecaster).set_params(horizon=24)).startswith(f"{type(forecaster).__name__}(")
    assert repr(type(forecaster)()) == f"{type(forecaster).__name__}()"


def test_tags_tell_what_is_accepted():
    tags = Mirror().__sklearn_tags__()
    assert tags.estimator_type == "regressor"
    assert tags.target_tags.multi_output
    assert not tags.target_tags.required
    assert not tags.input_tags.allow_nan
    assert Mirror(missing="interpolate").__sklearn_tags__().input_tags.allow_nan
