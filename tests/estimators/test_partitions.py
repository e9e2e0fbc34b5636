"""A network learnt from partitions of a panel is the one that is learnt from all of it in one place."""

from __future__ import annotations

import pickle

import numpy as np
import pandas as pd
import pytest
from sklearn.exceptions import NotFittedError
from sklearn.utils._param_validation import InvalidParameterError

from rnnforecast import LinearForecaster, RNNForecaster, distributed, from_long
from rnnforecast.estimators._partitions import Numbering, Panel, Survey
from rnnforecast.series.spans import Spans
from rnnforecast.training.rounds import Objects

COLUMNS = {"id": "shop", "time": "day", "target": "sold"}
SMALL = {
    "horizon": 4,
    "lookback": 8,
    "blend": None,
    "hidden_layer_sizes": 4,
    "n_estimators": 1,
    "max_iter": 1,
    "random_state": 0,
}
EXACT = SMALL | {"dropout": 0.0, "dtype": "float64", "n_estimators": 2}


def table(names, rng, n_rows=50, level=50.0) -> pd.DataFrame:
    """Series of different lengths, with a covariate and a second target."""
    parts = []
    for k, name in enumerate(names):
        days = pd.date_range("2024-01-01", periods=n_rows + 3 * (k % 4), name="day")
        sold = level + 3 * np.sin(np.arange(len(days))) + rng.normal(size=len(days))
        parts.append(pd.DataFrame({"shop": name, "day": days, "sold": sold, "returned": rng.normal(size=len(days))}))
    return pd.concat(parts, ignore_index=True)


@pytest.fixture
def parts(rng) -> list[pd.DataFrame]:
    """Three partitions, the second of a single series, the third too short for a whole lookback."""
    return [table(["a", "d", "e"], rng), table(["b"], rng), table(["c", "f"], rng, n_rows=9)]


@pytest.mark.parametrize(
    ("target", "more"),
    [
        ("sold", {}),
        ("sold", {"decoder": "parallel", "calendar": ["weekday"], "window_norm": "standard", "alpha": 0.1}),
        ("sold", {"early_stopping": False, "shuffle": False, "max_iter": 2}),
        (["sold", "returned"], {"past_covariates": [], "loss": "gaussian"}),
        ("sold", {"target_transform": ("log", "difference"), "scale": "robust"}),
        (["returned", "sold"], {"channels": "joint", "refit": False}),
    ],
    ids=lambda value: str(value),
)
def test_the_network_is_that_of_one_place(parts, target, more):
    alone = RNNForecaster(**EXACT | more).fit(*from_long(pd.concat(parts), "shop", "day", target))
    apart = distributed.fit(RNNForecaster(**EXACT | more), parts, **COLUMNS | {"target": target})
    for weights, expected in zip(apart.coefs_, alone.coefs_, strict=True):
        # Gradients differ by the order in which float64 terms are added; AdamW passes that on for some ten updates.
        np.testing.assert_allclose(weights, expected, rtol=1e-9, atol=1e-11)
    np.testing.assert_allclose(apart.validation_scores_, alone.validation_scores_, rtol=1e-9)
    assert apart.lookback_ == alone.lookback_
    assert apart.skill_ == pytest.approx(alone.skill_, rel=1e-6, nan_ok=True)
    steps = pd.concat([part.groupby("shop").tail(1) for part in parts])
    ahead = None
    if target == "sold":  # the other column is a covariate, which has to be told
        days = [steps.assign(day=steps["day"] + pd.Timedelta(days=k)) for k in range(1, 5)]
        ahead = from_long(pd.concat(days).sort_values(["shop", "day"]), "shop", "day", "sold")[0]
    np.testing.assert_allclose(apart.forecast(X=ahead), alone.forecast(X=ahead), rtol=1e-6)


def test_how_the_panel_is_cut_changes_nothing_but_rounding(parts):
    whole = pd.concat(parts)
    cuts = [[whole], parts, [part for _, part in whole.groupby("shop")]]
    fitted = [distributed.fit(RNNForecaster(**EXACT), cut, **COLUMNS).coefs_[0] for cut in cuts]
    for weights in fitted[1:]:
        np.testing.assert_allclose(weights, fitted[0], rtol=1e-9, atol=1e-11)


