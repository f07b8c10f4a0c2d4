"""JSON values as the runtime holds them: bytes in, bytes out, exact digits, names of kinds.

`Json` is None, bool, int, Decimal (every number that is not an integer), str, list of Json or
dict[str, Json]; never a float, never NaN. Knows nothing of plans, functions or calls.
"""

from __future__ import annotations

import re
from collections.abc import Hashable, Sequence
from decimal import MAX_EMAX, MIN_EMIN, Context, Decimal, InvalidOperation
from typing import Any, TypeAlias

import msgspec

from apiql.errors import ValueRefused

Json: TypeAlias = Any
Number: TypeAlias = int | Decimal

MOST_DIGITS = 400
"""The digits of the longest number that is read, and of the longest that is written out."""

SHORT = 10**18
"""Integers below need no look at their length: the usual case is quick."""

_DECODER = msgspec.json.Decoder(float_hook=Decimal)
_ENCODER = msgspec.json.Encoder(decimal_format="number")
_LONGEST_INTEGER = 4300
"""The digits of the longest integer that Python makes a text of."""
_EXACT = Context(prec=_LONGEST_INTEGER, Emin=MIN_EMIN, Emax=MAX_EMAX)
_ALL_DIGITS_ZERO = bytes.maketrans(b"123456789", b"0" * 9)
_TOO_LONG = b"0" * (MOST_DIGITS + 1)
_FIRST_TOO_BIG = 10**MOST_DIGITS
_NUMBER = re.compile(r"[+-]?([0-9]+(\.[0-9]*)?|\.[0-9]+)([eE][+-]?[0-9]+)?")
_KINDS = {
    type(None): "null",
    bool: "boolean",
    int: "number",
    Decimal: "number",
    str: "text",
    list: "list",
    dict: "object",
}


def kind(value: Json) -> str:
    """The word for messages: null, boolean, number, text, list, object."""
    return _KINDS[type(value)]


def a_kind(value: Json) -> str:
    """The kind with its article: `null`, `a text`, `an object`."""
    word = kind(value)
    return word if word == "null" else f"an {word}" if word == "object" else f"a {word}"


def is_number(value: Json) -> bool:
    """Whether it is a number; a boolean is none."""
    return type(value) is int or type(value) is Decimal


def decode(data: bytes | msgspec.Raw) -> Json:
    """The value written as JSON (UTF-8), every digit kept.

    ValueRefused where it is broken, nested too deeply, or has a number of more than 400 digits.
    """
    try:
        value: Json = _DECODER.decode(data)
    except RecursionError:
        raise ValueRefused("the JSON is nested too deeply") from None
    except UnicodeDecodeError:
        raise ValueRefused("the JSON is broken: a text in it is not UTF-8") from None
    except InvalidOperation:
        raise ValueRefused("the JSON has a number that is out of range") from None
    except msgspec.DecodeError as error:
        reason = str(error).removeprefix("JSON is malformed: ")
        raise ValueRefused(f"the JSON is broken: {reason}") from None
    if _may_be_too_long(bytes(data)) and not _numbers_fit(value):
        raise _too_many_digits()
    return value


def encode(value: Json) -> bytes:
    """Compact JSON, members in their order; `msgspec.Raw` anywhere passes as it is."""
    try:
        return _ENCODER.encode(value)
    except UnicodeEncodeError:
        raise ValueRefused(
            "a text has half of a surrogate pair, which cannot be sent as UTF-8"
        ) from None
    except RecursionError:
        raise ValueRefused("the value is nested too deeply for JSON") from None


def number_text(value: Number) -> str:
    """All digits, never in exponent form; ValueRefused where that takes more than 400."""
    if isinstance(value, int):
        if -SHORT < value < SHORT:
            return str(value)
        if abs(value) >= _FIRST_TOO_BIG:
            raise _too_many_digits()
        return str(value)
    sign, digits, exponent = value.as_tuple()
    if not isinstance(exponent, int):
        raise ValueRefused("the number is not finite")
    if not value and exponent >= 0:
        return "-0" if sign else "0"
    width = len(digits) + exponent if exponent >= 0 else max(len(digits), 1 - exponent)
    if width > MOST_DIGITS:
        raise _too_many_digits()
    return format(value, "f")


