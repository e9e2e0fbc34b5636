"""The closed-form linear model against slow twins, laws and real data."""

import os
import tracemalloc
from pathlib import Path

import numpy as np
import pytest

from rnnforecast.estimators._linear import LinearModel
from rnnforecast.estimators._recipe import Recipe, resolve
from rnnforecast.network import readout

LAST = Recipe(log=False, seasons=(), base=0, lookback=5, block=10)


def none(n):
    return np.empty((n, 0))


def autoregression(n, seed=0, weights=(0.6, 0.3), noise=1.0):
    rng = np.random.default_rng(seed)
    y = list(rng.standard_normal(len(weights)))
    for shock in noise * rng.standard_normal(n):
        y.append(shock + float(np.dot(weights, y[: -len(weights) - 1 : -1])))
    return np.array(y[len(weights) :])[:, None]


def covariates(n, seed=1):
    rng = np.random.default_rng(seed)
    return rng.standard_normal((n, 2)), rng.normal(5, 3, (n, 1))


def fit(y, known=None, past=None, recipe=LAST, horizon=3, alpha="cv"):
    known = none(len(y)) if known is None else known
    past = none(len(y)) if past is None else past
    return LinearModel(alpha).fit(y, known, past, recipe, horizon), known, past


def slow_rows(y, known, past, lookback, horizon, n_recent, origin):
    """One row of the design of a single series, laid out by hand."""
    row = list((y[origin - lookback : origin] - y[origin - 1]) / y.std())
    for table, first, last in ((past, -n_recent, 0), (known, -n_recent, 0), (known, 0, horizon)):
        scaled = (table - table.mean(axis=0)) / table.std(axis=0)
        row += [value for k in range(first, last) for value in scaled[origin + k]]
    return row


def slow_problem(y, known, past, recipe, horizon):
    n_recent = min(recipe.lookback, recipe.block, 24)
    origins = range(recipe.lookback, len(y) - horizon + 1)
    X = np.array([slow_rows(y, known, past, recipe.lookback, horizon, n_recent, o) for o in origins])
    Y = np.array([(y[o : o + horizon] - y[o - 1]) / y.std() for o in origins])
    return X, Y


def slow_ridge(X, Y, penalty, n_common, n_known):
    """Each step on the columns it may use, by an ordinary solver."""
    weights = np.zeros((X.shape[1], Y.shape[1]))
    mean_square = (X**2).sum(axis=0).mean()
    for step in range(Y.shape[1]):
        n_usable = n_common + n_known * (step + 1)
        gram = X[:, :n_usable].T @ X[:, :n_usable] + penalty * mean_square * np.eye(n_usable)
        weights[:n_usable, step] = np.linalg.solve(gram, X[:, :n_usable].T @ Y[:, step])
    return weights


@pytest.mark.parametrize("with_covariates", [False, True])
def test_weights_equal_those_of_an_ordinary_solver(with_covariates):
    y = autoregression(60)
    known, past = covariates(60) if with_covariates else (none(60), none(60))
    model, *_ = fit(y, known, past, alpha=0.05)
    X, Y = slow_problem(y[:, 0], known, past, LAST, 3)
    n_common = 5 + 5 * (known.shape[1] + past.shape[1])
    expected = slow_ridge(X, Y, 0.05, n_common, known.shape[1])
    np.testing.assert_allclose(model.weights_[0], expected, atol=1e-10)  # condition number below 1e4
    assert model.n_parameters_ == 3 * n_common + (1 + 2 + 3) * known.shape[1]


