"""Each command writes what the library answers, says in one sentence what is wrong, and exits accordingly."""

from __future__ import annotations

import io
import sys
import warnings

import numpy as np
import pandas as pd
import pytest

from rnnforecast import LinearForecaster
from rnnforecast.__main__ import main
from rnnforecast.commands import detecting, forecasting
from rnnforecast.commands.tables import DataError

PNG = b"\x89PNG\r\n\x1a\n"


@pytest.fixture
def load():
    index = pd.date_range("2024-01-01", periods=24 * 20, freq="h", name="when")
    rng = np.random.default_rng(0)
    temperature = rng.normal(size=len(index))
    values = 100 + 10 * np.sin(np.arange(len(index)) * np.pi / 12) + temperature + 0.1 * rng.normal(size=len(index))
    return pd.DataFrame({"load": values, "temperature": temperature}, index=index)


@pytest.fixture
def file(load, tmp_path):
    load.to_csv(tmp_path / "load.csv")
    return str(tmp_path / "load.csv")


def test_a_forecast_is_the_estimators(file, load, capsys):
    assert main(["forecast", file, "--target", "load", "--horizon", "24", "--model", "linear"]) == 0
    found = pd.read_csv(io.StringIO(capsys.readouterr().out), index_col=0, parse_dates=True)
    expected = LinearForecaster(24).fit(load["load"]).forecast()
    assert list(found.index) == list(expected.index)
    np.testing.assert_allclose(found["load"], expected, rtol=1e-12)


def test_covariates_of_the_steps_ahead_may_end_the_file_or_stand_in_another(load, tmp_path, capsys):
    whole = load.copy()
    whole.loc[whole.index[-6:], "load"] = np.nan
    whole.to_csv(tmp_path / "whole.csv")
    whole.iloc[:-6].to_csv(tmp_path / "seen.csv")
    whole.iloc[-6:].to_csv(tmp_path / "ahead.csv")
    common = ["--target", "load", "--known", "temperature", "--horizon", "6", "--model", "linear"]
    assert main(["forecast", str(tmp_path / "whole.csv"), *common]) == 0
    together = capsys.readouterr().out
    assert main(["forecast", str(tmp_path / "seen.csv"), "--future", str(tmp_path / "ahead.csv"), *common]) == 0
    assert capsys.readouterr().out == together
    expected = (
        LinearForecaster(6).fit(load[["temperature"]][:-6], load["load"][:-6]).forecast(X=load[["temperature"]][-6:])
    )
    np.testing.assert_allclose(pd.read_csv(io.StringIO(together))["load"], expected, rtol=1e-12)


def panel_rows(shop, first, last, known_until):
    days = pd.date_range(first, last, name="day")
    sold = np.where(days <= known_until, np.arange(len(days)) % 5, np.nan)
    return pd.DataFrame({"shop": shop, "day": days, "price": np.cos(np.arange(len(days))), "sold": sold})


def test_the_steps_ahead_of_each_series_begin_where_its_own_target_ends(tmp_path, capsys):
    long = pd.concat([panel_rows("a", "2024-01-01", "2024-02-10", "2024-02-08"),
                      panel_rows("b", "2024-01-01", "2024-02-03", "2024-02-01")])  # fmt: skip
    long.to_csv(tmp_path / "panel.csv", index=False)
    common = ["--id", "shop", "--target", "sold", "--model", "linear"]
    arguments = ["forecast", str(tmp_path / "panel.csv"), "--known", "price", "--horizon", "2", *common]
    assert main(arguments) == 0
    found = pd.read_csv(io.StringIO(capsys.readouterr().out))
    assert found["day"].to_list() == ["2024-02-09", "2024-02-10", "2024-02-02", "2024-02-03"]
    table = long.set_index(["shop", "day"])
    seen, ahead = table.dropna(), table[table["sold"].isna()]
    expected = LinearForecaster(2).fit(seen[["price"]], seen["sold"]).forecast(X=ahead[["price"]])
    np.testing.assert_allclose(found["sold"], expected, rtol=1e-12)


def test_a_file_of_several_series_needs_their_names_and_values(tmp_path, capsys):
    never = pd.concat([panel_rows("a", "2024-01-01", "2024-01-30", "2024-01-30"),
                       panel_rows("b", "2024-01-01", "2024-01-30", "2023-12-31")])  # fmt: skip
    never.to_csv(tmp_path / "panel.csv", index=False)
    arguments = ["forecast", str(tmp_path / "panel.csv"), "--target", "sold", "--horizon", "2", "--model", "naive"]
    assert main(arguments) == 1
    assert "several rows for 2024-01-01" in (printed := capsys.readouterr().err)
    assert "--id" in printed
    assert main([*arguments, "--id", "shop"]) == 1
    assert "no value of sold for the series 'b'; delete them" in capsys.readouterr().err


def test_parameters_are_set_by_name(file, capsys):
    arguments = ["forecast", file, "--target", "load", "--horizon", "3", "--model", "naive"]
    assert main([*arguments, "--set", "strategy=last"]) == 0
    values = pd.read_csv(io.StringIO(capsys.readouterr().out))["load"]
    assert values.nunique() == 1
    with pytest.raises(SystemExit) as stop:
        main([*arguments, "--set", "colour=red"])
    assert stop.value.code == 2


