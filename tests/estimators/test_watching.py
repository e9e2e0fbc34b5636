"""Whoever watches a fit hears how far it is, may end it, and changes nothing else."""

from __future__ import annotations

import pickle

import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone
from sklearn.model_selection import GridSearchCV, TimeSeriesSplit

from rnnforecast import RNNAnomalyDetector, RNNClassifier, RNNForecaster, RNNGenerator, RNNRegressor

QUICK = {"max_iter": 20, "hidden_layer_sizes": (8,), "random_state": 0}


@pytest.fixture
def load(hourly):
    return hourly[:400]


@pytest.fixture
def table(rng):
    X = rng.normal(size=(40, 6))
    return X, X.sum(axis=1)


def forecaster(**parameters):
    return RNNForecaster(6, **QUICK | {"n_estimators": 2, "committee": False} | parameters)


def stop_within_a_quarter(progress):
    """Return True in the first quarter of a training; a function of a module goes wherever its estimator goes."""
    return 4 * progress.step <= progress.n_steps


def weights(estimator):
    return [coefs.tobytes() for coefs in estimator.coefs_]


def test_a_forecaster_tells_of_each_training_in_turn(load):
    heard = []
    model = forecaster(callback=heard.append).fit(load)
    rounds = [(p.refit, p.member) for p in heard]
    assert list(dict.fromkeys(rounds)) == [(False, 1), (False, 2), (True, 1), (True, 2)]
    assert {p.n_members for p in heard} == {2}
    assert [p.done for p in heard] == [now != after for now, after in zip(rounds, [*rounds[1:], None], strict=True)]
    first = [p for p in heard if (p.refit, p.member) == (False, 1)]
    assert [p.validation_loss for p in first] == model.validation_scores_[1:]
    assert {p.validation_loss for p in heard if p.refit} == {None}
    assert (np.diff([p.seconds for p in heard]) >= 0).all()


def test_watching_changes_no_bit(load, table):
    seen = forecaster(callback=lambda progress: None, verbose=2).fit(load)
    assert weights(seen) == weights(forecaster().fit(load))
    seen = RNNRegressor(**QUICK, callback=lambda progress: None).fit(*table)
    assert weights(seen) == weights(RNNRegressor(**QUICK).fit(*table))


def test_a_stop_keeps_the_best_weights_of_the_networks_begun(load):
    complete = forecaster(refit=False).fit(load)
    stopped = forecaster(callback=lambda p: p.member == 2 and p.report == 3).fit(load)
    assert weights(stopped)[0] == weights(complete)[0]
    history = stopped.ensemble_.histories[1]
    assert history.validation_scores == complete.ensemble_.histories[1].validation_scores[:4]
    assert history.best_loss == min(history.validation_scores)
    assert np.isfinite(stopped.forecast(level=80)).all(axis=None)


def test_no_network_is_begun_after_a_stop(load):
    stopped = forecaster(callback=lambda p: p.report == 3).fit(load)
    assert len(stopped.coefs_) == 1
    assert len(stopped.validation_scores_) == 4
    assert np.isfinite(stopped.forecast()).all()


def test_a_second_training_counts_only_if_it_was_finished(load):
    stopped = forecaster(callback=lambda p: p.refit and p.member == 2).fit(load)
    assert weights(stopped) == weights(forecaster(refit=False).fit(load))
    late = forecaster(callback=lambda p: p.refit and p.member == 2 and p.done).fit(load)
    assert weights(late) == weights(forecaster().fit(load))


@pytest.mark.parametrize("forking", [False, True])
def test_without_validation_a_stop_keeps_the_newest_weights(load, forking):
    asked = {"early_stopping": False, "blend": None, "forking_sequences": forking}
    stopped = forecaster(**asked, callback=lambda p: p.report == 2).fit(load)
    assert stopped.n_iter_ < forecaster(**asked).fit(load).n_iter_
    assert np.isfinite(stopped.forecast()).all()


