"""What a fitted forecaster tells about itself: where gradients reach, and which inputs its forecasts depend on."""

from __future__ import annotations

from collections.abc import Hashable
from typing import Any

import pandas as pd
from sklearn.utils.validation import check_is_fitted

from rnnforecast.estimators import _diagnosis, _importance, _input_gradient
from rnnforecast.estimators._base import BaseForecaster
from rnnforecast.estimators._echo_state import EchoStates
from rnnforecast.estimators._parameters import checked_number
from rnnforecast.series import Series


class Interpretation(BaseForecaster):
    """Methods of a forecaster with networks, ``ensemble_``, and perhaps a linear model, ``linear_``."""

    ensemble_: Any
    linear_: Any
    target_transform: Any

    def gradient_flow(self, X: Any = None) -> pd.DataFrame:
        """Return how far back in time gradients reach: their norm in the states before the newest, by lag.

        Norms that fall exponentially with the lag are a vanishing gradient, growing ones an exploding one.

        Parameters
        ----------
        X : Series, frame, array or tuple (X, y), optional
            Data to read instead of those of `fit`, given as `history` is in `forecast`.

        Returns
        -------
        DataFrame
            Index "lag" in steps of the series, a column for each recurrent layer; the last one's newest state has 1.

        Raises
        ------
        ValueError
            If the layers cannot be followed from step to step, or were not trained by gradients.
        """
        check_is_fitted(self)
        if isinstance(self.ensemble_, EchoStates):
            raise ValueError('gradient_flow shows what trains a network, but solver="ridge" has no gradients')
        return _diagnosis.gradient_flow(self.ensemble_, self._one_series(X))

    def input_gradient(self, X: Any = None, *, step: int = 1, target: Hashable = None) -> pd.DataFrame:
        """Return the exact derivative of a forecast in the values it is made from, by lag and input.

        The unit is that of the target per unit of the input: how much the forecast would grow if a past value had been
        larger by one. Networks, closed-form models and their weights are all part of it, as are scaling and transform.
        An echo state network, which has read all the past, is followed back through the lags of the table only.

        Parameters
        ----------
        X : Series, frame, array or tuple (X, y), optional
            Data to forecast instead of those of `fit`, given as `history` is in `forecast`. Covariates after its end
            are taken as the last known ones.
        step : int, default=1
            Step ahead, at most ``horizon``.
        target : label, optional
            Which of several target columns is forecast; the first by default.

        Returns
        -------
        DataFrame
            Index "lag": 0 is the newest known row, -1 the first step ahead. Columns ("cutoff", input), for the forecast
            from the end of the data, and ("mean", input), over forecasts from up to 64 rows spread over the data. NaN
            where an input is not known at a lag: all but known covariates in the steps ahead. NaN, too, where there is
            no derivative: of a power below one at zero; such values do not count in a mean.

        Raises
        ------
        ValueError
            If `step` or `target` is none of the forecaster's, or its networks learnt with ``forking_sequences=True``,
            from differences or with ``missing="mask"``, or forecast a distribution.
        """
        check_is_fitted(self)
        self._require_levels()
        series = self._one_series(X)
        if checked_number(step, "step") > self.horizon:
            raise ValueError(f"step must be at most the horizon, {self.horizon}, got {step}; fit with a longer horizon")
        return _input_gradient.input_gradient(self, series, step - 1, _column(series, target))

    def permutation_importance(
        self,
        X: Any,
        y: Any = None,
        *,
        target: Hashable = None,
        n_windows: int = 100,
        band: int | None = None,
        n_repeats: int = 5,
        random_state: Any = None,
    ) -> pd.DataFrame:
        """Return how much worse forecasts get when the values of an input, at some lags, come from other windows.

        scikit-learn's `sklearn.inspection.permutation_importance` (Breiman, 2001) over windows of given data: past
        values of an input in a band of lags are exchanged between windows, all else staying as it was. Where inputs
        repeat each other, one can make up for the other, and neither seems important. An echo state network has read
        the rows before each window as they were.

        Parameters
        ----------
        X : frame, Series or array of N rows
            As in `fit`; rows that were not learnt from, or importance is that for memory.
        y : Series, frame or array of N rows, optional
            As in `fit`.
        target : label, optional
            Which of several target columns is forecast; the first by default.
        n_windows : int, default=100
            Windows, spread evenly over the data; fewer if there are not so many.
        band : int, optional
            Lags that are exchanged together; by default a twelfth of those that are read.
        n_repeats : int, default=5
            Permutations of each input and band.
        random_state : int, RandomState or None, default=None
            Of the permutations.

        Returns
        -------
        DataFrame
            Index ("input", "first", "last"): the newest and the oldest lag of the band, 0 being the newest known row
            and negative ones the steps ahead. Columns "mean" and "std", over repeats, of the growth of the mean
            absolute error over the horizon, in units of the target.

        Raises
        ------
        ValueError
            If fewer than two windows are asked for, or the data hold fewer with their horizon; if the forecaster learnt
            from differences or with ``missing="mask"``.
        """
        check_is_fitted(self)
        self._require_levels()
        series = self._one_series(X if y is None else (X, y))
        return _importance.permutation_importance(
            self,
            series,
            _column(series, target),
            n_windows=checked_number(n_windows, "n_windows", minimum=2),
            band=None if band is None else checked_number(band, "band"),
            n_repeats=checked_number(n_repeats, "n_repeats"),
            random_state=random_state,
        )

    def _require_levels(self) -> None:
        """Refuse forecasts that are not made from levels, all of them observed."""
        lags, masked = self.ensemble_.scales.transform.lags, self._history.masked is not None
        if lags or masked:
            name, value = ("missing", "mask") if masked else ("target_transform", self.target_transform)
            raise ValueError(
                f"this follows forecasts back to the values of a window, but {type(self).__name__} was fitted with "
                f"{name}={value!r}; fit with {name}={'interpolate' if masked else None!r} to see what forecasts "
                "depend on"
            )

    def _one_series(self, history: Any) -> Series:
        """Return the series to look at: that of `fit` for None."""
        if self._history.ids is not None:
            raise ValueError(
                f"this looks at a single series, but {type(self).__name__} was fitted with a panel of "
                f"{len(self._history.ids)}; fit one series, such as y.xs(key), or use ForecasterPerSeries"
            )
        series = self._history if history is None else self._read_history(history)
        if series.ids is not None:
            raise ValueError(
                f"this looks at a single series, but X is a panel of {len(series.ids)}; give one series, such as "
                "X.xs(key)"
            )
        return series


def _column(series: Series, target: Hashable) -> int:
    """Return the number of a target column, the first by default."""
    if target is None:
        return 0
    if target not in series.target_names:
        names = ", ".join(map(str, series.target_names))
        raise ValueError(f"target must be one of the target columns, {names}, got {target!r}")
    return series.target_names.index(target)
