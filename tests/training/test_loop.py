"""What a training leaves behind: the best weights, whatever happens."""

import _thread

import numpy as np
import pytest

from rnnforecast.training.loop import History, train
from rnnforecast.training.optimizers import optimizer
from rnnforecast.training.schedules import schedule
from tests.training.least_squares import LeastSquares, Troubled


def fit(objective, *, solver="adam", rate=0.05, n_steps=40, schedule_name="constant", start=None, **options):
    """Return the weights and the history; minibatches of 16 of 64 rows unless told otherwise."""
    parameters = objective.start() if start is None else start
    options = {"batch_size": 16, "rng": np.random.default_rng(3), **options}
    history = train(
        objective,
        parameters,
        objective.rows,
        optimizer=optimizer(solver, objective.n_parameters, objective.dtype),
        schedule=schedule(schedule_name, rate, n_steps),
        n_steps=n_steps,
        **options,
    )
    return parameters, history


class Scripted:
    """A validation that returns given losses and notes the weights it saw."""

    def __init__(self, parameters, values):
        self.parameters, self.values, self.seen = parameters, iter(values), []

    def __call__(self):
        self.seen.append(self.parameters.copy())
        return next(self.values)


def test_training_reaches_the_minimum():
    objective = LeastSquares()
    parameters, history = fit(objective, n_steps=800, schedule_name="cosine")
    # atol: what the noise of minibatches leaves when the rate falls to 0 along a cosine
    np.testing.assert_allclose(parameters, objective.solution(), rtol=0, atol=1e-3)
    assert history.loss_curve[-1] < history.loss_curve[0]


def test_a_training_is_the_sequence_of_its_updates():
    objective = LeastSquares()
    parameters, history = fit(objective, solver="sgd", rate=0.01, n_steps=6, batch_size=64, shuffle=False)
    expected, made = objective.start(), optimizer("sgd", 5, np.float64)
    losses = []
    for _ in range(6):
        losses.append(objective.mean_loss(expected))
        error = objective.inputs @ expected - objective.targets
        made.update(expected, 2 * error @ objective.inputs / 64, 0.01)
    # rtol: the rows are added in two shards
    np.testing.assert_allclose(parameters, expected, rtol=1e-12)
    np.testing.assert_allclose(history.loss_curve, losses, rtol=1e-12)


def test_the_history_counts_steps_and_epochs_and_a_last_incomplete_one():
    _, history = fit(LeastSquares(), n_steps=10)  # four minibatches in an epoch
    assert (history.n_steps, history.n_epochs, len(history.loss_curve)) == (10, 3, 3)
    assert (history.best_step, history.best_loss) == (10, history.loss_curve[-1])
    assert (history.diverged, history.stopped_early) == (False, False)


@pytest.mark.parametrize("n_threads", [2, 3])
def test_any_number_of_threads_trains_to_the_same_bits(n_threads):
    expected, history = fit(LeastSquares(noise=0.3, dtype=np.float32), shard_size=4)
    found, other = fit(LeastSquares(noise=0.3, dtype=np.float32), shard_size=4, n_threads=n_threads)
    np.testing.assert_array_equal(found, expected)
    assert other == history


def test_the_weights_with_the_best_validation_are_kept():
    objective, parameters = LeastSquares(), np.zeros(5)
    validate = Scripted(parameters, [9.0, 5.0, 3.0, 4.0, 3.5])
    _, history = fit(objective, start=parameters, n_steps=16, validate=validate)
    np.testing.assert_array_equal(parameters, validate.seen[2])
    assert (history.best_step, history.best_loss, history.n_steps) == (8, 3.0, 16)
    assert history.validation_scores == [9.0, 5.0, 3.0, 4.0, 3.5]


def test_starting_weights_that_are_never_beaten_are_kept():
    objective, parameters = LeastSquares(), np.full(5, 0.25)
    _, history = fit(objective, start=parameters, n_steps=12, validate=Scripted(parameters, [1.0, 2.0, 3.0, 1.0]))
    np.testing.assert_array_equal(parameters, 0.25)
    assert (history.best_step, history.best_loss, history.n_steps) == (0, 1.0, 12)


