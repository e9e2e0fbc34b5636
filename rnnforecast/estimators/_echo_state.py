"""``solver="ridge"`` of the forecaster: random recurrent weights, and a readout in closed form (Jaeger, 2001)."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from sklearn.utils._param_validation import InvalidParameterError

from rnnforecast.estimators._architecture import sizes
from rnnforecast.estimators._bridge import observed_targets
from rnnforecast.estimators._linear import LinearModel
from rnnforecast.estimators._recipe import Recipe
from rnnforecast.estimators._reservoir import NEWEST, drawing
from rnnforecast.estimators._workers import spread
from rnnforecast.kernels.cells import named
from rnnforecast.series import Series
from rnnforecast.training.loop import History

UNUSED: dict[str, tuple[Any, ...]] = {  # and what they are when nothing is asked of them
    **dict.fromkeys(("bidirectional", "layer_norm", "residual", "forking_sequences", "warm_start"), (False,)),
    **dict.fromkeys(("conv_filters", "zoneout", "highway"), (0,)),
    **dict.fromkeys(("attention", "skip_period", "static_covariates"), (None,)),
    "decoder": ("direct",),
    "channels": ("independent",),
    "head_layer_sizes": ((), []),
}


def check_ridge(forecaster: Any) -> None:
    """Refuse what a closed-form readout cannot do, before any work."""
    if forecaster.solver != "ridge":
        return
    for name, allowed in UNUSED.items():
        if (value := getattr(forecaster, name)) not in allowed:
            raise InvalidParameterError(
                f'solver="ridge" trains nothing but a linear readout of one recurrent layer and cannot be combined '
                f"with {name}={value!r}: use {name}={allowed[0]!r} or another solver"
            )
    hidden = sizes("hidden_layer_sizes", forecaster.hidden_layer_sizes)
    if len(hidden) > 1 or isinstance(forecaster.cell, tuple | list):
        raise InvalidParameterError(
            f'solver="ridge" reads one recurrent layer of one cell, got hidden_layer_sizes={hidden} and '
            f"cell={forecaster.cell!r}: give one size and one cell, or another solver"
        )
    if named(forecaster.cell).n_memory:
        raise InvalidParameterError(
            f'solver="ridge" goes on from hidden states alone, but cell={forecaster.cell!r} has a memory beside them: '
            'use cell="leaky", "rnn" or "gru"'
        )


def require_one_series(series: Series) -> None:
    """Refuse several: the states of a reservoir come from the beginning of one."""
    if len(series.spans) > 1:
        raise ValueError(
            f'solver="ridge" learns from one series, but this is a panel of {len(series.spans)}: use another solver, '
            "or ForecasterPerSeries"
        )


@dataclass(frozen=True)
class Reach:
    """Rows of a window and of its forecast."""

    lookback: int
    horizon: int
    base: int | None


@dataclass(frozen=True)
class EchoStates:
    """Reservoirs with closed-form readouts, whose forecasts are averaged; stands where an ensemble of networks does."""

    windows: Reach
    models: list[LinearModel]
    histories: list[History] = field(default_factory=lambda: [History(n_steps=1, n_epochs=1)], repr=False)

    @property
    def network(self) -> Any:
        """The first reservoir's recurrent layer; several columns have one each, alike but for the scale they read."""
        return self.models[0].echoes_[0].reservoir.layer

    @property
    def scales(self) -> Recipe:
        """What holds the transform and the bridge."""
        return self.models[0].recipe_

    @property
    def weights(self) -> list[np.ndarray]:
        """What was estimated: the readout (K, D, H) of each reservoir."""
        return [model.weights_ for model in self.models]

    @property
    def head(self) -> None:
        """Forecasts are numbers, no distributions."""

    @property
    def n_parameters(self) -> int:
        """Weights of a readout that were estimated."""
        return self.models[0].n_parameters_

    def forecast_series(self, series: Series, origins: np.ndarray, horizon: int, n_threads: int = 1) -> np.ndarray:
        """Forecast (n, horizon, K) in original units from origins (n,) of a series, or of several with room between."""
        data = (self.scales.bridge.over(series), series.known, series.past)
        each = [model.forecast(*data, origins, horizon, series.spans) for model in self.models]
        return np.mean(each, axis=0)


def solve(forecaster: Any, series: Series, recipe: Recipe, seeds: np.ndarray) -> EchoStates:
    """Draw a reservoir for each seed and solve for its readout of states, lags and covariates at the newest origins."""
    (n_units,) = sizes("hidden_layer_sizes", forecaster.hidden_layer_sizes)
    first, observed = max(0, series.n_rows - NEWEST), observed_targets(series)
    target, known, past = recipe.bridge.over(series)[first:], series.known[first:], series.past[first:]
    seen = None if observed is None else observed[first:]

    def model(seed: int) -> LinearModel:
        drawn = replace(drawing(forecaster, seed), n_units=n_units, cell=forecaster.cell)
        return LinearModel(drawing=drawn).fit(target, known, past, recipe, forecaster.horizon, seen)

    models = spread(model, ((int(seed),) for seed in seeds))
    return EchoStates(Reach(recipe.lookback, forecaster.horizon, recipe.base), models)
