"""The machine a table was measured on: what it is, and what it could do at best."""

from __future__ import annotations

import importlib.metadata
import os
import platform
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from rnnforecast.kernels.vectors import host_bytes

PACKAGES = ("rnnforecast", "numpy", "pandas", "scikit-learn", "numba", "llvmlite", "torch", "neuralforecast", "keras")
ROOT = Path(__file__).resolve().parents[2]
KERNELS = ("default", "SkylakeX")  # the second: AVX-512 of any processor
THREADS = ("OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "OMP_NUM_THREADS", "VECLIB_MAXIMUM_THREADS")


def describe() -> dict[str, Any]:
    """Return versions (None where not installed), processor and vectors' width."""
    return {
        "python": platform.python_version(),
        **{package: version(package) for package in PACKAGES},
        "system": f"{platform.system()} {platform.machine()}",
        "processor": processor(),
        "n_processors": os.cpu_count(),
        "vector_bytes": host_bytes(),
    }


def version(package: str) -> str | None:
    """Return an installed package's version."""
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return None


def processor() -> str:
    """Return the processor's name as the system tells it."""
    information = Path("/proc/cpuinfo")
    if information.exists():
        for line in information.read_text(encoding="utf-8").splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor()


def load() -> float | None:
    """Return the processes that wanted to run, as a mean of the last minute; None where the system does not tell."""
    return round(os.getloadavg()[0], 2) if hasattr(os, "getloadavg") else None


class Product:
    """A float32 product of square matrices on one thread: the rate that a training step is measured against.

    It runs in a process of its own because BLAS chooses its kernels when it is loaded: on a processor that OpenBLAS
    does not know it takes older and narrower ones. Where there are vectors of 64 bytes, the kernels for these are tried
    too, and the faster ones stay. A context manager that owns the process.

    Parameters
    ----------
    n : int
        Rows and columns. Large, so that neither packing nor memory counts.

    Attributes
    ----------
    kernels : str
        Name that OpenBLAS gives to the kernels used, "default" for its own choice.
    """

    def __init__(self, n: int):
        self.n_operations = 2.0 * n**3
        self._n = n

    def __enter__(self) -> Product:
        trials = {kernels: self._begin(kernels) for kernels in KERNELS if kernels == "default" or host_bytes() == 64}
        seconds = {}
        for kernels, self._process in trials.items():
            self()
            start = time.perf_counter()
            self()
            seconds[kernels] = time.perf_counter() - start
        self.kernels = min(seconds, key=lambda kernels: seconds[kernels])
        self._process = trials.pop(self.kernels)
        for process in trials.values():
            process.communicate()
        return self

    def __exit__(self, *error: Any) -> None:
        self._process.communicate()

    def __call__(self) -> None:
        """Compute it; the messages to and fro take some microseconds of many milliseconds."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write("\n")
        self._process.stdin.flush()
        if not self._process.stdout.readline():
            raise RuntimeError("the process that computes the product ended; its error is printed above")

    def _begin(self, kernels: str) -> subprocess.Popen[str]:
        environment = os.environ | dict.fromkeys(THREADS, "1")
        if kernels != "default":
            environment["OPENBLAS_CORETYPE"] = kernels
        command = [sys.executable, "-m", "tests.benchmarks.children", "product", str(self._n)]
        pipe = subprocess.PIPE
        return subprocess.Popen(command, cwd=ROOT, env=environment, stdin=pipe, stdout=pipe, text=True)
