"""Classes as numbers, what each of them weighs, and their probabilities from logits; C classes."""

from __future__ import annotations

from typing import Any

import numpy as np


def codes_of(labels: np.ndarray, classes: np.ndarray) -> np.ndarray:
    """Number of each label (N,) among the sorted `classes` (C,).

    Raises
    ------
    ValueError
        If a label is none of them.
    """
    codes = np.minimum(np.searchsorted(classes, labels), len(classes) - 1)
    unknown = classes[codes] != labels
    if unknown.any():
        raise ValueError(f"y holds {labels[unknown].tolist()[0]!r}, which is none of the classes {classes.tolist()}")
    return codes


def class_weights(class_weight: Any, classes: np.ndarray, codes: np.ndarray, weight: np.ndarray) -> np.ndarray:
    """Weight of each class, (C,).

    Parameters
    ----------
    class_weight : dict, "balanced" or None
        A class that a dict leaves out weighs 1.
    classes : (C,)
    codes : (N,) int
        Labels learnt from.
    weight : (N,)
        Their own weights.

    Raises
    ------
    ValueError
        If a dict names no class, or no weight.
    """
    if isinstance(class_weight, str):
        seen = np.bincount(codes, weights=weight, minlength=len(classes))
        # A class that was not seen yet, as happens in parts of the data, has no weight to be had.
        return np.divide(seen.sum(), np.count_nonzero(seen) * seen, out=np.zeros_like(seen), where=seen > 0)
    given, names = class_weight or {}, classes.tolist()
    for label in given:
        if label not in names:
            raise ValueError(f"class_weight names {label!r}, which is none of the classes {names}")
    weights = np.array([given.get(label, 1.0) for label in names], dtype=float)
    if not (np.isfinite(weights) & (weights >= 0)).all():
        raise ValueError(f"class_weight must hold finite numbers that are not negative, got {given!r}")
    return weights


def most_probable(logits: np.ndarray) -> np.ndarray:
    """Number of the most probable class, (N,), from logits (N, 1) of the second of two classes, or (N, C)."""
    return (logits[:, 0] > 0).astype(int) if logits.shape[1] == 1 else logits.argmax(axis=1)


def log_probabilities(logits: np.ndarray) -> np.ndarray:
    """Logarithms of the probabilities, (N, C), from logits (N, 1) of the second of two classes, or (N, C)."""
    if logits.shape[1] == 1:
        return -np.logaddexp(0.0, np.hstack([logits, -logits]))
    return logits - np.logaddexp.reduce(logits, axis=1, keepdims=True)