@pytest.mark.parametrize(("n", "gap_fits"), [(300, True), (30, False)])
def test_the_penalty_equals_that_of_a_slow_cross_validation(n, gap_fits):
    horizon, penalties = 12, (1e-5, 1e-4, 1e-3, 1e-2, 1e-1, 1.0, 10.0)
    for seed in range(5):
        y = autoregression(n, seed, (0.5, 0.0, 0.4))
        model, *_ = fit(y, horizon=horizon)
        X, Y = slow_problem(y[:, 0], none(n), none(n), LAST, horizon)
        errors = np.zeros(8)
        numbers = np.arange(len(X))
        for fold in np.array_split(numbers, 5):
            train = (numbers < fold[0] - horizon) | (numbers > fold[-1] + horizon)
            if train.sum() < 8:
                assert not gap_fits
                train = ~np.isin(numbers, fold)
            for i, penalty in enumerate(penalties):
                fitted = X[fold] @ slow_ridge(X[train], Y[train], penalty, 5, 0)
                errors[i] += 1.01 * np.abs(fitted - Y[fold]).sum()
            errors[7] += np.abs(Y[fold]).sum()
        if len(X) < 200:
            expected = np.inf if errors[7] < errors[3] else 1e-2
        else:
            expected = (*penalties, np.inf)[int(np.argmin(errors))]
        assert model.alpha_[0] == expected


def test_a_noiseless_recurrence_is_forecast_to_the_end():
    t = np.arange(160.0)
    y = (3 + np.sin(t / 3) + 0.5 * np.cos(t / 5))[:, None]  # a linear recurrence of order 5 with a constant
    recipe = Recipe(log=False, seasons=(), base=0, lookback=30, block=10)
    model, known, past = fit(y[:120], recipe=recipe, horizon=10, alpha=0)
    forecast = model.forecast(y[:120], known, past, np.array([120]), 40)
    # the least penalty, 1e-11, of a problem whose useful directions reach down to about 1e-5 of the mean square
    np.testing.assert_allclose(forecast[0], y[120:], atol=1e-4)


@pytest.mark.parametrize("base", [0, 4])
def test_without_signal_the_forecast_is_exactly_the_base(base):
    noise = np.random.default_rng(0).standard_normal(600)
    y = noise.cumsum() if base == 0 else np.tile([1.0, 5.0, 2.0, 7.0], 150) + 0.001 * noise.cumsum()
    y = 1e3 + y[:, None]
    recipe = Recipe(log=False, seasons=(), base=base, lookback=8, block=10)
    model, known, past = fit(y[:500], recipe=recipe, horizon=6)
    assert model.alpha_[0] == np.inf
    assert model.n_parameters_ == 0
    origins = np.arange(500, 590)
    expected = [[y[o - 1, 0] if base == 0 else y[o - 4 + k % 4, 0] for k in range(9)] for o in origins]
    np.testing.assert_array_equal(model.forecast(y, known, past, origins, 9)[..., 0], expected)


def test_an_autoregression_is_forecast_better_than_its_last_value():
    y = autoregression(1500)
    model, known, past = fit(y[:1000], horizon=1)
    origins = np.arange(1000, 1500)
    error = model.forecast(y, known, past, origins, 1)[:, 0] - y[origins]
    # the best possible mean square is 1; the mean of 500 squares of a normal scatters by .063
    assert np.mean(error**2) < 1.2
    assert np.mean((y[origins] - y[origins - 1]) ** 2) > 1.2


def test_every_step_uses_the_newest_value_and_none_uses_what_comes_later():
    y = autoregression(200)
    known, past = covariates(200)
    model, *_ = fit(y, known, past, alpha=1e-3)
    origins = np.array([150])
    plain = model.forecast(y, known, past, origins, 3)
    for table in (y, past):
        newest, later = table.copy(), table.copy()
        newest[149] += 1
        later[150:] += 100
        arguments = {"target": y, "known": known, "past": past}
        name = "target" if table is y else "past"
        assert (model.forecast(**{**arguments, name: newest}, origins=origins, horizon=3) != plain).all()
        later_forecast = model.forecast(**{**arguments, name: later}, origins=origins, horizon=3)
        np.testing.assert_array_equal(later_forecast, plain)


