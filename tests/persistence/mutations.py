"""Damage to model files: of their bytes, and of what they describe, with a checksum that is right again."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import numpy as np

VALUES: tuple[Any, ...] = (
    *(None, True, False, 0, 1, -1, 2, 3, 7, 24, 250, 999, 10**6, 2**31, 2**31 - 1, 2**63, -(2**63), 2**200),
    *(0.0, 0.5, -0.5, 1e-300, 1e300, -1e300, "", "0", "1", "a", "gru", "lstm", "float64", "Adam", "h", "-1D"),
    *("UTC", "__class__", "os.system", "\x00", "é" * 500, [], {}, [[]], {"tuple": []}, {"map": []}, {"float": "nan"}),
    *({"float": "inf"}, {"float": "-inf"}, {"again": 0}, {"again": 3}, {"array": "0"}, {"array": "1"}, {"object": []}),
    *({"transposed": "0"}, {"scalar": ["float64", 1.0]}, {"record": ["Identity", {}]}, {"offset": "0D"}),
    *({"offset": "ns"}, {"text": [1, ["a"]]}, {"record": ["object", {}]}, {"unpack": 1}),
)
KEYS = ("__class__", "__dict__", "__init__", "forecast", "_forecast", "extra", "record", "parameters", "weights_")
NUMBERS = (0.0, -0.0, 1.0, -1.0, 1e-300, 1e30, 1e300, -1e300, np.nan, np.inf, -np.inf)
COUNTS = (0, 1, -1, 2, 1000, 2**31, 2**40, 2**62, -(2**63), 2**63 - 1)


def damaged_bytes(whole: bytes, rng: np.random.Generator) -> bytes:
    """Flip, cut, insert, swap or overwrite bytes."""
    data, n = bytearray(whole), len(whole)
    for _ in range(int(rng.integers(1, 4))):
        at, other, size = int(rng.integers(n)), int(rng.integers(n)), int(rng.integers(1, 65))
        kind = rng.integers(6)
        if kind == 0:
            data[at % len(data)] ^= 1 << int(rng.integers(8))
        elif kind == 1:
            del data[at : at + size]
        elif kind == 2:
            data[at:at] = rng.bytes(size)
        elif kind == 3:
            data[at : at + size], data[other : other + size] = data[other : other + size], data[at : at + size]
        elif kind == 4:
            data[at : at + size] = bytes([int(rng.integers(256))]) * size
        else:
            del data[max(at, 1) :]
        data = data or bytearray(b"\0")
    return bytes(data)


def _places(tree: Any) -> Iterator[tuple[Any, Any]]:
    """Yield every list or dict in a tree, and a key or place in it."""
    for key, item in enumerate(tree) if isinstance(tree, list) else tree.items():
        yield tree, key
        if isinstance(item, list | dict):
            yield from _places(item)


def damaged_tree(tree: Any, rng: np.random.Generator) -> Any:
    """Change a node of a tree of JSON, or two."""
    tree = json.loads(json.dumps(tree))
    for _ in range(int(rng.integers(1, 3))):
        places = list(_places(tree))
        holder, key = places[int(rng.integers(len(places)))]
        other, elsewhere = places[int(rng.integers(len(places)))]
        kind, item = rng.integers(9), holder[key]
        if kind <= 2 and isinstance(item, int | float) and not isinstance(item, bool):
            holder[key] = [item + 1, item - 1, -item, 2 * item, item * 10**6, float(item), 0][int(rng.integers(7))]
        elif kind <= 4:
            holder[key] = VALUES[int(rng.integers(len(VALUES)))]
        elif kind == 5:
            holder[key] = json.loads(json.dumps(other[elsewhere]))
        elif kind == 6:
            del holder[key]
        elif kind == 7 and isinstance(holder, dict):
            holder[KEYS[int(rng.integers(len(KEYS)))]] = holder.pop(key) if rng.random() < 0.5 else item
        elif kind == 8 and isinstance(item, list):
            item.extend(item[: int(rng.integers(1, 4))])
        elif isinstance(item, str):
            holder[key] = item[::-1] if rng.random() < 0.5 else item + "x"
    return tree


def damaged_arrays(arrays: dict[str, np.ndarray], rng: np.random.Generator) -> dict[str, np.ndarray]:
    """Change a value, the shape, the type or the place of an array."""
    arrays = dict(arrays)
    names = list(arrays)
    name, other = names[int(rng.integers(len(names)))], names[int(rng.integers(len(names)))]
    array, kind = arrays[name].copy(), rng.integers(8)
    if kind <= 3 and array.size:
        place = int(rng.integers(array.size))
        if array.dtype.kind == "f":
            with np.errstate(over="ignore"):
                array.flat[place] = NUMBERS[int(rng.integers(len(NUMBERS)))]
        elif array.dtype.kind == "i":
            array.flat[place] = COUNTS[int(rng.integers(len(COUNTS)))]
        else:
            array.flat[place] = not array.flat[place]
    elif kind == 4:
        array = array.ravel()[: int(rng.integers(array.size + 1))]
    elif kind == 5:
        array = array.reshape(array.shape[::-1]) if rng.random() < 0.5 else array[None]
    elif kind == 6:
        array = array.astype(["f4", "f8", "i8", "i4", "?", "f2", "u1"][int(rng.integers(7))])
    else:
        array = arrays[other]
    arrays[name] = np.ascontiguousarray(array)
    return arrays
