"""Who may hold a connection: slots per origin and in total, resting connections, the queue.

Knows connections only as things that rest, are quiet and can be aborted; opens none.

A slot is held by every connection that is open or being opened. A call that finds neither a
resting connection nor a free slot waits; whatever is given back goes to the call that waits
longest and can use it. A slot or connection granted to a call that has left meanwhile is passed
on, so no cancellation can leak one.
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from dataclasses import dataclass, field

from apiql.errors import Code
from apiql.sources.call import Origin
from apiql.sources.connection import Connection
from apiql.sources.limits import TransportLimits
from apiql.sources.refusals import Refused
from apiql.sources.request import opening

Grant = Connection | bool
"""A connection to use, True for a slot to open one in, False for neither in time."""


@dataclass(frozen=True, slots=True)
class Occupancy:
    """How one origin's connections stand: `open` counts resting, busy and opening ones."""

    open: int
    idle: int
    waiting: int


@dataclass(eq=False, slots=True)
class Lane:
    """All that belongs to one origin. `idle` is used from its end, `waiting` from its start."""

    origin: Origin
    opened: str
    slots: int = 0
    members: set[Connection] = field(default_factory=set)
    idle: dict[Connection, None] = field(default_factory=dict)
    waiting: OrderedDict[asyncio.Future[Grant], int] = field(default_factory=OrderedDict)


