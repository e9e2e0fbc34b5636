"""How rare a score is: right on known distributions, in order everywhere, and the same in a stream as in a batch."""

import numpy as np
import pytest

from rnnforecast.detection import RollingTail, check_rate, fit_tail, rows_needed

PROBABILITIES = (0.3, 0.1, 0.03, 1e-2, 3e-3, 1e-3)


def samples(rng):
    """Reference scores as they come: many or few, smooth or tied, all the same, with a heavy tail."""
    yield rng.exponential(size=5000)
    yield rng.exponential(size=40)
    yield rng.integers(0, 5, size=900).astype(float)
    yield np.full(300, 0.7)
    yield np.concatenate([np.zeros(990), np.full(10, 5.0)])
    yield rng.pareto(1.0, size=2000)
    yield np.array([1.5])
    yield 1e-12 * rng.random(2000)
    yield 1e250 * rng.exponential(size=2000)


@pytest.mark.parametrize("name", ["exponential", "normal", "pareto"])
def test_the_share_of_new_scores_is_the_nominal_one(rng, name):
    draw = {
        "exponential": lambda n: rng.exponential(size=n),
        "normal": lambda n: np.abs(rng.normal(size=n)),
        "pareto": lambda n: rng.pareto(4.0, size=n),
    }[name]
    tail, fresh = fit_tail(draw(20_000)), draw(400_000)
    surprise = tail.surprise(fresh)
    for probability in PROBABILITIES:
        # 20 of 20,000 reference rows lie beyond the rarest: their number deviates by 22 %, here three times that.
        allowed = 0.01 + 3.0 / np.sqrt(20_000 * probability)
        assert (surprise > -np.log10(probability)).mean() == pytest.approx(probability, rel=allowed)


def test_the_exponential_tail_is_continued_beyond_all_scores(rng):
    tail = fit_tail(rng.exponential(size=50_000))
    expected = np.array([12.0, 16.0]) / np.log(10)
    # The shape, 0 in truth, is estimated from 1,000 excesses: +-0.03 bends the line by that share of its length.
    np.testing.assert_allclose(tail.surprise([12.0, 16.0]), expected, rtol=0.15)


def test_surprise_is_finite_and_rises_with_the_score(rng):
    for reference in samples(rng):
        tail = fit_tail(reference)
        around = np.linspace(-1, 3 * reference.max() + 1, 500)
        grid = np.unique(np.concatenate([reference, around, [1e6, 1e300, np.inf]]))
        surprise = tail.surprise(grid)
        assert np.isfinite(surprise).all()
        assert (np.diff(surprise) >= 0).all()
        assert surprise.min() >= 0
        assert surprise.max() <= 300
        assert np.isnan(tail.surprise(np.nan))


def test_surprise_is_continuous_at_the_joint(rng):
    for reference in samples(rng):
        tail = fit_tail(reference)
        joint, step = tail.values[-1], 1e-9 * tail.scale
        below, above = tail.surprise(joint - step), tail.surprise(joint + step)
        spacing = np.diff(tail.values, prepend=-np.inf)[-1]
        assert above - below <= 1e-8 + step / spacing * tail.decades[-1] + 4e-16 * joint / tail.scale


def test_in_the_body_it_is_the_share_of_scores_at_least_as_high():
    tail = fit_tail(np.repeat([1.0, 2.0, 3.0], [700, 200, 99]))
    np.testing.assert_allclose(10 ** -tail.surprise([0.0, 1.0, 2.0, 3.0]), [0.999, 0.999, 0.299, 0.099], rtol=1e-12)


def test_scores_that_all_are_one_number_are_not_surprising():
    tail = fit_tail(np.zeros(2000))
    assert tail.surprise(0.0) < 0.001
    assert tail.surprise(1e-9) < 0.01  # rounding, below the floor of the scale
    assert tail.surprise(1.0) == 300.0


def test_missing_scores_are_left_out_and_none_are_refused():
    reference = np.array([1.0, np.nan, 2.0, 3.0])
    np.testing.assert_array_equal(fit_tail(reference).decades, fit_tail([1.0, 2.0, 3.0]).decades)
    with pytest.raises(ValueError, match="finite scores, got 0"):
        fit_tail([np.nan])
    with pytest.raises(ValueError, match="got 2, of which 1 infinite"):
        fit_tail([1.0, np.inf])


def test_rare_alarms_need_many_rows():
    assert [rows_needed(rate) for rate in (0.1, 1e-2, 1e-3, 1e-4)] == [10, 100, 10_000, 100_000]
    check_rate(1e-2, 100)
    with pytest.raises(ValueError, match=r"false_alarm_rate=0.0001 needs 100,000 scored training rows .* got 5,000"):
        check_rate(1e-4, 5000)
    with pytest.raises(ValueError, match=r"false_alarm_rate must lie between 0 and 1, got 1\.5"):
        check_rate(1.5, 5000)


def test_a_stream_is_calibrated_as_the_batch(rng):
    reference, scores = rng.exponential(size=300), rng.exponential(size=1500) * np.linspace(1, 2, 1500)
    scores[rng.random(1500) < 0.05] = np.nan
    scores[700:720] = 100.0
    batch, stream, parts = (RollingTail(reference, n_kept=500) for _ in range(3))
    expected = batch.extend(scores)
    np.testing.assert_array_equal([stream.update(score) for score in scores], expected)
    np.testing.assert_array_equal(np.concatenate([parts.extend(part) for part in np.split(scores, [3, 777])]), expected)


def test_a_rolling_tail_is_fitted_to_the_newest_ordinary_scores(rng):
    scores = rng.exponential(size=1000)
    scores[400:420] = 1e3  # not learnt from
    rolling = RollingTail(rng.exponential(size=600), n_kept=600, refit_every=100)
    assert (rolling.extend(scores)[400:420] > 4).all()
    expected = fit_tail(np.delete(scores, slice(400, 420))[-600:])
    np.testing.assert_array_equal(rolling.tail.values, expected.values)
    assert (rolling.tail.shape, rolling.tail.scale) == (expected.shape, expected.scale)


def test_a_rolling_tail_follows_a_slow_drift(rng):
    scores = rng.exponential(size=20_000) * np.linspace(1, 3, 20_000)
    reference = rng.exponential(size=5000)
    still = (fit_tail(reference).surprise(scores)[15_000:] > 2).mean()
    rolling = (RollingTail(reference).extend(scores)[15_000:] > 2).mean()
    assert still > 0.1
    assert rolling < 0.025  # the newest 5,000 rows lag behind by a sixth of the scale


def test_without_learning_nothing_changes(rng):
    rolling = RollingTail(rng.exponential(size=600), refit_every=10)
    before = rolling.state
    rolling.extend(np.arange(50.0), learn=False)
    rolling.update(1.0, learn=False)
    assert rolling.tail is before["tail"]
    np.testing.assert_array_equal(rolling.state["kept"], before["kept"])


def test_the_state_goes_on_in_another_rolling_tail(rng):
    scores = rng.exponential(size=700)
    first, second = RollingTail(scores[:100]), RollingTail([1.0])
    first.extend(scores[:333])
    second.state = first.state
    np.testing.assert_array_equal(second.extend(scores), first.extend(scores))
