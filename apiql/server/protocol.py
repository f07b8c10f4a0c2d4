"""The connection of a client: uvicorn's httptools protocol with bounds for what clients may do.

One write for a small answer: its head waits for the body behind it, which saves a system call and
a packet. One timer for the rest of all connections instead of one for each answer; it also ends
connections on which a request never becomes complete, or an answer is never taken. What is refused
because of overload is refused here, before there is a task for it.
"""

from __future__ import annotations

import asyncio
from typing import Any

import httptools

from apiql.server import refusals
from apiql.server.admission import RETRY_AFTER
from apiql.server.corked import Corked
from apiql.server.door import DOOR, QUERIES, Door
from apiql.server.offering import Offering
from apiql.server.rests import Lateness, Rests

HEAD_TIME = 10.0
"""Seconds in which the headers of a request must be here."""
BODY_TIME = 10.0
"""Seconds that a request may leave its body unsent."""
SLOW, SLOWEST = 3.0, 1024
"""After so many seconds a body must have come with at least so many bytes a second."""
UNTAKEN = 30.0
"""Seconds in which a client must take something of an answer."""
BRAKE = 0.02
"""Seconds in which nothing is read of a client that asks again at once after it was refused."""
PIPELINED = 100
"""Requests that may wait behind the one that is being answered."""
FRAMES = 8
"""A body in chunks may take so many times its size on the wire."""


