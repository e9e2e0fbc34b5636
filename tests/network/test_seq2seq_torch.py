"""The encoder-decoder, with and without attention, against the same model written in PyTorch."""

from __future__ import annotations

import numpy as np
import pytest

from rnnforecast.network.decoders import Teacher, context_parts
from tests.network.test_seq2seq import HORIZON, N_UNITS, build, drawn

torch = pytest.importorskip("torch", reason="compares with the same model in PyTorch")
H = N_UNITS


def module(kind: str, n_inputs: int, views: dict[str, np.ndarray], *, cell: bool):
    """A torch layer or cell with our weights; the GRU's fourth bias is that of its hidden candidate."""
    made = getattr(torch.nn, kind + ("Cell" if cell else ""))(n_inputs, H, dtype=torch.float64)
    end, bias = ("" if cell else "_l0"), torch.tensor(views["bias"])
    with torch.no_grad():
        getattr(made, "weight_ih" + end)[:] = torch.tensor(views["weight_input"])
        getattr(made, "weight_hh" + end)[:] = torch.tensor(views["weight_hidden"])
        getattr(made, "bias_ih" + end)[:] = bias[: 3 * H] if kind == "GRU" else bias
        getattr(made, "bias_hh" + end)[:] = 0.0
        if kind == "GRU":
            getattr(made, "bias_hh" + end)[2 * H :] = bias[3 * H :]
    return made


def gradients(made, *, cell: bool) -> dict[str, np.ndarray]:
    end = "" if cell else "_l0"
    bias_input, bias_hidden = (getattr(made, f"bias_{p}{end}").grad.numpy() for p in ("ih", "hh"))
    gru = len(bias_input) == 3 * H
    return {
        "weight_input": getattr(made, "weight_ih" + end).grad.numpy(),
        "weight_hidden": getattr(made, "weight_hh" + end).grad.numpy(),
        "bias": np.concatenate([bias_input, bias_hidden[2 * H :]]) if gru else bias_input,
    }


def under(views, prefix):
    return {name.removeprefix(prefix): v for name, v in views.items() if name.startswith(prefix)}


@pytest.mark.parametrize("share", [0.0, 1.0], ids=["own forecasts", "taught"])
@pytest.mark.parametrize("attention", [None, "additive", "dot"])
@pytest.mark.parametrize(("cell", "kind"), [("gru", "GRU"), ("lstm", "LSTM")])
def test_forecast_and_gradients_equal_pytorch(cell, kind, attention, share):
    network, windows, frame, _, _ = build(cell, attention=attention, base=3)
    weights, rng = drawn(network), np.random.default_rng(5)
    views, origin, column = network.layout.views(weights), np.array([8, 12, 20]), np.array([0, 1, 0])
    read = windows.read(frame, origin, column)
    truth = windows.truth(frame, origin, column, read)
    d_out = rng.normal(size=truth.shape)

    work = network.work(windows.n_steps, 3, training=True)
    work.draw_from(0)
    prepared, gradient = network.prepare(weights), np.zeros_like(weights)
    out = network.forward(prepared, read.past, read.context, work, Teacher(truth, share))
    network.backward(prepared, d_out, work, network.split(gradient))

    encoder = module(kind, windows.n_inputs, under(views, "encoder.0."), cell=False)
    step = module(kind, network.decoder.cell.n_inputs, under(views, "decoder.cell."), cell=True)
    head = {n: torch.tensor(v, requires_grad=True) for n, v in under(views, "decoder.head.0.").items()}
    match = {n: torch.tensor(v, requires_grad=True) for n, v in under(views, "decoder.attention.").items()}
    past = torch.tensor(read.past.transpose(0, 2, 1).copy())
    known, base, which = (torch.tensor(np.ascontiguousarray(p)) for p in context_parts(windows, read.context))
    states, state = encoder(past)
    state = tuple(s[0] for s in state) if kind == "LSTM" else state[0]
    value, outs = past[-1, :, :1], []
    for k in range(HORIZON):
        x = [value, known[k].T, base[k].T, which.T]
        if attention:
            query = (state[0] if kind == "LSTM" else state) @ match["weight_query"].T
            keys = states @ match["weight_key"].T
            scores = (
                torch.tanh(keys + query) @ match["vector"][0]
                if attention == "additive"
                else (keys * query).sum(-1) / H**0.5
            )
            x.append((torch.softmax(scores, 0)[..., None] * states).sum(0))
        state = step(torch.cat(x, 1), state)
        outs.append((state[0] if kind == "LSTM" else state) @ head["weight"].T + head["bias"])
        true = torch.tensor(truth[k : k + 1].T.copy()) + base[k].T
        value = true if share else outs[-1] + base[k].T
    expected = torch.stack([o[:, 0] for o in outs])
    (expected * torch.tensor(d_out)).sum().backward()

    np.testing.assert_allclose(out, expected.detach().numpy(), atol=1e-12)
    found = network.layout.views(gradient)
    wanted = {f"encoder.0.{n}": g for n, g in gradients(encoder, cell=False).items()}
    wanted |= {f"decoder.cell.{n}": g for n, g in gradients(step, cell=True).items()}
    wanted |= {f"decoder.head.0.{n}": v.grad.numpy() for n, v in head.items()}
    wanted |= {f"decoder.attention.{n}": v.grad.numpy() for n, v in match.items()}
    assert wanted.keys() == found.keys()
    for name, g in wanted.items():
        np.testing.assert_allclose(found[name], g, atol=1e-12 * max(1.0, np.abs(g).max()), err_msg=name)
