"""Backtests: how errors change with the steps ahead and with time, and the forecasts of all windows."""

from __future__ import annotations

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
from rnnforecast.plotting._time import TimeAxis

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_NAIVE: dict[str, Any] = {"label": "seasonal naive", "color": REFERENCES[0], "linestyle": "--", "marker": "s"}
_MOST_MARKERS = 60  # more hide their line
_MOST_ORIGINS = 40  # more lines are a grey area


class BacktestDisplay:
    """The mean absolute error of a backtest by step ahead or by window, beside the seasonal naive forecast's.

    Use `from_backtest` or `from_estimator`; the constructor only stores.

    Parameters
    ----------
    errors : pandas.DataFrame of shape (n, 2)
        Mean absolute error by step ahead, or by cutoff where the index has this name, columns "forecast" and
        "seasonal_naive".
    measure : str, default="mean absolute error"
        What is drawn, with its unit.

    Attributes
    ----------
    ax_ : matplotlib.axes.Axes
        Where it was drawn.
    figure_ : matplotlib.figure.Figure
        The figure of these axes.

    Examples
    --------
    >>> import numpy as np
    >>> from rnnforecast import LinearForecaster
    >>> from rnnforecast.plotting import BacktestDisplay
    >>> backtest = LinearForecaster(horizon=3).backtest(np.sin(np.arange(100.0)), n_windows=4)
    >>> BacktestDisplay.from_backtest(backtest).errors.shape
    (3, 2)
    """

    ax_: Axes
    figure_: Any  # a SubFigure, if the axes given lie in one

    def __init__(self, *, errors: pd.DataFrame, measure: str = "mean absolute error") -> None:
        self.errors = errors
        self.measure = measure

    @classmethod
    def from_backtest(
        cls,
        backtest: Any,
        *,
        by: str = "step",
        column: str | None = None,
        name: str | None = None,
        ax: Axes | None = None,
    ) -> BacktestDisplay:
        """Draw what ``estimator.backtest(...)`` returned.

        Parameters
        ----------
        backtest : Backtest
        by : {"step", "cutoff"}, default="step"
            Whether the errors of each step ahead or of each window are drawn.
        column : str, default=None
            The target to draw; needed if there are several.
        name : str, default=None
            The forecast's name in the legend; the forecaster's class if None.
        ax : matplotlib.axes.Axes, default=None
            Where to draw; a new figure if None.

        Returns
        -------
        BacktestDisplay

        Raises
        ------
        ValueError
            If `by` is neither "step" nor "cutoff".
        """
        if by not in ("step", "cutoff"):
            raise ValueError(f'by must be "step" or "cutoff", got {by!r}')
        errors = backtest.by_step() if by == "step" else backtest.by_cutoff()
        target = _target(backtest, column)
        if errors.index.nlevels > 1:
            errors = errors.xs(target, level="target")
        unit = ", each series in its own scale" if isinstance(backtest.scales, pd.DataFrame) else f" of {target}"
        display = cls(errors=errors[["forecast", "seasonal_naive"]], measure=f"mean absolute error{unit}")
        return display.plot(ax, name=backtest.model if name is None else name)

    @classmethod
    def from_estimator(
        cls,
        estimator: Any,
        X: Any,
        y: Any = None,
        *,
        n_windows: int = 5,
        step: int | None = None,
        by: str = "step",
        column: str | None = None,
        name: str | None = None,
        ax: Axes | None = None,
    ) -> BacktestDisplay:
        """Let a forecaster forecast the end of the data from several origins, and draw its errors.

        Parameters
        ----------
        estimator : forecaster, fitted or not
            Anything with ``backtest(X, y, n_windows=, step=)``.
        X, y, n_windows, step : see the `backtest` of the estimator
        by, column, name, ax : see `from_backtest`

        Returns
        -------
        BacktestDisplay
        """
        backtest = estimator.backtest(X, y, n_windows=n_windows, step=step)
        return cls.from_backtest(backtest, by=by, column=column, name=name, ax=ax)

    def plot(self, ax: Axes | None = None, *, name: str = "forecast") -> BacktestDisplay:
        """Draw, on new axes or on those given.

        Parameters
        ----------
        ax : matplotlib.axes.Axes, default=None
            Where to draw; a new figure if None.
        name : str, default="forecast"
            The forecast's name in the legend.

        Returns
        -------
        BacktestDisplay
            Itself, drawn.
        """
        ax = axes(ax)
        index, by_time = self.errors.index, self.errors.index.name == "cutoff"
        axis = TimeAxis(ax, index)
        x = axis(index) if by_time else index
        few = {} if len(index) <= _MOST_MARKERS else {"marker": ""}
        lines = {
            "seasonal_naive": _NAIVE,
            "forecast": {"label": name, "color": FORECAST, "linewidth": 2.0, "marker": "o"},
        }
        for column, style in lines.items():
            ax.plot(x, self.errors[column], markersize=3, **style | few)
        if by_time:
            axis.label()
        else:
            _mark_steps(ax, len(index))
        name_values(ax, self.measure)
        highest = float(self.errors.max().max())
        ax.set_ylim(0.0, 1.06 * highest if highest > 0 else 1.0)  # an error's size means nothing without its zero
        finish(ax)
        name_lines(ax)
        self.ax_, self.figure_ = ax, ax.figure
        return self


