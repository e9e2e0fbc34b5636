"""Graphs of forecasters: fed with a history they return what ``forecast(history=...)`` does."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from rnnforecast import RNNForecaster
from tests.interchange.graphs import assert_near, run, runner, shaken

pytest.importorskip("onnx", reason="graphs are built with onnx")
pytest.importorskip("onnxruntime", reason="graphs are run with ONNX Runtime")

N, H = 160, 5
CUTS = (N, 90, 17, 3)  # histories may be longer or shorter than what is read


def data(rng):
    """Two targets with a season of 12, and three covariates that are known further."""
    days = pd.date_range("2024-01-01", periods=N + H, freq="D")
    wave = np.sin(2.0 * np.pi * np.arange(N) / 12)
    y = pd.DataFrame({"a": 50 + 5 * wave + rng.normal(size=N), "b": 5 - wave + 0.1 * rng.normal(size=N)}, days[:N])
    return pd.DataFrame(rng.normal(size=(N + H, 3)), days, ["k1", "p1", "k2"]), y


def fit(X, y, **parameters):
    common = {"horizon": H, "lookback": 24, "season_length": 12, "hidden_layer_sizes": (4,), "n_estimators": 2}
    common |= {"max_iter": 1, "random_state": 0, "blend": 0.5, "committee": False, "segment_length": 3}
    forecaster = RNNForecaster(**common | parameters)
    if X is None:
        return shaken(forecaster.fit(y))
    return shaken(forecaster.set_params(past_covariates=["p1"]).fit(X[:N], y))


def given(X, y, cut, dtype=np.float32):
    """A batch of two histories: up to a row, and all later values larger by a tenth."""
    parts = {"y": y.to_numpy()[:cut]}
    if X is not None:
        parts |= {"known": X[["k1", "k2"]].to_numpy()[: cut + H + 2], "past": X[["p1"]].to_numpy()[:cut]}
    return {name: np.stack([values, 1.1 * values]).astype(dtype) for name, values in parts.items()}


def assert_same(fitted, X, y, dtype="float32", tolerance=1e-5):
    graph = runner(fitted.to_onnx(dtype=dtype))
    for cut in CUTS:
        forecasts = graph(**given(X, y, cut, dtype))["forecast"]
        for factor, forecast in zip((1.0, 1.1), forecasts, strict=True):
            history = factor * y[:cut]
            if X is None:
                wanted = fitted.forecast(history=history)
            else:
                wanted = fitted.forecast(X=factor * X[cut : cut + H], history=(factor * X[:cut], history))
            assert_near(forecast, wanted, tolerance)


@pytest.mark.parametrize(
    "parameters", [{}, {"committee": True}, {"channels": "joint"}, {"blend": 0.0}, {"blend": None}]
)
def test_a_graph_forecasts_as_the_forecaster_does(rng, parameters):
    X, y = data(rng)
    assert_same(fit(X, y, **parameters), X, y)


def test_the_defaults_have_a_graph(rng):
    _, y = data(rng)
    fitted = shaken(RNNForecaster(horizon=H, max_iter=1, random_state=0).fit(y[["a"]]))
    fitted.blend_weight_ = 0.3  # of whatever the data support
    assert_same(fitted, None, y[["a"]])


@pytest.mark.parametrize("n_estimators", [1, 3])
@pytest.mark.parametrize("bidirectional", [False, True])
@pytest.mark.parametrize("sizes", [(4,), (4, 3)])
@pytest.mark.parametrize("cell", ["rnn", "lstm", "gru"])
def test_networks_of_every_form_have_a_graph(rng, cell, sizes, bidirectional, n_estimators):
    X, y = data(rng)
    form = {"cell": cell, "hidden_layer_sizes": sizes, "bidirectional": bidirectional, "n_estimators": n_estimators}
    fitted = fit(X, y, blend=None, **form)
    forecast = run(fitted.to_onnx(), **given(X, y, N))["forecast"][0]
    assert_near(forecast, fitted.forecast(X=X[N:]))


@pytest.mark.parametrize(
    "parameters",
    [
        *({"decoder": "parallel", "cell": cell} for cell in ("rnn", "lstm", "gru", "mgu")),
        {"decoder": "parallel", "bidirectional": True, "hidden_layer_sizes": (3, 3), "window_norm": "standard"},
        {"highway": 3, "head_layer_sizes": (5,), "window_norm": "difference"},
        {"conv_filters": 3, "conv_dilation": 2, "segment_length": None, "window_norm": None},
        {"residual": True, "layer_norm": True, "hidden_layer_sizes": (4, 4), "bidirectional": True},
        {"attention": "additive", "zoneout": 0.2},
        {"scale": "minmax", "season_length": None},
        {"scale": "robust", "dtype": "float64"},
        {"scale": None, "window_norm": "standard"},
        {"solver": "ridge", "cell": "leaky", "hidden_layer_sizes": (10,)},
        {"solver": "ridge", "cell": "gru", "hidden_layer_sizes": (10,), "blend": None},
        *({"loss": loss, "decoder": "parallel"} for loss in ("quantile", "gaussian", "student_t")),
    ],
    ids=str,
)
def test_every_part_of_a_network_has_a_graph(rng, parameters):
    X, y = data(rng)
    assert_same(fit_without_noise(X, y, parameters) if "solver" in parameters else fit(X, y, **parameters), X, y)


def fit_without_noise(X, y, parameters):
    """Readouts are what is solved for: there is nothing to shake."""
    return RNNForecaster(horizon=H, past_covariates=["p1"], n_estimators=2, random_state=0, **parameters).fit(X[:N], y)


@pytest.mark.parametrize("loss", ["poisson", "negative_binomial"])
def test_counts_have_a_graph(rng, loss):
    _, y = data(rng)
    y = y.round()
    fitted = fit(None, y, loss=loss, blend=None)
    graph = runner(fitted.to_onnx())
    for cut in CUTS:
        assert_near(graph(y=y.to_numpy(np.float32)[None, :cut])["forecast"][0], fitted.forecast(history=y[:cut]))


@pytest.mark.parametrize(
    "transform",
    ["log", "boxcox", "difference", "seasonal_difference", "log_return", ("difference", "seasonal_difference")],
)
def test_a_transform_is_part_of_the_graph(rng, transform):
    X, y = data(rng)
    assert_same(fit(X, y, target_transform=transform, committee=True), X, y)


def test_a_boxcox_of_power_zero_is_a_logarithm_of_its_column_alone(rng):
    _, y = data(rng)
    fitted = fit(None, y, target_transform="boxcox")
    pointwise = fitted.ensemble_.scales.transform.pointwise
    pointwise.power[:] = 0.0, 0.5
    assert_same(fitted, None, y)


def test_a_level_that_float32_cannot_tell_from_its_neighbours_needs_float64(rng):
    _, y = data(rng)
    y = y + 1e9
    fitted = fit(None, y)
    wanted = np.asarray(fitted.forecast()) - 1e9
    assert_near(run(fitted.to_onnx(dtype="float64"), y=y.to_numpy()[None])["forecast"][0] - 1e9, wanted, 1e-5)


@pytest.mark.parametrize("channels", ["independent", "joint"])
def test_states_go_in_and_come_out(rng, channels):
    X, y = data(rng)
    fitted = fit(X, y, cell="lstm", channels=channels)
    graph, parts = runner(fitted.to_onnx(optional_inputs=True)), given(X, y, N)
    plain = graph(**parts)
    n_samples = 2 if channels == "joint" else 4  # a batch of two, by the targets that are forecast one by one
    assert plain["last_h_l0"].shape == plain["last_c_l0"].shape == (2, n_samples, 4)
    zeros = np.zeros((2, n_samples, 4), np.float32)
    np.testing.assert_array_equal(graph(**parts, initial_h_l0=zeros)["forecast"], plain["forecast"])
    moved = graph(**parts, initial_c_l0=plain["last_c_l0"] + 1.0)["forecast"]
    assert np.abs(moved - plain["forecast"]).max() > 1e-3


def test_the_graph_of_a_network_that_has_no_say_leaves_it_out(rng):
    X, y = data(rng)
    operators = {node.op_type for node in fit(X, y, blend=0.0, cell="gru").to_onnx().graph.node}
    assert "GRU" not in operators


def test_inputs_say_what_they_hold(rng):
    X, y = data(rng)
    about = {value.name: value.doc_string for value in fit(X, y).to_onnx().graph.input}
    assert about == {
        "y": "history of a, b, the newest row last",
        "known": "of the rows of y and at least the next 5: k1, k2",
        "past": "of the rows of y: p1",
    }


@pytest.mark.parametrize(
    ("parameters", "sentence"),
    [
        (
            {"decoder": "recursive", "segment_length": None},
            'fitted with decoder="recursive"; fit with decoder="direct"',
        ),
        ({"decoder": "seq2seq"}, 'fitted with decoder="seq2seq"; fit with decoder="direct"'),
        ({"skip_period": 12}, "fitted with skip_period; fit with skip_period=None"),
        ({"forking_sequences": True, "segment_length": None}, "fitted with forking_sequences=True"),
        ({"missing": "mask"}, 'fitted with missing="mask"; fit with missing="interpolate"'),
    ],
)
def test_what_has_no_graph_is_refused_by_name(rng, parameters, sentence):
    _, y = data(rng)
    with pytest.raises(ValueError, match=sentence):
        fit(None, y["a"], **parameters).to_onnx()


def panel(rng, n_series=3, n_targets=1):
    """Series of different sizes, lengths and kinds."""
    names = [f"s{k}" for k in range(n_series)]
    frames = {}
    for k, name in enumerate(names):
        _, y = data(rng)
        days, values = y.index[7 * k :], 10.0**k * y.to_numpy()[7 * k :, :n_targets]
        frames[name] = pd.DataFrame(values, days, ["a", "b"][:n_targets])
    y = pd.concat(frames, names=["series", "day"])
    X = pd.DataFrame({"known": rng.normal(size=len(y))}, y.index)
    owner = y.index.get_level_values(0)
    X["size"], X["kind"] = owner.map({n: float(k) for k, n in enumerate(names)}), owner.map(dict.fromkeys(names, "x"))
    X.loc["s0", "kind"] = "y"
    return X, y


def ahead(X, names):
    """Covariates of the next steps of every series."""
    parts = {}
    for name in names:
        own = X.loc[name]
        days = pd.date_range(own.index[-1], periods=H + 1, freq="D", name="day")[1:]
        parts[name] = pd.DataFrame({"known": np.arange(H) / H}, days)
    return pd.concat(parts, names=["series", "day"])


def assert_panel(fitted, X, y):
    names, model = list(y.index.levels[0]), runner(fitted.to_onnx(dtype="float64"))
    known = ahead(X, names)
    wanted = fitted.forecast(X=known)
    for k, name in enumerate(names):
        covariates = np.concatenate([X.loc[name, ["known"]].to_numpy(), known.loc[name].to_numpy()])
        forecast = model(y=y.loc[name].to_numpy()[None], known=covariates[None], series=np.array([k]))["forecast"]
        assert_near(forecast[0] / 10.0**k, wanted.loc[name].to_numpy().reshape(H, -1) / 10.0**k)


@pytest.mark.parametrize("n_targets", [1, 2])
@pytest.mark.parametrize("transform", [None, ("log", "difference")])
def test_a_panel_has_a_graph_that_is_told_which_series_it_reads(rng, n_targets, transform):
    X, y = panel(rng, n_targets=n_targets)
    fitted = fit_panel(X, y, target_transform=transform)
    assert_panel(fitted, X, y)


def test_many_categories_are_looked_up(rng):
    X, y = panel(rng, n_series=10)
    X["kind"] = X.index.get_level_values(0).str.upper()
    assert_panel(fit_panel(X, y, max_iter=1), X, y)


def fit_panel(X, y, **parameters):
    common = {"horizon": H, "lookback": 24, "season_length": 12, "hidden_layer_sizes": (4,), "n_estimators": 2}
    common |= {"max_iter": 1, "random_state": 0, "blend": 0.5, "static_covariates": ["size", "kind"]}
    return shaken(RNNForecaster(**common | parameters).fit(X, y))
