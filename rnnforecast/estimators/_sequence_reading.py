"""Sequences and what is to be said of them, as callers give them: read, checked, laid one after the other.

n sequences of T_i steps and F features; the steps of all, N, are the rows of one table.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Set
from dataclasses import dataclass
from numbers import Number
from typing import Any

import numpy as np
import pandas as pd
from sklearn.utils.validation import check_array, check_consistent_length, validate_data

from rnnforecast.series.gaps import LARGEST
from rnnforecast.series.tables import array_of, read_table

_NO_ROWS = (str, bytes, Mapping, Set, Iterator, Number)
FORMS = "an array (n, T), an array (n, T, F), or a list of arrays (T_i, F) or (T_i,)"


@dataclass(frozen=True)
class Given:
    """Sequences as they were given.

    Parameters
    ----------
    values : (N, F) float64
    lengths : (n,) int64
    tabular : bool
        Whether they were the rows of a table (n, T), whose columns are the steps of one feature.
    listed : bool
        Whether they came as a list: what is said of their steps comes back as one.
    """

    values: np.ndarray
    lengths: np.ndarray
    tabular: bool
    listed: bool

    def __len__(self) -> int:
        return len(self.lengths)

    def arrange(self, answers: np.ndarray, shape: tuple[int, ...], by_steps: bool) -> Any:
        """Give answers, one after the other, the form of y.

        Parameters
        ----------
        answers : (n, ...) or (N, ...)
            Of sequences, or of their steps.
        shape : tuple of int
            Of one answer.
        by_steps : bool

        Returns
        -------
        ndarray of shape (n, *shape) or (n, T, *shape), or list of ndarray of shape (T_i, *shape)
        """
        answers = answers.reshape(-1, *shape)
        if not by_steps:
            return answers
        if self.listed:
            return [part.copy() for part in np.split(answers, np.cumsum(self.lengths)[:-1])]
        return answers.reshape(len(self), -1, *shape)


def numbers(values: Any, name: str) -> np.ndarray:
    """Read numbers, one entry or more for each sequence or step.

    Parameters
    ----------
    values : array-like of shape (n,), (n, k) or more
    name : str
        What they are called in messages.

    Returns
    -------
    ndarray of the same shape, float64

    Raises
    ------
    TypeError, ValueError
        Dates, text, categories, complex numbers and what else holds no numbers.
    """
    array = values if hasattr(values, "ndim") else array_of(values, name)
    if 0 in array.shape[1:]:
        return np.empty(array.shape)
    if array.ndim > 2:
        flat = array.reshape(len(array), int(np.prod(array.shape[1:])))
        return read_table(flat, name).values.reshape(array.shape)
    table = read_table(values, name)
    return table.values[:, 0] if table.one_dimensional else table.values


def labels(values: Any, name: str) -> np.ndarray:
    """Read labels of classes, one or more for each sequence or step.

    Parameters
    ----------
    values : array-like of shape (n,), (n, k) or more
    name : str
        What they are called in messages.

    Returns
    -------
    ndarray of the same shape

    Raises
    ------
    TypeError, ValueError
        Missing labels, sparse and ragged containers.
    """
    array = check_array(
        values,
        ensure_2d=False,
        allow_nd=True,
        dtype=None,
        ensure_all_finite="allow-nan",
        ensure_min_features=0,
        input_name=name,
    )
    missing = np.ma.getmaskarray(values) if isinstance(values, np.ma.MaskedArray) else pd.isna(array)
    if missing.any():
        raise ValueError(
            f"Input {name} contains NaN: {int(missing.sum())} missing label(s), the first at row "
            f"{np.argwhere(missing)[0, 0]}; leave them out, or name a class for them"
        )
    return array


def read_sequences(estimator: Any, X: Any, *, reset: bool) -> Given:
    """Read X; set what is known of its form on the estimator, or require it.

    Parameters
    ----------
    estimator : BaseEstimator
        Gets, or has, ``n_features_in_``, ``feature_names_in_``, ``_tabular`` and ``_columns``.
    X : array-like
        One of the forms of `FORMS`. A list of numbers that make a table is that table, unless sequences were learnt.
    reset : bool
        Whether to set or to require.

    Raises
    ------
    TypeError, ValueError
        Where in X something else was found, and what to do.
    """
    if X is None or (isinstance(X, _NO_ROWS) and not hasattr(X, "tocsr")):  # a sparse matrix may be a dict
        raise TypeError(f"X must be {FORMS}, got {type(X).__name__}; convert it first")
    if (n_axes := getattr(X, "ndim", 2)) > 3:
        raise ValueError(f"Found array with dim {n_axes}, but X must be {FORMS}; join the axes after the second")
    items = _items(X)
    shapes = [] if items is None else _shapes(items, "X")
    if items is not None and _make_a_table(shapes) and (reset or estimator._tabular):
        X = np.ma.stack(items) if any(isinstance(item, np.ma.MaskedArray) for item in items) else X
        items = None
    stacked = items is None and getattr(X, "ndim", 2) == 3
    tabular = items is None and not stacked
    if not reset and tabular != estimator._tabular:
        was, came = ("a table (n, T)", "sequences") if estimator._tabular else ("sequences of F features", "a table")
        raise ValueError(
            f"{type(estimator).__name__} was fitted with {was}, but X holds {came}; "
            "give X in the form of fit: a table, or an array (n, T, F) or a list of arrays (T_i, F)"
        )
    if reset:
        estimator._tabular = tabular
    given = _table(estimator, X, reset) if tabular else _stacked(X) if items is None else _listed(items, shapes)
    require_finite(given.values, "X", given.lengths, "feature")
    if not tabular:
        _require_features(estimator, given.values.shape[1], reset)
        _require_names(estimator, None if items is None else _names_of(items), reset)
    return given


def read_targets(y: Any, given: Given, read: Callable[[Any, str], np.ndarray], *, by_steps: bool) -> np.ndarray:
    """Read y: one entry for each sequence, or for each step of each.

    Parameters
    ----------
    y : array-like
        (n, ...), or by steps (n, T, ...) or a list of (T_i, ...).
    given : Given
    read : callable
        `numbers` or `labels`.
    by_steps : bool

    Returns
    -------
    ndarray of shape (n, ...) or (N, ...)

    Raises
    ------
    TypeError, ValueError
        Entries are missing, too many, or none.
    """
    if y is None:
        raise ValueError("fit requires y to be passed, but the target y is None")
    if getattr(y, "ndim", 1) == 0 or (isinstance(y, _NO_ROWS) and not hasattr(y, "tocsr")):
        raise TypeError(
            f"y must be an array, a Series or a list with an entry for each sequence of X, got {type(y).__name__}"
        )
    items = _items(y)
    shapes = [] if items is None else _shapes(items, "y")
    y = y if hasattr(y, "__len__") else array_of(y, "y")
    if not by_steps and len(set(shapes)) > 1:
        raise ValueError('y holds entries of unequal length; use output="steps" if they belong to the steps of X')
    check_consistent_length(given.lengths, y)
    if not by_steps:
        return read(y, "y")
    rows = [*read(y, "y")] if items is None else items
    for k, (row, n_steps) in enumerate(zip(rows, given.lengths, strict=True)):
        if np.ndim(row) == 0 or len(row) != n_steps:
            raise ValueError(
                f'output="steps" needs an entry of y for each of the {n_steps} steps of sequence {k}, got '
                f'{"one" if np.ndim(row) == 0 else len(row)}; use output="last" if y speaks of whole sequences'
            )
        rows[k] = row if items is None else read(row, f"the entry of sequence {k} in y")
        if rows[k].shape[1:] != rows[0].shape[1:]:
            raise ValueError(
                f"every step of y must have one shape, got {rows[0].shape[1:]} in sequence 0 and {rows[k].shape[1:]} "
                f"in sequence {k}"
            )
    return np.concatenate(rows)


def require_finite(values: np.ndarray, name: str, lengths: np.ndarray | None, column: str) -> None:
    """Raise unless all values can be reckoned with.

    Parameters
    ----------
    values : (N, C)
    name : str
        What they are called in messages.
    lengths : (n,) or None
        Of the sequences whose steps the rows are; None if each is said of a whole sequence.
    column : str
        What one of the C is called in messages.

    Raises
    ------
    ValueError
        NaN, infinity, or a value whose square is none.
    """
    bad = ~(np.abs(values) <= LARGEST)
    if not bad.any():
        return
    row, place = np.argwhere(bad)[0]
    value, where = values[row, place], f"sequence {row}"
    if lengths is not None:
        ends = np.cumsum(lengths)
        k = int(np.searchsorted(ends, row, side="right"))
        where = f"sequence {k}, step {row - (ends[k] - lengths[k])}"
    what = "NaN" if np.isnan(value) else "infinity" if np.isinf(value) else f"a value beyond {LARGEST:g}"
    raise ValueError(
        f"Input {name} contains {what}: {int(bad.sum())} such value(s), the first in {where}, {column} {place}; "
        "fill it in, or leave it out"
    )


def _items(values: Any) -> list[Any] | None:
    """Return the elements of a list, or of a one-dimensional array or Series of objects; None for all else."""
    boxed = getattr(values, "ndim", 0) == 1 and getattr(getattr(values, "dtype", None), "kind", "") == "O"
    return list(values) if boxed or isinstance(values, (list, tuple)) else None


def _shapes(items: list[Any], name: str) -> list[tuple[int, ...]]:
    """Return the shape of each element."""
    shapes = []
    for k, item in enumerate(items):
        try:
            shapes.append(np.shape(item))
        except ValueError as error:
            raise ValueError(f"element {k} of {name} is no array: its own rows differ in length") from error
    return shapes


def _make_a_table(shapes: list[tuple[int, ...]]) -> bool:
    """Whether the elements are rows of one length, or so little of a sequence that scikit-learn should say so."""
    return {len(shape) for shape in shapes} <= {0, 1} and len(set(shapes)) <= 1


def _table(estimator: Any, X: Any, reset: bool) -> Given:
    """Read sequences of one feature that are the rows of a table; scikit-learn knows its columns."""
    table = read_table(X, "X")
    values: Any = table.values[:, 0] if table.one_dimensional else table.values
    if table.labelled and not table.one_dimensional:
        values = pd.DataFrame(values, columns=table.columns)
    values = validate_data(estimator, values, reset=reset, ensure_all_finite=False)
    return Given(values.reshape(-1, 1), np.full(len(values), values.shape[1]), tabular=True, listed=False)


def _stacked(X: Any) -> Given:
    shape = n, n_steps, n_features = np.shape(X)
    if n_steps == 0 or n_features == 0:
        raise ValueError(
            f"Found array with {n_steps} step(s) and {n_features} feature(s) (shape={shape}) while a minimum of "
            "1 is required"
        )
    return Given(numbers(X, "X").reshape(-1, n_features), np.full(n, n_steps), tabular=False, listed=False)


def _listed(items: list[Any], shapes: list[tuple[int, ...]]) -> Given:
    columns: list[np.ndarray] = []
    for k, (item, shape) in enumerate(zip(items, shapes, strict=True)):
        if len(shape) not in (1, 2) or len(shape) != len(shapes[0]):
            raise ValueError(f"X must be {FORMS}; got shape {shapes[0]} first and {shape} in element {k}")
        if 0 in shape:
            raise ValueError(f"every sequence needs at least one step and one feature, got shape {shape} in {k}")
        column = read_table(item, f"sequence {k} of X").values
        if columns and column.shape[1] != columns[0].shape[1]:
            raise ValueError(
                f"all sequences must have the features of the first, {columns[0].shape[1]}, got {column.shape[1]} in "
                f"sequence {k}"
            )
        columns.append(column)
    lengths = np.array([len(column) for column in columns], dtype=np.int64)
    return Given(np.concatenate(columns), lengths, tabular=False, listed=True)


def _names_of(frames: Any) -> list[Any] | None:
    """Return the columns of a list of frames, which must all be the same; None where none are named."""
    names = None
    for k, frame in enumerate(frames):
        if not hasattr(frame, "columns"):
            continue
        each = list(frame.columns)
        names = each if names is None else names
        if each != names:
            raise ValueError(
                f"all sequences must have the columns of the first, {names}, got {each} in sequence {k}; "
                "select them in one order"
            )
    return names


def _require_names(estimator: Any, names: list[Any] | None, reset: bool) -> None:
    """Set the columns of a list of frames on the estimator, or require them where both have some."""
    if reset:
        estimator._columns = names
    elif names is not None and estimator._columns is not None and names != estimator._columns:
        raise ValueError(
            f"X has the columns {names}, but {type(estimator).__name__} was fitted with {estimator._columns}; "
            "select them in that order"
        )


def _require_features(estimator: Any, n_features: int, reset: bool) -> None:
    if reset:
        estimator.n_features_in_ = n_features
        vars(estimator).pop("feature_names_in_", None)
    elif estimator.n_features_in_ != n_features:
        raise ValueError(
            f"X has {n_features} features, but {type(estimator).__name__} is expecting {estimator.n_features_in_} "
            "features as input"
        )
