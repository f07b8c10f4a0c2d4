"""Values and tasks with their references turned to other tasks."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from apiql.ir.plan import Making, Otherwise, Task
from apiql.ir.rewrite import rewritten, rewritten_steps
from apiql.ir.values import Ref, ResultRoot, Value
from apiql.ir.works import (
    Act,
    Aside,
    Axis,
    Choose,
    Compute,
    Fetch,
    Loop,
    Nested,
    Repeat,
    Send,
    Work,
)

Arguments = tuple[tuple[str, Value], ...]


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
        made=None if task.made is None else _making(task.made, names),
    )  # fmt: skip


def _making(made: Making, names: Mapping[str, str]) -> Making:
    return replace(
        made,
        let=tuple((name, renamed(value, names)) for name, value in made.let),
        result=None if made.result is None else renamed(made.result, names),
        instead=None if made.instead is None else renamed(made.instead, names),
    )


def _work(work: Work, names: Mapping[str, str]) -> Work:
    match work:
        case Repeat(each, axes):
            moved = tuple(Axis(tuple(renamed(v, names) for v in axis.values)) for axis in axes)
            return replace(work, each=_call(each, names), axes=moved)
        case Fetch() | Nested():
            return _call(work, names)
        case Send(url=url, headers=headers, body=body):
            sent = [renamed(value, names) for value in (url, headers, body)]
            end = None if work.expires is None else renamed(work.expires, names)
            return replace(work, url=sent[0], headers=sent[1], body=sent[2], expires=end)
        case Compute(value):
            return Compute(renamed(value, names))
        case Act(name, arguments):
            return Act(name, _arguments(arguments, names))
        case _:
            return _of_several(work, names)


def _of_several(work: Choose | Loop | Aside, names: Mapping[str, str]) -> Work:
    match work:
        case Choose(key, cases, default):
            moved = tuple((text, _nested(each, names)) for text, each in cases)
            other = None if default is None else _nested(default, names)
            return Choose(renamed(key, names), moved, other)
        case Loop(count, start, each):
            count, start = renamed(count, names), renamed(start, names)
            return replace(work, count=count, start=start, each=_nested(each, names))
        case Aside(each):
            return Aside(_nested(each, names))


def _call(work: Fetch | Nested, names: Mapping[str, str]) -> Fetch | Nested:
    if isinstance(work, Nested):
        return _nested(work, names)
    bindings = tuple(replace(b, value=renamed(b.value, names)) for b in work.bindings)
    return replace(work, bindings=bindings)


def _nested(work: Nested, names: Mapping[str, str]) -> Nested:
    return replace(work, arguments=_arguments(work.arguments, names))


def _arguments(found: Arguments, names: Mapping[str, str]) -> Arguments:
    return tuple((name, renamed(value, names)) for name, value in found)