def number_of(text: str) -> Number | None:
    """The number a text spells (`12.50`, `-3`, `1e3`, `.5`, `007`), digits kept; None if none."""
    stripped = text.strip()
    match = _NUMBER.fullmatch(stripped)
    if match is None:
        return None
    if sum(c.isdigit() for c in stripped) > MOST_DIGITS:
        raise _too_many_digits()
    if stripped.lstrip("+-").isdigit():
        return int(stripped)
    try:
        return Decimal(stripped)
    except InvalidOperation:
        raise ValueRefused("the number is out of range") from None


def plain_text(value: Json) -> str:
    """A scalar as it stands in a URL: true, 12.50, the text itself."""
    match value:
        case str():
            return value
        case bool():
            return "true" if value else "false"
        case int() | Decimal():
            return number_text(value)
        case _:
            raise ValueRefused(
                f"{a_kind(value)} has no plain text", "json(…) writes any value as JSON text"
            )


def are_short_integers(values: Sequence[Json]) -> bool:
    """Whether there are values, and all of them are integers of the usual size."""
    return set(map(type, values)) == {int} and -SHORT < min(values) and max(values) < SHORT


def are_texts(values: Sequence[Json]) -> bool:
    """Whether there are values, and all of them are texts."""
    return set(map(type, values)) == {str}


def usual_texts(values: Sequence[Json]) -> Sequence[str] | None:
    """What `plain_text` makes of each, quickly: of texts, or of integers of the usual size. None
    where they must be looked at one by one.
    """
    if are_texts(values):
        return values
    return list(map(str, values)) if are_short_integers(values) else None


def identity(value: Json) -> Hashable:
    """A key that equal values share and unequal ones do not: 1 and 1.0 do, 1 and true do not."""
    try:
        return _identity(value)
    except RecursionError:
        raise ValueRefused("the value is nested too deeply to be compared") from None


def _identity(value: Json) -> Hashable:
    match value:
        case list():
            return ("list", tuple(_identity(item) for item in value))
        case dict():
            return ("object", frozenset((name, _identity(item)) for name, item in value.items()))
        case bool():
            return ("boolean", value)
        case int() | Decimal():
            return ("number", _digits_that_count(value))
        case _:
            hashable: Hashable = value
            return hashable


def _digits_that_count(value: Number) -> str:
    """The same text for equal numbers. The hash of a number can be foreseen, and an upstream
    could send thousands that share one; that of a text cannot.
    """
    return str(plainest(value) if isinstance(value, Decimal) else value)


def plainest(value: Decimal) -> Number:
    """The one way among equal numbers: an integer if it is one, else without zeros behind."""
    if value.adjusted() < _LONGEST_INTEGER and value == value.to_integral_value():
        return int(value)
    return _EXACT.normalize(value)


def _may_be_too_long(data: bytes) -> bool:
    """Whether a run of digits is longer than any number may be (in a text it may)."""
    if len(data) <= MOST_DIGITS:
        return False
    return _TOO_LONG in data.translate(_ALL_DIGITS_ZERO, b".")


def _numbers_fit(value: Json) -> bool:
    waiting = [value]
    while waiting:
        found = waiting.pop()
        match found:
            case list():
                waiting += found
            case dict():
                waiting += found.values()
            case Decimal() if len(found.as_tuple().digits) > MOST_DIGITS:
                return False
            case int() if abs(found) >= _FIRST_TOO_BIG:
                return False
    return True


def _too_many_digits() -> ValueRefused:
    return ValueRefused(f"a number has more than {MOST_DIGITS} digits")
