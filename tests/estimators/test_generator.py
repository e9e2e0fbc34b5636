"""The generator: what it learns, writes and scores, of texts of every kind."""

from __future__ import annotations

import os
import pickle
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone
from sklearn.exceptions import ConvergenceWarning, NotFittedError
from sklearn.utils._param_validation import InvalidParameterError

from rnnforecast.estimators.generator import RNNGenerator

PATTERN = "abcabd" * 60  # what follows "ab" is known only from further back
SMALL = {"hidden_layer_sizes": (16,), "max_iter": 2, "early_stopping": False, "random_state": 0}
WORDS = ["so", "it", "goes", "so", "it", "is"] * 10


@pytest.fixture(scope="module")
def learnt() -> RNNGenerator:
    return RNNGenerator(hidden_layer_sizes=(16,), max_iter=200, random_state=0).fit(PATTERN)


def test_a_repeated_pattern_is_learnt_and_written_exactly(learnt):
    # The mean over many symbols: the first is not known, nor, with less than a period read, are the next few.
    assert -learnt.score_samples(PATTERN)[6:].mean() < 0.01
    assert learnt.generate(60, prompt="abc", temperature=0.05, random_state=0) == PATTERN[3:63]
    assert learnt.generate(60, prompt="abc", top_k=1) == PATTERN[3:63]
    assert learnt.best_loss_ == min(learnt.validation_scores_)
    assert len(learnt.loss_curve_) == learnt.n_iter_ == 200


@pytest.mark.parametrize("cell", ["rnn", "lstm", ("gru", "lstm")])
def test_every_cell_learns_a_pattern(cell):
    sizes = (16, 16) if isinstance(cell, tuple) else (16,)
    generator = RNNGenerator(cell, sizes, max_iter=300, early_stopping=False, random_state=0).fit("abc" * 60)
    assert -generator.score_samples("abc" * 60)[3:].mean() < 0.01


def test_score_is_the_mean_log_probability_of_symbols_that_sum_to_one(learnt):
    samples = learnt.score_samples("abcab")
    assert samples.shape == (5,)
    assert learnt.score("abcab") == samples.mean()
    assert learnt.perplexity("abcab") == pytest.approx(np.exp(-samples.mean()))
    for known in ("", "a", "abc"):
        every_next = [learnt.score_samples(known + symbol)[-1] for symbol in learnt.vocabulary_]
        assert np.exp(every_next).sum() == pytest.approx(1.0, rel=1e-12)  # float64 from the logits on


def test_a_long_text_is_scored_like_its_beginning(learnt):
    # Pieces of other lengths: float32 states of the same steps differ by rounding.
    longer = learnt.score_samples(PATTERN * 3)
    np.testing.assert_allclose(learnt.score_samples(PATTERN[:100]), longer[:100], rtol=1e-3, atol=1e-5)


def test_symbols_are_written_as_often_as_they_are_probable():
    rng = np.random.default_rng(0)
    text = "".join(rng.choice(list("xyz"), p=[0.6, 0.3, 0.1], size=3000))
    generator = RNNGenerator(hidden_layer_sizes=(4,), max_iter=30, random_state=0).fit(text)
    written = generator.generate(4000, random_state=1)
    shares = [written.count(symbol) / 4000 for symbol in "xyz"]
    # Both texts are samples of about sqrt(0.25 / 3000) = 0.009 deviation.
    np.testing.assert_allclose(shares, [0.6, 0.3, 0.1], atol=0.05)
    assert set(generator.generate(200, top_k=2, random_state=1)) == {"x", "y"}
    cold = generator.generate(300, temperature=0.05, random_state=1)
    assert cold.count("x") > 295


def test_writing_on_from_what_was_written_is_writing_at_once(learnt):
    whole = learnt.generate(30, prompt="ab", top_k=1)
    assert learnt.generate(20, prompt="ab" + whole[:10], top_k=1) == whole[10:]


