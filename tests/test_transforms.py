"""Transforms of the target: there and back, from every origin."""

import numpy as np
import pytest

from rnnforecast.transforms import (
    TRANSFORMS,
    BoxCox,
    Identity,
    Log,
    Transform,
    fit_boxcox,
    fit_transform,
    guerrero_slope,
    wants_log,
)

EPS = np.finfo(np.float64).eps
NAMES = (
    None,
    "auto",
    *TRANSFORMS,
    ("log", "seasonal_difference"),
    ("boxcox", "difference"),
    ("seasonal_difference", "difference"),
    ("boxcox", "difference", "seasonal_difference"),
)
SEASON = 7
HORIZON = 17  # more than two seasons


def kinds_of_series():
    """Series (60, 2) of every size and shape, by name; all positive."""
    rng = np.random.default_rng(0)
    noise = np.exp(0.3 * rng.standard_normal((60, 2)))
    return {
        "noise": noise,
        "growing": noise * np.exp(0.05 * np.arange(60))[:, None],
        "constant": np.full((60, 2), [3.0, 1e-9]),
        "tiny": 1e-290 * noise,
        "huge": 1e290 * noise,
        "both": noise * [1e-200, 1e200],
        "steps": np.repeat(noise[:6], 10, axis=0),
    }


SERIES = kinds_of_series()


def ahead(values, origins):
    return values[origins[:, None] + np.arange(HORIZON)]


@pytest.mark.parametrize("kind", SERIES)
@pytest.mark.parametrize("name", NAMES, ids=str)
def test_inverse_undoes_forward_from_every_origin(name, kind):
    target = SERIES[kind]
    origins = np.arange(1, len(target) - HORIZON + 1)
    transform = fit_transform(name, target, (3, SEASON))
    back = transform.inverse(ahead(transform.forward(target), origins), target, origins)
    # Rounding of sums over the horizon, in units of the column's largest value.
    assert (np.abs(back - ahead(target, origins)) <= 1e-12 * np.abs(target).max(axis=0)).all()


@pytest.mark.parametrize("name", [None, "difference", "seasonal_difference", ("seasonal_difference", "difference")])
def test_levels_of_any_sign_are_kept_where_only_differences_are_taken(name):
    target = np.random.default_rng(0).normal(0, 5, (50, 2))
    target[3:9] = 0.0
    origins = np.arange(1, 50 - HORIZON + 1)
    transform = fit_transform(name, target, (SEASON,))
    back = transform.inverse(ahead(transform.forward(target), origins), target, origins)
    np.testing.assert_allclose(back, ahead(target, origins), atol=1e-12)


@pytest.mark.parametrize("name", NAMES, ids=str)
def test_only_rows_before_the_origin_are_read(name):
    target = SERIES["growing"]
    transform = fit_transform(name, target, (SEASON,))
    origins, forecasts = np.array([20, 33]), np.random.default_rng(1).normal(0, 0.1, (2, HORIZON, 2))
    later = target.copy()
    later[33:] = np.nan
    together = transform.inverse(forecasts, target, origins)
    np.testing.assert_array_equal(transform.inverse(forecasts, later, origins), together)
    alone = transform.inverse(forecasts[1:], target[:33], origins[1:])
    np.testing.assert_allclose(alone[0], together[1], rtol=1e-12)


@pytest.mark.parametrize("name", NAMES, ids=str)
def test_a_larger_forecast_of_any_step_never_gives_a_smaller_level(name):
    target, rng = SERIES["growing"], np.random.default_rng(2)
    transform, origins = fit_transform(name, target, (SEASON,)), np.array([30])
    plain = rng.normal(0, 1, (1, HORIZON, 2))
    for step in range(HORIZON):
        raised = plain.copy()
        raised[:, step] += 0.5
        change = transform.inverse(raised, target, origins) - transform.inverse(plain, target, origins)
        assert (change >= 0).all()
        assert (change[:, :step] == 0).all()


