"""A text that values were put into -> what it spells: a number, a truth, a moment, JSON, itself.

Knows neither tokens nor bodies.
"""

from __future__ import annotations

import re

from apiql.frontends.endpoints.json_value import MISSING, Json, decoded

_NUMBER = re.compile(r"-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?")
MOST_DIGITS = 400
_TRUTHS = {
    **dict.fromkeys(("t", "T", "TRUE", "true", "True"), True),
    **dict.fromkeys(("f", "F", "FALSE", "false", "False"), False),
}
"""What Go's `strconv.ParseBool` takes, but 1 and 0, which are numbers first."""
_MOMENT = re.compile(
    r"([0-9]{4}-(?:0[1-9]|1[0-2])-(?:0[1-9]|[12][0-9]|3[01])T(?:[01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9])"
    r"(?:\.([0-9]{1,9}))?(Z|[+-](?:[01][0-9]|2[0-3]):[0-5][0-9])"
)
_HTTP_DATE = re.compile(
    r"(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun), (0[1-9]|[12][0-9]|3[01]) "
    r"(Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec) ([0-9]{4}) "
    r"((?:[01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9]) (GMT|UTC|[+-](?:[01][0-9]|2[0-3])[0-5][0-9])"
)
_MONTHS = "JanFebMarAprMayJunJulAugSepOctNovDec"
_LITERALS = ("{", "[", '"')


def retyped(text: str) -> Json:
    """The value of a whole text. A number is one that JSON has, and keeps its digits (so `007`
    stays a text); a moment becomes a text as Go writes it: RFC 3339, no zeros behind.
    """
    if _NUMBER.fullmatch(text) and len(text) <= MOST_DIGITS:
        number = decoded(text)
        return text if number is MISSING else number
    if text in _TRUTHS:
        return _TRUTHS[text]
    if text == "null" or text.startswith(_LITERALS):
        literal = decoded(text)
        return text if literal is MISSING else literal
    return moment(text) or text


def moment(text: str) -> str | None:
    """A moment of RFC 3339 or RFC 1123 as Go writes it into JSON; None where it is none."""
    found = _MOMENT.fullmatch(text)
    if found is not None:
        fraction = (found[2] or "").rstrip("0")
        return f"{found[1]}{'.' if fraction else ''}{fraction}{_zone(found[3])}"
    found = _HTTP_DATE.fullmatch(text)
    if found is None:
        return None
    day, name, year, time, zone = found.groups()
    month = _MONTHS.index(name) // 3 + 1
    offset = "Z" if zone.isalpha() else _zone(f"{zone[:3]}:{zone[3:]}")
    return f"{year}-{month:02}-{day}T{time}{offset}"


def _zone(zone: str) -> str:
    return "Z" if zone in ("+00:00", "-00:00") else zone
