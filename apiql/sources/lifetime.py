"""How long an answer may be used again, by what the upstream says and by the operator's rule
(RFC 9111, section 4.2). Pure: a call, a reply and two clock readings in, seconds out.

An answer without an explicit lifetime is never fresh by itself: there are no heuristics. Its age
is what `Age` says and the time since the call was sent; the difference between its `Date` and our
wall clock is not minded, since a clock that is off on either side would end all caching.
"""

from __future__ import annotations

from msgspec import Struct

from apiql.ir.caching import CacheRule
from apiql.sources.cache_control import Directives, directives_of, seconds_of
from apiql.sources.cache_request import UNKEYED
from apiql.sources.call import Reply
from apiql.sources.dates import moment_of
from apiql.sources.expiry import told_lifetime

TELLING = frozenset(
    ("cache-control", "expires", "age", "date", "vary", "set-cookie", "etag", "last-modified")
)
"""Header fields that are read here."""
SPEAKING = frozenset(("cache-control", "expires"))
"""Without one of them an upstream says nothing of lifetimes."""
NEGATIVE = frozenset((404, 410))


class Lifetime(Struct, frozen=True):
    """What may be done with an answer. `fresh` is for how many seconds from when its call was sent
    it is fresh, negative if it never was, `aged` what had passed before that; after it, it may be
    used for `while_revalidate` and `if_error` more. `strict`: not even a request may stretch it.
    """

    fresh: float
    aged: float = 0.0
    while_revalidate: float = 0.0
    if_error: float = 0.0
    strict: bool = False
    validated: bool = False
    """There is a validator, so that it can be asked whether it still holds."""


def said_by(reply: Reply) -> dict[str, str]:
    """The fields that matter, several lines of one joined by commas."""
    found: dict[str, str] = {}
    for name, value in reply.headers:
        if name in TELLING:
            found[name] = f"{found[name]}, {value}" if name in found else value
    return found


def may_keep(
    status: int, said: dict[str, str], control: Directives, rule: CacheRule | None
) -> bool:
    """Whether an answer may be given again, to others too that send the very same call.

    Where the configuration says where it tells its own end it may though it is `no-store`, as all
    answers with tokens are.
    """
    if rule is not None and rule.until is not None:
        return True
    negative = rule is not None and rule.negative > 0 and status in NEGATIVE
    if not negative and (not 200 <= status < 300 or status == 206):
        return False
    if "set-cookie" in said or _varies_unseen(said.get("vary", "")):
        return False
    if rule is not None and rule.expires and not negative:
        return True
    return not (control.no_store or control.private)


def _varies_unseen(vary: str) -> bool:
    """Whether it depends on more than what the key of an entry holds."""
    return any("*" in name or name.strip(" \t").lower() in UNKEYED for name in vary.split(","))


def lifetime_of(
    reply: Reply, rule: CacheRule | None, keep: float | None, *, credentials: bool, wall: float
) -> Lifetime | None:
    """The lifetime of an answer; None: it is not to be kept, or nobody could want it.

    `keep` is what the query asks for; `credentials`: the call carries Authorization.
    """
    said = said_by(reply)
    control = directives_of(said.get("cache-control", ""))
    if not may_keep(reply.status, said, control, rule):
        return None
    validated = "etag" in said or "last-modified" in said
    if rule is not None and (rule.until or rule.expires or rule.keep is not None):
        return _configured(reply, rule, validated, wall)
    if rule is not None and reply.status in NEGATIVE:
        return Lifetime(rule.negative)
    by_http = rule is None or rule.http
    if (
        by_http
        and credentials
        and not (control.public or control.strict or control.s_maxage is not None)
    ):
        by_http = False
    found = _by_http(said, control, validated) if by_http else None
    stands_in = rule is not None and (rule.stale_if_error or rule.stale_while_revalidate)
    if found is None and keep is None and not stands_in:
        return None
    return _with_rule(found or Lifetime(-1.0, validated=validated), rule)


def _configured(reply: Reply, rule: CacheRule, validated: bool, wall: float) -> Lifetime | None:
    if rule.until is not None:
        lifetime = rule.until(reply.status, reply.headers, reply.body)
    elif reply.status in NEGATIVE:
        return Lifetime(rule.negative)
    else:
        lifetime = told_lifetime(reply, rule.expires, wall) if rule.expires else rule.keep
    if lifetime is None or lifetime - rule.early <= 0:
        return None
    return _with_rule(Lifetime(lifetime - rule.early, validated=validated), rule)


def _with_rule(found: Lifetime, rule: CacheRule | None) -> Lifetime:
    """The operator's times for stale answers, where they are longer."""
    if rule is None or not (rule.stale_while_revalidate or rule.stale_if_error):
        return found
    return Lifetime(
        found.fresh,
        found.aged,
        max(found.while_revalidate, rule.stale_while_revalidate),
        max(found.if_error, rule.stale_if_error),
        found.strict,
        found.validated,
    )


def _by_http(said: dict[str, str], control: Directives, validated: bool) -> Lifetime | None:
    """What the upstream says; None where that is nothing, or nothing that could ever be used."""
    lifetime = _explicit(said, control)
    if lifetime is None and not control.no_cache:
        return None
    strict = control.strict or control.no_cache
    aged = float(age_of(said.get("age", "")))
    fresh = -1.0 if control.no_cache or lifetime is None else lifetime - aged
    refreshed = 0 if strict else control.while_revalidate
    stands_in = 0 if strict else control.if_error
    if fresh <= 0 and not (validated or refreshed or stands_in):
        return None
    strict = strict or control.s_maxage is not None
    return Lifetime(fresh, aged, refreshed, stands_in, strict, validated)


def _explicit(said: dict[str, str], control: Directives) -> float | None:
    """`s-maxage`, else `max-age`, else from Date to Expires."""
    if control.s_maxage is not None:
        return control.s_maxage
    if control.max_age is not None:
        return control.max_age
    if "expires" not in said:
        return None
    begin, end = moment_of(said.get("date", "")), moment_of(said["expires"])
    return -1.0 if begin is None or end is None else end - begin


def age_of(text: str) -> int:
    """The first value of Age; what is no number of seconds does not count (section 5.1)."""
    return seconds_of(text.partition(",")[0].strip()) or 0
