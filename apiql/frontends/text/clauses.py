"""The syntax tree of the clauses of a select: what was written and where."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

from apiql.frontends.text.expressions import Expression, Reference, Span, Variable, Word


@dataclass(frozen=True, slots=True)
class Bind:
    """`place = value` of a `where`, or `name = value` of another clause."""

    place: tuple[str, ...]
    value: Expression
    span: Span


@dataclass(frozen=True, slots=True)
class BatchOf:
    """`batch n as style`; `size` None for `batch all`, `style` None where it is unsaid."""

    size: int | None
    style: str | None
    span: Span


@dataclass(frozen=True, slots=True)
class Each:
    """`place in value`, or `(place, place) in zip(…)`: fan-out."""

    places: tuple[tuple[str, ...], ...]
    value: Expression
    batch: BatchOf | None
    span: Span


@dataclass(frozen=True, slots=True)
class Where:
    """`where …`"""

    binds: tuple[Bind | Each, ...]
    span: Span


@dataclass(frozen=True, slots=True)
class Pairs:
    """`query`, `headers`, `cookies` or `form` with their pairs; `word` is the keyword."""

    word: str
    pairs: tuple[Bind, ...]
    span: Span


@dataclass(frozen=True, slots=True)
class Body:
    """`body value`"""

    value: Expression
    span: Span


@dataclass(frozen=True, slots=True)
class After:
    """`after a, b`"""

    names: tuple[Word, ...]
    span: Span


@dataclass(frozen=True, slots=True)
class DurationOf:
    """Seconds, or the parameter that holds them."""

    value: float | Variable
    span: Span


@dataclass(frozen=True, slots=True)
class TimeoutOf:
    """`timeout 500ms`"""

    duration: DurationOf
    span: Span


@dataclass(frozen=True, slots=True)
class Within:
    """`within 300ms or …`: `substitute` is None for `stale`."""

    duration: DurationOf
    substitute: Expression | None
    span: Span


@dataclass(frozen=True, slots=True)
class Retry:
    """`retry 2 unsafe backoff 50ms`"""

    times: int
    unsafe: bool
    backoff: DurationOf | None
    span: Span


@dataclass(frozen=True, slots=True)
class Lifetime:
    """`cache 60s` or `max-age 40s`; `word` says which."""

    word: str
    duration: DurationOf
    span: Span


@dataclass(frozen=True, slots=True)
class When:
    """`when condition`"""

    condition: Expression
    span: Span


@dataclass(frozen=True, slots=True)
class Fallback:
    """`fallback json`"""

    value: Expression
    span: Span


@dataclass(frozen=True, slots=True)
class RowsAt:
    """`rows data.items`"""

    path: Reference
    span: Span


@dataclass(frozen=True, slots=True)
class Into:
    """`into posts.items.author on id = posts.items.authorId`; `on` is (own key, target's key)."""

    target: Reference
    on: tuple[Reference, Reference] | None
    span: Span


@dataclass(frozen=True, slots=True)
class Having:
    """`having condition`"""

    condition: Expression
    span: Span


@dataclass(frozen=True, slots=True)
class GroupBy:
    """`group by key, key`; no keys for `group by ()`."""

    keys: tuple[Expression, ...]
    span: Span


@dataclass(frozen=True, slots=True)
class SortKey:
    """A key of `order by`."""

    value: Expression
    descending: bool
    nulls_first: bool


@dataclass(frozen=True, slots=True)
class OrderBy:
    """`order by key desc nulls first, key`"""

    keys: tuple[SortKey, ...]
    span: Span


@dataclass(frozen=True, slots=True)
class CountOf:
    """A number of rows, or the parameter that holds it."""

    value: int | Variable
    span: Span


@dataclass(frozen=True, slots=True)
class Limit:
    """`limit 10 offset 20`"""

    count: CountOf
    offset: CountOf | None
    span: Span


@dataclass(frozen=True, slots=True)
class Flag:
    """`hidden`, `optional`, `required`, `distinct` or `no cache`"""

    word: str
    span: Span


Clause: TypeAlias = (
    Where | Pairs | Body | RowsAt | Into | Having | GroupBy | OrderBy | Limit | TimeoutOf | Within
    | Retry | Lifetime | After | When | Fallback | Flag
)  # fmt: skip


def word_of_clause(clause: Clause) -> str:
    """The keyword that a clause begins with."""
    match clause:
        case Pairs(word) | Flag(word) | Lifetime(word):
            return word
        case _:
            return WORDS[type(clause)]


WORDS: dict[type, str] = {
    Where: "where", Body: "body", RowsAt: "rows", Into: "into", Having: "having",
    GroupBy: "group by", OrderBy: "order by", Limit: "limit", TimeoutOf: "timeout",
    Within: "within", Retry: "retry", After: "after", When: "when", Fallback: "fallback",
}  # fmt: skip
