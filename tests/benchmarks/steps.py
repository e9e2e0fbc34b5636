"""Rows over single layers: training step, inference, and a second thread."""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor, wait
from contextlib import ExitStack
from typing import Any

import numpy as np

from rnnforecast.network.compose import FEWEST
from tests.benchmarks.host import Product
from tests.benchmarks.layers import Stepper, batch, n_operations
from tests.benchmarks.rivals import TorchLayer, load, torch_sides
from tests.benchmarks.table import Bar, Options, Row, Size
from tests.benchmarks.timing import OURS, Ratio, Side, best, compare, geometric_mean, milliseconds

TWO = (1, 2) if (os.cpu_count() or 1) > 1 else (1,)
PRODUCT = ("product", 1)
BARS = {"step": (3.5, 1.5), "inference": (2.2, 1.1)}  # geometric mean over the grid, lowest of it
SHARE_AT, SHARE = (128, 128), 0.7  # of the product's rate, at this B and H
JOBS_FROM, JOBS = 64, 1.7  # sequences and units
AGREEMENT = 1e-4  # float32 over at most 168 steps: rounding leaves some 1e-6, another function leaves 1e-1


def measure_step(options: Options) -> Row:
    """Forward, backpropagation through time, clipping by norm and Adam, against torch.nn."""
    return _against_torch("step", options)


def measure_inference(options: Options) -> Row:
    """Forecasts of a batch, against torch.nn."""
    return _against_torch("inference", options)


def _against_torch(name: str, options: Options) -> Row:
    row, torch = Row(name), None
    if "torch" in options.rivals:
        torch, reason = load("torch")
        if torch is None:
            row.skip(reason)
    with ExitStack() as stack:
        product = stack.enter_context(Product(options.product_size)) if name == "step" else None
        for cell in options.cells:
            for size in options.sizes:
                _line(row, cell, size, torch, product, options)
            _judge(row, cell, [line for line in row.lines if line["cell"] == cell])
    _judge(row, "all", row.lines)
    shares = [line["share"] for line in row.lines if (line["B"], line["H"]) == SHARE_AT and "share" in line]
    if shares:
        row.judge(Bar("share of the product's rate a thread at B, H = {}, {}".format(*SHARE_AT), min(shares), SHARE))
    return row


def _line(row: Row, cell: str, size: Size, torch: Any, product: Product | None, options: Options) -> None:
    """Measure one cell at one size."""
    x, y = batch(size, np.random.default_rng(0))
    with ExitStack() as stack:
        sides, steppers = [], []
        for n_threads in _threads(row.name, size, options):
            stepper = stack.enter_context(Stepper(cell, x, y, size.H, n_threads, options.shard_size))
            steppers.append(stepper)
            sides.append(Side(OURS, n_threads, stepper.step if row.name == "step" else stepper.infer))
        if torch is not None:
            layer = TorchLayer(torch, cell, x, y, steppers[0].views)
            _require_agreement(cell, size, steppers[0].infer(), layer.infer().numpy()[:, 0])
            sides += torch_sides(torch, TWO, layer.step if row.name == "step" else layer.infer)
        if product is not None:
            sides.append(Side(*PRODUCT, product))
        times = compare(sides, options.n_rounds, seconds=options.seconds)
    ours = best(times, OURS)
    line: dict[str, Any] = {"cell": cell, **size._asdict(), "ms": milliseconds(times, ours), "threads": ours[1]}
    text = f"{cell:5}{size!s:14} {line['ms']:8.3f} ms on {ours[1]}"
    if torch is not None:
        rival = best(times, "torch")
        ratio = Ratio.of(times[rival], times[ours])
        line |= {"torch_ms": milliseconds(times, rival), "torch_threads": rival[1], "ratio": ratio.as_dict()}
        text += f", torch {line['torch_ms']:8.3f} ms on {rival[1]}: x {ratio}"
    if product is not None:
        line |= _rates(times, n_operations(cell, size), product.n_operations) | {"product_kernels": product.kernels}
        limit = f"{line['product_gflops']:.0f} ({product.kernels})"
        text += f", {line['gflops']:5.1f} Gflop/s a thread, {100 * line['share']:.0f} % of {limit}"
    row.add(text, **line)


