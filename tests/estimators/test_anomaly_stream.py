"""Rows one by one: the batch's scores, whatever the options, and a state that can be kept."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from rnnforecast import RNNAnomalyDetector

N_TRAIN, N = 400, 900


@pytest.fixture(scope="module")
def table():
    rng = np.random.default_rng(3)
    rows = np.arange(N)
    frame = pd.DataFrame(
        {"a": np.sin(rows / 4) + 0.2 * rng.normal(size=N), "b": rng.normal(size=N), "c": np.cos(rows / 4)}
    )
    frame.loc[600:605, "a"] += 4.0
    frame.loc[700:703, "b"] = np.nan
    frame.loc[750] = np.nan
    return frame


def small(**parameters):
    return RNNAnomalyDetector(**{"hidden_layer_sizes": 25, "random_state": 0, **parameters})


@pytest.mark.parametrize(
    "parameters",
    [
        {},
        {"target": "a"},
        {"target": ["b", "a"]},
        {"error_norm": "mahalanobis"},
        {"drift": True},
        {"contamination": 0.05},
        {"threshold": 3.0, "smooth": None},
        {"method": "reconstruction", "n_lags": 16, "hidden_layer_sizes": 8, "max_iter": 60},
        {"cell": "gru", "n_steps_ahead": (2, 7), "smooth": 15},
    ],
    ids=str,
)
def test_row_by_row_equals_the_batch(table, parameters):
    detector = small(**parameters).fit(table[:N_TRAIN])
    new = table[N_TRAIN:]
    said = [detector.update(row) for row in new.to_numpy()]
    # Sums of some hundred products in another order, errors in units down to a thousandth: 1e-12; float64.
    np.testing.assert_allclose([one.score for one in said], detector.anomaly_score(new), rtol=0, atol=1e-10)
    np.testing.assert_array_equal([one.is_anomaly for one in said], detector.predict(new) == -1)
    parts = np.array([one.contributions for one in said])
    np.testing.assert_allclose(parts, detector.explain(new), rtol=0, atol=1e-10)
    assert any(one.is_anomaly for one in said[200:206])


def test_a_series_gets_numbers_and_a_band_that_holds_what_is_ordinary(table):
    detector = small().fit(table["a"][:N_TRAIN])
    said = [detector.update(value) for value in table["a"][N_TRAIN:600]]
    assert all(isinstance(field, float) for one in said for field in (one.score, *one[2:]))
    inside = [one.lower < value < one.upper for one, value in zip(said, table["a"][N_TRAIN:600], strict=True)]
    assert np.mean(inside) > 0.95  # 99 % of the training rows are
    errors = table["a"][N_TRAIN:600].to_numpy() - [one.expected for one in said]
    assert errors.std() < 0.35  # the noise is 0.2


def test_a_kept_state_goes_on_as_if_nothing_had_happened(table):
    rows = table[N_TRAIN:].to_numpy()
    detector = small(drift=True).fit(table[:N_TRAIN])
    for row in rows[:100]:
        detector.update(row)
    state = detector.get_state()
    expected = [detector.update(row).score for row in rows[100:300]]
    again = small(drift=True).fit(table[:N_TRAIN]).set_state(state)
    np.testing.assert_array_equal([again.update(row).score for row in rows[100:300]], expected)
    detector.set_state(state)
    np.testing.assert_array_equal([detector.update(row).score for row in rows[100:300]], expected)


def test_a_state_of_something_else_is_refused(table):
    detector = small().fit(table[:N_TRAIN])
    other = small(hidden_layer_sizes=20).fit(table[:N_TRAIN])
    for state in ({}, {"run": 1}, other.get_state()):
        with pytest.raises(ValueError, match="state must come from get_state"):
            detector.set_state(state)


def test_the_state_does_not_grow(table):
    detector = small().fit(table[:N_TRAIN])

    def size(state):
        return sum(size(one) if isinstance(one, dict) else np.size(one) for one in state.values() if one is not None)

    before = size(detector.get_state())
    for row in table[N_TRAIN:].to_numpy():
        detector.update(row)
    assert size(detector.get_state()) == before


def test_only_what_is_learnt_moves_the_calibration_and_flagged_rows_are_not(table):
    rows = table["a"][N_TRAIN:].to_numpy()
    detector = small().fit(table["a"][:N_TRAIN])

    def kept():
        return detector.get_state()["decision"]["kept"]

    before = kept()
    detector.update(rows[0])
    np.testing.assert_array_equal(kept(), before)
    said = detector.update(rows[1], learn=True)
    assert not said.is_anomaly
    assert (np.nan_to_num(kept()) != np.nan_to_num(before)).sum() == 1
    after = kept()
    assert detector.update(50.0, learn=True).is_anomaly
    np.testing.assert_array_equal(kept(), after)


def test_what_judges_with_hindsight_cannot_be_asked_row_by_row(table):
    for parameters in ({"mode": "offline"}, {"threshold": "dynamic"}):
        detector = small(**parameters).fit(table["b"][:N_TRAIN])
        with pytest.raises(ValueError, match=r"needs later ones: use anomaly_score\(X\)"):
            detector.update(1.0)


@pytest.mark.parametrize("row", [1.0, [1.0, 2.0], ["x", 1.0, 2.0], [np.inf, 0.0, 0.0], [1j, 0.0, 0.0]])
def test_a_row_of_something_else_is_refused_and_changes_nothing(table, row):
    detector = small().fit(table[:N_TRAIN])
    state = detector.get_state()
    with pytest.raises(ValueError, match="a row must be 3 numbers"):
        detector.update(row)
    np.testing.assert_array_equal(detector.get_state()["run"]["recent"], state["run"]["recent"])


def test_a_missing_row_has_no_score(table):
    detector = small().fit(table["a"][:N_TRAIN])
    for missing in (np.nan, None, pd.NA):
        said = detector.update(missing)
        assert np.isnan(said.score)
        assert not said.is_anomaly
    assert np.isfinite(said.expected)