@pytest.mark.parametrize("name", NAMES, ids=str)
def test_absurd_forecasts_stay_finite_where_a_function_is_inverted(name):
    transform = fit_transform(name, SERIES["growing"], (SEASON,))
    for size in (1e4, -1e4):
        forecast = np.full((1, HORIZON, 2), size)
        assert np.isfinite(transform.inverse(forecast, SERIES["growing"], np.array([20]))).all()


def test_differences_are_what_they_are_called():
    y = np.array([[1.0], [2.0], [4.0], [8.0], [16.0], [32.0]])
    forward = {name: fit_transform(name, y, (2, 3)).forward(y)[:, 0] for name in TRANSFORMS}
    np.testing.assert_allclose(forward["difference"], [0, 1, 2, 4, 8, 16])
    np.testing.assert_allclose(forward["seasonal_difference"][3:], [7, 14, 28])  # of the longest season
    np.testing.assert_allclose(forward["log_return"][1:], np.log(2))
    both = fit_transform(("log", "difference"), y, ())
    np.testing.assert_array_equal(both.forward(y)[:, 0], forward["log_return"])


def test_rows_without_a_difference_are_not_observed():
    transform = Transform(Identity(), (3, 1))
    known = transform.observed(None, 8, 1)[:, 0]
    np.testing.assert_array_equal(known, [0, 0, 0, 0, 1, 1, 1, 1])
    hole = np.ones((12, 1), dtype=bool)
    hole[6] = False
    np.testing.assert_array_equal(np.flatnonzero(~transform.observed(hole, 12, 1)), [0, 1, 2, 3, 6, 7, 9, 10])
    assert Transform().observed(None, 8, 1) is None


@pytest.mark.parametrize("lags", [(1,), (4,), (1, 4)])
def test_errors_of_differences_add_up_to_errors_of_levels(lags):
    target = np.random.default_rng(0).normal(size=(40, 2))
    transform, origins = Transform(Identity(), lags), np.array([20])
    true = transform.forward(target)[None, 20:29]
    errors = np.random.default_rng(1).normal(size=true.shape)
    levels = transform.inverse(true + errors, target, origins) - transform.inverse(true, target, origins)
    np.testing.assert_allclose(transform.added_up(errors), levels, atol=1e-12)


@pytest.mark.parametrize("power", [0.0, 0.3, 1.0])
def test_box_cox_is_the_published_formula(power):
    y = np.array([[0.5], [1.0], [7.0]])
    z = BoxCox(np.array([power]), np.ones(1)).forward(y)
    np.testing.assert_allclose(z, np.log(y) if power == 0 else (y**power - 1) / power, rtol=1e-14)


@pytest.mark.parametrize(("true", "power"), [(0.0, 1.0), (0.5, 0.5), (1.0, 0.0)])
def test_box_cox_finds_the_power_that_makes_fluctuations_alike(true, power):
    rng = np.random.default_rng(0)
    level = np.repeat(np.geomspace(100, 1000, 60), 12)
    y = level + 5 * (level / 100) ** true * rng.standard_normal(len(level))
    assert fit_boxcox(y[:, None], 12).power[0] == pytest.approx(power, abs=0.16)  # as the slope below


def test_box_cox_takes_zeros_and_keeps_them():
    rng = np.random.default_rng(0)
    counts = rng.poisson(np.repeat(np.geomspace(0.5, 50, 30), 10)).astype(float)[:, None]
    transform = fit_transform("boxcox", counts, ())
    assert 0.25 <= transform.pointwise.power[0] < 1.0
    origins = np.arange(1, 280)
    back = transform.inverse(ahead(transform.forward(counts), origins), counts, origins)
    np.testing.assert_allclose(back, ahead(counts, origins), atol=1e-12 * counts.max())


