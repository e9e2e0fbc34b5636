"""In sktime's clothes a forecaster forecasts what it does without them."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from rnnforecast import LinearForecaster, RNNForecaster

pytest.importorskip("sktime", reason="sktime is not installed")

from sktime.utils.estimator_checks import check_estimator

from rnnforecast.adapters.sktime import SktimeForecaster

pytestmark = pytest.mark.filterwarnings("default")  # those of sktime are its own

LINEAR = LinearForecaster(horizon=3, lookback=4)


@pytest.mark.slow
def test_sktime_has_nothing_to_object():
    results = check_estimator(SktimeForecaster, verbose=False)
    assert {name: result for name, result in results.items() if result != "PASSED"} == {}
    assert len(results) > 500


def test_forecasts_are_those_of_the_forecaster(daily):
    model = RNNForecaster(horizon=7, hidden_layer_sizes=(4,), n_estimators=1, max_iter=1, random_state=0)
    expected = model.fit(daily).forecast(9)
    found = SktimeForecaster(model).fit(daily, fh=[1, 2, 9]).predict()
    pd.testing.assert_series_equal(found, expected.iloc[[0, 1, 8]], check_freq=False)


def test_covariates_are_read_at_the_steps_of_the_horizon(daily, rng):
    index = pd.date_range(daily.index[0], periods=len(daily) + 5, name="day")
    X = pd.DataFrame({"rain": rng.normal(size=len(index))}, index)
    y = daily + 10 * X["rain"].iloc[: len(daily)]
    forecaster = SktimeForecaster(LINEAR).fit(y, X=X.iloc[: len(daily)])
    found = forecaster.predict(fh=[2, 4], X=X.iloc[len(daily) :])
    expected = LINEAR.fit(X.iloc[: len(daily)], y).forecast(5, X.iloc[len(daily) :])
    assert np.array_equal(found, expected.iloc[[1, 3]])


def test_quantiles_are_those_of_the_forecaster(daily):
    y = pd.DataFrame({"visits": daily, "sales": 10 * daily[::-1].to_numpy()})
    found = SktimeForecaster(LINEAR).fit(y).predict_quantiles(fh=[1, 3], alpha=[0.9, 0.1])
    expected = LINEAR.fit(y).forecast(3, quantiles=[0.1, 0.9]).iloc[[0, 2]]
    for target in y:
        for alpha in (0.1, 0.9):
            assert np.array_equal(found[target, alpha], expected[f"{target}-q{alpha}"])


@pytest.mark.parametrize("learn", [True, False])
def test_forecasts_begin_after_the_rows_of_an_update_and_learn_from_them_or_not(daily, learn):
    known, new = daily.iloc[:100], daily.iloc[100:]
    forecaster = SktimeForecaster(LINEAR).fit(known, fh=[1, 2])
    forecaster.update(daily.iloc[90:], update_params=learn)  # ten of them are known already
    native = LINEAR.fit(daily) if learn else LINEAR.fit(known).update(new)
    pd.testing.assert_series_equal(forecaster.predict(), native.forecast(2), check_freq=False)


def test_a_cutoff_before_the_known_rows_is_refused_rather_than_looked_beyond(daily):
    forecaster = SktimeForecaster(LINEAR).fit(daily, fh=[1])
    with pytest.raises(ValueError, match=r"forecasts begin after .*, but sktime's cutoff is .*; update with rows that"):
        forecaster.update_predict_single(daily.iloc[:50], fh=[1], update_params=False)


def test_the_given_forecaster_stays_unfitted_and_its_parameters_can_be_set(daily):
    given = LinearForecaster(horizon=3, lookback=4)
    forecaster = SktimeForecaster(given).clone().set_params(forecaster__lookback=14).fit(daily, fh=[1])
    assert forecaster.forecaster_.lookback == 14
    assert not hasattr(given, "cutoff_")
    assert given.lookback == 4
