"""Forecasts of the series of a panel, side by side."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from rnnforecast.plotting._canvas import fitting_columns, letters, new_axes, shortened
from rnnforecast.plotting.forecasts import ForecastDisplay

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_SHOWN = 6  # series, unless some are named
_COLUMNS = 3


class PanelDisplay:
    """The forecasts of several series, each as a `ForecastDisplay` on axes of its own, under one legend.

    Use `from_estimator` or `from_predictions`; the constructor only stores.

    Parameters
    ----------
    displays : mapping of label to ForecastDisplay
        What to draw of each series.

    Attributes
    ----------
    axes_ : list of matplotlib.axes.Axes
        Where each was drawn.
    figure_ : matplotlib.figure.Figure
        The figure of these axes.

    Examples
    --------
    >>> import numpy as np
    >>> import pandas as pd
    >>> from rnnforecast import LinearForecaster
    >>> from rnnforecast.plotting import PanelDisplay
    >>> index = pd.MultiIndex.from_product([["north", "south"], range(60)], names=["shop", "day"])
    >>> sold = pd.Series(np.sin(np.arange(120.0)), index, name="sold")
    >>> forecaster = LinearForecaster(horizon=5).fit(sold)
    >>> len(PanelDisplay.from_predictions(sold, forecaster.forecast()).axes_)
    2
    """

    axes_: list[Axes]
    figure_: Any  # a SubFigure, if the axes given lie in one

    def __init__(self, *, displays: Mapping[Hashable, ForecastDisplay]) -> None:
        self.displays = displays

    @classmethod
    def from_predictions(
        cls,
        history: pd.Series | pd.DataFrame,
        forecast: pd.Series | pd.DataFrame,
        truth: pd.Series | pd.DataFrame | None = None,
        *,
        references: Mapping[str, pd.Series | pd.DataFrame] | None = None,
        series: Sequence[Hashable] | None = None,
        column: str | None = None,
        last: int | None = None,
        name: str = "forecast",
        ax: Sequence[Axes] | None = None,
    ) -> PanelDisplay:
        """Draw given values.

        Parameters
        ----------
        history, forecast : pandas.Series or DataFrame
            Panels, rows under a MultiIndex (series, time); columns as in `ForecastDisplay.from_predictions`.
        truth : pandas.Series or DataFrame, default=None
            Observations of the time that was forecast, of all series or of some.
        references : mapping of str to pandas.Series or DataFrame, default=None
            Other forecasts of the same series and time.
        series : sequence of labels, default=None
            Which series are drawn; the first six if None.
        column, last, name : see `ForecastDisplay.from_predictions`
        ax : sequence of matplotlib.axes.Axes, default=None
            One for each series; a new figure if None.

        Returns
        -------
        PanelDisplay

        Raises
        ------
        ValueError
            If the data are no panel, or a series that is named is not in it.
        """
        _require_panel(history, "history")
        _require_panel(forecast, "forecast")
        known = forecast.index.unique(0)
        chosen = list(known[:_SHOWN] if series is None else series)
        unknown = [one for one in chosen if one not in known]
        if unknown or not chosen:
            wrong = repr(unknown[0]) if unknown else "none"
            raise ValueError(f"series must be among the {len(known)} forecast, {list(known[:5])}, got {wrong}")
        displays = {
            one: ForecastDisplay.of(
                history.xs(one, level=0),
                forecast.xs(one, level=0),
                None if truth is None or one not in truth.index.unique(0) else truth.xs(one, level=0),
                {key: other.xs(one, level=0) for key, other in (references or {}).items()},
                column,
            )
            for one in chosen
        }
        return cls(displays=displays).plot(ax, last=last, name=name)

    @classmethod
    def from_estimator(
        cls,
        estimator: Any,
        y: pd.Series | pd.DataFrame,
        *,
        X: pd.DataFrame | None = None,
        h: int | None = None,
        level: float | Sequence[float] | None = None,
        series: Sequence[Hashable] | None = None,
        column: str | None = None,
        last: int | None = None,
        name: str | None = None,
        ax: Sequence[Axes] | None = None,
    ) -> PanelDisplay:
        """Let a forecaster that was fitted to a panel forecast, and draw several of its series.

        Parameters
        ----------
        estimator : fitted forecaster
            Anything with ``cutoff_``, a Series of labels by series, and ``forecast(h, X, level=)``.
        y : pandas.Series or DataFrame
            The panel. Rows of a series up to its cutoff are drawn as history, rows after it as truth.
        X, h, level : see `ForecastDisplay.from_estimator`
        series, ax : see `from_predictions`
        column, last : see `ForecastDisplay.from_predictions`
        name : str, default=None
            The forecast's name in the legend; the estimator's class if None.

        Returns
        -------
        PanelDisplay
        """
        _require_panel(y, "y")
        forecast = estimator.forecast(h, X, **({} if level is None else {"level": level}))
        times = y.index.get_level_values(1)
        known = np.asarray(times <= pd.Index(estimator.cutoff_.reindex(y.index.get_level_values(0))))
        return cls.from_predictions(
            y[known],
            forecast,
            y[y.index.isin(forecast.index)],
            series=series,
            column=column,
            last=last,
            name=type(estimator).__name__ if name is None else name,
            ax=ax,
        )

    def plot(
        self, ax: Sequence[Axes] | None = None, *, last: int | None = None, name: str = "forecast"
    ) -> PanelDisplay:
        """Draw, on new axes or on those given.

        Parameters
        ----------
        ax : sequence of matplotlib.axes.Axes, default=None
            One for each series; a new figure if None.
        last, name : see `ForecastDisplay.plot`

        Returns
        -------
        PanelDisplay
            The display itself, with ``axes_`` and ``figure_`` set.

        Raises
        ------
        ValueError
            If there are more or fewer axes than series.
        """
        n, own = len(self.displays), ax is None
        if ax is None:
            n_columns = min(n, _COLUMNS)
            n_rows = -(-n // n_columns)
            grid = np.ravel(new_axes(n_rows, n_columns, squeeze=False, figsize=(9.0, 0.6 + 2.3 * n_rows)))
            for unused in grid[n:]:
                unused.remove()
            ax = list(grid[:n])
        panels = list(np.ravel(np.asarray(ax, dtype=object)))
        if len(panels) != n:
            raise ValueError(f"ax must be one Axes for each of the {n} series, got {len(panels)}")
        for k, (panel, (label, display)) in enumerate(zip(panels, self.displays.items(), strict=True)):
            display.draw(panel, last=last, name=name)
            panel.set_title(shortened(label, letters(panel, panel.bbox.width)), fontsize="medium", loc="left")
            if own and k % _COLUMNS:
                panel.set_ylabel("")
            if own and k + _COLUMNS < n:
                panel.set_xlabel("")
        figure: Any = panels[0].figure
        handles: dict[str, Any] = {}
        for panel in panels:
            lines, labels = panel.get_legend_handles_labels()
            handles |= dict(zip(labels, lines, strict=True))
        fitting_columns(figure, list(handles.values()), list(handles), figure.bbox.width, loc="outside upper left")
        self.axes_, self.figure_ = panels, figure
        return self


def _require_panel(data: Any, role: str) -> None:
    """Refuse a single series."""
    if not isinstance(getattr(data, "index", None), pd.MultiIndex):
        raise ValueError(
            f"{role} must be a panel, rows under a MultiIndex (series, time): draw one series with ForecastDisplay"
        )
