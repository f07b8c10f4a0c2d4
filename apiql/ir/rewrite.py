"""Values with some of their parts replaced by others."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

from apiql.ir.secret import Secret
from apiql.ir.values import (
    Apply,
    Computed,
    Invoke,
    Items,
    Literal,
    Record,
    Ref,
    Spread,
    Step,
    Value,
    ValueRoot,
)

Change: TypeAlias = Callable[[Value], Value | None]
"""What a part becomes; None where it stays and its own parts are looked at."""


def rewritten(value: Value, change: Change) -> Value:
    """The value with its parts changed, the outermost first; what has changed is not entered."""
    found = change(value)
    if found is not None:
        return found
    match value:
        case Literal() | Secret():
            return value
        case Spread(inner):
            return Spread(rewritten(inner, change))
        case Items(items):
            return Items(tuple(rewritten(item, change) for item in items))
        case Record(members):
            return Record(tuple((name, rewritten(member, change)) for name, member in members))
        case Apply(function, args):
            return Apply(function, tuple(rewritten(arg, change) for arg in args))
        case Invoke(name, call, args):
            return Invoke(name, call, tuple(rewritten(arg, change) for arg in args))
        case Ref(root, path, optional, part):
            if isinstance(root, ValueRoot):
                root = ValueRoot(rewritten(root.value, change))
            return Ref(root, rewritten_steps(path, change), optional, part)


def rewritten_steps(path: tuple[Step, ...], change: Change) -> tuple[Step, ...]:
    """A path with the values changed that its computed steps hold."""
    return tuple(
        Computed(rewritten(step.value, change)) if isinstance(step, Computed) else step
        for step in path
    )
