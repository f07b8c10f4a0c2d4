"""A reading of queries that takes one select after the other, in the order of the text."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeAlias

from apiql.errors import Code

Failure: TypeAlias = tuple[tuple[str | int, ...], str, bool]
"""A path, a code, whether it is a warning."""


@dataclass
class Select:
    """A select of `path`: `x` is a number or `t.id`, `each` a list or `t.ids`."""

    name: str
    path: str
    x: str | int | None = None
    each: Sequence[int | str | None] | str | None = None
    other: tuple[str, str | int] | None = None
    fallback: Any = None
    after: list[str] = field(default_factory=list)
    when: str | None = None
    word: str = ""

    def __str__(self) -> str:
        binds = [] if self.x is None else [f"x = {self.x}"]
        if self.each is not None:
            shown = self.each if isinstance(self.each, str) else json.dumps(self.each)
            binds.append(f"id in {shown}")
        where = f"where {' and '.join(binds)}" if binds else ""
        after = f"after {', '.join(self.after)}" if self.after else ""
        when = f"when {self.when}" if self.when else ""
        back = f"fallback {json.dumps(self.fallback)}" if self.fallback else ""
        text = f"select * from {self.path} as {self.name} {where} {after} {when} {self.word} {back}"
        if self.other is None:
            return text
        return f"{text} else select * from {self.other[0]} where x = {self.other[1]}"


@dataclass
class Done:
    """A result; of a fan-out a nest of results and gaps."""

    value: Any
    is_nest: bool = False
    warning: Code | None = None


@dataclass
class Lost:
    """No result; `nest` is that of a fan-out of which all failed."""

    code: Code
    nest: Any = None


class LeftOut(Exception):
    """Something is read that was left out."""


class Unmet(Exception):
    """Something is read that is not there."""


Outcome: TypeAlias = Done | Lost | None
"""None: left out."""


@dataclass
class Reading:
    """The data of an answer, its errors, and the calls that were made for it."""

    data: dict[str, Any] | None
    failures: list[Failure]
    calls: list[str]


def read_in_order(program: list[Select], answers: Callable[[str], Any]) -> Reading:
    """What a program comes to."""
    reader = _Reader(answers, {}, [], {one.name for one in program if one.word == "optional"})
    for select in program:
        reader.outcomes[select.name] = reader.performed(select)
    failures = [f for one in program for f in _failures(one, reader.outcomes[one.name])]
    spoiled = {path[0] for path, _, warning in failures if not warning}
    is_null = any(one.word == "required" and one.name in spoiled for one in program)
    data = {one.name: _shown(reader.outcomes[one.name]) for one in program}
    return Reading(None if is_null else data, failures, reader.calls)


@dataclass
class _Reader:
    answers: Callable[[str], Any]
    outcomes: dict[str, Outcome]
    calls: list[str]
    optional: set[str]

    def performed(self, select: Select) -> Outcome:
        try:
            found = self._begun(select)
        except LeftOut:
            return None
        except Unmet:
            found = Lost(Code.DEPENDENCY_FAILED)
        if isinstance(found, Lost) and found.nest is None:
            return self._recovered(select, found)
        return found

    def _recovered(self, select: Select, lost: Lost) -> Done | Lost:
        if select.other is not None:
            path, x = select.other
            try:
                found = self._called(f"{path}?x={self._value(x)}")
            except LeftOut:
                found = lost
            except Unmet:
                found = Lost(Code.DEPENDENCY_FAILED)
            if isinstance(found, Done):
                return found
            lost = found
        if select.fallback is not None:
            return Done(select.fallback, warning=lost.code)
        return lost

    def _begun(self, select: Select) -> Outcome:
        if select.when is not None and not self._value(select.when):
            return None
        for name in sorted(set(select.after) - self.optional):
            if isinstance(self.outcomes[name], Lost):
                raise Unmet
        if select.each is None:
            target = select.path if select.x is None else f"{select.path}?x={self._value(select.x)}"
            return self._called(target)
        elements = self._value(select.each) if isinstance(select.each, str) else select.each
        nest = elements if isinstance(elements, list) or elements is None else [elements]
        cells: dict[int, Done | Lost] = {}
        found = self._filled(select, nest, cells)
        leaves = [*_leaves(found)]
        lost = [leaf for leaf in leaves if isinstance(leaf, Lost)]
        if lost and not any(isinstance(cell, Done) for cell in cells.values()):
            return Lost(lost[0].code, nest=(found,))
        return Done(found, is_nest=True)

    def _filled(self, select: Select, nest: Any, cells: dict[int, Done | Lost]) -> Any:
        if isinstance(nest, list):
            return [self._filled(select, item, cells) for item in nest]
        if nest is None or isinstance(nest, Lost):
            return nest
        if nest not in cells:
            try:
                x = "" if select.x is None else f"x={self._value(select.x)}&"
                cells[nest] = self._called(f"{select.path}?{x}id={nest}")
            except Unmet:
                cells[nest] = Lost(Code.DEPENDENCY_FAILED)
        return cells[nest]

    def _called(self, target: str) -> Done | Lost:
        self.calls.append(target)
        found = self.answers(target)
        return Lost(found) if isinstance(found, Code) else Done(found)

    def _value(self, reference: str | int) -> Any:
        if isinstance(reference, int):
            return reference
        name, _, member = reference.partition(".")
        outcome = self.outcomes[name]
        if outcome is None:
            raise LeftOut
        if isinstance(outcome, Lost):
            raise Unmet
        return _members(outcome.value, member) if outcome.is_nest else outcome.value[member]


def _members(nest: Any, member: str) -> Any:
    """What a path finds in a fan-out: an element that failed is lost to who walks through it."""
    if isinstance(nest, list):
        return [_members(item, member) for item in nest]
    if isinstance(nest, Done):
        return nest.value[member]
    return None if nest is None else Lost(Code.DEPENDENCY_FAILED)


def _leaves(nest: Any) -> Iterator[Any]:
    if isinstance(nest, list):
        for item in nest:
            yield from _leaves(item)
    else:
        yield nest


def _shown(found: Any) -> Any:
    match found:
        case Done(value, True):
            return _shown(value)
        case Done(value):
            return value
        case Lost(nest=nest):
            return None if nest is None else _shown(nest[0])
        case list():
            return [_shown(item) for item in found]
    return None


def _failures(select: Select, outcome: Outcome) -> Iterator[Failure]:
    forgiven = select.word == "optional"
    match outcome:
        case Done(value, True):
            yield from _of_places((select.name,), value, forgiven)
        case Done(warning=Code() as code):
            yield (select.name,), code.value, True
        case Lost(_, nest) if nest is not None:
            yield from _of_places((select.name,), nest[0], forgiven)
        case Lost(code):
            yield (select.name,), code.value, forgiven


def _of_places(path: tuple[str | int, ...], nest: Any, forgiven: bool) -> Iterator[Failure]:
    if isinstance(nest, list):
        for number, item in enumerate(nest):
            yield from _of_places((*path, number), item, forgiven)
    elif isinstance(nest, Lost):
        yield path, nest.code.value, forgiven
