"""The syntax tree of a template; each part knows its offset and how Go writes it in messages."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias


@dataclass(frozen=True, slots=True)
class Field:
    """`.a.b`; Go counts from the last but first name, and so does `offset`."""

    names: tuple[str, ...]
    offset: int

    def __str__(self) -> str:
        return "." + ".".join(self.names)


@dataclass(frozen=True, slots=True)
class Variable:
    """`$v.a.b`; `$` alone is the data that a template was given."""

    name: str
    names: tuple[str, ...]
    offset: int

    def __str__(self) -> str:
        return ".".join((self.name, *self.names))


@dataclass(frozen=True, slots=True)
class Identifier:
    """The name of a function."""

    name: str
    offset: int

    def __str__(self) -> str:
        return self.name


@dataclass(frozen=True, slots=True)
class Chain:
    """Fields of what a function or a pipeline in parentheses gives."""

    base: Identifier | Pipeline
    names: tuple[str, ...]
    offset: int

    def __str__(self) -> str:
        base = f"({self.base})" if isinstance(self.base, Pipeline) else str(self.base)
        return ".".join((base, *self.names))


@dataclass(frozen=True, slots=True)
class Dot:
    """`.`, the data at hand."""

    offset: int

    def __str__(self) -> str:
        return "."


@dataclass(frozen=True, slots=True)
class Nil:
    """`nil`, which may only be an argument."""

    offset: int

    def __str__(self) -> str:
        return "nil"


@dataclass(frozen=True, slots=True)
class Literal:
    """A value written down; an int is Go's int, a float its float64."""

    value: str | bool | int | float
    written: str
    offset: int

    def __str__(self) -> str:
        return self.written


@dataclass(frozen=True, slots=True)
class Command:
    """A value, or a function with its arguments."""

    operands: tuple[Operand, ...]
    offset: int

    def __str__(self) -> str:
        return " ".join(f"({o})" if isinstance(o, Pipeline) else str(o) for o in self.operands)


@dataclass(frozen=True, slots=True)
class Pipeline:
    """Commands, each given the value of the one before; may set variables."""

    commands: tuple[Command, ...]
    variables: tuple[str, ...]
    assigns: bool
    offset: int

    def __str__(self) -> str:
        sign = " = " if self.assigns else " := "
        declared = ", ".join(self.variables) + sign if self.variables else ""
        return declared + " | ".join(map(str, self.commands))


Operand: TypeAlias = Field | Variable | Identifier | Chain | Dot | Nil | Literal | Pipeline
Escaper: TypeAlias = Callable[[object], str]


@dataclass(frozen=True, slots=True)
class Text:
    """What is written out as it stands."""

    text: str
    offset: int


@dataclass(frozen=True, slots=True)
class Action:
    """`{{pipeline}}`; the escapers are added behind it by the modes that escape."""

    pipeline: Pipeline
    offset: int
    escapers: tuple[Escaper, ...] = ()


@dataclass(frozen=True, slots=True)
class If:
    """The branches in their order, each with its condition; `other` is the last else."""

    branches: tuple[tuple[Pipeline, List], ...]
    other: List | None
    offset: int


@dataclass(frozen=True, slots=True)
class With:
    """The body, with the value as dot if there is one."""

    pipeline: Pipeline
    body: List
    other: List | None
    offset: int


@dataclass(frozen=True, slots=True)
class Range:
    """The body for each element, else `other`."""

    pipeline: Pipeline
    body: List
    other: List | None
    offset: int


@dataclass(frozen=True, slots=True)
class Leave:
    """`{{break}}`."""

    offset: int


@dataclass(frozen=True, slots=True)
class NextRound:
    """`{{continue}}`."""

    offset: int


@dataclass(frozen=True, slots=True)
class Call:
    """`{{template "name" pipeline}}`, or `{{block …}}` with the body that it defines; `target` is
    the name that an escaping mode gave its copy of the template.
    """

    name: str
    pipeline: Pipeline | None
    offset: int
    body: List | None = None
    target: str | None = None

    def __str__(self) -> str:
        given = f" {self.pipeline}" if self.pipeline else ""
        return f'{{{{template "{self.name}"{given}}}}}'


Node: TypeAlias = Text | Action | If | With | Range | Leave | NextRound | Call
List: TypeAlias = tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class Tree:
    """A template, and those it defines by name."""

    text: str
    body: List
    defined: dict[str, List]
