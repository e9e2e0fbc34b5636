"""Records of networks: cells and activations by name, layers and decoders by the arguments of their constructors.

Weights are not part of them but lie beside, in one flat vector whose size the network knows.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from rnnforecast.kernels.activations import Activation, exponential, linear, relu, sigmoid, tanh
from rnnforecast.kernels.cells import NAMES, Cell, named
from rnnforecast.network.attention import Attention
from rnnforecast.network.beside import Beside
from rnnforecast.network.bidirectional import Bidirectional
from rnnforecast.network.compose import Chain, Segments
from rnnforecast.network.convolution import CausalConvolution
from rnnforecast.network.decoders import Direct, Recursive
from rnnforecast.network.dense import Dense
from rnnforecast.network.dropout import Dropout, VariationalDropout
from rnnforecast.network.embedding import Embedding
from rnnforecast.network.ends import Ends
from rnnforecast.network.forking import Forking
from rnnforecast.network.heads import LIKELIHOODS, Head, head_of
from rnnforecast.network.lookup import Lookup
from rnnforecast.network.network import Network
from rnnforecast.network.normalization import LayerNorm
from rnnforecast.network.parallel import Parallel
from rnnforecast.network.recurrent import Recurrent
from rnnforecast.network.repeat import Repeat
from rnnforecast.network.reservoir import Reservoir
from rnnforecast.network.residual import Residual
from rnnforecast.network.seq2seq import Seq2Seq
from rnnforecast.network.sequences import LastState, SequenceNetwork
from rnnforecast.network.skip import SkipRecurrent
from rnnforecast.network.windows import Windows
from rnnforecast.network.zoneout import BidirectionalZoneout, Zoneout
from rnnforecast.persistence.forms import Form
from rnnforecast.persistence.kinds import (
    COUNT,
    FLAG,
    MOST_STEPS,
    NOTHING,
    POSITIVE,
    SIZE,
    STEPS,
    TEXT,
    Kind,
    UnfitError,
    array,
    choice,
    fits,
    integer,
    listed,
    mapping,
    one,
    row,
    share,
)

DTYPE = choice("float32", "float64")
BASE = integer(0, MOST_STEPS)
MOST_LAYERS, MOST_PARTS = 1000, 8
_CELLS = {cell.name: cell for name in NAMES for cell in (named(name, f) for f in ("tanh", "relu", "sigmoid"))}
_ACTIVATIONS = {activation.name: activation for activation in (tanh, sigmoid, relu, exponential, linear)}


def is_known(cell: Cell) -> bool:
    """Whether a cell is one of the package's, which a file may name."""
    return _CELLS.get(cell.name) == cell


def _by_name(known: Mapping[str, Any], what: str) -> dict[str, Any]:
    """Return how objects are kept of which a name says all, the own ones of a user being none of them."""

    def take(value: Any, fields: Mapping[str, Kind]) -> dict[str, Any]:
        if known.get(value.name) != value:
            raise UnfitError(f"it is {what} of your own, {value.name!r}")
        return {"name": value.name}

    return {"fields": {"name": choice(*known)}, "take": take, "build": lambda kind, values: known[values["name"]]}


def _head(head: Head, fields: Mapping[str, Kind]) -> dict[str, Any]:
    return {"name": head.name, "levels": list(head.levels)}


def _head_from(kind: type, values: Mapping[str, Any]) -> Any:
    return head_of(values["name"], values["levels"])


def _renamed(**names: str) -> Any:
    """Return how an object is taken apart some of whose fields are called otherwise, or lie deeper."""

    def take(value: Any, fields: Mapping[str, Kind]) -> dict[str, Any]:
        found = {}
        for name in fields:
            item = value
            for part in names.get(name, name).split("."):
                item = getattr(item, part)
            found[name] = item.name if isinstance(item, np.dtype) else item
        return found

    return take


