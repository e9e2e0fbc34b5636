"""Residuals of rows that were not learnt from: what a detector's errors on new rows are compared with.

In-sample residuals are too small, and a held-out end of the training rows is too short to say what is rare.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

Range = tuple[int, int]


def folds(n_rows: int, n_blocks: int = 5, *, gap: int = 0) -> Iterator[tuple[list[Range], Range]]:
    """Yield for each block of consecutive rows the ranges to learn from, and the range to be judged.

    Parameters
    ----------
    n_rows : int
    n_blocks : int, default=5
        At least 2, at most the number of rows.
    gap : int, default=0
        Rows beside the judged block that are left out: those whose lags or steps ahead reach into it.

    Yields
    ------
    learnt : list of (start, stop)
        One or two ranges, not empty.
    judged : (start, stop)

    Raises
    ------
    ValueError
        If there are fewer rows than blocks, or none to learn from beside some block.
    """
    if not 2 <= n_blocks <= n_rows:
        raise ValueError(f"n_blocks must lie between 2 and the number of rows {n_rows}, got {n_blocks!r}")
    edges = [round(k * n_rows / n_blocks) for k in range(n_blocks + 1)]
    for start, stop in pairwise(edges):
        sides = [(0, start - gap), (stop + gap, n_rows)]
        learnt = [side for side in sides if side[1] > side[0]]
        if not learnt:
            raise ValueError(f"{n_rows} rows in {n_blocks} blocks with a gap of {gap} leave none to learn from")
        yield learnt, (start, stop)


def cross_fit(
    residuals: Callable[[list[Range], Range], NDArray[Any]], n_rows: int, n_blocks: int = 5, *, gap: int = 0
) -> NDArray[Any]:
    """Return the residuals of each block under a model learnt from the others, in order of time.

    Parameters
    ----------
    residuals : callable
        ``residuals(learnt, judged)`` learns from the rows of the ranges `learnt` and returns the residuals of the range
        `judged`, an array of shape (stop - start, ...).
    n_rows, n_blocks, gap : int
        See `folds`.

    Returns
    -------
    ndarray of shape (n_rows, ...)
    """
    return np.concatenate([residuals(learnt, judged) for learnt, judged in folds(n_rows, n_blocks, gap=gap)])
