"""Whether answers have the names that strangers.py doubts: looked at as they come, for their bodies
are let go once they are read.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from msgspec import Struct

from apiql.errors import Failure
from apiql.ir.plan import Task
from apiql.ir.projection import Path
from apiql.ir.works import Repeat
from apiql.runtime.decode import Undecodable, as_value
from apiql.runtime.step import Step, Stranger
from apiql.sources.call import Reply

MOST_LOOKED_AT = 256 * 1024
"""Bytes of a select's answers in which a member is looked for; of more nothing is told."""
ESCAPED = b"\\u"


class Sought(Struct):
    """What one run has seen of the `strangers` of its plan: the bytes of each step's answers, those
    that are `settled` (they may stand there, or too much came), and how the rows call their fields.
    """

    strangers: tuple[Stranger, ...]
    sizes: dict[Step, int] = {}
    settled: set[int] = set()
    names: dict[Step, set[str]] = {}

    def look(self, step: Step, reply: Reply) -> None:
        """An answer came. This look is cheap, and enough where the names are right."""
        left = [number for number, stranger in enumerate(self.strangers)
                if stranger.step is step and number not in self.settled]  # fmt: skip
        if not left:
            return
        size = self.sizes[step] = self.sizes.get(step, 0) + len(reply.body)
        if size > MOST_LOOKED_AT:
            self.settled.update(left)
            return
        found = [n for n in left if _may_have(self.strangers[n].member, reply.body)]
        self.settled.update(found)
        if len(found) < len(left) and reply.status < 300:
            names = self.names.setdefault(step, set())
            names.update(_plain(name) for row in _rows(reply.body, step.task) for name in row)

    def told(self) -> dict[int, list[Failure]]:
        """What is told of names that no answer has, by the numbers of their outputs."""
        told: dict[int, list[Failure]] = {}
        for number, stranger in enumerate(self.strangers):
            if number not in self.settled and self._is_certain(stranger):
                told.setdefault(stranger.output, []).append(stranger.failure)
        return told

    def _is_certain(self, stranger: Stranger) -> bool:
        """Whether the rows have what was meant: answers may leave out what is null, so that a name
        which is not there may be right all the same.
        """
        names = self.names.get(stranger.step, ())
        return bool(names) if stranger.beside is None else _plain(stranger.beside) in names


def _plain(name: str) -> str:
    return name.casefold().replace("_", "")


def _may_have(member: re.Pattern[bytes], body: bytes) -> bool:
    """Letters beyond ASCII may stand there as escapes."""
    if member.search(body) is not None:
        return True
    return ESCAPED in body and not member.pattern.isascii()


def _rows(body: bytes, task: Task) -> Iterator[dict[str, Any]]:
    """The rows of a select in an answer; none where a source has more to say of where they are."""
    at = _way_to_rows(task)
    if at is None:
        return
    try:
        found = [as_value(body)]
    except Undecodable:
        return
    for name in at:
        found = [item[name] for item in _objects(found) if name in item]
    yield from _objects(found)


def _way_to_rows(task: Task) -> Path | None:
    """The names on the way to what the select sees as its result."""
    work = task.work
    if isinstance(work, Repeat) and work.batch is not None and work.batch.rows:
        return None
    return () if task.rows is None else task.rows.at


def _objects(values: list[Any]) -> list[dict[str, Any]]:
    """The objects among values, and in lists of any depth."""
    left, objects = values, []
    while left:
        objects += [value for value in left if isinstance(value, dict)]
        left = [item for value in left if isinstance(value, list) for item in value]
    return objects
