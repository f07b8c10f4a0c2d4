"""Values and tasks with their references turned to other tasks."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from apiql.ir.plan import Axis, Fetch, Nested, Otherwise, Repeat, Task, Work
from apiql.ir.values import (
    Apply,
    Computed,
    Items,
    Literal,
    Record,
    Ref,
    ResultRoot,
    Root,
    Spread,
    Step,
    Value,
    ValueRoot,
)


def renamed(value: Value, names: Mapping[str, str]) -> Value:
    """The value with results of tasks read under their new names."""
    match value:
        case Literal():
            return value
        case Spread(inner):
            return Spread(renamed(inner, names))
        case Items(items):
            return Items(tuple(renamed(item, names) for item in items))
        case Record(members):
            return Record(tuple((key, renamed(member, names)) for key, member in members))
        case Apply(function, args):
            return Apply(function, tuple(renamed(arg, names) for arg in args))
        case Ref(root, path, optional, part):
            steps = tuple(_step(step, names) for step in path)
            return Ref(_root(root, names), steps, optional, part)


def _root(root: Root, names: Mapping[str, str]) -> Root:
    match root:
        case ResultRoot(task):
            return ResultRoot(names.get(task, task))
        case ValueRoot(value):
            return ValueRoot(renamed(value, names))
        case _:
            return root


def _step(step: Step, names: Mapping[str, str]) -> Step:
    return Computed(renamed(step.value, names)) if isinstance(step, Computed) else step


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
