"""Metrics against numbers computed by hand and published identities."""

import numpy as np
import pandas as pd
import pytest

from rnnforecast import metrics as m

TRAIN = [
    1.0,
    3.0,
    2.0,
    6.0,
]  # naive steps 2, 1, 4: mean 7/3, mean square 7; seasonal steps (2) 1, 3: mean 2, mean square 5
TRUTH = [4.0, 2.0, 0.0]
GUESS = [5.0, 0.0, 0.0]  # errors 1, 2, 0: mean 1, mean square 5/3

BINARY = [m.mase, m.rmsse, m.smape, m.wape, m.owa, m.pinball_loss, m.interval_score, m.coverage]


def call(metric, truth, guess):
    """Call any of the metrics on a truth and one forecast."""
    if metric in (m.mase, m.rmsse):
        return metric(truth, guess, y_train=TRAIN)
    if metric is m.owa:
        return metric(truth, guess, [1.0, 1.0, 1.0], y_train=TRAIN)
    if metric in (m.interval_score, m.coverage):
        return metric(truth, guess, guess)
    return metric(truth, guess)


def test_mase_by_hand():
    assert m.mase(TRUTH, GUESS, y_train=TRAIN) == pytest.approx(3 / 7)
    assert m.mase(TRUTH, GUESS, y_train=TRAIN, season_length=2) == pytest.approx(1 / 2)


def test_mase_of_naive_on_the_training_rows_is_one():
    assert m.mase(TRAIN[1:], TRAIN[:-1], y_train=TRAIN) == pytest.approx(1)


def test_rmsse_by_hand():
    assert m.rmsse(TRUTH, GUESS, y_train=TRAIN) == pytest.approx(np.sqrt(5 / 21))
    assert m.rmsse(TRUTH, GUESS, y_train=TRAIN, season_length=2) == pytest.approx(np.sqrt(1 / 3))


def test_scaled_errors_do_not_depend_on_units():
    for metric in (m.mase, m.rmsse):
        scaled = metric(np.multiply(TRUTH, 1e6), np.multiply(GUESS, 1e6), y_train=np.multiply(TRAIN, 1e6))
        assert scaled == pytest.approx(metric(TRUTH, GUESS, y_train=TRAIN))


def test_columns_are_scaled_one_by_one_and_averaged():
    two = lambda column: np.column_stack([column, np.multiply(column, 100)])  # noqa: E731
    assert m.mase(two(TRUTH), two(GUESS), y_train=two(TRAIN)) == pytest.approx(3 / 7)


def test_smape_by_hand_with_zero_over_zero_counting_zero():
    assert m.smape(TRUTH, GUESS) == pytest.approx((200 / 9 + 200 + 0) / 3)
    assert m.smape([1.0], [-1.0]) == 200


def test_wape_by_hand():
    assert m.wape(TRUTH, GUESS) == pytest.approx(3 / 6)
    with pytest.raises(ValueError, match=r"wape divides by the sum of \|y_true\|, which is 0"):
        m.wape([0.0, 0.0], [1.0, 2.0])


def test_owa_is_one_for_the_reference_itself_and_the_mean_of_two_ratios_else():
    reference = [6.0, 6.0, 6.0]
    assert m.owa(TRUTH, reference, reference, y_train=TRAIN) == 1
    # sMAPE of the reference: (200 * 2/10 + 200 * 4/8 + 200) / 3 = 340/3; mean absolute errors 1 and 4
    expected = 0.5 * ((2000 / 9 / 3) / (340 / 3) + 1 / 4)
    assert m.owa(TRUTH, GUESS, reference, y_train=TRAIN) == pytest.approx(expected)


def test_pinball_by_hand_and_half_the_absolute_error_at_the_median():
    assert m.pinball_loss(TRUTH, GUESS, quantile=0.9) == pytest.approx((0.1 * 1 + 0.9 * 2) / 3)
    assert m.pinball_loss(TRUTH, GUESS) == pytest.approx(0.5)


