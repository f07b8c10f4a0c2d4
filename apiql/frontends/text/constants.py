"""Constant expressions: JSON that stands in a text."""

from __future__ import annotations

from typing import Any

from apiql.frontends.text import expressions as e


class NotConstant(Exception):
    """A default that is no constant."""


def constant(expression: e.Expression) -> Any:
    """The JSON value of a constant expression.

    Raises:
        NotConstant: it reads something.
    """
    match expression:
        case e.Constant(value):
            return value
        case e.Reference(e.Word(text, _, True), (), False):
            return text
        case e.ListOf(items):
            return [constant(item) for item in items]
        case e.ObjectOf(members):
            return {word.text: constant(value) for word, value in _pairs(members)}
        case e.Round((item,)):
            return constant(item)
    raise NotConstant


def _pairs(
    members: tuple[tuple[e.Word, e.Expression] | e.Spread, ...],
) -> list[tuple[e.Word, e.Expression]]:
    if any(isinstance(member, e.Spread) for member in members):
        raise NotConstant
    return [member for member in members if not isinstance(member, e.Spread)]