def test_the_same_seed_writes_the_same(learnt):
    assert learnt.generate(50, random_state=3, temperature=5.0) == learnt.generate(50, random_state=3, temperature=5.0)
    assert learnt.generate(50, random_state=3, temperature=5.0) != learnt.generate(50, random_state=4, temperature=5.0)
    assert learnt.generate(5, temperature=1e-300, prompt="ab") == learnt.generate(5, top_k=1, prompt="ab")


@pytest.mark.parametrize("n_jobs", [2, 3])
def test_weights_have_the_same_bits_for_any_number_of_threads(n_jobs):
    parameters = {**SMALL, "batch_size": 80, "bptt_steps": 5, "dropout": 0.2}
    one = RNNGenerator(**parameters).fit(PATTERN * 3)
    many = RNNGenerator(**parameters, n_jobs=n_jobs).fit(PATTERN * 3)
    assert one.coefs_[0].tobytes() == many.coefs_[0].tobytes()
    assert one.loss_curve_ == many.loss_curve_


KINDS = {
    "str": ("abcab" * 10, str),
    "list of characters": (list("abcab" * 10), list),
    "list of words": (WORDS, list),
    "tuple of numbers": ((3, 1, 2) * 10, list),
    "list of tuples": ([("a", 1), ("b", 2)] * 10, list),
    "mixed": (["a", 1, None] * 10, list),
    "array of integers": (np.array([3, 1, 2] * 10, np.int16), np.ndarray),
    "array of words": (np.array(WORDS), np.ndarray),
    "array of objects": (np.array(WORDS, object), np.ndarray),
    "series": (pd.Series(WORDS), np.ndarray),
}


@pytest.mark.parametrize(("text", "kind"), KINDS.values(), ids=KINDS.keys())
def test_what_is_written_is_of_the_kind_that_was_learnt(text, kind):
    generator = RNNGenerator(**SMALL, symbols="tokens" if text is WORDS else "auto").fit(text)
    symbols = list(text)
    assert set(generator.vocabulary_) == set(symbols)
    assert sorted(generator.vocabulary_.values()) == list(range(len(set(symbols))))
    for written in (generator.generate(7, random_state=0), generator.generate(7, prompt=text[:3], random_state=0)):
        assert type(written) is kind
        assert len(written) == 7
        assert set(written) <= set(symbols)
    if kind is np.ndarray:
        assert generator.generate(3).dtype == np.asarray(text).dtype
    assert generator.score_samples(text).shape == (len(text),)


DOCUMENTS = {
    "list of str": (["emma", "olivia", "ava"] * 4, str, "characters"),
    "list of token lists": ([[1, 2, 3], [1, 2], [2, 2, 3]] * 4, list, "auto"),
    "array of str": (np.array(["emma", "olivia", "ava"]), str, "characters"),
}


@pytest.mark.parametrize(("texts", "kind", "symbols"), DOCUMENTS.values(), ids=DOCUMENTS.keys())
def test_documents_begin_and_end(texts, kind, symbols):
    generator = RNNGenerator(**{**SMALL, "max_iter": 400}, symbols=symbols).fit(texts)
    assert set(generator.vocabulary_) == {symbol for text in texts for symbol in text}
    written = [generator.generate(50, temperature=0.3, random_state=k) for k in range(8)]
    assert all(type(one) is kind for one in written)
    assert all(one in list(texts) for one in written)  # learnt by heart, and it stops
    assert generator.generate(50, prompt=texts[0][:2], top_k=1) == texts[0][2:]
    # Every symbol and the end of every document.
    assert len(generator.score_samples(texts)) == sum(map(len, texts)) + len(texts)
    assert len(generator.score_samples(texts[0])) == len(texts[0]) + 1


def test_repeating_strings_in_a_list_are_questioned():
    with pytest.warns(UserWarning, match='set symbols="tokens" if each string is one symbol'):
        RNNGenerator(**SMALL).fit(WORDS)


def test_partial_fit_learns_on_and_keeps_the_symbols():
    generator = RNNGenerator(**SMALL).partial_fit("ab" * 40, vocabulary="abc")
    losses = [-generator.partial_fit("ab" * 40).score("ab" * 40) for _ in range(30)]
    assert losses[-1] < 0.5 * losses[0]
    assert generator.n_iter_ == len(generator.loss_curve_) == 31
    generator.partial_fit("cab" * 10)
    before = generator.coefs_[0].copy()
    with pytest.raises(ValueError, match="X holds symbols that were not learnt: 'x' \\(position 1\\); remove or"):
        generator.partial_fit("axb")
    np.testing.assert_array_equal(generator.coefs_[0], before)


