"""The network that the parameters of a sequence estimator ask for, and how it is trained."""

from __future__ import annotations

from typing import Any

import numpy as np
from sklearn.utils._param_validation import InvalidParameterError, StrOptions

from rnnforecast.estimators._architecture import CONSTRAINTS as ARCHITECTURE
from rnnforecast.estimators._architecture import cells, sizes
from rnnforecast.estimators._parameters import check_parameters
from rnnforecast.estimators._training import CONSTRAINTS as TRAINING
from rnnforecast.estimators._training import check_training
from rnnforecast.network.attention import Attention
from rnnforecast.network.bidirectional import Bidirectional
from rnnforecast.network.compose import Chain
from rnnforecast.network.convolution import CausalConvolution
from rnnforecast.network.decoders import head
from rnnforecast.network.dropout import Dropout
from rnnforecast.network.layer import Layer
from rnnforecast.network.normalization import LayerNorm
from rnnforecast.network.recurrent import Recurrent
from rnnforecast.network.sequences import LastState, SequenceNetwork
from rnnforecast.training.optimizers import Optimizer, optimizer

ARCHITECTURAL = (
    *("cell", "hidden_layer_sizes", "activation", "bidirectional", "attention", "conv_filters", "conv_kernel_size"),
    *("layer_norm", "head_layer_sizes", "dropout"),
)
TRAINED = (
    *("solver", "momentum", "nesterovs_momentum", "batch_size", "learning_rate", "learning_rate_init", "max_iter"),
    *("shuffle", "clip_norm", "clip_value", "early_stopping", "validation_fraction", "n_iter_no_change", "tol"),
    *("warm_start", "dtype", "random_state", "verbose", "callback", "n_jobs"),
)
CONSTRAINTS: dict[str, Any] = {
    **{name: ARCHITECTURE[name] for name in ARCHITECTURAL},
    **{name: TRAINING[name] for name in TRAINED},
    "alpha": [StrOptions({"auto"}), *TRAINING["alpha"]],
}
DECAY = {"adamw": 0.1}  # beside the gradient; through it, a hundredth of that would already rule the training
OTHER_DECAY = 1e-4
UPDATES = (600, 3000)  # of an automatic training, which lasts forty epochs within these limits
EPOCHS = 40


def check(estimator: Any) -> None:
    """Refuse what cannot be built, before any work."""
    check_parameters(estimator)
    hidden = sizes("hidden_layer_sizes", estimator.hidden_layer_sizes)
    sizes("head_layer_sizes", estimator.head_layer_sizes, at_least=0)
    cells(estimator.cell, estimator.activation, len(hidden))
    if estimator.attention is not None and estimator.output == "steps":
        raise InvalidParameterError(
            f"attention={estimator.attention!r} sums a whole sequence up and cannot answer for each of its steps: use "
            'attention=None or output="last"'
        )
    check_training(estimator)


def build(estimator: Any, n_features: int, n_answers: int, n_outputs: int) -> SequenceNetwork:
    """Build the network: convolution, recurrent layers, attention, head.

    Parameters
    ----------
    estimator : SequenceEstimator
    n_features : int
        F.
    n_answers : int
        S answers on a sequence; ignored with ``output="steps"``.
    n_outputs : int
        K numbers of each.
    """
    dtype, by_steps = np.dtype(estimator.dtype), estimator.output == "steps"
    hidden = sizes("hidden_layer_sizes", estimator.hidden_layer_sizes)
    layers: list[Layer] = []
    width = n_features
    if estimator.conv_filters:
        layers.append(CausalConvolution(width, estimator.conv_filters, estimator.conv_kernel_size))
        width = estimator.conv_filters
    each = cells(estimator.cell, estimator.activation, len(hidden))
    for k, (cell, n_units) in enumerate(zip(each, hidden, strict=True)):
        topmost = k == len(hidden) - 1
        every = by_steps or not topmost or estimator.attention is not None
        if estimator.bidirectional:
            layers.append(Bidirectional(cell, width, n_units, dtype, every))
        elif every:
            layers.append(Recurrent(cell, width, n_units, dtype))
        else:
            layers.append(LastState(cell, width, n_units, dtype))
        if topmost and estimator.attention is not None:
            layers.append(Attention(layers[-1].n_outputs, estimator.attention))
        width = layers[-1].n_outputs
        if estimator.layer_norm:
            layers.append(LayerNorm(width))
        if estimator.dropout:
            layers.append(Dropout(width, estimator.dropout))
    top = head(
        width,
        sizes("head_layer_sizes", estimator.head_layer_sizes, at_least=0),
        n_outputs if by_steps else n_answers * n_outputs,
    )
    return SequenceNetwork(Chain(layers), top, None if by_steps else n_answers, dtype)


def solver(estimator: Any, network: SequenceNetwork) -> Optimizer:
    """Make the solver of the parameters."""
    automatic = DECAY.get(estimator.solver, OTHER_DECAY)
    return optimizer(
        estimator.solver,
        network.layout.size,
        network.dtype,
        momentum=estimator.momentum,
        nesterovs_momentum=estimator.nesterovs_momentum,
        alpha=automatic if estimator.alpha == "auto" else estimator.alpha,
        decay=network.layout.decays(),
    )


def pace(estimator: Any, n_sequences: int) -> tuple[int, int]:
    """Sequences of an update, and updates of a training."""
    batch = min(64, max(8, n_sequences // 4)) if estimator.batch_size == "auto" else int(estimator.batch_size)
    batch = min(batch, n_sequences)
    per_epoch = -(-n_sequences // batch)
    if estimator.max_iter == "auto":
        return batch, int(np.clip(EPOCHS * per_epoch, *UPDATES))
    return batch, int(estimator.max_iter) * per_epoch
