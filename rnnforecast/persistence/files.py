"""The container: one safetensors file with arrays, a JSON tree and a checksum over both.

safetensors (https://github.com/huggingface/safetensors) holds arrays and strings and can hold no code. What belongs to
this package is one string of its header, ``rnnforecast``: JSON with the format's version, a tree and a checksum.
"""

from __future__ import annotations

import hashlib
import json
import os
import secrets
from pathlib import Path
from typing import Any

import numpy as np
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save as to_bytes

from rnnforecast import __version__

KEY = "rnnforecast"
VERSION = 1  # of the format; a change that older releases would misread raises it


class ModelFileError(ValueError):
    """A file is no model that this release can load, or not the one that was saved."""


def write(path: str | os.PathLike[str], tree: Any, arrays: dict[str, np.ndarray]) -> None:
    """Write a model file in one step: whoever reads `path` finds the old file or the new one, never a part.

    Parameters
    ----------
    path : path
        In a folder that exists.
    tree : JSON value
        Without NaN and infinities.
    arrays : dict of str to ndarray
        Booleans, integers and floats.

    Raises
    ------
    OSError
        The folder is missing or cannot be written.
    """
    replace(path, packed(tree, arrays))


def packed(tree: Any, arrays: dict[str, np.ndarray]) -> bytes:
    """Return the bytes of a model file; arguments are those of `write`."""
    whole = {name: np.asarray(array, order="C") for name, array in arrays.items()}
    model = {"version": VERSION, "library": __version__, "tree": tree}
    model["checksum"] = checksum(model, whole)
    return to_bytes(whole, {KEY: json.dumps(model, allow_nan=False)})


def replace(path: str | os.PathLike[str], data: bytes) -> None:
    """Put `data` into a file that is there in whole or not at all.

    Raises
    ------
    OSError
        The folder is missing or cannot be written.
    """
    target = Path(path)
    if not target.absolute().parent.is_dir():
        raise FileNotFoundError(f"there is no folder {str(target.parent)!r} to save {target.name!r} in")
    if target.is_dir():
        raise IsADirectoryError(f"{str(target)!r} is a folder; give the path of a file")
    temporary = target.with_name(f".{target.name}.{secrets.token_hex(8)}")
    try:
        with open(temporary, "xb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, target)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise


def read(path: str | os.PathLike[str]) -> tuple[Any, dict[str, np.ndarray]]:
    """Read a model file back.

    Parameters
    ----------
    path : path

    Returns
    -------
    tree : JSON value
    arrays : dict of str to ndarray

    Raises
    ------
    FileNotFoundError
        There is no such file.
    ModelFileError
        The file is empty, truncated, changed, from elsewhere or from a newer release.
    """
    name = os.fspath(path)
    if not os.path.exists(name):
        raise FileNotFoundError(f"there is no file {name!r}")
    if not os.path.isfile(name):
        raise ModelFileError(f"{name!r} is no file; give the path that was given to save")
    try:
        with safe_open(name, framework="numpy") as file:
            model = _ours((file.metadata() or {}).get(KEY), name)
            arrays = {key: file.get_tensor(key) for key in file.keys()}  # noqa: SIM118 - it is no dict
    except ModelFileError:
        raise
    except (SafetensorError, OSError, ValueError, TypeError, LookupError, MemoryError, RecursionError) as error:
        raise ModelFileError(f"{name!r} is no model file, or not all of it ({error}); save the model again") from error
    if model.get("checksum") != checksum(model, arrays):
        raise ModelFileError(f"{name!r} is not what was saved: its checksum differs; save or copy the model again")
    return model["tree"], arrays


def checksum(model: dict[str, Any], arrays: dict[str, np.ndarray]) -> str:
    """Digest of everything but the checksum itself."""
    rest = {key: value for key, value in model.items() if key != "checksum"}
    digest = hashlib.sha256(json.dumps(rest, sort_keys=True).encode())
    for key in sorted(arrays):
        array = arrays[key]
        digest.update(f"{key}\0{array.dtype.str}\0{array.shape}\0".encode())
        digest.update(array.tobytes())
    return digest.hexdigest()


def _ours(text: str | None, name: str) -> dict[str, Any]:
    """Read the header's string; refuse files of other programs and of later releases."""
    model = None if text is None else json.loads(text, parse_constant=_no_number)
    if not isinstance(model, dict) or "tree" not in model:
        raise ModelFileError(f"{name!r} was not written by this library; give a file made by save")
    version = model.get("version")
    if not isinstance(version, int) or isinstance(version, bool):
        raise ModelFileError(f"{name!r} names no format version; save the model again")
    if version > VERSION:
        raise ModelFileError(
            f"{name!r} has format {version}, written by release {model.get('library', 'unknown')!r}, "
            f"and this release, {__version__}, reads formats up to {VERSION}; upgrade the library"
        )
    return model


def _no_number(word: str) -> Any:
    raise ValueError(f"{word} is no number of JSON")
