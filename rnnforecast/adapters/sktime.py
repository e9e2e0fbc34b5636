"""The forecasters in sktime: its horizons, pipelines, tuning, and broadcasting over panels and hierarchies."""

from __future__ import annotations

from typing import Any, ClassVar

import pandas as pd
from sklearn.base import clone
from sktime.forecasting.base import BaseForecaster

from rnnforecast.estimators.baselines import LinearForecaster
from rnnforecast.estimators.forecaster import RNNForecaster


class SktimeForecaster(BaseForecaster):
    """A forecaster of this library as one of sktime.

    Horizons lie after the cutoff; fitted values of the training rows are what ``forecaster_.predict`` returns. `update`
    with ``update_params=False`` lets forecasts begin after the new rows without learning from them.

    Parameters
    ----------
    forecaster : RNNForecaster, LinearForecaster, NaiveForecaster or None, default=None
        What forecasts; None is ``RNNForecaster()``. It is cloned, so the one given stays as it is.

    Attributes
    ----------
    forecaster_ : RNNForecaster, LinearForecaster or NaiveForecaster
        The fitted clone.

    Examples
    --------
    >>> import pandas as pd
    >>> from rnnforecast import LinearForecaster
    >>> from rnnforecast.adapters.sktime import SktimeForecaster
    >>> y = pd.Series(range(100), index=pd.period_range("2015-01", periods=100, freq="M"), dtype=float)
    >>> SktimeForecaster(LinearForecaster(horizon=3, lookback=4)).fit(y, fh=[1, 3]).predict().round(1).to_dict()
    {Period('2023-05', 'M'): 100.0, Period('2023-07', 'M'): 102.0}
    """

    _tags: ClassVar[dict[str, Any]] = {
        "y_inner_mtype": ["pd.Series", "pd.DataFrame"],
        "capability:multivariate": True,
        "capability:insample": False,
        "capability:pred_int": True,
        "capability:pred_int:insample": False,
        "capability:non_contiguous_X": False,
        "capability:update": True,
        "requires-fh-in-fit": False,
    }
    _config: ClassVar[dict[str, Any]] = {"remember_data": False}  # `_known` is the memory, with each row once
    _y = _X = None  # that of sktime, where it is switched on, begins empty

    def __init__(self, forecaster: Any = None) -> None:
        self.forecaster = forecaster
        super().__init__()

    def _fit(self, y: Any, X: Any, fh: Any) -> SktimeForecaster:
        self._known = [y, X]
        model = clone(RNNForecaster() if self.forecaster is None else self.forecaster)
        self.forecaster_ = model.fit(y) if X is None else model.fit(X, y)
        return self

    def _update(self, y: Any, X: Any = None, update_params: bool = True) -> SktimeForecaster:
        later = y.index[y.index > self.forecaster_.cutoff_]  # windows that sktime moves along a series overlap
        if len(later):
            new = [None if rows is None else rows.loc[later] for rows in (y, X)]
            pairs = zip(self._known, new, strict=True)
            self._known = [known if rows is None else pd.concat([known, rows]) for known, rows in pairs]
            if update_params:
                return self._fit(self._known[0], self._known[1], None)
            self.forecaster_.update(*new)
        return self

    def _predict(self, fh: Any, X: Any) -> Any:
        return self._ahead(fh, X)

    def _predict_quantiles(self, fh: Any, X: Any, alpha: list[float]) -> pd.DataFrame:
        table = self._ahead(fh, X, quantiles=alpha)
        return table.set_axis(pd.MultiIndex.from_product([self._get_varnames(), alpha]), axis=1)

    def _ahead(self, fh: Any, X: Any, **asked: Any) -> Any:
        """Return the rows of a forecast that `fh` names."""
        if self.cutoff[0] != self.forecaster_.cutoff_:
            raise ValueError(
                f"forecasts begin after {self.forecaster_.cutoff_}, the newest row given, but sktime's cutoff is"
                f" {self.cutoff[0]}; update with rows that follow the known ones"
            )
        steps = fh.to_relative(self.cutoff).to_numpy()
        return self.forecaster_.forecast(int(steps.max()), X, **asked).iloc[steps - 1]

    @classmethod
    def get_test_params(cls, parameter_set: str = "default") -> list[dict[str, Any]]:
        """Return parameters of small forecasters for sktime's own checks; `parameter_set` is ignored."""
        small: dict[str, Any] = {"hidden_layer_sizes": (4,), "n_estimators": 1, "max_iter": 1, "random_state": 0}
        return [
            {"forecaster": LinearForecaster(horizon=3, lookback=2)},
            {"forecaster": RNNForecaster(horizon=3, lookback=2, **small)},
        ]
