"""The command line does what the README says, and the README's lines run."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

import rnnforecast
from rnnforecast.__main__ import main

ROOT = Path(__file__).resolve().parent.parent
PNG = b"\x89PNG\r\n\x1a\n"


def run(*arguments, cwd):
    return subprocess.run(
        [sys.executable, "-W", "error", "-m", "rnnforecast", *arguments],
        capture_output=True,
        text=True,
        check=False,
        cwd=cwd,
    )


def table(printed):
    """Return the printed MAE, RMSE, MASE and skill by model."""
    lines = re.findall(r"^([A-Za-z ]+?)((?: +-?\d+\.\d{3}){4})$", printed, re.MULTILINE)
    return {name: [float(value) for value in values.split()] for name, values in lines}


@pytest.fixture
def quick(monkeypatch):
    """Let the demo use a forecaster that needs no training."""

    def forecaster(random_state, **parameters):
        return rnnforecast.NaiveForecaster(strategy="last", **parameters)

    monkeypatch.setattr(rnnforecast, "RNNForecaster", forecaster, raising=False)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([], "the following arguments are required: command"),
        (["dance"], "invalid choice: 'dance'"),
        (["demo", "--out", "nowhere/forecast.png"], "--out: must lie in a folder that exists"),
    ],
    ids=["nothing", "unknown command", "missing folder"],
)
def test_wrong_usage_is_status_2(arguments, message, capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(SystemExit) as stop:
        main(arguments)
    assert stop.value.code == 2
    assert message in capsys.readouterr().err


def test_version_is_the_packages(capsys):
    with pytest.raises(SystemExit) as stop:
        main(["--version"])
    assert stop.value.code == 0
    assert capsys.readouterr().out.strip() == f"rnnforecast {rnnforecast.__version__}"


def test_info_names_versions_width_and_cache(capsys, monkeypatch):
    monkeypatch.setenv("RNNFORECAST_VECTOR_BYTES", "32")
    assert main(["info"]) == 0
    lines = dict(line.split(maxsplit=1) for line in capsys.readouterr().out.splitlines() if not line.startswith("set "))
    assert lines["rnnforecast"] == rnnforecast.__version__
    assert lines["vectors"] == "32 bytes, 8 float32 numbers"
    assert re.match(r"\d+\.\d+", lines["numba"])
    assert "cache" in lines


def test_demo_prints_a_table_and_draws_a_picture(quick, capsys, tmp_path):
    picture = tmp_path / "weather.png"
    assert main(["demo", "--out", str(picture)]) == 0
    printed = capsys.readouterr().out
    rows = table(printed)
    assert list(rows) == ["NaiveForecaster", "LinearForecaster", "seasonal naive"]
    mae = {name: values[0] for name, values in rows.items()}
    for name, values in rows.items():
        # Printed with three decimals: the ratio of two errors near 3 °C is right to 4e-4, skill itself to 5e-4.
        assert values[-1] == pytest.approx(1 - mae[name] / mae["seasonal naive"], abs=1e-3)
    assert mae["LinearForecaster"] < mae["seasonal naive"]
    assert str(picture) in printed
    assert picture.read_bytes().startswith(PNG)


def test_demo_without_matplotlib_says_so_and_ends_well(quick, capsys, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "matplotlib", None)  # what an import system without it does
    picture = tmp_path / "weather.png"
    assert main(["demo", "--out", str(picture)]) == 0
    assert "No picture: drawing needs matplotlib" in capsys.readouterr().out
    assert not picture.exists()


@pytest.mark.slow
def test_the_demo_beats_seasonal_naive_and_never_loses_much_to_the_linear_model(tmp_path):
    done = run("demo", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    mae = {name: values[0] for name, values in table(done.stdout).items()}
    assert mae["LinearForecaster"] < mae["seasonal naive"]
    # Blended with the same linear model by validation, the network may cost a per cent by chance, not more.
    assert mae["RNNForecaster"] < 1.02 * mae["LinearForecaster"]
    assert (tmp_path / "forecast.png").read_bytes().startswith(PNG)


@pytest.mark.slow
def test_warmup_fills_the_cache(tmp_path):
    done = run("warmup", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("ready after")


@pytest.mark.slow
def test_the_lines_of_the_readme_run(tmp_path):
    blocks = re.findall(r"```python\n(.*?)```", (ROOT / "README.md").read_text("utf-8"), re.DOTALL)
    assert len(blocks) >= 8, "the pattern finds all of them"
    for block in blocks:
        done = subprocess.run(
            [sys.executable, "-W", "error", "-c", block], capture_output=True, text=True, check=False, cwd=tmp_path
        )
        assert done.returncode == 0, done.stderr
