"""Input gradients against differences of forecasts, and permutation importance where the answer is known."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from sklearn.exceptions import NotFittedError

from rnnforecast import RNNForecaster

QUICK = {
    "n_estimators": 2,
    "max_iter": 2,
    "hidden_layer_sizes": (6,),
    "random_state": 0,
    "dtype": "float64",
    "committee": False,
}
HORIZON, LOOKBACK = 4, 8


@pytest.fixture(scope="module")
def data():
    """A positive series with a season of 6, driven by a known and a past covariate."""
    rng = np.random.default_rng(0)
    index = pd.date_range("2024-01-01", periods=240, freq="h")
    X = pd.DataFrame(rng.normal(size=(240, 2)), index, columns=["known", "past"])
    season = 3 * np.sin(2 * np.pi * np.arange(240) / 6)
    y = 20 + season + 2 * X["known"] + X["past"].shift(1, fill_value=0.0) + 0.3 * rng.normal(size=240)
    return X, y.rename("y")


def differences(model, X, y, step, size=1e-4, lags=range(-HORIZON, LOOKBACK)):
    """Change of the forecast from the end of (X, y) per unit of each value that it may read: a frame like ours."""
    stamps = pd.date_range(X.index[-1], periods=HORIZON + 1, freq="h")[1:]
    future = pd.DataFrame([X.iloc[-1]] * HORIZON, stamps)

    def forecast(table, ahead):
        history = (table[["known", "past"]], table["y"])
        return model.forecast(X=ahead, history=history).iloc[step - 1]

    whole, found = X.assign(y=y), {}
    for name in ("y", "known", "past"):
        for lag in lags:
            if lag < 0 and name != "known":
                continue
            values = []
            for sign in (1, -1):
                table, ahead = whole.copy(), future.copy()
                if lag < 0:
                    ahead.iloc[-lag - 1, ahead.columns.get_loc(name)] += sign * size
                else:
                    table.iloc[-lag - 1, table.columns.get_loc(name)] += sign * size
                values.append(forecast(table, ahead))
            found[lag, name] = (values[0] - values[1]) / (2 * size)
    return pd.Series(found).unstack()[["y", "known", "past"]]


VARIANTS = {
    "defaults": {},
    "network alone": {"blend": None},
    "half of a logarithm": {"blend": 0.5, "target_transform": "log"},
    "standard windows, highway": {"blend": None, "window_norm": "standard", "highway": 3},
    "parallel": {"blend": 0.7, "decoder": "parallel", "segment_length": 2},
    "seq2seq with attention": {"blend": None, "decoder": "seq2seq", "attention": "additive", "scale": "minmax"},
    "recursive": {"blend": 0.5, "decoder": "recursive", "past_covariates": None},
    "linear alone": {"blend": 0.0},
}


@pytest.mark.parametrize("variant", VARIANTS.values(), ids=VARIANTS.keys())
def test_gradients_equal_differences_of_forecasts(data, variant):
    X, y = data
    options = {"past_covariates": ["past"], "lookback": LOOKBACK, **QUICK, **variant}
    if options["past_covariates"] is None:
        X = X.assign(past=0.0)
    model = RNNForecaster(HORIZON, **options).fit(X, y)
    step = 3
    found = model.input_gradient(step=step)["cutoff"][["y", "known", "past"]]
    expected = differences(model, X, y, step)
    if options["past_covariates"] is None:
        found, expected = found.drop(columns="past"), expected.drop(columns="past")
    assert list(found.index) == list(range(-HORIZON, LOOKBACK))
    largest = expected.abs().max(axis=None)
    assert largest > 1e-3
    assert (expected["known"].abs() > 0).sum() > 2
    # differences with a step of 1e-4 carry 1e-8 of curvature and 1e-11 / 1e-4 of rounding
    np.testing.assert_allclose(found, expected, atol=3e-6 * largest)


@pytest.mark.parametrize("blend", [0.0, None])
def test_of_few_rows_the_first_is_read_for_all_before_it(data, blend):
    X, y = data
    model = RNNForecaster(HORIZON, past_covariates=["past"], blend=blend, lookback=LOOKBACK, **QUICK).fit(X, y)
    few = X[-5:], y[-5:]
    found = model.input_gradient(few, step=3)["cutoff"][["y", "known", "past"]]
    expected = differences(model, *few, 3, lags=range(-HORIZON, 5))
    np.testing.assert_allclose(found.loc[:4], expected, atol=3e-6 * expected.abs().max(axis=None))
    assert found.loc[5:].isna().all(axis=None)


def test_several_targets_have_each_their_gradient(data):
    X, y = data
    frame = pd.DataFrame({"a": y, "b": 100 * X["past"]})
    for channels in ("independent", "joint"):
        model = RNNForecaster(2, channels=channels, blend=None, lookback=8, **QUICK).fit(frame)
        found = model.input_gradient(target="b", step=2)
        inputs = ["b"] if channels == "independent" else ["a", "b"]
        assert list(found["cutoff"].columns) == inputs
        for name in inputs:
            changed, size = [frame.copy(), frame.copy()], 1e-3
            for table, sign in zip(changed, (1, -1), strict=True):
                table.iloc[-3, table.columns.get_loc(name)] += sign * size
            above, below = (model.forecast(history=table).iloc[1]["b"] for table in changed)
            assert found.loc[2, ("cutoff", name)] == pytest.approx((above - below) / (2 * size), rel=1e-4, abs=1e-9)


def test_the_gradient_of_a_linear_forecast_is_the_same_everywhere(data):
    _, y = data
    model = RNNForecaster(HORIZON, blend=0.0, lookback=LOOKBACK, **QUICK).fit(y)
    found = model.input_gradient()
    np.testing.assert_allclose(found["mean"], found["cutoff"], rtol=1e-10, atol=1e-12)
    assert list(found.index) == list(range(LOOKBACK))  # nothing is known of the steps ahead
    # A forecast moves with the level of the whole window.
    assert found[("cutoff", "y")].sum() == pytest.approx(1)


def test_other_data_have_another_gradient(data):
    _, y = data
    model = RNNForecaster(HORIZON, blend=None, lookback=LOOKBACK, **QUICK).fit(y)
    shorter = model.input_gradient(y[:-7])
    assert not np.allclose(shorter["cutoff"], model.input_gradient()["cutoff"])
    pd.testing.assert_frame_equal(model.input_gradient(y), model.input_gradient())


def test_what_matters_gets_importance_and_what_does_not_gets_none():
    rng = np.random.default_rng(0)
    index = pd.date_range("2024-01-01", periods=500, freq="h")
    X = pd.DataFrame(rng.normal(size=(500, 3)), index, columns=["now", "before", "nothing"])
    y = 3 * X["now"] + 2 * X["before"].shift(1, fill_value=0.0) + 0.1 * rng.normal(size=500)
    model = RNNForecaster(1, past_covariates=["before", "nothing"], blend=0.0, lookback=6, **QUICK)
    model.fit(X[:400], y[:400])
    found = model.permutation_importance(X[400:], y[400:], band=2, n_repeats=20, random_state=0)
    assert found.index.names == ["input", "first", "last"]
    assert list(found.loc["now"].index) == [(-1, -1), (0, 1), (2, 3), (4, 5)]
    # Errors grow by the weight times the mean difference of two values. Means over 20 permutations of 94 windows
    # scatter by 2 %, and the errors that were there before, of .1, add some of theirs.
    gradient = model.input_gradient()["cutoff"]
    for name, lag, rows in (("now", -1, slice(406, 500)), ("before", 0, slice(405, 499))):
        values = X[name].to_numpy()[rows]
        apart = np.abs(values[:, None] - values).mean()
        group = (name, -1, -1) if lag < 0 else (name, 0, 1)
        assert found.loc[group, "mean"] == pytest.approx(gradient.loc[lag, name] * apart, rel=0.1)
    assert found.loc["nothing", "mean"].abs().max() < 0.05
    assert list(dict.fromkeys(found.index.get_level_values("input"))) == ["target", "now", "before", "nothing"]


def test_importance_is_the_same_for_the_same_seed_and_leaves_the_forecaster_alone(data):
    _, y = data
    model = RNNForecaster(HORIZON, lookback=LOOKBACK, **QUICK).fit(y)
    before = model.forecast()
    first, second = (model.permutation_importance(y, n_windows=20, n_repeats=2, random_state=1) for _ in range(2))
    pd.testing.assert_frame_equal(first, second)
    pd.testing.assert_series_equal(model.forecast(), before)
    assert len(first) == 8
    assert list(first.index[0]) == ["y", 0, 0]


def test_networks_that_learnt_from_every_step_have_importance_but_no_gradient(data):
    walk = data[1].cumsum().rename("y") - 20 * np.arange(240)
    model = RNNForecaster(HORIZON, forking_sequences=True, lookback=LOOKBACK, blend=None, **QUICK).fit(walk)
    found = model.permutation_importance(walk, band=13, n_windows=30, random_state=0)
    assert list(found.index) == [("y", 0, 8)]
    assert found["mean"].item() > 0  # the whole past of another window
    with pytest.raises(ValueError, match="fit with forking_sequences=False to see what forecasts depend on"):
        model.input_gradient()


def test_networks_that_forecast_a_distribution_have_importance_but_no_gradient(data):
    walk = data[1].cumsum().rename("y") - 20 * np.arange(240)
    model = RNNForecaster(HORIZON, loss="gaussian", lookback=LOOKBACK, blend=1.0, **QUICK).fit(walk)
    assert model.permutation_importance(walk, band=13, n_windows=30, random_state=0)["mean"].item() > 0
    with pytest.raises(ValueError, match='loss="gaussian" makes several: use permutation_importance'):
        model.input_gradient()


def test_what_cannot_be_asked_is_refused(data):
    _, y = data
    model = RNNForecaster(2, lookback=8, **QUICK)
    with pytest.raises(NotFittedError):
        model.input_gradient()
    with pytest.raises(NotFittedError):
        model.permutation_importance(y)
    model.fit(y)
    with pytest.raises(ValueError, match="step must be at most the horizon, 2, got 3"):
        model.input_gradient(step=3)
    with pytest.raises(ValueError, match="target must be one of the target columns, y, got 'z'"):
        model.input_gradient(target="z")
    with pytest.raises(ValueError, match="only 5; give at least"):
        model.permutation_importance(y[:5])
    with pytest.raises(ValueError, match="n_repeats must be"):
        model.permutation_importance(y, n_repeats=0)
    with pytest.raises(ValueError, match="n_windows must be an integer from 2"):  # of one nothing can be exchanged
        model.permutation_importance(y, n_windows=1)


@pytest.mark.parametrize(
    ("options", "remedy"),
    [({"committee": True}, "committee=False"), ({"solver": "ridge", "cell": "leaky"}, "another solver")],
)
def test_what_a_reservoir_reads_is_no_window(data, options, remedy):
    _, y = data
    model = RNNForecaster(2, lookback=8, **{**QUICK, **options}).fit(y)
    for ask in (model.input_gradient, lambda: model.permutation_importance(y)):
        with pytest.raises(ValueError, match=f"an echo state network reads the whole series; fit with {remedy}"):
            ask()
