"""Graphs that are run, and weights that make every part of a network matter."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np


def runner(model: Any) -> Callable[..., dict[str, np.ndarray]]:
    """Check a model against the standard; return what runs it and returns its outputs by name."""
    import onnx
    import onnxruntime as runtime

    onnx.checker.check_model(model, full_check=True)
    options = runtime.SessionOptions()
    options.log_severity_level = 3  # it remarks on optional inputs
    session = runtime.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])
    names = [output.name for output in session.get_outputs()]
    return lambda **given: dict(zip(names, session.run(None, given), strict=True))


def run(model: Any, **given: np.ndarray) -> dict[str, np.ndarray]:
    """Run a model once."""
    return runner(model)(**given)


def shaken(estimator: Any, size: float = 0.3) -> Any:
    """Add noise to all weights: heads start at zero, and a short training leaves them near it."""
    rng = np.random.default_rng(1)
    coefs = [w + (size * rng.normal(size=w.shape)).astype(w.dtype) for w in estimator.coefs_]
    estimator.coefs_ = coefs
    if hasattr(estimator, "ensemble_"):
        estimator.ensemble_ = replace(estimator.ensemble_, weights=coefs)
    return estimator


def assert_near(got: Any, wanted: Any, tolerance: float = 1e-5) -> None:
    """Errors relative to max(1, |y|): ONNX Runtime's own float32 sigmoid and tanh are good to about 1e-6."""
    got, wanted = np.asarray(got), np.asarray(wanted)
    assert got.shape == wanted.shape
    assert np.max(np.abs(got - wanted) / np.maximum(1.0, np.abs(wanted))) <= tolerance
