"""What a definition says of how long its answers are kept, as a rule of the cache."""

from __future__ import annotations

from apiql.frontends.definitions.lower.lowered import Ground
from apiql.ir.caching import CacheRule
from apiql.ir.values import Value


def cache_rule(
    ground: Ground, definition: str, expiry: Value | None, layout: str
) -> CacheRule | None:
    """The rule for a definition (`api weather`). `expiry` is the text that tells the end, made of
    the answer (its `ReplyRoot`: body and headers); None where nothing is said of it. `layout` is
    `second` (from now) or that of a time.
    """
    return None
