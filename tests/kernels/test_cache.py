"""The disk cache of compiled functions: found again, never stale, never in the way. Each process is a new one."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

PACKAGE = Path(__file__).resolve().parents[2] / "rnnforecast"

SMALL = """
import json, sys
import numpy as np
from rnnforecast.kernels._jit import kernel
from module import doubled
value = float(doubled(np.ones(3)))
print(json.dumps([value, sum(doubled.stats.cache_hits.values()), sum(doubled.stats.cache_misses.values())]))
"""
MODULE = """
from rnnforecast.kernels._jit import kernel
from callee import factor

@kernel
def doubled(x):
    total = 0.0
    for i in range(x.size):
        total += factor() * x[i]
    return total
"""
CALLEE = """
from rnnforecast.kernels._jit import pointwise

@pointwise
def factor():
    return {}
"""
LAYER = """
import json
import numpy as np
from rnnforecast.kernels import drivers
from rnnforecast.kernels.cells import elman
from rnnforecast.kernels.recurrence import recurrence
layer = recurrence(elman.CELLS["relu"], 1, 2)
f = lambda *shape: np.ones(shape, np.float32)
packed, work, out, last = layer.pack(f(2, 1), f(2, 2), f(2)), layer.work(3, 1), f(3, 2, 1), f(1, 2, 1)
layer.forward(packed, f(3, 1, 1), None, work, out, last)
layer.backward(packed, work, out, None, f(2, 1), f(2, 2), f(2), None, None)
stats = [driver.stats for driver in (drivers.forward, drivers.backward)]
print(json.dumps([float(out.sum()), *(sum(sum(s[k].values()) for s in stats) for k in (1, 2))]))
"""


def run(code: str, folder: Path, cache: Path | None, **environment: str) -> list[float]:
    """Run Python in a new process that sees the package copied to `folder`; return [value, cache hits, misses]."""
    variables = {k: v for k, v in os.environ.items() if not k.startswith(("NUMBA_", "RNNFORECAST_"))}
    variables |= {"PYTHONPATH": str(folder), "PYTHONDONTWRITEBYTECODE": "1", **environment}
    if cache is not None:
        variables["NUMBA_CACHE_DIR"] = str(cache)
    command = [sys.executable, "-W", "error", "-c", code]
    done = subprocess.run(command, capture_output=True, text=True, env=variables, cwd=folder, check=False)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


@pytest.fixture
def installed(tmp_path):
    """A folder with a copy of the kernels, and a module of one kernel beside it."""
    folder = tmp_path / "site"
    shutil.copytree(
        PACKAGE / "kernels", folder / "rnnforecast" / "kernels", ignore=shutil.ignore_patterns("__pycache__")
    )
    shutil.copy(PACKAGE / "__init__.py", folder / "rnnforecast")
    (folder / "module.py").write_text(MODULE)
    (folder / "callee.py").write_text(CALLEE.format(2.0))
    return folder


def test_a_second_process_finds_the_layers_functions(installed, tmp_path):
    first, second = (run(LAYER, installed, tmp_path / "cache") for _ in range(2))
    assert first[1:] == [0, 2]
    assert second == [first[0], 2, 0]


def test_another_width_of_vectors_is_another_function(installed, tmp_path):
    wide, narrow = (run(LAYER, installed, tmp_path / "cache", RNNFORECAST_VECTOR_BYTES=n) for n in ("32", "16"))
    assert wide[1:] == narrow[1:] == [0, 2]
    assert wide[0] == narrow[0]  # sums of small integers, exact


def test_an_edited_source_is_never_answered_by_old_code(installed, tmp_path):
    # The edit is in a file of this package that the function's own file only imports, where numba would not look.
    target = installed / "rnnforecast" / "kernels" / "callee.py"
    target.write_text(CALLEE.format(2.0))
    (installed / "callee.py").write_text("from rnnforecast.kernels.callee import factor")
    assert run(SMALL, installed, tmp_path / "cache") == [6.0, 0, 1]
    assert run(SMALL, installed, tmp_path / "cache") == [6.0, 1, 0]
    target.write_text(CALLEE.format(5.0))
    assert run(SMALL, installed, tmp_path / "cache") == [15.0, 0, 1]


@pytest.mark.parametrize(("kind", "n_bytes"), [("nbi", 40), ("nbc", 0)])  # the index, the code
def test_a_truncated_file_is_ignored_and_written_again(installed, tmp_path, kind, n_bytes):
    cache = tmp_path / "cache"
    run(SMALL, installed, cache)
    (file,) = cache.rglob(f"*.{kind}")
    file.write_bytes(file.read_bytes()[:n_bytes])
    assert run(SMALL, installed, cache) == [6.0, 0, 1]
    assert run(SMALL, installed, cache) == [6.0, 1, 0]


def test_without_a_folder_to_write_functions_are_compiled_every_time(installed, tmp_path):
    # A file stands where the cache folder and the home folder would be made; this binds the superuser too.
    blocked = tmp_path / "blocked"
    blocked.write_text("")
    (installed / "__pycache__").write_text("")
    for folder in (installed / "rnnforecast" / "kernels", installed / "rnnforecast"):
        (folder / "__pycache__").write_text("")
    home = {"HOME": str(blocked), "XDG_CACHE_HOME": str(blocked), "LOCALAPPDATA": str(blocked)}
    for _ in range(2):
        assert run(SMALL, installed, None, **home) == [6.0, 0, 1]
    assert run(LAYER, installed, None, **home)[1:] == [0, 2]


def test_a_cache_folder_lost_after_import_is_no_error(installed, tmp_path):
    cache = tmp_path / "cache"
    lose = f"import pathlib, shutil; shutil.rmtree({str(cache)!r}); pathlib.Path({str(cache)!r}).touch()"
    assert run(SMALL.replace("value =", f"{lose}\nvalue ="), installed, cache) == [6.0, 0, 1]


def test_the_compiler_switched_off_leaves_plain_python(installed, tmp_path):
    code = SMALL.replace("print(json", "print([value, 0, 0]) if not hasattr(doubled, 'stats') else print(json")
    assert run(code, installed, tmp_path / "cache", NUMBA_DISABLE_JIT="1") == [6.0, 0, 0]
    code = LAYER.split("stats =")[0].replace("from rnnforecast.kernels import drivers\n", "")
    code += "print(json.dumps([type(layer).__name__ == 'PortableRecurrence', 0, 0]))"
    assert run(code, installed, tmp_path / "cache", NUMBA_DISABLE_JIT="1") == [True, 0, 0]


def test_nothing_is_compiled_at_import(installed, tmp_path):
    modules = [path.stem for path in sorted((PACKAGE / "kernels").glob("*.py")) if path.stem != "__init__"]
    code = f"""
import importlib, json
from numba.core import event
class Count(event.Listener):
    n = 0
    def on_start(self, e): Count.n += 1
    def on_end(self, e): pass
with event.install_listener("numba:compile", Count()):
    for name in {modules!r}: importlib.import_module("rnnforecast.kernels." + name)
print(json.dumps([Count.n]))
"""
    assert run(code, installed, tmp_path / "cache") == [0]
