"""How sure is a forecast? Intervals, quantiles, possible days, and how often the intervals would have been right.

Uses the bundled weather.
"""

import importlib.util

from rnnforecast import RNNForecaster, load_weather
from rnnforecast.plotting import ForecastDisplay

temperature = load_weather()["temperature_c"].asfreq("h").interpolate()
today = temperature[:-24]

# The errors on rows held out of learning say how wide an interval must be; nothing is computed until somebody asks.
forecaster = RNNForecaster(horizon=24, random_state=0).fit(today)
print(forecaster.forecast(level=[80, 95]).round(1).to_string())

# Questions about the day as a whole need the dependence between its hours: count them on possible days.
days = forecaster.forecast(n_samples=1000)
print(f"warmer than 21 degrees at some hour: {(days.max() > 21).mean():.0%} of the possible days")

# How often would the intervals have held the truth? They learn from their errors as time passes, or stay as
# they were fitted.
for kind in ("adaptive", "conformal"):
    backtest = RNNForecaster(horizon=24, intervals=kind, random_state=0).backtest(
        temperature, n_windows=60, step=24, level=[80, 95]
    )
    print(f"\n{kind}\n{backtest}")

# A network that learns quantiles knows by itself when the temperature is hard to forecast; these are calibrated too.
fan = RNNForecaster(horizon=24, loss="quantile", quantiles=(0.05, 0.25, 0.5, 0.75, 0.95), random_state=0).fit(today)
if importlib.util.find_spec("matplotlib"):
    display = ForecastDisplay.from_estimator(fan, temperature, level=[50, 80, 95])
    display.figure_.savefig("intervals.png", dpi=150)

# What next: 02_stock.py, where the interval is all that can be known; 13_streaming.py, where rows come one by one.
