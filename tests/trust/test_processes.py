"""Threads, processes, signals and killed writers: each scene is played in processes of its own.

``RNNFORECAST_SOAK=60`` makes the endurance of the first test a minute instead of seconds.
"""

from __future__ import annotations

import json
import multiprocessing
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
SECONDS = float(os.environ.get("RNNFORECAST_SOAK", "3"))
POSIX = pytest.mark.skipif(os.name != "posix", reason="needs fork and POSIX signals")
pytestmark = pytest.mark.slow

DATA = """
import json, os, sys, threading, time
import numpy as np, pandas as pd
from rnnforecast import RNNForecaster

def series(n=400, seed=0):
    rng = np.random.default_rng(seed)
    values = 10 + np.sin(np.arange(n) * 2 * np.pi / 24) + 0.1 * rng.normal(size=n)
    return pd.Series(values, index=pd.date_range("2024-01-01", periods=n, freq="h"), name="load")

def small(seed=0, **more):
    return RNNForecaster(6, lookback=24, hidden_layer_sizes=(8,), max_iter=2, n_estimators=1, random_state=seed, **more)

def digest(model):
    return model.forecast().to_numpy().tobytes().hex()
"""


FITTED = "print(json.dumps(digest(small().fit(series()))))"


def play(scene: str, timeout: float = 300, folder: Path = ROOT, **environment: str) -> object:
    """Run a scene in a new interpreter that finds the package in `folder`; return what it printed last, as JSON."""
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", DATA + scene],
        capture_output=True,
        text=True,
        timeout=timeout,
        check=False,
        cwd=folder,
        env=os.environ | environment,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.splitlines()[-1])


def test_eight_threads_forecast_from_one_object_as_one_does():
    scene = f"""
model = small(n_jobs=2).fit(series())
X = series()[-50:]
expected, fitted = digest(model), model.predict(X).tobytes()
stop, wrong, counts = time.monotonic() + {SECONDS}, [], [0] * 8

def work(k):
    while time.monotonic() < stop:
        if digest(model) != expected or model.predict(X).tobytes() != fitted:
            wrong.append(k)
        counts[k] += 1

threads = [threading.Thread(target=work, args=(k,)) for k in range(8)]
[t.start() for t in threads]; [t.join() for t in threads]
print(json.dumps([len(wrong), min(counts)]))
"""
    wrong, fewest = play(scene)
    assert wrong == 0
    assert fewest > 0


@pytest.mark.parametrize("backend", ["loky", "threading", "multiprocessing"])
def test_parallel_fits_give_the_bits_of_single_ones(backend, tmp_path):
    script = tmp_path / "fits.py"  # spawned workers import their functions from a file
    script.write_text(
        DATA
        + f"""
from joblib import Parallel, delayed

def one(seed):
    return digest(small(seed).fit(series(seed=seed)))

if __name__ == "__main__":
    alone = [one(seed) for seed in range(4)]
    together = Parallel(n_jobs=2, backend={backend!r})(delayed(one)(seed) for seed in range(4))
    print(json.dumps(alone == together))
"""
    )
    done = subprocess.run(
        [sys.executable, script], capture_output=True, text=True, timeout=300, check=False, env=_with_root()
    )
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout.splitlines()[-1]) is True


@pytest.mark.parametrize(
    "method", [m for m in ("fork", "spawn", "forkserver") if m in multiprocessing.get_all_start_methods()]
)
def test_workers_of_every_start_method_forecast_after_their_parent_did(method, tmp_path):
    script = tmp_path / "server.py"
    script.write_text(
        DATA
        + f"""
import multiprocessing, pickle

def answer(data):
    model = pickle.loads(data)
    return digest(model), digest(small(1).fit(series(seed=1)))

if __name__ == "__main__":
    model = small(n_jobs=2).fit(series())  # threads have been used, and are gone
    expected = digest(model), digest(small(1).fit(series(seed=1)))
    with multiprocessing.get_context({method!r}).Pool(3) as pool:
        answers = pool.map(answer, [pickle.dumps(model)] * 6)
    print(json.dumps([list(a) == list(expected) for a in answers]))
"""
    )
    done = subprocess.run(
        [sys.executable, script], capture_output=True, text=True, timeout=300, check=False, env=_with_root()
    )
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout.splitlines()[-1]) == [True] * 6


@POSIX
def test_a_server_may_fork_while_another_thread_forecasts():
    scene = """
model = small().fit(series())
expected, busy = digest(model), True

def work():
    while busy:
        digest(model)

thread = threading.Thread(target=work); thread.start()
answers = []
for _ in range(5):
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        os.write(writing, b"1" if digest(model) == expected else b"0")
        os._exit(0)
    answers.append(os.read(reading, 1) == b"1" and os.waitpid(child, 0)[1] == 0)
busy = False; thread.join()
print(json.dumps(answers))
"""
    scene = "import warnings; warnings.simplefilter('ignore', DeprecationWarning)\n" + scene  # Python's own, of forking
    assert play(scene) == [True] * 5


