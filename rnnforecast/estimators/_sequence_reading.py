"""Sequences and what is to be said of them, as callers give them: read, checked, laid one after the other.

n sequences of T_i steps and F features; the steps of all, N, are the rows of one table.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Set
from dataclasses import dataclass
from numbers import Number
from typing import Any

import numpy as np
from sklearn.utils.validation import check_array, check_consistent_length, validate_data

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


def numbers(array: Any, name: str) -> np.ndarray:
    """Return an array as float64.

    Raises
    ------
    TypeError, ValueError
        Dates, text and complex numbers.
    """
    array = np.asarray(array)
    kind = array.dtype.kind
    if kind in "mM":
        raise TypeError(f"{name} must hold numbers, got {array.dtype}; convert times to numbers first")
    if kind == "c":
        raise ValueError(f"Complex data not supported: {name} must hold real numbers, got {array.dtype}")
    _refuse_text(array, name)
    return array.astype(np.float64)


def _refuse_text(values: Any, name: str = "X") -> None:
    """Raise where NumPy and scikit-learn would read "1" as 1."""
    array = np.asarray(values)
    kind = array.dtype.kind
    if kind in "USV" or (kind == "O" and any(isinstance(v, (str, bytes)) for v in array.ravel())):
        raise ValueError(f"{name} must hold numbers, got text; convert it first, for example with astype(float)")


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
    X = _unmasked(X)
    items = _items(X, "X")
    if items is not None and _make_a_table(items) and (reset or estimator._tabular):
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
    if tabular:
        _refuse_text(X)
        # scikit-learn's own reading, with its sentences.
        values = numbers(validate_data(estimator, X, dtype="numeric", reset=reset), "X")
        return Given(values.reshape(-1, 1), np.full(len(values), values.shape[1]), tabular=True, listed=False)
    given = _stacked(X) if items is None else _listed(items)
    _require_finite(given)
    _require_features(estimator, given.values.shape[1], reset)
    _require_names(estimator, None if items is None else _names_of(X), reset)
    return given


def read_targets(y: Any, given: Given, *, by_steps: bool) -> np.ndarray:
    """Read y: one entry for each sequence, or for each step of each.

    Parameters
    ----------
    y : array-like
        (n, ...), or by steps (n, T, ...) or a list of (T_i, ...).
    given : Given
    by_steps : bool

    Returns
    -------
    ndarray of shape (n, ...) or (N, ...)

    Raises
    ------
    ValueError
        Entries are missing, or too many.
    """
    if y is None:
        raise ValueError("fit requires y to be passed, but the target y is None")
    items = _items(y, "y")
    if items is not None and not by_steps and len({item.shape for item in items}) > 1:
        raise ValueError('y holds entries of unequal length; use output="steps" if they belong to the steps of X')
    if items is None or not by_steps:
        y = check_array(
            y,
            ensure_2d=False,
            allow_nd=True,
            dtype=None,
            ensure_all_finite=False,
            ensure_min_features=0,
            input_name="y",
        )
    check_consistent_length(given.lengths, y)
    if not by_steps:
        return y
    rows = items if items is not None else list(y)
    for k, (row, n_steps) in enumerate(zip(rows, given.lengths, strict=True)):
        if np.ndim(row) == 0 or len(row) != n_steps:
            raise ValueError(
                f'output="steps" needs an entry of y for each of the {n_steps} steps of sequence {k}, got '
                f'{"one" if np.ndim(row) == 0 else len(row)}; use output="last" if y speaks of whole sequences'
            )
        if row.shape[1:] != rows[0].shape[1:]:
            raise ValueError(
                f"every step of y must have one shape, got {rows[0].shape[1:]} in sequence 0 and {row.shape[1:]} in "
                f"sequence {k}"
            )
    return np.concatenate(rows)


def _unmasked(values: Any) -> Any:
    """Return NaN in the masked places of an array: a mask would be lost without a word."""
    return np.ma.filled(values.astype(float), np.nan) if isinstance(values, np.ma.MaskedArray) else values


def _items(values: Any, name: str) -> list[np.ndarray] | None:
    """Return the elements of a list, or of a one-dimensional array or Series of objects; None for all else."""
    boxed = getattr(values, "ndim", 0) == 1 and getattr(getattr(values, "dtype", None), "kind", "") == "O"
    if not boxed and not isinstance(values, (list, tuple)):
        return None
    items = []
    for k, item in enumerate(values):
        try:
            items.append(np.asarray(_unmasked(item)))
        except ValueError as error:
            raise ValueError(f"element {k} of {name} is no array: its own rows differ in length") from error
    return items


def _make_a_table(items: list[np.ndarray]) -> bool:
    """Whether the elements are rows of one length, or so little of a sequence that scikit-learn should say so."""
    return {item.ndim for item in items} <= {0, 1} and len({item.shape for item in items}) <= 1


def _stacked(X: Any) -> Given:
    array = check_array(X, ensure_2d=False, allow_nd=True, dtype="numeric", ensure_all_finite=False, input_name="X")
    n, n_steps, n_features = array.shape
    if n_steps == 0 or n_features == 0:
        raise ValueError(
            f"Found array with {n_steps} step(s) and {n_features} feature(s) (shape={array.shape}) while a minimum of "
            "1 is required"
        )
    return Given(numbers(array, "X").reshape(-1, n_features), np.full(n, n_steps), tabular=False, listed=False)


def _listed(items: list[np.ndarray]) -> Given:
    columns: list[np.ndarray] = []
    for k, item in enumerate(items):
        if item.ndim not in (1, 2) or item.ndim != items[0].ndim:
            raise ValueError(f"X must be {FORMS}; got shape {items[0].shape} first and {item.shape} in element {k}")
        if item.size == 0:
            raise ValueError(f"every sequence needs at least one step and one feature, got shape {item.shape} in {k}")
        column = numbers(item, f"sequence {k} of X").reshape(len(item), -1)
        if columns and column.shape[1] != columns[0].shape[1]:
            raise ValueError(
                f"all sequences must have the features of the first, {columns[0].shape[1]}, got {column.shape[1]} in "
                f"sequence {k}"
            )
        columns.append(column)
    lengths = np.array([len(column) for column in columns], dtype=np.int64)
    return Given(np.concatenate(columns), lengths, tabular=False, listed=True)


def _require_finite(given: Given) -> None:
    bad = ~np.isfinite(given.values)
    if not bad.any():
        return
    row, feature = np.argwhere(bad)[0]
    ends = np.cumsum(given.lengths)
    k = int(np.searchsorted(ends, row, side="right"))
    step = row - (ends[k] - given.lengths[k])
    what = "NaN" if np.isnan(given.values[row, feature]) else "infinity"
    raise ValueError(
        f"Input X contains {what}: {int(bad.sum())} such value(s), the first in sequence {k}, step {step}, feature "
        f"{feature}; fill it in, or leave the step out of a list of sequences"
    )


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
