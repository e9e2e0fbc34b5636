"""A series, how surprising each of its rows is, and the intervals a detector reports."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from rnnforecast.plotting._canvas import FORECAST, OBSERVED, REFERENCES, finish, name_lines, name_values, new_axes
from rnnforecast.plotting._time import TimeAxis, one_series

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_TRUTH, _ALARM = REFERENCES[1], REFERENCES[3]
_WIDE = 10.0  # thresholds; higher scores would press the others flat


class AnomalyDisplay:
    """A series above its anomaly score, with the reported intervals across both.

    Use `from_estimator` or `from_predictions`; the constructor only stores.

    Parameters
    ----------
    series : pandas.Series of shape (n,)
        What was observed.
    score : pandas.Series of shape (n,)
        Higher is worse; NaN where a row was not scored.
    threshold : float or pandas.Series of shape (n,), default=None
        Rows whose score is above it, or above their own, alarm.
    intervals : pandas.DataFrame, default=None
        One row per interval, with labels of the series' index in columns ``start`` and ``end``, and ``peak`` if known.
    truth : pandas.Series of bool, default=None
        Rows that are known to be anomalous.

    Attributes
    ----------
    ax_ : matplotlib.axes.Axes
        Where the series was drawn.
    score_ax_ : matplotlib.axes.Axes or None
        Where the score was drawn.
    figure_ : matplotlib.figure.Figure
        The figure of these axes.

    Examples
    --------
    >>> import pandas as pd
    >>> from rnnforecast.plotting import AnomalyDisplay
    >>> display = AnomalyDisplay.from_predictions(pd.Series([0.0, 9.0, 0.0]), pd.Series([0.1, 5.0, 0.2]), threshold=3.0)
    >>> display.threshold
    3.0
    """

    ax_: Axes
    score_ax_: Axes | None
    figure_: Any  # a SubFigure, if the axes given lie in one

    def __init__(
        self,
        *,
        series: pd.Series,
        score: pd.Series,
        threshold: float | pd.Series | None = None,
        intervals: pd.DataFrame | None = None,
        truth: pd.Series | None = None,
    ) -> None:
        self.series = series
        self.score = score
        self.threshold = threshold
        self.intervals = intervals
        self.truth = truth

    @classmethod
    def from_predictions(
        cls,
        series: pd.Series | pd.DataFrame,
        score: pd.Series | pd.DataFrame,
        *,
        threshold: float | pd.Series | None = None,
        intervals: pd.DataFrame | None = None,
        truth: pd.Series | None = None,
        column: str | None = None,
        name: str = "anomaly score",
        ax: Axes | Sequence[Axes] | None = None,
    ) -> AnomalyDisplay:
        """Draw given values.

        Parameters
        ----------
        series : pandas.Series or DataFrame
            A frame may hold several columns, of which `column` is drawn.
        score : pandas.Series or one-column DataFrame
        threshold, intervals, truth : see `AnomalyDisplay`
        column : str, default=None
            The column to draw; needed if there are several.
        name : str, default="anomaly score"
            The score's name.
        ax : matplotlib.axes.Axes, or two of them, default=None
            Where to draw the series, and the score below it; one alone takes the series with the intervals. A new
            figure of two if None.

        Returns
        -------
        AnomalyDisplay

        Raises
        ------
        ValueError
            If there are several columns and none is named, or `intervals` lacks ``start`` or ``end``.
        """
        if intervals is not None and not {"start", "end"} <= set(intervals.columns):
            raise ValueError(f"intervals must have the columns start and end, got {list(intervals.columns)[:8]}")
        display = cls(
            series=one_series(series, column, "series"),
            score=one_series(score, None, "score"),
            threshold=threshold,
            intervals=intervals,
            truth=truth,
        )
        return display.plot(ax, name=name)

    @classmethod
    def from_estimator(
        cls,
        estimator: Any,
        X: pd.Series | pd.DataFrame,
        *,
        intervals: pd.DataFrame | None = None,
        truth: pd.Series | None = None,
        column: str | None = None,
        name: str = "anomaly score",
        ax: Axes | Sequence[Axes] | None = None,
    ) -> AnomalyDisplay:
        """Let a fitted detector score a series, and draw it.

        Parameters
        ----------
        estimator : fitted detector
            Anything with ``anomaly_score(X)``, ``decision_function(X)``, negative where rows alarm, and ``detect(X)``.
        X : pandas.Series or DataFrame
            Rows to be scored.
        intervals : pandas.DataFrame, default=None
            What ``detect`` returned with other than its default arguments; it is asked if None.
        truth : pandas.Series of bool, default=None
            Rows that are known to be anomalous.
        column, name, ax : see `from_predictions`

        Returns
        -------
        AnomalyDisplay
        """
        series = one_series(X, column, "X")  # before any work
        score = estimator.anomaly_score(X)
        return cls.from_predictions(
            series,
            score,
            threshold=score + estimator.decision_function(X),
            intervals=estimator.detect(X) if intervals is None else intervals,
            truth=truth,
            name=name,
            ax=ax,
        )

    def plot(self, ax: Axes | Sequence[Axes] | None = None, *, name: str = "anomaly score") -> AnomalyDisplay:
        """Draw, on new axes or on those given.

        Parameters
        ----------
        ax : matplotlib.axes.Axes, or two of them, default=None
            Where to draw the series, and the score below it; one alone takes the series with the intervals. A new
            figure of two if None.
        name : str, default="anomaly score"
            The score's name.

        Returns
        -------
        AnomalyDisplay
            The display itself, with ``ax_``, ``score_ax_`` and ``figure_`` set.
        """
        panels = _panels(ax)
        upper, lower = panels[0], panels[1] if len(panels) > 1 else None
        index = self.series.index
        place = TimeAxis(upper, index)
        upper.plot(place(index), self.series.to_numpy(), color=OBSERVED, linewidth=0.9, label="observed", zorder=2)
        self._draw_truth(upper, place)
        self._draw_peaks(upper, place)
        if lower is not None:
            self._draw_score(lower, place, name)
        for panel in panels:
            self._draw_intervals(panel, place)
            TimeAxis(panel, index).label()
            finish(panel)
            name_lines(panel)
        name_values(upper, self.series.name)
        if lower is not None:
            upper.set_xlabel("")
            lower.set_ylabel(name)
        self.ax_, self.score_ax_, self.figure_ = upper, lower, upper.figure
        return self

    def _draw_truth(self, ax: Axes, place: TimeAxis) -> None:
        """Draw known anomalies as a strip along the bottom, which what was detected does not hide."""
        if self.truth is None:
            return
        known = np.concatenate([[False], self.truth.to_numpy(dtype=bool), [False]])
        edges = np.flatnonzero(known[1:] != known[:-1])
        x = place(self.truth.index)
        for k, (start, stop) in enumerate(edges.reshape(-1, 2)):
            label = "known anomaly" if k == 0 else None
            ax.axvspan(x[start], x[stop - 1], 0.0, 0.03, color=_TRUTH, linewidth=1.0, label=label, zorder=3)

    def _draw_peaks(self, ax: Axes, place: TimeAxis) -> None:
        if self.intervals is None or "peak" not in self.intervals or self.intervals.empty:
            return
        peaks = self.series[self.series.index.isin(self.intervals["peak"])]
        ax.plot(place(peaks.index), peaks.to_numpy(), "o", color=_ALARM, markersize=4, label="peak", zorder=4)

    def _draw_score(self, ax: Axes, place: TimeAxis, name: str) -> None:
        x = place(self.score.index)
        ax.plot(x, self.score.to_numpy(), color=FORECAST, linewidth=1.0, label=name, zorder=2)
        if self.threshold is None:
            return
        level = np.broadcast_to(np.asarray(self.threshold, dtype=float), x.shape)
        ax.plot(x, level, color=REFERENCES[0], linestyle="--", label="threshold", zorder=3)
        typical, highest = np.nanmedian(level), self.score.max()
        if typical > 0.0 and highest > _WIDE * typical:
            ax.set_yscale("asinh", linear_width=typical)  # as it is up to the threshold, by orders beyond it
            orders = 10.0 ** np.arange(np.floor(np.log10(typical)), np.log10(highest))
            ticks = np.concatenate([[0.0], orders, 3.0 * orders])
            ax.set_yticks(ticks[(ticks == 0.0) | (ticks >= 0.5 * typical)])
            ax.minorticks_off()
            ax.yaxis.set_major_formatter("{x:g}")

    def _draw_intervals(self, ax: Axes, place: TimeAxis) -> None:
        if self.intervals is None:
            return
        edges = (place(pd.Index(self.intervals[edge])) for edge in ("start", "end"))
        for k, (start, end) in enumerate(zip(*edges, strict=True)):
            # The edge line is for single rows, which are narrower than a pixel among thousands.
            label = "detected" if k == 0 else None
            ax.axvspan(start, end, color=_ALARM, alpha=0.3, linewidth=1.0, label=label, zorder=1)


def _panels(ax: Axes | Sequence[Axes] | None) -> list[Axes]:
    """Return the axes to draw the series in, and the score if there are two."""
    if ax is None:
        return list(new_axes(2, 1, sharex=True, height_ratios=(3, 2), figsize=(9.0, 5.5)))
    panels = list(np.ravel(np.asarray(ax, dtype=object)))
    if len(panels) not in (1, 2):
        raise ValueError(f"ax must be one Axes or two, got {len(panels)}")
    return panels