def _weights_of_cell(values: Mapping[str, Any]) -> int:
    """Count the weights of a recurrent layer before it is built."""
    cell, D, H = values["cell"], values["n_inputs"], values["n_units"]
    return int(H) * (len(cell.rows("x")) * int(D) + len(cell.rows("h")) * int(H) + len(cell.gates))


_RECURRENT = {"cell": one(Cell), "n_inputs": SIZE, "n_units": SIZE, "dtype": DTYPE}
_UNITS = {"take": _renamed(n_units="n_outputs"), "cost": _weights_of_cell}
_DIRECTIONS = {
    "take": _renamed(cell="recurrent.cell", dtype="recurrent.dtype", rate="recurrent.rate"),
    "cost": _weights_of_cell,
}
_HIDDEN = {"head_layer_sizes": listed(SIZE), "dropout": share(closed=False)}


def _head_layers(chain: Chain) -> dict[str, Any]:
    """Return sizes and dropout of what `rnnforecast.network.decoders.head` has built."""
    first = chain.layers[0]
    sizes = [layer.n_outputs for layer in chain.layers if isinstance(layer, Dense)]
    return {"head_layer_sizes": sizes[:-1], "dropout": first.rate if isinstance(first, Dropout) else 0.0}


def _direct(decoder: Direct, fields: Mapping[str, Kind]) -> dict[str, Any]:
    sizes, n_steps = _head_layers(decoder.head)["head_layer_sizes"], decoder.head.n_outputs // decoder.n_targets
    own = {name: getattr(decoder, name) for name in ("n_units", "n_context", "n_targets", "highway")}
    return {**own, "horizon": n_steps, "head_layer_sizes": sizes}  # parameters of a distribution are further steps


def _recursive(decoder: Recursive, fields: Mapping[str, Kind]) -> dict[str, Any]:
    own = {name: getattr(decoder, name) for name in ("n_units", "n_targets", "horizon", "from_present")}
    return {**own, "head_layer_sizes": _head_layers(decoder.head)["head_layer_sizes"]}


def _from_state(decoder: Any, fields: Mapping[str, Kind]) -> dict[str, Any]:
    cell = decoder.cell
    own = {"cell": cell.cell, "n_units": cell.n_outputs, "dtype": cell.dtype.name, **_head_layers(decoder.head)}
    return own | {name: getattr(decoder, name) for name in fields if name not in own}


def _weights_from_state(values: Mapping[str, Any]) -> int:
    """Count the weights of a decoder's cell before it is built."""
    return _weights_of_cell({**values, "n_inputs": values["n_units"]})


def _network_weights(values: Mapping[str, Any]) -> int:
    """Count the weights of a network before its names and slices are laid out."""
    return sum(p.size for part in ("encoder", "decoder", "head") if part in values for p in values[part].parameters())


def _windows(windows: Windows | Forking) -> None:
    fits(windows.n_targets in (1, windows.n_columns), "targets are forecast one by one or together")
    fits((windows.base or 0) <= windows.lookback, "the season lies beyond the window")


def _chain(chain: Chain) -> None:
    fits(0 < len(chain.layers) <= MOST_LAYERS, f"a chain has 1 to {MOST_LAYERS} layers")


def _beside(beside: Beside) -> None:
    # One layer can stand in many places of a file: nested, it would have to be walked through without end.
    nested = [layer for part in beside.parts for layer in getattr(part, "layers", ()) if isinstance(layer, Beside)]
    fits(0 < len(beside.parts) <= MOST_PARTS and not nested, "too many layers lie beside each other")


def parts_of(whole: Any) -> Iterator[Any]:
    """Yield all layers and decoders of a network, those within others too."""
    yield whole
    inner = [
        getattr(whole, name, None) for name in ("encoder", "decoder", "head", "path", "cell", "inner", "recurrent")
    ]
    for part in (*inner, *getattr(whole, "layers", ()), *getattr(whole, "parts", ())):
        if part is not None and not isinstance(part, Cell):
            yield from parts_of(part)


def _same_numbers(network: Network | SequenceNetwork) -> None:
    recurrent = [part for part in parts_of(network) if isinstance(part, Recurrent)]
    fits(all(part.dtype == network.dtype for part in recurrent), "parts of a network differ in their numbers")


