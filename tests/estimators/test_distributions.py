"""Forecasters whose network forecasts quantiles or a likelihood."""

from __future__ import annotations

import pickle

import numpy as np
import pandas as pd
import pytest
from scipy import stats
from sklearn.base import clone
from sklearn.utils._param_validation import InvalidParameterError

from rnnforecast import RNNForecaster
from rnnforecast.estimators._distributions import predictive
from rnnforecast.network.heads import COUNTS, LIKELIHOODS, head_of
from rnnforecast.transforms import Identity, Log

QUICK = RNNForecaster(6, hidden_layer_sizes=(4,), n_estimators=2, max_iter=3, random_state=0)
LOSSES = [*LIKELIHOODS, "quantile"]


@pytest.fixture(scope="module")
def sales():
    rng = np.random.default_rng(0)
    days = pd.date_range("2024", periods=200, freq="D")
    return pd.Series(rng.poisson(4 + 3 * np.sin(np.arange(200) * 2 * np.pi / 7)).astype(float), days, name="sold")


@pytest.fixture(scope="module", params=LOSSES)
def fitted(request, sales):
    return clone(QUICK).set_params(loss=request.param).fit(sales)


# The distributions


def _parameters(name, rng):
    if name == "gaussian":
        return np.stack([rng.normal(size=(3, 4, 2)), rng.uniform(0.5, 2, (3, 4, 2))], axis=-1)
    if name == "student_t":
        return np.stack([rng.normal(size=(3, 4, 2)), rng.uniform(0.5, 2, (3, 4, 2)), rng.uniform(2, 9, (3, 4, 2))], -1)
    if name == "poisson":
        return rng.uniform(0.5, 9, (3, 4, 2, 1))
    if name == "negative_binomial":
        return rng.uniform(0.5, 5, (3, 4, 2, 2))
    return np.sort(rng.normal(size=(3, 4, 2, 3)), axis=-1)


def _law(name, parameters):
    p = np.moveaxis(parameters, -1, 0)
    if name == "gaussian":
        return stats.norm(p[0], p[1])
    if name == "student_t":
        return stats.t(p[2], p[0], p[1])
    if name == "poisson":
        return stats.poisson(p[0])
    return stats.nbinom(1 / p[1], 1 / (1 + p[0] * p[1]))


@pytest.mark.parametrize("name", LIKELIHOODS)
def test_values_of_normal_scores_are_the_quantiles_of_scipy(name, rng):
    head, parameters = head_of(name), _parameters(name, rng)
    found = predictive(head, parameters, parameters[..., 0], Identity())
    z = np.array([-2.0, -0.5, 0.0, 1.0, 3.0]).reshape(-1, 1, 1, 1)
    np.testing.assert_allclose(found.values(z), _law(name, parameters).ppf(stats.norm.cdf(z)), rtol=1e-8, atol=1e-8)


@pytest.mark.parametrize("name", ["gaussian", "student_t", "quantile"])
@pytest.mark.parametrize("scale", [Identity(), Log()])
def test_scores_invert_values(name, scale, rng):
    head, parameters = head_of(name, (0.1, 0.5, 0.9)), _parameters(name, rng)
    point = scale.inverse(rng.normal(size=(3, 4, 2)))
    found = predictive(head, parameters, point, scale)
    np.testing.assert_allclose(found.values(np.zeros((1, 1, 1, 1)))[0], point, rtol=1e-12)
    for z in (-4.0, -0.7, 0.3, 2.5):
        scores = found.scores(found.values(np.full((1, 1, 1, 1), z))[0])
        np.testing.assert_allclose(scores, z, rtol=1e-7)


def test_a_fan_goes_through_its_quantiles(rng):
    head, parameters = head_of("quantile", (0.1, 0.5, 0.9)), _parameters("quantile", rng)
    found = predictive(head, parameters, parameters[..., 1], Identity())
    z = stats.norm.ppf(np.array(head.levels)).reshape(-1, 1, 1, 1)
    np.testing.assert_allclose(found.values(z), np.moveaxis(parameters, -1, 0), rtol=1e-12)