class Protocol(Offering):
    """A client's connection."""

    door: Door | None = None
    resting_since = 0.0
    let_in = heading = False
    unreadable = refusals.BROKEN
    size = unsent = hosts = 0
    unsent_since = refused_at = 0.0

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        door = self.door = self.app_state.get(DOOR)
        if door is not None:
            if door.connections >= door.most:
                return self._turn_away(transport, door)
            door.connections += 1
        self.let_in = True
        super().connection_made(Corked(transport))  # type: ignore[arg-type]
        self.resting_since = self.loop.time()
        self.waited = Lateness()
        if not hasattr(self.server_state, "rests"):
            self.server_state.rests = Rests(self.loop)  # type: ignore[attr-defined]
        self.server_state.rests.begin(self)  # type: ignore[attr-defined]

    def _turn_away(self, transport: asyncio.Transport, door: Door) -> None:
        door.turned_away += 1
        transport.write(b"".join(refusals.CROWDED))
        transport.close()

    def connection_lost(self, exc: Exception | None) -> None:
        if not self.let_in:
            return
        if self.door is not None:
            self.door.connections -= 1
        self.server_state.rests.end(self)  # type: ignore[attr-defined]
        super().connection_lost(exc)
        self.parser = self.cycle = None  # type: ignore[assignment]  # they hold this: free it now
        self.scope = {}  # type: ignore[typeddict-item]
        self.pipeline.clear()

    def data_received(self, data: bytes) -> None:
        """Bytes of the client; what is no HTTP is answered 400, and not logged."""
        try:
            self._feed(data)
        except httptools.HttpParserError:
            return self._end_with(self.unreadable)
        if self.heading:
            self._mind_size(len(data), 0, refusals.LARGE_HEAD)
        elif self.has_open_body:
            self._mind_size(len(data), FRAMES, refusals.LARGE_BODY)

    def _feed(self, data: bytes) -> None:
        """Who asks for another protocol is answered as if not; what follows are requests too."""
        while not self.transport.is_closing():
            try:
                return self.parser.feed_data(data)
            except httptools.HttpParserUpgrade as asked:
                data = data[asked.args[0] :]
                if not data:
                    return None

    def _mind_size(self, more: int, frames: int, too_large: tuple[bytes, bytes]) -> None:
        """Ends what goes on for ever: a head of one endless line, a body of empty chunks."""
        self.size += more
        door = self.door
        if door is None or self.size <= door.head_bytes + frames * door.body_bytes:
            return
        if self.is_resting and not self.heading:
            self.transport.close()  # its answer was given before
        else:
            self._end_with(too_large)

    def on_message_begin(self) -> None:
        """Its head is on its way."""
        self.heading = True
        self.size = self.hosts = 0
        super().on_message_begin()

    def on_header(self, name: bytes, value: bytes) -> None:
        """A header; what comes behind a body says nothing that is asked for."""
        if self.heading:
            self.hosts += len(name) == 4 and name.lower() == b"host"
            super().on_header(name, value)

    def on_headers_complete(self) -> None:
        """The request begins to be answered, unless there is no place for it. One for two hosts is
        for one of them by a proxy in front, and for the other one here (RFC 9112, 3.2).
        """
        if self.hosts > 1:
            raise ValueError("several Host headers")
        if self.parser.should_upgrade() and self._announces_body():
            self.unreadable = refusals.UPGRADING  # the parser passes the body by: it would be taken
            raise ValueError("a body behind an Upgrade")  # for the next request
        self.heading = False
        self.size = 0
        door = self.door
        if door is None:
            return super().on_headers_complete()
        if door.admission.is_shut() and self.is_resting and self.url.startswith(QUERIES):
            return self._refuse(door)
        super().on_headers_complete()
        if door.draining:
            self.cycle.keep_alive = False
        if len(self.pipeline) > PIPELINED:
            self.transport.abort()

    def _announces_body(self) -> bool:
        return any(
            name == b"transfer-encoding" or (name == b"content-length" and value.strip(b"0"))
            for name, value in self.headers
        )

    def _refuse(self, door: Door) -> None:
        door.admission.refused += 1
        self.cycle = refusals.ENDED  # type: ignore[assignment]
        if door.draining or not self.parser.should_keep_alive():
            return self._end_with(refusals.OVERLOADED_LAST)
        self._write(refusals.OVERLOADED)
        now = self.loop.time()
        if now - self.refused_at < RETRY_AFTER:
            self.flow.pause_reading()
            self.loop.call_later(BRAKE, self._read_on)
        self.resting_since = self.refused_at = now

    def _write(self, ready: tuple[bytes, bytes]) -> None:
        parts = [ready[0]]
        for name, value in self.server_state.default_headers:
            parts += (name, b": ", value, b"\r\n")
        self.transport.write(b"".join((*parts, ready[1])))

    def _end_with(self, ready: tuple[bytes, bytes]) -> None:
        """Answers and closes; what is being answered before it is ended first."""
        cycle: Any = self.cycle
        if self.transport.is_closing():
            return
        if self.is_resting:
            self._write(ready)
        elif self.heading or self.pipeline:
            cycle.keep_alive = False
            return self.flow.pause_reading()
        elif not cycle.response_started:
            cycle.response_started = cycle.response_complete = cycle.disconnected = True
            cycle.message_event.set()  # what the app still says goes nowhere
            self._write(ready)
        self.transport.close()

    def on_response_complete(self) -> None:
        """The next request may come. An answer to HEAD has no body to take its head along."""
        self.transport.release()  # type: ignore[attr-defined]
        if self.pipeline or self.transport.is_closing():
            super().on_response_complete()
            return
        self.server_state.total_requests += 1
        if not self.flow.write_paused:
            self.flow.resume_reading()
        self.resting_since = self.loop.time()

    def pause_writing(self) -> None:
        """Reads no more of a client that does not take its answers."""
        super().pause_writing()
        self.flow.pause_reading()

    def resume_writing(self) -> None:
        """Reads on."""
        super().resume_writing()
        self._read_on()

    def _read_on(self) -> None:
        if not (self.pipeline or self.flow.write_paused or self.transport.is_closing()):
            self.flow.resume_reading()

    @property
    def is_resting(self) -> bool:
        """Whether nobody is making an answer for this connection."""
        cycle: Any = self.cycle
        return cycle is None or cycle.response_complete

    @property
    def has_open_body(self) -> bool:
        """Whether more of a request's body is to come."""
        cycle: Any = self.cycle
        return cycle is not None and cycle.more_body is True

    def mind(self, now: float) -> None:
        """Ends the connection of a client that rests, sends or takes for too long."""
        unsent = self.transport.get_write_buffer_size()
        if unsent != self.unsent:
            self.unsent, self.unsent_since = unsent, now
        if unsent and now - self.unsent_since > UNTAKEN:
            self._count_late()
            self.transport.abort()
        elif not self.is_resting:
            if self._is_stalled(now):
                self._count_late()
                self._end_with(refusals.LATE_BODY)
        elif self.heading:
            if self.waited.of(self.scope, now) > HEAD_TIME:
                self._count_late()
                self._end_with(refusals.LATE_HEAD)
        elif now - self.resting_since > self.timeout_keep_alive:
            self.transport.close()

    def _is_stalled(self, now: float) -> bool:
        """Whether the body of a request has been awaited for too long, or comes too slowly. The
        route bounds the time from the first byte on; this bounds the wait for that one.
        """
        cycle: Any = self.cycle
        if not cycle.more_body or cycle.response_started or self.pipeline:
            return False
        awaited = self.waited.of(cycle, now)
        return awaited > BODY_TIME or (awaited > SLOW and self.size < SLOWEST * awaited)

    def _count_late(self) -> None:
        if self.door is not None:
            self.door.late += 1

    def close_after_answer(self) -> None:
        """The answer that is being made, if it has not begun, is the last one here."""
        cycle: Any = self.cycle
        if not self.is_resting and not cycle.response_started:
            cycle.keep_alive = False

    def shutdown(self) -> None:
        """Closes a connection that is silent; one that has begun to ask is answered first."""
        if not self.is_resting:
            self.cycle.keep_alive = False
        elif not self.heading and not self.transport.has_unread():  # type: ignore[attr-defined]
            self.transport.close()
