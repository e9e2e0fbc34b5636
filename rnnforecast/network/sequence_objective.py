"""What it costs a network to miss the truth about given sequences, and the gradient of that."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import Any, Protocol

import numpy as np

from rnnforecast.kernels.losses import Loss, binary_cross_entropy, cross_entropy
from rnnforecast.network.buffers import Buffers
from rnnforecast.network.sequences import PREDICTED_AT_ONCE, SequenceNetwork, Sequences

LENGTH_STEP = 8  # padded lengths in training are multiples of it, so that buffers of few shapes serve all batches


class Targets(Protocol):
    """The truth about sequences, and what it costs to miss it."""

    def n_terms(self, which: np.ndarray) -> int:
        """Count of terms of the loss of some sequences."""

    def loss(self, out: np.ndarray, which: np.ndarray, d_out: np.ndarray) -> float:
        """Sum of the losses of answers `out` (S, K, B); fills its derivative."""


@dataclass(frozen=True)
class Numbers:
    """Numbers to be met.

    Parameters
    ----------
    truth : Sequences
        K columns; the steps are the answers on a sequence.
    criterion : callable
        One of `rnnforecast.kernels.losses`.
    weight : (n,) or None
        Weight of each sequence.
    """

    truth: Sequences
    criterion: Loss
    weight: np.ndarray | None = None

    def n_terms(self, which: np.ndarray) -> int:
        """Numbers of these sequences."""
        return int(self.truth.lengths[which].sum()) * self.truth.values.shape[1]

    def loss(self, out: np.ndarray, which: np.ndarray, d_out: np.ndarray) -> float:
        """Weighted sum of the criterion; (S, K, B)."""
        truth = self.truth.batch(which, len(out))
        if not self.truth.equal:
            # What is met exactly costs nothing and pulls nowhere.
            truth = np.where(self.truth.real(which, len(out))[:, None], truth, out)
        if self.weight is None:
            return self.criterion(out, truth, d_out)
        total, weight = 0.0, self.weight[which]
        for w in np.unique(weight):
            same = np.flatnonzero(weight == w)
            part = np.empty((*out.shape[:2], len(same)), out.dtype)
            total += float(w) * self.criterion(out[..., same], truth[..., same], part)
            d_out[..., same] = part * out.dtype.type(w)
        return total


@dataclass(frozen=True)
class Labels:
    """Classes to be told.

    Parameters
    ----------
    codes : Sequences
        One column of int, 0 to C - 1; the steps are the answers on a sequence.
    n_classes : int
        C. Of two classes, the network gives one logit, that of class 1; else one for each.
    weight : (N, 1) or None
        Weight of each answer.
    """

    codes: Sequences
    n_classes: int
    weight: np.ndarray | None = None

    def n_terms(self, which: np.ndarray) -> int:
        """Labels of these sequences."""
        return int(self.codes.lengths[which].sum())

    def loss(self, out: np.ndarray, which: np.ndarray, d_out: np.ndarray) -> float:
        """Weighted sum of the cross-entropy of logits (S, C or 1, B)."""
        rows = self.codes.rows(which, len(out))
        code = self.codes.values[rows].transpose(0, 2, 1)
        weight = np.ones_like(code) if self.weight is None else self.weight[rows].transpose(0, 2, 1)
        if not self.codes.equal:
            weight = weight * self.codes.real(which, len(out))[:, None]
        weight = weight.astype(out.dtype)
        if self.n_classes == 2:
            return binary_cross_entropy(out, np.where(code == 1, weight, -weight), d_out)
        return cross_entropy(out, np.where(code == np.arange(self.n_classes)[:, None], weight, 0.0), d_out)


class SequenceObjective:
    """Sum of losses over sequences, as a function of a network's flat parameters.

    Parameters
    ----------
    network : SequenceNetwork
    inputs : Sequences
        Of the network's dtype.
    targets : Targets
        Of the same sequences.
    """

    def __init__(self, network: SequenceNetwork, inputs: Sequences, targets: Targets):
        self.network, self.inputs, self.targets = network, inputs, targets
        self.n_parameters, self.dtype = network.layout.size, network.dtype
        self._prepared: Any = None
        self._buffers = Buffers(partial(network.work, training=True))

    def n_terms(self, rows: np.ndarray) -> int:
        """Count of terms of the loss of the sequences `rows`."""
        return self.targets.n_terms(rows)

    def prepare(self, parameters: np.ndarray) -> None:
        """Lay `parameters` out; called before the shards of a batch."""
        self._prepared = self.network.prepare(parameters)

    def shard(self, rows: np.ndarray, gradient: np.ndarray, seed: int) -> float:
        """Sum of losses of the sequences `rows`; adds its gradient to `gradient`. Several threads may run it."""
        n_steps, lengths = self._shape(rows)
        with self._buffers.lent(n_steps, len(rows), seed=seed) as work:
            out = self.network.forward(self._prepared, self.inputs.batch(rows, n_steps), lengths, work)
            d_out = np.empty_like(out)
            total = self.targets.loss(out, rows, d_out)
            self.network.backward(self._prepared, d_out, work, self.network.split(gradient))
        return total

    def mean_loss(self, rows: np.ndarray) -> float:
        """Mean loss of the sequences `rows` with the weights of the last `prepare`, nothing being random."""
        total = 0.0
        for start in range(0, len(rows), PREDICTED_AT_ONCE):
            part = rows[start : start + PREDICTED_AT_ONCE]
            n_steps, lengths = self._shape(part)
            work = self.network.work(n_steps, len(part))
            out = self.network.forward(self._prepared, self.inputs.batch(part, n_steps), lengths, work)
            total += self.targets.loss(out, part, np.empty_like(out))
        return total / max(1, self.n_terms(rows))

    def _shape(self, rows: np.ndarray) -> tuple[int, np.ndarray | None]:
        """Steps of a batch, and the lengths in it where they differ."""
        if self.inputs.equal:
            return self.inputs.longest, None
        lengths = self.inputs.lengths[rows]
        return min(self.inputs.longest, -(-int(lengths.max()) // LENGTH_STEP) * LENGTH_STEP), lengths
