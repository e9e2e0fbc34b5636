"""Displays in scikit-learn's manner: built by a classmethod and drawn, with ``ax_`` and ``figure_`` afterwards."""

from rnnforecast.plotting.anomalies import AnomalyDisplay
from rnnforecast.plotting.forecasts import BacktestDisplay, ForecastDisplay
from rnnforecast.plotting.networks import AttentionDisplay, GradientFlowDisplay, LossCurveDisplay

__all__ = [
    "AnomalyDisplay",
    "AttentionDisplay",
    "BacktestDisplay",
    "ForecastDisplay",
    "GradientFlowDisplay",
    "LossCurveDisplay",
]
