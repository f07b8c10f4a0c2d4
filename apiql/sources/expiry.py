"""The end that an answer tells of itself, in its body or a header: how long a token holds. Pure.

A number is seconds from now, or since 1970, or milliseconds since 1970, by its size; a text is one
of these, an ISO 8601 time or an HTTP date. Anything else, and what has passed, is no lifetime.
"""

from __future__ import annotations

import math
import re
from datetime import UTC, datetime
from typing import Any

import msgspec

from apiql.sources.call import Reply
from apiql.sources.dates import moment_of

LONGEST_TOLD = 86400.0
"""A day: what holds longer is asked for again after it."""
_RELATIVE = 10 * 366 * 86400.0
_SECONDS = (1e9, 1e10)
_MILLISECONDS = (1e12, 1e13)
_NUMBER = re.compile(r"[0-9]{1,15}(?:\.[0-9]{1,9})?")


def told_lifetime(reply: Reply, place: tuple[str, ...], wall: float) -> float | None:
    """The seconds that are left by what stands at a place: `body` and a path of members, or
    `header` and a name. At most a day; None where nothing usable stands there.
    """
    kind, *path = place
    found = _in_body(reply.body, path) if kind == "body" else reply.header(path[0].lower())
    left = _left(found, wall)
    return None if left is None or not left > 0 else min(left, LONGEST_TOLD)


def _in_body(body: bytes, path: list[str]) -> Any:
    try:
        found = msgspec.json.decode(body)
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError):
        return None
    for name in path:
        if not isinstance(found, dict):
            return None
        found = found.get(name)
    return found


def _left(found: Any, wall: float) -> float | None:
    if isinstance(found, bool):
        return None
    if isinstance(found, int | float):
        return _of_number(found, wall)
    if not isinstance(found, str):
        return None
    text = found.strip()
    if _NUMBER.fullmatch(text):
        return _of_number(float(text), wall)
    end = moment_of(text) or _iso(text)
    return None if end is None else end - wall


def _of_number(found: float, wall: float) -> float | None:
    if found <= _RELATIVE:
        return float(found) if math.isfinite(found) else None
    if _SECONDS[0] <= found < _SECONDS[1]:
        return found - wall
    if _MILLISECONDS[0] <= found < _MILLISECONDS[1]:
        return found / 1000 - wall
    return None


def _iso(text: str) -> float | None:
    try:
        found = datetime.fromisoformat(text)
        return found.replace(tzinfo=found.tzinfo or UTC).timestamp()
    except (ValueError, OverflowError):
        return None
