"""Values as closures: compiled once with the plan, called with the scope of a run.

A closure returns a JSON value, or MISSING for an optional reference that finds nothing; it
raises `Unmet` where something needed is missing and `ValueRefused` where an operand is wrong.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import reduce
from typing import Any

from apiql.errors import Code, ValueRefused
from apiql.ir.secret import Secret
from apiql.ir.values import (
    Apply,
    Computed,
    ElementRoot,
    FailureRoot,
    Invoke,
    Items,
    Literal,
    LocalRoot,
    Open,
    OutputRoot,
    ParamRoot,
    Part,
    Record,
    Ref,
    ReplyRoot,
    ResultRoot,
    RowRoot,
    Spread,
    Value,
    ValueRoot,
    static_names,
)
from apiql.plugins import Function, Registry
from apiql.runtime import operators as ops
from apiql.runtime import walk
from apiql.runtime.invoking import compile_invoke, null_for_missing
from apiql.runtime.json_values import a_kind
from apiql.runtime.outcome import MISSING, Unmet
from apiql.runtime.results import body_reader, complaint, own_reader, reply_reader
from apiql.runtime.scope import Evaluate, Reads, Scope

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


def compile_value(value: Value, functions: Registry, reads: Reads) -> Evaluate:
    """The closure of a value."""
    match value:
        case Literal(scalar):
            return lambda scope: scalar
        case Secret():  # who may send it has taken it out before
            raise ValueRefused("a private value cannot stand here")
        case Ref():
            return compile_ref(value, functions, reads)
        case Items(items):
            return _compile_items(items, functions, reads)
        case Record(members):
            return _compile_record(members, functions, reads)
        case Apply():
            return _compile_apply(value, functions, reads)
        case Invoke():
            return compile_invoke(value, lambda part: compile_value(part, functions, reads))
        case Spread(inner):
            return compile_value(inner, functions, reads)


def _compile_items(items: tuple[Value, ...], functions: Registry, reads: Reads) -> Evaluate:
    parts = [null_for_missing(compile_value(i, functions, reads)) for i in items]
    if not any(isinstance(item, Spread) for item in items):
        return lambda scope: [part(scope) for part in parts]
    spread = [isinstance(item, Spread) for item in items]

    def evaluate(scope: Scope) -> Any:
        found: list[Any] = []
        for opens, part in zip(spread, parts, strict=True):
            value = part(scope)
            found += _opened(value, list, "a list") if opens else (value,)
        return found

    return evaluate


def _compile_record(
    members: tuple[tuple[str, Value], ...], functions: Registry, reads: Reads
) -> Evaluate:
    pairs = [(name, compile_value(v, functions, reads)) for name, v in members]
    if not any(isinstance(value, Spread) for _, value in members):
        return lambda scope: {
            name: found for name, part in pairs if (found := part(scope)) is not MISSING
        }
    spread = [isinstance(value, Spread) for _, value in members]

    def evaluate(scope: Scope) -> Any:
        found: dict[str, Any] = {}
        for opens, (name, part) in zip(spread, pairs, strict=True):
            value = part(scope)
            if opens:
                found |= _opened(value, dict, "an object")
            elif value is not MISSING:
                found[name] = value
        return found

    return evaluate


def _opened(value: Any, kind: type, wanted: str) -> Any:
    """What `...` adds: null and nothing add nothing."""
    if value is None or value is MISSING:
        return kind()
    if not isinstance(value, kind):
        raise ValueRefused(f"... wants {wanted} here, got {a_kind(value)}")
    return value


def _compile_apply(value: Apply, functions: Registry, reads: Reads) -> Evaluate:
    args = [null_for_missing(compile_value(a, functions, reads)) for a in value.args]
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
    call = function.call
    if function.takes_values and function.accepts(len(args)):
        return lambda scope: call(*[arg(scope) for arg in args])
    return lambda scope: function.apply([arg(scope) for arg in args], scope.moment)


# -- references ---------------------------------------------------------------------------------


def compile_ref(ref: Ref, functions: Registry, reads: Reads, *, exact: bool = False) -> Evaluate:
    """The closure of a reference; `exact`: missing elements of its lists stay apart from null."""
    steps = ref.path[len(static_names(ref)) :]
    rest = [_compile_step(step, functions, reads, exact) for step in steps]
    root = _compile_root(ref, functions, reads, exact)
    if not rest and isinstance(ref.root, RowRoot):
        return root
    if isinstance(ref.root, LocalRoot) and not ref.path:
        return root
    complain = complaint(ref)
    if isinstance(ref.root, ParamRoot) and not ref.path:
        return _param_reader(ref.root.name, complain)
    if isinstance(ref.root, ElementRoot) and not ref.path:
        number = ref.root.number
        return lambda scope: scope.elements[number]

    def evaluate(scope: Scope) -> Any:
        found = root(scope)
        for step in rest:
            found = step(scope, found)
        if found is MISSING:
            return complain(scope)
        return found

    return evaluate


def _param_reader(name: str, complain: Evaluate) -> Evaluate:
    """`$name` by itself: the most frequent reference of all."""

    def evaluate(scope: Scope) -> Any:
        found = scope.params.get(name, MISSING)
        return complain(scope) if found is MISSING else found

    return evaluate


def _compile_step(
    step: Any, functions: Registry, reads: Reads, exact: bool
) -> Callable[[Scope, Any], Any]:
    lacking = MISSING if exact else None
    match step:
        case str():
            return lambda scope, value: walk.by_names(value, (step,), lacking)
        case int():
            return lambda scope, value: walk.by_index(value, step)
        case Open():
            return lambda scope, value: walk.opened(value)
        case Computed(inner):
            key = compile_value(inner, functions, reads)
            return lambda scope, value: walk.by_key(value, key(scope))
    raise TypeError(step)


def _compile_root(ref: Ref, functions: Registry, reads: Reads, exact: bool) -> Evaluate:
    names = static_names(ref)
    match ref.root:
        case ParamRoot(name):
            lacking = MISSING if exact else None
            return lambda scope: walk.by_names(scope.params.get(name, MISSING), names, lacking)
        case RowRoot():
            return lambda scope: scope.row.read(names)
        case ValueRoot(value):
            inner = compile_value(value, functions, reads)
            if ref.optional:
                inner = _tolerant(inner)
            return lambda scope: walk.by_names(inner(scope), names)
        case ResultRoot(task):
            if ref.part is Part.BODY:
                return body_reader(ref, task, reads[task, names, exact])
            return reply_reader(ref, task, names)
        case ElementRoot(number):
            return lambda scope: walk.by_names(scope.elements[number], names)
        case OutputRoot(name):
            return lambda scope: walk.by_names(_member(scope, name), names)
        case LocalRoot() | FailureRoot() | ReplyRoot():
            return own_reader(ref.root, ref.part, names)


def _member(scope: Scope, name: str) -> Any:
    assert scope.members is not None
    return scope.members.value(name)


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
