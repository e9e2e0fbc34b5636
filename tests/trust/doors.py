"""Where data come in: every method of every estimator that takes some, and what it wants of them.

A door wants "numbers", "many" of them, "symbols" or "classes"; "values" that are all there, or "some" at least;
"something" at all; labels that can be a time "axis", are in "order", "regular", or on the "same" axis as those of fit.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from sklearn.base import clone

from rnnforecast import (
    ForecasterPerSeries,
    LinearForecaster,
    NaiveForecaster,
    RNNAnomalyDetector,
    RNNClassifier,
    RNNForecaster,
    RNNGenerator,
    RNNRegressor,
)
from tests.trust.cases import DAYS, Rows

N, M = 60, 12  # rows of fit, and after them
VALUES = np.round(20 + 5 * np.sin(2 * np.pi * np.arange(N + M) / 7) + np.random.default_rng(0).normal(size=N + M))
Y = pd.Series(VALUES, DAYS[: N + M], name="y")
X = pd.DataFrame({"a": np.arange(N + M) % 5.0, "b": np.arange(N + M) / 10.0}, index=Y.index)
SEQUENCES = pd.DataFrame(np.random.default_rng(1).normal(size=(N, 5)), columns=list("abcde"))
SUMS = SEQUENCES.sum(axis=1).to_numpy()

SMALL = {"hidden_layer_sizes": (4,), "max_iter": 2, "random_state": 0}
RNN = RNNForecaster(lookback=8, segment_length=None, n_estimators=1, **SMALL)
FORECASTERS = {
    "RNNForecaster": RNN,
    "LinearForecaster": LinearForecaster(),
    "NaiveForecaster": NaiveForecaster(),
    "ForecasterPerSeries": ForecasterPerSeries(NaiveForecaster()),
}
DETECTOR = RNNAnomalyDetector(hidden_layer_sizes=10, n_lags=10, random_state=0)
REGRESSOR, CLASSIFIER, GENERATOR = RNNRegressor(**SMALL), RNNClassifier(**SMALL), RNNGenerator(**SMALL)


@dataclass(frozen=True)
class Door:
    """A method that takes data.

    Parameters
    ----------
    model : callable
        Returns the estimator, as fitted as the method needs it.
    call : callable
        What a caller does with it and with data.
    rows : Rows
        Good data.
    wants : str
    message : str or None
        Of every refusal, if all are a ValueError with the same sentence.
    """

    model: Callable[[], Any]
    call: Callable[[Any, Any], Any]
    rows: Rows
    wants: str
    message: str | None = None


@functools.cache
def fitted(name: str) -> Any:
    """Return an estimator that has learnt; "+ X" means with covariates."""
    kind, _, covariates = name.partition(" + ")
    if kind in FORECASTERS:
        model = clone(FORECASTERS[kind])
        return model.fit(X[:N], Y[:N]) if covariates else model.fit(Y[:N])
    if kind == "detector":
        return clone(DETECTOR).fit(Y[:N])
    if kind == "generator":
        return clone(GENERATOR).fit(VALUES.tolist())
    model, y = (REGRESSOR, SUMS) if kind == "regressor" else (CLASSIFIER, SUMS > 0)
    return clone(model).fit(SEQUENCES, y)


def method(name: str, **options: Any) -> Callable[[Any, Any], Any]:
    return lambda model, data: getattr(model, name)(data, **options)


PAST, NEXT = Rows(VALUES[:N], Y.index[:N]), Rows(VALUES[N:], Y.index[N:])
PAST_X, NEXT_X = (Rows(rows.values, rows.index, ["a", "b"]) for rows in (PAST, NEXT))
TABLE = Rows(VALUES[:N], pd.RangeIndex(N), list("abcde"))
ENTRIES = Rows(VALUES[:N], pd.RangeIndex(N))
ROW = Rows(VALUES[N : N + 1], Y.index[N : N + 1])

DOORS: dict[str, Door] = {}
for kind, forecaster in FORECASTERS.items():
    new, plain, rich = (
        functools.partial(clone, forecaster),
        *(functools.partial(fitted, kind + x) for x in ("", " + X")),
    )
    DOORS |= {
        f"{kind}.fit(y)": Door(new, method("fit"), PAST, "numbers many values some something axis order regular"),
        f"{kind}.backtest(y)": Door(
            new, method("backtest"), PAST, "numbers many values some something axis order regular"
        ),
        f"{kind}.forecast(history)": Door(
            plain, lambda m, data: m.forecast(history=data), PAST, "numbers many values some axis order regular"
        ),
        f"{kind}.update(y)": Door(plain, method("update"), NEXT, "numbers many values some something axis order same"),
    }
    if kind in ("LinearForecaster", "NaiveForecaster"):  # the rest is the same code
        continue
    DOORS |= {
        f"{kind}.fit(X, y), y": Door(new, lambda m, y: m.fit(X[:N], y), PAST, "numbers many values some"),
        f"{kind}.fit(X, y), X": Door(
            new, lambda m, data: m.fit(data, Y[:N]), PAST_X, "numbers many values some something"
        ),
        f"{kind}.forecast(X)": Door(
            rich, lambda m, data: m.forecast(X=data), NEXT_X, "numbers many values some axis order same"
        ),
        f"{kind}.predict(X)": Door(
            rich, method("predict"), NEXT_X, "numbers many values some something axis order same"
        ),
        f"{kind}.predict_quantiles(X)": Door(
            rich, method("predict_quantiles"), NEXT_X, "numbers many values some something axis order same"
        ),
        f"{kind}.update(y, X), X": Door(
            rich, lambda m, data: m.update(Y[N:], data), NEXT_X, "numbers many values some"
        ),
        f"{kind}.score(y)": Door(plain, method("score"), NEXT, "numbers many values some something axis order same"),
        f"{kind}.score(X, y), y": Door(rich, lambda m, y: m.score(X[N:], y), NEXT, "numbers many values some"),
    }
DOORS["RNNForecaster.stream().update(value)"] = Door(
    functools.partial(fitted, "RNNForecaster"),
    lambda m, value: m.stream().update(value),
    ROW,
    "numbers values some something",
    "an observation must be 1 finite numbers",
)
for name in ("predict", "score_samples", "decision_function", "anomaly_score", "explain", "detect"):
    DOORS[f"RNNAnomalyDetector.{name}(X)"] = Door(
        functools.partial(fitted, "detector"), method(name), NEXT, "numbers many something order"
    )
DOORS |= {
    "RNNAnomalyDetector.fit(X)": Door(
        functools.partial(clone, DETECTOR), method("fit"), PAST, "numbers many some something order"
    ),
    "RNNAnomalyDetector.update(row)": Door(
        functools.partial(fitted, "detector"), method("update"), ROW, "numbers", "a row must be 1 numbers"
    ),
}
for kind, model, answers, y in (
    ("RNNRegressor", REGRESSOR, "numbers many values some", SUMS),
    ("RNNClassifier", CLASSIFIER, "classes", SUMS > 0),
):
    new, learnt = functools.partial(clone, model), functools.partial(fitted, kind[3:].lower())
    DOORS |= {
        f"{kind}.fit(X, y), X": Door(
            new, lambda m, data, y=y: m.fit(data, y), TABLE, "numbers many values some something"
        ),
        f"{kind}.fit(X, y), y": Door(new, lambda m, data: m.fit(SEQUENCES, data), ENTRIES, answers),
        f"{kind}.predict(X)": Door(learnt, method("predict"), TABLE, "numbers many values some something"),
        f"{kind}.score(X, y), y": Door(learnt, lambda m, data: m.score(SEQUENCES, data), ENTRIES, answers),
    }
DOORS["RNNClassifier.predict_proba(X)"] = Door(
    functools.partial(fitted, "classifier"), method("predict_proba"), TABLE, "numbers many values some something"
)
DOORS |= {
    "RNNGenerator.fit(X)": Door(functools.partial(clone, GENERATOR), method("fit"), ENTRIES, "symbols"),
    "RNNGenerator.partial_fit(X)": Door(functools.partial(clone, GENERATOR), method("partial_fit"), ENTRIES, "symbols"),
    "RNNGenerator.score_samples(X)": Door(
        functools.partial(fitted, "generator"), method("score_samples"), ENTRIES, "symbols"
    ),
    "RNNGenerator.generate(prompt)": Door(
        functools.partial(fitted, "generator"), lambda m, text: m.generate(3, prompt=text), ENTRIES, "symbols"
    ),
}
