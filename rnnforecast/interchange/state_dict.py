"""Weights under the names, shapes and gate order of PyTorch's modules, and back.

Names without a dot are those of one `torch.nn.LSTM`, `GRU` or `RNN` over all layers, so that its
``load_state_dict(strict=True)`` takes them; names with a dot are those of further modules beside it. A cell here has
one bias where PyTorch adds two: the second is zero, but for the GRU, whose candidate has a bias on either side of the
reset gate. H units, D inputs, G gates.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np

from rnnforecast.kernels.cells import Cell
from rnnforecast.kernels.cells.elman import CELLS as ELMAN
from rnnforecast.kernels.cells.gru import CELL as GRU
from rnnforecast.kernels.cells.lstm import CELL as LSTM
from rnnforecast.network.attention import Attention
from rnnforecast.network.beside import Beside
from rnnforecast.network.bidirectional import Bidirectional
from rnnforecast.network.compose import Chain, Segments
from rnnforecast.network.convolution import CausalConvolution
from rnnforecast.network.decoders import Direct, Recursive
from rnnforecast.network.dense import Dense
from rnnforecast.network.dropout import Dropout
from rnnforecast.network.layer import Views
from rnnforecast.network.lookup import Lookup
from rnnforecast.network.network import Network
from rnnforecast.network.normalization import LayerNorm
from rnnforecast.network.parallel import Parallel
from rnnforecast.network.recurrent import Recurrent
from rnnforecast.network.residual import Residual
from rnnforecast.network.sequences import LastState
from rnnforecast.network.zoneout import BidirectionalZoneout, Zoneout

MODULES = ((LSTM, "LSTM"), (GRU, "GRU"), (ELMAN["tanh"], "RNN"), (ELMAN["relu"], "RNN"))
NO_TWIN: tuple[tuple[type, str], ...] = (
    (Residual, "residual=True"),
    (Attention, "attention"),
    (Beside, "skip_period"),
    (Lookup, "static_covariates with many categories"),
    (Zoneout, "zoneout"),
    (BidirectionalZoneout, "zoneout"),
)


class Twin(Protocol):
    """Parameters that have another name, and perhaps another shape, in PyTorch."""

    def give(self, views: Views) -> Views:
        """Return the arrays for PyTorch, by their names there, from a network's own `views`."""

    def take(self, state: Views, views: Views) -> None:
        """Fill the network's own `views` from PyTorch's arrays."""


@dataclass(frozen=True)
class Same:
    """One array under another name.

    Parameters
    ----------
    own, name : str
        Here and in PyTorch.
    """

    own: str
    name: str

    def give(self, views: Views) -> Views:
        """Return a copy."""
        return {self.name: views[self.own].copy()}

    def take(self, state: Views, views: Views) -> None:
        """Fill the view."""
        views[self.own][...] = state[self.name]


@dataclass(frozen=True)
class Taps:
    """The weight of a causal convolution: (F, K D) here, oldest tap first, (F, D, K) of `torch.nn.Conv1d`."""

    own: str
    name: str
    kernel_size: int

    def give(self, views: Views) -> Views:
        """Return a copy with the taps on an axis of their own."""
        weight = views[self.own]
        return {self.name: weight.reshape(len(weight), self.kernel_size, -1).transpose(0, 2, 1).copy()}

    def take(self, state: Views, views: Views) -> None:
        """Fill the view."""
        views[self.own][...] = state[self.name].transpose(0, 2, 1).reshape(views[self.own].shape)