def test_empty_partitions_names_in_the_index_and_the_order_of_rows_do_not_matter(parts):
    expected = distributed.fit(RNNForecaster(**SMALL), parts, **COLUMNS)
    indexed = [part.sample(frac=1.0, random_state=0).set_index("shop") for part in [*parts, parts[0][:0]]]
    found = distributed.fit(RNNForecaster(**SMALL), indexed, **COLUMNS)
    np.testing.assert_array_equal(found.coefs_[0], expected.coefs_[0])


def test_places_may_move_between_rounds(parts, monkeypatch):
    class Moving(Objects):
        def __call__(self, method, arguments):
            self.places = [pickle.loads(pickle.dumps(place)) for place in self.places]
            return super().__call__(method, arguments)

    options = SMALL | {"max_iter": 10, "warm_start": True, "learning_rate_init": 0.01, "refit": False}
    stayed = distributed.fit(RNNForecaster(**options), parts, **COLUMNS)
    monkeypatch.setattr(distributed, "Objects", Moving)
    moved = distributed.fit(RNNForecaster(**options), parts, **COLUMNS)
    np.testing.assert_array_equal(moved.coefs_[0], stayed.coefs_[0])
    again = distributed.fit(moved, parts, **COLUMNS)  # from the weights it has
    assert again.validation_scores_[0] < stayed.validation_scores_[0]


@pytest.mark.parametrize("local_steps", [None, 2])
def test_a_fit_over_partitions_can_be_watched_and_stopped(parts, local_steps):
    seen = []

    def enough(progress):
        seen.append(progress.step)
        return len(seen) == 3

    options = SMALL | {"max_iter": 20, "refit": False, "callback": enough}
    fitted = distributed.fit(RNNForecaster(**options), parts, **COLUMNS, local_steps=local_steps)
    assert len(seen) == 3
    assert fitted.ensemble_.histories[0].n_steps == seen[-1]


