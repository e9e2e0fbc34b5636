"""Whatever holds numbers in rows and columns, as float64: the conversion that never guesses.

NumPy and pandas turn numeric strings, dates, complex numbers and masked entries into floats without a word; each of
these is recognised here and either converted to what it means or refused by name and place.
"""

from __future__ import annotations

import datetime
import numbers
import re
import warnings
from collections.abc import Callable, Hashable, Iterator, Mapping, Sequence, Set
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from rnnforecast.series.labels import label_text

_EXACT_INTEGERS = 2**53  # above it float64 no longer tells neighbours apart
_NOT_ROWS = (str, bytes, Mapping, Set, Iterator, numbers.Number, np.generic, type)
_DATES = (datetime.date, datetime.time, datetime.timedelta, np.datetime64, np.timedelta64, pd.Period)
_COMMA = re.compile(r"[+-]?\d+,\d+")
_DATE = re.compile(r"\d{4}-\d\d?-\d\d?|\d\d?[./]\d\d?[./]\d{2,4}")
_IS_MISSING = (type(None), type(pd.NA), type(pd.NaT))


@dataclass(frozen=True, eq=False)
class Table:
    """Rows and columns of numbers as they came.

    Attributes
    ----------
    values : (N, K) float64 array
        A fresh C-contiguous copy; NaN marks what is missing.
    columns : list of K labels
        The caller's column labels, or 0..K-1; None for a nameless column.
    index : Index or None
        The caller's row labels; None for containers that have none.
    one_dimensional : bool
        The container was a Series or a flat sequence.
    labelled : bool
        The column labels are the caller's own.
    """

    values: np.ndarray
    columns: list[Hashable]
    index: pd.Index | None
    one_dimensional: bool
    labelled: bool


def read_table(data: Any, name: str) -> Table:
    """Convert any container of numbers.

    Parameters
    ----------
    data : Series, DataFrame, sequence or array, (N,) or (N, K)
        Objects with ``to_pandas`` or ``__array__`` are accepted as well.
    name : str
        The argument's name in messages: "X", "y".

    Raises
    ------
    TypeError
        A container or dtype that does not hold numbers in rows.
    ValueError
        Strings, categories, complex numbers, ragged or empty containers.
    """
    frame = _as_pandas(data)
    index = _own_index(data, frame)
    if isinstance(frame, pd.DataFrame):
        return _read_frame(frame, name, index)
    if isinstance(frame, pd.Series):
        _require_rows(frame.shape, name)
        values = _column(frame, name, None, index)
        return Table(values[:, None], [frame.name], index, True, frame.name is not None)
    array = _as_array(frame, name)
    values = _numbers(array, name, lambda row, column: _place(row, column if array.ndim == 2 else None))
    flat = values.ndim == 1
    values = values[:, None] if flat else values
    columns: list[Hashable] = [None] if flat else list(range(values.shape[1]))
    return Table(np.ascontiguousarray(values), columns, None, flat, False)


def index_of(data: Any) -> pd.Index | None:
    """Return the row labels of `data`; None for a container without an index.

    Containers with ``to_pandas`` whose conversion makes nothing but a RangeIndex had no row labels of their own.
    """
    return _own_index(data, _as_pandas(data))


def array_of(data: Any, name: str) -> np.ndarray:
    """Return what `data` holds as an array of any shape and dtype.

    Raises
    ------
    TypeError
        Tensors that live elsewhere or carry gradients, and whatever else cannot be read.
    """
    try:
        return np.asarray(data)
    except (TypeError, ValueError, RuntimeError) as error:  # they refuse in many ways
        raise TypeError(f"{name} of type {type(data).__name__} cannot be read as an array: {error}") from error


def _own_index(data: Any, frame: Any) -> pd.Index | None:
    if not isinstance(frame, pd.Series | pd.DataFrame):
        return None
    return None if frame is not data and isinstance(frame.index, pd.RangeIndex) else frame.index


