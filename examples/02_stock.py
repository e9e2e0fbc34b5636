"""Try to forecast a share price a week ahead, and read the report that says whether it worked.

Uses the bundled prices; with RNNFORECAST_DATA naming a folder that holds stock/AAPL.csv, those of Apple.
"""

import importlib.util
import os

from rnnforecast import RNNForecaster, load_stock
from rnnforecast.plotting import ForecastDisplay

# Splits and dividends make jumps in a price that nobody felt: adj_close is free of them. The bundled share has none.
price = load_stock("AAPL")["adj_close"] if os.environ.get("RNNFORECAST_DATA") else load_stock()["close"]

forecaster = RNNForecaster(horizon=5, random_state=0)
backtest = forecaster.backtest(price, n_windows=100, step=5)  # the last two years, week by week
print(backtest)

# What the forecaster itself concluded from the data it learnt from.
forecaster.fit(price[:-5])
print(f"weight of the network: {forecaster.blend_weight_:.2f}; no skill found: {forecaster.no_skill_}")

# Trading days step over weekends, and the time stamps of the forecast do so too.
print(forecaster.forecast())

if importlib.util.find_spec("matplotlib"):
    ForecastDisplay.from_estimator(forecaster, price, last=60).figure_.savefig("stock.png", dpi=150)

# What next: 17_limits.py shows ways to see skill in prices where there is none.