@POSIX
def test_a_server_that_forks_its_workers_beforehand_replaces_one_that_was_killed():
    scene = """
model = small(n_jobs=2).fit(series())
expected, X = digest(model), series()[-50:]

def serve(reading, writing):
    while request := os.read(reading, 1):
        model.predict(X)
        if request == b"u":
            model.update(series(401)[-1:])
        os.write(writing, digest(model).encode().ljust(200))
    os._exit(0)

def hire():
    (question, ask), (answer, tell) = os.pipe(), os.pipe()
    child = os.fork()
    if child == 0:
        os.close(ask); os.close(answer)
        serve(question, tell)
    os.close(question); os.close(tell)
    return child, ask, answer

def ask(worker, request=b"f"):
    os.write(worker[1], request)
    return os.read(worker[2], 200).strip().decode()

workers = [hire() for _ in range(4)]
right = [ask(worker) == expected for worker in workers for _ in range(5)]
right.append(ask(workers[1], b"u") != expected)  # what one is told, no other knows
os.write(workers[0][1], b"f")
os.kill(workers[0][0], 9)
os.waitpid(workers[0][0], 0)
workers[0] = hire()
right += [ask(worker) == expected for worker in (workers[0], *workers[2:])]
for worker in workers:
    os.kill(worker[0], 15)
    os.waitpid(worker[0], 0)
print(json.dumps(right))
"""
    assert play(scene) == [True] * 24


@POSIX
def test_ctrl_c_ends_a_fit_and_leaves_the_object_as_it_was():
    scene = """
model = small().fit(series())
before = digest(model)
model.set_params(max_iter=100_000, early_stopping=False, hidden_layer_sizes=(64,))
threading.Timer(2.0, lambda: os.kill(os.getpid(), 2)).start()
try:
    model.fit(series(5000))
except KeyboardInterrupt:
    ended = time.monotonic()
print(json.dumps([digest(model) == before, threading.active_count()]))
"""
    same, threads = play(scene)
    assert same
    assert threads <= 2  # this one, and the timer that may not have ended


@POSIX
def test_a_process_killed_while_it_compiles_leaves_a_cache_that_works(tmp_path):
    command = [sys.executable, "-c", DATA + FITTED]
    environment = os.environ | {"NUMBA_CACHE_DIR": str(tmp_path)}
    for delay in (1.0, 2.0, 3.0):
        process = subprocess.Popen(command, env=environment, cwd=ROOT, stdout=subprocess.DEVNULL)
        time.sleep(delay)
        process.send_signal(signal.SIGKILL)
        process.wait()
    done = subprocess.run(command, env=environment, cwd=ROOT, capture_output=True, text=True, check=False, timeout=300)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout) == play(FITTED)


def test_a_cache_of_which_every_file_lost_its_end_is_written_again(tmp_path):
    expected = play(FITTED, NUMBA_CACHE_DIR=str(tmp_path))
    files = [path for path in tmp_path.rglob("*.nb*") if path.is_file()]
    assert files
    for path in files:
        path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    assert play(FITTED, NUMBA_CACHE_DIR=str(tmp_path)) == expected
    assert play(FITTED, NUMBA_CACHE_DIR=str(tmp_path)) == expected


def test_an_upgrade_that_changes_only_what_kernels_call_gives_the_new_numbers(tmp_path):
    folder, old, new = tmp_path / "site", str(tmp_path / "old"), str(tmp_path / "new")
    shutil.copytree(ROOT / "rnnforecast", folder / "rnnforecast", ignore=shutil.ignore_patterns("__pycache__"))
    before = play(FITTED, folder=folder, NUMBA_CACHE_DIR=old)
    assert before == play(FITTED, NUMBA_CACHE_DIR=old)
    callee = folder / "rnnforecast" / "kernels" / "activations.py"  # the drivers of all cells are in other files
    source = callee.read_text()
    assert source.count("lambda a: 1.0 / (a.exp2() + 1.0)") == 1
    callee.write_text(source.replace("lambda a: 1.0 / (a.exp2() + 1.0)", "lambda a: 0.9 / (a.exp2() + 1.0)"))
    after = play(FITTED, folder=folder, NUMBA_CACHE_DIR=old)
    assert after != before
    assert after == play(FITTED, folder=folder, NUMBA_CACHE_DIR=new)


SETPRIV = shutil.which("setpriv")


@pytest.mark.skipif(SETPRIV is None or os.getuid() != 0, reason="needs setpriv, and root to become somebody else")
def test_somebody_without_a_home_uses_an_install_that_is_not_theirs():
    code = DATA + "print(json.dumps([os.access('.', os.W_OK), digest(small().fit(series()))]))"
    environment = {k: v for k, v in os.environ.items() if k != "NUMBA_CACHE_DIR"} | {"HOME": "/nonexistent"}
    nobody = [SETPRIV, "--reuid=65534", "--regid=65534", "--clear-groups"]
    reader = [
        "--inh-caps=+dac_read_search",
        "--ambient-caps=+dac_read_search",
    ]  # the interpreter may lie in root's home
    done = subprocess.run(
        [*nobody, *reader, sys.executable, "-W", "error", "-c", code],
        capture_output=True,
        text=True,
        check=False,
        cwd=ROOT,
        env=environment,
    )
    assert done.returncode == 0, done.stderr
    writable, found = json.loads(done.stdout.splitlines()[-1])
    assert not writable
    assert found == play(FITTED)


def _with_root() -> dict[str, str]:
    return os.environ | {"PYTHONPATH": str(ROOT)}
