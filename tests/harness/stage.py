"""An upstream without a network and time without a clock.

Every call is held until no task can make another one; then all that can end do, together. So the
recorded waves are what really ran side by side. Time stands still but for what the script says:
where everything in flight waits for time, it jumps to the next moment at which something ends.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass

from apiql.errors import CallFailed, Code
from apiql.sources.call import Call, Origin, Reply
from tests.harness.case_file import CaseFault
from tests.harness.script import Exchange, key_of

QUIET = 40
"""Rounds of the event loop without a new call after which none will come."""

Answering = Callable[[Call], Exchange]
"""Finds what answers a call; raises `CaseFault` where nothing does."""


@dataclass
class Flight:
    """A call that is in flight, and when it ends."""

    key: str
    call: Call
    exchange: Exchange
    due: float
    ended: asyncio.Future[Reply | CallFailed]


class Stage:
    """One run: the layer that answers its calls, its clock, and what happened."""

    def __init__(self, answering: Answering, home: Origin | None) -> None:
        self.now = 1000.0
        self.waves: list[list[str]] = []
        self.made: list[str] = []
        self.calls: list[Call] = []
        self.fault: CaseFault | None = None
        self._answering = answering
        self._home = home
        self._flying: list[Flight] = []
        self._quiet = 0
        self._watching = False

    def clock(self) -> float:
        """The virtual time, in seconds."""
        return self.now

    async def layer(self, call: Call) -> Reply:
        """Takes a call and holds it until the wave it belongs to is answered."""
        loop = asyncio.get_running_loop()
        exchange = self._found(call)
        key = key_of(call, self._home)
        due = float("inf") if exchange.outcome is None else self.now + exchange.delay
        flight = Flight(key, call, exchange, due, loop.create_future())
        self.made.append(key)
        self.calls.append(call)
        self._flying.append(flight)
        self._quiet = 0
        if not self._watching:
            self._watching = True
            loop.call_soon(self._watch, loop)
        try:
            outcome = await flight.ended
        finally:
            if flight in self._flying:
                self._flying.remove(flight)
        if isinstance(outcome, CallFailed):
            raise outcome
        return outcome

    def _found(self, call: Call) -> Exchange:
        try:
            return self._answering(call)
        except CaseFault as fault:
            self.fault = self.fault or fault
            raise CallFailed(Code.INTERNAL, "no line of the script answers this call") from None

    def _watch(self, loop: asyncio.AbstractEventLoop) -> None:
        """One round of the loop; after enough quiet ones the wave ends."""
        self._quiet += 1
        if self._quiet > QUIET:
            self._end_wave()
            self._quiet = 0
        self._watching = bool(self._flying)
        if self._watching:
            loop.call_soon(self._watch, loop)

    def _end_wave(self) -> None:
        free = [f for f in self._flying if f.exchange.once is None or f.exchange.once in self.made]
        if not free:
            self._give_up()
            return
        moment = min(min(f.due, f.call.deadline) for f in free)
        self.now = max(self.now, moment)
        self.waves.append(sorted(flight.key for flight in self._flying))
        for flight in free:
            if flight.due <= self.now and flight.due <= flight.call.deadline:
                outcome = flight.exchange.outcome
                assert outcome is not None
                self._end(flight, outcome)
            elif flight.call.deadline <= self.now:
                self._end(flight, CallFailed(Code.UPSTREAM_TIMEOUT, "no answer came"))

    def _give_up(self) -> None:
        waiting = ", ".join(f"{f.key} (until {f.exchange.once})" for f in self._flying)
        self.fault = self.fault or CaseFault(f"held for calls that never came: {waiting}")
        for flight in [*self._flying]:
            self._end(flight, CallFailed(Code.INTERNAL, "held for a call that never came"))

    def _end(self, flight: Flight, outcome: Reply | CallFailed) -> None:
        self._flying.remove(flight)
        if not flight.ended.done():
            flight.ended.set_result(outcome)


def by_script(script: list[Exchange], home: Origin | None) -> Answering:
    """Each line answers one call, the first that fits."""

    def answering(call: Call) -> Exchange:
        near = None
        for exchange in script:
            if exchange.used:
                continue
            difference = exchange.difference(call, home)
            if difference is None:
                exchange.used = True
                return exchange
            if exchange.key == key_of(call, home):
                near = near or difference
        raise CaseFault(f"an unscripted call: {key_of(call, home)}" + (f"; {near}" if near else ""))

    return answering
