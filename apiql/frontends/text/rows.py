"""Rows."""

from __future__ import annotations

from apiql.frontends.text import syntax as s
from apiql.frontends.text.values import Lowering
from apiql.ir.projection import Projection
from apiql.ir.rows import Rows


def lower_rows(
    select: s.Select, projection: Projection, lowering: Lowering
) -> tuple[Rows | None, Projection]:
    return None, projection
