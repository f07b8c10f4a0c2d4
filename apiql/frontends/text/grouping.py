"""What `group by` allows: a group has its keys and aggregates, and nothing else of its rows."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from apiql.errors import Code
from apiql.frontends.text import expressions as e
from apiql.frontends.text.expression_parts import parts
from apiql.frontends.text.surroundings import Findings
from apiql.ir.grouping import Groups
from apiql.ir.rows import AGGREGATES, COUNT_ROWS
from apiql.ir.values import Apply, Ref, Value, applied


@dataclass(frozen=True, slots=True)
class Written:
    """A value and the expression it was."""

    value: Value
    expression: e.Expression


def refuse_counted_rows(written: Iterable[Written], findings: Findings, message: str) -> None:
    """Notes each `count(*)` where there are no groups."""
    hint = "`group by ()` makes one group of all; count(items) counts a list in the row"
    for item in written:
        if COUNT_ROWS in applied(item.value):
            findings.add(Code.VALIDATION, message, _star(item.expression), hint)


def refuse_strays(keys: tuple[Value, ...], written: Iterable[Written], findings: Findings) -> None:
    """Notes what of these a group has not."""
    for item in written:
        groups = Groups(keys)
        groups.lifted(item.value)
        for stray in groups.strays[:1]:
            _stray(stray, item.expression, findings)
        for aggregate in groups.aggregates:
            _check_argument(aggregate, item.expression, findings)


def _stray(stray: Ref, expression: e.Expression, findings: Findings) -> None:
    name = f"`{stray}`" if stray.path else "the whole row"
    message = f"{name} is neither a key of `group by` nor inside an aggregate"
    hint = "a group has only its keys and aggregates: add it to `group by`, or write max(…)"
    findings.add(Code.VALIDATION, message, _place_of(stray, expression), hint)


def _check_argument(aggregate: Apply, expression: e.Expression, findings: Findings) -> None:
    if any(COUNT_ROWS in applied(arg) for arg in aggregate.args):
        message = f"count(*) stands inside {aggregate.function}(), which looks at one row"
        hint = "aggregates of a group stand side by side: sum(price) / count(*)"
        findings.add(Code.VALIDATION, message, _star(expression), hint)


def _star(expression: e.Expression) -> e.Span:
    """Where `count(*)` stands, else the whole."""
    for part in parts(expression):
        if isinstance(part, e.Reference) and isinstance(part.root, e.Invocation) and part.root.star:
            return part.root.span
    return expression.span


def _place_of(stray: Ref, expression: e.Expression) -> e.Span:
    """Where a field stands outside of aggregates, else the whole."""
    names = tuple(step for step in stray.path if isinstance(step, str))
    for part in parts(expression, lambda call: call.name.text.lower() not in AGGREGATES):
        if isinstance(part, e.Reference) and part.names == names:
            return part.span
    return expression.span
