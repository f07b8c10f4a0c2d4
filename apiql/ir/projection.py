"""Projections: what of a result is returned. Shapes the answer, never what references see."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TypeAlias

from apiql.ir.values import Ref, Value, refs

Path: TypeAlias = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Kept:
    """A plain path, kept where it stands: `user.name`."""

    path: Path


@dataclass(frozen=True, slots=True)
class Named:
    """A value under a name of its own: `price * qty as total`, `items[0].sku as first`."""

    name: str
    value: Value


Field: TypeAlias = Kept | Named


@dataclass(frozen=True, slots=True)
class Projection:
    """`everything`: all members but `excluded` and then `fields`; else only `fields`."""

    everything: bool
    excluded: tuple[Path, ...] = ()
    fields: tuple[Field, ...] = ()

    @property
    def is_identity(self) -> bool:
        """The result is returned as it came."""
        return self.everything and not self.excluded and not self.fields

    def values(self) -> Iterator[Value]:
        """The values of the named fields."""
        return (field.value for field in self.fields if isinstance(field, Named))

    def references(self) -> Iterator[Ref]:
        """Every reference in the named fields."""
        for value in self.values():
            yield from refs(value)


EVERYTHING = Projection(everything=True)
