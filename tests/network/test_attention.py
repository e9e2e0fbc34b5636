"""Attention against a slow twin, central differences, PyTorch, and the laws of weights and padding."""

from __future__ import annotations

import numpy as np
import pytest

from rnnforecast.network.attention import SCORES, Attention, attend, attention_parameters, d_attend, softmax
from rnnforecast.network.layout import Layout
from tests.golden.make_layers import (
    SIZES,
    TOLERANCE,
    Passes,
    Problem,
    assert_close,
    assert_equals_golden,
    assert_gradients_equal_central_differences,
    assert_gradients_without_upstream_are_zero,
    assert_input_gradient_is_left_out_unless_wanted,
)
from tests.gradients import numerical, relative_error

LENGTHS = [5, 2, 1, 4]


def problem_of(kind="additive", H=3, A=2, T=5, B=4, dtype="float64", lengths=None) -> Problem:
    return Problem(Attention(H, kind, A), T, B, dtype, lengths)


GOLDEN_PROBLEMS = {f"attention {kind}": lambda kind=kind: problem_of(kind, lengths=LENGTHS) for kind in SCORES}


def naive(kind, problem):
    """Output and weights, one sequence, one state and one score at a time."""
    p, x = problem.parameters, problem.x
    y, weights = np.zeros_like(problem.d_y), np.zeros((problem.T, problem.B))
    for b in range(problem.B):
        states = [x[t, :, b] for t in range(problem.T if problem.lengths is None else problem.lengths[b])]
        query = p["weight_query"] @ states[-1]
        scores = []
        for state in states:
            key = p["weight_key"] @ state
            if kind == "additive":
                scores.append(float(p["vector"][0] @ np.tanh(query + key)))
            else:
                scores.append(float(query @ key) / np.sqrt(len(key)))
        exponentials = np.exp(scores)
        weights[: len(states), b] = exponentials / exponentials.sum()
        context = sum(w * state for w, state in zip(weights[:, b], states, strict=False))
        y[0, :, b] = np.concatenate([states[-1], context])
    return y, weights


@pytest.mark.parametrize("lengths", [None, LENGTHS])
@pytest.mark.parametrize("kind", SCORES)
def test_output_and_weights_equal_the_slow_twin(kind, lengths):
    problem = problem_of(kind, lengths=lengths)
    y, weights = naive(kind, problem)
    _, work, out = problem.forward()
    np.testing.assert_allclose(out, y, rtol=0, atol=1e-14)  # of order one, few roundings
    np.testing.assert_allclose(work.weights, weights, rtol=0, atol=1e-14)


@pytest.mark.parametrize("kind", SCORES)
def test_gradients_equal_central_differences(kind):
    for T, B, size in SIZES:
        assert_gradients_equal_central_differences(problem_of(kind, size, 4 - size, T, B))
    assert_gradients_equal_central_differences(problem_of(kind, lengths=LENGTHS))


@pytest.mark.parametrize("kind", SCORES)
def test_zero_upstream_gives_zero_gradient(kind):
    assert_gradients_without_upstream_are_zero(problem_of(kind, lengths=LENGTHS))


@pytest.mark.parametrize("kind", SCORES)
def test_input_gradient_is_made_only_if_wanted(kind):
    assert_input_gradient_is_left_out_unless_wanted(problem_of(kind, lengths=LENGTHS))


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("kind", SCORES)
def test_weights_sum_to_one_and_leave_padding_out(kind, dtype):
    _, work, _ = problem_of(kind, dtype=dtype, lengths=LENGTHS).forward()
    assert work.weights.dtype == dtype
    np.testing.assert_allclose(work.weights.sum(0), 1.0, rtol=4 * np.finfo(dtype).eps)  # five terms
    assert not work.weights[np.arange(5)[:, None] >= np.array(LENGTHS)].any()


def test_large_scores_do_not_overflow():
    weights = softmax(np.array([[1e4, -1e30], [1e4, 0.0], [-1e4, 3e38]]))
    np.testing.assert_array_equal(weights, [[0.5, 0.0], [0.5, 0.0], [0.0, 1.0]])


@pytest.mark.parametrize("kind", SCORES)
def test_one_state_is_its_own_context(kind):
    problem = problem_of(kind, T=1)
    np.testing.assert_array_equal(problem.y(), np.concatenate([problem.x, problem.x], axis=1))


@pytest.mark.parametrize("kind", SCORES)
def test_the_order_of_the_states_before_the_last_does_not_matter(kind):
    problem, order = problem_of(kind), [2, 0, 3, 1, 4]
    _, work, y = problem.forward()
    problem.x = problem.x[order]
    _, work_again, y_again = problem.forward()
    np.testing.assert_allclose(work_again.weights, work.weights[order], rtol=1e-14)  # sums in another order
    np.testing.assert_allclose(y_again, y, rtol=0, atol=1e-15)


