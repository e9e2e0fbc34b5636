"""What goes on inside networks: how they learnt, how far back their gradients reach, what they look back at."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from rnnforecast.plotting._canvas import FORECAST, OBSERVED, REFERENCES, axes, finish, name_lines

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_COLORS = (FORECAST, *REFERENCES)
_WIDE = 30.0  # losses that differ by more are drawn on a logarithmic scale
MOST_MARKERS = 30  # more hide their line


class LossCurveDisplay:
    """The loss of a training by epoch, and of the rows that were held out from it.

    Use `from_estimator`; the constructor only stores.

    Parameters
    ----------
    loss : sequence of float
        Mean training loss of each epoch.
    validation : sequence of float, default=()
        Losses of held-out data, evenly spaced over the training, that of the starting weights first.

    Attributes
    ----------
    ax_ : matplotlib.axes.Axes
        Where it was drawn.
    figure_ : matplotlib.figure.Figure
        The figure of these axes.

    Examples
    --------
    >>> from rnnforecast.plotting import LossCurveDisplay
    >>> LossCurveDisplay(loss=[0.9, 0.5, 0.4], validation=[1.0, 0.6, 0.5, 0.5]).plot().ax_.get_xlabel()
    'epochs'
    """

    ax_: Axes
    figure_: Any  # a SubFigure, if the axes given lie in one

    def __init__(self, *, loss: Sequence[float], validation: Sequence[float] = ()) -> None:
        self.loss = loss
        self.validation = validation

    @classmethod
    def from_estimator(cls, estimator: Any, *, ax: Axes | None = None) -> LossCurveDisplay:
        """Draw how a fitted estimator learnt.

        Parameters
        ----------
        estimator : fitted estimator
            Anything with ``loss_curve_`` and, if it held anything out, ``validation_scores_``.
        ax : matplotlib.axes.Axes, default=None
            Where to draw; a new figure if None.

        Returns
        -------
        LossCurveDisplay
        """
        loss = _learned(estimator, "loss_curve_", "fit it first")
        return cls(loss=loss, validation=getattr(estimator, "validation_scores_", None) or ()).plot(ax)

    def plot(self, ax: Axes | None = None) -> LossCurveDisplay:
        """Draw, on new axes or on those given.

        Parameters
        ----------
        ax : matplotlib.axes.Axes, default=None
            Where to draw; a new figure if None.

        Returns
        -------
        LossCurveDisplay
            Itself, drawn.
        """
        ax = axes(ax)
        from matplotlib.ticker import MaxNLocator

        loss, validation = np.asarray(self.loss, float), np.asarray(self.validation, float)
        # An epoch's loss is a mean over its updates: it stands for the middle of the epoch.
        alone: dict[str, Any] = {"marker": "o"} if len(loss) == 1 else {}  # one epoch makes no line
        ax.plot(np.arange(len(loss)) + 0.5, loss, color=FORECAST, linewidth=2.0, label="training", **alone)
        if len(validation):
            at = np.linspace(0.0, len(loss), len(validation))
            best = int(np.argmin(validation))
            few: dict[str, Any] = (
                {"linestyle": "--", "marker": "o", "markersize": 3} if len(validation) <= MOST_MARKERS else {}
            )
            ax.plot(at, validation, color=REFERENCES[0], label="held out", **few)
            ax.plot(at[best], validation[best], "o", color=OBSERVED, markersize=6, label="best")
        drawn = np.concatenate([loss, validation])
        if drawn.min() > 0.0 and drawn.max() > _WIDE * drawn.min():
            ax.set_yscale("log")
            _label_decades(ax)
        ax.xaxis.set_major_locator(MaxNLocator(integer=True))
        ax.set_xlim(-0.02 * len(loss), 1.02 * len(loss))
        ax.set_xlabel("epochs")
        ax.set_ylabel("loss")
        finish(ax)
        name_lines(ax)
        self.ax_, self.figure_ = ax, ax.figure
        return self


class GradientFlowDisplay:
    """The norm of the gradient by lag, which shows whether it vanishes or explodes.

    Use `from_estimator` or `from_norms`; the constructor only stores.

    Parameters
    ----------
    norms : pandas.DataFrame of shape (lags, lines)
        Norms by lag (index), a column for each line.

    Attributes
    ----------
    ax_ : matplotlib.axes.Axes
        Where it was drawn.
    figure_ : matplotlib.figure.Figure
        The figure of these axes.

    Examples
    --------
    >>> import pandas as pd
    >>> from rnnforecast.plotting import GradientFlowDisplay
    >>> norms = pd.DataFrame({"a cell that forgets": [1.0, 0.1, 0.01]})
    >>> GradientFlowDisplay.from_norms(norms).ax_.get_yscale()
    'log'
    """

    ax_: Axes
    figure_: Any  # a SubFigure, if the axes given lie in one

    def __init__(self, *, norms: pd.DataFrame) -> None:
        self.norms = norms

    @classmethod
    def from_norms(cls, norms: pd.DataFrame, *, ax: Axes | None = None) -> GradientFlowDisplay:
        """Draw given norms.

        Parameters
        ----------
        norms : pandas.DataFrame of shape (lags, lines)
            Norms by lag (index), a column for each line: layers, or networks to be compared.
        ax : matplotlib.axes.Axes, default=None
            Where to draw; a new figure if None.

        Returns
        -------
        GradientFlowDisplay

        Raises
        ------
        ValueError
            If `norms` is no frame of norms by lag.
        """
        if not isinstance(norms, pd.DataFrame) or norms.empty:
            raise ValueError(f"norms must be a DataFrame of norms by lag, got {type(norms).__name__}")
        return cls(norms=norms).plot(ax)

    @classmethod
    def from_estimator(cls, estimator: Any, X: Any = None, *, ax: Axes | None = None) -> GradientFlowDisplay:
        """Draw how far back the gradients of a fitted forecaster reach, layer by layer.

        Parameters
        ----------
        estimator : fitted forecaster
            Anything with ``gradient_flow(X)``.
        X : Series, frame, array or tuple (X, y), default=None
            Data to read instead of those of `fit`.
        ax : matplotlib.axes.Axes, default=None
            Where to draw; a new figure if None.

        Returns
        -------
        GradientFlowDisplay
        """
        return cls.from_norms(estimator.gradient_flow(X), ax=ax)

    def plot(self, ax: Axes | None = None) -> GradientFlowDisplay:
        """Draw, on new axes or on those given.

        Parameters
        ----------
        ax : matplotlib.axes.Axes, default=None
            Where to draw; a new figure if None.

        Returns
        -------
        GradientFlowDisplay
            Itself, drawn.
        """
        ax = axes(ax)
        for k, column in enumerate(self.norms.columns):
            # A norm of exactly zero has no logarithm: the line ends before it.
            values = self.norms[column].where(self.norms[column] > 0.0)
            ax.plot(self.norms.index, values, color=_COLORS[k % len(_COLORS)], linewidth=2.0, label=str(column))
        ax.set_yscale("log")
        _label_decades(ax)
        ax.set_xlim(left=0.0)
        ax.set_xlabel("lag (steps before the newest)")
        ax.set_ylabel("norm of the gradient")
        finish(ax)
        name_lines(ax)
        self.ax_, self.figure_ = ax, ax.figure
        return self


class AttentionDisplay:
    """What each step of a forecast looked back at.

    Use `from_estimator`; the constructor only stores.

    Parameters
    ----------
    weights : ndarray of shape (h, T)
        Weights of the T steps (or segments) read, oldest first, for each of h steps ahead, or once for all (h = 1).
    lookback : int
        Rows of the series that were read.

    Attributes
    ----------
    ax_ : matplotlib.axes.Axes
        Where it was drawn.
    figure_ : matplotlib.figure.Figure
        The figure of these axes.

    Examples
    --------
    >>> import numpy as np
    >>> from rnnforecast.plotting import AttentionDisplay
    >>> weights = np.full((2, 4), 0.25)
    >>> display = AttentionDisplay(weights=weights, lookback=4).plot()
    """

    ax_: Axes
    figure_: Any  # a SubFigure, if the axes given lie in one

    def __init__(self, *, weights: np.ndarray, lookback: int) -> None:
        self.weights = weights
        self.lookback = lookback

    @classmethod
    def from_estimator(cls, estimator: Any, *, position: int = 0, ax: Axes | None = None) -> AttentionDisplay:
        """Draw what the last forecast of a forecaster looked back at.

        Parameters
        ----------
        estimator : forecaster fitted with ``attention``, after a forecast
            Anything with ``attention_`` and ``lookback_``.
        position : int, default=0
            Which of several targets.
        ax : matplotlib.axes.Axes, default=None
            Where to draw; a new figure if None.

        Returns
        -------
        AttentionDisplay

        Raises
        ------
        ValueError
            If there are no weights, or none at this position.
        """
        weights = _learned(estimator, "attention_", "fit it with attention and let it forecast first")
        if not 0 <= position < len(weights):
            raise ValueError(f"position must be one of the {len(weights)} targets with weights, got {position!r}")
        return cls(weights=weights[position], lookback=estimator.lookback_).plot(ax)

    def plot(self, ax: Axes | None = None) -> AttentionDisplay:
        """Draw, on new axes or on those given.

        Parameters
        ----------
        ax : matplotlib.axes.Axes, default=None
            Where to draw; a new figure if None.

        Returns
        -------
        AttentionDisplay
            Itself, drawn.
        """
        ax = axes(ax)
        n_ahead, n_read = self.weights.shape
        edges = np.linspace(-self.lookback, 0.0, n_read + 1)
        if n_ahead == 1:
            ax.stairs(self.weights[0], edges, fill=True, color=FORECAST, label="all steps ahead")
            ax.set_ylim(bottom=0.0)
            ax.set_ylabel("weight")
            finish(ax)
            name_lines(ax)
        else:
            from matplotlib.ticker import MaxNLocator

            ahead = np.arange(n_ahead + 1) + 0.5
            mesh = ax.pcolormesh(edges, ahead, self.weights, cmap="Blues", vmin=0.0, rasterized=True)
            ax.figure.colorbar(mesh, ax=ax, label="weight")
            ax.yaxis.set_major_locator(MaxNLocator(integer=True))
            ax.set_ylabel("steps ahead")
        ax.set_xlim(-self.lookback, 0.0)
        ax.xaxis.set_major_formatter(lambda x, _: f"{abs(x):g}")
        ax.set_xlabel("rows before the forecast")
        self.ax_, self.figure_ = ax, ax.figure
        return self


def _label_decades(ax: Axes) -> None:
    """Label a logarithmic axis with plain numbers, some within a decade if there are few decades."""
    from matplotlib.ticker import LogLocator

    low, high = ax.get_ylim()
    if high < 1e3 * low:
        ax.yaxis.set_major_locator(LogLocator(subs=(1.0, 2.0, 5.0)))
        ax.yaxis.set_major_formatter("{x:g}")
        ax.minorticks_off()


def _learned(estimator: Any, name: str, remedy: str) -> Any:
    """Return a learned attribute, or say how to get it."""
    value = getattr(estimator, name, None)
    if value is None:
        raise ValueError(f"{type(estimator).__name__} has no {name}: {remedy}")
    return value
