"""Choose the cell and the size of the network with scikit-learn's grid search, on origins that roll through time."""

import os

import pandas as pd
from sklearn.model_selection import GridSearchCV

from rnnforecast import RNNForecaster, RollingOriginSplit, load_weather

weather = load_weather("JFK")["temp"] if os.environ.get("RNNFORECAST_DATA") else load_weather()["temperature_c"]
y = weather[-2400:].asfreq("h").interpolate()
X = pd.DataFrame(index=y.index)  # no covariates: the index alone says when

search = GridSearchCV(
    # blend=None compares the networks themselves, not what is left of them beside the linear model.
    RNNForecaster(horizon=24, blend=None, n_estimators=1, random_state=0),
    {"cell": ["lstm", "gru"], "hidden_layer_sizes": [(16,), (32,)]},
    cv=RollingOriginSplit(horizon=24, n_windows=3, step=72),  # ordinary folds would train on the future
    scoring="neg_mean_absolute_error",
    n_jobs=2,
).fit(X, y)

results = pd.DataFrame(search.cv_results_)
print(results[["param_cell", "param_hidden_layer_sizes", "mean_test_score", "mean_fit_time"]].round(3).to_string())
print("best:", search.best_params_)
print(search.best_estimator_.forecast().head())

# What next: 11_search.py searches over more for the same time; 14_scikit_learn.py puts pipelines around a forecaster.
