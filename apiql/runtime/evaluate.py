"""Values as closures: compiled once with the plan, called with the scope of a run.

A closure returns a JSON value, or MISSING for an optional reference that finds nothing; it
raises `Unmet` where something needed is missing and `ValueRefused` where an operand is wrong.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import reduce
from typing import Any

from apiql.errors import Code, ValueRefused
from apiql.ir.values import (
    Apply,
    Computed,
    Items,
    Literal,
    Open,
    ParamRoot,
    Part,
    Record,
    Ref,
    ResultRoot,
    RowRoot,
    Value,
    ValueRoot,
)
from apiql.plugins import Function, Moment, Registry
from apiql.runtime import operators as ops
from apiql.runtime import walk
from apiql.runtime.outcome import MISSING, Done, Outcome, Skipped, Unmet, unmet

Evaluate = Callable[["Scope"], Any]
Reads = Mapping[tuple[str, tuple[str, ...]], int]
"""The number of each path of each task in the task's `Done.reads`."""

OPERATORS: Mapping[str, Callable[..., Any]] = {
    "+": ops.add,
    "-": ops.subtract,
    "*": ops.multiply,
    "/": ops.divide,
    "%": ops.modulo,
    "negate": ops.negate,
    "=": ops.equal,
    "!=": ops.not_equal,
    "<": ops.less,
    "<=": ops.less_equal,
    ">": ops.greater,
    ">=": ops.greater_equal,
    "not": ops.not_,
    "in": ops.among,
    "like": ops.like,
    "between": ops.between,
    "is null": ops.is_null,
}
CHAINS: Mapping[str, Callable[..., Any]] = {"and": ops.and_, "or": ops.or_}


@dataclass(slots=True)
class Scope:
    """What closures see: the outcomes so far, the caller's inputs, the row (in a projection)."""

    params: Mapping[str, Any]
    moment: Moment
    outcomes: dict[str, Outcome] = field(default_factory=dict)
    row: Any = None


def static_names(ref: Ref) -> tuple[str, ...]:
    """The names a path begins with: as far as a body need be decoded for it."""
    names = []
    for step in ref.path:
        if not isinstance(step, str):
            break
        names.append(step)
    return tuple(names)


def compile_value(value: Value, functions: Registry, reads: Reads) -> Evaluate:
    """The closure of a value."""
    match value:
        case Literal(scalar):
            return lambda scope: scalar
        case Ref():
            return _compile_ref(value, functions, reads)
        case Items(items):
            parts = [_null_for_missing(compile_value(i, functions, reads)) for i in items]
            return lambda scope: [part(scope) for part in parts]
        case Record(members):
            pairs = [(name, compile_value(v, functions, reads)) for name, v in members]
            return lambda scope: {
                name: found for name, part in pairs if (found := part(scope)) is not MISSING
            }
        case Apply():
            return _compile_apply(value, functions, reads)


def _null_for_missing(part: Evaluate) -> Evaluate:
    def evaluate(scope: Scope) -> Any:
        found = part(scope)
        return None if found is MISSING else found

    return evaluate


def _compile_apply(value: Apply, functions: Registry, reads: Reads) -> Evaluate:
    args = [_null_for_missing(compile_value(a, functions, reads)) for a in value.args]
    chain = CHAINS.get(value.function)
    if chain is not None:
        return lambda scope: reduce(chain, [arg(scope) for arg in args])
    operator = OPERATORS.get(value.function)
    if operator is not None:
        return lambda scope: operator(*[arg(scope) for arg in args])
    function = functions.find(value.function)
    if function is None:
        raise ValueRefused(f"there is no function {value.function}()")
    return _call_of(_prepared(function, value), args)


def _prepared(function: Function, value: Apply) -> Function:
    """A function with its constant arguments taken in ahead (a compiled jmespath)."""
    if function.prepare is None:
        return function
    return function.prepare([a.value if isinstance(a, Literal) else MISSING for a in value.args])


def _call_of(function: Function, args: list[Evaluate]) -> Evaluate:
    def evaluate(scope: Scope) -> Any:
        return function.apply([arg(scope) for arg in args], scope.moment)

    return evaluate


# -- references ---------------------------------------------------------------------------------


