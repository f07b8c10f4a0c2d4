"""JSON as it is written: digits and the order of members count. Knows nothing of cases."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

WIDTH = 96


@dataclass(frozen=True)
class Digits:
    """A number by its text: 1.50 is not 1.5."""

    text: str


class Members(dict[str, Any]):
    """An object; `order` is that of its members."""

    @property
    def order(self) -> list[str]:
        """The names as they stand."""
        return list(self)


def parse(text: str | bytes) -> Any:
    """A JSON text, numbers as `Digits`, objects as `Members`; ValueError for all that is none."""
    return json.loads(
        text,
        parse_int=Digits,
        parse_float=Digits,
        parse_constant=_refuse,
        object_pairs_hook=_members,
    )


def same(one: Any, other: Any, *, ordered: bool) -> bool:
    """Whether two parsed texts are equal; `ordered`: the order of members counts too."""
    match one, other:
        case Members(), Members():
            if one.keys() != other.keys() or (ordered and one.order != other.order):
                return False
            return all(same(one[name], other[name], ordered=ordered) for name in one)
        case list(), list():
            pairs = zip(one, other, strict=False)
            return len(one) == len(other) and all(same(a, b, ordered=ordered) for a, b in pairs)
        case _:
            return type(one) is type(other) and bool(one == other)


def render(value: Any, indent: int = 0, room: int = WIDTH) -> str:
    """A parsed text for people: on one line where it fits, else a member a line."""
    line = _line(value)
    if indent + len(line) <= room or not isinstance(value, Members | list) or not value:
        return line
    pad = " " * (indent + 2)
    if isinstance(value, list):
        inner = [pad + render(item, indent + 2, room - 1) for item in value]
        return "[\n" + ",\n".join(inner) + f"\n{' ' * indent}]"
    inner = []
    for name, member in value.items():
        head = f"{pad}{_line(name)}: "
        shown = render(member, indent + 2, room - len(head) + indent + 1)
        inner.append(head + shown)
    return "{\n" + ",\n".join(inner) + f"\n{' ' * indent}}}"


def _line(value: Any) -> str:
    match value:
        case Digits(text):
            return text
        case dict():
            inner = ", ".join(f"{_line(name)}: {_line(member)}" for name, member in value.items())
            return "{" + inner + "}"
        case list():
            return "[" + ", ".join(_line(item) for item in value) + "]"
        case _:
            return json.dumps(value, ensure_ascii=False)


def _members(pairs: list[tuple[str, Any]]) -> Members:
    found = Members(pairs)
    if len(found) != len(pairs):
        raise ValueError("an object has two members of one name")
    return found


def _refuse(word: str) -> Any:
    raise ValueError(f"{word} is no JSON")
