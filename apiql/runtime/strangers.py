"""Names of fields that no answer has, where that is certain and nobody would be told: columns as
in SQL (`u.name` of a select `u`), names of `as`, and keys that rows are joined by.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, TypeAlias

from apiql.errors import Code, Failure
from apiql.ir.plan import Output, Plan, Task
from apiql.ir.projection import Kept, Named, Path, Projection
from apiql.ir.values import Ref, RowRoot, Value, refs
from apiql.ir.works import Repeat
from apiql.runtime.decode import Undecodable, as_value, to_json
from apiql.runtime.step import Step, Stranger
from apiql.sources.call import Reply

MOST_LOOKED_AT = 256 * 1024
"""Bytes of a select's answers in which a member is looked for; of more nothing is told."""
Replies: TypeAlias = Sequence[tuple[Step, Reply, Mapping[str, Any]]]
ESCAPED = b"\\u"


def strangers_of(plan: Plan, steps: Sequence[Step]) -> tuple[Stranger, ...]:
    """The names of selects that stand first in paths of rows, of each output each once, the names
    of `as` that are read, and the names of keys.
    """
    made = {step.name: step for step in steps}
    known = {output.name: output for output in plan.outputs}
    tasks = {task.name: task for task in plan.tasks}
    names = {output.name for output in plan.outputs}
    found = [
        stranger
        for number, output in enumerate(plan.outputs)
        for stranger in _of_output(number, output, tasks[output.task], made[output.task],
                                   names - _embedded(plan, output))
    ]  # fmt: skip
    for number, output in enumerate(plan.outputs):
        task, step = tasks[output.task], made[output.task]
        found += _of_aliases(number, output.projection, task, step)
        if output.into is not None and output.into.on is not None:
            on, target = output.into.on, known[output.into.into]
            if not _is_grouped(task):
                found += _of_key(number, on.own, step, "its rows have")
            if not _is_grouped(tasks[target.task]):
                found += _of_key(number, on.target, made[target.task], f"{target.name} has")
    return tuple(found)


def told_of(strangers: Iterable[Stranger], replies: Replies) -> dict[int, list[Failure]]:
    """What is told of names that no answer has, by the numbers of their outputs."""
    told: dict[int, list[Failure]] = {}
    for stranger in strangers:
        bodies = _without(stranger, replies)
        if bodies and _is_certain(stranger, bodies):
            told.setdefault(stranger.output, []).append(stranger.failure)
    return told


def _without(stranger: Stranger, replies: Replies) -> list[bytes]:
    """The answers to the step, if none has the name: this look is cheap, and enough where the
    name is right.
    """
    bodies, size = [], 0
    for step, reply, _ in replies:
        if step is stranger.step:
            size += len(reply.body)
            if size > MOST_LOOKED_AT or _may_have(stranger.member, reply.body):
                return []
            if reply.status < 300:
                bodies.append(reply.body)
    return bodies


def _is_certain(stranger: Stranger, bodies: Iterable[bytes]) -> bool:
    """Whether the rows have what was meant: answers may leave out what is null, so that a name
    which is not there may be right all the same.
    """
    at = _way_to_rows(stranger.step.task)
    if at is None:
        return False
    names = {_plain(name) for body in bodies for row in _rows(body, at) for name in row}
    return bool(names) if stranger.beside is None else _plain(stranger.beside) in names


def _plain(name: str) -> str:
    return name.casefold().replace("_", "")


def _may_have(member: re.Pattern[bytes], body: bytes) -> bool:
    """Letters beyond ASCII may stand there as escapes."""
    if member.search(body) is not None:
        return True
    return ESCAPED in body and not member.pattern.isascii()


def _way_to_rows(task: Task) -> Path | None:
    """The names on the way to what the select sees as its result; None where a source has more to
    say of it.
    """
    work = task.work
    if isinstance(work, Repeat) and work.batch is not None and work.batch.rows:
        return None
    return () if task.rows is None else task.rows.at


