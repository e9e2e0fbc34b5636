"""Rows over whole processes: import, first fit, memory."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from typing import Any

import numpy as np

from tests.benchmarks.host import ROOT
from tests.benchmarks.table import Bar, Options, Row
from tests.benchmarks.timing import Side, compare

IMPORT = 0.3  # seconds
FIRST_FIT, NEXT_PROCESS = 10.0, 1.5  # seconds
SERIES_COPIES, EXTRA = 6, 200.0e6  # memory of fit: so many float32 series, and so many bytes
LINEAR = 1.1  # time may grow by this much more than the rows do
IMPORTS = {
    "pandas and sklearn.base": "import pandas, sklearn.base",
    "and rnnforecast": "import pandas, sklearn.base, rnnforecast",
    "and RNNForecaster": "import pandas, sklearn.base; from rnnforecast import RNNForecaster",
}


def child(*arguments: str, **environment: str) -> dict[str, Any]:
    """Run `tests.benchmarks.children` and read its answer."""
    command = [sys.executable, "-m", "tests.benchmarks.children", *arguments]
    done = subprocess.run(
        command, cwd=ROOT, env=os.environ | environment, stdout=subprocess.PIPE, text=True, check=True
    )
    return json.loads(done.stdout.splitlines()[-1])


def measure_import(options: Options) -> Row:
    """Wall time of ``import rnnforecast`` beyond what its users import anyway."""
    row = Row("import")

    def run(code: str) -> None:
        subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=True)

    times = compare(
        [Side(name, 1, lambda code=code: run(code)) for name, code in IMPORTS.items()], options.n_rounds, seconds=0.0
    )
    base, package, estimator = (times[name, 1] for name in IMPORTS)
    for name, seconds in (("rnnforecast", package - base), ("RNNForecaster", estimator - base)):
        row.add(
            f"{name}: {np.median(seconds):.3f} s more ({seconds.min():.3f} to {seconds.max():.3f})",
            name=name,
            seconds=float(np.median(seconds)),
            minimum=float(seconds.min()),
            maximum=float(seconds.max()),
        )
    probe = [sys.executable, "-c", "import rnnforecast, sys; print(int('numba' in sys.modules))"]
    numba = int(subprocess.run(probe, cwd=ROOT, stdout=subprocess.PIPE, text=True, check=True).stdout)
    row.judge(
        Bar("import rnnforecast beyond pandas and sklearn.base", float(np.median(package - base)), IMPORT, False, " s"),
        Bar("modules of numba imported with it", numba, 0, False),
    )
    return row


def measure_first_fit(options: Options) -> Row:
    """Default fit of 2,000 hourly points, import included: on an empty cache, then in the next process."""
    row = Row("first_fit")
    totals: dict[str, list[float]] = {"empty cache": [], "next process": []}
    for _ in range(options.n_cold):
        with tempfile.TemporaryDirectory() as folder:
            for name, total in totals.items():
                seconds = child("first_fit", NUMBA_CACHE_DIR=folder)
                total.append(seconds["import"] + seconds["fit"])
                row.add(
                    f"{name}: import {seconds['import']:.2f} s, fit {seconds['fit']:.2f} s; "
                    f"once more in this process {seconds['again']:.2f} s",
                    name=name,
                    **seconds,
                )
    row.judge(
        *(
            Bar(f"import and first fit, {name}", float(np.median(total)), limit, False, " s")
            for (name, total), limit in zip(totals.items(), (FIRST_FIT, NEXT_PROCESS), strict=True)
        )
    )
    return row


def measure_memory(options: Options) -> Row:
    """Peak memory and time of a fit on long series, in fresh processes with a full cache."""
    row = Row("memory")
    child("first_fit")  # fills the cache: what the compiler takes is not the fit's
    for n_rows in options.memory_rows:
        line = child("memory", str(n_rows))
        line["allowed"] = SERIES_COPIES * 4 * n_rows + EXTRA
        row.add(
            f"{n_rows:,} rows: {line['seconds']:.1f} s, {line['grown'] / 1e6:.0f} MB beyond imports "
            f"({line['imports'] / 1e6:.0f} MB); {line['grown'] / (4 * n_rows):.1f} x the float32 series",
            **line,
        )
    last, first = row.lines[-1], row.lines[0]
    growth = last["seconds"] / first["seconds"] / (last["n_rows"] / first["n_rows"])
    row.judge(
        Bar(
            f"memory beyond imports at {last['n_rows']:,} rows",
            last["grown"] / 1e6,
            last["allowed"] / 1e6,
            False,
            " MB",
        ),
        Bar("growth of the time over growth of the rows", growth, LINEAR, False),
    )
    return row
