"""Checks of constructor parameters and of numbers of steps, which scikit-learn's own leave open."""

from __future__ import annotations

from numbers import Integral
from typing import Any

import numpy as np
from sklearn.utils._param_validation import InvalidParameterError, Options

MAX_STEPS = 1_000_000  # more is a slip of the pen, and would ask for all the memory there is


def check_parameters(estimator: Any) -> None:
    """Validate the parameters of an estimator by its ``_parameter_constraints``.

    Unlike in scikit-learn, True and False are no numbers, and a horizon has an upper bound.

    Parameters
    ----------
    estimator : BaseEstimator

    Raises
    ------
    InvalidParameterError
        The parameter, what it must be and what it is.
    """
    estimator._validate_params()
    name = type(estimator).__name__
    for parameter, value in estimator.get_params(deep=False).items():
        constraints = estimator._parameter_constraints.get(parameter, "no_validation")
        if (
            isinstance(value, bool | np.bool_)
            and constraints != "no_validation"
            and not _takes_truth_values(constraints, value)
        ):
            raise InvalidParameterError(
                f"The {parameter!r} parameter of {name} must be a number, not a bool. Got {value!r} instead."
            )
    if getattr(estimator, "horizon", 1) > MAX_STEPS:
        raise InvalidParameterError(
            f"The 'horizon' parameter of {name} must be an int in the range [1, {MAX_STEPS}]. "
            f"Got {estimator.horizon!r} instead."
        )


def checked_number(value: Any, name: str, maximum: int = MAX_STEPS, minimum: int = 1) -> int:
    """Return a number of steps, rows or windows as int.

    Parameters
    ----------
    value : int
        What the caller gave.
    name : str
        The argument's name.
    maximum : int
        Largest number that makes sense.

    Returns
    -------
    int
        In minimum..maximum.

    Raises
    ------
    ValueError
        Anything but such a number; bools and floats are none.
    """
    if isinstance(value, bool) or not isinstance(value, Integral) or not minimum <= int(value) <= maximum:
        raise ValueError(f"{name} must be an integer from {minimum} to {maximum}, got {value!r}")
    return int(value)


def _takes_truth_values(constraints: list[Any], value: Any) -> bool:
    return any(
        value in constraint.options
        if isinstance(constraint, Options)
        else constraint in ("boolean", "verbose", bool, object)
        for constraint in constraints
    )
