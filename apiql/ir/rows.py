"""Rows: what SQL's clauses do with the result of a call, as data (language.md, section 7).

The order is fixed: at, having, group, group_having, order, distinct, offset, limit. In these
values the fields of a row are references to `RowRoot`.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TypeAlias

from apiql.ir.projection import Field, Named
from apiql.ir.push import Sendable
from apiql.ir.values import ParamRoot, Value

Count: TypeAlias = int | ParamRoot
"""A number of rows, or the parameter that holds it."""


@dataclass(frozen=True, slots=True)
class Unsent:
    """An offset that is left to us where one of these is not sent to the upstream."""

    count: Count
    sent: tuple[Sendable, ...]


AGGREGATES = frozenset({"count", "sum", "min", "max", "avg"})
COUNT_ROWS = "count(*)"
"""The function of the aggregate that counts the rows of a group; it has no arguments."""


@dataclass(frozen=True, slots=True)
class SortKey:
    """A key of `order by`; nulls come last unless `nulls_first`."""

    value: Value
    descending: bool = False
    nulls_first: bool = False


@dataclass(frozen=True, slots=True)
class Rows:
    """What becomes of a result before anybody sees it.

    `at` are the names on the way to the list (`rows data.items`). `group` is None where nothing
    is grouped and empty for one group of all; then `fields` are the members of a group: its keys
    and aggregates. `having` filters rows, `group_having` groups.
    """

    at: tuple[str, ...] = ()
    having: Value | None = None
    group: tuple[Value, ...] | None = None
    group_having: Value | None = None
    fields: tuple[Field, ...] = ()
    order: tuple[SortKey, ...] = ()
    distinct: bool = False
    offset: Count | Unsent = 0
    limit: Count | None = None

    def values(self) -> Iterator[Value]:
        """Every value in these clauses (parameters in counts are not among them)."""
        yield from (value for value in (self.having, self.group_having) if value is not None)
        yield from self.group or ()
        yield from (field.value for field in self.fields if isinstance(field, Named))
        yield from (key.value for key in self.order)

    def counts(self) -> Iterator[ParamRoot]:
        """The parameters that hold counts."""
        offset = self.offset.count if isinstance(self.offset, Unsent) else self.offset
        yield from (found for found in (offset, self.limit) if isinstance(found, ParamRoot))
