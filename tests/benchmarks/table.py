"""What a benchmark is asked and what it answers: options, bars, rows."""

from __future__ import annotations

import operator
from dataclasses import asdict, dataclass, field
from typing import Any, NamedTuple


class Size(NamedTuple):
    """B sequences, T steps, D inputs, H units."""

    B: int
    T: int
    D: int
    H: int

    @classmethod
    def parse(cls, text: str) -> Size:
        """Read "64x96x7x64"."""
        return cls(*map(int, text.split("x")))

    def __str__(self) -> str:
        return "x".join(map(str, self))


GRID = tuple(
    Size(*size)
    for size in (
        (32, 24, 1, 32),
        (32, 48, 4, 64),
        (64, 96, 7, 64),
        (32, 96, 7, 128),
        (128, 96, 7, 128),
        (64, 96, 16, 256),
        (256, 168, 1, 64),
    )
)


@dataclass(frozen=True)
class Options:
    """What is asked.

    Parameters
    ----------
    n_rounds : int
    cells : tuple of str
    sizes : tuple of Size
    rivals : frozenset of str
        Those to be compared with where they are installed.
    seconds : float
        Of a side in a round.
    shard_size : int or None
        Sequences of a shard in the rows over layers; None is the library's own.
    fit_rows : int
        Rows of ETTh1 that are fitted.
    memory_rows : tuple of int
        Lengths of the series of which the memory is taken; ascending.
    product_size : int
        Rows of the matrices whose product is the limit.
    n_cold : int
        Empty caches that are filled.
    """

    n_rounds: int = 10
    cells: tuple[str, ...] = ("rnn", "lstm", "gru")
    sizes: tuple[Size, ...] = GRID
    rivals: frozenset[str] = frozenset({"torch", "neuralforecast", "keras"})
    seconds: float = 0.03
    shard_size: int | None = None
    fit_rows: int = 2000
    memory_rows: tuple[int, ...] = (500_000, 5_000_000)
    product_size: int = 2048
    n_cold: int = 3


@dataclass(frozen=True)
class Bar:
    """A limit and what was measured.

    Parameters
    ----------
    what : str
    value, limit : float
    at_least : bool
        Whether the limit is a lower one.
    unit : str
    """

    what: str
    value: float
    limit: float
    at_least: bool = True
    unit: str = ""

    @property
    def met(self) -> bool:
        """Whether it holds; a NaN does not."""
        return bool((operator.ge if self.at_least else operator.le)(self.value, self.limit))

    def __str__(self) -> str:
        sign, verdict = ("≥" if self.at_least else "≤"), ("met" if self.met else "MISSED")
        return f"{verdict:6} {self.what}: {self.value:.3g}{self.unit} (bar {sign} {self.limit:g}{self.unit})"


@dataclass
class Row:
    """A row of the table: what was measured, the bars, and what could not be measured and why."""

    name: str
    lines: list[dict[str, Any]] = field(default_factory=list)
    bars: list[Bar] = field(default_factory=list)
    skipped: list[str] = field(default_factory=list)

    def add(self, text: str, **line: Any) -> None:
        """Keep a line for JSON, and print its text at once: a whole table takes long."""
        self.lines.append(line)
        print(f"  {text}", flush=True)

    def skip(self, reason: str) -> None:
        """Say what is left out."""
        self.skipped.append(reason)
        print(f"  skipped: {reason}", flush=True)

    def judge(self, *bars: Bar) -> None:
        """Keep bars and print them."""
        self.bars.extend(bars)
        for bar in bars:
            print(f"  {bar}", flush=True)

    def as_dict(self) -> dict[str, Any]:
        """For JSON."""
        bars = [asdict(bar) | {"met": bar.met} for bar in self.bars]
        return {"name": self.name, "lines": self.lines, "bars": bars, "skipped": self.skipped}
