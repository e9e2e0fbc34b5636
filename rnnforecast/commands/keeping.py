"""Fitted models kept in a file by one run of a command and used by another: ``--save`` and ``--load``."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

import rnnforecast
from rnnforecast.commands.tables import DataError


def add_keeping(parser: argparse.ArgumentParser) -> None:
    """Declare where a fitted model is kept, or comes from."""
    kept = parser.add_mutually_exclusive_group()
    kept.add_argument("--save", type=_model_file, metavar="FILE", help="keep the fitted model")
    kept.add_argument("--load", metavar="FILE", help="use a model that was kept, instead of fitting one")


def loaded(options: argparse.Namespace, parser: argparse.ArgumentParser, method: str, of_a_fit: tuple[str, ...]) -> Any:
    """Return the model that ``--load`` names; None where it names none.

    Parameters
    ----------
    options : Namespace
    parser : ArgumentParser
        Refuses options that only a fit could heed.
    method : str
        What the model must be able to do.
    of_a_fit : tuple of str
        Names of these options.

    Raises
    ------
    FileNotFoundError
        There is no such file.
    ModelFileError
        It holds no model.
    DataError
        The model is for another command.
    """
    if options.load is None:
        return None
    for name in of_a_fit:
        if getattr(options, name) != parser.get_default(name):
            parser.error(f"--load brings a model that is fitted already: leave out --{name.replace('_', '-')}")
    model = rnnforecast.load(options.load)
    if not hasattr(model, method):
        raise DataError(f"{options.load} holds a {type(model).__name__}, which cannot {method}")
    return model


def keep(model: Any, options: argparse.Namespace, say: Any) -> None:
    """Save a fitted model where ``--save`` says."""
    if options.save is not None:
        model.save(options.save)
        say(f"the model is {options.save}")


def _model_file(word: str) -> str:
    """Read the path of a file for a model; standard output takes none."""
    path = Path(word)
    if word == "-" or path.is_dir() or not path.absolute().parent.is_dir():
        raise argparse.ArgumentTypeError(f"must be a file in a folder that exists, got {word}")
    return word
