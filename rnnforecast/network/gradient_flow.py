"""How far back in time a gradient reaches: its norm in each layer's state, lag by lag."""

from __future__ import annotations

from typing import Any

import numpy as np

from rnnforecast.network.compose import Chain
from rnnforecast.network.dense import Dense
from rnnforecast.network.dropout import Dropout
from rnnforecast.network.normalization import LayerNorm
from rnnforecast.network.recurrent import Recurrent

STEPWISE = (Recurrent, Dense, Dropout, LayerNorm)


def gradient_flow(chain: Chain, prepared: list[Any], x: np.ndarray, d_last: np.ndarray) -> np.ndarray:
    """Norms of the derivative of the newest hidden state, times `d_last`, in the states before.

    A norm that falls exponentially with the lag is a vanishing gradient, one that grows an exploding one (Bengio et
    al., 1994; Pascanu et al., 2013).

    Parameters
    ----------
    chain : Chain
        Any layers up to the first recurrent one, from there on such as work step by step.
    prepared : list
        Of ``chain.prepare``.
    x : (T, D, B)
    d_last : (H, B)
        Direction in which the last layer's newest state is looked at.

    Returns
    -------
    norms : (layers, T' + 1)
        Root of the mean square over units and sequences of the derivative in each recurrent layer's hidden state; lag
        0 is the newest state itself.

    Raises
    ------
    ValueError
        If a layer behind the first recurrent one is not known to look at its own step only.
    """
    recurrent = [k for k, layer in enumerate(chain.layers) if isinstance(layer, Recurrent)]
    first, dtype = recurrent[0], x.dtype
    n_sequences = x.shape[2]
    for k, layer in enumerate(chain.layers[:first]):
        x = layer.forward(prepared[k], x, layer.work(len(x), n_sequences, dtype, training=False))
    layers, ready = chain.layers[first:], prepared[first:]
    for layer in layers:
        if not isinstance(layer, STEPWISE):
            raise ValueError(
                f"gradient_flow goes step by step and cannot follow {type(layer).__name__} behind the first recurrent "
                f"layer: only {', '.join(kind.__name__ for kind in STEPWISE)} may stand there"
            )
    steps = [[layer.work(1, n_sequences, dtype, training=True) for layer in layers] for _ in x]
    for t, works in enumerate(steps):
        out = x[t : t + 1]
        for k, (layer, own) in enumerate(zip(layers, works, strict=True)):
            if isinstance(layer, Recurrent):
                own.state = steps[t - 1][k].last if t else None
                own.d_state = np.empty_like(own.last)
            out = layer.forward(ready[k], out, own)
    norms = np.zeros((len(recurrent), len(x) + 1))
    scratch = chain.split({p.name: np.zeros(p.shape, dtype) for p in chain.parameters()})[first:]
    for t in range(len(x) - 1, -1, -1):
        newest = t == len(x) - 1
        d: Any = np.ascontiguousarray(d_last[None]) if newest else np.zeros_like(d_last)[None]
        row = len(recurrent)
        for k in range(len(layers) - 1, -1, -1):
            own = steps[t][k]
            if isinstance(layers[k], Recurrent):
                row -= 1
                own.d_last = None if newest else steps[t + 1][k].d_state
                total = d[0] if own.d_last is None else d[0] + own.d_last[0]
                norms[row, len(x) - 1 - t] = np.sqrt(np.mean(np.square(total, dtype=np.float64)))
            d = layers[k].backward(ready[k], d, own, scratch[k], wants_d_x=k > 0)
    row = 0
    for k, layer in enumerate(layers):
        if isinstance(layer, Recurrent):
            norms[row, len(x)] = np.sqrt(np.mean(np.square(steps[0][k].d_state[0], dtype=np.float64)))
            row += 1
    return norms