def _network(network: Network) -> None:
    encoder: Chain = network.encoder
    decoder: Any = network.decoder
    units = decoder.cell.n_outputs if isinstance(decoder, Seq2Seq | Parallel) else decoder.n_units
    fits(encoder.n_outputs == units, "encoder and decoder differ in units")
    if isinstance(decoder, Seq2Seq | Parallel):
        last: Any = encoder.layers[-1]
        fits(last.cell == decoder.cell.cell, "encoder and decoder differ in cells")
    every = encoder.steps_out(MOST_STEPS) == MOST_STEPS
    fits(every or not isinstance(decoder, Recursive), "a recursive decoder reads every state")
    _same_numbers(network)


def _sequence_network(network: SequenceNetwork) -> None:
    fits(network.encoder.n_outputs == network.head.n_inputs, "encoder and head differ in units")
    _same_numbers(network)


def _lookup(layer: Lookup) -> None:
    fits(len(layer.n_symbols) <= layer.n_inputs, "there are more tables than inputs")


def _ends(layer: Ends) -> None:
    fits(layer.n_backward <= layer.n_inputs, "more states end backward than there are")


def _take_reservoir(reservoir: Reservoir, fields: Mapping[str, Kind]) -> dict[str, Any]:
    return {"layer": reservoir.layer, "weights": reservoir.weights}


def _reservoir_from(kind: type, values: Mapping[str, Any]) -> Any:
    layer, weights = values["layer"], values["weights"]
    shapes = {p.name: p.shape for p in layer.parameters()}
    fits(layer.every, "a reservoir gives every state")
    fits(shapes == {name: view.shape for name, view in weights.items()}, "the weights of a reservoir have other shapes")
    fits(all(view.dtype == layer.dtype for view in weights.values()), "the weights of a reservoir are other numbers")
    return kind(layer, {name: np.ascontiguousarray(view) for name, view in weights.items()})


LAYERS = (
    *(Segments, Dense, Recurrent, Zoneout, Bidirectional, BidirectionalZoneout, LastState, SkipRecurrent),
    *(CausalConvolution, Attention, LayerNorm, Dropout, VariationalDropout, Residual, Ends, Beside, Lookup),
    *(Embedding, Repeat),
)
LAYER = one(*LAYERS)
DECODERS = (Direct, Recursive, Seq2Seq, Parallel)


