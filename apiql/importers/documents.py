"""Bytes -> text, and text -> the values of a JSON document; bounded, each name once. Knows no
format.
"""

from __future__ import annotations

import json
import math
import re
from collections import Counter
from typing import Any

from apiql.importers.imported import ImportRefused

MOST_BYTES = 16 * 2**20
MOST_VALUES = 2_000_000
MOST_DEPTH = 100

MOST_LOOKED_AT = 1_000
"""Letters of a text of which a line is shown."""

_SURROGATE = re.compile(r"[\ud800-\udfff]")


class NoJson(ValueError):
    """What JSON text may not hold."""


def text_of(content: bytes, name: str) -> str:
    """The text of a file.

    Raises:
        ImportRefused: it is too long, or no UTF-8.
    """
    if len(content) > MOST_BYTES:
        raise ImportRefused(f"{name}: the file is longer than {MOST_BYTES >> 20} MiB; part it")
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content[: error.start].count(b"\n") + 1
        raise ImportRefused(f"{name}:{line}: the file is not UTF-8") from None


def json_document(text: str, name: str) -> dict[str, Any]:
    """The object that a JSON text holds.

    Raises:
        ImportRefused: it is no JSON, or goes over a bound.
    """
    try:
        found = json.loads(text, object_pairs_hook=once, parse_constant=_refuse_constant)
    except json.JSONDecodeError as error:
        at = f"{name}:{error.lineno}:{error.colno}"
        raise ImportRefused(f"{at}: this is no JSON: {error.msg}") from None
    except NoJson as error:
        raise ImportRefused(f"{name}: {error}") from None
    except ValueError:
        raise ImportRefused(f"{name}: a number in it is too long") from None
    except RecursionError:
        raise ImportRefused(f"{name}: it nests deeper than {MOST_DEPTH}") from None
    return checked(found, name)


def once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """The members as an object: the second of two would take the place of the first unseen."""
    found = dict(pairs)
    if len(found) != len(pairs):
        twice, _ = Counter(name for name, _ in pairs).most_common(1)[0]
        raise NoJson(f"the member {shown(twice)} stands twice in one object; take one out")
    return found


def checked(found: Any, name: str) -> dict[str, Any]:
    """A document whose every value JSON can say, counted with all that is said twice.

    Raises:
        ImportRefused: it is no object, or goes over a bound.
    """
    waiting, values = [(found, 1)], 0
    while waiting:
        value, depth = waiting.pop()
        values += 1
        if depth > MOST_DEPTH or values > MOST_VALUES:
            bound = f"deeper than {MOST_DEPTH}" if depth > MOST_DEPTH else f"over {MOST_VALUES}"
            what = "it nests" if depth > MOST_DEPTH else "its values are"
            raise ImportRefused(f"{name}: {what} {bound}; part it")
        if isinstance(value, dict):
            waiting += ((each, depth + 1) for pair in value.items() for each in pair)
        elif isinstance(value, list):
            waiting += ((each, depth + 1) for each in value)
        elif not _is_scalar(value):
            raise ImportRefused(f"{name}: a value in it is none that JSON knows")
    if not isinstance(found, dict):
        raise ImportRefused(f"{name}: expected an object, this is {kind_of(found)}")
    return found


def _is_scalar(value: Any) -> bool:
    if isinstance(value, str):
        return _SURROGATE.search(value) is None
    if isinstance(value, float):
        return math.isfinite(value)
    return value is None or isinstance(value, int)


def _refuse_constant(word: str) -> None:
    raise NoJson(f"{word} is no number of JSON")


def kind_of(value: Any) -> str:
    """What a value is, for people."""
    kinds = {
        dict: "an object", list: "a list", str: "a text", bool: "true or false",
        int: "a number", float: "a number",
    }  # fmt: skip
    return kinds.get(type(value), "null")


def shown(text: object) -> str:
    """A text on one short line."""
    line = "".join(c if c.isprintable() else " " for c in str(text)[:MOST_LOOKED_AT]).strip()
    return line if len(line) <= 80 else f"{line[:79]}…"


def table(value: Any, key: str) -> dict[str, Any]:
    """The object at a key; an empty one where there is none."""
    found = value.get(key) if isinstance(value, dict) else None
    return found if isinstance(found, dict) else {}


def rows(value: Any, key: str) -> list[Any]:
    """The list at a key; an empty one where there is none."""
    found = value.get(key) if isinstance(value, dict) else None
    return found if isinstance(found, list) else []


def word(value: Any, key: str) -> str:
    """The text at a key; an empty one where there is none."""
    found = value.get(key) if isinstance(value, dict) else None
    return found if isinstance(found, str) else ""
