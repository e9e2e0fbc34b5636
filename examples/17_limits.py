"""When not to use a recurrent network, shown with data in which there is nothing, little and much to learn.

You will see what the report says of prices (no skill), of a season with noise (a simple model is as good) and of a
weather station; and four ways to see skill where there is none. Uses the bundled prices and weather.
"""

import numpy as np
import pandas as pd

from rnnforecast import LinearForecaster, NaiveForecaster, RNNForecaster, load_stock, load_weather

rng = np.random.default_rng(0)
days = pd.date_range("2020-01-01", periods=900, name="day")
weekly = pd.Series(10 + np.tile([0, 1, 2, 3, 2, 1, 0], 129)[:900] + rng.normal(size=900), days, name="weekly")
series = {
    "share price": (load_stock()["close"].iloc[-1500:], 5),
    "week and noise": (weekly, 7),
    "temperature": (load_weather()["temperature_c"].iloc[-1500:].asfreq("h").interpolate(), 24),
}

# The same question to each: how wrong were forecasts from 20 past origins, over those of a naive forecast?
rows = {}
for name, (y, horizon) in series.items():
    network = RNNForecaster(horizon=horizon, n_estimators=1, max_iter=10, lookback=3 * horizon, random_state=0)
    models = {"linear": LinearForecaster(horizon=horizon), "network and linear": network}
    backtests = {model: models[model].backtest(y, n_windows=20, step=horizon) for model in models}
    rows[name] = {model: 1 - backtest.table()["skill"].iloc[0] for model, backtest in backtests.items()}
    network.fit(y)
    rows[name] |= {
        "weight of the network": float(np.mean(network.blend_weight_)),
        "report": "no skill" if network.no_skill_ else f"skill {network.skill_:.2f}",
    }
print("mean absolute error over that of a naive forecast: same time last season, or the last value (below 1 is better)")
print(pd.DataFrame.from_dict(rows, orient="index").to_string(float_format="%.2f".__mod__))
print(
    """
share price:    nothing beats the last price, and the report says so. Believe it.
week and noise: the season is all there is; a linear model finds it, and a network can add nothing.
temperature:    there is much to learn, and from two months of it the linear model has learnt most; the weight of the
                network says so. Networks earn theirs on years of data, on many series, and where things interact.
"""
)

# Four ways to see skill where there is none, all with the price.
price = series["share price"][0]
r2 = 1 - price.diff().var() / price.var()
print(f"1. R² of 'as yesterday' on the price is {r2:.3f}: it says that prices wander, not that they can be forecast")

returns = np.log(price).diff().dropna()
shuffled = returns.sample(frac=1.0, random_state=0).set_axis(returns.index)
same_side, by_chance = ((np.sign(r) == np.sign(r.shift(1))).mean() for r in (returns, shuffled))
chance = 1 / len(returns) ** 0.5  # two standard errors of a share of one half
print(f"2. {same_side:.1%} of days go as the day before; shuffled, {by_chance:.1%}")
print(f"   by chance alone it is between {0.5 - chance:.1%} and {0.5 + chance:.1%} nineteen times out of twenty")

# The reference decides what "better" is. Whoever compares with the price of a week ago finds skill in yesterday's.
common = {"n_windows": 20, "step": 5}
last, week = (
    NaiveForecaster(horizon=5, strategy=strategy, season_length=5).backtest(price, **common).table()["MAE"].iloc[0]
    for strategy in ("last", "seasonal")
)
print(f"3. the last price errs by {1 - last / week:.0%} less than the price of a week ago, and knows nothing either")

forecaster = NaiveForecaster(horizon=5, strategy="drift")
ends = range(1000, 1500, 50)
gains = [forecaster.backtest(price[:end], n_windows=5, step=5).table()["skill"].iloc[0] for end in ends]
print(
    f"4. five windows prove nothing: the gain of the drift on the last value was {min(gains):.0%} to {max(gains):.0%}"
)

# When not to use a network: a few hundred rows; nothing but a season or a trend; a need to say why in one equation; no
# time to backtest. LinearForecaster and NaiveForecaster have the same interface, and are in the report anyhow.
# What next: 02_stock.py is the whole report on a price; 10_intervals.py says how wide what cannot be known is.
