"""What the cache decides without asking anybody: what concerns it, and what may be used. Pure."""

from __future__ import annotations

from apiql.sources.cache_control import Directives
from apiql.sources.cache_entry import Kept
from apiql.sources.cache_request import bypasses, concerns
from apiql.sources.call import Caching, Call, Reply
from apiql.sources.lifetime import SPEAKING, Lifetime

ASKS_NOTHING = Caching()
UNKNOWN = "fwd=uri-miss"
VALIDATED = 3600.0
"""Seconds for which one that can be validated is kept after it is no longer fresh."""


def forwarded(call: Call) -> str:
    """Why a call went on of which the cache says nothing: what it is, as Cache-Status has it."""
    caching = call.caching or ASKS_NOTHING
    if not concerns(call):
        return "fwd=method"
    bypass = caching.off or not matters(caching) or bypasses(call.headers)
    return "fwd=bypass" if bypass else UNKNOWN


def way_of(use: str, known: Kept | None) -> str:
    """Why a call went on whose answer is kept; `use` is what layers below say."""
    stale = known is not None and not use.startswith("fwd=stale")
    return use.replace("fwd=uri-miss", "fwd=stale") or "fwd=stale" if stale else use or UNKNOWN


def matters(caching: Caching) -> bool:
    """Whether the cache has to do with a call at all."""
    rule = caching.rule
    return rule is None or rule.http or rule.steers or caching.keep is not None or caching.stale


def tells_of(caching: Caching, reply: Reply) -> bool:
    """Whether somebody says that an answer may be kept: most upstreams are silent."""
    if caching.keep is not None or caching.stale:
        return True
    if caching.rule is not None and caching.rule.steers:
        return True
    return not SPEAKING.isdisjoint([name for name, _ in reply.headers])


def stretches(control: Directives, life: Lifetime, age: float, limit: float) -> bool:
    """Whether what the call says to caches lets a stored answer be used."""
    if control.no_cache or (control.max_age is not None and age + life.aged > control.max_age):
        return False
    left = limit - age
    if control.min_fresh and left < control.min_fresh:
        return False
    return left > 0 or (not life.strict and max(limit, 0.0) - age > -control.max_stale)


def span_of(life: Lifetime) -> float:
    """How long an answer with this lifetime may be of use."""
    after = max(life.while_revalidate, life.if_error, VALIDATED if life.validated else 0.0)
    return max(life.fresh, 0.0) + after