@pytest.mark.parametrize("name", COUNTS)
def test_an_interval_of_counts_holds_every_count_whose_score_lies_within(name, rng):
    parameters = _parameters(name, rng)
    found = predictive(head_of(name), parameters, parameters[..., 0], Identity())
    for count in (0.0, 1.0, 4.0, 9.0):  # all within eight standard deviations
        size = np.abs(found.scores(np.full((3, 4, 2), count)))
        low, high = found.values(np.stack([-size, size]))
        assert (low <= count).all()
        assert (high >= count).all()


@pytest.mark.parametrize("name", LOSSES)
def test_what_is_not_known_has_no_score_and_the_far_away_a_finite_one(name, rng):
    parameters = _parameters(name, rng)
    found = predictive(head_of(name, (0.1, 0.5, 0.9)), parameters, parameters[..., 0], Identity())
    actual = np.full((3, 4, 2), 1e6)
    actual[0, 0, 0] = np.nan
    scores = found.scores(actual)
    assert np.isnan(scores[0, 0, 0])
    assert np.isfinite(scores.ravel()[1:]).all()
    assert np.isfinite(found.values(np.array([-30.0, 30.0]).reshape(2, 1, 1, 1))).all()


# The forecaster


def test_quantiles_ascend_for_any_horizon(fitted):
    for h in (3, 6, 20):
        found = fitted.forecast(h, quantiles=np.linspace(0.02, 0.98, 13)).to_numpy()
        assert np.isfinite(found).all()
        assert (np.diff(found, axis=1) >= 0).all()


def test_the_median_is_the_forecast_but_for_counts(fitted):
    found = fitted.forecast(level=80, quantiles=[0.1, 0.5])
    np.testing.assert_array_equal(found["sold-lo-80"], found["sold-q0.1"])
    if fitted.loss in COUNTS:
        assert (found[["sold-lo-80", "sold-hi-80"]] % 1 == 0).to_numpy().all()
        assert (found["sold-lo-80"] >= 0).all()
        assert (found["sold"] > 0).all()
    else:
        np.testing.assert_allclose(found["sold-q0.5"], found["sold"], rtol=1e-12)
    pd.testing.assert_series_equal(fitted.forecast(), found["sold"])


def test_samples_reproduce_the_quantiles(fitted):
    n = 3000
    samples = fitted.forecast(n_samples=n)
    for p in (0.1, 0.9):
        quantile = fitted.forecast(quantiles=p)[f"sold-q{p}"]
        below, within = samples.lt(quantile, axis=0).mean(axis=1), samples.le(quantile, axis=0).mean(axis=1)
        slack = 5 * np.sqrt(p * (1 - p) / n)  # five standard errors; a count has a probability of its own
        assert (below <= p + slack).all()
        assert (within >= p - slack).all()


def test_a_fitted_distribution_survives_pickling(fitted):
    again = pickle.loads(pickle.dumps(fitted))
    pd.testing.assert_frame_equal(again.forecast(level=90), fitted.forecast(level=90))


@pytest.mark.parametrize("decoder", ["direct", "parallel"])
@pytest.mark.parametrize("loss", ["quantile", "student_t", "negative_binomial"])
def test_several_targets_joint_or_not_with_covariates(loss, decoder, sales):
    frame = pd.DataFrame({"a": sales, "b": sales.shift(1, fill_value=2.0)})
    X = pd.DataFrame({"price": np.arange(200) % 5}, index=sales.index)
    for channels in ("joint", "independent"):
        forecaster = clone(QUICK).set_params(loss=loss, decoder=decoder, channels=channels)
        found = forecaster.fit(X[:190], frame[:190]).forecast(X=X[190:], level=80)
        assert list(found.columns) == ["a", "a-lo-80", "a-hi-80", "b", "b-lo-80", "b-hi-80"]
        assert np.isfinite(found.to_numpy()).all()


