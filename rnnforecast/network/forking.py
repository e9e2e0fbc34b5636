"""Learning from every step of a carried sequence: at each one the horizon after it is forecast (Wen et al., 2017).

An epoch costs N steps of the recurrence, where windows cost N times their lookback. As states are shared by all
origins, no window can be normalised for itself: what goes in is the level, its change, and what is known of the
horizon. **J** is the number of target columns of a sequence, **K** that of the frame.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from rnnforecast.kernels.windows import gather
from rnnforecast.network.windows import Frame


@dataclass(frozen=True)
class Forking:
    """What goes in at each step and what should come out of it.

    Parameters
    ----------
    horizon : int
    n_targets, n_columns : int
        J and K.
    n_known, n_past : int
        F and P.
    base : int
        What the network corrects: 0 the last value, s > 0 the value of the season of length s before.
    change_scale : float
        Changes are divided by it, which brings them to the size of the level.
    """

    horizon: int
    n_targets: int
    n_columns: int
    n_known: int
    n_past: int
    base: int
    change_scale: float

    @property
    def n_outputs(self) -> int:
        """Numbers forecast at each step."""
        return self.horizon * self.n_targets

    @property
    def n_inputs(self) -> int:
        """D: level and change, the base of the horizon, past covariates, known ones of the horizon, which column."""
        which = self.n_columns if self.n_columns > self.n_targets else 0
        base = self.n_outputs if self.base else 0
        return 2 * self.n_targets + base + self.n_past + self.n_known * self.horizon + which

    def inputs(self, frame: Frame, first: np.ndarray, column: np.ndarray, n_steps: int) -> np.ndarray:
        """Inputs (T, D, B): step t of sequence b tells what is known after row ``first[b] + t``.

        Parameters
        ----------
        frame : Frame
        first, column : (B,) int64
        n_steps : int
        """
        J, B, dtype = self.n_targets, len(first), frame.target.dtype
        x = np.empty((n_steps, self.n_inputs, B), dtype)
        zeros, zeroth = np.zeros((max(J, self.n_known, self.n_past), B), dtype), np.zeros_like(column)
        ones = zeros + dtype.type(1)
        gather(frame.target, first, column, zeros[:J], ones[:J], 0, x)
        gather(frame.target, first - 1, column, zeros[:J], ones[:J], J, x)
        x[:, J : 2 * J] = (x[:, :J] - x[:, J : 2 * J]) / dtype.type(self.change_scale)
        row = 2 * J
        if self.base:
            self._season(frame, first, column, x, row)
            row += self.n_outputs
        if self.n_past:
            gather(frame.past, first, zeroth, zeros[: self.n_past], ones[: self.n_past], row, x)
            row += self.n_past
        for step in range(self.horizon if self.n_known else 0):
            gather(frame.known, first + 1 + step, zeroth, zeros[: self.n_known], ones[: self.n_known], row, x)
            row += self.n_known
        if self.n_columns > J:
            x[:, row:] = np.arange(self.n_columns)[:, None] == column
        return x

    def targets(self, frame: Frame, first: np.ndarray, column: np.ndarray, n_steps: int) -> np.ndarray:
        """What should come out, (T, H J, B): the horizon after each step less the value there and the base."""
        J, B, dtype = self.n_targets, len(first), frame.target.dtype
        out = np.empty((n_steps, self.n_outputs, B), dtype)
        zeros = np.zeros((J, B), dtype)
        ones = zeros + dtype.type(1)
        for step in range(self.horizon):
            gather(frame.target, first + 1 + step, column, zeros, ones, step * J, out)
        return out - self.reference(frame, first, column, n_steps)

    def reference(self, frame: Frame, first: np.ndarray, column: np.ndarray, n_steps: int) -> np.ndarray:
        """What the network's output is added to, (T, H J, B): the last value, or the season before."""
        B, dtype = len(first), frame.target.dtype
        level = np.empty((n_steps, self.n_targets, B), dtype)
        zeros = np.zeros((self.n_targets, B), dtype)
        gather(frame.target, first, column, zeros, zeros + dtype.type(1), 0, level)
        last = np.tile(level, (1, self.horizon, 1))
        if self.base:
            season = np.empty_like(last)
            self._season(frame, first, column, season, 0)
            last += season
        return last

    def _season(self, frame: Frame, first: np.ndarray, column: np.ndarray, out: np.ndarray, row: int) -> None:
        """Fill rows `row` on of `out` with the base of the horizon less the value at the step."""
        J, B = self.n_targets, len(first)
        level = np.empty((len(out), J, B), out.dtype)
        zeros = np.zeros((J, B), out.dtype)
        ones = zeros + out.dtype.type(1)
        gather(frame.target, first, column, zeros, ones, 0, level)
        for step in range(self.horizon):
            here = slice(row + step * J, row + (step + 1) * J)
            gather(frame.target, first + 1 + step % self.base - self.base, column, zeros, ones, here.start, out)
            out[:, here] -= level


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
