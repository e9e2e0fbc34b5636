"""Every row once per epoch, and the same bits for any number of threads."""

import threading
import time
from itertools import islice

import numpy as np
import pytest

from rnnforecast.training.batches import Batches, Shards
from tests.training.least_squares import LeastSquares, Troubled


def epochs(n_rows, batch_size, n_epochs=3, shuffle=True):
    rows = np.arange(100, 100 + n_rows)
    batches = Batches(rows, batch_size, shuffle=shuffle, rng=np.random.default_rng(0))
    stream = iter(batches)
    return [list(islice(stream, len(batches))) for _ in range(n_epochs)]


@pytest.mark.parametrize("shuffle", [True, False])
@pytest.mark.parametrize(
    ("n_rows", "batch_size"), [(1, 1), (10, 3), (10, 10), (10, 99), (64, 16), (65, 16), (257, 256)]
)
def test_every_row_comes_once_in_each_epoch(n_rows, batch_size, shuffle):
    for epoch in epochs(n_rows, batch_size, shuffle=shuffle):
        rows = np.concatenate(epoch)
        assert rows.dtype == np.int64
        np.testing.assert_array_equal(np.sort(rows), np.arange(100, 100 + n_rows))


@pytest.mark.parametrize(("n_rows", "batch_size"), [(10, 3), (65, 16), (257, 256), (5, 99)])
def test_an_epoch_has_as_few_batches_as_possible_of_nearly_equal_size(n_rows, batch_size):
    (epoch,) = epochs(n_rows, batch_size, n_epochs=1)
    sizes = [len(batch) for batch in epoch]
    assert len(epoch) == -(-n_rows // batch_size)
    assert max(sizes) <= batch_size
    assert max(sizes) - min(sizes) <= 1


def test_shuffled_epochs_differ_and_a_seed_repeats_them():
    first, again = (np.concatenate([np.concatenate(e) for e in epochs(50, 8)]).reshape(3, 50) for _ in range(2))
    np.testing.assert_array_equal(first, again)
    assert (first[0] != first[1]).any()
    assert (first[1] != first[2]).any()


def test_without_shuffling_rows_come_in_their_order():
    for epoch in epochs(10, 4, shuffle=False):
        np.testing.assert_array_equal(np.concatenate(epoch), np.arange(100, 110))


def test_no_rows_and_no_batch_size_are_refused():
    rng = np.random.default_rng(0)
    with pytest.raises(ValueError, match="at least one row"):
        Batches(np.arange(0), 4, shuffle=True, rng=rng)
    with pytest.raises(ValueError, match="batch_size must be at least 1, got 0"):
        Batches(np.arange(5), 0, shuffle=True, rng=rng)


def compute(objective, rows, n_threads, shard_size=4, n_calls=3):
    """Value, gradient and the generator's next number after some calls."""
    rng = np.random.default_rng(7)
    parameters = np.linspace(-1, 1, objective.n_parameters).astype(objective.dtype)
    gradient = np.full_like(parameters, np.nan)  # filled, not added to
    with Shards(objective, n_threads, shard_size) as shards:
        losses = [shards.value_and_gradient(parameters, rows, gradient, rng) for _ in range(n_calls)]
    return losses, gradient, rng.integers(2**63)


def test_the_value_and_the_gradient_are_means_over_the_rows():
    objective = LeastSquares()
    rows = np.arange(3, 40)
    (loss, *_), gradient, _ = compute(objective, rows, n_threads=1)
    parameters = objective.parameters
    # rtol: sums of 37 rows in another order
    np.testing.assert_allclose(loss, objective.mean_loss(parameters, rows), rtol=1e-13)
    error = objective.inputs[rows] @ parameters - objective.targets[rows]
    np.testing.assert_allclose(gradient, 2 * error @ objective.inputs[rows] / len(rows), rtol=1e-12)


@pytest.mark.parametrize("noise", [0.0, 0.5])
@pytest.mark.parametrize("n_rows", [1, 4, 5, 37, 64])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_any_number_of_threads_gives_the_same_bits(dtype, n_rows, noise):
    objective = LeastSquares(dtype=dtype, noise=noise)
    rows = np.random.default_rng(1).permutation(64)[:n_rows]
    losses, gradient, following = compute(objective, rows, n_threads=1)
    assert (losses[0] == losses[1]) == (noise == 0.0)  # the seed reaches the shards
    for n_threads in (2, 3):
        other_losses, other_gradient, other_following = compute(objective, rows, n_threads)
        assert losses == other_losses
        np.testing.assert_array_equal(gradient, other_gradient)
        assert following == other_following


def test_shards_that_finish_in_any_order_are_added_in_theirs():
    class Uneven(LeastSquares):
        def shard(self, rows, gradient, seed):
            time.sleep(0.002 * (rows[0] % 8 == 0))  # every other shard overtakes the one before it
            return super().shard(rows, gradient, seed)

    # Terms of very different size: another order of addition has other bits
    even, uneven = LeastSquares(dtype=np.float32), Uneven(dtype=np.float32)
    for objective in (even, uneven):
        objective.inputs *= (10.0 ** (objective.rows % 7)).astype(np.float32)[:, None]
    expected, found = compute(even, even.rows, 1, n_calls=1), compute(uneven, uneven.rows, 3, n_calls=1)
    assert expected[0] == found[0]
    np.testing.assert_array_equal(expected[1], found[1])


@pytest.mark.parametrize("n_threads", [2, 3])
def test_as_many_shards_as_threads_are_at_work_at_once(n_threads):
    class Meeting(LeastSquares):
        barrier = threading.Barrier(n_threads, timeout=30)

        def shard(self, rows, gradient, seed):
            self.barrier.wait()  # passed only if every other thread comes here too
            return super().shard(rows, gradient, seed)

    objective = Meeting()
    compute(objective, np.arange(4 * n_threads), n_threads, n_calls=1)
    assert len(objective.threads) == n_threads
    assert threading.current_thread().name in objective.threads


def test_a_single_shard_is_computed_in_the_calling_thread():
    objective = LeastSquares()
    compute(objective, np.arange(4), n_threads=3)
    assert objective.threads == {threading.current_thread().name}


def test_the_objective_is_prepared_once_for_each_minibatch():
    objective = LeastSquares()
    compute(objective, np.arange(64), n_threads=2, n_calls=3)
    assert objective.n_prepared == 3


def test_few_shard_gradients_are_alive_at_once():
    class Watched(LeastSquares):
        seen: set[int]

        def shard(self, rows, gradient, seed):
            self.seen.add(gradient.__array_interface__["data"][0])
            return super().shard(rows, gradient, seed)

    for n_threads, most in ((1, 2), (3, 5)):  # beside the sum: one, or one more than there are threads
        objective = Watched(n_rows=200)
        objective.seen = set()
        compute(objective, np.arange(200), n_threads)
        assert len(objective.seen) <= most


def test_rows_without_loss_terms_have_loss_and_gradient_zero():
    class Empty(LeastSquares):
        def shard(self, rows, gradient, seed):
            return 0.0

        def n_terms(self, rows):
            return 0

    losses, gradient, _ = compute(Empty(), np.arange(9), n_threads=1)
    assert losses == [0.0] * 3
    np.testing.assert_array_equal(gradient, 0.0)


@pytest.mark.parametrize("n_threads", [1, 3])
@pytest.mark.parametrize("error", [RuntimeError, KeyboardInterrupt])
def test_what_a_shard_raises_reaches_the_caller_and_leaves_no_thread(error, n_threads):
    def fail(*_):
        raise error("in a shard")

    before = threading.active_count()
    with pytest.raises(error, match="in a shard"):
        compute(Troubled(fail, at=5), np.arange(64), n_threads)
    assert threading.active_count() == before


def test_after_an_error_no_shard_is_at_work_and_the_pool_can_be_used_again():
    at_work = []

    class Slow(LeastSquares):
        fails = True

        def shard(self, rows, gradient, seed):
            if self.fails and rows[0] == 4:
                raise RuntimeError("in a shard")
            at_work.append(rows[0])
            time.sleep(0.005)
            at_work.remove(rows[0])
            return super().shard(rows, gradient, seed)

    objective, rng = Slow(), np.random.default_rng(0)
    parameters, gradient = np.ones(5), np.empty(5)
    with Shards(objective, 3, shard_size=4) as shards:
        with pytest.raises(RuntimeError, match="in a shard"):
            shards.value_and_gradient(parameters, objective.rows, gradient, rng)
        assert at_work == []
        objective.fails = False
        loss = shards.value_and_gradient(parameters, objective.rows, gradient, rng)
    np.testing.assert_allclose(loss, objective.mean_loss(parameters), rtol=1e-13)


def test_an_overflow_inside_a_shard_is_a_value_and_no_warning():
    objective = LeastSquares(dtype=np.float32)
    objective.inputs *= np.float32(1e30)
    for n_threads in (1, 2):
        with np.errstate(invalid="ignore"):  # of the calling thread, where infinite gradients are added
            losses, _, _ = compute(objective, objective.rows, n_threads, n_calls=1)
        assert not np.isfinite(losses[0])
