"""Health checks: each host is read again and again, and what that tells decides whether calls pass
it by. Knows nothing of the calls themselves.

The first check alone decides, so that a process that has just begun, or has new settings, knows
within one check what the one before it knew. After that so many results in a row are wanted.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

from apiql.errors import CallFailed
from apiql.settings import Health
from apiql.sources.call import Call, Headers, Layer
from apiql.sources.hosts import Host, Hosts

_JITTER = 0.2
"""Part of the time between two checks by which it may be shorter."""


@dataclass(frozen=True, slots=True)
class Probe:
    """One host to check, by this layer: past breakers and limits, which are for calls."""

    host: Host
    layer: Layer


@dataclass(slots=True)
class Standing:
    """How a host stands by its checks: results that say otherwise are counted in a row."""

    fails: int
    passes: int
    healthy: bool = True
    known: bool = False
    otherwise: int = 0

    def after(self, good: bool) -> bool:
        """Whether the host is well after one more check."""
        if good is self.healthy:
            self.otherwise = 0
        else:
            self.otherwise += 1
            if not self.known or self.otherwise >= (self.passes if good else self.fails):
                self.healthy, self.otherwise = good, 0
        self.known = True
        return self.healthy


@dataclass(slots=True)
class Checks:
    """The checks of one upstream, a task for each host between `begin` and `aclose`."""

    hosts: Hosts
    probes: tuple[Probe, ...]
    settings: Health
    headers: Headers
    random: Callable[[], float]
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep
    _tasks: list[asyncio.Task[None]] | None = field(default=None, init=False)

    def begin(self) -> None:
        """Starts checking, the first time it is called."""
        if self._tasks is None:
            self._tasks = [asyncio.create_task(self._watch(probe)) for probe in self.probes]

    async def aclose(self) -> None:
        """Ends all checks, and lets none begin."""
        tasks, self._tasks = self._tasks or [], []
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _watch(self, probe: Probe) -> None:
        settings = self.settings
        standing = Standing(settings.fails, settings.passes)
        while True:
            wrong = await self._wrong(probe)
            healthy = standing.after(wrong is None)
            why = f"its health check failed: {wrong}" if wrong else "its health checks pass"
            self.hosts.checked(probe.host, healthy, why)
            await self.sleep(settings.every * (1 - _JITTER * self.random()))

    async def _wrong(self, probe: Probe) -> str | None:
        """What one check finds wrong."""
        deadline = asyncio.get_running_loop().time() + self.settings.timeout
        origin = probe.host.origin
        call = Call("GET", origin, self.settings.path, self.headers, None, deadline)
        try:
            reply = await probe.layer(call)
        except CallFailed as failed:
            return failed.message
        return None if 200 <= reply.status < 300 else f"status {reply.status}"
