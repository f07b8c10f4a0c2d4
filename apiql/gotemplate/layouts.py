"""Reads times by Go's layouts: a value is read as the reference time `Mon Jan 2 15:04:05 MST 2006`
stands in the layout. Unix time in seconds; what names no zone is UTC.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from apiql.errors import ValueRefused
from apiql.gotemplate.layout_tokens import DAYS, MONTHS, TOKEN

LONGEST = 1024

_ZONE = re.compile(r"UTC|ChST|MeST|GMT(?:[+-][0-9]+)?|[+-][0-9]+|WITA|[A-Z]{4}T|[A-Z]{3}T|[A-Z]{3}")
_FRACTION = re.compile(r"[.,][0-9]+")
_YEAR_BEFORE_EPOCH = 719_528
"""Days from the first day of the year 0 to 1970-01-01."""


@dataclass(slots=True)
class Moment:
    """What was read so far."""

    year: int = 0
    month: int = 0
    day: int = 0
    year_day: int = 0
    hour: int = 0
    minute: int = 0
    second: int = 0
    afternoon: bool | None = None
    offset: int = 0


class Unread(Exception):
    """The value does not fit the token; with a word where a number is out of range."""

    def __init__(self, out_of_range: str = "") -> None:
        super().__init__(out_of_range)
        self.out_of_range = out_of_range


def parsed(layout: str, value: str) -> int:
    """The Unix time, in whole seconds, that a value means in a layout.

    Raises:
        ValueRefused: with Go's words where it does not fit.
    """
    if len(layout) > LONGEST or len(value) > LONGEST:
        raise ValueRefused(f"a time or its layout has more than {LONGEST} characters")
    moment = Moment()
    rest, position = value, 0
    for token in TOKEN.finditer(layout):
        rest = _skipped(layout, value, layout[position : token.start()], rest)
        position = token.end()
        before = rest
        try:
            rest = _read(token.group(), rest, moment, layout[position:])
        except Unread as error:
            if error.out_of_range:
                message = f"parsing time {_quoted(value)}: {error.out_of_range} out of range"
                raise ValueRefused(message) from None
            raise _refused(layout, value, token.group(), before) from None
    rest = _skipped(layout, value, layout[position:], rest)
    if rest:
        raise ValueRefused(f"parsing time {_quoted(value)}: extra text: {_quoted(rest)}")
    return _unix(moment, value)


def _skipped(layout: str, value: str, literal: str, rest: str) -> str:
    """What is left behind a literal; a run of blanks matches any."""
    left = literal
    while left:
        if left[0] == " ":
            if rest and rest[0] != " ":
                raise _refused(layout, value, literal, rest)
            left, rest = left.lstrip(" "), rest.lstrip(" ")
            continue
        if rest[:1] != left[0]:
            raise _refused(layout, value, literal, rest)
        left, rest = left[1:], rest[1:]
    return rest


def _refused(layout: str, value: str, token: str, rest: str) -> ValueRefused:
    what = f"cannot parse {_quoted(rest)} as {_quoted(token)}"
    hint = "layouts are written with the reference time 2006-01-02 15:04:05"
    return ValueRefused(f"parsing time {_quoted(value)} as {_quoted(layout)}: {what}", hint)


def _quoted(text: str) -> str:
    escaped = "".join(
        f"\\{byte:c}" if byte in b'"\\' else chr(byte) if 32 <= byte < 127 else f"\\x{byte:02x}"
        for byte in text.encode("utf-8", "replace")
    )
    return f'"{escaped}"'


def _read(token: str, rest: str, moment: Moment, behind: str) -> str:
    """Reads one token into the moment; gives what is left."""
    if token in _NUMBERS:
        return _read_number(token, rest, moment, behind)
    if token[0] in "-Z" and token[1:].startswith("07"):
        return _read_offset(token, rest, moment)
    if token[0] in ".,":
        return _read_fraction(token, rest)
    if token[0] in "JM" and token != "MST":
        return _read_name(token, rest, moment)
    if token in ("PM", "pm"):
        words = ("AM", "PM") if token == "PM" else ("am", "pm")
        if rest[:2] not in words:
            raise Unread
        moment.afternoon = rest[:2] == words[1]
        return rest[2:]
    if token == "MST":
        return _read_zone(rest, moment)
    return _read_year(token, rest, moment)


_NUMBERS = {
    "01": ("month", 1, 12),
    "1": ("month", 1, 12),
    "02": ("day", 0, 99),
    "2": ("day", 0, 99),
    "_2": ("day", 0, 99),
    "002": ("year_day", 1, 366),
    "__2": ("year_day", 1, 366),
    "15": ("hour", 0, 23),
    "03": ("hour", 0, 12),
    "3": ("hour", 0, 12),
    "04": ("minute", 0, 59),
    "4": ("minute", 0, 59),
    "05": ("second", 0, 59),
    "5": ("second", 0, 59),
}
_SHOWN = {"year_day": "day-of-year"}


def _read_number(token: str, rest: str, moment: Moment, behind: str) -> str:
    name, least, most = _NUMBERS[token]
    for _ in range(token.count("_")):
        rest = rest.removeprefix(" ")
    width = 3 if name == "year_day" else 2
    found = re.match(rf"[0-9]{{1,{width}}}", rest)
    if found is None or (token[0] == "0" and len(found.group()) < width):
        raise Unread
    number = int(found.group())
    if not least <= number <= most:
        raise Unread(_SHOWN.get(name, name))
    setattr(moment, name, number)
    rest = rest[found.end() :]
    if name == "second":
        return _behind_fraction(rest, behind)
    return rest


def _behind_fraction(rest: str, behind: str) -> str:
    """Seconds may have a fraction that the layout does not name."""
    following = TOKEN.search(behind)
    if following is not None and following.group()[0] in ".,":
        return rest
    found = _FRACTION.match(rest)
    return rest[found.end() :] if found else rest


def _read_fraction(token: str, rest: str) -> str:
    found = _FRACTION.match(rest)
    if token[1] == "9":
        return rest[found.end() :] if found else rest
    if found is None or len(found.group()) < len(token):
        raise Unread
    return rest[len(token) :]


def _read_name(token: str, rest: str, moment: Moment) -> str:
    names = MONTHS if token[0] == "J" else DAYS
    length = None if len(token) > 3 else 3
    for number, name in enumerate(names, 1):
        if rest.lower().startswith(name[:length].lower()):
            if names is MONTHS:
                moment.month = number
            return rest[len(name[:length]) :]
    raise Unread


def _read_year(token: str, rest: str, moment: Moment) -> str:
    width = len(token) if token == "2006" else 2
    digits = rest[:width]
    if len(digits) < width or not (digits.isascii() and digits.isdigit()):
        raise Unread
    year = int(digits)
    moment.year = year if width == 4 else year + (1900 if year >= 69 else 2000)
    return rest[width:]


def _read_zone(rest: str, moment: Moment) -> str:
    """An abbreviation says nothing about the offset, as in Go; `GMT+8` does."""
    found = _ZONE.match(rest)
    if found is None:
        raise Unread
    zone = found.group()
    hours = zone.removeprefix("GMT") if zone.startswith("GMT") else ""
    if hours and abs(int(hours[:8])) > 23:
        return rest[3:]
    moment.offset = int(hours) * 3600 if hours else 0
    return rest[found.end() :]


def _read_offset(token: str, rest: str, moment: Moment) -> str:
    if token[0] == "Z" and rest[:1] == "Z":
        moment.offset = 0
        return rest[1:]
    shape = re.sub("[0-9]{2}", "([0-9]{2})", token[1:])
    found = re.match(f"([+-]){shape}", rest)
    if found is None:
        raise Unread
    hours, minutes, seconds = [*map(int, found.groups()[1:]), 0, 0][:3]
    size = (hours * 60 + minutes) * 60 + seconds
    moment.offset = -size if found[1] == "-" else size
    return rest[found.end() :]


def _unix(moment: Moment, value: str) -> int:
    hour = moment.hour
    if moment.afternoon is not None:
        hour = hour % 12 + 12 if moment.afternoon and hour <= 12 else hour
        hour = 0 if moment.afternoon is False and hour == 12 else hour
    month, day = moment.month or 1, moment.day or 1
    long_year = moment.year % 4 == 0 and (moment.year % 100 != 0 or moment.year % 400 == 0)
    lengths = (31, 29 if long_year else 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)
    before = moment.year * 365 + (moment.year + 3) // 4 - (moment.year + 99) // 100
    days = before + (moment.year + 399) // 400 - _YEAR_BEFORE_EPOCH
    if moment.year_day:
        if moment.year_day > 365 + long_year:
            raise ValueRefused(f"parsing time {_quoted(value)}: day-of-year out of range")
        days += moment.year_day - 1
    else:
        if day > lengths[month - 1]:
            raise ValueRefused(f"parsing time {_quoted(value)}: day out of range")
        days += sum(lengths[: month - 1]) + day - 1
    return days * 86400 + hour * 3600 + moment.minute * 60 + moment.second - moment.offset