def test_sequences_are_reported_epoch_by_epoch(table):
    heard = []
    model = RNNRegressor(**QUICK, callback=heard.append).fit(*table)
    assert [p.loss for p in heard] == model.loss_curve_
    assert [p.epoch for p in heard] == list(range(1, 21))
    assert str(heard[3]).startswith(f"epoch 4 of 20 (20 %): loss {model.loss_curve_[3]:#.4g}, ")
    stopped = RNNRegressor(**QUICK, callback=stop_within_a_quarter).fit(*table)
    assert stopped.loss_curve_ == model.loss_curve_[:1]
    labels = RNNClassifier(**QUICK, early_stopping=True, callback=lambda p: p.epoch == 3)
    labels.fit(table[0], table[1] > 0)
    assert len(labels.validation_scores_) == 4
    assert labels.best_loss_ == min(labels.validation_scores_)


def test_a_generator_is_reported_pass_by_pass():
    heard = []
    model = RNNGenerator(**QUICK, callback=heard.append).fit("abcabd" * 60)
    assert [p.loss for p in heard] == model.loss_curve_
    assert [p.validation_loss for p in heard] == model.validation_scores_
    stopped = RNNGenerator(**QUICK, callback=lambda p: p.epoch == 3).fit("abcabd" * 60)
    assert stopped.loss_curve_ == model.loss_curve_[:3]
    assert np.isfinite(stopped.score("abc"))


@pytest.mark.parametrize("asked", [{"solver": "adam"}, {"method": "reconstruction", "n_lags": 8}], ids=str)
def test_a_detector_that_descends_can_be_stopped(load, asked):
    heard = []
    detector = RNNAnomalyDetector(**asked, hidden_layer_sizes=4, max_iter=20, random_state=0)
    complete = detector.fit(load).n_iter_
    detector.set_params(callback=lambda p: heard.append(p) or p.step > 5).fit(load)
    assert (heard[-1].step, heard[-1].n_steps) in [(6, 20), (7, 20)]
    assert detector.n_iter_ == complete - 20 + heard[-1].step
    assert detector.anomaly_score(load).notna().any()


@pytest.mark.parametrize("answer", [None, 1, "bar", np.False_])
def test_only_true_ends_a_fit(table, answer):
    assert RNNRegressor(**QUICK, callback=lambda p: answer).fit(*table).n_iter_ == 20
    assert RNNRegressor(**QUICK, callback=lambda p: np.True_).fit(*table).n_iter_ == 1


def test_an_error_of_a_callback_leaves_the_object_as_it_was(load):
    def fail(progress):
        raise OSError("disk full")

    model = forecaster().fit(load)
    before = model.forecast()
    with pytest.raises(OSError, match="disk full"):
        model.set_params(callback=fail).fit(2 * load)
    pd.testing.assert_series_equal(model.forecast(), before)


def test_a_callback_is_a_parameter_like_any_other(load):
    model = forecaster(callback=stop_within_a_quarter)
    assert clone(model).get_params()["callback"] is stop_within_a_quarter
    assert pickle.loads(pickle.dumps(model.fit(load))).callback is stop_within_a_quarter
    with pytest.raises(ValueError, match=r"'callback' parameter .* must be a callable or None. Got 3"):
        forecaster(callback=3).fit(load)
    with pytest.raises((pickle.PicklingError, AttributeError), match="lambda"):
        pickle.dumps(forecaster(callback=lambda p: None))


@pytest.mark.slow
def test_a_search_in_processes_takes_its_callback_along(load):
    search = GridSearchCV(
        forecaster(callback=stop_within_a_quarter), {"cell": ["gru", "rnn"]}, cv=TimeSeriesSplit(2), n_jobs=2
    )
    search.fit(pd.DataFrame(index=load.index), load)
    assert np.isfinite(search.cv_results_["mean_test_score"]).all()
    assert len(search.best_estimator_.coefs_) == 1


def test_a_backtest_reports_every_learning(load):
    heard = []
    forecaster(callback=heard.append, refit=False, n_estimators=1).backtest(load, n_windows=2, refit=True)
    assert sum(p.done for p in heard) == 2


def test_verbose_prints_a_line_now_and_then_and_twice_as_verbose_all(load, table, capsys):
    forecaster(verbose=True).fit(load)
    ends = [line for line in capsys.readouterr().out.splitlines() if "(100 %)" in line]
    begins = [
        "network 1 of 2, epoch",
        "network 2 of 2, epoch",
        "network 1 of 2, all rows,",
        "network 2 of 2, all rows,",
    ]
    assert all(line.startswith(begin) for line, begin in zip(ends, begins, strict=True))
    assert ["validation loss" in line for line in ends] == [True, True, False, False]
    RNNRegressor(**QUICK, verbose=2).fit(*table)
    assert len(capsys.readouterr().out.splitlines()) == 20
    RNNRegressor(**QUICK).fit(*table)
    assert capsys.readouterr().out == ""


