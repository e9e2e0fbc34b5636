"""Solvers against their published formulas, against PyTorch, and on problems with a known minimum; clipping."""

import warnings

import numpy as np
import pytest

from rnnforecast.training.optimizers import SOLVERS, clip_norm, clip_value, norm, optimizer

RATES = (0.1, 0.05, 0.02, 0.3)
ALPHA = 0.07


def gradients(n_steps=12, n_parameters=23):
    rng = np.random.default_rng(0)
    return rng.normal(size=n_parameters), rng.normal(size=(n_steps, n_parameters))


def run(solver, start, slopes, dtype=np.float64, rates=RATES, **options):
    parameters = start.astype(dtype)
    made = optimizer(solver, len(start), dtype, **options)
    for k, slope in enumerate(slopes):
        made.update(parameters, slope.astype(dtype), rates[k % len(rates)])
    return parameters


def sgd_by_hand(start, slopes, nesterov, momentum=0.9):
    p, v = start.copy(), np.zeros_like(start)
    for k, g in enumerate(slopes):
        g = g + ALPHA * p
        v = momentum * v + g
        p = p - RATES[k % len(RATES)] * (g + momentum * v if nesterov else v)
    return p


def rmsprop_by_hand(start, slopes):
    p, s = start.copy(), np.zeros_like(start)
    for k, g in enumerate(slopes):
        g = g + ALPHA * p
        s = 0.99 * s + 0.01 * g**2
        p = p - RATES[k % len(RATES)] * g / (np.sqrt(s) + 1e-8)
    return p


def adam_by_hand(start, slopes, decoupled):
    p, m, v = start.copy(), np.zeros_like(start), np.zeros_like(start)
    for k, g in enumerate(slopes):
        rate = RATES[k % len(RATES)]
        decay = ALPHA * p
        g = g if decoupled else g + decay
        m, v = 0.9 * m + 0.1 * g, 0.999 * v + 0.001 * g**2
        m_hat, v_hat = m / (1 - 0.9 ** (k + 1)), v / (1 - 0.999 ** (k + 1))
        p = p - rate * (m_hat / (np.sqrt(v_hat) + 1e-8) + (decay if decoupled else 0))
    return p


BY_HAND = {
    "sgd": lambda p, g: sgd_by_hand(p, g, nesterov=True),
    "rmsprop": rmsprop_by_hand,
    "adam": lambda p, g: adam_by_hand(p, g, decoupled=False),
    "adamw": lambda p, g: adam_by_hand(p, g, decoupled=True),
}


# A dozen steps of about ten roundings each, of numbers of order 1, with the eps of the dtype.
@pytest.mark.parametrize(("dtype", "atol"), [(np.float64, 1e-13), (np.float32, 2e-5)])
@pytest.mark.parametrize("solver", SOLVERS)
def test_the_steps_are_those_of_the_published_formula(solver, dtype, atol):
    start, slopes = gradients()
    found = run(solver, start, slopes, dtype, alpha=ALPHA)
    assert found.dtype == dtype
    np.testing.assert_allclose(found, BY_HAND[solver](start, slopes), rtol=0, atol=atol)


def test_momentum_without_nesterov_is_the_heavy_ball():
    start, slopes = gradients()
    found = run("sgd", start, slopes, alpha=ALPHA, nesterovs_momentum=False)
    np.testing.assert_allclose(found, sgd_by_hand(start, slopes, nesterov=False), rtol=0, atol=1e-13)


@pytest.mark.parametrize("solver", SOLVERS)
def test_the_steps_are_those_of_torch(solver):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # what another library says while it is imported is not judged here
        torch = pytest.importorskip("torch", reason="PyTorch is not installed")
    start, slopes = gradients()
    p = torch.tensor(start, requires_grad=True)
    made = {
        "sgd": lambda: torch.optim.SGD([p], lr=1.0, momentum=0.9, nesterov=True, weight_decay=ALPHA),
        "rmsprop": lambda: torch.optim.RMSprop([p], lr=1.0, alpha=0.99, eps=1e-8, weight_decay=ALPHA),
        "adam": lambda: torch.optim.Adam([p], lr=1.0, weight_decay=ALPHA),
        "adamw": lambda: torch.optim.AdamW([p], lr=1.0, weight_decay=ALPHA),
    }[solver]()
    for k, slope in enumerate(slopes):
        made.param_groups[0]["lr"] = RATES[k % len(RATES)]
        p.grad = torch.tensor(slope)
        made.step()
    found = run(solver, start, slopes, alpha=ALPHA)
    np.testing.assert_allclose(found, p.detach().numpy(), rtol=0, atol=1e-10)


