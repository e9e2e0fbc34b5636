"""Sentences of the library in the words of the command line."""

from __future__ import annotations

import re

# Parameters that have an option of their own; what others are called is what --set takes.
_OPTIONS = {
    "freq": "--freq",
    "horizon": "--horizon",
    "missing": "--missing",
    "n_windows": "--windows",
    "past_covariates": "--past",
    "random_state": "--seed",
    "false_alarm_rate": "--rate",
}
_GIVEN = re.compile(rf"\b({'|'.join(_OPTIONS)})=(['\"]?)([\w.-]*)\2")
_OTHERWISE = re.compile(r"(--[\w-]+) (\w+) or '(\w+)'")
_NAMED = re.compile(rf"\b({'|'.join(name for name in _OPTIONS if '_' in name)})\b")  # "missing" is also a word


def in_options(sentence: str) -> str:
    """Return a sentence on one line, parameters that are options named as such, and X as the table.

    Examples
    --------
    >>> from rnnforecast.commands.wording import in_options
    >>> in_options("Input X contains NaN: fill them or pass missing='interpolate' or 'mask'")
    'the table contains NaN: fill them or pass --missing interpolate or --missing mask'
    """
    sentence = " ".join(sentence.split())
    sentence = re.sub(r", or fill them after X\.asfreq.*", "", sentence).replace("Input X", "X")
    sentence = sentence.replace("pass X with these rows", "give these rows with --future")
    sentence = re.sub(r"(?<![\w'\"])X(?![\w.'\"])", "the table", sentence)
    sentence = _GIVEN.sub(lambda given: f"{_OPTIONS[given[1]]} {given[3]}".rstrip(), sentence)
    sentence = _OTHERWISE.sub(r"\1 \2 or \1 \3", sentence)
    return _NAMED.sub(lambda named: _OPTIONS[named[1]], sentence)
