"""How many threads a fit may use: its own by ``n_jobs``, those of the matrix products one."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from typing import Any

from joblib import effective_n_jobs
from joblib.parallel import LokyBackend, MultiprocessingBackend, SequentialBackend, ThreadingBackend, get_active_backend
from threadpoolctl import OpenBLASController, ThreadpoolController

_OF_THIS_MACHINE = (LokyBackend, MultiprocessingBackend, SequentialBackend, ThreadingBackend)


def names_a_cluster() -> bool:
    """Tell whether joblib is to compute on a cluster: with a backend that is none of its own."""
    backend, _ = get_active_backend()
    return type(backend) not in _OF_THIS_MACHINE  # Ray's is derived from one of them


def n_threads(n_jobs: int | None) -> int:
    """Return how many threads a fit may use.

    Parameters
    ----------
    n_jobs : int or None
        As in joblib: None is 1, -1 all processors; of this machine, also where joblib is to use a cluster.

    Returns
    -------
    int
        Never more than the environment variable ``OMP_NUM_THREADS`` where it is set, as joblib and Dask set it in their
        workers: a search over two workers must not start four threads on two processors.
    """
    allowed = os.environ.get("OMP_NUM_THREADS", "")
    n = ThreadingBackend().effective_n_jobs(n_jobs) if names_a_cluster() else effective_n_jobs(n_jobs)
    return min(n, int(allowed)) if allowed.isdigit() and int(allowed) else n


class _Limit:
    """Of the matrix products of the process: set by the first that asks for it, lifted by the last that leaves."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.users = 0
        self.limiter: Any = None

    def enter(self) -> None:
        with self.lock:
            if not self.users:
                _take_control()
                self.limiter = _thread_pools().limit(limits=1, user_api="blas")
            self.users += 1

    def leave(self) -> None:
        with self.lock:
            self.users -= 1
            if not self.users:
                _take_control()
                self.limiter.restore_original_limits()
                _take_control()
                self.limiter = None


_limit = _Limit()


def _renew_lock() -> None:
    _limit.lock = threading.Lock()  # another thread may have held it when the process forked


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_renew_lock)


@cache
def _thread_pools() -> ThreadpoolController:
    """Find the libraries with threads of their own: once, for it takes milliseconds."""
    return ThreadpoolController()


def _take_control() -> None:
    """Let this thread set the number of OpenBLAS, which from threadpoolctl 3.8 only the first one that did so may."""
    if clear := getattr(OpenBLASController, "clear_controlling_thread", None):
        clear(force=True)


@contextmanager
def one_blas_thread() -> Iterator[None]:
    """Keep matrix products in one thread: they are small, and others' order of summation would follow the machine.

    The number belongs to the process, not to the thread that sets it: of several fits at a time the first sets it and
    the last puts it back.
    """
    _limit.enter()
    try:
        yield
    finally:
        _limit.leave()
