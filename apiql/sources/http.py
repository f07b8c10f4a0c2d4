"""The transport: calls over pooled keep-alive HTTP/1.1 connections, no redirects, no cookies.

Reads neither proxies nor credentials from the environment. Whatever a call waits for (a slot, a
name, a connection, an answer) ends at its deadline; a cancelled call ends its connection at once.
"""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Awaitable, Callable, Mapping, Sequence

from apiql.errors import CallFailed, Code
from apiql.sources.answer import Budget
from apiql.sources.call import Call, Origin, Reply
from apiql.sources.connection import Connection
from apiql.sources.limits import TransportLimits, Unanswered, Unreached
from apiql.sources.loops import OwnPlaces
from apiql.sources.pool import Lane, Occupancy, Pool
from apiql.sources.refusals import Refused
from apiql.sources.request import opening, request_bytes
from apiql.sources.resolver import Lookup, Resolver, system_lookup

Connect = Callable[
    [Callable[[], Connection], str, int, ssl.SSLContext | None, str | None], Awaitable[object]
]
"""Opens a connection to a numeric address and port; TLS, if any, is for the given name."""

_IDEMPOTENT = frozenset(("GET", "HEAD", "PUT", "DELETE", "OPTIONS"))


async def open_connection(
    protocol: Callable[[], Connection],
    address: str,
    port: int,
    tls: ssl.SSLContext | None,
    name: str | None,
) -> None:
    """Connects by the running loop."""
    loop = asyncio.get_running_loop()
    await loop.create_connection(protocol, address, port, ssl=tls, server_hostname=name)


