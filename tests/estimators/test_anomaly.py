"""The detector's laws: what it finds, what it is told, and that a row is judged by what came before it."""

from __future__ import annotations

import pickle

import numpy as np
import pandas as pd
import pytest

from rnnforecast import RNNAnomalyDetector
from rnnforecast.estimators._base import DataWarning

N_TRAIN, N = 700, 1500
EVENTS = {"high": slice(900, 910), "wave": slice(1300, 1310)}


def small(**parameters):
    return RNNAnomalyDetector(**{"hidden_layer_sizes": 30, "random_state": 0, **parameters})


@pytest.fixture(scope="module")
def table():
    """Two noisy waves with one event each, after the training rows."""
    rng = np.random.default_rng(0)
    rows = np.arange(N)
    noise = rng.normal(size=(N, 2))
    frame = pd.DataFrame(
        {"wave": 10 * np.sin(rows / 5) + noise[:, 0], "high": 50 + 4 * np.cos(rows / 9) + noise[:, 1]},
        index=pd.date_range("2024-01-01", periods=N, freq="h", name="time"),
    )
    frame.loc[frame.index[EVENTS["high"]], "high"] += 15.0
    frame.loc[frame.index[EVENTS["wave"]], "wave"] -= 25.0
    return frame


@pytest.fixture(scope="module", params=["causal", "offline"])
def fitted(request, table):
    return small(mode=request.param).fit(table[:N_TRAIN])


def test_events_are_found_with_their_column_and_direction(fitted, table):
    found = fitted.detect(table, min_gap=50, refractory=150)
    by_column = found.set_index("column")
    assert by_column.index.to_list() == ["high", "wave"]
    assert by_column["direction"].to_list() == ["up", "down"]
    for column, rows in EVENTS.items():
        event = by_column.loc[column]
        assert abs(table.index.get_loc(event["peak"]) - rows.start) < 30  # averages follow, with hindsight they precede
        assert event["start"] <= event["peak"] <= event["end"]
        assert event["severity"] == fitted.anomaly_score(table)[event["peak"]]
        peak = table.index.get_loc(event["peak"])
        assert event["observed"] == table[column].iloc[peak]
        assert event["severity"] > 4.5


def test_an_undisturbed_series_has_no_interval(fitted, table):
    found = fitted.detect(table[:880])
    assert found.empty
    assert found.columns.to_list() == [
        *("start", "end", "peak", "severity", "n_points"),
        *("column", "direction", "expected", "observed"),
    ]


def test_the_two_surfaces_say_the_same_with_opposite_signs(fitted, table):
    score, samples = fitted.anomaly_score(table), fitted.score_samples(table)
    pd.testing.assert_index_equal(score.index, table.index)
    np.testing.assert_array_equal(score, -samples)
    decision, labels = fitted.decision_function(table), fitted.predict(table)
    np.testing.assert_array_equal(labels == -1, decision < 0)
    np.testing.assert_array_equal(np.isnan(decision), np.isnan(samples))
    assert labels.dtype.kind == "i"
    assert fitted.offset_ == -2.0


def test_contributions_sum_to_the_score(fitted, table):
    parts = fitted.explain(table)
    assert parts.columns.to_list() == ["wave", "high"]
    # Within rounding of scores of some dozens.
    np.testing.assert_allclose(parts.sum(axis=1, skipna=False), fitted.anomaly_score(table), rtol=0, atol=1e-9)
    at_event = parts.iloc[EVENTS["high"].start + 2]
    assert at_event["high"] > 0.7 * at_event.sum()


def test_later_rows_change_no_causal_score(table):
    detector = small().fit(table[:N_TRAIN])
    whole = detector.anomaly_score(table)
    changed = table.copy()
    changed.iloc[1000:] += 7.0
    pd.testing.assert_series_equal(detector.anomaly_score(changed)[:1000], whole[:1000])
    assert (detector.anomaly_score(changed)[1000:1010] != whole[1000:1010]).all()
    # Sums over fewer rows are grouped differently; scores are some dozens.
    np.testing.assert_allclose(detector.anomaly_score(table[:1000]), whole[:1000], rtol=0, atol=1e-9)


