"""Sides of a comparison timed in turn, so that whatever else the machine does falls on all of them."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

Key = tuple[str, int]
Times = dict[Key, np.ndarray]

OURS = "rnnforecast"
PAUSE = (
    0.01  # seconds between sides: OpenMP's threads spin for some milliseconds after their work, on a core of the next
)
HOPELESS = 1.5  # a side this much slower, in the warm-up, than the same party with other threads is not timed again


@dataclass(frozen=True)
class Side:
    """One party with one number of threads.

    Parameters
    ----------
    party : str
    n_threads : int
    call : callable
        What is timed.
    enter : callable or None
        Called, untimed, before the calls of every round.
    """

    party: str
    n_threads: int
    call: Callable[[], Any]
    enter: Callable[[], Any] | None = None

    @property
    def key(self) -> Key:
        """Party and threads."""
        return self.party, self.n_threads

    def run(self, n_calls: int) -> float:
        """Return the median seconds of `n_calls` calls."""
        if self.enter is not None:
            self.enter()
        seconds = []
        for _ in range(n_calls):
            start = time.perf_counter()
            self.call()
            seconds.append(time.perf_counter() - start)
        return float(np.median(seconds))


def compare(
    sides: Sequence[Side], n_rounds: int, *, seconds: float = 0.03, pause: float = PAUSE, drop: bool = True
) -> Times:
    """Time all sides round by round, each after a warm-up.

    Parameters
    ----------
    sides : sequence of Side
    n_rounds : int
    seconds : float
        A round times a side as often as fits into this time, once at least; short calls are warmed up again.
    pause : float
        Seconds of rest before a side's calls.
    drop : bool
        Whether a party keeps only those numbers of threads with which it is not hopelessly slow.

    Returns
    -------
    dict of (n_rounds,) arrays
        By party and threads: the median seconds of a call in each round.
    """
    first = {}
    for side in sides:
        side.run(1)  # compiles, allocates, fills caches
        time.sleep(pause)
        first[side.key] = side.run(1)
    left = [side for side in sides if not drop or first[side.key] <= HOPELESS * fastest(first, side.party)]
    n_calls = {side.key: int(np.clip(seconds / max(first[side.key], 1e-9), 1, 1000)) for side in left}
    times: Times = {side.key: np.empty(n_rounds) for side in left}
    for r in range(n_rounds):
        turn = r % len(left)  # everyone comes after everyone
        for side in [*left[turn:], *left[:turn]]:
            time.sleep(pause)
            n = n_calls[side.key]
            if n > 1:
                side.run(-(-n // 4))  # a processor that has slept, and caches that others filled, are slow at first
            times[side.key][r] = side.run(n)
    return times


def fastest(first: dict[Key, float], party: str) -> float:
    """Return the shortest time of a party."""
    return min(seconds for (name, _), seconds in first.items() if name == party)


def best(times: Times, party: str) -> Key:
    """Return the party's key with the lowest median."""
    return min((key for key in times if key[0] == party), key=lambda key: float(np.median(times[key])))


@dataclass(frozen=True)
class Ratio:
    """Of two sides' seconds in the same rounds."""

    median: float
    minimum: float
    maximum: float

    @classmethod
    def of(cls, slower: np.ndarray, faster: np.ndarray) -> Ratio:
        """Compare seconds (n_rounds,) of two sides."""
        each = slower / faster
        return cls(float(np.median(each)), float(each.min()), float(each.max()))

    def __str__(self) -> str:
        return f"{self.median:6.2f} ({self.minimum:.2f} to {self.maximum:.2f})"

    def as_dict(self) -> dict[str, float]:
        """For JSON."""
        return asdict(self)


def geometric_mean(values: Iterable[float]) -> float:
    """Return the n-th root of the product of n positive numbers; NaN of none."""
    logarithms = [math.log(value) for value in values]
    return math.exp(math.fsum(logarithms) / len(logarithms)) if logarithms else math.nan


def milliseconds(times: Times, key: Key) -> float:
    """Return the median of a side's rounds in milliseconds."""
    return 1e3 * float(np.median(times[key]))
