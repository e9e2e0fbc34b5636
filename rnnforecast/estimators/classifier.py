"""A recurrent classifier whose rows are sequences."""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np
from sklearn.base import ClassifierMixin
from sklearn.utils import column_or_1d
from sklearn.utils._param_validation import StrOptions
from sklearn.utils.metaestimators import available_if
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import check_array

from rnnforecast.estimators._sequence_classes import class_weights, codes_of, log_probabilities, most_probable
from rnnforecast.estimators._sequence_reading import Given, read_targets
from rnnforecast.estimators._sequence_ridge import trains
from rnnforecast.estimators._sequences import SequenceEstimator
from rnnforecast.network.sequence_objective import Labels
from rnnforecast.network.sequences import Sequences


class RNNClassifier(ClassifierMixin, SequenceEstimator):
    """Classes of sequences: of each as a whole, or of each of its steps.

    A row of X is a sequence: (n, T) are T steps of one feature, (n, T, F) of F features, and a list of arrays (T_i, F)
    or (T_i,) holds sequences of unequal length, which are padded at the end and masked: padding changes no result.

    ================ ========================================= ===============================================
    shape            X                                         y
    ================ ========================================= ===============================================
    one to one       one step: (n, 1) or (n, 1, F)             (n,)
    one to many      one step                                  (n, S), ``output="last"``
    many to one      (n, T), (n, T, F) or a list               (n,), ``output="last"``
    many to many     (n, T), (n, T, F) or a list               S labels of their own: (n, S), ``output="last"``
    aligned          (n, T), (n, T, F) or a list               a label at each step: (n, T) or a list of (T_i,),
                                                               ``output="steps"``
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
        Give every feature mean 0 and deviation 1 on the training sequences.
    class_weight : dict, "balanced" or None, default=None
        Weight of each class in the loss, by label; "balanced" is inverse to how often it is seen.
    solver : {"adamw", "adam", "sgd", "rmsprop", "ridge"}, default="adamw"
        "ridge" is an echo state network (Jaeger, 2001): recurrent weights stay random, a linear readout of the states
        is solved in closed form. Use ``cell="leaky"`` and some 200 units. The answers are least-squares fits of -1 and
        1, or one-hot codes, made log-odds by one factor that held-out labels support.
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
    clip_norm, clip_value : float or None, default=1.0, None
        Largest norm of a gradient, and largest absolute value of its elements.
    early_stopping : bool, default=False
        Keep the weights that were best on held-out sequences:
        the last `validation_fraction` of each class, or of all if they have several labels each.
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
    classes_ : ndarray of shape (C,)
        The labels, sorted.
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
    >>> from rnnforecast.estimators.classifier import RNNClassifier
    >>> X = np.random.default_rng(0).normal(size=(200, 10)).cumsum(axis=1)
    >>> y = np.where(X[:, -1] > 0, "up", "down")
    >>> RNNClassifier(random_state=0).fit(X[:150], y[:150]).score(X[150:], y[150:]) > 0.9
    True
    """

    _parameter_constraints: ClassVar[dict[str, Any]] = {
        **SequenceEstimator._parameter_constraints,
        "class_weight": [dict, StrOptions({"balanced"}), None],
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
        class_weight: Any = None,
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
        self.class_weight = class_weight
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

    def fit(self, X: Any, y: Any, sample_weight: Any = None) -> RNNClassifier:
        """Learn from labelled sequences.

        Parameters
        ----------
        X : array (n, T) or (n, T, F), or list of arrays (T_i, F) or (T_i,)
        y : array (n,) or (n, S), or by steps an array (n, T) or a list of arrays (T_i,)
            Labels: numbers, strings or booleans.
        sample_weight : array-like of shape (n,), optional
            A weight of two counts as two equal sequences, one of zero as none, but for the chance in minibatches and
            dropout.

        Returns
        -------
        self
            The fitted classifier. When `fit` fails or is interrupted, the classifier stays as it was.

        Raises
        ------
        InvalidParameterError
            A parameter out of its range, or parameters that do not go together.
        TypeError, ValueError
            Data of another form, or of one class only; the sentence says where and what to do.
        """
        return self._fit(X, y, sample_weight, partial=False)

    @available_if(trains)
    def partial_fit(self, X: Any, y: Any, classes: Any = None, sample_weight: Any = None) -> RNNClassifier:
        """Go once through the sequences from where the last call, or `fit`, stopped.

        Parameters
        ----------
        X, y, sample_weight : as in `fit`
            The first call fixes the scale.
        classes : array-like of shape (C,), optional
            All labels that will ever come; needed in the first call.

        Returns
        -------
        self
            As in `fit`.
        """
        declared = None if classes is None else np.unique(classes)
        known = getattr(self, "classes_", None)
        if declared is None and known is None:
            raise ValueError("classes must be passed on the first call to partial_fit: all labels that will ever come")
        if declared is not None and known is not None and not np.array_equal(declared, known):
            raise ValueError(f"classes must be those of the first call, {known.tolist()}, got {declared.tolist()}")
        return self._fit(X, y, sample_weight, partial=True, classes=declared)

    def predict(self, X: Any) -> Any:
        """Return the most probable labels.

        Parameters
        ----------
        X : as in `fit`
            Sequences may be longer or shorter than those learnt from, but for a table (n, T).

        Returns
        -------
        ndarray or list of ndarray
            Shaped as y in `fit`; a list by steps if X is one.
        """
        given, logits = self._answers(X)
        return self._arranged(given, self.classes_[most_probable(logits)])

    def decision_function(self, X: Any) -> Any:
        """Return the logits: of the second of two classes, or of each of more.

        Parameters
        ----------
        X : as in `fit`

        Returns
        -------
        ndarray or list of ndarray
            Shaped as y in `fit`, with a last axis of length C for more than two classes.
        """
        given, logits = self._answers(X)
        return self._arranged(given, logits[:, 0] if len(self.classes_) == 2 else logits)

    def predict_log_proba(self, X: Any) -> Any:
        """Return the logarithms of the probabilities of the classes, which do not underflow.

        Parameters
        ----------
        X : as in `fit`

        Returns
        -------
        ndarray or list of ndarray
            Shaped as y in `fit`, with a last axis of length C in the order of ``classes_``.
        """
        given, logits = self._answers(X)
        return self._arranged(given, log_probabilities(logits))

    def predict_proba(self, X: Any) -> Any:
        """Return the probabilities of the classes.

        Parameters
        ----------
        X : as in `fit`

        Returns
        -------
        ndarray or list of ndarray
            Shaped as y in `fit`, with a last axis of length C in the order of ``classes_``.
        """
        given, logits = self._answers(X)
        return self._arranged(given, np.exp(log_probabilities(logits)))

    def score(self, X: Any, y: Any, sample_weight: Any = None) -> float:
        """Return the share of labels that are met.

        Parameters
        ----------
        X, y, sample_weight : as in `fit`

        Returns
        -------
        float
            Between 0 and 1.
        """
        given, logits = self._answers(X)
        labels = read_targets(y, given, by_steps=self._by_steps)
        n_each = given.lengths if self._by_steps else len(logits) // len(given)
        weight = None if sample_weight is None else np.repeat(np.asarray(sample_weight), n_each)
        from sklearn.metrics import accuracy_score  # takes longer to import than all of this package

        return float(accuracy_score(np.ravel(labels), self.classes_[most_probable(logits)], sample_weight=weight))

    def _arranged(self, given: Given, answers: np.ndarray) -> Any:
        return given.arrange(answers, (*self._answer_shape, *answers.shape[1:]), by_steps=self._by_steps)

    def _read_truth(self, y: Any, given: Given, *, reset: bool, classes: Any = None) -> np.ndarray:
        by_steps = self._by_steps
        labels = read_targets(y, given, by_steps=by_steps)
        if not by_steps and labels.ndim == 2 and labels.shape[1] == 1:
            labels = column_or_1d(labels, warn=True)
        shape = labels.shape[1:]
        if 0 in shape or len(shape) > (0 if by_steps else 1):
            raise ValueError(f"y must hold one label for each answer, got shape {shape}")
        flat = check_array(labels.ravel(), ensure_2d=False, dtype=None, input_name="y")
        check_classification_targets(flat)
        if reset:
            self._answer_shape = shape
            self.classes_ = np.unique(flat) if classes is None else classes
            if len(self.classes_) < 2:
                raise ValueError(f"y must hold labels of at least two classes, got 1 class: {self.classes_.tolist()}")
        elif shape != self._answer_shape:
            raise ValueError(f"y must have the shape of fit, {self._answer_shape} for each answer, got {shape}")
        return codes_of(flat, self.classes_)[:, None]

    def _form(self) -> tuple[Any, ...]:
        return (self._answer_shape, self.classes_.tolist())

    def _size(self) -> tuple[int, int]:
        n_classes = len(self.classes_)
        return int(np.prod(self._answer_shape, dtype=int)), 1 if n_classes == 2 else n_classes

    def _held_out(self, rows: np.ndarray, truth: Sequences) -> np.ndarray:
        if len(truth.values) != len(truth):
            return super()._held_out(rows, truth)
        codes = truth.values[rows, 0]
        each = [super(RNNClassifier, self)._held_out(rows[codes == code], truth) for code in np.unique(codes)]
        return np.concatenate(each)

    def _targets(self, truth: Sequences, weight: np.ndarray | None, rows: np.ndarray) -> Labels:
        if weight is None and self.class_weight is None:
            return Labels(truth, len(self.classes_))
        each = np.ones(len(truth.values)) if weight is None else np.repeat(weight, truth.lengths)
        learnt = np.repeat(np.isin(np.arange(len(truth)), rows), truth.lengths)
        codes = truth.values[:, 0]
        each = each * class_weights(self.class_weight, self.classes_, codes[learnt], each[learnt])[codes]
        mean = each[learnt].mean()
        if mean == 0:
            raise ValueError("sample_weight and class_weight leave no label any weight")
        return Labels(truth, len(self.classes_), each[:, None] / mean)
