"""What functions can take and how much they may make: one check a kind, one message a mistake.

Every check gets the name of the function, so that the refusal names it. Knows JSON values only.
"""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal

from apiql.errors import ValueRefused
from apiql.runtime.json_values import Json, Number, a_kind, is_number, kind, plain_text

MOST_CHARACTERS = 1 << 20
"""The longest text that a function makes."""

MOST_ITEMS = 100_000
"""The longest list that a function makes of a text."""

_HINTS = {
    "a text": "string(…) makes a text of a number or boolean",
    "a number": "number(…) makes a number of a text",
}


def text(function: str, value: Json) -> str:
    """A text as it is."""
    if isinstance(value, str):
        return value
    raise refused(function, "a text", value)


def scalar_text(function: str, value: Json) -> str:
    """A text, number or boolean as plain text."""
    if isinstance(value, list | dict) or value is None:
        raise refused(function, "a text, number or boolean", value)
    return plain_text(value)


def utf8(function: str, value: Json) -> bytes:
    """The bytes of a text, number or boolean."""
    try:
        return scalar_text(function, value).encode()
    except UnicodeEncodeError:
        raise ValueRefused(
            f"{function}() wants a text that is valid Unicode, got half of a surrogate pair"
        ) from None


def number(function: str, value: Json) -> Number:
    """A number; a boolean is none."""
    if is_number(value):
        found: Number = value
        return found
    raise refused(function, "a number", value)


def whole(function: str, value: Json) -> int:
    """An integer, also where it is written 2.0; positions and sizes."""
    found = number(function, value)
    if isinstance(found, int):
        return found
    if found.adjusted() > 18 or found != found.to_integral_value():
        raise ValueRefused(f"{function}() wants an integer, got {_short(found)}")
    return int(found)


def items(function: str, value: Json) -> list[Json]:
    """A list."""
    if isinstance(value, list):
        return value
    raise refused(function, "a list", value)


def members(function: str, value: Json) -> dict[str, Json]:
    """An object."""
    if isinstance(value, dict):
        return value
    raise refused(function, "an object", value)


def numbers(function: str, value: Json) -> list[Number]:
    """The numbers of a list, its nulls left out; anything else in it is refused."""
    found = [item for item in items(function, value) if item is not None]
    for item in found:
        if not is_number(item):
            raise refused(function, "a list of numbers", item, "an element that is ")
    return found


def bounded(function: str, made: str) -> str:
    """What a function made, if it is not too long."""
    refuse_above(function, len(made), MOST_CHARACTERS, "characters")
    return made


def refuse_above(function: str, size: int, most: int, unit: str) -> None:
    """Called before a large value is made, where its size is known."""
    if size > most:
        raise ValueRefused(f"{function}() makes more than {most:,} {unit}")


def total(texts: Sequence[str], separator: str = "") -> int:
    """The length these texts have when joined."""
    return sum(map(len, texts)) + len(separator) * max(len(texts) - 1, 0)


def refused(function: str, wanted: str, value: Json, prefix: str = "") -> ValueRefused:
    """`upper() wants a text, got a number`, with the way out."""
    hint = None if kind(value) in ("null", "list", "object") else _HINTS.get(wanted)
    return ValueRefused(f"{function}() wants {wanted}, got {prefix}{a_kind(value)}", hint)


def _short(value: Decimal) -> str:
    shown = str(value)
    return shown if len(shown) <= 40 else f"{shown[:40]}…"
