"""Other data for a fitted forecaster."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pandas as pd

from rnnforecast.series import Series, index_of
from rnnforecast.series.continuation import columns_of_targets


def read_history(mine: Series, history: Any, read: Callable[..., Series]) -> Series:
    """Read other or newer data for the same model.

    Parameters
    ----------
    mine : Series
        The data of `fit`.
    history : Series, frame, array or tuple (X, y)
        As they would be given to `fit`.
    read : callable
        ``read(X, y, freq=...) -> Series``, with the forecaster's parameters.

    Returns
    -------
    Series
        With the same columns as `mine`.

    Raises
    ------
    ValueError
        Other columns than in `fit`.
    """
    X, y = history if isinstance(history, tuple) and len(history) == 2 else (history, None)
    index, step = index_of(X if y is None else y), mine.clock.step
    dated = isinstance(index, pd.DatetimeIndex) and isinstance(mine.clock.labels, pd.DatetimeIndex)
    series = read(X, y, freq=step if dated else None)  # few rows do not show their frequency
    for what, got, expected in (
        ("target columns", series.target.shape[1], mine.target.shape[1]),
        ("known covariates", series.known_names, mine.known_names),
        ("past covariates", series.past_names, mine.past_names),
    ):
        if got != expected:
            raise ValueError(
                f"history must have the {what} of the training data, {_words(expected)}, got {_words(got)}; "
                "give it as X and y were given to fit, covariates as a tuple (X, y)"
            )
    columns = columns_of_targets(mine, series.target_names, "history")
    names = [series.target_names[column] for column in columns]
    return replace(series, target=series.target[:, columns], target_names=names)


def _words(value: Any) -> str:
    return ", ".join(map(str, value)) or "none" if isinstance(value, list) else str(value)
