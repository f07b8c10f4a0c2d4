"""Fields named as SQL names columns, `u.name` of a select `u`: where no row has a field `u` nothing
would be found, or left out, and nobody would be told.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from apiql.errors import Code, Failure
from apiql.ir.plan import Output, Plan, Task
from apiql.ir.projection import Kept, Path, Projection
from apiql.ir.values import Ref, RowRoot, Value, refs
from apiql.runtime.decode import to_json
from apiql.runtime.step import Step, Stranger
from apiql.sources.call import Reply

MOST_LOOKED_AT = 256 * 1024
"""Bytes of a select's answers in which a member is looked for; of more nothing is told."""
OPEN = b"{"
ESCAPED = b"\\u"


def strangers_of(plan: Plan, steps: Sequence[Step]) -> tuple[Stranger, ...]:
    """The names of selects that stand first in paths of rows; of each output each once."""
    made = {step.name: step for step in steps}
    tasks = {task.name: task for task in plan.tasks}
    names = {output.name for output in plan.outputs}
    return tuple(
        stranger
        for number, output in enumerate(plan.outputs)
        for stranger in _of_output(number, output, tasks[output.task], made[output.task],
                                   names - _embedded(plan, output))
    )  # fmt: skip


def told_of(
    strangers: Iterable[Stranger], replies: Sequence[tuple[Step, Reply, Mapping[str, Any]]]
) -> dict[int, list[Failure]]:
    """What is told of strangers that no answer knows, by the numbers of their outputs."""
    told: dict[int, list[Failure]] = {}
    for stranger in strangers:
        bodies = [
            reply.body for step, reply, _ in replies
            if step is stranger.step and reply.status < 300 and OPEN in reply.body
        ]  # fmt: skip
        if not bodies or sum(map(len, bodies)) > MOST_LOOKED_AT:
            continue
        if not any(_may_have(stranger.member, body) for body in bodies):
            told.setdefault(stranger.output, []).append(stranger.failure)
    return told


def _may_have(member: re.Pattern[bytes], body: bytes) -> bool:
    """Letters beyond ASCII may stand there as escapes."""
    hidden = not member.pattern.isascii() and ESCAPED in body
    return hidden or member.search(body) is not None


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
            member = re.compile(re.escape(to_json(path[0])) + rb"\s*:")
            yield Stranger(number, step, member, _failure(path, output.name))


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