class Recorder:
    """A callback of scikit-learn's that notes its calls, and may ask to stop."""

    max_propagation_depth = None  # goes along into searches and pipelines

    def __init__(self, stop_after=None):
        self.stop_after, self.calls = stop_after, []

    def setup(self, estimator, context):
        self.calls.append(("setup", context.task_name))

    def teardown(self, estimator, context):
        self.calls.append(("teardown", context.task_name))

    def on_fit_task_begin(self, estimator, context):
        self.calls.append(("begin", context.task_name))

    def on_fit_task_end(self, estimator, context):
        self.calls.append(("end", context.task_name))
        return context.task_name == "report" and self.calls.count(("end", "report")) == self.stop_after

    def count(self, *call):
        return self.calls.count(call)


@pytest.fixture
def protocol():
    return pytest.importorskip("sklearn.callback", reason="scikit-learn has callbacks from 1.9 on")


@pytest.mark.usefixtures("protocol")
def test_callbacks_of_scikit_learn_see_a_tree_of_tasks(load):
    recorder, heard = Recorder(), []
    model = forecaster(callback=heard.append).set_callbacks(recorder).fit(load)
    assert recorder.calls[:3] == [("setup", "fit"), ("begin", "fit"), ("begin", "network")]
    assert recorder.calls[-2:] == [("end", "fit"), ("teardown", "fit")]
    assert recorder.count("end", "network") == recorder.count("end", "network on all rows") == 2
    assert recorder.count("end", "report") == recorder.count("begin", "report") == len(heard)
    assert {name for name in vars(model) if "callback" in name} == {"callback", "_skl_callbacks"}


@pytest.mark.usefixtures("protocol")
def test_a_callback_of_scikit_learn_stops_like_any_other(load):
    stopped = forecaster().set_callbacks(Recorder(stop_after=3)).fit(load)
    assert weights(stopped) == weights(forecaster(callback=lambda p: p.report == 3).fit(load))


@pytest.mark.usefixtures("protocol")
def test_a_search_hands_its_callbacks_on(table):
    recorder = Recorder()
    search = GridSearchCV(RNNRegressor(**QUICK), {"cell": ["gru", "rnn"]}, cv=2)
    search.set_callbacks(recorder).fit(*table)
    assert recorder.count("end", "network") == 2 * 2 + 1
    assert recorder.count("end", "report") == (2 * 2 + 1) * 20
    assert not hasattr(search.best_estimator_, "_skl_callbacks")


@pytest.mark.usefixtures("protocol")
@pytest.mark.parametrize("kind", ["detector", "generator", "ridge"])
def test_every_estimator_has_a_tree_of_tasks(load, kind):
    recorder = Recorder()
    model = {
        "detector": RNNAnomalyDetector(solver="adam", hidden_layer_sizes=4, max_iter=5, random_state=0),
        "generator": RNNGenerator(**QUICK),
        "ridge": forecaster(solver="ridge", cell="leaky"),
    }[kind]
    model.set_callbacks(recorder).fit("abcabd" * 20 if kind == "generator" else load)
    assert recorder.count("begin", "fit") == recorder.count("end", "fit") == 1
    assert (recorder.count("end", "report") > 0) == (kind != "ridge")


def test_scores_are_monitored_epoch_by_epoch(table, protocol):
    monitor = protocol.ScoringMonitor(scoring="r2")
    model = RNNRegressor(**QUICK).set_callbacks(monitor).fit(*table)
    log = monitor.get_logs().data_as_pandas
    assert (log["task_name"] == "report").sum() == 20
    assert log["r2"].iloc[-1] == log.loc[log["task_name"] == "fit", "r2"].item() == model.score(*table)
    assert log["r2"].nunique() > 10


def test_the_score_of_a_forecaster_is_monitored_fit_by_fit(load, protocol):
    monitor = protocol.ScoringMonitor(scoring="r2")
    rows = pd.DataFrame(index=load.index)
    model = forecaster().set_callbacks(monitor).fit(rows, load)
    log = monitor.get_logs().data_as_pandas
    assert log["task_name"].tolist() == ["fit"]
    assert log["r2"].item() == model.score(rows, load)
