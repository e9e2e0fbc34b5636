"""Ask a fitted network what it looks at: which columns it needs, how far back it sees, what would change a forecast.

You will see three questions with three methods, on data where the answer is known: a demand that follows the
temperature of the same hour and its own value of a day ago, but no lottery. Draws the gradient by lag into
``looking_back.png``.
"""

import importlib.util

import numpy as np
import pandas as pd

from rnnforecast import RNNForecaster
from rnnforecast.plotting import GradientFlowDisplay

rng = np.random.default_rng(0)
hours = pd.date_range("2024-01-01", periods=1500, freq="h", name="time")
X = pd.DataFrame({"temperature": rng.normal(size=1500), "lottery": rng.normal(size=1500)}, hours)
values = np.zeros(1500)
for hour in range(24, 1500):
    values[hour] = 0.7 * values[hour - 24] + X["temperature"].iloc[hour] + 0.1 * rng.normal()
y = pd.Series(values, hours, name="demand")

# blend=None: the network alone is asked, not the linear model beside it.
forecaster = RNNForecaster(
    horizon=24, blend=None, n_estimators=1, lookback=72, segment_length=None, max_iter=30, random_state=0
).fit(X[:-200], y[:-200])

# Which inputs does it need? Each is shuffled in turn, some lags at a time; what the error then grows by is what they
# were worth. Lag 0 is the newest known row, 23 the row a day before the first hour forecast, -1 that hour itself.
importance = forecaster.permutation_importance(X, y, random_state=0)
print("error grows by, where by more than 0.005")
print(importance[importance["mean"] > 0.005].round(3).to_string(), "\n")

# What would change the forecast of the next hour? Its derivative in everything that went into it. The demand was made
# as 0.7 times that of a day ago plus 1.0 times the temperature: this is what was learnt of it.
gradient = forecaster.input_gradient(step=1)["mean"].stack()
print("largest derivatives")
print(gradient[gradient.abs().nlargest(5).index].round(3).to_string(), "\n")

# How far back can it learn? Norms of the gradient by lag: where they have fallen to nothing, no error gets through.
norms = forecaster.gradient_flow()
print(norms.iloc[[0, 1, 6, 24, 48]].to_string(float_format="{:.1e}".format))
if importlib.util.find_spec("matplotlib"):
    GradientFlowDisplay.from_norms(norms).figure_.savefig("looking_back.png", dpi=150)

# What next: 06_long_memory.py, where an Elman network forgets what an LSTM keeps.