@pytest.mark.parametrize("loss", ["quantile", "gaussian", "student_t"])
def test_bands_are_wide_where_the_noise_is(loss):
    rng = np.random.default_rng(0)
    rows = np.arange(600)
    noisy = rows % 12 < 6
    values = np.sin(rows * np.pi / 6) + np.where(noisy, 1.0, 0.1) * rng.normal(size=600)
    series = pd.Series(values, pd.date_range("2024", periods=600, freq="h"), name="y")
    forecaster = RNNForecaster(
        12, loss=loss, season_length=12, hidden_layer_sizes=(16,), n_estimators=1, random_state=0
    )
    found = forecaster.fit(series).forecast(level=80)
    width = (found["y-hi-80"] - found["y-lo-80"]).to_numpy()
    assert width[:6].mean() > 2.5 * width[6:].mean()


@pytest.mark.parametrize(
    ("value", "sentence"),
    [
        (-1.0, r'loss="poisson" needs counts, whole numbers from 0 on, got -1 \(2024-01-06 00:00:00, column sold\)'),
        (2.5, r"got 2.5 \(2024-01-06"),
    ],
)
def test_what_is_no_count_is_refused_with_its_place(value, sentence, sales):
    wrong = sales.copy()
    wrong.iloc[5] = value
    forecaster = clone(QUICK).set_params(loss="poisson")
    with pytest.raises(ValueError, match=sentence):
        forecaster.fit(wrong)
    assert not hasattr(forecaster, "cutoff_")


def test_counts_may_have_holes_that_are_filled_in(sales):
    holed = sales.copy()
    holed.iloc[[7, 50, 51]] = np.nan
    found = clone(QUICK).set_params(loss="poisson", missing="interpolate").fit(holed).forecast(level=80)
    assert np.isfinite(found.to_numpy()).all()


@pytest.mark.parametrize(
    ("parameters", "sentence"),
    [
        ({"loss": "quantile", "decoder": "recursive"}, 'which decoder="recursive" cannot hand on'),
        ({"loss": "gaussian", "decoder": "seq2seq"}, 'which decoder="seq2seq" cannot hand on'),
        ({"loss": "gaussian", "forking_sequences": True}, "which forking_sequences=True cannot hand on"),
        ({"loss": "poisson", "blend": 0.5}, "cannot be combined with blend=0.5"),
        ({"loss": "negative_binomial", "target_transform": "log"}, "cannot be combined with target_transform='log'"),
        ({"quantiles": (0.1, 1.0)}, "quantiles must hold probabilities between 0 and 1, got 1.0"),
        ({"loss": "quantile", "quantiles": (0.5,)}, "besides the median"),
        ({"loss": "cauchy"}, "loss"),
    ],
)
def test_what_does_not_go_together_is_refused(parameters, sentence, sales):
    with pytest.raises(InvalidParameterError, match=sentence):
        clone(QUICK).set_params(**parameters).fit(sales)


def test_a_stream_of_distributions_is_refused(sales):
    with pytest.raises(ValueError, match='loss="gaussian" makes several'):
        clone(QUICK).set_params(loss="gaussian").fit(sales).stream()


@pytest.mark.slow
@pytest.mark.parametrize("loss", LOSSES)
def test_calibrated_distributions_cover_as_often_as_they_say(loss):
    rng = np.random.default_rng(1)
    rate = np.exp(1.5 + 0.7 * np.sin(np.arange(1500) * np.pi / 12))
    series = pd.Series(
        rng.negative_binomial(4, 4 / (4 + rate)).astype(float), pd.date_range("2024", periods=1500, freq="h")
    )
    forecaster = RNNForecaster(12, loss=loss, n_estimators=1, random_state=0)
    line = forecaster.backtest(series, n_windows=300, step=1, level=[80, 95]).table().iloc[0]
    # Some 200 scores behind each quantile and 300 windows that overlap: standard errors of 3 and 2 per cent. Intervals
    # of counts end at counts and cover more.
    assert 73 < line["coverage-80"] < 90
    assert 91 < line["coverage-95"] <= 99.5