@pytest.mark.parametrize(("n_steps", "every", "expected"), [(10, 3, [0, 3, 6, 9, 10]), (8, None, [0, 4, 8])])
def test_validation_comes_first_then_regularly_and_after_the_last_step(n_steps, every, expected):
    objective, parameters, heard = LeastSquares(), np.zeros(5), []
    validate = Scripted(parameters, range(99, 0, -1))
    fit(objective, start=parameters, n_steps=n_steps, validate=validate, validate_every=every, report=heard.append)
    newest = {99.0 - k: step for k, step in enumerate(expected)}  # reports in between tell the last one again
    assert {p.validation_loss for p in heard} <= set(newest)
    assert [p.validation_loss for p in heard if p.step in expected] == list(newest)[1:]
    assert all(newest[p.validation_loss] <= p.step for p in heard)


def test_the_objective_is_prepared_with_the_weights_that_are_validated():
    objective, parameters = LeastSquares(), np.zeros(5)

    def validate():
        np.testing.assert_array_equal(objective.parameters, parameters)
        return objective.mean_loss(parameters)

    _, history = fit(objective, start=parameters, validate=validate, validate_every=1)
    assert len(history.validation_scores) == 41


def test_patience_stops_the_training_early_and_keeps_the_best():
    objective, parameters = LeastSquares(), np.zeros(5)
    validate = Scripted(parameters, [9, 5, 6, 7, 8, 1])
    _, history = fit(objective, start=parameters, validate=validate, validate_every=2, patience=3)
    assert (history.stopped_early, history.n_steps, history.best_step) == (True, 8, 2)
    np.testing.assert_array_equal(parameters, validate.seen[1])


def test_patience_that_ends_with_the_training_is_not_an_early_stop():
    objective, parameters = LeastSquares(), np.zeros(5)
    validate = Scripted(parameters, [1, 2, 3])
    _, history = fit(objective, start=parameters, n_steps=8, validate=validate, patience=2)
    assert (history.stopped_early, history.n_steps) == (False, 8)


def test_a_plateau_schedule_hears_the_validation():
    objective, parameters = LeastSquares(), np.zeros(5)
    made = schedule("plateau", 0.4, 8, patience=1)
    train(
        objective, parameters, objective.rows, optimizer=optimizer("sgd", 5, np.float64), schedule=made, batch_size=64,
        n_steps=3, rng=np.random.default_rng(0), validate=Scripted(parameters, [1, 2, 3, 4]),
    )  # fmt: skip
    assert made.rate(0) == 0.4 / 8  # three of the four did not improve


def test_stopping_at_a_step_is_the_beginning_of_the_whole_training():
    objective, parameters = LeastSquares(noise=0.2), np.zeros(5)
    validate = Scripted(parameters, range(99, 0, -1))
    fit(objective, start=parameters, schedule_name="cosine", validate=validate, validate_every=7, n_steps=40)
    cut, history = fit(LeastSquares(noise=0.2), schedule_name="cosine", n_steps=40, stop_at=14)
    assert history.n_steps == 14
    np.testing.assert_array_equal(cut, validate.seen[2])


def test_stopping_at_zero_leaves_the_starting_weights():
    parameters, history = fit(LeastSquares(), stop_at=0)
    np.testing.assert_array_equal(parameters, 0.0)
    assert (history.n_steps, history.best_step, history.loss_curve) == (0, 0, [])


def bad_loss(objective, gradient):
    return np.nan


def bad_gradient(objective, gradient):
    gradient[2] = np.inf


@pytest.mark.parametrize("n_threads", [1, 2])
@pytest.mark.parametrize("clip", [{}, {"clip_norm": 1.0}, {"clip_value": 1.0}, {"clip_norm": 1.0, "clip_value": 1.0}])
@pytest.mark.parametrize("trouble", [bad_loss, bad_gradient])
def test_what_is_not_finite_rolls_back_to_the_best_validated_weights(trouble, clip, n_threads):
    objective, parameters = Troubled(trouble, at=11), np.zeros(5)
    validate = Scripted(parameters, [9.0, 5.0, 3.0, 4.0])
    # One shard in each minibatch, so that the eleventh shard is the eleventh update
    _, history = fit(objective, start=parameters, validate=validate, n_threads=n_threads, **clip)
    assert (history.diverged, history.stopped_early) == (True, False)
    assert (history.n_steps, history.best_step, history.best_loss) == (10, 8, 3.0)
    np.testing.assert_array_equal(parameters, validate.seen[2])


