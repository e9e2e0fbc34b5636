"""Input gradients against differences of forecasts, and permutation importance where the answer is known."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from sklearn.exceptions import NotFittedError

from rnnforecast import RNNForecaster
from rnnforecast.network import readout

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


@pytest.fixture(scope="module")
def chaos():
    """A positive series that is no linear function of its past (y' = 3.9 y (1 - y)), beside a known and a past one."""
    rng = np.random.default_rng(0)
    index = pd.date_range("2024-01-01", periods=260, freq="h")
    X = pd.DataFrame(rng.normal(size=(260, 2)), index, columns=["known", "past"])
    state = [0.3]
    for _ in range(259):
        state.append(3.9 * state[-1] * (1 - state[-1]))
    y = 5 + np.array(state) * (3 + X["known"]) + 0.5 * X["past"].shift(1, fill_value=0.0)
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


CLOSED = {
    "committee": {"blend": 0.0},
    "committee and network on a logarithm": {"blend": 0.5, "target_transform": "log"},
    "committee on a power": {"blend": 0.0, "target_transform": "boxcox"},
    "leaky reservoirs beside a linear model": {"blend": 0.6, "solver": "ridge", "cell": "leaky"},
    "reservoirs of other cells alone": {"blend": None, "solver": "ridge", "cell": "gru"},
}


@pytest.mark.parametrize("variant", CLOSED.values(), ids=CLOSED.keys())
def test_gradients_go_back_through_reservoirs(chaos, variant):
    X, y = chaos
    lookback = 24  # longer than the short window of the committee
    options = {"past_covariates": ["past"], "lookback": lookback, **QUICK, "committee": True, **variant}
    model = RNNForecaster(HORIZON, **options).fit(X, y)
    if "solver" not in variant:
        assert (model.linear_.shares_ > 0.05).all()
    step = 3
    found = model.input_gradient(step=step)["cutoff"][["y", "known", "past"]]
    lags = [*range(-HORIZON, 4), 12, lookback - 2, lookback - 1]
    assert list(found.index) == list(range(-HORIZON, lookback))
    found, expected = found.loc[lags], differences(model, X, y, step, lags=lags)
    largest = expected.abs().max(axis=None)
    assert largest > 1e-2
    # differences with a step of 1e-4 carry 1e-8 of curvature and 1e-12 / 1e-4 of the kernels' tanh
    np.testing.assert_allclose(found, expected, atol=1e-6 * largest)


def test_what_a_reservoir_cuts_off_does_not_matter_to_it(chaos):
    _, y = chaos
    model = RNNForecaster(HORIZON, lookback=LOOKBACK, blend=0.0, **{**QUICK, "committee": True}).fit(y)
    wild = y.copy()
    wild.iloc[-4] += 30 * y.std()
    found, size = model.input_gradient(wild)["cutoff"]["y"], 1e-4
    for lag in range(LOOKBACK):
        above, below = wild.copy(), wild.copy()
        above.iloc[-lag - 1] += size
        below.iloc[-lag - 1] -= size
        expected = (model.forecast(history=above).iloc[0] - model.forecast(history=below).iloc[0]) / (2 * size)
        assert found[lag] == pytest.approx(expected, abs=1e-6)
    reservoir = model.linear_.members_[-1]
    state_and_changes = reservoir.echoes_[0].scaler.transform(np.column_stack([wild, wild.diff()])[-5:])
    assert (np.abs(state_and_changes) > 6).any(axis=1).tolist() == [False, True, True, False, False]


def test_the_mean_gradient_is_that_from_many_ends(chaos):
    _, y = chaos
    model = RNNForecaster(HORIZON, lookback=LOOKBACK, blend=0.0, **{**QUICK, "committee": True}).fit(y)
    some = y[: LOOKBACK + 40]  # fewer ends than a mean is taken of, the first after one window
    each = [model.input_gradient(y[:end])["cutoff"] for end in range(LOOKBACK, len(some) + 1)]
    # states are read in pieces of other lengths
    np.testing.assert_allclose(model.input_gradient(some)["mean"], np.mean(each, axis=0), rtol=1e-9, atol=1e-12)


def test_a_root_has_no_slope_at_zero_and_does_not_spoil_the_mean(chaos):
    _, y = chaos
    counts = np.round(np.maximum(y - 5.5, 0) ** 2)
    options = {"lookback": LOOKBACK, "target_transform": "boxcox", "blend": 0.5, **QUICK, "committee": True}
    model = RNNForecaster(HORIZON, **options).fit(counts)
    assert model.linear_.recipe_.transform.pointwise.power < 0.9
    found, newest_first = model.input_gradient(), counts.to_numpy()[: -LOOKBACK - 1 : -1]
    assert 0 < (newest_first == 0).sum() < LOOKBACK
    np.testing.assert_array_equal(found["cutoff"]["y"].isna(), newest_first == 0)
    assert np.isfinite(found["mean"]).all(axis=None)


def test_what_a_logarithm_takes_as_a_larger_value_does_not_matter(chaos):
    _, y = chaos
    grown = np.exp(y - 5).rename("y")  # fluctuations in proportion to the level
    model = RNNForecaster(HORIZON, lookback=LOOKBACK, blend=0.0, **{**QUICK, "committee": True}).fit(grown)
    assert model.linear_.recipe_.transform.pointwise.floor > 0
    later = grown.copy()
    later.iloc[-2] = 0.0
    found, above = model.input_gradient(later)["cutoff"]["y"], later.copy()
    above.iloc[-2] += 1e-4
    assert model.forecast(history=above).iloc[0] == model.forecast(history=later).iloc[0]
    assert found[1] == 0
    assert (found.drop(1) != 0).all()


@pytest.mark.parametrize("options", [{"blend": 0.0}, {"blend": None}, {"blend": 0.0, "committee": True}], ids=str)
def test_of_few_rows_the_first_is_read_for_all_before_it(chaos, options):
    X, y = chaos
    options = {"past_covariates": ["past"], "lookback": LOOKBACK, **QUICK, **options}
    model = RNNForecaster(HORIZON, **options).fit(X, y)
    few = X[-5:], y[-5:]
    found = model.input_gradient(few, step=3)["cutoff"][["y", "known", "past"]]
    expected = differences(model, *few, 3, lags=range(-HORIZON, 5))
    np.testing.assert_allclose(found.loc[:4], expected, atol=3e-6 * expected.abs().max(axis=None))
    assert found.loc[5:].isna().all(axis=None)


@pytest.mark.parametrize(
    ("options", "inputs"),
    [
        ({"channels": "independent", "blend": None}, ["b"]),
        ({"channels": "joint", "blend": None}, ["a", "b"]),
        ({"channels": "joint", "blend": 0.4, "committee": True}, ["a", "b"]),
        ({"solver": "ridge", "cell": "leaky", "blend": None}, ["b"]),
    ],
    ids=["independent", "joint", "committee", "ridge"],
)
def test_several_targets_have_each_their_gradient(chaos, options, inputs):
    X, y = chaos
    frame = pd.DataFrame({"a": y, "b": 100 * X["past"] + y})
    model = RNNForecaster(2, lookback=8, **{**QUICK, **options}).fit(frame)
    found = model.input_gradient(target="b", step=2)
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


@pytest.mark.parametrize(
    "options",
    [
        {"blend": 0.3, "committee": True, "target_transform": "log"},
        {"solver": "ridge", "cell": "leaky", "blend": None},
    ],
    ids=["committee and network", "ridge"],
)
def test_importance_is_the_growth_of_errors_when_the_series_itself_is_changed(chaos, options):
    X, y = chaos
    model = RNNForecaster(HORIZON, past_covariates=["past"], lookback=LOOKBACK, **{**QUICK, **options}).fit(X, y)
    whole, origins = X.assign(y=y), np.array([LOOKBACK, len(y) - HORIZON])  # of two windows, and both are exchanged
    tables = (model.permutation_importance(X, y, band=5, n_windows=2, n_repeats=1, random_state=k) for k in range(20))
    found = next(table["mean"] for table in tables if table["mean"].any())  # but by every second seed

    def error(table, origin):
        known = table[["known", "past"]]
        future = slice(origin, origin + HORIZON)
        forecast = model.forecast(X=known[future], history=(known[:origin], table["y"][:origin]))
        return np.abs(forecast - y[future]).mean()

    before = np.mean([error(whole, origin) for origin in origins])
    for (name, first, last), growth in found.items():
        lags = np.arange(first, last + 1)
        after = []
        for origin, other in (origins, origins[::-1]):
            table = whole.copy()
            table.iloc[origin - 1 - lags, table.columns.get_loc(name)] = whole[name].iloc[other - 1 - lags].to_numpy()
            after.append(error(table, origin))
        # what was read before the last window is read in pieces of other lengths
        assert growth == pytest.approx(np.mean(after) - before, abs=1e-10)
    assert found.index.get_level_values("input").nunique() == 3


def test_importance_is_the_same_for_the_same_seed_and_leaves_the_forecaster_alone(data):
    _, y = data
    model = RNNForecaster(HORIZON, lookback=LOOKBACK, **QUICK).fit(y)
    before = model.forecast()
    first, second = (model.permutation_importance(y, n_windows=20, n_repeats=2, random_state=1) for _ in range(2))
    pd.testing.assert_frame_equal(first, second)
    pd.testing.assert_series_equal(model.forecast(), before)
    assert len(first) == 8
    assert list(first.index[0]) == ["y", 0, 0]


def test_importance_does_not_depend_on_how_many_windows_are_read_at_once(chaos, monkeypatch):
    _, y = chaos
    model = RNNForecaster(HORIZON, lookback=LOOKBACK, blend=0.0, **{**QUICK, "committee": True}).fit(y)

    def importance():
        return model.permutation_importance(y, n_windows=9, n_repeats=2, random_state=0)

    whole = importance()
    monkeypatch.setattr(readout, "CHUNK", 300)  # three steps of a hundred units, and of a design one or two windows
    np.testing.assert_allclose(importance(), whole, rtol=1e-9, atol=1e-12)


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
    shops = pd.concat({"a": y, "b": 2 * y})
    for ask in (model.input_gradient, model.permutation_importance):
        with pytest.raises(ValueError, match="looks at a single series, but X is a panel of 2; give one series"):
            ask(shops)
