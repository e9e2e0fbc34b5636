"""Reads pictures."""

from __future__ import annotations

from typing import Any


def lines(display: Any) -> dict[str, Any]:
    """Return the lines of a display that have a label."""
    return {line.get_label(): line for line in display.ax_.get_lines() if not line.get_label().startswith("_")}


def spans(ax: Any, label: str) -> list[list[float]]:
    """Return the edges (k, 2) of what is shaded; the legend names the first of a kind only."""
    color = next(patch.get_facecolor() for patch in ax.patches if patch.get_label() == label)
    return [[p.get_x(), p.get_x() + p.get_width()] for p in ax.patches if p.get_facecolor() == color]