def test_pinball_is_smallest_at_the_quantile():
    sample = np.random.default_rng(0).exponential(size=4001)
    losses = [m.pinball_loss(sample, np.full(4001, np.quantile(sample, q)), quantile=0.8) for q in (0.7, 0.8, 0.9)]
    assert min(losses) == losses[1]


def test_crps_of_one_member_is_the_absolute_error():
    assert m.crps_sample(TRUTH, np.array(GUESS)[:, None]) == pytest.approx(1)


def test_crps_of_an_ensemble_equals_its_definition_over_all_pairs():
    rng = np.random.default_rng(0)
    truth, samples = 1e6 + rng.standard_normal((4, 3)), 1e6 + rng.standard_normal((4, 3, 11))
    pairs = np.abs(samples[..., :, None] - samples[..., None, :]).mean(axis=(-1, -2))
    expected = (np.abs(samples - truth[..., None]).mean(axis=-1) - 0.5 * pairs).mean()
    assert m.crps_sample(truth, samples) == pytest.approx(expected, rel=1e-9)  # 1e6 has an eps of 1e-10


def test_crps_of_a_standard_normal_is_its_closed_form():
    # Gneiting and Raftery (2007): at y = 0 it is 2 phi(0) - 1 / sqrt(pi)
    exact = 2 / np.sqrt(2 * np.pi) - 1 / np.sqrt(np.pi)
    normal = pd.Series(np.random.default_rng(0).standard_normal(200_000)).to_numpy()
    # members scatter by less than 1: the mean over 2e5 by .0022; three of them
    assert m.crps_sample([0.0], normal[None]) == pytest.approx(exact, abs=0.0067)
    levels = (np.arange(199) + 0.5) / 199
    quantiles = np.quantile(normal, levels)
    assert m.crps_quantiles([0.0], quantiles[None], levels) == pytest.approx(exact, abs=0.0067)


def test_crps_of_the_median_alone_is_the_absolute_error():
    assert m.crps_quantiles(TRUTH, np.array(GUESS)[:, None], [0.5]) == pytest.approx(1)


def test_interval_score_by_hand():
    # widths 2, 2, 2; the second truth is 1 below its interval: 2 / .2 * 1
    assert m.interval_score([0.0, -2.0, 1.0], [-1.0] * 3, [1.0] * 3, level=80) == pytest.approx((2 + 12 + 2) / 3)


def test_interval_score_is_the_sum_of_two_pinball_losses():
    rng = np.random.default_rng(0)
    truth, lower = rng.standard_normal((2, 50))
    upper = lower + rng.exponential(size=50)
    pinballs = m.pinball_loss(truth, lower, quantile=0.05) + m.pinball_loss(truth, upper, quantile=0.95)
    assert m.interval_score(truth, lower, upper, level=90) == pytest.approx(2 / 0.1 * pinballs)


def test_coverage_counts_the_ends():
    assert m.coverage([0.0, 1.0, 2.0, 3.0], [0.0] * 4, [2.0] * 4) == 0.75


def test_skill_by_hand():
    assert m.skill(3.0, 4.0) == 0.25
    assert m.skill(5.0, 4.0) == -0.25
    with pytest.raises(ValueError, match="error_reference is 0"):
        m.skill(1.0, 0.0)
    with pytest.raises(ValueError, match="error must be a finite number and not negative, got nan"):
        m.skill(float("nan"), 1.0)


@pytest.mark.parametrize("metric", BINARY, ids=lambda metric: metric.__name__)
def test_lists_arrays_series_and_frames_are_the_same(metric):
    dates = pd.date_range("2024-01-01", periods=3)
    expected = call(metric, TRUTH, GUESS)
    assert isinstance(expected, float)
    for kind in (np.array, lambda v: pd.Series(v, dates), lambda v: pd.DataFrame({"a": v}, dates)):
        assert call(metric, kind(TRUTH), kind(GUESS)) == expected


