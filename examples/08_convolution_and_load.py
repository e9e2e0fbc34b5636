"""Forecast several related series at once: a convolution over their last hours, then a recurrence (as in LSTNet).

Six loads and the oil temperature of a transformer if RNNFORECAST_DATA names a folder with electricity/ETTh1.csv (Zhou
et al., 2021), otherwise what the bundled weather station measures.
"""

import os
from pathlib import Path

import pandas as pd

from rnnforecast import LinearForecaster, RNNForecaster, load_weather

path = Path(os.environ.get("RNNFORECAST_DATA", "")) / "electricity" / "ETTh1.csv"
if path.is_file():
    y = pd.read_csv(path, index_col="date", parse_dates=True).iloc[-8760:]  # the last year
else:
    y = load_weather().iloc[-8760:]
print(f"{len(y)} hours of {', '.join(y.columns)}")

common = {"horizon": 24, "missing": "interpolate"}
network = common | {
    "channels": "joint",  # one network reads and forecasts all series
    "lookback": 72,
    "segment_length": None,  # step by step: the convolution is what sums up the hours
    "hidden_layer_sizes": (64,),
    "highway": 24,  # the last day also enters linearly
    "n_estimators": 1,
    "random_state": 0,
}
convolution = network | {"conv_filters": 32, "conv_kernel_size": 6}
models = {
    "recurrence": RNNForecaster(blend=None, **network),  # the network alone, without the linear model beside it
    "convolution, recurrence": RNNForecaster(blend=None, **convolution),
    "convolution, recurrence, daily skip": RNNForecaster(blend=None, skip_period=24, **convolution),
    "linear model": LinearForecaster(**common),
    "the last two blended (default)": RNNForecaster(skip_period=24, **convolution),
}

# Each learns from all but the last thirty days, and forecasts each of these from the evening before. Errors are given
# in units of a naive forecast's, so that series of any unit can be averaged.
errors = {}
for name, model in models.items():
    backtest = model.backtest(y, n_windows=30)
    by_model = backtest.table()["MAE"].unstack("model")
    errors[name] = by_model[backtest.model] / by_model["seasonal naive"]
reference = "same hour yesterday" if backtest.season_length == 24 else "last value"
errors[f"naive: {reference}"] = errors[name] * 0 + 1
summary = pd.DataFrame(errors).T.rename_axis(columns=None)
summary.insert(0, "mean", summary.mean(axis=1))
print("Mean absolute error over the naive forecast's")
print(summary.round(3).to_string())

# What next: 15_speed.py shows what such choices cost; 20_panels.py is for many series that share one model.
