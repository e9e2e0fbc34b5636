"""What a network sees of a series: inputs, context and targets of windows that end at given origins.

A *sample* is an origin (the first row to be forecast) and a column of the target, or an origin alone where all columns
are forecast jointly. **J** is the number of target columns of a sample, **K** that of the frame.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from rnnforecast.kernels.windows import gather
from rnnforecast.network.heads import Head

STEPS_OF_SCALE = 4.0  # mean absolute differences that make about the deviation of a window
SMALLEST_DEVIATION = 1e-3  # of a window, in units of the whole series' scale: a flat window must not blow up


@dataclass(frozen=True)
class Frame:
    """Rows that windows are read from, scaled, C-contiguous, of the network's dtype.

    Parameters
    ----------
    target : (N, K)
    known : (N, F)
        Covariates known in the future too.
    past : (N, P)
        Covariates known up to the origin.
    observed : (N, K) or None
        1 where the target was observed, 0 where it is a guess that no loss counts; None where there are no guesses.
    age : (N, K) or None
        How long ago the target was last observed, 0 now to 1 never; None where the network is not told.
    static : (N, E), optional
        Covariates of the series that each row belongs to.
    """

    target: np.ndarray
    known: np.ndarray
    past: np.ndarray
    observed: np.ndarray | None = None
    age: np.ndarray | None = None
    static: np.ndarray | None = None


@dataclass(frozen=True)
class Normalised:
    """Inputs of a batch, and how to get back to the frame's units: ``y = out / factor + center``."""

    past: np.ndarray  # (T, D, B)
    context: np.ndarray  # (C, B)
    base: np.ndarray | None  # (H J, B), what the network's output is added to; None is zero
    center: np.ndarray  # (J, B)
    factor: np.ndarray  # (J, B)


