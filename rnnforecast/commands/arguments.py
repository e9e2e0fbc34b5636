"""What the words of a command line may be: types for argparse, which refuses wrong ones before any work is done."""

from __future__ import annotations

from argparse import ArgumentParser, ArgumentTypeError, Namespace
from collections.abc import Callable
from pathlib import Path


def whole_number(at_least: int) -> Callable[[str], int]:
    """Return the type of whole numbers from `at_least` on."""

    def read(word: str) -> int:
        try:
            number = int(word)
        except ValueError:
            number = at_least - 1
        if number < at_least:
            raise ArgumentTypeError(f"must be a whole number of at least {at_least}, got {word!r}")
        return number

    return read


def number_between(low: float, high: float) -> Callable[[str], float]:
    """Return the type of numbers between two others, which do not belong to it."""

    def read(word: str) -> float:
        try:
            number = float(word)
        except ValueError:
            number = low
        if not low < number < high:
            raise ArgumentTypeError(f"must be a number above {low:g} and below {high:g}, got {word!r}")
        return number

    return read


def character(word: str) -> str:
    r"""Read one character, a tab also as ``\t``, which is hard to type."""
    word = {r"\t": "\t"}.get(word, word)
    if len(word) != 1:
        raise ArgumentTypeError(f"must be one character, got {word!r}")
    return word


def output_file(word: str) -> str:
    """Read the path of a file that can be written, or ``-`` for standard output."""
    path = Path(word)
    if word != "-" and not path.absolute().parent.is_dir():
        raise ArgumentTypeError(f"must lie in a folder that exists, got {word}")
    if path.is_dir():
        raise ArgumentTypeError(f"must be a file, but {word} is a folder")
    return word


def picture_file(word: str) -> str:
    """Read the path of a picture that can be drawn."""
    try:
        from matplotlib.backend_bases import FigureCanvasBase
    except ImportError:
        raise ArgumentTypeError('drawing needs matplotlib: install it, or rnnforecast with its "plot" extra') from None
    endings = FigureCanvasBase.get_supported_filetypes()
    if Path(word).suffix[1:].lower() not in endings:
        raise ArgumentTypeError(f"must end in one of {', '.join(f'.{ending}' for ending in endings)}, got {word}")
    return output_file(word)


def check_files(options: Namespace, parser: ArgumentParser) -> None:
    """Refuse to write over what is read, and to read or write two things at one place."""
    taken: dict[object, str] = {}
    for name in ("file", "future", "load", "out", "scores", "plot", "save"):
        word = getattr(options, name, None)
        if word is None:
            continue
        place = ("input" if name in ("file", "future", "load") else "output") if word == "-" else Path(word).resolve()
        called = "the file to read" if name == "file" else f"--{name}"
        if place in taken:
            parser.error(f"{taken[place]} and {called} must be different, got {word} for both")
        taken[place] = called
