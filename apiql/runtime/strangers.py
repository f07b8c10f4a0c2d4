"""Names of fields that no answer has, where that is certain and nobody would be told: columns as
in SQL (`u.name` of a select `u`), names of `as`, and keys that rows are joined by.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from apiql.errors import Code, Failure
from apiql.ir.plan import Output, Plan, Task
from apiql.ir.projection import Kept, Named, Path, Projection
from apiql.ir.values import Ref, RowRoot, Value, refs
from apiql.runtime.decode import to_json
from apiql.runtime.step import Step, Stranger


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
