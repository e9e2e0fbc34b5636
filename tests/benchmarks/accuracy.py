"""Accuracy on public data, beside the references: ``python -m tests.benchmarks.accuracy [case ...] [--json FILE]``.

Reads the folder in ``RNNFORECAST_DATA``; a case whose file is not there is left out, and said so. All parameters are
the defaults but for the horizon; the documented configuration of the ETT case is `ETT`.

Single series: the first 80 % of the rows are learnt from (airline passengers: several cutoffs), then every later
origin is forecast with the parameters fixed, and the mean absolute error is printed as a ratio to
`LinearForecaster`'s. ETTh1 follows the protocol of its authors (Zhou et al., 2021, Informer): rows 8640 / 2880 / 2880,
columns standardised by the training rows, mean squared error over all windows of the test rows, steps and columns.
"""

from __future__ import annotations

import argparse
import json
import os
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from rnnforecast import LinearForecaster, NaiveForecaster, RNNForecaster

ETT = {
    "lookback": 336,
    "segment_length": 48,
    "season_length": 24,
    "target_transform": None,
    "hidden_layer_sizes": (128,),
    "dropout": 0.3,
    "batch_size": 256,
    "max_iter": 4,
    "learning_rate_init": 1e-3,
    "n_estimators": 2,
    "blend": 0.5,  # fixed beforehand, not chosen on the test rows
    "validation_fraction": 0.25,  # 2880 of the 11520 rows before the test rows
    "refit": False,
}
ETT_PUBLISHED = {
    96: {"SegRNN, lookback 96": 0.368, "SegRNN, lookback 720": 0.351, "DLinear": 0.381, "PatchTST": 0.375},
    192: {"SegRNN, lookback 96": 0.408, "SegRNN, lookback 720": 0.392, "DLinear": 0.419, "PatchTST": 0.418},
    336: {"SegRNN, lookback 96": 0.444, "SegRNN, lookback 720": 0.423, "DLinear": 0.454, "PatchTST": 0.462},
    720: {"SegRNN, lookback 96": 0.446, "SegRNN, lookback 720": 0.466, "DLinear": 0.499, "PatchTST": 0.495},
}  # as printed by Lin et al. (2023), table 2, and the papers cited there


@dataclass(frozen=True)
class Case:
    """A series, the steps to forecast and the row counts before which the parameters are fixed."""

    series: pd.Series
    horizon: int
    cutoffs: tuple[tuple[int, int], ...]


def folder() -> Path:
    """Return the data folder."""
    return Path(os.environ.get("RNNFORECAST_DATA", "."))


def temperature(station: str) -> pd.Series:
    """Hourly temperature of a New York airport, with the holes it has."""
    frame = pd.read_csv(folder() / "weather/nyc_hourly_2013.csv")
    frame = frame[frame["origin"] == station]
    index = pd.DatetimeIndex(pd.to_datetime(frame["time_hour"], utc=True))
    series = pd.Series(frame["temp"].to_numpy(), index=index, name="temp")
    return series[~index.duplicated()].asfreq("h")


def weather(station: str) -> Case:
    """Hourly temperature of a New York airport; holes filled in time."""
    series = temperature(station).interpolate(limit_direction="both")
    return Case(series, 24, four_fifths(series))


def four_fifths(series: pd.Series) -> tuple[tuple[int, int], ...]:
    """Learn from 80 % of the rows, forecast within the rest."""
    return ((int(0.8 * len(series)), len(series)),)


def demand() -> Case:
    """Half-hourly electricity demand (Taylor, 2003)."""
    values = pd.read_csv(folder() / "electricity/taylor.csv")["x"].to_numpy(float)
    series = pd.Series(values, index=pd.date_range("2000-06-05", periods=len(values), freq="30min"), name="demand")
    return Case(series, 48, four_fifths(series))


def oil_temperature() -> Case:
    """Transformer oil temperature, hourly."""
    frame = pd.read_csv(folder() / "electricity/ETTh1.csv", parse_dates=["date"], index_col="date").iloc[:14400]
    return Case(frame["OT"].asfreq("h"), 24, ((11520, 14400),))


def airline(horizon: int) -> Case:
    """Monthly airline passengers (Box and Jenkins, 1976)."""
    frame = pd.read_csv(folder() / "classic/monthly-airline-passengers.csv")
    index = pd.date_range("1949-01-01", periods=len(frame), freq="MS")
    series = pd.Series(frame["Passengers"].to_numpy(float), index=index, name="passengers")
    cutoffs = (84, 96, 108, 120) if horizon == 12 else (84, 96, 108)
    return Case(series, horizon, tuple((c, min(144, c + horizon + 11)) for c in cutoffs))


