"""The names that figures of definitions go by: those of their folder, never one of a request.

Knows no figures.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from apiql.frontends.definitions.folder import Definitions
from apiql.frontends.definitions.kinds import Kind
from apiql.frontends.definitions.v2.flow import Flow, Step
from apiql.frontends.definitions.v2.schedule import Case, Control, Job, Schedule

COUNT = "promHttpCounterInc"
COUNTED = ("root", "child")


@dataclass(frozen=True, slots=True)
class FigureNames:
    """`calls` are httpapis with what their calls count as: the `id` of the file, else their name;
    `roots` all definitions; `words` other roots and children that steps which count write down;
    `hosts` are what calls of gateway endpoints count as.
    """

    calls: Mapping[str, str] = field(default_factory=dict)
    roots: frozenset[str] = frozenset()
    words: frozenset[str] = frozenset()
    hosts: frozenset[str] = frozenset()


NO_NAMES = FigureNames()


def figure_names(definitions: Definitions) -> FigureNames:
    """The names of a folder."""
    documents = definitions.documents
    apis = documents[Kind.API]
    calls = {name: getattr(found.model, "id", "") or name for name, found in apis.items()}
    several = (*documents[Kind.FLOW].values(), *documents[Kind.SCHEDULE].values())
    words = {word for found in several for step in _steps(found.model) for word in _words(step)}
    roots = frozenset((*calls, *documents[Kind.FLOW], *documents[Kind.SCHEDULE]))
    return FigureNames(calls, roots, frozenset(words - roots - {"", *calls.values()}))


def joined(several: Iterable[FigureNames]) -> FigureNames:
    """Those of several folders. An httpapi with an id in each of them counts by its name."""
    calls: dict[str, str] = {}
    roots: set[str] = set()
    words: set[str] = set()
    hosts: set[str] = set()
    for one in several:
        for name, label in one.calls.items():
            calls[name] = label if calls.get(name, label) == label else name
        roots |= one.roots
        words |= one.words
        hosts |= one.hosts
    left = frozenset(words - roots - {*calls.values()})
    return FigureNames(calls, frozenset(roots), left, frozenset(hosts))


def _steps(found: object) -> Iterator[Step]:
    match found:
        case Step():
            yield found
        case Flow() | Schedule() | Case():
            for inner in found.steps:
                yield from _steps(inner)
        case Control():
            for part in (*found.cases, *found.steps):
                yield from _steps(part)
        case Job():
            yield from _steps(found.api)
            yield from _steps(found.control)


def _words(step: Step) -> Iterator[str]:
    if step.command == COUNT:
        for given in step.args:
            if given.name in COUNTED and given.value.kind == "literal":
                yield given.value.content
