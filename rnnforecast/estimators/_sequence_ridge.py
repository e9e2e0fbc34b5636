"""``solver="ridge"`` of the sequence estimators: random recurrent weights, a readout of their states in closed form.

An echo state network (Jaeger, 2001; Lukoševičius, 2012). Numbers are met by least squares. Labels are coded as -1
and 1, or one-hot for more than two classes, and met by least squares too; as the answers are then no log-odds, they are
multiplied by one number, the inverse temperature under which held-out labels are most probable (Guo et al., 2017), and
the softmax of that gives the probabilities. m answers, H units, K numbers of each.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy.optimize import minimize_scalar
from sklearn.utils._param_validation import InvalidParameterError

from rnnforecast.estimators._reservoir import drawing
from rnnforecast.estimators._sequence_classes import log_probabilities
from rnnforecast.network.bidirectional import DIRECTIONS, Bidirectional
from rnnforecast.network.readout import NormalEquations
from rnnforecast.network.recurrent import Recurrent
from rnnforecast.network.reservoir import random_weights
from rnnforecast.network.sequence_objective import Labels, Numbers
from rnnforecast.network.sequences import LastState, SequenceNetwork, Sequences
from rnnforecast.training.loop import History

PENALTIES = 10.0 ** np.arange(-6, 3)
FOLDS = 5
USUAL_PENALTY = 1e-2  # where there are too few sequences to choose one
LOG_TEMPERATURES = (-3.0, 5.0)
UNUSED: dict[str, tuple[Any, ...]] = {
    "head_layer_sizes": ((), []),
    "loss": ("squared_error",),
    **dict.fromkeys(("early_stopping", "warm_start"), (False,)),
}


def check_ridge(estimator: Any) -> None:
    """Refuse what a closed-form readout cannot do, before any work."""
    if estimator.solver != "ridge":
        return
    for name, allowed in UNUSED.items():
        if (value := getattr(estimator, name, allowed[0])) not in allowed:
            raise InvalidParameterError(
                f'solver="ridge" solves for a linear readout at once and cannot be combined with {name}={value!r}: '
                f"use {name}={allowed[0]!r} or another solver"
            )


def trains(estimator: Any) -> bool:
    """Whether there is a training to go on with, for ``partial_fit``."""
    if estimator.solver == "ridge":
        raise AttributeError('partial_fit goes on with a training, but solver="ridge" solves at once: use fit')
    return True


def draw(estimator: Any, network: SequenceNetwork, rng: np.random.Generator) -> np.ndarray:
    """Draw flat weights whose recurrent layers are reservoirs."""
    flat = network.initial(rng)
    views, scales = network.layout.views(flat), drawing(estimator, 0).scales
    for k, layer in enumerate(network.encoder.layers):
        recurrent = layer.recurrent if isinstance(layer, LastState | Bidirectional) else layer
        if isinstance(recurrent, Recurrent):
            for direction in DIRECTIONS if isinstance(layer, Bidirectional) else ("",):
                prefix = ".".join(["encoder", str(k), *([direction] if direction else [])])
                for name, drawn in random_weights(recurrent, rng, **scales).items():
                    views[f"{prefix}.{name}"][...] = drawn
    return flat


def solve(
    estimator: Any,
    network: SequenceNetwork,
    flat: np.ndarray,
    inputs: Sequences,
    targets: Numbers | Labels,
    rows: np.ndarray,
) -> History:
    """Solve for the readout, in place of its weights in `flat`, from the sequences `rows`."""
    views = network.layout.views(flat)
    states = network.states(network.prepare(flat), inputs).astype(np.float64)
    wanted, weight = _aims(targets)
    if network.n_answers is None:
        sequence = np.repeat(np.arange(len(inputs)), inputs.lengths)
    else:
        sequence = np.arange(len(inputs))
        wanted, weight = wanted.reshape(len(inputs), -1), weight.reshape(len(inputs), -1).mean(axis=1)
    learnt = np.isin(sequence, rows)
    fold = np.searchsorted(rows, sequence[learnt]) % FOLDS
    x, y, weight = states[learnt], wanted[learnt], weight[learnt]
    mean_x, mean_y = np.average(x, axis=0, weights=weight), np.average(y, axis=0, weights=weight)
    root = np.sqrt(weight)[:, None]
    x, y = (x - mean_x) * root, (y - mean_y) * root
    sums = NormalEquations.of(x, y)
    penalty, held_out = _choose(estimator.alpha, sums, x, y, fold)
    readout = sums.solve(penalty * sums.mean_square)
    history = History(loss_curve=[float(np.mean((y - x @ readout) ** 2))], n_steps=1, n_epochs=1)
    history.best_loss = history.loss_curve[0]
    sharpness = 1.0
    if isinstance(targets, Labels):
        heard = weight > 0
        answers = held_out[heard] / root[heard] + mean_y
        sharpness = _sharpness(answers.reshape(-1, network.n_outputs), wanted[learnt][heard], weight[heard])
    views["head.0.weight"][...] = sharpness * readout.T
    views["head.0.bias"][...] = sharpness * (mean_y - mean_x @ readout)
    return history


def _aims(targets: Numbers | Labels) -> tuple[np.ndarray, np.ndarray]:
    """Numbers (m, K) to be met, and the weight of each answer (m,)."""
    weight = targets.weight
    if isinstance(targets, Numbers):
        truth = targets.truth
        each = np.ones(len(truth.values)) if weight is None else np.repeat(weight, truth.lengths)
        return truth.values.astype(np.float64), each
    codes = targets.codes.values[:, 0]
    coded = 2.0 * codes[:, None] - 1.0 if targets.n_classes == 2 else np.eye(targets.n_classes)[codes]
    return coded, np.ones(len(codes)) if weight is None else weight[:, 0]


def _choose(
    alpha: Any, sums: NormalEquations, x: np.ndarray, y: np.ndarray, fold: np.ndarray
) -> tuple[float, np.ndarray]:
    """Return a penalty in mean squares of a state, and cross-validated answers; those learnt from if there are few."""
    few = fold.max() + 1 < FOLDS
    penalties = np.array([USUAL_PENALTY if few else float(alpha)]) if few or alpha != "auto" else PENALTIES
    if few:
        return float(penalties[0]), x @ sums.solve(penalties[0] * sums.mean_square)
    answers = np.empty((len(penalties), *y.shape))
    for k in range(FOLDS):
        inside = fold == k
        rest = sums - NormalEquations.of(x[inside], y[inside])
        for p, penalty in enumerate(penalties):
            answers[p, inside] = x[inside] @ rest.solve(penalty * sums.mean_square)
    best = int(np.argmin(((answers - y) ** 2).sum(axis=(1, 2))))
    return float(penalties[best]), answers[best]


def _sharpness(answers: np.ndarray, wanted: np.ndarray, weight: np.ndarray) -> float:
    """Return the factor that makes labels most probable, from answers (m, 1 or C) and their codes (m, 1 or C)."""
    wanted = wanted.reshape(answers.shape)
    true = (wanted[:, 0] > 0).astype(int) if answers.shape[1] == 1 else wanted.argmax(axis=1)
    each = np.repeat(weight, len(answers) // len(weight))

    def loss(log_factor: float) -> float:
        probable = log_probabilities(np.exp(log_factor) * answers)
        return -float(np.average(probable[np.arange(len(true)), true], weights=each))

    return float(np.exp(minimize_scalar(loss, bounds=LOG_TEMPERATURES, method="bounded").x))
