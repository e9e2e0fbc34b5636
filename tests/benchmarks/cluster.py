"""Rounds of a training over partitions: ``python -m tests.benchmarks.cluster [--workers 1 2] [--m4]``; needs Dask.

Measured on one machine, with as many worker processes of one thread as asked: seconds and bytes of a round, and what of
it is computing. The bytes are those of questions and answers as they are pickled.

Simulated for 64 machines, from the computing measured here: the parent sends and receives all messages of a round over
one line, one after the other, and waits for a worker. Nothing is assumed to overlap.
"""

from __future__ import annotations

import argparse
import pickle
import time
from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd

from rnnforecast import RNNForecaster, distributed
from rnnforecast.estimators._partitions import Columns
from rnnforecast.training.rounds import Ask
from tests.benchmarks import host, panels

N_PARTITIONS, N_SERIES, N_ROWS = 2, 16, 800  # series of a partition, rows of a series: one pass is 76 updates
BATCH, LOCAL_STEPS, MACHINES = 256, 16, 64
COMMON = {"horizon": 24, "blend": None, "n_estimators": 1, "max_iter": 1, "early_stopping": False, "random_state": 0}
NETWORKS: dict[str, dict[str, Any]] = {
    "default": {},  # a step for each day
    "hourly LSTM": {"cell": "lstm", "hidden_layer_sizes": 64, "segment_length": None},
}
# Of the machines in the simulation
LATENCY = 0.5e-3  # s, there and back
BANDWIDTH = 1.25e9  # bytes/s: ten gigabits
PER_TASK = 1e-3  # s that Dask's scheduler and client spend on a task


def table(k: int) -> pd.DataFrame:
    """Partition number `k`: hours of some sensors."""
    rng, hours = np.random.default_rng(k), pd.date_range("2024-01-01", periods=N_ROWS, freq="h")
    value = np.sin(2 * np.pi * np.arange(N_ROWS) / 24) + 0.3 * rng.normal(size=(N_SERIES, N_ROWS))
    sensor = np.repeat(np.arange(N_SERIES) + k * N_SERIES, N_ROWS)
    return pd.DataFrame({"sensor": sensor, "hour": np.tile(hours, N_SERIES), "value": value.ravel()})


class Recorded:
    """Partitions whose rounds are timed and weighed.

    Parameters
    ----------
    tables : object
        What `rnnforecast.distributed` computes with.
    """

    def __init__(self, tables: Any):
        self.map, self._settle = tables.map, tables.settle
        self.seconds, self.n_bytes = list[float](), list[int]()
        self.ask: Any = None

    def those(self, kept: list[bool]) -> Recorded:
        """Return all of them: none is empty."""
        return self

    def settle(self, plan: Any) -> Ask:
        """Prepare the partitions."""
        self.ask = self._settle(plan)

        def ask(method: str, arguments: dict[int, tuple[Any, ...]]) -> dict[int, Any]:
            start = time.perf_counter()
            answers = self.ask(method, arguments)
            self.seconds.append(time.perf_counter() - start)
            messages = [*arguments.values(), *answers.values()]
            self.n_bytes.append(sum(len(pickle.dumps(message)) for message in messages))
            return answers

        return ask


def trained(name: str, partitions: list[Any], local_steps: int | None) -> tuple[Recorded, RNNForecaster]:
    """Train a network on partitions; return what was recorded, and the network."""
    forecaster = RNNForecaster(**COMMON, **NETWORKS[name], batch_size=BATCH)
    recorded = Recorded(distributed._tables(partitions))
    distributed._fit(forecaster, recorded, Columns("sensor", "hour", "value"), local_steps)
    return recorded, forecaster


def measured(name: str, n_workers: int, local_steps: int | None) -> tuple[float, float, int]:
    """Return median seconds and bytes of a round on worker processes of one thread, and how many rounds there were."""
    import dask
    from distributed import Client, LocalCluster

    with LocalCluster(n_workers, threads_per_worker=1, dashboard_address="127.0.0.1:0") as cluster, Client(cluster):
        recorded, _ = trained(name, [dask.delayed(table)(k) for k in range(N_PARTITIONS)], local_steps)
    # The first round also lays the windows out, and loads what is compiled.
    return float(np.median(recorded.seconds[1:])), float(np.median(recorded.n_bytes)), len(recorded.seconds)