def stock(symbol: str) -> Case:
    """Daily adjusted close."""
    frame = pd.read_csv(folder() / f"stock/{symbol}.csv", parse_dates=["Date"], index_col="Date")
    series = frame["Adj Close"].sort_index().rename(symbol)
    return Case(series, 5, four_fifths(series))


CASES: dict[str, Callable[[], Case]] = {
    "weather JFK": lambda: weather("JFK"),
    "weather EWR": lambda: weather("EWR"),
    "weather LGA": lambda: weather("LGA"),
    "demand": demand,
    "oil temperature": oil_temperature,
    "airline 12": lambda: airline(12),
    "airline 24": lambda: airline(24),
    "AAPL": lambda: stock("AAPL"),
    "MSFT": lambda: stock("MSFT"),
}


def error(model: Any, case: Case) -> tuple[float, float]:
    """Mean absolute error over every origin after each cutoff, and seconds of all fits and forecasts."""
    errors, start = [], time.perf_counter()
    for cutoff, end in case.cutoffs:
        n_windows = end - case.horizon + 1 - cutoff
        found = model.backtest(case.series.iloc[:end], n_windows=n_windows, step=1).forecasts
        errors.append((found["actual"] - found["forecast"]).abs().to_numpy())
    return float(np.concatenate(errors).mean()), time.perf_counter() - start


def run_case(name: str, seed: int) -> dict[str, Any]:
    """Compare naive forecasts, the linear and the recurrent forecaster on one series."""
    case = CASES[name]()
    models = {
        "last value": NaiveForecaster(case.horizon, strategy="last"),
        "seasonal naive": NaiveForecaster(case.horizon),
        "linear": LinearForecaster(case.horizon),
        "rnnforecast": RNNForecaster(case.horizon, random_state=seed),
    }
    row: dict[str, Any] = {"case": name, "horizon": case.horizon}
    for label, model in models.items():
        row[label], row["seconds"] = error(model, case)
    fitted = RNNForecaster(case.horizon, random_state=seed).fit(case.series.iloc[: case.cutoffs[0][0]])
    row |= {"weight": float(fitted.blend_weight_), "no skill": bool(fitted.no_skill_)}
    return row


def run_ett(horizon: int, seed: int) -> dict[str, Any]:
    """Follow the protocol of ETTh1 with the documented configuration."""
    frame = pd.read_csv(folder() / "electricity/ETTh1.csv", parse_dates=["date"], index_col="date").iloc[:14400]
    train = frame.iloc[:8640]
    frame = ((frame - train.mean()) / train.std(ddof=0)).asfreq("h")
    start = time.perf_counter()
    model = RNNForecaster(horizon, random_state=seed, **ETT)
    found = model.backtest(frame, n_windows=2880 - horizon + 1, step=1).forecasts
    difference = (found["actual"] - found["forecast"]).to_numpy()
    return {
        "case": f"ETTh1 {horizon}",
        "mse": float((difference**2).mean()),
        "mae": float(np.abs(difference).mean()),
        "seconds": time.perf_counter() - start,
        "published mse": ETT_PUBLISHED[horizon],
    }


def main() -> None:
    """Run the cases asked for and print a line each."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("cases", nargs="*", help=f"of {[*CASES, 'ETTh1']}; all by default")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--horizons", type=int, nargs="*", default=[96], help="of ETTh1")
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    rows = []
    for name in options.cases or [*CASES, "ETTh1"]:
        try:
            if name == "ETTh1":
                for horizon in options.horizons:
                    rows.append(run_ett(horizon, options.seed))
                    print(rows[-1], flush=True)
                continue
            row = run_case(name, options.seed)
        except FileNotFoundError as absent:
            print(f"{name}: left out, {absent.filename} is not there; set RNNFORECAST_DATA")
            continue
        rows.append(row)
        ratios = " ".join(f"{k} {row[k] / row['linear']:.3f}" for k in ("last value", "seasonal naive", "rnnforecast"))
        print(
            f"{name:16s} horizon {row['horizon']:3d}  linear {row['linear']:.4g}; in units of it: {ratios}; "
            f"weight {row['weight']:.2f}, no skill {row['no skill']}, {row['seconds']:.1f} s",
            flush=True,
        )
    if options.json:
        options.json.write_text(json.dumps(rows, indent=1))


if __name__ == "__main__":
    main()
