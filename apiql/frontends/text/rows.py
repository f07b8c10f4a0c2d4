"""The row clauses of a select --lower--> rows: what is wrong with them is seen before any call.

Where names of `as` are meant: in `order by` always; with `group by`, in its keys and in `having`,
unless the projection reads a field of the row by that name, as SQL has it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar

from apiql.errors import Code
from apiql.frontends.text import clauses as cl
from apiql.frontends.text import expressions as e
from apiql.frontends.text import syntax as s
from apiql.frontends.text.conditions import check_condition
from apiql.frontends.text.grouping import Written, refuse_counted_rows, refuse_strays
from apiql.frontends.text.values import NOTHING, Lowering
from apiql.ir.grouping import OVER_ROWS, holds_aggregate, row_names, with_names
from apiql.ir.projection import EVERYTHING, Field, Kept, Named, Path, Projection
from apiql.ir.rows import Count, Rows, SortKey
from apiql.ir.values import Apply, ParamRoot, Ref, RowRoot, Value, applied, refs

AnyClause = TypeVar("AnyClause", bound=cl.Clause)


def lower_rows(
    select: s.Select, projection: Projection, lowering: Lowering
) -> tuple[Rows | None, Projection]:
    """The row clauses of a select, None where there are none, and what is left to project:
    everything, where `group by` has made rows of the fields already.

    `lowering` reads names as fields of the row.
    """
    return _RowClauses(select, projection, lowering).lowered()


@dataclass(frozen=True, slots=True)
class _RowClauses:
    select: s.Select
    projection: Projection
    lowering: Lowering

    def lowered(self) -> tuple[Rows | None, Projection]:
        if self._clause(cl.GroupBy) is None:
            found, left = self._of_rows(), self.projection
        else:
            found, left = self._of_groups(), EVERYTHING
        return (None if found == Rows() else found), left

    def _of_rows(self) -> Rows:
        having, order = self._having({}), self._order(grouped=False)
        message = "count(*) counts the rows of a group, and there is no `group by`"
        written = (*self._fields(), *having, *order)
        refuse_counted_rows(written, self.lowering.findings, message)
        return self._rows(having=_all_of(having), order=self._sort_keys(order))

    def _of_groups(self) -> Rows:
        findings = self.lowering.findings
        before = len(findings.problems)
        keys = self._keys()
        keys_are_right = len(findings.problems) == before
        order = self._order(grouped=True)
        having = self._having(self._names())
        of_groups = [part for part in having if holds_aggregate(part.value)]
        of_rows = [part for part in having if not holds_aggregate(part.value)]
        group = tuple(key.value for key in keys)
        self._refuse_everything()
        if keys_are_right:
            refuse_strays(group, (*self._fields(), *of_groups, *order), findings)
        return self._rows(
            having=_all_of(of_rows), group=group, group_having=_all_of(of_groups),
            fields=self.projection.fields, order=self._sort_keys(order),
        )  # fmt: skip

    def _rows(
        self, *, having: Value | None, order: tuple[SortKey, ...],
        group: tuple[Value, ...] | None = None, group_having: Value | None = None,
        fields: tuple[Field, ...] = (),
    ) -> Rows:  # fmt: skip
        limit = self._clause(cl.Limit)
        flags = (c.word for c in self.select.clauses if isinstance(c, cl.Flag))
        return Rows(
            self._at(), having, group, group_having, fields, order, "distinct" in flags,
            0 if limit is None or limit.offset is None else _count(limit.offset),
            None if limit is None else _count(limit.count),
        )  # fmt: skip

    def _clause(self, kind: type[AnyClause]) -> AnyClause | None:
        return next((c for c in self.select.clauses if isinstance(c, kind)), None)

    # -- the clauses

    def _at(self) -> Path:
        clause = self._clause(cl.RowsAt)
        if clause is None:
            return ()
        if not clause.path.is_plain_path:
            message = "`rows` takes names joined by dots"
            hint = "expected rows data.items; in lists on the way every object is entered"
            self.lowering.findings.add(Code.SYNTAX, message, clause.path.span, hint)
        return clause.path.names

    def _having(self, names: Mapping[str, Value]) -> list[Written]:
        """The parts between the outer `and`s; `names` are those of `as` that are meant."""
        clause = self._clause(cl.Having)
        if clause is None:
            return []
        check_condition(clause.condition, "`having`", self.lowering.findings)
        value = self.lowering.value(clause.condition)
        parts = _outer_parts(value, clause.condition)
        return [Written(with_names(p.value, names, True), p.expression) for p in parts]

    def _keys(self) -> list[Written]:
        clause = self._clause(cl.GroupBy)
        names = self._names()
        return [self._key(key, names) for key in (clause.keys if clause else ())]

    def _key(self, key: e.Expression, names: Mapping[str, Value]) -> Written:
        findings = self.lowering.findings
        if isinstance(key, e.Round) and len(key.items) > 1:
            hint = "expected group by shop, day"
            findings.add(Code.SYNTAX, "keys stand without round brackets", key.span, hint)
            return Written(NOTHING, key)
        value = self.lowering.value(key)
        meant = with_names(value, names, False)
        written = Written(meant, key)
        if meant != value and holds_aggregate(meant):
            message = "this name stands for an aggregate, and groups are made before it"
            findings.add(Code.VALIDATION, message, key.span, "group by fields of the row")
        else:
            message = "count(*) counts the rows of a group: it cannot make the groups"
            refuse_counted_rows([written], findings, message)
        self._refuse_constant(
            "group by", Written(value, key), "name a field; `group by ()` makes one group"
        )
        return written

    def _order(self, grouped: bool) -> list[Written]:
        clause = self._clause(cl.OrderBy)
        names = {f.name: f.value for f in self.projection.fields if isinstance(f, Named)}
        found = []
        for key in clause.keys if clause else ():
            value = self.lowering.value(key.value)
            found.append(Written(with_names(value, names, grouped), key.value))
            self._refuse_constant(
                "order by", Written(value, key.value), "name a field; a parameter cannot"
            )
        return found

    def _sort_keys(self, order: Sequence[Written]) -> tuple[SortKey, ...]:
        clause = self._clause(cl.OrderBy)
        keys = clause.keys if clause else ()
        return tuple(
            SortKey(found.value, key.descending, key.nulls_first)
            for found, key in zip(order, keys, strict=True)
        )

    # -- names and checks

    def _names(self) -> Mapping[str, Value]:
        """The names of `as` that are no fields of the row, as far as the projection shows."""
        fields = self.projection.fields
        kept = {field.path[0] for field in fields if isinstance(field, Kept)}
        read = kept | row_names(self.projection.values())
        named = (field for field in fields if isinstance(field, Named))
        return {field.name: field.value for field in named if field.name not in read}

    def _fields(self) -> Iterator[Written]:
        """The fields of the projection; an exclusion before them is none."""
        fields, members = self.projection.fields, self.select.fields.fields
        for field, member in zip(fields, members[len(members) - len(fields) :], strict=True):
            value = Ref(RowRoot(), field.path) if isinstance(field, Kept) else field.value
            yield Written(value, member.value)

    def _refuse_everything(self) -> None:
        clause = self._clause(cl.GroupBy)
        if self.projection.everything and clause is not None:
            message = "`*` does not go with `group by`: a group has only its keys and aggregates"
            hint = "name them: select shop, count(*) as n, sum(price) as total"
            self.lowering.findings.add(Code.VALIDATION, message, clause.span, hint)

    def _refuse_constant(self, clause: str, written: Written, hint: str) -> None:
        """`order by 1` is a position in SQL and nothing here, and a parameter is no name."""
        value = written.value
        changing = self.lowering.functions.volatile() | OVER_ROWS
        of_row = any(isinstance(ref.root, RowRoot) for ref in refs(value))
        if not of_row and applied(value).isdisjoint(changing) and value != NOTHING:
            message = f"`{clause}` takes fields of the row, and this is the same for every row"
            span = written.expression.span
            self.lowering.findings.add(Code.VALIDATION, message, span, hint)


def _outer_parts(value: Value, expression: e.Expression) -> Iterator[Written]:
    """A condition and its expression, parted together at the outer `and`s."""
    match expression, value:
        case e.Round((inner,)), _:
            yield from _outer_parts(value, inner)
        case e.Operation("and", operands), Apply("and", args):
            for operand, arg in zip(operands, args, strict=True):
                yield from _outer_parts(arg, operand)
        case _:
            yield Written(value, expression)


def _all_of(parts: Sequence[Written]) -> Value | None:
    values = tuple(part.value for part in parts)
    return values[0] if len(values) == 1 else Apply("and", values) if values else None


def _count(count: cl.CountOf) -> Count:
    return ParamRoot(count.value.name) if isinstance(count.value, e.Variable) else count.value
