"""Three searches for good parameters, all judged on origins that roll through time: a grid, a race, and Optuna.

Uses the bundled weather, or JFK airport if RNNFORECAST_DATA names a folder with weather/nyc_hourly_2013.csv. The last
part needs Optuna (``pip install "rnnforecast[search]"``).
"""

import importlib.util
import os
import time

import pandas as pd
from sklearn.base import clone
from sklearn.experimental import enable_halving_search_cv  # noqa: F401  # makes the next import possible
from sklearn.model_selection import GridSearchCV, HalvingGridSearchCV

import rnnforecast
from rnnforecast import LinearForecaster, RNNForecaster, RollingOriginSplit, load_weather

weather = load_weather("JFK")["temp"] if os.environ.get("RNNFORECAST_DATA") else load_weather()["temperature_c"]
y = weather.iloc[-1500:].asfreq("h").interpolate()
known, held_back = y.iloc[:-168], y.iloc[-168:]  # the last week takes no part in any search
X = pd.DataFrame(index=known.index)  # no covariates: the index alone says when

# Ordinary folds would train on the future. blend=None compares the networks themselves, not what is left of them beside
# the linear model.
rolling = RollingOriginSplit(horizon=24, n_windows=3, step=72)
network = RNNForecaster(horizon=24, blend=None, n_estimators=1, lookback=72, max_iter=8, random_state=0)
measure = {"cv": rolling, "scoring": "neg_mean_absolute_error", "n_jobs": 2}

# Worker processes load what is compiled; without this each of them would compile for itself.
rnnforecast.warmup(["lstm", "gru"])
found = {}


def tell(name, parameters, error, start):
    """Print what a search found, and keep it."""
    print(f"{name:<6} {error:.3f} after {time.perf_counter() - start:4.1f} s with {parameters}")
    found[name] = parameters


# Every combination, fitted to the end.
start = time.perf_counter()
grid = {"cell": ["lstm", "gru"], "hidden_layer_sizes": [(16,), (32,)]}
search = GridSearchCV(network, grid, refit=False, **measure).fit(X, known)
tell("grid", search.best_params_, -search.best_score_, start)

# More combinations for fewer epochs each; the best third goes on to three times as many. The resource must not be
# "n_samples", the default: that would leave out rows at random, and with them the order in time.
start = time.perf_counter()
grid |= {"learning_rate_init": [1e-3, 3e-3, 1e-2]}
race = HalvingGridSearchCV(
    network, grid, resource="max_iter", min_resources=2, max_resources=18, factor=3, refit=False, **measure
).fit(X, known)
tell("race", race.best_params_, -race.best_score_, start)


def propose(trial):
    """Return parameters within ranges, rather than from lists."""
    return {
        "cell": trial.suggest_categorical("cell", ["lstm", "gru"]),
        "hidden_layer_sizes": (trial.suggest_int("units", 8, 32, step=8),),
        "learning_rate_init": trial.suggest_float("learning_rate_init", 1e-3, 1e-2, log=True),
        "lookback": trial.suggest_int("lookback", 24, 120, step=24),
    }


def objective(trial):
    """Return the mean absolute error; a trial that does worse than most on the first origins ends there."""
    model, errors = clone(network).set_params(**propose(trial)), []
    for train, test in rolling.split(known):
        forecast = model.fit(known.iloc[train]).forecast()
        errors.append((forecast - known.iloc[test]).abs().mean())
        trial.report(sum(errors) / len(errors), step=len(errors))
        if trial.should_prune():
            raise optuna.TrialPruned
    return sum(errors) / len(errors)


if importlib.util.find_spec("optuna"):
    import optuna

    start = time.perf_counter()
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    study = optuna.create_study(sampler=optuna.samplers.TPESampler(seed=0), pruner=optuna.pruners.MedianPruner(3))
    study.optimize(objective, n_trials=10)
    tell("optuna", propose(study.best_trial), study.best_value, start)
else:
    print('optuna is not installed (pip install "rnnforecast[search]"): its part is left out')

# What was chosen on the past, in the week after it, beside the linear forecast that every network must beat.
models = {"linear": LinearForecaster(horizon=24)}
models |= {name: clone(network).set_params(**parameters) for name, parameters in found.items()}
for name, model in models.items():
    forecasts = model.backtest(y, n_windows=len(held_back) - 23, step=1, refit=False).forecasts
    print(f"{name:<6} {(forecasts['actual'] - forecasts['forecast']).abs().mean():.3f} in the week held back")
