"""The text of a file -> nodes, with their places in the text as its author wrote it: before values
of the environment were put in. Knows no model.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

from apiql.errors import Location
from apiql.frontends.endpoints.places import Member, Members, Node, NoJson, read_places
from apiql.frontends.endpoints.problems import EndpointProblem, Severity, quoted
from apiql.frontends.endpoints.substitution import NAME, Lines, Substituted, substituted

Keys: TypeAlias = tuple[str | int, ...]
"""The way from the root of a file to a part of it: names of members, indexes of lists."""

_PLAIN = re.compile(r"[^\W\d]\w*")
_TOKEN = re.compile(r'"(?:[^"\\]|\\.)*"|[^\s,\]}]+')
_SURROGATE = re.compile("[\ud800-\udfff]")


@dataclass(frozen=True, slots=True, eq=False)
class Source:
    """A file that was read: its nodes, and where they stand in the text as written."""

    file: str
    root: Node
    text: Substituted
    inside: Lines
    outside: Lines

    def place(self, at: Location) -> Location:
        """Where something of the text with values stands in the text as written."""
        return self.outside.location(self.text.origin(self.inside.offset(at)))

    def written(self, at: Location) -> str:
        """What the author wrote at a place: a name of the environment, never its value."""
        found = _TOKEN.match(self.text.written, self.text.origin(self.inside.offset(at)))
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
        """What is wrong at a spot."""
        at = self.place(spot.at)
        return EndpointProblem(self.file, wrong, severity, at, spot.path, expected, nearest)


@dataclass(frozen=True, slots=True)
class Spot:
    """A part of a file: its JSON path, its place in the text with values, its value."""

    path: str
    at: Location
    value: Any


def source_of(text: str, file: str, values: Mapping[str, str]) -> Source | EndpointProblem:
    """The nodes of a text, or why it is no JSON."""
    with_values = substituted(text, values)
    inside, outside = Lines(with_values.text), Lines(text)
    mark = text.startswith("\ufeff")
    try:
        root = Node(None, Location(1, 1), "$") if mark else read_places(with_values.text)
        source = Source(file, root, with_values, inside, outside)
        if not mark and not _half_a_pair(root):
            return source
        wrong = "a byte order mark stands first" if mark else "half of a surrogate pair"
        refused = NoJson(wrong, Location(1, 1))
    except NoJson as broken:
        refused = broken
    origin = with_values.origin(inside.offset(refused.at))
    name = NAME.match(text, origin)
    wrong, expected = f"this is no JSON: {refused.message}", None
    if name is not None and not values.get(name[0][1:]):
        wrong, expected = f"the environment has no value for {name[0]}", "a value, or JSON"
    return EndpointProblem(file, wrong, at=outside.location(origin), expected=expected)


def spot_of(node: Node, keys: Keys) -> Spot:
    """Of the part that stands at the keys, else of the nearest one around it."""
    path, at = "$", node.at
    for key in keys:
        found = _inside(node, key)
        if found is None:
            break
        node, at = found
        path += step(key)
    return Spot(path, at, node.value)


def name_spot(node: Node, keys: Keys) -> Spot:
    """Of the name of a member, for what is wrong with the name."""
    around = spot_of(node, keys[:-1])
    for member in around.value if isinstance(around.value, Members) else ():
        if member.name == keys[-1]:
            return Spot(around.path + step(member.name), member.at, member.name)
    return spot_of(node, keys)


def step(key: str | int) -> str:
    """One step of a JSON path: `.endpoints`, `[2]`, `["a b"]`."""
    if isinstance(key, int):
        return f"[{key}]"
    return f".{key}" if _PLAIN.fullmatch(key) else f"[{quoted(key)}]"


def plain(node: Node) -> Any:
    """The value alone: dicts, lists and scalars."""
    match node.value:
        case Members() as members:
            return {member.name: plain(member.value) for member in members}
        case tuple() as elements:
            return [plain(element) for element in elements]
        case value:
            return value


def members_of(node: Node) -> Iterator[tuple[Keys, Member]]:
    """All members at any depth, with their keys from here."""
    match node.value:
        case Members() as members:
            for member in members:
                yield (member.name,), member
                for keys, inner in members_of(member.value):
                    yield (member.name, *keys), inner
        case tuple() as elements:
            for index, element in enumerate(elements):
                for keys, inner in members_of(element):
                    yield (index, *keys), inner


def _inside(node: Node, key: str | int) -> tuple[Node, Location] | None:
    value = node.value
    if isinstance(value, Members):
        for member in reversed(value):
            if member.name == key:
                return member.value, member.value.at
    elif isinstance(value, tuple) and isinstance(key, int) and key < len(value):
        return value[key], value[key].at
    return None


def _half_a_pair(node: Node) -> bool:
    match node.value:
        case Members() as members:
            return any(_SURROGATE.search(m.name) or _half_a_pair(m.value) for m in members)
        case tuple() as elements:
            return any(map(_half_a_pair, elements))
        case value:
            return isinstance(value, str) and bool(_SURROGATE.search(value))
