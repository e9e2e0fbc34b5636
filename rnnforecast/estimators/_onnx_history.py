"""What a forecast begins with, as values of an ONNX graph.

B series, N rows of each, K targets, F known and P past covariates, H steps of the horizon, S series of a panel;
everything is double.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from rnnforecast.estimators._onnx_transforms import Transformed
from rnnforecast.interchange.graph import Value
from rnnforecast.scaling import Scaler


@dataclass(frozen=True)
class History:
    """What is known where a forecast begins.

    Parameters
    ----------
    target : Transformed
        The target in original units and transformed, (B, N, K).
    known, past : Value or None
        Covariates (B, N + H or more, F) and (B, N, P).
    member : Value or None
        Which series of a panel each one is, (B,) int64.
    """

    target: Transformed
    known: Value | None
    past: Value | None
    member: Value | None = None

    @property
    def values(self) -> Value:
        """The transformed target."""
        return self.target.values

    def window(self, n_rows: int) -> Value:
        """Return the newest values (B, n_rows, K); those before the first are like it."""
        return self.values.extended(1, n_rows - 1).cut(1, -n_rows, None)

    def around(self, covariates: Value, n_rows: int, n_ahead: int = 0) -> Value:
        """Return rows of covariates before the forecast and in it; those before the first are like it."""
        start = self.values.size(1) - 1  # counted from the first row: there may be more of the future than is needed
        return covariates.extended(1, n_rows - 1).cut(1, start, start + n_rows + n_ahead)

    def before(self, covariates: Value) -> Value:
        """Return all rows of covariates before the forecast, (B, N, F or P)."""
        return covariates.cut(1, 0, self.values.size(1))

    def of_members(self, table: np.ndarray) -> Any:
        """Return the rows (B, 1, C) of a table with one for each series, (S, C), or the only one, (1, C)."""
        if self.member is None:
            return table
        graph, width = self.values.graph, table.shape[1]
        return graph.apply("Gather", graph.constant(table), self.member, axis=0).reshape(-1, 1, width)

    def scaler(self, learnt: Scaler) -> Scaler:
        """Return the scaler of each one's series."""
        return Scaler(*(self.of_members(part) for part in (learnt.origin, learnt.offset, learnt.scale)))