class BacktestForecastDisplay:
    """The forecasts of all windows of a backtest over what was observed.

    Use `from_backtest`; the constructor only stores.

    Parameters
    ----------
    forecasts : pandas.DataFrame
        One row per window and step, on the labels that were forecast, columns ``cutoff``, ``step``, ``actual`` and
        ``forecast``; with intervals ``lo-80``, ``hi-80`` and so on.
    target : str, default=None
        What was forecast.

    Attributes
    ----------
    ax_ : matplotlib.axes.Axes
        Where it was drawn.
    figure_ : matplotlib.figure.Figure
        The figure of these axes.

    Examples
    --------
    >>> import numpy as np
    >>> from rnnforecast import LinearForecaster
    >>> from rnnforecast.plotting import BacktestForecastDisplay
    >>> backtest = LinearForecaster(horizon=3).backtest(np.sin(np.arange(100.0)), n_windows=4)
    >>> display = BacktestForecastDisplay.from_backtest(backtest)
    >>> display.figure_.savefig("backtest.png")  # doctest: +SKIP
    """

    ax_: Axes
    figure_: Any  # a SubFigure, if the axes given lie in one

    def __init__(self, *, forecasts: pd.DataFrame, target: str | None = None) -> None:
        self.forecasts = forecasts
        self.target = target

    @classmethod
    def from_backtest(
        cls,
        backtest: Any,
        *,
        column: str | None = None,
        series: Any = None,
        last: int | None = None,
        name: str | None = None,
        ax: Axes | None = None,
    ) -> BacktestForecastDisplay:
        """Draw what ``estimator.backtest(...)`` returned.

        Parameters
        ----------
        backtest : Backtest
        column : str, default=None
            The target to draw; needed if there are several.
        series : label, default=None
            Of a panel, the series to draw; its first if None.
        last : int, default=None
            Windows to draw, the newest; all if None.
        name : str, default=None
            The forecast's name in the legend; the forecaster's class if None.
        ax : matplotlib.axes.Axes, default=None
            Where to draw; a new figure if None.

        Returns
        -------
        BacktestForecastDisplay

        Raises
        ------
        ValueError
            If the panel has no such series.
        """
        rows, target = backtest.forecasts, _target(backtest, column)
        if "target" in rows:
            rows = rows[rows["target"] == target]
        label = str(target)
        if isinstance(rows.index, pd.MultiIndex):
            names = rows.index.unique(0)
            if series is not None and series not in names:
                raise ValueError(f"series must be one of the panel's {len(names)}, {list(names[:5])}, got {series!r}")
            series = names[0] if series is None else series
            rows, label = rows.xs(series, level=0), f"{target} of {series}"
        if last is not None:
            rows = rows[rows["cutoff"].isin(rows["cutoff"].unique()[-last:])]
        return cls(forecasts=rows, target=label).plot(ax, name=backtest.model if name is None else name)

    def plot(self, ax: Axes | None = None, *, name: str = "forecast") -> BacktestForecastDisplay:
        """Draw, on new axes or on those given.

        Parameters
        ----------
        ax : matplotlib.axes.Axes, default=None
            Where to draw; a new figure if None.
        name : str, default="forecast"
            The forecast's name in the legend.

        Returns
        -------
        BacktestForecastDisplay
            Itself, drawn.
        """
        ax = axes(ax)
        rows = self.forecasts
        axis = TimeAxis(ax, rows.index)
        observed = rows.loc[~rows.index.duplicated(), "actual"].sort_index()
        ax.plot(axis(observed.index), observed.to_numpy(), color=OBSERVED, linewidth=1.1, label="observed", zorder=2)
        overlap = bool(rows.index.has_duplicates)  # bands over bands, and thick lines over lines, could not be read
        look: dict[str, Any] = {"color": FORECAST, "linewidth": 1.0 if overlap else 2.0, "zorder": 4}
        alone = rows["step"].max() == 1  # forecasts one step ahead are told apart by nothing: they make one line
        windows = [rows] if alone else [window for _, window in rows.groupby("cutoff", sort=False)]
        for k, window in enumerate(windows):
            x, first = axis(window.index), k == 0
            dots: dict[str, Any] = {"marker": "o", "markersize": 4} if len(x) == 1 else {}
            ax.plot(x, window["forecast"].to_numpy(), label=name if first else None, **look, **dots)
            for j, level in enumerate([] if overlap else _levels(rows)):
                label = f"{level} % interval" if first else None
                draw_band(ax, x, window[f"lo-{level}"], window[f"hi-{level}"], j, label)
        if not alone and len(windows) <= _MOST_ORIGINS:
            for at in axis(pd.Index([window["cutoff"].iloc[0] for window in windows])):
                ax.axvline(at, color="0.55", linewidth=0.8, linestyle=":", zorder=0)
        axis.label()
        name_values(ax, self.target)
        finish(ax)
        name_lines(ax)
        self.ax_, self.figure_ = ax, ax.figure
        return self


def _target(backtest: Any, column: Any) -> Any:
    """Return the target to draw, or say which there are."""
    targets = list(backtest.scales.columns if isinstance(backtest.scales, pd.DataFrame) else backtest.scales.index)
    if column is None and len(targets) == 1:
        return targets[0]
    if column not in targets:
        raise ValueError(f"column must be one of the targets {targets[:5]}, got {column!r}")
    return column


def _levels(rows: pd.DataFrame) -> list[str]:
    """Return the levels of intervals as they are written in columns, the widest first."""
    return sorted((str(name)[3:] for name in rows.columns if str(name).startswith("lo-")), key=float, reverse=True)


def _mark_steps(ax: Axes, n_steps: int) -> None:
    """Make an x axis of steps ahead, with whole numbers only."""
    from matplotlib.ticker import MaxNLocator

    ax.xaxis.set_major_locator(MaxNLocator(integer=True, min_n_ticks=1))
    ax.set_xlim(0.5 - 0.02 * n_steps, n_steps + 0.5 + 0.02 * n_steps)
    ax.set_xlabel("steps ahead")
