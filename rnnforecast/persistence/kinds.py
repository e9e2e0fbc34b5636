"""What a value that comes from a file may be: small checks, which are put together to describe records.

A kind is a sentence and a test. What does not pass is refused before anything is built from it, so that code which
trusts the values of a fitted model may trust those of a loaded one.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

MOST = 2**31  # of anything that is counted; products of two are still numbers of 64 bits
MOST_STEPS = 1_000_000  # of a horizon or a window, as for a forecaster's own parameters


class UnfitError(ValueError):
    """A value is not of the kind that its place asks for."""


@dataclass(frozen=True)
class Kind:
    """What a value may be.

    Parameters
    ----------
    words : str
        What it must be, for messages.
    holds : callable
        Whether a value is that.
    """

    words: str
    holds: Callable[[Any], bool]

    def require(self, value: Any, place: str) -> None:
        """Raise unless `value`, which stands at `place`, is of this kind.

        Raises
        ------
        UnfitError
        """
        if not self.holds(value):
            raise UnfitError(f"{place} must be {self.words}, got {described(value)}")

    def __or__(self, other: Kind) -> Kind:
        return Kind(f"{self.words} or {other.words}", lambda value: self.holds(value) or other.holds(value))


def described(value: Any) -> str:
    """Name a value for a message in a few words."""
    if isinstance(value, np.ndarray):
        return f"an array of shape {value.shape} and type {value.dtype}"
    text = repr(value) if isinstance(value, bool | int | float | str | None) else type(value).__name__
    return text if len(text) <= 60 else f"{text[:57]}..."


def _is_integer(value: Any) -> bool:
    return isinstance(value, int | np.integer) and not isinstance(value, bool)


def _is_number(value: Any) -> bool:
    return _is_integer(value) or isinstance(value, float | np.floating)


def _is_hashable(value: Any) -> bool:
    try:
        hash(value)
    except TypeError:
        return False
    return True


NOTHING = Kind("None", lambda value: value is None)
FLAG = Kind("True or False", lambda value: isinstance(value, bool | np.bool_))
TEXT = Kind("a string", lambda value: isinstance(value, str))
NUMBER = Kind("a number", _is_number)
FINITE = Kind("a finite number", lambda value: _is_number(value) and math.isfinite(value))
POSITIVE = Kind("a positive number", lambda value: FINITE.holds(value) and value > 0)


def integer(low: int = 0, high: int = MOST) -> Kind:
    """Return the kind of whole numbers from `low` to `high`."""
    return Kind(f"a whole number from {low} to {high}", lambda value: _is_integer(value) and low <= value <= high)


COUNT, SIZE, STEPS = integer(), integer(1), integer(1, MOST_STEPS)
LABEL = Kind("a label", _is_hashable)


def share(closed: bool = True) -> Kind:
    """Return the kind of numbers from 0 to 1, or to below 1."""
    words = "a number from 0 to 1" if closed else "a number from 0 to below 1"
    return Kind(words, lambda value: FINITE.holds(value) and 0 <= value <= 1 and (closed or value < 1))


def choice(*values: Any) -> Kind:
    """Return the kind of which these are all."""
    words = "one of " + ", ".join(map(repr, values))
    return Kind(words, lambda value: any(type(value) is type(one) and value == one for one in values))


def array(
    kinds: str = "f", n_axes: int | tuple[int, ...] | None = None, *, gaps: bool = False, low: float | None = None
) -> Kind:
    """Return the kind of some arrays.

    Parameters
    ----------
    kinds : str
        Kinds of their dtypes: b, i, f.
    n_axes : int or tuple of int, optional
        Number of their axes, or numbers that it may be.
    gaps : bool
        Whether NaN and infinities may be among them.
    low : float, optional
        What all numbers must be at least.
    """
    axes = None if n_axes is None else (n_axes,) if isinstance(n_axes, int) else n_axes

    def holds(value: Any) -> bool:
        if not isinstance(value, np.ndarray) or value.dtype.kind not in kinds or value.dtype.itemsize not in (1, 4, 8):
            return False
        if value.dtype.kind == "i" and value.dtype.itemsize != 8:
            return False
        if axes is not None and value.ndim not in axes:
            return False
        if value.dtype.kind == "f" and not gaps and not np.isfinite(value).all():
            return False
        return low is None or not value.size or bool((value >= low).all())

    names = {"b": "truth values", "i": "whole numbers", "f": "numbers" if gaps else "finite numbers"}
    words = "an array of " + " or ".join(names[one] for one in kinds)
    if axes is not None:
        words += f" with {' or '.join(map(str, axes))} axes"
    return Kind(words if low is None else f"{words}, at least {low:g}", holds)


def double(n_axes: int | tuple[int, ...] | None = None, *, gaps: bool = False, most: float = math.inf) -> Kind:
    """Return the kind of float64 arrays with such numbers of axes and none beyond `most`; `gaps` as in `array`."""
    inner = array("f", n_axes, gaps=gaps)

    def holds(value: Any) -> bool:
        return inner.holds(value) and value.dtype == np.float64 and not (np.abs(value) > most).any()

    return Kind(f"{inner.words} (float64)", holds)


def listed(kind: Kind) -> Kind:
    """Return the kind of lists of one kind."""
    return Kind(f"a list, each {kind.words}", lambda value: type(value) is list and all(map(kind.holds, value)))


def row(kind: Kind) -> Kind:
    """Return the kind of tuples of one kind."""
    return Kind(f"a tuple, each {kind.words}", lambda value: type(value) is tuple and all(map(kind.holds, value)))


def mapping(keys: Kind, values: Kind) -> Kind:
    """Return the kind of dicts."""
    return Kind(
        f"a dict from {keys.words} to {values.words}",
        lambda value: type(value) is dict and all(keys.holds(k) and values.holds(v) for k, v in value.items()),
    )


def exactly(**kinds: Kind) -> Kind:
    """Return the kind of dicts with these keys and no others."""
    return Kind(
        f"a dict of {', '.join(kinds)}",
        lambda value: (
            isinstance(value, Mapping)
            and value.keys() == kinds.keys()
            and all(kind.holds(value[name]) for name, kind in kinds.items())
        ),
    )


def one(*classes: type) -> Kind:
    """Return the kind of instances of these very classes."""
    return Kind("a " + " or ".join(kind.__name__ for kind in classes), lambda value: type(value) in classes)


def some(*classes: type) -> Kind:
    """Return the kind of instances of these classes and of those derived from them."""
    return Kind("a " + " or ".join(kind.__name__ for kind in classes), lambda value: isinstance(value, classes))


def fits(truth: bool, sentence: str) -> None:
    """Raise unless parts of a model belong together.

    Raises
    ------
    UnfitError
        With the sentence, which says what must be.
    """
    if not truth:
        raise UnfitError(sentence)
