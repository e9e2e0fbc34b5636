"""Accuracy on public data, beside the references: ``python -m tests.benchmarks.accuracy [case ...] [--json FILE]``.

Reads the folder in ``RNNFORECAST_DATA``; a case whose file is not there is left out, and said so. All parameters are
the defaults but for the horizon; the documented configuration of the ETT case is `ETT`. Cases are the names of
`tests.benchmarks.cases.CASES`, or the beginning of some of them, and "protocol".

Single series: mean absolute scaled errors (Hyndman and Koehler, 2006) over every origin, as ratios to
`LinearForecaster`'s; at the end, on how many series the default beats both it and seasonal naive. "protocol" is that of
ETTh1's authors (Zhou et al., 2021, Informer): rows 8640 / 2880 / 2880, columns standardised by the training rows, mean
squared error over all windows of the test rows, steps and columns, mean and deviation over seeds.
"""

from __future__ import annotations

import argparse
import json
import time
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from rnnforecast import LinearForecaster, NaiveForecaster, RNNForecaster
from tests.benchmarks.cases import CASES, Case, folder

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
    "blend": 0.5,  # fixed beforehand; the rest was chosen on the validation rows
    "validation_fraction": 0.25,  # 2880 of the 11520 rows before the test rows
    "refit": False,
}
ETT_PUBLISHED = {
    96: {"SegRNN, lookback 96": 0.368, "SegRNN, lookback 720": 0.351, "DLinear": 0.381, "PatchTST": 0.375},
    192: {"SegRNN, lookback 96": 0.408, "SegRNN, lookback 720": 0.392, "DLinear": 0.419, "PatchTST": 0.418},
    336: {"SegRNN, lookback 96": 0.444, "SegRNN, lookback 720": 0.423, "DLinear": 0.454, "PatchTST": 0.462},
    720: {"SegRNN, lookback 96": 0.446, "SegRNN, lookback 720": 0.466, "DLinear": 0.499, "PatchTST": 0.495},
}  # as printed by Lin et al. (2023), table 2, and the papers cited there
REFERENCES = ("last value", "seasonal naive", "linear")
TIE = 5e-4  # of the linear model's error
SKILL = 0.01  # a series is worth forecasting if a model gains so much on the better naive forecast


def error(model: Any, case: Case) -> tuple[float, float]:
    """Mean absolute scaled error over every origin after each cutoff, and seconds of all fits and forecasts."""
    errors, start = [], time.perf_counter()
    for cutoff, end in case.cutoffs:
        n_windows = end - case.horizon + 1 - cutoff
        found = model.backtest(case.series.iloc[:end], n_windows=n_windows, step=1)
        scale = found.scales.iloc[0]
        errors.append((found.forecasts["actual"] - found.forecasts["forecast"]).abs().to_numpy() / scale)
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


def verdict(rows: list[dict[str, Any]]) -> dict[str, Any]:
    """Count the series on which the default beats seasonal naive and the linear model, of those worth forecasting.

    Parameters
    ----------
    rows : list of dict
        Of `run_case`.

    Returns
    -------
    dict
        "worth": series with skill to gain, "wins": those of them that are won against both references, "lost": of the
        others, those on which more than 2 % is lost to the better one; "to linear", "to naive": geometric mean ratios.
    """
    naive = np.array([min(row["last value"], row["seasonal naive"]) for row in rows])
    linear, ours = (np.array([row[name] for row in rows]) for name in ("linear", "rnnforecast"))
    worth = np.minimum(linear, ours) < (1.0 - SKILL) * naive
    best = np.minimum([row["seasonal naive"] for row in rows], linear)
    return {
        "series": len(rows),
        "worth": int(worth.sum()),
        "wins": int((worth & (ours < (1.0 - TIE) * best)).sum()),
        "lost": int((~worth & (ours > 1.02 * np.minimum(naive, linear))).sum()),
        "worst": float((ours / best).max()),
        "to linear": float(np.exp(np.log(ours / linear).mean())),
        "to naive": float(np.exp(np.log(ours / naive).mean())),
    }


