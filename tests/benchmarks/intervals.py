"""Coverage of intervals on public data: ``python -m tests.benchmarks.intervals [case ...] [--models NAME ...]``.

The cases of `tests.benchmarks.accuracy`, default parameters but for the horizon. The first 80 % of the rows are learnt
from and calibrated on (airline passengers: several cutoffs); then every later origin, or every so many, is forecast
with the parameters fixed. "conformal" knows nothing after the cutoff, "adaptive" at each origin what was known there.
"""

from __future__ import annotations

import argparse
import json
import time
from pathlib import Path
from typing import Any

import numpy as np

from rnnforecast import LinearForecaster, NaiveForecaster, RNNForecaster
from tests.benchmarks.accuracy import CASES

LEVELS = (80, 95)
BARS = {80: (77, 83), 95: (93, 97)}  # per cent, averaged over the cases
MODELS = {
    "naive": NaiveForecaster,
    "linear": LinearForecaster,
    "rnnforecast": lambda horizon, **parameters: RNNForecaster(horizon, random_state=0, **parameters),
}
MOST_WINDOWS = 500


def covered(name: str, model: str, kind: str) -> dict[str, Any]:
    """Share of truths inside their intervals, and the score of these in units of the forecast's absolute error."""
    case, found, start = CASES[name](), [], time.perf_counter()
    for cutoff, end in case.cutoffs:
        step = max(1, (end - case.horizon - cutoff) // MOST_WINDOWS)
        n_windows = (end - case.horizon - cutoff) // step + 1
        forecaster = MODELS[model](case.horizon, intervals=kind)
        backtest = forecaster.backtest(case.series.iloc[:end], n_windows=n_windows, step=step, level=LEVELS)
        found.append(backtest.table().iloc[0])
    row = {column: float(np.mean([line[column] for line in found])) for column in found[0].index}
    return {"case": name, "model": model, "intervals": kind, **row, "seconds": time.perf_counter() - start}


def main() -> None:
    """Run the cases asked for; print a line each, and the averages beside the bars."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("cases", nargs="*", default=[*CASES], help=f"of {[*CASES]}; all by default")
    parser.add_argument("--models", nargs="*", default=[*MODELS], choices=[*MODELS])
    parser.add_argument("--intervals", nargs="*", default=["adaptive", "conformal"])
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    rows = []
    for model in options.models:
        for kind in options.intervals:
            lines = []
            for name in options.cases:
                try:
                    lines.append(covered(name, model, kind))
                except FileNotFoundError as absent:
                    print(f"{name}: left out, {absent.filename} is not there; set RNNFORECAST_DATA")
                    continue
                line = lines[-1]
                parts = (f"{level} %: {line[f'coverage-{level}']:5.1f}" for level in LEVELS)
                print(f"{model:12s} {kind:10s} {name:16s} {'  '.join(parts)}  {line['seconds']:.1f} s", flush=True)
            for level in LEVELS if lines else ():
                low, high = BARS[level]
                mean = np.mean([line[f"coverage-{level}"] for line in lines])
                verdict = "within" if low <= mean <= high else "outside"
                print(f"{model:12s} {kind:10s} mean of {level} %: {mean:.1f}, {verdict} {low} to {high}", flush=True)
            rows += lines
    if options.json:
        options.json.write_text(json.dumps(rows, indent=1))


if __name__ == "__main__":
    main()
