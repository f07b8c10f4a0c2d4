"""The row clauses: from the JSON of a result to the JSON of its rows (language.md, section 7).

What passes keeps its bytes; only what the clauses read is decoded. The order is fixed: at,
having, group by, order by, distinct, offset, limit.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial

from apiql.errors import ValueRefused
from apiql.ir.grouping import Groups
from apiql.ir.projection import EVERYTHING, Named, Projection
from apiql.ir.rows import Count, Rows, Unsent
from apiql.ir.values import ParamRoot, Value
from apiql.plugins import Registry
from apiql.runtime.distinct import compile_distinct
from apiql.runtime.evaluate import compile_value
from apiql.runtime.groups import compile_groups, compile_members, group_members
from apiql.runtime.json_values import a_kind, number_text
from apiql.runtime.ordering import Arrange, compile_order
from apiql.runtime.pushed import compile_sendable
from apiql.runtime.row_list import NULL, in_list, rows_at
from apiql.runtime.row_reading import Entry, Wanted, compile_reader_of_rows, values_of
from apiql.runtime.scope import Evaluate, Reads, Scope
from apiql.runtime.shape import Shape, compile_shape

RowStage = Callable[[bytes, Scope], bytes]
"""From a body to the JSON of the result that references and the projection see.

It raises `NotRows` where the result is not what the clauses want, `Undecodable` where it is no
JSON, `ValueRefused` for what cannot be compared or computed.
"""


@dataclass(frozen=True, slots=True)
class _Work:
    """Row clauses as they are carried out: what follows `group by` reads keys and aggregates."""

    rows: Rows
    groups: Groups | None
    members: dict[str, Value]
    group_having: Value | None
    order: tuple[Value, ...]

    @classmethod
    def of(cls, rows: Rows) -> _Work:
        """The work of some clauses."""
        order = tuple(key.value for key in rows.order)
        if rows.group is None:
            return cls(rows, None, {}, None, order)
        groups = Groups(rows.group)
        members = {name: groups.lifted(v) for name, v in group_members(rows.fields).items()}
        having = None if rows.group_having is None else groups.lifted(rows.group_having)
        order = tuple(groups.lifted(value) for value in order)
        for stray in groups.strays:
            raise ValueRefused(f"{stray} is neither a key of group by nor inside an aggregate")
        return cls(rows, groups, members, having, order)

    def of_rows(self) -> Iterator[Value]:
        """What is computed for each row as it came."""
        yield from () if self.rows.having is None else (self.rows.having,)
        if self.groups is None:
            yield from self.order
        else:
            yield from self.groups.keys
            yield from (arg for found in self.groups.aggregates for arg in found.args)

    def of_groups(self) -> Iterator[Value]:
        """What is computed for each group."""
        yield from self.members.values()
        yield from () if self.group_having is None else (self.group_having,)
        yield from self.order if self.groups is not None else ()


def row_values(rows: Rows) -> Iterator[Value]:
    """Every value of row clauses with aggregates and keys read from a row: what of them needs
    no row can be computed before the first call.
    """
    work = _Work.of(rows)
    yield from work.of_rows()
    yield from work.of_groups()


def row_checks(rows: Rows) -> tuple[Evaluate, ...]:
    """What refuses parameters that are no numbers of rows, before the first call."""
    offset = rows.offset.count if isinstance(rows.offset, Unsent) else rows.offset
    counts = (("limit", rows.limit), ("offset", offset))
    return tuple(
        partial(_number, word, count) for word, count in counts if isinstance(count, ParamRoot)
    )


def compile_rows(rows: Rows, projection: Projection, functions: Registry, reads: Reads) -> RowStage:
    """What these clauses make of a body; `distinct` looks at what `projection` leaves of a row.

    Raises:
        ValueRefused: a constant that cannot stand where it stands.
    """
    if rows == Rows(rows.at):
        return lambda body, scope: rows_at(body, rows.at)
    work = _Work.of(rows)
    wanted, read = _wanted(rows), compile_reader_of_rows(work.of_rows())
    stages = tuple(_stages(work, projection, functions, reads))

    def stage(body: bytes, scope: Scope) -> bytes:
        data = rows_at(body, rows.at)
        elements = wanted.elements(data)
        if elements is None:
            return NULL
        try:
            entries = wanted.entries(data, elements, read)
            for arrange in stages:
                entries = arrange(entries, scope)
        finally:
            scope.row = None
        return in_list([entry.json for entry in entries])

    return stage


def _wanted(rows: Rows) -> Wanted:
    for clause, given in (
        ("having", rows.having), ("group by", rows.group), ("order by", rows.order or None),
    ):  # fmt: skip
        if given is not None:
            return Wanted(clause, True, rows.at)
    return Wanted("distinct" if rows.distinct else "limit", False, rows.at)


def _stages(
    work: _Work, projection: Projection, functions: Registry, reads: Reads
) -> Iterator[Arrange]:
    rows, groups = work.rows, work.groups
    if rows.having is not None:
        yield _passing(compile_value(rows.having, functions, reads))
    if groups is not None:
        yield compile_groups(groups, functions, reads)
        if work.group_having is not None:
            yield _passing(compile_value(work.group_having, functions, reads))
        yield compile_members(work.members, functions, reads)
    if rows.order:
        keys = [compile_value(value, functions, reads) for value in work.order]
        yield compile_order(rows.order, keys)
    if rows.distinct:
        shown = projection if groups is None else EVERYTHING
        yield compile_distinct(_shape(shown, functions, reads))
    if rows.offset != 0 or rows.limit is not None:
        yield _slice(_left_of(rows.offset, functions, reads), rows.limit)


def _passing(condition: Evaluate) -> Arrange:
    """Only those for which a condition is true: unknown is not enough."""

    def arrange(entries: list[Entry], scope: Scope) -> list[Entry]:
        truths = values_of(condition, entries, scope)
        for truth in truths:
            if truth is not None and truth is not True and truth is not False:
                message = f"having wants a condition, got {a_kind(truth)}"
                raise ValueRefused(message, "compare it: … = …")
        return [entry for entry, truth in zip(entries, truths, strict=True) if truth]

    return arrange


def _shape(projection: Projection, functions: Registry, reads: Reads) -> Shape:
    named = (field for field in projection.fields if isinstance(field, Named))
    evaluators = {field.name: compile_value(field.value, functions, reads) for field in named}
    return compile_shape(projection, evaluators)


def _left_of(offset: Count | Unsent, functions: Registry, reads: Reads) -> Callable[[Scope], int]:
    """The rows that are still to be skipped."""
    if not isinstance(offset, Unsent):
        return partial(_number, "offset", offset)
    number = partial(_number, "offset", offset.count)
    sent = [compile_sendable(found, functions, reads) for found in offset.sent]
    return lambda scope: number(scope) if any(found(scope) is None for found in sent) else 0


def _slice(offset: Callable[[Scope], int], limit: Count | None) -> Arrange:
    def arrange(entries: list[Entry], scope: Scope) -> list[Entry]:
        start = offset(scope)
        end = None if limit is None else start + _number("limit", limit, scope)
        return entries[start:end]

    return arrange


def _number(word: str, count: Count, scope: Scope) -> int:
    """A number of rows; refused where a parameter holds none."""
    if not isinstance(count, ParamRoot):
        return count
    found = scope.params.get(count.name)
    if type(found) is int and found >= 0:
        return found
    got = number_text(found) if type(found) is int else a_kind(found)
    raise ValueRefused(f"{word} ${count.name} wants an integer from 0 up, got {got}")