def test_rows_after_the_training_rows_go_on_where_these_ended(table):
    detector = small().fit(table[:N_TRAIN])
    whole, after = detector.anomaly_score(table), detector.anomaly_score(table[N_TRAIN:])
    assert after.notna().all()
    np.testing.assert_allclose(after, whole[N_TRAIN:], rtol=0, atol=1e-9)
    np.testing.assert_array_equal(detector.predict(table[N_TRAIN:]), detector.predict(table)[N_TRAIN:])
    # Rows without labels begin a series of their own.
    alone = detector.score_samples(table[N_TRAIN:].to_numpy())
    assert np.isnan(alone).sum() == detector.n_warm_up_


def test_the_warm_up_has_no_score_and_the_label_of_an_inlier(fitted, table):
    scores, labels = fitted.anomaly_score(table), fitted.predict(table)
    n = fitted.n_warm_up_
    assert n == (96 if fitted.mode == "causal" else 0)  # with hindsight, the first rows are forecast backward
    assert scores[:n].isna().all()
    assert scores[n:].notna().all()
    assert (labels[:n] == 1).all()


def test_missing_values_are_no_anomalies_and_their_rows_are_carried(table):
    detector = small().fit(table[:N_TRAIN])
    holes = table.copy()
    holes.iloc[800:803] = np.nan
    holes.iloc[820, 0] = np.nan
    scores, plain = detector.anomaly_score(holes), detector.anomaly_score(table)
    assert scores[800:803].isna().all()
    assert scores.drop(scores.index[:N_TRAIN].append(scores.index[800:803]))[:100].notna().all()
    assert (detector.predict(holes)[800:803] == 1).all()
    # A value that was filled in touches the forecasts for as long as it is among the lags, but raises no alarm.
    assert detector.detect(holes[:880]).empty
    np.testing.assert_array_equal(scores[:800], plain[:800])


def test_every_second_row_may_be_missing(table):
    wave = table["wave"].where(np.arange(N) % 2 == 0)
    detector = small(target="wave").fit(wave[:N_TRAIN])
    assert (detector.predict(wave) == -1).mean() < 0.1
    # Steps that were never seen from one known row to another say nothing of complete rows.
    assert (detector.predict(table["wave"])[:1300] == -1).mean() < 0.1


def test_fluctuations_on_a_high_level_are_no_constant(table):
    level = 1e9 + 1e-5 * table["high"]
    detector = small().fit(level[:N_TRAIN])
    assert detector.untrainable_ == []
    assert detector.detect(level).empty is False


def test_training_rows_may_have_holes(table):
    holes = table.copy()
    holes.iloc[300:310] = np.nan
    holes.iloc[100, 1] = np.nan
    found = small().fit(holes[:N_TRAIN]).detect(table, refractory=150)
    assert found["column"].to_list() == ["high", "wave"]


def test_inputs_that_are_no_target_are_not_scored(table):
    detector = small(target="wave").fit(table[:N_TRAIN])
    assert detector.columns_ == ["wave"]
    assert detector.explain(table).columns.to_list() == ["wave"]
    found = detector.detect(table, refractory=150)
    assert set(found["column"]) == {"wave"}
    # The input is read: another one changes the forecasts.
    other = table.assign(high=table["high"].iloc[::-1].to_numpy())
    assert (detector.anomaly_score(other)[N_TRAIN:] != detector.anomaly_score(table)[N_TRAIN:]).any()


def test_columns_are_found_by_name_in_any_order(table):
    detector = small(target=["high", "wave"]).fit(table[:N_TRAIN])
    assert detector.columns_ == ["high", "wave"]
    pd.testing.assert_series_equal(detector.anomaly_score(table[["high", "wave"]]), detector.anomaly_score(table))


def test_independent_targets_are_scored_as_if_alone(table):
    both, alone = small().fit(table[:N_TRAIN]), small().fit(table[["wave"]][:N_TRAIN])
    np.testing.assert_allclose(both._learned.judge.model.weights[0], alone._learned.judge.model.weights[0], rtol=1e-6)


@pytest.mark.parametrize("mode", ["causal", "offline"])
def test_the_same_seed_gives_the_same_bits_and_another_one_others(table, mode):
    one, two, other = (small(mode=mode, random_state=seed).fit(table[:N_TRAIN]) for seed in (0, 0, 1))
    pd.testing.assert_series_equal(one.anomaly_score(table), two.anomaly_score(table), check_exact=True)
    assert not one.anomaly_score(table).equals(other.anomaly_score(table))


