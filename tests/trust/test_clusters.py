"""What loops goes to the workers of a cluster and comes back with the numbers that one process gives."""

from __future__ import annotations

import os
import signal
import threading
import time
from itertools import chain
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from joblib import Parallel, delayed, parallel_config
from sklearn.model_selection import GridSearchCV

from rnnforecast import ForecasterPerSeries, LinearForecaster, NaiveForecaster, RNNAnomalyDetector, RNNForecaster
from rnnforecast import distributed as in_rounds
from rnnforecast.estimators import _ensemble, _forking, _training
from rnnforecast.estimators._threads import n_threads
from rnnforecast.model_selection import RollingOriginSplit
from rnnforecast.training.rounds import Averaged, Summed

dask = pytest.importorskip("dask", reason="needs Dask: pip install 'rnnforecast[dask]'")
distributed = pytest.importorskip("distributed", reason="needs Dask: pip install 'rnnforecast[dask]'")
pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(os.name != "posix", reason="kills workers by POSIX signals"),
]
H = 4
SMALL = {"lookback": 14, "hidden_layer_sizes": 4, "max_iter": 1, "random_state": 0}


@pytest.fixture(scope="module")
def client():
    """Two processes of one thread each, which a nanny starts again when they die."""
    with (
        distributed.LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address="127.0.0.1:0") as cluster,
        distributed.Client(cluster) as client,
    ):
        yield client


@pytest.fixture
def panel(rng) -> pd.Series:
    shops, days = [f"shop {k:02}" for k in range(30)], pd.date_range("2024-01-01", periods=90, name="day")
    rows = pd.MultiIndex.from_product([shops, days], names=["shop", "day"])
    return pd.Series(50 + rng.normal(size=len(rows)).cumsum(), index=rows, name="sold")


class Patient(NaiveForecaster):
    """Takes its time, and leaves a file for each fit and the process that made it."""

    def __init__(self, horizon=1, folder=None):
        super().__init__(horizon)
        self.folder = folder

    def _learn(self, series):
        time.sleep(0.1)
        (Path(self.folder) / f"{os.getpid()}-{time.time_ns()}").touch()
        return super()._learn(series)


class Elsewhere:
    """Calls a function, but not in the process that this was made in."""

    def __init__(self, function):
        self.function, self.process = function, os.getpid()

    def __call__(self, *args, **kwargs):
        assert os.getpid() != self.process
        return self.function(*args, **kwargs)


def processes(folder: Path) -> set[int]:
    return {int(file.name.split("-")[0]) for file in folder.iterdir()}


def test_a_model_for_each_series_is_fitted_by_the_workers(client, panel, tmp_path):
    alone = ForecasterPerSeries(LinearForecaster(H, lookback=7)).fit(panel).forecast()
    with parallel_config(backend="dask"):
        spread = ForecasterPerSeries(LinearForecaster(H, lookback=7)).fit(panel).forecast()
        ForecasterPerSeries(Patient(H, tmp_path)).fit(panel)
    pd.testing.assert_series_equal(spread, alone)
    assert processes(tmp_path) == set(client.run(os.getpid).values())


def test_a_search_over_networks_finds_what_one_process_finds(client, daily):
    search = GridSearchCV(
        RNNForecaster(H, **SMALL), {"cell": ["rnn", "gru"]}, cv=RollingOriginSplit(H, n_windows=2), refit=False
    )
    alone = search.fit(daily).cv_results_["split1_test_score"].copy()
    with parallel_config(backend="dask"):
        np.testing.assert_array_equal(search.fit(daily).cv_results_["split1_test_score"], alone)


@pytest.mark.parametrize("level", [None, 80])
def test_a_backtest_that_learns_anew_has_the_same_forecasts(client, panel, level):
    few = panel.loc["shop 00":"shop 03"]
    model = LinearForecaster(H, lookback=7)
    alone = model.backtest(few, n_windows=3, refit=True, level=level)
    with parallel_config(backend="dask"):
        spread = model.backtest(few, n_windows=3, refit=True, level=level)
    pd.testing.assert_frame_equal(spread.forecasts, alone.forecasts)
    assert spread.no_skill == alone.no_skill


@pytest.mark.parametrize("more", [{}, {"forking_sequences": True}, {"solver": "ridge", "cell": "leaky"}], ids=str)
def test_the_networks_of_an_ensemble_are_trained_by_the_workers(client, daily, more, monkeypatch):
    model = RNNForecaster(H, **SMALL | more)
    alone = model.fit(daily).forecast()
    for module in (_ensemble, _forking):
        monkeypatch.setattr(module, "descend", Elsewhere(_training.descend))
    with parallel_config(backend="dask"):
        pd.testing.assert_series_equal(model.fit(daily).forecast(), alone)


