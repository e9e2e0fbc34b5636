"""Forecast series with holes: what is refused, what is filled, what is learnt around, and what to do about odd stamps.

You will see the messages that name what is missing, the two ways to go on, and how to bring time stamps that follow no
clock onto a regular one. Uses the bundled weather, with more holes cut into it.
"""

import numpy as np
import pandas as pd

from rnnforecast import RNNForecaster, load_weather

rng = np.random.default_rng(0)
whole = load_weather()["temperature_c"].iloc[-1500:].asfreq("h").interpolate()
y = whole.copy()
y.iloc[rng.choice(len(y) - 200, 150, replace=False)] = np.nan  # single hours, at random
y.iloc[500:548] = np.nan  # two days in a row
known, held_back = y.iloc[:-168], whole.iloc[-168:]
small = {"horizon": 24, "n_estimators": 1, "max_iter": 10, "lookback": 72, "committee": False, "random_state": 0}

# The default refuses. Nobody should find out from a strange forecast that a sensor was silent for two days.
try:
    RNNForecaster(**small).fit(known)
except ValueError as error:
    print(f"{type(error).__name__}: {error}\n")

# "interpolate" draws lines and learns them as if they had been measured; "mask" tells the network what was measured and
# how long ago, and leaves the holes out of the loss. Rows that are not there at all are holes as well.
rows = {}
for name, series, missing in (
    ("nothing missing", whole.iloc[:-168], "error"),
    ("interpolate", known, "interpolate"),
    ("mask", known, "mask"),
    ("mask, rows left out", known.dropna(), "mask"),
):
    model = RNNForecaster(missing=missing, **small).fit(series)
    errors = []
    for day in range(0, 168, 24):
        errors.append((model.forecast() - held_back.iloc[day : day + 24]).abs().mean())
        model.update(held_back.iloc[day : day + 24])
    rows[name] = {"mean absolute error, °C": np.mean(errors)}
print(pd.DataFrame(rows).T.round(3).to_string())
# A line through a single missing hour of a temperature is nearly the truth, so here lines do as well. A mask is for
# series that jump, for long holes, and for those whose last rows are missing.

# Some files write a number where there is nothing.
coded = known.fillna(-999.0)
model = RNNForecaster(missing="mask", missing_values=-999, **small).fit(coded)
print(f"\n-999 read as missing: lowest forecast {model.forecast().min():.1f} °C")

# A forecast needs a clock. Stamps that follow none are refused: say which hour a row belongs to, and what two rows
# of one hour shall be.
jitter = pd.to_timedelta(rng.uniform(-600, 600, len(whole)), unit="s")
irregular = pd.Series(whole.to_numpy(), whole.index + jitter, name="temperature_c")
try:
    RNNForecaster(**small).fit(irregular)
except ValueError as error:
    print(f"{type(error).__name__}: {error}\n")
irregular = irregular.drop(irregular.index[700:703])
hourly = irregular.groupby(irregular.index.round("h")).mean().asfreq("h")
print(f"hours without a row are holes again: {hourly.isna().sum()} of {len(hourly)}")
print(RNNForecaster(missing="mask", **small).fit(hourly).forecast().head(3).round(1).to_string())

# What next: 02_stock.py for trading days, which may step over holidays; 09_anomalies.py, whose detector takes stamps as
# they come.
