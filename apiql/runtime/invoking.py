"""Functions of definitions as closures; knows of values only that somebody compiles them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from apiql.ir.values import (
    Invoke,
    Literal,
    LocalRoot,
    ParamRoot,
    Part,
    Record,
    Ref,
    ReplyRoot,
    Value,
)
from apiql.runtime.outcome import MISSING
from apiql.runtime.scope import Evaluate, Scope

Compile = Callable[[Value], Evaluate]


def compile_invoke(value: Invoke, compiled: Compile) -> Evaluate:
    """A function of values, none of which is missing: null stands for those."""
    calls, args = calls_in_a_row(value)
    local = _local_name(args[0]) if len(args) == 1 else None
    if local is not None:
        made = _of_local(calls[0], local)
    else:
        made = _invoked(calls[0], [_never_missing(arg, compiled(arg)) for arg in args])
    return made if len(calls) == 1 else _in_a_row(made, calls[1:])


def calls_in_a_row(value: Invoke) -> tuple[list[Callable[..., Any]], tuple[Value, ...]]:
    """Functions of which each takes what the one before it made, and nothing else; and what the
    first of them takes.
    """
    calls = [value.call]
    while len(value.args) == 1 and isinstance(value.args[0], Invoke):
        value = value.args[0]
        calls.insert(0, value.call)
    return calls, value.args


def _local_name(arg: Value) -> str | None:
    """The name of a local value, if it is one as a whole: that is never missing."""
    if isinstance(arg, Ref) and isinstance(arg.root, LocalRoot) and not arg.path:
        return arg.root.name
    return None


def _of_local(call: Callable[..., Any], name: str) -> Evaluate:
    return lambda scope: call(scope.moment, scope.locals[name])


def _invoked(call: Callable[..., Any], parts: list[Evaluate]) -> Evaluate:
    match parts:
        case [part]:
            return lambda scope: call(scope.moment, part(scope))
        case [part, other]:
            return lambda scope: call(scope.moment, part(scope), other(scope))
        case [part, other, third]:
            return lambda scope: call(scope.moment, part(scope), other(scope), third(scope))
        case _:
            return lambda scope: call(scope.moment, *[part(scope) for part in parts])


def _in_a_row(first: Evaluate, calls: list[Callable[..., Any]]) -> Evaluate:
    def evaluate(scope: Scope) -> Any:
        found, moment = first(scope), scope.moment
        for call in calls:
            found = call(moment, found)
        return found

    return evaluate


def _never_missing(arg: Value, part: Evaluate) -> Evaluate:
    """The closure with null for what is missing, where anything may be."""
    if isinstance(arg, Ref) and isinstance(arg.root, ParamRoot) and arg.optional and not arg.path:
        name = arg.root.name
        return lambda scope: scope.params.get(name)
    if isinstance(arg, Ref) and arg.part is Part.BODY and isinstance(arg.root, ReplyRoot):
        return null_for_missing(part) if arg.path else _reply
    is_there = _local_name(arg) is not None or isinstance(arg, Literal | Invoke | Record)
    return part if is_there else null_for_missing(part)


def _reply(scope: Scope) -> Any:
    """What the work of the task came to, as a whole."""
    assert scope.reply is not None
    found = scope.reply.value
    return None if found is MISSING else found


def null_for_missing(part: Evaluate) -> Evaluate:
    """The closure with null for what is missing."""

    def evaluate(scope: Scope) -> Any:
        found = part(scope)
        return None if found is MISSING else found

    return evaluate
