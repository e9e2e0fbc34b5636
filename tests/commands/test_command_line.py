"""Each command writes what the library answers, says in one sentence what is wrong, and exits accordingly."""

from __future__ import annotations

import io

import numpy as np
import pandas as pd
import pytest

from rnnforecast import LinearForecaster
from rnnforecast.__main__ import main

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


def test_pictures_of_a_forecast_are_drawn(file, tmp_path):
    picture = tmp_path / "forecast.png"
    arguments = ["forecast", file, "--target", "load", "--horizon", "24", "--model", "linear"]
    assert main([*arguments, "--plot", str(picture), "--out", str(tmp_path / "forecast.csv")]) == 0
    assert picture.read_bytes().startswith(PNG)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--horizon", "5"], "2 columns of numbers (load, temperature); name what is to be forecast with --target"),
        (["--horizon", "5", "--target", "sales"], "no column 'sales'"),
        (["--horizon", "0", "--target", "load"], "'horizon' parameter"),
        (["--horizon", "5", "--target", "load", "--known", "temperature"], "X must hold temperature of all 5 steps"),
    ],
    ids=["which target", "no such column", "no horizon", "no future"],
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
