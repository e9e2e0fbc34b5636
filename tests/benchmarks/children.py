"""What is measured in a process of its own: ``python -m tests.benchmarks.children memory N | first_fit | product N``.

Everything is imported inside the functions: when is part of the question.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

LOOKBACK, SEASON = 168, 24


def peak_bytes() -> int:
    """Return the largest memory this process has had."""
    status = Path("/proc/self/status")
    if status.exists():
        # Not getrusage: on Linux its maximum outlives exec, so a child would begin with the memory of its parent.
        for line in status.read_text().splitlines():
            if line.startswith("VmHWM:"):
                return 1024 * int(line.split()[1])
    import resource

    unit = 1 if sys.platform == "darwin" else 1024
    return unit * resource.getrusage(resource.RUSAGE_SELF).ru_maxrss


def waves(n_rows: int) -> Any:
    """Return a float32 series with a season of 24 steps and noise; half-hours, so that five million fit a calendar."""
    import numpy as np
    import pandas as pd

    values = np.random.default_rng(0).standard_normal(n_rows, np.float32)
    values += 10.0 + 3.0 * np.sin(np.arange(n_rows, dtype=np.float32) % SEASON * np.float32(2.0 * np.pi / SEASON))
    return pd.Series(values, pd.date_range("1900-01-01", periods=n_rows, freq="30min"), name="load")


def memory(n_rows: int) -> dict[str, float]:
    """Fit defaults with a lookback of 168; return seconds, and bytes by which memory grew since the imports."""
    from rnnforecast import RNNForecaster

    forecaster = RNNForecaster(horizon=24, lookback=LOOKBACK, season_length=SEASON, random_state=0)
    imports = peak_bytes()
    series = waves(n_rows)
    start = time.perf_counter()
    forecaster.fit(series)
    seconds = time.perf_counter() - start
    return {"n_rows": n_rows, "seconds": seconds, "imports": imports, "grown": peak_bytes() - imports}


def first_fit() -> dict[str, float]:
    """Fit defaults on 2,000 hourly points, twice; return the seconds of the import and of both fits."""
    import numpy as np
    import pandas as pd
    import sklearn.base  # noqa: F401  # a user of pandas and scikit-learn has these anyway

    index = pd.date_range("2024-01-01", periods=2000, freq="h")
    values = 10.0 + 3.0 * np.sin(2.0 * np.pi * np.arange(2000) / 24.0) + np.random.default_rng(0).standard_normal(2000)
    series = pd.Series(values, index=index, name="load")
    moments = [time.perf_counter()]
    from rnnforecast import RNNForecaster

    moments.append(time.perf_counter())
    for _ in range(2):
        RNNForecaster(horizon=24, random_state=0).fit(series)
        moments.append(time.perf_counter())
    seconds = np.diff(moments)
    return {"import": float(seconds[0]), "fit": float(seconds[1]), "again": float(seconds[2])}


def product(n: int) -> None:
    """Compute a float32 product of (n, n) matrices for every line that comes in; answer with a line when it is done."""
    import numpy as np

    rng = np.random.default_rng(0)
    left, right = (rng.standard_normal((n, n), np.float32) for _ in range(2))
    out = np.empty((n, n), np.float32)
    for _ in sys.stdin:
        np.dot(left, right, out=out)
        print(flush=True)


if __name__ == "__main__":
    task, *numbers = sys.argv[1:]
    tasks: dict[str, Callable[..., Any]] = {"memory": memory, "first_fit": first_fit, "product": product}
    answer = tasks[task](*map(int, numbers))
    if answer is not None:
        print(json.dumps(answer))
