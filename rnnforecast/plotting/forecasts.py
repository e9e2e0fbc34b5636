"""Forecasts beside what was observed."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import pandas as pd

from rnnforecast.plotting._canvas import (
    FORECAST,
    OBSERVED,
    REFERENCES,
    axes,
    draw_band,
    finish,
    name_lines,
    name_values,
)
from rnnforecast.plotting._time import TimeAxis, one_series, require_one_series

if TYPE_CHECKING:
    from matplotlib.axes import Axes


class ForecastDisplay:
    """A forecast after the last part of the history it was made from.

    Use `from_estimator` or `from_predictions`; the constructor only stores.

    Parameters
    ----------
    history : pandas.Series of shape (n,)
        What was observed up to the forecast origin.
    forecast : pandas.Series of shape (h,)
        What is expected after it.
    truth : pandas.Series, default=None
        What was observed afterwards; it need not cover the whole forecast.
    intervals : mapping of float to (pandas.Series, pandas.Series), default=None
        Lower and upper bounds by nominal coverage in per cent.
    references : mapping of str to pandas.Series, default=None
        Other forecasts to compare with, by name.

    Attributes
    ----------
    ax_ : matplotlib.axes.Axes
        Where it was drawn.
    figure_ : matplotlib.figure.Figure
        The figure of these axes.

    Examples
    --------
    >>> import numpy as np
    >>> import pandas as pd
    >>> from rnnforecast import LinearForecaster
    >>> from rnnforecast.plotting import ForecastDisplay
    >>> y = pd.Series(np.sin(np.arange(100.0)), name="wave")
    >>> forecaster = LinearForecaster(horizon=8).fit(y[:-8])
    >>> ForecastDisplay.from_estimator(forecaster, y, level=[80]).ax_.get_ylabel()
    'wave'
    """

    ax_: Axes
    figure_: Any  # a SubFigure, if the axes given lie in one

    def __init__(
        self,
        *,
        history: pd.Series,
        forecast: pd.Series,
        truth: pd.Series | None = None,
        intervals: Mapping[float, tuple[pd.Series, pd.Series]] | None = None,
        references: Mapping[str, pd.Series] | None = None,
    ) -> None:
        self.history = history
        self.forecast = forecast
        self.truth = truth
        self.intervals = intervals
        self.references = references

    @classmethod
    def from_predictions(
        cls,
        history: pd.Series | pd.DataFrame,
        forecast: pd.Series | pd.DataFrame,
        truth: pd.Series | pd.DataFrame | None = None,
        *,
        references: Mapping[str, pd.Series | pd.DataFrame] | None = None,
        column: str | None = None,
        last: int | None = None,
        name: str = "forecast",
        ax: Axes | None = None,
    ) -> ForecastDisplay:
        """Draw given values.

        Parameters
        ----------
        history, forecast : pandas.Series or DataFrame
            Frames may hold several targets, of which `column` is drawn. Forecast columns ``load-lo-80`` and
            ``load-hi-80`` are drawn as an interval around ``load``.
        truth : pandas.Series or DataFrame, default=None
            Observations of the time that was forecast.
        references : mapping of str to pandas.Series or DataFrame, default=None
            Other forecasts of the same time, by the name the legend shall show.
        column : str, default=None
            The target to draw; needed if there are several.
        last : int, default=None
            Rows of `history` to draw; four times the forecast's length, and 48 at least, if None.
        name : str, default="forecast"
            The forecast's name in the legend.
        ax : matplotlib.axes.Axes, default=None
            Where to draw; a new figure if None.

        Returns
        -------
        ForecastDisplay
        """
        return cls.of(history, forecast, truth, references, column).plot(ax, last=last, name=name)

    @classmethod
    def of(cls, history: Any, forecast: Any, truth: Any, references: Any, column: str | None) -> ForecastDisplay:
        """Return a display that is still to be drawn.

        Parameters
        ----------
        history, forecast, truth, references, column : see `from_predictions`

        Returns
        -------
        ForecastDisplay
        """
        observed, center = one_series(history, column, "history"), one_series(forecast, column, "forecast")
        return cls(
            history=observed,
            forecast=center,
            truth=None if truth is None else one_series(truth, column, "truth"),
            intervals=_intervals(forecast, str(center.name)),
            references={
                key: one_series(value, column, f"references[{key!r}]") for key, value in (references or {}).items()
            },
        )

    @classmethod
    def from_estimator(
        cls,
        estimator: Any,
        y: pd.Series | pd.DataFrame,
        *,
        X: pd.DataFrame | None = None,
        h: int | None = None,
        level: float | Sequence[float] | None = None,
        column: str | None = None,
        last: int | None = None,
        name: str | None = None,
        ax: Axes | None = None,
    ) -> ForecastDisplay:
        """Let a fitted forecaster forecast, and draw it.

        Parameters
        ----------
        estimator : fitted forecaster
            Anything with ``cutoff_`` and ``forecast(h, X)``, and ``level=`` there if it is asked for.
        y : pandas.Series or DataFrame
            The target. Rows up to ``estimator.cutoff_`` are drawn as history, rows after it as truth.
        X : pandas.DataFrame, default=None
            Covariates of the time to be forecast, if the estimator was fitted with some.
        h : int, default=None
            Number of steps; the estimator's horizon if None.
        level : float or sequence of float, default=None
            Coverages, in per cent, of the intervals to draw around the forecast.
        column, last, ax : see `from_predictions`
        name : str, default=None
            The forecast's name in the legend; the estimator's class if None.

        Returns
        -------
        ForecastDisplay

        Raises
        ------
        TypeError
            If `y` is neither a Series nor a frame.
        """
        if not isinstance(y, (pd.Series, pd.DataFrame)):
            raise TypeError(f"y must be a pandas Series or DataFrame, whose index is drawn, got {type(y).__name__}")
        require_one_series(y, "y")
        asked = {} if level is None else {"level": level}
        forecast = estimator.forecast(h, **asked) if X is None else estimator.forecast(h, X, **asked)
        known = y.index <= estimator.cutoff_
        return cls.from_predictions(
            y[known],
            forecast,
            y[y.index.isin(forecast.index)] if not known.all() else None,
            column=column,
            last=last,
            name=type(estimator).__name__ if name is None else name,
            ax=ax,
        )

    def plot(self, ax: Axes | None = None, *, last: int | None = None, name: str = "forecast") -> ForecastDisplay:
        """Draw, on new axes or on those given.

        Parameters
        ----------
        ax : matplotlib.axes.Axes, default=None
            Where to draw; a new figure if None.
        last : int, default=None
            Rows of the history to draw; four times the forecast's length, and 48 at least, if None.
        name : str, default="forecast"
            The forecast's name in the legend.

        Returns
        -------
        ForecastDisplay
            The display itself, with ``ax_`` and ``figure_`` set.
        """
        ax = axes(ax)
        self.draw(ax, last=last, name=name)
        name_lines(ax)
        self.ax_, self.figure_ = ax, ax.figure
        return self

    def draw(self, ax: Axes, *, last: int | None = None, name: str = "forecast") -> None:
        """Draw as `plot` does, but on the axes given, without a legend.

        Parameters
        ----------
        ax : matplotlib.axes.Axes
        last, name : see `plot`
        """
        shown = self.history.iloc[-(max(4 * len(self.forecast), 48) if last is None else last) :]
        # One line through history and truth: they are the same series, and the cutoff is marked by itself.
        observed = shown if self.truth is None else pd.concat([shown, self.truth])
        axis = TimeAxis(ax, observed.index)
        ax.plot(axis(observed.index), observed.to_numpy(), color=OBSERVED, linewidth=1.1, label="observed", zorder=2)
        x = axis(self.forecast.index)
        point: dict[str, Any] = {"marker": "o", "markersize": 4} if len(x) == 1 else {}  # one step makes no line
        ax.plot(x, self.forecast.to_numpy(), color=FORECAST, linewidth=2.0, label=name, zorder=4, **point)
        for k, (level, (lower, upper)) in enumerate(sorted((self.intervals or {}).items(), reverse=True)):
            draw_band(ax, x, lower, upper, k, f"{level:g} % interval")
        for k, (label, values) in enumerate((self.references or {}).items()):
            color, dashes = REFERENCES[k % len(REFERENCES)], ("--", "-.", ":")[k % 3]
            ax.plot(
                axis(values.index), values.to_numpy(), color=color, linestyle=dashes, label=label, zorder=3, **point
            )
        ax.axvline(axis(shown.index[-1:])[0], color="0.55", linewidth=0.8, linestyle=":", zorder=0)
        axis.label()
        name_values(ax, self.history.name)
        finish(ax)


def _intervals(forecast: pd.Series | pd.DataFrame, target: str) -> dict[float, tuple[pd.Series, pd.Series]]:
    """Find the interval columns of a target: bounds by level in per cent."""
    bounds = {}
    for name in forecast.columns if isinstance(forecast, pd.DataFrame) else ():
        match = re.fullmatch(re.escape(target) + r"-lo-(\d+(?:\.\d+)?)", str(name))
        if match:
            bounds[float(match[1])] = (forecast[name], forecast[f"{target}-hi-{match[1]}"])
    return bounds
