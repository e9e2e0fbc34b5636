"""Static covariates as numbers for a network: numbers scaled, categories as a column each or, of many, numbered.

S series, E numbers of each.
"""

from __future__ import annotations

import warnings
from collections.abc import Hashable
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from rnnforecast.scaling import fit_scaler
from rnnforecast.series.labels import names_text

MOST_COLUMNS = 8  # of a covariate with a column for each category; of more categories a table is learnt


@dataclass(frozen=True)
class StaticEncoder:
    """What the static covariates of the training series looked like.

    Parameters
    ----------
    centers, scales : dict
        Mean and deviation of each numeric column.
    categories : dict
        The values, sorted, of each other column.
    """

    centers: dict[Hashable, float]
    scales: dict[Hashable, float]
    categories: dict[Hashable, pd.Index]

    @classmethod
    def fit(cls, static: pd.DataFrame) -> StaticEncoder:
        """Learn from the values (S rows) of the training series."""
        centers, scales, categories = dict[Hashable, float](), dict[Hashable, float](), dict[Hashable, pd.Index]()
        for name, column in static.items():
            if pd.api.types.is_numeric_dtype(column) and not pd.api.types.is_bool_dtype(column):
                scaler = fit_scaler(column.to_numpy(np.float64)[:, None])
                centers[name] = float(scaler.origin[0] + scaler.offset[0])
                scales[name] = float(scaler.scale[0])
                continue
            categories[name] = pd.Index(column.astype(object).unique())
        return cls(centers, scales, categories)

    @property
    def n_symbols(self) -> tuple[int, ...]:
        """Categories of each column that is numbered: the last columns."""
        return tuple(len(levels) for levels in self.categories.values() if len(levels) > MOST_COLUMNS)

    @property
    def n_columns(self) -> int:
        """E."""
        sizes = map(len, self.categories.values())
        return len(self.centers) + sum(1 if size > MOST_COLUMNS else size for size in sizes)

    def encode(self, static: pd.DataFrame) -> NDArray[np.float64]:
        """Return the numbers (S, E); a category that was not learnt is none of those that were, with a warning."""
        parts, numbered = [np.empty((len(static), 0))], []
        for name, center in self.centers.items():
            if not pd.api.types.is_numeric_dtype(static[name]):
                raise ValueError(
                    f"the static covariate {name!r} held numbers in the data of fit, got {static[name].iloc[0]!r} of "
                    f"series {static.index[0]!r}; convert it with pd.to_numeric"
                )
            parts.append((static[[name]].to_numpy(np.float64) - center) / self.scales[name])
        for name, levels in self.categories.items():
            codes = levels.get_indexer(pd.Index(static[name].astype(object)))
            if (codes < 0).any():
                strange = pd.Index(static[name][codes < 0].unique())
                warnings.warn(
                    f"the static covariate {name!r} has categories that were not in the data of fit: "
                    f"{names_text(strange)}; their series are forecast as of none of the known ones",
                    UserWarning,
                    stacklevel=2,
                )
            if len(levels) > MOST_COLUMNS:
                numbered.append(np.where(codes < 0, len(levels), codes)[:, None].astype(np.float64))
            else:
                parts.append((codes[:, None] == np.arange(len(levels))).astype(np.float64))
        return np.hstack(parts + numbered)
