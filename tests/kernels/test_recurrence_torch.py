"""The compiled recurrence against torch.nn: live where PyTorch is installed, and against golden arrays everywhere."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from tests.kernels.problems import CELLS, TOLERANCE, Passes, Problem, assert_close

GOLDEN = Path(__file__).parent.parent / "golden" / "recurrent.npz"
KINDS = {"rnn_tanh": "RNN", "lstm": "LSTM", "gru": "GRU"}


def torch_layer(torch, problem: Problem, kind: str):
    """A torch.nn layer with the problem's weights; the GRU's fourth bias is that of its hidden candidate."""
    H, net = problem.H, getattr(torch.nn, kind)(problem.D, problem.H, dtype=getattr(torch, problem.dtype.name))
    weight_input, weight_hidden, bias = map(torch.tensor, problem.weights)
    with torch.no_grad():
        net.weight_ih_l0[:], net.weight_hh_l0[:], net.bias_hh_l0[:] = weight_input, weight_hidden, 0.0
        net.bias_ih_l0[:] = bias[: 3 * H] if kind == "GRU" else bias
        if kind == "GRU":
            net.bias_hh_l0[2 * H :] = bias[3 * H :]
    return net


def torch_passes(torch, problem: Problem, kind: str) -> Passes:
    def tensor(array):
        return torch.tensor(np.ascontiguousarray(np.swapaxes(array, -1, -2)))

    def array(tensor):
        return np.swapaxes(tensor.detach().numpy(), -1, -2)

    net = torch_layer(torch, problem, kind)
    x = tensor(problem.x).requires_grad_()
    states = [tensor(s[None]).requires_grad_() for s in problem.state]
    out, ends = net(x, tuple(states) if kind == "LSTM" else states[0])
    ends = ends if kind == "LSTM" else (ends,)
    loss = (out * tensor(problem.d_out)).sum()
    loss = loss + sum((end * tensor(d[None])).sum() for end, d in zip(ends, problem.d_last, strict=True))
    loss.backward()
    bias = net.bias_ih_l0.grad.numpy()
    bias = np.concatenate([bias, net.bias_hh_l0.grad.numpy()[2 * problem.H :]]) if kind == "GRU" else bias
    return Passes(
        array(out),
        np.stack([array(end)[0] for end in ends]),
        net.weight_ih_l0.grad.numpy(),
        net.weight_hh_l0.grad.numpy(),
        bias,
        array(x.grad),
        np.stack([array(s.grad)[0] for s in states]),
    )


@pytest.mark.parametrize("dtype", TOLERANCE)
@pytest.mark.parametrize("name", KINDS)
def test_passes_equal_pytorch(name, dtype):
    torch = pytest.importorskip("torch", reason="compares with torch.nn live; the golden arrays do without")
    problem = Problem(CELLS[name], T=9, D=3, B=5, H=7, dtype=dtype)
    assert_close(problem.passes(), torch_passes(torch, problem, KINDS[name]), TOLERANCE[dtype])


@pytest.mark.parametrize("name", KINDS)
def test_passes_equal_the_golden_arrays_of_pytorch(name):
    with np.load(GOLDEN) as golden:
        problem = Problem(CELLS[name], T=4, D=2, B=3, H=3)
        problem.weights = [golden[f"{name}_{field}"] for field in ("weight_input", "weight_hidden", "bias")]
        for field in ("x", "state", "d_out", "d_last"):
            setattr(problem, field, golden[f"{name}_{field}"])
        expected = Passes(*(golden[f"{name}_expected_{field}"] for field in Passes._fields))
    assert_close(problem.passes(), expected, 1e-12)
