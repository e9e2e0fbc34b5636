"""The decorators of this package and a disk cache that is safe to leave on.

Numba's own cache looks at the file of the decorated function only, so after an upgrade that changed a callee in another
file it returns old numbers; it fails at import where no folder can be written and on a truncated file. Here the sources
of all kernels are part of the key, what cannot be read is compiled again, and what cannot be written is not kept.
"""

from __future__ import annotations

import contextlib
import functools
import hashlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

from numba import config, njit
from numba.extending import register_jitable

try:  # numba's own name, not its public one: without it kernels work and are compiled in every process
    from numba.core.caching import FunctionCache
except ImportError:  # pragma: no cover
    FunctionCache = None

# a b + c may become one fused operation, -0 become 0, a / b a (1 / b). Never "nnan" or "ninf": they delete checks.
FASTMATH = frozenset({"contract", "nsz", "arcp"})

pointwise = register_jitable


@functools.cache
def source_digest() -> str:
    """Digest of all source files of this package."""
    folder = Path(__file__).parent
    digest = hashlib.sha256()
    for path in sorted(folder.rglob("*.py")):
        digest.update(path.relative_to(folder).as_posix().encode())
        digest.update(path.read_bytes())
    return digest.hexdigest()[:16]


if FunctionCache is not None:

    class SafeCache(FunctionCache):
        """Numba's cache of one function on disk, keyed by all kernel sources, never in the way."""

        def _index_key(self, sig: Any, codegen: Any) -> Any:
            # Checked and unchecked indexing share a signature.
            return (*super()._index_key(sig, codegen), source_digest(), bool(config.BOUNDSCHECK))

        def load_overload(self, sig: Any, target_context: Any) -> Any:
            """Return the compiled function, or None if it is not there or cannot be read."""
            try:
                return super().load_overload(sig, target_context)
            except Exception:  # a truncated or foreign file fails in its own way: EOFError, KeyError, AttributeError...
                return None

        def save_overload(self, sig: Any, data: Any) -> None:
            """Keep a compiled function if the folder can be written; an unreadable index is begun anew."""
            for prepare in (lambda: None, self.flush):
                try:
                    prepare()
                    return super().save_overload(sig, data)
                except Exception:  # a full disk, a folder made read-only: what counts is that the function runs
                    continue


def kernel(function: Callable[..., Any] | None = None, *, fastmath: Any = FASTMATH, **options: Any) -> Any:
    """Compile a function over arrays: without the GIL, with NumPy's division, cached on disk.

    Parameters
    ----------
    function : callable
        Module-level; it fills what it is given and never raises. Functions it calls are marked `pointwise`.
    fastmath : set of str or bool
        LLVM's flags; add "reassoc" where a sum must be vectorised.
    **options
        Passed to `numba.njit`.

    Returns
    -------
    callable
        The compiled function; the function itself where Numba's compiler is switched off.
    """
    if function is None:
        return functools.partial(kernel, fastmath=fastmath, **options)
    flags = fastmath if isinstance(fastmath, bool) else set(fastmath)
    # boundscheck is left open: the environment variable NUMBA_BOUNDSCHECK decides, and its default is off.
    compiled = njit(nogil=True, error_model="numpy", fastmath=flags, **options)(function)
    if FunctionCache is not None and hasattr(compiled, "_cache"):
        # No folder can be written, or numba's inner names changed: compiled in every process, but running.
        with contextlib.suppress(Exception):
            compiled._cache = SafeCache(function)
    return compiled
