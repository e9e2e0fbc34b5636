"""A reservoir that reads a series from its beginning: nonlinear features of all its past for a closed-form readout.

An echo state network (Jaeger, 2001): the recurrent weights stay as they were drawn. N rows, H units, E origins.
"""

from __future__ import annotations

from dataclasses import dataclass
from numbers import Real
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.utils._param_validation import Interval, InvalidParameterError

from rnnforecast.kernels.cells import Cell, named
from rnnforecast.network.reservoir import Reservoir, ReservoirRun
from rnnforecast.scaling import Scaler, fit_scaler

CONSTRAINTS: dict[str, list[Any]] = {
    "spectral_radius": [Interval(Real, 0, None, closed="left")],
    "sparsity": [Interval(Real, 0, 1, closed="left")],
    "input_scaling": [Interval(Real, 0, None, closed="left")],
    "leak": [Interval(Real, 0, 1, closed="right"), tuple, list],
}
LONGEST_MEMORY = 20_000  # rows: what was read before has left the state to the last bit
LARGEST_INPUT = 6.0  # deviations; what is further out says nothing more to a tanh

_Array = NDArray[np.float64]


@dataclass(frozen=True)
class Drawing:
    """How the weights of a reservoir are drawn; parameters as in `rnnforecast.network.reservoir.random_weights`."""

    n_units: int = 100
    cell: str | Cell = "leaky"
    spectral_radius: float = 0.95
    sparsity: float = 0.9
    input_scaling: float = 0.5
    leak: tuple[float, ...] = (0.05, 0.2, 0.5, 1.0)
    seed: int = 0

    @property
    def scales(self) -> dict[str, Any]:
        """Arguments of `random_weights`."""
        return {
            "density": 1.0 - self.sparsity,
            "spectral_radius": self.spectral_radius,
            "input_scale": self.input_scaling,
            "leaks": self.leak,
        }

    def reservoir(self, n_inputs: int) -> Reservoir:
        """Draw one for so many inputs."""
        rng = np.random.default_rng(self.seed)
        return Reservoir(named(self.cell), n_inputs, self.n_units, np.float64, rng, **self.scales)


def drawing(estimator: Any, seed: int) -> Drawing:
    """Make a drawing of an estimator's parameters."""
    return Drawing(
        spectral_radius=float(estimator.spectral_radius),
        sparsity=float(estimator.sparsity),
        input_scaling=float(estimator.input_scaling),
        leak=tuple(np.atleast_1d(estimator.leak).tolist()),
        seed=seed,
    )


def check_reservoir(estimator: Any) -> None:
    """Refuse shares that are none, before any work."""
    shares = np.atleast_1d(np.asarray(estimator.leak, dtype=object))
    for share in shares:
        if isinstance(share, bool) or not isinstance(share, float | int) or not 0 < share <= 1:
            raise InvalidParameterError(f"leak must hold numbers above 0 and up to 1, got {share!r}")
    if not len(shares):
        raise InvalidParameterError("leak must hold at least one number above 0 and up to 1, got none")


class Echo:
    """The states of a reservoir that reads level and change of one column, and the covariates, row by row.

    Parameters
    ----------
    drawing : Drawing
    values : ndarray of shape (N,)
        Transformed training values of the column, on whose scale it reads.
    known_scaler, past_scaler : Scaler
        Of the covariates.
    """

    def __init__(self, drawing: Drawing, values: _Array, known_scaler: Scaler, past_scaler: Scaler):
        changes = np.diff(values, prepend=values[:1])
        self.scaler = fit_scaler(np.column_stack([values, changes]))
        self.known_scaler, self.past_scaler = known_scaler, past_scaler
        self.reservoir = drawing.reservoir(2 + len(known_scaler.scale) + len(past_scaler.scale))

    @property
    def n_units(self) -> int:
        """Units of the reservoir, H."""
        return self.reservoir.n_units

    def after(self, values: _Array, known: _Array, past: _Array, rows: NDArray[np.int64]) -> _Array:
        """Return the state after each of some rows.

        Parameters
        ----------
        values : ndarray of shape (N,)
            The transformed column.
        known, past : ndarray of shape (at least N, F), (at least N, P)
        rows : ndarray of int, shape (E,)
            Ascending, at most N - 1.

        Returns
        -------
        ndarray of shape (E, H)
        """
        start, stop = max(0, int(rows[0]) - LONGEST_MEMORY), int(rows[-1]) + 1
        before = values[max(start - 1, 0) : stop]
        changes = np.diff(before, prepend=values[:1]) if start == 0 else np.diff(before)
        x = self._inputs(values[start:stop], changes, known[start:stop], past[start:stop])[:, :, None]
        states, done = np.empty((len(rows), self.n_units)), 0
        for part, hidden in self.reservoir.start(1).pieces(np.ascontiguousarray(x)):
            until = done + int(np.searchsorted(rows[done:], start + part.stop))
            states[done:until] = hidden[rows[done:until] - start - part.start, :, 0]
            done = until
        return states

    def on(self, states: _Array, values: _Array, known: _Array, past: _Array) -> _Array:
        """Return the states after some more rows, of many sequences at once.

        Parameters
        ----------
        states : ndarray of shape (E, H)
        values : ndarray of shape (E, 1 + T)
            The last value that was read, and those to be read.
        known, past : ndarray of shape (E, T, F), (E, T, P)

        Returns
        -------
        ndarray of shape (E, H)
        """
        x = self._inputs(values[:, 1:], np.diff(values, axis=1), known, past)
        run = self.start(states)
        return run.read(np.ascontiguousarray(x.transpose(1, 2, 0)))[-1].T.copy()

    def start(self, states: _Array) -> ReservoirRun:
        """Begin to read E sequences in their `states` (E, H)."""
        run = self.reservoir.start(len(states))
        run.state[0] = states.T
        return run

    def input(self, before: float, value: float) -> _Array:
        """Return what goes in when a value is read after another, (1, 2, 1), where there are no covariates."""
        x = self.scaler.transform(np.array([value, value - before]))
        return np.clip(x, -LARGEST_INPUT, LARGEST_INPUT, out=x)[None, :, None]

    def _inputs(self, values: _Array, changes: _Array, known: _Array, past: _Array) -> _Array:
        """Return what goes in, (..., D), from values and changes (...) and covariates (..., F), (..., P)."""
        own = self.scaler.transform(np.stack([values, changes], axis=-1))
        x = np.concatenate([own, self.known_scaler.transform(known), self.past_scaler.transform(past)], axis=-1)
        return np.clip(x, -LARGEST_INPUT, LARGEST_INPUT)
