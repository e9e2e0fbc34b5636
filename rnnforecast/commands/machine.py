"""The commands ``warmup`` and ``info``: compiled code and what it runs on."""

from __future__ import annotations

import importlib.metadata
import os
import platform
import time

import rnnforecast


def run_warmup() -> None:
    """Compile the kernels of the default forecaster into the cache folder."""
    start = time.perf_counter()
    rnnforecast.warmup()
    print(f"ready after {time.perf_counter() - start:.1f} s; compiled code is in {_cache_folder() or 'memory only'}")


def run_info() -> None:
    """Print what a bug report needs."""
    from rnnforecast.kernels.vectors import host_bytes, host_name

    print(f"rnnforecast  {rnnforecast.__version__}")
    print(f"Python       {platform.python_version()} on {platform.system()} {platform.machine()}")
    for package in ("numpy", "pandas", "scikit-learn", "scipy", "numba", "llvmlite", "matplotlib"):
        print(f"{package:12} {_version(package)}")
    print(f"processor    {host_name()}, {os.cpu_count()} threads")
    print(f"vectors      {host_bytes()} bytes, {host_bytes() // 4} float32 numbers")
    print(f"cache        {_cache_folder() or 'none: every process compiles for itself'}")
    settings = {name: value for name, value in os.environ.items() if name.startswith(("RNNFORECAST_", "NUMBA_"))}
    for name, value in sorted(settings.items()):
        print(f"set          {name}={value}")


def _version(package: str) -> str:
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return "not installed"


def _cache_folder() -> str | None:
    """Return the folder that keeps compiled code, None where nothing is kept."""
    from rnnforecast.kernels.windows import gather

    stats = getattr(gather, "stats", None)  # a plain function where numba's compiler is switched off
    return None if stats is None else stats.cache_path
