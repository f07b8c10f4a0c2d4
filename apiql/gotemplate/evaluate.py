"""Expressions as closures: an operand, a command or a pipeline becomes a function of a `Run` that
gives its value. Knows nothing of what is written out.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, NoReturn, TypeAlias

from apiql.gotemplate import syntax
from apiql.gotemplate.budget import Run
from apiql.gotemplate.calls import BUILTINS, Builtin, Mistyped
from apiql.gotemplate.faults import Category, Stopped, StoppedAt
from apiql.gotemplate.scope import Scope
from apiql.gotemplate.values import MISSING, Kind, MapView, Value, is_true, member, no_field, seen

Reader: TypeAlias = Callable[[Run], Value]
Piped: TypeAlias = Callable[[Run, Value], Value]

NOTHING: Final = object()
"""Given as the value of the stage before where there is none."""


def pipeline_of(pipeline: syntax.Pipeline, scope: Scope) -> tuple[Reader, Scope]:
    """What a pipeline gives, and the scope behind it. nil is missing behind a pipeline, as in Go;
    a `range` sets its variables by itself.
    """
    read = value_of(pipeline, scope)
    if not pipeline.variables:
        return read, scope
    after = scope if pipeline.assigns else scope.with_variables(pipeline.variables)
    slots = [after.variables[name] for name in pipeline.variables]

    def set_and_read(run: Run) -> Value:
        value = read(run)
        for slot in slots:
            run.variables[slot] = value
        return value

    return set_and_read, after


def value_of(pipeline: syntax.Pipeline, scope: Scope) -> Reader:
    """The value of a pipeline, whatever variables it sets."""
    first, *others = (_command(command, scope) for command in pipeline.commands)
    simple = None if others else _simple(pipeline, scope)
    if simple is not None:
        return simple

    def read_through(run: Run) -> Value:
        value = first(run, NOTHING)
        for stage in others:
            value = stage(run, MISSING if value is None else value)
        return MISSING if value is None else value

    return read_through


def _simple(pipeline: syntax.Pipeline, scope: Scope) -> Reader | None:
    """The reader of a single field or variable, without a layer around it."""
    operands = pipeline.commands[0].operands
    if len(operands) > 1 or not isinstance(operands[0], syntax.Field | syntax.Variable):
        return None
    read = operand_of(operands[0], scope)

    def found(run: Run) -> Value:
        value = read(run)
        return MISSING if value is None else value

    return found


def _command(command: syntax.Command, scope: Scope) -> Piped:
    first, *others = command.operands
    if isinstance(first, syntax.Identifier):
        return _call(first, tuple(others), scope, command)
    read = operand_of(first, scope)
    if isinstance(first, syntax.Nil):
        return _refusing("nil is not a command", first)

    def value(run: Run, final: Value) -> Value:
        if final is not NOTHING or others:
            _refuse_arguments(first, read(run))
        return read(run)

    return value


def _refusing(message: str, operand: syntax.Operand) -> Piped:
    def refuse(run: Run, final: Value) -> Value:
        _stop(message, operand)

    return refuse


def _refuse_arguments(operand: syntax.Operand, value: Value) -> None:
    """Only functions take arguments; what is missing has none to take them."""
    names = getattr(operand, "names", ())
    if names:
        if value is not MISSING:
            _stop(f"{names[-1]} is not a method but has arguments", operand)
        return
    shown = f"({operand})" if isinstance(operand, syntax.Pipeline) else str(operand)
    _stop(f"can't give argument to non-function {shown}", operand)


def operand_of(operand: syntax.Operand, scope: Scope) -> Reader:
    """What an operand gives."""
    match operand:
        case syntax.Field():
            return _field(operand)
        case syntax.Variable():
            return _variable(operand, scope)
        case syntax.Identifier():
            call = _call(operand, (), scope, operand)
            return lambda run: call(run, NOTHING)
        case syntax.Chain():
            return _chain(operand, scope)
        case syntax.Dot():
            return _dot
        case syntax.Nil():
            return lambda run: None
        case syntax.Literal():
            constant = operand.value
            return lambda run: constant
        case syntax.Pipeline():
            return pipeline_of(operand, scope)[0]


def _dot(run: Run) -> Value:
    return run.dot


def _field(field: syntax.Field) -> Reader:
    names = field.names
    first = names[0]

    def read(run: Run) -> Value:
        dot = run.dot
        if not isinstance(dot, MapView):
            return descend(dot, names, field)
        raw: Value = dot.raw
        for name in names:
            if type(raw) is dict:
                raw = raw.get(name, MISSING)
            else:
                return descend(dot, names, field)
        return raw if type(raw) is str else seen(raw, dot.kind_of(first))

    return read


def descend(value: Value, names: tuple[str, ...], operand: syntax.Operand) -> Value:
    """The member behind each name in turn, with Go's errors."""
    typed = False
    for name in names:
        if value is not MISSING and not isinstance(value, MapView):
            _stop(no_field(value, name, typed), operand)
        typed = isinstance(value, MapView) and value.kind in (Kind.INT, Kind.TEXT)
        value = member(value, name)
    return value


