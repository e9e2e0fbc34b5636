"""Compile ahead of time what a first fit would compile."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from rnnforecast.estimators.forecaster import RNNForecaster


def warmup(cells: Sequence[str] = ("gru", "lstm", "rnn"), dtype: str = "float32") -> None:
    """Compile the kernels of `cells` and put them into the disk cache, so that no later fit waits for them.

    Parameters
    ----------
    cells : sequence of {"gru", "lstm", "rnn"}
    dtype : {"float32", "float64"}

    Notes
    -----
    A few seconds for each cell on an empty cache, a fraction of one on a full one. Worth calling in a parent process
    before many workers are started.

    Examples
    --------
    >>> import rnnforecast
    >>> rnnforecast.warmup(["gru"])
    """
    series = np.sin(np.arange(120.0))
    for cell in cells:
        RNNForecaster(
            horizon=2, cell=cell, hidden_layer_sizes=(4, 4), n_estimators=1, max_iter=1, dtype=dtype, random_state=0
        ).fit(series)
