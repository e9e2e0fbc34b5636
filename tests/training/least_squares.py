"""Objectives with a known minimum, as plain as the protocol allows."""

import threading

import numpy as np


class LeastSquares:
    """Sum of (inputs @ parameters - targets)² over rows; counts its calls and names its threads."""

    def __init__(self, n_rows=64, n_parameters=5, dtype=np.float64, noise=0.0):
        rng = np.random.default_rng(0)
        self.n_parameters, self.dtype, self.noise = n_parameters, np.dtype(dtype), noise
        self.inputs = rng.normal(size=(n_rows, n_parameters)).astype(dtype)
        self.targets = rng.normal(size=n_rows).astype(dtype)
        self.rows = np.arange(n_rows)
        self.n_prepared = 0
        self.threads = set()

    def start(self):
        return np.zeros(self.n_parameters, self.dtype)

    def solution(self):
        return np.linalg.lstsq(self.inputs, self.targets, rcond=None)[0]

    def mean_loss(self, parameters, rows=slice(None)):
        return float(np.mean((self.inputs[rows] @ parameters - self.targets[rows]) ** 2))

    def prepare(self, parameters):
        self.n_prepared += 1
        self.parameters = parameters.copy()

    def shard(self, rows, gradient, seed):
        self.threads.add(threading.current_thread().name)
        # A mask drawn from the seed, as dropout would: other seeds, other numbers
        inputs = self.inputs[rows] * (np.random.default_rng(seed).random(self.n_parameters) >= self.noise)
        error = inputs @ self.parameters - self.targets[rows]
        gradient += 2 * error @ inputs
        return float(error @ error)

    def n_terms(self, rows):
        return len(rows)


class Troubled(LeastSquares):
    """Does `trouble(self, gradient)` at the update number `at`, counted from 1, and returns its answer unless None."""

    def __init__(self, trouble, at, **options):
        super().__init__(**options)
        self.trouble, self.at, self.n_updates = trouble, at, 0

    def shard(self, rows, gradient, seed):
        loss = super().shard(rows, gradient, seed)
        self.n_updates += 1
        answer = self.trouble(self, gradient) if self.n_updates == self.at else None
        return loss if answer is None else answer
