"""Rows over the forecaster: a whole fit beside other libraries, and the answer to one new observation."""

from __future__ import annotations

import itertools
import os
import time
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
FORKING = 0.5
SEEDS = 3
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
    new = series[n_history:]
    numbers = itertools.cycle(new.tolist())
    rows = itertools.cycle([new[k : k + 1] for k in range(n_new)])  # only as many are asked for as there are
    learnt = [forecaster(task, max_iter=1, forking_sequences=f).fit(series[:n_history]) for f in (False, True)]
    windowed, carried = (model.stream() for model in learnt)
    forms: dict[str, Callable[[], Any]] = {
        "a stream, its state carried": lambda: carried.update(next(numbers)).forecast(),
        "a stream that reads its window again": lambda: windowed.update(next(numbers)).forecast(),
        "update and forecast in pandas": lambda: learnt[0].update(next(rows)).forecast(1),
    }
    for form, call in forms.items():
        # Not by `compare`, which calls as often as fits into a time: here every call needs a row of its own.
        side = Side(OURS, 1, call)
        side.run(CALLS_IN_A_ROUND)
        micro = 1e6 * np.array([side.run(CALLS_IN_A_ROUND) for _ in range(options.n_rounds)])
        median = float(np.median(micro))
        row.add(
            f"{form}: {median:.0f} µs ({micro.min():.0f} to {micro.max():.0f})",
            form=form,
            us=median,
            us_minimum=float(micro.min()),
            us_maximum=float(micro.max()),
        )
    row.judge(Bar("update + one-step forecast, carried", row.lines[0]["us"], LATENCY, False, " µs"))
    return row


def measure_forking(options: Options) -> Row:
    """Seconds until learning from every step is as good as windows ever are, on the rows held out."""
    row = Row("forking")
    table = etth1(max(options.fit_rows, 300))
    if table is None:
        row.skip(f"{FOLDER_VARIABLE} names no folder that holds {ETTH1}")
        return row
    task = Task(table, joint=False)
    n_held_out = len(table) // 5
    ratios = []
    for seed in range(min(options.n_rounds, SEEDS)):
        reached = {}
        for what in ("windows", "every step"):
            reached[what] = _descent(task, n_held_out, options, seed, what)
        goal = min(error for _, error in reached["windows"])
        slow = next(seconds for seconds, error in reached["windows"] if error <= goal)
        fast = next((seconds for seconds, error in reached["every step"] if error <= goal), float("inf"))
        ratios.append(fast / slow)
        row.add(
            f"seed {seed}: windows at best {goal:.4f} after {slow:.2f} s, every step there after {fast:.2f} s, "
            f"at best {min(error for _, error in reached['every step']):.4f}",
            seed=seed,
            goal=goal,
            windows_s=slow,
            forking_s=fast,
        )
    row.judge(Bar("forking, time to the windowed model's best / its time", float(np.median(ratios)), FORKING, False))
    return row


def _descent(task: Task, n_held_out: int, options: Options, seed: int, what: str) -> list[tuple[float, float]]:
    """Seconds of training and mean absolute error of all origins held out, after more and more updates.

    Each is a training of its own, begun anew, so that both ways are judged by the same forecasts; the time is that of
    the training alone.
    """
    early = task.table[:-n_held_out]
    n_windows = n_held_out - task.horizon + 1
    origins = np.arange(len(early), len(early) + n_windows)
    step = [("max_iter", n) for n in ((1, 2, 4, 8) if what == "windows" else (2, 4, 8, 16, 32, 64))]
    found = []
    for name, value in step[: 2 if options.fit_rows < 1000 else None]:
        model = forecaster(
            task,
            cell="gru",
            learning_rate="cosine",
            learning_rate_init=2e-3,
            loss="absolute_error",
            forking_sequences=what == "every step",
            batch_size=64,
            random_state=seed,
            **{name: value},
        )
        start = time.perf_counter()
        model.fit(early)
        seconds = time.perf_counter() - start
        data = task.table.to_numpy(float)
        nothing = np.zeros((len(data), 0))
        forecast = model.ensemble_.forecast(data, nothing, nothing, origins, task.horizon)
        truth = data[origins[:, None] + np.arange(task.horizon)]
        found.append((seconds, float((np.abs(forecast - truth) / data.std(axis=0)).mean())))
    return found