def test_fit_begins_anew_and_warm_start_goes_on():
    generator = RNNGenerator(**{**SMALL, "max_iter": 50}).fit(PATTERN)
    once, first = generator.coefs_[0].copy(), generator.loss_curve_
    np.testing.assert_array_equal(generator.fit(PATTERN).coefs_[0], once)
    generator.set_params(warm_start=True).fit(PATTERN)
    assert generator.loss_curve_[0] < first[0]
    generator.fit("xyz" * 50)  # other symbols: nothing to go on from
    assert list(generator.vocabulary_) == ["x", "y", "z"]


def test_early_stopping_keeps_the_best_weights_of_the_held_out_end():
    text = "".join(np.random.default_rng(0).choice(list("abcd"), size=600))  # nothing to learn: soon learnt by heart
    parameters = {"hidden_layer_sizes": (32,), "max_iter": 300, "random_state": 0}
    stopped = RNNGenerator(**parameters, n_iter_no_change=5).fit(text)
    assert stopped.n_iter_ < 300
    assert stopped.best_loss_ == min(stopped.validation_scores_)
    assert stopped.best_loss_ < stopped.validation_scores_[-1]
    # Read from the beginning, the held-out end has a history: by-heart weights would lose several nats on it.
    assert -stopped.score_samples(text)[540:].mean() == pytest.approx(stopped.best_loss_, abs=0.1)


def test_few_symbols_are_learnt_without_early_stopping_after_a_warning():
    with pytest.warns(UserWarning, match="3 symbols are too few to hold out validation_fraction=0.1"):
        generator = RNNGenerator(max_iter=1, random_state=0).fit("aba")
    assert generator.validation_scores_ == []


def press_ctrl_c(progress):
    """In the fourth pass, or in the middle of the first of two."""
    if progress.epoch == 4 or (progress.n_epochs == 2 and progress.report == 1):
        raise KeyboardInterrupt


def test_ctrl_c_keeps_the_best_passes_or_leaves_all_as_it_was():
    generator = RNNGenerator(**{**SMALL, "early_stopping": True, "max_iter": 8}, callback=press_ctrl_c)
    with pytest.warns(UserWarning, match="interrupted after 3 passes: their best weights are kept"):
        generator.fit(PATTERN)
    assert generator.n_iter_ == 3
    assert np.isfinite(generator.score(PATTERN))
    weights = generator.coefs_[0].copy()
    with pytest.raises(KeyboardInterrupt):
        generator.set_params(max_iter=2).fit("xyz" * 150)
    np.testing.assert_array_equal(generator.coefs_[0], weights)
    assert list(generator.vocabulary_) == list("abcd")


def test_divergence_is_rolled_back():
    generator = RNNGenerator(**{**SMALL, "max_iter": 50}, solver="sgd", learning_rate_init=1e30, clip_norm=None)
    with pytest.warns(ConvergenceWarning, match="rolled back"):
        generator.fit(PATTERN)
    assert np.isfinite(generator.score(PATTERN))
    assert len(generator.generate(10)) == 10


def test_pickle_and_clone(learnt):
    again = pickle.loads(pickle.dumps(learnt))
    np.testing.assert_array_equal(again.score_samples(PATTERN), learnt.score_samples(PATTERN))
    assert again.generate(20, random_state=0) == learnt.generate(20, random_state=0)
    fresh = clone(learnt)
    assert fresh.get_params() == learnt.get_params()
    with pytest.raises(NotFittedError):
        fresh.generate(1)
    with pytest.raises(NotFittedError):
        fresh.score("ab")


