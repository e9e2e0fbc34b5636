"""Inputs and targets of learning from every step."""

from __future__ import annotations

import numpy as np
import pytest

from rnnforecast.network.forking import Forking, FrameReader
from rnnforecast.network.windows import Frame

N, H = 40, 3


@pytest.fixture
def frame(rng):
    return Frame(rng.normal(size=(N, 2)), rng.normal(size=(N, 2)), rng.normal(size=(N, 1)))


@pytest.mark.parametrize("base", [0, 2, 5])
@pytest.mark.parametrize("n_targets", [1, 2])
def test_target_plus_reference_is_the_future(frame, base, n_targets):
    forking = Forking(6, H, n_targets, 2, 2, 1, base, 0.5)
    first, column = np.array([6, 20]), np.array([0, 0]) if n_targets == 2 else np.array([0, 1])
    total = forking.targets(frame, first, column, 4) + forking.reference(frame, first, column, 4)
    for t in range(4):
        for b in range(2):
            future = frame.target[first[b] + t + 1 : first[b] + t + 1 + H, column[b] : column[b] + n_targets]
            np.testing.assert_allclose(total[t, :, b], future.ravel(), rtol=1e-12)


@pytest.mark.parametrize("base", [0, 5])
def test_inputs_know_the_past_and_the_known_covariates_of_the_horizon_only(frame, base):
    forking = Forking(6, H, 1, 2, 2, 1, base, 0.5)
    first, column = np.array([10]), np.array([1])
    before = forking.inputs(frame, first, column, 4)
    assert before.shape == (4, forking.n_inputs, 1)
    later = Frame(frame.target.copy(), frame.known.copy(), frame.past.copy())
    later.target[14:] += 9.0
    later.past[14:] += 9.0
    later.known[14 + H :] += 9.0
    np.testing.assert_array_equal(forking.inputs(later, first, column, 4), before)
    later.target[13] += 1.0
    changed = forking.inputs(later, first, column, 4)
    np.testing.assert_array_equal(changed[:3], before[:3])
    assert (changed[3] != before[3]).sum() == 2 + (
        H if base else 0
    )  # level, change, and the base relative to the level


def test_streams_cover_every_step_and_no_other(frame):
    forking = Forking(6, H, 1, 2, 2, 1, 0, 1.0)
    reader = FrameReader(frame, forking, 4, N - H, 5)
    assert reader.n_streams == 10
    seen = {int(start) + t for start in reader.starts for t in range(reader.n_steps)}
    assert seen == set(range(4, N - H))


def test_a_stream_read_in_pieces_is_the_stream_read_at_once(frame):
    forking = Forking(6, H, 1, 2, 2, 1, 5, 0.5)
    reader = FrameReader(frame, forking, 5, N - H, 4)
    streams = np.arange(reader.n_streams)
    for part in (reader.inputs, reader.targets):
        whole = part(streams, slice(0, reader.n_steps))
        np.testing.assert_array_equal(
            np.concatenate([part(streams, slice(0, 3)), part(streams, slice(3, 8))]), whole[:8]
        )
