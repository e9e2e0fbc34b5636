"""What the detector cannot work with is refused before any work, in one sentence; and nothing is half done."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from sklearn.exceptions import NotFittedError
from sklearn.utils._param_validation import InvalidParameterError

from rnnforecast import RNNAnomalyDetector
from tests.trust.cases import EXTREME


def small(**parameters):
    return RNNAnomalyDetector(**{"hidden_layer_sizes": 10, "random_state": 0, **parameters})


@pytest.fixture
def series(rng):
    return pd.Series(rng.normal(size=300), name="load")


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"mode": "online"}, "'mode' parameter"),
        ({"n_steps_ahead": ()}, "n_steps_ahead must hold different integers"),
        ({"n_steps_ahead": (1, 1)}, "n_steps_ahead must hold different integers"),
        ({"n_steps_ahead": (0, 1)}, "n_steps_ahead must hold different integers"),
        ({"n_steps_ahead": (1.5,)}, "n_steps_ahead must hold different integers"),
        ({"hidden_layer_sizes": (10, 10)}, "units of one layer"),
        ({"hidden_layer_sizes": 0}, "hidden_layer_sizes"),
        ({"shape": True}, 'mode="offline"'),
        ({"mode": "offline", "drift": True}, 'mode="causal"'),
        ({"method": "reconstruction", "mode": "offline"}, 'mode="causal"'),
        ({"method": "reconstruction", "solver": "ridge"}, 'use solver="adam"'),
        ({"threshold": 3.0, "contamination": 0.1}, "both set the threshold"),
        ({"contamination": 0.6}, "'contamination' parameter"),
        ({"false_alarm_rate": 0.0}, "'false_alarm_rate' parameter"),
        ({"false_alarm_rate": True}, "Got True"),
        ({"n_lags": 1}, "'n_lags' parameter"),
    ],
    ids=str,
)
def test_parameters_that_make_no_sense_are_refused(series, parameters, message):
    with pytest.raises(InvalidParameterError, match=message):
        small(**parameters).fit(series)


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"false_alarm_rate": 1e-4}, r"false_alarm_rate=0.0001 needs 100,000 scored training rows"),
        ({"n_lags": 298}, "n_lags=298 .* need at least 304 rows to learn from, got 300"),
        ({"n_steps_ahead": (400,)}, "needs at least 403 rows to learn from, got 300"),
        ({"target": "speed"}, r"target must name different columns of X \(load\), got 'speed'"),
        ({"target": []}, "target must name different columns"),
        ({"target": ["load", "load"]}, "target must name different columns"),
    ],
    ids=str,
)
def test_what_the_training_rows_cannot_support_is_refused(series, parameters, message):
    with pytest.raises(ValueError, match=message):
        small(**parameters).fit(series)


@pytest.mark.parametrize(
    ("change", "error", "message"),
    [
        (lambda s: s[:7], ValueError, "at least 8 rows"),
        (lambda s: s * np.nan, ValueError, "NaN"),
        (lambda s: s.where(s.index < 299, np.inf), ValueError, "infinity"),
        (lambda s: s[::-1], ValueError, "order of time"),
        (lambda s: s.to_numpy(), ValueError, "Reshape your data"),
        (lambda s: s.astype(str), ValueError, "string"),
        (lambda s: pd.concat({"one": s, "two": s}), ValueError, "MultiIndex"),
        (lambda s: None, TypeError, "got None"),
        (lambda s: s.where(s.index % 4 == 0), ValueError, "no training row could be judged"),
    ],
)
def test_data_that_cannot_be_learnt_from_are_refused(series, change, error, message):
    detector = small()
    with pytest.raises(error, match=message):
        detector.fit(change(series))
    with pytest.raises(NotFittedError):
        detector.predict(series)


def test_a_failed_fit_leaves_the_earlier_one(series):
    detector = small().fit(series)
    expected = detector.score_samples(series)
    with pytest.raises(ValueError, match="infinity"):
        detector.fit(series.where(series.index < 299, np.inf))
    np.testing.assert_array_equal(detector.score_samples(series), expected)


def test_a_new_fit_forgets_the_rows_of_the_old_one(series):
    detector = small().fit(series)
    first = detector.update(0.5)
    detector.update(4.0)
    assert detector.fit(series).update(0.5) == first


def test_other_columns_than_in_fit_are_refused(series):
    frame = pd.DataFrame({"a": series, "b": series})
    detector = small().fit(frame)
    with pytest.raises(ValueError, match="unseen at fit time:\n- c"):
        detector.predict(frame.rename(columns={"b": "c"}))
    with pytest.raises(ValueError, match="1 features, but RNNAnomalyDetector is expecting 2"):
        detector.predict(frame[["a"]].to_numpy())


@pytest.mark.parametrize("n", [8, 12, 40])
def test_a_few_rows_are_enough_to_fit(rng, n):
    values = pd.Series(rng.normal(size=n))
    detector = small().fit(values)
    scores = detector.anomaly_score(pd.concat([values, values], ignore_index=True))
    assert np.isfinite(scores[detector.n_warm_up_ :]).all()
    assert detector.offset_ > -2.0  # so few rows cannot say what is one in a hundred


def test_options_of_detect_are_numbers_of_rows(series):
    detector = small().fit(series)
    for option, value in (("min_gap", -1), ("padding", 1.5), ("min_length", 0), ("refractory", True)):
        with pytest.raises(ValueError, match=f"{option} must be an integer"):
            detector.detect(series, **{option: value})


@pytest.mark.parametrize("change", EXTREME.values(), ids=EXTREME)
def test_extreme_values_are_judged_finitely_and_silently(series, change):
    values = pd.Series(change(series.to_numpy()[:100]))
    detector = small().fit(values)
    assert np.isfinite(detector.score_samples(values)[detector.n_warm_up_ :]).all()
    assert np.isfinite(detector.update(5.0).score)


@pytest.mark.parametrize("level", [0.0, 7.0])
def test_a_series_that_never_varies_is_said_to_teach_nothing(level):
    values = pd.Series(np.full(60, level))
    with pytest.warns(UserWarning, match=r"99.9 % of the training values are the same.*give training rows in which"):
        detector = small().fit(values)
    assert (detector.predict(values) == 1).all()
    assert detector.update(level + 1.0).is_anomaly
