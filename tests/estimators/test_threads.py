"""How many threads a fit starts, alone and inside the workers of a search."""

from __future__ import annotations

import threading

import numpy as np
import pytest
from joblib import Parallel, delayed
from threadpoolctl import ThreadpoolController

from rnnforecast import RNNForecaster
from rnnforecast.estimators._threads import n_threads, one_blas_thread
from rnnforecast.network.objective import WindowObjective

SERIES = np.sin(np.arange(200.0))
SMALL = {
    "n_estimators": 1,
    "max_iter": 2,
    "batch_size": 128,
    "hidden_layer_sizes": (64,),
    "segment_length": None,
    "refit": False,
}


@pytest.fixture
def no_limit(monkeypatch):
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)


@pytest.mark.usefixtures("no_limit")
@pytest.mark.parametrize("n_jobs", [None, 1, 2, 3])
def test_a_fit_computes_in_as_many_threads_as_asked_and_leaves_none(n_jobs, monkeypatch):
    seen, shard = set(), WindowObjective.shard

    def spy(self, *args):
        seen.add(threading.get_ident())
        return shard(self, *args)

    monkeypatch.setattr(WindowObjective, "shard", spy)
    before = threading.active_count()
    RNNForecaster(horizon=2, lookback=40, n_jobs=n_jobs, random_state=0, **SMALL).fit(SERIES)
    assert 1 <= len(seen) <= (n_jobs or 1)
    if (n_jobs or 1) > 1:
        assert len(seen) > 1
    assert threading.active_count() == before


def test_the_limit_of_a_worker_holds(monkeypatch):
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    assert n_threads(8) == 1
    monkeypatch.setenv("OMP_NUM_THREADS", "3")
    assert n_threads(2) == 2


@pytest.mark.usefixtures("no_limit")
def test_workers_of_a_search_share_the_processors():
    from joblib import cpu_count

    counts = Parallel(n_jobs=cpu_count())(delayed(n_threads)(-1) for _ in range(2))
    assert counts == [1, 1]


def _blas_threads():
    return {pool["num_threads"] for pool in ThreadpoolController().info() if pool["user_api"] == "blas"}


def test_overlapping_fits_keep_products_in_one_thread_until_the_last_ends():
    """The second begins later and ends later than the first; no thread but the first may set the number by itself."""
    pools = ThreadpoolController()
    first_is_in, second_is_in, first_is_out = threading.Event(), threading.Event(), threading.Event()
    seen = []

    def first():
        with one_blas_thread():
            first_is_in.set()
            second_is_in.wait(30)
        first_is_out.set()

    def second():
        first_is_in.wait(30)
        with one_blas_thread():
            second_is_in.set()
            first_is_out.wait(30)
            seen.append(_blas_threads())
        seen.append(_blas_threads())

    before = [pool["num_threads"] for pool in pools.info()]
    try:
        pools.limit(limits=2, user_api="blas")
        threads = [threading.Thread(target=work) for work in (first, second)]
        [thread.start() for thread in threads]
        [thread.join(60) for thread in threads]
    finally:
        for controller, number in zip(pools.lib_controllers, before, strict=True):
            controller.set_num_threads(number)
    assert seen == [{1}, {2}]
