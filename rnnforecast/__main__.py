"""The command line: ``python -m rnnforecast demo | warmup | info``."""

from __future__ import annotations

import argparse
import importlib.metadata
import os
import platform
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pandas as pd

import rnnforecast

_HORIZON, _DAYS = 24, 91


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command.

    Parameters
    ----------
    arguments : sequence of str, default=None
        What follows ``python -m rnnforecast``; the process' own if None.

    Returns
    -------
    int
        The exit status: 0 when done. Wrong usage leaves the process with status 2.
    """
    parser = argparse.ArgumentParser(prog="python -m rnnforecast", description=rnnforecast.__doc__.partition("\n")[0])
    parser.add_argument("--version", action="version", version=f"rnnforecast {rnnforecast.__version__}")
    commands = parser.add_subparsers(dest="command", required=True, metavar="command")
    demo = commands.add_parser("demo", help="forecast the bundled weather beside two references, and draw it")
    demo.add_argument("--out", type=Path, default=Path("forecast.png"), help="the picture (default: %(default)s)")
    commands.add_parser("warmup", help="compile what the default forecaster uses, so that the first fit need not")
    commands.add_parser("info", help="print versions, vector width and cache folder")
    options = parser.parse_args(arguments)
    if options.command == "demo":
        if not options.out.absolute().parent.is_dir():
            demo.error(f"--out must lie in a folder that exists, got {options.out}")
        run_demo(options.out)
    elif options.command == "warmup":
        run_warmup()
    else:
        run_info()
    return 0


def run_demo(out: Path) -> None:
    """Forecast a quarter of bundled weather day by day, print the errors beside two references, and draw the last day.

    Parameters
    ----------
    out : Path
        Where the picture goes; nothing is drawn where matplotlib is not installed.
    """
    temperature = rnnforecast.load_weather()["temperature_c"]
    first, last = temperature.index[[0, -1]].strftime("%Y-%m-%d")
    print(f"Bundled hourly temperature, {first} to {last}: {len(temperature):,} hours, with holes as stations have.")
    print(
        f"Each model learns from all but the last {_DAYS} days, then forecasts each of them, {_HORIZON} hours ahead.\n"
    )
    backtests = [
        _timed_backtest(model(horizon=_HORIZON, missing="interpolate", **seed), temperature)
        for model, seed in ((rnnforecast.RNNForecaster, {"random_state": 0}), (rnnforecast.LinearForecaster, {}))
    ]
    table = pd.concat([backtest.table() for backtest in backtests])
    table = table[~table.index.duplicated(keep="last")]  # each came with the same line for seasonal naive
    print(f"\n{table.to_string(float_format='{:.3f}'.format)}\n")
    print("MAE and RMSE in °C; skill is 1 - MAE / MAE of the seasonal naive forecast, the same hour a day before.")
    _draw_last_day(temperature, backtests[0], out)


def _timed_backtest(model: Any, series: pd.Series) -> Any:
    start = time.perf_counter()
    backtest = model.backtest(series, n_windows=_DAYS, step=_HORIZON)
    print(f"{type(model).__name__}: {time.perf_counter() - start:.1f} s")
    return backtest


def _draw_last_day(series: pd.Series, backtest: Any, out: Path) -> None:
    """Draw the newest window of a backtest: history, truth, forecast and seasonal naive."""
    from rnnforecast.plotting import ForecastDisplay

    rows = backtest.forecasts
    day = rows[rows["cutoff"] == rows["cutoff"].iloc[-1]]
    try:
        display = ForecastDisplay.from_predictions(
            series[series.index <= day["cutoff"].iloc[0]],
            day["forecast"],
            day["actual"].rename(series.name),
            references={"seasonal naive": day["seasonal_naive"]},
            name=backtest.model,
        )
    except ImportError as missing:
        print(f"No picture: {missing}.")
        return
    display.ax_.set_ylabel("temperature in °C")
    display.figure_.savefig(out, dpi=150)
    print(f"The last of these days, as forecast and as it came: {out}")


def run_warmup() -> None:
    """Compile the kernels of the default forecaster into the cache folder."""
    start = time.perf_counter()
    rnnforecast.warmup()
    print(f"ready after {time.perf_counter() - start:.1f} s; compiled code is in {_cache_folder() or 'memory only'}")


def run_info() -> None:
    """Print what a bug report needs."""
    from rnnforecast.kernels.vectors import host_bytes

    print(f"rnnforecast  {rnnforecast.__version__}")
    print(f"Python       {platform.python_version()} on {platform.system()} {platform.machine()}")
    for package in ("numpy", "pandas", "scikit-learn", "scipy", "numba", "llvmlite", "matplotlib"):
        print(f"{package:12} {_version(package)}")
    print(f"vectors      {host_bytes()} bytes, {host_bytes() // 4} float32 numbers")
    print(f"cache        {_cache_folder() or 'none: every process compiles for itself'}")
    settings = {name: value for name, value in os.environ.items() if name.startswith(("RNNFORECAST_", "NUMBA_"))}
    for name, value in sorted(settings.items()):
        print(f"set          {name}={value}")


def _version(package: str) -> str:
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return "not installed"


def _cache_folder() -> str | None:
    """Return the folder that keeps compiled code, None where nothing is kept."""
    from rnnforecast.kernels.windows import gather

    stats = getattr(gather, "stats", None)  # a plain function where numba's compiler is switched off
    return None if stats is None else stats.cache_path


if __name__ == "__main__":
    sys.exit(main())
