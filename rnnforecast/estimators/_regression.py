"""Ridge regression of one column in closed form, its penalty by blocked cross-validation.

N rows, S series, F known and P past covariates, n windows, H steps, D columns of the design.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from rnnforecast.estimators._design import Design, window_scale
from rnnforecast.estimators._recipe import Recipe, futures, relative_and_base, windows, worth_learning
from rnnforecast.estimators._reservoir import Echo
from rnnforecast.estimators._scales import means, of
from rnnforecast.network.readout import NormalEquations, chunks
from rnnforecast.scaling import Scaler
from rnnforecast.series.spans import Spans

COMPARED = 20_000  # windows at most whose cross-validated errors are kept

_Array = NDArray[np.float64]

_PENALTIES = (1e-5, 1e-4, 1e-3, 1e-2, 1e-1, 1.0, 10.0)
_SMALL_SAMPLE_PENALTY = 1e-2
_SMALL_SAMPLE = 200  # below this many windows cross-validation cannot tell penalties of lags apart
_FEWEST_WINDOWS = 8
_N_FOLDS = 5
_HANDICAP = 1.01  # of every regression against the base: no signal must give exactly the base
_SMALLEST_PENALTY = 1e-11  # keeps the Cholesky factor of collinear lags finite where alpha=0


class Regression:
    """The normal equations of one column, as a whole and with each fold left out.

    Windows exist only in chunks: memory grows with the square of D and not with n.

    Parameters
    ----------
    values : ndarray of shape (N,)
        The transformed column.
    known, past : ndarray of shape (rows, F), (rows, P)
    design : Design
    recipe : Recipe
    scaler : Scaler
        Of the column, (S, 1).
    spans : Spans
    importance : ndarray of shape (N,)
        What an error of each value counts.
    echo : Echo, optional
        A reservoir whose states are read too.
    """

    def __init__(
        self,
        values: _Array,
        known: _Array,
        past: _Array,
        design: Design,
        recipe: Recipe,
        scaler: Scaler,
        spans: Spans,
        importance: _Array,
        echo: Echo | None = None,
    ) -> None:
        self.values, self.known, self.past = values, known, past
        self.design, self.recipe, self.scaler, self.spans = design, recipe, scaler, spans
        self.importance, self.echo = importance, echo
        self.seen: NDArray[np.bool_] | None = None
        origins = spans.origins(recipe.lookback, design.horizon)
        self.origins = origins.at(np.arange(len(origins)))
        self.usable = design.usable()

    @property
    def n_windows(self) -> int:
        """Windows that are learnt from."""
        return len(self.origins)

    def leave_out(self, observed: NDArray[np.bool_]) -> None:
        """Keep windows that end, and most of whose futures are, where the column was `observed` (N,)."""
        self.origins = self.origins[worth_learning(observed, self.origins, self.design.horizon)]
        self.seen = observed
        self.importance = np.where(observed, self.importance, 0.0)  # an error against a guess says nothing

    def solve(self, penalty: float) -> _Array:
        """Return the weights, (D, H), of all windows."""
        if self.n_windows == 0:
            return np.zeros(self.usable.shape)
        (sums,) = self._sums([[(0, self.n_windows)]])
        return self._ridge(sums, penalty)

    def held_out_errors(self, penalty: float, stride: int) -> _Array:
        """Return cross-validated errors of every `stride`-th window, (n, H), the last one among them.

        They are transformed but for differences, which are added up, and zero where the truth is a guess. There are
        none where the windows are too few to be cut into folds, and of a long series only the newest.
        """
        horizon = self.design.horizon
        if self.n_windows < _FEWEST_WINDOWS:
            return np.zeros((0, horizon))
        kept = np.arange(self.n_windows - 1, -1, -stride)[:COMPARED][::-1]
        origins_kept, errors = self.origins[kept], np.empty((len(kept), horizon))
        for fold, (start, stop) in enumerate(self._edges):
            if stop <= kept[0]:
                continue
            weights = self._ridge(self._folds[fold], penalty) if np.isfinite(penalty) else np.zeros(self.usable.shape)
            for design, rest, scale, origins in self._pairs(max(start, int(kept[0])), stop):
                here = np.isin(origins, origins_kept)
                missed = (rest[here] - design[here] @ weights) * (scale if len(scale) == 1 else scale[here])
                errors[np.searchsorted(origins_kept, origins[here])] = missed
        errors = self.recipe.transform.added_up(errors[:, :, None])[:, :, 0]
        if self.seen is not None:
            errors[~self.seen[origins_kept[:, None] + np.arange(horizon)]] = 0.0
        return errors

    def best_penalty(self) -> float:
        """Return the penalty with the smallest cross-validated absolute error in original units."""
        if self.n_windows < _FEWEST_WINDOWS:
            return np.inf
        penalties = (*_PENALTIES, np.inf)
        errors = np.zeros(len(penalties))
        for (start, stop), sums in zip(self._edges, self._folds, strict=True):
            weights = np.stack([self._ridge(sums, penalty) for penalty in _PENALTIES], axis=1)
            errors += self._errors(start, stop, weights)
        errors[:-1] *= _HANDICAP
        if self.n_windows < _SMALL_SAMPLE and self.design.n_columns == self.design.lookback:
            usual = _PENALTIES.index(_SMALL_SAMPLE_PENALTY)
            return np.inf if errors[-1] < errors[usual] else _SMALL_SAMPLE_PENALTY
        return float(penalties[int(np.argmin(errors))])

    @cached_property
    def _edges(self) -> list[tuple[int, int]]:
        return _fold_edges(self.n_windows)

    @cached_property
    def _folds(self) -> list[NormalEquations]:
        """Normal equations without each fold."""
        return self._sums([_kept(start, stop, self.origins, self.design.horizon) for start, stop in self._edges])

    @cached_property
    def _states(self) -> _Array | None:
        """States (n, units) of the reservoir before each origin, if there is one."""
        if self.echo is None:
            return None
        return self.echo.after(self.values, self.known, self.past, self.origins - 1, self.spans)

    def _ridge(self, sums: NormalEquations, penalty: float) -> _Array:
        """Return the weights, (D, H), for a penalty in mean squares of a regressor."""
        return sums.solve(self.design.penalty(sums, max(penalty, _SMALLEST_PENALTY)), self.usable)

    def _pairs(self, start: int, stop: int) -> Iterator[tuple[_Array, _Array, _Array, NDArray[np.int64]]]:
        """Yield design (m, D), futures minus base (m, H), scales (m or 1, 1) and origins (m,), of windows start..stop.

        The futures are scaled.
        """
        lookback, horizon = self.recipe.lookback, self.design.horizon
        for part in chunks(start, stop, self.design.n_columns + horizon * (len(_PENALTIES) + 1)):
            origins = self.origins[part]
            window = windows(self.values, origins, lookback)
            scale = window_scale(window, of(self.scaler, self.spans.owners(origins)).scale, self.recipe)
            relative, base = relative_and_base(window, horizon, self.recipe.base)
            rest = (futures(self.values, origins, horizon) - base) / scale
            states = None if self._states is None else self._states[part]
            yield self.design.rows(relative / scale, self.known, self.past, origins, states), rest, scale, origins

    def _sums(self, groups: list[list[tuple[int, int]]]) -> list[NormalEquations]:
        """Return the normal equations of each group of window ranges; every window is laid out once."""
        sums = [NormalEquations.empty(*self.usable.shape) for _ in groups]
        cuts = sorted({edge for ranges in groups for span in ranges for edge in span})
        for start, stop in itertools.pairwise(cuts):
            members = [
                total
                for total, ranges in zip(sums, groups, strict=True)
                if any(low <= start and stop <= high for low, high in ranges)
            ]
            for design, rest, *_ in self._pairs(start, stop) if members else ():
                part = NormalEquations.of(design, rest)
                for total in members:
                    total += part
        return sums

    def _errors(self, start: int, stop: int, weights: _Array) -> _Array:
        """Return the summed absolute error for each penalty, then the base's; ``weights`` is (D, penalties, H)."""
        n_columns, n_penalties, horizon = weights.shape
        errors = np.zeros(n_penalties + 1)
        for design, rest, _, origins in self._pairs(start, stop):
            importance = futures(self.importance, origins, horizon)
            fitted = (design @ weights.reshape(n_columns, -1)).reshape(len(rest), n_penalties, horizon)
            missed = np.concatenate([fitted, np.zeros_like(rest[:, None])], axis=1) - rest[:, None]
            missed = self.recipe.transform.added_up(missed.swapaxes(1, 2))
            errors += np.einsum("nhp,nh->p", np.abs(missed), importance)
        return errors


