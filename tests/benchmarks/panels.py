"""Panels: accuracy on M4 weekly, and time and memory of many series: ``python -m tests.benchmarks.panels [m4] [many]``.

M4 weekly (Makridakis et al., 2020): 359 series, the last 13 values of each held back, one global model with default
parameters but for the horizon. The score is the competition's OWA: the mean of sMAPE and MASE, each relative to the
naive forecast of weekly series, the last value. Reads the folder in ``RNNFORECAST_DATA``.
"""

from __future__ import annotations

import argparse
import os
import resource
import time
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from rnnforecast import LinearForecaster, NaiveForecaster, RNNForecaster

HORIZON = 13
PUBLISHED = {"ES-RNN, the winner": 0.851}  # of the weekly series


def m4_weekly() -> tuple[pd.Series, np.ndarray]:
    """Training rows under a MultiIndex (id, week), and the held back values (S, 13) in the order of the ids."""
    folder = Path(os.environ.get("RNNFORECAST_DATA", ".")) / "m4"
    train = pd.read_csv(folder / "Weekly-train.csv", index_col=0).sort_index()
    test = pd.read_csv(folder / "Weekly-test.csv", index_col=0).sort_index()
    values = train.to_numpy(float)
    there = ~np.isnan(values)
    row, week = np.nonzero(there)
    index = pd.MultiIndex.from_arrays([train.index[row], week], names=["id", "week"])
    return pd.Series(values[there], index), test.to_numpy(float)


def owa(forecast: np.ndarray, truth: np.ndarray, series: pd.Series) -> float:
    """Overall weighted average of forecasts (S, 13) of `series` against its last values."""
    steps = series.groupby(level=0).diff().abs().groupby(level=0).mean().to_numpy()
    last = np.repeat(series.groupby(level=0).last().to_numpy()[:, None], HORIZON, axis=1)
    scores = []
    for values in (forecast, last):
        absolute = np.abs(values - truth)
        scores.append((2 * absolute / (np.abs(values) + np.abs(truth))).mean())
        scores.append((absolute.mean(axis=1) / steps).mean())
    return float(np.mean(np.divide(scores[:2], scores[2:])))


def run_m4_weekly(seed: int) -> dict[str, Any]:
    """Fit one global model to all series and score its forecasts beside the linear one's."""
    series, truth = m4_weekly()
    row: dict[str, Any] = {"case": "M4 weekly", "published owa": PUBLISHED}
    for name, model in (
        ("linear owa", LinearForecaster(HORIZON)),
        ("owa", RNNForecaster(HORIZON, random_state=seed)),
    ):
        start = time.perf_counter()
        forecast = model.fit(series).forecast()
        row[name] = owa(forecast.to_numpy().reshape(-1, HORIZON), truth, series)
        row["seconds"] = time.perf_counter() - start
    return row


def run_many(n_series: int = 10_000, n_rows: int = 200) -> list[dict[str, Any]]:
    """Fit and forecast daily random walks with a week's season, the network for one pass over all windows."""
    index = pd.MultiIndex.from_product(
        [[f"s{k:05d}" for k in range(n_series)], pd.date_range("2020-01-01", periods=n_rows)], names=["id", "day"]
    )
    walks = np.random.default_rng(0).normal(size=(n_series, n_rows)).cumsum(axis=1)
    series = pd.Series((walks + 5 * np.sin(2 * np.pi * np.arange(n_rows) / 7) + 50).ravel(), index)
    rows = []
    for model in (NaiveForecaster(14), LinearForecaster(14), RNNForecaster(14, max_iter=1, random_state=0)):
        start, busy = time.perf_counter(), time.process_time()
        model.fit(series).forecast()
        rows.append(
            {
                "model": type(model).__name__,
                "seconds": time.perf_counter() - start,
                "processor seconds": time.process_time() - busy,
                "peak MB": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024,
            }
        )
    return rows


def main() -> None:
    """Run the cases asked for and print a line for each result."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("cases", nargs="*", help="of m4, many; both by default")
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    cases = options.cases or ["m4", "many"]
    if "m4" in cases:
        print(run_m4_weekly(options.seed), flush=True)
    if "many" in cases:
        print(*run_many(), sep="\n")


if __name__ == "__main__":
    main()
