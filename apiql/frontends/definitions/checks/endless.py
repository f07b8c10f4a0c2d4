"""Flows and schedules that call themselves, directly or through others."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import TypeAlias

from apiql.documents.problems import DefinitionProblem, Severity
from apiql.documents.shape import Shape
from apiql.frontends.definitions.checks.uses import Calls
from apiql.frontends.definitions.document import Document
from apiql.frontends.definitions.kinds import Kind

Name: TypeAlias = tuple[Kind, str]
_Called: TypeAlias = Mapping[Name, Mapping[Name, Calls]]
CALLING = (Kind.FLOW, Kind.SCHEDULE)
"""The kinds of definitions that call each other."""
_SHOWN = 8
"""The links of a chain in a message."""


def endless(calls: Mapping[Document[Shape], Sequence[Calls]]) -> Iterator[DefinitionProblem]:
    """One problem for each definition that is called by itself, where it goes that way."""
    documents = {(d.origin.kind, d.origin.name): d for d in calls if d.origin.kind in CALLING}
    called: _Called = {
        name: {(c.kind, c.name): c for c in reversed(calls[d]) if (c.kind, c.name) in documents}
        for name, d in documents.items()
    }
    without_end = called.keys() - ended_first(called)
    for name in called:
        way = _way_back(name, called) if name in without_end else []
        if way:
            use = called[name][way[0]]
            expected = "calls that come to an end: take one of them out"
            yield documents[name].problem(use.keys, _told(name, way), Severity.ERROR, expected)


def ended_first(called: Mapping[Name, Collection[Name]]) -> list[Name]:
    """Those that come to an end, each behind all that it calls."""
    left = {name: len(inner) for name, inner in called.items()}
    callers: dict[Name, list[Name]] = {name: [] for name in called}
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
    return done


def _way_back(start: Name, called: _Called) -> list[Name]:
    """The shortest way from a definition to itself, without it at the beginning; or none."""
    before: dict[Name, Name] = {}
    waiting = [start]
    for name in waiting:
        for inner in called[name]:
            if inner not in before:
                before[inner] = name
                waiting.append(inner)
            if inner == start:
                return _chain(start, before)
    return []


def _chain(start: Name, before: Mapping[Name, Name]) -> list[Name]:
    way = [start]
    while before[way[-1]] != start:
        way.append(before[way[-1]])
    return way[::-1]


def _told(start: Name, way: Sequence[Name]) -> str:
    names = [f"{kind.value} {name}" for kind, name in (start, *way)]
    if len(names) > _SHOWN:
        names[_SHOWN - 1 : -1] = ["…"]
    return f"this never ends: {' -> '.join(names)}"
