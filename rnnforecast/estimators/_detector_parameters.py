"""The parameters of a detector: their ranges, which go together, and what "auto" stands for."""

from __future__ import annotations

from numbers import Integral, Real
from typing import Any, NamedTuple

import numpy as np
from sklearn.utils._param_validation import Interval, InvalidParameterError, StrOptions

from rnnforecast.estimators._watching import CONSTRAINTS as WATCHING
from rnnforecast.kernels.cells import NAMES, Cell, named

CONSTRAINTS: dict[str, Any] = {
    "method": [StrOptions({"prediction", "reconstruction"})],
    "mode": [StrOptions({"causal", "offline"})],
    "target": "no_validation",
    "solver": [StrOptions({"auto", "ridge", "adam", "adamw", "sgd", "rmsprop"})],
    "cell": [StrOptions({"auto", *NAMES}), Cell],
    "hidden_layer_sizes": [StrOptions({"auto"}), Interval(Integral, 1, None, closed="left"), tuple, list],
    "n_steps_ahead": [tuple, list],
    "n_lags": [StrOptions({"auto"}), Interval(Integral, 2, None, closed="left")],
    "alpha": [Interval(Real, 0, None, closed="neither")],
    "spectral_radius": [Interval(Real, 0, None, closed="neither")],
    "input_scale": [Interval(Real, 0, None, closed="neither")],
    "error_norm": [StrOptions({"mean", "mahalanobis"})],
    "smooth": [StrOptions({"auto"}), Interval(Integral, 1, None, closed="left"), None],
    "false_alarm_rate": [StrOptions({"auto"}), Interval(Real, 0, 1, closed="neither")],
    "contamination": [Interval(Real, 0, 0.5, closed="right"), None],
    "threshold": [StrOptions({"dynamic"}), Interval(Real, 0, None, closed="left"), None],
    "drift": ["boolean"],
    "shape": ["boolean"],
    "max_iter": [Interval(Integral, 1, None, closed="left")],
    "callback": WATCHING["callback"],
    "dtype": [StrOptions({"float32", "float64"})],
    "random_state": ["random_state"],
}
FURTHEST = 1000  # steps ahead


def check(detector: Any) -> None:
    """Refuse parameters that do not go together, before any work."""
    steps = tuple(detector.n_steps_ahead)
    whole = all(isinstance(h, (int, np.integer)) and not isinstance(h, bool) and 1 <= h <= FURTHEST for h in steps)
    if not steps or not whole or len(set(steps)) < len(steps):
        raise InvalidParameterError(
            f"n_steps_ahead must hold different integers from 1 to {FURTHEST}, got {detector.n_steps_ahead!r}"
        )
    recipe_of(detector)
    if detector.method == "reconstruction" and detector.mode == "offline":
        raise InvalidParameterError(
            'method="reconstruction" rebuilds a row from those before it: use mode="causal", got mode="offline"'
        )
    if detector.shape and detector.mode != "offline":
        raise InvalidParameterError(
            'shape=True compares windows with hindsight: use mode="offline", or shape=False, got mode="causal"'
        )
    if detector.drift and detector.mode == "offline":
        raise InvalidParameterError('drift=True follows the rows one by one: use mode="causal", got mode="offline"')
    if detector.threshold is not None and detector.contamination is not None:
        raise InvalidParameterError(
            f"threshold={detector.threshold!r} and contamination={detector.contamination!r} both set the threshold: "
            "give one of them"
        )


class Recipe(NamedTuple):
    """The recurrent layer and how it comes to its weights, "auto" being resolved."""

    solver: str
    cell: Cell
    n_units: int


def recipe_of(detector: Any) -> Recipe:
    """Return the recurrent layer that the parameters ask for: large and drawn, or small and trained."""
    rebuilds, solver = detector.method == "reconstruction", detector.solver
    if solver == "auto":
        solver = "adam" if rebuilds else "ridge"
    elif rebuilds and solver == "ridge":
        raise InvalidParameterError('method="reconstruction" is trained by gradient: use solver="adam", got "ridge"')
    drawn = solver == "ridge"
    cell = detector.cell if detector.cell != "auto" else "leaky" if drawn else "gru"
    sizes = detector.hidden_layer_sizes
    if isinstance(sizes, str):
        sizes = 150 if drawn else 32
    sizes = tuple(sizes) if isinstance(sizes, (tuple, list)) else (sizes,)
    if len(sizes) != 1 or isinstance(sizes[0], bool) or not isinstance(sizes[0], (int, np.integer)) or sizes[0] < 1:
        raise InvalidParameterError(
            f"hidden_layer_sizes must be the positive number of units of one layer, got {detector.hidden_layer_sizes!r}"
        )
    return Recipe(solver, named(cell), int(sizes[0]))
