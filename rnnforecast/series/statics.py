"""Covariates that say what a series of a panel is: one value for each series, a number or a category.

n rows of X, S series.
"""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from typing import Any, cast

import numpy as np
import pandas as pd

from rnnforecast.series import gaps
from rnnforecast.series.labels import names_text
from rnnforecast.series.placement import Placement


def split_static(X: Any, names: Sequence[Hashable]) -> tuple[Any, pd.DataFrame | None]:
    """Return X without its static columns, and these; None if none are named.

    Raises
    ------
    ValueError
        X has no such columns, or is no frame under a MultiIndex (series, time).
    """
    if not names:
        return X, None
    if not isinstance(X, pd.DataFrame) or not isinstance(X.index, pd.MultiIndex):
        raise ValueError(
            f"static_covariates={list(names)} must name columns of a DataFrame X with a MultiIndex (series, time), got "
            f"{type(X).__name__}{'' if not isinstance(X, pd.DataFrame) else ' of a single series'}; pass a panel"
        )
    absent = [name for name in names if name not in X.columns]
    if absent or len(set(names)) < len(names):
        wrong = f"{absent[0]!r}, which is none" if absent else f"{list(names)}, some of them twice"
        raise ValueError(f"static_covariates must name columns of X ({', '.join(map(str, X.columns))}), got {wrong}")
    return X.drop(columns=list(names)), X[list(names)]


def without_static(X: Any, static: pd.DataFrame | None) -> Any:
    """Return a later X without the static columns, which are known from fit; it need not have them."""
    return X if static is None or not isinstance(X, pd.DataFrame) else X.drop(columns=static.columns, errors="ignore")


def value_of_each(rows: pd.DataFrame, placement: Placement, name: str = "X") -> pd.DataFrame:
    """Return the one value of every static covariate for every series, a row for each of S.

    Parameters
    ----------
    rows : DataFrame of n rows
        The static columns.
    placement : Placement
        Where the rows are in the panel.
    name : str
        The argument's name in messages.

    Raises
    ------
    ValueError
        Missing and infinite values, and columns that change within a series, with the names of such series.
    """
    ids, ordered = cast("pd.Index", placement.ids), rows.iloc[placement.order]
    owner = np.searchsorted(placement.spans.starts, placement.rows, side="right") - 1
    begin = np.flatnonzero(np.diff(owner, prepend=-1))
    for column in rows.columns:
        codes = _numbered(ordered[column], name)
        missing, changed = np.unique(owner[codes < 0]), np.unique(owner[codes != codes[begin][owner]])
        if len(missing):
            raise ValueError(
                f"the static covariate {column!r} of {name} is missing in the series {names_text(ids[missing])}; "
                "give each series a value"
            )
        if len(changed):
            raise ValueError(
                f"the static covariate {column!r} of {name} must have one value for each series, but changes within "
                f"the series {names_text(ids[changed])}; leave it out of static_covariates"
            )
        if pd.api.types.is_numeric_dtype(ordered[column]):
            values = ordered[column].iloc[begin].to_numpy(np.float64)
            gaps.require_finite(values[:, None], ordered.index[begin], [column], f"{name}, static column {column!r},")
    return ordered.iloc[begin].set_axis(ids)


def _numbered(values: pd.Series, name: str) -> np.ndarray:
    """Return which of the values that occur each one (n,) is; -1 where it is missing."""
    try:
        return pd.factorize(values)[0]
    except TypeError:
        kind = type(values.iloc[0]).__name__
        raise TypeError(
            f"the static covariate {values.name!r} of {name} must hold numbers or names of categories, got {kind}; "
            "convert it to strings"
        ) from None