def _threads(name: str, size: Size, options: Options) -> tuple[int, ...]:
    """Numbers of threads that differ: a batch that is one shard has one."""
    return TWO if (options.shard_size or FEWEST) < size.B else (1,)


def _rates(times: dict[tuple[str, int], np.ndarray], n_operations: float, n_product: float) -> dict[str, float]:
    """Rate of one thread in its best round, beside the product's in its best.

    Not medians: another process on the machine slows a product of a tenth of a second in every round, but only some of
    the short steps, which would then seem faster than the machine can be.
    """
    # One thread is missing if it was hopelessly slow beside two; then two count as twice one.
    key = (OURS, 1) if (OURS, 1) in times else (OURS, 2)
    rate, limit = n_operations / float(times[key].min()) / key[1], n_product / float(times[PRODUCT].min())
    return {"gflops": rate / 1e9, "product_gflops": limit / 1e9, "share": rate / limit}


def _require_agreement(cell: str, size: Size, ours: np.ndarray, theirs: np.ndarray) -> None:
    error = float(np.abs(ours - theirs).max())
    if not error <= AGREEMENT:
        raise AssertionError(
            f"{cell} {size}: both sides must compute the same forecasts, got a difference of {error:.2g}"
        )


def _judge(row: Row, cells: str, lines: list[dict[str, Any]]) -> None:
    """Compare ratios with the row's two bars."""
    ratios = [line["ratio"]["median"] for line in lines if "ratio" in line]
    if ratios:
        mean, lowest = BARS[row.name]
        row.judge(
            Bar(f"{row.name}, {cells}: geometric mean of torch / ours", geometric_mean(ratios), mean),
            Bar(f"{row.name}, {cells}: lowest torch / ours", min(ratios), lowest),
        )


def measure_jobs(options: Options) -> Row:
    """A training step on two threads against one, beside what two independent steps at once gain on this machine."""
    row = Row("jobs")
    if len(TWO) == 1:
        row.skip("one processor only")
        return row
    for cell in options.cells:
        for size in options.sizes:
            if min(size.B, size.H) >= JOBS_FROM:
                _jobs_line(row, cell, size, options)
    if row.lines:
        ratios = [line["ratio"]["median"] for line in row.lines]
        row.judge(
            Bar("one thread / two threads, geometric mean", geometric_mean(ratios), JOBS),
            Bar("one thread / two threads, lowest", min(ratios), JOBS),
        )
    return row


def _jobs_line(row: Row, cell: str, size: Size, options: Options) -> None:
    """Measure one cell at one size with one thread and with two."""
    x, y = batch(size, np.random.default_rng(0))
    with ExitStack() as stack:
        pool = stack.enter_context(ThreadPoolExecutor(2))
        single, pair, first, second = (
            stack.enter_context(Stepper(cell, x, y, size.H, n_threads, options.shard_size))
            for n_threads in (1, 2, 1, 1)
        )
        sides = [
            Side(OURS, 1, single.step),
            Side(OURS, 2, pair.step),
            Side("independent", 2, lambda: wait([pool.submit(first.step), pool.submit(second.step)])),
        ]
        times = compare(sides, options.n_rounds, seconds=options.seconds, drop=False)
    ratio = Ratio.of(times[OURS, 1], times[OURS, 2])
    ceiling = Ratio.of(2.0 * times[OURS, 1], times["independent", 2])
    row.add(
        f"{cell:5}{size!s:14} {milliseconds(times, (OURS, 1)):8.3f} ms on 1, "
        f"{milliseconds(times, (OURS, 2)):8.3f} on 2: x {ratio}; two independent steps at once: x {ceiling.median:.2f}",
        cell=cell,
        **size._asdict(),
        ratio=ratio.as_dict(),
        independent=ceiling.as_dict(),
    )
