"""A stored answer: what is kept of a reply, its size, and what a 304 makes of it (RFC 9111, 3.2
and 4.3). Knows neither stores nor queries.
"""

from __future__ import annotations

from msgspec import Struct
from msgspec.structs import replace

from apiql.sources.call import Call, Headers, Reply
from apiql.sources.lifetime import Lifetime

_ENTRY, _FIELD = 1200, 160
"""Bytes that an entry and a header field take beside their texts, about."""

_HOP = frozenset(
    (
        "connection", "keep-alive", "te", "trailer", "transfer-encoding", "upgrade",
        "proxy-authenticate", "proxy-authentication-info", "proxy-authorization",
        "proxy-connection",
    )
)  # fmt: skip
"""Fields of one connection: they say nothing of an answer and are not kept."""
_OF_THE_BODY = frozenset(("content-length", "content-encoding", "content-range"))
"""What describes the body that is kept, which a 304 does not have."""
ETAG, MODIFIED = "etag", "last-modified"


class Kept(Struct, frozen=True):
    """An answer, when its call was sent, and until when somebody may want it: both on the cache's
    clock. `failed`: there was no answer, the upstream could not be reached for this reason.
    """

    reply: Reply
    at: float
    until: float
    life: Lifetime = Lifetime(-1.0)
    failed: str | None = None

    @property
    def is_negative(self) -> bool:
        """It is kept only to spare the upstream: it stands in for nothing."""
        return self.failed is not None or self.reply.status >= 300


def size_of(kept: Kept) -> int:
    """The bytes that an entry takes, about."""
    reply = kept.reply
    fields = sum([len(name) + len(value) + _FIELD for name, value in reply.headers])
    return _ENTRY + fields + len(reply.body)


def bare(reply: Reply) -> Reply:
    """What is kept of a reply."""
    hop = _HOP
    listed = reply.header("connection")
    if listed is not None:
        hop |= {name.strip(" \t").lower() for name in listed.split(",")}
    headers = tuple([pair for pair in reply.headers if pair[0] not in hop])
    return Reply(reply.status, headers, reply.body)


def conditional(call: Call, known: Reply) -> Call:
    """The call that asks whether an answer still holds."""
    added: list[tuple[str, str]] = []
    etag, modified = known.header(ETAG), known.header(MODIFIED)
    if etag is not None:
        added.append(("If-None-Match", etag))
    if modified is not None:
        added.append(("If-Modified-Since", modified))
    return replace(call, headers=(*call.headers, *added))


def is_of(known: Reply, fresh: Reply) -> bool:
    """Whether a 304 speaks of this answer: one with another validator speaks of another."""
    for name in (ETAG, MODIFIED):
        told = fresh.header(name)
        if told is not None:
            ours = known.header(name)
            return ours is None or _opaque(told) == _opaque(ours)
    return True


def _opaque(tag: str) -> str:
    return tag.removeprefix("W/")


def freshened(known: Reply, fresh: Reply) -> Reply:
    """The answer with the fields of a 304 in the place of its own."""
    told = tuple([pair for pair in bare(fresh).headers if pair[0] not in _OF_THE_BODY])
    names = {name for name, _ in told} | {"age"}
    headers: Headers = (*[pair for pair in known.headers if pair[0] not in names], *told)
    return Reply(known.status, headers, known.body)
