"""What a time series is once it has been read, and the way back to pandas.

Axes: N rows, K targets, F covariates known in the future, P covariates known up to the forecast origin, S series.
"""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import pandas as pd

from rnnforecast.series.clock import Clock
from rnnforecast.series.spans import Spans


@dataclass(frozen=True, eq=False)
class Series:
    """A time series of one or several columns, or a panel of such series, with their covariates.

    Attributes
    ----------
    clock : Clock
        Row numbers to labels; the series of a panel share it.
    target : (N, K) float64 array
        What is forecast. The rows of a panel are those of its first series, then those of the second, and so on.
    known : (N, F) float64 array
        Covariates known in the future too; the calendar's columns last.
    past : (N, P) float64 array
        Covariates known up to the forecast origin.
    target_names, known_names, past_names : list
        Labels of the columns; a nameless target is None.
    one_dimensional : bool
        The target came as a Series or a flat sequence.
    feature_names : list of str or None
        The columns of X, when all of them are strings.
    n_features : int
        The number of columns of X.
    target_is_x : bool
        There was no y: X was the target.
    spans : Spans
        Which rows belong to which series.
    past_positions : tuple of int
        Columns of X that are past covariates.
    calendar : tuple of str
        Calendar fields encoded in the last columns of `known`.
    missing : str
        What is done about missing values.
    missing_values : tuple of float
        Numbers that stand for a missing value.
    observed : (N, K + P) bool array or None
        False where a target or past covariate was missing and has been filled in; None where nothing may be missing.
    n_before : (S,) int64 array
        Rows left out at the start, before the targets had begun.
    ids : Index of S labels or None
        The names of a panel's series; None for a series that came alone.
    static : DataFrame of S rows or None
        Covariates of the series themselves.
    """

    clock: Clock
    target: np.ndarray
    known: np.ndarray
    past: np.ndarray
    target_names: list[Hashable]
    known_names: list[str]
    past_names: list[str]
    one_dimensional: bool
    feature_names: list[str] | None
    n_features: int
    target_is_x: bool
    spans: Spans
    past_positions: tuple[int, ...] = ()
    calendar: tuple[str, ...] = ()
    missing: str = "error"
    missing_values: tuple[float, ...] = ()
    observed: np.ndarray | None = None
    n_before: np.ndarray = field(default_factory=lambda: np.zeros(1, np.int64))
    ids: pd.Index | None = None
    static: pd.DataFrame | None = None

    @property
    def n_rows(self) -> int:
        """Number of observed rows of all series, N."""
        return int(self.spans.lengths.sum())

    @property
    def seen(self) -> np.ndarray | None:
        """Which targets are no guesses, (N, K) bool; None where nothing may be missing."""
        return None if self.observed is None else self.observed[:, : self.target.shape[1]]

    @property
    def masked(self) -> np.ndarray | None:
        """`observed` where models are to be told, with ``missing="mask"``; else None."""
        return self.observed if self.missing == "mask" else None

    def head(self, n: Any) -> Series:
        """Return the first `n` rows; of a panel the first n (S,) of each series."""
        cut = replace(self.spans, lengths=np.broadcast_to(np.asarray(n, np.int64), self.spans.lengths.shape))
        rows = cut.inside()
        return replace(
            self,
            clock=self.clock.head(int(cut.lengths[0])) if self.ids is None else self.clock,
            target=self.target[rows],
            known=self.known[rows],
            past=self.past[rows],
            observed=None if self.observed is None else self.observed[rows],
            spans=cut.packed(),
        )

    def spaced(self, before: int, ahead: int = 0, future: np.ndarray | None = None) -> Series:
        """Return the series with room between them, so that no window of one reaches into another.

        Parameters
        ----------
        before : int
            Rows before every series but the first; they hold the values of its first row, observed or not.
        ahead : int
            Rows after every series but the last; they hold the values of its last row.
        future : (S, ahead, F) array, optional
            Known covariates of the rows after each series, the last one too.

        Returns
        -------
        series : Series
            A series that stands alone has the arrays it had, but for `known`, which the future makes longer.
        """
        spans = self.spans.spaced(before, ahead)
        target, known, past, observed = self.target, self.known, self.past, self.observed
        if len(spans) > 1:
            n_rows = int(spans.stops[-1])
            owner = spans.of_rows(n_rows)
            within = np.clip(np.arange(n_rows) - spans.starts[owner], 0, spans.lengths[owner] - 1)
            source = self.spans.starts[owner] + within
            target, known, past = target[source], known[source], past[source]
            observed = None if observed is None else observed[source]
        if future is not None:
            known = np.vstack([known[: spans.stops[-1]], future[-1]])
            known[spans.stops[:, None] + np.arange(ahead)] = future
        return replace(self, target=target, known=known, past=past, observed=observed, spans=spans)


def to_pandas(values: np.ndarray, index: pd.Index, series: Series) -> pd.Series | pd.DataFrame:
    """Label values (n, K) with `index` and the target's names: a Series if the target came as one, else a frame."""
    if series.one_dimensional:
        return pd.Series(np.array(values[:, 0]), index=index, name=series.target_names[0])
    return pd.DataFrame(np.array(values), index=index, columns=pd.Index(series.target_names))
