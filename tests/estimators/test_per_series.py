"""A forecaster for each series of a panel gives what each would give alone."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from sklearn.exceptions import NotFittedError
from sklearn.utils._param_validation import InvalidParameterError

from rnnforecast import ForecasterPerSeries, LinearForecaster, NaiveForecaster, RNNForecaster

H = 4


@pytest.fixture
def panel(rng) -> pd.DataFrame:
    """Two series with a covariate, of which the second begins later and ends earlier."""
    days = pd.date_range("2024-01-01", periods=60, freq="D", name="day")
    parts = {}
    for name, span in (("x", slice(0, 60)), ("w", slice(5, 50))):
        own = days[span]
        known = rng.normal(size=len(own))
        parts[name] = pd.DataFrame({"known": known, "y": 50 + known + rng.normal(size=len(own))}, index=own)
    return pd.concat(parts, names=["id", "day"])


@pytest.mark.parametrize(
    "forecaster",
    [
        NaiveForecaster(H),
        LinearForecaster(H, lookback=7),
        RNNForecaster(H, lookback=7, hidden_layer_sizes=3, max_iter=1, n_estimators=1, random_state=0),
    ],
    ids=["naive", "linear", "network"],
)
@pytest.mark.parametrize("n_jobs", [None, pytest.param(2, marks=pytest.mark.slow)])
def test_each_series_gets_what_it_would_get_alone(forecaster, n_jobs, panel):
    both = ForecasterPerSeries(forecaster, n_jobs=n_jobs).fit(panel[["known"]], panel["y"])
    assert list(both.forecasters_) == ["w", "x"]
    ends = {name: panel.loc[name].index[-1] for name in ("w", "x")}
    steps = pd.concat(
        {name: pd.DataFrame({"known": 1.0}, pd.date_range(end, periods=7)[1:]) for name, end in ends.items()}
    )
    forecast, rest = both.forecast(X=steps), both.predict(panel[["known"]])
    for name in ("w", "x"):
        own = panel.loc[name].asfreq("D")
        alone = type(forecaster)(**forecaster.get_params()).fit(own[["known"]], own["y"])
        np.testing.assert_array_equal(forecast.loc[name], alone.forecast(X=steps.loc[name]))
        np.testing.assert_array_equal(
            rest[panel.index.get_level_values(0) == name], alone.predict(panel.loc[name, ["known"]])
        )


def test_it_has_all_that_a_forecaster_has(panel):
    y = panel["y"]
    model = ForecasterPerSeries(NaiveForecaster(H, strategy="last")).set_params(forecaster__horizon=3).fit(y)
    assert model.horizon == 3
    model.update(model.forecast(1) + 7.0)
    np.testing.assert_allclose(model.forecast(2), y.groupby(level=0).last().repeat(2) + 7.0)
    test = model.backtest(y, n_windows=2)
    np.testing.assert_array_equal(test.by_series().index, ["w", "x"])
    assert np.isfinite(model.score(y))
    with pytest.raises(ValueError, match="no model for series that were not in the data of fit: 'new'"):
        model.forecast(history=y.rename({"x": "new"}, level=0))
    with pytest.raises(NotFittedError):
        ForecasterPerSeries(NaiveForecaster()).forecast()


def test_a_series_that_came_alone_has_its_forecaster_too(panel):
    alone = panel.loc["x", "y"]
    model = ForecasterPerSeries(LinearForecaster(H)).fit(alone)
    pd.testing.assert_series_equal(model.forecast(), LinearForecaster(H).fit(alone).forecast())


def test_what_is_no_forecaster_is_refused(panel):
    with pytest.raises(InvalidParameterError, match="'forecaster' parameter"):
        ForecasterPerSeries("naive").fit(panel["y"])
    with pytest.raises(InvalidParameterError, match="'strategy' parameter of NaiveForecaster"):
        ForecasterPerSeries(NaiveForecaster(strategy="best")).fit(panel["y"])


class Choosy(NaiveForecaster):
    """Refuses series of a high level."""

    def _learn(self, series):
        if series.target.mean() > 100:
            raise ValueError("too high")
        return super()._learn(series)


def test_a_series_that_cannot_be_fitted_is_named(panel):
    high = panel["y"] + 100 * (panel.index.get_level_values(0) == "w")
    with pytest.raises(ValueError, match="the series 'w' cannot be fitted alone: too high"):
        ForecasterPerSeries(Choosy(H)).fit(high)
    with pytest.raises(ValueError, match=r"^too high"):
        ForecasterPerSeries(Choosy(H)).fit(high.loc["w"])
