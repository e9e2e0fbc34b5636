"""The command ``demo``: forecast bundled weather beside two references, and draw it."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import pandas as pd

import rnnforecast

_HORIZON, _DAYS = 24, 91


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
