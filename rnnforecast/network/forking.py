"""Learning from every step of a carried sequence: at each one the horizon after it is forecast (Wen et al., 2017).

An epoch costs N steps of the recurrence, where windows cost N times their lookback. As states are shared by all
origins, no window can be normalised for itself: what goes in is the level, its change, and what is known of the
horizon. **J** is the number of target columns of a sequence, **K** that of the frame.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from rnnforecast.kernels.windows import gather_ahead
from rnnforecast.network.windows import Frame

LEVEL_AND_BEFORE = np.array([0, -1])


@dataclass(frozen=True)
class Forking:
    """What goes in at each step and what should come out of it.

    Parameters
    ----------
    lookback : int
        Steps that are read before a forecast; training carries its states on instead.
    horizon : int
    n_targets, n_columns : int
        J and K.
    n_known, n_past : int
        F and P.
    base : int or None
        What the network corrects: 0 the last value, s > 0 the value of the season of length s before, None is zero.
    change_scale : float
        Changes are divided by it, which brings them to the size of the level.
    marked : bool
        Each target comes with two more inputs: whether it was observed, and its age.
    """

    lookback: int
    horizon: int
    n_targets: int
    n_columns: int
    n_known: int
    n_past: int
    base: int | None
    change_scale: float = 1.0
    marked: bool = False

    @property
    def n_outputs(self) -> int:
        """Numbers forecast at each step."""
        return self.horizon * self.n_targets

    @property
    def n_inputs(self) -> int:
        """D: level, change, base of the horizon, past covariates, known ones of the horizon, marks, which column."""
        which = self.n_columns if self.n_columns > self.n_targets else 0
        base = self.n_outputs if self.base else 0
        own = (4 if self.marked else 2) * self.n_targets
        return own + base + self.n_past + self.n_known * self.horizon + which

    def inputs(self, frame: Frame, first: np.ndarray, column: np.ndarray, n_steps: int) -> np.ndarray:
        """Inputs (T, D, B): step t of sequence b tells what is known after row ``first[b] + t``.

        Parameters
        ----------
        frame : Frame
        first, column : (B,) int64
        n_steps : int
        """
        J, dtype = self.n_targets, frame.target.dtype
        x = np.empty((n_steps, self.n_inputs, len(first)), dtype)
        gather_ahead(frame.target, first, column, LEVEL_AND_BEFORE, J, 0, x)
        x[:, J : 2 * J] = (x[:, :J] - x[:, J : 2 * J]) / dtype.type(self.change_scale)
        row, zeroth = 2 * J, np.zeros_like(column)
        if self.base:
            self._fill_season(frame, first, column, x, row)
            row += self.n_outputs
        if self.n_past:
            gather_ahead(frame.past, first, zeroth, LEVEL_AND_BEFORE[:1], self.n_past, row, x)
            row += self.n_past
        if self.n_known:
            gather_ahead(frame.known, first, zeroth, self._ahead, self.n_known, row, x)
            row += self.n_known * self.horizon
        if self.marked:
            for marks in (frame.observed, frame.age):
                gather_ahead(marks, first, column, LEVEL_AND_BEFORE[:1], J, row, x)
                row += J
        if self.n_columns > J:
            x[:, row:] = np.arange(self.n_columns)[:, None] == column
        return x

    def targets(self, frame: Frame, first: np.ndarray, column: np.ndarray, n_steps: int) -> np.ndarray:
        """What should come out, (T, H J, B): the horizon after each step less the value there and the base.

        NaN where the value was not observed.
        """
        out = np.empty((n_steps, self.n_outputs, len(first)), frame.target.dtype)
        gather_ahead(frame.target, first, column, self._ahead, self.n_targets, 0, out)
        targets = out - self.reference(frame, first, column, n_steps)
        if frame.observed is not None:
            gather_ahead(frame.observed, first, column, self._ahead, self.n_targets, 0, out)
            targets[out == 0] = np.nan
        return targets

    def reference(self, frame: Frame, first: np.ndarray, column: np.ndarray, n_steps: int) -> np.ndarray:
        """What the network's output is added to, (T, H J, B): the last value, the season before, or zero."""
        if self.base is None:
            return np.zeros((n_steps, self.n_outputs, len(first)), frame.target.dtype)
        out = np.empty((n_steps, self.n_outputs, len(first)), frame.target.dtype)
        gather_ahead(frame.target, first, column, self._season, self.n_targets, 0, out)
        return out

    @cached_property
    def _ahead(self) -> np.ndarray:
        """Rows of the horizon, counted from the step."""
        return np.arange(1, self.horizon + 1)

    @cached_property
    def _season(self) -> np.ndarray:
        """Rows of the base, counted from the step."""
        return np.arange(self.horizon) % self.base + 1 - self.base if self.base else np.zeros(self.horizon, np.int64)

    def _fill_season(self, frame: Frame, first: np.ndarray, column: np.ndarray, x: np.ndarray, row: int) -> None:
        """Fill rows `row` on of `x` with the base of the horizon less the value at the step."""
        gather_ahead(frame.target, first, column, self._season, self.n_targets, row, x)
        season = x[:, row : row + self.n_outputs].reshape(len(x), self.horizon, self.n_targets, -1)
        season -= x[:, None, : self.n_targets]


class FrameReader:
    """The rows of a frame as parallel streams; see `rnnforecast.network.streams`.

    Parameters
    ----------
    frame : Frame
    forking : Forking
    first, stop : int
        The steps that are learnt from: what is known after rows `first` to ``stop - 1``.
    n_segments : int
        Streams that each column (or all of them jointly) is cut into.
    """

    def __init__(self, frame: Frame, forking: Forking, first: int, stop: int, n_segments: int):
        self.frame, self.forking = frame, forking
        n_groups = forking.n_columns // forking.n_targets
        self.n_steps = -(-(stop - first) // n_segments)
        # Segments overlap where the rows cannot be cut evenly.
        starts = first + (np.arange(n_segments) * (stop - first - self.n_steps)) // max(1, n_segments - 1)
        self.starts = np.tile(starts.astype(np.int64), n_groups)
        self.columns = np.repeat(np.arange(n_groups, dtype=np.int64), n_segments)
        self.n_streams = len(self.starts)

    def inputs(self, streams: np.ndarray, steps: slice) -> np.ndarray:
        """Inputs (T, D, B)."""
        first = self.starts[streams] + steps.start
        return self.forking.inputs(self.frame, first, self.columns[streams], steps.stop - steps.start)

    def targets(self, streams: np.ndarray, steps: slice) -> np.ndarray:
        """What should come out, (T, H J, B)."""
        first = self.starts[streams] + steps.start
        return self.forking.targets(self.frame, first, self.columns[streams], steps.stop - steps.start)
