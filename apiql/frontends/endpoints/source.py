"""The text of a file -> nodes, with their places in the text as its author wrote it: before values
of the environment were put in. Knows no model.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from apiql import json_nodes
from apiql.errors import Location
from apiql.frontends.endpoints.problems import EndpointProblem, Severity
from apiql.frontends.endpoints.substitution import NAME, Substituted, substituted
from apiql.json_nodes import Keys, Lines, Member, Members, Node, part_at, step
from apiql.json_text import NoJson, read_json

__all__ = [
    "Keys", "Source", "Spot", "members_of", "name_spot", "plain", "scalar", "source_of", "spot_of",
]  # fmt: skip
BIG = 10**18
"""Integers from here on are floats."""
_TOKEN = re.compile(r'"(?:[^"\\]++|\\.)*+"|[^\s,\]}]++')
_QUOTED = re.compile(r"""(["'])(.*)\1""")
"""What a message shows of a text."""


@dataclass(frozen=True, slots=True, eq=False)
class Source:
    """A file that was read: its nodes, and where they stand in the text as written."""

    file: str
    root: Node
    text: Substituted
    outside: Lines

    def place(self, at: int) -> Location:
        """Where something at an offset of the text with values stands in the text as written."""
        return self.outside.location(self.text.origin(at))

    def written(self, at: int) -> str:
        """What the author wrote there: a name of the environment, never its value."""
        found = _TOKEN.match(self.text.written, self.text.origin(at))
        return "" if found is None else found[0]

    def spelled(self, keys: Keys, spellings: tuple[str, ...]) -> str:
        """The spelling of a member that the object at the keys has; else the first."""
        around = spot_of(self.root, keys).value
        names = {m.name for m in around} if isinstance(around, Members) else set()
        return next((name for name in spellings if name in names), spellings[0])

    def problem(
        self,
        spot: Spot,
        wrong: str,
        expected: str | None = None,
        nearest: str | None = None,
        severity: Severity = Severity.ERROR,
    ) -> EndpointProblem:
        """What is wrong at a spot. Names are told as the author wrote them, where the environment
        had a part in them.
        """
        at, told = self.place(spot.at), self.text.as_written
        return EndpointProblem(
            self.file, told(wrong), severity, at, told(spot.path),
            None if expected is None else told(expected),
            None if nearest is None else told(nearest),
        )  # fmt: skip


@dataclass(frozen=True, slots=True)
class Spot:
    """A part of a file: its JSON path, its offset in the text with values, its value."""

    path: str
    at: int
    value: Any


def source_of(text: str, file: str, values: Mapping[str, str]) -> Source | EndpointProblem:
    """The nodes of a text, or why it is no JSON."""
    made, outside = substituted(text, values), Lines(text)
    try:
        return Source(file, read_json(made.text), made, outside)
    except NoJson as broken:
        refused = broken
    origin = made.origin(refused.at)
    at, name = outside.location(origin), NAME.match(text, origin)
    if name is not None and not values.get(name[0][1:]):
        wrong = f"the environment has no value for {name[0]}"
        return EndpointProblem(file, wrong, at=at, expected="a value, or JSON")
    hides = made.is_value(refused.at) and _QUOTED.search(refused.wrong)
    is_told = not hides and _is_as_written(refused.wrong, made)
    wrong = f"this is no JSON: {refused.wrong}" if is_told else "this is no JSON"
    expected = refused.expected if _is_as_written(refused.expected, made) else None
    return EndpointProblem(file, wrong, at=at, expected=expected)


def _is_as_written(message: str, text: Substituted) -> bool:
    """Whether what a message quotes stands in the file, and not in a value of the environment."""
    shown = (found[2].rstrip("…") for found in _QUOTED.finditer(message))
    return not text.pieces or all(part in text.written for part in shown)


def spot_of(node: Node, keys: Keys) -> Spot:
    """Of the part that stands at the keys, else of the nearest one around it."""
    found, part = part_at(node, keys)
    return Spot(found.path, found.value, part.value)


def name_spot(node: Node, keys: Keys) -> Spot:
    """Of the name of a member, for what is wrong with the name."""
    around = spot_of(node, keys[:-1])
    for member in around.value if isinstance(around.value, Members) else ():
        if member.name == keys[-1]:
            return Spot(around.path + step(member.name), member.start, member.name)
    return spot_of(node, keys)


def plain(node: Node) -> Any:
    """The value alone: dicts, lists and scalars, numbers as Python has them."""
    return json_nodes.plain(node, scalar)


def scalar(value: Any) -> Any:
    """A number as a float where it is no usual integer; what else stands there as it is."""
    is_usual = not isinstance(value, int | Decimal) or (isinstance(value, int) and abs(value) < BIG)
    return value if is_usual else float(str(value))


def members_of(node: Node) -> Iterator[tuple[Keys, Member]]:
    """All members at any depth, with their keys from here."""
    match node.value:
        case Members() as members:
            for member in members:
                yield (member.name,), member
                for keys, inner in members_of(member.node):
                    yield (member.name, *keys), inner
        case tuple() as elements:
            for index, element in enumerate(elements):
                for keys, inner in members_of(element):
                    yield (index, *keys), inner
