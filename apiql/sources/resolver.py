"""From an origin to the addresses to connect to: looked up once, all checked, kept shortly.

A connection is made to an address that was checked here, never to a name, so a name that
changes its answer between check and use (DNS rebinding) gains nothing.
"""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from apiql.errors import Code
from apiql.sources.addresses import forbidden
from apiql.sources.call import Origin
from apiql.sources.limits import TransportLimits, Unreached
from apiql.sources.loops import OwnPlaces

Lookup = Callable[[str, int], Sequence[str]]
"""Blocking name resolution: host and port to numeric addresses; raises OSError."""

_KEPT_SECONDS = 30.0
_KEPT_NAMES = 1024
_THREADS = 8


def system_lookup(host: str, port: int) -> list[str]:
    """The operating system's answer, in its order, without duplicates."""
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(address[0]) for *_, address in found))


@dataclass(slots=True)
class _Known:
    """The addresses of a name: those that take turns at being the first, and those that come after
    them, of the other family or not reached lately.
    """

    until: float
    turns: list[str]
    after: list[str]

    def next(self) -> list[str]:
        found = [*self.turns, *self.after]
        self.turns.append(self.turns.pop(0))
        return found

    def failed(self, address: str) -> None:
        if address in self.turns:
            self.turns.remove(address)
            self.after.append(address)
        if not self.turns:
            self.turns.append(self.after.pop(0))


class Resolver:
    """A bounded, short-lived memory of name look-ups, and the check of what they yield.

    A look-up runs in a thread of its own pool, at most one per name: callers of a slow name
    join the look-up in flight and leave it at their time limit. Of several addresses of the family
    that the system prefers, each connection begins with the next one; one that failed comes last
    until the name is looked up anew.
    """

    def __init__(
        self,
        limits: TransportLimits,
        *,
        lookup: Lookup = system_lookup,
        allow_private_networks: bool = False,
        own: OwnPlaces | None = None,
    ) -> None:
        self._own = own or OwnPlaces()
        self._lookup = lookup
        self._timeout = limits.dns_timeout
        self._allow_private_networks = allow_private_networks
        self._threads = ThreadPoolExecutor(_THREADS, thread_name_prefix="names")
        self._running: dict[tuple[str, int], asyncio.Future[Sequence[str]]] = {}
        self._kept: dict[tuple[str, int], _Known] = {}

    async def addresses(self, origin: Origin, deadline: float) -> Sequence[str]:
        """The addresses of an origin in the order to try them, all of them permitted.

        Raises `CallFailed`: FORBIDDEN_UPSTREAM where any one is forbidden (and the origin is
        not pinned), UPSTREAM_CONNECT where there is none, UPSTREAM_TIMEOUT.
        """
        numeric = ":" in origin.host or origin.host.rpartition(".")[2].isdigit()
        found = [origin.host] if numeric else await self._known(origin, deadline)
        if not found:
            raise Unreached(Code.UPSTREAM_CONNECT, "the host has no address")
        if not origin.pinned and any(self._forbidden(address, origin.port) for address in found):
            raise Unreached(
                Code.FORBIDDEN_UPSTREAM, "the host has an address that queries may not call"
            )
        return found

    def forget(self, origin: Origin) -> None:
        """Drops a name whose addresses could not be reached: the next call looks it up anew."""
        self._kept.pop((origin.host, origin.port), None)

    def failed(self, origin: Origin, address: str) -> None:
        """An address could not be reached: others are tried before it."""
        known = self._kept.get((origin.host, origin.port))
        if known is not None:
            known.failed(address)

    def close(self) -> None:
        """Ends the threads; look-ups in flight are left to end by themselves."""
        self._threads.shutdown(wait=False, cancel_futures=True)

    def _forbidden(self, address: str, port: int) -> bool:
        """An address that queries may not call, or this very server."""
        if forbidden(address, allow_private_networks=self._allow_private_networks):
            return True
        return self._own.reached_at(address, port)

    async def _known(self, origin: Origin, deadline: float) -> Sequence[str]:
        loop = asyncio.get_running_loop()
        key = (origin.host, origin.port)
        known = self._kept.get(key)
        if known is not None and loop.time() < known.until:
            return known.next()
        try:
            async with asyncio.timeout_at(min(deadline, loop.time() + self._timeout)):
                found = await asyncio.shield(self._flight(loop, key))
        except TimeoutError:
            raise Unreached(
                Code.UPSTREAM_TIMEOUT,
                "the look-up of the host's name took too long",
                retryable=True,
            ) from None
        except (OSError, UnicodeError):
            raise Unreached(
                Code.UPSTREAM_CONNECT, "the host's name cannot be resolved", retryable=True
            ) from None
        return self._keep(key, loop.time(), found) if found else found

    def _flight(
        self, loop: asyncio.AbstractEventLoop, key: tuple[str, int]
    ) -> asyncio.Future[Sequence[str]]:
        running = self._running.get(key)
        if running is None:
            running = loop.run_in_executor(self._threads, self._lookup, *key)
            self._running[key] = running
            running.add_done_callback(lambda _: self._running.pop(key, None))
        return running

    def _keep(self, key: tuple[str, int], now: float, found: Sequence[str]) -> Sequence[str]:
        known = self._kept.get(key)
        if known is not None and now < known.until:  # another caller of the look-up was first
            return known.next()
        if len(self._kept) >= _KEPT_NAMES:
            self._kept.pop(next(iter(self._kept)))
        preferred = ":" in found[0]
        turns = [address for address in found if (":" in address) is preferred]
        after = [address for address in found if (":" in address) is not preferred]
        known = self._kept[key] = _Known(now + _KEPT_SECONDS, turns, after)
        return known.next()
