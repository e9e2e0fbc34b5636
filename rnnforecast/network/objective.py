"""The loss of a network over windows of a frame, and its gradient."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any

import numpy as np

from rnnforecast.kernels.losses import Loss
from rnnforecast.network.buffers import Buffers
from rnnforecast.network.compose import at_once
from rnnforecast.network.decoders import Teacher
from rnnforecast.network.network import Network
from rnnforecast.network.windows import Frame, Windows

KEPT_SPLITS = 16


class WindowObjective:
    """Sum of losses over samples; sample k is the window before ``origins[k]`` of column ``columns[k]``.

    A value that was not observed is taken to be what is forecast: it costs nothing and has no gradient.

    Parameters
    ----------
    network : Network
    windows : Windows
    frame : Frame
    origins, columns : (n,) int64
    loss : callable
        ``loss(forecast, target, d_forecast) -> sum``, filling the derivative.
    teacher_forcing : float in [0, 1]
        Probability, at the beginning of the training, of a step to be fed the true value where the decoder feeds on its
        own forecasts. It falls linearly to 0 (Bengio et al., 2015, "Scheduled sampling").
    """

    def __init__(
        self,
        network: Network,
        windows: Windows,
        frame: Frame,
        origins: np.ndarray,
        columns: np.ndarray,
        loss: Loss,
        teacher_forcing: float = 0.0,
    ):
        self.network, self.windows, self.frame, self.loss = network, windows, frame, loss
        self.origins, self.columns = origins, columns
        self.n_parameters, self.dtype = network.layout.size, network.dtype
        self.teacher_forcing = self._forced = teacher_forcing
        self._prepared: Any = None
        self._buffers = Buffers(partial(network.work, training=True))
        self._splits: dict[int, tuple[np.ndarray, Any]] = {}

    def n_terms(self, rows: np.ndarray) -> int:
        """Count of numbers in the horizons of these samples that were observed."""
        guessed = self.windows.guessed(self.frame, self.origins[rows], self.columns[rows])
        n_forecast = len(rows) * self.windows.horizon * self.windows.n_targets
        return n_forecast if guessed is None else n_forecast - int(guessed.sum())

    def prepare(self, parameters: np.ndarray) -> None:
        """Lay `parameters` out; called before the shards of a batch."""
        self._prepared = self.network.prepare(parameters)

    def advance(self, done: float) -> None:
        """Take note that a share `done` of the training is over."""
        self._forced = self.teacher_forcing * (1.0 - done)

    def shard(self, rows: np.ndarray, gradient: np.ndarray, seed: int) -> float:
        """Sum of losses of the samples `rows`; adds its gradient to `gradient`. Several threads may run it at once."""
        origin, column = self.origins[rows], self.columns[rows]
        read = self.windows.read(self.frame, origin, column)
        truth = self.windows.truth(self.frame, origin, column, read)
        with self._buffers.lent(self.windows.n_steps, len(rows), seed=seed) as work:
            out = self.network.forward(self._prepared, read.past, read.context, work, Teacher(truth, self._forced))
            d_out = np.empty_like(out)
            total = self.loss(self.windows.linked(out, read), self._judged(truth, out, origin, column), d_out)
            self.network.backward(self._prepared, d_out, work, self._split(gradient))
        return total

    def mean_loss(self, rows: np.ndarray) -> float:
        """Mean loss of the samples `rows` with the weights of the last `prepare`, nothing being random."""
        total = 0.0
        size = at_once(self.network.encoder.products(self.windows.n_steps), len(rows))
        for start in range(0, len(rows), size):
            part = rows[start : start + size]
            origin, column = self.origins[part], self.columns[part]
            read = self.windows.read(self.frame, origin, column)
            truth = self.windows.truth(self.frame, origin, column, read)
            work = self.network.work(self.windows.n_steps, len(part))
            out = self.network.forward(self._prepared, read.past, read.context, work)
            forecast = self.windows.linked(out, read)
            total += self.loss(forecast, self._judged(truth, out, origin, column), np.empty_like(out))
        return total / max(1, self.n_terms(rows))

    def _judged(self, truth: np.ndarray, out: np.ndarray, origin: np.ndarray, column: np.ndarray) -> np.ndarray:
        """What the loss compares `out` (H J, B) with; losses of several outputs for each value are told of no guess."""
        guessed = self.windows.guessed(self.frame, origin, column)
        return truth if guessed is None else np.where(guessed, out, truth)

    def _split(self, gradient: np.ndarray) -> Any:
        """Views of a gradient buffer; the few buffers there are come again and again."""
        known = self._splits.get(id(gradient))
        if known is None or known[0] is not gradient:
            if len(self._splits) >= KEPT_SPLITS:
                self._splits.clear()
            known = self._splits[id(gradient)] = gradient, self.network.split(gradient)
        return known[1]


def forecast(
    network: Network,
    prepared: Any,
    windows: Windows,
    frame: Frame,
    origin: np.ndarray,
    column: np.ndarray,
    n_threads: int = 1,
) -> np.ndarray:
    """Forecasts (horizon, J P, B) of samples in the frame's units with any decoder but a recursive one.

    The samples are cut into batches of a fixed size, so the numbers do not depend on `n_threads`.
    """
    size = at_once(network.encoder.products(windows.lookback), len(origin))

    def batch(start: int) -> np.ndarray:
        part = slice(start, start + size)
        read = windows.read(frame, origin[part], column[part])
        work = network.work(windows.lookback, len(origin[part]))
        return windows.restore(network.forward(prepared, read.past, read.context, work), read)

    return np.concatenate(in_threads(batch, range(0, len(origin), size), n_threads), axis=2)


def in_threads(compute: Callable[[int], np.ndarray], starts: range, n_threads: int) -> list[np.ndarray]:
    """Results of `compute` for every start, in their order; each thread, the calling one too, takes the next one."""
    results: list[Any] = [None] * len(starts)
    waiting = iter(range(len(starts)))

    def work() -> None:
        for k in waiting:
            results[k] = compute(starts[k])

    n_others = min(n_threads, len(starts)) - 1
    if n_others < 1:
        work()
        return results
    with ThreadPoolExecutor(n_others) as pool:
        others = [pool.submit(work) for _ in range(n_others)]
        work()
    for other in others:
        other.result()
    return results
