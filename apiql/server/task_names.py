"""What operators read in the place of tasks' names: one that comes from a path which a client wrote
may be a value. Knows no log, no page and no trace.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from types import MappingProxyType
from urllib.parse import unquote

from apiql.ir.plan import Task
from apiql.ir.request import Endpoint
from apiql.ir.works import Fetch, Repeat
from apiql.server.visit import Visit

HIDDEN = "*"
WORD = re.compile(r"[A-Za-z_-]{1,32}")
"""The first word of a path, which is shown."""
NUMBERED = re.compile(r"_[0-9]{1,4}\Z")
"""What a derived name that is taken has behind it."""
NONE: Mapping[str, str] = MappingProxyType({})


def hidden_names(visit: Visit) -> Mapping[str, str]:
    """What stands for names that are not told: `*2` is the second task. All others are told as they
    are, those of stored queries and definitions too, which the operator wrote.
    """
    if visit.plan is None or visit.name or visit.kind == "query":
        return NONE
    tasks = enumerate(visit.plan.tasks, 1)
    return {task.name: f"{HIDDEN}{number}" for number, task in tasks if _is_of_a_path(task)}


def segments_of(endpoint: Endpoint) -> list[str]:
    """The path that a client wrote: its first word and its placeholders; the rest may be values."""
    first, *others = _segments(endpoint)
    return [first if WORD.fullmatch(first) else _masked(first), *map(_masked, others)]


def _is_of_a_path(task: Task) -> bool:
    """Whether its name is a segment of its path that is not shown."""
    work = task.work.each if isinstance(task.work, Repeat) else task.work
    if not isinstance(work, Fetch) or work.endpoint.source:
        return False
    names = {task.name, NUMBERED.sub("", task.name)}
    return not names.isdisjoint(_not_shown(work.endpoint))


def _not_shown(endpoint: Endpoint) -> Iterator[str]:
    for segment, shown in zip(_segments(endpoint), segments_of(endpoint), strict=True):
        if segment != shown:
            yield from (segment, unquote(segment))


def _segments(endpoint: Endpoint) -> list[str]:
    parts = (part if isinstance(part, str) else "{" + part.name + "}" for part in endpoint.path)
    return "".join(parts).strip("/").split("/")


def _masked(segment: str) -> str:
    return segment if segment.startswith("{") and segment.endswith("}") else HIDDEN
