"""What single tokens mean: names, texts, numbers, durations, and the stretch they cover."""

from __future__ import annotations

import json
from decimal import Decimal, InvalidOperation
from typing import Any

from lark import Token

from apiql.frontends.text import expressions as e
from apiql.frontends.text.syntax import FieldOf


class Mistake(Exception):
    """Something the grammar lets through and the language does not. Becomes SYNTAX."""

    def __init__(self, message: str, span: e.Span, hint: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.span = span
        self.hint = hint


def span_of(first: Any, last: Any = None) -> e.Span:
    """From the start of a token or node to the end of another."""
    start, end = _ends(first), _ends(first if last is None else last)
    return e.Span(start.start, end.end)


def _ends(thing: Any) -> e.Span:
    if isinstance(thing, Token):
        return e.Span(thing.start_pos or 0, thing.end_pos or 0)
    if isinstance(thing, FieldOf):
        return _ends(thing.value)
    if isinstance(thing, e.NameStep):
        return thing.name.span
    span: e.Span = thing.span
    return span


def unquoted(token: Token) -> str:
    """The text of a "…" token: JSON's escapes, and its rules."""
    try:
        text: str = json.loads(token)
        text.encode()
    except (json.JSONDecodeError, UnicodeEncodeError):
        raise Mistake(
            "this is no JSON text",
            span_of(token),
            "expected JSON's escapes (\\n \\\" \\\\ \\u0041), or a text in single quotes",
        ) from None
    return text


def word_of(token: Token) -> e.Word:
    if token.type == "DQ":
        return e.Word(unquoted(token), span_of(token), quoted=True)
    return e.Word(str(token), span_of(token))


def number_of(token: Token) -> int | Decimal:
    try:
        return int(token) if token.isdigit() else Decimal(token)
    except InvalidOperation:
        message = "the exponent of this number has too many digits"
        raise Mistake(message, span_of(token), "write 1e3, 2.5e-7") from None
