"""Texts and token sequences: what they are made of, read into numbers, and written from them."""

from __future__ import annotations

import warnings
from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from rnnforecast.series.tables import array_of

SHOWN = 5  # symbols that a message names


@dataclass(frozen=True)
class Text:
    """Symbols as they were given.

    Attributes
    ----------
    documents : list of sequence
        The symbols of each document.
    several : bool
        Whether a list of documents was given, be it of one.
    kind : {"str", "list", "array"}
        What a text of these symbols is.
    dtype : numpy dtype or None
        Of an array.
    """

    documents: list[Sequence[Hashable]]
    several: bool
    kind: str
    dtype: Any = None


def read(X: Any, symbols: str = "auto", name: str = "X") -> Text:
    """Find out what is a symbol.

    Parameters
    ----------
    X : str, list, tuple or 1-D array
    symbols : {"auto", "characters", "tokens"}
        What the strings of a list or an array are: documents or symbols. "auto" takes those of a list for documents,
        unless all are single characters, and those of an array for symbols.
    name : str
        The argument's name.

    Raises
    ------
    TypeError
        If `X` is none of these.
    ValueError
        If it has other than one dimension, is empty or holds an empty document.
    """
    if isinstance(X, str):
        text = Text([X], False, "str")
    elif isinstance(X, (list, tuple)):
        text = _read_list(list(X), symbols, name)
    elif hasattr(X, "__array__"):
        array = array_of(X, name)
        if np.ma.is_masked(X):
            first = int(np.argmax(np.ma.getmaskarray(X).reshape(-1)))
            raise ValueError(f"{name} holds a missing symbol (masked) at position {first}: drop it or name it")
        if array.ndim != 1:
            raise ValueError(f"{name} must be a 1-D array of symbols, got shape {array.shape}: pass one row or column")
        items = array.tolist()
        characters = symbols == "characters" and _strings(items)
        text = Text(items, True, "str") if characters else Text([items], False, "array", array.dtype)
    else:
        raise TypeError(
            f"{name} must be a str, a list of tokens, a list of documents or a 1-D array of symbols, "
            f"got {type(X).__name__}"
        )
    for k, document in enumerate(text.documents):
        if len(document) == 0:
            place = f"document {k} of {name} is" if text.several else f"{name} is"
            raise ValueError(f"{place} empty: a text must hold at least one symbol")
    return text


def _read_list(items: list[Any], symbols: str, name: str) -> Text:
    if items and symbols != "tokens" and _strings(items):
        if symbols == "characters":
            return Text(items, True, "str")
        if any(len(item) != 1 for item in items):
            if 2 * len(set(items)) <= len(items):
                warnings.warn(
                    f"{name} is a list of strings that repeat, read as documents of characters: set "
                    'symbols="tokens" if each string is one symbol, or symbols="characters" to confirm.',
                    UserWarning,
                    stacklevel=4,
                )
            return Text(items, True, "str")
    if items and all(isinstance(item, (list, np.ndarray)) for item in items):
        return Text([item.tolist() if isinstance(item, np.ndarray) else item for item in items], True, "list")
    return Text([items], False, "list")


def _strings(items: list[Any]) -> bool:
    return all(isinstance(item, str) for item in items)


