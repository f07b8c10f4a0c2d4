"""Values as Go's templates see them: JSON of the runtime under a view that says how Go types its
numbers. A view costs nothing until one of its members is read. Knows no syntax.

Inside the evaluator a Go int is an int, a float64 a float, a json.Number a `Number`; strings, bools
and nil are themselves, what is not there at all is MISSING, lists and maps are views.
"""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from enum import Enum
from typing import Any, Final, TypeAlias

from msgspec import Struct

Json: TypeAlias = Any
Value: TypeAlias = Any


class Kind(Enum):
    """What Go makes of the numbers of a JSON value, and the zero value of a map made of them."""

    FLOAT = "float64"
    NUMBER = "json.Number"
    INT = "int"
    TEXT = "string"


class Number(str):
    """Go's json.Number: a number as a kind of string, written as the upstream wrote it."""

    __slots__ = ()


class GoInt(int):
    """An int in Go wherever it stands, whatever the kind of the value around it."""

    __slots__ = ()


class Missing(Enum):
    """Go's zero reflect.Value: fields of it are missing as well, while those of nil are errors."""

    MISSING = "missing"


MISSING: Final = Missing.MISSING


class Data(Struct, frozen=True):
    """What a template is carried out over: JSON, the kind of its numbers, and the kinds of those
    members of the root that have another one (`{"origin": Kind.FLOAT, "loop": Kind.INT}`).
    """

    value: Json
    numbers: Kind = Kind.NUMBER
    named: Mapping[str, Kind] = {}


class MapView:
    """A JSON object as Go's map."""

    __slots__ = ("kind", "raw")

    def __init__(self, raw: dict[str, Json], kind: Kind) -> None:
        self.raw = raw
        self.kind = kind

    def kind_of(self, name: str) -> Kind:
        """The kind of the numbers below a member."""
        return self.kind


class RootView(MapView):
    """The root, whose members have kinds of their own."""

    __slots__ = ("named",)

    def __init__(self, raw: dict[str, Json], kind: Kind, named: Mapping[str, Kind]) -> None:
        self.raw = raw
        self.kind = kind
        self.named = named

    def kind_of(self, name: str) -> Kind:
        """The kind of the numbers below a member."""
        return self.named.get(name, self.kind)


class ListView:
    """A JSON array as Go's slice."""

    __slots__ = ("kind", "raw")

    def __init__(self, raw: list[Json], kind: Kind) -> None:
        self.raw = raw
        self.kind = kind


def root_of(data: Data) -> Value:
    """The value that `.` and `$` are at the start."""
    if type(data.value) is dict:
        return RootView(data.value, data.numbers, data.named)
    return seen(data.value, data.numbers)


def seen(raw: Json, kind: Kind) -> Value:
    """A JSON value as Go sees it."""
    shape = type(raw)
    if shape is str or raw is None or shape is bool or raw is MISSING:
        return raw
    if shape is dict:
        return MapView(raw, kind)
    if shape is list:
        return ListView(raw, kind)
    if shape is int or shape is Decimal:
        return _number(raw, kind)
    return int(raw) if shape is GoInt else raw


def _number(raw: int | Decimal, kind: Kind) -> Value:
    if kind is Kind.FLOAT:
        try:
            return float(raw)
        except OverflowError:
            return float("inf") if raw > 0 else float("-inf")
    if kind is Kind.NUMBER:
        return Number(_digits(raw))
    return int(raw) if kind is Kind.INT else _digits(raw)


def _digits(raw: int | Decimal) -> str:
    if isinstance(raw, Decimal):
        return str(raw).replace("E", "e")
    try:
        return str(raw)
    except ValueError:  # more digits than Python spells
        return f"{Decimal(raw):f}"


def type_name(value: Value) -> str:
    """Go's name for the type."""
    match value:
        case None | Missing.MISSING:
            return "nil"
        case bool():
            return "bool"
        case int():
            return "int"
        case float():
            return "float64"
        case Number():
            return "json.Number"
        case str():
            return "string"
        case MapView():
            return f"map[string]{_element(value.kind)}"
        case _:
            return f"[]{_element(value.kind)}"


def _element(kind: Kind) -> str:
    return kind.value if kind in (Kind.INT, Kind.TEXT) else "interface {}"


def is_true(value: Value) -> bool:
    """Go's truth: false, 0, "", nil and what is empty or missing are false."""
    if isinstance(value, MapView | ListView):
        return bool(value.raw)
    return value is not MISSING and bool(value)


def member(value: Value, name: str) -> Value:
    """A member of a map; MISSING if there is none. For values that are maps or MISSING."""
    if isinstance(value, MapView):
        return seen(value.raw.get(name, MISSING), value.kind_of(name))
    return MISSING


def no_field(value: Value, name: str, typed: bool = False) -> str:
    """Why a value has no such field; `typed` where Go knows more of it than interface {}."""
    if value is None:
        return f"nil pointer evaluating interface {{}}.{name}"
    kind = type_name(value) if typed else "interface {}"
    return f"can't evaluate field {name} in type {kind}"


def byte_length(text: str) -> int:
    """The bytes of a text in UTF-8."""
    return len(text) if text.isascii() else len(text.encode("utf-8", "replace"))
