"""What a definition says of how long its answers are kept: a rule of the cache, and the seconds
that an answer has left.
"""

from __future__ import annotations

from typing import Any

from apiql.errors import ValueRefused
from apiql.frontends.definitions.demands import SECOND
from apiql.frontends.definitions.lower.lowered import Ground
from apiql.gotemplate.layouts import parsed
from apiql.ir.caching import CacheRule
from apiql.ir.values import Invoke, Value


def cache_rule(ground: Ground, name: str, scope: str, private: str) -> CacheRule:
    """The rule for the calls of a definition; what its upstream says of caching is not followed.

    Answers of a definition are kept by what was asked (method, address, headers, body); with the
    scope `definition`, as the original has it, there is one for all that ask with these private
    values: a token that was had with other ones is another's.
    """
    one, tag = scope == "definition" or ground.strict, f"httpapi:{ground.bucket}{name}"
    key = f"{tag}:{private}" if private else tag
    return CacheRule((tag,), http=False, bodies=True, key=key, one=one)


def seconds_left(expiry: Value, layout: str, answer: Value) -> Value:
    """The seconds for which an answer is kept: of the text that tells its end, if the answer is one
    (`answer` is what it is turned into, which refuses what is none). `layout` is `second` (from
    now) or that of a time, which is one of UTC where it names no zone.
    """
    relative = layout.casefold() == SECOND

    def left(moment: Any, text: object, _: object) -> int | None:
        told = text if isinstance(text, str) else ""
        if relative:
            return int(told) if told.isascii() and told.isdigit() and len(told) < 12 else None
        try:
            return parsed(layout, told) - int(moment.unix_ms) // 1000
        except ValueRefused:
            return None

    return Invoke("seconds left", left, (expiry, answer))


def cookie_attribute(text: str | None, attribute: str) -> str:
    """The text behind `attribute=` up to a semicolon, in a Set-Cookie field."""
    _, found, rest = (text or "").partition(f"{attribute}=")
    return rest.partition(";")[0] if found else ""
