"""Files of the command line: CSV and Parquet in, CSV out, ``-`` for standard input and output.

Whatever has to be guessed about a CSV file (separator, decimal comma, order of day and month) is guessed from all rows
and said; where the rows allow two readings, none is chosen.
"""

from __future__ import annotations

import csv
import io
import re
import sys
import warnings
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pandas as pd
from pandas.tseries.api import guess_datetime_format

_SEPARATORS = ",;\t|"
_SAMPLE = 65_536  # characters that show the separator
_COMMA_NUMBER = re.compile(r"[+-]?\d+(,\d+)?([eE][+-]?\d+)?")


class DataError(ValueError):
    """A file that cannot be read as asked, in one sentence."""


def read_table(
    source: str,
    time: str | None,
    *,
    separator: str | None = None,
    decimal: str | None = None,
    date_format: str | None = None,
    series: str | None = None,
    say: Callable[[str], None] = lambda sentence: None,
) -> pd.DataFrame:
    """Read a file as a frame on its time axis.

    Parameters
    ----------
    source : str
        Path of a CSV or Parquet file, or ``-`` for CSV from standard input.
    time : str or None
        Column of the time stamps; the first one that can be read as dates if None.
    separator, decimal, date_format : str, optional
        What is not to be guessed.
    series : str, optional
        Column that names the series of each row, for a panel.
    say : callable
        Told in a sentence what was guessed.

    Returns
    -------
    DataFrame
        Sorted by time, indexed by it, or by (series, time).

    Raises
    ------
    DataError
        In one sentence, with the row and the option that helps.
    """
    if source.endswith((".parquet", ".pq")):
        frame = _read_parquet(source)
    else:
        frame = _read_csv(source, separator, decimal, series, say)
    if len(frame) == 0:
        raise DataError(f"{source} has no rows")
    if isinstance(frame.index, pd.DatetimeIndex | pd.PeriodIndex) and time is None:
        time = str(frame.index.name or "time")
    if isinstance(frame.index, pd.MultiIndex) or (time is not None and time == frame.index.name):
        frame = frame.reset_index()
    column = _time_column(frame, time, source, date_format)
    stamps = _stamps(frame[column], date_format, say)
    rest = frame.drop(columns=column)
    if series is None:
        table = rest.set_index(pd.Index(stamps, name=column))
    else:
        _require_columns(frame, [series], source)
        if series == column:
            raise DataError(f"{series!r} cannot name both series and time stamps; name another with --id or --time")
        keys = rest.pop(series)
        nameless = keys.isna()
        if nameless.any():
            raise DataError(
                f"column {series!r} names no series in line {_line(nameless)}, where it is empty or a word that stands "
                "for nothing, such as NA; fill it in or delete the row"
            )
        table = rest.set_index(pd.MultiIndex.from_arrays([keys, stamps], names=[series, column]))
    if not table.index.is_monotonic_increasing:
        say(f"the rows were not in the order of {'time' if series is None else 'series and time'} and have been sorted")
        table = table.sort_index(kind="stable")
    return table


def pick(table: pd.DataFrame, columns: Sequence[str], source: str) -> pd.DataFrame:
    """Return columns as numbers.

    Raises
    ------
    DataError
        A column that is not there, or whose entries are no numbers; the first one is shown with its row.
    """
    _require_columns(table, columns, source)
    return pd.DataFrame({name: _numbers(table[name], name) for name in columns}, index=table.index)


def numeric_columns(table: pd.DataFrame) -> list[str]:
    """Return the names of the columns that hold numbers."""
    return [str(name) for name in table.columns if pd.api.types.is_numeric_dtype(table[name])]


def write_table(table: pd.DataFrame | pd.Series, out: str) -> None:
    """Write a table with its index as CSV to a path, or to standard output for ``-``."""
    table.to_csv(sys.stdout if out == "-" else out)


def _read_csv(
    source: str, separator: str | None, decimal: str | None, series: str | None, say: Callable[[str], None]
) -> pd.DataFrame:
    """Read text as a frame, in which the names of series stay as they are written, such as 007."""
    try:
        if source == "-":
            text = sys.stdin.read()
        else:
            with open(source, encoding="utf-8-sig", newline="") as file:
                text = file.read()
    except FileNotFoundError:
        raise DataError(f"there is no file {source!r}") from None
    except (OSError, UnicodeDecodeError) as error:
        raise DataError(f"{source} cannot be read as text: {error}") from error
    if not text.strip():
        raise DataError(f"{source} is empty")
    if separator is None:
        separator = _separator(text[:_SAMPLE])
        if separator != ",":
            say(f"columns are separated by {'tabs' if separator == chr(9) else separator!r}")
    if decimal is None:
        decimal = "." if separator == "," else _decimal(text, separator)
        if decimal == ",":
            say("numbers are written with a decimal comma")
    try:
        kinds: Any = None if series is None else {series: str}
        return pd.read_csv(io.StringIO(text), sep=separator, decimal=decimal, dtype=kinds)
    except (pd.errors.ParserError, pd.errors.EmptyDataError, ValueError) as error:
        raise DataError(f"{source} is no table: {error}; name the separator with --separator") from error


def _separator(sample: str) -> str:
    """Return the character that separates columns; a single column has none, and a comma does no harm."""
    try:
        return csv.Sniffer().sniff(sample, _SEPARATORS).delimiter
    except csv.Error:
        return ","


