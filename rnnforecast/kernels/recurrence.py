"""One recurrent layer's passes over whole sequences: which of the two implementations to take."""

from __future__ import annotations

import os
import sys
from functools import cache
from typing import Any

import numpy as np
from numba import config

from rnnforecast.kernels.cells import Cell
from rnnforecast.kernels.portable import PortableRecurrence


def recurrence(cell: Cell, n_inputs: int, n_units: int, dtype: Any = np.float32) -> Any:
    """Return the passes of a recurrent layer: on the processor's vectors, or in plain NumPy where these cannot be had.

    Parameters
    ----------
    cell : Cell
    n_inputs, n_units : int
        D and H.
    dtype : {float32, float64}

    Returns
    -------
    VectorRecurrence or PortableRecurrence
        The second where Numba's compiler is switched off (NUMBA_DISABLE_JIT=1), where the environment variable
        RNNFORECAST_PORTABLE is 1, and where vectors cannot be built. The two differ by rounding.
    """
    if config.DISABLE_JIT or os.environ.get("RNNFORECAST_PORTABLE") == "1" or not vectors_exist():
        return PortableRecurrence(cell, n_inputs, n_units, dtype)
    from rnnforecast.kernels.compiled import VectorRecurrence

    return VectorRecurrence(cell, n_inputs, n_units, dtype)


@cache
def vectors_exist() -> bool:
    """Whether vectors can be built here: addresses have 64 bits, and Numba and LLVM the names they are built with."""
    try:
        from rnnforecast.kernels import compiled  # noqa: F401  # its names are what is looked for
    except (ImportError, AttributeError):
        return False
    return sys.maxsize > 2**32
