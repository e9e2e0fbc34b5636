"""Columns of X by name: which are past covariates, and where those of fit are in a later table."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from typing import Any

import numpy as np

from rnnforecast.series.tables import Table


def feature_names(table: Table) -> list[str] | None:
    """Return the column labels when all are strings, None when none is; a mixture is an error, as in scikit-learn."""
    if not table.labelled:
        return None
    kinds = sorted({type(label).__name__ for label in table.columns})
    if "str" in kinds and len(kinds) > 1:
        raise TypeError(
            f"Feature names are only supported if all input features have string names, but X has {kinds} as column "
            "labels; convert them with X.columns = X.columns.astype(str)"
        )
    return [str(label) for label in table.columns] if kinds == ["str"] else None


def column_names(table: Table) -> list[str]:
    """Return a string for every column; x0, x1, ... for unlabelled ones."""
    return [str(label) if table.labelled else f"x{position}" for position, label in enumerate(table.columns)]


def split_past(table: Table | None, past_covariates: str | Sequence[Hashable]) -> tuple[int, ...]:
    """Return the positions of the past covariates among the columns of X."""
    names: list[Hashable] = [past_covariates] if isinstance(past_covariates, str) else list(past_covariates)
    if not names:
        return ()
    if table is None:
        raise ValueError(
            f"past_covariates={names} must name columns of X, but without y X is the target; pass y as well"
        )
    known_as = [{label, name} for label, name in zip(table.columns, column_names(table), strict=True)]
    positions = []
    for name in names:
        found = [position for position, labels in enumerate(known_as) if name in labels]
        if not found:
            raise ValueError(f"past_covariates must name columns of X ({', '.join(column_names(table))}), got {name!r}")
        positions.append(found[0])
    if len(set(positions)) < len(positions):
        raise ValueError(f"past_covariates must be distinct, got {names}")
    return tuple(positions)


def matched(
    table: Table, names: list[str] | None, n_features: int, past: tuple[int, ...], estimator: str
) -> list[int | None]:
    """Find the columns of fit in a later table.

    Parameters
    ----------
    table : Table of n rows
        A later X.
    names : list of str or None
        The columns of fit, if they had names.
    n_features : int
        Their number.
    past : tuple of int
        Positions of the past covariates, which a table of the future need not have.
    estimator : str
        Its name in messages.

    Returns
    -------
    positions : list of n_features int or None
        Where each column of fit is in `table`; None for absent past covariates.
    """
    here = feature_names(table)
    if names is None or (here is None and (table.columns or n_features == 0)):
        require_count(table, n_features, estimator)
        return list(range(n_features))
    where = {name: position for position, name in enumerate(here or [])}
    unseen = [name for name in where if name not in names]
    absent = [name for position, name in enumerate(names) if name not in where and position not in past]
    if unseen or absent:
        message = "The feature names should match those that were passed during fit.\n"
        if unseen:
            message += "Feature names unseen at fit time:\n" + "".join(f"- {name}\n" for name in unseen)
        if absent:
            message += "Feature names seen at fit time, yet now missing:\n" + "".join(f"- {name}\n" for name in absent)
        raise ValueError(message)
    return [where.get(name) for name in names]


def require_count(table: Table, n_features: int, estimator: str) -> None:
    """Raise unless the table has as many columns as fit saw."""
    count = len(table.columns)
    if count != n_features:
        raise ValueError(f"X has {count} features, but {estimator} is expecting {n_features} features as input")


def require_two_dimensions(table: Table, data: Any) -> None:
    """Raise on a flat sequence where rows of features are expected."""
    if table.one_dimensional and table.index is None:
        raise ValueError(
            f"Expected 2D array, got 1D array instead: X has shape {np.shape(data)}.\nReshape your data either using "
            "X.reshape(-1, 1) if it has a single feature or X.reshape(1, -1) if it is a single time step."
        )
