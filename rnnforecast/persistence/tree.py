"""Values of a model as JSON and arrays, and back: a closed list of kinds, none of which is code.

Plain values stand for themselves. Everything else is an object with one key that names its kind: ``{"tuple": [...]}``,
``{"array": name}``, ``{"record": [class, fields]}``. A record or array that was met before is ``{"again": number}``, so
that what a model shares is shared again when it comes back, and no more than that: arrays that are only equal lie in
the file once, but come back as two.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from rnnforecast.persistence.forms import Form
from rnnforecast.persistence.kinds import UnfitError, described, fits
from rnnforecast.persistence.labels import CONVERTERS

_PLAIN = (type(None), bool, int, str)
_SCALARS = ("bool", "int64", "int32", "float64", "float32")
_MOST_MADE, _MOST_TIMES = 50_000_000, 64  # numbers made of a file, whatever it holds, or so many times as many
_PICKLE = "pickle the model instead, if whoever reads it trusts you"


class Packer:
    """Takes values apart.

    Parameters
    ----------
    forms : dict of class to Form
        The records that may be part of a model.

    Attributes
    ----------
    arrays : dict of str to ndarray
        What has been taken out of the tree, C-contiguous.
    """

    def __init__(self, forms: Mapping[type, Form]):
        self.forms = forms
        self.arrays: dict[str, np.ndarray] = {}
        self._names: dict[Any, str] = {}  # by content
        self._numbers: dict[int, int] = {}  # of records and arrays, by identity
        self._kept: list[Any] = []  # what an identity stands for must live as long

    def pack(self, value: Any, place: str) -> Any:
        """Return the JSON that stands for `value`.

        Parameters
        ----------
        value : object
        place : str
            Where it stands in the model, for messages.

        Raises
        ------
        TypeError
            If it is of a kind that files do not hold.
        """
        if isinstance(value, np.generic):
            return self._scalar(value, place)
        if isinstance(value, _PLAIN):
            return value
        if isinstance(value, float):
            return value if math.isfinite(value) else {"float": repr(value)}
        if id(value) in self._numbers:
            return {"again": self._numbers[id(value)]}
        if isinstance(value, np.ndarray):
            return self._array(value, place)
        if type(value) is list:
            return [self.pack(item, f"{place}[{k}]") for k, item in enumerate(value)]
        if type(value) is tuple:
            return {"tuple": [self.pack(item, f"{place}[{k}]") for k, item in enumerate(value)]}
        if type(value) is dict:
            return {"map": [[self.pack(k, place), self.pack(item, f"{place}[{k!r}]")] for k, item in value.items()]}
        if type(value) in self.forms:
            return self._record(value, place)
        for label, kind, to_plain, _ in CONVERTERS:
            if isinstance(value, label):
                return {kind: self.pack(to_plain(value), place)}
        raise TypeError(f"{place} is a {type(value).__name__}, which a model file cannot hold: {_PICKLE}")

    def _record(self, value: Any, place: str) -> Any:
        form = self.forms[type(value)]
        try:
            fields = form.take(value, form.fields)
        except UnfitError as error:
            raise TypeError(f"{place} cannot be kept in a model file, for {error}: {_PICKLE}") from None
        packed = {}
        for name, item in fields.items():
            packed[name] = self.pack(item, f"{place}.{name}")
        self._remember(value)
        return {"record": [form.name, packed]}

    def _scalar(self, value: np.generic, place: str) -> Any:
        if value.dtype.name not in _SCALARS:
            raise TypeError(f"{place} is a number of type {value.dtype}, which a model file cannot hold: {_PICKLE}")
        return {"scalar": [value.dtype.name, self.pack(value.item(), place)]}

    def _array(self, value: np.ndarray, place: str) -> Any:
        if value.dtype.kind in "biuf" and value.dtype.itemsize <= 8:
            self._remember(value)
            if value.flags.f_contiguous and not value.flags.c_contiguous:  # products of it add in another order
                return {"transposed": self._store(value.T)}
            return {"array": self._store(value)}
        if value.dtype.kind in "OU" and value.ndim == 1:
            items = [self.pack(item, f"{place}[{k}]") for k, item in enumerate(value.tolist())]
            return {"text": [value.dtype.itemsize // 4, items]} if value.dtype.kind == "U" else {"object": items}
        raise TypeError(f"{place} is an array of {value.dtype}, which a model file cannot hold: {_PICKLE}")

    def _store(self, value: np.ndarray) -> str:
        whole = np.array(value, value.dtype.newbyteorder("="), order="C")
        content = (whole.dtype.str, whole.shape, hashlib.sha256(whole.tobytes()).digest())
        name = self._names.setdefault(content, str(len(self._names)))
        self.arrays.setdefault(name, whole)
        return name

    def _remember(self, value: Any) -> None:
        self._numbers[id(value)] = len(self._numbers)
        self._kept.append(value)


class Unpacker:
    """Puts values together again.

    Parameters
    ----------
    forms : dict of str to Form
    arrays : dict of str to ndarray

    Attributes
    ----------
    limit : int
        How many numbers the file holds: records are not built larger than that.
    """

    def __init__(self, forms: Mapping[str, Form], arrays: Mapping[str, np.ndarray]):
        self.forms, self.arrays = forms, arrays
        self.limit = sum(array.size for array in arrays.values())
        self._numbered: list[Any] = []
        self._n_made = 0

    def unpack(self, tree: Any) -> Any:
        """Return the value that `tree` stands for.

        Raises
        ------
        UnfitError
            If the tree is none that `Packer` makes.
        """
        if isinstance(tree, (*_PLAIN, float)):
            return tree
        if isinstance(tree, list):
            return [self.unpack(item) for item in tree]
        fits(isinstance(tree, dict) and len(tree) == 1, f"{str(tree)[:60]} is no value")
        ((kind, content),) = tree.items()
        if kind in _LABELS:
            return _LABELS[kind](self.unpack(content))
        reader = _READERS.get(kind)
        if reader is None:
            raise UnfitError(f"{kind[:60]!r} is no kind of value")
        return reader(self, content)

    def _float(self, content: str) -> float:
        return {"nan": math.nan, "inf": math.inf, "-inf": -math.inf}[content]

    def _scalar(self, content: list[Any]) -> Any:
        name, value = content
        fits(name in _SCALARS, f"{described(name)} is no type of a number")
        value = self.unpack(value)
        fits(isinstance(value, bool | int | float), f"{described(value)} is no number")
        return np.dtype(name).type(value)

    def _tuple(self, content: list[Any]) -> tuple[Any, ...]:
        return tuple([self.unpack(item) for item in content])

    def _map(self, content: list[Any]) -> dict[Any, Any]:
        return {self.unpack(key): self.unpack(item) for key, item in content}

    def _array(self, content: str) -> np.ndarray:
        return self._remembered(self._copy(content))

    def _transposed(self, content: str) -> np.ndarray:
        return self._remembered(self._copy(content).T)

    def _copy(self, name: str) -> np.ndarray:
        """Return an array of its own, writable and aligned; what lies in the file once may be wanted many times."""
        self._n_made += self.arrays[name].size
        fits(self._n_made <= max(_MOST_MADE, _MOST_TIMES * self.limit), "an array is repeated too often")
        return np.array(self.arrays[name])

    def _object(self, content: list[Any]) -> np.ndarray:
        values = np.empty(len(content), dtype=object)
        for k, item in enumerate(content):  # one by one: a list of tuples would become a table
            values[k] = self.unpack(item)
        return values

    def _text(self, content: list[Any]) -> np.ndarray:
        width, words = content
        fits(type(words) is list and all(isinstance(word, str) for word in words), "an array of words holds others")
        fits(type(width) is int and max(map(len, words), default=0) <= width, "words are longer than their array's")
        fits(width * len(words) <= _MOST_MADE, "an array of words is too wide")
        return np.array(words, dtype=f"<U{width}")

    def _again(self, content: int) -> Any:
        fits(type(content) is int and 0 <= content < len(self._numbered), "what is named again was not there")
        return self._numbered[content]

    def _record(self, content: list[Any]) -> Any:
        name, fields = content
        fits(isinstance(name, str) and name in self.forms, f"{described(name)} is no class of a model")
        values = {key: self.unpack(item) for key, item in fields.items()}
        return self._remembered(self.forms[name].rebuilt(values, self.limit))

    def _remembered(self, value: Any) -> Any:
        self._numbered.append(value)
        return value


_LABELS = {kind: from_plain for _, kind, _, from_plain in CONVERTERS}
_READERS: dict[str, Callable[[Unpacker, Any], Any]] = {
    "float": Unpacker._float,
    "scalar": Unpacker._scalar,
    "tuple": Unpacker._tuple,
    "map": Unpacker._map,
    "array": Unpacker._array,
    "transposed": Unpacker._transposed,
    "object": Unpacker._object,
    "text": Unpacker._text,
    "again": Unpacker._again,
    "record": Unpacker._record,
}