NETWORKS = (
    Form(Activation, **_by_name(_ACTIVATIONS, "an activation")),
    Form(Cell, **_by_name(_CELLS, "a cell")),
    Form(
        Head,
        {"name": choice("quantile", *LIKELIHOODS), "levels": listed(share())},
        take=_head,
        build=_head_from,
    ),
    Form(Segments, {"n_inputs": SIZE, "length": STEPS}),
    Form(Dense, {"n_inputs": SIZE, "n_outputs": SIZE, "activation": one(Activation)}),
    Form(Recurrent, _RECURRENT | {"every": FLAG}, **_UNITS),
    Form(Zoneout, _RECURRENT | {"every": FLAG, "rate": share(closed=False)}, **_UNITS),
    Form(Bidirectional, _RECURRENT | {"every": FLAG}, **_DIRECTIONS),
    Form(BidirectionalZoneout, _RECURRENT | {"every": FLAG, "rate": share(closed=False)}, **_DIRECTIONS),
    Form(
        LastState,
        _RECURRENT,
        take=_renamed(n_units="n_outputs", cell="recurrent.cell", dtype="recurrent.dtype"),
        cost=_weights_of_cell,
    ),
    Form(
        SkipRecurrent,
        _RECURRENT | {"period": STEPS},
        take=_renamed(n_units="recurrent.n_outputs", cell="recurrent.cell", dtype="recurrent.dtype"),
        cost=_weights_of_cell,
    ),
    Form(
        CausalConvolution,
        {"n_inputs": SIZE, "n_filters": SIZE, "kernel_size": STEPS, "dilation": STEPS, "activation": one(Activation)},
        take=_renamed(n_filters="n_outputs", activation="dense.activation"),
    ),
    Form(Attention, {"n_units": SIZE, "kind": choice("additive", "dot"), "n_attention": NOTHING | SIZE}),
    Form(LayerNorm, {"n_inputs": SIZE, "epsilon": POSITIVE}),
    Form(Dropout, {"n_inputs": SIZE, "rate": share(closed=False)}),
    Form(VariationalDropout, {"n_inputs": SIZE, "rate": share(closed=False)}),
    Form(Residual, {"inner": one(Recurrent, Zoneout, Bidirectional, BidirectionalZoneout)}),
    Form(Ends, {"n_inputs": SIZE, "n_backward": COUNT}, law=_ends),
    Form(Lookup, {"n_inputs": SIZE, "n_symbols": row(SIZE)}, law=_lookup),
    Form(Embedding, {"n_symbols": SIZE, "n_outputs": SIZE}),
    Form(Repeat, {"n_inputs": SIZE, "n_steps": STEPS}),
    Form(Chain, {"layers": row(LAYER)}, law=_chain),
    Form(Beside, {"parts": row(one(Chain, SkipRecurrent))}, law=_beside),
    Form(
        Windows,
        {
            **dict.fromkeys(("lookback", "horizon"), STEPS),
            **dict.fromkeys(("n_targets", "n_columns"), SIZE),
            **dict.fromkeys(("n_known", "n_past", "n_static"), COUNT),
            "base": BASE,
            "norm": choice("last", "difference", "standard", "count", None),
            **dict.fromkeys(("recursive", "marked"), FLAG),
            "head": NOTHING | one(Head),
        },
        law=_windows,
    ),
    Form(
        Forking,
        {
            **dict.fromkeys(("lookback", "horizon"), STEPS),
            **dict.fromkeys(("n_targets", "n_columns"), SIZE),
            **dict.fromkeys(("n_known", "n_past"), COUNT),
            "base": NOTHING | BASE,
            "change_scale": POSITIVE,
            "marked": FLAG,
        },
        law=_windows,
    ),
    Form(
        Direct,
        {
            **dict.fromkeys(("n_units", "n_targets", "horizon"), SIZE),
            **dict.fromkeys(("n_context", "highway"), COUNT),
            "head_layer_sizes": listed(SIZE),
        },
        take=_direct,
    ),
    Form(
        Recursive,
        {
            **dict.fromkeys(("n_units", "n_targets"), SIZE),
            "horizon": STEPS,
            "from_present": FLAG,
            "head_layer_sizes": listed(SIZE),
        },
        take=_recursive,
    ),
    Form(
        Seq2Seq,
        {
            **{"cell": one(Cell), "n_units": SIZE, "windows": one(Windows), "dtype": DTYPE},
            **_HIDDEN,
            "attention": choice("additive", "dot", None),
        },
        take=_from_state,
        cost=_weights_from_state,
    ),
    Form(
        Parallel,
        {
            **{"cell": one(Cell), "n_units": SIZE, "windows": one(Windows), "dtype": DTYPE},
            **_HIDDEN,
            "segment": STEPS,
        },
        take=_from_state,
        cost=_weights_from_state,
    ),
    Form(
        Network,
        {"encoder": one(Chain), "decoder": one(*DECODERS), "dtype": DTYPE},
        take=_renamed(),
        law=_network,
        cost=_network_weights,
    ),
    Form(
        SequenceNetwork,
        {"encoder": one(Chain), "head": one(Chain), "n_answers": NOTHING | SIZE, "dtype": DTYPE},
        take=_renamed(),
        law=_sequence_network,
        cost=_network_weights,
    ),
    Form(
        Reservoir,
        {"layer": one(Recurrent), "weights": mapping(TEXT, array("f", (1, 2)))},
        take=_take_reservoir,
        build=_reservoir_from,
    ),
)
