"""What is to be known of the future beside the forecast: intervals, quantiles, sample paths.

Q probabilities.
"""

from __future__ import annotations

from dataclasses import dataclass
from numbers import Real
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from rnnforecast.estimators._parameters import checked_number


@dataclass(frozen=True)
class Asked:
    """What is to be known beside the forecast; made by `asked`.

    Parameters
    ----------
    levels : tuple of float
        Nominal coverages of central intervals, in per cent.
    quantiles : tuple of float
        Probabilities.
    n_samples : int
        Sample paths.
    """

    levels: tuple[float, ...]
    quantiles: tuple[float, ...]
    n_samples: int = 0

    def __bool__(self) -> bool:
        return bool(self.levels or self.quantiles or self.n_samples)

    @property
    def probabilities(self) -> NDArray[np.float64]:
        """Return the (Q,) probabilities of the ends of the intervals, two each, then of the quantiles."""
        # Rounded, so that the ends of an interval are the same numbers as the quantiles they are.
        ends = [round((100.0 + side * level) / 200.0, 12) for level in self.levels for side in (-1, 1)]
        return np.array([*ends, *self.quantiles])

    @property
    def ends(self) -> list[str]:
        """Return what the ends of the intervals are called."""
        return [f"{end}-{level:g}" for level in self.levels for end in ("lo", "hi")]

    def names(self, target: str) -> list[str]:
        """Return the columns of a target: the forecast where intervals are asked, intervals, quantiles, samples."""
        ends = [f"{target}-{end}" for end in self.ends]
        quantiles = [f"{target}-q{quantile:g}" for quantile in self.quantiles]
        samples = [f"{target}-sample-{sample}" for sample in range(1, self.n_samples + 1)]
        return [target] * bool(self.levels) + ends + quantiles + samples


def asked(level: Any = None, quantiles: Any = None, n_samples: Any = None) -> Asked:
    """Check what was asked for.

    Parameters
    ----------
    level : float, sequence of float or None
        Per cent, from 1 to below 100.
    quantiles : float, sequence of float or None
        Between 0 and 1.
    n_samples : int or None

    Returns
    -------
    Asked
        False where everything is None.

    Raises
    ------
    ValueError
        A number out of its range; 0.8 is no level.
    """
    levels = _numbers(level, "level", "percentages from 1 to below 100, such as 80", 1.0 - 1e-12, 100.0)
    probabilities = _numbers(quantiles, "quantiles", "probabilities between 0 and 1, such as 0.9", 0.0, 1.0)
    return Asked(levels, probabilities, 0 if n_samples is None else checked_number(n_samples, "n_samples"))


def _numbers(given: Any, name: str, expected: str, low: float, high: float) -> tuple[float, ...]:
    """Return what was given as distinct numbers between two bounds, both excluded."""
    if given is None:
        return ()
    values = given if isinstance(given, list | tuple | np.ndarray | range | pd.Index | pd.Series) else [given]
    for value in values:
        if isinstance(value, bool | np.bool_) or not isinstance(value, Real) or not low < float(value) < high:
            raise ValueError(f"{name} must hold {expected}, got {value!r}")
    if len(values) == 0:
        raise ValueError(f"{name} must hold {expected}, got none")
    return tuple(dict.fromkeys(float(value) for value in values))
