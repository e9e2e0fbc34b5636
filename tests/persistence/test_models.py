"""What was saved comes back: every estimator answers to the last bit as before, and goes on as it would have."""

from __future__ import annotations

import copy
import dataclasses
import os
import pickle
import re
import subprocess
import sys
import warnings
from pathlib import Path

import joblib
import numpy as np
import pandas as pd
import pytest
from sklearn.base import BaseEstimator, clone
from sklearn.exceptions import NotFittedError

import rnnforecast as rf
from rnnforecast.estimators import _saving
from rnnforecast.kernels.cells import Cell, named
from rnnforecast.persistence.models import _forms
from tests.persistence.cases import CASES, QUICK, SMALL, fitted, panel, same, sequences, series, table

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def path(tmp_path):
    return tmp_path / "model.rnn"


def kept(model, path):
    model.save(path)
    return rf.load(path)


@pytest.mark.parametrize("name", CASES)
@pytest.mark.filterwarnings("ignore::UserWarning")
def test_a_loaded_model_answers_to_the_last_bit(name, path):
    model = CASES[name].make()
    back = kept(model, path)
    assert type(back) is type(model)
    assert repr(back) == repr(model)
    assert vars(back).keys() == vars(model).keys()
    assert same(CASES[name].ask(back), CASES[name].ask(model))
    again = pickle.loads(pickle.dumps(rf.load(path)))
    assert same(CASES[name].ask(again), CASES[name].ask(rf.load(path)))


@pytest.mark.parametrize("name", QUICK)
def test_a_loaded_model_has_the_parameters_and_can_be_cloned_and_saved_again(name, path, tmp_path):
    model = fitted(name)
    back = kept(model, path)
    theirs, ours = back.get_params(), model.get_params()
    assert theirs.keys() == ours.keys()
    for key, value in ours.items():
        assert type(theirs[key]) is type(value)
        assert isinstance(value, BaseEstimator) or theirs[key] == value
    assert repr(clone(back)) == repr(clone(model))
    back.save(tmp_path / "again.rnn")
    assert (tmp_path / "again.rnn").read_bytes() == path.read_bytes()


@pytest.mark.parametrize("name", ["linear", "rnn", "naive, a panel", "rnn, masked", "per series"])
def test_a_loaded_forecaster_goes_on(name, path):
    model = copy.deepcopy(fitted(name))
    back = kept(model, path)
    known = model.forecast(1)
    for one in (model, back):
        one.update(known)
    assert same(back.forecast(3), model.forecast(3))
    assert back.cutoff_ is not model.cutoff_
    assert np.all(back.cutoff_ == model.cutoff_)
    assert same(back.predict(known), model.predict(known))


def test_a_loaded_forecaster_is_backtested_scored_and_fitted_again(path):
    model = fitted("rnn")
    back, y = kept(model, path), series()
    assert same(back.backtest(y, n_windows=2).forecasts, model.backtest(y, n_windows=2).forecasts)
    assert back.score(y) == model.score(y)
    assert same(back.fit(y).forecast(), model.forecast())


def test_a_warm_start_begins_from_loaded_weights(path):
    model = rf.RNNForecaster(4, **SMALL, warm_start=True).fit(series())
    back = kept(model, path)
    assert same(back.fit(series(5)).forecast(), model.fit(series(5)).forecast())


@pytest.mark.parametrize("name", ["rnn", "regressor"])
def test_weights_that_were_taken_over_from_elsewhere_are_kept(name, path):
    model = copy.deepcopy(fitted(name))
    model.from_torch_state_dict({key: 0.5 * value for key, value in model.to_torch_state_dict().items()})
    assert same(CASES[name].ask(kept(model, path)), CASES[name].ask(model))
    assert not same(model.coefs_[0], fitted(name).coefs_[0])


@pytest.mark.parametrize("name", ["regressor", "regressor, rmsprop", "classifier, sgd"])
def test_a_training_goes_on_with_its_solver_and_its_chance(name, path):
    model = copy.deepcopy(fitted(name))
    back, (X, y) = kept(model, path), sequences()
    y = y if "regressor" in name else np.where(y > 0, "up", "down")
    for one in (model, back):
        one.partial_fit(X, y).partial_fit(X, y)
    assert same(back.coefs_[0], model.coefs_[0])


def test_a_text_is_learnt_on_and_written_on(path):
    model = copy.deepcopy(fitted("generator"))
    back = kept(model, path)
    for one in (model, back):
        one.partial_fit("world, hello")
    assert back.generate(20, random_state=3) == model.generate(20, random_state=3)
    assert same(back.coefs_[0], model.coefs_[0])


def test_a_stream_goes_on_where_it_was(path):
    model = copy.deepcopy(fitted("detector, streamed"))
    back = kept(model, path)
    for row in table(9).to_numpy():
        ours, theirs = model.update(row), back.update(row)
        assert all(same(a, b) for a, b in zip(ours, theirs, strict=True))


