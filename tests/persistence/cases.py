"""Small fitted estimators of every kind, and the question that each is asked before and after it was kept."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

import rnnforecast as rf

N = 200
SMALL = {"lookback": 24, "hidden_layer_sizes": (4,), "max_iter": 1, "n_estimators": 1, "random_state": 0}
SHORT = {"hidden_layer_sizes": (4,), "max_iter": 1, "random_state": 0}


class Case(NamedTuple):
    """How an estimator is made, and what it is asked."""

    make: Callable[[], Any]
    ask: Callable[[Any], Any]


def series(seed: int = 0, **index: Any) -> pd.Series:
    """Return hours of a load with a daily season, all positive."""
    noise = np.random.default_rng(seed).normal(size=N)
    values = 10 + np.sin(2 * np.pi * np.arange(N) / 24) + 0.1 * noise
    return pd.Series(values, index=pd.date_range("2024-03-25", periods=N, freq="h", **index), name="load")


def panel() -> pd.Series:
    """Return two series under a MultiIndex, one shorter than the other."""
    return pd.concat({"a": series(1), "b": 3 * series(2)[40:]}, names=["shop", "hour"])


def with_holes() -> pd.Series:
    y = series(3)
    y.iloc[[20, 21, 90, 150]] = np.nan
    return y


def covariates(index: pd.Index) -> pd.DataFrame:
    """Return a column that is known in advance and one that is not."""
    rows = np.arange(len(index))
    return pd.DataFrame({"price": np.cos(rows / 5), "wind": np.sin(rows / 3)}, index=index)


def statics(index: pd.Index) -> pd.DataFrame:
    """Return a category and a number of each series."""
    first = index.get_level_values(0) == "a"
    return pd.DataFrame({"kind": np.where(first, "north", "south"), "area": np.where(first, 1.5, 2.5)}, index=index)


def forecasts(model: Any) -> Any:
    """Return forecasts of known data and of the future, with intervals."""
    return model.forecast(9, level=[80])


def with_future(model: Any) -> Any:
    hours = pd.date_range(model.cutoff_, periods=10, freq="h")[1:]
    return model.forecast(9, covariates(hours)[["price"]], level=[80])


def table(seed: int = 4) -> pd.DataFrame:
    """Return two columns in which a detector finds something."""
    X = pd.DataFrame({"x": series(seed), "y": 2 * series(seed + 1)})
    X.iloc[150:153, 0] += 5
    return X


def sequences() -> tuple[np.ndarray, np.ndarray]:
    X = np.random.default_rng(0).normal(size=(24, 6, 2))
    return X, X.sum(axis=(1, 2))


def _rnn(data: Callable[[], Any] = series, ask: Any = forecasts, horizon: int = 4, **parameters: Any) -> Case:
    def make() -> Any:
        given = data()
        return rf.RNNForecaster(horizon, **{**SMALL, **parameters}).fit(
            *given if isinstance(given, tuple) else (given,)
        )

    return Case(make, ask)


def _sequences(kind: Any, labels: bool = False, **parameters: Any) -> Case:
    def make() -> Any:
        X, y = sequences()
        return kind(**{**SHORT, **parameters}).fit(X, np.where(y > 0, "up", "down") if labels else y)

    return Case(
        make, lambda model: model.decision_function(sequences()[0]) if labels else model.predict(sequences()[0])
    )


def _detector(ask: Any = lambda model: model.anomaly_score(table()), **parameters: Any) -> Case:
    def make() -> Any:
        return rf.RNNAnomalyDetector(**{"hidden_layer_sizes": (8,), "random_state": 0, **parameters}).fit(table())

    return Case(make, ask)


def _text(data: Any, **parameters: Any) -> Case:
    return Case(
        lambda: rf.RNNGenerator(**{**SHORT, "bptt_steps": 8, **parameters}).fit(data),
        lambda model: model.score_samples(data),
    )


def _streamed() -> Any:
    model = CASES["detector, drift"].make()
    for row in table(7).to_numpy()[:60]:
        model.update(row)
    return model


def _updated() -> Any:
    y = series()
    model = rf.RNNForecaster(4, intervals="adaptive", **SMALL).fit(y[:-30])
    model.forecast(level=90)
    return model.update(y[-30:])


BOTH = [series(1), series(2).rename("other")]
DOCUMENTS = ["abc abd", "abd abc abc", "cab bad"]
CASES: dict[str, Case] = {
    "naive": Case(lambda: rf.NaiveForecaster(4).fit(series()), forecasts),
    "naive, a panel": Case(lambda: rf.NaiveForecaster(4).fit(panel()), forecasts),
    "linear": Case(lambda: rf.LinearForecaster(4).fit(series()), forecasts),
    "linear, logarithms": Case(lambda: rf.LinearForecaster(4, target_transform="boxcox").fit(series()), forecasts),
    "linear, array": Case(lambda: rf.LinearForecaster(4).fit(series().to_numpy()), forecasts),
    "linear, months": Case(
        lambda: rf.LinearForecaster(4).fit(series().set_axis(pd.period_range("2001-01", periods=N, freq="M"))),
        forecasts,
    ),
    "linear, trading days": Case(
        lambda: rf.LinearForecaster(4).fit(series().set_axis(pd.bdate_range("2020-01-01", periods=N))), forecasts
    ),
    "linear, a zone": Case(lambda: rf.LinearForecaster(4).fit(series(tz="Europe/Berlin")), forecasts),
    "linear, updated": Case(lambda: rf.LinearForecaster(4).fit(series()[:-30]).update(series()[-30:]), forecasts),
    "rnn": _rnn(),
    "rnn, three networks": _rnn(n_estimators=3, committee=False),
    "rnn, updated": Case(_updated, forecasts),
    "rnn, alone": _rnn(blend=None, target_transform="difference", scale="robust"),
    "rnn, covariates": _rnn(
        lambda: (covariates(series().index), series()), with_future, past_covariates=["wind"], calendar=("hour",)
    ),
    "rnn, masked": _rnn(with_holes, missing="mask", calendar=["weekday"]),
    "rnn, interpolated": _rnn(with_holes, missing="interpolate", missing_values=-999),
    "rnn, columns": _rnn(lambda: pd.concat(BOTH, axis=1)),
    "rnn, joint": _rnn(lambda: pd.concat(BOTH, axis=1), channels="joint", blend=0.5),
    "rnn, a panel": _rnn(panel),
    "rnn, statics": _rnn(lambda: (statics(panel().index), panel()), static_covariates=["kind", "area"]),
    "rnn, recursive": _rnn(decoder="recursive", cell="rnn", activation="relu", head_layer_sizes=(3,)),
    "rnn, seq2seq": _rnn(decoder="seq2seq", cell="lstm", attention="dot", hidden_layer_sizes=[4, 4], residual=False),
    "rnn, parallel": _rnn(decoder="parallel", segment_length=4),
    "rnn, attention": _rnn(attention="additive", layer_norm=True),
    "rnn, convolution": _rnn(conv_filters=3, conv_dilation=2, highway=2, bidirectional=True, variational_dropout=True),
    "rnn, skipping": _rnn(skip_period=6, zoneout=0.1),
    "rnn, residual": _rnn(hidden_layer_sizes=(4, 4), residual=True, bidirectional=True, zoneout=0.1),
    "rnn, forking": _rnn(forking_sequences=True, segment_length=None, window_norm="last"),
    "rnn, quantiles": _rnn(loss="quantile", quantiles=(0.2, 0.9)),
    "rnn, student": _rnn(loss="student_t"),
    "rnn, counts": _rnn(lambda: series().round(), loss="negative_binomial"),
    "rnn, reservoir": _rnn(solver="ridge", cell="leaky", hidden_layer_sizes=(20,), segment_length="auto"),
    "per series": Case(lambda: rf.ForecasterPerSeries(rf.LinearForecaster(4)).fit(panel()), forecasts),
    "per series, networks": Case(
        lambda: rf.ForecasterPerSeries(rf.RNNForecaster(4, **SMALL)).fit(panel()), lambda m: m.forecast(9)
    ),
    "regressor": _sequences(rf.RNNRegressor),
    "regressor, rmsprop": _sequences(rf.RNNRegressor, solver="rmsprop", bidirectional=True, scale=None),
    "regressor, reservoir": _sequences(rf.RNNRegressor, solver="ridge", cell="leaky"),
    "classifier": _sequences(rf.RNNClassifier, labels=True, class_weight={"up": 2.0}),
    "classifier, sgd": _sequences(rf.RNNClassifier, labels=True, solver="sgd", attention="dot", layer_norm=True),
    "generator": _text("hello world, hello all"),
    "generator, documents": _text(DOCUMENTS, symbols="characters", cell="lstm"),
    "generator, numbers": _text(np.array([3, 1, 4, 1, 5, 9, 2, 6, 5, 3, 5, 9])),
    "detector": _detector(),
    "detector, series": Case(
        lambda: rf.RNNAnomalyDetector(hidden_layer_sizes=8, random_state=0).fit(table()["x"]),
        lambda model: model.anomaly_score(table()["x"]),
    ),
    "detector, target": _detector(target="x", error_norm="mahalanobis", threshold="dynamic"),
    "detector, drift": _detector(drift=True),
    "detector, streamed": Case(
        _streamed, lambda model: np.array([model.update(row).score for row in table().to_numpy()[:60]])
    ),
    "detector, hindsight": _detector(mode="offline", shape=True),
    "detector, trained": _detector(solver="adam", hidden_layer_sizes=4, max_iter=3),
    "detector, reconstruction": _detector(
        method="reconstruction", hidden_layer_sizes=4, max_iter=3, contamination=0.02, n_lags=12
    ),
}
QUICK = ("linear", "rnn", "rnn, a panel", "per series", "regressor", "classifier", "generator", "detector, streamed")


@cache
def fitted(name: str) -> Any:
    """Return a case's model, fitted once; who changes it must take a copy."""
    return CASES[name].make()


def same(left: Any, right: Any) -> bool:
    """Whether two answers are the same to the last bit, with their labels."""
    if isinstance(left, pd.Series | pd.DataFrame):
        return type(left) is type(right) and left.equals(right) and left.index.equals(right.index)
    left, right = np.asarray(left), np.asarray(right)
    return left.dtype == right.dtype and np.array_equal(left, right, equal_nan=left.dtype.kind == "f")
