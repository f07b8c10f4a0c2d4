"""The syntax tree of expressions: references, constants, operators, and where they stand.

Spans are offsets into the text (`start` to `end`, in characters).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

from apiql.ir.values import Scalar


@dataclass(frozen=True, slots=True)
class Span:
    """A stretch of the text."""

    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Word:
    """A name as written; `quoted` ones may hold any character."""

    text: str
    span: Span
    quoted: bool = False


@dataclass(frozen=True, slots=True)
class Constant:
    """A text, number, boolean or null."""

    value: Scalar
    span: Span


@dataclass(frozen=True, slots=True)
class NameStep:
    """`.name`"""

    name: Word


@dataclass(frozen=True, slots=True)
class SystemStep:
    """`.$status` or `.$headers`"""

    name: str
    span: Span


@dataclass(frozen=True, slots=True)
class IndexStep:
    """`[value]`, or `[]` where `index` is None."""

    index: Expression | None
    span: Span


Step: TypeAlias = NameStep | SystemStep | IndexStep


@dataclass(frozen=True, slots=True)
class Variable:
    """`$name`"""

    name: str
    span: Span


@dataclass(frozen=True, slots=True)
class Invocation:
    """`name(args)`; `star` for `count(*)`."""

    name: Word
    args: tuple[Expression, ...]
    star: bool
    span: Span


@dataclass(frozen=True, slots=True)
class Reference:
    """A root and the steps from it, with `?` at the end where `optional`."""

    root: Word | Variable | Invocation
    steps: tuple[Step, ...]
    optional: bool
    span: Span

    @property
    def is_plain_path(self) -> bool:
        """Names joined by dots and nothing else."""
        return (
            isinstance(self.root, Word)
            and not self.optional
            and all(isinstance(step, NameStep) for step in self.steps)
        )

    @property
    def names(self) -> tuple[str, ...]:
        """The names of a plain path."""
        root = (self.root.text,) if isinstance(self.root, Word) else ()
        return root + tuple(s.name.text for s in self.steps if isinstance(s, NameStep))


@dataclass(frozen=True, slots=True)
class Spread:
    """`...name` in a list or an object."""

    of: Reference
    span: Span


@dataclass(frozen=True, slots=True)
class ListOf:
    """`[a, b]`"""

    items: tuple[Expression, ...]
    span: Span


@dataclass(frozen=True, slots=True)
class ObjectOf:
    """`{"a": b}`"""

    members: tuple[tuple[Word, Expression] | Spread, ...]
    span: Span


@dataclass(frozen=True, slots=True)
class Round:
    """`(a)` or `(a, b)`: a parenthesis, an exclusion, or a list after `in`."""

    items: tuple[Expression, ...]
    span: Span


@dataclass(frozen=True, slots=True)
class Operation:
    """An operator and its operands; `+ a, b` and `and a, b, c` are flat."""

    sign: str
    operands: tuple[Expression, ...]
    span: Span


@dataclass(frozen=True, slots=True)
class Sum:
    """A chain of operators of one rank, left to right: `a - b + c`."""

    first: Expression
    rest: tuple[tuple[str, Expression], ...]
    span: Span


Expression: TypeAlias = Constant | Reference | Spread | ListOf | ObjectOf | Round | Operation | Sum
