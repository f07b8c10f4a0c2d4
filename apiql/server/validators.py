"""What an answer tells the caches on its way: its ETag, Vary and Cache-Status. Pure: bytes and
names in, field values out.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from hashlib import sha256
from math import floor

from msgspec import Struct

_TAG = re.compile(rb'[ \t,]*+(?:W/)?("[!\x23-\x7e\x80-\xff]*")[ \t]*+(?=,|$)')
_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")


def etag_of(body: bytes, media_type: bytes) -> bytes:
    """A strong ETag: equal exactly where the body's bytes and its media type are.

    One body under two types is two representations; a cache must not take one for the other.
    """
    digest = sha256(media_type + b"\n" + body).hexdigest()
    return f'"{digest[:32]}"'.encode()


def not_modified(if_none_match: bytes, etag: bytes) -> bool:
    """Whether one of the tags of If-None-Match (several lines joined by commas) is this one.

    Compared weakly, as RFC 9110 has it in 13.1.2: `W/` makes no difference. `*` is any. What
    follows the first thing that is no tag does not count.
    """
    if if_none_match.strip() == b"*":
        return True
    wanted = etag.removeprefix(b"W/")
    found = _TAG.match(if_none_match)
    while found is not None:
        if found[1] == wanted:
            return True
        found = _TAG.match(if_none_match, found.end())
    return False


def vary_of(names: Iterable[str]) -> bytes:
    """The value of Vary: Accept, and the headers of the request that the answer depends on.

    `*` among the names is all of it: they are not known. What cannot be a header's name is none.
    """
    wanted = {name.title() for name in names if _NAME.fullmatch(name)} - {"Accept"}
    return b"*" if "*" in wanted else ", ".join(["Accept", *sorted(wanted)]).encode()


class CacheUse(Struct, frozen=True):
    """One task's call and what our cache had to do with it.

    `status` is the reply's, None where there is none; `age` and `stale` are its own; `keep` is
    what `cache` asks for in seconds; `reads` tells GET and HEAD from other calls.
    """

    task: str
    reads: bool
    status: int | None
    age: float | None = None
    stale: bool = False
    keep: float | None = None


def cache_status(uses: Iterable[CacheUse]) -> bytes:
    """The value of Cache-Status (RFC 9211): a member for each call, whose task `detail` names.

    `ttl` is what is left of the time the query allows, negative for an answer that stood in.
    """
    return ", ".join([_member(use) for use in uses]).encode()


def _member(use: CacheUse) -> str:
    parts = ["apiql", _way(use)]
    if use.age is None:
        parts += [] if use.status is None else [f"fwd-status={use.status}"]
    elif use.stale or use.keep is not None:
        parts.append(f"ttl={floor((use.keep or 0.0) - use.age)}")
    parts.append(f'detail="{_in_quotes(use.task)}"')
    return "; ".join(parts)


def _way(use: CacheUse) -> str:
    """`hit`, or why the call went on to the upstream."""
    if use.stale:
        return "fwd=stale"
    if use.age is not None:
        return "hit"
    if not use.reads:
        return "fwd=method"
    return "fwd=bypass" if use.keep is None else "fwd=miss"


def _in_quotes(text: str) -> str:
    """The inside of a string of RFC 9651: printable ASCII, other characters become `?`."""
    plain = "".join([c if c.isascii() and c.isprintable() else "?" for c in text])
    return plain.replace("\\", "\\\\").replace('"', '\\"')
