"""How often one client may ask: a token bucket for each, and the headers that tell of it. Knows no
query; what tells a client from another is a function of the request, or who was found to ask.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TypeAlias

from apiql.errors import Code, RequestRefused
from apiql.server.around import Around
from apiql.server.client_address import client_address, network_of
from apiql.server.visit import Guard, Scope, Visit
from apiql.settings import Clients, Settings
from apiql.stores.store import Buckets, Taken

TOO_MANY = "more requests than a client may make"
CLIENT = "client"
"""What answers call the rate of a client; a bucket's own has another name."""
KeyOf: TypeAlias = Callable[[Scope], bytes]
SCHEMES = {"key": frozenset({"key", "signature"}), "user": None}
"""Whose name counts, by what clients are told by: that of a credential which the configuration
names, or anybody's (None).
"""


@dataclass(frozen=True, slots=True)
class Rate:
    """So many each second, at most `burst` at once, as the header `policy` tells."""

    each_second: float
    burst: int
    policy: tuple[bytes, bytes]


def rate_of(asks: tuple[int, int], burst: int | None = None, name: str = CLIENT) -> Rate:
    """A rate of the settings, and what answers call it."""
    number, seconds = asks
    each, most = number / seconds, burst or number
    window = max(1, math.ceil(most / each))
    return Rate(
        each, most, (b"ratelimit-policy", b'"%b";q=%d;w=%d' % (name.encode(), most, window))
    )


def rates_by_address(settings: Settings, around: Around) -> Guard | None:
    """The guard where requests themselves tell who the client is: before it is known who asks."""
    clients = settings.clients
    return Rates(clients, around.stores.buckets) if clients.rate and not _by_name(clients) else None


def rates_by_name(settings: Settings, around: Around) -> Guard | None:
    """The guard where it must be known who asks."""
    clients = settings.clients
    limited = clients.rate is not None or clients.rates
    return Rates(clients, around.stores.buckets) if limited and _by_name(clients) else None


def _by_name(clients: Clients) -> bool:
    return clients.by in SCHEMES


class Rates:
    """The rate of each client, as a guard. Whoever goes over it is refused before its request is
    read.
    """

    def __init__(self, clients: Clients, buckets: Buckets, policy: str = CLIENT) -> None:
        self._usual = rate_of(clients.rate, clients.burst, policy) if clients.rate else None
        self._named = {name: rate_of(asks, None, policy) for name, asks in clients.rates.items()}
        self._left = b'"%b";r=%%d;t=%%d' % policy.encode()
        self._by_name = _by_name(clients)
        self._schemes = SCHEMES.get(clients.by)
        self._key_of = keys_by(clients)
        self._buckets, self._at_once = buckets, buckets.at_once

    def __call__(self, visit: Visit) -> Awaitable[None] | None:
        """Tells how many requests are left to the client; waits where a store must be asked.

        Raises:
            RequestRefused: none.
        """
        rate, key, who = self._usual, b"", visit.principal
        if self._by_name and who.scheme and (not self._schemes or who.scheme in self._schemes):
            rate, key = self._named.get(who.name, rate), b"name:" + who.mark
        if rate is None:
            return None
        if not key:
            key = self._key_of(visit.scope)
        if self._at_once is None:
            return self._awaited(visit, rate, key)
        self._mind(visit, rate, self._at_once(key, rate.each_second, rate.burst))
        return None

    async def _awaited(self, visit: Visit, rate: Rate, key: bytes) -> None:
        taken = await self._buckets.take(key, rate.each_second, rate.burst)
        self._mind(visit, rate, taken)

    def _mind(self, visit: Visit, rate: Rate, taken: Taken) -> None:
        until = math.ceil(taken.full if taken.allowed else taken.wait)
        visit.told += (rate.policy, (b"ratelimit", self._left % (taken.left, until)))
        if not taken.allowed:
            again = {"Retry-After": str(max(1, math.ceil(taken.wait)))}
            raise RequestRefused(Code.RATE_LIMITED, TOO_MANY, again, "rates")


def keys_by(clients: Clients) -> KeyOf:
    """What tells one client from another by its request."""
    if not clients.by.startswith("header:"):
        return lambda scope: b"ip:" + network_of(client_address(scope, clients))
    name = clients.by.removeprefix("header:").encode()

    def by_header(scope: Scope) -> bytes:
        for found, value in scope["headers"]:
            if found == name:  # its value may be a secret, and no store shall hold it
                return b"header:" + hashlib.sha256(value).hexdigest().encode()
        return b"ip:" + network_of(client_address(scope, clients))

    return by_header