@pytest.mark.parametrize("solver", SOLVERS)
def test_what_does_not_decay_moves_as_without_decay(solver):
    start, slopes = gradients()
    decay = np.arange(len(start)) % 2 == 0
    found = run(solver, start, slopes, alpha=ALPHA, decay=decay)
    expected = np.where(decay, run(solver, start, slopes, alpha=ALPHA), run(solver, start, slopes))
    np.testing.assert_array_equal(found, expected)


def test_decoupled_decay_shrinks_by_the_rate_whatever_the_gradient():
    start, slopes = gradients(n_steps=1)
    moved = run("adamw", start, slopes, rates=(0.1,)) - start
    np.testing.assert_allclose(
        run("adamw", start, slopes, rates=(0.1,), alpha=ALPHA), start * (1 - 0.1 * ALPHA) + moved, rtol=0, atol=1e-15
    )


@pytest.mark.parametrize(("solver", "rate"), [("sgd", 0.02), ("rmsprop", 0.02), ("adam", 0.1), ("adamw", 0.1)])
def test_every_solver_finds_the_minimum_of_a_quadratic(solver, rate):
    curvature = np.array([0.5, 1.0, 10.0])
    minimum = np.array([1.0, -2.0, 3.0])
    made, p = optimizer(solver, 3, np.float64), np.zeros(3)
    for k in range(1000):
        made.update(p, curvature * (p - minimum), rate * (1 - k / 1000))
    # RMSprop steps by about one rate whatever the gradient, so it ends as near as its last rates are small
    np.testing.assert_allclose(p, minimum, rtol=0, atol=1e-3)


@pytest.mark.parametrize(("solver", "rate"), [("sgd", 1e-3), ("adam", 0.02)])
def test_the_curved_valley_of_rosenbrock_is_followed_to_its_end(solver, rate):
    made, p = optimizer(solver, 2, np.float64), np.array([-1.2, 1.0])
    for _ in range(6000):
        x, y = p
        made.update(p, np.array([-2 * (1 - x) - 400 * x * (y - x**2), 200 * (y - x**2)]), rate)
    np.testing.assert_allclose(p, 1.0, rtol=0, atol=1e-3)


def test_an_unknown_solver_is_refused_with_the_known_ones():
    with pytest.raises(ValueError, match="sgd, rmsprop, adam, adamw, got 'lbfgs'"):
        optimizer("lbfgs", 3, np.float64)


def test_a_decay_mask_of_another_length_is_refused():
    with pytest.raises(ValueError, match=r"each of 3 parameters, got shape \(2,\)"):
        optimizer("adam", 3, np.float64, decay=np.ones(2, bool))


def test_clipping_the_norm_keeps_the_direction_and_returns_the_length_before():
    _, (gradient,) = gradients(1)
    clipped = gradient.copy()
    length = np.linalg.norm(gradient)
    assert clip_norm(clipped, 0.5) == pytest.approx(length, rel=1e-14)
    np.testing.assert_allclose(clipped, gradient * 0.5 / length, rtol=1e-14)
    assert norm(clipped) == pytest.approx(0.5, rel=1e-14)


def test_clipping_twice_is_clipping_once():
    _, (gradient,) = gradients(1)
    clip_norm(gradient, 0.5)
    once = gradient.copy()
    clip_norm(gradient, 0.5)
    np.testing.assert_allclose(gradient, once, rtol=1e-15)


@pytest.mark.parametrize("limit", [1e3, np.inf])
def test_a_gradient_within_the_limit_is_untouched(limit):
    _, (gradient,) = gradients(1)
    before = gradient.copy()
    clip_norm(gradient, limit)
    clip_value(gradient, limit)
    np.testing.assert_array_equal(gradient, before)


def test_a_float32_norm_is_accumulated_in_float64():
    gradient = np.full(1_000_000, 0.1, np.float32)
    # rtol: float64 throughout; a running float32 sum would be off by 1e-3
    assert norm(gradient) == pytest.approx(1e3 * float(np.float32(0.1)), rel=1e-12)
    assert norm(np.full(4, 1e30, np.float32)) == pytest.approx(2 * float(np.float32(1e30)), rel=1e-12)


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_a_gradient_that_is_not_finite_has_no_finite_norm_and_is_not_clipped(bad):
    gradient = np.array([1.0, bad, 2.0])
    assert not np.isfinite(clip_norm(gradient, 0.5))
    np.testing.assert_array_equal(gradient, [1.0, bad, 2.0])


def test_clipping_values_bounds_each_entry_and_keeps_a_nan():
    gradient = np.array([-3.0, -0.5, 0.0, 0.5, np.inf, np.nan])
    clip_value(gradient, 1.0)
    np.testing.assert_array_equal(gradient, [-1.0, -0.5, 0.0, 0.5, 1.0, np.nan])