def test_without_validation_it_rolls_back_to_the_start_of_the_best_epoch():
    parameters, history = fit(Troubled(bad_loss, at=11))
    after_one_epoch, _ = fit(LeastSquares(), stop_at=4)
    assert history.diverged
    assert (history.best_step, history.best_loss) == (4, history.loss_curve[1])
    np.testing.assert_array_equal(parameters, after_one_epoch)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_a_rate_that_is_far_too_large_ends_with_finite_weights(dtype):
    parameters, history = fit(LeastSquares(dtype=dtype), solver="sgd", rate=1e4, n_steps=400)
    assert history.diverged
    np.testing.assert_array_equal(parameters, 0.0)  # nothing was better than the start


def test_weights_that_overflow_in_the_last_update_are_not_kept():
    objective = LeastSquares(dtype=np.float32)
    objective.targets *= 1000  # so that the gradient times the rate is beyond float32
    parameters, history = fit(objective, solver="sgd", rate=1e38, n_steps=1, batch_size=64)
    assert (history.diverged, history.n_steps) == (True, 1)
    np.testing.assert_array_equal(parameters, 0.0)


@pytest.mark.parametrize("values", [[np.nan], [1.0, np.inf]])
def test_a_validation_that_is_not_finite_rolls_back(values):
    objective, parameters = LeastSquares(), np.zeros(5)
    _, history = fit(objective, start=parameters, validate=Scripted(parameters, values))
    assert (history.diverged, history.best_step) == (True, 0)
    np.testing.assert_array_equal(parameters, 0.0)


@pytest.mark.parametrize("n_threads", [1, 2])
@pytest.mark.parametrize("error", [KeyboardInterrupt, RuntimeError])
def test_an_interrupt_leaves_the_best_weights_and_is_raised_again(error, n_threads):
    def interrupt(*_):
        raise error

    objective, parameters = Troubled(interrupt, at=11), np.zeros(5)
    validate = Scripted(parameters, [9.0, 5.0, 6.0])
    with pytest.raises(error):
        fit(objective, start=parameters, validate=validate, n_threads=n_threads)
    np.testing.assert_array_equal(parameters, validate.seen[1])


@pytest.mark.parametrize("n_threads", [1, 2])
def test_a_signal_while_shards_are_at_work_leaves_the_best_weights(n_threads):
    def press_ctrl_c(*_):
        _thread.interrupt_main()

    # Four shards in each minibatch: the signal comes in the middle of the eleventh
    objective, parameters = Troubled(press_ctrl_c, at=4 * 10 + 2), np.zeros(5)
    validate = Scripted(parameters, [9.0, 5.0, 6.0])
    with pytest.raises(KeyboardInterrupt):
        fit(objective, start=parameters, validate=validate, n_threads=n_threads, shard_size=4)
    np.testing.assert_array_equal(parameters, validate.seen[1])


def test_an_interrupt_without_validation_leaves_finite_weights_of_an_earlier_epoch():
    def interrupt(objective, gradient):
        raise KeyboardInterrupt

    parameters = np.zeros(5)
    with pytest.raises(KeyboardInterrupt):
        fit(Troubled(interrupt, at=11), start=parameters)
    np.testing.assert_array_equal(parameters, fit(LeastSquares(), stop_at=4)[0])


def test_the_gradient_is_clipped_before_the_update():
    rate, limit = 0.1, 1e-3
    by_norm, _ = fit(LeastSquares(), solver="sgd", rate=rate, n_steps=1, clip_norm=limit)
    by_value, _ = fit(LeastSquares(), solver="sgd", rate=rate, n_steps=1, clip_value=limit)
    # The first step of Nesterov's momentum is (1 + momentum) times the gradient
    assert np.linalg.norm(by_norm) == pytest.approx(rate * limit * 1.9, rel=1e-12)
    np.testing.assert_allclose(np.abs(by_value), rate * limit * 1.9, rtol=1e-12)


