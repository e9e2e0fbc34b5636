"""A linear readout in closed form: ridge regression from normal equations that are summed over chunks of rows.

n rows, D columns of the design, K targets. Everything is float64: penalties are small beside sums of squares.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.linalg import solve_triangular

CHUNK = 2_000_000  # numbers of a design in memory at once


@dataclass
class NormalEquations:
    """X'X and X'Y of the rows of a design X (n, D) and its targets Y (n, K).

    Those of parts add up to those of the whole, and a part can be taken out again, so a fit on all blocks but one costs
    no second reading.

    Parameters
    ----------
    gram : ndarray of shape (D, D)
    cross : ndarray of shape (D, K)
    n_rows : int
        The count that a penalty per row is multiplied by.
    """

    gram: NDArray[np.float64]
    cross: NDArray[np.float64]
    n_rows: int = 0

    @classmethod
    def empty(cls, n_columns: int, n_targets: int) -> NormalEquations:
        """Those of no rows."""
        return cls(np.zeros((n_columns, n_columns)), np.zeros((n_columns, n_targets)))

    @classmethod
    def of(cls, design: NDArray, targets: NDArray) -> NormalEquations:
        """Those of some rows, (n, D) and (n, K), in either precision."""
        design = np.asarray(design, np.float64)
        return cls(design.T @ design, design.T @ np.asarray(targets, np.float64), len(design))

    def __iadd__(self, other: NormalEquations) -> NormalEquations:
        self.gram += other.gram
        self.cross += other.cross
        self.n_rows += other.n_rows
        return self

    def __sub__(self, other: NormalEquations) -> NormalEquations:
        return NormalEquations(self.gram - other.gram, self.cross - other.cross, self.n_rows - other.n_rows)

    @property
    def mean_square(self) -> float:
        """Sum of squares of a column of the design, mean over the columns."""
        return float(np.trace(self.gram)) / len(self.gram)

    def solve(self, penalty: ArrayLike, usable: NDArray[np.bool_] | None = None) -> NDArray[np.float64]:
        """Solve ``(X'X + diag(penalty)) W = X'Y`` by one Cholesky factor.

        Parameters
        ----------
        penalty : float or array-like of shape (D,)
            Of the squared weights; in units of `n_rows` it is one per row, in units of `mean_square` a relative one.
        usable : ndarray of bool, shape (D, K), optional
            Which leading columns each target may use.

        Returns
        -------
        ndarray of shape (D, K)
            Zero where the design is.

        Raises
        ------
        numpy.linalg.LinAlgError
            If columns are collinear and the penalty too small to tell them apart.

        Notes
        -----
        A leading block of the factor is the factor of the leading block, so cutting the intermediate solution gives
        every target the exact solution on its own columns.
        """
        if not self.gram.any():
            return np.zeros(self.cross.shape)
        ridged = self.gram.copy()
        ridged[np.diag_indices_from(ridged)] += np.asarray(penalty)
        factor = np.linalg.cholesky(ridged)
        halfway = solve_triangular(factor, self.cross, lower=True)
        if usable is not None:
            halfway = np.where(usable, halfway, 0.0)
        return solve_triangular(factor, halfway, lower=True, trans="T")


def chunks(start: int, stop: int, width: int) -> Iterator[slice]:
    """Cut rows ``start .. stop - 1`` of a design of `width` columns into pieces of at most `CHUNK` numbers."""
    size = max(1, CHUNK // width)
    for low in range(start, stop, size):
        yield slice(low, min(low + size, stop))
