"""Minibatches of rows, and their loss and gradient computed in shards by several threads."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor, wait
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
        """Return the mean loss of a minibatch.

        Parameters
        ----------
        parameters : (P,)
        rows : (n,) int64
        gradient : (P,), filled
            Derivative of the mean loss.
        seeds_rng : numpy.random.Generator
            One seed for each shard is drawn from it, in the calling thread.

        Returns
        -------
        float
            0 if the rows have no loss terms.
        """
        self.objective.prepare(parameters)
        parts = [rows[first : first + self.shard_size] for first in range(0, len(rows), self.shard_size)]
        seeds = seeds_rng.integers(2**63, size=len(parts)).tolist()
        compute = self._in_turn if self._pool is None or len(parts) == 1 else self._in_threads
        total = compute(parts, seeds, gradient)
        scale = 1.0 / max(1, self.objective.n_terms(rows))
        gradient *= scale
        return total * scale

    def _in_turn(self, parts: list[Array], seeds: list[int], gradient: Array) -> float:
        total = self._shard(parts[0], gradient, seeds[0])
        for part, seed in zip(parts[1:], seeds[1:], strict=True):
            (buffer,) = self._first_buffers(1)
            total += self._shard(part, buffer, seed)
            gradient += buffer
        return total

    def _in_threads(self, parts: list[Array], seeds: list[int], gradient: Array) -> float:
        assert self._pool is not None
        # Taken from the end: the first shard writes to the sum itself, which nothing is added to before it is done.
        free = [*self._first_buffers(self.n_threads + 1), gradient]
        begun: deque[tuple[Future[float] | float, Array]] = deque()
        total = 0.0

        def add_oldest() -> float:
            result, target = begun[0]
            loss = result.result() if isinstance(result, Future) else result
            begun.popleft()  # only now: an interrupted wait for the result must find it among the begun
            if target is not gradient:
                np.add(gradient, target, out=gradient)
                free.append(target)
            return loss

        try:
            for part, seed in zip(parts, seeds, strict=True):
                while not free:  # twice if the oldest is the first shard, which occupies no buffer
                    total += add_oldest()
                target = free.pop()
                n_at_work = sum(isinstance(result, Future) and not result.done() for result, _ in begun)
                if n_at_work < self.n_threads - 1:
                    begun.append((self._pool.submit(self._shard, part, target, seed), target))
                else:
                    begun.append((self._shard(part, target, seed), target))
            while begun:
                total += add_oldest()
        except BaseException:
            # Whoever catches this may change the parameters or the gradient: no thread may still be at work on them.
            wait([result for result, _ in begun if isinstance(result, Future) and not result.cancel()])
            raise
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
