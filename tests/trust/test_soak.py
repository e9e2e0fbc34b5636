"""What is done thousands of times leaves no memory behind: fits, forecasts, updates, and all of them refused.

``RNNFORECAST_SOAK=60`` makes 2,000 fits and 100,000 predictions and updates of them, and looks at the memory of the
process; otherwise a few, and what Python and NumPy have allocated is counted.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
LONG = float(os.environ.get("RNNFORECAST_SOAK", "0")) >= 60
LARGEST_SLOPE = 1000.0  # bytes that an iteration may leave

pytestmark = pytest.mark.slow

OPERATIONS = """
import contextlib, copy, gc, itertools, json, sys, time, tracemalloc, warnings
import numpy as np, pandas as pd
from sklearn.base import clone
from tests.trust.doors import CLASSIFIER, DETECTOR, FORECASTERS, GENERATOR, REGRESSOR
from tests.trust.doors import SEQUENCES, SUMS, VALUES, Y, fitted
warnings.simplefilter("ignore")
N = 60
BAD = Y[:N].where(Y.index[:N] != Y.index[30], np.inf)
panel = pd.concat({"a": Y[:N], "b": 2 * Y[:N]})
forecaster, detector, regressor, classifier = map(fitted, ("RNNForecaster", "detector", "regressor", "classifier"))
stream, following, states = forecaster.stream(), [copy.deepcopy(forecaster)], itertools.count()

def refused(call):
    with contextlib.suppress(ValueError):
        call()

def follow():
    if next(states) % 200 == 0:  # a history grows by what it is told
        following[0] = copy.deepcopy(forecaster)
        following[0]._history = copy.deepcopy(forecaster._history)
    following[0].update([1.0])

fits = [
    *(lambda f=f: clone(f).fit(Y[:N]) for f in FORECASTERS.values()),
    *(lambda f=f: clone(f).fit(panel) for f in FORECASTERS.values()),
    lambda: clone(DETECTOR).fit(Y[:N]),
    lambda: clone(REGRESSOR).fit(SEQUENCES, SUMS),
    lambda: clone(CLASSIFIER).fit(SEQUENCES, SUMS > 0),
    lambda: clone(GENERATOR).fit(VALUES.tolist()),
    lambda: refused(lambda: clone(FORECASTERS["RNNForecaster"]).fit(BAD)),
    lambda: refused(lambda: clone(DETECTOR).fit(BAD)),
    lambda: refused(lambda: clone(REGRESSOR).fit(SEQUENCES, SUMS * np.nan)),
]
uses = [
    *10 * [lambda: stream.update(20.0).forecast(), lambda: detector.update(20.0)],
    *3 * [lambda: forecaster.forecast(), follow],
    lambda: forecaster.predict(Y[N:]),
    lambda: forecaster.forecast(level=80),
    lambda: detector.predict(Y[N:]),
    lambda: regressor.predict(SEQUENCES),
    lambda: classifier.predict_proba(SEQUENCES),
    lambda: refused(lambda: forecaster.predict(Y[:N][::-1])),
    lambda: refused(lambda: detector.update("x")),
    lambda: refused(lambda: stream.update(np.nan)),
    lambda: refused(lambda: regressor.predict(SEQUENCES * np.inf)),
]

def held(long):
    gc.collect()
    if not long:
        return tracemalloc.get_traced_memory()[0]
    with open("/proc/self/statm") as file:
        return int(file.read().split()[1]) * 4096

def soak(operations, n, long):
    for operation in operations * 2:
        operation()
    if not long:
        tracemalloc.start()
    begin, at, seen = time.monotonic(), [], []
    for k, operation in zip(range(n), itertools.cycle(operations)):
        operation()
        if k % (n // 50) == 0 and k > n // 2:  # caches and the allocator's pools are filled by then
            at.append(k)
            seen.append(held(long))
    print(json.dumps({"slope": np.polyfit(at, seen, 1)[0], "bytes": seen[-1], "seconds": time.monotonic() - begin}))
"""


@pytest.mark.skipif(LONG and not Path("/proc/self/statm").exists(), reason="the memory of a process is read from /proc")
@pytest.mark.parametrize(("what", "n"), [("fits", 2_000 if LONG else 150), ("uses", 100_000 if LONG else 1_000)])
def test_what_is_done_again_and_again_leaves_no_memory_behind(what, n):
    done = subprocess.run(
        [sys.executable, "-c", f"{OPERATIONS}\nsoak({what}, {n}, {LONG})"],
        capture_output=True,
        text=True,
        check=False,
        cwd=ROOT,
        timeout=3600,
    )
    assert done.returncode == 0, done.stderr
    print(done.stdout)  # noqa: T201 - the figures of a long run, shown by -s
    assert json.loads(done.stdout)["slope"] < LARGEST_SLOPE
