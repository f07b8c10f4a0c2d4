"""One select over one body, without calls: its row clauses, then its projection."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from apiql.frontends.text.diagnose import Source
from apiql.frontends.text.grammar import TextLimits
from apiql.frontends.text.parse import TextParser
from apiql.frontends.text.projections import lower_projection
from apiql.frontends.text.rows import lower_rows
from apiql.frontends.text.surroundings import Findings, Names
from apiql.frontends.text.syntax import Query
from apiql.frontends.text.values import Lowering
from apiql.ir.projection import Named, Projection
from apiql.ir.rows import Rows
from apiql.plugins import Moment
from apiql.runtime.evaluate import compile_value
from apiql.runtime.functions import standard_functions
from apiql.runtime.rows import RowStage, compile_rows
from apiql.runtime.scope import Scope
from apiql.runtime.shape import compile_shape

FUNCTIONS = standard_functions()
PARSER = TextParser(TextLimits())


def scope_of(params: Mapping[str, Any] | None = None) -> Scope:
    """The scope of a run with these parameters, in which nothing was called yet."""
    return Scope(params or {}, Moment(0, lambda bits: 0))


@dataclass(frozen=True)
class RowQuery:
    """A lowered select."""

    rows: Rows | None
    projection: Projection

    @cached_property
    def stage(self) -> RowStage:
        """What its row clauses make of a body."""
        if self.rows is None:
            return lambda body, scope: body
        return compile_rows(self.rows, self.projection, FUNCTIONS, {})

    def seen(self, body: bytes, params: Mapping[str, Any] | None = None) -> bytes:
        """The result as references see it."""
        return self.stage(body, scope_of(params))

    def shown(self, body: bytes, params: Mapping[str, Any] | None = None) -> bytes:
        """The result as the answer shows it."""
        named = (field for field in self.projection.fields if isinstance(field, Named))
        evaluators = {field.name: compile_value(field.value, FUNCTIONS, {}) for field in named}
        shape = compile_shape(self.projection, evaluators)
        return shape(self.seen(body, params), scope_of(params))


def row_query(text: str) -> RowQuery:
    """The select of a text.

    Raises:
        QueryRefused: with all that is wrong with its projection and row clauses.
    """
    statement = PARSER.parse(text).statements[0]
    assert isinstance(statement, Query)
    select = statement.selects[0]
    findings = Findings(Source(text))
    lowering = Lowering(Names(frozenset(), {}), FUNCTIONS, findings, 64, in_row=True)
    projection = lower_projection(select.fields, lowering, 200)
    rows, left = lower_rows(select, projection, lowering)
    findings.refuse()
    return RowQuery(rows, left)
