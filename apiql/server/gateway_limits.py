"""What an endpoint asks of a request before it is read: where it comes from, how large it is, how
many its client has sent. Each says why not, in the words of the gateway.
"""

from __future__ import annotations

from hashlib import blake2b

from apiql.frontends.endpoints.gateway import Cors, Limits, Rate
from apiql.frontends.endpoints.message import Fields, canonical
from apiql.frontends.endpoints.state import Refusal
from apiql.frontends.endpoints.units import SECOND, duration_text, size_text
from apiql.server.gateway_request import FORWARDED, TRACE
from apiql.stores.store import Buckets, Taken

MULTIPART = "multipart/form-data"
_OWN = frozenset((FORWARDED, TRACE))
"""Fields that the gateway adds itself."""


def unmapped(cors: Cors, client: str, method: str, fields: Fields) -> Refusal | None:
    """Why a request may not come in; `origins` are addresses of clients."""
    if cors.origins and client not in cors.origins:
        return Refusal(403, "Origin not mapped on security-cors.allow-origins")
    if cors.methods and method not in cors.methods:
        return Refusal(403, "Method not mapped on security-cors.allow-methods")
    if not cors.headers:
        return None
    known = _OWN.union(map(canonical, cors.headers))
    others = [name for name in fields if name not in known]
    if not others:
        return None
    told = "Headers contains not mapped fields on security-cors.allow-headers: "
    return Refusal(403, told + ", ".join(others))


def large_head(limits: Limits) -> Refusal:
    """That the header is too large."""
    return Refusal(431, f"header too large error: permitted limit is {size_text(limits.header)}")


def most_of(limits: Limits, fields: Fields) -> int:
    """The most bytes that the body may have."""
    media = fields.get("Content-Type", ("",))[0].lower()
    return limits.multipart if MULTIPART in media else limits.body


def large_body(most: int) -> Refusal:
    """That the body is too large."""
    return Refusal(413, f"payload too large error: permitted limit is {size_text(most)}")


async def taken(rate: Rate, name: str, fields: Fields, buckets: Buckets) -> Taken:
    """One token of those of the client, as X-Forwarded-For tells it, at an endpoint."""
    told = f"{name}\0{', '.join(fields[FORWARDED])}".encode("utf-8", "replace")
    key = b"endpoint:" + blake2b(told, digest_size=16).digest()
    return await buckets.take(key, SECOND / rate.every, rate.capacity)


def too_many(rate: Rate) -> Refusal:
    """That there is no token left."""
    told = f"permitted limit is {rate.capacity} every {duration_text(rate.every)}"
    return Refusal(429, f"too many requests error: {told}")
