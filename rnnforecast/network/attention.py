"""Attention: a weighted mean of hidden states, the weights being a learnt match between each state and a query.

T steps, H units, A rows of the attention's own space, B sequences; arrays are (T, H, B), last axis fastest.

`attend` and `d_attend` work on one projected query and on keys that are projected once for all queries: a decoder calls
them at each of its steps, and the derivatives in what the steps share add up. `Attention` asks once, with the last
state.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from rnnforecast.network.bidirectional import d_last_states, last_states, padding
from rnnforecast.network.layer import Views
from rnnforecast.network.layout import Parameter, glorot


def project(weight: np.ndarray, x: np.ndarray) -> np.ndarray:
    """Product (T, A, B) of `weight` (A, H) with every step of `x` (T, H, B)."""
    return np.matmul(weight, x)


def d_project(d_y: np.ndarray, weight: np.ndarray, x: np.ndarray, d_weight: np.ndarray) -> np.ndarray:
    """Derivative in `x`; adds that in the weight to `d_weight`."""
    d_weight += np.matmul(d_y, x.transpose(0, 2, 1)).sum(0)
    return np.matmul(weight.T, d_y)


def additive(query: np.ndarray, keys: np.ndarray, vector: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Scores v' tanh(q + k) (T, B) (Bahdanau et al., 2015), and the tanh (T, A, B) for the backward pass."""
    mixed = np.tanh(keys + query)
    return np.matmul(vector, mixed)[:, 0], mixed