def importance_of(sensitivity: _Array, spans: Spans, observed: NDArray[np.bool_] | None) -> _Array:
    """Return what an error of each transformed value counts, (N, K): to first order what it is in original units.

    An error of a logarithm is a share of the value. Of several series it is taken relative to the mean of its own one:
    a large one says no more than a small one.

    Parameters
    ----------
    sensitivity : ndarray of shape (N, K)
        The change of original values per unit of the pointwise part of the transform.
    spans : Spans
    observed : ndarray of shape (N, K), bool, or None
    """
    if len(spans) == 1:
        return sensitivity
    level = means(sensitivity, spans, observed)[spans.of_rows(len(sensitivity))]
    return sensitivity / np.where(level > 0, level, 1.0)


def _fold_edges(n_windows: int) -> list[tuple[int, int]]:
    """Return the half-open ranges of consecutive folds whose sizes differ by at most one."""
    folds = np.array_split(np.arange(n_windows), _N_FOLDS)
    return [(int(fold[0]), int(fold[-1]) + 1) for fold in folds]


def _kept(start: int, stop: int, origins: NDArray[np.int64], gap: int) -> list[tuple[int, int]]:
    """Return the ranges to train on: without the fold and its gaps, or without the fold alone if too few are left."""
    n_windows = len(origins)
    before = int(np.searchsorted(origins, origins[start] - gap))
    after = int(np.searchsorted(origins, origins[stop - 1] + gap, side="right"))
    if before + n_windows - after < _FEWEST_WINDOWS:
        before, after = start, stop
    return [(low, high) for low, high in ((0, before), (after, n_windows)) if low < high]
