"""What all displays share: colours, axes and their look."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from matplotlib.axes import Axes

# Okabe & Ito (2008): told apart by everyone. The observed series is black, the forecast blue, references the rest.
OBSERVED, FORECAST = "#000000", "#0072B2"
REFERENCES = ("#E69F00", "#009E73", "#CC79A7", "#D55E00", "#56B4E9")


def axes(ax: Axes | None) -> Axes:
    """Return the axes given, or those of a new figure."""
    return new_axes() if ax is None else ax


def new_axes(*shape: int, **layout: Any) -> Any:
    """Return the axes of a new figure; arguments are those of ``pyplot.subplots``."""
    try:
        from matplotlib import pyplot
    except ImportError:
        raise ImportError('drawing needs matplotlib: install it, or rnnforecast with its "plot" extra') from None
    return pyplot.subplots(*shape, **{"figsize": (9.0, 4.0), "layout": "constrained"} | layout)[1]


def finish(ax: Axes) -> None:
    """Take away what is not data, and name the lines."""
    ax.spines[["top", "right"]].set_visible(False)
    ax.grid(axis="y", color="0.9", linewidth=0.8)
    ax.set_axisbelow(True)
    # Above the axes: inside, a legend would sooner or later hide the forecast.
    ax.legend(loc="lower left", bbox_to_anchor=(0.0, 1.0), ncols=4, frameon=False, borderaxespad=0.2, handlelength=1.8)


def tint(color: str, share: float) -> tuple[float, ...]:
    """Mix `share` of a colour with white."""
    from matplotlib.colors import to_rgb

    return tuple(1.0 - share * (1.0 - part) for part in to_rgb(color))