@dataclass(frozen=True)
class Gates:
    """The weights of one direction of a recurrent layer.

    Parameters
    ----------
    own : str
        Prefix here.
    cell : Cell
    name : str
        In PyTorch, with room for the kind: ``"{}_l0"``.
    """

    own: str
    cell: Cell
    name: str

    def give(self, views: Views) -> Views:
        """Return `weight_ih` (G H, D), `weight_hh` (G H, H) and two biases (G H,)."""
        weight_input, weight_hidden, bias = (views[f"{self.own}.{kind}"] for kind in PARTS)
        bias_hidden = np.zeros(len(weight_hidden), bias.dtype)
        if self.cell == GRU:
            candidate = bias[len(bias_hidden) :]
            bias_hidden[len(bias_hidden) - len(candidate) :] = candidate
            bias = bias[: len(bias_hidden)]
        arrays = weight_input, weight_hidden, bias, bias_hidden
        return {self.name.format(kind): a.copy() for kind, a in zip(TORCH_PARTS, arrays, strict=True)}

    def take(self, state: Views, views: Views) -> None:
        """Fill the views; two biases of one gate are added."""
        weight_input, weight_hidden, bias, bias_hidden = (state[self.name.format(kind)] for kind in TORCH_PARTS)
        if self.cell == GRU:
            n = len(bias) // 3 * 2  # of the reset and update gates
            bias = np.concatenate([bias[:n] + bias_hidden[:n], bias[n:], bias_hidden[n:]])
        else:
            bias = bias + bias_hidden
        for kind, array in zip(PARTS, (weight_input, weight_hidden, bias), strict=True):
            views[f"{self.own}.{kind}"][...] = array


PARTS = ("weight_input", "weight_hidden", "bias")
TORCH_PARTS = ("weight_ih", "weight_hh", "bias_ih", "bias_hh")


def state_dict(network: Any, flat: np.ndarray) -> Views:
    """Return a network's weights by their names in PyTorch, as copies.

    Parameters
    ----------
    network : Network or SequenceNetwork
    flat : ndarray of shape (n_parameters,)

    Raises
    ------
    ValueError
        If a part of the network has no twin among PyTorch's modules.
    """
    views = network.layout.views(flat)
    return {name: array for twin in twins(network) for name, array in twin.give(views).items()}


def from_state_dict(network: Any, state: Any) -> np.ndarray:
    """Return a network's flat weights (n_parameters,) from arrays by their names in PyTorch.

    Parameters
    ----------
    network : Network or SequenceNetwork
    state : mapping of str to array
        Exactly the names and shapes that `state_dict` gives.

    Raises
    ------
    TypeError
        If it is no mapping of arrays of numbers.
    ValueError
        If a name, a shape or a number is wrong, or a part of the network has no twin.
    """
    flat = np.zeros(network.layout.size, network.dtype)
    read = _checked(state, state_dict(network, flat))
    views = network.layout.views(flat)
    with np.errstate(over="ignore"):
        for twin in twins(network):
            twin.take(read, views)
    if not np.isfinite(flat).all():
        name = next(name for name, view in views.items() if not np.isfinite(view).all())
        raise ValueError(f"the weights hold a number too large for {network.dtype}, in {name}; check them")
    return flat


def _checked(state: Any, expected: Views) -> Views:
    """Return float64 arrays of the names and shapes that are expected."""
    if not isinstance(state, Mapping):
        raise TypeError(f"state must map names to arrays, got {type(state).__name__}; pass module.state_dict()")
    for what, names in (("lacks", expected.keys() - state.keys()), ("has no use for", state.keys() - expected.keys())):
        if names:
            listed = ", ".join(sorted(map(str, names)))
            raise ValueError(
                f"state {what} {listed}; give exactly the names that to_torch_state_dict returns: {', '.join(expected)}"
            )
    read = {}
    for name, own in expected.items():
        array = _array(name, state[name])
        if array.shape != own.shape:
            raise ValueError(
                f"{name} must have shape {own.shape}, got {array.shape}; build the module with the sizes of the fit"
            )
        if not np.isfinite(array).all():
            raise ValueError(f"{name} must hold finite numbers, got {array[~np.isfinite(array)][0]}; check the weights")
        read[name] = array
    return read


def _array(name: str, value: Any) -> np.ndarray:
    """Return an array or a tensor as float64."""
    try:
        array = np.asarray(value)
    except (TypeError, RuntimeError, ValueError) as error:  # a tensor elsewhere, or one that wants a gradient
        raise TypeError(f"{name} cannot be read as an array: {error}; pass tensor.detach().cpu().float()") from error
    if array.dtype.kind not in "fiu":
        raise TypeError(f"{name} must hold real numbers, got {array.dtype}; pass an array of floats")
    return array.astype(np.float64)


