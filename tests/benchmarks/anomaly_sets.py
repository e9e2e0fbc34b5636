"""Labelled series that anomaly detectors are developed on, read from the folder in ``RNNFORECAST_DATA``.

Four sources; one that is not there is left out. Detectors are judged on whole series of n rows and learn from the first
``n_train`` of them:

* NASA: telemetry (column 0; the commands beside it are no target) of the test part of SMAP and MSL channels (Hundman et
  al., 2018). The first quarter is learnt from; channels with an anomaly in it are left out.
* NAB: artificial series with anomalies and advertisement exchange (Lavin and Ahmad, 2015). The rows of the windows are
  the labels, the first quarter is learnt from.
* NAB long: taxi passengers of New York and the ambient temperature of a system that failed, likewise.
* TODS: synthetic series with anomalies throughout, also in the half that is learnt from (Lai et al., 2021).

Series without any anomaly (NAB's artificial ones) are there for false alarms.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

CLEAN = "NAB without anomalies"


@dataclass(frozen=True)
class Labelled:
    """A series, its labels, and how much of it is learnt from.

    Parameters
    ----------
    source, name : str
    values : (n,) float
    labels : (n,) bool
    n_train : int
    index : Index or None
        Of NAB's series: time stamps, some of them twice.
    windows : list of [first, last]
        Of NAB's series, as text.
    """

    source: str
    name: str
    values: np.ndarray
    labels: np.ndarray
    n_train: int
    index: pd.Index | None = None
    windows: list[Any] = field(default_factory=list)

    def rows_far_from_labels(self, distance: int = 300) -> np.ndarray:
        """(n,) rows that are not learnt from, in which every alarm is false."""
        near = np.convolve(self.labels, np.ones(2 * distance + 1), "same") > 0.5
        return ~near & (np.arange(len(near)) >= self.n_train)


def folder() -> Path:
    """Return the data folder."""
    return Path(os.environ.get("RNNFORECAST_DATA", ".")) / "anomaly"


def nasa() -> Iterator[Labelled]:
    """Yield channels of SMAP and MSL."""
    with np.load(folder() / "nasa/channels.npz") as channels:
        for name in sorted({key.split("|")[0] for key in channels.files}):
            values, labels = channels[f"{name}|test"][:, 0].astype(float), channels[f"{name}|label"] > 0
            n_train = len(values) // 4
            if not labels[:n_train].any():
                yield Labelled("NASA", name, values, labels, n_train)


def nab_file(source: str, path: Path, windows: list[Any]) -> Labelled:
    """Read one of NAB's series."""
    table = pd.read_csv(path, parse_dates=["timestamp"], index_col="timestamp")["value"]
    labels = np.zeros(len(table), bool)
    for first, last in windows:
        labels |= (table.index >= pd.Timestamp(first)) & (table.index <= pd.Timestamp(last))
    return Labelled(source, path.stem, table.to_numpy(float), labels, len(table) // 4, table.index, windows)


def nab() -> Iterator[Labelled]:
    """Yield NAB's series, those without anomalies too."""
    windows = json.loads((folder() / "combined_windows.json").read_text())
    for path in sorted((folder() / "nab").glob("*/*.csv")):
        inside = windows[f"{path.parent.name}/{path.name}"]
        yield nab_file("NAB" if inside else CLEAN, path, inside)
    for path in sorted(folder().glob("*.csv")):
        yield nab_file("NAB long", path, next(value for key, value in windows.items() if key.endswith(path.name)))


def tods() -> Iterator[Labelled]:
    """Yield synthetic series."""
    with np.load(folder() / "tods.npz") as series:
        for name in sorted({key.split("|")[0] for key in series.files}):
            values, labels = series[f"{name}|x"].astype(float), np.zeros(len(series[f"{name}|x"]), bool)
            for first, last in series[f"{name}|events"]:
                labels[first : last + 1] = True
            yield Labelled("TODS", name, values, labels, int(series[f"{name}|ntrain"]))


def load() -> list[Labelled]:
    """Return all series that are there."""
    found: list[Labelled] = []
    for read in (nasa, nab, tods):
        try:
            found += read()
        except FileNotFoundError as absent:
            print(f"left out: {absent.filename} is not there; set RNNFORECAST_DATA")
    return found
