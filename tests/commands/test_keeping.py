"""A model that one run of a command has fitted serves the next runs, and says what it cannot heed."""

from __future__ import annotations

import io

import numpy as np
import pandas as pd
import pytest

import rnnforecast as rf
from rnnforecast.__main__ import main


@pytest.fixture
def load():
    index = pd.date_range("2024-01-01", periods=24 * 12, freq="h", name="when")
    rng = np.random.default_rng(0)
    price = rng.normal(size=len(index))
    values = 100 + 10 * np.sin(np.arange(len(index)) * np.pi / 12) + price + 0.1 * rng.normal(size=len(index))
    return pd.DataFrame({"load": values, "price": price}, index=index)


@pytest.fixture
def file(load, tmp_path):
    load[:-48].to_csv(tmp_path / "old.csv")
    load.to_csv(tmp_path / "new.csv")
    return tmp_path


def printed(capsys):
    return pd.read_csv(io.StringIO(capsys.readouterr().out), index_col=0, parse_dates=True)


def test_a_kept_forecaster_forecasts_a_newer_file(file, load, capsys):
    model = str(file / "model.rnn")
    fit = ["forecast", str(file / "old.csv"), "--target", "load", "--horizon", "6", "--model", "linear"]
    assert main([*fit, "--save", model]) == 0
    first = printed(capsys)
    assert main(["forecast", str(file / "old.csv"), "--load", model]) == 0
    pd.testing.assert_frame_equal(printed(capsys), first, rtol=1e-12)
    assert main(["forecast", str(file / "new.csv"), "--load", model, "--horizon", "8"]) == 0
    found = printed(capsys)
    expected = rf.LinearForecaster(6).fit(load["load"][:-48]).forecast(8, history=load["load"])
    assert list(found.index) == list(expected.index)
    np.testing.assert_allclose(found["load"], expected, rtol=1e-12)


def test_a_kept_forecaster_knows_its_covariates(file, load, capsys):
    model = str(file / "model.rnn")
    fit = ["forecast", str(file / "old.csv"), "--target", "load", "--horizon", "3", "--model", "linear"]
    assert main([*fit, "--past", "price", "--save", model, "--out", str(file / "out.csv")]) == 0
    assert main(["forecast", str(file / "new.csv"), "--load", model]) == 0
    kept = rf.load(model)
    expected = kept.forecast(history=(load[["price"]], load["load"]))
    np.testing.assert_allclose(printed(capsys)["load"], expected, rtol=1e-12)


def test_a_kept_detector_judges_another_file(file, load, capsys):
    model, scores = str(file / "model.rnn"), str(file / "scores.csv")
    assert main(["detect", str(file / "old.csv"), "--save", model]) == 0
    capsys.readouterr()
    assert main(["detect", str(file / "new.csv"), "--load", model, "--scores", scores]) == 0
    expected = rf.load(model).anomaly_score(load)
    np.testing.assert_allclose(pd.read_csv(scores)["anomaly_score"], expected, rtol=1e-12)


@pytest.mark.parametrize(
    ("command", "option"),
    [
        ("forecast", ["--model", "naive"]),
        ("forecast", ["--seed", "3"]),
        ("forecast", ["--missing", "mask"]),
        ("forecast", ["--past", "price"]),
        ("forecast", ["--known", "price"]),
        ("forecast", ["--set", "alpha=1"]),
        ("forecast", ["--freq", "h"]),
        ("detect", ["--mode", "offline"]),
        ("detect", ["--train-until", "2024-01-05"]),
        ("detect", ["--rate", "0.1"]),
    ],
)
def test_what_only_a_fit_could_heed_is_refused_beside_a_kept_model(command, option, file, capsys):
    with pytest.raises(SystemExit) as stop:
        main([command, str(file / "new.csv"), "--load", "model.rnn", *option])
    assert stop.value.code == 2
    assert f"fitted already: leave out {option[0]}" in capsys.readouterr().err


def test_files_that_hold_no_such_model_are_named(file, capsys):
    assert main(["forecast", str(file / "new.csv"), "--load", str(file / "nothing")]) == 1
    assert "there is no file" in capsys.readouterr().err
    assert main(["forecast", str(file / "new.csv"), "--load", str(file / "old.csv")]) == 1
    assert "is no model file" in capsys.readouterr().err
    rf.NaiveForecaster(3).fit(np.arange(30.0)).save(file / "model.rnn")
    assert main(["detect", str(file / "new.csv"), "--load", str(file / "model.rnn")]) == 1
    assert "holds a NaiveForecaster, which cannot detect" in capsys.readouterr().err


@pytest.mark.parametrize(
    "options",
    [["--save", "-"], ["--save", "nowhere/model"], ["--save", "model", "--load", "model"], ["--save", "{file}"]],
)
def test_a_model_is_kept_in_a_file_of_its_own(options, file):
    source = str(file / "new.csv")
    with pytest.raises(SystemExit) as stop:
        main(["forecast", source, "--horizon", "3", *(option.format(file=source) for option in options)])
    assert stop.value.code == 2
