"""Buffers that serve again and again: each belongs to one call at a time."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

KEPT_SHAPES = 64


class Buffers:
    """Buffers for training by their shape, made when none is free; several threads may borrow at once.

    Parameters
    ----------
    make : callable
        ``make(*shape)`` gives buffers with a method `draw_from`.
    """

    def __init__(self, make: Callable[..., Any]):
        self._make = make
        self._free: dict[tuple[int, ...], list[Any]] = {}

    @contextmanager
    def lent(self, *shape: int, seed: int) -> Iterator[Any]:
        """Lend buffers whose layers draw from `seed`; after an exception they are not used again."""
        if len(self._free) > KEPT_SHAPES:
            self._free.clear()
        free = self._free.setdefault(shape, [])
        try:
            work = free.pop()
        except IndexError:  # asked, not looked: another thread may take the last in between
            work = self._make(*shape)
        work.draw_from(seed)
        yield work
        free.append(work)