def test_a_known_covariate_moves_its_own_step_and_later_ones_only():
    y, (known, past) = autoregression(200), covariates(200)
    model, *_ = fit(y, known, past, alpha=1e-3)
    origins = np.array([150])
    plain = model.forecast(y, known, past, origins, 3)
    changed = known.copy()
    changed[151] += 1
    moved = model.forecast(y, changed, past, origins, 3) != plain
    assert moved.ravel().tolist() == [False, True, True]
    # hence rows beyond the horizon asked for are not needed
    np.testing.assert_array_equal(model.forecast(y, known[:151], past, origins, 1), plain[:, :1])


def test_shorter_forecasts_are_cut_and_longer_ones_go_on_from_their_own_values():
    y, (known, past) = autoregression(200), covariates(220)
    past = past[:200]
    model, *_ = fit(y, known, past, alpha=1e-3)
    origins = np.array([180, 200])
    long = model.forecast(y, known, past, origins, 8)
    np.testing.assert_array_equal(model.forecast(y, known, past, origins, 2), long[:, :2])
    np.testing.assert_array_equal(model.forecast(y, known, past, origins, 3), long[:, :3])
    extended, repeated = np.vstack([y, long[1, :6]]), np.vstack([past, np.repeat(past[-1:], 6, axis=0)])
    np.testing.assert_allclose(
        model.forecast(extended, known, repeated, np.array([206]), 2)[0], long[1, 6:], rtol=1e-12
    )


def test_many_origins_at_once_equal_one_by_one_and_any_chunk(monkeypatch):
    y, (known, past) = autoregression(400), covariates(400)
    model, *_ = fit(y, known, past)
    origins = np.array([1, 2, 4, 6, 150, 399, 400])
    together = model.forecast(y, known, past, origins, 5)
    single = np.concatenate([model.forecast(y, known, past, origin, 5) for origin in origins[:, None]])
    np.testing.assert_allclose(together, single, rtol=1e-12)
    monkeypatch.setattr(readout, "CHUNK", 500)
    chunked, *_ = fit(y, known, past)
    assert chunked.alpha_ == model.alpha_
    np.testing.assert_allclose(chunked.weights_, model.weights_, atol=1e-10)  # sums in another order, condition 1e4
    np.testing.assert_allclose(model.forecast(y, known, past, origins, 5), together, rtol=1e-12)


def test_columns_are_fitted_on_their_own():
    one, two = autoregression(300), autoregression(300, 5, (-0.5, 0.2))
    both, known, past = fit(np.hstack([one, two]))
    origins = np.array([100, 300])
    forecast = both.forecast(np.hstack([one, two]), known, past, origins, 4)
    for column, y in enumerate((one, two)):
        model, *_ = fit(y)
        assert both.alpha_[column] == model.alpha_[0]
        alone = model.forecast(y, known, past, origins, 4)[..., 0]
        np.testing.assert_allclose(forecast[..., column], alone, rtol=1e-11)  # sums run in another order


@pytest.mark.parametrize("unit", [1e-200, 1e6, 1e200])
def test_units_and_level_do_not_matter(unit):
    y = autoregression(300)
    plain, known, past = fit(y)
    scaled, *_ = fit(unit * (y + 100))
    origins = np.array([50, 300])
    expected = unit * (plain.forecast(y, known, past, origins, 4) + 100)
    # a level of 100 costs two digits, a condition number of 1e5 five more
    np.testing.assert_allclose(scaled.forecast(unit * (y + 100), known, past, origins, 4), expected, rtol=1e-9)


def test_under_the_logarithm_forecasts_scale_with_the_series():
    y = np.exp(0.01 * np.arange(300)[:, None] + 0.1 * autoregression(300))
    recipe = Recipe(log=True, seasons=(), base=0, lookback=5, block=10)
    model, known, past = fit(y, recipe=recipe)
    origins = np.array([300])
    forecast = model.forecast(y, known, past, origins, 6)
    assert (forecast > 0).all()
    np.testing.assert_allclose(model.forecast(7 * y, known, past, origins, 6), 7 * forecast, rtol=1e-10)


