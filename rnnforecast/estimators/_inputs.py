"""What a forecaster checks of the data it has read, and of others that it is to forecast with the same model.

S series, K targets.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from rnnforecast.series import Series, index_of
from rnnforecast.series.continuation import columns_of_targets
from rnnforecast.series.labels import names_text


def require_rows(series: Series, needed: int, estimator: str) -> None:
    """Refuse series that are too short to be learnt from.

    Parameters
    ----------
    series : Series
        The training rows.
    needed : int
        Rows of a series that can be learnt from.
    estimator : str
        Name for messages.

    Raises
    ------
    ValueError
        Of a panel, with the names of the short series.
    """
    lengths = series.spans.lengths
    if series.ids is not None:
        needed = max(needed, 2)  # of one row nothing can be said but its value
        if (lengths < needed).any():
            raise ValueError(
                f"{estimator} needs at least {needed} rows of each series to learn from, got fewer of "
                f"{names_text(series.ids[lengths < needed])}; drop such series, which a global model can "
                "forecast from history="
            )
    elif series.n_rows < needed:
        raise ValueError(
            f"{estimator} needs at least {needed} rows to learn from, got {series.n_rows} "
            f"(n_samples = {series.n_rows}); give a longer series or ask for a smaller horizon or lookback"
        )


def require_rows_before(
    series: Series, before: NDArray[np.int64], forecaster: Any, n_windows: int, needed: int
) -> None:
    """Refuse to backtest on series with too little before the first window.

    Parameters
    ----------
    series : Series
        The whole data.
    before : ndarray of shape (S,), int64
        Rows of each series before its first window.
    forecaster : BaseForecaster
        Its horizon and name are for the message.
    n_windows : int
        Windows asked for.
    needed : int
        Rows of a series that can be learnt from.

    Raises
    ------
    ValueError
        Of a panel, with the names of the short series.
    """
    if (before >= needed).all():
        return
    short = int(np.argmin(before))
    of = "" if series.ids is None else f" of the series {names_text(series.ids[before < needed])}"
    raise ValueError(
        f"{type(forecaster).__name__} needs at least {needed} rows before the first window{of}, got {before[short]} "
        f"of {series.spans.lengths[short]} with horizon={forecaster.horizon} and n_windows={n_windows}; "
        "ask for fewer windows, a smaller step or horizon, or give a longer series"
    )


def cutoff_of(series: Series) -> Any:
    """Return the label of the last row; of a panel, a pandas Series of them by name.

    Parameters
    ----------
    series : Series
        What is known.
    """
    labels = series.clock.labels
    if series.ids is None:
        return labels[-1]
    return pd.Series(labels[series.spans.ends - 1], index=series.ids, name=labels.name)


def described(series: Series) -> dict[str, Any]:
    """Return the attributes in which a fitted forecaster tells what it was given.

    Parameters
    ----------
    series : Series
        What is known.
    """
    step, statics = series.clock.step, [] if series.static is None else list(series.static.columns)
    attributes = {
        "cutoff_": cutoff_of(series),
        "freq_": None if series.clock.positional else step if isinstance(step, int) else step.freqstr,
        "n_features_in_": series.n_features + len(statics),
        "n_outputs_": series.target.shape[1],
    }
    if series.feature_names is not None and not series.target_is_x:
        attributes["feature_names_in_"] = np.array([*series.feature_names, *statics], dtype=object)
    return attributes


def known_step(mine: Series, data: Any) -> Any:
    """Return the step of the training data if `data` are dated alike: few rows do not show theirs.

    Parameters
    ----------
    mine : Series
        The training data.
    data : object
        Rows of the same kind, perhaps with an index.
    """
    index = index_of(data)
    index = index.levels[-1] if isinstance(index, pd.MultiIndex) else index
    dated = isinstance(index, pd.DatetimeIndex) and isinstance(mine.clock.labels, pd.DatetimeIndex)
    return mine.clock.step if dated else None


def as_history(mine: Series, other: Series) -> Series:
    """Return other data as a history that the model of mine can forecast.

    Parameters
    ----------
    mine : Series
        The training data.
    other : Series
        With the same columns; its series may be other ones.

    Returns
    -------
    Series
        Targets in the order of mine; ``spans.members`` tells which of my series each one is.

    Raises
    ------
    ValueError
        Other columns.
    """
    for what, got, expected in (
        ("target columns", other.target.shape[1], mine.target.shape[1]),
        ("known covariates", other.known_names, mine.known_names),
        ("past covariates", other.past_names, mine.past_names),
    ):
        if got != expected:
            raise ValueError(
                f"history must have the {what} of the training data, {_words(expected)}, got {_words(got)}; "
                "give it as X and y were given to fit, covariates as a tuple (X, y)"
            )
    columns = columns_of_targets(mine, other.target_names, "history")
    names = [other.target_names[column] for column in columns]
    observed = other.observed
    if observed is not None:
        observed = np.hstack([observed[:, columns], observed[:, len(columns) :]])
    spans = replace(other.spans, members=_members(mine, other))
    return replace(other, target=other.target[:, columns], observed=observed, target_names=names, spans=spans)


def _members(mine: Series, other: Series) -> NDArray[np.int64]:
    """Return which of my series each other one is, (S,); -1 for none. A series that was learnt alone stands for any."""
    if mine.ids is None:
        return np.zeros(len(other.spans), np.int64)
    if other.ids is None:
        return np.full(len(other.spans), -1)
    return np.asarray(mine.ids.get_indexer(other.ids), np.int64)


def _words(value: Any) -> str:
    return ", ".join(map(str, value)) or "none" if isinstance(value, list) else str(value)