def _as_pandas(data: Any) -> Any:
    """Return pandas data as it is, foreign frames converted, anything else untouched."""
    if isinstance(data, pd.Index | pd.api.extensions.ExtensionArray):
        return pd.Series(data)
    if isinstance(data, pd.Series | pd.DataFrame) or not hasattr(data, "to_pandas") or isinstance(data, type):
        return data
    try:
        return data.to_pandas()
    except ImportError:  # polars needs pyarrow for it
        columns = getattr(data, "columns", None)
        return data if columns is None else pd.DataFrame(np.asarray(data), columns=list(columns))


def _read_frame(frame: pd.DataFrame, name: str, index: pd.Index | None) -> Table:
    if not frame.columns.is_unique:
        repeated = sorted({str(label) for label in frame.columns[frame.columns.duplicated()]})
        raise ValueError(
            f"{name} must have distinct column names, got {', '.join(repeated)} more than once; rename the columns"
        )
    _require_rows(frame.shape, name)
    values = np.empty(frame.shape)
    for position, label in enumerate(frame.columns):
        values[:, position] = _column(frame.iloc[:, position], name, label, index)
    return Table(values, list(frame.columns), index, False, True)


def _column(series: pd.Series, name: str, label: Hashable, index: pd.Index | None) -> np.ndarray:
    """Convert one pandas column to a fresh array (N,) of float64."""
    if isinstance(series.dtype, pd.CategoricalDtype):
        raise ValueError(
            f"{name}{'' if label is None else f', column {label!r},'} must hold numbers, got categories; "
            "encode them first, for instance with pd.get_dummies, or convert numeric ones with astype(float)"
        )
    if isinstance(series.dtype, pd.SparseDtype):
        series = pd.Series(series.array.to_dense(), index=series.index)
    if not isinstance(series.dtype, np.dtype) and pd.api.types.is_numeric_dtype(series.dtype):
        if pd.api.types.is_integer_dtype(series.dtype):
            _warn_of_rounding(series.dropna().to_numpy(), name)
        return series.to_numpy(dtype=np.float64, na_value=np.nan, copy=True)

    def place(row: int, _: int) -> str:
        return _place(row if index is None else label_text(index, np.array([row])), label)

    return _numbers(series.to_numpy(), name, place)


def _as_array(data: Any, name: str) -> np.ndarray:
    """Return an array of one or two dimensions; nothing is converted to numbers yet."""
    if data is None or isinstance(data, _NOT_ROWS):
        got = "None" if data is None else f"{type(data).__name__} {data!r}"[:60]
        raise TypeError(f"{name} must be a Series, a DataFrame, a sequence or an array of numbers, got {got}")
    if hasattr(data, "tocsr"):
        raise TypeError(f"Sparse data was passed as {name}, but dense data is required; convert it with .toarray()")
    if isinstance(data, np.matrix):
        raise TypeError(f"np.matrix is not supported, got one as {name}; convert it with np.asarray")
    if isinstance(data, np.ma.MaskedArray):
        array = np.ma.filled(data.astype(np.float64), np.nan) if data.dtype.kind in "biuf" else data.filled()
    else:
        array = _from_sequence(data, name) if isinstance(data, Sequence) else array_of(data, name)
    if array.dtype.names is not None:
        raise TypeError(
            f"{name} must be a plain array of numbers, got a structured array; pass pd.DataFrame({name}) instead"
        )
    if array.ndim == 0:
        raise TypeError(
            f"{name} must be a Series, a DataFrame, a sequence or an array of numbers, got {type(data).__name__}"
        )
    if array.ndim > 2:
        raise ValueError(
            f"Found array with dim {array.ndim}, while {name} must have one row per time step and at most 2"
        )
    _require_rows(array.shape, name)
    if array.ndim == 2 and array.shape[1] == 0:
        raise ValueError(f"Found array with 0 feature(s) (shape={array.shape}) while a minimum of 1 is required.")
    return array


def _from_sequence(data: Sequence[Any], name: str) -> np.ndarray:
    try:
        array = np.asarray(data)
    except ValueError:
        lengths = sorted({len(row) if hasattr(row, "__len__") else 1 for row in data})
        raise ValueError(
            f"{name} must have rows of equal length, got lengths {', '.join(map(str, lengths[:5]))}; "
            "pass one series per fit"
        ) from None
    except OverflowError:
        array = np.asarray(data, dtype=object)
    # A list of numbers with one string becomes an array of strings: go back to the elements, to say which one it was.
    return np.array(data, dtype=object) if array.dtype.kind in "US" else array