class Pool:
    """The lanes of a transport and the total of their slots."""

    def __init__(self, limits: TransportLimits) -> None:
        self._limits = limits
        self._lanes: dict[Origin, Lane] = {}
        self._slots = 0
        self._queue: dict[Lane, None] = {}
        self._tickets = 0
        self._closed = False

    def known(self, origin: Origin) -> Lane | None:
        """The lane of an origin that has one."""
        return self._lanes.get(origin)

    def lane(self, origin: Origin) -> Lane:
        """The lane of an origin; it lives as long as it holds a slot or a waiting call."""
        lane = self._lanes.get(origin)
        if lane is None:
            lane = self._lanes[origin] = Lane(origin, opening(origin.authority))
        return lane

    def occupancy(self) -> dict[Origin, Occupancy]:
        """A snapshot for metrics."""
        return {
            origin: Occupancy(lane.slots, len(lane.idle), len(lane.waiting))
            for origin, lane in self._lanes.items()
        }

    def resting(self, lane: Lane) -> Connection | None:
        """The connection used last among those that are still fit for use."""
        while lane.idle:
            connection, _ = lane.idle.popitem()
            if connection.quiet():
                return connection
            connection.abort()
        return None

    async def slot(self, lane: Lane, deadline: float) -> Connection | None:
        """Waits for a turn: None is the right to open a connection in a slot held from now on.

        Raises `CallFailed` UPSTREAM_TIMEOUT at the deadline.
        """
        if not self._closed and not lane.waiting and self._room(lane):
            self._occupy(lane)
            return None
        grant = False if self._closed else await self._turn(lane, deadline)
        if grant is False and self._closed:
            self._forget(lane)
            raise Refused(Code.UPSTREAM_CONNECT, "the transport is closed")
        if grant is False:
            raise Refused(Code.UPSTREAM_TIMEOUT, "waited for a free connection until the deadline")
        return None if grant is True else grant

    def adopt(self, lane: Lane, connection: Connection) -> None:
        """A connection was opened in a slot."""
        lane.members.add(connection)

    def vacate(self, lane: Lane) -> None:
        """A slot is free: no connection could be opened in it, or its connection is dead."""
        lane.slots -= 1
        self._slots -= 1
        self._grant_slots()
        self._forget(lane)

    def lost(self, lane: Lane, connection: Connection) -> None:
        """A connection is dead; those that were never adopted hold no slot of their own."""
        lane.idle.pop(connection, None)
        if connection in lane.members:
            lane.members.remove(connection)
            self.vacate(lane)

    def give_back(self, lane: Lane, connection: Connection) -> None:
        """An exchange is over, well or badly."""
        if not connection.rest():
            connection.abort()
            return
        if not self._queue:
            lane.idle[connection] = None
            return
        turn = self._next_in(lane) if self._oldest(lane) is lane else None
        if turn is not None:
            turn.set_result(connection)
            return
        lane.idle[connection] = None
        self._grant_slots()

    def replace(self, lane: Lane, connection: Connection) -> None:
        """Ends a connection and keeps its slot."""
        lane.idle.pop(connection, None)
        lane.members.discard(connection)
        connection.abort()

    def make_way(self, origin: Origin) -> None:
        """Frees a slot of this origin for a fresh connection, if one of its own rests."""
        lane = self._lanes.get(origin)
        if lane is not None and lane.idle:
            self._end_resting(lane)

    def close(self) -> None:
        """Ends all connections and all waiting; nothing can be claimed afterwards."""
        self._closed = True
        for lane in list(self._lanes.values()):
            while (turn := self._next_in(lane)) is not None:
                turn.set_result(False)
            for connection in list(lane.members):
                connection.abort()

    async def _turn(self, lane: Lane, deadline: float) -> Grant:
        loop = asyncio.get_running_loop()
        turn: asyncio.Future[Grant] = loop.create_future()
        self._tickets += 1
        lane.waiting[turn] = self._tickets
        self._queue[lane] = None
        timer = loop.call_at(deadline, self._give_up, lane, turn)
        try:
            return await turn
        except asyncio.CancelledError:
            self._pass_on(lane, turn)
            raise
        finally:
            timer.cancel()
            self._leave(lane, turn)

    def _pass_on(self, lane: Lane, turn: asyncio.Future[Grant]) -> None:
        """Its call was cancelled between being granted something and using it."""
        if turn.cancelled() or not turn.done():
            return
        grant = turn.result()
        if isinstance(grant, Connection):
            self.give_back(lane, grant)
        elif grant:
            self.vacate(lane)

    def _give_up(self, lane: Lane, turn: asyncio.Future[Grant]) -> None:
        if not turn.done():
            self._leave(lane, turn)
            turn.set_result(False)

    def _leave(self, lane: Lane, turn: asyncio.Future[Grant]) -> None:
        lane.waiting.pop(turn, None)
        if not lane.waiting:
            self._queue.pop(lane, None)
            self._forget(lane)

    def _next_in(self, lane: Lane) -> asyncio.Future[Grant] | None:
        """Takes the first turn out of the queue whose call has not been cancelled."""
        found = None
        while lane.waiting and found is None:
            turn, _ = lane.waiting.popitem(last=False)
            found = None if turn.done() else turn
        if not lane.waiting:
            self._queue.pop(lane, None)
        return found

    def _room(self, lane: Lane) -> bool:
        """Whether a slot is free for this lane, if need be by ending another's resting one."""
        if lane.slots >= self._limits.connections_per_origin:
            return False
        return self._slots < self._limits.connections or self._evict()

    def _evict(self) -> bool:
        for lane in self._lanes.values():
            if lane.idle:
                self._end_resting(lane)
                return True
        return False

    def _end_resting(self, lane: Lane) -> None:
        """Ends the connection that rests longest and frees its slot without granting it."""
        self.replace(lane, next(iter(lane.idle)))
        lane.slots -= 1
        self._slots -= 1
        self._forget(lane)

    def _occupy(self, lane: Lane) -> None:
        lane.slots += 1
        self._slots += 1

    def _oldest(self, ready: Lane | None) -> Lane | None:
        """The lane whose first call waits longest, of those that could use a slot, and `ready`."""
        limit = self._limits.connections_per_origin
        able = [lane for lane in self._queue if lane is ready or lane.slots < limit]
        return min(able, key=_first_ticket, default=None)

    def _grant_slots(self) -> None:
        while self._queue:
            lane = self._oldest(None)
            turn = self._next_in(lane) if lane is not None and self._room(lane) else None
            if lane is None or turn is None:
                return
            self._occupy(lane)
            turn.set_result(True)

    def _forget(self, lane: Lane) -> None:
        if not lane.slots and not lane.waiting and self._lanes.get(lane.origin) is lane:
            del self._lanes[lane.origin]


def _first_ticket(lane: Lane) -> int:
    return next(iter(lane.waiting.values()))