def twins(network: Any) -> list[Twin]:
    """Return all parameters with their names in PyTorch; see `state_dict`."""
    found = list(_encoder(network.encoder))
    if not isinstance(network, Network):
        return [*found, *_linear("head", network.head, "head")]
    decoder = network.decoder
    if isinstance(decoder, Parallel):
        found.append(Same("decoder.position", "position.weight"))
        if sum(decoder.widths):
            found.append(Same("decoder.context", "context.weight"))
        found += _stack([("decoder.cell", decoder.cell)], "decoder.")
    elif not isinstance(decoder, Direct | Recursive):
        raise ValueError(
            f'decoder="{type(decoder).__name__.lower()}" has no twin among PyTorch\'s modules; fit with '
            'decoder="direct", "parallel" or "recursive" to exchange weights'
        )
    found += _linear("decoder.head", decoder.head, "head")
    if isinstance(decoder, Direct) and decoder.path is not None:
        found += _linear("decoder.highway", decoder.path, "highway")
    return found


def _encoder(encoder: Chain) -> Iterator[Twin]:
    """Yield what lies before, in and after the recurrent layers."""
    recurrences: list[tuple[str, Any]] = []
    norms: list[str] = []
    for k, layer in enumerate(encoder.layers):
        own = f"encoder.{k}"
        for kind, parameter in NO_TWIN:
            if type(layer) is kind:
                raise ValueError(f"{parameter} has no twin among PyTorch's modules; fit without it to exchange weights")
        if isinstance(layer, CausalConvolution):
            yield Taps(f"{own}.weight", "convolution.weight", layer.kernel_size)
            yield Same(f"{own}.bias", "convolution.bias")
        elif isinstance(layer, Dense):
            yield from _affine(own, "segment")
        elif isinstance(layer, LayerNorm):
            norms.append(own)
        elif isinstance(layer, LastState | Recurrent | Bidirectional):
            recurrences.append((own, layer))
        elif not isinstance(layer, Dropout | Segments):
            raise ValueError(f"{type(layer).__name__} has no twin among PyTorch's modules")
    if norms and len(recurrences) > 1:
        raise ValueError(
            "layer_norm=True normalises between the layers of one recurrence, which PyTorch's modules do not; fit with "
            "layer_norm=False or a single layer to exchange weights"
        )
    yield from _stack(recurrences, "")
    for own in norms:
        yield from _affine(own, "norm")


def _stack(recurrences: list[tuple[str, Any]], prefix: str) -> Iterator[Twin]:
    """Yield the layers of one `torch.nn.LSTM`, `GRU` or `RNN`."""
    inner = [layer if isinstance(layer, Recurrent) else layer.recurrent for _, layer in recurrences]
    both = [isinstance(layer, Bidirectional) for _, layer in recurrences]
    cell = inner[0].cell
    for layer in inner:
        if not any(layer.cell == known for known, _ in MODULES):
            raise ValueError(
                f'the cell "{layer.cell.name}" has no twin among PyTorch\'s modules; fit with cell="lstm", "gru" or '
                '"rnn" (activation="tanh" or "relu") to exchange weights'
            )
    for what, each in (
        ("one cell", [layer.cell.name for layer in inner]),
        ("as many units", [layer.n_outputs for layer in inner]),
        ("as many directions", [1 + two for two in both]),
    ):
        if len(set(each)) > 1:
            raise ValueError(
                f"a module of PyTorch has {what} in all its layers, but these have {each}; fit with layers alike to "
                "exchange weights"
            )
    for k, (own, _) in enumerate(recurrences):
        name = f"{prefix}{{}}_l{k}"
        if both[k]:
            yield Gates(f"{own}.forward", cell, name)
            yield Gates(f"{own}.backward", cell, f"{name}_reverse")
        else:
            yield Gates(own, cell, name)


def _linear(own: str, chain: Chain, name: str) -> Iterator[Twin]:
    """Yield a `torch.nn.Linear`, or the linear ones of a `torch.nn.Sequential` with rectifiers between them."""
    dense = [k for k, layer in enumerate(chain.layers) if isinstance(layer, Dense)]
    for place, k in enumerate(dense):
        yield from _affine(f"{own}.{k}", name if len(dense) == 1 else f"{name}.{2 * place}")


def _affine(own: str, name: str) -> Iterator[Twin]:
    """Yield weight and bias."""
    for part in ("weight", "bias"):
        yield Same(f"{own}.{part}", f"{name}.{part}")
