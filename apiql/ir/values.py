"""Values: JSON data with holes. What a task reads is written in its values and nowhere else.

    Value = Literal | Secret | Ref | Record | Items | Apply | Spread | Invoke

A `Ref` has a root (a result, a parameter, a field of the row, a computed value, the element of a
fan-out, a member of the answer, a local value, the reply or the failure of a work) and a path.
Values are frozen and know nothing of how they are evaluated.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from decimal import Decimal
from enum import Enum
from itertools import takewhile
from typing import Any, TypeAlias

from apiql.ir.secret import Secret

Scalar: TypeAlias = bool | int | Decimal | str | None


@dataclass(frozen=True, slots=True)
class Literal:
    """A scalar constant."""

    value: Scalar

    def __str__(self) -> str:
        match self.value:
            case None:
                return "null"
            case bool():
                return "true" if self.value else "false"
            case str():
                return json_text(self.value)
            case _:
                return str(self.value)


@dataclass(frozen=True, slots=True)
class ResultRoot:
    """The result of a task, by its name."""

    task: str


@dataclass(frozen=True, slots=True)
class ParamRoot:
    """A parameter of the program, `$name`."""

    name: str


@dataclass(frozen=True, slots=True)
class RowRoot:
    """The row that a projection is looking at."""


@dataclass(frozen=True, slots=True)
class ValueRoot:
    """A value that is computed first: `first(a.list).name`."""

    value: Value


@dataclass(frozen=True, slots=True)
class ElementRoot:
    """The element that a call of a fan-out is made for; `number` counts the values that `in`
    walks through, in the order of the text.
    """

    number: int


@dataclass(frozen=True, slots=True)
class OutputRoot:
    """What the answer would hold under a name: what references in `return` see."""

    name: str


@dataclass(frozen=True, slots=True)
class LocalRoot:
    """A local value of the task, by its name."""

    name: str


@dataclass(frozen=True, slots=True)
class ReplyRoot:
    """What the task's work came to: a body, a status, headers; of what is no call the value."""


@dataclass(frozen=True, slots=True)
class FailureRoot:
    """Why the task's work came to nothing: `{"code", "message", "status"}`; null where `when`
    left it out.
    """


Root: TypeAlias = (
    ResultRoot | ParamRoot | RowRoot | ValueRoot | ElementRoot | OutputRoot
    | LocalRoot | ReplyRoot | FailureRoot
)  # fmt: skip


class Part(Enum):
    """Which part of a result a reference sees; `WHOLE`: all of a task's own reply, as it came."""

    BODY = "body"
    STATUS = "$status"
    HEADERS = "$headers"
    WHOLE = "whole"


@dataclass(frozen=True, slots=True)
class Open:
    """The step `[]`: opens the lists in a list, one level."""


@dataclass(frozen=True, slots=True)
class Computed:
    """The step `[value]`: an index or a key known when the value is."""

    value: Value


Step: TypeAlias = str | int | Open | Computed


@dataclass(frozen=True, slots=True)
class Ref:
    """A path from a root. `optional` (`?`): what is missing is left out instead of refused."""

    root: Root
    path: tuple[Step, ...] = ()
    optional: bool = False
    part: Part = Part.BODY

    def __str__(self) -> str:
        match self.root:
            case ResultRoot(name) | OutputRoot(name) | LocalRoot(name):
                head = name
            case ElementRoot(number):
                head = f"each {number + 1}"
            case ParamRoot(name):
                head = f"${name}"
            case RowRoot():
                head = ""
            case ValueRoot(value):
                head = str(value)
            case ReplyRoot() | FailureRoot():
                head = "reply" if isinstance(self.root, ReplyRoot) else "failure"
        if self.part is not Part.BODY:
            head += f".{self.part.value}"
        text = head + "".join(_step_text(step) for step in self.path)
        return text.removeprefix(".") + ("?" if self.optional else "")


