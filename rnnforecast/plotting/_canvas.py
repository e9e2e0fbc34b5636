"""What all displays share: colours, axes and their look."""

from __future__ import annotations

from textwrap import wrap
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from matplotlib.axes import Axes

# Okabe & Ito (2008): told apart by everyone. The observed series is black, the forecast blue, references the rest.
OBSERVED, FORECAST = "#000000", "#0072B2"
REFERENCES = ("#E69F00", "#009E73", "#CC79A7", "#D55E00", "#56B4E9")

LONGEST = 40  # characters of a name in a legend


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
    """Take away what is not data."""
    ax.spines[["top", "right"]].set_visible(False)
    ax.grid(axis="y", color="0.9", linewidth=0.8)
    ax.set_axisbelow(True)
    ax.yaxis.get_offset_text().set_horizontalalignment("right")  # of large values: above their numbers, not the lines


def name_lines(ax: Axes) -> None:
    """Put a legend above the axes; inside, it would sooner or later hide the forecast."""
    handles, labels = ax.get_legend_handles_labels()
    place = {"loc": "lower left", "bbox_to_anchor": (0.0, 1.0), "borderaxespad": 0.2}
    fitting_columns(ax, dict(zip(labels, handles, strict=True)), ax.bbox.width, **place)


def fitting_columns(owner: Any, handles: dict[str, Any], width: float, **place: Any) -> None:
    """Make a legend of axes or of a figure, in as many columns as fit into a width in pixels."""
    labels = [shortened(label) for label in handles]
    for n_columns in range(len(labels), 0, -1):
        legend = owner.legend(list(handles.values()), labels, ncols=n_columns, frameon=False, handlelength=1.8, **place)
        if legend.get_window_extent().width <= width or n_columns == 1:
            return
        legend.remove()


def name_values(ax: Axes, name: Any) -> None:
    """Name the axis of values, in two lines if it takes more than the axis is long."""
    n_characters = letters(ax, ax.bbox.height)
    text = "" if name is None else str(name)
    first, *more = wrap(text, n_characters) or [""]
    second = more[:1] if len(more) < 2 else [f"{more[0][: n_characters - 1]}…"]
    ax.set_ylabel("\n".join([first, *second]))


def letters(ax: Axes, length: float) -> int:
    """Return how many letters of some 6 points each find room along a length in pixels."""
    return max(12, int(length / ax.figure.dpi * 72 / 6))


def shortened(text: Any, longest: int = LONGEST) -> str:
    """Return a name that leaves room for others beside it."""
    text = str(text)
    return text if len(text) <= longest else text[: longest - 1] + "…"


def draw_band(ax: Axes, x: Any, lower: Any, upper: Any, k: int, label: str | None) -> None:
    """Draw an interval, the k-th from outside; of a single step as a bar.

    Opaque, each narrower one darker: the legend then has the colours of the picture.
    """
    look: dict[str, Any] = {"color": tint(FORECAST, min(0.15 + 0.15 * k, 0.75)), "label": label, "zorder": 0.5}
    if len(x) == 1:
        ax.vlines(x, lower, upper, linewidth=9, **look)
    else:
        ax.fill_between(x, lower, upper, linewidth=0, **look)


def tint(color: str, share: float) -> tuple[float, ...]:
    """Mix `share` of a colour with white."""
    from matplotlib.colors import to_rgb

    return tuple(1.0 - share * (1.0 - part) for part in to_rgb(color))
