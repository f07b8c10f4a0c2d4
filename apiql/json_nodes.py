"""JSON with the place of each of its parts: what the reader makes. Knows no file and no meaning."""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Callable, Iterable, Iterator, Sequence
from decimal import Decimal
from itertools import islice
from typing import Any, NamedTuple, TypeAlias

from apiql.errors import Location, nearest

Keys: TypeAlias = tuple[str | int, ...]
"""The way from the root of a document to a part of it: names of members, indexes of lists."""

SHOWN = 60
"""Characters of a value in a message."""

MOST_COMPARED = 1000
"""Names that a mistaken one is compared with."""

_PLAIN = re.compile(r"[^\W\d]\w*")
_BREAK = re.compile(r"\r\n|\r|\n")
_LETTER = re.compile(r"\\u[dD][89abAB].{2}\\u.{4}|\\u.{4}|\\.|[^\\]", re.S)


class Node(NamedTuple):
    """A value (None, bool, int, Decimal, str, a tuple of nodes or `Members`) and its offset."""

    value: Any
    start: int


class Member(NamedTuple):
    """A member of an object: `name` as the models have it, `spelled` as the file has it."""

    name: str
    spelled: str
    start: int
    node: Node


class Members(tuple[Member, ...]):
    """The members of an object in their order; a name may stand there twice."""

    __slots__ = ()

    def last(self, name: str) -> Member | None:
        """The member that counts where a name stands several times."""
        return next((m for m in reversed(self) if m.name == name), None)


class Spot(NamedTuple):
    """Where a part stands: its offsets, and its JSON path as the file spells it.

    `key` is the offset of the member's name, that of the value where it has none.
    """

    path: str
    value: int
    key: int


def plain(node: Node, scalar: Callable[[Any], Any] | None = None) -> Any:
    """The value alone: dicts, lists and scalars, which `scalar` may make others of."""
    match node.value:
        case Members() as members:
            return {member.name: plain(member.node, scalar) for member in members}
        case tuple() as elements:
            return [plain(element, scalar) for element in elements]
        case value:
            return value if scalar is None else scalar(value)


def spot(root: Node, keys: Sequence[str | int]) -> Spot:
    """Of the part that stands at the keys, else of the nearest one around it."""
    return part_at(root, keys)[0]


def part_at(root: Node, keys: Sequence[str | int]) -> tuple[Spot, Node]:
    """The part that stands at the keys, else the nearest one around it, and where it stands."""
    found = Spot("$", root.start, root.start)
    for key in keys:
        inner = _inside(root, key)
        if inner is None:
            break
        spelled, start, root = inner
        found = Spot(found.path + step(spelled), root.start, root.start if start is None else start)
    return found, root


def _inside(node: Node, key: str | int) -> tuple[str | int, int | None, Node] | None:
    value = node.value
    if isinstance(value, Members):
        member = value.last(key) if isinstance(key, str) else None
        return member and (member.spelled, member.start, member.node)
    if isinstance(value, tuple) and isinstance(key, int) and key < len(value):
        return key, None, value[key]
    return None


def step(key: str | int) -> str:
    """One step of a JSON path: `.steps`, `[2]`, `["a b"]`."""
    if isinstance(key, int):
        return f"[{key}]"
    return f".{key}" if _PLAIN.fullmatch(key) else f"[{quoted(key)}]"


def quoted(text: str) -> str:
    """A text for messages: in quotes, on one line, not too long."""
    line = "".join(c if c.isprintable() else "?" for c in text[: SHOWN + 1])
    mark = "'" if '"' in line else '"'
    return f"{mark}{line if len(line) <= SHOWN else line[: SHOWN - 1] + '…'}{mark}"


def meant(word: str, known: Iterable[str]) -> str | None:
    """The known word most like a mistaken one, in whatever case it is written."""
    folded = {name.casefold(): name for name in islice(known, MOST_COMPARED)}
    return folded.get(nearest(word.casefold(), folded) or "")


def a_kind(value: Any) -> str:
    """The kind of a value with its article, for values and for nodes' ones."""
    match value:
        case None:
            return "null"
        case bool():
            return "a boolean"
        case int() | Decimal():
            return "a number"
        case str():
            return "a text"
        case dict() | Members():
            return "an object"
        case _:
            return "a list"


def shown(value: Any) -> str:
    """A value for messages: a scalar as it is written, else its kind."""
    match value:
        case bool():
            return "true" if value else "false"
        case int() | Decimal():
            digits = str(value)
            return digits if len(digits) <= SHOWN else f"{digits[: SHOWN - 1]}…"
        case str():
            return quoted(value)
        case _:
            return a_kind(value)


class Lines:
    """The beginnings of the lines of a text, for offsets that become lines and columns."""

    __slots__ = ("_starts",)

    def __init__(self, text: str) -> None:
        self._starts = [0, *(found.end() for found in _BREAK.finditer(text))]

    def location(self, offset: int) -> Location:
        """The line and the column (both from 1, in characters) of an offset."""
        line = bisect_right(self._starts, offset)
        return Location(line, offset - self._starts[line - 1] + 1)

    def offset(self, at: Location) -> int:
        """The offset of a line and a column; of the end where there is no such line."""
        line = min(max(at.line, 1), len(self._starts))
        return self._starts[line - 1] + max(at.column, 1) - 1


def letter(text: str, start: int, index: int) -> int:
    """The offset of a letter of the JSON text that begins at `start`, whatever is escaped in it."""
    return next((at for count, at in enumerate(_letters(text, start)) if count == index), start)


def _letters(text: str, start: int) -> Iterator[int]:
    at = start + 1
    while (found := _LETTER.match(text, at)) is not None:
        yield at
        if found[0] == '"':
            return
        at = found.end()
