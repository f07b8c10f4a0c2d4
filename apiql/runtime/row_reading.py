"""The rows of a list: their bytes as they came, and what clauses read of them decoded.

Knows nothing of what the clauses do with rows.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from msgspec import UNSET, Raw
from msgspec.json import Decoder
from msgspec.structs import astuple

from apiql.ir.grouping import row_names
from apiql.ir.values import RowRoot, Value, refs, static_names
from apiql.runtime import walk
from apiql.runtime.decode import (
    Undecodable,
    as_elements,
    as_members,
    as_raw,
    decoding,
    exact,
    has_struct,
    struct_of,
)
from apiql.runtime.json_values import Json
from apiql.runtime.outcome import MISSING
from apiql.runtime.row_list import NULL, Names, NotRows, kind_of, place_of
from apiql.runtime.scope import Evaluate, Scope
from apiql.runtime.shape import LIST, OBJECT, Row


@dataclass(slots=True)
class Fields:
    """Values that expressions read as the fields of a row."""

    values: Sequence[Any]
    places: Mapping[str, int]

    def read(self, names: Names) -> Json:
        """The value at a path of fields; null where there is nothing."""
        place = self.places.get(names[0])
        value = UNSET if place is None else self.values[place]
        if value is UNSET:
            return None
        if len(names) == 1:
            return value
        found = walk.by_names(value, names[1:])
        return None if found is MISSING else found


@dataclass(slots=True)
class Entry:
    """A row: its JSON, and what expressions read of it."""

    json: bytes | Raw
    row: Fields | Row | None = None


ReadRows = Callable[[bytes, list[Raw]], list[Entry]]
"""From a list of objects and its elements to the rows."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a clause wants of the result that stands at some names."""

    clause: str
    of_objects: bool
    at: Names

    def elements(self, data: bytes) -> list[Raw] | None:
        """The elements of the list; None for null. NotRows for all else."""
        first = data.lstrip()[:1]
        if first == LIST:
            elements: list[Raw] = as_elements(data)
            return elements
        if bytes(as_raw(data)).strip() == NULL:
            return None
        what = "a list of objects" if self.of_objects else "a list"
        hint = "say where the list is: rows data.items" if first == OBJECT else None
        where = f" at {place_of(self.at)}" if self.at else ""
        raise NotRows(f"`{self.clause}` wants {what}, got {kind_of(data)}{where}", hint)

    def entries(self, data: bytes, elements: list[Raw], read: ReadRows) -> list[Entry]:
        """The rows. NotRows where one is no object and should be."""
        if not self.of_objects:
            return [Entry(item) for item in elements]
        try:
            return read(data, elements)
        except Undecodable:
            self._refuse_others(elements)
            raise

    def _refuse_others(self, elements: list[Raw]) -> None:
        for number, item in enumerate(elements):
            if bytes(item)[:1] != OBJECT:
                where = f"{'.'.join(self.at)}[{number}]"
                what = f"got {kind_of(item)} at {where}"
                raise NotRows(f"`{self.clause}` wants a list of objects, {what}")


def compile_reader_of_rows(values: Iterable[Value]) -> ReadRows:
    """The reader of rows for what these values read: only the members they name are decoded."""
    wanted = tuple(values)
    fields = [ref for value in wanted for ref in refs(value) if isinstance(ref.root, RowRoot)]
    names = sorted(row_names(wanted))
    tree = dict.fromkeys(names)
    if any(not static_names(ref) for ref in fields) or not has_struct(tree):
        return lambda data, elements: [Entry(item, Row(as_members(item))) for item in elements]
    kind: Any = struct_of(tree, Any)
    decode = decoding(Decoder(list[kind], float_hook=exact).decode)
    places = {name: place for place, name in enumerate(names)}

    def read(data: bytes, elements: list[Raw]) -> list[Entry]:
        rows = [Fields(astuple(row), places) for row in decode(data)]
        return [Entry(item, row) for item, row in zip(elements, rows, strict=True)]

    return read


def values_of(evaluate: Evaluate, entries: Iterable[Entry], scope: Scope) -> list[Json]:
    """What a value is in each row; null where it is missing."""
    found: list[Json] = []
    for entry in entries:
        scope.row = entry.row
        value = evaluate(scope)
        found.append(None if value is MISSING else value)
    return found
