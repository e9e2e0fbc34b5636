"""Displays in scikit-learn's manner: built by a classmethod and drawn, with ``ax_`` and ``figure_`` afterwards."""

from rnnforecast.plotting.anomalies import AnomalyDisplay
from rnnforecast.plotting.backtests import BacktestDisplay, BacktestForecastDisplay
from rnnforecast.plotting.forecasts import ForecastDisplay
from rnnforecast.plotting.networks import AttentionDisplay, GradientFlowDisplay, LossCurveDisplay
from rnnforecast.plotting.panels import PanelDisplay

__all__ = [
    "AnomalyDisplay",
    "AttentionDisplay",
    "BacktestDisplay",
    "BacktestForecastDisplay",
    "ForecastDisplay",
    "GradientFlowDisplay",
    "LossCurveDisplay",
    "PanelDisplay",
]
