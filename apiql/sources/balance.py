"""Calls of one upstream over its hosts. A host only replaces where the connection goes: what is
outside (keys of caches, errors, plans) knows the origin of the upstream's url.

A call whose request was never sent goes to another host at once, whatever its method: nothing was
done twice, so no retry is counted. So does a read whose connection ended without one byte of an
answer, but only to a host that is well: where all hosts do so, nothing is called twice.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from msgspec.structs import replace

from apiql.errors import CallFailed, Code
from apiql.sources.call import Call, Layer, Reply
from apiql.sources.hosts import Host, Hosts
from apiql.sources.limits import Unanswered, Unreached

Spread = Callable[[Call, list[Host]], Awaitable[Reply]]
"""Makes a call at another host than those listed, if there is one, and adds it to the list."""

_AGAINST = frozenset((Code.UPSTREAM_CONNECT, Code.UPSTREAM_TIMEOUT, Code.BAD_PAYLOAD))
_EARLY = 0.005
"""Timers of some loops count whole milliseconds and fire a little early."""


def balanced(hosts: Hosts, clock: Callable[[], float], usual: float) -> Spread:
    """Gives each call a host. The clock is that of the deadlines, `usual` the time in seconds that
    a call has where nobody says otherwise.
    """
    return _Balanced(hosts, clock, usual / 2).call_once


def layer_of(spread: Spread) -> Layer:
    """The layer of calls that have tried no host yet."""
    return lambda call: spread(call, [])


@dataclass(frozen=True, slots=True)
class _Balanced:
    hosts: Hosts
    clock: Callable[[], float]
    least: float

    async def call_once(self, call: Call, tried: list[Host]) -> Reply:
        host = self.hosts.choose(tried)
        tried.append(host)
        try:
            return await self._at(host, call)
        except (Unreached, Unanswered) as failed:
            other = self._instead(call, failed, tried)
            if other is None:
                raise
        tried.append(other)
        self.hosts.elsewhere += 1
        return await self._at(other, call)

    async def _at(self, host: Host, call: Call) -> Reply:
        host.busy += 1
        began = self.clock()
        try:
            reply = await host.layer(replace(call, origin=host.origin))
        except CallFailed as failed:
            if self._is_against(failed, call.deadline, began):
                self.hosts.failed(host, failed.message)
            raise
        finally:
            host.busy -= 1
        if reply.status >= 500:
            self.hosts.failed(host, f"status {reply.status}")
        elif host.failures:
            self.hosts.succeeded(host)
        return reply

    def _instead(self, call: Call, failed: CallFailed, tried: list[Host]) -> Host | None:
        """The host for a call that got no answer at its first one."""
        sent = isinstance(failed, Unanswered)
        if sent and (call.body is not None or call.method not in ("GET", "HEAD")):
            return None
        other = self.hosts.choose(tried)
        return None if other in tried or (sent and other.failures) else other

    def _is_against(self, failed: CallFailed, deadline: float, began: float) -> bool:
        """Whether a failure speaks against the host: not where the call waited in vain for a free
        connection, nor where it had too little time, so that no query can close a host for others.
        """
        if failed.code is not Code.UPSTREAM_TIMEOUT:
            return failed.code in _AGAINST
        if isinstance(failed, Unreached) and not failed.retryable:
            return False
        early = self.clock() < deadline - _EARLY
        return early or deadline - began >= self.least - _EARLY