class PooledTransport:
    """Makes calls; belongs to the event loop of its first call.

    `tls` replaces the default context (system authorities, host names checked), say for an own
    authority or a client certificate. `budget` is shared with others.
    `lookup` and `connect` stand in for the network in tests. `own` is where this server listens:
    origins of queries may not lead there.
    """

    def __init__(
        self,
        limits: TransportLimits | None = None,
        *,
        tls: ssl.SSLContext | None = None,
        budget: Budget | None = None,
        allow_private_networks: bool = False,
        own: OwnPlaces | None = None,
        lookup: Lookup = system_lookup,
        connect: Connect = open_connection,
    ) -> None:
        self._limits = limits or TransportLimits()
        self._tls = tls
        self._connect = connect
        self._pool = Pool(self._limits)
        self.budget = budget or Budget(self._limits.bytes_in_flight)
        self._resolver = Resolver(
            self._limits, lookup=lookup, allow_private_networks=allow_private_networks, own=own
        )
        self._loop: asyncio.AbstractEventLoop | None = None

    async def __call__(self, call: Call) -> Reply:
        """Makes one call; raises `CallFailed`.

        A reused connection that turns out to be dead is replaced once, if the method allows.
        """
        loop = self._loop or self._begin()
        if call.deadline <= loop.time():
            raise Refused(Code.UPSTREAM_TIMEOUT, "the deadline passed before the call")
        pool = self._pool
        method = call.method.upper()
        lane = pool.known(call.origin)
        opened = lane.opened if lane else opening(call.origin.authority)
        request = request_bytes(call, method, opened)
        connection = pool.resting(lane) if lane else None
        if lane is None or connection is None:
            lane, connection = await self._claim(call, loop)
        reused = connection.used
        try:
            return await connection.send(request, method == "HEAD", call.deadline)
        except Unanswered:
            if not reused or method not in _IDEMPOTENT:
                raise
        finally:
            pool.give_back(lane, connection)
        lane, connection = await self._claim(call, loop, fresh=True)
        try:
            return await connection.send(request, method == "HEAD", call.deadline)
        finally:
            pool.give_back(lane, connection)

    @property
    def occupancy(self) -> Mapping[Origin, Occupancy]:
        """Open, resting and waited-for connections of each origin, for metrics."""
        return self._pool.occupancy()

    @property
    def bytes_in_flight(self) -> int:
        """What the bodies under way hold."""
        return self.budget.held

    async def aclose(self) -> None:
        """Ends all connections; calls under way fail, later ones too."""
        self._pool.close()
        self._resolver.close()
        await asyncio.sleep(0)

    def _begin(self) -> asyncio.AbstractEventLoop:
        self._loop = asyncio.get_running_loop()
        return self._loop

    async def _claim(
        self, call: Call, loop: asyncio.AbstractEventLoop, *, fresh: bool = False
    ) -> tuple[Lane, Connection]:
        """A connection nobody else uses: one given back, or a new one in a free slot."""
        while True:
            if fresh:
                self._pool.make_way(call.origin)
            lane = self._pool.lane(call.origin)
            connection = await self._pool.slot(lane, call.deadline)
            if connection is None:
                return lane, await self._open(lane, call, loop)
            if connection.alive and not fresh:
                return lane, connection
            if connection.alive:
                self._pool.replace(lane, connection)
                return lane, await self._open(lane, call, loop)

    async def _open(self, lane: Lane, call: Call, loop: asyncio.AbstractEventLoop) -> Connection:
        """A new connection in a slot that is held already, and freed if there is none."""
        opened = None
        try:
            addresses = await self._resolver.addresses(call.origin, call.deadline)
            opened = await self._reach(lane, addresses, call, loop)
            return opened
        finally:
            if opened is None:
                self._pool.vacate(lane)

    async def _reach(
        self, lane: Lane, addresses: Sequence[str], call: Call, loop: asyncio.AbstractEventLoop
    ) -> Connection:
        """Tries the addresses in turn; each has an equal share of the time that is left."""
        end = min(call.deadline, loop.time() + self._limits.connect_timeout)
        failure: CallFailed | None = None
        for index, address in enumerate(addresses):
            now = loop.time()
            share = now + (end - now) / (len(addresses) - index)
            try:
                async with asyncio.timeout_at(share):
                    return await self._dial(lane, address, loop)
            except OSError as error:
                self._resolver.failed(call.origin, address)
                failure = _unreached(error)
        self._resolver.forget(call.origin)
        raise failure or Unreached(Code.UPSTREAM_CONNECT, "the host has no address")

    async def _dial(self, lane: Lane, address: str, loop: asyncio.AbstractEventLoop) -> Connection:
        pool, origin = self._pool, lane.origin
        secure = origin.scheme == "https"
        connection = Connection(loop, self._limits, self.budget, lambda it: pool.lost(lane, it))
        made = False
        try:
            await self._connect(
                lambda: connection,
                address,
                origin.port,
                self._context() if secure else None,
                origin.host if secure else None,
            )
            made = connection.alive
        finally:
            if not made:
                connection.abort()
        if not made:
            raise ConnectionAbortedError
        pool.adopt(lane, connection)
        return connection

    def _context(self) -> ssl.SSLContext:
        if self._tls is None:
            self._tls = ssl.create_default_context()
        return self._tls


def _unreached(error: OSError) -> CallFailed:
    """Says what kept a connection from being made; names no address."""
    match error:
        case TimeoutError():
            code, message = Code.UPSTREAM_TIMEOUT, "no connection in time"
        case ConnectionRefusedError():
            code, message = Code.UPSTREAM_CONNECT, "connection refused"
        case ssl.SSLCertVerificationError():
            code, message = Code.UPSTREAM_CONNECT, "the TLS certificate is not trusted"
        case ssl.SSLError():
            code, message = Code.UPSTREAM_CONNECT, "no TLS connection could be agreed on"
        case ConnectionError():
            code, message = Code.UPSTREAM_CONNECT, "the connection closed as it was opened"
        case _:
            code, message = Code.UPSTREAM_CONNECT, "the host cannot be reached"
    trusted = not isinstance(error, ssl.SSLError)
    return Unreached(code, message, retryable=trusted)
