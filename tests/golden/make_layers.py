"""Random problems of one layer for the tests, and layers.npz: PyTorch's answers in float64 for machines without it.

Run from the project's folder: ``python -m tests.golden.make_layers``.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from rnnforecast.network.layout import Layout
from tests.gradients import numerical, relative_error

GOLDEN = Path(__file__).parent / "layers.npz"

# Sums of some dozens of products of order one, each rounded.
TOLERANCE = {"float32": 5e-6, "float64": 1e-12}

# T, B and size of the gradient checks: every pair of extremes.
SIZES = [(T, B, size) for T in (1, 2, 5) for B, size in ((1, 1), (1, 3), (3, 1), (3, 3))]


class Passes(NamedTuple):
    """Output, and derivatives in the input and in each parameter."""

    y: np.ndarray
    d_x: np.ndarray
    d: dict[str, np.ndarray]


class Problem:
    """Random parameters, inputs and upstream derivatives of a layer; the same numbers in either precision.

    `seed_of_draws` sets the generator of a layer that draws, None leaves it in prediction.
    """

    def __init__(self, layer, T, B, dtype="float64", lengths=None, seed_of_draws=None, seed=0):
        rng = np.random.default_rng(seed)
        self.layer, self.T, self.B, self.dtype = layer, T, B, np.dtype(dtype)
        self.lengths = None if lengths is None else np.asarray(lengths, np.int64)
        self.seed_of_draws = seed_of_draws
        self.layout = Layout(layer.parameters())
        self.flat = (0.5 * rng.normal(size=self.layout.size)).astype(dtype)
        self.x = rng.normal(size=(T, layer.n_inputs, B)).astype(dtype)
        self.d_y = rng.normal(size=(layer.steps_out(T), layer.n_outputs, B)).astype(dtype)

    @property
    def parameters(self) -> dict[str, np.ndarray]:
        return self.layout.views(self.flat)

    def forward(self, training=False) -> tuple[Any, Any, np.ndarray]:
        """Weights as prepared, buffers and output."""
        prepared = self.layer.prepare(self.parameters)
        work = self.layer.work(self.T, self.B, self.dtype, training)
        if self.lengths is not None:
            work.lengths = self.lengths
        if self.seed_of_draws is not None:
            work.rng = np.random.default_rng(self.seed_of_draws)
        return prepared, work, self.layer.forward(prepared, self.x, work)

    def y(self) -> np.ndarray:
        return self.forward()[2]

    def passes(self) -> Passes:
        prepared, work, y = self.forward(training=True)
        y, gradient = y.copy(), np.zeros_like(self.flat)
        d_x = self.layer.backward(prepared, self.d_y, work, self.layout.views(gradient), wants_d_x=True)
        return Passes(y, d_x, self.layout.views(gradient))

    def loss(self) -> float:
        """Whose derivative in the output is `d_y`."""
        return float((self.y() * self.d_y).sum())

    def alone(self, b: int, length: int) -> Problem:
        """Return the first `length` steps of sequence `b` as a problem of their own, with the same parameters."""
        one = Problem(self.layer, length, 1, self.dtype)
        one.flat, one.x = self.flat, np.ascontiguousarray(self.x[:length, :, b : b + 1])
        n_steps = self.layer.steps_out(length)
        one.d_y = np.ascontiguousarray(self.d_y[:n_steps, :, b : b + 1])
        return one


def assert_gradients_equal_central_differences(problem: Problem) -> None:
    passes = problem.passes()
    numeric = problem.layout.views(numerical(problem.loss, problem.flat))
    assert relative_error(passes.d_x, numerical(problem.loss, problem.x)) <= 1e-6  # see gradients.py
    for name, expected in numeric.items():
        assert relative_error(passes.d[name], expected) <= 1e-6, name


def assert_gradients_without_upstream_are_zero(problem: Problem) -> None:
    problem.d_y[...] = 0.0
    passes = problem.passes()
    assert not passes.d_x.any()
    assert not any(d.any() for d in passes.d.values())


def assert_input_gradient_is_left_out_unless_wanted(problem: Problem) -> None:
    wanted = problem.passes()
    prepared, work, _ = problem.forward(training=True)
    gradient = np.zeros_like(problem.flat)
    views = problem.layout.views(gradient)
    assert problem.layer.backward(prepared, problem.d_y, work, views, wants_d_x=False) is None
    for name, d in wanted.d.items():
        np.testing.assert_array_equal(views[name], d)


def assert_close(actual: Passes, expected: Passes, tolerance: float) -> None:
    """In units of the largest element, but at least of one: all that is summed is of order one, and sums may cancel."""
    assert actual.d.keys() == expected.d.keys()
    pairs = {"y": (actual.y, expected.y), "d_x": (actual.d_x, expected.d_x)}
    pairs |= {name: (actual.d[name], d) for name, d in expected.d.items()}
    for name, (a, b) in pairs.items():
        assert a.shape == b.shape, name
        assert np.abs(a - b).max() <= tolerance * max(1.0, np.abs(b).max()), name


def assert_equals_golden(name: str, problem: Problem) -> None:
    """Compare with what PyTorch answered for the problem that is stored under `name`."""
    with np.load(GOLDEN) as golden:
        stored = {key.split("/", 1)[1]: golden[key] for key in golden.files if key.startswith(f"{name}/")}
    problem.flat, problem.x, problem.d_y = stored["flat"], stored["x"], stored["d_y"]
    d = problem.layout.views(stored["expected d"])
    assert_close(problem.passes(), Passes(stored["expected y"], stored["expected d_x"], d), TOLERANCE["float64"])


def main() -> None:
    import torch

    # The tests import this module: theirs are imported late.
    from tests.network import test_attention, test_bidirectional, test_convolution, test_normalization, test_skip

    arrays: dict[str, Any] = {}
    for tests in (test_attention, test_bidirectional, test_convolution, test_normalization, test_skip):
        for name, make in tests.GOLDEN_PROBLEMS.items():
            problem = make()
            expected = tests.torch_passes(torch, problem)
            d = np.concatenate([np.ravel(expected.d[parameter]) for parameter in problem.parameters])
            given = {"flat": problem.flat, "x": problem.x, "d_y": problem.d_y}
            given |= {"expected y": expected.y, "expected d_x": expected.d_x, "expected d": d}
            arrays |= {f"{name}/{key}": value for key, value in given.items()}
    np.savez_compressed(GOLDEN, **arrays)


if __name__ == "__main__":
    main()