@pytest.mark.parametrize("metric", BINARY, ids=lambda metric: metric.__name__)
@pytest.mark.parametrize(
    ("truth", "guess", "message"),
    [
        (TRUTH, GUESS[:2], r"same shape, got \(3,\) and \(2,\)"),
        (TRUTH, [1.0, np.nan, 2.0], "contains NaN or infinity in 1 of 3"),
        ([1.0, np.inf, 2.0], GUESS, "y_true contains NaN or infinity in 1 of 3"),
        ([], [], r"not be empty, got shape \(0,\)"),
        (pd.Series(TRUTH), pd.Series(GUESS, [1, 2, 3]), "different indexes"),
        (pd.DataFrame({"a": TRUTH}), pd.DataFrame({"b": GUESS}), "different columns"),
    ],
)
def test_what_does_not_fit_together_is_refused(metric, truth, guess, message):
    with pytest.raises(ValueError, match=message):
        call(metric, truth, guess)


@pytest.mark.parametrize(
    ("attempt", "message"),
    [
        (lambda: m.mase([1.0], [2.0], y_train=[3.0, 3.0]), r"repeats itself exactly after 1 rows \(column 0\)"),
        (lambda: m.mase([1.0], [2.0], y_train=[3.0, 4.0], season_length=2), "more than season_length=2 rows, got 2"),
        (lambda: m.mase([1.0], [2.0], y_train=TRAIN, season_length=0), "positive integer, got 0"),
        (lambda: m.rmsse([1.0], [2.0], y_train=np.ones((3, 2))), "y_train has 2 columns, but y_true has 1"),
        (lambda: m.pinball_loss([1.0], [2.0], quantile=1), "between 0 and 1, both excluded, got 1"),
        (lambda: m.interval_score([1.0], [0.0], [2.0], level=100), "between 0 and 100, both excluded, got 100"),
        (lambda: m.pinball_loss([1.0], [2.0], quantile="median"), "between 0 and 1, both excluded, got 'median'"),
        (lambda: m.interval_score([1.0], [0.0], [2.0], level="95"), "between 0 and 100, both excluded, got '95'"),
        (lambda: m.coverage([1.0, 1.0], [0.0, 2.0], [2.0, 1.0]), r"y_upper is below y_lower \(first at row 1\)"),
        (lambda: m.crps_sample([1.0, 2.0], [1.0, 2.0]), r"needs y_true's shape \(2,\) and one more axis"),
        (lambda: m.crps_quantiles([1.0], [[1.0, 2.0]], [0.5]), "2 values on its last axis, but there are 1 quantiles"),
    ],
)
def test_arguments_out_of_range_are_named(attempt, message):
    with pytest.raises(ValueError, match=message):
        attempt()


@pytest.mark.parametrize("metric", [m.mase, m.rmsse])
def test_training_columns_in_another_order_are_refused(metric):
    truth = pd.DataFrame({"a": TRUTH, "b": TRUTH})
    train = pd.DataFrame({"b": TRAIN, "a": TRAIN})
    with pytest.raises(ValueError, match="y_true and y_train have different columns"):
        metric(truth, truth, y_train=train)


@pytest.mark.parametrize(
    ("values", "message"),
    [
        (["1", "2", "3"], "got <U1"),
        (pd.Series(["1", "2", "3"]), "got text"),
        (np.array(TRUTH) + 1j, "got complex128"),
        (np.array([1, 2, 3], "M8[D]"), "got datetime64"),
    ],
)
def test_what_is_no_number_is_refused_and_not_converted(values, message):
    with pytest.raises(TypeError, match=message):
        m.wape(TRUTH, values)


def test_a_masked_value_is_a_missing_one_and_ragged_rows_are_refused():
    with pytest.raises(ValueError, match="NaN or infinity in 1 of 3"):
        m.wape(TRUTH, np.ma.masked_array(TRUTH, [False, True, False]))
    with pytest.raises(ValueError, match="y_true must have rows of one length"):
        m.smape([[1.0, 2.0], [3.0]], [[1.0, 2.0], [3.0]])
