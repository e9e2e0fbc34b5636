"""What a trained generator does: it writes on, and says how likely a text is."""

from __future__ import annotations

from dataclasses import dataclass
from numbers import Real
from typing import Any

import numpy as np

from rnnforecast.estimators._parameters import checked_number
from rnnforecast.estimators._symbols import Alphabet
from rnnforecast.kernels.symbols import log_probability
from rnnforecast.network.sequences import SequenceNetwork
from rnnforecast.network.streams import Reading, pieces

READ_AT_ONCE = 256


@dataclass(frozen=True)
class Choice:
    """How a symbol is drawn.

    Parameters
    ----------
    temperature : float
        Positive; probabilities are raised to the power of its inverse.
    top_k : int or None
        Among so many of the likeliest.

    Raises
    ------
    ValueError
        If a number makes no sense.
    """

    temperature: float = 1.0
    top_k: int | None = None

    def __post_init__(self) -> None:
        number = isinstance(self.temperature, Real) and not isinstance(self.temperature, bool)
        if not number or not 0.0 < self.temperature < np.inf:
            raise ValueError(
                f"temperature must be a positive number, got {self.temperature!r}; for the likeliest use top_k=1"
            )
        if self.top_k is not None:
            checked_number(self.top_k, "top_k")

    def draw(self, logits: np.ndarray, rng: np.random.RandomState) -> int:
        """Draw a number with probabilities in proportion to exp(logits / temperature), (V,)."""
        kept = np.arange(len(logits)) if self.top_k is None else np.argsort(-logits, kind="stable")[: self.top_k]
        relative = logits[kept].astype(np.float64) - float(logits.max())
        with np.errstate(over="ignore"):  # near zero, all but the likeliest go to -inf, which is what is meant
            reached = np.cumsum(np.exp(relative / self.temperature))
        return int(kept[np.searchsorted(reached, rng.random_sample() * reached[-1], side="right")])


@dataclass(frozen=True)
class TextModel:
    """A trained network and the symbols it knows.

    Attributes
    ----------
    alphabet : Alphabet
    network : SequenceNetwork
    weights : (P,)
    counts : (V,) int
        How often each symbol was learnt.
    """

    alphabet: Alphabet
    network: SequenceNetwork
    weights: np.ndarray
    counts: np.ndarray

    def write(self, start: np.ndarray, n: int, choice: Choice, rng: np.random.RandomState) -> list[int]:
        """Write up to `n` numbers after those of `start`; less where a document ends.

        Without any, the first is drawn from the frequencies.
        """
        written: list[int] = []
        if len(start) == 0:
            written.append(choice.draw(self._frequencies(), rng))
            start = np.array(written)
        reading = self._reading()
        for piece in pieces(len(start) - 1, READ_AT_ONCE):
            reading.read(start[piece, None, None])
        newest = start[-1]
        while len(written) < n:
            ((_, logits),) = reading.answers(np.full((1, 1, 1), newest))
            newest = choice.draw(logits[0, :, 0], rng)
            if newest == self.alphabet.end:
                break
            written.append(newest)
        return written

    def log_probabilities(self, numbers: np.ndarray) -> np.ndarray:
        """Log-probability of each of `numbers` (N,) given those before it, in nats.

        The first one's is that of its frequency; where it is the beginning of documents, it has none.
        """
        result, reading = np.empty(len(numbers)), self._reading()
        result[0] = self._frequencies()[numbers[0]]
        following = result[1:]
        for piece in pieces(len(following), READ_AT_ONCE):
            truth = numbers[1:][piece, None]
            for part, logits in reading.answers(numbers[piece, None, None]):
                following[piece][part] = log_probability(logits, truth[part])[:, 0]
        return result if self.alphabet.end is None else following

    def _reading(self) -> Reading:
        return Reading(self.network, self.network.prepare(self.weights))

    def _frequencies(self) -> Any:
        """Logarithms of the frequencies (V,), each symbol counted once more than seen, so that none is impossible."""
        counts = self.counts + 1.0
        return np.log(counts / counts.sum())
