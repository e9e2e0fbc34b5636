"""Minibatches of rows, and their loss and gradient computed in shards by several threads."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor, wait
from threading import Condition
from typing import Any, Protocol

import numpy as np

Array = np.ndarray


class Objective(Protocol):
    """A sum of losses over rows, as a function of one flat parameter vector of P numbers."""

    n_parameters: int
    dtype: np.dtype

    def prepare(self, parameters: Array) -> None:
        """Take over new values of the parameters, (P,); called before the shards of every update."""
        ...

    def shard(self, rows: Array, gradient: Array, seed: int) -> float:
        """Return the sum of the losses of `rows`, (n,), and add its derivative to `gradient`, (P,).

        Called by several threads at once; all randomness comes from `seed`.
        """
        ...

    def n_terms(self, rows: Array) -> int:
        """Return how many loss terms these rows have."""
        ...


class Batches:
    """Endless minibatches; every row comes once in each epoch.

    Parameters
    ----------
    rows : (N,) int
    batch_size : int
        Largest number of rows in a minibatch. An epoch is cut into as few minibatches as this allows, with sizes that
        differ by one at most: a small remainder would be a noisy update that Adam makes as long as all others.
    shuffle : bool
        Whether each epoch has an order of its own.
    rng : numpy.random.Generator

    Raises
    ------
    ValueError
        If there are no rows, or `batch_size` is not positive.
    """

    def __init__(self, rows: Array, batch_size: int, *, shuffle: bool, rng: np.random.Generator):
        if len(rows) == 0:
            raise ValueError("rows must hold at least one row, got none")
        if batch_size < 1:
            raise ValueError(f"batch_size must be at least 1, got {batch_size!r}")
        self.rows = np.ascontiguousarray(rows, dtype=np.int64)
        self.shuffle, self.rng = shuffle, rng
        n_batches = -(-len(rows) // batch_size)
        self._edges = [len(rows) * k // n_batches for k in range(n_batches + 1)]

    def __len__(self) -> int:
        """Return the number of minibatches in an epoch."""
        return len(self._edges) - 1

    def __iter__(self) -> Iterator[Array]:
        """Yield the rows of each minibatch, (n,), epoch after epoch."""
        while True:
            rows = self.rng.permutation(self.rows) if self.shuffle else self.rows
            for first, end in zip(self._edges, self._edges[1:], strict=False):
                yield rows[first:end]


class Shards:
    """Computes the mean loss of a minibatch and its gradient; a context manager that owns the threads.

    The result has the same bits for any number of threads: a minibatch is cut into shards of a fixed size, and their
    losses and gradients are added in the order of the rows.

    Parameters
    ----------
    objective : Objective
    n_threads : int
        The calling thread is one of them, and the only one outside a ``with`` block.
    shard_size : int
        Rows in a shard.
    """

    def __init__(self, objective: Objective, n_threads: int = 1, shard_size: int = 32):
        self.objective, self.n_threads, self.shard_size = objective, n_threads, shard_size
        self._pool: ThreadPoolExecutor | None = None
        self._buffers: list[Array] = []

    def __enter__(self) -> Shards:
        if self.n_threads > 1:
            self._pool = ThreadPoolExecutor(self.n_threads - 1, thread_name_prefix="rnnforecast")
        return self

    def __exit__(self, *_: Any) -> None:
        if self._pool is not None:
            self._pool.shutdown(wait=True, cancel_futures=True)
            self._pool = None

    def value_and_gradient(
        self, parameters: Array, rows: Array, gradient: Array, seeds_rng: np.random.Generator
    ) -> float:
        """Return the mean loss of a minibatch and fill `gradient`; 0 if its rows have no loss terms.

        Parameters are those of `total`.
        """
        total = self.total(parameters, rows, gradient, seeds_rng)
        scale = 1.0 / max(1, self.objective.n_terms(rows))
        gradient *= scale
        return total * scale

    def total(self, parameters: Array, rows: Array, gradient: Array, seeds_rng: np.random.Generator) -> float:
        """Return the sum of the losses of a minibatch.

        Parameters
        ----------
        parameters : (P,)
        rows : (n,) int64
        gradient : (P,), filled
            Derivative of the sum.
        seeds_rng : numpy.random.Generator
            One seed for each shard is drawn from it, in the calling thread.
        """
        self.objective.prepare(parameters)
        parts = [rows[first : first + self.shard_size] for first in range(0, len(rows), self.shard_size)]
        seeds = seeds_rng.integers(2**63, size=len(parts)).tolist()
        compute = self._in_turn if self._pool is None or len(parts) == 1 else self._in_threads
        return compute(parts, seeds, gradient)

    def _in_turn(self, parts: list[Array], seeds: list[int], gradient: Array) -> float:
        total = self._shard(parts[0], gradient, seeds[0])
        for part, seed in zip(parts[1:], seeds[1:], strict=True):
            (buffer,) = self._first_buffers(1)
            total += self._shard(part, buffer, seed)
            gradient += buffer
        return total

    def _in_threads(self, parts: list[Array], seeds: list[int], gradient: Array) -> float:
        """Each thread, the calling one too, takes the next shard when it is done with one; sums are made in order."""
        assert self._pool is not None
        free = list(self._first_buffers(self.n_threads + 1))
        done: dict[int, tuple[float, Array]] = {}
        turn = Condition()
        taken = added = 0
        total, failed = 0.0, False

        def take() -> tuple[int, Array] | None:
            nonlocal taken
            with turn:
                turn.wait_for(lambda: failed or taken == len(parts) or free)
                if failed or taken == len(parts):
                    return None
                taken += 1
                return taken - 1, free.pop()

        def give(shard: int, loss: float, buffer: Array) -> None:
            nonlocal added, total
            with turn, np.errstate(over="ignore", invalid="ignore"):  # as in `_shard`
                done[shard] = loss, buffer
                while added in done:
                    loss, buffer = done.pop(added)
                    total += loss
                    if added:
                        np.add(gradient, buffer, out=gradient)
                    else:
                        gradient[...] = buffer
                    free.append(buffer)
                    added += 1
                turn.notify_all()

        def work() -> None:
            nonlocal failed
            try:
                while (own := take()) is not None:
                    shard, buffer = own
                    give(shard, self._shard(parts[shard], buffer, seeds[shard]), buffer)
            except BaseException:
                with turn:
                    failed = True
                    turn.notify_all()
                raise

        others = [self._pool.submit(work) for _ in range(min(self.n_threads, len(parts)) - 1)]
        try:
            work()
        finally:
            # Whoever catches an exception may change the parameters or the gradient: no thread may still be at work.
            wait(others)
        for other in others:
            other.result()
        return total

    def _first_buffers(self, n: int) -> list[Array]:
        while len(self._buffers) < n:
            self._buffers.append(np.empty(self.objective.n_parameters, self.objective.dtype))
        return self._buffers[:n]

    def _shard(self, rows: Array, gradient: Array, seed: int) -> float:
        gradient.fill(0.0)
        # Here because a pool's thread does not inherit it. Overflow is no error: a diverged loss is seen by its value.
        with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
            return float(self.objective.shard(rows, gradient, seed))