def test_detectors_of_many_sensors_are_fitted_by_the_workers(client, rng):
    sensors = [pd.DataFrame({"value": np.sin(np.arange(400) / 5) + 0.1 * rng.normal(size=400)}) for _ in range(3)]
    detector = RNNAnomalyDetector(hidden_layer_sizes=20, random_state=0)
    with parallel_config(backend="dask"):
        detectors = Parallel()(delayed(_fitted)(detector, sensor) for sensor in sensors)
    for sensor, fitted in zip(sensors, detectors, strict=True):
        pd.testing.assert_series_equal(fitted.anomaly_score(sensor), _fitted(detector, sensor).anomaly_score(sensor))


def _fitted(detector, sensor):
    return RNNAnomalyDetector(**detector.get_params()).fit(sensor)


def test_threads_are_those_of_one_machine(client, monkeypatch):
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
    with parallel_config(backend="dask"):
        assert n_threads(None) == 1
        assert n_threads(3) == 3
        assert Parallel()(delayed(_threads_without_a_limit)() for _ in range(2)) == [1, 1]


def _threads_without_a_limit():
    limit = os.environ.pop("OMP_NUM_THREADS", None)
    try:
        return n_threads(None)
    finally:
        if limit is not None:
            os.environ["OMP_NUM_THREADS"] = limit


def kill_one(client, folder: Path, after: int) -> threading.Thread:
    """Kill the worker that was the first to fit anything, once so many fits are done."""

    def kill():
        while len(list(folder.iterdir())) < after:
            time.sleep(0.01)
        os.kill(int(min(folder.iterdir(), key=lambda file: file.stat().st_mtime_ns).name.split("-")[0]), signal.SIGKILL)

    thread = threading.Thread(target=kill)
    thread.start()
    return thread


def test_a_worker_that_dies_costs_time_only(client, panel, tmp_path):
    before = set(client.run(os.getpid).values())
    with parallel_config(backend="dask"):
        killer = kill_one(client, tmp_path, after=12)
        spread = ForecasterPerSeries(Patient(H, tmp_path)).fit(panel)
    killer.join()
    client.wait_for_workers(2)
    assert len(before & set(client.run(os.getpid).values())) == 1
    pd.testing.assert_series_equal(spread.forecast(), ForecasterPerSeries(NaiveForecaster(H)).fit(panel).forecast())


@pytest.fixture
def keeps_copies(client):
    """Dask's active memory manager deletes all copies of data but one, within seconds."""
    client.amm.stop()
    yield
    client.amm.start()


@pytest.mark.usefixtures("keeps_copies")
def test_a_search_outlives_a_worker_if_every_one_has_the_data_and_the_splits(client, daily, tmp_path):
    """Of its own accord joblib gives large arguments to one of Dask's workers, and they are lost with it."""
    X = pd.DataFrame(index=daily.index)
    splits = list(RollingOriginSplit(H, n_windows=2).split(X, daily))
    search = GridSearchCV(Patient(H, tmp_path), {"horizon": list(range(1, 13))}, cv=splits, refit=False)
    alone = search.fit(X, daily).cv_results_["mean_test_score"].copy()
    for file in tmp_path.iterdir():
        file.unlink()
    with parallel_config(backend="dask", scatter=[X, daily, *chain.from_iterable(splits)]):
        killer = kill_one(client, tmp_path, after=4)
        np.testing.assert_array_equal(search.fit(X, daily).cv_results_["mean_test_score"], alone)
    killer.join()
    client.wait_for_workers(2)


def part(k: int) -> pd.DataFrame:
    """A long table of two shops."""
    rng = np.random.default_rng(k)
    days = pd.date_range("2024-01-01", periods=60, name="day")
    return pd.DataFrame(
        {"shop": np.repeat([2 * k, 2 * k + 1], 60), "day": np.tile(days, 2), "sold": 50 + rng.normal(size=120)}
    )


@pytest.mark.parametrize("local_steps", [None, 3])
@pytest.mark.parametrize("dies", [False, True])
def test_rounds_on_a_cluster_have_the_bits_of_rounds_in_one_process(client, local_steps, dies, monkeypatch):
    options = {"id": "shop", "time": "day", "target": "sold", "local_steps": local_steps}
    network = {**SMALL, "horizon": H, "blend": None, "n_estimators": 1, "max_iter": 3}
    alone = in_rounds.fit(RNNForecaster(**network), [part(k) for k in range(3)], **options)
    rounds = Summed if local_steps is None else Averaged
    shard, seen = rounds.shard, []

    def deadly(self, *args):
        seen.append(args)
        if len(seen) == 5:
            os.kill(next(iter(client.run(os.getpid).values())), signal.SIGKILL)
        return shard(self, *args)

    if dies:
        monkeypatch.setattr(rounds, "shard", deadly)
    parts = [dask.delayed(part)(k) for k in range(3)]
    spread = in_rounds.fit(RNNForecaster(**network), parts, **options)
    assert len(seen) > 5 or not dies
    np.testing.assert_array_equal(spread.coefs_, alone.coefs_)
    pd.testing.assert_series_equal(spread.forecast(), alone.forecast())
    client.wait_for_workers(2)
