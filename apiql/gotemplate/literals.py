"""Go's literals: interpreted and raw strings, characters, integers and floats of every base."""

from __future__ import annotations

import re

from lark import Token

from apiql.errors import ApiqlError

MOST_DIGITS = 400
LARGEST = 2**63 - 1

_ESCAPE = re.compile(
    r"""\\(?:([abfnrtv\\'"])|x([0-9a-fA-F]{2})|u([0-9a-fA-F]{4})|U([0-9a-fA-F]{8})|([0-7]{3})|(.?))""",
    re.DOTALL,
)
_PLAIN = {"a": "\a", "b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t", "v": "\v"}
_INTEGER = re.compile(
    r"([+-]?)(?:(0[xX])_?([0-9a-fA-F]+(?:_[0-9a-fA-F]+)*)|(0[oO]?)_?([0-7]+(?:_[0-7]+)*)"
    r"|(0[bB])_?([01]+(?:_[01]+)*)|(0|[1-9][0-9]*(?:_[0-9]+)*))"
)
_FLOAT = re.compile(r"[+-]?(?:[0-9]+(?:_[0-9]+)*)?\.?(?:[0-9]+(?:_[0-9]+)*)?(?:[eE][+-]?[0-9]+)?")
_HEX_FLOAT = re.compile(r"[+-]?0[xX][0-9a-fA-F_]*(?:\.[0-9a-fA-F_]*)?[pP][+-]?[0-9]+")


class Misread(ApiqlError):
    """A mistake at an offset, found while the tree is built."""

    def __init__(self, message: str, offset: int, hint: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.offset = offset
        self.hint = hint


def text_of(token: Token) -> str:
    """The text that a quoted or raw string spells."""
    if token.startswith("`"):
        return str(token)[1:-1].replace("\r", "")
    return _unquoted(token, "'")


def character_of(token: Token) -> int:
    """The code point of a character in single quotes: Go's int."""
    text = _unquoted(token, '"')
    if len(text) != 1:
        raise Misread(
            f"malformed character constant: {token}", _at(token), "expected one character"
        )
    return ord(text)


def number_of(token: Token) -> int | float:
    """An int where the literal has neither point nor exponent, else a float."""
    text = str(token)
    if text.endswith("i") or len(text) > MOST_DIGITS:
        what = "is complex" if text.endswith("i") else "is too long"
        raise Misread(f"number {text[:20]} {what}", _at(token), "expected an integer or a float")
    value = _integer(text)
    if value is not None:
        if not -LARGEST - 1 <= value <= LARGEST:
            raise Misread(f"{text} overflows int", _at(token), "write it as a float or a text")
        return value
    return _float(text, token)


def _integer(text: str) -> int | None:
    found = _INTEGER.fullmatch(text)
    if found is None:
        return None
    sign, _, sixteen, _, eight, _, two, ten = found.groups()
    size = next(
        int(digits.replace("_", ""), base)
        for digits, base in ((sixteen, 16), (eight, 8), (two, 2), (ten, 10))
        if digits is not None
    )
    return -size if sign == "-" else size


def _float(text: str, token: Token) -> float:
    try:
        if _HEX_FLOAT.fullmatch(text):
            return float.fromhex(text.replace("_", ""))
        if _FLOAT.fullmatch(text):
            value = float(text.replace("_", ""))
            if abs(value) != float("inf"):
                return value
    except (ValueError, OverflowError):
        pass
    raise Misread(f'bad number syntax: "{text}"', _at(token), "expected a number")


def _unquoted(token: Token, other_quote: str) -> str:
    def plain(found: re.Match[str]) -> str:
        letter, byte, short, long, eight, wrong = found.groups()
        if wrong is not None or letter == other_quote:
            message = f"invalid escape {found.group()!r} in {token}"
            hint = r"Go knows \n \t \r \\ \" \xNN \uNNNN and the like"
            raise Misread(message, _at(token) + 1 + found.start(), hint)
        if letter is not None:
            return _PLAIN.get(letter, letter)
        return _point(int(eight, 8) if eight else int(byte or short or long, 16), token)

    return _ESCAPE.sub(plain, str(token)[1:-1])


def _point(number: int, token: Token) -> str:
    if number > 0x10FFFF or 0xD800 <= number <= 0xDFFF:
        raise Misread(f"U+{number:04X} is no character", _at(token), "expected a character")
    return chr(number)


def _at(token: Token) -> int:
    return token.start_pos or 0
