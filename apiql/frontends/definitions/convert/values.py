"""What a definition sends and answers, as values that a text can have, and how they are written.

Knows no definition.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

Path: TypeAlias = tuple[str | int, ...]

_PLAIN = re.compile(r"[^\W\d]\w*")
_WORDS = frozenset({"not", "true", "false", "null"})
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]")
TEXTS = frozenset({"string", "concat", "md5", "json", "coalesce"})
"""The functions that make texts."""


@dataclass(frozen=True, slots=True)
class Fixed:
    """A scalar as it is."""

    value: Any


@dataclass(frozen=True, slots=True)
class Asked:
    """A parameter of the request, or what is at a path of it: the empty text where that may lack
    and does.
    """

    name: str
    path: Path = ()
    may_lack: bool = False


@dataclass(frozen=True, slots=True)
class Result:
    """The result of a select, or what is at a path of it."""

    name: str
    path: Path = ()


@dataclass(frozen=True, slots=True)
class Applied:
    """What a function makes."""

    function: str
    given: tuple[Value, ...] = ()


@dataclass(frozen=True, slots=True)
class Header:
    """A header of the request; the empty text where it has none."""

    name: str


@dataclass(frozen=True, slots=True)
class Members:
    """An object that is put together."""

    members: Mapping[str, Value]


@dataclass(frozen=True, slots=True)
class Elements:
    """A list that is put together."""

    elements: tuple[Value, ...]


@dataclass(frozen=True, slots=True)
class Hidden:
    """A private value, by its full name: settings may name it, texts may not."""

    name: str


@dataclass(frozen=True, slots=True)
class Nothing:
    """What has no equivalent; why has been told."""


Value: TypeAlias = Fixed | Asked | Result | Applied | Header | Members | Elements | Hidden | Nothing


def as_text(value: Value) -> Value:
    """The value as a text: what a template makes of it."""
    match value:
        case Fixed(str()) | Header() | Hidden() | Nothing():
            return value
        case Fixed(bool() as flag):
            return Fixed("true" if flag else "false")
        case Fixed(number):
            return Fixed(str(number))
        case Applied(function) if function in TEXTS:
            return value
        case Members() | Elements():
            return Applied("json", (value,))
        case _:
            return Applied("string", (value,))


def bare(value: Value) -> Value:
    """The value where everything becomes a text by itself."""
    return value.given[0] if isinstance(value, Applied) and value.function == "string" else value


def inside(value: Value, path: Path) -> Value | None:
    """What is at a path of the value, if that can be seen."""
    match value:
        case _ if not path:
            return value
        case Result(name, before):
            return Result(name, before + path)
        case Asked(name, before, may_lack):
            return Asked(name, before + path, may_lack)
        case Members(members) if path[0] in members:
            return inside(members[str(path[0])], path[1:])
        case Elements(elements) if isinstance(path[0], int) and path[0] < len(elements):
            return inside(elements[path[0]], path[1:])
        case Nothing():
            return value
        case _:
            return None


def parts(value: Value) -> Iterator[Value]:
    """The value and all values in it."""
    yield value
    match value:
        case Applied(given=inner) | Elements(inner):
            for each in inner:
                yield from parts(each)
        case Members(members):
            for each in members.values():
                yield from parts(each)


def written(value: Value) -> str:
    """The value as a text has it."""
    match value:
        case Fixed(scalar):
            return _scalar(scalar)
        case Asked(name, (_, *_) as path, True):
            return f"coalesce(${name}{path_text(path)}?, '')"
        case Asked(name, path):
            return f"${name}{path_text(path)}"
        case Result(name, path):
            return f"{name_text(name)}{path_text(path)}"
        case Header(name):
            return f"coalesce(header({quoted(name)})?, '')"
        case Applied(function, given):
            return f"{function}({', '.join(map(written, given))})"
        case Members(members):
            return _object(members)
        case Elements(elements):
            return f"[{', '.join(map(written, elements))}]"
        case Hidden() | Nothing():
            return "null"


def _object(members: Mapping[str, Value]) -> str:
    inner = (f"{json.dumps(k, ensure_ascii=False)}: {written(v)}" for k, v in members.items())
    return "{" + ", ".join(inner) + "}"


def _scalar(value: Any) -> str:
    return quoted(value) if isinstance(value, str) else json.dumps(value, default=str).strip('"')


def quoted(text: str) -> str:
    """A text in quotes."""
    if _CONTROL.search(text):
        return json.dumps(text)
    return "'" + text.replace("'", "''") + "'"


def is_plain(name: str) -> bool:
    """Whether a name needs no quotes."""
    return _PLAIN.fullmatch(name) is not None and name.lower() not in _WORDS


def as_word(name: str) -> str:
    """A name that is a plain word, as like the given one as can be."""
    word = "".join(letter if letter.isalnum() else "_" for letter in name)
    return word if is_plain(word) else f"x_{word}"


def name_text(name: str) -> str:
    """A name, in quotes where it is no plain word."""
    return name if is_plain(name) else json.dumps(name, ensure_ascii=False)


def path_text(path: Path) -> str:
    """A path behind what it is of."""
    return "".join(f"[{step}]" if isinstance(step, int) else _member(step) for step in path)


def _member(name: str) -> str:
    return f".{name}" if _PLAIN.fullmatch(name) else f"[{quoted(name)}]"
