"""Libraries that make a forecaster of any scikit-learn regressor make one of the recurrent one."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from rnnforecast import RNNRegressor

N_LAGS = 7
REGRESSOR = RNNRegressor(hidden_layer_sizes=(4,), max_iter=2, random_state=0)


def one_step(series: pd.Series, lags: np.ndarray) -> float:
    """Forecast the next value by a regression on these lags, columns in their order."""
    values = series.to_numpy()
    rows = np.arange(N_LAGS, len(values) + 1)[:, None] - lags
    fitted = REGRESSOR.fit(values[rows[:-1]], values[N_LAGS:])
    return fitted.predict(values[rows[-1:]])[0]


def test_skforecast_forecasts_with_a_recurrent_regressor(daily):
    recursive = pytest.importorskip("skforecast.recursive", reason="skforecast is not installed")
    found = recursive.ForecasterRecursive(REGRESSOR, lags=N_LAGS)
    found.fit(daily)
    # Float32 kernels: the rounding of two batches of another layout.
    assert found.predict(1).iloc[0] == pytest.approx(one_step(daily, np.arange(1, N_LAGS + 1)), rel=1e-5)
    assert np.isfinite(found.predict(10)).all()


def test_mlforecast_forecasts_with_a_recurrent_regressor(daily):
    mlforecast = pytest.importorskip("mlforecast", reason="mlforecast is not installed")
    lags = np.arange(N_LAGS, 0, -1)  # oldest first, as a sequence is read
    table = pd.DataFrame({"unique_id": "visits", "ds": daily.index, "y": daily.to_numpy()})
    found = mlforecast.MLForecast({"rnn": REGRESSOR}, freq="D", lags=lags.tolist()).fit(table)
    assert found.predict(1)["rnn"].iloc[0] == pytest.approx(one_step(daily, lags), rel=1e-5)
    assert np.isfinite(found.predict(10)["rnn"]).all()
