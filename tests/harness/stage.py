"""An upstream without a network and time without a clock.

Every call is held until no task can make another one; then all that can end do, together. So the
recorded waves are what really ran side by side. Time stands still but for what the script and the
query say: where all that is under way waits for time, it jumps to the next moment at which a call
ends or a pause is over.
"""

from __future__ import annotations

import asyncio
import selectors
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from typing import Any, TypeVar

from apiql.errors import CallFailed, Code
from apiql.sources.call import Call, Origin, Reply
from tests.harness.case_file import CaseFault
from tests.harness.script import Exchange, key_of

QUIET = 40
"""Rounds of the event loop without a new call after which none will come."""

Answering = Callable[[Call], Exchange]
"""Finds what answers a call; raises `CaseFault` where nothing does."""
T = TypeVar("T")


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
        self._timer: asyncio.TimerHandle | None = None

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        """Runs to its end what makes calls; pauses take no time but the stage's."""
        with asyncio.Runner(loop_factory=lambda: _Loop(self)) as runner:
            return runner.run(work)

    def clock(self) -> float:
        """The virtual time, in seconds."""
        return self.now

    def passes(self, seconds: float) -> None:
        """Lets time pass between two runs."""
        self.now += seconds

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
        self._begin_to_watch(loop)
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

    def _begin_to_watch(self, loop: asyncio.AbstractEventLoop) -> None:
        self._quiet = 0
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if not self._watching:
            self._watching = True
            loop.call_soon(self._watch, loop)

    def _watch(self, loop: asyncio.AbstractEventLoop) -> None:
        """One round of the loop; after enough quiet ones the wave ends at its moment."""
        self._quiet += 1
        self._watching = bool(self._flying) and self._quiet <= QUIET
        if self._watching:
            loop.call_soon(self._watch, loop)
        elif self._flying:
            moment = self._moment()
            self._timer = loop.call_at(moment or self.now, self._end_wave, loop)

    def _free(self) -> list[Flight]:
        """What does not wait for a call that was not made yet."""
        return [f for f in self._flying if f.exchange.once is None or f.exchange.once in self.made]

    def _moment(self) -> float | None:
        """When the next of what is free ends; None where nothing is."""
        return min((min(f.due, f.call.deadline) for f in self._free()), default=None)

    def _end_wave(self, loop: asyncio.AbstractEventLoop) -> None:
        self._timer = None
        if not self._flying:
            return
        moment = self._moment()
        if moment is None:
            self._give_up()
            return
        self.now = max(self.now, moment)
        self.waves.append(sorted(flight.key for flight in self._flying))
        for flight in self._free():
            if flight.due <= self.now and flight.due <= flight.call.deadline:
                outcome = flight.exchange.outcome
                assert outcome is not None
                self._end(flight, outcome)
            elif flight.call.deadline <= self.now:
                self._end(flight, CallFailed(Code.UPSTREAM_TIMEOUT, "no answer came"))
        self._begin_to_watch(loop)

    def _give_up(self) -> None:
        waiting = ", ".join(f"{f.key} (until {f.exchange.once})" for f in self._flying)
        self.fault = self.fault or CaseFault(f"held for calls that never came: {waiting}")
        for flight in [*self._flying]:
            self._end(flight, CallFailed(Code.INTERNAL, "held for a call that never came"))

    def _end(self, flight: Flight, outcome: Reply | CallFailed) -> None:
        self._flying.remove(flight)
        if not flight.ended.done():
            flight.ended.set_result(outcome)


class _Loop(asyncio.SelectorEventLoop):
    """An event loop that lives in the time of a stage: instead of waiting it passes."""

    def __init__(self, stage: Stage) -> None:
        self._stage = stage
        super().__init__(_NoWaiting(stage))

    def time(self) -> float:
        """The time of the stage."""
        return self._stage.now


class _NoWaiting(selectors.DefaultSelector):
    """What an event loop waits with; where the next thing is a moment, it is now."""

    def __init__(self, stage: Stage) -> None:
        super().__init__()
        self._stage = stage

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        """Nothing comes from outside."""
        if timeout is None:
            raise CaseFault("everything waits, and nothing is under way")
        self._stage.now += max(0.0, timeout)
        return super().select(0)


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
