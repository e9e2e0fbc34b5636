"""Forecast tomorrow's temperature hour by hour, from the temperature so far and what else the station measured.

Uses the bundled weather, or JFK airport if RNNFORECAST_DATA names a folder with weather/nyc_hourly_2013.csv.
"""

import importlib.util
import os

from rnnforecast import RNNForecaster, load_weather
from rnnforecast.plotting import BacktestDisplay, ForecastDisplay

if os.environ.get("RNNFORECAST_DATA"):
    weather = load_weather("JFK")
    target, measured = "temp", ["dewp", "humid", "pressure", "wind_speed"]
else:
    weather = load_weather()
    target, measured = "temperature_c", ["pressure_hpa", "humidity_pct", "wind_m_s", "cloud_pct"]
X, y = weather[measured], weather[target]
print(weather.attrs["source"], "-", len(y), "hours")

# Nobody knows tomorrow's pressure: past_covariates are used up to the forecast origin only.
# Stations miss hours now and then: the default is to refuse holes, this fills them.
forecaster = RNNForecaster(horizon=24, past_covariates=measured, missing="interpolate", random_state=0)

# How good would it have been? Learn from all but the last 14 days, forecast each of these beside "same hour yesterday".
backtest = forecaster.backtest(X, y, n_windows=14)
print(backtest)

# Forecast the last day as if it had not come yet.
forecaster.fit(X[:-24], y[:-24])
print(forecaster)
print(forecaster.forecast())

if importlib.util.find_spec("matplotlib"):
    ForecastDisplay.from_estimator(forecaster, y).figure_.savefig("weather.png", dpi=150)
    BacktestDisplay.from_backtest(backtest).figure_.savefig("weather_errors.png", dpi=150)

# What next: 10_intervals.py says how sure the forecast is, 17_limits.py when not to use a network at all.
