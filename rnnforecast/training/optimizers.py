"""Gradient solvers and gradient clipping, on one flat parameter vector of P numbers."""

from __future__ import annotations

import math
from typing import Any, Protocol

import numpy as np

from rnnforecast.kernels import updates

Array = np.ndarray
SOLVERS = ("sgd", "rmsprop", "adam", "adamw")


class Optimizer(Protocol):
    """A solver with its memory of past gradients."""

    def update(self, parameters: Array, gradient: Array, learning_rate: float) -> None:
        """Move `parameters`, (P,), in place by one step against `gradient`, (P,)."""
        ...


def optimizer(
    solver: str,
    n_parameters: int,
    dtype: Any,
    *,
    momentum: float = 0.9,
    nesterovs_momentum: bool = True,
    alpha: float = 0.0,
    beta_1: float = 0.9,
    beta_2: float = 0.999,
    epsilon: float = 1e-8,
    smoothing: float = 0.99,
    decay: Array | None = None,
) -> Optimizer:
    """Return a solver by name; the learning rate is given with every update.

    Parameters
    ----------
    solver : {"sgd", "rmsprop", "adam", "adamw"}
    n_parameters : int
        P.
    dtype : numpy floating type
    momentum, nesterovs_momentum
        Of "sgd" only.
    alpha : float
        Weight decay: through the gradient (L2), in "adamw" beside it, in proportion to the learning rate.
    beta_1, beta_2 : float
        Smoothing of the gradient and of its square, of "adam" and "adamw" only.
    epsilon : float
        Added to the root of the smoothed square, of all but "sgd".
    smoothing : float
        Smoothing of the squared gradient, of "rmsprop" only: its average starts at 0 without a bias correction, so
        Adam's `beta_2` would make its first steps thirty times too long.
    decay : (P,) bool or None
        Which parameters decay; None is all.

    Raises
    ------
    ValueError
        If there is no such solver, or `decay` has another length.
    """
    dtype = np.dtype(dtype)
    weight_decay = np.full(n_parameters, alpha, dtype)
    if decay is not None:
        if decay.shape != (n_parameters,):
            raise ValueError(
                f"decay must have one entry for each of {n_parameters} parameters, got shape {decay.shape}"
            )
        weight_decay[~decay] = 0.0
    if solver == "sgd":
        return Sgd(weight_decay, momentum, nesterovs_momentum)
    if solver == "rmsprop":
        return RMSprop(weight_decay, smoothing, epsilon)
    if solver in ("adam", "adamw"):
        return Adam(weight_decay, beta_1, beta_2, epsilon, decoupled=solver == "adamw")
    raise ValueError(f"solver must be one of {', '.join(SOLVERS)}, got {solver!r}")


class Sgd:
    """Gradient descent with momentum; arguments as in `optimizer`, `weight_decay` is (P,)."""

    def __init__(self, weight_decay: Array, momentum: float, nesterovs_momentum: bool):
        self.momentum, self.nesterovs_momentum = momentum, nesterovs_momentum
        self._weight_decay = weight_decay
        self._velocity = np.zeros_like(weight_decay)
        self._scalars = np.zeros(3, weight_decay.dtype)

    def update(self, parameters: Array, gradient: Array, learning_rate: float) -> None:
        """Move `parameters`, (P,), in place by one step against `gradient`, (P,)."""
        # Nesterov's step looks ahead: one step along the gradient, `momentum` steps along the velocity.
        along_gradient = learning_rate if self.nesterovs_momentum else 0.0
        along_velocity = learning_rate * self.momentum if self.nesterovs_momentum else learning_rate
        self._scalars[:] = self.momentum, along_gradient, along_velocity
        updates.sgd(gradient, self._weight_decay, self._scalars, self._velocity, parameters)


class RMSprop:
    """Steps scaled by the root of the mean squared gradient; arguments as in `optimizer`, `weight_decay` is (P,)."""

    def __init__(self, weight_decay: Array, smoothing: float, epsilon: float):
        self.smoothing, self.epsilon = smoothing, epsilon
        self._weight_decay = weight_decay
        self._square = np.zeros_like(weight_decay)
        self._scalars = np.zeros(4, weight_decay.dtype)

    def update(self, parameters: Array, gradient: Array, learning_rate: float) -> None:
        """Move `parameters`, (P,), in place by one step against `gradient`, (P,)."""
        self._scalars[:] = self.smoothing, 1.0 - self.smoothing, learning_rate, self.epsilon
        updates.rmsprop(gradient, self._weight_decay, self._scalars, self._square, parameters)


class Adam:
    """Adam, and AdamW if `decoupled`; arguments as in `optimizer`, `weight_decay` is (P,)."""

    def __init__(self, weight_decay: Array, beta_1: float, beta_2: float, epsilon: float, *, decoupled: bool):
        self.beta_1, self.beta_2, self.epsilon, self.decoupled = beta_1, beta_2, epsilon, decoupled
        self._weight_decay = weight_decay
        self._mean = np.zeros_like(weight_decay)
        self._square = np.zeros_like(weight_decay)
        self._n_updates = 0
        self._scalars = np.zeros(9, weight_decay.dtype)

    def update(self, parameters: Array, gradient: Array, learning_rate: float) -> None:
        """Move `parameters`, (P,), in place by one step against `gradient`, (P,)."""
        self._n_updates += 1
        # Both averages start at 0; dividing by 1 - beta^t removes the bias (Kingma and Ba, section 3).
        step = learning_rate / (1.0 - self.beta_1**self._n_updates)
        correction = 1.0 / math.sqrt(1.0 - self.beta_2**self._n_updates)
        coupling, shrinkage = (0.0, learning_rate) if self.decoupled else (1.0, 0.0)
        self._scalars[:] = (
            *(self.beta_1, 1.0 - self.beta_1, self.beta_2, 1.0 - self.beta_2),
            *(step, correction, self.epsilon, coupling, shrinkage),
        )
        updates.adam(gradient, self._weight_decay, self._scalars, self._mean, self._square, parameters)


def norm(gradient: Array) -> float:
    """Return the Euclidean norm of `gradient`, (P,), accumulated in float64; it is finite only if every entry is."""
    # Not a BLAS product: its summation order follows the number of BLAS threads, and with it the last bits.
    return math.sqrt(updates.square_norm(gradient))


def clip_norm(gradient: Array, limit: float) -> float:
    """Shorten the gradient in place to at most `limit`, keeping its direction (Pascanu et al., 2013).

    Parameters
    ----------
    gradient : (P,), changed
    limit : float

    Returns
    -------
    float
        The norm before.
    """
    length = norm(gradient)
    if limit < length < math.inf:
        gradient *= limit / length
    return length


def clip_value(gradient: Array, limit: float) -> None:
    """Bring every entry of `gradient`, (P,), into [-limit, limit], in place; a NaN stays."""
    np.clip(gradient, -limit, limit, out=gradient)
