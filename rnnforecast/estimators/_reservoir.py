"""A reservoir that reads a series from its beginning: nonlinear features of all its past for a closed-form readout.

An echo state network (Jaeger, 2001): the recurrent weights stay as they were drawn. N rows, H units, E origins, F known
and P past covariates.
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
from rnnforecast.series.spans import Spans

CONSTRAINTS: dict[str, list[Any]] = {
    "spectral_radius": [Interval(Real, 0, None, closed="left")],
    "sparsity": [Interval(Real, 0, 1, closed="left")],
    "input_scaling": [Interval(Real, 0, None, closed="left")],
    "leak": [Interval(Real, 0, 1, closed="right"), tuple, list],
}
LONGEST_MEMORY = 20_000  # rows: what was read before has left the state to the last bit
NEWEST = 100_000  # rows learnt from: a hundred for each of a thousand regressors; states of a hundred units take 80 MB
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
        return Reservoir.random(named(self.cell), n_inputs, self.n_units, np.float64, rng, **self.scales)


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
    observed : ndarray of shape (N,), bool, optional
        Values that are no guesses.
    """

    def __init__(
        self,
        drawing: Drawing,
        values: _Array,
        known_scaler: Scaler,
        past_scaler: Scaler,
        observed: NDArray[np.bool_] | None = None,
    ):
        self.scaler = _scaler(values, observed)
        self.known_scaler, self.past_scaler = known_scaler, past_scaler
        self.reservoir = drawing.reservoir(2 + len(known_scaler.scale) + len(past_scaler.scale))

    @property
    def n_units(self) -> int:
        """Units of the reservoir, H."""
        return self.reservoir.n_units

    def reading(self, values: _Array, known: _Array, past: _Array, origins: NDArray[np.int64], spans: Spans) -> Reading:
        """Read up to each of some origins (E,), in any order; see `after`."""
        rows, which = np.unique(origins - 1, return_inverse=True)
        states, scaler = self.after(values, known, past, rows, spans)[which], self.scaler
        if (spans.members < 0).any():
            each = [self._scaler_of(series, values, spans) for series in range(len(spans))]
            parts = np.array([(one.origin, one.offset, one.scale) for one in each])[spans.owners(origins)]
            scaler = Scaler(*parts.swapaxes(0, 1)[:, :, None])
        return Reading(self, scaler, states, values[origins - 1], known, past, origins)

    def after(
        self, values: _Array, known: _Array, past: _Array, rows: NDArray[np.int64], spans: Spans | None = None
    ) -> _Array:
        """Return the state after each of some rows.

        Parameters
        ----------
        values : ndarray of shape (N,)
            The transformed column.
        known, past : ndarray of shape (at least N, F), (at least N, P)
        rows : ndarray of int, shape (E,)
            Ascending, at most N - 1.
        spans : Spans, optional
            Which rows belong to which series; each begins with a state of zeros.

        Returns
        -------
        ndarray of shape (E, H)
        """
        spans = Spans.one(len(values)) if spans is None else spans
        if len(spans) == 1:
            return self._after(values, known, past, rows, spans, 0)
        states, owners = np.empty((len(rows), self.n_units)), spans.owners(rows + 1)
        for series in np.unique(owners):
            own = owners == series
            states[own] = self._after(values, known, past, rows[own], spans, int(series))
        return states

    def _after(
        self, values: _Array, known: _Array, past: _Array, rows: NDArray[np.int64], spans: Spans, series: int
    ) -> _Array:
        begin = int(spans.starts[series])
        start, stop = max(begin, int(rows[0]) - LONGEST_MEMORY), int(rows[-1]) + 1
        changes = np.diff(values[start:stop], prepend=values[max(start - 1, begin)])
        scaler = self._scaler_of(series, values, spans)
        x = self.inputs(scaler, values[start:stop], changes, known[start:stop], past[start:stop])[:, :, None]
        states, done = np.empty((len(rows), self.n_units)), 0
        for part, hidden in self.reservoir.start(1).pieces(np.ascontiguousarray(x)):
            until = done + int(np.searchsorted(rows[done:], start + part.stop))
            states[done:until] = hidden[rows[done:until] - start - part.start, :, 0]
            done = until
        return states

    def on(self, states: _Array, values: _Array, known: _Array, past: _Array, scaler: Scaler | None = None) -> _Array:
        """Return the states after some more rows, of many sequences at once.

        Parameters
        ----------
        states : ndarray of shape (E, H)
        values : ndarray of shape (E, 1 + T)
            The last value that was read, and those to be read.
        known, past : ndarray of shape (E, T, F), (E, T, P)
        scaler : Scaler, optional
            Of level and change, (E, 1, 2), where the sequences are not those that were learnt from.

        Returns
        -------
        ndarray of shape (E, H)
        """
        scaler = self.scaler if scaler is None else scaler
        x = self.inputs(scaler, values[:, 1:], np.diff(values, axis=1), known, past)
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

    def _scaler_of(self, series: int, values: _Array, spans: Spans) -> Scaler:
        """Return the scaler of level and change of a series: one never seen has its own."""
        if spans.members[series] >= 0:
            return self.scaler
        return _scaler(values[spans.starts[series] : spans.stops[series]])

    def inputs(self, scaler: Scaler, values: _Array, changes: _Array, known: _Array, past: _Array) -> _Array:
        """Return what goes in, (..., D), from values and changes (...) and covariates (..., F), (..., P)."""
        own = scaler.transform(np.stack([values, changes], axis=-1))
        x = np.concatenate([own, self.known_scaler.transform(known), self.past_scaler.transform(past)], axis=-1)
        return np.clip(x, -LARGEST_INPUT, LARGEST_INPUT)


class Reading:
    """A reservoir that has read up to some origins, and goes on over forecasts from there.

    Parameters
    ----------
    echo : Echo
    scaler : Scaler
        Of level and change: (2,), or (E, 1, 2).
    states : ndarray of shape (E, H)
        After the rows before the origins.
    last : ndarray of shape (E,)
        The values there.
    known, past : ndarray of shape (rows, F), (rows, P)
        Covariates; those after the last row repeat it, as do past ones after the one before an origin.
    origins : ndarray of int, shape (E,)

    Attributes
    ----------
    states : ndarray of shape (E, H)
        After the last row that was read.
    """

    def __init__(
        self,
        echo: Echo,
        scaler: Scaler,
        states: _Array,
        last: _Array,
        known: _Array,
        past: _Array,
        origins: NDArray[np.int64],
    ):
        self.echo, self.scaler, self.states = echo, scaler, states
        self.known, self.past, self.origins = known, past, origins[:, None]
        self._last, self._n_read = last[:, None], 0

    def go_on(self, block: _Array) -> None:
        """Read the next T values (E, T) of each sequence."""
        rows = self.origins + self._n_read + np.arange(block.shape[1])
        known = self.known[np.minimum(rows, len(self.known) - 1)]
        past = self.past[np.minimum(rows, self.origins - 1)]
        values = np.concatenate([self._last, block], axis=1)
        self.states = self.echo.on(self.states, values, known, past, self.scaler)
        self._last, self._n_read = block[:, -1:], self._n_read + block.shape[1]


def _scaler(values: _Array, observed: NDArray[np.bool_] | None = None) -> Scaler:
    """Learn to scale levels (N,) and their changes."""
    pairs = np.column_stack([values, np.diff(values, prepend=values[:1])])
    return fit_scaler(pairs, observed=None if observed is None else np.column_stack([observed, observed]))
