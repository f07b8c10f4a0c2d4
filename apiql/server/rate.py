"""How often one client may ask: a token bucket for each, and the headers that tell of it. Knows no
query; what tells a client from another is a function of the request.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Callable, Iterator, Sequence
from ipaddress import IPv4Address, IPv6Address, ip_address
from typing import TypeAlias

from apiql.errors import Code, RequestRefused
from apiql.server.visit import Scope
from apiql.settings import Clients
from apiql.stores.store import Buckets, Taken

Address: TypeAlias = IPv4Address | IPv6Address
KeyOf: TypeAlias = Callable[[Scope], bytes]
Pairs = list[tuple[bytes, bytes]]

NET6 = 64
"""The bits of an IPv6 address that tell a client: the rest it chooses itself."""
HOPS = 32
"""Proxies in a row that are looked at."""


class Rates:
    """The rate of each client. Whoever goes over it is refused before its request is read."""

    def __init__(self, clients: Clients, buckets: Buckets, key_of: KeyOf | None = None) -> None:
        assert clients.rate is not None
        number, seconds = clients.rate
        self._rate = number / seconds
        self._burst = clients.burst or number
        self._buckets = buckets
        self._key_of = key_of or keys_by(clients)
        window = max(1, math.ceil(self._burst / self._rate))
        self._policy = (b"ratelimit-policy", b'"client";q=%d;w=%d' % (self._burst, window))

    async def take(self, scope: Scope) -> Pairs:
        """The headers that say how many requests are left to the client.

        Raises:
            RequestRefused: none.
        """
        taken = await self._buckets.take(self._key_of(scope), self._rate, self._burst)
        pairs = [self._policy, (b"ratelimit", b'"client";r=%d;t=%d' % _left(taken))]
        if taken.allowed:
            return pairs
        told = {name.decode(): value.decode() for name, value in pairs}
        told["Retry-After"] = str(max(1, math.ceil(taken.wait)))
        raise RequestRefused(Code.RATE_LIMITED, "more requests than a client may make", told)


def _left(taken: Taken) -> tuple[int, int]:
    return taken.left, math.ceil(taken.full if taken.allowed else taken.wait)


def keys_by(clients: Clients) -> KeyOf:
    """What tells one client from another by these settings."""
    if clients.by == "ip":
        return lambda scope: b"ip:" + _network(client_address(scope, clients))
    name = clients.by.removeprefix("header:").encode()

    def by_header(scope: Scope) -> bytes:
        for found, value in scope["headers"]:
            if found == name:  # its value may be a secret, and no store shall hold it
                return b"header:" + hashlib.sha256(value).hexdigest().encode()
        return b"ip:" + _network(client_address(scope, clients))

    return by_header


def client_address(scope: Scope, clients: Clients) -> str:
    """Who asks: who is connected, or whom proxies that are trusted name, from the last one back to
    the first that is not trusted.
    """
    peer = scope.get("client")
    found: str = peer[0] if peer else ""
    if not clients.trusted_proxies:
        return found
    for named in _named(scope, clients.forwarded.encode()):
        address = _address(found)
        if address is None or not _trusted(address, clients):
            break
        if _address(named) is None:
            break
        found = named
    return found


def _trusted(address: Address, clients: Clients) -> bool:
    return any(address in net for net in clients.trusted_proxies)


def _named(scope: Scope, header: bytes) -> Iterator[str]:
    """Those that the header names, the last first."""
    values = [value.decode("latin-1") for name, value in scope["headers"] if name == header]
    hops: Sequence[str] = ",".join(values).split(",")[-HOPS:]
    for hop in reversed(hops):
        yield _bare(hop if header == b"x-forwarded-for" else _for(hop))


def _for(hop: str) -> str:
    """The `for` of one hop of Forwarded (RFC 7239)."""
    for pair in hop.split(";"):
        name, _, value = pair.partition("=")
        if name.strip().lower() == "for":
            return value.strip().strip('"')
    return ""


def _bare(text: str) -> str:
    """An address without brackets and port."""
    text = text.strip()
    if text.startswith("["):
        return text[1:].partition("]")[0]
    return text.partition(":")[0] if text.count(":") == 1 else text


def _address(text: str) -> Address | None:
    try:
        found = ip_address(text)
    except ValueError:
        return None
    return getattr(found, "ipv4_mapped", None) or found


def _network(text: str) -> bytes:
    found = _address(text)
    if isinstance(found, IPv6Address):
        return b"%x" % (int(found) >> (128 - NET6))
    return (text if found is None else str(found)).encode()
