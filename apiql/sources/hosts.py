"""The hosts of one upstream: which of them the next call goes to, and which are passed by.

Knows nothing of what a call is. A host takes as many calls at a time as its weight allows beside
the others; among hosts with equally many the turn goes round, by weight too. One that fails
several times in a row is passed by for a while, and comes back with one call; never are more than
half of the hosts passed by for that. Where all that are left are bad, all are used. Of a host with
a breaker that alone says when it is passed by.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass

from apiql.events import Figure, HostMoved, Told
from apiql.sources.call import Layer, Origin

IN_A_ROW = 5
"""Failures after which a host is passed by."""
SHORTEST, LONGEST = 10.0, 300.0
"""Seconds for which it is: so many times the shortest as it has failed so, up to the longest."""
_JITTER = 0.2
"""Part of that time by which it may be shorter, so that many processes do not come back at once."""
_ROUND = 1.0
"""Turns that a host may catch up after it had none."""


@dataclass(eq=False, slots=True)
class Host:
    """Where calls can go. `is_open` says that its breaker lets no call through."""

    origin: Origin
    layer: Layer
    weight: int = 1
    is_open: Callable[[], bool] | None = None
    room: float = 1.0
    """Calls at a time that count as one."""
    step: float = 1.0
    """What a call takes of its turn."""
    busy: int = 0
    turn: float = 0.0
    failures: int = 0
    """In a row."""
    ejections: int = 0
    until: float | None = None
    """When it may come back; None while it is not passed by."""
    back: float = 0.0
    healthy: bool = True
    """What its health checks say."""


class Hosts:
    """Chooses, and learns from how calls end. The clock counts seconds, `random` yields 0 to 1."""

    def __init__(
        self,
        name: str,
        hosts: Sequence[Host],
        *,
        clock: Callable[[], float],
        random: Callable[[], float],
        told: Told | None = None,
    ) -> None:
        self.name = name
        self.all = tuple(hosts)
        self._clock = clock
        self._random = random
        self._told = told
        self._turn = 0.0
        self._ejected = 0
        self.ejections = self.elsewhere = 0
        self._well: Sequence[Host] = self.all
        self._guarded = any(host.is_open for host in hosts)
        least = min(host.weight for host in hosts)
        for host in hosts:
            host.room = host.weight / least
            host.step = least / host.weight

    def choose(self, tried: Collection[Host] = ()) -> Host:
        """The host for a call, another than those already tried if there is one."""
        usable = self._well if not self._ejected else self._with_returning()
        if tried or self._guarded:
            usable = _other(usable, tried)
        best, least, first = usable[0], float("inf"), 0.0
        for host in usable:
            load = host.busy // host.room
            if load < least or (load == least and host.turn < first):
                best, least, first = host, load, host.turn
        turn = max(first, self._turn - _ROUND)
        best.turn = turn + best.step
        if turn > self._turn:
            self._turn = turn
        return best

    def succeeded(self, host: Host) -> None:
        """A call was answered."""
        host.failures = 0
        if host.until is not None:
            host.until = None
            host.back = self._clock()
            self._ejected -= 1
            self._tell(host, True, "it answered again")

    def failed(self, host: Host, why: str) -> None:
        """A call failed in a way that speaks against the host."""
        host.failures += 1
        if host.is_open is not None:
            return
        now = self._clock()
        if host.until is not None:
            if now >= host.until:
                self._eject(host, now, why)
        elif host.failures >= IN_A_ROW and self._ejected < len(self.all) // 2:
            if now - host.back > LONGEST:
                host.ejections = 0
            self._ejected += 1
            self._eject(host, now, why)

    def checked(self, host: Host, healthy: bool, why: str) -> None:
        """The health checks have found a host well or unwell."""
        if healthy is host.healthy:
            return
        host.healthy = healthy
        self._well = [host for host in self.all if host.healthy] or self.all
        self._tell(host, healthy, why)

    def figures(self) -> Iterable[Figure]:
        """How the hosts stand."""
        of = {"upstream": self.name}
        yield Figure("apiql_hosts", "Hosts of an upstream", len(self.all), of)
        well = sum(host.healthy and host.until is None and not _is_shut(host) for host in self.all)
        yield Figure("apiql_hosts_healthy", "Hosts that are not passed by", well, of)
        told = "Times that a host was passed by after failures in a row"
        yield Figure("apiql_host_ejections_total", told, self.ejections, of, counter=True)
        told = "Calls that went to another host because the first did not answer"
        yield Figure("apiql_host_failovers_total", told, self.elsewhere, of, counter=True)
        for host in self.all:
            labels = of | {"host": str(host.origin)}
            yield Figure("apiql_host_calls", "Calls under way at a host", host.busy, labels)

    def _with_returning(self) -> Sequence[Host]:
        """Those that are not passed by, and those whose time is over if they are at rest."""
        now = self._clock()
        usable = [
            host
            for host in self._well
            if host.until is None or (now >= host.until and not host.busy)
        ]
        return self._well if all(host.failures >= IN_A_ROW for host in usable) else usable

    def _eject(self, host: Host, now: float, why: str) -> None:
        host.ejections += 1
        self.ejections += 1
        length = min(SHORTEST * host.ejections, LONGEST) * (1 - _JITTER * self._random())
        host.until = now + length
        many = f"{host.failures} failures in a row"
        self._tell(host, False, f"{many}, the last: {why}; passed by for {length:.0f} s")

    def _tell(self, host: Host, healthy: bool, why: str) -> None:
        if self._told is not None:
            self._told(HostMoved(self.name, str(host.origin), healthy, why))


def _other(usable: Sequence[Host], tried: Collection[Host]) -> Sequence[Host]:
    """Without those tried, then without those whose breaker is open: as far as any are left."""
    untried = [host for host in usable if host not in tried] or usable
    return [host for host in untried if not _is_shut(host)] or untried


def _is_shut(host: Host) -> bool:
    return host.is_open is not None and host.is_open()
