"""Write a recurrent cell of your own in five lines, and have its gradient derived and compiled.

You will see what a cell is (gates, and the arithmetic of one unit at one step), one with a memory beside its state, how
they do beside the known ones, and how cells are mixed. Uses the bundled weather.
"""

import pandas as pd

from rnnforecast import RNNForecaster, load_weather
from rnnforecast.kernels.activations import sigmoid, tanh
from rnnforecast.kernels.cells import Cell, Gate


# A cell gets the activated gates, the hidden state, and a tuple of n_memory further states; it returns the new ones.
# Only + - * / and the functions of rnnforecast.kernels.activations may be used: each is known with its derivative.
def fading(gates, hidden, memory):
    """Keep a share of the state and fill up with the new (a GRU without its reset gate)."""
    keep, new = gates
    return keep * hidden + (1.0 - keep) * new, ()


# A gate's sum is a product with the input and one with the hidden state, unless `takes` says otherwise. A bias of 1
# lets the state last for some steps before anything is learnt: sigmoid(1) = 0.73.
FADING = Cell("fading", (Gate("keep", sigmoid, bias=1.0), Gate("new", tanh)), fading)


def two_speeds(gates, hidden, memory):
    """Hold a slow memory beside the state, and let a gate mix the two."""
    keep, new, mix = gates
    (slow,) = memory
    slow = keep * slow + (1.0 - keep) * new
    return mix * tanh(slow) + (1.0 - mix) * new, (slow,)


# n_memory says how many states there are beside the hidden one. The gate "keep" looks at the input alone (takes="x").
TWO_SPEEDS = Cell(
    "two speeds",
    (Gate("keep", sigmoid, takes="x", bias=2.0), Gate("new", tanh), Gate("mix", sigmoid)),
    two_speeds,
    n_memory=1,
)

temperature = load_weather()["temperature_c"].iloc[-1600:].asfreq("h").interpolate()
rows = {}
for name, cell in {"gru": "gru", "lstm": "lstm", "fading": FADING, "two speeds": TWO_SPEEDS}.items():
    # blend=None: the network alone, so that a cell cannot hide behind the closed-form models.
    model = RNNForecaster(
        horizon=24, cell=cell, blend=None, n_estimators=1, lookback=72, max_iter=12, random_state=0
    ).fit(temperature[:-168])
    forecasts = model.backtest(temperature, n_windows=145, step=1, refit=False).forecasts
    error = (forecasts["actual"] - forecasts["forecast"]).abs().mean()
    rows[name] = {"parameters": model.n_parameters_, "last loss": model.loss_curve_[-1], "error, °C": error}
# With one network each, differences of some per cent are the luck of the seed: average several before you believe them.
print(pd.DataFrame(rows).T.astype({"parameters": int}).round(3).to_string())

# Cells can be mixed: one for each layer. The file that holds your cell is part of the key of the compiled code, so an
# edit compiles anew and an unchanged file is found in the cache.
mixed = RNNForecaster(
    horizon=24, cell=(FADING, "lstm"), hidden_layer_sizes=(16, 16), n_estimators=1, max_iter=5, random_state=0
).fit(temperature)
print(mixed.forecast().head(3).round(1).to_string())

# A fitted model with such a cell can be pickled but not saved with save(): a file of numbers holds no code.
# What next: 06_long_memory.py starts known cells with other biases and looks at the gradient;
# rnnforecast/kernels/cells/ holds the LSTM, the GRU and the others, written in this way.
