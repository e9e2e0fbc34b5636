"""Records of what can go on learning, and of texts: generators of random numbers, solvers, alphabets."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import numpy as np

from rnnforecast.estimators._symbols import Alphabet
from rnnforecast.estimators._writing import TextModel
from rnnforecast.network.embedding import Embedding
from rnnforecast.network.sequences import SequenceNetwork
from rnnforecast.persistence.forms import Form
from rnnforecast.persistence.kinds import (
    COUNT,
    FLAG,
    LABEL,
    NOTHING,
    POSITIVE,
    Kind,
    UnfitError,
    array,
    choice,
    exactly,
    fits,
    integer,
    listed,
    one,
    share,
)
from rnnforecast.persistence.records.models import require_weights
from rnnforecast.training.optimizers import Adam, RMSprop, Sgd

_DTYPE = re.compile(r"[|<>=][biufUSO][0-9]{0,4}")
_LONG = integer(0, 2**128 - 1)
_PCG64 = exactly(
    bit_generator=choice("PCG64"),
    state=exactly(state=_LONG, inc=_LONG),
    has_uint32=integer(0, 1),
    uinteger=integer(0, 2**32 - 1),
)
_FLAT = array("f", 1)
_SCALES = {"_weight_decay": _FLAT}
_SMOOTHED = {"_square": array("f", 1, low=0)}


def _take_rng(rng: np.random.Generator, fields: Mapping[str, Kind]) -> dict[str, Any]:
    state = rng.bit_generator.state
    if not _PCG64.holds(state):
        raise UnfitError("it draws from other bits than NumPy's default generator")
    return {"state": {**state, "state": dict(state["state"])}}


def _rng_from(kind: type, values: Mapping[str, Any]) -> Any:
    bits = np.random.PCG64()
    bits.state = values["state"]
    return np.random.Generator(bits)


def _remembering(*memory: str) -> Any:
    """Return how a solver is built by its constructor and given the rest of its memory of past gradients."""

    def build(kind: type, values: Mapping[str, Any]) -> Any:
        decay = values["_weight_decay"]
        fits(
            all(values[name].shape == decay.shape for name in memory if name != "_n_updates"), "a solver's parts differ"
        )
        fits(
            all(values[name].dtype == decay.dtype for name in memory if name != "_n_updates"), "a solver's parts differ"
        )
        asked = {name: value for name, value in values.items() if not name.startswith("_")}
        solver = kind(weight_decay=decay, **asked)
        for name in memory:
            setattr(solver, name, values[name])
        return solver

    return build


def _alphabet(alphabet: Alphabet, fields: Mapping[str, Kind]) -> dict[str, Any]:
    dtype = None if alphabet.dtype is None else np.dtype(alphabet.dtype).str
    return {"symbols": alphabet.symbols, "ends": alphabet.ends, "kind": alphabet.kind, "dtype": dtype}


def _alphabet_from(kind: type, values: Mapping[str, Any]) -> Any:
    symbols, dtype = values["symbols"], values["dtype"]
    codes = {symbol: k for k, symbol in enumerate(symbols)}
    fits(len(codes) == len(symbols) > 0, "the symbols of an alphabet repeat")
    fits((values["kind"] == "array") == (dtype is not None), "only arrays have a type of numbers")
    return kind(symbols, codes, values["ends"], values["kind"], None if dtype is None else np.dtype(dtype))


def _text_model(model: TextModel) -> None:
    n_symbols, network, first = len(model.alphabet), model.network, model.network.encoder.layers[0]
    require_weights(network, [model.weights])
    fits(isinstance(first, Embedding) and first.n_symbols == n_symbols, "a network reads other symbols")
    fits(network.head.n_outputs == n_symbols == len(model.counts), "a network writes other symbols")
    fits(network.n_answers is None, "a network answers for each step")


LEARNERS = (
    Form(np.random.Generator, {"state": _PCG64}, take=_take_rng, build=_rng_from),
    Form(
        Sgd,
        {**_SCALES, "momentum": share(), "nesterovs_momentum": FLAG, "_velocity": _FLAT},
        build=_remembering("_velocity"),
    ),
    Form(
        RMSprop,
        {**_SCALES, **_SMOOTHED, "smoothing": share(), "epsilon": POSITIVE},
        build=_remembering("_square"),
    ),
    Form(
        Adam,
        {
            **_SCALES,
            **_SMOOTHED,
            "_mean": _FLAT,
            "_n_updates": COUNT,
            **dict.fromkeys(("beta_1", "beta_2"), share(closed=False)),
            "epsilon": POSITIVE,
            "decoupled": FLAG,
        },
        build=_remembering("_mean", "_square", "_n_updates"),
    ),
    Form(
        Alphabet,
        {
            "symbols": listed(LABEL),
            "ends": FLAG,
            "kind": choice("str", "list", "array"),
            "dtype": NOTHING
            | Kind("a type of symbols", lambda value: isinstance(value, str) and _DTYPE.fullmatch(value) is not None),
        },
        take=_alphabet,
        build=_alphabet_from,
    ),
    Form(
        TextModel,
        {
            "alphabet": one(Alphabet),
            "network": one(SequenceNetwork),
            "weights": _FLAT,
            "counts": array("i", 1, low=0),
        },
        law=_text_model,
    ),
)
