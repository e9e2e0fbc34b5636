"""How many threads a fit starts, alone and inside the workers of a search."""

from __future__ import annotations

import threading

import numpy as np
import pytest
from joblib import Parallel, delayed

from rnnforecast import RNNForecaster
from rnnforecast.estimators._parameters import n_threads
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
