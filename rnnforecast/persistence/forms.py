"""The form of a record in a file: its class, its fields with their kinds, and how it is taken apart and built."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from rnnforecast.persistence.kinds import Kind, UnfitError


def bare(kind: type, fields: Mapping[str, Any]) -> Any:
    """Return an object of a class with these attributes, as a pickle would: its constructor learns from data."""
    built: Any = object.__new__(kind)
    built.__dict__.update(fields)
    return built


def made(kind: type, fields: Mapping[str, Any]) -> Any:
    """Return what the constructor makes of these arguments."""
    return kind(**fields)


def attributes(value: Any, fields: Mapping[str, Kind]) -> dict[str, Any]:
    """Take an object apart into the attributes that are called like its fields."""
    return {name: getattr(value, name) for name in fields}


@dataclass(frozen=True)
class Form:
    """How the objects of a class are kept.

    Parameters
    ----------
    kind : class
        The very class of the objects, and of what is built.
    fields : dict of str to Kind
        Nothing else can be part of one.
    build : callable
        ``build(kind, fields) -> object``.
    take : callable
        ``take(object, fields) -> values by name``.
    law : callable or None
        ``law(object)`` raises `UnfitError` where fields do not belong together.
    cost : callable or None
        ``cost(fields)`` is about how many numbers `build` makes; a file holds as many, or lies.
    optional : tuple of str
        Fields that an object may lack.
    """

    kind: type
    fields: Mapping[str, Kind]
    build: Callable[[type, Mapping[str, Any]], Any] = made
    take: Callable[[Any, Mapping[str, Kind]], dict[str, Any]] = attributes
    law: Callable[[Any], None] | None = None
    cost: Callable[[Mapping[str, Any]], int] | None = None
    optional: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        """What the class is called in a file."""
        return self.kind.__name__

    def rebuilt(self, values: Mapping[str, Any], limit: int) -> Any:
        """Build an object of values that come from a file.

        Parameters
        ----------
        values : dict
        limit : int
            How many numbers the file holds.

        Raises
        ------
        UnfitError
            Other fields, other kinds, too large, or not belonging together.
        """
        strange, absent = values.keys() - self.fields.keys(), self.fields.keys() - values.keys() - set(self.optional)
        if strange or absent:
            wrong = (
                f"no field {sorted(strange)[0]!r}" if strange else f"a field {sorted(absent)[0]!r}, which is missing"
            )
            raise UnfitError(f"a {self.name} has {wrong}")
        for name, value in values.items():
            self.fields[name].require(value, f"{name} of a {self.name}")
        if self.cost is not None and self.cost(values) > limit:
            raise UnfitError(f"a {self.name} is larger than the file")
        built = self.build(self.kind, values)
        if self.law is not None:
            self.law(built)
        return built
