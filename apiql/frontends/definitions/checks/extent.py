"""Flows and schedules that call others, which call others, until they are too deep or too many: a
plan holds all of them, each as often as it is called.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from apiql.documents.problems import DefinitionProblem, Severity
from apiql.documents.shape import Shape
from apiql.frontends.definitions.checks.endless import CALLING, Name, ended_first
from apiql.frontends.definitions.checks.uses import Calls
from apiql.frontends.definitions.document import Document

MOST_LEVELS = 50
"""Jobs and steps inside each other, those of what is called counted."""
MOST_CALLS = 10_000
"""Calls of flows and schedules that one request may come to."""
_LEVELS = ("steps", "tasks")


@dataclass(frozen=True, slots=True)
class _Extent:
    """How deep a definition goes, by which call, and how many calls it comes to."""

    levels: int
    deepest: Calls | None
    calls: int


def too_large(calls: Mapping[Document[Shape], Sequence[Calls]]) -> Iterator[DefinitionProblem]:
    """One problem for each definition that comes to too much; those without an end are none."""
    documents = {(d.origin.kind, d.origin.name): d for d in calls if d.origin.kind in CALLING}
    called = {
        name: [call for call in calls[document] if (call.kind, call.name) in documents]
        for name, document in documents.items()
    }
    extents: dict[Name, _Extent] = {}
    for name in ended_first({n: {(c.kind, c.name) for c in each} for n, each in called.items()}):
        extents[name] = found = _extent(called[name], extents)
        wrong, expected = _told(found)
        if wrong and found.deepest is not None:
            keys = found.deepest.keys
            yield documents[name].problem(keys, wrong, Severity.ERROR, expected)


def _extent(called: Sequence[Calls], extents: Mapping[Name, _Extent]) -> _Extent:
    levels, deepest, calls = 1, None, 0
    for call in called:
        inner = extents[call.kind, call.name]
        calls += 1 + inner.calls
        below = inner.levels + sum(key in _LEVELS for key in call.keys)
        if below > levels:
            levels, deepest = below, call
    return _Extent(levels, deepest, calls)


def _told(found: _Extent) -> tuple[str, str]:
    if found.levels > MOST_LEVELS:
        wrong = f"what is called here makes it {found.levels} steps deep"
        return wrong, f"{MOST_LEVELS} at most: call less from what is called"
    if found.calls > MOST_CALLS:
        wrong = f"it comes to {found.calls} calls of flows and schedules with those of all it calls"
        return wrong, f"{MOST_CALLS} at most"
    return "", ""
