"""The loss of a network over windows of a frame, and its gradient."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np

from rnnforecast.kernels.losses import Loss
from rnnforecast.network.decoders import Teacher
from rnnforecast.network.network import Network, Work
from rnnforecast.network.windows import Frame, Windows

EVALUATED_AT_ONCE = 32  # sequences of a batch in prediction: two threads must find work in 64
KEPT_SPLITS = 16


class WindowObjective:
    """Sum of losses over samples; sample k is the window before ``origins[k]`` of column ``columns[k]``.

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
        self._free: dict[int, list[Work]] = {}
        self._splits: dict[int, tuple[np.ndarray, Any]] = {}

    def n_terms(self, rows: np.ndarray) -> int:
        """Count of numbers forecast in these samples."""
        return len(rows) * self.windows.horizon * self.windows.n_targets

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
        free = self._free.setdefault(len(rows), [])
        try:
            work = free.pop()
        except IndexError:  # asked, not looked: another thread may take the last in between
            work = self.network.work(self.windows.n_steps, len(rows), training=True)
        work.draw_from(np.random.Generator(np.random.SFC64(seed)))
        out = self.network.forward(self._prepared, read.past, read.context, work, Teacher(truth, self._forced))
        d_out = np.empty_like(out)
        total = self.loss(out, truth, d_out)
        self.network.backward(self._prepared, d_out, work, self._split(gradient))
        free.append(work)
        return total

    def mean_loss(self, rows: np.ndarray) -> float:
        """Mean loss of the samples `rows` with the weights of the last `prepare`, nothing being random."""
        total = 0.0
        for start in range(0, len(rows), EVALUATED_AT_ONCE):
            part = rows[start : start + EVALUATED_AT_ONCE]
            origin, column = self.origins[part], self.columns[part]
            read = self.windows.read(self.frame, origin, column)
            truth = self.windows.truth(self.frame, origin, column, read)
            work = self.network.work(self.windows.n_steps, len(part))
            out = self.network.forward(self._prepared, read.past, read.context, work)
            total += self.loss(out, truth, np.empty_like(out))
        return total / self.n_terms(rows)

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
    """Forecasts (horizon, J, B) of samples in the frame's units with any decoder but a recursive one.

    The samples are cut into batches of a fixed size, so the numbers do not depend on `n_threads`.
    """

    def batch(start: int) -> np.ndarray:
        part = slice(start, start + EVALUATED_AT_ONCE)
        read = windows.read(frame, origin[part], column[part])
        work = network.work(windows.lookback, len(origin[part]))
        return windows.restore(network.forward(prepared, read.past, read.context, work), read)

    starts = range(0, len(origin), EVALUATED_AT_ONCE)
    if n_threads == 1 or len(starts) == 1:
        return np.concatenate([batch(start) for start in starts], axis=2)
    with ThreadPoolExecutor(min(n_threads, len(starts))) as pool:
        return np.concatenate(list(pool.map(batch, starts)), axis=2)