def test_a_backtest_prints_its_report_and_writes_its_forecasts(file, tmp_path, capsys):
    out, picture = tmp_path / "windows.csv", tmp_path / "windows.png"
    arguments = ["backtest", file, "--target", "load", "--horizon", "24", "--windows", "3", "--model", "linear"]
    assert main([*arguments, "--out", str(out), "--plot", str(picture)]) == 0
    assert "Backtest of LinearForecaster: 3 windows of 24 steps" in capsys.readouterr().out
    assert len(pd.read_csv(out)) == 72
    assert picture.read_bytes().startswith(PNG)


def test_a_picture_of_several_targets_shows_the_first_and_says_so(tmp_path, capsys):
    source, picture = tmp_path / "two.csv", tmp_path / "errors.png"
    stamps = pd.date_range("2024-01-01", periods=100, freq="h", name="time")
    pd.DataFrame({"a": np.arange(100.0), "b": np.arange(100.0) % 24}, stamps).to_csv(source)
    arguments = ["backtest", str(source), "--target", "a", "b", "--horizon", "4", "--model", "naive"]
    assert main([*arguments, "--plot", str(picture)]) == 0
    assert f"the picture is {picture}, of a alone" in capsys.readouterr().err
    assert picture.read_bytes().startswith(PNG)


def test_a_picture_of_a_panel_shows_six_series_and_says_so(tmp_path, capsys):
    source, picture = tmp_path / "panel.csv", tmp_path / "panel.png"
    stamps = pd.date_range("2024-01-01", periods=60, freq="h", name="time")
    series = {f"s{k}": pd.Series(np.arange(60.0) % 24 + k, stamps, name="load") for k in range(8)}
    pd.concat(series, names=["station"]).to_csv(source)
    arguments = ["forecast", str(source), "--id", "station", "--horizon", "4", "--model", "naive"]
    assert main([*arguments, "--plot", str(picture), "--out", str(tmp_path / "ahead.csv")]) == 0
    assert "the picture shows 6 of 8 series" in capsys.readouterr().err
    assert picture.read_bytes().startswith(PNG)


def test_pictures_of_a_forecast_are_drawn(file, tmp_path):
    picture = tmp_path / "forecast.png"
    arguments = ["forecast", file, "--target", "load", "--horizon", "24", "--model", "linear"]
    assert main([*arguments, "--plot", str(picture), "--out", str(tmp_path / "forecast.csv")]) == 0
    assert picture.read_bytes().startswith(PNG)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--horizon", "5"], "2 columns of numbers (load, temperature); name what it is about with --target"),
        (["--horizon", "5", "--target", "sales"], "no column 'sales'"),
        (["--horizon", "5", "--target", "load", "--set", "lookback=0"], "'lookback' parameter"),
        (
            ["--horizon", "5", "--target", "load", "--known", "temperature"],
            "the table must hold temperature of all 5 steps",
        ),
    ],
    ids=["which target", "no such column", "no lookback", "no future"],
)
def test_data_that_cannot_be_used_are_status_1_and_one_sentence(file, arguments, message, capsys):
    assert main(["forecast", file, "--model", "linear", *arguments]) == 1
    printed = capsys.readouterr()
    assert printed.out == ""
    (line,) = [line for line in printed.err.splitlines() if "error:" in line]
    assert message in line


def test_a_forecast_needs_a_horizon(file, capsys):
    with pytest.raises(SystemExit) as stop:
        main(["forecast", file, "--target", "load"])
    assert stop.value.code == 2
    assert "--horizon is required" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--horizon", "0"], "--horizon: must be a whole number of at least 1, got '0'"),
        (["--level", "0"], "--level: must be a number above 0 and below 100, got '0'"),
        (["--level", "80", "100"], "--level: must be a number above 0 and below 100, got '100'"),
        (["--level", "nan"], "--level: must be a number above 0 and below 100, got 'nan'"),
        (["--seed", "-1"], "--seed: must be a whole number of at least 0, got '-1'"),
        (["--separator", ";;"], "--separator: must be one character, got ';;'"),
        (["--out", "no folder/x.csv"], "--out: must lie in a folder that exists, got no folder/x.csv"),
        (["--out", "."], "--out: must be a file, but . is a folder"),
        (["--plot", "no folder/x.png"], "--plot: must lie in a folder that exists, got no folder/x.png"),
        (["--plot", "x.xyz"], "--plot: must end in one of"),
        (["--set", "horizon=5"], "got 'horizon=5': use --horizon"),
        (["--past", "temperature", "--known", "temperature"], "'temperature' is named twice"),
        (["--known", "load"], "'load' is named twice"),
        (["--future", "ahead.csv"], "name them with --known"),
    ],
    ids=lambda words: " ".join(words) if isinstance(words, list) else "",
)
def test_options_that_cannot_be_are_status_2_before_the_fit(file, arguments, message, monkeypatch, capsys):
    monkeypatch.setattr(LinearForecaster, "fit", lambda *_: pytest.fail("has learnt"))
    common = ["forecast", file, "--target", "load", "--model", "linear", "--horizon", "5"]
    with pytest.raises(SystemExit) as stop:
        main([*common, *arguments])
    assert stop.value.code == 2
    assert message in capsys.readouterr().err.splitlines()[-1]


