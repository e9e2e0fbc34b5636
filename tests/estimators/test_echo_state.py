"""``solver="ridge"`` of the forecaster: a reservoir over the whole series, read out in closed form."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from sklearn.utils._param_validation import InvalidParameterError

from rnnforecast import LinearForecaster, RNNForecaster
from rnnforecast.estimators._linear import LinearModel
from rnnforecast.estimators._recipe import Recipe
from rnnforecast.estimators._reservoir import Drawing, Echo
from rnnforecast.scaling import fit_scaler
from rnnforecast.transforms import Transform

RIDGE = {"solver": "ridge", "cell": "leaky", "hidden_layer_sizes": (30,), "n_estimators": 2, "random_state": 0}
NONE = np.zeros((300, 0))
SHORT = Recipe(transform=Transform(), seasons=(), base=0, lookback=3, block=10)


def echo_of(values, known=NONE, past=NONE, **parameters):
    return Echo(Drawing(**{"n_units": 8, **parameters}), values, fit_scaler(known), fit_scaler(past))


@pytest.fixture
def logistic():
    """Chaos that no linear model of its past can forecast: y' = 3.9 y (1 - y)."""
    y = [0.3]
    for _ in range(1099):
        y.append(3.9 * y[-1] * (1.0 - y[-1]))
    return pd.Series(y, index=pd.date_range("2024-01-01", periods=1100, freq="h"))


def test_a_state_is_the_leaky_recursion_over_level_and_change(rng):
    values = rng.normal(3.0, 2.0, size=40)
    echo = echo_of(values, leak=(0.3,))
    weights, state = echo.reservoir.weights, np.zeros(8)
    change = np.diff(values, prepend=values[0])
    for level, step in zip(
        (values - values.mean()) / values.std(), (change - change.mean()) / change.std(), strict=True
    ):
        pushed = weights["weight_input"] @ [level, step] + weights["weight_hidden"] @ state + weights["bias"][:8]
        state = state + 0.3 * (np.tanh(pushed) - state)
    # tanh and sigmoid are rational approximations in the kernel, good to 1e-12 or so, over 40 steps
    np.testing.assert_allclose(echo.after(values, NONE, NONE, np.array([39]))[0], state, atol=1e-9)


def test_going_on_from_a_state_equals_reading_all(rng):
    values, known, past = rng.normal(size=60), rng.normal(size=(60, 2)), rng.normal(size=(60, 1))
    echo = echo_of(values, known, past)
    states = echo.after(values, known, past, np.array([10, 49, 59]))
    on = echo.on(states[1:2], values[None, 49:], known[None, 50:], past[None, 50:])
    np.testing.assert_allclose(on[0], states[2], rtol=1e-12)


def test_states_of_chosen_rows_are_those_of_all_rows(rng, monkeypatch):
    monkeypatch.setattr("rnnforecast.network.readout.CHUNK", 8 * 16)  # pieces of 16 steps
    values = rng.normal(size=100)
    echo = echo_of(values)
    rows = np.array([0, 15, 16, 17, 50, 99])
    np.testing.assert_array_equal(
        echo.after(values, NONE, NONE, rows), echo.after(values, NONE, NONE, np.arange(100))[rows]
    )


def test_a_late_start_forgets_the_beginning(rng, monkeypatch):
    values = rng.normal(size=3000)
    echo = echo_of(values, leak=(0.5,))
    none, last = np.zeros((3000, 0)), np.array([2999])
    whole = echo.after(values, none, none, last)
    monkeypatch.setattr("rnnforecast.estimators._reservoir.LONGEST_MEMORY", 1000)
    np.testing.assert_allclose(echo.after(values, none, none, last), whole, atol=1e-12)


def test_the_newest_value_moves_every_step_and_a_later_one_none(rng):
    target = rng.normal(size=(300, 1)).cumsum(axis=0)
    model = LinearModel(alpha=1e-3, drawing=Drawing(n_units=8)).fit(target, NONE, NONE, SHORT, 4)
    forecast = model.forecast(target, NONE, NONE, np.array([250]), 4)
    later, newest = target.copy(), target.copy()
    later[250:] += 1.0
    newest[249] += 1.0
    np.testing.assert_array_equal(model.forecast(later, NONE, NONE, np.array([250]), 4), forecast)
    assert (model.forecast(newest, NONE, NONE, np.array([250]), 4) != forecast).all()


