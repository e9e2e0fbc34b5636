"""A panel in partitions, long tables that each have all rows of their series: what they tell before a training.

S series, n windows.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from rnnforecast.estimators._distributions import require_counts
from rnnforecast.network.heads import COUNTS
from rnnforecast.series import Series, from_long
from rnnforecast.series.labels import names_text

MOST_SERIES_OF_A_SAMPLE = 100  # as many as a fit in one place asks for its recipe

_Numbers = NDArray[np.int64]


@dataclass(frozen=True)
class Columns:
    """Which columns of a long table, a row for each series and time, hold what; see `rnnforecast.from_long`."""

    id: Any
    time: Any
    target: Any

    def read(self, forecaster: Any, *tables: pd.DataFrame) -> Series:
        """Return the series of tables as the forecaster reads them."""
        flat = pd.concat([self._flat(table) for table in tables if len(table)])
        if self.time in flat.columns:
            flat = flat.sort_values(self.time, kind="stable")  # whatever brought the rows of a series together
        return forecaster._read(*from_long(flat, self.id, self.time, self.target))

    def pick(self, names: pd.Index, table: pd.DataFrame) -> pd.DataFrame:
        """Return the rows of some series."""
        flat = self._flat(table)
        return flat[flat[self.id].isin(names)]

    def _flat(self, table: pd.DataFrame) -> pd.DataFrame:
        """Return the table with its index as columns, where that names the series or the times."""
        missing = {self.id, self.time} - set(table.columns)
        return table.reset_index() if missing and missing <= set(table.index.names) else table


class Survey(NamedTuple):
    """What a partition tells of its series (S,) before anything is learnt.

    Attributes
    ----------
    ids : Index of S labels
    lengths : ndarray of shape (S,), int64
    lowest : ndarray of shape (S,)
        Smallest value of any target.
    step : str
        Of the index.
    """

    ids: pd.Index
    lengths: _Numbers
    lowest: NDArray[np.float64]
    step: str


def survey(forecaster: Any, columns: Columns, table: pd.DataFrame) -> Survey | None:
    """Read a partition and return what it tells; None of an empty one."""
    if not isinstance(table, pd.DataFrame):
        raise TypeError(
            f"each partition must be a pandas DataFrame, a row for each series and time, got {type(table).__name__}"
        )
    if not len(table):
        return None
    series = columns.read(forecaster, table)
    if forecaster.loss in COUNTS:
        require_counts(series, forecaster.loss)
    lowest = np.minimum.reduceat(series.target, series.spans.starts).min(axis=1)
    step = series.clock.step
    assert series.ids is not None
    return Survey(series.ids, series.spans.lengths, lowest, str(step if isinstance(step, int) else step.freqstr))


class Panel:
    """The series of all partitions, in the order that they would have in one place.

    Parameters
    ----------
    surveys : list of Survey

    Attributes
    ----------
    ids : Index of S labels
        Sorted.
    lengths : ndarray of shape (S,), int64
    place : ndarray of shape (S,), int64
        Number of the partition of each series.

    Raises
    ------
    ValueError
        A series that is in two partitions, partitions of different steps, or none.
    """

    def __init__(self, surveys: list[Survey]):
        if not surveys:
            raise ValueError("partitions must hold at least one row, got empty tables only; check how they were read")
        steps = list(dict.fromkeys(survey.step for survey in surveys))
        if len(steps) > 1:
            raise ValueError(
                f"all series must share one step, but partitions have the steps {', '.join(steps)}; resample them, or "
                "pass freq= to the forecaster"
            )
        ids = surveys[0].ids.append([survey.ids for survey in surveys[1:]])
        if not ids.is_unique:
            raise ValueError(
                f"each series must lie in one partition, but {names_text(ids[ids.duplicated()].unique())} lie in "
                "several; partition the table by series, a Dask frame with set_index on the series' names"
            )
        order = np.asarray(ids.argsort())
        self.ids = ids[order]
        self.lengths = np.concatenate([survey.lengths for survey in surveys])[order]
        self._lowest = np.concatenate([survey.lowest for survey in surveys])[order]
        self.place = np.repeat(np.arange(len(surveys)), [len(survey.ids) for survey in surveys])[order]

    def sample(self) -> _Numbers:
        """Return the numbers of some series, spread evenly, with the shortest and the one of the lowest value."""
        spread = np.linspace(0, len(self.ids) - 1, MOST_SERIES_OF_A_SAMPLE).astype(np.int64)
        return np.unique([*spread, self.lengths.argmin(), self._lowest.argmin()])


class Numbering:
    """Windows of all series, numbered as in one place: by column, series and time.

    Parameters
    ----------
    panel : Panel
    counts : ndarray of shape (S,), int64
        Origins of windows in each series.
    """

    def __init__(self, panel: Panel, counts: _Numbers):
        self._place, self._stops = panel.place, np.cumsum(counts)
        self._starts = self._stops - counts
        by_place = np.argsort(panel.place, kind="stable")
        self.of_places = np.bincount(panel.place, counts).astype(np.int64)
        before = np.cumsum(counts[by_place]) - counts[by_place]
        self._local = np.empty_like(before)  # first origin of each series among those of its place
        self._local[by_place] = before - (np.cumsum(self.of_places) - self.of_places)[panel.place[by_place]]

    def __len__(self) -> int:
        """Return how many origins there are."""
        return int(self._stops[-1])

    def locate(self, numbers: _Numbers) -> tuple[_Numbers, _Numbers]:
        """Return the place of windows (n,) and the numbers (n,) that they have there."""
        column, origin = np.divmod(numbers, len(self))
        owner = np.searchsorted(self._stops, origin, side="right")
        place = self._place[owner]
        return place, column * self.of_places[place] + self._local[owner] + origin - self._starts[owner]
