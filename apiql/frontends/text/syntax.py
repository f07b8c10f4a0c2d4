"""The syntax tree of an APIQL text: what was written and where, nothing resolved."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

from apiql.frontends.text.clauses import Clause, DurationOf
from apiql.frontends.text.expressions import Expression, Span, Variable, Word


@dataclass(frozen=True, slots=True)
class FieldOf:
    """A member of a projection."""

    value: Expression
    alias: Word | None


@dataclass(frozen=True, slots=True)
class Fields:
    """`*, …` or a list of fields."""

    star: bool
    fields: tuple[FieldOf, ...]
    span: Span


@dataclass(frozen=True, slots=True)
class Url:
    """An absolute URL after `from`."""

    text: str
    span: Span


@dataclass(frozen=True, slots=True)
class PathText:
    """An absolute path after `from`."""

    text: str
    span: Span


@dataclass(frozen=True, slots=True)
class SourceName:
    """A name after `from`, in folders: `query.shop."cart@2"`."""

    names: tuple[str, ...]
    span: Span


Source: TypeAlias = Url | PathText | SourceName


@dataclass(frozen=True, slots=True)
class Select:
    """One select with its clauses, in the order of the text. `side` is the word before its
    `join`, `otherwise` the select after `else`.
    """

    fields: Fields
    method: Word | None
    source: Source
    alias: Word | None
    clauses: tuple[Clause, ...]
    otherwise: Select | None
    span: Span
    side: Word | None = None


@dataclass(frozen=True, slots=True)
class SetAlias:
    """`set name as source`"""

    name: Word
    source: Source
    span: Span


@dataclass(frozen=True, slots=True)
class SetVariable:
    """`set $name type = default`"""

    variable: Variable
    type: str | None
    default: Expression | None
    span: Span


@dataclass(frozen=True, slots=True)
class Use:
    """`use setting …`; `duration` for those that take one."""

    setting: str
    value: str
    duration: DurationOf | None
    span: Span


@dataclass(frozen=True, slots=True)
class Return:
    """`return value`"""

    value: Expression
    span: Span


@dataclass(frozen=True, slots=True)
class Query:
    """A select and what is joined to it."""

    selects: tuple[Select, ...]
    explain: bool
    analyze: Word | None


Statement: TypeAlias = SetAlias | SetVariable | Use | Return | Query


@dataclass(frozen=True, slots=True)
class Program:
    """All statements of a text."""

    statements: tuple[Statement, ...]
