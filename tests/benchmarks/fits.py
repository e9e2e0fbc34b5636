"""Rows over the forecaster: a whole fit beside other libraries, and the answer to one new observation."""

from __future__ import annotations

import itertools
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from rnnforecast import RNNForecaster
from rnnforecast.datasets import FOLDER_VARIABLE
from tests.benchmarks.layers import LEARNING_RATE, LIMIT_NORM
from tests.benchmarks.rivals import Task, keras_fit, load, neuralforecast_fit, torch_fit, torch_sides
from tests.benchmarks.steps import TWO
from tests.benchmarks.table import Bar, Options, Row
from tests.benchmarks.timing import OURS, Ratio, Side, best, compare, milliseconds

ETTH1 = "electricity/ETTh1.csv"
BARS = {"torch": 3.0, "neuralforecast": 8.0}
LATENCY = 50.0  # microseconds
CALLS_IN_A_ROUND = 20


def forecaster(task: Task, **parameters: Any) -> RNNForecaster:
    """Return the library's side of a task: the network alone, trained for all epochs on all rows."""
    asked = {
        "horizon": task.horizon,
        "cell": "lstm",
        "hidden_layer_sizes": (task.n_units,),
        "lookback": task.lookback,
        "segment_length": None,
        "channels": "joint" if task.joint else "independent",
        "dropout": 0.0,
        "season_length": None,
        "target_transform": None,
        "blend": None,
        "n_estimators": 1,
        "loss": "squared_error",
        "solver": "adam",
        "alpha": 0.0,
        "batch_size": task.batch_size,
        "learning_rate": "constant",
        "learning_rate_init": LEARNING_RATE,
        "max_iter": task.n_epochs,
        "clip_norm": LIMIT_NORM,
        "early_stopping": False,
        "refit": False,
        "random_state": 0,
    }
    return RNNForecaster(**(asked | parameters))


def etth1(n_rows: int) -> pd.DataFrame | None:
    """Return the first rows of ETTh1 (7 columns, hourly), None if the file is not there."""
    folder = os.environ.get(FOLDER_VARIABLE)
    path = Path(folder, ETTH1) if folder else None
    if path is None or not path.is_file():
        return None
    return pd.read_csv(path, index_col="date", parse_dates=["date"], nrows=n_rows).asfreq("h")


def measure_fit(options: Options) -> Row:
    """All epochs of `fit` on ETTh1 against the same epochs elsewhere, columns apart and together."""
    row = Row("fit")
    table = etth1(options.fit_rows)
    if table is None:
        row.skip(f"{FOLDER_VARIABLE} names no folder that holds {ETTH1}")
        return row
    for task in (Task(table, joint=False), Task(table, joint=True)):
        fit_line(row, task, options)
    return row


def fit_line(row: Row, task: Task, options: Options) -> None:
    """Measure one task against every rival that is there."""
    what = "columns together" if task.joint else "columns apart"
    losses: dict[str, float] = {}

    def ours(n_jobs: int) -> None:
        losses[OURS] = forecaster(task, n_jobs=n_jobs).fit(task.table).loss_curve_[-1]

    def theirs(torch: Any) -> None:
        losses["torch"] = torch_fit(torch, task)

    sides = [Side(OURS, n, lambda n=n: ours(n)) for n in TWO]
    # The others take their columns one by one only, so they do not enter with all columns together.
    for name in ("torch",) if task.joint else ("torch", "neuralforecast", "keras"):
        if name in options.rivals:
            sides += _rival_sides(row, name, task, theirs)
    times = compare(sides, options.n_rounds, seconds=0.0)
    key = best(times, OURS)
    row.add(
        f"{what}: {task.n_steps} updates of {task.batch_size} windows x {task.lookback}: {OURS} "
        f"{milliseconds(times, key):8.0f} ms on {key[1]}, mean loss of the last epoch {losses[OURS]:.4f}",
        task=what,
        n_rows=len(task.table),
        n_steps=task.n_steps,
        ms=milliseconds(times, key),
        threads=key[1],
        loss=losses[OURS],
    )
    for name in sorted({side.party for side in sides} - {OURS}):
        rival = best(times, name)
        ratio = Ratio.of(times[rival], times[key])
        loss = f", loss {losses[name]:.4f}" if name in losses else ""
        row.add(
            f"{what}: {name} {milliseconds(times, rival):8.0f} ms on {rival[1]}{loss}: x {ratio}",
            task=what,
            rival=name,
            ms=milliseconds(times, rival),
            threads=rival[1],
            loss=losses.get(name),
            ratio=ratio.as_dict(),
        )
        if name in BARS:
            row.judge(Bar(f"fit, {what}: {name} / ours", ratio.median, BARS[name]))


def _rival_sides(row: Row, name: str, task: Task, torch_call: Callable[[Any], None]) -> list[Side]:
    """Return a rival's sides, none if it is not installed."""
    library, reason = load(name)
    if library is None:
        row.skip(reason)
        return []
    if name == "torch":
        return torch_sides(library, TWO, lambda: torch_call(library))
    if name == "keras":  # its backends choose their threads themselves
        return [Side(name, len(TWO), lambda: keras_fit(library, task))]
    torch, _ = load("torch")
    return [
        Side(name, n, lambda: neuralforecast_fit(library, task), enter=lambda n=n: torch.set_num_threads(n))
        for n in TWO
    ]


def measure_latency(options: Options) -> Row:
    """One new observation, then a forecast one step ahead, through the public methods."""
    row = Row("latency")
    n_history, lookback = 2000, 168
    n_new = (options.n_rounds + 2) * CALLS_IN_A_ROUND
    index = pd.date_range("2024-01-01", periods=n_history + n_new, freq="h")
    values = np.sin(2.0 * np.pi * np.arange(len(index)) / 24.0)
    series = pd.Series(values + 0.1 * np.random.default_rng(0).standard_normal(len(index)), index=index, name="load")
    task = Task(series[:n_history].to_frame(), joint=False, lookback=lookback, horizon=1)
    for form in ("labelled rows", "plain numbers"):
        fitted = forecaster(task, max_iter=1).fit(series[:n_history])
        new = series[n_history:]
        each = [new[k : k + 1] if form == "labelled rows" else new.to_numpy()[k : k + 1] for k in range(n_new)]
        rows = itertools.cycle(each)  # only as many are asked for as there are
        # Not by `compare`, which calls as often as fits into a time: here every call needs a row of its own.
        side = Side(OURS, 1, lambda fitted=fitted, rows=rows: fitted.update(next(rows)).forecast(1))
        side.run(CALLS_IN_A_ROUND)
        micro = 1e6 * np.array([side.run(CALLS_IN_A_ROUND) for _ in range(options.n_rounds)])
        median = float(np.median(micro))
        row.add(
            f"update with {form}, forecast(1): {median:.0f} µs ({micro.min():.0f} to {micro.max():.0f})",
            form=form,
            us=median,
            us_minimum=float(micro.min()),
            us_maximum=float(micro.max()),
        )
    row.judge(
        Bar("update + one-step forecast, the faster form", min(q["us"] for q in row.lines), LATENCY, False, " µs")
    )
    return row