def _rows(body: bytes, at: Path) -> list[dict[str, Any]]:
    try:
        found = [as_value(body)]
    except Undecodable:
        return []
    for name in at:
        found = [item[name] for item in _objects(found) if name in item]
    return _objects(found)


def _objects(values: list[Any]) -> list[dict[str, Any]]:
    """The objects among values, and in lists of any depth."""
    left, objects = values, []
    while left:
        objects += [value for value in left if isinstance(value, dict)]
        left = [item for value in left if isinstance(value, list) for item in value]
    return objects


def _embedded(plan: Plan, output: Output) -> set[str]:
    """The members of an output that others bring: no row need have them."""
    into = (other.into for other in plan.outputs)
    return {embed.path[0] for embed in into if embed is not None and embed.into == output.name}


def _of_output(
    number: int, output: Output, task: Task, step: Step, names: set[str]
) -> Iterator[Stranger]:
    seen: set[str] = set()
    for path in _paths(output.projection, task):
        if len(path) > 1 and path[0] in names and path[0] not in seen:
            seen.add(path[0])
            beside = path[1] if path[0] == output.name else None
            failure = _failure(path, output.name)
            yield Stranger(number, step, _member(path[0]), beside, failure)


def _of_aliases(number: int, projection: Projection, task: Task, step: Step) -> Iterator[Stranger]:
    """Names of `as` where fields of the row are named: in `having`, and in other expressions. One
    whose own expression reads a field of that name is a field.
    """
    named = [field for field in projection.fields if isinstance(field, Named)]
    own = {field.name: _first_names(field.value) for field in named}
    read = set().union(*own.values())
    if task.rows is not None and task.rows.having is not None:
        read |= _first_names(task.rows.having)
    for name in own:
        if name in read and name not in own[name]:
            message = f"no row has a field `{name}`: it is a name of `as`"
            hint = "names are fields of the row here: repeat the expression"
            failure = Failure(Code.UNKNOWN_NAME, message, hint=hint, warning=True)
            yield Stranger(number, step, _member(name), None, failure)


def _first_names(value: Value) -> set[str]:
    return {path[0] for path in _row_paths(value) if path}


def _is_grouped(task: Task) -> bool:
    """Whether keys are those of groups, which no answer has."""
    return task.rows is not None and task.rows.group is not None


def _of_key(number: int, path: Path, step: Step, who: str) -> Iterator[Stranger]:
    """The names of a key that rows are joined by: without it nothing matches anything."""
    for name in path:
        message = f"{who} no field `{name}`, by which they are joined: nothing matches"
        hint = "there is one that differs only in capitals or `_`"
        failure = Failure(Code.UNKNOWN_NAME, message, hint=hint, warning=True)
        yield Stranger(number, step, _member(name), name, failure)


def _member(name: str) -> re.Pattern[bytes]:
    return re.compile(re.escape(to_json(name)) + rb"\s*:")


def _failure(path: Path, own: str) -> Failure:
    name, inner = path[0], ".".join(path[1:])
    message = f"no row has a field `{name}`, with which `{name}.{inner}` begins"
    hint = f"fields are named without the name of their select: {inner}"
    if name != own:
        hint = "names are fields of the row here: `into` and `return` bring results together"
    return Failure(Code.UNKNOWN_NAME, message, hint=hint, warning=True)


def _paths(projection: Projection, task: Task) -> Iterator[Path]:
    """The fields that a select names."""
    yield from projection.excluded
    fields = projection.fields if task.rows is None else (*projection.fields, *task.rows.fields)
    yield from (field.path for field in fields if isinstance(field, Kept))
    for value in (*projection.values(), *(() if task.rows is None else task.rows.values())):
        yield from _row_paths(value)


def _row_paths(value: Value) -> Iterator[Path]:
    for ref in refs(value):
        if isinstance(ref.root, RowRoot):
            yield _names(ref)


def _names(ref: Ref) -> Path:
    """The names at the front of a path."""
    names: list[str] = []
    for step in ref.path:
        if not isinstance(step, str):
            break
        names.append(step)
    return tuple(names)