@pytest.mark.slow
def test_a_fresh_process_answers_to_the_last_bit(path, tmp_path):
    model = fitted("rnn")
    model.save(path)
    model.forecast(9).to_pickle(tmp_path / "expected")
    code = f"""
import pandas as pd, rnnforecast
assert rnnforecast.load({str(path)!r}).forecast(9).equals(pd.read_pickle({str(tmp_path / "expected")!r}))
"""
    done = subprocess.run([sys.executable, "-W", "error", "-c", code], capture_output=True, text=True, cwd=ROOT)
    assert done.returncode == 0, done.stderr


def test_a_file_is_replaced_in_one_step_and_what_cannot_be_kept_leaves_it(path):
    fitted("linear").save(path)
    before = path.read_bytes()
    bad = copy.deepcopy(fitted("rnn")).set_params(random_state=np.random.RandomState(0))
    with pytest.raises(TypeError, match="random_state=RandomState"):
        bad.save(path)
    assert path.read_bytes() == before
    assert os.listdir(path.parent) == [path.name]


def own_cell():
    gru = named("gru")
    return Cell("mine", gru.gates, gru.forward)


def len_of(progress):
    """A callback."""


class Mine(rf.NaiveForecaster):
    pass


@pytest.mark.parametrize(
    ("make", "match"),
    [
        (
            lambda: rf.RNNForecaster(4, **SMALL, cell=own_cell()).fit(series()),
            "RNNForecaster cannot be saved with cell=",
        ),
        (lambda: rf.RNNForecaster(4, **SMALL, cell=(own_cell(),)).fit(series()), "cannot be saved with cell="),
        (
            lambda: rf.RNNForecaster(4, **SMALL, callback=len_of).fit(series()),
            r"RNNForecaster cannot be saved with callback=<function len_of",
        ),
        (lambda: Mine(4).fit(series()), "got Mine: pickle it instead"),
        (
            lambda: rf.ForecasterPerSeries(Mine(4)).fit(panel()),
            r"ForecasterPerSeries cannot be saved with forecaster=Mine\(",
        ),
        (lambda: setattr(m := rf.NaiveForecaster(4).fit(series()), "note", 1) or m, "the attribute 'note'"),
        (
            lambda: rf.LinearForecaster(4).fit(
                series().set_axis(
                    pd.date_range("2024", periods=200, freq=pd.offsets.CustomBusinessDay(holidays=["2024-01-01"]))
                )
            ),
            "frequency .* cannot be kept",
        ),
    ],
)
def test_what_a_file_cannot_hold_is_refused_in_one_sentence(make, match, path):
    with pytest.raises(TypeError, match=match) as caught:
        make().save(path)
    assert re.search("pickle", str(caught.value))
    assert not path.exists()


def test_a_cell_of_ones_own_is_refused_even_when_the_parameter_has_changed(path):
    model = rf.RNNForecaster(4, **SMALL, cell=own_cell()).fit(series()).set_params(cell="gru")
    with pytest.raises(TypeError, match="a cell of your own, 'mine'"):
        model.save(path)


def test_an_estimator_that_has_learnt_nothing_is_not_saved(path):
    with pytest.raises(NotFittedError):
        rf.RNNForecaster().save(path)
    with pytest.raises(FileNotFoundError, match=r"there is no folder .*nowhere' to save 'model\.rnn' in"):
        fitted("linear").save(path.parent / "nowhere" / "model.rnn")
    with pytest.raises(IsADirectoryError, match="is a folder; give the path of a file"):
        fitted("linear").save(path.parent)
    assert os.listdir(path.parent) == []


def test_a_model_with_parameters_that_make_no_sense_is_not_saved(path):
    with pytest.raises(ValueError, match="'horizon' parameter"):
        copy.deepcopy(fitted("linear")).set_params(horizon=-1).save(path)
    assert not path.exists()


def test_every_dataclass_of_a_model_has_all_of_its_fields_in_its_form():
    # A field that is added must be added to the form too, else files would lack it.
    whole = {form.kind: form for form in _forms().values() if dataclasses.is_dataclass(form.kind)}
    own_way = {"Activation", "Cell", "Head", "Alphabet", "Dense"}  # rebuilt from a name, or from fewer fields
    for kind, form in whole.items():
        if kind.__name__ not in own_way:
            assert form.fields.keys() == {field.name for field in dataclasses.fields(kind)}, kind.__name__


def test_names_of_records_are_their_own():
    forms = _forms().values()
    assert len({form.name for form in forms}) == len(forms)


@pytest.mark.parametrize("name", QUICK)
def test_pickle_and_joblib_say_which_release_wrote_them(name, tmp_path, monkeypatch):
    model = fitted(name)
    joblib.dump(model, tmp_path / "model.joblib")
    back = joblib.load(tmp_path / "model.joblib")
    assert vars(back).keys() == vars(model).keys()
    monkeypatch.setattr(_saving, "__version__", "99.0")
    with pytest.warns(rf.InconsistentVersionWarning, match=r"pickled by rnnforecast 0\.\S+ and is read by 99\.0"):
        joblib.load(tmp_path / "model.joblib")


def test_a_pickle_of_this_release_is_read_without_a_word():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert same(pickle.loads(pickle.dumps(fitted("linear"))).forecast(), fitted("linear").forecast())