def test_covariates_that_matter_are_used_and_others_do_little_harm():
    rng = np.random.default_rng(0)
    n, origins = 1200, np.arange(1000, 1198)
    known, past = covariates(n)
    noise = rng.standard_normal((n, 1))
    signal = 3 * known[:, :1] + noise
    signal[1:] += 2 * past[:-1]

    def mean_square(y, *tables):
        known, past = tables or (none(n), none(n))
        model, *_ = fit(y[:1000], known[:1000], past[:1000])
        return np.mean((model.forecast(y, known, past, origins, 1)[:, 0] - y[origins]) ** 2)

    # without covariates the variance is 1 + 9 + 36; with those of the last 5 rows beside the lags about 1 + 1 / 5
    assert mean_square(signal, known, past) < 1.6
    assert mean_square(signal) > 40
    # 5 % and more of 198 squares is noise: standard error .1
    assert mean_square(noise, known, past) < mean_square(noise) + 0.2


@pytest.mark.parametrize("n", [1, 2, 5, 8, 12, 13, 20, 26, 33, 60])
@pytest.mark.parametrize("season_length", [None, 12])
def test_short_series_are_forecast_with_finite_values(n, season_length):
    y = np.random.default_rng(0).standard_normal((n, 1))
    recipe = resolve(y, 12, (12,), season_length=season_length)
    known, past = covariates(n + 20)
    model = LinearModel().fit(y, known, past, recipe, 12)
    assert np.isfinite(model.forecast(y, known, past, np.array([1, n]), 20)).all()
    assert np.isfinite(LinearModel(0.1).fit(y, known, past, recipe, 12).weights_).all()


@pytest.mark.parametrize("alpha", ["cv", 0, 0.1, np.inf])
def test_constant_series_are_forecast_as_constant(alpha):
    y = np.full((100, 2), [0.1, 1e17])
    model, known, past = fit(y, alpha=alpha)
    np.testing.assert_array_equal(
        model.forecast(y, known, past, np.array([1, 100]), 5), np.broadcast_to(y[0], (2, 5, 2))
    )


def test_windows_are_never_laid_out_together(monkeypatch):
    monkeypatch.setattr(readout, "CHUNK", 50_000)
    y = autoregression(20_000)
    recipe = Recipe(log=False, seasons=(), base=0, lookback=60, block=10)
    tracemalloc.start()
    try:
        fit(y, recipe=recipe, horizon=4)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    # All windows are 9.6 MB. A chunk is .4 MB, a few times over: windows, row numbers, differences.
    assert peak < 5e6


@pytest.mark.skipif(
    "RNNFORECAST_DATA" not in os.environ, reason="RNNFORECAST_DATA does not point to the public data sets"
)
@pytest.mark.parametrize(
    ("path", "column", "horizon", "candidates", "n_train", "expected"),
    [
        ("electricity/taylor.csv", "x", 48, (48, 336), 3225, 0.889 * 359.0),
        ("classic/monthly-airline-passengers.csv", "Passengers", 12, (12,), 120, None),
    ],
)
def test_real_series_are_forecast_better_than_seasonal_naive(path, column, horizon, candidates, n_train, expected):
    file = Path(os.environ["RNNFORECAST_DATA"]) / path
    if not file.exists():
        pytest.skip(f"{path} is not in RNNFORECAST_DATA")
    table = np.genfromtxt(file, delimiter=",", names=True, dtype=None, encoding="utf-8", deletechars='"')
    y = np.asarray(table[column], dtype=np.float64)[:, None]
    recipe = resolve(y[:n_train], horizon, candidates)
    assert recipe.log
    assert recipe.seasons == candidates
    model, known, past = fit(y[:n_train], recipe=recipe, horizon=horizon)
    origins = np.arange(n_train, len(y) - horizon + 1)
    truth = np.stack([y[o : o + horizon, 0] for o in origins])
    naive = np.stack([y[o - candidates[-1] : o - candidates[-1] + horizon, 0] for o in origins])
    error = np.abs(model.forecast(y, known, past, origins, horizon)[..., 0] - truth).mean()
    assert error < 0.7 * np.abs(naive - truth).mean()
    if expected is not None:
        assert error == pytest.approx(expected, rel=1e-3)  # the ratio is known to three digits
