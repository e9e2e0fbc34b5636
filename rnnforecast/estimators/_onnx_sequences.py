"""The ONNX graphs of sequence estimators: scaling, network, and answers in the units of y or as classes.

B sequences of T steps and F features; S answers of K numbers on each, or one on each step; C classes.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from rnnforecast.estimators._onnx_transforms import scaled, unscaled
from rnnforecast.interchange.graph import Graph, Value
from rnnforecast.interchange.layers import Run, lay
from rnnforecast.interchange.states import given_states, return_states
from rnnforecast.network.decoders import under

NO_END = np.iinfo(np.int64).max


def sequence_model(estimator: Any, dtype: Any, optional_inputs: bool) -> Any:
    """Return the graph of a fitted sequence estimator; see `SequenceInterchange.to_onnx`."""
    graph, network = Graph(), estimator.network_
    x, lengths = _inputs(graph, estimator, dtype, optional_inputs)
    n_batch, before = x.size(1), None
    if optional_inputs:
        (before,) = given_states(graph, network.encoder, 1, n_batch)
    run = Run(lengths, before)
    views = network.layout.views(estimator.coefs_[0])
    hidden = lay(network.encoder, under("encoder", views), x, run)
    out = lay(network.head, under("head", views), hidden, run).astype(np.float64).transpose(1, 0, 2)
    if estimator._by_steps:
        lead: tuple[Any, ...] = ("batch", "steps")
        answers = out.reshape(n_batch, -1, network.n_outputs)
    else:
        lead = ("batch",)
        answers = out.reshape(n_batch, network.n_answers, network.n_outputs)
    if hasattr(estimator, "classes_"):
        _classes(graph, estimator, answers, lead, dtype)
    else:
        _numbers(graph, estimator, answers, lead, dtype)
    if optional_inputs:
        return_states(graph, network.encoder, [run.after], "batch")
    return graph.model(f"{type(estimator).__name__}.predict")


def _inputs(graph: Graph, estimator: Any, dtype: Any, optional_inputs: bool) -> tuple[Value, Value | None]:
    """Declare the sequences, (T, B, F) in the network's units, and perhaps their lengths; rows of a table have one."""
    n_features, lengths = estimator.n_features_in_, None
    if estimator._tabular:
        about = f"rows of {n_features} steps of one feature"
        given = graph.input("X", dtype, ("batch", n_features), about).reshape(0, 0, 1)
    else:
        given = graph.input("X", dtype, ("batch", "steps", n_features), "sequences of one length")
    values = scaled(given.astype(np.float64), estimator._scaler)
    # ONNX Runtime 1.31 crashes where it fuses a product with a transposition that a cast follows.
    x = values.astype(estimator.network_.dtype).transpose(1, 0, 2)
    if optional_inputs and not estimator._tabular:
        about = "steps of each sequence; may be left out where none is padded"
        lengths = graph.input("lengths", np.int64, ("sequences",), about, np.array([NO_END]))
        lengths = lengths.at_most(x.size(0)).expand(x.size(1))
    return x, lengths


def _numbers(graph: Graph, estimator: Any, answers: Value, lead: tuple[Any, ...], dtype: Any) -> None:
    """Declare the output of a regressor: numbers in the units of y."""
    shape = estimator._answer_shape
    values = unscaled(answers, estimator._target_scaler)
    values = values.reshape(*([0] * len(lead)), *shape) if estimator._by_steps else values.reshape(0, *shape)
    graph.output(values.astype(dtype), "y", (*lead, *shape), "as predict returns them")


def _classes(graph: Graph, estimator: Any, answers: Value, lead: tuple[Any, ...], dtype: Any) -> None:
    """Declare the outputs of a classifier: the most probable class and the probabilities of all."""
    classes, shape = estimator.classes_, estimator._answer_shape
    if len(classes) == 2:
        probabilities = graph.concatenate([graph.apply("Sigmoid", -answers), graph.apply("Sigmoid", answers)], 2)
        winner = graph.apply("Greater", answers, np.float64(0), dtype=bool).astype(np.int64).reshape(0, 0)
    else:
        probabilities = graph.apply("Softmax", answers, axis=2)
        winner = graph.apply("ArgMax", answers, dtype=np.int64, axis=2, keepdims=0)
    labels = graph.apply("Gather", graph.constant(_portable(classes)), winner, axis=0)
    if not estimator._by_steps:
        labels, probabilities = labels.reshape(0, *shape), probabilities.reshape(0, *shape, len(classes))
    graph.output(labels, "label", (*lead, *shape), "the most probable class")
    about = f"of the classes, in this order: {', '.join(map(str, classes))}"
    graph.output(probabilities.astype(dtype), "probabilities", (*lead, *shape, len(classes)), about)


def _portable(classes: np.ndarray) -> np.ndarray:
    """Return labels in a dtype that ONNX has and its readers know: text, bool, int64 or double."""
    if classes.dtype.kind in "OUST":
        return np.array([str(label) for label in classes], object)
    return classes.astype({"b": bool, "f": np.float64}.get(classes.dtype.kind, np.int64))
