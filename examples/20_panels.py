"""Forecast many series with one model: shops of different sizes and ages, and one that has just opened.

You will see how a long table becomes a panel, what one model for all is worth beside one for each, and how a series
that was never learnt from is forecast. Invents sales of twelve shops; draws four of them into ``shops.png``.
"""

import importlib.util

import numpy as np
import pandas as pd

from rnnforecast import ForecasterPerSeries, LinearForecaster, RNNForecaster, from_long
from rnnforecast.plotting import PanelDisplay

# A row for each shop and day, as a database gives it. Shops differ in size and in the day on which they opened.
rng = np.random.default_rng(0)
days = pd.date_range("2024-01-01", periods=150, name="day")
tables = []
for number in range(13):
    opened, size, place = rng.integers(0, 60), rng.lognormal(3, 1), rng.choice(["town", "mall"])
    week = np.array([1.0, 1.0, 1.1, 1.2, 1.5, 2.0, 0.0 if place == "town" else 1.8])  # towns rest on Sundays
    sold = size * week[days.day_of_week] * np.exp(0.1 * rng.normal(size=150))
    table = pd.DataFrame({"shop": f"shop {number:02}", "day": days, "size": size, "place": place, "sold": sold})
    tables.append(table[opened:] if number < 12 else table[-21:])  # the last is three weeks old
X, y = from_long(pd.concat(tables), id="shop", time="day", target="sold")
old = X.index.get_level_values("shop") != "shop 12"
print(f"{len(y)} rows of {y.index.get_level_values('shop').nunique()} shops")

# Static covariates say what a series is: a number as it is, a category as columns. Each series has its own scale.
forecaster = RNNForecaster(
    horizon=7, static_covariates=["size", "place"], n_estimators=1, max_iter=15, lookback=21, random_state=0
)
backtest = forecaster.backtest(X[old], y[old], n_windows=4)
print(backtest)

# One model for all, or one for each? MASE is in units of each series: large shops count no more than small ones.
each = ForecasterPerSeries(LinearForecaster(horizon=7)).backtest(y[old], n_windows=4)
errors = pd.DataFrame({"one for all": backtest.by_series()["MASE"], "a linear one for each": each.by_series()["MASE"]})
print(errors.describe().loc[["mean", "min", "max"]].round(3).to_string())

# The new shop was not learnt from. Its three weeks are enough to forecast it by what the others taught.
forecaster.fit(X[old], y[old])
ahead = forecaster.forecast(history=(X[~old], y[~old]))
print(ahead.round(1).to_string())

if importlib.util.find_spec("matplotlib"):
    shown = ["shop 00", "shop 01", "shop 02", "shop 03"]
    forecasts = forecaster.forecast(level=[80])
    PanelDisplay.from_predictions(y[old], forecasts, series=shown).figure_.savefig("shops.png", dpi=150)

# What next: 12_cluster.py when they are too many for one machine, 18_holes.py when days are missing.
