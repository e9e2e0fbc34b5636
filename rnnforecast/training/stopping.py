"""The best weights of a training, and when to stop looking for better ones."""

from __future__ import annotations

import math

import numpy as np


class Best:
    """Keeps a copy of the weights with the lowest value.

    Parameters
    ----------
    parameters : (P,)
        Copied: what is restored as long as nothing was better.
    tol : float
        Patience is renewed only by a value that is lower than the best by more than this.
    patience : int or None
        Number of offers in succession that do not renew it before `exhausted` is true; None is never.

    Attributes
    ----------
    parameters : (P,)
    step : int
        Number of updates behind these weights.
    value : float
        Infinite before the first finite offer.
    """

    def __init__(self, parameters: np.ndarray, *, tol: float = 0.0, patience: int | None = None):
        self.parameters = parameters.copy()
        self.step = 0
        self.value = math.inf
        self.tol, self.patience = tol, patience
        self._n_waited = 0

    def offer(self, step: int, value: float, parameters: np.ndarray) -> bool:
        """Copy the weights if their value is the lowest so far; a NaN never is.

        Parameters
        ----------
        step : int
        value : float
        parameters : (P,)

        Returns
        -------
        bool
            Whether they were.
        """
        # Small improvements count for the weights that are kept, but do not keep a training alive.
        self._n_waited = 0 if value < self.value - self.tol else self._n_waited + 1
        if not value < self.value:
            return False
        self.parameters[...] = parameters
        self.step, self.value = step, value
        return True

    @property
    def exhausted(self) -> bool:
        """Whether patience has run out."""
        return self.patience is not None and self._n_waited >= self.patience

    def restore(self, parameters: np.ndarray) -> None:
        """Copy the best weights into `parameters`, (P,)."""
        parameters[...] = self.parameters
