"""What a template may call: Go's builtin functions, and those of the table it was compiled with."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import TypeAlias

from apiql.errors import ValueRefused
from apiql.gotemplate import access, comparing, printf, printing, quoting
from apiql.gotemplate.budget import Run
from apiql.gotemplate.faults import Stopped
from apiql.gotemplate.values import MISSING, ListView, MapView, Value, is_true, type_name

Values: TypeAlias = Sequence[Value]


@dataclass(frozen=True, slots=True)
class Function:
    """A function of the table: `call` gets Go's values (texts, ints, floats, None, views) and gives
    a text, number, bool or None; `most` is None where any number of arguments will do. One that is
    `printed` gets its arguments as one text, if it has any: their size counts as work.
    """

    call: Callable[..., Value]
    least: int = 0
    most: int | None = None
    printed: bool = False


@dataclass(frozen=True, slots=True)
class Builtin:
    """A function of Go's; it may count what it costs."""

    call: Callable[[Run, Values], Value]
    least: int = 0
    most: int | None = None


class Mistyped(Stopped):
    """An argument that a function cannot be given at all: Go names no function in the message."""


def _html(run: Run, values: Values) -> str:
    return run.made(quoting.html(evaluated(run, values)))


def _js(run: Run, values: Values) -> str:
    return run.made(quoting.js(evaluated(run, values)))


def _urlquery(run: Run, values: Values) -> str:
    return run.made(quoting.urlquery(evaluated(run, values)))


def evaluated(run: Run, values: Values) -> str:
    """The arguments of an escaper as one text; nil is `<no value>` here."""
    shown = [printing.NO_VALUE if v is None or v is MISSING else v for v in values]
    return printing.print_all(shown, run)


def _print(run: Run, values: Values) -> str:
    return printing.print_all(_interfaces(values), run)


def _print_line(run: Run, values: Values) -> str:
    return printing.print_line(_interfaces(values), run)


def _printf(run: Run, values: Values) -> str:
    pattern, *others = _interfaces(values)
    if type(pattern) is not str:
        if pattern is None:
            raise Mistyped("invalid value; expected string")
        raise Mistyped(f"wrong type for value; expected string; got {type_name(pattern)}")
    return printf.formatted(pattern, others, run)


def _interfaces(values: Values) -> list[Value]:
    """What is missing is nil to functions that take any value."""
    return [None if value is MISSING else value for value in values]


def _not(run: Run, values: Values) -> bool:
    return not is_true(values[0])


def _call(run: Run, values: Values) -> Value:
    if values[0] is None or values[0] is MISSING:
        raise Stopped("call of nil")
    raise Stopped(f"non-function of type {type_name(values[0])}")


def _unreached(run: Run, values: Values) -> Value:
    raise Stopped("and and or are carried out where they stand")


BUILTINS: Mapping[str, Builtin] = MappingProxyType(
    {
        "and": Builtin(_unreached, 1),
        "or": Builtin(_unreached, 1),
        "not": Builtin(_not, 1, 1),
        "call": Builtin(_call, 1),
        "html": Builtin(_html),
        "js": Builtin(_js),
        "urlquery": Builtin(_urlquery),
        "index": Builtin(access.index, 1),
        "slice": Builtin(access.slice_of, 1),
        "len": Builtin(access.length, 1, 1),
        "print": Builtin(_print),
        "println": Builtin(_print_line),
        "printf": Builtin(_printf, 1),
        "eq": Builtin(comparing.equal, 1),
        "ne": Builtin(comparing.unequal, 2, 2),
        "lt": Builtin(comparing.less, 2, 2),
        "le": Builtin(comparing.less_or_equal, 2, 2),
        "gt": Builtin(comparing.greater, 2, 2),
        "ge": Builtin(comparing.greater_or_equal, 2, 2),
    }
)


def _size(value: Value) -> int:
    """How much there is to work through, at the first sight."""
    if isinstance(value, str):
        return len(value)
    return len(value.raw) if isinstance(value, MapView | ListView) else 1


def builtin_of(function: Function) -> Builtin:
    """A function of the table, called as the builtins are; its refusals stop the template."""

    def call(run: Run, values: Values) -> Value:
        given = _interfaces(values)
        if function.printed and given:
            given = [printing.print_all(given, run)]
        run.charge(sum(map(_size, given)) >> 6)
        try:
            value = function.call(*given)
        except ValueRefused as error:
            raise Stopped(error.message, hint=error.hint) from None
        return run.made(value) if isinstance(value, str) else value

    return Builtin(call, function.least, function.most)