def test_single_precision_finds_the_same(table):
    found = small(dtype="float32").fit(table[:N_TRAIN]).detect(table, refractory=150)
    assert found["column"].to_list() == ["high", "wave"]


@pytest.mark.parametrize(
    "parameters",
    [
        {"error_norm": "mahalanobis"},
        {"mode": "offline", "shape": True},
        {"solver": "adam", "cell": "gru", "hidden_layer_sizes": (8,), "max_iter": 20},
        {"drift": True},
        {"n_steps_ahead": (1,), "n_lags": 20},
        {"smooth": 20},
        {"threshold": 4.0},
        {"method": "reconstruction", "n_lags": 20, "hidden_layer_sizes": 16, "max_iter": 200},
    ],
    ids=str,
)
def test_every_option_finds_the_events(table, parameters):
    found = small(**parameters).fit(table[:N_TRAIN]).detect(table[N_TRAIN:], min_gap=30, min_peak=3.0)
    assert {"high", "wave"} <= set(found["column"])


def test_dynamic_thresholds_find_the_highest_peaks(table):
    detector = small(threshold="dynamic").fit(table[:N_TRAIN])
    assert np.isnan(detector.offset_)
    found = detector.detect(table[N_TRAIN:])
    assert found["column"].to_list() == ["wave"]
    np.testing.assert_array_equal(detector.predict(table) == -1, detector.decision_function(table) < 0)


def test_a_peak_that_is_too_low_takes_no_place_of_a_higher_one(table):
    detector = small().fit(table[:N_TRAIN])
    new = table[N_TRAIN:]
    everything = detector.detect(new, min_peak=0.0)
    assert len(everything) >= 2
    # The quiet time after an interval begins with one that counts, wherever others lie.
    assert detector.detect(new, min_gap=50, refractory=150)["column"].to_list() == ["high", "wave"]


def test_a_gradient_solver_trains_the_recurrence(table):
    common = {"cell": "gru", "hidden_layer_sizes": 8}
    trained = small(solver="adam", max_iter=30, **common).fit(table[:N_TRAIN])
    assert trained.n_iter_ == 31
    drawn = small(**common).fit(table[:N_TRAIN])
    weights = [one._learned.judge.model.reservoir.weights["weight_hidden"] for one in (trained, drawn)]
    assert not np.allclose(*weights)


def test_thresholds_are_what_was_asked_for(table):
    train = table[:N_TRAIN]
    contaminated = small(contamination=0.05).fit(train)
    assert (contaminated.predict(train) == -1).sum() == round(0.05 * N_TRAIN)
    fixed = small(threshold=3.5).fit(train)
    assert fixed.offset_ == -3.5
    np.testing.assert_array_equal(fixed.predict(table) == -1, fixed.anomaly_score(table) > 3.5)
    rate = small(false_alarm_rate=0.05).fit(train)
    assert rate.offset_ == pytest.approx(np.log10(0.05))


def test_the_share_of_false_alarms_is_the_rate():
    rng = np.random.default_rng(1)
    noise = pd.Series(rng.normal(size=6000))
    labels = small(false_alarm_rate=0.02).fit(noise[:2000]).predict(noise[2000:])
    # 80 alarms expected, in runs of a few: a factor of 1.5 is more than three deviations.
    assert 0.02 / 1.5 < (labels == -1).mean() < 0.02 * 1.5


def test_a_shift_of_the_clock_or_a_change_of_units_changes_nothing(table):
    detector = small().fit(table[:N_TRAIN])
    other = small().fit(1e6 + 1e3 * table[:N_TRAIN])
    # Values of 1e6 with fluctuations of 1e3 lose three digits of sixteen; the ridge's condition takes the rest.
    np.testing.assert_allclose(other.anomaly_score(1e6 + 1e3 * table), detector.anomaly_score(table), rtol=1e-4)


def test_columns_that_hardly_vary_are_named_and_left_out(table):
    train = table[:N_TRAIN].assign(stuck=1.0)
    with pytest.warns(DataWarning, match="stuck are the same"):
        detector = small().fit(train)
    assert detector.untrainable_ == ["stuck"]
    moving = table.assign(stuck=np.arange(N) * 1.0)
    assert (detector.explain(moving)["stuck"].dropna() == 0).all()
    assert set(detector.detect(moving, refractory=150)["column"]) == {"high", "wave"}


