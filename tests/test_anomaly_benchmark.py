"""The benchmark of anomaly detectors: what it counts, on series of its own."""

import json

import numpy as np
import pandas as pd
import pytest

from rnnforecast.estimators._base import DataWarning
from rnnforecast.metrics import buffer_length, vus_pr
from tests.benchmarks import anomaly, anomaly_sets


@pytest.fixture
def folder(tmp_path, monkeypatch, rng):
    """Two series in NAB's format, one with an anomaly, in a data folder of their own."""
    stamps = pd.date_range("2024-01-01", periods=2000, freq="h", name="timestamp")
    windows = {"artificialWithAnomaly/spike.csv": [[str(stamps[1200]), str(stamps[1219])]]}
    windows["artificialNoAnomaly/quiet.csv"] = []
    for key in windows:
        values = np.sin(np.arange(2000) / 5) + 0.1 * rng.normal(size=2000)
        values[1205:1210] += 3 * ("spike" in key)
        path = tmp_path / "anomaly/nab" / key
        path.parent.mkdir(parents=True)
        pd.DataFrame({"value": values}, stamps).to_csv(path)
    (tmp_path / "anomaly/combined_windows.json").write_text(json.dumps(windows))
    monkeypatch.setenv("RNNFORECAST_DATA", str(tmp_path))
    return tmp_path


def test_a_moving_mean_takes_the_rows_that_there_are():
    values = np.array([1.0, 2.0, 6.0, 4.0])
    np.testing.assert_allclose(anomaly.moving_mean(values, 3, centred=False), [1, 1.5, 3, 4])
    np.testing.assert_allclose(anomaly.moving_mean(values, 3, centred=True), [1.5, 3, 4, 5])
    np.testing.assert_allclose(anomaly.moving_mean(values, 99, centred=True), [13 / 4] * 4)


def test_the_causal_reference_knows_no_later_row(rng):
    values = rng.normal(size=400)
    changed = np.where(np.arange(400) < 300, values, 9.0)
    scores = [anomaly.linear_reference(values[:200], data, "causal", 0).score for data in (values, changed)]
    np.testing.assert_array_equal(scores[0][:300], scores[1][:300])
    assert scores[1][310] > scores[0][310]


def test_the_interval_of_a_mean_has_the_width_of_its_standard_errors(rng):
    differences = 0.1 + rng.normal(size=400)
    low, high = anomaly.bootstrap(differences)
    error = differences.std() / 20
    # quantiles of 4000 draws scatter by some .04 standard errors
    assert low == pytest.approx(differences.mean() - 1.96 * error, abs=0.2 * error)
    assert high == pytest.approx(differences.mean() + 1.96 * error, abs=0.2 * error)


def test_alarms_are_counted_after_labels_that_were_noticed_and_have_no_other_soon():
    labels, alarms = np.zeros(3000, bool), np.zeros(3000, bool)
    for first in (100, 1000, 1500, 2000, 2200, 2800):
        labels[first : first + 50] = True
    alarms[100:200] = alarms[1040:1080] = alarms[2240:2260] = alarms[2820:2900] = True
    alarms[1700] = True
    case = anomaly_sets.Labelled("NAB", "made up", np.zeros(3000), labels, 500)
    # The first is learnt from, the third was not noticed, the fourth has one soon after it, the last no 300 rows left.
    assert anomaly.alarms_after_labels(case, alarms) == [30, 10]


def test_a_detector_without_variation_to_learn_from_promises_no_rate(rng):
    flat, noise = np.full(300, 3.0), rng.normal(size=300)
    with pytest.warns(DataWarning, match="cannot be learnt"):
        assert anomaly.recurrent(flat, np.append(flat, noise), "causal", 0).false_alarm_rate is None
    assert anomaly.recurrent(noise, noise, "causal", 0).false_alarm_rate == 0.01


def test_the_command_compares_detectors_and_writes_what_it_found(folder, monkeypatch, capsys):
    def alarming(train, values, mode, seed):
        size = np.abs(np.diff(values, prepend=values[0], n=1))
        return anomaly.Scored(np.where(np.arange(len(values)) < 5, np.nan, size), 0.5, size > 1.5, 0.01)

    def failing(train, values, mode, seed):
        raise ValueError("too short")

    monkeypatch.setitem(anomaly.DETECTORS, "differences", alarming)
    monkeypatch.setitem(anomaly.DETECTORS, "failing", failing)
    file = folder / "found.json"
    anomaly.main([anomaly.REFERENCE, "differences", "failing", "--modes", "causal", "--json", str(file)])
    found = json.loads(file.read_text())
    rows = {(row["detector"], row["series"]): row for row in found["rows"]}
    (spike,) = (case for case in anomaly_sets.load() if case.name == "spike")
    assert spike.labels.sum() == 20
    score = anomaly.linear_reference(spike.values[:500], spike.values, "causal", 0).score
    assert rows[anomaly.REFERENCE, "spike"]["vus_pr"] == vus_pr(
        spike.labels, score, max_buffer=buffer_length(spike.values)
    )
    assert rows["failing", "spike"]["error"] == "ValueError: too short"
    summary = found["summary"]
    gain = rows["differences", "spike"]["vus_pr"] - rows[anomaly.REFERENCE, "spike"]["vus_pr"]
    assert summary["VUS-PR causal"]["differences"]["gain"] == pytest.approx(gain)
    free = summary["differences causal"]
    assert free["event F1"] == {"NAB": 1.0}
    assert free["false alarms"]["median realised / nominal"] == 0
    assert free["false alarms"]["series"] == 1  # the other has too few rows far from its labels
    assert free["false alarms"]["rows flagged after a label"] == 0
    # The first of two alarms is in the sixth of 20 rows.
    position = -(20 - 5) / 20
    curve = lambda y: 2 / (1 + np.exp(5 * y)) - 1  # noqa: E731
    assert summary["differences NAB"]["standard"] == pytest.approx(100 * (curve(position) / curve(-1) + 1) / 2)
    assert "failed: failing on NAB spike" in capsys.readouterr().out