@dataclass(frozen=True)
class Windows:
    """How windows are cut and normalised.

    Parameters
    ----------
    lookback, horizon : int
    n_targets : int
        J: 1 with one network for every column alone, K with joint columns.
    n_columns : int
        K.
    n_known, n_past : int
        F and P.
    base : int
        What the network corrects: 0 the last value, s > 0 the value of the season of length s before.
    norm : {"last", "difference", "standard", "count", None}
        Subtract the window's last value, and perhaps divide by its mean absolute difference, or subtract its mean and
        divide by its deviation, or divide by one plus its mean (Salinas et al., 2020), or leave it.
    recursive : bool
        Inputs for a decoder that is fed true values: they run on through the horizon but for its last step.
    marked : bool
        Each target comes with two more inputs: whether it was observed, and its age (Che et al., 2018, GRU-D).
    n_static : int
        E; they are the last inputs.
    head : Head or None
        The distribution that is forecast, P parameters for each value; None is the value itself, P = 1.
    """

    lookback: int
    horizon: int
    n_targets: int
    n_columns: int
    n_known: int
    n_past: int
    base: int = 0
    norm: str | None = "last"
    recursive: bool = False
    marked: bool = False
    n_static: int = 0
    head: Head | None = None

    @property
    def n_outputs(self) -> int:
        """J P: numbers forecast for each step."""
        return self.n_targets * (1 if self.head is None else self.head.n_parameters)

    @property
    def n_inputs(self) -> int:
        """D: rows of the inputs."""
        return self.n_targets * (3 if self.marked else 1) + self.n_known + self.n_past + self.n_static

    @property
    def n_context(self) -> int:
        """C: covariates of the horizon, the base, and which column it is; none for a recursive decoder."""
        if self.recursive:
            return 0
        which = self.n_columns if self.n_columns > self.n_targets else 0
        return self.horizon * (self.n_known + (self.n_targets if self.base else 0)) + which

    @property
    def n_steps(self) -> int:
        """T while training."""
        return self.lookback + (self.horizon - 1 if self.recursive else 0)

    def center_and_factor(self, frame: Frame, origin: np.ndarray, column: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """(J, B) each."""
        columns = column + np.arange(self.n_targets)[:, None]
        if self.norm == "last":
            center = frame.target[origin - 1, columns]
            return center, np.ones_like(center)
        if self.norm == "difference":
            return frame.target[origin - 1, columns], self._inverse_step(frame, origin, columns)
        if self.norm is None:
            zero = np.zeros(columns.shape, frame.target.dtype)
            return zero, np.ones_like(zero)
        rows = np.maximum(origin + np.arange(-self.lookback, 0)[:, None], 0)
        window = frame.target[rows[:, None, :], columns]
        if self.norm == "count":
            mean = window.mean(0)
            return np.zeros_like(mean), 1.0 / (1.0 + mean)
        return window.mean(0), 1.0 / np.maximum(window.std(0), SMALLEST_DEVIATION)

    def _inverse_step(self, frame: Frame, origin: np.ndarray, columns: np.ndarray) -> np.ndarray:
        """One over a few mean absolute differences of the windows, (J, B)."""
        rows = np.maximum(origin + np.arange(-self.lookback, 0)[:, None], 0)
        steps = np.abs(np.diff(frame.target[rows[:, None, :], columns], axis=0)).sum(0) / max(self.lookback - 1, 1)
        return 1.0 / np.maximum(steps * frame.target.dtype.type(STEPS_OF_SCALE), SMALLEST_DEVIATION)

    def read(self, frame: Frame, origin: np.ndarray, column: np.ndarray, n_steps: int | None = None) -> Normalised:
        """Read inputs for a batch.

        Parameters
        ----------
        frame : Frame
        origin, column : (B,) int64
            With joint columns, `column` is zero.
        n_steps : int, optional
            T; `lookback` for prediction with a recursive decoder, `self.n_steps` by default.
        """
        T = self.n_steps if n_steps is None else n_steps
        J, F, P, B, dtype = self.n_targets, self.n_known, self.n_past, len(origin), frame.target.dtype
        center, factor = self.center_and_factor(frame, origin, column)
        past = np.empty((T, self.n_inputs, B), dtype)
        first, zeroth = origin - self.lookback, np.zeros_like(column)
        gather(frame.target, first, column, center, factor, 0, past)
        if F:
            # A recursive decoder is told, with each value, the covariates of the step it is to forecast.
            gather(frame.known, first + self.recursive, zeroth, *_unit(F, B, dtype), J, past)
        if P:
            gather(frame.past, first, zeroth, *_unit(P, B, dtype), J + F, past)
        if self.marked:
            for k, marks in enumerate((frame.observed, frame.age)):
                gather(marks, first, column, *_unit(J, B, dtype), F + P + (k + 1) * J, past)
        if frame.static is not None and self.n_static:
            past[:, self.n_inputs - self.n_static :] = frame.static[origin - 1].T
        context, base = np.empty((self.n_context, B), dtype), None
        if not self.recursive:
            base = self._context(frame, origin, column, center, factor, context)
        return Normalised(past, context, base, center, factor)

    def _context(self, frame, origin, column, center, factor, context):
        """Fill `context`; return the part of it that is the base forecast."""
        H, J, F, B, base = self.horizon, self.n_targets, self.n_known, len(origin), None
        if F:
            gather(
                frame.known,
                origin,
                np.zeros_like(column),
                *_unit(F, B, context.dtype),
                0,
                context[: H * F].reshape(H, F, B),
            )
        if self.base:
            base = context[H * F : H * (F + J)]
            steps = base.reshape(H, J, B)
            gather(frame.target, origin - self.base, column, center, factor, 0, steps[: self.base])
            if self.base < H:  # the season goes round and round
                steps[self.base :] = steps[np.arange(self.base, H) % self.base]
        if self.n_columns > J:
            context[-self.n_columns :] = np.arange(self.n_columns)[:, None] == column
        return base

    def truth(self, frame: Frame, origin: np.ndarray, column: np.ndarray, read: Normalised) -> np.ndarray:
        """What the network's output should be, (H J, B): the values of the horizon, normalised, less the base.

        Counts stay as they are.
        """
        J, B = self.n_targets, len(origin)
        out = np.empty((self.horizon, J, B), frame.target.dtype)
        if self._counts:
            gather(frame.target, origin, column, *_unit(J, B, out.dtype), 0, out)
            return out.reshape(-1, B)
        gather(frame.target, origin, column, read.center, read.factor, 0, out)
        flat = out.reshape(-1, B)
        return flat if read.base is None else flat - read.base

    def guessed(self, frame: Frame, origin: np.ndarray, column: np.ndarray) -> np.ndarray | None:
        """Mask (H J, B) of the values of the horizon that were not observed; None where all were."""
        if frame.observed is None:
            return None
        rows = origin + np.arange(self.horizon)[:, None, None]
        columns = column + np.arange(self.n_targets)[:, None]
        return frame.observed[rows, columns].reshape(-1, len(origin)) == 0

    def linked(self, out: np.ndarray, read: Normalised) -> np.ndarray:
        """Output (H J P, B) as the loss wants it: the logarithm of a count's mean is told the window's scale."""
        if not self._counts:
            return out
        result = out.copy()
        log_means = result.reshape(self.horizon, self.n_targets, -1, out.shape[1])[:, :, 0]
        log_means -= np.log(read.factor)
        return result

    def restore(self, out: np.ndarray, read: Normalised) -> np.ndarray:
        """Forecast (H, J P, B) in the frame's units from the network's output (H J P, B)."""
        if self.head is not None:
            return self._parameters(self.head, out, read)
        total = out if read.base is None else out + read.base
        return total.reshape(-1, self.n_targets, out.shape[1]) / read.factor + read.center

    def _parameters(self, head: Head, out: np.ndarray, read: Normalised) -> np.ndarray:
        J, P, B = self.n_targets, head.n_parameters, out.shape[1]
        values = head.parameters(self.linked(out, read).reshape(-1, P, B)).reshape(-1, J, P, B)
        for k, kind in enumerate(head.kinds):
            if kind == "location":
                if read.base is not None:
                    values[:, :, k] += read.base.reshape(-1, J, B)
                values[:, :, k] = values[:, :, k] / read.factor + read.center
            elif kind == "scale":
                values[:, :, k] /= read.factor
        return values.reshape(-1, J * P, B)

    @property
    def _counts(self) -> bool:
        return self.head is not None and self.head.counts


def _unit(n_rows: int, n_sequences: int, dtype: np.dtype) -> tuple[np.ndarray, np.ndarray]:
    """Center and factor that change nothing."""
    return np.zeros((n_rows, n_sequences), dtype), np.ones((n_rows, n_sequences), dtype)
