"""Which generation a folder is, and a file where both may stand side by side."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from enum import StrEnum
from pathlib import Path
from types import MappingProxyType

from apiql.frontends.definitions.kinds import Generation, Kind
from apiql.json_nodes import Members, Node

MAIN = "main.json"
TEMPLATES = "templates"
RIGHTS = "rights"


class Layout(StrEnum):
    """What a folder is. `OURS` has an apiql.toml; there, and in a `MIXED` one, each file is of the
    generation that its shape tells.
    """

    V1 = "v1"
    V2 = "v2"
    OURS = "ours"
    MIXED = "mixed"
    NONE = "none"


KINDS: Mapping[str, Kind] = MappingProxyType(
    {
        "privates": Kind.PRIVATE,
        "apis": Kind.API,
        "httpapis": Kind.API,
        "flows": Kind.FLOW,
        "schedules": Kind.SCHEDULE,
    }
)
"""The folders of definitions, in the order they are read in."""

_SIGNS: Mapping[tuple[Kind, Generation], frozenset[str]] = MappingProxyType(
    {
        (Kind.API, Generation.V1): frozenset(
            {"parameters", "response", "respstatus", "cache.from", "dynamicurl.name"}
        ),
        (Kind.API, Generation.V2): frozenset({"args", "cache.expire", "dynamicurl.content"}),
        (Kind.FLOW, Generation.V1): frozenset(
            {"concurrentnum", "steps.api", "steps.response", "steps.concurrent"}
        ),
        (Kind.FLOW, Generation.V2): frozenset({"private", "steps.command", "steps.args"}),
        (Kind.SCHEDULE, Generation.V1): frozenset({"tasks"}),
        (Kind.SCHEDULE, Generation.V2): frozenset({"steps"}),
    }
)
"""Members that only one generation has."""


def layout_of(root: Path) -> Layout:
    """What a folder is, by what stands in it."""
    if (root / "apiql.toml").is_file():
        return Layout.OURS
    first = (root / "apis").is_dir()
    second = (root / MAIN).is_file() or any((root / f).is_dir() for f in ("httpapis", RIGHTS))
    if first != second:
        return Layout.V1 if first else Layout.V2
    return Layout.MIXED if any((root / folder).is_dir() for folder in KINDS) else Layout.NONE


def usual_generation(layout: Layout, folder: str) -> Generation:
    """Of a folder of a kind, whatever its files look like."""
    second = layout is Layout.V2 or folder in ("httpapis", RIGHTS, MAIN)
    return Generation.V2 if second else Generation.V1


def generation_of(root: Node, kind: Kind, usual: Generation) -> Generation:
    """Of a file by its shape: the usual one unless it has more signs of the other."""
    found = set(_names(root))
    signs = {g: len(found & _SIGNS.get((kind, g), frozenset())) for g in Generation}
    other = Generation.V1 if usual is Generation.V2 else Generation.V2
    return other if signs[other] > signs[usual] else usual


def _names(root: Node) -> Iterator[str]:
    """The names of the first two levels, folded: `steps`, `steps.api`."""
    if not isinstance(root.value, Members):
        return
    for member in root.value:
        name = member.spelled.casefold()
        yield name
        value = member.node.value
        elements = (member.node,) if isinstance(value, Members) else value
        for element in elements if isinstance(elements, tuple) else ():
            if isinstance(element.value, Members):
                yield from (f"{name}.{inner.spelled.casefold()}" for inner in element.value)
