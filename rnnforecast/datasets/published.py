"""What the files of public data sets hold, and whether they do."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any
from zipfile import BadZipFile

import numpy as np
import pandas as pd

from rnnforecast.datasets.loading import prices


def read(reader: Callable[..., Any], *paths: Path) -> Any:
    """Return what `reader` makes of the files, or say which are not the right ones."""
    try:
        return reader(*paths)
    except (ValueError, BadZipFile) as error:
        files, reason = " with ".join(map(str, paths)), str(error).splitlines()[0]
        raise ValueError(
            f"{files} is not what was published: {reason}; remove it to have it downloaded anew"
        ) from error


def _table(path: Path, *, index: str, form: str = "ISO8601") -> pd.DataFrame:
    """Return the numbers of a CSV file, as it is or in a ZIP archive, under the time stamps of its column `index`."""
    table = pd.read_csv(path)
    if index not in table:
        raise ValueError(f"expected a column {index}, got {', '.join(map(str, table.columns))}")
    table = table.set_index(index).astype(float)
    return table.set_axis(pd.to_datetime(table.index, format=form))


def _expect(table: pd.DataFrame, columns: Sequence[str], n_rows: int, first: str, last: str) -> pd.DataFrame:
    """Return `table`, or raise a ValueError if it has other columns, another length or other first and last stamps."""
    if list(table.columns) != list(columns):
        raise ValueError(f"expected columns {', '.join(columns)}, got {', '.join(map(str, table.columns))}")
    if len(table) != n_rows or table.index[0] != pd.Timestamp(first) or table.index[-1] != pd.Timestamp(last):
        span = f" from {table.index[0]} to {table.index[-1]}" if len(table) else ""
        raise ValueError(f"expected {n_rows} rows from {first} to {last}, got {len(table)}{span}")
    return table


def etth1(path: Path) -> pd.DataFrame:
    """Read the transformer's hours."""
    columns = ("HUFL", "HULL", "MUFL", "MULL", "LUFL", "LULL", "OT")
    table = _expect(_table(path, index="date"), columns, 17420, "2016-07-01 00:00", "2018-06-26 19:00")
    return table.asfreq("h")


def jena(path: Path) -> pd.DataFrame:
    """Read the weather of Jena; rows that are there twice once, and those that lack as NaN."""
    air = ("p (mbar)", "T (degC)", "Tpot (K)", "Tdew (degC)", "rh (%)", "VPmax (mbar)", "VPact (mbar)", "VPdef (mbar)")
    columns = (*air, "sh (g/kg)", "H2OC (mmol/mol)", "rho (g/m**3)", "wv (m/s)", "max. wv (m/s)", "wd (deg)")
    table = _table(path, index="Date Time", form="%d.%m.%Y %H:%M:%S")
    table = _expect(table, columns, 420551, "2009-01-01 00:10", "2017-01-01 00:00")
    once = table[~table.index.duplicated()].rename_axis(index="time")
    return once.replace(-9999.0, np.nan).asfreq("10min")


def stock(path: Path) -> pd.DataFrame:
    """Read the daily prices of a share."""
    columns = ("open", "high", "low", "close", "volume", "adj_close")
    return _expect(prices(path), columns, 3270, "2000-03-01", "2013-03-01")


def benchmark(path: Path, windows: Sequence[tuple[str, str]]) -> pd.DataFrame:
    """Read a series of the anomaly benchmark, which must surround the `windows` of its labels."""
    table = _table(path, index="timestamp")
    if list(table.columns) != ["value"] or not len(table) or not np.isfinite(table["value"]).all():
        raise ValueError("expected finite numbers in a column value")
    table.index = pd.DatetimeIndex(table.index, freq="infer")
    table["anomaly"] = 0
    for first, last in windows:
        inside = (table.index >= pd.Timestamp(first)) & (table.index <= pd.Timestamp(last))
        if not (table.index.min() <= pd.Timestamp(first) and pd.Timestamp(last) <= table.index.max()):
            raise ValueError(f"expected rows around the label from {first} to {last}")
        table.loc[inside, "anomaly"] = 1
    return table


def competition(known: Path, held_back: Path, *, n_series: int, horizon: int) -> tuple[pd.Series, pd.Series]:
    """Read the two files of the M4 competition as panels under (series, step)."""
    names, lengths, values = _ragged(known)
    later_names, horizons, later_values = _ragged(held_back)
    if len(set(names)) != n_series or not names.equals(later_names) or (horizons != horizon).any():
        raise ValueError(f"expected {n_series} series and {horizon} values of each held back")
    return _panel(names, np.zeros_like(lengths), lengths, values), _panel(names, lengths, horizons, later_values)


def _ragged(path: Path) -> tuple[pd.Index, np.ndarray, np.ndarray]:
    """Read a file with a series in each row, padded at its end: names, lengths (S,), and all values in turn."""
    names: list[str] = []
    lengths, values = [], []
    for rows in pd.read_csv(path, index_col=0, chunksize=1000):  # the monthly series at once were 1 GB of padding
        table = rows.to_numpy(dtype=float)
        names.extend(rows.index)
        lengths.append((~np.isnan(table)).sum(axis=1))
        values.append(table[~np.isnan(table)])
    return pd.Index(names), np.concatenate(lengths), np.concatenate(values)


def _panel(names: pd.Index, first: np.ndarray, lengths: np.ndarray, values: np.ndarray) -> pd.Series:
    """Return a sorted panel of series that begin at steps `first` (S,)."""
    start = np.cumsum(lengths) - lengths  # the place of each series in `values`
    step = np.arange(len(values)) - np.repeat(start - first, lengths)
    index = pd.MultiIndex.from_arrays([names.repeat(lengths), step], names=["series", "step"])
    return pd.Series(values, index, name="value").sort_index()