def test_a_picture_without_matplotlib_is_refused_before_the_fit(file, monkeypatch, capsys):
    monkeypatch.setitem(sys.modules, "matplotlib.backend_bases", None)
    with pytest.raises(SystemExit) as stop:
        main(["forecast", file, "--target", "load", "--horizon", "5", "--plot", "x.png"])
    assert stop.value.code == 2
    assert "drawing needs matplotlib" in capsys.readouterr().err


def test_sentences_of_the_library_name_the_options_of_the_command_line(load, tmp_path, capsys):
    load.drop(load.index[50:53]).to_csv(tmp_path / "gap.csv")
    assert main(["forecast", str(tmp_path / "gap.csv"), "--target", "load", "--horizon", "5"]) == 1
    (line,) = capsys.readouterr().err.splitlines()
    assert "the table has holes: 3 of 480 labels" in line.replace("index of ", "")
    assert "pass --missing interpolate" in line
    assert "X" not in line


def test_a_warning_is_one_line_without_its_place_in_the_code(load, tmp_path, monkeypatch, capsys):
    def fit(self, *data):
        warnings.warn("horizon=5 is\nlong", UserWarning, stacklevel=2)
        raise ValueError("enough")

    monkeypatch.setattr(LinearForecaster, "fit", fit)
    load.to_csv(tmp_path / "load.csv")
    arguments = ["forecast", str(tmp_path / "load.csv"), "--target", "load", "--horizon", "5", "--model", "linear"]
    with warnings.catch_warnings():
        warnings.simplefilter("always")
        assert main(arguments) == 1
    assert capsys.readouterr().err == "rnnforecast: warning: --horizon 5 is long\nrnnforecast: error: enough\n"


def test_a_backtest_on_standard_output_is_a_table_and_no_report(file, capsys):
    arguments = ["backtest", file, "--target", "load", "--horizon", "24", "--windows", "3", "--model", "linear"]
    assert main([*arguments, "--out", "-"]) == 0
    printed = capsys.readouterr()
    assert len(pd.read_csv(io.StringIO(printed.out))) == 72
    assert "Backtest of LinearForecaster" in printed.err


def test_a_skill_that_was_not_measured_is_not_reported():
    class Unmeasured:
        skill_ = float("nan")

    assert forecasting._skill(Unmeasured()) == "Unmeasured made the forecast"


@pytest.mark.parametrize("zone", [None, "UTC", "Europe/Berlin"])
def test_a_detector_learns_up_to_a_stamp_on_the_clock_of_the_rows(zone):
    index = pd.date_range("2024-01-01", periods=48, freq="h", tz=zone)
    X = pd.DataFrame({"load": np.arange(48.0)}, index=index)
    assert len(detecting._training(X, "2024-01-01 09:00", None)) == 10
    with pytest.raises(DataError, match=r"must be a time stamp like 2024-01-01 .*, got '02.01.2024'"):
        detecting._training(X, "02.01.2024", None)


def test_a_target_without_a_value_is_refused(load, tmp_path, capsys):
    load.assign(load=np.nan).to_csv(tmp_path / "load.csv")
    assert main(["forecast", str(tmp_path / "load.csv"), "--target", "load", "--horizon", "5"]) == 1
    assert "load.csv has no value of load" in capsys.readouterr().err


def test_what_is_read_is_not_written_over(file, load, capsys):
    for arguments in (
        ["forecast", file, "--out", file],
        ["backtest", file, "--out", file],
        ["detect", file, "--out", file],
    ):
        with pytest.raises(SystemExit) as stop:
            main([*arguments, *([] if arguments[0] == "detect" else ["--horizon", "5"])])
        assert stop.value.code == 2
        assert "the file to read and --out must be different" in capsys.readouterr().err
    with pytest.raises(SystemExit):
        main(["detect", file, "--scores", "-"])
    assert "--out and --scores must be different, got - for both" in capsys.readouterr().err
    np.testing.assert_array_equal(pd.read_csv(file)["load"], load["load"])


def test_holes_in_what_is_known_ahead_are_named(load, tmp_path, capsys):
    load.iloc[:-6].to_csv(tmp_path / "seen.csv")
    load.iloc[-6:].assign(temperature=[0.5, 1, 2, np.nan, 4, np.nan]).to_csv(tmp_path / "ahead.csv")
    arguments = ["forecast", str(tmp_path / "seen.csv"), "--future", str(tmp_path / "ahead.csv"), "--horizon", "6"]
    assert main([*arguments, "--target", "load", "--known", "temperature", "--model", "linear"]) == 1
    expected = "ahead.csv does not hold all of temperature at 2024-01-20 21:00:00, 2024-01-20 23:00:00; fill them in"
    assert expected in capsys.readouterr().err
