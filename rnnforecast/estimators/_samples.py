"""Windows of a frame that networks learn from, or are judged by."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from rnnforecast.network.windows import Frame, Windows
from rnnforecast.series.spans import Origins


@dataclass(frozen=True)
class Samples:
    """Windows of a frame: the network's training or validation set."""

    frame: Frame
    origins: np.ndarray
    columns: np.ndarray

    @classmethod
    def all(cls, frame: Frame, origins: np.ndarray, n_columns: int) -> Samples:
        """Every origin with each of `n_columns` columns, columns outermost."""
        columns = np.repeat(np.arange(n_columns, dtype=np.int64), len(origins))
        return cls(frame, np.tile(origins.astype(np.int64), n_columns), columns)

    @classmethod
    def numbered(cls, frame: Frame, origins: Origins, numbers: np.ndarray) -> Samples:
        """Those with these numbers of every origin with each column, as in `all`."""
        return cls(frame, origins.at(numbers % len(origins)), numbers // len(origins))

    def thinned(self, count: int) -> Samples:
        """About `count` of them, evenly spaced."""
        stride = max(1, len(self.origins) // count)
        return Samples(self.frame, self.origins[::stride], self.columns[::stride])


def judged(frame: Frame, windows: Windows, origins: Origins) -> range | np.ndarray:
    """Numbers of the samples that anything can be learnt from: all, or those with observed values.

    These have a value, of any of their columns, right before the origin and another in the horizon.
    """
    n_groups = windows.n_columns // windows.n_targets
    if frame.observed is None:
        return range(len(origins) * n_groups)
    rows = origins.at(np.arange(len(origins)))
    seen = frame.observed.reshape(len(frame.observed), n_groups, windows.n_targets).max(axis=2) > 0
    count = np.concatenate([np.zeros((1, n_groups), np.int64), np.cumsum(seen, axis=0)])
    followed = count[rows + windows.horizon] > count[rows]
    return np.flatnonzero((seen[rows - 1] & followed).T)