@dataclass(frozen=True, slots=True)
class Spread:
    """`...value`: the members of an object in an object, the elements of a list in a list."""

    value: Value

    def __str__(self) -> str:
        return f"...{self.value}"


@dataclass(frozen=True, slots=True)
class Record:
    """An object: members in order, names unique. A `Spread` stands under the name `...`."""

    members: tuple[tuple[str, Value], ...]

    def __str__(self) -> str:
        return "{" + ", ".join(_member_text(k, v) for k, v in self.members) + "}"


@dataclass(frozen=True, slots=True)
class Items:
    """A list."""

    items: tuple[Value, ...]

    def __str__(self) -> str:
        return "[" + ", ".join(str(item) for item in self.items) + "]"


@dataclass(frozen=True, slots=True)
class Apply:
    """A function or operator applied to values. Operators are named by their sign."""

    function: str
    args: tuple[Value, ...] = ()

    def __str__(self) -> str:
        if self.function in SIGNS and len(self.args) == 2:
            return f"({self.args[0]} {self.function} {self.args[1]})"
        if self.function.endswith(")"):
            return self.function
        return f"{self.function}({', '.join(str(arg) for arg in self.args)})"


@dataclass(frozen=True, slots=True)
class Invoke:
    """A function of a definition (a compiled template) applied to values; `name` is for people.
    `call` takes the moment of the run and the values; what it cannot do it refuses with
    `ValueRefused`.
    """

    name: str
    call: Callable[..., Any] = field(repr=False)
    args: tuple[Value, ...] = ()

    def __str__(self) -> str:
        return f"{self.name}({', '.join(str(arg) for arg in self.args)})"


Value: TypeAlias = Literal | Secret | Ref | Record | Items | Apply | Spread | Invoke

SIGNS = frozenset("+ - * / % = != < <= > >= and or in like".split())
"""The operators that stand between two operands."""


def children(value: Value) -> tuple[Value, ...]:
    """The values that a value is made of, those inside computed steps included."""
    if isinstance(value, Ref) and not value.path and not isinstance(value.root, ValueRoot):
        return ()
    match value:
        case Literal() | Secret():
            return ()
        case Spread(inner):
            return (inner,)
        case Record(members):
            return tuple(member for _, member in members)
        case Items(items) | Apply(_, items) | Invoke(_, _, items):
            return items
        case Ref(root, path):
            computed = tuple(step.value for step in path if isinstance(step, Computed))
            return (root.value, *computed) if isinstance(root, ValueRoot) else computed


def refs(value: Value) -> Iterator[Ref]:
    """Every reference in a value."""
    if isinstance(value, Ref):
        yield value
    for child in children(value):
        yield from refs(child)


def secrets(value: Value) -> Iterator[Secret]:
    """Every secret in a value."""
    if isinstance(value, Secret):
        yield value
    for child in children(value):
        yield from secrets(child)


def applied(value: Value) -> frozenset[str]:
    """The names of all functions and operators in a value."""
    own = frozenset({value.function} if isinstance(value, Apply) else ())
    return own.union(*map(applied, children(value)))


def json_text(text: str) -> str:
    """A text as a JSON string, for people and plans."""
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return '"' + "".join(_shown(c) for c in escaped) + '"'


def _member_text(name: str, value: Value) -> str:
    return str(value) if isinstance(value, Spread) else f"{json_text(name)}: {value}"


def _shown(character: str) -> str:
    return character if character.isprintable() else f"\\u{ord(character):04x}"


def _step_text(step: Step) -> str:
    match step:
        case str():
            return f".{step}" if step.isidentifier() else f".{json_text(step)}"
        case int():
            return f"[{step}]"
        case Open():
            return "[]"
        case Computed(value):
            return f"[{value}]"


def static_names(ref: Ref) -> tuple[str, ...]:
    """The names a path begins with: as far as a body need be decoded for it."""
    return tuple(map(str, takewhile(lambda step: isinstance(step, str), ref.path)))
