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

    `use` is `hit`, or why the call went on; `status` is the reply's, None where there is none;
    `ttl` is how long a kept answer stays fresh in seconds, negative where it no longer is.
    """

    task: str
    use: str
    status: int | None
    ttl: float | None = None


def cache_status(uses: Iterable[CacheUse]) -> bytes:
    """The value of Cache-Status (RFC 9211): a member for each call, whose task `detail` names."""
    return ", ".join([_member(use) for use in uses]).encode()


def _member(use: CacheUse) -> str:
    parts = ["apiql", use.use]
    if use.ttl is not None:
        parts.append(f"ttl={floor(use.ttl)}")
    elif use.status is not None and "fwd-status" not in use.use:
        parts.append(f"fwd-status={use.status}")
    parts.append(f'detail="{_in_quotes(use.task)}"')
    return "; ".join(parts)


def _in_quotes(text: str) -> str:
    """The inside of a string of RFC 9651: printable ASCII, other characters become `?`."""
    plain = "".join([c if c.isascii() and c.isprintable() else "?" for c in text])
    return plain.replace("\\", "\\\\").replace('"', '\\"')