def test_local_steps_learn_too(parts):
    options = SMALL | {"max_iter": 30, "refit": False, "learning_rate_init": 0.01}
    together = distributed.fit(RNNForecaster(**options), parts, **COLUMNS).ensemble_.histories[0]
    apart = distributed.fit(RNNForecaster(**options), parts, **COLUMNS, local_steps=3).ensemble_.histories[0]
    # A round is three updates of every partition.
    assert apart.n_steps == -(-together.n_steps // 3)
    gains = [history.validation_scores[0] - history.best_loss for history in (together, apart)]
    assert gains[1] > 0.5 * gains[0] > 0


def test_of_many_series_a_sample_is_kept_and_any_other_is_forecast_from_its_history(rng):
    whole = table([f"{k:03}" for k in range(130)], rng, n_rows=20).drop(columns="returned")
    whole.loc[whole["shop"] == "017", "sold"] /= 100  # 0.5 is the floor of the logarithm then, not 47
    parts = [whole[whole["shop"] < "060"], whole[whole["shop"] >= "060"]]
    fitted = distributed.fit(RNNForecaster(**SMALL, target_transform="log"), parts, **COLUMNS)
    kept = fitted.forecast().index.get_level_values(0).unique()
    assert 100 <= len(kept) <= 102
    assert "017" in kept
    strange = whole[whole["shop"] == "004"]
    assert "004" not in kept
    forecast = fitted.forecast(history=from_long(strange, "shop", "day", "sold"))
    np.testing.assert_allclose(forecast, 50.0, atol=10.0)  # the level; deviations from it are about 3


@pytest.mark.parametrize("n_columns", [1, 2])
def test_windows_are_numbered_as_in_one_place(n_columns):
    """Series of two partitions lie between each other."""
    names = [pd.Index(["a", "c", "d"]), pd.Index(["b"]), pd.Index(["e", "f"])]
    lengths = [np.array([5, 2, 7]), np.array([4]), np.array([1, 3])]
    panel = Panel([Survey(ids, n, n * 1.0, "D") for ids, n in zip(names, lengths, strict=True)])
    assert list(panel.ids) == list("abcdef")
    np.testing.assert_array_equal(panel.lengths, [5, 4, 2, 7, 1, 3])
    counts = np.maximum(panel.lengths - 2, 0)
    numbering = Numbering(panel, counts)
    place, local = numbering.locate(np.arange(len(numbering) * n_columns))
    # What each place would call its windows, one after the other: by column, series and row.
    found = []
    for k, own in enumerate(lengths):
        spans = Spans.of(own, np.zeros(len(own)))
        origins = spans.origins_from(np.zeros(len(own), np.int64), 3)
        rows = origins.at(np.arange(len(origins)))
        owner = spans.owners(rows + 1)
        found.append(
            [(c, names[k][o], r - spans.starts[o]) for c in range(n_columns) for o, r in zip(owner, rows, strict=True)]
        )
    expected = [
        (c, name, row) for c in range(n_columns) for name, n in zip("abcdef", counts, strict=True) for row in range(n)
    ]
    assert [found[p][n] for p, n in zip(place, local, strict=True)] == expected


@pytest.mark.parametrize(
    ("more", "sentence"),
    [
        ({"blend": "auto"}, r"distributed.fit needs blend=None, got 'auto'"),
        ({"solver": "ridge", "cell": "leaky"}, "needs solver='adamw' or"),
        ({"missing": "mask"}, "needs missing='error', got 'mask'"),
        ({"decoder": "seq2seq"}, "needs decoder='direct' or"),
        ({"static_covariates": ["returned"]}, "needs static_covariates=None"),
        ({"horizon": 0}, "'horizon' parameter"),
    ],
    ids=str,
)
def test_what_needs_all_data_in_one_place_is_refused_before_any_work(more, sentence):
    with pytest.raises((ValueError, InvalidParameterError), match=sentence):
        distributed.fit(RNNForecaster(**SMALL | more), ["no table"], **COLUMNS)


def test_partitions_that_do_not_fit_together_are_refused(parts, rng):
    with pytest.raises(ValueError, match="each series must lie in one partition, but 'd', 'e' lie in several"):
        distributed.fit(RNNForecaster(**SMALL), [*parts, table(["d", "e"], rng)], **COLUMNS)
    weekly = table(["w"], rng).assign(day=pd.date_range("2024-01-01", periods=50, freq="7D"))
    with pytest.raises(ValueError, match="all series must share one step, but partitions have the steps D, "):
        distributed.fit(RNNForecaster(**SMALL), [*parts, weekly], **COLUMNS)
    for nothing in ([], parts[0], None, ["a table"]):
        with pytest.raises(TypeError, match="partitions must be a Dask DataFrame, or a list of delayed"):
            distributed.fit(RNNForecaster(**SMALL), nothing, **COLUMNS)
    with pytest.raises(TypeError, match=r"each partition must be a pandas DataFrame, .* got Series"):
        distributed.fit(RNNForecaster(**SMALL), [parts[0]["sold"]], **COLUMNS)
    with pytest.raises(ValueError, match="at least one row"):
        distributed.fit(RNNForecaster(**SMALL), [parts[0][:0]], **COLUMNS)
    with pytest.raises(TypeError, match="needs an RNNForecaster, got LinearForecaster"):
        distributed.fit(LinearForecaster(4), parts, **COLUMNS)
    with pytest.raises(ValueError, match="local_steps must be"):
        distributed.fit(RNNForecaster(**SMALL), parts, **COLUMNS, local_steps=0)


def test_a_fit_that_fails_leaves_the_forecaster_as_it_was(parts):
    broken = parts[1].assign(sold=np.nan)
    forecaster = RNNForecaster(**SMALL)
    with pytest.raises(ValueError, match="every value is missing"):
        distributed.fit(forecaster, [parts[0], broken], **COLUMNS)
    with pytest.raises(NotFittedError):
        forecaster.forecast()