def d_additive(
    d_scores: np.ndarray, query: np.ndarray, mixed: np.ndarray, vector: np.ndarray, d_vector: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Derivatives in query (1, A, B) and keys (T, A, B); adds that in the vector to `d_vector` (1, A)."""
    d_vector += np.tensordot(d_scores, mixed, axes=([0, 1], [0, 2]))
    d_keys = vector.T * d_scores[:, None] * (1.0 - mixed * mixed)
    return d_keys.sum(0, keepdims=True), d_keys


def dot(query: np.ndarray, keys: np.ndarray, vector: None) -> tuple[np.ndarray, np.ndarray]:
    """Scores q' k / sqrt(A) (T, B) (Vaswani et al., 2017, equation 1), and the keys for the backward pass."""
    return np.einsum("ab,tab->tb", query[0], keys) * keys.dtype.type(keys.shape[1] ** -0.5), keys


def d_dot(
    d_scores: np.ndarray, query: np.ndarray, keys: np.ndarray, vector: None, d_vector: None
) -> tuple[np.ndarray, np.ndarray]:
    """Derivatives in query (1, A, B) and keys (T, A, B)."""
    d_scores = d_scores * keys.dtype.type(keys.shape[1] ** -0.5)
    return np.einsum("tb,tab->ab", d_scores, keys)[None], query * d_scores[:, None]


SCORES: dict[str, tuple[Callable[..., Any], Callable[..., Any]]] = {
    "additive": (additive, d_additive),
    "dot": (dot, d_dot),
}


def softmax(scores: np.ndarray) -> np.ndarray:
    """Weights (T, B) that sum to one over the steps; the largest score is taken off, so nothing overflows."""
    weights = np.exp(scores - scores.max(0))
    weights /= weights.sum(0)
    return weights


def d_softmax(d_weights: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Derivative in the scores, (T, B)."""
    return weights * (d_weights - (weights * d_weights).sum(0))


@dataclass(frozen=True)
class Attended:
    """What a query found: `context` (1, H, B) and `weights` (T, B), with what the backward pass needs."""

    context: np.ndarray
    weights: np.ndarray
    kind: str
    query: np.ndarray
    kept: np.ndarray
    states: np.ndarray
    vector: np.ndarray | None


def attend(
    kind: str,
    query: np.ndarray,
    keys: np.ndarray,
    states: np.ndarray,
    vector: np.ndarray | None = None,
    lengths: np.ndarray | None = None,
) -> Attended:
    """Mean of `states`, weighted by the match of their keys with a query.

    Parameters
    ----------
    kind : {"additive", "dot"}
    query : (1, A, B)
        Projected.
    keys : (T, A, B)
        Projected states.
    states : (T, H, B)
    vector : (1, A) or None
        Of the additive score.
    lengths : (B,) int64 or None
        Real steps of each sequence, at least 1; those after them get no weight.
    """
    scores, kept = SCORES[kind][0](query, keys, vector)
    if lengths is not None:
        np.copyto(scores, -np.inf, where=padding(len(keys), lengths)[:, 0])
    weights = softmax(scores)
    context = np.einsum("tb,thb->hb", weights, states)[None]
    return Attended(context, weights, kind, query, kept, states, vector)


def d_attend(
    attended: Attended,
    d_context: np.ndarray,
    d_keys: np.ndarray,
    d_states: np.ndarray,
    d_vector: np.ndarray | None = None,
) -> np.ndarray:
    """Derivative in the query, (1, A, B), for that in the context, (1, H, B).

    Those in the keys, the states and the vector are added to `d_keys` (T, A, B), `d_states` (T, H, B) and `d_vector`
    (1, A), so that the queries of several steps add up.
    """
    states, weights = attended.states, attended.weights
    d_weights = np.einsum("hb,thb->tb", d_context[0], states)
    d_states += weights[:, None] * d_context
    d_score = SCORES[attended.kind][1]
    d_query, d = d_score(d_softmax(d_weights, weights), attended.query, attended.kept, attended.vector, d_vector)
    d_keys += d
    return d_query


def attention_parameters(kind: str, n_query: int, n_units: int, n_attention: int) -> list[Parameter]:
    """`weight_query` (A, n_query), `weight_key` (A, H), and `vector` (1, A) of the additive score."""
    weights = [
        Parameter("weight_query", (n_attention, n_query), glorot),
        Parameter("weight_key", (n_attention, n_units), glorot),
    ]
    return [*weights, Parameter("vector", (1, n_attention), glorot)] if kind == "additive" else weights


class Work:
    """Buffers of an attention layer.

    Attributes
    ----------
    lengths : (B,) int64 or None
        Real steps of each sequence, set by the caller; None is all.
    weights : (T, B)
        Attention weights of the last forward pass; each sequence's sum to one.
    """

    def __init__(self) -> None:
        self.lengths: np.ndarray | None = None
        self.attended: Attended | None = None

    @property
    def weights(self) -> np.ndarray:
        """Attention weights of the last forward pass, (T, B)."""
        assert self.attended is not None, "there are weights only after a forward pass"
        return self.attended.weights


@dataclass(frozen=True)
class Attention:
    """The last state, and the mean of all states weighted by their match with it: [last; context].

    Parameters
    ----------
    n_units : int
        H, rows of the states.
    kind : {"additive", "dot"}
        How a query and a key are matched: ``v' tanh(q + k)`` (Bahdanau et al., 2015) or ``q' k / sqrt(A)`` (Vaswani et
        al., 2017), where q and k are learnt projections of the last state and of each state.
    n_attention : int or None
        A, rows of the projections; None is H.
    """

    n_units: int
    kind: str = "additive"
    n_attention: int | None = None

    def __post_init__(self) -> None:
        if self.kind not in SCORES:
            raise ValueError(f"kind must be one of {', '.join(map(repr, SCORES))}, got {self.kind!r}")

    @property
    def n_inputs(self) -> int:
        """Rows of the states."""
        return self.n_units

    @property
    def n_outputs(self) -> int:
        """Rows of last state and context."""
        return 2 * self.n_units

    def parameters(self) -> list[Parameter]:
        """`weight_query` (A, H), `weight_key` (A, H), and `vector` (1, A) of the additive kind."""
        return attention_parameters(self.kind, self.n_units, self.n_units, self.n_attention or self.n_units)

    def prepare(self, views: Views) -> Views:
        """Weights as they are."""
        return views

    def steps_out(self, n_steps: int) -> int:
        """One, whatever comes in."""
        return 1

    def work(self, n_steps: int, n_sequences: int, dtype: Any, training: bool) -> Work:
        """Room for the lengths and for what the backward pass needs."""
        return Work()

    def forward(self, prepared: Views, x: np.ndarray, work: Work) -> np.ndarray:
        """Return [last state; context], (1, 2 H, B)."""
        last = last_states(x, work.lengths)
        query, keys = project(prepared["weight_query"], last), project(prepared["weight_key"], x)
        work.attended = attend(self.kind, query, keys, x, prepared.get("vector"), work.lengths)
        return np.concatenate((last, work.attended.context), axis=1)

    def backward(
        self, prepared: Views, d_y: np.ndarray, work: Work, d_views: Views, wants_d_x: bool
    ) -> np.ndarray | None:
        """Chain rule through the context, the weights, the scores and the projections."""
        attended, H = work.attended, self.n_units
        assert attended is not None
        x = attended.states
        d_x, d_keys = np.zeros_like(x), np.zeros_like(attended.kept)
        d_query = d_attend(attended, d_y[:, H:], d_keys, d_x, d_views.get("vector"))
        last = last_states(x, work.lengths)
        d_last = d_y[:, :H] + d_project(d_query, prepared["weight_query"], last, d_views["weight_query"])
        d_x += d_project(d_keys, prepared["weight_key"], x, d_views["weight_key"])
        return d_x + d_last_states(d_last, work.lengths, len(x)) if wants_d_x else None
