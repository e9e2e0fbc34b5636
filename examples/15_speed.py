"""What a fit costs, and which parameters to turn when it costs too much.

You will see the time and the error of the same forecast with fewer networks, a shorter past, whole segments, both
number formats, one thread or two, and a readout in closed form. Uses the bundled weather; times are those of your
machine, and of what else it does.
"""

import time

import numpy as np
import pandas as pd

import rnnforecast
from rnnforecast import LinearForecaster, RNNForecaster, load_weather

# The first fit on a machine compiles; what was compiled is found again by later processes (NUMBA_CACHE_DIR names the
# folder). Warm up first, or the first row of every table is wrong.
began = time.perf_counter()
rnnforecast.warmup(["gru", "lstm", "leaky"])
rnnforecast.warmup(["gru"], dtype="float64")
print(f"warm-up: {time.perf_counter() - began:.1f} s (seconds on an empty cache, a fraction of one on a full one)")

temperature = load_weather()["temperature_c"].iloc[-1600:].asfreq("h").interpolate()
known, held_back = temperature[:-168], temperature[-168:]

# blend=None: errors are those of the networks alone. Blended with the linear model, as by default, they hardly differ.
small = {"horizon": 24, "n_estimators": 1, "max_iter": 10, "lookback": 72, "blend": None, "random_state": 0}
variants = {
    "linear model": LinearForecaster(horizon=24),
    "one GRU of 32 units, 10 epochs": RNNForecaster(**small),
    "  three of them, averaged": RNNForecaster(**small | {"n_estimators": 3}),
    "  on two threads (n_jobs=2)": RNNForecaster(**small | {"n_estimators": 3, "n_jobs": 2}),
    "  hour by hour (segment_length=None)": RNNForecaster(**small | {"segment_length": None}),
    "  64 units": RNNForecaster(**small | {"hidden_layer_sizes": (64,)}),
    '  dtype="float64"': RNNForecaster(**small | {"dtype": "float64"}),
    '  cell="lstm"': RNNForecaster(**small | {"cell": "lstm"}),
    'echo state network (solver="ridge")': RNNForecaster(
        **small | {"solver": "ridge", "cell": "leaky", "hidden_layer_sizes": (200,)}
    ),
}

rows = []
for name, model in variants.items():
    began = time.perf_counter()
    model.fit(known)
    fitted = time.perf_counter()
    model.forecast()
    done = time.perf_counter()
    # A week of forecasts from one fit: the past of each origin is read in one batch.
    forecasts = model.backtest(temperature, n_windows=len(held_back) - 23, step=1, refit=False).forecasts
    error = (forecasts["actual"] - forecasts["forecast"]).abs().mean()
    rows.append((name, fitted - began, 1e3 * (done - fitted), error))
table = pd.DataFrame(rows, columns=["", "fit, s", "forecast, ms", "error, °C"]).set_index("")
print(table.round(2).to_string())

# How to read it. Segments (24 hours joined into one step) cost the least for what they give: the recurrence has fewer
# steps. float32 is the default and enough. Threads share the networks and the shards of a minibatch, and the
# numbers stay the same to the last bit. More units or more steps need more data than these two months to pay; the
# linear model needs the least, which is why it stands beside every network.
one, two = variants["  three of them, averaged"].forecast(), variants["  on two threads (n_jobs=2)"].forecast()
print("forecasts on one thread and on two are equal:", bool(np.array_equal(one, two)))

# What next: 13_streaming.py for the cost of a row, 11_search.py for searches in worker processes.
