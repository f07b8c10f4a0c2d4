"""Which paths of a task's result anybody wants, and how an upstream is asked for them alone.

The empty path is everything. Paths begin in the result, behind `rows` where the task has it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from apiql.ir.plan import Output, Plan, Task
from apiql.ir.projection import Kept, Path, Projection
from apiql.ir.push import Push, Style
from apiql.ir.rows import Rows
from apiql.ir.values import Part, Ref, ResultRoot, RowRoot, Value, refs, static_names

Paths = frozenset[Path]
EVERYTHING: Paths = frozenset({()})


@dataclass(frozen=True, slots=True)
class Readers:
    """Who looks at results besides their own projections: `reads` are the paths by task; the
    status or headers of those in `replies` are read.
    """

    reads: dict[str, set[Path]]
    replies: frozenset[str]


def readers_of(plan: Plan) -> Readers:
    """What tasks, projections, keys and `return` read of the results of a plan."""
    reads: dict[str, set[Path]] = {task.name: set() for task in plan.tasks}
    replies = set()
    for ref in _references(plan):
        if isinstance(ref.root, ResultRoot):
            if ref.part is Part.BODY:
                reads[ref.root.task].add(static_names(ref))
            else:
                replies.add(ref.root.task)
    tasks = {output.name: output.task for output in plan.outputs}
    for output in plan.outputs:
        if output.into is not None and output.into.on is not None:
            reads[output.task].add(output.into.on.own)
            reads[tasks[output.into.into]].add(output.into.on.target)
    return Readers(reads, frozenset(replies))


def _references(plan: Plan) -> Iterator[Ref]:
    for task in plan.tasks:
        yield from task.reads()
    for value in plan.shown():
        yield from refs(value)


def shown_of(task: Task, plan: Plan) -> Paths:
    """What the answer holds of a task, and what `distinct` looks at."""
    shown = [o.projection for o in plan.outputs if o.task == task.name and _is_seen(o, task, plan)]
    return frozenset[Path]().union(*map(projected, shown))


def _is_seen(output: Output, task: Task, plan: Plan) -> bool:
    distinct = task.rows is not None and task.rows.distinct
    seen = not output.hidden or plan.returned is not None
    return seen or distinct or not output.projection.is_identity


def projected(projection: Projection) -> Paths:
    """The paths that a projection wants."""
    if projection.everything:
        return EVERYTHING
    kept = {field.path for field in projection.fields if isinstance(field, Kept)}
    return frozenset(kept) | _of_rows(projection.values())


def wanted_in_rows(rows: Rows | None, outside: Paths) -> Paths:
    """What row clauses want, and what those want who see their result: of groups that is made."""
    if rows is None:
        return outside
    own = _of_rows(rows.values())
    if rows.group is None:
        return own | outside
    return own | {field.path for field in rows.fields if isinstance(field, Kept)}


def _of_rows(values: Iterable[Value]) -> Paths:
    found = (ref for value in values for ref in refs(value))
    return frozenset(static_names(ref) for ref in found if isinstance(ref.root, RowRoot))


# -- asking for them ----------------------------------------------------------------------------


def fields_text(push: Push, at: Path, wanted: Paths) -> str | None:
    """What an upstream is sent to leave out all else; None where everything is wanted, or what it
    may not know. `at` is where the result stands in the body. What stands beside the rows may tell
    of the call (links do); only Google's parameter is about it too.
    """
    members: set[str] = set()
    beside: set[str] = set()
    depth = len(push.rows)
    for path in wanted:
        full = at + path
        if full[:depth] == push.rows:
            name = push.name_of(full[depth:])
            if name is None and not _always_there(full[depth:], push):
                return None
            members |= {name} if name is not None else set()
        elif push.style is Style.GOOGLE and len(full) == 1 and full[0] in push.members:
            beside.add(full[0])
        else:
            return None
    return _text(push, _in_order(push, members), _in_order(push, beside))


def _always_there(path: Path, push: Push) -> bool:
    """JSON:API names a resource whatever is asked for."""
    return push.style is Style.JSONAPI and path[:1] in (("type",), ("id",))


def _in_order(push: Push, names: set[str]) -> list[str]:
    return [name for name in push.members if name in names]


def _text(push: Push, members: list[str], beside: list[str]) -> str | None:
    if push.style is Style.JSONAPI:
        members = [name for name in members if name != "id"]
    if not members:
        return None
    text = ",".join(members)
    if push.style is not Style.GOOGLE or not push.rows:
        return text
    return ",".join([f"{'/'.join(push.rows)}({text})", *beside])
