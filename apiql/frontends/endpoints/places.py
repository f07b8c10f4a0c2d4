"""JSON that people write, read with the place of each of its parts. Knows no file and no meaning.

Strict: what stands behind the value, nesting beyond `DEEPEST` and what is no JSON are refused.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import Any

from apiql.errors import ApiqlError, Location

DEEPEST = 64
SHOWN = 60
"""Letters of a value in a message."""

_SPACE = re.compile(r"[ \t\n\r]*")
_STRING = re.compile(r'"(?:[^"\\\x00-\x1f]|\\.)*"')
_NUMBER = re.compile(r"-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?")
_WORDS = {"true": True, "false": False, "null": None}


@dataclass(frozen=True, slots=True)
class Node:
    """A value and where it begins: a scalar, a tuple of nodes, or a tuple of members."""

    value: Any
    at: Location
    path: str

    @property
    def is_object(self) -> bool:
        """Whether it has members."""
        return isinstance(self.value, Members)

    def __str__(self) -> str:
        """The value for a message: short, and printable."""
        if isinstance(self.value, Members):
            return "an object"
        if isinstance(self.value, tuple):
            return "a list"
        text = json.dumps(self.value, ensure_ascii=False)
        line = "".join(c if c.isprintable() else "?" for c in text)
        return line if len(line) <= SHOWN else f"{line[: SHOWN - 1]}…"


@dataclass(frozen=True, slots=True)
class Member:
    """A member of an object: its name as written, where that stands, and its value."""

    name: str
    at: Location
    value: Node


class Members(tuple[Member, ...]):
    """The members of an object in their order; names may stand twice."""


class NoJson(ApiqlError):
    """A text that is no JSON, and where that is seen."""

    def __init__(self, message: str, at: Location) -> None:
        super().__init__(message)
        self.message = message
        self.at = at


def read_places(text: str) -> Node:
    """The value of a text.

    Raises:
        NoJson: it is none.
    """
    reader = _Reader(text)
    found, end = reader.value(reader.behind_space(0), "$", 0)
    end = reader.behind_space(end)
    if end != len(text):
        raise reader.refusal("nothing may stand behind the value", end)
    return found


class _Reader:
    """One text; every method begins at an offset and tells where it has ended."""

    def __init__(self, text: str) -> None:
        self._text = text

    def value(self, at: int, path: str, depth: int) -> tuple[Node, int]:
        first = self._text[at : at + 1]
        if depth > DEEPEST:
            raise self.refusal(f"it nests deeper than {DEEPEST}", at)
        value: Any
        match first:
            case "{":
                value, end = self._members(at, path, depth)
            case "[":
                value, end = self._items(at, path, depth)
            case '"':
                value, end = self._string(at)
            case _:
                value, end = self._word(at)
        return Node(value, self._place(at), path), end

    def _members(self, at: int, path: str, depth: int) -> tuple[Members, int]:
        found: list[Member] = []
        end = self.behind_space(at + 1)
        while self._text[end : end + 1] != "}" or found:
            if self._text[end : end + 1] != '"':
                raise self.refusal("expected the name of a member in double quotes", end)
            begin = end
            name, end = self._string(begin)
            end = self._past(":", end)
            value, end = self.value(end, f"{path}.{name}", depth + 1)
            found.append(Member(name, self._place(begin), value))
            if self._text[(end := self.behind_space(end)) : end + 1] != ",":
                break
            end = self.behind_space(end + 1)
        return Members(found), self._past("}", end, " or ,", space=False)

    def _items(self, at: int, path: str, depth: int) -> tuple[tuple[Node, ...], int]:
        found: list[Node] = []
        end = self.behind_space(at + 1)
        while self._text[end : end + 1] != "]" or found:
            value, end = self.value(end, f"{path}[{len(found)}]", depth + 1)
            found.append(value)
            if self._text[(end := self.behind_space(end)) : end + 1] != ",":
                break
            end = self.behind_space(end + 1)
        return tuple(found), self._past("]", end, " or ,", space=False)

    def _string(self, at: int) -> tuple[str, int]:
        found = _STRING.match(self._text, at)
        if found is None:
            raise self.refusal("the text in double quotes has no end in this line", at)
        try:
            value: str = json.loads(found[0])
        except ValueError:
            raise self.refusal("the text holds an escape that there is not", at) from None
        return value, found.end()

    def _word(self, at: int) -> tuple[Any, int]:
        for word, value in _WORDS.items():
            if self._text.startswith(word, at):
                return value, at + len(word)
        number = _NUMBER.match(self._text, at)
        if number is None:
            raise self.refusal("expected a value: an object, a list, a text in double quotes…", at)
        digits = number[0]
        return (
            int(digits) if digits.isdigit() and len(digits) < 19 else float(digits)
        ), number.end()

    def _past(self, mark: str, at: int, more: str = "", space: bool = True) -> int:
        """Behind a mark that must stand here."""
        at = self.behind_space(at)
        if self._text[at : at + 1] != mark:
            raise self.refusal(f"expected {mark}{more}", at)
        return self.behind_space(at + 1) if space else at + 1

    def behind_space(self, at: int) -> int:
        found = _SPACE.match(self._text, at)
        return at if found is None else found.end()

    def _place(self, at: int) -> Location:
        line = self._text.count("\n", 0, at) + 1
        return Location(line, at - self._text.rfind("\n", 0, at))

    def refusal(self, message: str, at: int) -> NoJson:
        return NoJson(message, self._place(at))
