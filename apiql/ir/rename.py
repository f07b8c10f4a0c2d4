"""Values with their references turned to other tasks."""

from __future__ import annotations

from collections.abc import Mapping

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
