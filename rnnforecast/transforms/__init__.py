"""Change what a model learns on, and change its forecasts back: logarithm, Box-Cox, differences.

Only numpy and scipy are used.
"""

from rnnforecast.transforms.differences import Transform
from rnnforecast.transforms.fitting import (
    TRANSFORMS,
    fit_boxcox,
    fit_transform,
    guerrero_slope,
    lags_of,
    pool_boxcox,
    steps_of,
    wants_log,
)
from rnnforecast.transforms.pointwise import BoxCox, Identity, Log, Pointwise

__all__ = [
    "TRANSFORMS",
    "BoxCox",
    "Identity",
    "Log",
    "Pointwise",
    "Transform",
    "fit_boxcox",
    "fit_transform",
    "guerrero_slope",
    "lags_of",
    "pool_boxcox",
    "steps_of",
    "wants_log",
]
