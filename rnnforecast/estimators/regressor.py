"""A recurrent regressor whose rows are sequences."""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np
from sklearn.base import MultiOutputMixin, RegressorMixin
from sklearn.utils._param_validation import StrOptions
from sklearn.utils.metaestimators import available_if
from sklearn.utils.validation import check_array

from rnnforecast.estimators._sequence_reading import Given, numbers, read_targets
from rnnforecast.estimators._sequence_ridge import trains
from rnnforecast.estimators._sequences import SequenceEstimator, scaled, weighted_scaler
from rnnforecast.kernels.losses import LOSSES
from rnnforecast.network.sequence_objective import Numbers
from rnnforecast.network.sequences import Sequences


class RNNRegressor(MultiOutputMixin, RegressorMixin, SequenceEstimator):
    """Numbers from sequences: of each as a whole, or of each of its steps.

    A row of X is a sequence: (n, T) are T steps of one feature, (n, T, F) of F features, and a list of arrays (T_i, F)
    or (T_i,) holds sequences of unequal length, which are padded at the end and masked: padding changes no result.

    ================ ========================================= ===============================================
    shape            X                                         y
    ================ ========================================= ===============================================
    one to one       one step: (n, 1) or (n, 1, F)             (n,) or (n, k)
    one to many      one step                                  (n, S) or (n, S, k), ``output="last"``
    many to one      (n, T), (n, T, F) or a list               (n,) or (n, k), ``output="last"``
    many to many     (n, T), (n, T, F) or a list               S steps of their own: (n, S) or (n, S, k),
                                                               ``output="last"``
    aligned          (n, T), (n, T, F) or a list               a value at each step: (n, T), (n, T, k) or a list
                                                               of (T_i,) or (T_i, k), ``output="steps"``
    ================ ========================================= ===============================================

    Parameters
    ----------
    output : {"last", "steps"}, default="last"
        Where the answers are read: from the state after the whole sequence, or from that of every step. The shape of y
        never decides it.
    cell : str, Cell, or tuple of these, default="gru"
        One for all layers or for each: "rnn", "lstm", "gru", "mgu", "peephole", "mingru", "minlstm", "slstm", "leaky".
    hidden_layer_sizes : int or tuple of int, default=(32,)
        Units of each recurrent layer, of each direction if there are two.
    activation : {"tanh", "relu", "sigmoid"}, default="tanh"
        Of Elman cells (``cell="rnn"``).
    bidirectional : bool, default=False
        Read each sequence in both directions; with ``output="steps"`` an answer then knows later steps too.
    attention : {"additive", "dot"} or None, default=None
        Add to the last state a mean of all, weighted by their match with it; only for ``output="last"``.
    conv_filters : int, default=0
        Filters of a causal convolution before the recurrence, 0 for none.
    conv_kernel_size : int, default=3
        Steps that a filter sees.
    layer_norm : bool, default=False
        Normalise the state after each recurrent layer.
    head_layer_sizes : tuple of int, default=()
        Rectified layers between state and answer.
    dropout : float in [0, 1), default=0.1
        After each recurrent layer, while training.
    scale : "standard" or None, default="standard"
        Give every feature, and every column of y, mean 0 and deviation 1 on the training sequences.
    loss : {"squared_error", "absolute_error", "huber"}, default="squared_error"
    solver : {"adamw", "adam", "sgd", "rmsprop", "ridge"}, default="adamw"
        "ridge" is an echo state network (Jaeger, 2001): recurrent weights stay random, a linear readout of the states
        is solved in closed form. Use ``cell="leaky"`` and some 200 units.
    spectral_radius, sparsity, input_scaling : float, default=0.95, 0.9, 0.5
        Of random recurrent weights: largest absolute eigenvalue and share of zeros; range of the input weights.
    leak : float or tuple of float, default=(0.05, 0.2, 0.5, 1.0)
        Of leaky cells: share of the state renewed at each step; every unit draws one of a tuple.
    alpha : "auto" or float, default="auto"
        Weight decay: beside the gradient of "adamw", through that of the others. "auto" is 0.1 in the first case and
        0.0001 in the second. Of "ridge", the penalty in mean squares of a state, "auto" by cross-validation.
    momentum : float, default=0.9
        Of "sgd".
    nesterovs_momentum : bool, default=True
    batch_size : "auto" or int, default="auto"
        Sequences of an update; "auto" is a quarter of them, within 8 to 64.
    learning_rate : {"cosine", "constant", "plateau"}, default="cosine"
        "plateau" halves it when the validation loss stays where it is, and needs ``early_stopping=True``.
    learning_rate_init : float, default=0.005
    max_iter : "auto" or int, default="auto"
        Passes over the sequences; "auto" is forty, within 600 to 3000 updates.
    shuffle : bool, default=True
    clip_norm : float or None, default=1.0
        Largest norm of a gradient.
    clip_value : float or None, default=None
        Largest absolute value of a gradient's element.
    early_stopping : bool, default=False
        Keep the weights that were best on held-out sequences:
        the last `validation_fraction`.
    validation_fraction : float in (0, 1), default=0.15
    n_iter_no_change : int or None, default=None
        Stop after so many epochs without improvement on the held-out sequences; None goes on to the end.
    tol : float, default=1e-6
        Smallest improvement of the validation loss.
    warm_start : bool, default=False
        Start from the weights of the last fit where network and answers are the same.
    dtype : {"float32", "float64"}, default="float32"
    random_state : int, RandomState or None, default=None
    verbose : bool or int, default=False
    callback : callable or None, default=None
        As in `RNNForecaster`; called after every epoch, and within long ones.
    n_jobs : int or None, default=None
        Threads of one fit; results are the same bits for any number.

    Attributes
    ----------
    n_features_in_ : int
        T for a table (n, T), F otherwise.
    feature_names_in_ : ndarray of shape (T,)
        Columns of a table, if all are strings.
    network_ : SequenceNetwork
    coefs_ : list of ndarray
        The flat weights of the network.
    n_parameters_, n_iter_, loss_curve_, best_loss_
        As in `sklearn.neural_network.MLPRegressor`.
    validation_scores_ : list of float
        Validation losses with ``early_stopping=True``, that of the starting weights first.

    Examples
    --------
    >>> import numpy as np
    >>> from rnnforecast.estimators.regressor import RNNRegressor
    >>> X = np.random.default_rng(0).normal(size=(200, 10))
    >>> y = X.sum(axis=1)
    >>> RNNRegressor(random_state=0).fit(X[:150], y[:150]).score(X[150:], y[150:]) > 0.9
    True
    """

    _parameter_constraints: ClassVar[dict[str, Any]] = {
        **SequenceEstimator._parameter_constraints,
        "loss": [StrOptions(set(LOSSES) - {"quantile"})],
    }

    def __init__(
        self,
        *,
        output: str = "last",
        cell: Any = "gru",
        hidden_layer_sizes: Any = (32,),
        activation: str = "tanh",
        bidirectional: bool = False,
        attention: str | None = None,
        conv_filters: int = 0,
        conv_kernel_size: int = 3,
        layer_norm: bool = False,
        head_layer_sizes: Any = (),
        dropout: float = 0.1,
        scale: str | None = "standard",
        loss: str = "squared_error",
        solver: str = "adamw",
        spectral_radius: float = 0.95,
        sparsity: float = 0.9,
        input_scaling: float = 0.5,
        leak: Any = (0.05, 0.2, 0.5, 1.0),
        alpha: Any = "auto",
        momentum: float = 0.9,
        nesterovs_momentum: bool = True,
        batch_size: Any = "auto",
        learning_rate: str = "cosine",
        learning_rate_init: float = 0.005,
        max_iter: Any = "auto",
        shuffle: bool = True,
        clip_norm: float | None = 1.0,
        clip_value: float | None = None,
        early_stopping: bool = False,
        validation_fraction: float = 0.15,
        n_iter_no_change: int | None = None,
        tol: float = 1e-6,
        warm_start: bool = False,
        dtype: str = "float32",
        random_state: Any = None,
        verbose: bool | int = False,
        callback: Any = None,
        n_jobs: int | None = None,
    ):
        self.output = output
        self.cell = cell
        self.hidden_layer_sizes = hidden_layer_sizes
        self.activation = activation
        self.bidirectional = bidirectional
        self.attention = attention
        self.conv_filters = conv_filters
        self.conv_kernel_size = conv_kernel_size
        self.layer_norm = layer_norm
        self.head_layer_sizes = head_layer_sizes
        self.dropout = dropout
        self.scale = scale
        self.loss = loss
        self.solver = solver
        self.spectral_radius = spectral_radius
        self.sparsity = sparsity
        self.input_scaling = input_scaling
        self.leak = leak
        self.alpha = alpha
        self.momentum = momentum
        self.nesterovs_momentum = nesterovs_momentum
        self.batch_size = batch_size
        self.learning_rate = learning_rate
        self.learning_rate_init = learning_rate_init
        self.max_iter = max_iter
        self.shuffle = shuffle
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

    def fit(self, X: Any, y: Any, sample_weight: Any = None) -> RNNRegressor:
        """Learn from sequences.

        Parameters
        ----------
        X : array (n, T) or (n, T, F), or list of arrays (T_i, F) or (T_i,)
        y : array (n, ...), or by steps an array (n, T[, k]) or a list of arrays (T_i,) or (T_i, k)
        sample_weight : array-like of shape (n,), optional
            A weight of two counts as two equal sequences, one of zero as none, but for the chance in minibatches and
            dropout.

        Returns
        -------
        self
            The fitted regressor. When `fit` fails or is interrupted, the regressor stays as it was.

        Raises
        ------
        InvalidParameterError
            A parameter out of its range, or parameters that do not go together.
        TypeError, ValueError
            Data of another form; the sentence says where and what to do.
        """
        return self._fit(X, y, sample_weight, partial=False)

    @available_if(trains)
    def partial_fit(self, X: Any, y: Any, sample_weight: Any = None) -> RNNRegressor:
        """Go once through the sequences from where the last call, or `fit`, stopped.

        Parameters
        ----------
        X, y, sample_weight : as in `fit`
            The first call fixes the scale.

        Returns
        -------
        self
            As in `fit`.
        """
        return self._fit(X, y, sample_weight, partial=True)

    def predict(self, X: Any) -> Any:
        """Return the numbers of sequences.

        Parameters
        ----------
        X : as in `fit`
            Sequences may be longer or shorter than those learnt from, but for a table (n, T).

        Returns
        -------
        ndarray or list of ndarray
            Shaped as y in `fit`, float64; a list by steps if X is one.
        """
        given, answers = self._answers(X)
        values = self._target_scaler.inverse(answers)
        return given.arrange(values, self._answer_shape, by_steps=self._by_steps)

    def score(self, X: Any, y: Any, sample_weight: Any = None) -> float:
        """Return the coefficient of determination R², the mean over the columns of y.

        Parameters
        ----------
        X, y, sample_weight : as in `fit`

        Returns
        -------
        float
            At most 1.
        """
        given, answers = self._answers(X)
        values = self._target_scaler.inverse(answers)
        truth = self._as_answers(self._read_truth(y, given, reset=False), given)
        weight = None if sample_weight is None else np.repeat(np.asarray(sample_weight), truth.lengths)
        from sklearn.metrics import r2_score  # takes longer to import than all of this package

        return float(r2_score(truth.values, values, sample_weight=weight))

    def _read_truth(self, y: Any, given: Given, *, reset: bool, classes: Any = None) -> np.ndarray:
        entries = numbers(read_targets(y, given, by_steps=self._by_steps), "y")
        shape = entries.shape[1:]
        if 0 in shape or len(shape) > 2:
            raise ValueError(f"y must hold numbers, or arrays of one or two axes, for each answer, got shape {shape}")
        if reset:
            self._answer_shape = shape
        elif shape != self._answer_shape:
            raise ValueError(f"y must have the shape of fit, {self._answer_shape} for each answer, got {shape}")
        return check_array(entries.reshape(len(entries), -1), input_name="y")

    def _form(self) -> tuple[Any, ...]:
        return self._answer_shape

    def _size(self) -> tuple[int, int]:
        return 1, int(np.prod(self._answer_shape, dtype=int))

    def _learn_scales(self, given: Given, truth: Sequences, weight: np.ndarray | None, rows: np.ndarray) -> None:
        super()._learn_scales(given, truth, weight, rows)
        self._target_scaler = weighted_scaler(truth.values, truth.lengths, rows, weight, self.scale)

    def _targets(self, truth: Sequences, weight: np.ndarray | None, rows: np.ndarray) -> Numbers:
        values = scaled(truth.values, self._target_scaler, self.network_.dtype, "y")
        if weight is not None:
            weight = weight * truth.lengths[rows].sum() / (weight * truth.lengths)[rows].sum()
        return Numbers(Sequences(values, truth.lengths), LOSSES[self.loss], weight)