@dataclass(frozen=True)
class Alphabet:
    """The symbols that are known, by number.

    Attributes
    ----------
    symbols : list
        Sorted where they can be.
    codes : dict
        Number of each.
    ends : bool
        Whether texts are documents; number V, after all symbols, then stands before, between and after them.
    kind, dtype : str, numpy dtype or None
        As in `Text`.
    """

    symbols: list[Hashable]
    codes: dict[Hashable, int]
    ends: bool
    kind: str
    dtype: Any = None

    @classmethod
    def of(cls, text: Text, name: str = "X") -> Alphabet:
        """Collect the symbols of a text.

        Raises
        ------
        ValueError
            If a symbol is missing (NaN) or cannot be hashed, or there is only one.
        """
        found: dict[Hashable, None] = {}
        for document in text.documents:
            try:
                found.update(dict.fromkeys(document))
            except TypeError:
                row = next(k for k, symbol in enumerate(document) if not _hashable(symbol))
                raise ValueError(
                    f"{name} must hold hashable symbols, got {type(document[row]).__name__} at position {row}"
                ) from None
        for symbol in found:
            if _missing(symbol):
                row = next(k for document in text.documents for k, one in enumerate(document) if _missing(one))
                raise ValueError(f"{name} holds a missing symbol ({symbol}) at position {row}: drop it or name it")
        try:
            symbols = sorted(found)  # type: ignore[type-var]  # what cannot be compared raises TypeError
        except TypeError:
            symbols = list(found)
        if len(symbols) + text.several < 2:
            raise ValueError(f"{name} must hold at least two different symbols, got only {symbols[0]!r}")
        return cls(symbols, {symbol: k for k, symbol in enumerate(symbols)}, text.several, text.kind, text.dtype)

    def __len__(self) -> int:
        """Count of numbers, that of the end of a document included."""
        return len(self.symbols) + self.ends

    @property
    def end(self) -> int | None:
        """Number of the end of a document."""
        return len(self.symbols) if self.ends else None

    @property
    def reads(self) -> str:
        """What the strings of a further list are, for `read`."""
        return "characters" if self.kind == "str" else "tokens"

    def encode(self, text: Text, name: str = "X") -> np.ndarray:
        """Numbers of a text's symbols, (N,) int64; documents with an end before, between and after them.

        Raises
        ------
        ValueError
            If it holds symbols that are not known, or is several documents where one text was learnt.
        """
        if text.several and not self.ends:
            raise ValueError(f"{name} is a list of documents, but one text was learnt: pass them one at a time")
        try:
            numbers = [np.array([self.codes[s] for s in document], np.int64) for document in text.documents]
        except (KeyError, TypeError):
            raise ValueError(self._unknown(text, name)) from None
        if not self.ends:
            return numbers[0]
        end = np.array([self.end])
        return np.concatenate([end, *(part for document in numbers for part in (document, end))])

    def encode_prompt(self, prompt: Any) -> np.ndarray:
        """Numbers of what a text begins with, (N,) int64; of no prompt, of what every text begins with."""
        if prompt is None:
            return np.array([self.end] if self.ends else [], np.int64)
        text = read(prompt, self.reads, "prompt")
        if len(text.documents) > 1:
            raise ValueError(f"prompt must be one text, got {len(text.documents)}")
        numbers = self.encode(text, "prompt")
        return numbers[:-1] if self.ends else numbers

    def decode(self, numbers: Sequence[int]) -> Any:
        """Return a text of the kind that was learnt."""
        symbols = [self.symbols[k] for k in numbers]
        if self.kind == "str":
            return "".join(map(str, symbols))
        if self.kind == "list":
            return symbols
        array = np.empty(len(symbols), self.dtype)
        for k, symbol in enumerate(symbols):  # one by one: a list of tuples would become a table
            array[k] = symbol
        return array

    def _unknown(self, text: Text, name: str) -> str:
        places: dict[str, int] = {}
        for document in text.documents:
            for k, symbol in enumerate(document):
                if not _hashable(symbol) or symbol not in self.codes:
                    places.setdefault(repr(symbol), k)
        shown = ", ".join(f"{symbol} (position {k})" for symbol, k in list(places.items())[:SHOWN])
        more = f" and {len(places) - SHOWN} more" if len(places) > SHOWN else ""
        return f"{name} holds symbols that were not learnt: {shown}{more}; remove or replace them"


def _hashable(symbol: Any) -> bool:
    try:
        hash(symbol)
    except TypeError:
        return False
    return True


def _missing(symbol: Any) -> bool:
    """Whether a symbol is NaN, NaT or NA: none of them equals itself."""
    try:
        return bool(symbol != symbol)
    except (TypeError, ValueError):  # pandas.NA has no truth value
        return True