def test_origins_in_any_order_and_twice_get_their_own_forecasts(rng):
    target = rng.normal(size=(300, 2)).cumsum(axis=0)
    model = LinearModel(alpha=1e-3, drawing=Drawing(n_units=8)).fit(target, NONE, NONE, SHORT, 4)
    origins = np.array([200, 7, 300, 7])
    together = model.forecast(target, NONE, NONE, origins, 11)
    for k, origin in enumerate(origins):
        alone = model.forecast(target, NONE, NONE, np.array([origin]), 11)
        np.testing.assert_allclose(together[k], alone[0], rtol=1e-9)


def test_it_learns_what_no_linear_model_can(logistic):
    train, test = logistic[:1000], logistic[1000:]
    n = len(test)
    ridge = RNNForecaster(1, blend=None, **{**RIDGE, "hidden_layer_sizes": (100,)})
    errors = {
        name: (found["actual"] - found["forecast"]).abs().mean()
        for name, found in {
            "ridge": ridge.backtest(logistic, n_windows=n, step=1).forecasts,
            "linear": LinearForecaster(1).backtest(logistic, n_windows=n, step=1).forecasts,
        }.items()
    }
    assert errors["ridge"] < 0.2 * errors["linear"]
    weight = RNNForecaster(1, **{**RIDGE, "hidden_layer_sizes": (100,)}).fit(train).blend_weight_
    assert weight > 0.9


def test_same_seed_same_bits_and_another_seed_another_reservoir(logistic):
    first, again = (RNNForecaster(3, blend=None, **RIDGE).fit(logistic[:300]).forecast() for _ in range(2))
    other = RNNForecaster(3, blend=None, **{**RIDGE, "random_state": 1}).fit(logistic[:300]).forecast()
    pd.testing.assert_series_equal(first, again)
    assert (first != other).any()


def test_covariates_reach_the_forecast(rng):
    index = pd.date_range("2024-01-01", periods=500, freq="h")
    X = pd.DataFrame({"x": rng.normal(size=500)}, index=index)
    y = (X["x"] ** 2).shift(1, fill_value=0.0).rename("y")  # a square: nothing linear in x says it
    model = RNNForecaster(1, blend=None, past_covariates=["x"], **{**RIDGE, "hidden_layer_sizes": (60,)})
    found = model.backtest(X, y, n_windows=80, step=1).forecasts
    assert (found["actual"] - found["forecast"]).abs().mean() < 0.3 * y.std()


@pytest.mark.parametrize("cell", ["rnn", "gru", "mgu"])
def test_any_cell_can_be_a_reservoir(logistic, cell):
    model = RNNForecaster(2, **{**RIDGE, "cell": cell}).fit(logistic[:300])
    assert np.isfinite(model.forecast(7)).all()
    assert model.n_parameters_ == 2 * (30 + model.lookback_)


def test_a_stream_carries_the_reservoirs_on(logistic):
    model = RNNForecaster(4, blend=None, **RIDGE).fit(logistic[:300])
    stream = model.stream()
    for stamp in logistic.index[300:305]:
        np.testing.assert_allclose(stream.forecast(), model.forecast(), rtol=1e-7)  # the state forgets nothing here
        stream.update(logistic[stamp])
        model.update(logistic[[stamp]])


@pytest.mark.parametrize(
    ("parameters", "match"),
    [
        ({"hidden_layer_sizes": (8, 8)}, "one recurrent layer"),
        ({"cell": "lstm"}, "has a memory"),
        ({"decoder": "seq2seq"}, "decoder='direct'"),
        ({"forking_sequences": True}, "forking_sequences=False"),
        ({"leak": ()}, "leak must hold"),
        ({"leak": (0.5, 2.0)}, "leak must hold"),
        ({"sparsity": 1.0}, "sparsity"),
    ],
)
def test_what_cannot_be_is_refused_before_any_work(logistic, parameters, match):
    with pytest.raises(InvalidParameterError, match=match):
        RNNForecaster(2, **{**RIDGE, **parameters}).fit(logistic)


def test_gradients_that_are_none_are_said_to_be_none(logistic):
    with pytest.raises(ValueError, match="no gradients"):
        RNNForecaster(2, **RIDGE).fit(logistic[:300]).gradient_flow()