def _variable(variable: syntax.Variable, scope: Scope) -> Reader:
    names = variable.names
    slot = scope.variables.get(variable.name)
    if slot is None:
        refuse = _refusing(f"undefined variable: {variable.name}", variable)
        return lambda run: refuse(run, NOTHING)
    if not names:
        return lambda run: run.variables[slot]
    return lambda run: descend(run.variables[slot], names, variable)


def _chain(chain: syntax.Chain, scope: Scope) -> Reader:
    base = operand_of(chain.base, scope)
    names = chain.names

    def read(run: Run) -> Value:
        value = base(run)
        return descend(MISSING if value is None else value, names, chain)

    return read


def _call(
    name: syntax.Identifier,
    operands: tuple[syntax.Operand, ...],
    scope: Scope,
    at: syntax.Command | syntax.Identifier,
) -> Piped:
    function = scope.functions[name.name]
    readers = tuple(operand_of(operand, scope) for operand in operands)
    if function is BUILTINS["and"] or function is BUILTINS["or"]:
        return _short(readers, name.name == "or", at)
    return _applied(function, readers, name.name, at)


def _applied(
    function: Builtin,
    readers: tuple[Reader, ...],
    name: str,
    at: syntax.Command | syntax.Identifier,
) -> Piped:
    wrong = _arity(function, name)

    def call(run: Run, final: Value) -> Value:
        values = [read(run) for read in readers]
        if final is not NOTHING:
            values.append(final)
        run.steps -= 1
        message = wrong(len(values))
        if message is not None:
            _stop(message, at)
        try:
            return function.call(run, values)
        except Stopped as stopped:
            raise _stopped_in(stopped, name, at) from None

    return call


def _short(
    readers: tuple[Reader, ...], stop_at: bool, at: syntax.Command | syntax.Identifier
) -> Piped:
    """and, or: the first operand that decides, else the last; those behind are not looked at."""

    def decide(run: Run, final: Value) -> Value:
        if not readers and final is NOTHING:
            word = "or" if stop_at else "and"
            _stop(f"wrong number of args for {word}: want at least 1 got 0", at)
        value: Value = MISSING
        for read in readers:
            value = read(run)
            if is_true(value) is stop_at:
                return value
        return value if final is NOTHING else final

    return decide


def _arity(function: Builtin, name: str) -> Callable[[int], str | None]:
    least, most = function.least, function.most

    def wrong(given: int) -> str | None:
        if given >= least and (most is None or given <= most):
            return None
        wanted = f"want at least {least}" if most is None else f"want {least}"
        return f"wrong number of args for {name}: {wanted} got {given}"

    return wrong


def _stopped_in(stopped: Stopped, name: str, at: syntax.Command | syntax.Identifier) -> StoppedAt:
    if isinstance(stopped, Mistyped) or stopped.category is Category.LIMIT:
        return StoppedAt(stopped, at.offset, str(at))
    named = Stopped(f"error calling {name}: {stopped.message}", hint=stopped.hint)
    return StoppedAt(named, at.offset, str(at))


def _stop(message: str, at: syntax.Operand | syntax.Command) -> NoReturn:
    raise StoppedAt(Stopped(message), at.offset, str(at))
