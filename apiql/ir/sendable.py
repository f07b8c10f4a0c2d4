"""Constants as upstreams read them in a query string. What cannot be written there without doubt
is not written: its clause stays here.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from decimal import Decimal
from typing import Any
from urllib.parse import quote

from apiql.ir.push import TEXTS, Form, Hole, Kind, Piece, Sendable, SentText
from apiql.ir.values import Literal, Value

MOST_BYTES = 4000
"""Of one clause in a URL: upstreams, and what stands before them, refuse long ones."""
MOST_OF_A_PARAMETER = 250
MOST_INTEGER = 2**31 - 1
MOST_DIGITS = 15
"""Those that a binary number of 64 bits holds for certain."""

DOUBTFUL = re.compile(r"[\x00-\x1f\x7f-\x9f\ud800-\udfff\ufffe\uffff]")
NOT_PLAIN = re.compile(r"[,*]|^\s|\s$|^$")
QUOTES = re.compile(r'(["\\])')


def sendable(pieces: Iterable[Piece], form: Form) -> Sendable | None:
    """Pieces of a text as what can be sent, constants written already; None where one cannot."""
    joined: list[Piece] = []
    for piece in pieces:
        if isinstance(piece, Hole) and isinstance(piece.value, Literal):
            text = written(piece.value.value, piece.kind, form)
            if text is None:
                return None
            piece = text
        if isinstance(piece, str) and joined and isinstance(joined[-1], str):
            joined[-1] += piece
        else:
            joined.append(piece)
    made = SentText(tuple(joined), form)
    return "".join(map(str, joined)) if not made.has_holes else made


def fits_a_url(found: Iterable[Sendable]) -> bool:
    """Whether what is sent is short enough, whatever parameters hold."""
    return sum(map(_longest, found)) <= MOST_BYTES


def _longest(found: Sendable) -> int:
    pieces = found.pieces if isinstance(found, SentText) else (str(found),)
    return sum(_size(p) if isinstance(p, str) else MOST_OF_A_PARAMETER for p in pieces)


def _size(text: str) -> int:
    return len(quote(text, safe=""))


def filled(text: SentText, find: Callable[[Value], Any]) -> str | None:
    """The text with its holes filled; None where a value cannot be written, or it is too long."""
    made = []
    for piece in text.pieces:
        if isinstance(piece, Hole):
            found = written(find(piece.value), piece.kind, text.form)
            if found is None or _size(found) > MOST_OF_A_PARAMETER:
                return None
            made.append(found)
        else:
            made.append(piece)
    return "".join(made)


def written(value: Any, kind: Kind, form: Form) -> str | None:
    """A constant of a kind; None where it is of another, or doubtful."""
    match value:
        case bool():
            return ("true" if value else "false") if kind is Kind.BOOLEAN else None
        case int() if kind is Kind.INTEGER:
            return str(value) if abs(value) <= MOST_INTEGER else None
        case int() | Decimal() if kind is Kind.NUMBER:
            return _number(value)
        case str() if kind in TEXTS:
            return None if DOUBTFUL.search(value) else _text(value, form)
        case _:
            return None


def _number(value: int | Decimal) -> str | None:
    if isinstance(value, int):
        return str(value) if abs(value) < 10**MOST_DIGITS else None
    _, digits, exponent = value.as_tuple()
    if not isinstance(exponent, int) or len(digits) > MOST_DIGITS or abs(exponent) > MOST_DIGITS:
        return None
    return format(value, "f") if value else "0"


def _text(value: str, form: Form) -> str | None:
    match form:
        case Form.WHOLE:
            return value
        case Form.QUOTED:
            return '"' + QUOTES.sub(r"\\\1", value) + '"'
        case Form.ODATA:
            return "'" + value.replace("'", "''") + "'"
        case Form.PLAIN:
            return None if NOT_PLAIN.search(value) else value
