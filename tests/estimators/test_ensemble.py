"""Rows on the networks' scale: what does not fit there is refused, and never makes a forecast that is no number."""

from __future__ import annotations

from copy import deepcopy

import numpy as np
import pandas as pd
import pytest

from rnnforecast import RNNForecaster

QUICK = {"n_estimators": 1, "max_iter": 2, "hidden_layer_sizes": (4,), "random_state": 0}


@pytest.fixture
def load(rng):
    hours = np.arange(240)
    index = pd.date_range("2024-03-01", periods=240, freq="h")
    return pd.Series(np.sin(2 * np.pi * hours / 24) + 0.1 * rng.normal(size=240), index=index)


@pytest.mark.parametrize("parameters", [{}, {"decoder": "seq2seq"}, {"forking_sequences": True}], ids=str)
def test_values_beyond_float32_are_refused_and_float64_holds_them(load, parameters):
    fitted = RNNForecaster(6, blend=None, **QUICK, **parameters).fit(load)
    before, stream = fitted.forecast(), fitted.stream()
    for attempt in (
        lambda: fitted.forecast(history=load * 1e39),
        lambda: deepcopy(fitted).update([1e39]).forecast(),
        lambda: stream.update(1e39),
    ):
        with pytest.raises(ValueError, match=r'the target holds a value of size .*e\+39, .* fit with dtype="float64"'):
            attempt()
    np.testing.assert_allclose(stream.forecast(), before, rtol=1e-6)  # the refused value was not taken
    wide = RNNForecaster(6, blend=None, dtype="float64", **QUICK, **parameters).fit(load)
    assert np.isfinite(wide.forecast(history=load * 1e39)).all()


def test_covariates_beyond_float32_are_refused(load, rng):
    X = pd.DataFrame({"wind": rng.normal(size=240)}, index=load.index)
    fitted = RNNForecaster(6, blend=None, **QUICK).fit(X[:234], load[:234])
    with pytest.raises(ValueError, match=r"a covariate holds a value of size .* too large for float32"):
        fitted.forecast(6, X[234:] * 1e250)
