"""Spreading work over the workers of a cluster, where ``joblib.parallel_config`` names one, such as Dask or Ray."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable
from typing import Any

from sklearn.utils.parallel import Parallel, delayed

from rnnforecast.estimators._threads import names_a_cluster, one_blas_thread


def in_parallel(function: Callable[..., Any], arguments: Iterable[tuple[Any, ...]], n_jobs: int | None) -> list[Any]:
    """Call a function with each set of arguments, so many at a time as joblib makes of `n_jobs`.

    Parameters
    ----------
    function : callable
        It and all that it is given and returns can be pickled.
    arguments : iterable of tuple
    n_jobs : int or None

    Returns
    -------
    list
        The results, in order.
    """
    # A tuple of arguments travels with its task, which may then be done again elsewhere if a worker is lost. Arguments
    # by themselves are laid down with one of Dask's workers beforehand, and are lost with it.
    return Parallel(n_jobs=n_jobs)(delayed(_call)(function, each) for each in arguments)


def spread(function: Callable[..., Any], arguments: Iterable[tuple[Any, ...]]) -> list[Any]:
    """Call a function with each set of arguments: on the workers of a cluster if there is one, else here in turn.

    On one machine the threads of a training are the better use of its processors, and within a task of a cluster,
    such as a fit of a search, the other workers have tasks of their own. Parameters are those of `in_parallel`.
    """
    if not names_a_cluster() or _is_a_worker():
        return [function(*each) for each in arguments]
    return in_parallel(function, arguments, None)


def _call(function: Callable[..., Any], arguments: tuple[Any, ...]) -> Any:
    with one_blas_thread():
        return function(*arguments)


def _is_a_worker() -> bool:
    """Tell whether this is a task of Dask's; in one of Ray's, joblib's backend is an ordinary one."""
    if "distributed" not in sys.modules:
        return False
    from distributed import get_worker

    try:
        get_worker()
    except ValueError:
        return False
    return True
