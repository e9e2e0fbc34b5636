"""Where a training step's time goes: the parts of the library are timed while the real step runs on one thread."""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Callable
from contextlib import ExitStack
from typing import Any
from unittest.mock import patch

import numpy as np

from rnnforecast.training import optimizers
from tests.benchmarks.layers import Stepper, batch
from tests.benchmarks.table import Options, Row, Size
from tests.benchmarks.timing import Side, compare

BURST = 5  # steps between putting the clocks on and off, which costs some microseconds


class Ledger:
    """Seconds of named functions, without those of the named functions they call."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = defaultdict(float)
        self._inner: list[float] = []

    def timed(self, name: str, function: Callable[..., Any]) -> Callable[..., Any]:
        """Return the function with its time put down under `name`."""

        def run(*arguments: Any, **options: Any) -> Any:
            self._inner.append(0.0)
            start = time.perf_counter()
            try:
                return function(*arguments, **options)
            finally:
                spent = time.perf_counter() - start
                self.seconds[name] += spent - self._inner.pop()
                if self._inner:
                    self._inner[-1] += spent

        return run


def instrument(ledger: Ledger, stepper: Stepper, stack: ExitStack) -> Callable[[], Any]:
    """Time the parts of a stepper as long as `stack` is open; return its timed step."""
    network, objective = stepper.network, stepper.objective
    recurrence: Any = network.encoder.layers[0].recurrence  # type: ignore[attr-defined]

    def watch(name: str, owner: Any, attribute: str) -> None:
        stack.enter_context(patch.object(owner, attribute, ledger.timed(name, getattr(owner, attribute))))

    def pack(*weights: Any, plain: Callable[..., Any] = recurrence.pack) -> Any:
        packed = plain(*weights)
        getattr(packed, "backward", None)  # is laid out when first asked for, which would count as backward
        return packed

    stack.enter_context(patch.object(recurrence, "pack", ledger.timed("packing", pack)))
    watch("gather", stepper.given, "read")
    watch("gather", stepper.given, "truth")
    watch("forward, around the kernel", network.encoder, "forward")
    watch("backward, around the kernel", network.encoder, "backward")
    if type(recurrence).__name__ == "VectorRecurrence":
        from rnnforecast.kernels import drivers

        watch("forward, kernel", drivers, "forward")
        watch("backward, kernel", drivers, "backward")
    watch("head", network.decoder, "forward")
    watch("head", network.decoder, "backward")
    watch("loss", objective, "loss")
    watch("views of the weights", objective, "prepare")
    watch("shards and their sum", stepper.shards, "value_and_gradient")
    watch("buffers, views, seeds", objective, "shard")
    watch("clip", optimizers, "clip_norm")
    watch("optimizer", stepper.optimizer, "update")
    return ledger.timed("rest of the step", stepper.step)


def measure_profile(options: Options) -> Row:
    """Print the parts of a step for every cell and size."""
    row = Row("profile")
    for cell in options.cells:
        for size in options.sizes:
            line = parts(cell, size, options)
            total = sum(line["us"].values())
            row.add(f"{cell} {size}: {total:.0f} µs a step, {line['plain_us']:.0f} without the clocks", **line)
            for name, spent in sorted(line["us"].items(), key=lambda item: -item[1]):
                print(f"    {name:28} {spent:9.1f} µs {100.0 * spent / total:5.1f} %", flush=True)
            more = line["input_gradient_us"]
            print(f"    a layer above another also needs the gradient in its inputs: {more:.1f} µs", flush=True)
    return row


def parts(cell: str, size: Size, options: Options) -> dict[str, Any]:
    """Return the microseconds of a step's parts: means over the rounds, interleaved with the plain step."""
    x, y = batch(size, np.random.default_rng(0))
    plain, watched = (Stepper(cell, x, y, size.H, 1, options.shard_size) for _ in range(2))
    ledger, n_steps = Ledger(), 0

    def burst() -> None:
        nonlocal n_steps
        with ExitStack() as stack:
            step = instrument(ledger, watched, stack)
            for _ in range(BURST):
                step()
        n_steps += BURST

    plain.step(), burst()  # compiles
    ledger.seconds.clear()
    n_steps = 0
    sides = [Side("plain", 1, plain.step), Side("watched", 1, burst)]
    times = compare(sides, options.n_rounds, seconds=options.seconds)
    return {
        "cell": cell,
        **size._asdict(),
        "us": {name: 1e6 * seconds / n_steps for name, seconds in ledger.seconds.items()},
        "plain_us": 1e6 * float(np.median(times["plain", 1])),
        "input_gradient_us": input_gradient(plain, options),
    }


def input_gradient(stepper: Stepper, options: Options) -> float:
    """Return the microseconds that the derivative in the inputs adds to a layer's backward pass of the whole batch."""
    layer, x = stepper.network.encoder.layers[0], stepper.given.x
    own = {name.removeprefix("encoder.0."): v for name, v in stepper.views.items() if name.startswith("encoder.")}
    prepared = layer.prepare(own)
    work = layer.work(len(x), x.shape[2], x.dtype, True)
    d_y = np.ones((1, layer.n_outputs, x.shape[2]), x.dtype)
    d_views = {name: np.zeros_like(v) for name, v in own.items()}

    def backward(wants_d_x: bool) -> float:
        layer.forward(prepared, x, work)
        start = time.perf_counter()
        layer.backward(prepared, d_y, work, d_views, wants_d_x)
        return time.perf_counter() - start

    backward(True)  # compiles
    return 1e6 * float(np.median([backward(True) - backward(False) for _ in range(4 * options.n_rounds)]))
