"""Time-series forecasting with recurrent networks on ordinary CPUs.

Numba kernels under scikit-learn estimators that take pandas series. Names are loaded when first used: importing the
package imports neither numba nor scikit-learn's heavier parts.
"""

from __future__ import annotations

import importlib
from typing import Any

__version__ = "0.1.0"

_HOMES = {
    "RNNForecaster": "rnnforecast.estimators.forecaster",
    "RNNRegressor": "rnnforecast.estimators.regressor",
    "RNNClassifier": "rnnforecast.estimators.classifier",
    "RNNAnomalyDetector": "rnnforecast.estimators.anomaly",
    "RNNGenerator": "rnnforecast.estimators.generator",
    "ForecasterPerSeries": "rnnforecast.estimators.per_series",
    "NaiveForecaster": "rnnforecast.estimators.baselines",
    "LinearForecaster": "rnnforecast.estimators.baselines",
    "warmup": "rnnforecast.estimators.warmup",
    "load_weather": "rnnforecast.datasets",
    "load_stock": "rnnforecast.datasets",
    "load_sensor": "rnnforecast.datasets",
    "from_long": "rnnforecast.series",
    "RollingOriginSplit": "rnnforecast.model_selection",
    "load": "rnnforecast.persistence",
    "ModelFileError": "rnnforecast.persistence",
    "InconsistentVersionWarning": "rnnforecast.estimators._saving",
}
_MODULES = ("datasets", "distributed", "metrics", "model_selection", "plotting")

__all__ = ["__version__", *sorted(_HOMES), *_MODULES]


def __getattr__(name: str) -> Any:
    if name in _HOMES:
        return getattr(importlib.import_module(_HOMES[name]), name)
    if name in _MODULES:
        return importlib.import_module(f"rnnforecast.{name}")
    raise AttributeError(f"module 'rnnforecast' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(__all__)
