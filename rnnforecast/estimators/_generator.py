"""The network of a generator, and how it is trained."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
from sklearn.exceptions import ConvergenceWarning

from rnnforecast.estimators._architecture import cells, sizes
from rnnforecast.estimators._parameters import check_parameters
from rnnforecast.estimators._threads import n_threads
from rnnforecast.kernels.symbols import symbol_cross_entropy
from rnnforecast.network.compose import Chain
from rnnforecast.network.decoders import head
from rnnforecast.network.dropout import Dropout
from rnnforecast.network.embedding import Embedding
from rnnforecast.network.layer import Layer
from rnnforecast.network.recurrent import Recurrent
from rnnforecast.network.sequences import SequenceNetwork
from rnnforecast.network.streams import NextSymbol, StreamObjective, mean_loss
from rnnforecast.training.loop import History, Report, train
from rnnforecast.training.optimizers import Optimizer, optimizer
from rnnforecast.training.schedules import schedule

LARGEST_EMBEDDING = 64
STREAMS = 64  # enough to fill the processor; more make fewer updates of a text
PIECES = 4  # of an automatic stream at least: a carried state is of use from the second on
EPOCHS, UPDATES = 10, 1000
WARMUP = 100


def check(generator: Any) -> None:
    """Refuse what cannot be built, before any work."""
    check_parameters(generator)
    hidden = sizes("hidden_layer_sizes", generator.hidden_layer_sizes)
    sizes("head_layer_sizes", generator.head_layer_sizes, at_least=0)
    cells(generator.cell, generator.activation, len(hidden))


def build(generator: Any, n_symbols: int) -> SequenceNetwork:
    """Build the network: embedding, recurrent layers, head."""
    hidden = sizes("hidden_layer_sizes", generator.hidden_layer_sizes)
    dtype, size = np.dtype(generator.dtype), generator.embedding_size
    width = min(n_symbols, LARGEST_EMBEDDING) if size == "auto" else int(size)
    layers: list[Layer] = [Embedding(n_symbols, width)]
    for cell, n_units in zip(cells(generator.cell, generator.activation, len(hidden)), hidden, strict=True):
        layers.append(Recurrent(cell, width, n_units, dtype))
        if generator.dropout:
            layers.append(Dropout(n_units, generator.dropout))
        width = n_units
    top = head(width, sizes("head_layer_sizes", generator.head_layer_sizes, at_least=0), n_symbols)
    return SequenceNetwork(Chain(layers), top, None, dtype)


def solver(generator: Any, network: SequenceNetwork) -> Optimizer:
    """Make the solver of the parameters."""
    return optimizer(
        generator.solver,
        network.layout.size,
        network.dtype,
        momentum=generator.momentum,
        nesterovs_momentum=generator.nesterovs_momentum,
        alpha=generator.alpha,
        decay=network.layout.decays(),
    )


def require_length(numbers: np.ndarray) -> None:
    """Refuse a text in which nothing follows anything."""
    if len(numbers) < 2:
        raise ValueError("X must hold at least two symbols, one to be read and one to be learnt after it, got one")


def n_streams(generator: Any, n_symbols: int) -> int:
    """Parallel streams that `n_symbols` are cut into."""
    if generator.batch_size == "auto":
        return int(np.clip(n_symbols // (PIECES * generator.bptt_steps), 1, STREAMS))
    return min(int(generator.batch_size), n_symbols - 1)


def learn(
    generator: Any,
    network: SequenceNetwork,
    weights: np.ndarray,
    solver: Optimizer,
    numbers: np.ndarray,
    rng: np.random.Generator,
    *,
    once: bool,
    report: Report | None,
) -> History:
    """Train in place; the best weights on the validation part are kept, else the last.

    Parameters
    ----------
    generator : RNNGenerator
        Its parameters are read.
    network : SequenceNetwork
    weights : (P,), changed
    solver : Optimizer
    numbers : (N,) int64
        The text.
    rng : numpy.random.Generator
    once : bool
        One pass over all of the text at a constant learning rate.
    report : callable or None
        See `rnnforecast.training.loop.train`.
    """
    n_train = len(numbers) if once or not generator.early_stopping else _train_size(generator, len(numbers))
    reader = NextSymbol(numbers[:n_train], n_streams(generator, n_train))
    objective = StreamObjective(network, reader, generator.bptt_steps, symbol_cross_entropy)
    per_epoch = len(objective.pieces)
    if once:
        n_steps, rates = per_epoch, schedule("constant", generator.learning_rate_init, per_epoch)
    else:
        n_steps = per_epoch * _epochs(generator, per_epoch)
        warmup = min(WARMUP, n_steps // 5)
        rates = schedule(generator.learning_rate, generator.learning_rate_init, n_steps, warmup=warmup)
    validate = None
    if n_train < len(numbers):
        tail = numbers[n_train - 1 :]  # the last symbol learnt is the first one read
        held_out = NextSymbol(tail, n_streams(generator, len(tail)))

        def validate() -> float:
            return mean_loss(network, network.prepare(weights), held_out, generator.bptt_steps, symbol_cross_entropy)

    history = History()
    try:
        train(
            objective,
            weights,
            objective.rows,
            optimizer=solver,
            schedule=rates,
            batch_size=reader.n_streams,
            n_steps=n_steps,
            rng=rng,
            shuffle=False,
            clip_norm=generator.clip_norm,
            clip_value=generator.clip_value,
            validate=validate,
            patience=generator.n_iter_no_change,
            tol=generator.tol,
            n_threads=n_threads(generator.n_jobs),
            report=report,
            history=history,
        )
    except KeyboardInterrupt:
        n_passes = len(history.loss_curve)
        if not n_passes:
            raise
        message = f"Training was interrupted after {n_passes} passes: their best weights are kept."
        warnings.warn(message, UserWarning, stacklevel=5)
        return history
    if history.diverged:
        warnings.warn(
            "Training diverged and was rolled back to the best finite weights: lower learning_rate_init, or clip.",
            ConvergenceWarning,
            stacklevel=5,
        )
    return history


def _epochs(generator: Any, per_epoch: int) -> int:
    return max(EPOCHS, -(-UPDATES // per_epoch)) if generator.max_iter == "auto" else int(generator.max_iter)


def _train_size(generator: Any, n_symbols: int) -> int:
    """Symbols to learn from, before those that choose the weights; all, with a warning, where there are too few."""
    n_train = n_symbols - round(generator.validation_fraction * n_symbols)
    if 2 <= n_train < n_symbols:
        return n_train
    warnings.warn(
        f"{n_symbols} symbols are too few to hold out validation_fraction={generator.validation_fraction} of them: "
        "trained without early stopping.",
        UserWarning,
        stacklevel=6,
    )
    return n_symbols