def run_ett(horizon: int, seed: int) -> dict[str, Any]:
    """Follow the protocol of ETTh1 with the documented configuration.

    It learns from the training rows alone; `LinearForecaster` has no use for validation rows and learns from both.
    """
    frame = pd.read_csv(folder() / "electricity/ETTh1.csv", parse_dates=["date"], index_col="date").iloc[:14400]
    train = frame.iloc[:8640]
    frame = ((frame - train.mean()) / train.std(ddof=0)).asfreq("h")
    row: dict[str, Any] = {"case": f"protocol {horizon}"}
    models = {
        "seasonal naive": NaiveForecaster(horizon, season_length=24),
        "linear": LinearForecaster(horizon, lookback=336, season_length=24, target_transform=None),
        "rnnforecast": RNNForecaster(horizon, random_state=seed, **ETT),
    }
    start = 0.0
    for name, model in models.items():
        start = time.perf_counter()
        found = model.backtest(frame, n_windows=2880 - horizon + 1, step=1).forecasts
        difference = (found["actual"] - found["forecast"]).to_numpy()
        row |= {name: float((difference**2).mean()), "mae": float(np.abs(difference).mean())}
    return row | {"seconds": time.perf_counter() - start, "published": ETT_PUBLISHED[horizon]}


def protocol(horizons: list[int], seeds: int) -> list[dict[str, Any]]:
    """Run ETTh1 for every horizon and seed; print a line for each horizon and the mean of all."""
    rows, ours = [], []
    for horizon in horizons:
        each = [run_ett(horizon, seed) for seed in range(seeds)]
        rows += each
        ours.append([row["rnnforecast"] for row in each])
        print(
            f"ETTh1 {horizon:4d}  mse {np.mean(ours[-1]):.4f} +- {np.std(ours[-1]):.4f}, mae {each[0]['mae']:.4f}; "
            f"linear {each[0]['linear']:.4f}, seasonal naive {each[0]['seasonal naive']:.4f}, "
            + ", ".join(f"{name} {value:.3f}" for name, value in ETT_PUBLISHED[horizon].items())
            + f"; {each[0]['seconds']:.0f} s",
            flush=True,
        )
    means = np.mean(ours, axis=0)
    print(f"ETTh1 mean mse {means.mean():.4f} +- {means.std():.4f} over {seeds} seeds and horizons {horizons}")
    return rows


def chosen(wanted: list[str]) -> list[str]:
    """Return the cases whose names begin as one that is wanted does; all if none is."""
    return [name for name in CASES if not wanted or name.startswith(tuple(wanted))]


def main() -> None:
    """Run the cases asked for and print a line each."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("cases", nargs="*", help='beginnings of names, or "protocol"; all by default')
    parser.add_argument("--seed", type=int, default=0, help="of the single series")
    parser.add_argument("--seeds", type=int, default=1, help="of the protocol, from 0")
    parser.add_argument("--horizons", type=int, nargs="*", default=[96, 192, 336, 720], help="of the protocol")
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    rows = []
    for name in chosen(options.cases):
        try:
            row = run_case(name, options.seed)
        except FileNotFoundError as absent:
            print(f"{name}: left out, {absent.filename} is not there; set RNNFORECAST_DATA")
            continue
        rows.append(row)
        ratios = " ".join(f"{k} {row[k] / row['linear']:.3f}" for k in (*REFERENCES[:2], "rnnforecast"))
        print(
            f"{name:18s} horizon {row['horizon']:3d}  linear {row['linear']:.4g} MASE; in units of it: {ratios}; "
            f"weight {row['weight']:.2f}, no skill {row['no skill']}, {row['seconds']:.1f} s",
            flush=True,
        )
    if rows:
        print(
            "{wins} of {worth} series with skill to gain won against seasonal naive and linear; {lost} of the other "
            "{rest} lost by more than 2 %; geometric mean ratio to linear {to linear:.4f}, to the better naive "
            "{to naive:.4f}; worst {worst:.3f}".format(
                **(total := verdict(rows)), rest=total["series"] - total["worth"]
            )
        )
    if not options.cases or "protocol" in options.cases:
        try:
            rows += protocol(options.horizons, options.seeds)
        except FileNotFoundError as absent:
            print(f"protocol: left out, {absent.filename} is not there; set RNNFORECAST_DATA")
    if options.json:
        options.json.write_text(json.dumps(rows, indent=1))


if __name__ == "__main__":
    main()
