"""What a network's outputs mean where it forecasts a distribution and not a value.

A value has P outputs; they are the parameters of its distribution, last among the rows of a forecast.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial

import numpy as np

from rnnforecast.kernels import likelihoods
from rnnforecast.kernels.likelihoods import Likelihood

LIKELIHOODS = ("gaussian", "student_t", "negative_binomial", "poisson")
COUNTS = ("negative_binomial", "poisson")


@dataclass(frozen=True)
class Head:
    """A distribution.

    Parameters
    ----------
    name : str
        Of the loss.
    likelihood : callable
        ``likelihood(raw, target, d_raw) -> sum``, (M, P, B), (M, B), (M, P, B).
    parameters : callable
        ``parameters(raw)``, both (M, P, B).
    kinds : tuple of {"location", "scale", "shape"}
        What becomes of each parameter when the value is scaled and shifted: all of it, the former, nothing.
    point : int
        The parameter that is the forecast.
    levels : tuple of float
        Probabilities, where the parameters are quantiles.
    """

    name: str
    likelihood: Likelihood = field(repr=False)
    parameters: Callable[[np.ndarray], np.ndarray] = field(repr=False)
    kinds: tuple[str, ...]
    point: int = 0
    levels: tuple[float, ...] = ()

    @property
    def n_parameters(self) -> int:
        """P."""
        return len(self.kinds)

    @property
    def counts(self) -> bool:
        """Whether values are counts, which are neither shifted nor scaled: the scale enters the link."""
        return self.name in COUNTS

    def loss(self, out: np.ndarray, truth: np.ndarray, d_out: np.ndarray) -> float:
        """Return the sum of losses of outputs (M P, B) for values (M, B); fills the derivative `d_out` (M P, B)."""
        shape = (len(truth), self.n_parameters, truth.shape[1])
        return self.likelihood(out.reshape(shape), truth, d_out.reshape(shape))


def head_of(loss: str, quantiles: Sequence[float] = ()) -> Head | None:
    """Return the distribution that a loss stands for, None where it stands for none.

    Parameters
    ----------
    loss : str
        "quantile", one of `LIKELIHOODS`, or anything else.
    quantiles : sequence of float
        Of "quantile"; the median is added where it is not among them.
    """
    location_scale = ("location", "scale")
    if loss == "quantile":
        levels = tuple(sorted({0.5, *map(float, quantiles)}))
        array = np.array(levels)
        return Head(
            loss,
            likelihoods.fan(array),
            partial(likelihoods.fan_parameters, levels=array),
            ("location",) * len(levels),
            levels.index(0.5),
            levels,
        )
    if loss == "gaussian":
        return Head(loss, likelihoods.gaussian, likelihoods.gaussian_parameters, location_scale)
    if loss == "student_t":
        return Head(loss, likelihoods.student_t, likelihoods.student_t_parameters, (*location_scale, "shape"))
    if loss == "poisson":
        return Head(loss, likelihoods.poisson, likelihoods.poisson_parameters, ("shape",))
    if loss == "negative_binomial":
        kinds = ("shape", "shape")
        return Head(loss, likelihoods.negative_binomial, likelihoods.negative_binomial_parameters, kinds)
    return None
