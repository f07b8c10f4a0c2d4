"""Values and tasks with their references turned to other tasks."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from apiql.ir.plan import Axis, Fetch, Nested, Otherwise, Repeat, Task, Work
from apiql.ir.rewrite import rewritten, rewritten_steps
from apiql.ir.values import Ref, ResultRoot, Value


def renamed(value: Value, names: Mapping[str, str]) -> Value:
    """The value with results of tasks read under their new names."""

    def change(part: Value) -> Value | None:
        if not isinstance(part, Ref) or not isinstance(part.root, ResultRoot):
            return None
        root = ResultRoot(names.get(part.root.task, part.root.task))
        return replace(part, root=root, path=rewritten_steps(part.path, change))

    return rewritten(value, change)


def task_renamed(task: Task, names: Mapping[str, str]) -> Task:
    """The task with all it reads under the new names."""
    other = task.otherwise
    if other is not None:
        other = Otherwise(task_renamed(other.task, names), other.projection)
    return replace(
        task, work=_work(task.work, names), otherwise=other,
        after=frozenset(names.get(name, name) for name in task.after),
        when=None if task.when is None else renamed(task.when, names),
    )  # fmt: skip


def _work(work: Work, names: Mapping[str, str]) -> Work:
    match work:
        case Repeat(each, axes):
            moved = tuple(Axis(tuple(renamed(v, names) for v in axis.values)) for axis in axes)
            return replace(work, each=_each(each, names), axes=moved)
        case _:
            return _each(work, names)


def _each(work: Fetch | Nested, names: Mapping[str, str]) -> Fetch | Nested:
    if isinstance(work, Nested):
        return replace(work, arguments=tuple((n, renamed(v, names)) for n, v in work.arguments))
    bindings = tuple(replace(b, value=renamed(b.value, names)) for b in work.bindings)
    return replace(work, bindings=bindings)
