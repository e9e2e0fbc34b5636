"""The same seed and data give the same bits: again, in any number of threads, in any process."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone

from rnnforecast import ForecasterPerSeries, LinearForecaster
from tests.trust.doors import (
    CLASSIFIER,
    DETECTOR,
    FORECASTERS,
    GENERATOR,
    REGRESSOR,
    RNN,
    SEQUENCES,
    SUMS,
    VALUES,
    N,
    X,
    Y,
)
from tests.trust.test_processes import play

PANEL = pd.concat({"a": Y[:N], "b": 3.0 * Y[:N] + 1.0, "c": Y[:N].iloc[::-1].set_axis(Y.index[:N])})


def forecast(model):
    """Answers of a forecaster: alone and of a panel, with all that draws or calibrates."""
    alone = clone(model).fit(X[:N], Y[:N])
    of_panel = clone(model).fit(PANEL)
    more = alone.predict_quantiles(X[N:]), alone.backtest(X[:N], Y[:N], n_windows=2).forecasts["forecast"]
    if hasattr(model, "random_state"):  # without one, futures are drawn from NumPy's global generator
        more = *more, of_panel.forecast(3, n_samples=2)
    return alone.forecast(X=X[N:]), of_panel.forecast(3, level=80), *more


def judge(model):
    model = clone(model).fit(Y[:N])
    return model.score_samples(Y[N:]), [model.update(value).score for value in Y[N:]]


def generate(model):
    model = clone(model).fit(VALUES.tolist())
    return model.generate(20, random_state=0), model.score_samples(VALUES.tolist())


ANSWERS = {
    **{name: (model, forecast) for name, model in FORECASTERS.items()},
    "RNNAnomalyDetector": (DETECTOR, judge),
    "RNNAnomalyDetector, trained": (clone(DETECTOR).set_params(solver="adam", max_iter=3), judge),
    "RNNRegressor": (REGRESSOR, lambda model: (clone(model).fit(SEQUENCES, SUMS).predict(SEQUENCES),)),
    "RNNClassifier": (CLASSIFIER, lambda model: (clone(model).fit(SEQUENCES, SUMS > 0).predict_proba(SEQUENCES),)),
    "RNNGenerator": (GENERATOR, generate),
}


def answer(name, n_jobs=None):
    """Return the bits of what an estimator says once it has learnt."""
    model, ask = ANSWERS[name]
    if n_jobs is not None:
        model = clone(model).set_params(n_jobs=n_jobs)
    return b"".join(np.asarray(part, float).tobytes() for part in ask(model))


@pytest.mark.parametrize("name", ANSWERS)
def test_a_second_fit_has_the_bits_of_the_first(name):
    assert answer(name) == answer(name)


@pytest.mark.parametrize("name", ["RNNForecaster", "RNNRegressor", "RNNClassifier", "RNNGenerator"])
def test_any_number_of_threads_gives_the_same_bits(name, monkeypatch):
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
    alone = answer(name, 1)
    assert answer(name, 2) == alone
    assert answer(name, 3) == alone


@pytest.mark.slow
def test_every_process_gives_the_same_bits():
    scene = "from tests.trust.test_determinism import ANSWERS, answer\n"
    scene += "import hashlib, warnings\nwarnings.simplefilter('ignore')\n"
    scene += "print(json.dumps({name: hashlib.sha256(answer(name)).hexdigest() for name in ANSWERS}))"
    expected = play(scene)
    assert len(expected) == len(ANSWERS)
    assert play(scene, PYTHONHASHSEED="1", OMP_NUM_THREADS="1", OPENBLAS_NUM_THREADS="1") == expected
    assert play(scene, PYTHONHASHSEED="2", OMP_NUM_THREADS="4", OPENBLAS_NUM_THREADS="4") == expected


@pytest.mark.parametrize("name", FORECASTERS)
def test_rows_one_by_one_have_the_forecasts_of_all_at_once(name):
    model, rows = clone(FORECASTERS[name]).fit(Y[:N]), Y[20:40]
    alone = [model.predict(rows[k : k + 1])[0] for k in range(len(rows))]
    # Matrix products of one row and of many add in different orders.
    np.testing.assert_allclose(model.predict(rows), alone, rtol=1e-13)


@pytest.mark.parametrize("model", [RNN, LinearForecaster(), ForecasterPerSeries(LinearForecaster())], ids=repr)
def test_series_one_by_one_have_the_forecasts_of_the_panel(model):
    fitted = clone(model).fit(PANEL)
    alone = pd.concat([fitted.forecast(5, history=PANEL.loc[[name]]) for name in "abc"])
    np.testing.assert_allclose(fitted.forecast(5), alone, rtol=1e-12)


def test_sequences_one_by_one_have_the_bits_of_all_at_once():
    for model, method, y in ((REGRESSOR, "predict", SUMS), (CLASSIFIER, "predict_proba", SUMS > 0)):
        predict = getattr(clone(model).fit(SEQUENCES, y), method)
        alone = [predict(SEQUENCES[k : k + 1])[0] for k in range(N)]
        np.testing.assert_array_equal(predict(SEQUENCES), alone)