def computing(function: Callable[[], Any], n_times: int) -> float:
    """Return the median processor seconds of calls, the first of which does not count."""
    seconds = []
    for _ in range(n_times + 1):
        start = time.thread_time()
        function()
        seconds.append(time.thread_time() - start)
    return float(np.median(seconds[1:]))


def simulated(n_workers: int, compute: float, n_bytes: float) -> float:
    """Return the seconds of a round of so many machines, of which each computes and exchanges so much."""
    return LATENCY + n_workers * (PER_TASK + n_bytes / BANDWIDTH) + compute


def compare(name: str, workers: list[int]) -> None:
    """Print what was measured with a network, then what follows for more machines."""
    recorded, forecaster = trained(name, [table(k) for k in range(N_PARTITIONS)], None)
    place, weights = recorded.ask.places[0], forecaster.coefs_[0]

    def gradient(n_windows: int) -> float:
        rows = np.random.default_rng(0).integers(place.n_rows, size=n_windows)
        return computing(lambda: place.gradient(weights, rows, (0, 0)), 20)

    update, half = gradient(BATCH), gradient(BATCH // N_PARTITIONS)
    apart = computing(lambda: place.descend(weights, [1e-3] * LOCAL_STEPS, BATCH, (0, 0)), 5)
    print(
        f"{name}: {len(weights):,} parameters; {1e3 * update:.1f} ms of computing an update of {BATCH} windows, "
        f"{1e3 * apart:.0f} ms {LOCAL_STEPS} local ones"
    )
    for n_workers in workers:
        in_turn = N_PARTITIONS / min(n_workers, N_PARTITIONS)
        for local_steps, own in ((None, half), (LOCAL_STEPS, apart)):
            seconds, n_bytes, count = measured(name, n_workers, local_steps)
            print(
                f"  {n_workers} workers, {local_steps or 'no'} local steps: {1e3 * seconds:.0f} ms and "
                f"{n_bytes / 1024:.0f} KiB a round, of which computing {1e3 * own * in_turn:.0f} ms ({count} rounds)",
                flush=True,
            )
    exchanged = 2.0 * weights.nbytes  # with a place: weights to it, a gradient or weights from it
    for n_workers in (1, 2, 8, MACHINES):
        shared = update / simulated(n_workers, gradient(BATCH // n_workers), exchanged)
        grown = n_workers * update / simulated(n_workers, update, exchanged)
        local = n_workers * LOCAL_STEPS * update / simulated(n_workers, apart, exchanged)
        print(
            f"  simulated {n_workers:2d} machines: times the windows a second of one process {shared:.2f} (updates of "
            f"{BATCH} windows together), {grown:.1f} (of {BATCH} each), {local:.1f} ({LOCAL_STEPS} local steps); "
            f"{n_workers * exchanged / 1024:.0f} KiB a round"
        )


def accuracy() -> None:
    """Print the OWA of a network alone on M4 weekly, learnt from four partitions in this process."""
    series, truth = panels.m4_weekly()
    weeks, names = series.rename("value").reset_index(), series.index.unique(level=0)
    partitions = [weeks[weeks["id"].isin(names[k::4])] for k in range(4)]
    for local_steps in (None, 4, 16, 64):
        model = RNNForecaster(panels.HORIZON, blend=None, n_estimators=1, refit=False, random_state=0)
        distributed.fit(model, partitions, id="id", time="week", target="value", local_steps=local_steps)
        forecast = model.forecast(history=series).to_numpy().reshape(-1, panels.HORIZON)
        print(
            f"M4 weekly, {local_steps or 'no'} local steps: OWA {panels.owa(forecast, truth, series):.3f}", flush=True
        )


def main() -> None:
    """Compare the networks."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--workers", nargs="*", type=int, default=[1, 2])
    parser.add_argument(
        "--m4", action="store_true", help="only how accurate rounds are, on the data of RNNFORECAST_DATA"
    )
    options = parser.parse_args()
    if options.m4:
        accuracy()
        return
    print(host.describe())
    print(f"load {host.load()}")
    for name in NETWORKS:
        compare(name, options.workers)


if __name__ == "__main__":
    main()