BAD_TEXTS = {
    "empty": ("", "X is empty: a text must hold at least one symbol"),
    "empty list": ([], "X is empty"),
    "empty document": (["ab", ""], "document 1 of X is empty"),
    "one symbol": ("a", "X must hold at least two different symbols, got only 'a'"),
    "one symbol repeated": ("aaaa", "X must hold at least two different symbols, got only 'a'"),
    "NaN": ([1.0, 2.0, float("nan")], r"X holds a missing symbol \(nan\) at position 2: drop it or name it"),
    "NA": ([1, pd.NA, 2], r"X holds a missing symbol \(<NA>\) at position 1"),
    "NaT": (pd.Series([pd.Timestamp("2024"), pd.NaT], dtype=object), "X holds a missing symbol"),
    "unhashable": (["a", {}, "b"], "X must hold hashable symbols, got dict at position 1"),
    "table": (np.zeros((3, 2), int), r"X must be a 1-D array of symbols, got shape \(3, 2\)"),
}


@pytest.mark.parametrize(("text", "message"), BAD_TEXTS.values(), ids=BAD_TEXTS.keys())
def test_bad_texts_are_refused(text, message):
    generator = RNNGenerator(**SMALL)
    with pytest.raises(ValueError, match=message):
        generator.fit(text)
    assert not hasattr(generator, "coefs_")


@pytest.mark.parametrize("text", [5, None, b"ab", {"a", "b"}])
def test_what_is_no_text_is_refused(text):
    with pytest.raises(TypeError, match=f"X must be a str, .*, got {type(text).__name__}"):
        RNNGenerator(**SMALL).fit(text)


def test_one_symbol_of_a_known_vocabulary_cannot_be_learnt_from():
    with pytest.raises(ValueError, match="X must hold at least two symbols, one to be read and one to be learnt"):
        RNNGenerator(**SMALL).partial_fit("a", vocabulary="ab")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"n": 0}, "n must be an integer from 1"),
        ({"n": 2.5}, "n must be an integer from 1"),
        ({"temperature": 0}, "temperature must be a positive number, got 0"),
        ({"temperature": -1.0}, "temperature must be a positive number"),
        ({"temperature": float("nan")}, "temperature must be a positive number"),
        ({"temperature": "hot"}, "temperature must be a positive number"),
        ({"top_k": 0}, "top_k must be an integer from 1"),
        ({"prompt": ""}, "prompt is empty"),
        ({"prompt": "abxay"}, r"prompt holds symbols that were not learnt: 'x' \(position 2\), 'y' \(position 4\)"),
        ({"prompt": ["ab", "c"]}, "prompt must be one text, got 2"),
        ({"prompt": 3}, "prompt must be a str"),
    ],
)
def test_bad_wishes_are_refused(learnt, arguments, message):
    with pytest.raises((ValueError, TypeError), match=message):
        learnt.generate(**{"n": 5, **arguments})


def test_documents_are_not_scored_by_a_generator_of_one_text(learnt):
    with pytest.raises(ValueError, match="X is a list of documents, but one text was learnt"):
        learnt.score(["ab", "abc"])


@pytest.mark.parametrize(
    "parameters",
    [
        {"cell": "lstn"},
        {"hidden_layer_sizes": ()},
        {"hidden_layer_sizes": (8, True)},
        {"cell": ("gru", "lstm")},
        {"bptt_steps": 0},
        {"bptt_steps": True},
        {"embedding_size": 0},
        {"dropout": 1.0},
        {"symbols": "words"},
        {"max_iter": 0},
    ],
)
def test_bad_parameters_are_refused(parameters):
    with pytest.raises(InvalidParameterError):
        RNNGenerator(**{**SMALL, **parameters}).fit(PATTERN)


@pytest.mark.slow
def test_shakespeare_is_learnt_to_a_known_loss():
    path = Path(os.environ.get("RNNFORECAST_DATA", "")) / "text" / "tinyshakespeare.txt"
    if not path.is_file():
        pytest.skip("needs RNNFORECAST_DATA with text/tinyshakespeare.txt")
    text = path.read_text(encoding="utf-8")
    n = int(0.9 * len(text))
    generator = RNNGenerator(max_iter=3, early_stopping=False, random_state=0, n_jobs=2).fit(text[:n])
    assert -generator.score(text[n:]) < 1.75  # counting what follows each three characters gives 1.79