def _decimal(text: str, separator: str) -> str:
    """Return the decimal sign: a comma if whole columns can be read as numbers in no other way."""
    table = pd.read_csv(io.StringIO(text), sep=separator, dtype=str)
    for name in table.columns:
        words = table[name].dropna().str.strip()
        if (
            len(words)
            and words.str.contains(",").any()
            and words.map(lambda word: bool(_COMMA_NUMBER.fullmatch(word))).all()
        ):
            return ","
    return "."


def _read_parquet(source: str) -> pd.DataFrame:
    try:
        return pd.read_parquet(source)
    except ImportError as error:
        raise DataError("Parquet needs the package pyarrow; install it, or give a CSV file") from error
    except FileNotFoundError:
        raise DataError(f"there is no file {source!r}") from None
    except (OSError, ValueError) as error:
        raise DataError(f"{source} cannot be read as Parquet: {error}") from error


def _require_columns(table: pd.DataFrame, columns: Sequence[str], source: str) -> None:
    absent = [name for name in columns if name not in table.columns]
    if absent:
        raise DataError(
            f"{source} has no column {', '.join(map(repr, absent))}; it has {', '.join(map(str, table.columns))}"
        )


def _time_column(frame: pd.DataFrame, time: str | None, source: str, date_format: str | None) -> str:
    """Return the given column, or the first whose first entry reads as a date."""
    if time is not None:
        _require_columns(frame, [time], source)
        return time
    for name in frame.columns:
        values = frame[name].dropna()
        if pd.api.types.is_datetime64_any_dtype(values.dtype):
            return str(name)
        if len(values) and isinstance(values.iloc[0], str) and _formats(values.iloc[0], date_format):
            return str(name)
    raise DataError(f"no column of {source} holds dates; name the one of the time stamps with --time")


def _stamps(values: pd.Series, date_format: str | None, say: Callable[[str], None]) -> pd.Index:
    """Read a column as dates, or as row numbers where it holds integers."""
    if values.isna().any():
        raise DataError(
            f"column {values.name!r} has no time stamp in line {_line(values.isna())}; fill it in or delete the row"
        )
    if not isinstance(values.iloc[0], str):
        if pd.api.types.is_float_dtype(values.dtype):
            raise DataError(
                f"column {values.name!r} holds numbers like {values.iloc[0]!r}, not dates; name another with --time"
            )
        return pd.Index(values)
    words = values.astype(str).str.strip()
    formats = _formats(words.iloc[0], date_format)
    if not formats:
        raise DataError(f"{words.iloc[0]!r} in column {values.name!r} is no date; give its form with --date-format")
    readings = {form: pd.to_datetime(words, format=form, errors="coerce", utc=_has_offset(words)) for form in formats}
    whole = {form: stamps for form, stamps in readings.items() if not stamps.isna().any()}
    if not whole:
        form, stamps = max(readings.items(), key=lambda reading: int(reading[1].notna().sum()))
        row = int(np.flatnonzero(stamps.isna())[0])
        raise DataError(
            f"{words.iloc[row]!r} in line {row + 2}, column {values.name!r}, is no date of the form {form}; "
            "correct it, or give the form with --date-format"
        )
    form, stamps = next(iter(whole.items()))
    if len(whole) > 1:
        other, others = list(whole.items())[1]
        if not stamps.equals(others) and "." not in words.iloc[0]:
            raise DataError(
                f"the dates of column {values.name!r}, such as {words.iloc[0]!r}, could be {form} as well as {other}; "
                "choose with --date-format"
            )
    if form != "ISO8601" and date_format is None:
        say(f"dates are read as {form}: {words.iloc[0]!r} is {stamps.iloc[0]}")
    return pd.DatetimeIndex(stamps)


def _formats(word: str, date_format: str | None) -> list[str]:
    """Return the forms in which a word may be a date; the day comes first where a point follows it."""
    if date_format is not None:
        return [date_format]
    if not re.search(r"\d", word):
        return []
    try:
        pd.to_datetime(word, format="ISO8601")
    except ValueError:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", UserWarning)  # that the word shows another order than the day first
            form = guess_datetime_format(word, dayfirst=True)
        if form is None:
            return []
        # A day above 12 shows the order; one below does not, and both are tried on all rows.
        swapped = form.replace("%d", "%?").replace("%m", "%d").replace("%?", "%m")
        return list(dict.fromkeys(sorted([form, swapped], key=lambda each: not each.startswith("%d"))))
    return ["ISO8601"]


def _has_offset(words: pd.Series) -> bool:
    """Tell whether stamps name their distance from UTC, which may change with the season."""
    return bool(words.str.contains(r"(?:Z|[+-]\d\d:?\d\d)$").all())


def _numbers(column: pd.Series, name: str) -> pd.Series:
    if pd.api.types.is_numeric_dtype(column.dtype):
        return column
    values = pd.to_numeric(column, errors="coerce")
    wrong = values.isna() & column.notna()
    if wrong.any():
        raise DataError(
            f"{column[wrong].iloc[0]!r} in line {_line(wrong)}, column {name!r}, is no number; "
            "correct it, or give the decimal sign with --decimal"
        )
    return values


def _line(mask: Any) -> int:
    """Return the line of a CSV file, its header being line 1, of the first true row."""
    return int(np.flatnonzero(np.asarray(mask))[0]) + 2
