"""A recurrent forecaster for pandas series, blended with a closed-form linear model by what the data support."""

from __future__ import annotations

from numbers import Integral, Real
from typing import Any, ClassVar

from sklearn.utils._param_validation import Interval, StrOptions

from rnnforecast.estimators._architecture import CONSTRAINTS, check
from rnnforecast.estimators._base import BaseForecaster
from rnnforecast.estimators._blended import BlendedForecaster
from rnnforecast.estimators._distributions import DISTRIBUTIONS, check_distribution
from rnnforecast.estimators._echo_state import check_ridge
from rnnforecast.estimators._forking import check_forked
from rnnforecast.estimators._reservoir import CONSTRAINTS as RESERVOIR
from rnnforecast.estimators._reservoir import check_reservoir
from rnnforecast.estimators._training import CONSTRAINTS as TRAINING
from rnnforecast.estimators._training import check_training
from rnnforecast.kernels.losses import LOSSES
from rnnforecast.transforms import TRANSFORMS


class RNNForecaster(BlendedForecaster):
    """Forecast a series with a recurrent network beside closed-form models.

    The forecast is ``closed + weight (network - closed)`` with a weight that held-out windows support; attributes and
    the representation say how large it is, and whether there was any skill at all.

    Parameters
    ----------
    horizon : int, default=1
        Steps forecast at once. Longer forecasts go on from their own values, shorter ones are cut.
    cell : str, Cell, or tuple of these, default="gru"
        One for all layers or for each: "rnn", "lstm", "gru", "mgu", "peephole", "mingru", "minlstm", "slstm", "leaky".
    hidden_layer_sizes : tuple of int, default=(32,)
        Units of each recurrent layer.
    activation : {"tanh", "relu", "sigmoid"}, default="tanh"
        Of Elman cells (``cell="rnn"``).
    bidirectional : bool, default=False
        Read the known past in both directions; but the last layer of "seq2seq" and "parallel", which hands its state
        on, reads forward only. Not for "recursive".
    layer_norm : bool, default=False
        Normalise the states of each recurrent layer, but for a last one that hands its state on.
    residual : bool, default=False
        Add to the states of each recurrent layer, from the second on, those of the layer below, again but for a last
        one that hands its state on.
    lookback : "auto" or int, default="auto"
        Past steps that are read; a number is filled up to whole segments.
    segment_length : "auto", int or None, default="auto"
        Steps joined into one step of the recurrence (Lin et al., 2023); "auto" is the shortest season, None is 1.
    conv_filters : int, default=0
        Filters of a causal convolution over the inputs, before they are joined into segments; 0 for none. Not for
        "recursive".
    conv_kernel_size, conv_dilation : int, default=3, 1
        Steps that a filter sees, and how many steps apart they are.
    skip_period : int or None, default=None
        Add a small recurrence that steps so many steps at a time, a season, beside the other (Lai et al., 2018); for
        "direct" only.
    decoder : {"direct", "parallel", "recursive", "seq2seq"}, default="direct"
        All steps from the newest state by a linear map, or segment by segment by a second cell; one step at a time with
        the same cell, or with a second one (an encoder-decoder).
    attention : {"additive", "dot"} or None, default=None
        Whether each step of "seq2seq", or "direct" once, looks back at all states (Bahdanau et al., 2015; Vaswani et
        al., 2017).
    teacher_forcing : float in [0, 1], default=1.0
        Probability of a step of "seq2seq" to be trained on the true value before it instead of the forecast one; falls
        to 0 in the course of the training (Bengio et al., 2015).
    head_layer_sizes : tuple of int, default=()
        Rectified layers between state and forecast.
    highway : int, default=0
        Newest values that also enter the output linearly (Lai et al., 2018).
    dropout : float in [0, 1), default=0.1
        After each recurrent layer, while training.
    variational_dropout : bool, default=False
        Draw the dropout between layers once for all steps of a window (Gal and Ghahramani, 2016).
    zoneout : float in [0, 1), default=0.0
        Probability of each unit, at each step of a training, to stay as it was (Krueger et al., 2017).
    channels : {"independent", "joint"}, default="independent"
        Several targets: one network used for each column alone, or one for all together.
    past_covariates : list of str or None, default=None
        Columns of X that are known up to the forecast origin only; the others are known in the future too.
    static_covariates : list of str or None, default=None
        Columns of X with one value for each series of a panel, numbers or categories (of more than eight a table is
        learnt). The network reads them; a later X need not have them, but a `history` must. A category that was not in
        the data of `fit` is none of those that were.
    calendar : tuple of {"minute_of_hour", "hour", "weekday", "month", "day_of_year"} or None, default=None
        Covariates made from the index.
    season_length : "auto", int, tuple of int or None, default="auto"
    target_transform : "auto", None, str or tuple of str, default="auto"
        What is learnt on: "log", "boxcox" (its power makes fluctuations alike at all levels), "difference",
        "seasonal_difference", "log_return", or several in turn such as ``("log", "seasonal_difference")``. Forecasts
        are in original units. "auto" takes logarithms of positive series whose fluctuations grow with their level.
    scale : {"standard", "minmax", "robust"} or None, default="standard"
    window_norm : {"auto", "last", "difference", "standard"} or None, default="auto"
        What each window is freed of: its last value; its last value and the size of its steps; its mean and deviation;
        or nothing. Auto is "last" for a single series and "difference" for a panel; differences keep theirs.
    missing : {"error", "mask", "interpolate"}, default="error"
        "mask": what is missing in the target and in past covariates does not count in the loss, and the network is told
        by two more inputs for each whether it was observed and how long ago (Che et al., 2018); covariates known in
        advance must be there. "interpolate": what is missing is filled with a line and learnt as if it had been
        observed. With both, a forecast begins at the newest observation of its column.
    missing_values : float, tuple of float or None, default=None
        Numbers that stand for a missing value as NaN does, such as -999.
    freq : str, offset or None, default=None
        Frequency of the index where it cannot be inferred.
    intervals : {"adaptive", "conformal"}, default="adaptive"
        Calibrate intervals on held-out and later rows, old ones counting less, or on the held-out ones alone, alike.
    blend : "auto", float in [0, 1] or None, default="auto"
        Weight of the network beside the closed-form model; None is the network alone.
    committee : bool, default=True
        Whether the closed-form model of a single series is a mean, weighed by cross-validation (Breiman, 1996), of
        linear ones on a long window and on a short one and of a small echo state network; False, and that of a panel or
        of more than a million rows, is `LinearForecaster`'s model alone.
    n_estimators : int, default=3
        Networks, from different seeds, that are averaged.
    loss : str, default="absolute_error"
        "absolute_error", "squared_error" or "huber" of the forecast; or a distribution, with "direct" and "parallel"
        only, of levels and without a mask: "quantile", "gaussian" or "student_t", whose median is blended; of counts
        "negative_binomial" or "poisson", whose mean is the forecast, of the network alone and unscaled (Salinas et al.,
        2020). Intervals are those of the distribution, calibrated.
    quantiles : tuple of float, default=(0.1, 0.5, 0.9)
        What loss="quantile" learns; the median is added. Others are interpolated.
    solver : {"adamw", "adam", "sgd", "rmsprop", "ridge"}, default="adamw"
        "ridge" is an echo state network (Jaeger, 2001): recurrent weights stay random, a linear readout of states, lags
        and covariates is solved in closed form, from the newest 100,000 rows of a single series. Use ``cell="leaky"``
        and some 200 units.
    spectral_radius, sparsity, input_scaling : float, default=0.95, 0.9, 0.5
        Of random recurrent weights: largest absolute eigenvalue and share of zeros; range of the input weights.
    leak : float or tuple of float, default=(0.05, 0.2, 0.5, 1.0)
        Of leaky cells: share of the state renewed at each step; every unit draws one of a tuple.
    alpha : float, default=0.01
        Weight decay.
    momentum : float, default=0.9
        Of "sgd".
    nesterovs_momentum : bool, default=True
    batch_size : "auto" or int, default="auto"
        Windows of an update.
    learning_rate : {"cosine", "constant", "plateau"}, default="cosine"
    learning_rate_init : float, default=0.002
    max_iter : "auto" or int, default="auto"
        Passes over the windows; "auto" is forty, within 100 to 500 updates, 1,500 of a panel.
    forking_sequences : bool, default=False
        Learn from every step of the carried series instead of windows (Wen et al., 2017): an epoch costs as many steps
        as there are rows, whatever the lookback. The minibatch is then the next piece of up to 64 (or `batch_size`)
        parallel stretches of the series.
    bptt_steps : int or None, default=None
        Length of a piece, beyond which states are carried but no gradient goes; None is half the lookback, at least 32.
    shuffle : bool, default=True
    clip_norm : float or None, default=1.0
        Largest norm of a gradient.
    clip_value : float or None, default=None
        Largest absolute value of a gradient's element.
    early_stopping : bool, default=True
        Keep the weights that were best on the last `validation_fraction` of the time.
    validation_fraction : float in (0, 1), default=0.15
    n_iter_no_change : int or None, default=None
        Stop after so many validations without improvement; None follows the schedule to its end.
    tol : float, default=1e-6
        Smallest improvement of the validation loss.
    refit : bool, default=True
        Train again on all rows for as many updates as were best.
    warm_start : bool, default=False
        Start from the weights of the last fit where they have the same shape.
    dtype : {"float32", "float64"}, default="float32"
    random_state : int, RandomState or None, default=None
    verbose : bool or int, default=False
        Print how each training goes: at most a line a second and one at its end; 2 prints all there are.
    callback : callable or None, default=None
        Called some fifteen times in each training with a `rnnforecast.training.progress.Progress`; ``callback=print``
        prints it. Where it returns True the fit ends: the network at hand keeps its best weights, no other is begun,
        and the second training, on all rows, counts only if it was finished. Clones share a function, but copy an
        object. To be pickled, or sent to other processes, it must be a function of a module, no lambda.
    n_jobs : int or None, default=None
        Threads of one fit; results are the same bits for any number.

    Attributes
    ----------
    blend_weight_ : float or ndarray of shape (K,)
    skill_ : float
        One minus the mean absolute error over that of the better naive forecast (last value, seasonal), on held-out
        windows.
    no_skill_ : bool
        Whether the data show no skill beyond a naive forecast.
    linear_ : Committee, LinearModel or None
        The closed-form part; ``shares_`` (K, 2 or 3) of a committee are the weights of its long window, of its short
        one where it is shorter, and of the echo state network.
    cutoff_ : label
        Last time that is known.
    freq_, season_length_, lookback_, n_parameters_, n_features_in_, feature_names_in_
    attention_ : ndarray of shape (K or 1, h, T)
        With `attention`: weights of the T steps (or segments) read in each step of the last forecast, or in its first
        `horizon` steps together (h = 1) where the decoder is "direct".
    network_ : Network
    coefs_ : list of ndarray
        Flat weights of each network.
    loss_curve_, validation_scores_, n_iter_, best_loss_
        Of the first network, as in `sklearn.neural_network.MLPRegressor`.

    Examples
    --------
    >>> import numpy as np, pandas as pd
    >>> from rnnforecast import RNNForecaster
    >>> hours = pd.date_range("2024-01-01", periods=400, freq="h")
    >>> load = pd.Series(10 + np.sin(2 * np.pi * np.arange(400) / 24), index=hours)
    >>> RNNForecaster(horizon=24, random_state=0).fit(load).forecast(3).round(1).to_list()
    [9.1, 9.0, 9.0]
    """

    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {
        **BaseForecaster._parameter_constraints,
        **CONSTRAINTS,
        "static_covariates": [list, tuple, None],
        "season_length": [StrOptions({"auto"}), Interval(Integral, 1, None, closed="left"), tuple, list, None],
        "target_transform": [StrOptions({"auto", *TRANSFORMS}), tuple, list, None],
        "scale": [StrOptions({"standard", "minmax", "robust"}), None],
        "window_norm": [StrOptions({"auto", "last", "difference", "standard"}), None],
        "blend": [StrOptions({"auto"}), Interval(Real, 0, 1, closed="both"), None],
        "n_estimators": [Interval(Integral, 1, None, closed="left")],
        **TRAINING,
        **RESERVOIR,
        "committee": ["boolean"],
        "loss": [StrOptions({*LOSSES, *DISTRIBUTIONS})],
        "quantiles": [tuple, list],
    }

    def __init__(
        self,
        horizon: int = 1,
        *,
        cell: Any = "gru",
        hidden_layer_sizes: Any = (32,),
        activation: str = "tanh",
        bidirectional: bool = False,
        layer_norm: bool = False,
        residual: bool = False,
        lookback: Any = "auto",
        segment_length: Any = "auto",
        conv_filters: int = 0,
        conv_kernel_size: int = 3,
        conv_dilation: int = 1,
        skip_period: int | None = None,
        decoder: str = "direct",
        attention: str | None = None,
        teacher_forcing: float = 1.0,
        head_layer_sizes: Any = (),
        highway: int = 0,
        dropout: float = 0.1,
        variational_dropout: bool = False,
        zoneout: float = 0.0,
        channels: str = "independent",
        past_covariates: Any = None,
        static_covariates: Any = None,
        calendar: Any = None,
        season_length: Any = "auto",
        target_transform: Any = "auto",
        scale: str | None = "standard",
        window_norm: str | None = "auto",
        missing: str = "error",
        missing_values: Any = None,
        freq: Any = None,
        intervals: str = "adaptive",
        blend: Any = "auto",
        committee: bool = True,
        n_estimators: int = 3,
        loss: str = "absolute_error",
        quantiles: Any = (0.1, 0.5, 0.9),
        solver: str = "adamw",
        spectral_radius: float = 0.95,
        sparsity: float = 0.9,
        input_scaling: float = 0.5,
        leak: Any = (0.05, 0.2, 0.5, 1.0),
        alpha: float = 0.01,
        momentum: float = 0.9,
        nesterovs_momentum: bool = True,
        batch_size: Any = "auto",
        learning_rate: str = "cosine",
        learning_rate_init: float = 0.002,
        max_iter: Any = "auto",
        forking_sequences: bool = False,
        bptt_steps: int | None = None,
        shuffle: bool = True,
        clip_norm: float | None = 1.0,
        clip_value: float | None = None,
        early_stopping: bool = True,
        validation_fraction: float = 0.15,
        n_iter_no_change: int | None = None,
        tol: float = 1e-6,
        refit: bool = True,
        warm_start: bool = False,
        dtype: str = "float32",
        random_state: Any = None,
        verbose: bool | int = False,
        callback: Any = None,
        n_jobs: int | None = None,
    ):
        self.horizon = horizon
        self.cell = cell
        self.hidden_layer_sizes = hidden_layer_sizes
        self.activation = activation
        self.bidirectional = bidirectional
        self.layer_norm = layer_norm
        self.residual = residual
        self.lookback = lookback
        self.segment_length = segment_length
        self.conv_filters = conv_filters
        self.conv_kernel_size = conv_kernel_size
        self.conv_dilation = conv_dilation
        self.skip_period = skip_period
        self.decoder = decoder
        self.attention = attention
        self.teacher_forcing = teacher_forcing
        self.head_layer_sizes = head_layer_sizes
        self.highway = highway
        self.dropout = dropout
        self.variational_dropout = variational_dropout
        self.zoneout = zoneout
        self.channels = channels
        self.past_covariates = past_covariates
        self.static_covariates = static_covariates
        self.calendar = calendar
        self.season_length = season_length
        self.target_transform = target_transform
        self.scale = scale
        self.window_norm = window_norm
        self.missing = missing
        self.missing_values = missing_values
        self.freq = freq
        self.intervals = intervals
        self.blend = blend
        self.committee = committee
        self.n_estimators = n_estimators
        self.loss = loss
        self.quantiles = quantiles
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
        self.forking_sequences = forking_sequences
        self.bptt_steps = bptt_steps
        self.shuffle = shuffle
        self.clip_norm = clip_norm
        self.clip_value = clip_value
        self.early_stopping = early_stopping
        self.validation_fraction = validation_fraction
        self.n_iter_no_change = n_iter_no_change
        self.tol = tol
        self.refit = refit
        self.warm_start = warm_start
        self.dtype = dtype
        self.random_state = random_state
        self.verbose = verbose
        self.callback = callback
        self.n_jobs = n_jobs

    def _validate_params(self) -> None:
        super()._validate_params()
        check(self)
        check_forked(self)
        check_distribution(self)
        check_training(self)
        check_reservoir(self)
        check_ridge(self)
