"""A forecaster of its own for every series of a panel, beside which one global model has to prove itself."""

from __future__ import annotations

from dataclasses import replace
from numbers import Integral
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray
from sklearn.base import clone

from rnnforecast.estimators._base import BaseForecaster
from rnnforecast.estimators._parameters import check_parameters
from rnnforecast.estimators._pooling import common_scale
from rnnforecast.estimators._workers import in_parallel
from rnnforecast.series import Clock, Series
from rnnforecast.series.labels import names_text
from rnnforecast.series.spans import Spans

__all__ = ["ForecasterPerSeries"]


class ForecasterPerSeries(BaseForecaster):
    """Fit a clone of a forecaster to each series of a panel, alone.

    It has all methods of a forecaster; horizon, covariates and the like are parameters of the forecaster that is
    cloned. A series that was not in the data of `fit` has no model and cannot be forecast. Intervals come from the
    errors of all series, in units of the deviation of each.

    Parameters
    ----------
    forecaster : forecaster
        What is fitted to each series; it is left as it is.
    n_jobs : int or None, default=None
        Series fitted at a time, as in joblib; results do not depend on it.

    Attributes
    ----------
    forecasters_ : dict
        The fitted forecasters by the name of their series; None is the name of a series that came alone.
    no_skill_ : bool
        Whether all of them report that they found no skill.
    cutoff_, freq_, n_features_in_, feature_names_in_
        As for every forecaster.

    Examples
    --------
    >>> import pandas as pd
    >>> from rnnforecast import ForecasterPerSeries, NaiveForecaster
    >>> rows = pd.MultiIndex.from_product([["a", "b"], range(4)], names=["shop", "day"])
    >>> sales = pd.Series([1.0, 2, 1, 2, 7, 7, 7, 7], index=rows)
    >>> ForecasterPerSeries(NaiveForecaster(horizon=2)).fit(sales).forecast().to_list()
    [2.0, 2.0, 7.0, 7.0]
    """

    _parameter_constraints: ClassVar[dict[str, Any]] = {"forecaster": [BaseForecaster], "n_jobs": [Integral, None]}

    def __init__(self, forecaster: Any, *, n_jobs: int | None = None) -> None:
        self.forecaster = forecaster
        self.n_jobs = n_jobs

    @property
    def horizon(self) -> int:  # type: ignore[override]
        """Steps of a forecast, those of the forecaster that is cloned."""
        return self.forecaster.horizon

    @property
    def intervals(self) -> str:
        """What intervals are calibrated on, as the forecaster that is cloned does it."""
        return getattr(self.forecaster, "intervals", "adaptive")

    def __sklearn_tags__(self) -> Any:
        return self.forecaster.__sklearn_tags__()

    def _read(self, X: Any, y: Any, freq: Any = None) -> Series:
        return self.forecaster._read(X, y, freq)

    def _validate_params(self) -> None:
        super()._validate_params()
        check_parameters(self.forecaster)

    def _minimum_rows(self, series: Series) -> int:
        return self.forecaster._minimum_rows(_alone(series, 0))

    def _rows_read(self) -> int:
        """Nothing of other series: each is handed to its model alone."""
        return 0

    def _learn(self, series: Series) -> dict[str, Any]:
        names = [None] if series.ids is None else series.ids.tolist()
        each = ((self.forecaster, name, _alone(series, k)) for k, name in enumerate(names))
        models = in_parallel(_fit_alone, each, self.n_jobs)
        return {
            "forecasters_": dict(zip(names, models, strict=True)),
            "no_skill_": all(getattr(model, "no_skill_", False) for model in models),
            "_error_scale": common_scale([model._error_scale for model in models], series.target),
        }

    def _forecast(self, series: Series, origins: NDArray[np.int64], horizon: int) -> NDArray[np.float64]:
        """Return the forecasts, (n, horizon, K), each from the model of its series."""
        owner, members, models = series.spans.owners(origins), series.spans.members, list(self.forecasters_.values())
        asked = np.unique(owner)
        strange = asked[members[asked] < 0]
        if len(strange):
            which = "a history without names" if series.ids is None else names_text(series.ids[strange])
            raise ValueError(
                f"ForecasterPerSeries has no model for series that were not in the data of fit: {which}; fit again "
                "with them, or use a global model"
            )
        values = np.empty((len(origins), horizon, series.target.shape[1]))
        for k in asked:
            own, start = owner == k, series.spans.starts[k]
            values[own] = models[members[k]]._forecast(_alone(series, k), origins[own] - start, horizon)
        return values


def _fit_alone(forecaster: BaseForecaster, name: Any, series: Series) -> BaseForecaster:
    """Fit a clone to a series; an error says of a named one which it was."""
    try:
        return clone(forecaster)._fit_series(series)
    except ValueError as error:
        if name is None:
            raise
        raise ValueError(f"the series {name!r} cannot be fitted alone: {error}") from error


def _alone(series: Series, k: int) -> Series:
    """Return series `k` of a panel as if it had come alone, with the known covariates behind its end."""
    spans, clock = series.spans, series.clock
    if series.ids is None:
        return series
    start, stop, first = int(spans.starts[k]), int(spans.stops[k]), int(spans.first[k])
    behind = int(spans.starts[k + 1]) - spans.before if k + 1 < len(spans) else len(series.known)
    return replace(
        series,
        clock=Clock(clock.labels[first : first + stop - start], clock.step),
        target=series.target[start:stop],
        known=series.known[start:behind],
        past=series.past[start:stop],
        observed=None if series.observed is None else series.observed[start:stop],
        spans=Spans.one(stop - start),
        n_before=series.n_before[k : k + 1],
        ids=None,
        static=None,
    )
