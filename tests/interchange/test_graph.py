"""What graphs are built of, where there is no package to build them."""

from __future__ import annotations

import sys

import numpy as np
import pytest

from rnnforecast import RNNRegressor
from rnnforecast.interchange.graph import Graph, Value
from rnnforecast.kernels.activations import Activation


def test_without_onnx_one_sentence_says_what_to_install(rng, monkeypatch, tmp_path):
    X = rng.normal(size=(9, 7, 3))
    fitted = RNNRegressor(max_iter=1).fit(X, X[:, 0, 0])
    monkeypatch.setitem(sys.modules, "onnx", None)
    with pytest.raises(ImportError, match='to_onnx needs onnx: install it, or rnnforecast with its "onnx" extra'):
        fitted.to_onnx(tmp_path / "regressor.onnx")
    assert not list(tmp_path.iterdir())


def test_an_activation_that_is_no_operator_is_refused():
    square = Activation("square", lambda x: x * x, lambda a: a * a, lambda y: 1.0)
    with pytest.raises(ValueError, match='the activation "square" is no ONNX operator'):
        square(Value(Graph(), "x", np.float32))
