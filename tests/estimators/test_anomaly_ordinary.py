"""Training rows with anomalies among them: these are found, and what is ordinary is learnt from the others."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from rnnforecast import RNNAnomalyDetector
from rnnforecast.datasets import load_sensor

N = 3000
EVENTS = {400: 30.0, 800: -25.0, 1500: 30.0, 2000: -30.0, 2600: 25.0}


def small(**parameters):
    return RNNAnomalyDetector(**{"hidden_layer_sizes": 30, "random_state": 0, **parameters})


@pytest.fixture(scope="module")
def clean():
    rng = np.random.default_rng(0)
    rows = np.arange(N)
    return pd.DataFrame(
        {"wave": 10 * np.sin(rows / 5) + rng.normal(size=N), "high": 4 * np.cos(rows / 9) + rng.normal(size=N)}
    )


@pytest.fixture(scope="module")
def disturbed(clean):
    table = clean.copy()
    for first, size in EVENTS.items():
        table.loc[first : first + 5, "wave"] += size
    return table


@pytest.mark.parametrize("mode", ["causal", "offline"])
@pytest.mark.parametrize("n_train", [1000, 1800, N])
def test_anomalies_among_the_training_rows_are_found_and_hide_no_others(disturbed, mode, n_train):
    detector = small(mode=mode).fit(disturbed[:n_train])
    found = detector.detect(disturbed)
    for first in EVENTS:
        assert ((found["start"] <= first + 30) & (found["end"] >= first - 30)).any()
    assert len(found) == len(EVENTS)
    n_inside = 6 * sum(first < n_train for first in EVENTS)
    assert n_inside <= detector.n_left_out_ < 0.2 * n_train


@pytest.mark.parametrize("mode", ["causal", "offline"])
def test_of_ordinary_rows_nothing_is_left_out(clean, mode):
    assert small(mode=mode).fit(clean).n_left_out_ == 0


def test_a_target_that_stands_out_leaves_the_others_their_rows(disturbed):
    detector, alone = (small().fit(disturbed[columns]) for columns in (["wave", "high"], ["high"]))
    left_out = detector._learned.judge.left_out
    assert left_out[:, 0].sum() == detector.n_left_out_ > 0
    assert not left_out[:, 1].any()
    assert alone.n_left_out_ == 0


def test_a_reconstruction_is_calibrated_without_what_stands_out(clean):
    table = clean[["wave"]].copy()
    table.iloc[1400:1410] += 60.0
    detector = small(method="reconstruction", n_lags=16, hidden_layer_sizes=8, max_iter=60).fit(table[:1500])
    assert detector.n_left_out_ >= 10
    assert detector.anomaly_score(table)[1400:1410].max() > 4.5


@pytest.mark.slow
@pytest.mark.parametrize("mode", ["causal", "offline"])
@pytest.mark.parametrize("share", [0.4, 0.5, 1.0])
def test_the_faults_of_the_sensor_are_found_wherever_learning_ends(mode, share):
    table = load_sensor()
    edges = np.flatnonzero(np.diff(table.pop("anomaly"), prepend=0, append=0))
    found = RNNAnomalyDetector(mode=mode, random_state=0).fit(table[: int(share * len(table))]).detect(table)
    first, last = (table.index.get_indexer(found[end]) for end in ("start", "end"))
    near = 30  # rows: averages follow a fault, and with hindsight precede it
    met = [(first <= stop + near) & (last >= start - near) for start, stop in edges.reshape(-1, 2)]
    fewest = 10 if share == 1.0 else 14  # with all faults among the training rows, fewer stand out
    assert sum(one.any() for one in met) >= fewest
    assert (~np.any(met, axis=0)).sum() <= 1  # the machine starts cold, which it does once
