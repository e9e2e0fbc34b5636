"""Speed beside other libraries and beside the machine: ``python -m tests.benchmarks.speed [options]``.

Every figure is a ratio, or is measured beside what it is to be compared with, in one run: the sides take turns round by
round, each with as many threads (1 or 2) as it is fastest with, and medians over the rounds are printed with the lowest
and highest round. A rival that is not installed is left out, and said so.

========= ============================================================================================================
row       what is measured
========= ============================================================================================================
step      training step (forward, backpropagation through time, clipping, Adam) of rnn, lstm, gru against torch.nn, and
          its rate against that of a product of two 2048 x 2048 matrices
inference forecasts of a batch against torch.nn
jobs      training step on two threads against one
fit       a whole fit on ETTh1 (7 columns, lookback 168, horizon 24, H 64) against a plain torch loop, neuralforecast,
          Keras; needs the file, in the folder that RNNFORECAST_DATA names
forking   time of learning from every step until it is as good as windows ever are
latency   ``update`` with one row and a forecast one step ahead
import    ``import rnnforecast`` beyond pandas and sklearn.base
first_fit default fit on an empty compilation cache, and in the next process
memory    peak memory and time of a fit on half a million and five million rows; slow, so only when named
========= ============================================================================================================

``--rows step,jobs`` chooses rows, ``--rounds N`` their rounds, ``--cells lstm`` and ``--sizes 64x96x7x64`` (B x T x D x
H) parts of the grid, ``--rivals torch`` whom to meet ("none" for nobody), ``--shard-size N`` the sequences of a shard,
``--fit-rows N`` the rows of ETTh1. ``--profile`` prints instead where a training step's time goes. ``--quick`` tries
everything in a minute and proves nothing. ``--json FILE`` keeps all figures.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from threadpoolctl import threadpool_limits

from tests.benchmarks import breakdown, fits, host, processes, steps
from tests.benchmarks.table import GRID, Options, Row, Size

ROWS: dict[str, Callable[[Options], Row]] = {
    "step": steps.measure_step,
    "inference": steps.measure_inference,
    "jobs": steps.measure_jobs,
    "fit": fits.measure_fit,
    "forking": fits.measure_forking,
    "latency": fits.measure_latency,
    "import": processes.measure_import,
    "first_fit": processes.measure_first_fit,
    "memory": processes.measure_memory,
}
SLOW = {"memory"}
QUICK = Options(
    n_rounds=2,
    sizes=(GRID[0], Size(64, 8, 2, 64)),
    seconds=0.002,
    fit_rows=300,
    memory_rows=(20_000, 40_000),
    product_size=256,
    n_cold=1,
)


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure, print, and write JSON if asked to; return 0 whether bars are met or not."""
    asked = parser().parse_args(arguments)
    options = choose(asked)
    machine = host.describe()
    print(", ".join(f"{name} {value}" for name, value in machine.items() if value is not None), flush=True)
    rows = {"profile": breakdown.measure_profile} if asked.profile else {name: ROWS[name] for name in asked.rows}
    done, before = [], host.load()
    # Before any rival is imported: what they bring along keeps its threads, which they set themselves.
    with threadpool_limits(1, user_api="blas"):
        for name, measure in rows.items():
            print(f"\n{name}: {(measure.__doc__ or '').partition(chr(10))[0]}", flush=True)
            done.append(measure(options))
    after = host.load()
    print(
        f"\nload of the last minute: {before} before, {after} after; medians mean little where others use the machine"
    )
    missed = [bar for row in done for bar in row.bars if not bar.met]
    n_bars = sum(len(row.bars) for row in done)
    if n_bars:
        print(f"{n_bars - len(missed)} of {n_bars} bars met", *missed, sep="\n  ")
    if asked.json is not None:
        machine |= {"load_before": before, "load_after": after}
        record = {"host": machine, "options": as_json(options), "rows": [row.as_dict() for row in done]}
        asked.json.write_text(json.dumps(record, indent=1), encoding="utf-8")
    return 0


def parser() -> argparse.ArgumentParser:
    """Return the reader of the command line."""
    made = argparse.ArgumentParser(
        prog="python -m tests.benchmarks.speed",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    default = [name for name in ROWS if name not in SLOW]
    made.add_argument("--rows", type=names(ROWS), default=default, metavar="NAME,...", help='"all" for all')
    made.add_argument("--rounds", type=int, metavar="N")
    made.add_argument("--cells", type=names(Options.cells), metavar="NAME,...")
    made.add_argument("--sizes", type=lambda text: tuple(map(Size.parse, text.split(","))), metavar="BxTxDxH,...")
    made.add_argument("--rivals", type=names(("none", *sorted(Options.rivals))), metavar="NAME,...")
    made.add_argument("--shard-size", type=int, metavar="N")
    made.add_argument("--fit-rows", type=int, metavar="N")
    made.add_argument("--profile", action="store_true")
    made.add_argument("--quick", action="store_true")
    made.add_argument("--json", type=Path, metavar="FILE")
    return made


def names(known: Any) -> Callable[[str], list[str]]:
    """Return a reader of names separated by commas."""

    def read(text: str) -> list[str]:
        given = list(known) if text == "all" else text.split(",")
        if unknown := [name for name in given if name not in known]:
            raise argparse.ArgumentTypeError(f"choose from {', '.join(known)}; got {', '.join(unknown)}")
        return given

    return read


def choose(asked: argparse.Namespace) -> Options:
    """Return the options that the command line asks for."""
    given: dict[str, Any] = {
        "n_rounds": asked.rounds,
        "cells": asked.cells and tuple(asked.cells),
        "sizes": asked.sizes,
        "rivals": None if asked.rivals is None else frozenset(asked.rivals) - {"none"},
        "shard_size": asked.shard_size,
        "fit_rows": asked.fit_rows,
    }
    start = QUICK if asked.quick else Options()
    return replace(start, **{name: value for name, value in given.items() if value is not None})


def as_json(options: Options) -> dict[str, Any]:
    """Return the options in types that JSON knows."""
    return asdict(options) | {"rivals": sorted(options.rivals), "sizes": [str(size) for size in options.sizes]}


if __name__ == "__main__":
    sys.exit(main())
