"""JSON values as bodies hold them: exact digits, members in their order. Knows no body.

`Json` is None, bool, int, Decimal (numbers that are no integers), str, list or dict of them; values
are never changed once they are made.
"""

from __future__ import annotations

from decimal import Decimal, InvalidOperation
from typing import Any, Final, TypeAlias

import msgspec

from apiql.errors import ApiqlError

Json: TypeAlias = Any


class Missing:
    """What stands where there is nothing."""

    __slots__ = ()

    def __repr__(self) -> str:
        return "MISSING"


MISSING: Final = Missing()


class TooDeep(ApiqlError):
    """A value that was made of others, and nests too deeply to be written, or is too long then."""


MOST_LETTERS = 16 << 20
"""Of a text that is made of bodies."""

_DECODER = msgspec.json.Decoder(float_hook=Decimal)
_ENCODER = msgspec.json.Encoder(decimal_format="number")


def decoded(data: bytes | str) -> Json | Missing:
    """The value written as JSON; MISSING where it is none, or nests too deeply."""
    try:
        return _DECODER.decode(data)
    except (msgspec.DecodeError, RecursionError, UnicodeError, InvalidOperation):
        return MISSING


def encoded(value: Json) -> bytes:
    """Compact JSON.

    Raises:
        TooDeep: it nests too deeply.
    """
    try:
        return _ENCODER.encode(value)
    except RecursionError:
        raise TooDeep("a body nests too deeply to be written as JSON") from None


def text_of(value: Json) -> str:
    """A value inside of a text: a text as it is, null empty, all else as JSON."""
    if isinstance(value, str):
        return value
    return "" if value is None else encoded(value).decode()