def test_reports_come_with_every_epoch_and_the_last_update():
    heard = []
    _, history = fit(LeastSquares(), n_steps=42, report=heard.append)
    assert [(p.step, p.epoch) for p in heard] == [(4 * k, k) for k in range(1, 11)] + [(42, 11)]
    assert [p.loss for p in heard] == history.loss_curve
    assert [(p.report, p.n_reports, p.n_steps, p.n_epochs) for p in heard] == [(k, 11, 42, 11) for k in range(1, 12)]
    assert [p.done for p in heard] == [False] * 10 + [True]
    assert {p.validation_loss for p in heard} == {None}


def test_a_long_epoch_is_reported_in_parts():
    heard = []
    _, history = fit(LeastSquares(), n_steps=20, batch_size=1, report=heard.append)  # 64 updates in an epoch
    assert [p.step for p in heard] == list(range(2, 21, 2))
    assert np.mean([p.loss for p in heard]) == pytest.approx(history.loss_curve[0], rel=1e-12)  # sums in another order


def test_reporting_changes_nothing():
    expected, history = fit(LeastSquares(noise=0.3), report=None)
    found, other = fit(LeastSquares(noise=0.3), report=lambda progress: False)
    np.testing.assert_array_equal(found, expected)
    assert other == history


def test_who_watches_may_stop_a_training():
    stopped, history = fit(LeastSquares(), report=lambda progress: progress.step == 8)
    np.testing.assert_array_equal(stopped, fit(LeastSquares(), stop_at=8)[0])
    assert (history.n_steps, history.n_epochs, history.stopped_early) == (8, 2, False)


def test_a_stop_keeps_the_best_validated_weights():
    objective, parameters = LeastSquares(), np.zeros(5)
    validate = Scripted(parameters, [9.0, 5.0, 3.0, 4.0])
    _, history = fit(objective, start=parameters, validate=validate, report=lambda progress: progress.epoch == 3)
    np.testing.assert_array_equal(parameters, validate.seen[2])
    assert (history.n_steps, history.best_step) == (12, 8)


def test_a_stop_within_an_epoch_is_validated_first():
    objective, parameters = LeastSquares(), np.zeros(5)
    validate = Scripted(parameters, [9.0, 5.0])
    _, history = fit(
        objective, start=parameters, n_steps=20, batch_size=1, validate=validate, report=lambda progress: True
    )
    assert (history.n_steps, history.best_step, history.validation_scores) == (2, 2, [9.0, 5.0])


def test_patience_is_the_end_of_the_reports():
    objective, parameters, heard = LeastSquares(), np.zeros(5), []
    validate = Scripted(parameters, [9, 5, 6, 7, 8, 1])
    options = {"validate_every": 4, "patience": 3, "report": heard.append}
    _, history = fit(objective, start=parameters, validate=validate, **options)
    assert history.stopped_early
    assert [p.done for p in heard] == [False, False, False, True]


def test_a_history_that_is_given_knows_the_finished_epochs_of_an_interrupted_training():
    def interrupt(progress):
        if progress.step == 9:
            raise KeyboardInterrupt

    history, complete = History(), fit(LeastSquares(), n_steps=10)[1]
    with pytest.raises(KeyboardInterrupt):
        fit(LeastSquares(), n_steps=10, report=interrupt, history=history)
    assert history.loss_curve == complete.loss_curve[:2]


@pytest.mark.parametrize(
    ("start", "message"),
    [
        (np.zeros(4), r"must be 5 numbers of dtype float64, got shape \(4,\)"),
        (np.zeros(5, np.float32), "of dtype float32"),
        (np.array([0, 0, np.nan, 0, 0]), "must be finite before training"),
    ],
)
def test_weights_that_do_not_fit_are_refused(start, message):
    with pytest.raises(ValueError, match=message):
        fit(LeastSquares(), start=start)