@pytest.mark.parametrize("kind", SCORES)
def test_padding_changes_nothing(kind):
    problem = problem_of(kind, lengths=LENGTHS)
    before = problem.passes()
    problem.x += 100.0 * (np.arange(5)[:, None, None] >= np.array(LENGTHS))
    after = problem.passes()
    assert_close(after, before, 1e-15)  # what is added are zeros
    for b, length in enumerate(LENGTHS):
        one = problem.alone(b, length).passes()
        np.testing.assert_allclose(after.y[..., b], one.y[..., 0], rtol=0, atol=1e-14)  # products of other sizes
        np.testing.assert_allclose(after.d_x[:length, :, b], one.d_x[..., 0], rtol=0, atol=1e-14)
        assert not after.d_x[length:, :, b].any()


@pytest.mark.parametrize("kind", SCORES)
def test_derivatives_of_several_queries_add_up(kind):
    """As in a decoder: each step asks with its own state, keys and states are shared."""
    rng = np.random.default_rng(0)
    A, H, lengths = 2, 3, np.array([4, 2])
    queries, keys, states = (rng.normal(size=s) for s in ((3, 1, A, 2), (4, A, 2), (4, H, 2)))
    vector = rng.normal(size=(1, A)) if kind == "additive" else None
    d_contexts = rng.normal(size=(3, 1, H, 2))

    def loss():
        found = [attend(kind, query, keys, states, vector, lengths).context for query in queries]
        return float((np.stack(found) * d_contexts).sum())

    d_keys, d_states = np.zeros_like(keys), np.zeros_like(states)
    d_vector = None if vector is None else np.zeros_like(vector)
    d_queries = np.empty_like(queries)
    for k, query in enumerate(queries):
        found = attend(kind, query, keys, states, vector, lengths)
        d_queries[k] = d_attend(found, d_contexts[k], d_keys, d_states, d_vector)
    pairs = [(d_queries, queries), (d_keys, keys), (d_states, states)]
    if vector is not None and d_vector is not None:
        pairs.append((d_vector, vector))
    for d, array in pairs:
        assert relative_error(d, numerical(loss, array)) <= 1e-6  # see gradients.py


def test_a_decoders_query_may_have_its_own_size():
    layout = Layout(attention_parameters("additive", n_query=4, n_units=3, n_attention=2))
    shapes = {p.name: p.shape for p in layout.parameters}
    assert shapes == {"weight_query": (2, 4), "weight_key": (2, 3), "vector": (1, 2)}
    assert layout.initial(np.random.default_rng(0), np.float32).all()


def test_projections_have_the_size_of_the_states_by_default():
    assert [p.shape for p in Attention(5, "dot").parameters()] == [(5, 5), (5, 5)]


def test_an_unknown_kind_is_refused():
    with pytest.raises(ValueError, match="kind must be one of 'additive', 'dot', got 'cosine'"):
        Attention(3, "cosine")


def torch_passes(torch, problem: Problem) -> Passes:
    p = {name: torch.tensor(view.copy()).requires_grad_() for name, view in problem.parameters.items()}
    x = torch.tensor(problem.x).requires_grad_()
    states = x.permute(2, 0, 1)  # (B, T, H)
    lengths = torch.tensor([problem.T] * problem.B if problem.lengths is None else problem.lengths.tolist())
    last = states[torch.arange(problem.B), lengths - 1]
    query, keys = (last @ p["weight_query"].T)[:, None], states @ p["weight_key"].T
    real = torch.arange(problem.T) < lengths[:, None]
    if problem.layer.kind == "dot":
        attention = torch.nn.functional.scaled_dot_product_attention
        context = attention(query, keys, states, attn_mask=real[:, None])[:, 0]
    else:
        scores = (torch.tanh(query + keys) @ p["vector"][0]).masked_fill(~real, -torch.inf)
        context = (torch.softmax(scores, dim=1)[..., None] * states).sum(1)
    y = torch.cat([last, context], dim=1).T[None]
    (y * torch.tensor(problem.d_y)).sum().backward()
    return Passes(y.detach().numpy(), x.grad.numpy(), {name: tensor.grad.numpy() for name, tensor in p.items()})


@pytest.mark.parametrize("dtype", TOLERANCE)
@pytest.mark.parametrize("kind", SCORES)
def test_passes_equal_pytorch(kind, dtype):
    torch = pytest.importorskip("torch", reason="compares with PyTorch live; the golden arrays do without")
    for lengths in (None, [9, 3, 1, 6, 9]):
        problem = problem_of(kind, 7, 4, T=9, B=5, dtype=dtype, lengths=lengths)
        assert_close(problem.passes(), torch_passes(torch, problem), TOLERANCE[dtype])


@pytest.mark.parametrize("name", GOLDEN_PROBLEMS)
def test_passes_equal_the_golden_arrays_of_pytorch(name):
    assert_equals_golden(name, GOLDEN_PROBLEMS[name]())
