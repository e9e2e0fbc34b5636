"""Covariates of the series themselves: constant within each, numbers or categories."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from rnnforecast import RNNForecaster
from rnnforecast.estimators._statics import StaticEncoder

H, N = 3, 50
KINDS = {"a": ("big", 3.0), "b": ("small", 1.0), "c": ("big", 2.0)}


def forecaster(**options) -> RNNForecaster:
    settings = {"lookback": 6, "hidden_layer_sizes": 4, "n_estimators": 1, "random_state": 0, "blend": None}
    return RNNForecaster(
        H, static_covariates=["kind", "size"], **{"max_iter": 2, "early_stopping": False, **settings, **options}
    )


@pytest.fixture
def panel(rng) -> pd.DataFrame:
    """Three series of random steps, a known covariate, and what each series is."""
    index = pd.MultiIndex.from_product([list(KINDS), range(N)], names=["id", "t"])
    owner = index.get_level_values(0)
    columns = {"known": rng.normal(size=len(index)), "y": rng.normal(size=len(index))}
    kind, size = ({name: what[k] for name, what in KINDS.items()} for k in range(2))
    return pd.DataFrame({**columns, "kind": owner.map(kind), "size": owner.map(size)}, index=index)


def steps() -> pd.DataFrame:
    return pd.DataFrame({"known": 0.5}, index=pd.MultiIndex.from_product([list(KINDS), range(N, N + H)]))


@pytest.mark.parametrize("kind", [str, object, "category"])
def test_numbers_are_scaled_and_categories_have_a_column_each(kind):
    static = pd.DataFrame(
        {"kind": pd.Series(["u", "v", "u"]).astype(kind), "size": [1, 2, 6], "open": [True, False, True]}
    )
    encoded = StaticEncoder.fit(static).encode(static)
    np.testing.assert_allclose(encoded[:, 0], (static["size"] - 3) / np.std([1, 2, 6]))
    np.testing.assert_array_equal(encoded[:, 1:], [[1, 0, 1, 0], [0, 1, 0, 1], [1, 0, 1, 0]])


@pytest.mark.parametrize("decoder", ["direct", "parallel", "seq2seq", "recursive"])
def test_the_network_reads_what_a_series_is(decoder, panel):
    X, y = panel.drop(columns="y"), panel["y"]
    model = forecaster(decoder=decoder).fit(X, y)
    assert model.feature_names_in_.tolist() == ["known", "kind", "size"]
    forecast = model.forecast(
        2 * H, steps().reindex(pd.MultiIndex.from_product([list(KINDS), range(N, N + 2 * H)]), fill_value=0.5)
    )
    np.testing.assert_allclose(model.forecast(X=steps()), forecast.groupby(level=0).head(H), rtol=1e-6)
    renamed = X.replace({"kind": {"small": "big", "big": "small"}})
    other = model.forecast(X=steps(), history=(renamed, y))
    assert (np.abs(other - model.forecast(X=steps())) > 1e-6).all()
    # A later X may have the columns or not.
    np.testing.assert_array_equal(model.predict(X), model.predict(X[["known"]]))
    model.update(y.rename({t: t + N for t in range(N)}, level=1), X.rename({t: t + N for t in range(N)}, level=1))
    assert model.cutoff_.eq(2 * N - 1).all()


@pytest.mark.parametrize("n_kinds", [2, 20])
def test_it_learns_a_drift_that_only_the_kind_tells(n_kinds, rng):
    # Two steps under noise thrice their size do not show which way a series goes; its kind does.
    index = pd.MultiIndex.from_product([range(20), range(30)], names=["id", "t"])
    drift = np.where(index.get_level_values(0) % 2 == 0, 1.0, -1.0)
    y = pd.Series(drift, index).groupby(level=0).cumsum() + rng.normal(scale=3.0, size=len(index))
    kind = index.get_level_values(0) % n_kinds  # with few kinds a column each, with many a table
    X = pd.DataFrame({"kind": kind.astype(str), "size": 1.0}, index=index)
    model = forecaster(max_iter=30, lookback=2, segment_length=None, learning_rate_init=0.01).fit(X, y)
    swapped = X.assign(kind=(kind ^ 1).astype(str))
    change = (model.forecast() - model.forecast(history=(swapped, y))).groupby(level=0).last()
    assert change.iloc[::2].mean() > 3.0  # a drift of 3 within the horizon against one of -3
    assert change.iloc[1::2].mean() < -3.0


def test_more_than_a_few_categories_are_numbered():
    static = pd.DataFrame({"kind": [f"k{n}" for n in range(9)], "size": np.arange(9.0)})
    encoder = StaticEncoder.fit(static)
    assert encoder.n_symbols == (9,)
    np.testing.assert_array_equal(encoder.encode(static)[:, 1], np.arange(9))
    with pytest.warns(UserWarning, match="categories that were not in the data of fit: 'new'"):
        assert encoder.encode(pd.DataFrame({"kind": ["new"], "size": [0.0]}))[0, 1] == 9


def test_an_unknown_category_is_none_of_the_known_ones(panel):
    X, y = panel.drop(columns="y"), panel["y"]
    model = forecaster().fit(X, y)
    strange = X.replace({"kind": {"small": "tiny"}})
    with pytest.warns(UserWarning, match="'kind' has categories that were not in the data of fit: 'tiny'"):
        forecast = model.forecast(X=steps(), history=(strange, y))
    assert np.isfinite(forecast).all()


def test_what_is_not_static_is_refused(panel):
    X, y = panel.drop(columns="y"), panel["y"]
    with pytest.raises(ValueError, match=r"'kind' of X must have one value .* changes within the series 'b'; leave"):
        forecaster().fit(X.assign(kind=X["kind"].where(panel["known"] != panel.loc["b", "known"].iloc[3], "huge")), y)
    with pytest.raises(ValueError, match="'kind' of X is missing in the series 'b'"):
        forecaster().fit(X.assign(kind=X["kind"].where(X["kind"] != "small")), y)
    with pytest.raises(ValueError, match=r"must name columns of X .*, got 'kind', which is none"):
        forecaster().fit(X.drop(columns="kind"), y)
    with pytest.raises(ValueError, match="DataFrame of a single series; pass a panel"):
        forecaster().fit(X.loc["a"], y.loc["a"])


def test_a_panel_with_names_of_categories_is_scored(panel):
    X, y = panel.drop(columns="y"), panel["y"]
    model = forecaster(max_iter=1).fit(X, y)
    assert model.score(X, y) == pytest.approx(model.score(X[["known"]], y))
    whole = forecaster(max_iter=1).fit(panel[["y", "kind", "size"]])
    assert np.isfinite(whole.score(panel[["y", "kind", "size"]]))


@pytest.mark.parametrize(
    ("column", "values", "kind", "message"),
    [
        ("size", np.inf, ValueError, "static column 'size', contains infinity"),
        ("size", 1e39, ValueError, "a static covariate holds a value of size .*too large for float32"),
        ("size", "large", ValueError, "'size' held numbers in the data of fit, got 'large' of series 'a'"),
        ("kind", [["big"]], TypeError, "'kind' of X must hold numbers or names of categories, got list"),
    ],
    ids=["infinite", "too large", "a string", "a list"],
)
def test_what_a_series_cannot_be_is_refused(column, values, kind, message, panel):
    X, y = panel.drop(columns="y"), panel["y"]
    model = forecaster(max_iter=1).fit(X, y)
    other = X.assign(**{column: values * len(X) if isinstance(values, list) else values})
    with pytest.raises(kind, match=message):
        model.forecast(X=steps(), history=(other, y))
