"""Flows and schedules that call themselves, directly or through others."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TypeAlias

from apiql.documents.problems import DefinitionProblem, Severity
from apiql.documents.shape import Shape
from apiql.frontends.definitions.checks.uses import Calls
from apiql.frontends.definitions.document import Document
from apiql.frontends.definitions.kinds import Kind

_Name: TypeAlias = tuple[Kind, str]
_Called: TypeAlias = Mapping[_Name, Mapping[_Name, Calls]]
_CALLING = (Kind.FLOW, Kind.SCHEDULE)
_SHOWN = 8
"""The links of a chain in a message."""


def endless(calls: Mapping[Document[Shape], Sequence[Calls]]) -> Iterator[DefinitionProblem]:
    """One problem for each definition that is called by itself, where it goes that way."""
    documents = {(d.origin.kind, d.origin.name): d for d in calls if d.origin.kind in _CALLING}
    called: _Called = {
        name: {(c.kind, c.name): c for c in reversed(calls[d]) if (c.kind, c.name) in documents}
        for name, d in documents.items()
    }
    for name in _with_calls_left(called):
        way = _way_back(name, called)
        if way:
            use = called[name][way[0]]
            yield documents[name].problem(use.keys, _told(name, way), Severity.ERROR, "an end")


def _with_calls_left(called: _Called) -> list[_Name]:
    """Those that are left when, again and again, all that call nobody are taken away."""
    left = {name: len(inner) for name, inner in called.items()}
    callers: dict[_Name, list[_Name]] = {name: [] for name in called}
    for name, inner in called.items():
        for other in inner:
            callers[other].append(name)
    done = [name for name, count in left.items() if not count]
    for name in done:
        del left[name]
        for caller in callers[name]:
            left[caller] -= 1
            if not left[caller]:
                done.append(caller)
    return list(left)


def _way_back(start: _Name, called: _Called) -> list[_Name]:
    """The shortest way from a definition to itself, without it at the beginning; or none."""
    before: dict[_Name, _Name] = {}
    waiting = [start]
    for name in waiting:
        for inner in called[name]:
            if inner not in before:
                before[inner] = name
                waiting.append(inner)
            if inner == start:
                return _chain(start, before)
    return []


def _chain(start: _Name, before: Mapping[_Name, _Name]) -> list[_Name]:
    way = [start]
    while before[way[-1]] != start:
        way.append(before[way[-1]])
    return way[::-1]


def _told(start: _Name, way: Sequence[_Name]) -> str:
    names = [f"{kind.value} {name}" for kind, name in (start, *way)]
    if len(names) > _SHOWN:
        names[_SHOWN - 1 : -1] = ["…"]
    return f"this never ends: {' -> '.join(names)}"