def test_a_constant_series_alarms_at_the_first_departures_only():
    flat = pd.Series(np.full(500, 3.0))
    with pytest.warns(DataWarning, match="only the first departures will alarm"):
        detector = small().fit(flat)
    assert (detector.predict(flat) == 1).all()
    moving = pd.concat([flat, flat + np.arange(1.0, 501.0)], ignore_index=True)
    alarms = np.flatnonzero(detector.predict(moving) == -1)
    assert alarms[0] == 500
    assert len(alarms) < 50
    assert detector.detect(moving)["start"][0] == 500
    scores = detector.anomaly_score(moving)
    assert scores[500:505].min() > scores[:500].max()
    for parameters in ({"threshold": 3.0}, {"contamination": 0.1}):
        with pytest.warns(DataWarning):
            fixed = small(**parameters).fit(flat)
        assert (fixed.predict(moving) == 1).all()


def test_a_constant_that_moves_for_good_is_reported_once():
    with pytest.warns(DataWarning):
        detector = small().fit(pd.Series(np.full(500, 3.0)))
    found = detector.detect(pd.Series(np.repeat([3.0, 5.0], [600, 3000])))
    assert found["start"].to_list() == [600]
    assert found["end"][0] < 650


@pytest.mark.parametrize("mode", ["causal", "offline"])
@pytest.mark.parametrize("change", ["shift", "trend"])
def test_a_change_that_lasts_alarms_soon_and_not_for_ever(mode, change):
    rng = np.random.default_rng(0)
    rows = np.arange(4000)
    later = {"shift": np.where(rows < 1500, 0.0, 12.0), "trend": 0.05 * np.maximum(rows - 1500, 0)}[change]
    series = pd.Series(5 * np.sin(rows / 8) + rng.normal(size=4000) + later)
    detector = small(mode=mode).fit(series[:1000])
    alarms = detector.predict(series) == -1
    # A trend is noticed as it leaves the range of the training rows, two or three of its deviations later.
    assert 20 < alarms[1500:2000].sum() <= alarms[1500:2500].sum() < 450
    assert alarms[2500:].mean() < 0.02
    found = detector.detect(series)
    assert ((found["start"] < 1900) & (found["end"] >= 1500)).any()
    assert len(found) <= 4


@pytest.mark.parametrize("mode", ["causal", "offline"])
@pytest.mark.parametrize("random_state", [0, 1])
def test_the_edges_of_a_square_wave_are_ordinary(mode, random_state):
    wave = pd.Series(np.where((np.arange(3000) % 288 > 100) & (np.arange(3000) % 288 < 210), 80.0, 20.0))
    detector = small(mode=mode, random_state=random_state).fit(wave[:1000])
    assert detector.n_left_out_ == 0
    assert detector.detect(wave).empty


def test_repeated_and_irregular_labels_are_steps_like_others(table):
    numbers = pd.Series(table["wave"].to_numpy())
    index = table.index.to_series().reset_index(drop=True)
    index[100] = index[99]
    index[300:] += pd.Timedelta("7min")
    labelled = pd.Series(numbers.to_numpy(), index=pd.DatetimeIndex(index))
    scores = small().fit(labelled[:N_TRAIN]).anomaly_score(labelled)
    np.testing.assert_array_equal(scores, small().fit(numbers[:N_TRAIN]).anomaly_score(numbers))


def test_an_outlier_of_any_size_leaves_scores_finite(table):
    detector = small().fit(table[:N_TRAIN])
    wild = table.copy()
    wild.iloc[800, 0] = 1e250
    scores = detector.anomaly_score(wild)
    assert np.isfinite(scores[detector.n_warm_up_ :]).all()
    assert detector.predict(wild)[800] == -1


def test_a_fitted_detector_is_pickled_whole(table):
    detector = small().fit(table[:N_TRAIN])
    detector.update(table.iloc[N_TRAIN])
    again = pickle.loads(pickle.dumps(detector))
    pd.testing.assert_series_equal(again.anomaly_score(table), detector.anomaly_score(table), check_exact=True)
    assert again.update(table.iloc[N_TRAIN + 1]).score == detector.update(table.iloc[N_TRAIN + 1]).score


def test_the_input_is_left_alone(table):
    before = table.copy()
    small().fit(table[:N_TRAIN]).detect(table)
    pd.testing.assert_frame_equal(table, before, check_exact=True)
