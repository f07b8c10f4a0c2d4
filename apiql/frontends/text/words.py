"""Names, texts, numbers and durations as they are written: the way back from tokens.py."""

from __future__ import annotations

import json
import re
from decimal import Decimal

from apiql.frontends.text.clauses import DurationOf
from apiql.frontends.text.expressions import Variable

NAME = re.compile(r"[^\W\d]\w*")
PAIR_NAME = re.compile(r"[a-z_][\w-]*", re.IGNORECASE)
RESERVED = frozenset({"not", "true", "false", "null"})
CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f]")
UNITS = (("d", 86_400_000), ("h", 3_600_000), ("m", 60_000), ("s", 1_000), ("ms", 1))


def name_text(name: str) -> str:
    """A name where no value can stand."""
    return name if NAME.fullmatch(name) else quoted(name)


def field_text(name: str) -> str:
    """A name at the start of a value."""
    return quoted(name) if name.lower() in RESERVED else name_text(name)


def pair_name_text(name: str) -> str:
    """The name of a header, cookie, member of a form or of the query string."""
    return name if PAIR_NAME.fullmatch(name) else quoted(name)


def quoted(text: str) -> str:
    """A text in JSON's quotes."""
    escaped = json.dumps(text, ensure_ascii=False)
    return CONTROL.sub(lambda found: f"\\u{ord(found[0]):04x}", escaped)


def literal_text(text: str, quotes: bool) -> str:
    """A text as a value; where JSON's quotes make a name of it, in single ones."""
    if quotes and CONTROL.search(text):
        return quoted(text)
    return "'" + text.replace("'", "''") + "'"


def number_text(value: int | Decimal) -> str:
    """A number with all its digits."""
    return str(value).lower().replace("e+", "e")


def duration_text(duration: DurationOf) -> str:
    """A duration in the largest unit that is exact."""
    value = duration.value
    if isinstance(value, Variable):
        return f"${value.name}"
    if not value:
        return "0s"
    whole = value.is_integer()
    milliseconds = int(value) * 1000 if whole else round(value * 1000)
    unit, size = next(unit for unit in UNITS if not milliseconds % unit[1])
    return f"{milliseconds // size}{unit}"