def _compile_ref(ref: Ref, functions: Registry, reads: Reads) -> Evaluate:
    steps = ref.path[len(static_names(ref)) :]
    rest = [_compile_step(step, functions, reads) for step in steps]
    root = _compile_root(ref, functions, reads)
    if not rest and isinstance(ref.root, RowRoot):
        return root
    complain = _complaint(ref)
    if isinstance(ref.root, ParamRoot) and not ref.path:
        return _param_reader(ref.root.name, complain)

    def evaluate(scope: Scope) -> Any:
        found = root(scope)
        for step in rest:
            found = step(scope, found)
        if found is MISSING:
            return complain()
        return found

    return evaluate


def _param_reader(name: str, complain: Callable[[], Any]) -> Evaluate:
    """`$name` by itself: the most frequent reference of all."""

    def evaluate(scope: Scope) -> Any:
        found = scope.params.get(name, MISSING)
        return complain() if found is MISSING else found

    return evaluate


def _compile_step(step: Any, functions: Registry, reads: Reads) -> Callable[[Scope, Any], Any]:
    match step:
        case str():
            return lambda scope, value: walk.by_names(value, (step,))
        case int():
            return lambda scope, value: walk.by_index(value, step)
        case Open():
            return lambda scope, value: walk.opened(value)
        case Computed(inner):
            key = compile_value(inner, functions, reads)
            return lambda scope, value: walk.by_key(value, key(scope))
    raise TypeError(step)


def _compile_root(ref: Ref, functions: Registry, reads: Reads) -> Evaluate:
    names = static_names(ref)
    match ref.root:
        case ParamRoot(name):
            return lambda scope: walk.by_names(scope.params.get(name, MISSING), names)
        case RowRoot():
            return lambda scope: scope.row.read(names)
        case ValueRoot(value):
            inner = compile_value(value, functions, reads)
            if ref.optional:
                inner = _tolerant(inner)
            return lambda scope: walk.by_names(inner(scope), names)
        case ResultRoot(task):
            if ref.part is Part.BODY:
                return _body_reader(ref, task, reads[task, names])
            return _reply_reader(ref, task, names)


def _tolerant(inner: Evaluate) -> Evaluate:
    """`header('X')?`: what the caller did not send is missing instead of refused."""

    def evaluate(scope: Scope) -> Any:
        try:
            return inner(scope)
        except Unmet as error:
            if error.failure.code is Code.MISSING_VARIABLE:
                return MISSING
            raise

    return evaluate


def _body_reader(ref: Ref, task: str, number: int) -> Evaluate:
    def evaluate(scope: Scope) -> Any:
        outcome = scope.outcomes[task]
        if type(outcome) is Done:
            return outcome.reads[number]
        if ref.optional:
            return MISSING
        raise _failed_dependency(ref, task, outcome)

    return evaluate


def _reply_reader(ref: Ref, task: str, names: tuple[str, ...]) -> Evaluate:
    """`$status` and `$headers`: there whenever the upstream answered, with whatever status."""

    def evaluate(scope: Scope) -> Any:
        outcome = scope.outcomes[task]
        status = None if isinstance(outcome, Skipped) else outcome.status
        if isinstance(outcome, Skipped) or status is None:
            if ref.optional:
                return MISSING
            raise _failed_dependency(ref, task, outcome)
        if ref.part is Part.STATUS:
            return status
        return walk.by_names(_header_object(outcome.headers), names)

    return evaluate


def _header_object(headers: tuple[tuple[str, str], ...]) -> dict[str, str]:
    found: dict[str, str] = {}
    for name, value in headers:
        found[name] = f"{found[name]}, {value}" if name in found else value
    return found


def _failed_dependency(ref: Ref, task: str, outcome: Outcome) -> Exception:
    assert not isinstance(outcome, Done)
    cause = outcome.failure
    root = cause.cause or task
    message = f"not called: it reads {ref}, and {root} failed ({cause.root or cause.code})"
    return unmet(Code.DEPENDENCY_FAILED, message, cause, task)


def _complaint(ref: Ref) -> Callable[[], Any]:
    """What happens where a reference finds nothing."""
    if ref.optional or isinstance(ref.root, RowRoot):
        return (lambda: MISSING) if ref.optional else (lambda: None)
    from_caller = isinstance(ref.root, ParamRoot)
    code = Code.MISSING_VARIABLE if from_caller else Code.MISSING_DEPENDENCY
    message = f"{ref} is missing" if from_caller else f"not called: {ref} is missing"

    def complain() -> Any:
        raise unmet(code, message)

    return complain