def _numbers(array: np.ndarray, name: str, place: Callable[[int, int], str]) -> np.ndarray:
    """Convert an array of any dtype to a fresh float64 array of the same shape."""
    kind = array.dtype.kind
    if kind == "c":
        raise ValueError(
            f"Complex data not supported\n{name} must hold real numbers; pass its real and imaginary parts as columns"
        )
    if kind in "mM":
        raise TypeError(_dates(f"{name}{place(0, 0)}", array.dtype))
    if kind in "OUSTV":
        return _from_objects(array, name, place)
    if kind in "iu":
        _warn_of_rounding(array, name)
    with np.errstate(over="ignore"):
        values = np.array(array, dtype=np.float64, order="C")
    if array.dtype.itemsize > 8 and not np.array_equal(values, array, equal_nan=True):
        warnings.warn(f"{name} holds {array.dtype} numbers that float64 rounds", UserWarning, stacklevel=2)
    return values


def _from_objects(array: np.ndarray, name: str, place: Callable[[int, int], str]) -> np.ndarray:
    values = np.empty(array.shape)
    flat = values.reshape(-1)
    width = array.shape[1] if array.ndim == 2 else 1
    rounded = False
    for position, item in enumerate(array.astype(object, copy=False).ravel()):
        if isinstance(item, float):
            flat[position] = item
        elif isinstance(item, _IS_MISSING):
            flat[position] = np.nan
        else:
            flat[position] = _number(item, name, lambda: place(*divmod(position, width)))  # noqa: B023 - called at once
            rounded = rounded or (isinstance(item, int) and abs(item) > _EXACT_INTEGERS)
    if rounded and np.isfinite(values).all():  # what overflows is an error later
        warnings.warn(_rounded(name), UserWarning, stacklevel=2)
    return values


def _number(item: Any, name: str, place: Callable[[], str]) -> float:
    if isinstance(item, str | bytes):
        raise ValueError(f"{name} must hold numbers, got the string {item!r}{place()}; {_remedy(str(item))}")
    if isinstance(item, complex | np.complexfloating):
        raise ValueError(f"Complex data not supported\n{name} must hold real numbers, got {item!r}{place()}")
    if isinstance(item, _DATES):
        raise TypeError(_dates(f"{name}{place()}", type(item).__name__))
    if isinstance(item, Sequence | Mapping | Set | np.ndarray) or not hasattr(item, "__float__"):
        raise TypeError(
            f"{name} must hold numbers: float() argument must be a string or a real number, "
            f"not {type(item).__name__!r}{place()}"
        )
    try:
        return float(item)
    except OverflowError:
        return np.inf if item > 0 else -np.inf


def _remedy(text: str) -> str:
    """Say how to make a number, or a label, of a string."""
    if _COMMA.fullmatch(text.strip()):
        return 'read the file with decimal=",", or replace the commas by points and convert with pd.to_numeric'
    if _DATE.match(text.strip()):
        return "make dates the index, converted with pd.to_datetime"
    return 'convert strings with pd.to_numeric, which with errors="coerce" makes what is no number a missing value'


def _dates(where: str, dtype: Any) -> str:
    return f"{where} must hold numbers, got dates or durations ({dtype}); make dates the index and durations numbers"


def _place(row: object, column: Hashable) -> str:
    return f" at row {row}" + ("" if column is None else f", column {column!r}")


def _require_rows(shape: tuple[int, ...], name: str) -> None:
    if shape[0] == 0:
        raise ValueError(
            f"Found array with 0 sample(s) (shape={shape}) while a minimum of 1 is required: {name} is empty."
        )


def _warn_of_rounding(integers: np.ndarray, name: str) -> None:
    if len(integers) and max(abs(int(integers.max())), abs(int(integers.min()))) > _EXACT_INTEGERS:
        warnings.warn(_rounded(name), UserWarning, stacklevel=2)


def _rounded(name: str) -> str:
    return f"{name} holds integers beyond 2**53, which float64 rounds"
