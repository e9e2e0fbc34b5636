"""The norm of a gradient by lag."""

from __future__ import annotations

import numpy as np
import pytest

from rnnforecast.kernels.cells import named
from rnnforecast.network.bidirectional import Bidirectional
from rnnforecast.network.compose import Chain
from rnnforecast.network.convolution import CausalConvolution
from rnnforecast.network.dropout import Dropout
from rnnforecast.network.gradient_flow import gradient_flow
from rnnforecast.network.layout import Layout
from rnnforecast.network.recurrent import Recurrent
from rnnforecast.network.residual import Residual

T, D, H, B = 30, 2, 4, 3


def chain_of(*cells: str) -> tuple[Chain, list, Layout, np.ndarray]:
    layers, width = [], D
    for k, cell in enumerate(cells):
        layers += [Recurrent(named(cell), width, H, np.float64, every=k < len(cells) - 1), Dropout(H, 0.3)]
        width = H
    chain = Chain(layers)
    layout = Layout(chain.parameters())
    return chain, layout, layout.initial(np.random.default_rng(0), np.float64)


def test_norms_of_a_linear_elman_network_are_powers_of_its_matrix(rng):
    chain, layout, flat = chain_of("rnn")
    views = layout.views(flat)
    views["0.weight_hidden"] *= 0.5  # half an orthogonal matrix: each step back halves the gradient
    views["0.weight_input"][...] = 0.0  # the state stays zero, where tanh has slope one
    direction = rng.normal(size=(H, B))
    norms = gradient_flow(chain, chain.prepare(views), np.zeros((T, D, B)), direction)
    np.testing.assert_allclose(norms[0], np.sqrt(np.mean(direction**2)) * 0.5 ** np.arange(T + 1), rtol=1e-9)


@pytest.mark.parametrize("cells", [("lstm",), ("gru", "lstm")])
def test_the_last_norm_is_that_of_the_whole_backward_pass(cells, rng):
    chain, layout, flat = chain_of(*cells)
    prepared = chain.prepare(layout.views(flat))
    x, direction = rng.normal(size=(T, D, B)), rng.normal(size=(H, B))
    work = chain.work(T, B, np.float64, training=True)
    recurrent = [own for own, layer in zip(work, chain.layers, strict=True) if isinstance(layer, Recurrent)]
    for own in recurrent:
        own.d_state = np.empty_like(own.last)
    chain.forward(prepared, x, work)
    parts = chain.split({p.name: np.zeros(p.shape) for p in chain.parameters()})
    chain.backward(prepared, np.ascontiguousarray(direction[None]), work, parts, wants_d_x=False)
    norms = gradient_flow(chain, prepared, x, direction)
    assert norms.shape == (len(cells), T + 1)
    whole = [np.sqrt(np.mean(own.d_state[0] ** 2)) for own in recurrent]
    np.testing.assert_allclose(norms[:, -1], whole, rtol=1e-9)


def test_an_elman_network_forgets_faster_than_an_lstm_with_open_forget_gates(rng):
    x, direction = rng.normal(size=(T, D, B)), rng.normal(size=(H, B))
    falls = {}
    for cell in ("rnn", "lstm"):
        chain, layout, flat = chain_of(cell)
        views = layout.views(flat)
        if cell == "lstm":
            views["0.bias"][H : 2 * H] = 5.0
        norms = gradient_flow(chain, chain.prepare(views), x, direction)[0]
        falls[cell] = norms[-1] / norms[0]
    assert falls["rnn"] < 0.1 * falls["lstm"]


@pytest.mark.parametrize(
    "last",
    [
        CausalConvolution(H, 2, 2),
        Bidirectional(named("gru"), H, 2, np.float64),
        Residual(Recurrent(named("gru"), H, H, np.float64)),
    ],
)
def test_layers_whose_other_steps_would_be_missed_are_refused(last, rng):
    chain = Chain([Recurrent(named("rnn"), D, H, np.float64), last])
    layout = Layout(chain.parameters())
    prepared = chain.prepare(layout.views(layout.initial(rng, np.float64)))
    with pytest.raises(ValueError, match=f"cannot follow {type(last).__name__} behind the first recurrent layer"):
        gradient_flow(chain, prepared, np.zeros((T, D, B)), np.zeros((last.n_outputs, B)))
