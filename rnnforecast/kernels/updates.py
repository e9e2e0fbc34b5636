"""Parameter updates of the gradient solvers, each one pass over the flat parameter vector.

Legend: **P** parameters; arrays are (P,), C-contiguous, of one floating dtype. `weight_decay` holds one rate for each
parameter (0 where it does not decay). What is the same for all parameters comes in the small array `scalars`, of the
same dtype: a Python float would turn the arithmetic of float32 parameters into float64.
"""

from __future__ import annotations

import math

import numpy as np

from rnnforecast.kernels._jit import FASTMATH, kernel

SUMS = FASTMATH | {"reassoc"}  # in any order, so that they are vectorised


@kernel(fastmath=SUMS)
def square_norm(gradient):
    """Return the sum of the squares of `gradient`, (P,), in float64."""
    total = 0.0
    for i in range(gradient.size):
        value = np.float64(gradient[i])
        total += value * value
    return total


@kernel
def sgd(gradient, weight_decay, scalars, velocity, parameters):
    """Take one step of gradient descent with momentum, plain or Nesterov's.

    Parameters
    ----------
    gradient, weight_decay : (P,)
    scalars : (3,)
        Momentum, step along the gradient, step along the velocity.
    velocity, parameters : (P,), updated
    """
    momentum, step_gradient, step_velocity = scalars[0], scalars[1], scalars[2]
    for i in range(parameters.size):
        slope = gradient[i] + weight_decay[i] * parameters[i]
        velocity[i] = momentum * velocity[i] + slope
        parameters[i] -= step_gradient * slope + step_velocity * velocity[i]


@kernel
def rmsprop(gradient, weight_decay, scalars, square, parameters):
    """Take one step of RMSprop (Tieleman and Hinton, 2012).

    Parameters
    ----------
    gradient, weight_decay : (P,)
    scalars : (4,)
        Smoothing, 1 - smoothing, step, epsilon.
    square, parameters : (P,), updated
        `square` is the smoothed square of the gradient.
    """
    smoothing, rest, step, epsilon = scalars[0], scalars[1], scalars[2], scalars[3]
    for i in range(parameters.size):
        slope = gradient[i] + weight_decay[i] * parameters[i]
        square[i] = smoothing * square[i] + rest * slope * slope
        parameters[i] -= step * slope / (math.sqrt(square[i]) + epsilon)


@kernel
def adam(gradient, weight_decay, scalars, mean, square, parameters):
    """Take one step of Adam (Kingma and Ba, 2015) or AdamW (Loshchilov and Hutter, 2019).

    Parameters
    ----------
    gradient, weight_decay : (P,)
    scalars : (9,)
        beta_1, 1 - beta_1, beta_2, 1 - beta_2, step with the mean's bias correction, factor of the square's root that
        corrects its bias, epsilon, coupling (1: decay through the gradient, 0: not), shrinkage (the learning rate where
        decay is decoupled, else 0).
    mean, square, parameters : (P,), updated
        `mean` and `square` are the smoothed gradient and its smoothed square.
    """
    beta_1, rest_1, beta_2, rest_2 = scalars[0], scalars[1], scalars[2], scalars[3]
    step, correction, epsilon, coupling, shrinkage = scalars[4], scalars[5], scalars[6], scalars[7], scalars[8]
    for i in range(parameters.size):
        decay = weight_decay[i] * parameters[i]
        slope = gradient[i] + coupling * decay
        mean[i] = beta_1 * mean[i] + rest_1 * slope
        square[i] = beta_2 * square[i] + rest_2 * slope * slope
        parameters[i] -= shrinkage * decay + step * mean[i] / (math.sqrt(square[i]) * correction + epsilon)