@pytest.mark.parametrize("pointwise", [Identity(), Log(), Log(0.5), BoxCox(np.array([0.4, 0.0]), np.array([3.0, 1.0]))])
def test_sensitivity_is_the_derivative_of_the_inverse(pointwise):
    y, eps = np.array([[1.0, 2.0], [3.0, 0.7]]), 1e-6
    z = pointwise.forward(y)
    slope = (pointwise.inverse(z + eps) - pointwise.inverse(z - eps)) / (2 * eps)
    np.testing.assert_allclose(pointwise.sensitivity(y), slope, rtol=1e-8)  # eps^2 and EPS / eps


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("sqrt", r"target_transform must be .* got 'sqrt'"),
        (3, r"target_transform must be .* got 3"),
        (("difference", "log"), r"has \"log\" or \"boxcox\" at its beginning"),
        (("difference", "difference"), "without repetition"),
        (("log", "log_return"), "without repetition"),
        ("log", r"the log transform needs positive values, got -2 \(first at row 1\); fit with target_transform=None"),
        ("log_return", "the log transform needs positive values"),
        ("boxcox", r"the boxcox transform needs values that are not negative, got -2 \(first at row 2\)"),
        ("seasonal_difference", 'needs a season, but none was found .* give season_length, or use "difference"'),
    ],
)
def test_what_cannot_be_transformed_is_refused_in_one_sentence(name, message):
    with pytest.raises(ValueError, match=message):
        fit_transform(name, np.array([[3.0], [0.0], [-2.0], [1.0]]), ())


def test_a_series_shorter_than_its_season_has_no_seasonal_difference():
    with pytest.raises(ValueError, match="values 12 rows apart and needs more rows, got 12"):
        fit_transform("seasonal_difference", np.ones((12, 1)), (12,))


@pytest.mark.parametrize(("power", "log"), [(0.0, False), (1.0, True)])
def test_guerrero_slope_recovers_the_power_that_couples_spread_to_level(power, log):
    rng = np.random.default_rng(0)
    level = np.repeat(np.geomspace(100, 1000, 60), 12)
    y = level + 0.05 * 100 * (level / 100) ** power * rng.standard_normal(len(level))
    # log of a standard deviation of 12 points scatters by .21; over 60 blocks with sd(log level) = .68 the slope by .04
    assert guerrero_slope(y, 12) == pytest.approx(power, abs=0.16)
    assert wants_log(y, 12) is log


def test_guerrero_slope_is_zero_where_nothing_can_be_said():
    rng = np.random.default_rng(0)
    growing = np.exp(np.linspace(0, 3, 240) + 0.1 * rng.standard_normal(240))
    assert guerrero_slope(growing, 12) > 0.5
    assert guerrero_slope(growing - 2, 12) == 0  # negative values
    assert not wants_log(growing - growing.min(), 12)  # a zero
    assert guerrero_slope(growing[:40], 12) == 0  # three blocks
    assert guerrero_slope(100 + rng.standard_normal(240), 12) == 0  # one level
    assert guerrero_slope(np.repeat(np.arange(1.0, 21.0), 12), 12) == 0  # blocks without spread
    assert not wants_log(np.full(240, 7.0))


@pytest.mark.parametrize("lags", [(1,), (4,), (4, 1)])
def test_differences_of_series_one_after_the_other_are_those_of_each(rng, lags):
    transform, lengths = Transform(Log(), lags), [9, 3, 14]  # the second has no more rows than a season
    parts = [np.exp(rng.normal(size=(n, 2))) for n in lengths]
    begin = np.repeat(np.cumsum([0, *lengths[:-1]]), lengths)
    table, seen = np.concatenate(parts), rng.random((26, 2)) > 0.2
    cuts = np.cumsum(lengths)[:-1]
    np.testing.assert_array_equal(
        transform.forward(table, begin), np.concatenate([transform.forward(part) for part in parts])
    )
    np.testing.assert_array_equal(
        transform.observed(seen, 26, 2, begin),
        np.concatenate([transform.observed(part, *part.shape) for part in np.split(seen, cuts)]),
    )
    forecasts, origins = rng.normal(size=(3, 6, 2)), np.array([5, 2, 14])
    each = [transform.inverse(forecasts[k : k + 1], parts[k], origins[k : k + 1])[0] for k in range(3)]
    together = transform.inverse(forecasts, table, origins + begin[[0, 9, 12]], begin)
    np.testing.assert_array_equal(together, np.stack(each))
