"""A recurrent network that learns the next symbol of a text, writes on, and says how likely a text is."""

from __future__ import annotations

from copy import copy, deepcopy
from dataclasses import replace
from numbers import Integral, Real
from typing import Any, ClassVar

import numpy as np
from sklearn.utils import check_random_state
from sklearn.utils._param_validation import Interval, StrOptions
from sklearn.utils.validation import check_is_fitted

from rnnforecast.estimators import _generator as learning
from rnnforecast.estimators._interchange import GeneratorInterchange
from rnnforecast.estimators._parameters import checked_number
from rnnforecast.estimators._saving import Saved
from rnnforecast.estimators._symbols import Alphabet, Text, read
from rnnforecast.estimators._threads import one_blas_thread
from rnnforecast.estimators._watching import CONSTRAINTS as WATCHING
from rnnforecast.estimators._watching import CallbackSupportMixin, Watch, watched
from rnnforecast.estimators._writing import Choice, TextModel
from rnnforecast.kernels.cells import Cell
from rnnforecast.network.sequences import SequenceNetwork
from rnnforecast.training.optimizers import Optimizer

COUNT = Interval(Integral, 1, None, closed="left")


class RNNGenerator(CallbackSupportMixin, GeneratorInterchange, Saved):
    """Learn the next symbol of a text or token sequence; generate, and score.

    At every step a symbol goes in and a probability of each possible next one comes out. The text is cut into parallel
    streams and learnt piece by piece, the state being carried from each piece to the next (truncated backpropagation
    through time).

    Parameters
    ----------
    cell : {"gru", "lstm", "rnn"}, Cell, or tuple of these, default="gru"
        Recurrent cell, or one for each layer.
    hidden_layer_sizes : tuple of int, default=(128,)
        Units of each recurrent layer.
    activation : {"tanh", "relu", "sigmoid"}, default="tanh"
        Of Elman cells (``cell="rnn"``).
    embedding_size : "auto" or int, default="auto"
        Numbers that stand for a symbol at the input; "auto" is the number of symbols, at most 64.
    head_layer_sizes : tuple of int, default=()
        Rectified layers between state and probabilities.
    dropout : float in [0, 1), default=0.0
        After each recurrent layer, while training.
    bptt_steps : int, default=64
        Symbols over which is backpropagated; the state reaches back further.
    symbols : {"auto", "characters", "tokens"}, default="auto"
        What the strings of a list are: documents of characters or symbols. "auto" takes those of a list for documents,
        unless all are single characters, and those of an array for symbols.
    solver : {"adamw", "adam", "sgd", "rmsprop"}, default="adamw"
    alpha : float, default=0.01
        Weight decay.
    momentum : float, default=0.9
        Of "sgd".
    nesterovs_momentum : bool, default=True
    batch_size : "auto" or int, default="auto"
        Parallel streams; "auto" is 64, fewer where a stream would have less than four pieces.
    learning_rate : {"cosine", "constant", "plateau"}, default="cosine"
    learning_rate_init : float, default=0.008
    max_iter : "auto" or int, default="auto"
        Passes over the text; "auto" is ten, or as many as make 1000 updates.
    clip_norm : float or None, default=1.0
        Largest norm of a gradient.
    clip_value : float or None, default=None
        Largest absolute value of a gradient's element.
    early_stopping : bool, default=True
        Keep the weights that were best on the last `validation_fraction` of the text, which is not learnt from.
    validation_fraction : float in (0, 1), default=0.1
    n_iter_no_change : int or None, default=None
        Stop after so many passes without improvement; None follows the schedule to its end.
    tol : float, default=1e-6
        Smallest improvement of the validation loss.
    warm_start : bool, default=False
        Start from the weights of the last fit where symbols and shapes are the same.
    dtype : {"float32", "float64"}, default="float32"
    random_state : int, RandomState or None, default=None
    verbose : bool or int, default=False
    callback : callable or None, default=None
        As in `RNNForecaster`; called after every pass over the text, and within long ones.
    n_jobs : int or None, default=None
        Threads of one fit; results are the same bits for any number.

    Attributes
    ----------
    vocabulary_ : dict
        Number of each symbol.
    network_ : SequenceNetwork
    coefs_ : list of ndarray
        The flat weights.
    n_parameters_ : int
    loss_curve_, validation_scores_ : list of float
        Nats per symbol after each pass, of learning and on the validation part.
    n_iter_, best_loss_
        As in `sklearn.neural_network.MLPRegressor`.

    Notes
    -----
    A list of documents is one text in which an end is put before, between and after them. It is learnt, generated and
    scored like a symbol, but is not part of the vocabulary.

    Examples
    --------
    >>> from rnnforecast.estimators.generator import RNNGenerator
    >>> generator = RNNGenerator(hidden_layer_sizes=(16,), max_iter=100, random_state=0).fit("abcd" * 50)
    >>> generator.generate(8, prompt="ab", temperature=0.1, random_state=0)
    'cdabcdab'
    """

    _parameter_constraints: ClassVar[dict[str, Any]] = {
        "cell": [StrOptions({"rnn", "lstm", "gru"}), Cell, tuple, list],
        "hidden_layer_sizes": [tuple, list, COUNT],
        "activation": [StrOptions({"tanh", "relu", "sigmoid"})],
        "embedding_size": [StrOptions({"auto"}), COUNT],
        "head_layer_sizes": [tuple, list],
        "dropout": [Interval(Real, 0, 1, closed="left")],
        "bptt_steps": [COUNT],
        "symbols": [StrOptions({"auto", "characters", "tokens"})],
        "solver": [StrOptions({"adamw", "adam", "sgd", "rmsprop"})],
        "alpha": [Interval(Real, 0, None, closed="left")],
        "momentum": [Interval(Real, 0, 1, closed="left")],
        "nesterovs_momentum": ["boolean"],
        "batch_size": [StrOptions({"auto"}), COUNT],
        "learning_rate": [StrOptions({"cosine", "constant", "plateau"})],
        "learning_rate_init": [Interval(Real, 0, None, closed="neither")],
        "max_iter": [StrOptions({"auto"}), COUNT],
        "clip_norm": [None, Interval(Real, 0, None, closed="neither")],
        "clip_value": [None, Interval(Real, 0, None, closed="neither")],
        "early_stopping": ["boolean"],
        "validation_fraction": [Interval(Real, 0, 1, closed="neither")],
        "n_iter_no_change": [None, COUNT],
        "tol": [Interval(Real, 0, None, closed="left")],
        "warm_start": ["boolean"],
        "dtype": [StrOptions({"float32", "float64"})],
        "random_state": ["random_state"],
        **WATCHING,
        "n_jobs": [None, Integral],
    }

    _model: TextModel
    _rng: np.random.Generator
    _optimizer: Optimizer
    loss_curve_: list[float]

    def __init__(
        self,
        cell: Any = "gru",
        hidden_layer_sizes: Any = (128,),
        *,
        activation: str = "tanh",
        embedding_size: Any = "auto",
        head_layer_sizes: Any = (),
        dropout: float = 0.0,
        bptt_steps: int = 64,
        symbols: str = "auto",
        solver: str = "adamw",
        alpha: float = 0.01,
        momentum: float = 0.9,
        nesterovs_momentum: bool = True,
        batch_size: Any = "auto",
        learning_rate: str = "cosine",
        learning_rate_init: float = 0.008,
        max_iter: Any = "auto",
        clip_norm: float | None = 1.0,
        clip_value: float | None = None,
        early_stopping: bool = True,
        validation_fraction: float = 0.1,
        n_iter_no_change: int | None = None,
        tol: float = 1e-6,
        warm_start: bool = False,
        dtype: str = "float32",
        random_state: Any = None,
        verbose: bool | int = False,
        callback: Any = None,
        n_jobs: int | None = None,
    ):
        self.cell = cell
        self.hidden_layer_sizes = hidden_layer_sizes
        self.activation = activation
        self.embedding_size = embedding_size
        self.head_layer_sizes = head_layer_sizes
        self.dropout = dropout
        self.bptt_steps = bptt_steps
        self.symbols = symbols
        self.solver = solver
        self.alpha = alpha
        self.momentum = momentum
        self.nesterovs_momentum = nesterovs_momentum
        self.batch_size = batch_size
        self.learning_rate = learning_rate
        self.learning_rate_init = learning_rate_init
        self.max_iter = max_iter
        self.clip_norm = clip_norm
        self.clip_value = clip_value
        self.early_stopping = early_stopping
        self.validation_fraction = validation_fraction
        self.n_iter_no_change = n_iter_no_change
        self.tol = tol
        self.warm_start = warm_start
        self.dtype = dtype
        self.random_state = random_state
        self.verbose = verbose
        self.callback = callback
        self.n_jobs = n_jobs

    def fit(self, X: Any, y: Any = None) -> RNNGenerator:
        """Learn a text from the beginning.

        Parameters
        ----------
        X : str, list of tokens, list of documents, or 1-D array of symbols
            Documents are str or lists of tokens; see `symbols` for lists of str.
        y : None
            Ignored.

        Returns
        -------
        RNNGenerator
            Itself. After Ctrl-C with the best weights of the passes that were finished, and a warning; if there was
            none, all is as before.

        Raises
        ------
        ValueError
            If the text is empty, holds a single symbol or missing ones.
        """
        learning.check(self)
        text = read(X, self.symbols)
        return self._take_over(Alphabet.of(text), text, first=True, once=False)

    def partial_fit(self, X: Any, y: Any = None, vocabulary: Any = None) -> RNNGenerator:
        """Go once through a text, from the weights of the last call and at a constant learning rate.

        Parameters
        ----------
        X, y : as in `fit`
        vocabulary : iterable of symbols, optional
            All that will ever come, for the first call; by default those of its `X`.

        Returns
        -------
        RNNGenerator
            Itself.

        Raises
        ------
        ValueError
            As `fit`, and if a later text holds symbols that the first call did not know.
        """
        learning.check(self)
        if hasattr(self, "coefs_"):
            alphabet = self._model.alphabet
            return self._take_over(alphabet, read(X, alphabet.reads), first=False, once=True)
        text = read(X, self.symbols)
        known = text if vocabulary is None else replace(text, documents=[list(vocabulary)])
        name = "X" if vocabulary is None else "vocabulary"
        return self._take_over(Alphabet.of(known, name), text, first=True, once=True)

    def generate(
        self,
        n: int,
        prompt: Any = None,
        temperature: float = 1.0,
        top_k: int | None = None,
        random_state: Any = None,
    ) -> Any:
        """Write on, each symbol drawn from its probability given all before it.

        Parameters
        ----------
        n : int
            Symbols to write; documents may end earlier.
        prompt : text of the kind that was learnt, optional
            What comes before. By default a document begins; any other text with a symbol drawn from the frequencies.
        temperature : float
            Probabilities are raised to the power of its inverse: below 1 the likely gets likelier.
        top_k : int, optional
            Draw among so many of the likeliest symbols.
        random_state : int, RandomState or None
            None draws differently every time.

        Returns
        -------
        str, list or ndarray
            The new symbols, without the prompt; what was learnt decides which.

        Raises
        ------
        ValueError
            If the prompt holds symbols that were not learnt, or a number makes no sense.
        """
        check_is_fitted(self)
        n, choice, rng = checked_number(n, "n"), Choice(temperature, top_k), check_random_state(random_state)
        alphabet = self._model.alphabet
        with one_blas_thread():
            return alphabet.decode(self._model.write(alphabet.encode_prompt(prompt), n, choice, rng))

    def score_samples(self, X: Any) -> np.ndarray:
        """Return the logarithm of each symbol's probability given all before it, in nats.

        Parameters
        ----------
        X : as in `fit`

        Returns
        -------
        ndarray of shape (n_symbols,)
            The first symbol's probability is its smoothed frequency in what was learnt. Of documents each end is
            scored too.
        """
        check_is_fitted(self)
        alphabet = self._model.alphabet
        numbers = alphabet.encode(read(X, alphabet.reads))
        with one_blas_thread():
            return self._model.log_probabilities(numbers)

    def score(self, X: Any, y: Any = None) -> float:
        """Return the mean of `score_samples`: minus the nats per symbol, higher is better.

        Parameters
        ----------
        X, y : as in `fit`

        Returns
        -------
        float
        """
        return float(self.score_samples(X).mean())

    def perplexity(self, X: Any) -> float:
        """Return exp(-score): between how many equally likely symbols each choice is on average.

        Parameters
        ----------
        X : as in `fit`

        Returns
        -------
        float
        """
        return float(np.exp(-self.score(X)))

    def _take_over(self, alphabet: Alphabet, text: Text, *, first: bool, once: bool) -> RNNGenerator:
        """Learn, and take over in one step what was learnt: after a failure all is as before."""
        with watched(self), one_blas_thread():
            watch = Watch(self)
            learner = copy(self)
            learner._learn(alphabet, alphabet.encode(text), watch, first=first, once=once)
            self.__dict__ = learner.__dict__
        return self

    def _learn(self, alphabet: Alphabet, numbers: np.ndarray, watch: Watch, *, first: bool, once: bool) -> None:
        """Learn from the beginning if `first`, else go on; in one pass, or as many as are asked for."""
        learning.require_length(numbers)
        counts = np.bincount(numbers, minlength=len(alphabet))
        if first:
            rng = np.random.default_rng(check_random_state(self.random_state).randint(2**31))
            network = learning.build(self, len(alphabet))
            weights = network.initial(rng)
            if self.warm_start and self._fits(alphabet, network):
                weights[...] = self._model.weights
            optimizer = learning.solver(self, network)
        else:
            rng, optimizer = deepcopy(self._rng), deepcopy(self._optimizer)
            network, weights = self._model.network, self._model.weights.copy()
            counts += self._model.counts

        def learned() -> dict[str, Any]:
            now = weights.copy()
            return {"_model": TextModel(alphabet, network, now, counts), "coefs_": [now]}

        report = watch.report(attributes=learned)
        history = learning.learn(self, network, weights, optimizer, numbers, rng, once=once, report=report)
        self._model, self._rng, self._optimizer = TextModel(alphabet, network, weights, counts), rng, optimizer
        self.vocabulary_, self.network_, self.coefs_ = dict(alphabet.codes), network, [weights]
        self.n_parameters_ = network.layout.size
        self.loss_curve_ = history.loss_curve if first else [*self.loss_curve_, *history.loss_curve]
        self.n_iter_, self.validation_scores_ = len(self.loss_curve_), history.validation_scores[1:]
        self.best_loss_ = min(self.validation_scores_ or self.loss_curve_[-1:], default=np.inf)

    def _fits(self, alphabet: Alphabet, network: SequenceNetwork) -> bool:
        """Whether the last fit's weights mean the same for these symbols and this network."""
        if not hasattr(self, "_model"):
            return False
        before = self._model
        same = before.alphabet.symbols == alphabet.symbols and before.alphabet.ends == alphabet.ends
        return same and before.network.layout.slices == network.layout.slices

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.string = tags.input_tags.one_d_array = True
        tags.input_tags.two_d_array = False
        tags.no_validation = True
        return tags
