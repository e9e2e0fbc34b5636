"""Use the forecaster where a scikit-learn regressor fits: pipelines, transformed targets, searches.

You will see which index decides what ``predict`` returns, how columns are prepared in front of the forecaster, how the
target is transformed around it, and how folds must be cut. Uses the bundled weather.
"""

import numpy as np
import pandas as pd
from sklearn.compose import ColumnTransformer, TransformedTargetRegressor
from sklearn.model_selection import GridSearchCV, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

from rnnforecast import LinearForecaster, RNNForecaster, RollingOriginSplit, load_weather

weather = load_weather().iloc[-1500:].asfreq("h").interpolate()
y = weather["wind_m_s"]

# What is known for the hours to come: their part of the day and, as if from a weather service, how cloudy they will be.
X = pd.DataFrame({"cloud_pct": weather["cloud_pct"]})
X["part"] = pd.cut(X.index.hour, [-1, 5, 11, 17, 23], labels=["night", "morning", "afternoon", "evening"]).astype(str)
known, next_day = slice(None, -24), slice(-24, None)

# Categories become columns, before the forecaster sees them. set_output keeps the time stamps: without them predict()
# could not know which rows are the future.
columns = ColumnTransformer(
    [("scale", StandardScaler(), ["cloud_pct"]), ("part", OneHotEncoder(sparse_output=False), ["part"])]
)
# Small, so that this page is read sooner: one network, ten epochs, beside one linear model.
network = RNNForecaster(horizon=24, n_estimators=1, max_iter=10, lookback=72, committee=False, random_state=0)
model = make_pipeline(columns, network).set_output(transform="pandas")
model.fit(X[known], y[known])
print("columns that the forecaster read:", ", ".join(model[-1].feature_names_in_))

# Rows after the end of training are forecast from there; rows inside it are fitted one step ahead.
print(f"mean error tomorrow {np.abs(model.predict(X[next_day]) - y[next_day]).mean():.2f} m/s")
print(f"mean error one step ahead in training {np.abs(model.predict(X[known]) - y[known]).mean():.2f} m/s")

# Wind is positive and skewed. target_transform="log" does this inside, with intervals and in panels; scikit-learn's way
# works as well, and takes any function.
logarithmic = TransformedTargetRegressor(model, func=np.log1p, inverse_func=np.expm1, check_inverse=False)
logarithmic.fit(X[known], y[known])
print(f"learnt on logarithms: {np.abs(logarithmic.predict(X[next_day]) - y[next_day]).mean():.2f} m/s")

# Folds roll forward in time: each forecasts the day after what it learnt from. One day says little, five say more.
rolling = RollingOriginSplit(horizon=24, n_windows=5, step=48)
linear = make_pipeline(columns, LinearForecaster(horizon=24)).set_output(transform="pandas")
errors = -cross_val_score(linear, X, y, cv=rolling, scoring="neg_mean_absolute_error")
print(f"\nlinear model over {len(errors)} days: {errors.mean():.2f} m/s, from {errors.min():.2f} to {errors.max():.2f}")

# A search reaches into the pipeline by names, as for any other estimator.
grid = {"linearforecaster__lookback": [24, 72], "linearforecaster__target_transform": [None, "log"]}
search = GridSearchCV(linear, grid, cv=rolling, scoring="neg_mean_absolute_error").fit(X, y)
results = pd.DataFrame(search.cv_results_)
results.columns = results.columns.str.removeprefix("param_linearforecaster__")
print(results[["lookback", "target_transform", "mean_test_score", "std_test_score"]].round(3).to_string(index=False))

# What next: 03_grid_search.py and 11_search.py search over networks; 04_sequence_classification.py is for rows that are
# sequences, where ordinary folds are the right ones.
